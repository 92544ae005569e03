//! What a review found, before it reached a user.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{
    Storage,
    library::{insert, new_library},
};
use twinstore::{
    StorageContext,
    convert::json_of_records,
    store::{ChatMessage, ChatStore, LabelledNode, Relation, TripletQuery},
};

/// A chat store in a string becomes records when it is changed. Members beside `store`
/// are dropped, though keys that LlamaIndex would drop are to be kept.
#[test]
fn a_chat_store_in_a_string_keeps_its_other_members() {
    let text = br#""{\"store\": {\"u\": []}, \"extra\": 7}""#;
    let mut chats = ChatStore::from_text(text.to_vec()).unwrap();
    let message = ChatMessage::from_json(br#"{"role":"user","blocks":[]}"#.to_vec()).unwrap();
    chats.add_message(b"u", message, None).unwrap();
    let text = json_of_records(chats.records().unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("\"extra\""), "{text}");
}

fn entity(name: &str) -> LabelledNode {
    let text = format!(r#"{{"label":"L","embedding":null,"properties":{{}},"name":"{name}"}}"#);
    LabelledNode::from_json(text.into_bytes()).unwrap()
}

/// Deleting by name deletes all nodes of a property graph and leaves relations, as in
/// LlamaIndex. From then on a document cannot be deleted, and trying leaves half of it.
#[test]
fn a_document_is_deleted_from_all_stores_or_from_none() {
    let mut context = new_library();
    insert(&mut context, "a", 2, "text");
    let graph = context.property_graph_store_mut().unwrap();
    graph.upsert_nodes(&[entity("x"), entity("y")]).unwrap();
    let relation = r#"{"label":"R","source_id":"x","target_id":"y","properties":{}}"#;
    let relation = Relation::from_json(relation.into()).unwrap();
    graph.upsert_relations(&[relation]).unwrap();
    let names: [&[u8]; 1] = [b"z"];
    let by_name = TripletQuery {
        entity_names: &names,
        ..TripletQuery::default()
    };
    graph.delete(&by_name).unwrap();

    let before = context.vector_store("default").unwrap().len().unwrap();
    let deleted = context.delete_ref_doc(b"a");
    let vectors = context.vector_store("default").unwrap().len().unwrap();
    assert!(
        deleted.is_ok() || vectors == before,
        "{deleted:?}, {vectors} vectors"
    );
}

/// A rebuild into a directory that LlamaIndex wrote, which has one more store.
#[test]
fn what_persisted_once_persists_again() {
    let notes = r#"{"embedding_dict": {}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}"#;
    let storage = Storage::with([("notes__vector_store.json", notes)]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "text");
    context.persist(storage.dir()).unwrap();
    insert(&mut context, "b", 2, "text");
    context.persist(storage.dir()).unwrap();
    StorageContext::from_persist_dir(storage.dir()).unwrap();
}

/// The command was killed between commit and JSON. Run again, it says that there is no
/// such document, and leaves the old JSON under the name that LlamaIndex opens.
#[test]
fn a_delete_that_is_repeated_after_a_crash_mends_the_json() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "text");
    insert(&mut context, "b", 2, "text");
    context.persist(storage.dir()).unwrap();
    let old = storage.read("docstore.json");
    let sync = std::fs::read(storage.twin().join("sync")).unwrap();
    context.delete_ref_doc(b"a").unwrap();
    context.persist(storage.dir()).unwrap();
    storage.write("docstore.json", &old);
    std::fs::write(storage.twin().join("sync"), sync).unwrap();
    assert_eq!(storage.state("docstore.json"), "binary newer");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_twinstore"))
        .args(["delete", "--ref-doc", "a"])
        .arg(storage.dir())
        .output()
        .unwrap();
    println!("{run:?}");
    assert!(!storage.exists("docstore.json") || storage.read("docstore.json") != old);
}
