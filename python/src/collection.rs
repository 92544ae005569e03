//! The records of a store by key, as JSON text. What the text means is Python's
//! business (`twinstore/llama_index/_mapping.py`).

use pyo3::{
    prelude::*,
    types::{PyList, PyString},
};
use twinstore::{
    Result,
    persist_dir::StoreKind,
    store::{CollectionPath, RecordStore},
};

use crate::{
    context::{Shared, length_of, one_of},
    text::{bytes_of, bytes_of_all, found_texts, text_of, texts_of},
};

/// The stores that are records.
const STORES: [(&str, StoreKind); 4] = [
    ("docstore", StoreKind::DocumentStore),
    ("index_store", StoreKind::IndexStore),
    ("graph_store", StoreKind::GraphStore),
    ("property_graph_store", StoreKind::PropertyGraphStore),
];

/// The store that a name stands for.
///
/// # Errors
/// `ValueError` naming those that there are.
pub(crate) fn store_of(name: &str) -> PyResult<StoreKind> {
    one_of("store", name, &STORES)
}

/// What a store of a kind is called.
pub(crate) fn word_of(kind: StoreKind) -> &'static str {
    match (kind, STORES.iter().find(|(_, known)| *known == kind)) {
        (_, Some((word, _))) => word,
        (StoreKind::VectorStore, None) => "vector_store",
        _ => "other",
    }
}

/// A collection of records.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct Collection {
    context: Shared,
    kind: StoreKind,
    path: CollectionPath,
}

impl Collection {
    pub(crate) fn new(context: Shared, kind: StoreKind, path: CollectionPath) -> Collection {
        Collection {
            context,
            kind,
            path,
        }
    }
}

#[pymethods]
impl Collection {
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.context.glance(py, |context| {
            let records = context.records_of(self.kind)?;
            let len = records.map_or(Ok(0), |records| records.distinct(&self.path))?;
            length_of("records of a collection", len)
        })
    }

    fn __contains__(&self, py: Python<'_>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        let key = bytes_of(key)?;
        self.context.glance(py, |context| {
            let records = context.records_of(self.kind)?;
            records.map_or(Ok(false), |records| records.contains(&self.path, &key))
        })
    }

    /// The text of a record; `None` where there is none.
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let key = bytes_of(key)?;
        let found = self.context.glance(py, |context| {
            let records = context.records_of(self.kind)?;
            records.map_or(Ok(None), |records| records.get(&self.path, &key))
        })?;
        found.map(|text| text_of(py, &text)).transpose()
    }

    /// The texts of several records, in the order of the keys.
    fn get_many<'py>(
        &self,
        py: Python<'py>,
        keys: Vec<Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let keys = bytes_of_all(&keys)?;
        let found = self.context.read(py, |context| {
            let Some(records) = context.records_of(self.kind)? else {
                return Ok(vec![None; keys.len()]);
            };
            records.get_many(&self.path, &keys)
        })?;
        found_texts(py, found)
    }

    /// All keys, in order.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.list(py, |records, each| {
            records.each_distinct_key(&self.path, each)
        })
    }

    /// The texts of all records, in order. The collection need not have keys.
    fn texts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.list(py, |records, each| records.each_text(&self.path, each))
    }

    /// Puts a record: in the place of the one of that key, or at the end.
    fn put(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyString>,
        text: &Bound<'_, PyString>,
    ) -> PyResult<()> {
        let (key, text) = (bytes_of(key)?, bytes_of(text)?);
        self.context.change(py, |context| {
            let records = context.records_of_mut(self.kind)?;
            records.map_or(Ok(()), |records| records.put(&self.path, &key, &text))
        })
    }

    /// Deletes a record. Says whether there was one.
    fn delete(&self, py: Python<'_>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        let key = bytes_of(key)?;
        self.context.change(py, |context| {
            let records = context.records_of_mut(self.kind)?;
            records.map_or(Ok(false), |records| records.delete(&self.path, &key))
        })
    }

    /// Appends a record to a collection without keys.
    fn push(&self, py: Python<'_>, text: &Bound<'_, PyString>) -> PyResult<()> {
        let text = bytes_of(text)?;
        self.context.change(py, |context| {
            let records = context.records_of_mut(self.kind)?;
            records.map_or(Ok(()), |records| records.push(&self.path, &text))
        })
    }

    /// Removes a record from a collection without keys. Says whether there was one.
    fn remove(&self, py: Python<'_>, text: &Bound<'_, PyString>) -> PyResult<bool> {
        let text = bytes_of(text)?;
        self.context.change(py, |context| {
            let records = context.records_of_mut(self.kind)?;
            records.map_or(Ok(false), |records| records.remove(&self.path, &text))
        })
    }
}

/// Tells somebody strings.
type Each<'e> = dyn FnMut(&[u8]) -> Result<()> + 'e;

impl Collection {
    /// The strings that `walk` tells.
    fn list<'py>(
        &self,
        py: Python<'py>,
        walk: impl FnOnce(&RecordStore, &mut Each<'_>) -> Result<()> + Send,
    ) -> PyResult<Bound<'py, PyList>> {
        let found = self.context.read(py, |context| {
            let mut found = Vec::new();
            if let Some(records) = context.records_of(self.kind)? {
                walk(records, &mut |string| {
                    found.push(string.to_vec());
                    Ok(())
                })?;
            }
            Ok(found)
        })?;
        texts_of(py, found)
    }
}
