//! Tombstones: which entries of a store's other segments are deleted.
//!
//! A segment is never changed. What is deleted from it is listed here, by the
//! segment's root, map by map: as entry numbers, or as a bit for each entry
//! where that is shorter. A store has at most one such file, so that a later
//! one repeats what the earlier one held.
//!
//! What deleted entries were is of no concern here.

mod format;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use read::DeadSet;
pub use read::TombstoneSegment;
pub(crate) use write::TombstoneWriter;
