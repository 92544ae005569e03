//! What META says of tombstones.

use bincode::{Decode, Encode};

/// The META section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct TombstonesMeta {
    /// Sorted by segment.
    pub(super) targets: Vec<Target>,
}

/// A segment that has deleted entries.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Target {
    /// Its root.
    pub(super) segment: [u8; 16],
    /// Ascending.
    pub(super) maps: Vec<DeadMap>,
}

/// A map, or a collection, that has deleted entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(super) struct DeadMap {
    pub(super) map: u32,
    pub(super) entries: u32,
    /// How many of them are deleted.
    pub(super) dead: u32,
    /// A bit for each entry; otherwise the numbers of those.
    pub(super) bits: bool,
}

impl DeadMap {
    /// Bytes of its part, without padding.
    pub(super) fn used(&self) -> u64 {
        if self.bits {
            u64::from(self.entries).div_ceil(8)
        } else {
            u64::from(self.dead) * 4
        }
    }

    /// Bytes of its part.
    pub(super) fn byte_len(&self) -> u64 {
        self.used().next_multiple_of(8)
    }
}
