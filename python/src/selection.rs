//! Lists of ids that were looked up in a vector store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::{
    prelude::*,
    types::{PyList, PyString},
};
use twinstore::store::Selection as Found;

use crate::{text::bytes_of, vectors::Vectors};

/// Ids that were looked up, and the list they were in.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct Selection {
    /// A copy, so that the list may be changed.
    ids: Py<PyList>,
    found: Mutex<Arc<Found>>,
}

#[pymethods]
impl Selection {
    /// The ids, to be compared with; not to be changed.
    #[getter]
    fn ids(&self, py: Python<'_>) -> Py<PyList> {
        self.ids.clone_ref(py)
    }
}

impl Selection {
    /// The rows of the ids of a list, which is copied.
    ///
    /// # Errors
    /// Those of looking them up.
    pub(crate) fn of(py: Python<'_>, vectors: &Vectors, ids: &Bound<'_, PyList>) -> PyResult<Self> {
        let ids = ids.get_slice(0, ids.len());
        let found = vectors.find(py, &ids)?;
        Ok(Selection {
            ids: ids.unbind(),
            found: Mutex::new(found),
        })
    }

    /// The rows, as they were when they were looked up last.
    pub(crate) fn found(&self) -> Arc<Found> {
        Arc::clone(&self.lock())
    }

    /// Looks the ids up again.
    ///
    /// # Errors
    /// Those of looking them up.
    pub(crate) fn find(&self, py: Python<'_>, vectors: &Vectors) -> PyResult<()> {
        let found = vectors.find(py, self.ids.bind(py))?;
        *self.lock() = found;
        Ok(())
    }

    // Held for no longer than it takes to copy or set it.
    fn lock(&self) -> MutexGuard<'_, Arc<Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The strings of a list.
pub(crate) fn strings_of(list: &Bound<'_, PyList>) -> PyResult<Vec<Vec<u8>>> {
    let mut strings = Vec::with_capacity(list.len());
    for item in list {
        if let Ok(text) = item.cast::<PyString>() {
            strings.push(bytes_of(text)?.into_owned());
        }
    }
    Ok(strings)
}
