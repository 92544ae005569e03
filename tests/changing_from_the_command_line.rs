//! `delete` and `compact`, as somebody at a terminal meets them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{
    DOCUMENTS, Storage, VECTORS,
    library::{documents, insert, insert_vectors, new_library},
};
use twinstore::{
    StorageContext,
    storage_context::{JsonTwin, PersistOptions},
};

fn library() -> Storage {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "alice", 3, "one");
    insert(&mut context, "bob", 2, "two");
    context.persist(storage.dir()).unwrap();
    storage
}

#[test]
fn a_document_is_deleted_with_all_that_belongs_to_it() {
    let storage = library();
    storage
        .run("delete", &["--ref-doc", "alice"])
        .ends_with(0)
        .prints(["3 nodes, 3 vectors", "JSON written", "generation 2"]);
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert_eq!(documents(&context).unwrap(), ["bob"]);
    assert!(storage.verify_deep().problems.is_empty());
    storage
        .run("delete", &["--ref-doc", "alice"])
        .ends_with(1)
        .says(["ref_doc_id alice not found."]);
    assert_eq!(storage.snapshot().generation(), 2);
}

#[test]
fn the_report_is_there_as_json() {
    let storage = library();
    let report = storage
        .run(
            "delete",
            &["--ref-doc", "bob", "--write-json", "never", "--json"],
        )
        .ends_with(0)
        .json();
    assert_eq!(report["deleted"]["vectors"], 2);
    assert_eq!(report["persisted"]["generation"], 2);
    let stores = report["persisted"]["stores"].as_array().unwrap();
    let of = |file: &str| stores.iter().find(|store| store["file"] == file).unwrap();
    assert_eq!(of(DOCUMENTS)["json"], "set_aside");
    assert!(!storage.exists(DOCUMENTS) && storage.exists("docstore.json.stale"));
    let status = storage.run("status", &[]).ends_with(0);
    status.prints([DOCUMENTS, "JSON dropped"]);
}

#[test]
fn segments_are_merged_and_hold_the_same() {
    let storage = library();
    let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    for n in 0..3 {
        insert_vectors(&mut context, &format!("more-{n}"), 4, "text", 8);
        let options = PersistOptions {
            json: JsonTwin::Always,
            rewrite_below: 0,
            ..PersistOptions::default()
        };
        context.persist_with(storage.dir(), &options).unwrap();
    }
    let before = storage.files();
    assert_eq!(
        storage
            .snapshot()
            .store(VECTORS)
            .unwrap()
            .segments()
            .unwrap()
            .len(),
        4
    );
    storage.run("compact", &[]).ends_with(0).prints([
        "default__vector_store.json",
        "4 files",
        "is published",
    ]);
    assert_eq!(
        storage
            .snapshot()
            .store(VECTORS)
            .unwrap()
            .segments()
            .unwrap()
            .len(),
        1
    );
    // What the stores hold is the same, so the JSON is still in sync.
    assert_eq!(storage.files(), before);
    assert_eq!(storage.state(VECTORS), "in sync");
    assert!(storage.verify_deep().problems.is_empty());
    storage
        .run("compact", &[])
        .ends_with(0)
        .prints(["there was nothing to merge"]);
}

#[test]
fn without_a_twin_there_is_nothing_to_change() {
    let storage = Storage::with([(DOCUMENTS, "{}")]);
    for (command, args) in [("compact", &[][..]), ("delete", &["--ref-doc", "a"])] {
        storage
            .run(command, args)
            .ends_with(2)
            .says(["holds no binary twin"]);
        assert!(!storage.twin().exists(), "{command}");
    }
}
