//! The id column: row number to id, and id to row number without a hash
//! table in memory.
//!
//! Ids are byte strings: UTF-8, or WTF-8 where a JSON key held a lone
//! surrogate. A column whose ids are all canonical lower-case UUIDs holds 16
//! bytes a row; one where many are holds those so and the text of the others;
//! any other holds the text and where each id ends. Looking an
//! id up hashes it into a table of slots in the file; where hashing did not
//! work out (an attacker's ids), rows sorted by id take its place.
//!
//! Rows know nothing of stores: that rows have vectors or metadata is said
//! elsewhere. `read.rs` and `write.rs` are twins.

mod check;
mod format;
mod read;
pub(crate) mod uuid;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use format::IdsMeta;
pub(crate) use read::IdColumn;
pub(crate) use write::IdBuilder;
