//! What a program changes is there after `persist`, for whoever opens the directory
//! next, by LlamaIndex or by twinstore, and nothing stale is left beside it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{
    DOCUMENTS, Storage, VECTORS,
    library::{DIM, documents, embedding, insert, insert_vectors, new_library, node},
};
use twinstore::{
    Error, StorageContext,
    error::StoreError,
    load_index_from_storage,
    search::VectorStoreQuery,
    storage_context::{JsonFate, JsonTwin, PersistOptions},
};

fn never() -> PersistOptions {
    PersistOptions {
        json: JsonTwin::Never,
        ..PersistOptions::default()
    }
}

fn reopened(storage: &Storage) -> StorageContext {
    StorageContext::from_persist_dir(storage.dir()).unwrap()
}

/// Every byte is right, every value decodes, and every JSON text is the one that is
/// remembered.
fn assert_sound(storage: &Storage) {
    let report = storage.verify_deep();
    assert!(report.problems.is_empty(), "{report:?}");
}

fn assert_in_sync(storage: &Storage) {
    for name in storage
        .files()
        .keys()
        .filter(|name| name.ends_with(".json"))
    {
        assert_eq!(storage.state(name), "in sync", "{name}");
    }
}

#[test]
fn the_starter_story_in_rust() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "alice", 3, "Down the rabbit-hole");
    let report = context.persist(storage.dir()).unwrap();
    assert_eq!((report.generation, report.committed), (1, true));

    // The next run opens it, and LlamaIndex can, too: the JSON is there.
    let context = reopened(&storage);
    let index = load_index_from_storage(&context, Some("vector")).unwrap();
    let query = VectorStoreQuery::new(&embedding("alice-1", DIM)).top_k(1);
    let found = index.retrieve(&query).unwrap();
    assert_eq!(found[0].node.id(), &b"alice-1"[..]);
    let files = storage.files();
    for name in [
        "docstore.json",
        "index_store.json",
        "graph_store.json",
        "default__vector_store.json",
        "image__vector_store.json",
    ] {
        assert!(files.contains_key(name), "{name}");
    }
    assert_eq!(files["graph_store.json"], b"{\"graph_dict\": {}}");
    assert_eq!(
        files["image__vector_store.json"],
        b"{\"embedding_dict\": {}, \"text_id_to_ref_doc_id\": {}, \"metadata_dict\": {}}"
    );
    // The twin prints what the files hold.
    assert_in_sync(&storage);
    assert_sound(&storage);
}

#[test]
fn changes_are_seen_before_and_after() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    insert(&mut context, "b", 3, "two");
    assert_eq!(documents(&context).unwrap(), ["a", "b"]);
    context.persist(storage.dir()).unwrap();
    assert!(!context.has_changes().unwrap());
    assert_eq!(documents(&context).unwrap(), ["a", "b"]);

    // From then on the context is of that directory.
    insert(&mut context, "c", 1, "three");
    context.delete_ref_doc(b"a").unwrap();
    assert_eq!(documents(&context).unwrap(), ["b", "c"]);
    assert_eq!(documents(&reopened(&storage)).unwrap(), ["a", "b"]);
    let report = context.persist(storage.dir()).unwrap();
    assert_eq!(report.generation, 2);
    assert_eq!(documents(&reopened(&storage)).unwrap(), ["b", "c"]);
    assert_sound(&storage);

    // Nothing changed: nothing is committed.
    let report = context.persist(storage.dir()).unwrap();
    assert_eq!((report.generation, report.committed), (2, false));
}

#[test]
fn a_packed_directory_is_changed() {
    let storage = Storage::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/storage"));
    storage.pack();
    let mut context = reopened(&storage);
    let before = context.docstore().unwrap().len().unwrap();
    insert_vectors(&mut context, "new", 2, "text", 384);
    context.persist(storage.dir()).unwrap();
    let context = reopened(&storage);
    assert_eq!(context.docstore().unwrap().len().unwrap(), before + 2);
    assert_sound(&storage);
    // The files that were not changed are not written.
    assert_in_sync(&storage);
}

#[test]
fn json_that_is_not_written_is_set_aside() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    let old = fs::read(storage.dir().join(DOCUMENTS)).unwrap();

    insert(&mut context, "b", 2, "two");
    let report = context.persist_with(storage.dir(), &never()).unwrap();
    let docstore = report.stores.iter().find(|s| s.file == DOCUMENTS).unwrap();
    assert_eq!(docstore.json, JsonFate::SetAside);
    // LlamaIndex would have answered from the old state.
    assert!(!storage.dir().join(DOCUMENTS).exists());
    assert!(!storage.dir().join(VECTORS).exists());
    let stale = storage.dir().join(format!("{DOCUMENTS}.stale"));
    assert_eq!(fs::read(stale).unwrap(), old);
    // What did not change is still right.
    assert!(storage.dir().join("graph_store.json").exists());

    assert_eq!(documents(&reopened(&storage)).unwrap(), ["a", "b"]);
    storage.unpack();
    assert_eq!(documents(&reopened(&storage)).unwrap(), ["a", "b"]);
    assert!(fs::read(storage.dir().join(DOCUMENTS)).unwrap().len() > old.len());
}

#[test]
fn json_that_was_dropped_stays_away_unless_it_is_wanted() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist_with(storage.dir(), &never()).unwrap();
    assert!(!storage.dir().join(DOCUMENTS).exists());

    let mut context = reopened(&storage);
    insert(&mut context, "b", 2, "two");
    context.persist(storage.dir()).unwrap();
    assert!(!storage.dir().join(DOCUMENTS).exists());

    let always = PersistOptions {
        json: JsonTwin::Always,
        ..PersistOptions::default()
    };
    let report = context.persist_with(storage.dir(), &always).unwrap();
    assert!(!report.committed, "nothing but the JSON was written");
    assert!(storage.dir().join(DOCUMENTS).exists());
    assert!(storage.dir().join("graph_store.json").exists());
}

#[test]
fn json_that_somebody_persisted_meanwhile_is_kept() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    insert(&mut context, "b", 2, "two");
    let theirs = common::document_store("by LlamaIndex");
    storage.write(DOCUMENTS, &theirs);
    let refused = context.persist(storage.dir()).unwrap_err();
    assert!(matches!(refused, Error::OutOfSync { .. }), "{refused}");
    assert_eq!(storage.read(DOCUMENTS), theirs.as_bytes());
    // The changes are still there.
    assert_eq!(documents(&context).unwrap(), ["a", "b"]);
}

/// A store wrote its JSON by itself, as LlamaIndex's `docstore.persist` does. It must not
/// stand in the way of what the same program persists next.
#[test]
fn json_that_the_program_wrote_itself_is_no_news() {
    for json in [JsonTwin::Auto, JsonTwin::Never] {
        let storage = Storage::with([]);
        let mut context = new_library();
        insert(&mut context, "a", 2, "one");
        context.persist(storage.dir()).unwrap();
        insert(&mut context, "b", 2, "two");
        storage.write(DOCUMENTS, common::document_store("what there is by then"));
        context.wrote_json(DOCUMENTS).unwrap();
        insert(&mut context, "c", 2, "three");
        let options = PersistOptions {
            json,
            ..PersistOptions::default()
        };
        context.persist_with(storage.dir(), &options).unwrap();
        assert_eq!(documents(&reopened(&storage)).unwrap(), ["a", "b", "c"]);
        assert_eq!(
            storage.dir().join(DOCUMENTS).exists(),
            json == JsonTwin::Auto
        );
        assert_sound(&storage);
        assert_in_sync(&storage);

        // Taken back, the change is in the JSON alone, and must not stay there.
        storage.write(DOCUMENTS, common::document_store("taken back"));
        context.wrote_json(DOCUMENTS).unwrap();
        context.persist_with(storage.dir(), &options).unwrap();
        assert_eq!(documents(&reopened(&storage)).unwrap(), ["a", "b", "c"]);

        // What somebody wrote over it is news.
        insert(&mut context, "d", 2, "four");
        storage.write(DOCUMENTS, common::document_store("by this program"));
        context.wrote_json(DOCUMENTS).unwrap();
        storage.write(DOCUMENTS, common::document_store("by somebody else"));
        let refused = context.persist_with(storage.dir(), &options).unwrap_err();
        assert!(matches!(refused, Error::OutOfSync { .. }), "{refused}");
    }
}

#[test]
fn another_directory_gets_a_complete_twin() {
    let (storage, other) = (Storage::with([]), Storage::with([]));
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    insert(&mut context, "b", 2, "two");

    let target = other.dir().join("deep/er");
    context.persist(&target).unwrap();
    let copy = StorageContext::from_persist_dir(&target).unwrap();
    assert_eq!(documents(&copy).unwrap(), ["a", "b"]);
    // The context is of its own directory all the same, which has no `b` yet.
    assert_eq!(context.persist_dir().unwrap(), storage.dir());
    assert!(context.has_changes().unwrap());
    assert_eq!(documents(&reopened(&storage)).unwrap(), ["a"]);
    context.persist(storage.dir()).unwrap();
    assert_eq!(documents(&reopened(&storage)).unwrap(), ["a", "b"]);
    for name in [DOCUMENTS, VECTORS, "index_store.json"] {
        assert_eq!(
            storage.read(name),
            fs::read(target.join(name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn an_empty_context_replaces_nothing() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    let before = storage.files();

    // A program that forgot `persist_dir=`.
    let mut empty = StorageContext::from_defaults();
    let refused = empty.persist(storage.dir()).unwrap_err();
    assert!(matches!(refused, Error::WouldEmpty { .. }), "{refused}");
    assert_eq!(storage.files(), before);
    // Also where there is JSON alone, which LlamaIndex would overwrite.
    let json = Storage::with([(DOCUMENTS, &common::document_store("a text"))]);
    let refused = empty.persist(json.dir()).unwrap_err();
    assert!(matches!(refused, Error::WouldEmpty { .. }), "{refused}");

    let told = PersistOptions {
        allow_empty: true,
        ..PersistOptions::default()
    };
    empty.persist_with(storage.dir(), &told).unwrap();
    assert!(reopened(&storage).docstore().unwrap().is_empty().unwrap());
}

#[test]
fn a_rebuild_every_night_works_every_night() {
    let storage = Storage::with([]);
    for night in 0..5 {
        // `from_documents`, which knows nothing of what is there.
        let mut context = new_library();
        for n in 0..=night {
            insert(&mut context, &format!("document-{n}"), 2, "text");
        }
        let report = context.persist(storage.dir()).unwrap();
        assert_eq!(report.generation, night + 1);
        let opened = reopened(&storage);
        assert_eq!(documents(&opened).unwrap().len() as u64, night + 1);
        assert_sound(&storage);
    }
    // Two generations are kept, and no file of the others.
    let names = fs::read_dir(storage.dir().join("twin")).unwrap();
    let manifests = names.filter(|e| {
        let name = e.as_ref().unwrap().file_name();
        name.to_str().unwrap().starts_with("manifest-")
    });
    assert_eq!(manifests.count(), 2);
}

#[test]
fn what_one_store_refuses_changes_nothing() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    let store = context.vector_store_mut("default").unwrap();
    let odd = twinstore::store::NewVector {
        id: b"x".to_vec(),
        embedding: vec![1.0; DIM + 1],
        ref_doc_id: None,
        metadata: b"{}".to_vec(),
    };
    let refused = store.add(vec![odd]).unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains('8') && text.contains('9') && text.contains('x'),
        "{text}"
    );
    let twice = context.docstore_mut().unwrap().add_documents(
        &[twinstore::store::NewDocument {
            node: node("a", 0, "again"),
            hash: b"0".to_vec(),
        }],
        twinstore::store::AddOptions {
            allow_update: false,
            ..Default::default()
        },
    );
    assert!(matches!(
        twice,
        Err(Error::Store(StoreError::DocumentExists { .. }))
    ));
    assert!(!context.has_changes().unwrap());
}

#[test]
fn a_vector_store_that_was_added_is_there_though_it_is_empty() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    context.add_vector_store("audio").unwrap();
    assert!(context.has_changes().unwrap());
    context.persist(storage.dir()).unwrap();
    assert!(!context.has_changes().unwrap());
    let context = reopened(&storage);
    assert!(context.vector_store("audio").unwrap().is_empty().unwrap());
    assert!(storage.exists("audio__vector_store.json"));
}

#[test]
fn a_collection_that_was_asked_for_early_has_its_place() {
    // LlamaIndex makes a collection when it is first looked at.
    let storage = Storage::with([]);
    let mut context = new_library();
    assert!(
        context
            .docstore()
            .unwrap()
            .ref_doc_info(b"x")
            .unwrap()
            .is_none()
    );
    let store = context.docstore_mut().unwrap();
    store.set_document_hash(b"x", b"1").unwrap();
    context.persist(storage.dir()).unwrap();
    insert(&mut context, "a", 1, "one");
    context.persist(storage.dir()).unwrap();
    let text = String::from_utf8(storage.read(DOCUMENTS)).unwrap();
    let at = |name: &str| text.find(name).unwrap();
    assert!(
        at("docstore/ref_doc_info") < at("docstore/metadata"),
        "{text}"
    );
    assert!(at("docstore/metadata") < at("docstore/data"));
}

#[test]
fn one_damaged_block_stands_in_nobodys_way() {
    let storage = Storage::with([]);
    let mut context = new_library();
    // Texts that hardly compress, in several blocks.
    for n in 0..60_u64 {
        let mut state = n + 1;
        let letter = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'a' + ((state >> 33) % 26) as u8)
        };
        let text: String = (0..6000).map(letter).collect();
        insert(&mut context, &format!("doc-{n}"), 1, &text);
    }
    context.persist(storage.dir()).unwrap();
    let snapshot = storage.snapshot();
    let segment = snapshot.store(DOCUMENTS).unwrap().record().segments[0];
    let path = segment.name.path_in(&storage.twin());
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();

    let mut context = reopened(&storage);
    let unreadable = |context: &StorageContext| {
        let docs = context.docstore().unwrap();
        let ids: Vec<_> = docs.ids().unwrap().map(|id| id.unwrap()).collect();
        ids.iter().filter(|id| docs.get(id).is_err()).count()
    };
    let before = unreadable(&context);
    assert!(before > 0 && before < 60, "{before}");
    insert(&mut context, "new", 2, "text");
    let report = context.persist_with(storage.dir(), &never()).unwrap();
    assert!(report.committed);
    let context = reopened(&storage);
    assert_eq!(unreadable(&context), before);
    assert_eq!(
        &*context
            .docstore()
            .unwrap()
            .get_document(b"new-1")
            .unwrap()
            .text(),
        b"text 1"
    );
}
