//! Searching rows of numbers: what a query asks for, and how its answer is
//! found. Semantics are those of `SimpleVectorStore` (llama-index-core 0.14.25:
//! `vector_stores/simple.py`, `indices/query/embedding_utils.py`).
//!
//! This layer knows nothing of files.

pub mod filters;
pub mod query;

pub use filters::{
    FilterCondition, FilterOperator, FilterSyntaxError, FilterValue, Int, MetadataFilter,
    MetadataFilters, NoInt,
};
pub use query::{Hit, VectorStoreQuery, VectorStoreQueryMode};
