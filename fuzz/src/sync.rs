//! The record of the JSON files: whatever it says, it is a memory and no truth.
//! The state of a store is one of those there are, reading the twin does not
//! change, and no JSON file is touched.

use std::{fs, path::Path};

use twinstore::{
    StorageContext,
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions, Verify},
    convert::{PackOptions, Silent, info, pack, status},
    persist_dir::{Snapshot, SyncFile, TWIN, is_store_file, state},
};

use super::{reading::files_of, scratch};

/// The store's file, as the golden record has it.
const FILE: &str = "default__vector_store.json";
const TEXT: &[u8] =
    br#"{"embedding_dict": {"a": [0.5]}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}"#;

/// Takes `data` as the file, or as changes to one.
pub fn run(data: &[u8]) {
    let dir = scratch::scratch("synced");
    let twin = dir.join(TWIN);
    if !dir.is_dir() {
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(FILE), TEXT).unwrap();
        pack(&dir, &PackOptions::default(), &Silent).unwrap();
    }
    for bytes in files_of(data, FileKind::Sync) {
        fs::write(twin.join("sync"), bytes).unwrap();
        read(&dir);
    }
}

fn read(dir: &Path) {
    let twin = dir.join(TWIN);
    let path = twin.join("sync");
    let decoded = [Backend::Map, Backend::Read].map(|backend| {
        let verify = Verify::Eager;
        let options = OpenOptions { backend, verify };
        let file = Container::open(&path, FileKind::Sync, Expected::Any, &options)?;
        file.metadata::<SyncFile>()
    });
    let words = decoded.map(|result| format!("{result:?}"));
    assert_eq!(words[0], words[1], "the backends disagree");
    let (sync, error) = SyncFile::load(&twin);
    if error.is_some() {
        // What cannot be read is as if it were not there.
        assert!(sync.is_empty());
    } else {
        assert_eq!(words[0], format!("Ok({sync:?})"));
    }
    judged(dir, &sync);
    assert_eq!(fs::read(dir.join(FILE)).unwrap(), TEXT);
}

fn judged(dir: &Path, sync: &SyncFile) {
    for name in ["../x.json", "a/b.json", "twin", ""] {
        assert!(!is_store_file(name) && sync.entry(name).is_none(), "{name}");
    }
    let options = OpenOptions::default();
    let twin = Snapshot::open(dir, None, &options).unwrap();
    for store in twin.stores() {
        let found = state(dir, store.record(), sync).unwrap();
        let told = status(dir).unwrap();
        let told = told.stores.iter().find(|s| s.file == FILE).unwrap();
        assert_eq!(told.state, found.to_string());
    }
    info(dir, None, &options).unwrap();
    if let Ok(context) = StorageContext::from_persist_dir(dir) {
        let vectors = context.vector_store("default").unwrap();
        assert_eq!(vectors.get(b"a").unwrap(), Some(vec![0.5]));
    }
}
