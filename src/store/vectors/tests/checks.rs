//! What a query is refused for, and in which order that is looked at. Each case
//! was run with llama-index-core 0.14.25.

use std::fs;

use super::disk::{BACKENDS, Disk};
use crate::{
    error::{Error, QueryError},
    search::{
        FilterOperator, MetadataFilter, MetadataFilters, VectorStoreQuery, VectorStoreQueryMode,
    },
    segment::{Map, Metadata},
    store::VectorStore,
};

const MODES: [VectorStoreQueryMode; 2] = [VectorStoreQueryMode::Default, VectorStoreQueryMode::Mmr];

/// A store of these vectors as records, and as rows where they fit: a segment
/// for each length.
fn stores(vectors: &[(&str, &str)]) -> Vec<VectorStore> {
    let entries = vectors
        .iter()
        .map(|(id, text)| ((*id).to_owned(), (*text).to_owned()));
    let entries: Vec<(String, String)> = entries.collect();
    let mut stores = Vec::new();
    let mut records = Disk::new();
    records.records(&[("embedding_dict", entries.clone())]);
    let is_row = |text: &str| {
        let numbers = text.strip_prefix('[').filter(|text| *text != "]");
        numbers.is_some_and(|numbers| !numbers.contains(['[', 'n']))
    };
    if entries.iter().all(|(_, text)| is_row(text)) {
        let mut rows = Disk::new();
        for (sequence, (id, text)) in (0..).zip(&entries) {
            rows.rows(&[(id.clone(), text.clone(), Some(sequence))]);
        }
        stores.extend(BACKENDS.map(|backend| VectorStore::rows(rows.open_rows(backend))));
    }
    stores.extend(BACKENDS.map(|backend| VectorStore::records(records.open_records(backend))));
    stores
}

/// Why all forms of a store refuse a query.
fn refusal(vectors: &[(&str, &str)], query: &VectorStoreQuery) -> QueryError {
    let mut refusals = stores(vectors)
        .into_iter()
        .map(|store| match store.query(query) {
            Err(Error::Query(error)) => error,
            other => panic!("{other:?}"),
        });
    let first = refusals.next().unwrap();
    assert!(refusals.all(|other| other == first), "{first}");
    first
}

fn answered(vectors: &[(&str, &str)], query: &VectorStoreQuery) -> Vec<String> {
    let answers = stores(vectors).into_iter().map(|store| {
        let hits = store.query(query).unwrap();
        hits.iter().map(|hit| hit.id_text().into_owned()).collect()
    });
    let answers: Vec<Vec<String>> = answers.collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    answers[0].clone()
}

fn without_embedding() -> VectorStoreQuery {
    VectorStoreQuery {
        query_embedding: None,
        ..VectorStoreQuery::new(&[])
    }
}

fn filters() -> MetadataFilters {
    let filter = MetadataFilter::new("page", FilterOperator::Eq, "1");
    let mut filters = MetadataFilters::all([filter]);
    filters.condition = None;
    filters
}

const THREE: [(&str, &str); 3] = [
    ("a", "[1.0, 0.0]"),
    ("b", "[0.0, 1.0]"),
    ("c", "[1.0, 1.0]"),
];

#[test]
fn other_modes_are_refused_once_filters_were_applied() {
    use VectorStoreQueryMode as Mode;
    for (mode, name) in [
        (Mode::Sparse, "SPARSE"),
        (Mode::Hybrid, "HYBRID"),
        (Mode::TextSearch, "TEXT_SEARCH"),
        (Mode::SemanticHybrid, "SEMANTIC_HYBRID"),
    ] {
        let query = without_embedding().mode(mode);
        let error = QueryError::InvalidMode { mode: name };
        assert_eq!(refusal(&THREE, &query), error);
        assert_eq!(
            error.to_string(),
            format!("Invalid query mode: VectorStoreQueryMode.{name}")
        );
        let empty = VectorStore::empty().query(&query);
        assert!(matches!(empty, Err(Error::Query(e)) if e == error));
        assert_eq!(
            refusal(&THREE, &query.filters(filters())),
            QueryError::NoMetadata
        );
    }
    for mode in [Mode::Svm, Mode::LinearRegression, Mode::LogisticRegression] {
        let query = without_embedding().mode(mode);
        assert_eq!(
            refusal(&THREE, &query),
            QueryError::NeedsPython {
                mode: mode.as_str()
            }
        );
        assert_eq!(
            refusal(&THREE, &query.filters(filters())),
            QueryError::NoMetadata
        );
    }
}

#[test]
fn an_embedding_is_looked_at_if_there_is_a_row() {
    for mode in MODES {
        let none = without_embedding().mode(mode);
        assert_eq!(
            refusal(&THREE, &none),
            QueryError::NoEmbedding { stored: 2 }
        );
        assert_eq!(answered(&THREE, &none.clone().node_ids(["z"])), [""; 0]);
        assert_eq!(answered(&THREE, &none.clone().node_ids([""; 0])), [""; 0]);
        assert!(VectorStore::empty().query(&none).unwrap().is_empty());
        assert!(
            VectorStore::empty()
                .query(&none.clone().filters(filters()))
                .unwrap()
                .is_empty()
        );
        for query in [0, 1, 3] {
            let wrong = VectorStoreQuery::new(&vec![1.0; query]).mode(mode);
            assert_eq!(
                refusal(&THREE, &wrong),
                QueryError::Shapes { query, stored: 2 }
            );
            assert_eq!(answered(&THREE, &wrong.clone().node_ids(["z"])), [""; 0]);
            // Also where nothing is wanted.
            let nothing = VectorStoreQuery {
                similarity_top_k: Some(-1),
                ..wrong
            };
            assert_eq!(
                refusal(&THREE, &nothing),
                QueryError::Shapes { query, stored: 2 }
            );
        }
        let filtered = none.node_ids([""; 0]).filters(filters());
        assert_eq!(refusal(&THREE, &filtered), QueryError::NoMetadata);
    }
}

#[test]
fn vectors_of_several_lengths_are_refused_if_they_are_looked_at() {
    let ragged = [("b", "[1.0]"), ("a", "[1.0, 2.0]"), ("c", "[1.0, 0.0]")];
    let query = VectorStoreQuery::new(&[1.0, 2.0]);
    assert_eq!(refusal(&ragged, &query), QueryError::Ragged { rows: 3 });
    assert_eq!(
        refusal(&ragged, &without_embedding()),
        QueryError::Ragged { rows: 3 }
    );
    assert_eq!(
        answered(&ragged, &query.clone().node_ids(["a", "c"])),
        ["a"]
    );
    // Mode mmr goes from row to row.
    let mmr = query.mode(VectorStoreQueryMode::Mmr);
    assert_eq!(
        refusal(&ragged, &mmr),
        QueryError::Shapes {
            query: 2,
            stored: 1
        }
    );
    assert_eq!(answered(&ragged, &mmr.clone().node_ids(["c", "a"])), ["a"]);
    let none = without_embedding().mode(VectorStoreQueryMode::Mmr);
    assert_eq!(
        refusal(&ragged, &none),
        QueryError::NoEmbedding { stored: 1 }
    );
    let one = VectorStoreQuery::new(&[1.0]).mode(VectorStoreQueryMode::Mmr);
    assert_eq!(
        refusal(&ragged, &one),
        QueryError::Shapes {
            query: 1,
            stored: 2
        }
    );
}

#[test]
fn empty_vectors_have_a_cosine_that_is_no_number() {
    let empty = [("a", "[]"), ("b", "[]")];
    assert_eq!(answered(&empty, &VectorStoreQuery::new(&[])), ["b"]);
    let query = VectorStoreQuery::new(&[1.0, 2.0]);
    assert_eq!(
        refusal(&empty, &query),
        QueryError::Shapes {
            query: 2,
            stored: 0
        }
    );
    let none = QueryError::NoEmbedding { stored: 0 };
    assert_eq!(refusal(&empty, &without_embedding()), none);
    let mmr = VectorStoreQuery::new(&[]).mode(VectorStoreQueryMode::Mmr);
    assert_eq!(refusal(&empty, &mmr), QueryError::NoPick);
}

#[test]
fn integers_and_booleans_are_numbers_and_other_values_are_not() {
    let query = VectorStoreQuery::new(&[1.0, 2.0]).top_k(5);
    assert_eq!(
        answered(&[("a", "[1, 2]"), ("b", "[3, 4]")], &query),
        ["a", "b"]
    );
    let mut disk = Disk::new();
    let entries = [("a", "[true, false]"), ("b", "[true, true]")];
    let entries = entries.map(|(id, text)| (id.to_owned(), text.to_owned()));
    disk.records(&[("embedding_dict", entries.to_vec())]);
    let store = VectorStore::records(disk.open_records(BACKENDS[0]));
    let hits = store.query(&query).unwrap();
    assert_eq!((&hits[0].id[..], &hits[1].id[..]), (&b"b"[..], &b"a"[..]));
    assert_eq!(store.get(b"a").unwrap(), Some(vec![1.0, 0.0]));
    let mut disk = Disk::new();
    let strings = r#"["1_0.5", " -inf ", true, "nan"]"#;
    let entries = [
        ("a", strings),
        ("b", r#"["1__0"]"#),
        ("c", r#"["_1"]"#),
        ("d", r#"["0x1"]"#),
    ];
    let entries = entries.map(|(id, text)| (id.to_owned(), text.to_owned()));
    disk.records(&[("embedding_dict", entries.to_vec())]);
    let store = VectorStore::records(disk.open_records(BACKENDS[0]));
    let values = store.get(b"a").unwrap().unwrap();
    assert_eq!(format!("{values:?}"), "[10.5, -inf, 1.0, NaN]");
    for id in [b"b", b"c", b"d"] {
        let error = store.get(id).unwrap_err();
        assert!(
            matches!(error, Error::Query(QueryError::NotNumbers { .. })),
            "{error}"
        );
    }
    for odd in ["[null, 2.0]", "null", "{}", "\"text\"", "[[1.0], [2.0]]"] {
        for mode in MODES {
            let vectors = [("a", "[1.0, 2.0]"), ("b", odd)];
            let error = refusal(&vectors, &query.clone().mode(mode));
            assert_eq!(error, QueryError::NotNumbers { id: b"b".to_vec() });
            assert_eq!(
                answered(&vectors, &query.clone().mode(mode).node_ids(["a"])),
                ["a"]
            );
        }
    }
}

#[test]
fn no_pick_names_the_last_one() {
    let query = VectorStoreQuery::new(&[1.0, 0.0]).mode(VectorStoreQueryMode::Mmr);
    let zeros = [("z", "[0.0, 0.0]")];
    assert_eq!(refusal(&zeros, &query), QueryError::NoPick);
    let vectors = [
        ("a", "[1.0, 0.0]"),
        ("z", "[0.0, 0.0]"),
        ("b", "[0.0, 1.0]"),
        ("y", "[0.0, 0.0]"),
    ];
    assert_eq!(answered(&vectors, &query.clone().top_k(2)), ["a", "b"]);
    let error = refusal(&vectors, &query.clone().top_k(3));
    assert_eq!(
        (error.exception().as_str(), error.to_string().as_str()),
        ("KeyError", "'b'")
    );
    let nothing = VectorStoreQuery {
        similarity_top_k: Some(-1),
        ..query
    };
    assert_eq!(answered(&zeros, &nothing), [""; 0]);
}

/// The queries of a batch need not be alike, and what is reported is what is
/// wrong with the first.
#[test]
fn a_batch_fails_as_its_first_query_that_fails() {
    let sound = VectorStoreQuery::new(&[1.0, 0.0]);
    let mmr = sound.clone().mode(VectorStoreQueryMode::Mmr);
    let other = sound.clone().node_ids(["b"]);
    let (short, long) = (
        VectorStoreQuery::new(&[1.0]),
        VectorStoreQuery::new(&[1.0; 3]),
    );
    let none = without_embedding().node_ids(["b"]);
    for store in stores(&THREE) {
        let answers =
            store.query_batch(&[sound.clone(), other.clone(), mmr.clone(), sound.clone()]);
        let ids: Vec<_> = answers
            .unwrap()
            .iter()
            .map(|hits| hits[0].id.clone())
            .collect();
        assert_eq!(ids, [b"a", b"b", b"a", b"a"]);
        let fails = |queries: &[&VectorStoreQuery]| {
            let queries: Vec<_> = queries.iter().map(|query| (*query).clone()).collect();
            match store.query_batch(&queries) {
                Err(Error::Query(error)) => error,
                other => panic!("{other:?}"),
            }
        };
        let shapes = |query| QueryError::Shapes { query, stored: 2 };
        assert_eq!(fails(&[&sound, &other, &long, &short]), shapes(3));
        assert_eq!(
            fails(&[&sound, &none, &short]),
            QueryError::NoEmbedding { stored: 2 }
        );
        assert_eq!(fails(&[&short, &none, &long]), shapes(1));
        assert!(store.query_batch(&[]).unwrap().is_empty());
    }
}

/// Excluded vectors must cost nothing. So a damaged one among them is not even
/// noticed.
#[test]
fn excluded_vectors_are_not_read() {
    const DIM: usize = 4096;
    let vector = |n: usize| {
        let tokens = (0..DIM).map(|c| if c % 40 == n { "1.5" } else { "0.5" });
        format!("[{}]", tokens.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<_> = (0..32).map(|n| (n.to_string(), vector(n), None)).collect();
    let mut disk = Disk::new();
    disk.rows(&rows);
    let path = disk.files[0].0.clone();
    let whole = fs::read(&path).unwrap();
    // Row 20 is in the sixth block of 64 KiB, of four rows each, of the plane.
    let row = 20 * DIM * 4;
    let start = whole
        .windows(4)
        .position(|bytes| bytes == 1.5_f32.to_le_bytes())
        .unwrap();
    let mut damaged = whole.clone();
    damaged[start + row + 8000] ^= 1;
    fs::write(&path, damaged).unwrap();
    for backend in BACKENDS {
        let store = VectorStore::rows(disk.open_rows(backend));
        let query = VectorStoreQuery::new(&[1.0; DIM]).top_k(3);
        let few = query.clone().node_ids(["3", "9", "30"]);
        for mode in MODES {
            assert_eq!(store.query(&few.clone().mode(mode)).unwrap().len(), 3);
            assert!(
                store
                    .query(&query.clone().mode(mode))
                    .unwrap_err()
                    .is_damage()
            );
        }
    }
}

#[test]
fn metadata_and_documents_are_found_in_both_forms() {
    let mut rows = Disk::new();
    rows.rows_with(&[("a".to_owned(), "[0.5]".to_owned(), None)], |writer| {
        for (map, key, value) in [
            (Map::RefDocs, "\"a\"", "\"doc \\u00e9\""),
            (Map::RefDocs, "\"b\"", "null"),
            (Map::Metadata, "\"a\"", "{\"page\": 1}"),
        ] {
            writer
                .push(map, key.as_bytes(), value.as_bytes())
                .unwrap()
                .unwrap();
        }
    });
    let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    for names in [
        ["embedding_dict", "text_id_to_ref_doc_id", "metadata_dict"],
        ["embeddingDict", "textIdToRefDocId", "metadataDict"],
    ] {
        let mut records = Disk::new();
        records.records(&[
            (names[0], vec![entry("a", "[0.5]")]),
            (
                names[1],
                vec![entry("a", "\"doc \\u00e9\""), entry("b", "null")],
            ),
            (names[2], vec![entry("a", "{\"page\": 1}")]),
        ]);
        for backend in BACKENDS {
            for store in [
                VectorStore::rows(rows.open_rows(backend)),
                VectorStore::records(records.open_records(backend)),
            ] {
                assert_eq!(store.len().unwrap(), 1);
                assert_eq!(store.ref_doc_id(b"a").unwrap().unwrap(), "doc é".as_bytes());
                assert_eq!(store.ref_doc_id(b"b").unwrap(), None);
                assert_eq!(store.ref_doc_id(b"c").unwrap(), None);
                let metadata = store.metadata(b"a").unwrap().unwrap();
                let expected = Metadata::Object(vec![(b"page".to_vec(), b"1".to_vec())]);
                let text = Metadata::Text(b"{\"page\": 1}".to_vec());
                assert!(metadata == expected || metadata == text, "{metadata:?}");
                assert_eq!(store.metadata(b"b").unwrap(), None);
            }
        }
    }
}
