//! A vector store as LlamaIndex's class over it needs it: its three maps entry by
//! entry, and the rows that decide the answer to a query.

use std::sync::Arc;

use numpy::PyArray1;
use pyo3::{
    prelude::*,
    types::{PyList, PyString},
};
use twinstore::{
    Result, StorageContext,
    search::{VectorStoreQuery, VectorStoreQueryMode},
    segment::Map,
    store::{ChosenRows, NewVector, Selection as Found, VectorStore},
};

use crate::{
    context::{Shared, one_of},
    embeddings::{new_vector, numbers_of},
    filters::Filters,
    rows::{PyRows, python_rows, refusing},
    selection::{Selection, strings_of},
    text::{bytes_of, bytes_of_all, found_texts, text_of, texts_of},
};

const MAPS: [(&str, Map); 3] = [
    ("embedding_dict", Map::Embeddings),
    ("text_id_to_ref_doc_id", Map::RefDocs),
    ("metadata_dict", Map::Metadata),
];

/// A vector store of a context.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct Vectors {
    context: Shared,
    namespace: String,
}

impl Vectors {
    pub(crate) fn new(context: Shared, namespace: String) -> Vectors {
        Vectors { context, namespace }
    }

    fn store<'c>(&self, context: &'c StorageContext) -> Result<&'c VectorStore> {
        context.vector_store(&self.namespace)
    }

    fn store_mut<'c>(&self, context: &'c mut StorageContext) -> Result<&'c mut VectorStore> {
        context.vector_store_mut(&self.namespace)
    }

    /// Reads rows without the GIL; of a selection whose store has changed, after its
    /// ids were looked up again.
    fn rows<'py>(
        &self,
        py: Python<'py>,
        selection: Option<&Selection>,
        filters: Option<&Filters>,
        read: impl Fn(&VectorStore, Option<&Found>) -> Result<ChosenRows> + Sync,
    ) -> PyResult<PyRows<'py>> {
        let chosen = loop {
            let found = selection.map(Selection::found);
            let done = self.context.read(py, |context| {
                let store = self.store(context)?;
                let found = found.as_deref();
                match found.is_none_or(|found| store.has_not_changed_since(found)) {
                    true => Ok(Some(refusing(store, read(store, found)))),
                    false => Ok(None),
                }
            })?;
            match (done, selection) {
                (Some(done), _) => break done,
                (None, Some(selection)) => selection.find(py, self)?,
                (None, None) => {}
            }
        };
        if let Some(error) = filters.and_then(Filters::take_error) {
            return Err(error);
        }
        chosen
            .map_err(|why| why.exception(py, &self.context))
            .and_then(|rows| python_rows(py, rows))
    }
}

#[pymethods]
impl Vectors {
    /// How many entries a map has.
    fn len(&self, py: Python<'_>, map: &str) -> PyResult<u64> {
        let map = map_of(map)?;
        self.context
            .glance(py, |context| self.store(context)?.entries(map))
    }

    /// The ids of a map, in order.
    fn ids<'py>(&self, py: Python<'py>, map: &str) -> PyResult<Bound<'py, PyList>> {
        let map = map_of(map)?;
        let ids = self.context.read(py, |context| {
            let mut ids = Vec::new();
            self.store(context)?.each_entry(map, &mut |id| {
                ids.push(id.to_vec());
                Ok(())
            })?;
            Ok(ids)
        })?;
        texts_of(py, ids)
    }

    fn contains(&self, py: Python<'_>, map: &str, id: &Bound<'_, PyString>) -> PyResult<bool> {
        let (map, id) = (map_of(map)?, bytes_of(id)?);
        self.context
            .glance(py, |context| self.store(context)?.has_entry(map, &id))
    }

    /// What a map has for an id, as JSON text.
    fn get<'py>(
        &self,
        py: Python<'py>,
        map: &str,
        id: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let (map, id) = (map_of(map)?, bytes_of(id)?);
        let text = self
            .context
            .glance(py, |context| self.store(context)?.entry(map, &id))?;
        text.map(|text| text_of(py, &text)).transpose()
    }

    /// The same for several ids, in their order.
    fn get_many<'py>(
        &self,
        py: Python<'py>,
        map: &str,
        ids: Vec<Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (map, ids) = (map_of(map)?, bytes_of_all(&ids)?);
        let found = self.context.read(py, |context| {
            let store = self.store(context)?;
            let texts = ids.iter().map(|id| store.entry(map, id));
            texts.collect::<Result<Vec<_>>>()
        })?;
        found_texts(py, found)
    }

    /// The vector of an id.
    fn embedding<'py>(
        &self,
        py: Python<'py>,
        id: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyArray1<f64>>>> {
        let id = bytes_of(id)?;
        let values = self
            .context
            .glance(py, |context| self.store(context)?.get(&id))?;
        Ok(values.map(|values| PyArray1::from_vec(py, values)))
    }

    /// Puts a ref doc id or metadata, as JSON text.
    fn put(
        &self,
        py: Python<'_>,
        map: &str,
        id: &Bound<'_, PyString>,
        text: &Bound<'_, PyString>,
    ) -> PyResult<()> {
        let (map, id, text) = (map_of(map)?, bytes_of(id)?, bytes_of(text)?);
        self.context.change(py, |context| {
            self.store_mut(context)?.put_entry(map, &id, &text)
        })
    }

    /// Puts a vector.
    fn put_embedding(
        &self,
        py: Python<'_>,
        id: &Bound<'_, PyString>,
        embedding: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (id, embedding) = (bytes_of(id)?, numbers_of(embedding)?);
        self.context.change(py, |context| {
            self.store_mut(context)?.put_embedding(&id, &embedding)
        })
    }

    /// Deletes what a map has for an id. Says whether it has something.
    fn delete_entry(&self, py: Python<'_>, map: &str, id: &Bound<'_, PyString>) -> PyResult<bool> {
        let (map, id) = (map_of(map)?, bytes_of(id)?);
        self.context.change(py, |context| {
            self.store_mut(context)?.delete_entry(map, &id)
        })
    }

    /// Adds vectors: for each the id, the embedding, the ref doc id and the metadata as
    /// JSON text. All of them, or none.
    fn add(&self, py: Python<'_>, vectors: &Bound<'_, PyList>) -> PyResult<()> {
        let vectors = vectors.iter().map(|vector| new_vector(&vector));
        let vectors: Vec<NewVector> = vectors.collect::<PyResult<_>>()?;
        self.context
            .change(py, |context| self.store_mut(context)?.add(vectors))
    }

    /// Deletes what is from a document.
    fn delete(&self, py: Python<'_>, ref_doc_id: &Bound<'_, PyString>) -> PyResult<u64> {
        let ref_doc_id = bytes_of(ref_doc_id)?;
        self.context
            .change(py, |context| self.store_mut(context)?.delete(&ref_doc_id))
    }

    /// Deletes the vectors of these ids, or of all, that pass the filters.
    #[pyo3(signature = (node_ids, filters))]
    fn delete_nodes(
        &self,
        py: Python<'_>,
        node_ids: Option<&Bound<'_, PyList>>,
        filters: Option<&Bound<'_, Filters>>,
    ) -> PyResult<u64> {
        let ids = node_ids.map(strings_of).transpose()?;
        let filters = filters.map(Bound::get);
        let judged = filters.map(|filters| filters.judged(py));
        let deleted = self.context.change(py, |context| {
            let store = self.store_mut(context)?;
            let deleted = store.delete_nodes(ids.as_deref(), judged.as_ref());
            Ok(refusing(store, deleted))
        })?;
        match filters.and_then(Filters::take_error) {
            Some(error) => Err(error),
            None => deleted.map_err(|why| why.exception(py, &self.context)),
        }
    }

    /// Deletes everything.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        self.context
            .change(py, |context| self.store_mut(context)?.clear())
    }

    /// Looks up the ids of a list, for queries. What is no string is no id.
    fn find_ids(&self, py: Python<'_>, ids: &Bound<'_, PyList>) -> PyResult<Selection> {
        Selection::of(py, self, ids)
    }

    /// All rows that pass: their ids and their true values.
    #[pyo3(signature = (selection, filters))]
    fn selected_rows<'py>(
        &self,
        py: Python<'py>,
        selection: Option<&Bound<'py, Selection>>,
        filters: Option<&Bound<'py, Filters>>,
    ) -> PyResult<PyRows<'py>> {
        let filters = filters.map(Bound::get);
        let mut query = VectorStoreQuery::default();
        query.filters = filters.map(|filters| filters.judged(py));
        self.rows(
            py,
            selection.map(Bound::get),
            filters,
            |store, selection| store.selected_rows(&query, selection),
        )
    }

    /// Those of the rows that pass that decide the answer.
    #[pyo3(signature = (embedding, top_k, mode, mmr_threshold, selection, filters))]
    #[allow(clippy::too_many_arguments, reason = "a query has as many parts")]
    fn deciding_rows<'py>(
        &self,
        py: Python<'py>,
        embedding: Option<&Bound<'py, PyAny>>,
        top_k: Option<i64>,
        mode: &str,
        mmr_threshold: Option<f64>,
        selection: Option<&Bound<'py, Selection>>,
        filters: Option<&Bound<'py, Filters>>,
    ) -> PyResult<PyRows<'py>> {
        let modes = VectorStoreQueryMode::ALL.map(|mode| (mode.as_str(), mode));
        let filters = filters.map(Bound::get);
        let mut query = VectorStoreQuery::default().mode(one_of("mode", mode, &modes)?);
        query.query_embedding = embedding.map(numbers_of).transpose()?;
        query.similarity_top_k = top_k;
        query.mmr_threshold = mmr_threshold;
        query.filters = filters.map(|filters| filters.judged(py));
        self.rows(
            py,
            selection.map(Bound::get),
            filters,
            |store, selection| store.deciding_rows(&query, selection),
        )
    }
}

impl Vectors {
    /// Looks up the ids of a list.
    ///
    /// # Errors
    /// The library's as exceptions.
    pub(crate) fn find(&self, py: Python<'_>, ids: &Bound<'_, PyList>) -> PyResult<Arc<Found>> {
        let ids = strings_of(ids)?;
        self.context
            .read(py, |context| self.store(context)?.find_ids(&ids))
            .map(Arc::new)
    }
}

fn map_of(name: &str) -> PyResult<Map> {
    one_of("map", name, &MAPS)
}
