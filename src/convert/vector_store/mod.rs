//! The JSON of a vector store: from text to a segment, and back. The two
//! files are twins; between them stands only what the segment holds.

mod entries;
mod one;
mod parse;
mod print;
mod rows;

pub(crate) use one::{print_id, print_in_map};
pub(crate) use parse::parse;
pub(crate) use print::{print, print_rescued};

use crate::store::ENTRY_DEPTH;

/// How deep the members of the top-level object stand.
const MEMBER_DEPTH: usize = 1;
