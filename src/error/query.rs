//! Why a query has no answer.

use super::{FilterTypeError, PythonException, ValueType, python::repr};

/// Why a query has no answer. The text is that of the exception which
/// LlamaIndex raises for it (llama-index-core 0.14.25), because users look for
/// that text; what LlamaIndex would answer and this build does not says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A mode that only other vector stores know.
    #[error("Invalid query mode: VectorStoreQueryMode.{mode}")]
    InvalidMode {
        /// The mode's name in Python: `SPARSE`, `HYBRID` …
        mode: &'static str,
    },
    /// A mode that needs Python.
    #[error(
        "query mode {mode} fits a model with scikit-learn: query from Python, through twinstore.llama_index, for it"
    )]
    NeedsPython {
        /// The mode, as LlamaIndex spells it: `svm`, `linear_regression` …
        mode: &'static str,
    },
    /// The query has no embedding.
    #[error("unsupported operand type(s) for *: 'NoneType' and '{}'", if *stored == 0 { "NoneType" } else { "float" })]
    NoEmbedding {
        /// Components of the stored vector. numpy finds no type where there is none.
        stored: usize,
    },
    /// The query's embedding and a stored vector differ in length.
    #[error("shapes ({query},) and ({stored},) not aligned: {query} (dim 0) != {stored} (dim 0)")]
    Shapes {
        /// Components of the query's embedding.
        query: usize,
        /// Components of the stored vector.
        stored: usize,
    },
    /// The vectors that pass the filters are not all of one length.
    #[error(
        "setting an array element with a sequence. The requested array has an inhomogeneous shape after 1 dimensions. The detected shape was ({rows},) + inhomogeneous part."
    )]
    Ragged {
        /// How many vectors passed.
        rows: usize,
    },
    /// Filters on a store that has vectors but no metadata.
    #[error(
        "Cannot filter stores that were persisted without metadata. Please rebuild the store with metadata to enable filtering."
    )]
    NoMetadata,
    /// Filters on a store where this vector has no metadata.
    #[error("{}", repr(id))]
    NodeWithoutMetadata {
        /// The vector's id.
        id: Vec<u8>,
    },
    /// A filter does not fit a value that it was applied to.
    #[error("{0}")]
    FilterType(FilterTypeError),
    /// Filters on a vector whose metadata is no object.
    #[error("'{found}' object has no attribute 'get'")]
    MetadataNotAnObject {
        /// What it is instead.
        found: ValueType,
    },
    /// A filter that the caller judges does not fit the metadata of a vector.
    #[error("a filter does not fit the metadata of {}", repr(id))]
    FilterRefused {
        /// The vector's id.
        id: Vec<u8>,
    },
    /// No first pick can be made, since every score is NaN.
    #[error("None")]
    NoPick,
    /// No further pick can be made, since every score that is left is NaN.
    #[error("{}", repr(id))]
    NoFurtherPick {
        /// The id that was picked last.
        id: Vec<u8>,
    },
    /// A stored vector is something else than a list of numbers. What LlamaIndex
    /// raises, or even answers, depends on what it is and on the other vectors.
    #[error(
        "the vector of {} is not a list of numbers, so there is no cosine",
        repr(id)
    )]
    NotNumbers {
        /// The vector's id.
        id: Vec<u8>,
    },
}

impl QueryError {
    /// The class of the exception that LlamaIndex raises.
    #[must_use]
    pub fn exception(&self) -> PythonException {
        match self {
            QueryError::InvalidMode { .. }
            | QueryError::Shapes { .. }
            | QueryError::Ragged { .. }
            | QueryError::NoMetadata => PythonException::Value,
            QueryError::NeedsPython { .. } => PythonException::NotImplemented,
            QueryError::NoEmbedding { .. }
            | QueryError::FilterType(_)
            | QueryError::FilterRefused { .. }
            | QueryError::NotNumbers { .. } => PythonException::Type,
            QueryError::MetadataNotAnObject { .. } => PythonException::Attribute,
            QueryError::NodeWithoutMetadata { .. }
            | QueryError::NoPick
            | QueryError::NoFurtherPick { .. } => PythonException::Key,
        }
    }
}
