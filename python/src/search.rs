//! Queries that the library answers by itself, with the semantics of one release of
//! LlamaIndex, and vectors by id.

use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyList, PyString},
};
use twinstore::search::{
    FilterSyntaxError, MetadataFilter, MetadataFilters, VectorStoreQuery, VectorStoreQueryMode,
};

use crate::{
    context::{Context, one_of},
    embeddings::numbers_in,
    text::{bytes_of, text_of},
};

/// The rows of a vector store that are nearest to an embedding: ids and scores.
///
/// `filters` is LlamaIndex's JSON of a `MetadataFilters`; `conditions` are lines such as
/// `page >= 3`, which must all be met.
///
/// # Errors
/// `ValueError` for a mode or a filter that is none; the library's as exceptions.
#[pyfunction]
#[pyo3(signature = (context, name, embedding, *, top_k, mode, mmr_threshold, filters, conditions, node_ids))]
#[allow(
    clippy::too_many_arguments,
    reason = "the keywords of a Python function"
)]
pub(crate) fn search<'py>(
    py: Python<'py>,
    context: &Context,
    name: &str,
    embedding: &Bound<'py, PyList>,
    top_k: Option<i64>,
    mode: &str,
    mmr_threshold: Option<f64>,
    filters: Option<&str>,
    conditions: Vec<String>,
    node_ids: Option<Vec<Bound<'py, PyString>>>,
) -> PyResult<Vec<(Bound<'py, PyString>, f64)>> {
    let modes = VectorStoreQueryMode::ALL.map(|mode| (mode.as_str(), mode));
    let embedding = numbers_in(embedding)?;
    let mut query = VectorStoreQuery::new(&embedding).mode(one_of("mode", mode, &modes)?);
    query.similarity_top_k = top_k;
    query.mmr_threshold = mmr_threshold;
    query.filters = parsed(filters, &conditions)?;
    if let Some(ids) = node_ids {
        let ids = ids.iter().map(|id| bytes_of(id));
        query = query.node_ids(ids.collect::<PyResult<Vec<_>>>()?);
    }
    let hits = context
        .shared()
        .read(py, |context| context.vector_store(name)?.query(&query))?;
    let hits = hits
        .iter()
        .map(|hit| Ok((text_of(py, &hit.id)?, hit.score)));
    hits.collect()
}

/// The ids of all vectors of a store, in its order.
///
/// # Errors
/// The library's as exceptions.
#[pyfunction]
pub(crate) fn vector_ids<'py>(
    py: Python<'py>,
    context: &Context,
    name: &str,
) -> PyResult<Vec<Bound<'py, PyString>>> {
    let ids = context.shared().read(py, |context| {
        let mut ids = Vec::new();
        context.vector_store(name)?.each_id(&mut |id| {
            ids.push(id.to_vec());
            Ok(())
        })?;
        Ok(ids)
    })?;
    ids.iter().map(|id| text_of(py, id)).collect()
}

/// The vector of an id, with its true values; `None` where there is none.
///
/// # Errors
/// The library's as exceptions.
#[pyfunction]
pub(crate) fn embedding(
    py: Python<'_>,
    context: &Context,
    name: &str,
    id: &Bound<'_, PyString>,
) -> PyResult<Option<Vec<f64>>> {
    let id = bytes_of(id)?;
    context
        .shared()
        .glance(py, |context| context.vector_store(name)?.get(&id))
}

fn parsed(filters: Option<&str>, conditions: &[String]) -> PyResult<Option<MetadataFilters>> {
    if let Some(json) = filters {
        let filters = serde_json::from_str(json);
        return filters
            .map(Some)
            .map_err(|why| PyValueError::new_err(format!("these are no metadata filters: {why}")));
    }
    if conditions.is_empty() {
        return Ok(None);
    }
    let conditions = conditions.iter().map(|line| {
        let refuse = |why: FilterSyntaxError| PyValueError::new_err(format!("{line:?}: {why}"));
        line.parse::<MetadataFilter>().map_err(refuse)
    });
    Ok(Some(MetadataFilters::all(
        conditions.collect::<PyResult<Vec<_>>>()?,
    )))
}
