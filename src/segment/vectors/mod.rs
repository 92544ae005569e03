//! A vector store: what `SimpleVectorStore` persists, in rows and columns.
//!
//! *Rows* are the union of the ids of the store's maps: first those of
//! `embedding_dict` in its order, then the others as they are first seen. So
//! row `n` of the plane is row `n` of the store, and `embedding_dict` needs no
//! order of its own. The other two maps have one each, stored only where it is
//! not that of the rows. An *entry* is a map's value for a row, numbered in
//! the map's order.
//!
//! ```text
//! top level   META      members in order, unknown ones as text, JsonStyle
//! ids         IDS …     one a row
//! vectors     PLAN …    one for each of the first rows
//! maps        ORDR ORDM row numbers, by entry (and POSR POSM, by row)
//! values      COLS …    metadata and ref doc ids, by entry
//! odd text    ODDM      keys and ref doc ids spelled in another way
//! ```
//!
//! What cannot be held like this (a [`NotStructural`]) is kept in file form.

mod format;
mod oddments;
mod read;
mod write;

pub(crate) use format::{Map, Member, Part};
pub(crate) use oddments::OddmentWalk;
pub use read::{Metadata, NumberClasses, VectorSegment};
pub use write::NotStructural;
pub(crate) use write::{Attempt, VectorWriter};
