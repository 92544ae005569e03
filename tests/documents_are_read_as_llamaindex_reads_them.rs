//! A document store answers as LlamaIndex's does, in its words where it cannot.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{DOCUMENTS, Storage};
use twinstore::{Error, error::StoreError, store::DocumentStore};

/// A store as `from_documents` leaves it: collections in the order in which they
/// were first touched.
const STORE: &str = r#"{"docstore/metadata": {"doc-a": {"doc_hash": "ha"}, "n1": {"doc_hash": "h1", "ref_doc_id": "doc-a"}, "n2": {"doc_hash": "h2", "ref_doc_id": "doc-a"}, "copy": {"doc_hash": "h1"}, "unhashed": {"doc_hash": ""}, "bare": {}}, "docstore/ref_doc_info": {"doc-a": {"node_ids": ["n1", "n2"], "metadata": {"page": 1}}, "old": {"doc_ids": ["x"], "extra_info": {"k": "v"}}, "ts": {"nodeIds": ["y"], "extraInfo": {}}, "nothing": {}}, "docstore/data": {"n1": {"__data__": {"id_": "n1", "text": "one", "relationships": {"1": {"node_id": "doc-a"}}}, "__type__": "1"}, "n2": {"__data__": {"id_": "n2", "text": "two"}, "__type__": "1"}, "odd": {"__data__": {}, "__type__": "9"}, "doc": {"__data__": {"id_": "doc", "text": "d", "class_name": "Document"}, "__type__": "4"}}}"#;

fn store(text: &str) -> DocumentStore {
    let storage = Storage::with([(DOCUMENTS, text)]);
    storage.pack();
    storage.remove(DOCUMENTS);
    DocumentStore::new(storage.records(DOCUMENTS))
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> StoreError {
    match result {
        Err(Error::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn ids(store: &DocumentStore) -> Vec<String> {
    let ids = store.ids().unwrap().map(|id| id.unwrap());
    ids.map(|id| String::from_utf8(id).unwrap()).collect()
}

#[test]
fn a_node_is_found_by_its_id() {
    let store = store(STORE);
    assert_eq!(store.len().unwrap(), 4);
    assert!(!store.is_empty().unwrap());
    assert_eq!(ids(&store), ["n1", "n2", "odd", "doc"]);
    let node = store.get(b"n1").unwrap().unwrap();
    assert_eq!(&*node.text(), b"one");
    assert_eq!(node.ref_doc_id().unwrap().as_deref(), Some(&b"doc-a"[..]));
    assert!(store.contains(b"odd").unwrap());
    // Known by its hash only.
    assert!(!store.contains(b"doc-a").unwrap());
    let nodes = store.get_nodes(&["doc", "n2"]).unwrap();
    let texts: Vec<_> = nodes.iter().map(|node| node.text()).collect();
    assert_eq!(texts, [&b"d"[..], b"two"]);
}

#[test]
fn a_missing_node_is_none_or_an_error_in_llamaindexs_words() {
    let store = store(STORE);
    assert_eq!(store.get(b"gone").unwrap(), None);
    let error = refusal(store.get_document(b"gone"));
    assert_eq!(error.to_string(), "doc_id gone not found.");
    assert_eq!(error.exception().as_str(), "ValueError");
    assert_eq!(refusal(store.get_nodes(&["n1", "gone"])), error);
    let found = store.find_nodes(&["gone", "n2", "gone"]).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn one_record_that_is_no_node_does_not_hide_the_others() {
    let store = store(STORE);
    let error = refusal(store.get(b"odd"));
    assert_eq!(error.to_string(), "Unknown doc type: 9");
    assert_eq!(refusal(store.find_nodes(&["n1", "odd"])), error);
    let docs: Vec<_> = store.docs().unwrap().collect();
    let read: Vec<bool> = docs.iter().map(Result::is_ok).collect();
    assert_eq!(read, [true, true, false, true]);
    let last = docs.into_iter().last().unwrap().unwrap();
    assert_eq!(last.class_name(), "Document");
}

#[test]
fn of_several_with_one_hash_the_last_counts() {
    let store = store(STORE);
    assert_eq!(store.document_hash(b"n1").unwrap(), Some(b"h1".to_vec()));
    assert_eq!(store.document_hash(b"unhashed").unwrap(), Some(Vec::new()));
    assert_eq!(store.document_hash(b"bare").unwrap(), None);
    assert_eq!(store.document_hash(b"gone").unwrap(), None);
    let pair = |hash: &str, id: &str| (hash.as_bytes().to_vec(), id.as_bytes().to_vec());
    let expected = [pair("ha", "doc-a"), pair("h1", "copy"), pair("h2", "n2")];
    assert_eq!(store.all_document_hashes().unwrap(), expected);
}

#[test]
fn what_is_known_of_documents_is_converted_from_every_release() {
    let store = store(STORE);
    let info = store.ref_doc_info(b"doc-a").unwrap().unwrap();
    assert_eq!(info.node_ids, [b"n1", b"n2"]);
    assert_eq!(info.metadata().text(), br#"{"page": 1}"#);
    let old = store.ref_doc_info(b"old").unwrap().unwrap();
    assert_eq!(
        (old.node_ids.as_slice(), old.metadata().text()),
        (&[b"x".to_vec()][..], &br#"{"k": "v"}"#[..])
    );
    let ts = store.ref_doc_info(b"ts").unwrap().unwrap();
    assert_eq!(ts.node_ids, [b"y"]);
    // An empty record is none, unless all are asked for.
    assert_eq!(store.ref_doc_info(b"nothing").unwrap(), None);
    assert!(store.ref_doc_exists(b"old").unwrap());
    assert!(!store.ref_doc_exists(b"n1").unwrap());
    let all = store.all_ref_doc_info().unwrap();
    let all: Vec<_> = all.map(|info| info.unwrap()).collect();
    let keys: Vec<_> = all.iter().map(|(id, _)| id.as_slice()).collect();
    assert_eq!(keys, [&b"doc-a"[..], b"old", b"ts", b"nothing"]);
    assert_eq!(all[3].1.metadata().text(), b"{}");
}

#[test]
fn a_key_that_is_there_twice_is_the_dict_that_python_reads() {
    let record = |text: &str| format!(r#"{{"__data__": {{"text": "{text}"}}, "__type__": "1"}}"#);
    let text = format!(
        r#"{{"docstore/data": {{"a": {}, "b": {}, "a": {}, "c": {}}}}}"#,
        record("first"),
        record("b"),
        record("last"),
        record("c")
    );
    let store = store(&text);
    assert_eq!(store.len().unwrap(), 3);
    assert_eq!(ids(&store), ["a", "b", "c"]);
    let docs = store
        .docs()
        .unwrap()
        .map(|node| node.unwrap().text().into_owned());
    assert_eq!(docs.collect::<Vec<_>>(), [&b"last"[..], b"b", b"c"]);
    assert_eq!(&*store.get_document(b"a").unwrap().text(), b"last");
}

#[test]
fn another_namespace_has_other_nodes() {
    let text = STORE.replace("docstore/", "mine/");
    let other = store(&text);
    assert!(other.is_empty().unwrap());
    let mine = other.with_namespace(b"mine");
    assert_eq!(mine.len().unwrap(), 4);
    assert!(mine.ref_doc_exists(b"doc-a").unwrap());
    assert!(mine.document_hash(b"n1").unwrap().is_some());
}

#[test]
fn an_empty_store_has_nothing() {
    for store in [
        DocumentStore::empty(),
        store("{}"),
        store(r#"{"docstore/data": {}}"#),
    ] {
        assert_eq!(store.len().unwrap(), 0);
        assert_eq!(store.get(b"x").unwrap(), None);
        assert!(!store.contains(b"x").unwrap());
        assert_eq!(store.docs().unwrap().count(), 0);
        assert_eq!(store.ids().unwrap().count(), 0);
        assert_eq!(store.document_hash(b"x").unwrap(), None);
        assert!(store.all_document_hashes().unwrap().is_empty());
        assert_eq!(store.ref_doc_info(b"x").unwrap(), None);
        assert_eq!(store.all_ref_doc_info().unwrap().count(), 0);
        let none: [&str; 0] = [];
        assert!(store.get_nodes(&none).unwrap().is_empty());
    }
}
