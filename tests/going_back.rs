//! An ingestion ran with the wrong settings and persisted. The state before is
//! still in the twin; to go back must not mean that yesterday's JSON, which
//! everything else reads, is taken for the truth by the next `pack` and wins
//! again, nor that going back is a way without return.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{DOCUMENTS, Storage, VECTORS, document_store, vector_store};
use serde_json::json;
use twinstore::{
    Error,
    container::OpenOptions,
    convert::{Change, PackOptions, RollbackReport, UnpackOptions, gc, rollback},
    error::SyncProblem,
    persist_dir::KEEP,
};

fn back(storage: &Storage, to: u64) -> RollbackReport {
    rollback(&storage.dir(), to, &OpenOptions::default()).unwrap()
}

/// Generation 1 and 2 differ in the documents; the vectors are the same.
fn two_generations() -> Storage {
    let storage = Storage::with([
        (VECTORS, &vector_store("id", 3)),
        (DOCUMENTS, &document_store("first")),
    ]);
    storage.pack();
    storage.write(DOCUMENTS, document_store("second"));
    storage.pack();
    storage
}

#[test]
fn going_back_and_forth_gives_the_bytes_of_then() {
    let storage = two_generations();
    let report = back(&storage, 1);
    assert_eq!((report.generation, report.committed), (3, true));
    let changes: Vec<_> = report
        .stores
        .iter()
        .map(|s| (s.file.as_str(), s.change))
        .collect();
    assert_eq!(
        changes,
        [(VECTORS, Change::Same), (DOCUMENTS, Change::Restored)]
    );
    assert_eq!(storage.state(DOCUMENTS), "binary newer");
    assert_eq!(storage.state(VECTORS), "in sync");
    let refused = storage.try_pack(PackOptions::default());
    let problem = SyncProblem::BinaryNewer;
    assert!(matches!(refused, Err(Error::OutOfSync { problem: p, .. }) if p == problem));
    storage.unpack();
    assert_eq!(storage.read(DOCUMENTS), document_store("first").as_bytes());
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    assert!(!storage.pack().committed, "there is nothing to be packed");

    // Forth again: a rollback of the rollback.
    assert_eq!(back(&storage, 2).generation, 4);
    assert_eq!(storage.state(DOCUMENTS), "binary newer");
    storage.unpack();
    assert_eq!(storage.read(DOCUMENTS), document_store("second").as_bytes());
    assert!(storage.verify().problems.is_empty());
}

#[test]
fn a_file_that_was_put_back_by_hand_is_in_sync() {
    let storage = two_generations();
    back(&storage, 1);
    // Not unpacked: the file holds the second text, to which this goes back.
    back(&storage, 2);
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    storage.write(DOCUMENTS, document_store("first"));
    assert_eq!(storage.state(DOCUMENTS), "JSON newer");
}

#[test]
fn what_is_edited_on_top_of_the_later_content_has_diverged() {
    for lost in [false, true] {
        let storage = two_generations();
        if lost {
            fs::remove_file(storage.twin().join("sync")).unwrap();
        }
        back(&storage, 1);
        assert_eq!(
            storage.state(DOCUMENTS),
            "binary newer",
            "sync lost: {lost}"
        );
        storage.write(DOCUMENTS, document_store("third, made from the second"));
        assert_eq!(storage.state(DOCUMENTS), "diverged", "sync lost: {lost}");
        assert!(storage.try_pack(PackOptions::default()).is_err());
        assert!(storage.try_unpack(UnpackOptions::default()).is_err());
    }
}

#[test]
fn stores_that_came_later_go_and_those_that_went_come() {
    let storage = two_generations();
    storage.write("graph_store.json", r#"{"graph_dict": {}}"#);
    storage.pack();
    let report = back(&storage, 2);
    let graph = report.stores.iter().find(|s| s.file == "graph_store.json");
    assert_eq!(graph.unwrap().change, Change::Removed);
    assert_eq!(storage.state("graph_store.json"), "not packed");
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    back(&storage, 3);
    // Nobody touched the file meanwhile.
    assert_eq!(storage.state("graph_store.json"), "in sync");
}

#[test]
fn a_damaged_newest_generation_is_gone_back_from() {
    let storage = two_generations();
    fs::write(storage.twin().join("manifest-0000000002"), "gone").unwrap();
    storage.run("status", &[]).ends_with(1);
    storage.run("rollback", &["--to", "2"]).ends_with(1);
    storage
        .run("rollback", &["--to", "1"])
        .ends_with(0)
        .prints(["as in generation 1", "generation 3 is published", "unpack"]);
    // Of the second text nothing is known that could be believed but `sync`.
    assert_eq!(storage.state(DOCUMENTS), "binary newer");
    storage.unpack();
    assert_eq!(storage.read(DOCUMENTS), document_store("first").as_bytes());
}

#[test]
fn what_cannot_be_gone_back_to_is_refused_by_name() {
    let storage = two_generations();
    storage
        .run("rollback", &["--to", "7"])
        .ends_with(2)
        .says(["generation 7", "1, 2"]);
    let again = storage
        .run("rollback", &["--to", "2", "--json"])
        .ends_with(0)
        .json();
    assert_eq!(
        (&again["committed"], &again["generation"]),
        (&json!(false), &json!(2))
    );
    let old = storage.run("info", &["--generation", "1", "--json"]).json();
    let stores = old["stores"].as_array().unwrap();
    let documents = stores.iter().find(|s| s["file"] == DOCUMENTS).unwrap();
    let segment = documents["segments"][0].as_str().unwrap();
    fs::remove_file(storage.twin().join(segment)).unwrap();
    let run = storage.run("rollback", &["--to", "1"]);
    assert!(
        run.code > 0 && run.stderr.contains(segment),
        "{}",
        run.stderr
    );
    assert_eq!(storage.status().generation, Some(2));
    let empty = Storage::with([("notes.txt", "")]);
    empty
        .run("rollback", &["--to", "1"])
        .ends_with(2)
        .says(["no binary twin"]);
    assert!(!empty.twin().exists());
}

#[test]
fn gc_removes_what_no_kept_generation_needs() {
    let storage = two_generations();
    fs::write(storage.twin().join("notes.txt"), "mine").unwrap();
    fs::write(storage.twin().join("vec-00000000000000aa.seg"), "left over").unwrap();
    let report = storage.run("gc", &["--json"]).ends_with(0).json();
    assert_eq!(report["kept"], json!([1, 2]));
    assert_eq!(report["removed"], json!(["vec-00000000000000aa.seg"]));
    assert_eq!(
        (&report["bytes"], &report["unknown"]),
        (&json!(9), &json!(["notes.txt"]))
    );
    back(&storage, 1);
    // Two generations are kept, and the newest needs files of the first.
    assert_eq!(gc(&storage.dir(), KEEP).unwrap().kept, [2, 3]);
    storage.run("gc", &["--keep", "1"]).ends_with(0).prints([
        "removed: manifest-0000000002",
        "notes.txt",
        "kept generations: 3",
    ]);
    assert!(storage.verify().problems.is_empty());
    storage.unpack();
    assert_eq!(storage.read(DOCUMENTS), document_store("first").as_bytes());
    storage.run("gc", &["--keep", "0"]).ends_with(2);
    let empty = Storage::with([("notes.txt", "")]);
    empty.run("gc", &[]).ends_with(2).says(["no binary twin"]);
    assert!(!empty.twin().exists());
}

#[test]
fn gc_removes_nothing_while_a_manifest_is_damaged() {
    let storage = two_generations();
    fs::write(storage.twin().join("manifest-0000000001"), "gone").unwrap();
    let before = storage.twin_files();
    storage
        .run("gc", &[])
        .ends_with(1)
        .says(["manifest-0000000001"]);
    assert_eq!(storage.twin_files(), before);
    assert_eq!(gc(&storage.dir(), 1).unwrap().kept, [2]);
}

/// What is published as the newest generation can be read. A file that the newest has, too,
/// is no worse there.
#[test]
fn a_generation_with_a_damaged_file_of_its_own_is_not_gone_back_to() {
    let storage = two_generations();
    let segment = |store: &str| {
        let twin = twinstore::persist_dir::Snapshot::open(&storage.dir(), Some(1), &way()).unwrap();
        let store = twin.manifest().store(store).unwrap();
        store.segments[0].name.path_in(&storage.twin())
    };
    let flip = |path: &std::path::Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[200] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let own = segment(DOCUMENTS);
    flip(&own);
    let before = storage.twin_files();
    let refused = rollback(&storage.dir(), 1, &way()).unwrap_err();
    assert!(
        matches!(&refused, Error::Damaged { path, .. } if *path == own),
        "{refused}"
    );
    assert_eq!(storage.twin_files(), before);
    flip(&own);
    flip(&segment(VECTORS));
    assert!(back(&storage, 1).committed);
}

/// Something else has the name of the newest manifest.
#[test]
fn a_newest_manifest_that_is_no_file_is_gone_back_from() {
    let storage = two_generations();
    let manifest = storage.twin().join("manifest-0000000002");
    fs::remove_file(&manifest).unwrap();
    fs::create_dir(&manifest).unwrap();
    storage.run("status", &[]).ends_with(1).says([
        "generation 2 is damaged",
        "not a regular file",
        "rollback --to 1",
    ]);
    storage.run("verify", &["--deep"]).ends_with(1).says([]);
    assert_eq!(back(&storage, 1).generation, 3);
    storage.unpack();
    assert_eq!(storage.read(DOCUMENTS), document_store("first").as_bytes());
}

fn way() -> OpenOptions {
    OpenOptions::default()
}
