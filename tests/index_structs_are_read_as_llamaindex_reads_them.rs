//! Each class of index struct, with its maps read entry by entry.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fmt::Debug;

use common::Storage;
use twinstore::{
    Error,
    error::StoreError,
    store::{Field, IndexStore, IndexStruct, IndexStructType, MapValue, StructMap},
};

const INDEX: &str = "index_store.json";

/// A struct of type and fields, these in a string as LlamaIndex writes them.
fn in_string(kind: &str, fields: &str) -> String {
    let data = serde_json::to_string(fields).unwrap();
    format!(r#"{{"__type__": "{kind}", "__data__": {data}}}"#)
}

/// As 0.6.0 to 0.6.8 wrote it.
fn as_object(kind: &str, fields: &str) -> String {
    format!(r#"{{"__type__": "{kind}", "__data__": {fields}}}"#)
}

fn file(structs: &[(&str, String)]) -> String {
    let structs: Vec<_> = structs
        .iter()
        .map(|(id, of)| format!("\"{id}\": {of}"))
        .collect();
    format!("{{\"index_store/data\": {{{}}}}}", structs.join(", "))
}

fn store(text: &str) -> IndexStore {
    let storage = Storage::with([(INDEX, text)]);
    storage.pack();
    storage.remove(INDEX);
    IndexStore::new(storage.records(INDEX))
}

/// A struct in a string; as an object; and in a file with white space of its own,
/// which keeps maps in their records.
fn each_way(kind: &str, fields: &str, check: impl Fn(&IndexStruct<'_>)) {
    let odd = |text: String| text.replacen("\"__data__\": ", "\"__data__\":\n  ", 1);
    for text in [
        file(&[("i", in_string(kind, fields))]),
        file(&[("i", as_object(kind, fields))]),
        odd(file(&[("i", in_string(kind, fields))])),
        file(&[("i", "0".to_owned()), ("i", in_string(kind, fields))]),
    ] {
        let store = store(&text);
        let found = store.get_index_struct(Some(b"i")).unwrap().unwrap();
        assert_eq!(found.struct_type().as_str(), kind);
        check(&found);
    }
}

fn entries<V: MapValue + PartialEq + Debug>(map: &StructMap<'_, V>) -> Vec<(String, V)> {
    let all: Vec<_> = map.iter().unwrap().map(|entry| entry.unwrap()).collect();
    let keys: Vec<_> = map.keys().unwrap().map(|key| key.unwrap()).collect();
    assert!(all.iter().map(|(key, _)| key).eq(&keys));
    assert_eq!(map.len().unwrap(), all.len() as u64);
    assert_eq!(map.is_empty().unwrap(), all.is_empty());
    for key in &keys {
        assert!(map.contains(key).unwrap());
        assert!(map.get(key).unwrap().is_some());
    }
    assert!(!map.contains(b"no such key").unwrap());
    assert!(map.get(b"no such key").unwrap().is_none());
    let mut several: Vec<&[u8]> = keys.iter().rev().map(Vec::as_slice).collect();
    several.insert(several.len() / 2, b"no such key");
    let one_by_one = several.iter().map(|key| map.get(key).unwrap());
    let one_by_one: Vec<Option<V>> = one_by_one.collect();
    assert_eq!(map.get_many(&several).unwrap(), one_by_one);
    let values: Vec<serde_json::Value> =
        serde_json::from_slice(&map.values_text().unwrap()).unwrap();
    assert_eq!(values.len(), keys.len());
    let entries = all.into_iter();
    entries
        .map(|(key, value)| (String::from_utf8(key).unwrap(), value))
        .collect()
}

fn id(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn by<V>(key: &str, value: V) -> (String, V) {
    (key.to_owned(), value)
}

#[test]
fn a_vector_index() {
    for kind in ["vector_store", "multimodal"] {
        let fields = r#"{"index_id": "stated", "summary": "Z\u00fc", "nodes_dict": {"v1": "n1", "v\u0000": "n2"}, "doc_id_dict": {"d": ["v1"]}, "embeddings_dict": {"v1": [0.5, 1]}, "later": {"a": 1}, "more": [2]}"#;
        each_way(kind, fields, |found| {
            assert_eq!(&*found.index_id(), b"stated");
            assert_eq!(found.summary().unwrap(), "Zü".as_bytes());
            let (nodes, docs, embeddings) = match found {
                IndexStruct::IndexDict(of) => {
                    (of.nodes_dict(), of.doc_id_dict(), of.embeddings_dict())
                }
                IndexStruct::MultiModelIndexDict(of) => {
                    (of.nodes_dict(), of.doc_id_dict(), of.embeddings_dict())
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(entries(&nodes), [by("v1", id("n1")), by("v\0", id("n2"))]);
            assert_eq!(entries(&docs), [by("d", vec![id("v1")])]);
            assert_eq!(entries(&embeddings), [by("v1", vec![0.5, 1.0])]);
            let data = found.data();
            let names = [
                "index_id",
                "summary",
                "nodes_dict",
                "doc_id_dict",
                "embeddings_dict",
                "later",
                "more",
            ];
            assert_eq!(data.field_names(), names.map(str::as_bytes));
            let Some(Field::Map(later)) = data.field("later") else {
                panic!("{data:?}");
            };
            assert_eq!(later.get(b"a").unwrap().unwrap().0, b"1");
            assert!(matches!(data.field("more"), Some(Field::Value(v)) if v.text() == b"[2]"));
            assert!(data.field("none").is_none());
            let raw = data.raw().unwrap();
            assert!(String::from_utf8(raw).unwrap().contains("doc_id_dict"));
        });
    }
}

#[test]
fn a_list_and_a_tree() {
    each_way(
        "list",
        r#"{"index_id": "i", "summary": null, "nodes": ["b", "a"]}"#,
        |found| {
            let IndexStruct::IndexList(list) = found else {
                panic!("{found:?}")
            };
            assert_eq!(list.nodes().unwrap(), [b"b", b"a"]);
            assert_eq!(found.summary(), None);
        },
    );
    let fields = r#"{"index_id": "i", "summary": null, "all_nodes": {"0": "a", "10": "b"}, "root_nodes": {"10": "b"}, "node_id_to_children_ids": {"b": ["a"], "a": []}}"#;
    each_way("tree", fields, |found| {
        let IndexStruct::IndexGraph(tree) = found else {
            panic!("{found:?}")
        };
        assert_eq!(
            entries(&tree.all_nodes()),
            [by("0", id("a")), by("10", id("b"))]
        );
        assert_eq!(entries(&tree.root_nodes()), [by("10", id("b"))]);
        let children = [by("b", vec![id("a")]), by("a", vec![])];
        assert_eq!(entries(&tree.node_id_to_children_ids()), children);
    });
}

#[test]
fn keywords_and_knowledge() {
    let fields =
        r#"{"index_id": "i", "summary": null, "table": {"k\u00e4se": ["b", "a"], "x": []}}"#;
    each_way("keyword_table", fields, |found| {
        let IndexStruct::KeywordTable(of) = found else {
            panic!("{found:?}")
        };
        // A set in Python: in the order of the file.
        assert_eq!(
            entries(&of.table()),
            [by("käse", vec![id("b"), id("a")]), by("x", vec![])]
        );
    });
    let fields = r#"{"index_id": "i", "summary": null, "table": {"s": ["n"]}, "rel_map": {"s": [["r", "o"]]}, "embedding_dict": {"('s', 'r', 'o')": [1e-05]}}"#;
    each_way("kg", fields, |found| {
        let IndexStruct::KG(kg) = found else {
            panic!("{found:?}")
        };
        assert_eq!(entries(&kg.table()), [by("s", vec![id("n")])]);
        assert_eq!(
            entries(&kg.rel_map()),
            [by("s", vec![vec![id("r"), id("o")]])]
        );
        assert_eq!(
            entries(&kg.embedding_dict()),
            [by("('s', 'r', 'o')", vec![1e-5])]
        );
    });
}

#[test]
fn summaries_tables_and_structs_without_fields() {
    let fields = r#"{"index_id": "i", "summary": null, "summary_id_to_node_ids": {"s": ["a", "b"]}, "node_id_to_summary_id": {"a": "s", "b": "s"}, "doc_id_to_summary_id": {"d": "s"}}"#;
    each_way("document_summary", fields, |found| {
        let IndexStruct::IndexDocumentSummary(of) = found else {
            panic!("{found:?}")
        };
        assert_eq!(
            entries(&of.summary_id_to_node_ids()),
            [by("s", vec![id("a"), id("b")])]
        );
        assert_eq!(
            entries(&of.node_id_to_summary_id()),
            [by("a", id("s")), by("b", id("s"))]
        );
        assert_eq!(entries(&of.doc_id_to_summary_id()), [by("d", id("s"))]);
    });
    let fields = r#"{"index_id": "i", "summary": null, "context_dict": {"t": "a table"}}"#;
    each_way("sql", fields, |found| {
        let IndexStruct::SQLStructTable(of) = found else {
            panic!("{found:?}")
        };
        assert_eq!(entries(&of.context_dict()), [by("t", id("a table"))]);
    });
    for kind in ["pandas", "simple_lpg", "empty"] {
        each_way(kind, r#"{"index_id": "e", "summary": null}"#, |found| {
            assert_eq!(&*found.index_id(), b"e");
        });
    }
}

#[test]
fn every_type_with_a_class_is_known() {
    let names: Vec<_> = IndexStructType::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    let of_llamaindex = [
        "tree",
        "list",
        "keyword_table",
        "vector_store",
        "multimodal",
        "kg",
        "simple_lpg",
        "document_summary",
        "empty",
        "sql",
        "pandas",
    ];
    assert_eq!(names, of_llamaindex);
}

#[test]
fn a_map_that_is_not_there_is_empty() {
    each_way("vector_store", r#"{"nodes_dict": null}"#, |found| {
        // The id is that of the store, then.
        assert_eq!(&*found.index_id(), b"i");
        let IndexStruct::IndexDict(index) = found else {
            panic!("{found:?}")
        };
        assert!(entries(&index.nodes_dict()).is_empty());
        assert!(entries(&index.doc_id_dict()).is_empty());
    });
    each_way("list", "{}", |found| {
        let IndexStruct::IndexList(list) = found else {
            panic!("{found:?}")
        };
        assert!(list.nodes().unwrap().is_empty());
    });
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> StoreError {
    match result {
        Err(Error::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_of_another_kind_is_refused_with_its_place() {
    each_way(
        "vector_store",
        r#"{"nodes_dict": {"a": 5, "b": "n"}}"#,
        |found| {
            let IndexStruct::IndexDict(index) = found else {
                panic!("{found:?}")
            };
            let nodes = index.nodes_dict();
            assert_eq!(nodes.get(b"b").unwrap(), Some(id("n")));
            let error = refusal(nodes.get(b"a")).to_string();
            assert!(
                error.contains("\"a\"") && error.contains("nodes_dict"),
                "{error}"
            );
            assert!(error.ends_with("is not a string"), "{error}");
            let read: Vec<_> = nodes.iter().unwrap().map(|entry| entry.is_ok()).collect();
            assert_eq!(read, [false, true]);
        },
    );
    each_way("list", r#"{"nodes": {"0": "a"}}"#, |found| {
        let IndexStruct::IndexList(list) = found else {
            panic!("{found:?}")
        };
        assert!(matches!(refusal(list.nodes()), StoreError::Shape { .. }));
    });
}

#[test]
fn without_an_id_there_must_be_exactly_one_struct() {
    let list = || in_string("list", r#"{"nodes": ["a"]}"#);
    let two = store(&file(&[("one", list()), ("two", list())]));
    let structs = two.index_structs().unwrap();
    let ids: Vec<_> = structs.iter().map(|found| found.index_id()).collect();
    assert_eq!(ids, [&b"one"[..], b"two"]);
    let keys: Vec<_> = two.ids().unwrap().map(|key| key.unwrap()).collect();
    assert_eq!(keys, [b"one", b"two"]);
    assert_eq!(two.len().unwrap(), 2);
    let error = refusal(two.get_index_struct(None));
    assert_eq!(error, StoreError::NotOneStruct { count: 2 });
    assert_eq!(error.exception().as_str(), "AssertionError");
    assert!(two.get_index_struct(Some(b"two")).unwrap().is_some());
    assert!(two.get_index_struct(Some(b"three")).unwrap().is_none());

    let one = store(&file(&[("one", list())]));
    assert!(one.get_index_struct(None).unwrap().is_some());
    for none in [IndexStore::empty(), store("{}")] {
        assert!(none.is_empty().unwrap());
        assert!(none.index_structs().unwrap().is_empty());
        assert!(none.get_index_struct(Some(b"x")).unwrap().is_none());
        let error = refusal(none.get_index_struct(None));
        assert_eq!(error, StoreError::NotOneStruct { count: 0 });
    }
}

#[test]
fn what_has_no_class_is_refused_in_llamaindexs_words() {
    let known = || in_string("empty", "{}");
    let odd = |record: &str| store(&file(&[("ok", known()), ("i", record.to_owned())]));
    let unknown = odd(&in_string(
        "simple_dict",
        r#"{"nodes_dict": {"0": {"text": "t"}}}"#,
    ));
    let error = refusal(unknown.get_index_struct(Some(b"i")));
    assert_eq!(
        (error.exception().as_str(), &*error.to_string()),
        ("KeyError", "'simple_dict'")
    );
    assert_eq!(refusal(unknown.index_structs()), error);
    assert!(unknown.get_index_struct(Some(b"ok")).unwrap().is_some());
    let untyped =
        odd(r#"{"indexId": "i", "nodesDict": {"a": {"id_": "a"}}, "type": "simple_dict"}"#);
    let error = refusal(untyped.get_index_struct(Some(b"i")));
    assert_eq!(error.to_string(), "'__type__'");
    let cut = odd(r#"{"__type__": "list", "__data__": "{\"nodes\": ["}"#);
    let error = refusal(cut.get_index_struct(Some(b"i")));
    assert_eq!(error.exception().as_str(), "JSONDecodeError");
    for record in [
        "7",
        r#"{"__type__": "list", "__data__": 3}"#,
        r#"{"__type__": 1, "__data__": {}}"#,
    ] {
        let error = refusal(odd(record).get_index_struct(Some(b"i")));
        assert!(
            matches!(error, StoreError::Shape { .. }),
            "{record} {error:?}"
        );
    }
}

#[test]
fn another_namespace_has_other_structs() {
    let text = file(&[("i", in_string("empty", "{}"))]).replace("index_store/", "mine/");
    let other = store(&text);
    assert!(other.is_empty().unwrap());
    assert_eq!(other.with_namespace(b"mine").len().unwrap(), 1);
}
