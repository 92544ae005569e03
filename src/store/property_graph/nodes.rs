//! Nodes and relations of a property graph.

use std::borrow::Cow;

use crate::{
    error::{Error, Result, StoreError},
    json::Value,
    store::record::{beginning, document},
};

/// A node of a property graph. It keeps its JSON and parses what it is asked
/// for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelledNode {
    /// Something that has a name.
    Entity(EntityNode),
    /// A text.
    Chunk(ChunkNode),
}

/// An entity: a node with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityNode {
    text: Vec<u8>,
}

/// A chunk: a node with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkNode {
    /// Under which the store has it.
    key: Vec<u8>,
    text: Vec<u8>,
}

/// A relation between two nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    text: Vec<u8>,
}

/// A relation with the nodes that it relates: subject, relation, object.
pub type Triplet = (LabelledNode, Relation, LabelledNode);

impl LabelledNode {
    /// A node by its JSON, as `model_dump_json()` of an `EntityNode` or a
    /// `ChunkNode` writes it.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`StoreError::UnknownGraphNode`] where it has
    /// neither name nor text.
    pub fn from_json(text: Vec<u8>) -> Result<LabelledNode> {
        document("a node", &text)?;
        LabelledNode::of(Vec::new(), text)
    }

    /// The entity that a record is.
    pub(super) fn entity(text: Vec<u8>) -> LabelledNode {
        LabelledNode::Entity(EntityNode { text })
    }

    /// The id to store it under.
    pub(super) fn stated_id(&self) -> Result<Cow<'_, [u8]>> {
        match self {
            LabelledNode::Chunk(chunk) if chunk.key.is_empty() => {
                let stated = string(&chunk.text, "id_");
                stated.ok_or(Error::Store(StoreError::NoChunkId))
            }
            node => Ok(node.id()),
        }
    }

    /// The node that a record is.
    ///
    /// # Errors
    /// [`StoreError::UnknownGraphNode`] where it has neither name nor text.
    pub(super) fn of(key: Vec<u8>, text: Vec<u8>) -> Result<LabelledNode> {
        let record = Value::of(&text);
        if record.get(b"name").is_some() {
            return Ok(LabelledNode::Entity(EntityNode { text }));
        }
        if record.get(b"text").is_some() {
            return Ok(LabelledNode::Chunk(ChunkNode { key, text }));
        }
        let data = beginning(&text);
        Err(Error::Store(StoreError::UnknownGraphNode { data }))
    }

    /// Its id: an entity's name, in which quotes become blanks, or a chunk's
    /// [`id`](ChunkNode::id).
    #[must_use]
    pub fn id(&self) -> Cow<'_, [u8]> {
        match self {
            LabelledNode::Entity(entity) => entity.id(),
            LabelledNode::Chunk(chunk) => chunk.id(),
        }
    }

    /// Its label: `entity` or `text_chunk` unless it says otherwise.
    #[must_use]
    pub fn label(&self) -> Cow<'_, [u8]> {
        let default: &[u8] = match self {
            LabelledNode::Entity(_) => b"entity",
            LabelledNode::Chunk(_) => b"text_chunk",
        };
        string(self.raw(), "label").unwrap_or(Cow::Borrowed(default))
    }

    /// Its embedding.
    #[must_use]
    pub fn embedding(&self) -> Option<Vec<f64>> {
        self.field("embedding")?.as_numbers()
    }

    /// Its properties, in order.
    #[must_use]
    pub fn properties(&self) -> Vec<(Cow<'_, [u8]>, Value<'_>)> {
        let properties = self.field("properties");
        properties.map_or_else(Vec::new, |properties| properties.members())
    }

    /// A property by its key.
    #[must_use]
    pub fn property(&self, key: &[u8]) -> Option<Value<'_>> {
        self.field("properties")?.get(key)
    }

    /// A member by its name, whatever it is.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        Value::of(self.raw()).get(name.as_bytes())
    }

    /// Its text: JSON as the store has it.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        match self {
            LabelledNode::Entity(entity) => &entity.text,
            LabelledNode::Chunk(chunk) => &chunk.text,
        }
    }
}

impl EntityNode {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Cow<'_, [u8]> {
        string(&self.text, "name").unwrap_or_default()
    }

    fn id(&self) -> Cow<'_, [u8]> {
        let mut name = self.name();
        if name.contains(&b'"') {
            for byte in name.to_mut().iter_mut().filter(|byte| **byte == b'"') {
                *byte = b' ';
            }
        }
        name
    }
}

impl ChunkNode {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, [u8]> {
        string(&self.text, "text").unwrap_or_default()
    }

    /// Its id: `id_`, or the key under which the store has it. (LlamaIndex
    /// hashes the text then, and gets another id in each process.)
    #[must_use]
    pub fn id(&self) -> Cow<'_, [u8]> {
        string(&self.text, "id_").unwrap_or(Cow::Borrowed(&self.key))
    }
}

impl Relation {
    /// A relation by its JSON, as `Relation.model_dump_json()` writes it.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`StoreError::Shape`] where its label or one of
    /// its ids is no string.
    pub fn from_json(text: Vec<u8>) -> Result<Relation> {
        let what = "a relation";
        document(what, &text)?;
        let names = ["label", "source_id", "target_id"];
        match names.iter().all(|name| string(&text, name).is_some()) {
            true => Ok(Relation { text }),
            false => {
                let expected = "an object with label, source_id and target_id";
                Err(Error::Store(StoreError::shape(what, expected)))
            }
        }
    }

    /// The key under which a graph has it.
    pub(super) fn key(&self) -> Vec<u8> {
        [self.source_id(), self.label(), self.target_id()].join(&b'_')
    }

    pub(super) fn of(text: Vec<u8>) -> Relation {
        Relation { text }
    }

    /// What kind of relation it is; to LlamaIndex, its id.
    #[must_use]
    pub fn label(&self) -> Cow<'_, [u8]> {
        string(&self.text, "label").unwrap_or_default()
    }

    /// The id of its subject.
    #[must_use]
    pub fn source_id(&self) -> Cow<'_, [u8]> {
        string(&self.text, "source_id").unwrap_or_default()
    }

    /// The id of its object.
    #[must_use]
    pub fn target_id(&self) -> Cow<'_, [u8]> {
        string(&self.text, "target_id").unwrap_or_default()
    }

    /// Its properties, in order.
    #[must_use]
    pub fn properties(&self) -> Vec<(Cow<'_, [u8]>, Value<'_>)> {
        let properties = self.field("properties");
        properties.map_or_else(Vec::new, |properties| properties.members())
    }

    /// A member by its name, whatever it is.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        Value::of(&self.text).get(name.as_bytes())
    }

    /// Its text: JSON as the store has it.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.text
    }
}

fn string<'t>(text: &'t [u8], name: &str) -> Option<Cow<'t, [u8]>> {
    Value::of(text).get(name.as_bytes())?.as_str()
}
