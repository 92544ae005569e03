//! What META says of the id column, and the hash slots.

use bincode::{Decode, Encode};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How ids are stored and looked up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct IdsMeta {
    /// Number of rows, below 2^32.
    pub(crate) rows: u32,
    pub(crate) form: IdForm,
    pub(crate) lookup: Lookup,
}

/// How the ids themselves are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum IdForm {
    /// All are canonical lower-case UUIDs: 16 bytes each.
    Uuid,
    /// Text, with ends of 4 bytes each.
    Text,
    /// Text of 4 GiB and more, with ends of 8 bytes each.
    LongText,
    /// Some are canonical UUIDs: 16 bytes each, and elsewhere the text of the
    /// others, with a bit that tells which is which.
    Mixed,
}

/// How an id finds its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Lookup {
    /// Slots, probed one after another from the id's hash on.
    Slots {
        /// Of the hash.
        seed: u64,
        /// Number of slots.
        slots: u64,
        /// No id stands further than this from its first slot.
        max_probe: u32,
    },
    /// Rows sorted by the bytes of their ids.
    Sorted,
}

/// No id may stand further than this from its first slot: 2 KiB of slots. At
/// the load below, chance alone does not come near.
pub(crate) const MAX_PROBE: u32 = 512;
/// Seeds tried before lookup falls back to sorted rows.
pub(crate) const SEEDS: u64 = 8;

/// Number of slots for `rows`: a load of 75 %. (At a hundred million rows the
/// farthest id then stands about 300 slots away.)
pub(crate) fn slot_count(rows: u32) -> u64 {
    u64::from(rows) * 4 / 3 + 1
}

/// Bytes of a bit for each row.
pub(crate) fn kinds_len(rows: u32) -> u64 {
    u64::from(rows).div_ceil(64) * 8
}

/// The slots' view of an id: where it starts to be looked for, and what an
/// entry for it looks like apart from the row.
pub(crate) struct Probe {
    pub(crate) slot: u64,
    pub(crate) fingerprint: u32,
}

/// Bits of a slot that hold `row + 1`; the rest hold a fingerprint of the id,
/// so that a probe hardly ever has to look at an id that is not the one.
pub(crate) fn row_bits(rows: u32) -> u32 {
    u32::BITS - rows.leading_zeros()
}

impl Probe {
    pub(crate) fn new(id: &[u8], seed: u64, slots: u64, rows: u32) -> Probe {
        let hash = xxh3_64_with_seed(id, seed);
        // The high half of the product picks the slot, the low bits of the
        // hash are independent of it.
        let slot = (u128::from(hash) * u128::from(slots)) >> 64;
        Probe {
            slot: slot as u64,
            fingerprint: (hash as u32).checked_shl(row_bits(rows)).unwrap_or(0),
        }
    }
}
