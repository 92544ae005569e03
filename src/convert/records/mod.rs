//! The JSON of the stores that hold records: from text to a segment, and back.
//! The two files are twins; between them stands only what the segments hold.

mod parse;
mod print;

#[cfg(test)]
mod tests;

pub(crate) use parse::{Maps, parse};
pub(crate) use print::{print, print_rescued};

/// How deep the members of the top-level object stand.
const MEMBER_DEPTH: usize = 1;
/// How deep the records of its members stand.
pub(crate) const RECORD_DEPTH: usize = 2;
