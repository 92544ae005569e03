//! Index structs: their records without their maps, and their maps entry by entry.
//! What they mean is Python's business (`twinstore/llama_index/_structs.py`).

use pyo3::{
    prelude::*,
    types::{PyList, PyString},
};
use twinstore::{
    Result,
    store::{IndexStructType, JsonText},
};

use crate::{
    context::{Shared, length_of},
    text::{bytes_of, bytes_of_all, found_texts, text_of, texts_of},
};

/// The names of the types of structs that LlamaIndex has classes for.
pub(crate) fn struct_types() -> Vec<&'static str> {
    let all = IndexStructType::ALL.iter();
    all.map(IndexStructType::as_str).collect()
}

/// The structs of a context's index store.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct Structs {
    context: Shared,
}

impl Structs {
    pub(crate) fn new(context: Shared) -> Structs {
        Structs { context }
    }
}

#[pymethods]
impl Structs {
    /// The ids of all structs, in order.
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let ids = self.context.read(py, |context| {
            let ids = context.index_store()?.ids()?;
            ids.collect::<Result<Vec<_>>>()
        })?;
        texts_of(py, ids)
    }

    /// The record of a struct, with `{}` for each of its maps; `None` where there is
    /// none.
    fn get<'py>(
        &self,
        py: Python<'py>,
        id: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let id = bytes_of(id)?;
        let found = self.context.glance(py, |context| {
            context.index_store()?.record_without_maps(&id)
        })?;
        found.map(|record| text_of(py, &record)).transpose()
    }

    /// A map of a struct; it need not be there.
    fn map(&self, id: &Bound<'_, PyString>, name: &str) -> PyResult<StructMap> {
        Ok(StructMap {
            context: self.context.clone(),
            id: bytes_of(id)?.into_owned(),
            name: name.to_owned(),
        })
    }

    /// Adds a struct, or replaces the one of its id, which keeps its place.
    fn add(&self, py: Python<'_>, record: &Bound<'_, PyString>) -> PyResult<()> {
        let record = bytes_of(record)?;
        self.context.change(py, |context| {
            context.index_store_mut()?.add_index_struct(&record)
        })
    }

    /// Sets a field of a struct to a JSON value; a map to another map.
    fn set_field(
        &self,
        py: Python<'_>,
        id: &Bound<'_, PyString>,
        name: &str,
        value: &Bound<'_, PyString>,
    ) -> PyResult<()> {
        let (id, value) = (bytes_of(id)?, bytes_of(value)?);
        self.context.change(py, |context| {
            let mut found = context.index_store_mut()?.edit(&id)?;
            found.set_field(name, &value)
        })
    }
}

/// A map of an index struct: JSON texts by key.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct StructMap {
    context: Shared,
    id: Vec<u8>,
    name: String,
}

#[pymethods]
impl StructMap {
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.context.glance(py, |context| {
            let len = context.index_store()?.map(&self.id, &self.name).len()?;
            length_of("entries of a map", len)
        })
    }

    fn __contains__(&self, py: Python<'_>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        let key = bytes_of(key)?;
        self.context.glance(py, |context| {
            let store = context.index_store()?;
            store.map(&self.id, &self.name).contains(&key)
        })
    }

    /// The text of a value; `None` where there is none.
    fn get<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let key = bytes_of(key)?;
        let found = self.context.glance(py, |context| {
            context.index_store()?.map(&self.id, &self.name).get(&key)
        })?;
        found.map(|JsonText(text)| text_of(py, &text)).transpose()
    }

    /// The texts of several values, in the order of the keys.
    fn get_many<'py>(
        &self,
        py: Python<'py>,
        keys: Vec<Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let keys = bytes_of_all(&keys)?;
        let found = self.context.read(py, |context| {
            let store = context.index_store()?;
            store.map(&self.id, &self.name).get_many(&keys)
        })?;
        let texts = found
            .into_iter()
            .map(|text| text.map(|JsonText(text)| text));
        found_texts(py, texts)
    }

    /// All keys, in order.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let keys = self.context.read(py, |context| {
            let store = context.index_store()?;
            let map = store.map(&self.id, &self.name);
            map.keys()?.collect::<Result<Vec<_>>>()
        })?;
        texts_of(py, keys)
    }

    /// All keys in order, and all values in theirs, as one JSON array.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyList>, Bound<'py, PyString>)> {
        // Both under one lock: they belong together.
        let (keys, values) = self.context.read(py, |context| {
            let store = context.index_store()?;
            let map = store.map(&self.id, &self.name);
            let keys = map.keys()?.collect::<Result<Vec<_>>>()?;
            Ok((keys, map.values_text()?))
        })?;
        Ok((texts_of(py, keys)?, text_of(py, &values)?))
    }

    /// All values in order, as one JSON array.
    fn values_text<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let text = self.context.read(py, |context| {
            context
                .index_store()?
                .map(&self.id, &self.name)
                .values_text()
        })?;
        text_of(py, &text)
    }

    /// Sets the value of a key: in the place of the one that is there, or at the end.
    fn put(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyString>,
        text: &Bound<'_, PyString>,
    ) -> PyResult<()> {
        let (key, text) = (bytes_of(key)?, bytes_of(text)?);
        self.context.change(py, |context| {
            let store = context.index_store_mut()?;
            store.edit_map(&self.id, &self.name).put(&key, &text)
        })
    }

    /// Deletes a key. Says whether there was one.
    fn delete(&self, py: Python<'_>, key: &Bound<'_, PyString>) -> PyResult<bool> {
        let key = bytes_of(key)?;
        self.context.change(py, |context| {
            let store = context.index_store_mut()?;
            store.edit_map(&self.id, &self.name).delete(&key)
        })
    }
}
