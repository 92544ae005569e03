//! Whole persist dirs: whatever is in the files, packing succeeds, the twin
//! verifies, and unpacking gives the same bytes.
//!
//! The first byte says how the rest becomes files. Raw mode takes it as the
//! content of one or two of LlamaIndex's files. Built mode reads choices from
//! it and writes the text of a store, so that a few bytes reach the row
//! classes, columns, orders, hashes, JSON in strings and oddments that random
//! text never would.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use twinstore::{
    container::{FileKind, OpenOptions},
    convert::{PackOptions, Silent, UnpackOptions, VerifyOptions, pack, status, unpack, verify},
    persist_dir::{OpenStore, Snapshot},
    segment::{RecordSegment, VectorSegment},
    store::RecordStore,
};

use super::{choices::Choices, documents, scratch::temp_dir, stores};

const NAMES: [&str; 8] = [
    "default__vector_store.json",
    "docstore.json",
    "vector_store.json",
    "index_store.json",
    "graph_store.json",
    "property_graph_store.json",
    "notes.json",
    "image__vector_store.json",
];

type Files = BTreeMap<&'static str, Vec<u8>>;

/// Takes `data` as a persist dir.
pub fn run(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else {
        return;
    };
    let mut files = Files::new();
    let mut changed = None;
    if mode & 1 == 0 {
        let name = usize::from(mode >> 1);
        let (first, second) = match (mode & 0x80 != 0, rest.split_first()) {
            (true, Some((&at, rest))) => rest.split_at(usize::from(at).min(rest.len())),
            _ => (rest, &[][..]),
        };
        files.insert(NAMES[name % 8], first.to_vec());
        if mode & 0x80 != 0 {
            files.insert(NAMES[(name >> 3) % 8], second.to_vec());
        }
    } else {
        let mut choices = Choices::new(rest);
        let mut made = || match mode & 8 {
            0 => (NAMES[0], stores::text(&mut choices)),
            _ => documents::file(&mut choices),
        };
        files.extend([made()]);
        if mode & 2 != 0 {
            changed = Some(made());
        }
    }
    let temp = temp_dir();
    let dir = temp.path().join("storage");
    fs::create_dir(&dir).unwrap();
    write(&dir, &files, 0);
    check(temp.path(), &dir, &files);
    if let Some(changed) = changed {
        files.extend([changed]);
        write(&dir, &files, 10);
        check(temp.path(), &dir, &files);
    }
    if mode & 4 != 0 {
        drop_and_restore(&dir, &files);
    }
}

/// Writes files with an old time: packing a file that was written just now
/// waits for the clock to tick.
fn write(dir: &Path, files: &Files, seconds: u64) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        let time = UNIX_EPOCH + Duration::from_millis(1_600_000_000_500 + seconds * 1000);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
    }
}

fn check(temp: &Path, dir: &Path, files: &Files) {
    let options = PackOptions {
        all: true,
        prefer_json: true,
        ..PackOptions::default()
    };
    let report = pack(dir, &options, &Silent).unwrap();
    assert_eq!(report.stores.len(), files.len());
    let open = OpenOptions::default();
    let deep = VerifyOptions {
        deep: true,
        open,
        ..VerifyOptions::default()
    };
    assert!(verify(dir, &deep, &Silent).unwrap().problems.is_empty());
    assert!(status(dir).unwrap().is_settled());

    let out = temp.join("out");
    let to = UnpackOptions {
        out: Some(out.clone()),
        ..UnpackOptions::default()
    };
    unpack(dir, &to, &Silent).unwrap();
    same(&out, files);
    fs::remove_dir_all(&out).unwrap();
    same(dir, files);
    let again = PackOptions {
        all: true,
        ..PackOptions::default()
    };
    assert!(!pack(dir, &again, &Silent).unwrap().committed);
    read_rows(dir, &open);
}

fn same(dir: &Path, files: &Files) {
    for (name, text) in files {
        let found = fs::read(dir.join(name)).unwrap();
        assert!(found == *text, "{name} comes back with other bytes");
    }
}

fn read_records(store: &OpenStore<'_>) {
    let records = RecordStore::open(store.segments().unwrap()).unwrap();
    for path in records.all_collections() {
        let mut keys = Vec::new();
        let mut each = |key: &[u8]| {
            keys.push(key.to_vec());
            Ok(())
        };
        records.each_key(&path, &mut each).unwrap();
        let len = records.len(&path).unwrap();
        assert!(keys.is_empty() || keys.len() as u64 == len);
        for key in keys.iter().take(100) {
            assert!(records.get(&path, key).unwrap().is_some());
        }
        assert_eq!(records.get(&path, b"no such key").unwrap(), None);
    }
}

/// Everything that a program can ask of a store.
fn read_rows(dir: &Path, open: &OpenOptions) {
    let twin = Snapshot::open(dir, None, open).unwrap();
    for store in twin.stores() {
        for segment in store.segments().unwrap() {
            if segment.kind() == FileKind::Records {
                RecordSegment::open(segment)
                    .unwrap()
                    .check_structure()
                    .unwrap();
                read_records(&store);
                continue;
            }
            let rows = VectorSegment::open(segment).unwrap();
            rows.check_structure().unwrap();
            rows.irregular().unwrap();
            rows.metadata_keys().unwrap();
            for row in 0..rows.rows() {
                let id = rows.id(row).unwrap();
                assert_eq!(rows.row_of(&id).unwrap(), Some(row));
                rows.metadata(row).unwrap();
                rows.ref_doc(row).unwrap();
                let vector = rows.get(&id).unwrap();
                assert_eq!(vector.is_some(), row < rows.vectors());
                if let Some(vector) = vector {
                    let nearest = rows.nearest(row).unwrap();
                    for (value, nearest) in vector.iter().zip(nearest) {
                        let same = (*value as f32).to_bits() == nearest.to_bits();
                        assert!(same || value.is_nan(), "{value:?} {nearest:?}");
                    }
                    rows.norm(row).unwrap();
                }
            }
            assert_eq!(rows.row_of(b"no such id").unwrap(), None);
        }
    }
}

fn drop_and_restore(dir: &Path, files: &Files) {
    let options = PackOptions {
        all: true,
        drop_json: true,
        ..PackOptions::default()
    };
    for name in pack(dir, &options, &Silent).unwrap().dropped {
        assert!(!dir.join(name).exists());
    }
    unpack(dir, &UnpackOptions::default(), &Silent).unwrap();
    same(dir, files);
}
