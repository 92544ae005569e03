//! Somebody changes a store that another program wrote. What was not changed is
//! as it was: its order, its spelling, members that LlamaIndex does not know. (That
//! changes leave what LlamaIndex leaves is shown in `tests/parity`.)

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{CHAT, DOCUMENTS, Storage};
use proptest::{prelude::*, sample::subsequence};
use twinstore::{
    Error,
    convert::json_of_records,
    error::StoreError,
    store::{
        AddOptions, ChatMessage, ChatStore, CollectionPath, DocumentStore, GraphStore, IndexStore,
        IndexStruct, LabelledNode, NewDocument, Node, PropertyGraphStore, RecordStore, Relation,
        TripletQuery,
    },
};

const STRUCTS: &str = "index_store.json";
const TRIPLETS: &str = "graph_store.json";
const GRAPH: &str = "property_graph_store.json";

/// The records of a file with this text, packed.
fn records(file: &str, text: &str) -> RecordStore {
    let storage = Storage::in_memory(&common::named([(file, text)]));
    storage.pack();
    storage.records(file)
}

fn text(records: &RecordStore) -> String {
    String::from_utf8(json_of_records(records).unwrap()).unwrap()
}

fn store_error<T: std::fmt::Debug>(result: twinstore::Result<T>) -> StoreError {
    match result.unwrap_err() {
        Error::Store(error) => error,
        error => panic!("{error}"),
    }
}

fn document(id: &str, source: &str, metadata: &str) -> NewDocument {
    let record = format!(
        r#"{{"__data__": {{"id_": "{id}", "metadata": {metadata}, "relationships":
        {{"1": {{"node_id": "{source}"}}}}, "text": "new"}}, "__type__": "1"}}"#
    );
    NewDocument {
        node: Node::from_json(record.into_bytes()).unwrap(),
        hash: b"2cf24dba".to_vec(),
    }
}

#[test]
fn a_refused_document_changes_nothing() {
    let before = concat!(
        r#"{"docstore/ref_doc_info": {"d": {"node_ids": ["a"], "metadata": {}}}, "#,
        r#""docstore/data": {"a": {"__data__": {"id_": "a"}, "__type__": "1"}}}"#,
    );
    let mut store = DocumentStore::new(records(DOCUMENTS, before));
    let added = [document("b", "d", "{}"), document("a", "d", "{}")];
    let options = AddOptions {
        allow_update: false,
        ..AddOptions::default()
    };
    let error = store_error(store.add_documents(&added, options));
    assert_eq!(error, StoreError::DocumentExists { id: "a".to_owned() });
    assert_eq!(error.exception().as_str(), "ValueError");
    assert!(!store.records().has_changes());
    assert_eq!(text(store.records()), before);
}

#[test]
fn a_node_without_an_id_is_refused() {
    let record = br#"{"__data__": {"text": "x"}, "__type__": "1"}"#;
    let node = Node::from_json(record.to_vec()).unwrap();
    let hash = Vec::new();
    let mut store = DocumentStore::empty();
    let error =
        store_error(store.add_documents(&[NewDocument { node, hash }], AddOptions::default()));
    assert_eq!(error, StoreError::NoMember { name: "id_" });
    assert_eq!(text(store.records()), "{}");
}

#[test]
fn what_a_document_is_known_by_keeps_its_spelling_and_unknown_members() {
    let before = concat!(
        r#"{"docstore/ref_doc_info": {"d": {"node_ids": ["a"], "metadata": {"page": 1.50}, "owner": [1E2]}}, "#,
        r#""docstore/metadata": {}}"#,
    );
    let mut store = DocumentStore::new(records(DOCUMENTS, before));
    let added = [document("b", "d", r#"{"page": 2}"#)];
    store
        .add_documents(
            &added,
            AddOptions {
                store_text: false,
                ..AddOptions::default()
            },
        )
        .unwrap();
    let after = text(store.records());
    let info = r#"{"node_ids": ["a", "b"], "metadata": {"page": 1.50}, "owner": [1E2]}"#;
    assert!(after.contains(info), "{after}");
    // It is deleted as a whole.
    store.delete_ref_doc(b"d").unwrap();
    assert_eq!(
        text(store.records()),
        r#"{"docstore/ref_doc_info": {}, "docstore/metadata": {}}"#
    );
    assert_eq!(
        store_error(store.delete_ref_doc(b"d")),
        StoreError::NoRefDoc { id: "d".to_owned() }
    );
}

#[test]
fn a_document_whose_text_is_not_there_is_forgotten_and_missed() {
    let before = r#"{"docstore/metadata": {"a": {"doc_hash": "h"}}}"#;
    let mut store = DocumentStore::new(records(DOCUMENTS, before));
    let missed = StoreError::NoDocument { id: "a".to_owned() };
    assert_eq!(store_error(store.delete_document(b"a")), missed);
    assert_eq!(store.document_hash(b"a").unwrap(), None);
    assert!(!store.discard_document(b"a").unwrap());
}

fn index_store(kind: &str, data: &str) -> String {
    let data = serde_json::to_string(data).unwrap();
    format!(r#"{{"index_store/data": {{"i": {{"__type__": "{kind}", "__data__": {data}}}}}}}"#)
}

#[test]
fn members_of_a_set_keep_the_order_of_the_file_and_new_ones_come_last() {
    let data = |table: &str| format!(r#"{{"index_id": "i", "summary": null, "table": {table}}}"#);
    let before = index_store("keyword_table", &data(r#"{"river": ["c", "a", "b"]}"#));
    let mut store = IndexStore::new(records(STRUCTS, &before));
    let mut table = store.edit(b"i").unwrap().keyword_table().unwrap();
    table.add_node(&["river", "map"], b"0").unwrap();
    table.add_node(&["river"], b"a").unwrap();
    let after = data(r#"{"river": ["c", "a", "b", "0"], "map": ["0"]}"#);
    assert_eq!(text(store.records()), index_store("keyword_table", &after));

    let mut table = store.edit(b"i").unwrap().keyword_table().unwrap();
    table.delete_node(b"0").unwrap();
    assert_eq!(text(store.records()), before);
}

#[test]
fn triplets_keep_the_order_of_the_file_and_new_ones_come_last() {
    let before = concat!(
        r#"{"nodes":{"b":{"name":"b"},"a":{"name":"a"}},"#,
        r#""relations":{"b_R_a":{"label":"R","source_id":"b","target_id":"a"},"a_R_b":{"label":"R","source_id":"a","target_id":"b"}},"#,
        r#""triplets":[["b","R","a"],["a","R","b"]]}"#
    );
    let mut store = PropertyGraphStore::new(records(GRAPH, before));
    let relation = |label: &str| {
        let text = format!(r#"{{"label":"{label}","source_id":"a","target_id":"b"}}"#);
        Relation::from_json(text.into_bytes()).unwrap()
    };
    store
        .upsert_relations(&[relation("A"), relation("R")])
        .unwrap();
    let after = text(store.records());
    assert!(
        after.ends_with(r#""triplets":[["b","R","a"],["a","R","b"],["a","A","b"]]}"#),
        "{after}"
    );
}

#[test]
fn a_graph_loses_all_nodes_when_names_are_deleted_as_in_llama_index() {
    let mut store = PropertyGraphStore::empty();
    let node =
        |name: &str| LabelledNode::from_json(format!(r#"{{"name":"{name}"}}"#).into()).unwrap();
    store
        .upsert_nodes(&[node("a"), node("b"), node("c")])
        .unwrap();
    store
        .delete(&TripletQuery {
            ids: &[b"a"],
            ..TripletQuery::default()
        })
        .unwrap();
    assert_eq!(store.len().unwrap(), 2);
    store
        .delete(&TripletQuery {
            entity_names: &[b"b"],
            ..TripletQuery::default()
        })
        .unwrap();
    assert!(store.is_empty().unwrap());
}

#[test]
fn a_chunk_without_an_id_is_refused_with_all_that_came_with_it() {
    let mut store = PropertyGraphStore::empty();
    let nodes = [
        br#"{"name":"a"}"#.to_vec(),
        br#"{"text":"b","id_":null}"#.to_vec(),
    ];
    let nodes = nodes.map(|text| LabelledNode::from_json(text).unwrap());
    assert_eq!(
        store_error(store.upsert_nodes(&nodes)),
        StoreError::NoChunkId
    );
    assert!(store.is_empty().unwrap());
}

#[test]
fn delete_of_a_graph_store_does_nothing_as_in_llama_index() {
    let before = r#"{"graph_dict": {"a": [["r", "b"], ["r", "c"]], "z": [["r", "a"]]}}"#;
    let mut store = GraphStore::new(records(TRIPLETS, before));
    store.delete(b"a", b"r", b"b");
    assert_eq!(text(store.records()), before);

    assert!(store.remove_triplet(b"a", b"r", b"b").unwrap());
    assert!(!store.remove_triplet(b"a", b"r", b"b").unwrap());
    assert!(store.remove_triplet(b"z", b"r", b"a").unwrap());
    assert_eq!(
        text(store.records()),
        r#"{"graph_dict": {"a": [["r", "c"]]}}"#
    );
}

#[test]
fn a_chat_of_an_old_release_becomes_one_of_today_when_it_is_changed() {
    let old = br#""{\"store\": {\"u\": [{\"role\": \"user\", \"content\": \"Hi\"}]}}""#;
    let mut chats = ChatStore::from_text(old.to_vec()).unwrap();
    assert!(chats.records().is_none());
    let message = ChatMessage::from_json(br#"{"role":"user","blocks":[]}"#.to_vec()).unwrap();
    chats.add_message(b"u", message, None).unwrap();
    assert_eq!(
        text(chats.records().unwrap()),
        concat!(
            r#"{"store":{"u":[{"role":"user","content":"Hi"},{"role":"user","blocks":[]}]},"#,
            r#""class_name":"SimpleChatStore"}"#
        )
    );
}

#[test]
fn a_message_beyond_the_first_is_refused() {
    let file = r#"{"store":{"u":[],"v":[{"role":"user"}]},"class_name":"SimpleChatStore"}"#;
    let mut chats = ChatStore::new(records(CHAT, file));
    let key = || "u".to_owned();
    assert_eq!(
        store_error(chats.delete_last_message(b"u")),
        StoreError::NoMessages { key: key() }
    );
    let beyond = StoreError::NoMessage {
        key: "v".to_owned(),
        idx: -2,
    };
    assert_eq!(store_error(chats.delete_message(b"v", -2)), beyond);
    assert_eq!(chats.delete_message(b"v", 1).unwrap(), None);
    assert_eq!(chats.delete_message(b"unknown", -1).unwrap(), None);
    assert_eq!(text(chats.records().unwrap()), file);
}

#[test]
fn an_index_struct_that_is_handed_over_as_it_is_changes_nothing() {
    let data = r#"{"index_id": "i", "summary": null, "nodes_dict": {"a": "a", "b": "b"}, "doc_id_dict": {}}"#;
    let before = index_store("vector_store", data);
    let mut store = IndexStore::new(records(STRUCTS, &before));
    let record = store
        .get_index_struct(None)
        .unwrap()
        .unwrap()
        .data()
        .raw()
        .unwrap();
    store.add_index_struct(&record).unwrap();
    assert!(!store.records().has_changes());
}

#[test]
fn a_struct_keeps_its_own_style_when_it_is_handed_over_in_another() {
    let compact = r#"{"index_id":"i","summary":null,"nodes_dict":{"a":"a"}}"#;
    let before = index_store("vector_store", compact);
    let mut store = IndexStore::new(records(STRUCTS, &before));
    let spaced = r#"{"index_id": "i", "summary": null, "nodes_dict": {"a": "a"}}"#;
    let record = |data: &str| {
        let data = serde_json::to_string(data).unwrap();
        format!(r#"{{"__type__": "vector_store", "__data__": {data}}}"#)
    };
    store.add_index_struct(record(spaced).as_bytes()).unwrap();
    assert!(!store.records().has_changes());
    let longer = spaced.replace(r#""a": "a""#, r#""a": "a", "b": "b""#);
    store.add_index_struct(record(&longer).as_bytes()).unwrap();
    let longer = compact.replace(r#""a":"a""#, r#""a":"a","b":"b""#);
    assert_eq!(text(store.records()), index_store("vector_store", &longer));
}

#[test]
fn a_field_is_set_and_what_llama_index_does_not_know_stays() {
    let data = |summary: &str| {
        format!(
            r#"{{"index_id": "i", "future": {{"x": 1.50}}, "summary": {summary}, "nodes_dict": {{"a": "a"}}}}"#
        )
    };
    let before = index_store("vector_store", &data("null"));
    let mut store = IndexStore::new(records(STRUCTS, &before));
    store
        .edit(b"i")
        .unwrap()
        .set_summary(Some("ü".as_bytes()))
        .unwrap();
    // The struct stands in a string, in the style of its own.
    assert_eq!(
        text(store.records()),
        index_store("vector_store", &data(r#""\u00fc""#))
    );
}

#[test]
fn a_map_that_stands_in_its_record_is_changed_there() {
    // One odd escape, and the whole struct is kept as it is spelled.
    let data = r#"{"index_id": "i", "summary": "\u0061", "nodes_dict": {"a": "a", "b": "b"}}"#;
    let before = index_store("vector_store", data);
    let mut store = IndexStore::new(records(STRUCTS, &before));
    let map = CollectionPath::top(b"index_store/data").nested(b"i", b"nodes_dict");
    assert!(!store.records().all_collections().contains(&map));
    let mut index = store.edit(b"i").unwrap().index_dict().unwrap();
    index.delete(b"a").unwrap();
    index.add_node(b"c", Some(b"v")).unwrap();
    let missing = StoreError::NoKey { key: b"a".to_vec() };
    assert_eq!(store_error(index.delete(b"a")), missing);
    let found = store.get_index_struct(None).unwrap().unwrap();
    let IndexStruct::IndexDict(index) = found else {
        panic!("another class")
    };
    let nodes: Vec<_> = index
        .nodes_dict()
        .iter()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let nodes: Vec<(&[u8], &[u8])> = nodes.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(nodes, [(&b"b"[..], &b"b"[..]), (b"v", b"c")]);
}

#[test]
fn a_struct_is_changed_as_its_class_allows() {
    let mut store = IndexStore::empty();
    let record = br#"{"__type__": "list", "__data__": "{\"index_id\": \"i\", \"nodes\": [\"a\", \"b\", \"a\"]}"}"#;
    store.add_index_struct(record).unwrap();
    let other = store_error(store.edit(b"i").unwrap().keyword_table());
    assert_eq!(
        other.to_string(),
        r#"the index struct "i" is of type list, not keyword_table"#
    );
    let none = store_error(store.edit(b"j").map(|_| ()));
    assert_eq!(none, StoreError::NoIndexStruct { id: "j".to_owned() });

    let mut list = store.edit(b"i").unwrap().index_list().unwrap();
    list.delete_node(b"a").unwrap();
    list.add_node(b"c").unwrap();
    let after = text(store.records());
    assert!(after.contains(r#"\"nodes\": [\"b\", \"c\"]"#), "{after}");
}

/// Keys with values, each key once.
fn map() -> impl Strategy<Value = Vec<(char, u8)>> {
    let keys: Vec<char> = ('a'..='h').collect();
    let shuffled = subsequence(keys, 0..8).prop_shuffle();
    shuffled.prop_flat_map(|keys| {
        let values = prop::collection::vec(0..3_u8, keys.len());
        values.prop_map(move |values| keys.iter().copied().zip(values).collect())
    })
}

fn struct_of(map: &[(char, u8)]) -> String {
    let entries: Vec<String> = map
        .iter()
        .map(|(key, value)| format!("\"{key}\": \"{value}\""))
        .collect();
    format!(
        r#"{{"index_id": "i", "summary": null, "nodes_dict": {{{}}}}}"#,
        entries.join(", ")
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// However its map was before, and whether in a file or not.
    #[test]
    fn a_struct_handed_over_whole_is_as_it_was_handed_over(before in map(), between in map(), after in map()) {
        let mut store = IndexStore::new(records(STRUCTS, &index_store("vector_store", &struct_of(&before))));
        for map in [&between, &after] {
            let data = serde_json::to_string(&struct_of(map)).unwrap();
            let record = format!(r#"{{"__type__": "vector_store", "__data__": {data}}}"#);
            store.add_index_struct(record.as_bytes()).unwrap();
            prop_assert_eq!(text(store.records()), index_store("vector_store", &struct_of(map)));
        }
    }
}
