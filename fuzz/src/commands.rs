//! What the command does with a twin whose files were changed behind their
//! checksums: it reports, prints or refuses, under both backends, and the JSON
//! beside the twin stays as it was.

use std::{fs, path::Path};

use twinstore::{
    StorageContext,
    bytes::Backend,
    container::{FileKind, OpenOptions, record},
    convert::{
        SalvageOptions, Silent, UnpackOptions, VerifyOptions, info, salvage, status, unpack, verify,
    },
    persist_dir::{Fingerprint, Manifest, Packed, SegmentName, SegmentRef, Store, StoreKind, TWIN},
};

use super::{
    bases::bases_of,
    choices::Choices,
    reading::{changed, files_of, hash_of, is_file, kind_of, unpacked_len_of},
    scratch, stacked,
};

/// Blocks are unpacked where they hold no more than this.
const PACKED: u64 = 16 << 10;
/// What a store may have as its only file.
const SEGMENTS: [FileKind; 3] = [FileKind::Vectors, FileKind::Records, FileKind::Verbatim];
const STORE: &str = "default__vector_store.json";
const TEXT: &[u8] = b"{\"embedding_dict\": {}}";

/// Takes `data` as changes to a store's files; as one file where it begins as all
/// of ours do.
pub fn run(data: &[u8]) {
    if is_file(data) {
        let kind = kind_of(data).filter(|kind| SEGMENTS.contains(kind));
        if let Some(kind) = kind {
            for bytes in files_of(data, kind) {
                in_twin(&[(kind, bytes)]);
            }
        }
        return;
    }
    let mut choices = Choices::new(data);
    let files = match choices.of(5) {
        0 => one(&mut choices, FileKind::Vectors),
        1 => one(&mut choices, FileKind::Records),
        2 => one(&mut choices, FileKind::Verbatim),
        3 => stacked::changed(&mut choices, stacked::vectors(), true),
        _ => stacked::changed(&mut choices, stacked::documents(), true),
    };
    in_twin(&files);
}

fn one(choices: &mut Choices<'_>, kind: FileKind) -> Vec<(FileKind, Vec<u8>)> {
    vec![(kind, changed(choices, bases_of(kind)).assemble().0)]
}

/// A twin of one store, which has these files, in the order of a manifest.
fn in_twin(files: &[(FileKind, Vec<u8>)]) {
    let dir = scratch::scratch("commands");
    let twin = dir.join(TWIN);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&twin).unwrap();
    let mut store = Store {
        file: STORE.to_owned(),
        kind: StoreKind::VectorStore,
        changed: 1,
        packed: Some(Packed {
            generation: 1,
            text: Fingerprint::of_bytes(TEXT),
            is_json: true,
        }),
        segments: Vec::new(),
        verbatim: None,
    };
    let mut is_small = true;
    for (n, (kind, bytes)) in files.iter().enumerate() {
        let prefix = match kind {
            FileKind::Vectors => "vec",
            FileKind::Records => "rec",
            FileKind::Tombstones => "del",
            _ => "raw",
        };
        let name = SegmentName::parse(&format!("{prefix}-{n:016x}.seg")).unwrap();
        let path = name.path_in(&twin);
        fs::write(&path, bytes).unwrap();
        is_small &= unpacked_len_of(&path, *kind) <= PACKED;
        let segment = SegmentRef {
            name,
            length: bytes.len() as u64,
            root: root_of(bytes),
        };
        match kind {
            FileKind::Verbatim => store.verbatim = Some(segment),
            _ => store.segments.push(segment),
        }
    }
    let manifest = Manifest {
        generation: 1,
        parent: 0,
        writer: "fuzz".to_owned(),
        created_ms: 1,
        stores: vec![store],
    };
    let path = twin.join("manifest-0000000001");
    record::write(&path, FileKind::Manifest, &manifest).unwrap();
    fs::write(dir.join(STORE), TEXT).unwrap();
    let _ = status(&dir);
    let [mapped, read] = [Backend::Map, Backend::Read].map(|backend| {
        let open = OpenOptions {
            backend,
            ..OpenOptions::default()
        };
        looked_at(&open, is_small)
    });
    assert_eq!(mapped, read, "the backends disagree");
    let dir = scratch::scratch("commands");
    assert_eq!(fs::read(dir.join(STORE)).unwrap(), TEXT);
}

/// The root as the last bytes of the file say it.
fn root_of(bytes: &[u8]) -> [u8; 16] {
    let root = bytes
        .len()
        .checked_sub(32)
        .and_then(|at| bytes.get(at..at + 16));
    root.map_or([0; 16], |root| root.try_into().unwrap())
}

/// What was written for the store.
fn text_of(out: &Path) -> String {
    let text = fs::read(out.join(STORE));
    text.map_or_else(|_| "nothing".to_owned(), |text| hash_of(&text))
}

/// What all the commands say and write, in words.
fn looked_at(open: &OpenOptions, is_small: bool) -> Vec<String> {
    let dir = scratch::scratch("commands");
    let mut log = vec![format!("{:?}", info(&dir, None, open))];
    if !is_small {
        return log;
    }
    let deep = VerifyOptions {
        deep: true,
        open: *open,
        ..VerifyOptions::default()
    };
    log.push(format!("{:?}", verify(&dir, &deep, &Silent)));
    if let Ok(context) = StorageContext::open(&dir, open) {
        let opened = context.vector_store("default").map(|store| store.len());
        log.push(format!("{opened:?}"));
    }
    let out = scratch::scratch("out");
    let _ = fs::remove_dir_all(&out);
    let to = UnpackOptions {
        out: Some(out.clone()),
        open: *open,
        ..UnpackOptions::default()
    };
    log.push(format!("{:?}", unpack(&dir, &to, &Silent)));
    log.push(text_of(&out));
    let _ = fs::remove_dir_all(&out);
    let options = SalvageOptions {
        open: *open,
        ..SalvageOptions::default()
    };
    log.push(format!("{:?}", salvage(&dir, &out, &options, &Silent)));
    log.push(text_of(&out));
    let _ = fs::remove_dir_all(&out);
    log
}
