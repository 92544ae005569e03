//! Nodes: typed views of the records of a document store.
//!
//! A [`Node`] keeps the JSON of its record and parses what it is asked for. It
//! reads what every release of LlamaIndex wrote: the fields of today
//! (`schema.py` of 0.14.25), those of the first persist dirs (`doc_id`,
//! `extra_info`, `node_info`, relationships that are ids), and those of
//! LlamaIndex.TS (`__data__` in a string, camel case).
//!
//! A field that is missing, or of another kind than LlamaIndex writes, is what
//! LlamaIndex has for a missing one; [`Node::field`] gives whatever is there.

mod content;
mod media;
mod related;
mod types;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, ops::Range};

pub use media::MediaResource;
pub use related::{Related, RelatedNodeInfo};
pub use types::{NodeRelationship, NodeType};

use super::record::{beginning, document, shown, unfit};
use crate::{
    error::{Error, Result, StoreError},
    json::{Kind, Value},
};

/// A node: text with metadata and relationships, an image, a whole document.
///
/// Ids and texts are UTF-8, or WTF-8 where Python wrote a lone surrogate, so
/// they are given as bytes.
///
/// ```
/// use twinstore::store::{Node, NodeType};
/// let record = br#"{"__data__": {"id_": "n-1", "metadata": {"page": 3},
///     "relationships": {"1": {"node_id": "doc-a", "node_type": "4"}},
///     "text": "Hello", "class_name": "TextNode"}, "__type__": "1"}"#;
/// let node = Node::from_json(record.to_vec())?;
/// assert_eq!(node.node_type(), NodeType::Text);
/// assert_eq!(&*node.id(), b"n-1");
/// assert_eq!(&*node.text(), b"Hello");
/// assert_eq!(node.metadata_value(b"page").unwrap().as_i64(), Some(3));
/// assert_eq!(node.ref_doc_id()?.as_deref(), Some(&b"doc-a"[..]));
/// # Ok::<(), twinstore::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Under which the store has it; empty where it stands in no store.
    key: Vec<u8>,
    record: Vec<u8>,
    data: Data,
    node_type: NodeType,
    /// What is its text in the place of that in its data.
    text: Option<Vec<u8>>,
}

/// Where the fields are: an object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    /// In the record.
    Inside(Range<usize>),
    /// In a string of the record.
    Unwrapped(Vec<u8>),
}

impl Node {
    /// The node that a record is: an object with `__data__` and `__type__`, as
    /// document stores, ingestion caches and index nodes have it.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; and as
    /// [`DocumentStore::get`](super::DocumentStore::get).
    pub fn from_json(record: Vec<u8>) -> Result<Node> {
        document("a node", &record)?;
        Node::of_record(Vec::new(), record)
    }

    /// The node that a record of a store is.
    pub(crate) fn of_record(key: Vec<u8>, record: Vec<u8>) -> Result<Node> {
        let value = Value::of(&record);
        let (mut stated, mut data) = (None, None);
        for (name, member) in value.members() {
            match &*name {
                b"__type__" => stated = Some(member),
                b"__data__" => data = Some(member),
                _ => {}
            }
        }
        if value.kind() != Kind::Object {
            return Err(unfit(&key, "a node"));
        }
        let missing = |name| Error::Store(StoreError::NoMember { name });
        let stated = stated.ok_or_else(|| missing("__type__"))?;
        let data = data.ok_or_else(|| missing("__data__"))?;
        let node_type = NodeType::of(&stated).ok_or_else(|| {
            let name = match stated.as_str() {
                Some(name) => shown(&name),
                None => beginning(stated.text()),
            };
            Error::Store(StoreError::UnknownNodeType { name })
        })?;
        let data = match data.kind() {
            Kind::Object => {
                // It is a part of the record.
                let start = (data.text().as_ptr() as usize) - (record.as_ptr() as usize);
                Data::Inside(start..start + data.text().len())
            }
            _ => Data::Unwrapped(unwrapped(&data).ok_or_else(|| unfit(&key, "a node"))?),
        };
        Ok(Node {
            key,
            record,
            data,
            node_type,
            text: None,
        })
    }

    /// The node of a class whose fields are those of a document, as property
    /// graphs keep it in the properties of a chunk. `None` where it is no object.
    pub(crate) fn of_content(class: Option<&[u8]>, content: Vec<u8>) -> Option<Node> {
        document("a node", &content).ok()?;
        let end = content.len();
        let node_type = match class {
            Some(b"Node") => NodeType::Multimodal,
            Some(b"IndexNode") => NodeType::Index,
            Some(b"ImageNode") => NodeType::Image,
            _ => NodeType::Text,
        };
        (Value::of(&content).kind() == Kind::Object).then_some(Node {
            key: Vec::new(),
            record: content,
            data: Data::Inside(0..end),
            node_type,
            text: None,
        })
    }

    /// The same node with another text.
    pub(crate) fn with_content(mut self, text: Vec<u8>) -> Node {
        self.text = Some(text);
        self
    }

    /// The text of its record: JSON as the store has it, `__type__` and all.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.record
    }

    /// Its fields, an object: the `__data__` of its record.
    #[must_use]
    pub fn data(&self) -> Value<'_> {
        Value::of(match &self.data {
            Data::Inside(range) => self.record.get(range.clone()).unwrap_or_default(),
            Data::Unwrapped(text) => text,
        })
    }

    /// A field by the name that it has in the file, whatever it is.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        self.data().get(name.as_bytes())
    }

    /// What kind of node it is.
    #[must_use]
    pub fn node_type(&self) -> NodeType {
        self.node_type
    }

    /// The class that LlamaIndex makes of it, which follows from the type. Only
    /// for documents, the `class_name` in the file is asked; documents of
    /// releases before 0.9 have none, and are read as `Document`, where
    /// LlamaIndex fails.
    #[must_use]
    pub fn class_name(&self) -> &'static str {
        match self.node_type {
            NodeType::Text => "TextNode",
            NodeType::Image => "ImageNode",
            NodeType::Index => "IndexNode",
            NodeType::Multimodal => "Node",
            NodeType::Document => match self.string(&["class_name"]).as_deref() {
                Some(b"ImageDocument") => "ImageDocument",
                _ => "Document",
            },
        }
    }

    /// Its id: `id_`, or in old files `doc_id`; where it states none, the key
    /// under which the store has it. (LlamaIndex makes up a new one then.)
    #[must_use]
    pub fn id(&self) -> Cow<'_, [u8]> {
        let stated = self.string(&["id_", "doc_id"]);
        stated.unwrap_or(Cow::Borrowed(&self.key))
    }

    /// The first of these fields that is there and not null.
    fn any(&self, names: &[&str]) -> Option<Value<'_>> {
        let mut found = names.iter().filter_map(|name| self.field(name));
        found.find(|value| !value.is_null())
    }

    fn string(&self, names: &[&str]) -> Option<Cow<'_, [u8]>> {
        self.any(names)?.as_str()
    }
}

/// The object that a string holds.
fn unwrapped(value: &Value<'_>) -> Option<Vec<u8>> {
    let text = value.as_str()?.into_owned();
    document("a node", &text).ok()?;
    (Value::of(&text).kind() == Kind::Object).then_some(text)
}
