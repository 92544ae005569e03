//! Which row each entry of a map belongs to, which entry a row has, and in
//! what sequence the entries come among those of other segments.
//!
//! An *order* is most often a range of rows and then costs nothing. Others are
//! parts of one section: [`OrdersBuilder`] gathers the orders of all maps of a
//! segment and writes the parts, [`OrderParts`] hands them out again, and an
//! [`EntryOrder`] looks things up in the file; no table is built in memory.
//! [`SequencesBuilder`], [`SequenceParts`] and [`EntrySequence`] are the same
//! for sequence numbers.
//!
//! A segment may have very many maps, so their builders share a spill
//! (`lists.rs`) and keep little each. [`RankedBits`] is a bitmap in which set
//! bits can be counted.
//!
//! What a map is, and what its entries hold, is said elsewhere. `read.rs` and
//! `write.rs` are twins; `sequences.rs` and `bits.rs` hold both of a pair.

mod bits;
mod format;
mod lists;
mod read;
mod sequences;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use bits::{BitsBuilder, RankedBits};
pub(crate) use format::{Order, Sequence};
pub(crate) use read::{EntryOrder, OrderParts};
pub(crate) use sequences::{EntrySequence, SequenceParts, SequencesBuilder};
pub(crate) use write::OrdersBuilder;
