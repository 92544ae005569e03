//! LlamaIndex's vector store (`SimpleVectorStore`), read, queried and changed.
//!
//! Nearly all vector stores are rows (`rows.rs`). What fits no rows is held as
//! records (`records.rs`) and answers alike, but reads text where the other
//! scans memory. `query.rs` is what both have in common: which checks a query
//! passes, and in which order. `deciding.rs` gives the rows that decide the answer,
//! `selection.rs` keeps ids that were found. `write.rs` changes a store, `entries.rs`
//! one of its maps; how one of records is changed is in `change_records.rs`.

mod change_records;
mod deciding;
mod entries;
mod gather;
mod names;
mod query;
mod records;
mod rows;
mod segments;
mod selection;
mod write;

#[cfg(test)]
mod tests;

pub use deciding::ChosenRows;
pub(crate) use names::MAP_NAMES;
pub use segments::SegmentVectors;
pub use selection::Selection;
use selection::Version;
pub use write::NewVector;

use super::{RecordStore, RowStore};
use crate::{
    error::Result,
    json::decode,
    search::{Hit, VectorStoreQuery},
    segment::{Map, Metadata},
};

/// A vector store: vectors by id, each with metadata and the id of the document
/// that it is from.
///
/// ```
/// use twinstore::{
///     container::OpenOptions,
///     persist_dir::Snapshot,
///     search::VectorStoreQuery,
///     store::{RowStore, VectorStore},
/// };
///
/// # use twinstore::convert::{PackOptions, Silent, pack};
/// # let temp = tempfile::tempdir().unwrap();
/// # let dir = temp.path().join("storage");
/// # std::fs::create_dir(&dir).unwrap();
/// # for file in std::fs::read_dir("examples/storage").unwrap() {
/// #     let file = file.unwrap();
/// #     if file.path().is_file() { std::fs::copy(file.path(), dir.join(file.file_name())).unwrap(); }
/// # }
/// # pack(&dir, &PackOptions::default(), &Silent)?;
/// let twin = Snapshot::open(&dir, None, &OpenOptions::default())?;
/// let segments = twin.store("default__vector_store.json")?.segments()?;
/// let vectors = VectorStore::rows(RowStore::open(segments)?);
///
/// // The rows nearest to one of them: itself comes first.
/// let mut ids = Vec::new();
/// vectors.each_id(&mut |id| {
///     ids.push(id.to_vec());
///     Ok(())
/// })?;
/// let embedding = vectors.get(&ids[0])?.unwrap();
/// let hits = vectors.query(&VectorStoreQuery::new(&embedding).top_k(3))?;
/// assert_eq!(hits[0].id, ids[0]);
/// assert!((hits[0].score - 1.0).abs() < 1e-12);
/// # Ok::<(), twinstore::Error>(())
/// ```
#[derive(Debug)]
pub struct VectorStore {
    kind: Kind,
    /// A new one after each change.
    version: Version,
}

#[derive(Debug)]
enum Kind {
    Rows(RowStore),
    Records(RecordStore),
}

/// What a vector store is held in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum VectorForm<'s> {
    Rows(&'s RowStore),
    Records(&'s RecordStore),
}

impl VectorStore {
    /// What it is held in.
    pub(crate) fn form(&self) -> VectorForm<'_> {
        match &self.kind {
            Kind::Rows(store) => VectorForm::Rows(store),
            Kind::Records(store) => VectorForm::Records(store),
        }
    }

    /// A store without vectors.
    #[must_use]
    pub fn empty() -> VectorStore {
        VectorStore::rows(RowStore::empty())
    }

    /// A store that is held in rows.
    #[must_use]
    pub fn rows(store: RowStore) -> VectorStore {
        VectorStore::of(Kind::Rows(store))
    }

    /// A store that is held as records, since it fits no rows.
    #[must_use]
    pub fn records(store: RecordStore) -> VectorStore {
        VectorStore::of(Kind::Records(store))
    }

    fn of(kind: Kind) -> VectorStore {
        let version = Version::new();
        VectorStore { kind, version }
    }

    /// What it is held in, to be changed.
    fn change(&mut self) -> &mut Kind {
        self.version = Version::new();
        &mut self.kind
    }

    /// Number of vectors.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn len(&self) -> Result<u64> {
        match &self.kind {
            Kind::Rows(store) => store.vectors(),
            Kind::Records(store) => {
                let mut ids = 0;
                records::each_id(store, Map::Embeddings, &mut |_| {
                    ids += 1;
                    Ok(())
                })?;
                Ok(ids)
            }
        }
    }

    /// Whether there is no vector.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Components of the first vector; `None` where there is none. The others
    /// have as many, or no query can look at all of them.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn dim(&self) -> Result<Option<usize>> {
        let Some(first) = self.first_id()? else {
            return Ok(None);
        };
        Ok(self.get(&first)?.map(|vector| vector.len()))
    }

    /// The id of the first vector.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn first_id(&self) -> Result<Option<Vec<u8>>> {
        let mut first = None;
        match &self.kind {
            Kind::Rows(store) => store.each_id(Map::Embeddings, &mut |id| {
                first = Some(id.to_vec());
                Ok(false)
            })?,
            Kind::Records(store) => {
                let mut key = Vec::new();
                let path = records::path_of(store, Map::Embeddings);
                if store.keys(&path)?.next(&mut key)? {
                    first = Some(key);
                }
            }
        }
        Ok(first)
    }

    /// Tells `each` the ids that have a vector, in the order of the store:
    /// UTF-8, or WTF-8 for ids with lone surrogates.
    ///
    /// # Errors
    /// What `each` returns; [`Error::Damaged`](crate::Error::Damaged),
    /// [`Error::Io`](crate::Error::Io).
    pub fn each_id(&self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match &self.kind {
            Kind::Rows(store) => store.each_id(Map::Embeddings, &mut |id| each(id).map(|()| true)),
            Kind::Records(store) => records::each_id(store, Map::Embeddings, each),
        }
    }

    /// The vector of an id (`SimpleVectorStore.get`): the `f64` values that
    /// Python reads from the JSON. `None` where the store has no such vector.
    ///
    /// # Errors
    /// [`QueryError::NotNumbers`](crate::error::QueryError::NotNumbers);
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn get(&self, id: &[u8]) -> Result<Option<Vec<f64>>> {
        match &self.kind {
            Kind::Rows(store) => store.get(id),
            Kind::Records(store) => records::get(store, id),
        }
    }

    /// The id of the document that a vector is from: `None` where the store
    /// does not say. (LlamaIndex writes the text `None` for vectors that are
    /// from no document.)
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn ref_doc_id(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let text = match &self.kind {
            Kind::Rows(store) => match store.find(Map::RefDocs, id)? {
                Some((segment, entry)) => {
                    segment.ref_doc(segment.entry_row(Map::RefDocs, entry)?)?
                }
                None => None,
            },
            Kind::Records(store) => store.get(&records::path_of(store, Map::RefDocs), id)?,
        };
        Ok(text.and_then(|text| {
            let mut doc_id = Vec::new();
            decode(&text, &mut doc_id).ok().map(|_| doc_id)
        }))
    }

    /// The metadata of a vector: `None` where the store has none.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn metadata(&self, id: &[u8]) -> Result<Option<Metadata>> {
        match &self.kind {
            Kind::Rows(store) => match store.find(Map::Metadata, id)? {
                Some((segment, entry)) => {
                    segment.metadata(segment.entry_row(Map::Metadata, entry)?)
                }
                None => Ok(None),
            },
            Kind::Records(store) => {
                let text = store.get(&records::path_of(store, Map::Metadata), id)?;
                Ok(text.map(Metadata::Text))
            }
        }
    }

    /// Answers a query as `SimpleVectorStore.query` does: the same ids in the
    /// same order, scores within `(5 d / 2 + 16) 2^-53` for `d` components (1e-12
    /// for 3,596, 1.2e-12 for 4,000), the same refusals.
    ///
    /// Rows whose scores are nearer to each other than that may change places:
    /// which one of them is larger depends on the processor, with LlamaIndex as
    /// well.
    ///
    /// # Errors
    /// [`Error::Query`](crate::Error::Query) says why a query has no answer;
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn query(&self, query: &VectorStoreQuery) -> Result<Vec<Hit>> {
        let mut answers = self.query_batch(std::slice::from_ref(query))?;
        Ok(answers.pop().unwrap_or_default())
    }

    /// Answers several queries. Those of mode `default` that look at the same
    /// rows, because their filters and `node_ids` are the same, and want some of
    /// them, read memory once. Those that want all rows, meet a row without a
    /// cosine, or are of mode `mmr` read it for themselves.
    ///
    /// # Errors
    /// As [`query`](Self::query): what is wrong with the first query that has
    /// no answer.
    pub fn query_batch(&self, queries: &[VectorStoreQuery]) -> Result<Vec<Vec<Hit>>> {
        query::batch(self, queries)
    }
}
