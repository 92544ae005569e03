//! What a query does in which order, as `SimpleVectorStore.query` does it:
//! first the filters are applied, then the mode is looked at, then vectors are.

use super::{Kind, VectorStore, records, rows};
use crate::{
    error::{Error, QueryError, Result},
    search::{
        Candidates, Hit, Part, Query, Rows, VectorStoreQuery, VectorStoreQueryMode, Wanted, exact,
        mmr, rank, top_k,
    },
    store::{Named, RecordStore, RowStore},
};

/// What LlamaIndex takes for [`VectorStoreQuery::mmr_threshold`].
pub(super) const MMR_THRESHOLD: f64 = 0.5;

/// Queries with their places in a batch.
type Placed<'q> = Vec<(usize, &'q VectorStoreQuery)>;

/// The answers to a batch so far.
struct Answers {
    hits: Vec<Vec<Hit>>,
    /// The first query that has no answer, and why.
    failed: Option<(usize, Error)>,
}

impl Answers {
    fn put(&mut self, place: usize, answer: Result<Vec<Hit>>) {
        match (answer, self.hits.get_mut(place)) {
            (Ok(hits), Some(answer)) => *answer = hits,
            (Ok(_), None) => {}
            (Err(error), _) => self.fail(place, error),
        }
    }

    fn fail(&mut self, place: usize, error: Error) {
        if self.failed.as_ref().is_none_or(|(first, _)| place < *first) {
            self.failed = Some((place, error));
        }
    }
}

/// Answers queries. Those of mode default that look at the same rows go
/// together.
pub(super) fn batch(store: &VectorStore, queries: &[VectorStoreQuery]) -> Result<Vec<Vec<Hit>>> {
    let mut answers = Answers {
        hits: vec![Vec::new(); queries.len()],
        failed: None,
    };
    let mut left: Placed<'_> = queries.iter().enumerate().collect();
    while let Some(&(place, first)) = left.first() {
        let together = |(n, other): &(usize, &VectorStoreQuery)| {
            let default = VectorStoreQueryMode::Default;
            *n == place
                || first.mode == default
                    && other.mode == default
                    && other.node_ids == first.node_ids
                    && other.filters == first.filters
        };
        let (group, others) = left.into_iter().partition(together);
        left = others;
        if let Err(error) = answer(store, &group, &mut answers) {
            answers.fail(place, error);
        }
    }
    match answers.failed {
        Some((_, error)) => Err(error),
        None => Ok(answers.hits),
    }
}

/// Answers queries that look at the same rows; there is one at least. An error
/// is that of the first.
fn answer(store: &VectorStore, queries: &Placed<'_>, answers: &mut Answers) -> Result<()> {
    match &store.kind {
        Kind::Rows(store) => answer_from_rows(store, queries, answers),
        Kind::Records(store) => answer_from_records(store, queries, answers),
    }
}

fn check_mode(mode: VectorStoreQueryMode) -> Result<()> {
    match mode {
        VectorStoreQueryMode::Default | VectorStoreQueryMode::Mmr => Ok(()),
        VectorStoreQueryMode::Svm
        | VectorStoreQueryMode::LogisticRegression
        | VectorStoreQueryMode::LinearRegression => Err(Error::Query(QueryError::NeedsPython {
            mode: mode.as_str(),
        })),
        _ => Err(Error::Query(QueryError::InvalidMode { mode: mode.name() })),
    }
}

/// The query's embedding, which must be as long as the vectors.
fn embedding(query: &VectorStoreQuery, stored: usize) -> Result<&[f64]> {
    let embedding = query.query_embedding.as_deref();
    let embedding = embedding.ok_or(Error::Query(QueryError::NoEmbedding { stored }))?;
    if embedding.len() == stored {
        return Ok(embedding);
    }
    let query = embedding.len();
    Err(Error::Query(QueryError::Shapes { query, stored }))
}

fn answer_from_rows(store: &RowStore, queries: &Placed<'_>, answers: &mut Answers) -> Result<()> {
    let Some(&(place, first)) = queries.first() else {
        return Ok(());
    };
    let selected = rows::select(store, first, Named::of(first.node_ids.as_deref()))?;
    check_mode(first.mode)?;
    let Some(dim) = selected.first().map(Rows::dim) else {
        return Ok(());
    };
    let candidates = rows::candidates(&selected);
    if first.mode == VectorStoreQueryMode::Mmr {
        // Rows are compared with the query one by one.
        let mut selected: Vec<_> = selected
            .iter()
            .map(|part| Ok((part.first()?, part.dim())))
            .collect::<Result<_>>()?;
        selected.sort_unstable();
        for (_, dim) in selected {
            embedding(first, dim)?;
        }
        answers.put(place, pick(&candidates, first));
        return Ok(());
    }
    if selected.iter().any(|part| part.dim() != dim) {
        let rows = selected.iter().map(rows::Selected::len).sum();
        return Err(Error::Query(QueryError::Ragged { rows }));
    }
    let mut wanted = Vec::with_capacity(queries.len());
    let mut places = Vec::with_capacity(queries.len());
    for (place, query) in queries {
        match embedding(query, dim) {
            Ok(embedding) => {
                wanted.push(Wanted {
                    query: Query::new(embedding),
                    limit: query.limit(),
                });
                places.push(*place);
            }
            Err(error) => answers.fail(*place, error),
        }
    }
    for (place, hits) in places.into_iter().zip(top_k(&candidates, &wanted)?) {
        answers.put(place, Ok(hits));
    }
    Ok(())
}

fn pick(candidates: &Candidates<'_>, query: &VectorStoreQuery) -> Result<Vec<Hit>> {
    let embedding = Query::new(query.query_embedding.as_deref().unwrap_or_default());
    let threshold = query.mmr_threshold.unwrap_or(MMR_THRESHOLD);
    mmr(candidates, &embedding, threshold, query.limit())
}

fn answer_from_records(
    store: &RecordStore,
    queries: &Placed<'_>,
    answers: &mut Answers,
) -> Result<()> {
    let Some(&(place, first)) = queries.first() else {
        return Ok(());
    };
    let ids = records::select_named(store, first)?;
    check_mode(first.mode)?;
    if ids.is_empty() {
        return Ok(());
    }
    if first.mode == VectorStoreQueryMode::Mmr {
        let mut vectors = Vec::with_capacity(ids.len());
        records::each_vector(store, &ids, &mut |_, vector| {
            embedding(first, vector.len())?;
            vectors.push(vector.to_vec());
            Ok(())
        })?;
        let irregular: Vec<u32> = (0..).zip(&vectors).map(|(row, _)| row).collect();
        let rows = records::Vectors { ids, vectors };
        let part = Part {
            rows: &rows,
            regular: Vec::new(),
            irregular,
        };
        answers.put(place, pick(&Candidates::new(vec![part]), first));
        return Ok(());
    }
    let embeddings = queries.iter().map(|(_, query)| {
        let embedding = query.query_embedding.as_deref().unwrap_or_default();
        (embedding, exact::norm(embedding))
    });
    let embeddings: Vec<(&[f64], f64)> = embeddings.collect();
    let mut scores = vec![Vec::with_capacity(ids.len()); queries.len()];
    let mut dims = None;
    let mut is_ragged = false;
    records::each_vector(store, &ids, &mut |_, vector| {
        is_ragged |= *dims.get_or_insert(vector.len()) != vector.len();
        let norm = exact::norm(vector);
        for ((embedding, norm_of_it), scores) in embeddings.iter().zip(&mut scores) {
            scores.push(exact::cosine(embedding, *norm_of_it, vector, norm));
        }
        Ok(())
    })?;
    if is_ragged {
        let rows = ids.len();
        return Err(Error::Query(QueryError::Ragged { rows }));
    }
    for ((place, query), scores) in queries.iter().zip(scores) {
        let answer = embedding(query, dims.unwrap_or_default()).and_then(|_| {
            let compare = &mut |a: usize, b: usize| Ok(ids.get(a).cmp(&ids.get(b)));
            let first = rank(&scores, query.limit(), compare)?.into_iter();
            let hit = |(n, score)| Hit {
                id: ids.get(n).cloned().unwrap_or_default(),
                score,
            };
            Ok(first.map(hit).collect())
        });
        answers.put(*place, answer);
    }
    Ok(())
}
