//! A bit flipped, a copy was rounded up to blocks of a disk, the first sector is gone: the
//! file is damaged, and what it was follows from the rest. `salvage` sets it right, says so,
//! and believes no guess that nothing proves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;
#[path = "common/salvaging.rs"]
mod salvaging;

use std::fs;

use common::{DOCUMENTS, Storage, VECTORS, document_store};
use salvaging::{big_documents, big_vectors, salvaged, section, segment, store_of, try_salvage};
use twinstore::bytes::Backend;

const INDEX: &str = "index_store.json";

#[test]
fn what_is_set_right_is_told() {
    let storage = Storage::with([(DOCUMENTS, &big_documents(300))]);
    storage.pack();
    let path = segment(&storage, DOCUMENTS);
    let mut bytes = fs::read(&path).unwrap();
    bytes[..64].fill(0);
    for kind in [b"BLKS", b"META"] {
        let at = section(&bytes, kind).start + 3;
        bytes[at] ^= 4;
    }
    fs::write(path, bytes).unwrap();
    let out = storage.beside("out");
    storage
        .run("salvage", &["--out", out.to_str().unwrap()])
        .ends_with(0)
        .prints(["whole", "set right in rec-", ": header, 2 bits"]);
    let (report, files) = salvaged(&storage);
    assert!(files[DOCUMENTS] == big_documents(300).as_bytes());
    let [file] = store_of(&report, DOCUMENTS).set_right.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((&*file.parts, file.bits), (&["header"][..], 2));
}

/// A bit is a guess; where another block is damaged beyond it, nothing proves it.
#[test]
fn what_is_not_proved_is_not_believed() {
    let storage = Storage::with([(DOCUMENTS, &big_documents(300))]);
    storage.pack();
    let path = segment(&storage, DOCUMENTS);
    let mut bytes = fs::read(&path).unwrap();
    let blocks = section(&bytes, b"BLKS");
    bytes[blocks.start + 100] ^= 4;
    bytes[blocks.end - 100] ^= 0xFF;
    fs::write(path, bytes).unwrap();
    let (report, _) = salvaged(&storage);
    let store = store_of(&report, DOCUMENTS);
    assert_eq!((store.lost.len(), store.set_right.len()), (2, 0));
}

/// Somebody copied it in blocks of a disk, or not to its end.
#[test]
fn a_file_that_has_become_longer_or_lost_its_last_bytes_is_whole() {
    let storage = Storage::with([
        (DOCUMENTS, &*big_documents(300)),
        (VECTORS, &*big_vectors(400)),
    ]);
    storage.pack();
    for file in [DOCUMENTS, VECTORS] {
        let path = segment(&storage, file);
        let sound = fs::read(&path).unwrap();
        let longer = [sound.as_slice(), &[0; 512]].concat();
        for bytes in [
            &longer,
            &sound[..sound.len() - 64],
            &longer[..sound.len() + 1],
        ] {
            fs::write(&path, bytes).unwrap();
            let (report, files) = salvaged(&storage);
            assert!(report.is_whole(), "{report:?}");
            assert!(files[file] == fs::read(storage.dir().join(file)).unwrap());
            let set_right = &store_of(&report, file).set_right[0];
            assert!(set_right.parts.contains(&"length"), "{set_right:?}");
        }
        fs::write(&path, &sound).unwrap();
    }
}

/// The JSON is gone, there is one generation, and nothing else knows which file is which.
#[test]
fn a_bit_of_the_only_manifest_costs_nothing() {
    let all = Storage::with([
        (DOCUMENTS, &document_store("text")),
        (INDEX, &document_store("x")),
    ]);
    all.pack();
    let texts = salvaged(&all).1;
    for file in [DOCUMENTS, INDEX] {
        fs::remove_file(all.dir().join(file)).unwrap();
    }
    let path = all.twin().join("manifest-0000000001");
    let sound = fs::read(&path).unwrap();
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        let (report, files) = salvaged(&all);
        assert!(report.is_whole() && files == texts, "byte {at}: {report:?}");
        assert!(report.damaged_generations.is_empty(), "byte {at}");
        let right = report.set_right.unwrap();
        assert_eq!(right.segment, "manifest-0000000001");
        assert!(
            right.bits == 1 || right.parts.len() == 1,
            "byte {at}: {right:?}"
        );
    }
    fs::write(&path, [&sound[..sound.len() - 64], &[0; 64]].concat()).unwrap();
    let out = all.beside("out");
    all.run(
        "salvage",
        &["--out", out.to_str().unwrap(), "--generation", "1"],
    )
    .ends_with(0)
    .prints(["set right in manifest-0000000001: trailer"]);
    // More than that is not to be told.
    let mut bytes = sound.clone();
    bytes[100] ^= 0xFF;
    fs::write(&path, bytes).unwrap();
    assert!(try_salvage(&all, Backend::Read).is_err());
}
