//! One file of a twin is damaged. The user has a backup of that one store
//! somewhere, or can compute it again, but the others are needed now. If one
//! bad sector made the whole directory unreadable, a small loss would be a
//! total one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{DOCUMENTS, Run, Storage, VECTORS, document_store, twinstore, vector_store};
use twinstore::{
    Error,
    convert::{PackOptions, UnpackOptions},
};

const OTHER: &str = "image__vector_store.json";

/// Three stores without JSON, one of whose segments has a flipped bit.
/// Returns the damaged file's name.
fn with_damage_in(store: &str) -> (Storage, String) {
    let storage = Storage::with([
        (VECTORS, &vector_store("a", 4)),
        (OTHER, &vector_store("b", 5)),
        (DOCUMENTS, &document_store("a text")),
    ]);
    storage.pack_with(PackOptions {
        drop_json: true,
        ..PackOptions::default()
    });
    let info = storage.info();
    let segment = &info
        .stores
        .iter()
        .find(|s| s.file == store)
        .unwrap()
        .segments[0];
    let path = storage.twin().join(segment);
    let mut bytes = fs::read(&path).unwrap();
    bytes[64] ^= 1;
    fs::write(path, bytes).unwrap();
    (storage, segment.clone())
}

fn expected(store: &str) -> String {
    match store {
        VECTORS => vector_store("a", 4),
        OTHER => vector_store("b", 5),
        _ => document_store("a text"),
    }
}

#[test]
fn every_other_store_unpacks() {
    for damaged in [VECTORS, OTHER, DOCUMENTS] {
        let (storage, segment) = with_damage_in(damaged);
        for store in [VECTORS, OTHER, DOCUMENTS] {
            let options = UnpackOptions {
                store: Some(store.to_owned()),
                ..UnpackOptions::default()
            };
            let result = storage.try_unpack(options);
            if store == damaged {
                let error = result.unwrap_err();
                assert!(error.is_damage(), "{error}");
                assert!(error.to_string().contains(&segment), "{error}");
                assert!(!storage.exists(store), "a damaged store was printed");
            } else {
                assert_eq!(result.unwrap().files.len(), 1);
                assert_eq!(storage.read(store), expected(store).into_bytes());
            }
        }
    }
}

/// By the name a user would use, too.
/// All at once, too: the error comes when the others are written.
#[test]
fn what_is_sound_is_written_before_the_error() {
    for damaged in [VECTORS, OTHER, DOCUMENTS] {
        let (storage, segment) = with_damage_in(damaged);
        let error = storage.try_unpack(UnpackOptions::default()).unwrap_err();
        assert!(error.to_string().contains(&segment), "{error}");
        for store in [VECTORS, OTHER, DOCUMENTS] {
            assert_eq!(storage.exists(store), store != damaged);
        }
        let status = storage.status();
        let sound = status.stores.iter().filter(|s| s.file != damaged);
        assert!(sound.clone().all(|s| s.state == "in sync"), "{status:?}");
    }
}

#[test]
fn the_command_takes_a_namespace() {
    let (storage, segment) = with_damage_in(DOCUMENTS);
    storage.run("unpack", &["--store", "image"]).ends_with(0);
    assert_eq!(storage.read(OTHER), expected(OTHER).into_bytes());
    storage.run("unpack", &["--store", "default"]).ends_with(0);
    assert_eq!(storage.read(VECTORS), expected(VECTORS).into_bytes());
    storage
        .run("unpack", &["--store", DOCUMENTS])
        .ends_with(1)
        .says([segment.as_str(), "byte"]);
    storage
        .run("unpack", &["--store", "nothing"])
        .ends_with(2)
        .says(["default", "image"]);
}

/// All or nothing is what a new directory is for: half an export would look
/// like a whole one.
#[test]
fn a_new_directory_is_not_left_half_full() {
    let (storage, _) = with_damage_in(OTHER);
    let out = storage.beside("new");
    let options = UnpackOptions {
        out: Some(out.clone()),
        ..UnpackOptions::default()
    };
    assert!(storage.try_unpack(options).unwrap_err().is_damage());
    assert!(!out.exists());
    let beside = fs::read_dir(storage.beside("")).unwrap();
    assert_eq!(beside.count(), 1, "temporary files are left");
    let left = storage.files().into_keys();
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn info_describes_the_others_and_names_the_problem() {
    let (storage, segment) = with_damage_in(VECTORS);
    let info = storage.info();
    for store in &info.stores {
        match store.file.as_str() {
            VECTORS => {
                assert!(store.problem.as_ref().unwrap().contains(&segment));
                assert_eq!(store.rows, None);
            }
            OTHER => assert_eq!((store.rows, &store.problem), (Some(5), &None)),
            _ => assert_eq!(store.problem, None),
        }
    }
    let mut cli = twinstore();
    cli.arg("info").arg(storage.dir());
    let run = Run::of(cli).ends_with(1);
    assert!(run.stdout.contains(&segment));
}

/// Reading rows of a sound store takes no notice of the damaged one.
#[test]
fn rows_of_a_sound_store_are_read() {
    let (storage, _) = with_damage_in(VECTORS);
    let vectors = storage.vectors(OTHER);
    assert_eq!(
        vectors.get(b"b-4").unwrap(),
        Some(vec![4.5, 0.10000000149011612])
    );
    let error = common::open_vectors(&storage.snapshot(), VECTORS)
        .and_then(|vectors| vectors.get(b"a-1"))
        .unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }));
}

/// The damaged store's JSON comes back from a backup: packing heals the twin.
#[test]
fn packing_the_json_again_heals_it() {
    let (storage, _) = with_damage_in(VECTORS);
    storage.write(VECTORS, vector_store("c", 6));
    let report = storage.pack();
    assert!(report.committed);
    assert_eq!(storage.vectors(VECTORS).rows(), 6);
    assert_eq!(storage.vectors(OTHER).rows(), 5);
}
