//! Files that LlamaIndex of today would not write, or other releases did.

use proptest::prelude::*;

use super::files::{self, Files};
use crate::{
    error::{Error, QueryError, StoreError},
    search::{FilterOperator, MetadataFilter, MetadataFilters, tests::Random},
    store::{NewVector, VectorStore},
};

/// Files of several writers, with odd spellings in them.
const FILES: [&str; 6] = [
    r#"{"embedding_dict": {"a": [0.5, 1], "\u0062": [0.1, 1.0e0], "c": [1e400, NaN]}, "text_id_to_ref_doc_id": {"a": "d1", "\u0062": "\u0064\u0031", "x": "d2", "c": null}, "metadata_dict": {"c": {"k": 1, "k": 2}, "a": {"k":  1}, "\u0062": [1], "y": {"k": "\/"}}}"#,
    r#"{"embeddingDict":{"a":[0.5,1],"b":[0.000001,2]},"textIdToRefDocId":{"a":"größe","b":"d1"}}"#,
    "{\n  \"metadata_dict\": {\n    \"a\": {\n      \"k\": [\n        1\n      ]\n    },\n    \"b\": {}\n  },\n  \"more\": [1,  2],\n  \"embedding_dict\": {\n    \"b\": [\n      0.5,\n      -0.0\n    ],\n    \"a\": [\n      1e22,\n      1e-07\n    ]\n  },\n  \"text_id_to_ref_doc_id\": {\n    \"b\": \"d1\",\n    \"a\": \"d1\"\n  }\n}\n",
    r#"{"embedding_dict": {"a": [0.5, 0.5]}, "text_id_to_doc_id": {"a": "d1"}, "metadata_dict": null, "other": {"x": 1}}"#,
    r#"{"text_id_to_ref_doc_id": {"b": "d1", "a": "d1"}, "embedding_dict": {"a": [1.0, 2.0], "b": [3.0, 4.0]}, "metadata_dict": {}}"#,
    r#"{}"#,
];

fn vector(random: &mut Random) -> NewVector {
    let id = ["a", "b", "c", "x", "y", "z", "\u{df}"][random.below(7)];
    NewVector {
        id: id.into(),
        embedding: vec![random.unit(), [1.0, 1e-7, f64::NAN, 0.1][random.below(4)]],
        ref_doc_id: Some(["d1", "größe", "d3"][random.below(3)].into()),
        metadata: [r#"{"k":1}"#, r#"{"k":[1,{}],"ö":"ß"}"#, "{}"][random.below(3)].into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What is written prints as it did before it was written, whatever is
    /// merged.
    #[test]
    fn files_of_any_kind_are_appended_to_and_compacted(seed: u64, file in 0..FILES.len()) {
        let mut random = Random(seed);
        let mut files = Files::packed(FILES[file]);
        let mut store = files.open();
        prop_assert_eq!(files::text(&store), FILES[file]);
        for _ in 0..12 {
            match random.below(8) {
                0..5 => {
                    let count = 1 + random.below(3);
                    store.add((0..count).map(|_| vector(&mut random)).collect()).unwrap();
                }
                5 => {
                    let document = ["d1", "d3"][random.below(2)];
                    // An id of the first file has a ref doc id and no vector.
                    store.delete(document.as_bytes()).unwrap();
                }
                6 => {
                    let id = vec![["b", "c", "z"][random.below(3)].into()];
                    store.delete_nodes(Some(&id), None).unwrap();
                }
                _ if random.below(6) == 0 => store.clear().unwrap(),
                _ => {}
            }
            let text = files::text(&store);
            match random.below(4) {
                0 => files.append(&store),
                1 => {
                    let from = random.below(files.segments.len() + 1);
                    prop_assert!(files.compact(&store, from));
                }
                _ => continue,
            }
            store = files.open();
            prop_assert_eq!(files::text(&store), text);
        }
    }
}

fn packed(file: usize) -> (Files, VectorStore) {
    let files = Files::packed(FILES[file]);
    let store = files.open();
    (files, store)
}

fn add(store: &mut VectorStore, id: &str) {
    let vector = NewVector {
        id: id.into(),
        embedding: vec![0.5, 3.0],
        ref_doc_id: None,
        metadata: r#"{"k": "ß"}"#.into(),
    };
    store.add(vec![vector]).unwrap();
}

#[test]
fn what_is_added_has_the_style_of_the_file() {
    let (_, mut store) = packed(1);
    add(&mut store, "z");
    let expected = r#"{"embeddingDict":{"a":[0.5,1],"b":[0.000001,2],"z":[0.5,3]},"textIdToRefDocId":{"a":"größe","b":"d1","z":"None"},"metadataDict":{"z":{"k":"ß"}}}"#;
    assert_eq!(files::text(&store), expected);
    let (_, mut store) = packed(2);
    add(&mut store, "b");
    let text = files::text(&store);
    assert!(
        text.contains("\n    \"b\": [\n      0.5,\n      3.0\n    ],\n    \"a\""),
        "{text}"
    );
    assert!(
        text.contains("\n    \"b\": {\n      \"k\": \"\\u00df\"\n    }\n  },\n  \"more\""),
        "{text}"
    );
}

#[test]
fn a_map_that_is_null_gets_entries_in_its_place() {
    let (_, mut store) = packed(3);
    add(&mut store, "z");
    let expected = r#"{"embedding_dict": {"a": [0.5, 0.5], "z": [0.5, 3.0]}, "text_id_to_doc_id": {"a": "d1", "z": "None"}, "metadata_dict": {"z": {"k": "\u00df"}}, "other": {"x": 1}}"#;
    assert_eq!(files::text(&store), expected);
    // One that is something else does not.
    let text = r#"{"embedding_dict": {}, "metadata_dict": 1}"#;
    let mut store = Files::packed(text).open();
    let vector = NewVector {
        id: b"a".to_vec(),
        embedding: vec![0.5],
        ref_doc_id: None,
        metadata: b"{}".to_vec(),
    };
    let error = store.add(vec![vector]).unwrap_err();
    assert_eq!(error.to_string(), "\"metadata_dict\" is not an object");
    assert_eq!(files::text(&store), text);
}

#[test]
fn a_file_without_maps_gets_those_of_llamaindex() {
    let (_, mut store) = packed(5);
    add(&mut store, "z");
    let expected = r#"{"embedding_dict": {"z": [0.5, 3.0]}, "text_id_to_ref_doc_id": {"z": "None"}, "metadata_dict": {"z": {"k": "\u00df"}}}"#;
    assert_eq!(files::text(&store), expected);
}

#[test]
fn clearing_leaves_all_but_the_entries() {
    let (mut files, mut store) = packed(2);
    store.clear().unwrap();
    let expected = "{\n  \"metadata_dict\": {},\n  \"more\": [1,  2],\n  \"embedding_dict\": {},\n  \"text_id_to_ref_doc_id\": {}\n}\n";
    assert_eq!(files::text(&store), expected);
    files.append(&store);
    assert_eq!(files::text(&files.open()), expected);
    assert_eq!((files.segments.len(), files.tombstones), (1, None));
}

#[test]
fn a_document_with_an_id_without_a_vector_is_not_deleted() {
    let (_, mut store) = packed(0);
    let error = store.delete(b"d2").unwrap_err();
    assert_eq!(error.to_string(), "'x'");
    assert!(matches!(error, Error::Store(StoreError::NoEntry { .. })));
    assert!(!store.has_changes().unwrap());
    assert_eq!(store.delete(b"d1").unwrap(), 2);
    let expected = r#"{"embedding_dict": {"c": [1e400, NaN]}, "text_id_to_ref_doc_id": {"x": "d2", "c": null}, "metadata_dict": {"c": {"k": 1, "k": 2}, "y": {"k": "\/"}}}"#;
    assert_eq!(files::text(&store), expected);
}

#[test]
fn of_several_reasons_not_to_delete_the_first_row_tells() {
    let filters = |value: i64| {
        let filter = MetadataFilter::new("k", FilterOperator::Eq, value);
        Some(MetadataFilters::all([filter]))
    };
    let text = |a: &str, b: &str| {
        format!(
            r#"{{"embedding_dict": {{"a": [1.0], "b": [2.0]}}, "text_id_to_ref_doc_id": {{}}, "metadata_dict": {{{a}, {b}}}}}"#
        )
    };
    // The first row passes and has no ref doc id, the second has no object.
    let passes = r#""a": {"k": 1}"#;
    let mut store = Files::packed(&text(passes, r#""b": []"#)).open();
    let error = store.delete_nodes(None, filters(1).as_ref()).unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::NoEntry { id }) if id == b"a"));
    // Where the first does not pass, it is not looked at.
    let error = store.delete_nodes(None, filters(2).as_ref()).unwrap_err();
    assert!(matches!(
        error,
        Error::Query(QueryError::MetadataNotAnObject { .. })
    ));
    let mut store = Files::packed(&text(r#""a": []"#, r#""b": {"k": 1}"#)).open();
    let error = store.delete_nodes(None, filters(1).as_ref()).unwrap_err();
    assert!(matches!(
        error,
        Error::Query(QueryError::MetadataNotAnObject { .. })
    ));
    assert!(!store.has_changes().unwrap());
    // Without metadata, `query` says so and `delete_nodes` does not.
    let (_, mut store) = packed(4);
    let error = store.delete_nodes(None, filters(1).as_ref()).unwrap_err();
    assert!(matches!(error, Error::Query(QueryError::NodeWithoutMetadata { id }) if id == b"a"));
    assert_eq!(store.delete_nodes(None, None).unwrap(), 2);
    assert_eq!(store.len().unwrap(), 0);
}
