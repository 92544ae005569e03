//! What a face over both twins needs: whether the JSON alone would do, the twin
//! whatever the JSON says, and files that belong to somebody else's store.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{
    Storage,
    library::{documents, insert, new_library, node_id},
};
use twinstore::{
    Error, StorageContext,
    container::OpenOptions,
    convert::is_json_complete,
    error::SyncProblem,
    persist_dir::Samples,
    storage_context::{JsonTwin, PersistOptions},
};

const DOCSTORE: &str = "docstore.json";

/// A directory with the document `a`, in both twins.
fn persisted() -> Storage {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    storage
}

#[test]
fn json_is_complete_unless_the_twin_has_more() {
    let storage = persisted();
    let path = storage.dir().join(DOCSTORE);
    let text = fs::read(&path).unwrap();
    assert!(is_json_complete(&storage.dir()).unwrap());

    fs::write(&path, b"{}").unwrap();
    assert!(is_json_complete(&storage.dir()).unwrap(), "it is newer");

    fs::write(&path, &text[..text.len() - 4]).unwrap();
    assert!(!is_json_complete(&storage.dir()).unwrap(), "it is cut");

    fs::remove_file(&path).unwrap();
    assert!(!is_json_complete(&storage.dir()).unwrap(), "it is gone");
}

#[test]
fn the_twin_can_be_opened_whatever_the_json_holds() {
    let storage = persisted();
    fs::write(storage.dir().join(DOCSTORE), b"{}").unwrap();
    let refused = StorageContext::from_persist_dir(storage.dir());
    let problem = SyncProblem::JsonNewer;
    assert!(matches!(refused, Err(Error::OutOfSync { problem: p, .. }) if p == problem));

    let context = StorageContext::open_twin(storage.dir(), &OpenOptions::default()).unwrap();
    assert_eq!(documents(&context).unwrap(), ["a"]);
    assert_eq!(context.manifest().unwrap().generation, 1);
}

#[test]
fn the_file_of_a_store_that_is_kept_elsewhere_is_left_alone() {
    for json in [JsonTwin::Always, JsonTwin::Never] {
        let storage = persisted();
        let theirs = fs::read(storage.dir().join(DOCSTORE)).unwrap();
        let mut context = new_library();
        insert(&mut context, "b", 2, "two");
        let options = PersistOptions {
            json,
            elsewhere: vec![DOCSTORE.to_owned()],
            ..PersistOptions::default()
        };
        context.persist_with(storage.dir(), &options).unwrap();
        assert_eq!(fs::read(storage.dir().join(DOCSTORE)).unwrap(), theirs);
        let opened = StorageContext::from_persist_dir(storage.dir()).unwrap();
        let docstore = opened.docstore().unwrap();
        assert!(docstore.get(node_id("a", 0).as_bytes()).unwrap().is_some());
        assert!(docstore.get(node_id("b", 0).as_bytes()).unwrap().is_none());
    }
}

#[test]
fn the_store_that_is_kept_elsewhere_gets_no_file() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "b", 2, "two");
    let options = PersistOptions {
        elsewhere: vec![DOCSTORE.to_owned()],
        ..PersistOptions::default()
    };
    context.persist_with(storage.dir(), &options).unwrap();
    assert!(!storage.dir().join(DOCSTORE).exists());
    assert!(storage.dir().join("index_store.json").exists());
    let opened = StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert!(matches!(opened.docstore(), Err(Error::NoStore { .. })));
}

#[test]
fn samples_have_both_ends_of_a_text_and_follow_each_other() {
    for length in [0_u64, 1, 15, 1 << 16, 1 << 20, (1 << 20) + 1, 5 << 30] {
        let ranges: Vec<_> = Samples::ranges(length).collect();
        assert_eq!((ranges[0].start, ranges[15].end), (0, length));
        assert!(ranges.windows(2).all(|two| two[0].end <= two[1].start));
        let sampled: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        assert_eq!(sampled, length.min(1 << 20));
    }
}
