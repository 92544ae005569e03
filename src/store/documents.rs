//! The document store: nodes by id, their hashes, and the documents that they
//! are parts of.

mod changes;

pub use changes::{AddOptions, NewDocument};

use super::{
    Keys, Node,
    keyed::{Keyed, KeyedEntries},
    record::{shown, unfit},
    records::{CollectionPath, Detail, RecordStore},
};
use crate::{
    error::{Error, Result, StoreError},
    json::{Kind, Value},
};

/// The namespace that LlamaIndex gives a document store.
const NAMESPACE: &[u8] = b"docstore";

/// A document store: LlamaIndex's `SimpleDocumentStore`
/// (`storage/docstore/keyval_docstore.py`). One node costs one block of the
/// file, however many there are.
///
/// ```
/// use twinstore::{
///     container::OpenOptions,
///     convert::{PackOptions, Silent, pack},
///     persist_dir::Snapshot,
///     store::{DocumentStore, RecordStore},
/// };
/// # let temp = tempfile::tempdir().unwrap();
/// # let dir = temp.path();
/// # std::fs::copy("examples/storage/docstore.json", dir.join("docstore.json")).unwrap();
/// # pack(dir, &PackOptions::default(), &Silent)?;
/// let twin = Snapshot::open(dir, None, &OpenOptions::default())?;
/// let segments = twin.store("docstore.json")?.segments()?;
/// let store = DocumentStore::new(RecordStore::open(segments)?);
///
/// let first = store.ids()?.next().unwrap()?;
/// let node = store.get_document(&first)?;
/// assert_eq!(*node.id(), *first);
/// assert!(!node.text().is_empty());
/// assert_eq!(store.get(b"no such id")?, None);
/// # Ok::<(), twinstore::Error>(())
/// ```
#[derive(Debug)]
pub struct DocumentStore {
    records: RecordStore,
    nodes: CollectionPath,
    metadata: CollectionPath,
    ref_docs: CollectionPath,
}

/// What a store knows of a document whose nodes it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefDocInfo {
    /// The ids of its nodes, in the order in which they were added.
    pub node_ids: Vec<Vec<u8>>,
    metadata: Vec<u8>,
}

impl RefDocInfo {
    /// The metadata of the document: an object. (Its first node's, for all that
    /// LlamaIndex knows.)
    #[must_use]
    pub fn metadata(&self) -> Value<'_> {
        match self.metadata.as_slice() {
            [] => Value::of(b"{}"),
            text => Value::of(text),
        }
    }

    /// From a record of today, of a release up to 0.6.26, or of LlamaIndex.TS.
    fn of(key: &[u8], text: &[u8]) -> Result<RefDocInfo> {
        let record = Value::of(text);
        let bad = |_: ()| unfit(key, "what is known of a document");
        if record.kind() != Kind::Object {
            return Err(bad(()));
        }
        let any = |names: [&str; 3]| {
            let mut found = names.iter().filter_map(|name| record.get(name.as_bytes()));
            found.find(|value| !value.is_null())
        };
        // `doc_ids` comes first: LlamaIndex converts such a record.
        let node_ids = match any(["doc_ids", "node_ids", "nodeIds"]) {
            Some(ids) => ids.as_strings().ok_or(()).map_err(bad)?,
            None => Vec::new(),
        };
        let metadata = any(["extra_info", "metadata", "extraInfo"]);
        Ok(RefDocInfo {
            node_ids: node_ids.into_iter().map(|id| id.into_owned()).collect(),
            metadata: metadata.map_or_else(Vec::new, |value| value.text().to_vec()),
        })
    }
}

impl DocumentStore {
    /// The document store that these records are, under LlamaIndex's default
    /// namespace, `docstore`.
    #[must_use]
    pub fn new(records: RecordStore) -> DocumentStore {
        DocumentStore::named(records, NAMESPACE)
    }

    /// A new document store, without a document.
    #[must_use]
    pub fn empty() -> DocumentStore {
        DocumentStore::named(RecordStore::empty(), NAMESPACE)
    }

    /// The same records under another namespace: the collections
    /// `{namespace}/data`, `{namespace}/metadata`, `{namespace}/ref_doc_info`.
    #[must_use]
    pub fn with_namespace(self, namespace: &[u8]) -> DocumentStore {
        DocumentStore::named(self.records, namespace)
    }

    fn named(records: RecordStore, namespace: &[u8]) -> DocumentStore {
        let path = |suffix: &[u8]| CollectionPath::top(&[namespace, suffix].concat());
        DocumentStore {
            records,
            nodes: path(b"/data"),
            metadata: path(b"/metadata"),
            ref_docs: path(b"/ref_doc_info"),
        }
    }

    /// The records that it is, with their changes.
    #[must_use]
    pub fn records(&self) -> &RecordStore {
        &self.records
    }

    /// The records, to be changed one by one.
    pub fn records_mut(&mut self) -> &mut RecordStore {
        &mut self.records
    }

    /// The node or document of that id, `None` where there is none:
    /// `get_document(id, raise_error=False)`.
    ///
    /// # Errors
    /// [`StoreError::UnknownNodeType`], [`StoreError::NoMember`],
    /// [`StoreError::Shape`] for a record that is no node's;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get(&self, id: &[u8]) -> Result<Option<Node>> {
        let record = self.of(&self.nodes).get(id, Detail::All)?;
        let node = record.map(|record| Node::of_record(id.to_vec(), record));
        node.transpose()
    }

    /// The node or document of that id, which must be there.
    ///
    /// # Errors
    /// [`StoreError::NoDocument`]; as [`get`](DocumentStore::get).
    pub fn get_document(&self, id: &[u8]) -> Result<Node> {
        self.get(id)?
            .ok_or_else(|| Error::Store(StoreError::NoDocument { id: shown(id) }))
    }

    /// The nodes of these ids, in this order, which all must be there.
    ///
    /// # Errors
    /// As [`get_document`](DocumentStore::get_document).
    pub fn get_nodes(&self, ids: &[impl AsRef<[u8]>]) -> Result<Vec<Node>> {
        let nodes = ids.iter().map(|id| self.get_document(id.as_ref()));
        nodes.collect()
    }

    /// The nodes of those of these ids that are there, in this order:
    /// `get_nodes(ids, raise_error=False)`.
    ///
    /// # Errors
    /// As [`get`](DocumentStore::get).
    pub fn find_nodes(&self, ids: &[impl AsRef<[u8]>]) -> Result<Vec<Node>> {
        let nodes = ids.iter().map(|id| self.get(id.as_ref()));
        nodes.filter_map(Result::transpose).collect()
    }

    /// Whether there is a node or document of that id: `document_exists`.
    /// Nothing is decompressed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn contains(&self, id: &[u8]) -> Result<bool> {
        self.of(&self.nodes).contains(id)
    }

    /// Number of nodes and documents.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn len(&self) -> Result<u64> {
        self.of(&self.nodes).len()
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// As [`len`](DocumentStore::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The ids of all nodes and documents, in order.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn ids(&self) -> Result<Keys<'_>> {
        self.of(&self.nodes).keys()
    }

    /// All nodes and documents in order, one after another: what `docs` has
    /// all at once in LlamaIndex. A block or two are in memory.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]. The nodes themselves: as
    /// [`get`](DocumentStore::get).
    pub fn docs(&self) -> Result<Docs<'_>> {
        Ok(Docs(self.of(&self.nodes).entries(Detail::All)?))
    }

    /// The hash under which a document or node was added: `get_document_hash`.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn document_hash(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        let record = self.of(&self.metadata).get(id, Detail::All)?;
        Ok(record.and_then(|record| hash_in(&record)))
    }

    /// The id of what was added with each hash, in order:
    /// `get_all_document_hashes`. Of several with one hash it is the last, in
    /// the place of the first.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn all_document_hashes(&self) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut places = std::collections::HashMap::new();
        let mut hashes: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for entry in self.of(&self.metadata).entries(Detail::All)? {
            let (id, record) = entry?;
            let Some(hash) = hash_in(&record).filter(|hash| !hash.is_empty()) else {
                continue;
            };
            let place = *places.entry(hash.clone()).or_insert(hashes.len());
            match hashes.get_mut(place) {
                Some(known) => known.1 = id,
                None => hashes.push((hash, id)),
            }
        }
        Ok(hashes)
    }

    /// What is known of a document whose nodes were added, under its id:
    /// `get_ref_doc_info`.
    ///
    /// # Errors
    /// [`StoreError::Shape`]; [`Error::Damaged`], [`Error::Io`].
    pub fn ref_doc_info(&self, ref_doc_id: &[u8]) -> Result<Option<RefDocInfo>> {
        let record = self.of(&self.ref_docs).get(ref_doc_id, Detail::All)?;
        match record.filter(|record| Value::of(record).is_truthy()) {
            Some(record) => RefDocInfo::of(ref_doc_id, &record).map(Some),
            None => Ok(None),
        }
    }

    /// What is known of all documents, with their ids, in order:
    /// `get_all_ref_doc_info`, one after another.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]. The infos themselves: as
    /// [`ref_doc_info`](DocumentStore::ref_doc_info).
    pub fn all_ref_doc_info(&self) -> Result<RefDocInfos<'_>> {
        Ok(RefDocInfos(self.of(&self.ref_docs).entries(Detail::All)?))
    }

    /// Whether nodes of that document were added.
    ///
    /// # Errors
    /// As [`ref_doc_info`](DocumentStore::ref_doc_info).
    pub fn ref_doc_exists(&self, ref_doc_id: &[u8]) -> Result<bool> {
        Ok(self.ref_doc_info(ref_doc_id)?.is_some())
    }

    fn of<'s>(&'s self, path: &'s CollectionPath) -> Keyed<'s> {
        Keyed::of(&self.records, path)
    }
}

/// The hash in a record of metadata: `doc_hash`, which LlamaIndex.TS spells
/// `docHash`.
fn hash_in(record: &[u8]) -> Option<Vec<u8>> {
    let record = Value::of(record);
    let hash = record.get(b"doc_hash").or_else(|| record.get(b"docHash"));
    Some(hash?.as_str()?.into_owned())
}

/// The nodes of a document store, one after another. After an error in the
/// store itself there are no more; a record that is no node's is an error and
/// the others follow.
#[derive(Debug)]
pub struct Docs<'s>(KeyedEntries<'s>);

impl Iterator for Docs<'_> {
    type Item = Result<Node>;

    fn next(&mut self) -> Option<Result<Node>> {
        let next = self.0.next()?;
        Some(next.and_then(|(id, record)| Node::of_record(id, record)))
    }
}

/// What a document store knows of its documents, one after another.
#[derive(Debug)]
pub struct RefDocInfos<'s>(KeyedEntries<'s>);

impl Iterator for RefDocInfos<'_> {
    type Item = Result<(Vec<u8>, RefDocInfo)>;

    fn next(&mut self) -> Option<Result<(Vec<u8>, RefDocInfo)>> {
        let next = self.0.next()?;
        Some(next.and_then(|(id, record)| {
            let info = RefDocInfo::of(&id, &record)?;
            Ok((id, info))
        }))
    }
}
