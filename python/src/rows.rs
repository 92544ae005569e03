//! The rows that decide the answer to a query, as Python is given them, or why it is given
//! none.

use numpy::{PyArray1, PyArrayMethods};
use pyo3::{create_exception, exceptions::PyException, prelude::*, types::PyList};
use twinstore::{
    Error, Result,
    error::QueryError,
    store::{ChosenRows, VectorStore},
};

use crate::{
    context::Shared,
    text::{text_of, texts_of},
};

create_exception!(
    twinstore._native,
    FilterRefused,
    PyException,
    "Filters do not fit the row of the id that is its argument."
);

/// Ids and rows: a matrix where all have one length, otherwise a list of arrays.
pub(crate) type PyRows<'py> = (Bound<'py, PyList>, Bound<'py, PyAny>);

/// Why rows were not chosen.
pub(crate) enum Refusal {
    /// Filters do not fit the row of this id.
    Row(Vec<u8>),
    Other(Error),
}

impl Refusal {
    pub(crate) fn exception(self, py: Python<'_>, context: &Shared) -> PyErr {
        match self {
            Refusal::Row(id) => match text_of(py, &id) {
                Ok(id) => FilterRefused::new_err(id.unbind()),
                Err(error) => error,
            },
            Refusal::Other(error) => context.exception(error),
        }
    }
}

/// Tells apart what LlamaIndex raises for a row.
pub(crate) fn refusing<T>(store: &VectorStore, outcome: Result<T>) -> Result<T, Refusal> {
    outcome.map_err(|error| match error {
        Error::Query(QueryError::FilterRefused { id } | QueryError::NodeWithoutMetadata { id }) => {
            Refusal::Row(id)
        }
        // Of any row.
        Error::Query(QueryError::NoMetadata) => match store.first_id() {
            Ok(id) => Refusal::Row(id.unwrap_or_default()),
            Err(error) => Refusal::Other(error),
        },
        error => Refusal::Other(error),
    })
}

/// Rows as Python is given them.
pub(crate) fn python_rows<'py>(py: Python<'py>, rows: ChosenRows) -> PyResult<PyRows<'py>> {
    let ids = texts_of(py, &rows.ids)?;
    if let Some(dim) = rows.dim() {
        let matrix = PyArray1::from_vec(py, rows.values).reshape([rows.ids.len(), dim])?;
        return Ok((ids, matrix.into_any()));
    }
    let arrays = PyList::empty(py);
    for row in rows.rows() {
        arrays.append(PyArray1::from_slice(py, row))?;
    }
    Ok((ids, arrays.into_any()))
}
