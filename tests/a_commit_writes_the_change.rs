//! LlamaIndex writes every file whole at each `persist`. Here a commit writes what
//! changed: as much to a store of a million as to one of a thousand.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::collections::HashMap;

use common::{
    Storage,
    library::{insert_vectors, new_library},
};
use twinstore::{
    StorageContext,
    convert::{CompactOptions, Silent, compact},
    storage_context::{JsonTwin, PersistOptions},
};

/// Nodes of a document of the store to begin with, and documents of a commit.
const NODES: usize = 100;
const COMMIT: usize = 100;

fn never() -> PersistOptions {
    PersistOptions {
        json: JsonTwin::Never,
        ..PersistOptions::default()
    }
}

/// Persists that many rows, then 100 documents more, and gives the length of all files
/// that came with those.
fn written_for_100_documents(rows: usize, dim: usize) -> u64 {
    let storage = Storage::with([]);
    let mut context = new_library();
    for n in 0..rows / NODES {
        insert_vectors(
            &mut context,
            &format!("document-{n}"),
            NODES,
            "some text",
            dim,
        );
        if n % 300 == 299 {
            context.persist_with(storage.dir(), &never()).unwrap();
        }
    }
    context.persist_with(storage.dir(), &never()).unwrap();
    compact(&storage.dir(), &CompactOptions::default(), &Silent).unwrap();

    let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    for n in 0..COMMIT {
        insert_vectors(
            &mut context,
            &format!("new-{n}"),
            1,
            "a text that is new",
            dim,
        );
    }
    let before: HashMap<_, _> = storage
        .twin_files()
        .into_keys()
        .map(|name| (name, ()))
        .collect();
    let report = context.persist_with(storage.dir(), &never()).unwrap();
    assert!(report.committed);
    let new = storage.twin_files().into_iter();
    let new = new.filter(|(name, _)| name == "sync" || !before.contains_key(name));
    let written: u64 = new.map(|(_, bytes)| bytes.len() as u64).sum();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let vectors = context.vector_store("default").unwrap().len().unwrap();
    assert_eq!(vectors as usize, rows / NODES * NODES + COMMIT);
    println!("{rows} x {dim}: {written} bytes written for {COMMIT} documents");
    written
}

fn is_within_a_tenth(a: u64, b: u64) -> bool {
    a.abs_diff(b) * 10 <= a.min(b)
}

#[test]
fn it_is_as_much_for_a_large_store_as_for_a_small_one() {
    let small = written_for_100_documents(30_000, 8);
    let large = written_for_100_documents(60_000, 8);
    assert!(is_within_a_tenth(small, large), "{small} {large}");
}

/// Takes minutes and gigabytes: `cargo test --release --test a_commit_writes_the_change
/// -- --ignored --nocapture`.
#[test]
#[ignore = "writes a million rows"]
fn it_is_under_3_mb_for_a_million_rows() {
    let hundred_thousand = written_for_100_documents(100_000, 384);
    let million = written_for_100_documents(1_000_000, 384);
    let wide = written_for_100_documents(100_000, 1536);
    assert!(is_within_a_tenth(hundred_thousand, million));
    for written in [hundred_thousand, million, wide] {
        assert!(written < 3_000_000, "{written}");
    }
}
