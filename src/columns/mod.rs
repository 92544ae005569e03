//! Metadata as columns: one JSON value per entry and key.
//!
//! An *entry* is the value that a map of the store has for one row, counted
//! in the map's own order. Its *shape* is the ordered list of its keys; each
//! key is a column. A column holds its values in normal form (`json/`), either
//! as codes into a dictionary of the distinct ones, or, where those are too
//! many to be worth it, one by one in compressed blocks. Both lie in heaps
//! (`blocks/`). Columns with the same values share one storage.
//!
//! Entries whose text does not come back from shape and values (odd spelling,
//! keys that occur twice, no object at all) are kept as they are written: shape
//! 0, the text in the *raw* column.
//!
//! ```text
//! COLS  directory: shapes, keys, storages      read on first use
//! CODE  bit-packed codes, 0 = absent
//! BLKS  dictionaries, plain values, raw entries
//! ```
//!
//! It knows nothing of filters or of LlamaIndex's keys. `read.rs` and
//! `write.rs` are twins; `build.rs` is a single column on its way to disk, `entry.rs`
//! the text of an entry. `ask.rs` answers one question about a key for all
//! entries, with the codes that `bulk.rs` unpacks, the dictionaries and `postings.rs` that
//! `kept.rs` keeps, and a `bitset.rs` for the answer.

mod ask;
mod bitset;
mod build;
mod bulk;
mod codes;
mod entry;
mod format;
mod kept;
mod postings;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use ask::{Answer, Answers, Found, Which};
pub(crate) use bitset::BitSet;
pub(crate) use format::MAX_PRINTED;
pub(crate) use read::{ColumnWalk, Columns, EntryValue};
pub(crate) use write::ColumnsBuilder;
