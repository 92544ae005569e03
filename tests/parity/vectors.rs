//! Asks packed vector stores what LlamaIndex was asked.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use twinstore::{
    Error,
    bytes::Backend,
    container::FileKind,
    search::{Hit, MetadataFilters, VectorStoreQuery, VectorStoreQueryMode},
    store::{RecordStore, RowStore, VectorStore},
};

use crate::{
    common::{Storage, VECTORS, files_of, in_parallel, options},
    judge::{Outcome, judge},
    mismatches::Mismatches,
    recording::{Raised, Scored, VectorCase, committed, dirs, large},
};

#[test]
fn vector_queries_are_answered_as_llama_index_does() {
    replay(&committed());
}

#[test]
#[ignore = "needs a recording of scripts/parity"]
fn thousands_of_vector_queries_are_answered_as_llama_index_does() {
    replay(&large());
}

/// Replays all vector queries of a recording, on both backends, one by one and
/// as batches. Fails with the first answers that are not LlamaIndex's.
fn replay(recording: &Path) {
    let stores = dirs(recording, "vectors");
    let (queries, mismatches) = (AtomicUsize::new(0), Mismatches::default());
    in_parallel(&stores, |(dir, cases)| {
        let cases: Vec<VectorCase> = cases.iter().map(VectorCase::of).collect();
        queries.fetch_add(cases.len(), Ordering::Relaxed);
        let storage = Storage::in_memory(&files_of(dir));
        storage.pack();
        for backend in [Backend::Map, Backend::Read] {
            for (case, how, outcome) in answers(&storage, backend, &cases) {
                if let Err(problem) = judge(case, &outcome) {
                    let place = format!("{}, {backend:?}, {how}", dir.display());
                    mismatches.add(&place, &problem, &case.line, &outcome);
                }
            }
        }
    });
    let (stores, queries) = (stores.len(), queries.into_inner());
    mismatches.finish(&format!(
        "{stores} vector stores, {queries} queries on two backends, alone and in batches"
    ));
}

/// Each case with how it was asked, and what came of it.
fn answers<'a>(
    storage: &Storage,
    backend: Backend,
    cases: &'a [VectorCase],
) -> Vec<(&'a VectorCase, &'static str, Outcome)> {
    let store = open(storage, backend);
    let mut answers = Vec::new();
    let (mut batch, mut batched) = (Vec::new(), Vec::new());
    for case in cases {
        let Some(query) = query_of(case) else {
            continue;
        };
        let outcome = outcome_of(store.query(&query));
        // One query that raises would be the whole batch's answer.
        if outcome.is_ok() {
            batch.push(query);
            batched.push(case);
        }
        answers.push((case, "alone", outcome));
    }
    let found = store.query_batch(&batch).unwrap();
    assert_eq!(found.len(), batched.len());
    let in_batch = batched.into_iter().zip(found);
    answers.extend(in_batch.map(|(case, hits)| (case, "in a batch", outcome_of(Ok(hits)))));
    answers
}

pub fn open(storage: &Storage, backend: Backend) -> VectorStore {
    let snapshot =
        twinstore::persist_dir::Snapshot::open(&storage.dir(), None, &options(backend)).unwrap();
    let segments = snapshot.store(VECTORS).unwrap().segments().unwrap();
    match segments.first().map(|file| file.kind()) {
        Some(FileKind::Vectors) => VectorStore::rows(RowStore::open(segments).unwrap()),
        Some(_) => VectorStore::records(RecordStore::open(segments).unwrap()),
        None => panic!(
            "{}: the store is a file and no more",
            storage.dir().display()
        ),
    }
}

/// The query; `None` for filters within filters. They are refused when they
/// are read, in LlamaIndex's words, while LlamaIndex waits until it meets a row.
fn query_of(case: &VectorCase) -> Option<VectorStoreQuery> {
    let mut query = VectorStoreQuery::default();
    query.query_embedding.clone_from(&case.embedding);
    query.similarity_top_k = case.top_k;
    query.node_ids = case.node_ids.clone().map(Into::into);
    query.mode = *VectorStoreQueryMode::ALL
        .iter()
        .find(|mode| mode.as_str() == case.mode)
        .unwrap();
    query.mmr_threshold = case.threshold;
    if let Some(filters) = &case.filters {
        let filters = match serde_json::from_str::<MetadataFilters>(filters) {
            Ok(filters) => filters,
            Err(error) => {
                let text = error.to_string();
                let nested = text.starts_with("Nested MetadataFilters are not supported.");
                assert!(
                    nested && filters.contains("\"filters\":[]"),
                    "{text}: {filters}"
                );
                return None;
            }
        };
        query.filters = Some(filters);
    }
    Some(query)
}

fn outcome_of(answer: twinstore::Result<Vec<Hit>>) -> Outcome {
    match answer {
        Ok(hits) => {
            let scored = |hit: Hit| Scored {
                id: hit.id,
                score: hit.score,
            };
            Ok(hits.into_iter().map(scored).collect())
        }
        Err(Error::Query(error)) => Err(Raised {
            class: error.exception().as_str().to_owned(),
            text: error.to_string(),
        }),
        Err(error) => Err(Raised {
            class: "twinstore::Error".to_owned(),
            text: error.to_string(),
        }),
    }
}
