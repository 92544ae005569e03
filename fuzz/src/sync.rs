//! The record of the JSON files: whatever it says, it is a memory and no truth.
//! The state of a store is one of those there are, reading the twin does not
//! change, and no JSON file is touched. It cannot make another text that of the
//! store, nor an older generation the newest.

use std::{fs, path::Path};

use twinstore::{
    Error, StorageContext,
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions, Verify},
    convert::{PackOptions, Silent, info, pack, status},
    persist_dir::{Seen, Snapshot, State, SyncFile, TWIN, is_store_file, state},
};

use super::{reading::files_of, scratch};

/// The store's file, as the golden record has it.
const FILE: &str = "default__vector_store.json";
const TEXT: &[u8] =
    br#"{"embedding_dict": {"a": [0.5]}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}"#;

/// Another text, which the record may tell of.
const OTHER: &[u8] =
    br#"{"embedding_dict": {"a": [1.5]}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}"#;

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
    vouches_for_nothing_else(dir, sync);
}

/// Where the file holds another text, no record makes it the store's.
fn vouches_for_nothing_else(dir: &Path, mut sync: SyncFile) {
    let path = dir.join(FILE);
    fs::write(&path, OTHER).unwrap();
    let seen = Seen::read(&path).unwrap();
    let twin = Snapshot::open(dir, Some(1), &OpenOptions::default()).unwrap();
    for store in twin.stores() {
        for recorded in [false, true] {
            if recorded {
                sync.record(FILE, seen.stat, seen.fingerprint, store.record().changed);
            }
            let found = state(dir, store.record(), &sync).unwrap();
            assert!(
                !matches!(found, State::InSync | State::Touched),
                "{found} by {sync:?}"
            );
        }
    }
    fs::write(&path, TEXT).unwrap();
}

fn judged(dir: &Path, sync: &SyncFile) {
    for name in ["../x.json", "a/b.json", "twin", ""] {
        assert!(!is_store_file(name) && sync.entry(name).is_none(), "{name}");
    }
    let options = OpenOptions::default();
    let twin = match Snapshot::open(dir, None, &options) {
        Err(Error::LostGeneration { generation, .. }) => {
            assert!(generation == sync.generation && generation > 1);
            return;
        }
        other => other.unwrap(),
    };
    assert!(sync.generation <= 1);
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
