//! Metadata in columns: what was put comes back, and filters that are asked of
//! columns give what a plain look at each value gives.

use std::collections::BTreeSet;

use twinstore::{
    Error,
    error::QueryError,
    json::normalise,
    search::VectorStoreQuery,
    segment::Map,
    store::{NewVector, VectorStore},
};

use super::{
    choices::Choices,
    plain::{self, Filters, Plain},
};

/// What a row has: its number is its id.
type Metadata = Vec<(String, Plain)>;

/// Takes `data` as metadata, how they came about, and filters.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut store = VectorStore::empty();
    let mut rows: Vec<Metadata> = Vec::new();
    for _ in 0..1 + choices.of(3) {
        let mut new = Vec::new();
        for _ in 0..choices.of(8) {
            let again = choices.once_in(6) && !rows.is_empty();
            let row = if again {
                choices.of(rows.len())
            } else {
                rows.len()
            };
            let metadata = plain::members(&mut choices, 2);
            new.push(NewVector {
                id: id_of(row),
                embedding: vec![1.0],
                ref_doc_id: choices.once_in(2).then(|| b"a".to_vec()),
                metadata: text_of(&metadata),
            });
            match rows.get_mut(row) {
                Some(old) => *old = metadata,
                None => rows.push(metadata),
            }
        }
        store.add(new).unwrap();
        // What is read becomes a segment.
        assert_eq!(store.len().unwrap(), rows.len() as u64);
        if choices.once_in(2) {
            come_back(&store, &rows);
        }
    }
    come_back(&store, &rows);
    for _ in 0..1 + choices.of(4) {
        asked(&store, &rows, &Filters::chosen(&mut choices));
    }
}

fn id_of(row: usize) -> Vec<u8> {
    format!("{row}").into_bytes()
}

fn text_of(metadata: &Metadata) -> Vec<u8> {
    let mut text = String::new();
    Plain::Dict(metadata.clone()).json(&mut text);
    text.into_bytes()
}

fn come_back(store: &VectorStore, rows: &[Metadata]) {
    for (row, metadata) in rows.iter().enumerate() {
        let mut expected = Vec::new();
        normalise(&text_of(metadata), &mut expected).unwrap();
        let found = store.entry(Map::Metadata, &id_of(row)).unwrap();
        assert_eq!(found, Some(expected), "row {row}");
    }
}

fn asked(store: &VectorStore, rows: &[Metadata], filters: &Filters) {
    let query = VectorStoreQuery::new(&[1.0])
        .top_k(0)
        .filters(filters.of_store());
    let passed: Result<Vec<bool>, _> = rows.iter().map(|row| filters.pass(row)).collect();
    match (store.query(&query), passed) {
        (Ok(hits), Ok(passed)) => {
            let found: BTreeSet<_> = hits.into_iter().map(|hit| hit.id).collect();
            let expected = (0..rows.len()).filter(|row| passed[*row]).map(id_of);
            assert_eq!(found, expected.collect(), "{filters:?}");
        }
        (Err(Error::Query(QueryError::FilterType(_))), Err(plain::TypeError)) => {}
        (found, expected) => panic!("{found:?} and not {expected:?} of {filters:?}"),
    }
}
