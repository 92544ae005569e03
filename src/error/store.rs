//! What a document, index, graph or chat store cannot give.

use super::{JsonFault, python::repr};

/// What a document, index, graph or chat store cannot give. The text is that
/// of the exception which LlamaIndex raises for it (llama-index-core 0.14.25),
/// because users look for that text; where it has no text, or shows a Python
/// value, the words are ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The document store has no node of that id.
    #[error("doc_id {id} not found.")]
    NoDocument {
        /// The id asked for.
        id: String,
    },
    /// The `__type__` of a node is none of LlamaIndex's.
    #[error("Unknown doc type: {name}")]
    UnknownNodeType {
        /// The type as it stands in the record.
        name: String,
    },
    /// The `__type__` of an index struct has no class.
    #[error("{}", repr(name.as_bytes()))]
    UnknownStructType {
        /// The type as it stands in the record.
        name: String,
    },
    /// A record lacks a member without which it cannot be read.
    #[error("{}", repr(name.as_bytes()))]
    NoMember {
        /// The member.
        name: &'static str,
    },
    /// No id was given, and there is not exactly one index struct to give.
    /// (LlamaIndex asserts so, without a word.)
    #[error("an index struct was asked for without its id, but the store has {count} of them")]
    NotOneStruct {
        /// How many there are.
        count: usize,
    },
    /// A relationship of one node has several, or the other way round.
    #[error("{} must be a {}", .relation, if *.many { "list of RelatedNodeInfo objects." } else { "single RelatedNodeInfo object" })]
    Relationship {
        /// `Source object`, `Child objects` …
        relation: &'static str,
        /// Whether several were expected.
        many: bool,
    },
    /// A node of a property graph is neither an entity nor a chunk.
    /// (LlamaIndex shows it as Python does, this as JSON.)
    #[error("Could not infer node type for data: {data}")]
    UnknownGraphNode {
        /// The node's JSON, or the beginning of it.
        data: String,
    },
    /// A triplet names a node or a relation that the graph does not have.
    #[error("{}", repr(key.as_bytes()))]
    NotInGraph {
        /// The key under which it should be.
        key: String,
    },
    /// A value is not what it must be to be read. (LlamaIndex fails in many
    /// ways then, or hands the value on.)
    #[error("{what} is not {expected}")]
    Shape {
        /// Whose value.
        what: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A map is to get an entry, and no record has a place for it.
    #[error("{collection} does not exist: no record has an object there")]
    NoPlace {
        /// The path of the map.
        collection: String,
    },
    /// A text that must be JSON is not.
    #[error("{what}: byte {offset}: {fault}")]
    NotJson {
        /// Which text.
        what: String,
        /// Offset of the offending byte in it.
        offset: usize,
        /// What was found there.
        fault: JsonFault,
    },
}

impl StoreError {
    /// The class of the exception that LlamaIndex raises.
    #[must_use]
    pub fn exception(&self) -> &'static str {
        match self {
            StoreError::NoDocument { .. }
            | StoreError::UnknownNodeType { .. }
            | StoreError::Relationship { .. }
            | StoreError::UnknownGraphNode { .. } => "ValueError",
            StoreError::UnknownStructType { .. }
            | StoreError::NoMember { .. }
            | StoreError::NoPlace { .. }
            | StoreError::NotInGraph { .. } => "KeyError",
            StoreError::NotOneStruct { .. } => "AssertionError",
            StoreError::Shape { .. } => "TypeError",
            StoreError::NotJson { .. } => "JSONDecodeError",
        }
    }

    /// Some value of a record is not what it must be.
    pub(crate) fn shape(what: impl Into<String>, expected: &'static str) -> StoreError {
        StoreError::Shape {
            what: what.into(),
            expected,
        }
    }
}
