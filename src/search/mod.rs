//! Searching rows of numbers: what a query asks for, and how its answer is
//! found. Semantics are those of `SimpleVectorStore` (llama-index-core 0.14.25:
//! `vector_stores/simple.py`, `indices/query/embedding_utils.py`).
//!
//! This layer knows nothing of files. What it searches are `Rows`: an `f32`
//! matrix to scan, and the true `f64` values of any row that it then asks for.
//!
//! ```text
//! rows.rs      Rows, and the candidates among them
//! kernels/     dot products of f32
//! bound.rs     how far they may be wrong
//! exact.rs     cosines in f64
//! sketch.rs    rows that need not be scanned (threshold.rs)
//! scan.rs      all candidates, on several threads (threads.rs)
//! heap.rs      heapq and sorted, as CPython has them (list_sort.rs)
//! top_k.rs     mode default: scan, rescore, heap
//! deciding.rs  the rows that decide the answer
//! mmr.rs       mode mmr: a scan for each pick (scores.rs)
//! ```

mod bound;
mod deciding;
pub(crate) mod exact;
pub mod filters;
mod heap;
mod kernels;
mod list_sort;
mod mmr;
pub mod query;
mod rows;
mod scan;
mod scores;
mod sketch;
mod threads;
mod threshold;
mod top_k;

#[cfg(test)]
pub(crate) mod tests;

pub use filters::{
    FilterCondition, FilterJudge, FilterOperator, FilterSyntaxError, FilterValue, Int,
    MetadataFilter, MetadataFilters, NoInt, Refused,
};
pub use query::{Hit, VectorStoreQuery, VectorStoreQueryMode};

pub(crate) use bound::Query;
pub(crate) use deciding::{deciding_picks, deciding_rows, deciding_scores};
pub(crate) use mmr::mmr;
pub(crate) use rows::{
    Block, Candidates, Nearest, Part, RowNumbers, RowRef, Rows, Sketch, SketchBlock, runs_between,
    runs_of,
};
pub(crate) use top_k::{Wanted, rank, top_k};
