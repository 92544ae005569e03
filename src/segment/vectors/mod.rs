//! A vector store: what `SimpleVectorStore` persists, in rows and columns.
//!
//! *Rows* are the union of the ids of the store's maps: first those of
//! `embedding_dict` in its order, then the others as they are first seen. So
//! row `n` of the plane is row `n` of the store, and `embedding_dict` has their
//! order. An *entry* is a map's value for a row, numbered in the map's order;
//! its sequence number says where it stands among those of other segments.
//!
//! ```text
//! top level   META      members in order, unknown ones as text, JsonStyle
//! ids         IDS …     one a row
//! vectors     PLAN …    one for each of the first rows
//! sketch      SKCO …    the same in a quarter of the bytes, where it pays
//! maps        ORDR SEQN rows of entries, entries of rows, sequence numbers
//! values      COLS …    metadata and ref doc ids, by entry
//! odd text    ODDM      keys and ref doc ids spelled in another way
//! ```
//!
//! What cannot be held like this (a [`NotStructural`]) is kept in file form.

mod check;
mod format;
mod matrix;
mod oddments;
mod read;
mod rows;
mod write;

#[cfg(test)]
mod tests;

pub use format::Map;
pub(crate) use format::{Member, Part};
pub use matrix::Matrix;
pub(crate) use oddments::OddmentWalk;
pub use read::{Metadata, NumberClasses, VectorSegment};
pub(crate) use rows::{RowsEnd, VectorRows};
pub use write::NotStructural;
pub(crate) use write::{Attempt, VectorWriter};
