//! What a document, index, graph or chat store cannot give.

use super::{JsonFault, PythonException, python::repr};

/// What a document, index, graph or chat store cannot give. The text is that
/// of the exception which LlamaIndex raises for it (llama-index-core 0.14.25),
/// because users look for that text; where it has no text, or shows a Python
/// value, the words are ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// An index that has nodes of a document cannot delete them.
    #[error("{}", match *.kind { "kg" => "Delete is not supported for KG index yet.", _ => "Delete not implemented for tree index." })]
    CannotDelete {
        /// The index's id.
        index_id: String,
        /// The type of its struct: `tree` or `kg`.
        kind: &'static str,
    },
    /// The document store has no node of that id.
    #[error("doc_id {id} not found.")]
    NoDocument {
        /// The id asked for.
        id: String,
    },
    /// The document store has no nodes of that document.
    #[error("ref_doc_id {id} not found.")]
    NoRefDoc {
        /// The id asked for.
        id: String,
    },
    /// A node of that id is there, and was not to be replaced.
    #[error("node_id {id} already exists. Set allow_update to True to overwrite.")]
    DocumentExists {
        /// The id of the node that was to be added.
        id: String,
    },
    /// A vector is to be deleted, and one of the maps has no entry of its id.
    #[error("{}", repr(id))]
    NoEntry {
        /// The vector's id.
        id: Vec<u8>,
    },
    /// A vector has another number of components than the others.
    #[error(
        "the vector of {} has {components} components, the others have {stored}",
        repr(id)
    )]
    VectorLength {
        /// The vector's id.
        id: Vec<u8>,
        /// How many components it has.
        components: usize,
        /// How many the others have: those of the store, or one before it.
        stored: usize,
    },
    /// A vector has no component, or more than a store can hold.
    #[error(
        "the vector of {} has {components} components; 1 to 65,536 are possible",
        repr(id)
    )]
    VectorSize {
        /// The vector's id.
        id: Vec<u8>,
        /// How many components it has.
        components: usize,
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
    /// An index struct was to be changed that the store does not have.
    /// (LlamaIndex calls a method of `None`.)
    #[error("there is no index struct {id:?}")]
    NoIndexStruct {
        /// The id asked for.
        id: String,
    },
    /// An index struct is of another class than it must be to be changed so.
    #[error("the index struct {id:?} is of type {found}, not {expected}")]
    OtherStruct {
        /// The id of the struct.
        id: String,
        /// Its `__type__`.
        found: &'static str,
        /// The `__type__` of the class that can be changed so.
        expected: &'static str,
    },
    /// A map of an index struct has no such key.
    #[error("{}", repr(key))]
    NoKey {
        /// The key asked for.
        key: Vec<u8>,
    },
    /// A list does not have what was to be taken out of it.
    #[error("list.remove(x): x not in list")]
    NotInList {
        /// What was to be taken out.
        id: String,
    },
    /// A summary was given that is of no document.
    #[error("ref_doc_id of node cannot be None when building a document summary index")]
    SummaryOfNothing {
        /// The id of the summary.
        id: String,
    },
    /// A conversation has no message left that could be deleted.
    #[error("pop from empty list")]
    NoMessages {
        /// The key of the conversation.
        key: String,
    },
    /// A message was counted from the end, beyond the first.
    #[error("pop index out of range")]
    NoMessage {
        /// The key of the conversation.
        key: String,
        /// The index asked for.
        idx: i64,
    },
    /// A chunk of a property graph has no id. (LlamaIndex makes one up that
    /// holds for one run of the program.)
    #[error("a chunk node has no id_ to be stored under")]
    NoChunkId,
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
    pub fn exception(&self) -> PythonException {
        match self {
            StoreError::NoDocument { .. }
            | StoreError::NoRefDoc { .. }
            | StoreError::DocumentExists { .. }
            | StoreError::NotInList { .. }
            | StoreError::SummaryOfNothing { .. }
            | StoreError::NoChunkId
            | StoreError::UnknownNodeType { .. }
            | StoreError::Relationship { .. }
            | StoreError::UnknownGraphNode { .. }
            | StoreError::VectorLength { .. }
            | StoreError::VectorSize { .. } => PythonException::Value,
            StoreError::NoEntry { .. }
            | StoreError::UnknownStructType { .. }
            | StoreError::NoKey { .. }
            | StoreError::NoPlace { .. }
            | StoreError::NoMember { .. }
            | StoreError::NotInGraph { .. } => PythonException::Key,
            StoreError::NoMessages { .. } | StoreError::NoMessage { .. } => PythonException::Index,
            StoreError::NoIndexStruct { .. } | StoreError::OtherStruct { .. } => {
                PythonException::Attribute
            }
            StoreError::NotOneStruct { .. } => PythonException::Assertion,
            StoreError::CannotDelete { .. } => PythonException::NotImplemented,
            StoreError::Shape { .. } => PythonException::Type,
            StoreError::NotJson { .. } => PythonException::JsonDecode,
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
