//! The column of content hashes: 32 bytes for each row that has one, and
//! others, which belong to no row.
//!
//! LlamaIndex keeps a hash of each document, as text, and repeats it wherever
//! the document is referred to. A text becomes a hash only if printing gives
//! the same text (`text.rs`). [`HashBuilder`] gives hashes to rows as they are
//! met; [`HashColumn`] reads them back. `read.rs` and `write.rs` are twins.
//!
//! What a hash is of is said elsewhere.

mod format;
mod read;
mod text;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use format::{HashForm, HashesMeta};
pub(crate) use read::HashColumn;
pub(crate) use write::{HashBuilder, HashRef};

/// The bytes of a hash.
pub(crate) const LEN: usize = 32;
