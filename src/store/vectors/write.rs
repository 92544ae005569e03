//! Changes of a vector store, as `SimpleVectorStore` makes them.

use super::{Kind, VectorStore, change_records};
use crate::{
    columns::MAX_PRINTED,
    error::{Error, JsonFault, Result, StoreError},
    json::{
        Escapes, JsonStyle, NumberLayout, decode, encode, normalise, print_f64, print_within,
        skip_white, value_end,
    },
    search::MetadataFilters,
    store::{CollectionPath, ENTRY_DEPTH, MAP_NAMES, NewEntry, Rebase},
};

/// The most components that a vector may have.
const MAX_COMPONENTS: usize = 65_536;
/// What LlamaIndex writes for a node that is from no document.
const NO_DOCUMENT: &[u8] = b"None";

/// A vector that is added: what LlamaIndex takes from a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVector {
    /// The node's id: UTF-8, or WTF-8 for one with lone surrogates.
    pub id: Vec<u8>,
    /// Its embedding: 1 to 65,536 components.
    pub embedding: Vec<f64>,
    /// The id of the document it is from. LlamaIndex writes the text `None`
    /// where there is none, or an empty one.
    pub ref_doc_id: Option<Vec<u8>>,
    /// Its metadata, as the text of a JSON object: what
    /// `node_to_metadata_dict(node, remove_text=True, flat_metadata=False)`
    /// gives, without `_node_content`.
    pub metadata: Vec<u8>,
}

impl VectorStore {
    /// Adds vectors with what belongs to them (`SimpleVectorStore.add`). An id
    /// that is there gets the new values and keeps its place in each map.
    ///
    /// ```
    /// use twinstore::{search::VectorStoreQuery, store::{NewVector, VectorStore}};
    ///
    /// let mut vectors = VectorStore::empty();
    /// let vector = |id: &str, embedding: [f64; 2]| NewVector {
    ///     id: id.into(),
    ///     embedding: embedding.into(),
    ///     ref_doc_id: Some(b"guide".to_vec()),
    ///     metadata: br#"{"page": 7}"#.to_vec(),
    /// };
    /// vectors.add(vec![vector("north", [0.0, 1.0]), vector("east", [1.0, 0.0])])?;
    /// let hits = vectors.query(&VectorStoreQuery::new(&[0.1, 0.9]).top_k(1))?;
    /// assert_eq!(hits[0].id, b"north");
    ///
    /// // An id that is there gets the new vector in the same place.
    /// vectors.add(vec![vector("north", [0.5, 0.5])])?;
    /// assert_eq!(vectors.len()?, 2);
    /// assert_eq!(vectors.delete(b"guide")?, 2);
    /// assert!(vectors.is_empty()?);
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::VectorSize`]; [`StoreError::VectorLength`] where they would
    /// not all be of one length with the vectors that stay (a file that mixes
    /// lengths already takes any);
    /// [`StoreError::NotJson`] and [`StoreError::Shape`] for metadata that are no
    /// object, ids that are no text, and a map that the file has as something
    /// else; [`Error::Limit`] for metadata of over 64 MiB;
    /// [`Error::Damaged`], [`Error::Io`]. Nothing is changed then.
    pub fn add(&mut self, vectors: Vec<NewVector>) -> Result<()> {
        match self.change() {
            Kind::Rows(store) => {
                let style = store.style();
                let entries = vectors.iter().map(|vector| entry(vector, style));
                let entries = entries.collect::<Result<_>>()?;
                store.put(entries)
            }
            Kind::Records(store) => change_records::add(store, &vectors),
        }
    }

    /// Deletes all vectors that are from the document `ref_doc_id`, with what
    /// belongs to them (`SimpleVectorStore.delete`). Says how many ids those
    /// are.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`] where one of the ids has no vector;
    /// [`Error::Damaged`], [`Error::Io`]. Nothing is changed then (LlamaIndex
    /// has deleted some of it).
    pub fn delete(&mut self, ref_doc_id: &[u8]) -> Result<u64> {
        match self.change() {
            Kind::Rows(store) => {
                let mut token = Vec::with_capacity(ref_doc_id.len() + 2);
                encode(ref_doc_id, Escapes::Utf8, &mut token);
                store.delete_of(&token)
            }
            Kind::Records(store) => change_records::delete(store, ref_doc_id),
        }
    }

    /// Deletes the vectors of these ids (of all, where none are given) whose
    /// metadata pass the filters, with what belongs to them
    /// (`SimpleVectorStore.delete_nodes`). Without ids and filters, that is
    /// every vector. Says how many they were.
    ///
    /// # Errors
    /// [`Error::Query`] where a filter does not fit the metadata of a vector, or
    /// it has none; [`StoreError::NoEntry`] where one of the vectors has no ref
    /// doc id; of several the first in the order of the store.
    /// [`Error::Damaged`], [`Error::Io`]. Nothing is changed then (LlamaIndex
    /// has deleted those before).
    pub fn delete_nodes(
        &mut self,
        node_ids: Option<&[Vec<u8>]>,
        filters: Option<&MetadataFilters>,
    ) -> Result<u64> {
        match self.change() {
            Kind::Rows(store) => store.delete_chosen(node_ids, filters),
            Kind::Records(store) => change_records::delete_nodes(store, node_ids, filters),
        }
    }

    /// Deletes everything (`SimpleVectorStore.clear`). Vectors of any length may
    /// follow.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn clear(&mut self) -> Result<()> {
        match self.change() {
            Kind::Rows(store) => store.clear(),
            Kind::Records(store) => change_records::clear(store),
        }
    }

    /// Whether there are changes that are not written.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn has_changes(&self) -> Result<bool> {
        match &self.kind {
            Kind::Rows(store) => store.has_changes(),
            Kind::Records(store) => Ok(store.has_changes()),
        }
    }
}

impl VectorStore {
    /// The style of the file.
    pub(super) fn style(&self) -> Result<&JsonStyle> {
        match &self.kind {
            Kind::Rows(store) => Ok(store.style()),
            Kind::Records(store) => store.style(),
        }
    }

    /// Makes the changes of this store on `newer`, a later state of the same
    /// store without changes of its own: map by map and key by key.
    ///
    /// # Errors
    /// [`Rebase::Conflict`] for what both have changed; without a key where
    /// `newer` is held in another form, because all of it was packed anew.
    pub(crate) fn rebase(&self, newer: VectorStore) -> Result<VectorStore, Rebase> {
        let is_changed = self.has_changes()?;
        match (&self.kind, newer.kind) {
            (Kind::Rows(store), Kind::Rows(newer)) => store.rebase(newer).map(VectorStore::rows),
            (Kind::Records(store), Kind::Records(newer)) => {
                store.rebase(newer).map(VectorStore::records)
            }
            (_, kind) if !is_changed => Ok(VectorStore::of(kind)),
            (Kind::Rows(_) | Kind::Records(_), _) => Err(Rebase::Conflict {
                collection: CollectionPath::top(MAP_NAMES[0].0.as_bytes()),
                key: Vec::new(),
            }),
        }
    }
}

/// The values that a vector has in the three maps, as text in that style.
pub(super) fn entry(vector: &NewVector, style: &JsonStyle) -> Result<NewEntry> {
    let embedding = array(&vector.id, &vector.embedding, style)?;
    token(&vector.id, "the id of a vector", style)?;
    let document = vector.ref_doc_id.as_deref().filter(|id| !id.is_empty());
    let document = document.unwrap_or(NO_DOCUMENT);
    Ok(NewEntry {
        id: vector.id.clone(),
        components: vector.embedding.len(),
        texts: [
            Some(embedding),
            Some(token(document, "the ref doc id of a vector", style)?),
            Some(object(vector, style)?),
        ],
    })
}

/// A vector as it is written.
pub(super) fn array(id: &[u8], values: &[f64], style: &JsonStyle) -> Result<Vec<u8>> {
    if !(1..=MAX_COMPONENTS).contains(&values.len()) {
        return Err(Error::Store(StoreError::VectorSize {
            id: id.to_vec(),
            components: values.len(),
        }));
    }
    let layout = style.numbers();
    let mut text = Vec::with_capacity(values.len() * 22);
    for (n, value) in values.iter().enumerate() {
        match n {
            0 => style.open(b'[', ENTRY_DEPTH + 1, &mut text),
            _ => style.comma(ENTRY_DEPTH + 1, &mut text),
        }
        // Others write `null` for what is no number, and JavaScript `0` for -0,
        // which nobody reads back.
        let is_lost = !value.is_finite() || (*value == 0.0 && value.is_sign_negative());
        let layout = if is_lost {
            NumberLayout::Python
        } else {
            layout
        };
        print_f64(*value, layout, &mut text);
    }
    style.close(b']', ENTRY_DEPTH + 1, &mut text);
    Ok(text)
}

/// A string as it is written; refuses bytes that are no text.
pub(super) fn token(text: &[u8], what: &str, style: &JsonStyle) -> Result<Vec<u8>> {
    let (mut token, mut back) = (Vec::with_capacity(text.len() + 2), Vec::new());
    encode(text, style.escapes(), &mut token);
    match decode(&token, &mut back) {
        Ok(_) if back == text => Ok(token),
        _ => Err(Error::Store(StoreError::shape(what, "text"))),
    }
}

/// The metadata of a vector as they are written.
fn object(vector: &NewVector, style: &JsonStyle) -> Result<Vec<u8>> {
    let what = || format!("the metadata of {}", String::from_utf8_lossy(&vector.id));
    let text = value_text(&vector.metadata, &what, style)?;
    match text.first() {
        Some(b'{') => Ok(text),
        _ => Err(Error::Store(StoreError::shape(what(), "an object"))),
    }
}

/// JSON text as it is written.
pub(super) fn value_text(
    text: &[u8],
    what: &dyn Fn() -> String,
    style: &JsonStyle,
) -> Result<Vec<u8>> {
    let not_json = |offset, fault| {
        let what = what();
        Error::Store(StoreError::NotJson {
            what,
            offset,
            fault,
        })
    };
    let start = skip_white(text, 0);
    let end = value_end(text, start, true).map_err(|e| not_json(e.offset, e.fault_at_end()))?;
    let after = skip_white(text, end);
    if after < text.len() {
        return Err(not_json(after, JsonFault::Trailing));
    }
    let text = text.get(start..end).unwrap_or_default();
    let (mut normal, mut printed) = (Vec::with_capacity(text.len()), Vec::new());
    normalise(text, &mut normal).map_err(|fault| not_json(start, fault))?;
    match print_within(&normal, style, ENTRY_DEPTH, MAX_PRINTED, &mut printed) {
        true => Ok(printed),
        false => Err(Error::Limit {
            what: "length of the metadata of a vector",
            got: normal.len() as u64,
            limit: MAX_PRINTED as u64,
        }),
    }
}
