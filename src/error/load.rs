//! Why an index cannot be loaded from storage.

use super::{PythonException, python::repr};

/// Why an index cannot be loaded from storage. The text is that of the exception
/// which LlamaIndex raises for it (llama-index-core 0.14.25, `indices/loading.py`
/// and the retriever of `indices/vector_store`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is none.
    #[error("No index in storage context, check if you specified the right persist_dir.")]
    NoIndex,
    /// There are several, and none was named.
    #[error("Expected to load a single index, but got {indices} instead. Please specify index_id.")]
    SeveralIndices {
        /// How many there are.
        indices: usize,
    },
    /// None has that id.
    #[error("Failed to load index with ID {id}")]
    UnknownIndex {
        /// The id asked for.
        id: String,
    },
    /// The root of a graph is none of its indices.
    #[error("{}", repr(id.as_bytes()))]
    UnknownRoot {
        /// The id asked for.
        id: String,
    },
    /// The vector store has an id that the index does not know.
    #[error("{}", repr(id))]
    UnknownVector {
        /// The id that the vector store answered with.
        id: Vec<u8>,
    },
    /// The index has a node that is not in the docstore.
    #[error("{}", repr(&[b"Node ID ", &id[..], b" not found in fetched nodes. "].concat()))]
    NodeNotFetched {
        /// The node's id.
        id: Vec<u8>,
    },
    /// An index of texts and images is asked with an embedding for each.
    #[error(
        "a MultiModalVectorStoreIndex is searched with one embedding for texts and one for images: query its vector stores `default` and `image` one by one"
    )]
    TwoEmbeddings,
    /// Only an index over vectors can be asked for what is near to a vector.
    #[error("{class} has no vectors to search")]
    NoVectors {
        /// LlamaIndex's name of the index's class.
        class: &'static str,
    },
}

impl LoadError {
    /// The class of the exception that LlamaIndex raises.
    #[must_use]
    pub fn exception(&self) -> PythonException {
        match self {
            LoadError::NoIndex
            | LoadError::SeveralIndices { .. }
            | LoadError::UnknownIndex { .. }
            | LoadError::TwoEmbeddings
            | LoadError::NoVectors { .. } => PythonException::Value,
            LoadError::UnknownRoot { .. }
            | LoadError::UnknownVector { .. }
            | LoadError::NodeNotFetched { .. } => PythonException::Key,
        }
    }
}
