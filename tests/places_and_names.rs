//! Where contexts are persisted to, which files their stores get, and what a persist that
//! fails leaves behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::path::Path;

use common::{
    Storage,
    library::{insert, new_library},
};
use twinstore::{Error, StorageContext, store::NewVector};

fn open(dir: &Path) -> StorageContext {
    StorageContext::from_persist_dir(dir).unwrap()
}

fn library() -> Storage {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    storage
}

fn vector(id: &str) -> NewVector {
    NewVector {
        id: id.into(),
        embedding: vec![0.5, 0.25],
        ref_doc_id: None,
        metadata: b"{}".to_vec(),
    }
}

/// Whether a context is empty was asked of the docstore first, which there need not be.
#[test]
fn a_directory_of_vectors_alone_is_persisted_over_another() {
    let vectors = |id: &str| {
        let text = format!(
            r#"{{"embedding_dict": {{"{id}": [1.0]}}, "text_id_to_ref_doc_id": {{"{id}": "d"}}, "metadata_dict": {{"{id}": {{}}}}}}"#
        );
        let storage = Storage::with([("default__vector_store.json", &text)]);
        storage.pack();
        storage
    };
    let (storage, other) = (vectors("a"), vectors("b"));
    open(&storage.dir()).persist(other.dir()).unwrap();
    assert_eq!(
        other.read("default__vector_store.json"),
        storage.read("default__vector_store.json")
    );
}

/// LlamaIndex writes its file; here it was forgotten with the next persist.
#[test]
fn a_vector_store_that_was_added_gets_a_file_also_empty() {
    let storage = library();
    let mut context = open(&storage.dir());
    context.add_vector_store("notes").unwrap();
    assert!(context.has_changes().unwrap());
    context.persist(storage.dir()).unwrap();
    assert!(!context.has_changes().unwrap());
    context.vector_store_mut("notes").unwrap();
    assert_eq!(
        storage.read("notes__vector_store.json"),
        b"{\"embedding_dict\": {}, \"text_id_to_ref_doc_id\": {}, \"metadata_dict\": {}}"
    );
}

/// That one led to `docstore.json`s of other directories, as far as the manifest, which
/// was called damaged.
#[test]
fn a_namespace_that_makes_no_file_name_is_refused_at_once() {
    let storage = library();
    let mut context = open(&storage.dir());
    for name in ["../out", "a/b", "/a", "a\0b"] {
        let refused = context.add_vector_store(name).unwrap_err();
        assert!(matches!(refused, Error::StoreName { .. }), "{refused}");
    }
    assert!(!context.has_changes().unwrap());
}

/// On a full disk each attempt left the segments that it had written.
#[cfg(unix)]
#[test]
fn attempts_that_fail_leave_nothing_behind() {
    let storage = library();
    let before: Vec<String> = storage.twin_files().into_keys().collect();
    let mut context = open(&storage.dir());
    insert(&mut context, "b", 2, "two");
    let notes = context.add_vector_store("notes").unwrap();
    notes.add(vec![vector("n")]).unwrap();
    // Its JSON cannot be written.
    let link = storage.path("notes__vector_store.json");
    std::os::unix::fs::symlink("nowhere/at/all", &link).unwrap();
    for _ in 0..3 {
        let failed = context.persist(storage.dir()).unwrap_err();
        assert!(matches!(failed, Error::Io { .. }), "{failed}");
        let after: Vec<String> = storage.twin_files().into_keys().collect();
        assert_eq!(after, before);
    }
    std::fs::remove_file(link).unwrap();
    context.persist(storage.dir()).unwrap();
}
