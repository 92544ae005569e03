//! A file of any kind, compressed as it is, in independent pieces of 1 MiB.

mod read;
mod write;

pub use read::VerbatimSegment;
pub(crate) use write::VerbatimWriter;

use bincode::{Decode, Encode};

use crate::blocks::Heap;

/// Length of all pieces but the last.
const PIECE: usize = 1 << 20;

/// What META says of a verbatim file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct VerbatimMeta {
    /// Length of the file.
    length: u64,
    /// XXH3-128 of the file, little-endian.
    hash: [u8; 16],
    /// The pieces, in order.
    pieces: Heap,
}
