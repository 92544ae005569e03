//! What META says of orders and sequence numbers.

use bincode::{Decode, Encode};

/// How the rows of a map's entries are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Order {
    /// Entry `i` is that of row `first + i`.
    Range { first: u32 },
    /// The rows ascend: a bit for each row.
    Bitmap,
    /// The rows ascend: a list.
    Ascending,
    /// Any rows: a list, and the entries by row.
    Explicit,
}

impl Order {
    /// The order of a map that has no entries, and of records without keys.
    pub(crate) const NONE: Order = Order::Range { first: 0 };
}

/// How the sequence numbers of a map's entries are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Sequence {
    /// The number of entry 0 where they are consecutive; else 0.
    pub(crate) first: u64,
    /// They are listed.
    pub(crate) explicit: bool,
}

/// Bytes of a list of `entries` rows, padded as parts are.
pub(super) fn list_len(entries: u32) -> u64 {
    (u64::from(entries) * 4).next_multiple_of(8)
}
