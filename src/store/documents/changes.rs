//! What changes a document store.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::{DocumentStore, RefDocInfo};
use crate::{
    error::{Error, Result, StoreError},
    json::Value,
    store::{
        Node,
        build::{object, string, strings, with_member},
        record::shown,
        records::Detail,
    },
};

/// A node or document to be added, with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// What is added, with the id that it states.
    pub node: Node,
    /// LlamaIndex's `node.hash`: in hex, SHA-256 of a text and of what Python's
    /// `str` makes of metadata. Only Python knows that, so it is taken as given.
    pub hash: Vec<u8>,
}

/// How nodes are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddOptions {
    /// Whether nodes that are there are replaced; else they are an error.
    pub allow_update: bool,
    /// Whether the nodes themselves are stored, or only what is known of them:
    /// hash, and which document they are a part of.
    pub store_text: bool,
}

/// LlamaIndex's: both.
impl Default for AddOptions {
    fn default() -> AddOptions {
        AddOptions {
            allow_update: true,
            store_text: true,
        }
    }
}

/// What becomes of the record of a document when parts of it are added.
struct Growth {
    /// As it is.
    record: Option<Vec<u8>>,
    node_ids: Vec<Vec<u8>>,
    known: HashSet<Vec<u8>>,
    /// Of the document, by what is said of its parts: key and text.
    metadata: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether the store says something of it, and that stays.
    stated: bool,
}

impl DocumentStore {
    /// Adds nodes, or replaces them: a new one comes last, one that is there keeps
    /// its place. Its document is told of it, for
    /// [`ref_doc_info`](DocumentStore::ref_doc_info). Reads see it at once; on disk
    /// it is when the store is persisted.
    ///
    /// (Where LlamaIndex refuses the second of two nodes, the document of the first
    /// has it among its nodes from then on. Here an error changes nothing.)
    ///
    /// # Errors
    /// [`StoreError::DocumentExists`] where that was not allowed;
    /// [`StoreError::NoMember`] for a node without an id;
    /// [`StoreError::Relationship`] for one of several documents; as
    /// [`ref_doc_info`](DocumentStore::ref_doc_info).
    ///
    /// ```
    /// use twinstore::store::{AddOptions, DocumentStore, NewDocument, Node};
    /// let record = br#"{"__data__": {"id_": "n-1", "text": "Hello",
    ///     "relationships": {"1": {"node_id": "doc-a"}}}, "__type__": "1"}"#;
    /// let node = Node::from_json(record.to_vec())?;
    /// let added = NewDocument { node, hash: b"2cf24dba".to_vec() };
    ///
    /// let mut store = DocumentStore::empty();
    /// store.add_documents(&[added], AddOptions::default())?;
    /// assert_eq!(&*store.get_document(b"n-1")?.text(), b"Hello");
    /// assert_eq!(store.ref_doc_info(b"doc-a")?.unwrap().node_ids, [b"n-1"]);
    ///
    /// store.delete_ref_doc(b"doc-a")?;
    /// assert!(store.is_empty()?);
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    pub fn add_documents(&mut self, docs: &[NewDocument], options: AddOptions) -> Result<()> {
        // All is looked at before anything is changed.
        let mut grown: Vec<(Vec<u8>, Growth)> = Vec::new();
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut metadata = Vec::with_capacity(docs.len());
        for NewDocument { node, hash } in docs {
            let id = stated_id(node)?;
            if !options.allow_update && self.contains(&id)? {
                let id = shown(&id);
                return Err(Error::Store(StoreError::DocumentExists { id }));
            }
            let mut members = vec![("doc_hash", string(hash))];
            if let Some(source) = node.ref_doc_id()? {
                let place = match places.get(&*source) {
                    Some(place) => *place,
                    None => {
                        grown.push((source.to_vec(), self.growth(&source)?));
                        places.insert(source.to_vec(), grown.len() - 1);
                        grown.len() - 1
                    }
                };
                // The empty id is asked for, and then no id.
                if let Some((_, growth)) = grown.get_mut(place).filter(|_| !source.is_empty()) {
                    growth.add(&id, node);
                    members.push(("ref_doc_id", string(&source)));
                }
            }
            metadata.push((id, object(members)));
        }
        if options.store_text {
            for (doc, (id, _)) in docs.iter().zip(&metadata) {
                self.records.put(&self.nodes, id, doc.node.raw())?;
            }
        }
        for (id, record) in &metadata {
            self.records.put(&self.metadata, id, record)?;
        }
        for (id, growth) in grown.iter().filter(|(id, _)| !id.is_empty()) {
            self.records.put(&self.ref_docs, id, &growth.record())?;
        }
        Ok(())
    }

    /// Deletes a node or document, which must be there, and tells the document that
    /// it is a part of. A document without parts is deleted, too.
    ///
    /// # Errors
    /// [`StoreError::NoDocument`]; what the store knows of it beside its text (for
    /// it was added without) is deleted also then, as in LlamaIndex. As
    /// [`ref_doc_info`](DocumentStore::ref_doc_info).
    pub fn delete_document(&mut self, id: &[u8]) -> Result<()> {
        match self.discard_document(id)? {
            true => Ok(()),
            false => Err(Error::Store(StoreError::NoDocument { id: shown(id) })),
        }
    }

    /// Deletes a node or document if it is there, and says whether it was:
    /// `delete_document(id, raise_error=False)`.
    ///
    /// # Errors
    /// As [`ref_doc_info`](DocumentStore::ref_doc_info).
    pub fn discard_document(&mut self, id: &[u8]) -> Result<bool> {
        self.leave_ref_doc(id, None)?;
        let there = self.records.delete(&self.nodes, id)?;
        self.records.delete(&self.metadata, id)?;
        Ok(there)
    }

    /// Deletes a document with all nodes that were added as parts of it; some must
    /// have been.
    ///
    /// # Errors
    /// [`StoreError::NoRefDoc`]; as [`ref_doc_info`](DocumentStore::ref_doc_info).
    pub fn delete_ref_doc(&mut self, ref_doc_id: &[u8]) -> Result<()> {
        match self.discard_ref_doc(ref_doc_id)? {
            true => Ok(()),
            false => {
                let id = shown(ref_doc_id);
                Err(Error::Store(StoreError::NoRefDoc { id }))
            }
        }
    }

    /// Deletes a document if nodes were added as parts of it, and says whether they
    /// were: `delete_ref_doc(id, raise_error=False)`.
    ///
    /// # Errors
    /// As [`ref_doc_info`](DocumentStore::ref_doc_info).
    pub fn discard_ref_doc(&mut self, ref_doc_id: &[u8]) -> Result<bool> {
        let Some(info) = self.ref_doc_info(ref_doc_id)? else {
            return Ok(false);
        };
        for id in &info.node_ids {
            self.leave_ref_doc(id, Some(ref_doc_id))?;
            self.records.delete(&self.nodes, id)?;
            self.records.delete(&self.metadata, id)?;
        }
        self.forget(ref_doc_id)?;
        Ok(true)
    }

    /// Sets the hash of a node or document, which need not be there. What the
    /// store knew beside it (which document it is a part of) is forgotten.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn set_document_hash(&mut self, id: &[u8], hash: &[u8]) -> Result<()> {
        let record = object([("doc_hash", string(hash))]);
        self.records.put(&self.metadata, id, &record)
    }

    /// Sets several hashes: ids with their hashes.
    ///
    /// # Errors
    /// As [`set_document_hash`](DocumentStore::set_document_hash).
    pub fn set_document_hashes(
        &mut self,
        hashes: &[(impl AsRef<[u8]>, impl AsRef<[u8]>)],
    ) -> Result<()> {
        let mut hashes = hashes.iter();
        hashes.try_for_each(|(id, hash)| self.set_document_hash(id.as_ref(), hash.as_ref()))
    }

    fn growth(&self, ref_doc_id: &[u8]) -> Result<Growth> {
        let record = self.of(&self.ref_docs).get(ref_doc_id, Detail::All)?;
        let record = record.filter(|record| Value::of(record).is_truthy());
        let info = match &record {
            Some(record) => RefDocInfo::of(ref_doc_id, record)?,
            None => RefDocInfo::default(),
        };
        Ok(Growth {
            stated: info.metadata().is_truthy(),
            known: info.node_ids.iter().cloned().collect(),
            node_ids: info.node_ids,
            metadata: Vec::new(),
            record,
        })
    }

    /// Takes a node from the list of its document, but for one document, which
    /// will be deleted as a whole.
    fn leave_ref_doc(&mut self, id: &[u8], doomed: Option<&[u8]>) -> Result<()> {
        let Some(metadata) = self.of(&self.metadata).get(id, Detail::All)? else {
            return Ok(());
        };
        let ref_doc_id = Value::of(&metadata).get(b"ref_doc_id");
        let Some(ref_doc_id) = ref_doc_id.and_then(|id| id.as_str()) else {
            return Ok(());
        };
        if doomed == Some(&*ref_doc_id) {
            return Ok(());
        }
        let Some(record) = self.of(&self.ref_docs).get(&ref_doc_id, Detail::All)? else {
            return Ok(());
        };
        if !Value::of(&record).is_truthy() {
            return Ok(());
        }
        let mut info = RefDocInfo::of(&ref_doc_id, &record)?;
        if let Some(at) = info.node_ids.iter().position(|known| known == id) {
            info.node_ids.remove(at);
        }
        match info.node_ids.is_empty() {
            true => self.forget(&ref_doc_id),
            false => {
                let metadata = Cow::Borrowed(info.metadata().text());
                let record = ref_doc_record(Some(&record), &info.node_ids, &metadata);
                self.records.put(&self.ref_docs, &ref_doc_id, &record)
            }
        }
    }

    /// Deletes all that is known of a document itself.
    fn forget(&mut self, ref_doc_id: &[u8]) -> Result<()> {
        for path in [&self.metadata, &self.nodes, &self.ref_docs] {
            self.records.delete(path, ref_doc_id)?;
        }
        Ok(())
    }
}

impl Growth {
    fn add(&mut self, id: &[u8], node: &Node) {
        if self.known.insert(id.to_vec()) {
            self.node_ids.push(id.to_vec());
        }
        if self.stated {
            return;
        }
        // As `dict.update`: a key that is there keeps its place.
        for (key, value) in node.metadata() {
            let text = value.text().to_vec();
            match self.metadata.iter_mut().find(|(known, _)| *known == *key) {
                Some(known) => known.1 = text,
                None => self.metadata.push((key.into_owned(), text)),
            }
        }
    }

    fn record(&self) -> Vec<u8> {
        let record = self.record.as_deref();
        let stated = record.filter(|_| self.stated).and_then(|record| {
            let names = [&b"extra_info"[..], b"metadata", b"extraInfo"];
            let mut found = names.iter().filter_map(|name| Value::of(record).get(name));
            found.find(|value| !value.is_null())
        });
        let metadata = match stated {
            Some(stated) => Cow::Borrowed(stated.text()),
            None => Cow::Owned(object(self.metadata.iter().map(|(k, v)| (k, v)))),
        };
        ref_doc_record(record, &self.node_ids, &metadata)
    }
}

/// The record of a document, which keeps what else it has. One of an old release
/// becomes one of today, as in LlamaIndex.
fn ref_doc_record(record: Option<&[u8]>, node_ids: &[Vec<u8>], metadata: &[u8]) -> Vec<u8> {
    let node_ids = strings(node_ids);
    match record.map(Value::of) {
        Some(old) if old.get(b"node_ids").is_some() && old.get(b"doc_ids").is_none() => {
            let with_ids = with_member(&old, b"node_ids", &node_ids);
            with_member(&Value::of(&with_ids), b"metadata", metadata)
        }
        _ => object([("node_ids", &*node_ids), ("metadata", metadata)]),
    }
}

/// The id that a node states itself: there is no other here.
fn stated_id(node: &Node) -> Result<Vec<u8>> {
    let mut stated = ["id_", "doc_id"].into_iter();
    let stated = stated.find_map(|name| node.field(name)?.as_str());
    let lacking = Error::Store(StoreError::NoMember { name: "id_" });
    stated.map(Cow::into_owned).ok_or(lacking)
}
