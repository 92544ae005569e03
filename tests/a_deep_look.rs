//! A checksum tells that the bytes are those that were written, not that they
//! were right. Before somebody removes JSON of which the twin is the only copy
//! left, `verify --deep` decodes every value and prints every file again. What
//! LlamaIndex itself leaves behind, vectors of deleted nodes say, must not look
//! like damage meanwhile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{
    DOCUMENTS, Storage, VECTORS, data_dir, document_store, in_parallel, persist_dirs, shared,
    vector_store,
};
use serde_json::json;
use twinstore::{
    container::OpenOptions,
    convert::rollback,
    persist_dir::{Fingerprint, Packed, Store, Writer},
};

#[test]
fn sound_twins_are_sound_to_the_last_value() {
    let mut dirs = persist_dirs(&data_dir());
    dirs.extend(
        shared("corpus")
            .iter()
            .flat_map(|corpus| persist_dirs(corpus)),
    );
    in_parallel(&dirs, |dir| {
        let storage = Storage::copy_of(dir);
        storage.pack_all();
        let report = storage.verify_deep();
        assert!(
            report.deep && report.problems.is_empty(),
            "{}: {report:?}",
            dir.display()
        );
    });
}

/// Publishes the stores anew after a change to them.
fn republish(storage: &Storage, change: impl Fn(&mut Store, u64)) {
    let mut writer = Writer::open(&storage.dir()).unwrap();
    let mut stores = writer.base().unwrap().stores.clone();
    let generation = writer.next_generation();
    stores
        .iter_mut()
        .for_each(|store| change(store, generation));
    writer.publish(writer.highest(), stores).unwrap();
}

#[test]
fn a_text_that_is_not_the_one_packed_is_found() {
    let storage = Storage::with([
        (VECTORS, &vector_store("id", 4)),
        (DOCUMENTS, &document_store("a text")),
    ]);
    storage.pack();
    republish(&storage, |store, generation| {
        if store.file == DOCUMENTS {
            store.changed = generation;
            store.packed = Some(Packed {
                generation,
                text: Fingerprint::of_bytes(document_store("a test").as_bytes()),
                is_json: true,
            });
        }
    });
    storage.run("verify", &[]).ends_with(0);
    storage.run("verify", &["--deep"]).ends_with(1).prints([
        "rec-",
        "not the text that was packed",
        "1 problem",
    ]);
    let report = storage
        .run("verify", &["--deep", "--json"])
        .ends_with(1)
        .json();
    assert_eq!(
        (&report["deep"], &report["problems"][0]["section"]),
        (&json!(true), &json!("file"))
    );
    // The generation before has nothing of this.
    storage
        .run("verify", &["--deep", "--generation", "1"])
        .ends_with(0);
}

#[test]
fn one_generation_is_checked_on_request() {
    let storage = Storage::with([(DOCUMENTS, &document_store("old"))]);
    storage.pack();
    storage.write(DOCUMENTS, document_store("new"));
    storage.pack();
    let old = storage.run("info", &["--generation", "1", "--json"]).json();
    let segment = old["stores"][0]["segments"][0].as_str().unwrap().to_owned();
    fs::write(storage.twin().join(&segment), "gone").unwrap();
    for (args, code) in [
        (&[][..], 1),
        (&["--deep"], 1),
        (&["--generation", "1"], 1),
        (&["--generation", "1", "--deep"], 1),
        (&["--generation", "2"], 0),
        (&["--generation", "2", "--deep"], 0),
        (&["--generation", "3"], 2),
    ] {
        let run = storage.run("verify", args).ends_with(code);
        // Damage is told once, also where both looks meet it.
        assert!(run.stdout.matches(&segment).count() < 2, "{}", run.stdout);
    }
}

#[test]
fn references_that_lead_nowhere_are_warnings() {
    let node = json!({"__data__": {"text": "x"}, "__type__": "1"});
    let index = json!({"index_id": "other", "nodes_dict": {"id-0": "id-0", "gone": "gone"}});
    let documents = json!({
        "docstore/data": {"id-0": node, "id-1": node},
        "docstore/ref_doc_info": {"ref": {"node_ids": ["id-0", "deleted"], "metadata": {}}},
    });
    let indices = json!({"index_store/data": {"index": {
        "__type__": "vector_store", "__data__": index.to_string()}}});
    let storage = Storage::with([
        (VECTORS, &vector_store("id", 4)),
        (DOCUMENTS, &documents.to_string()),
        ("index_store.json", &indices.to_string()),
    ]);
    storage.pack();
    let run = storage.run("verify", &["--deep"]).ends_with(0);
    run.prints([
        "warning: ",
        VECTORS,
        "2 vectors",
        "id-2, id-3",
        "deleted",
        "gone",
        "all sound",
    ]);
    let report = storage.verify_deep();
    let mut found: Vec<_> = report
        .warnings
        .iter()
        .map(|w| (w.store.as_str(), w.collection.as_str(), w.count))
        .collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (VECTORS, "embedding_dict", 2),
            (DOCUMENTS, "docstore/ref_doc_info", 1),
            ("index_store.json", "index_store/data", 1),
            (
                "index_store.json",
                "index_store/data > index > nodes_dict",
                1
            ),
        ]
    );
    assert!(
        storage.verify().warnings.is_empty(),
        "not without being asked"
    );
}

/// A vector database that keeps the texts leaves the document store empty.
#[test]
fn an_empty_document_store_says_nothing_of_vectors() {
    let storage = Storage::with([(VECTORS, &vector_store("id", 4)), (DOCUMENTS, "{}")]);
    storage.pack();
    assert!(storage.verify_deep().warnings.is_empty());
}

#[test]
fn what_was_rolled_back_is_looked_into_as_well() {
    let storage = Storage::with([(DOCUMENTS, &document_store("old"))]);
    storage.pack();
    storage.write(DOCUMENTS, document_store("new"));
    storage.pack();
    rollback(&storage.dir(), 1, &OpenOptions::default()).unwrap();
    assert!(storage.verify_deep().problems.is_empty());
}
