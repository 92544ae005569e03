//! Entries of the block index and the limits of blocks.

use bincode::{Decode, Encode};

use crate::container::FieldReader;

/// Items are gathered until a block holds this much, where the writer chooses
/// nothing else.
pub(crate) const TARGET_RAW: usize = 64 << 10;
/// Longer items are cut into blocks of this much.
pub(crate) const PIECE: usize = 1 << 20;
/// No dictionary is longer than this.
pub(crate) const MAX_DICTIONARY: usize = 112_640;
/// No block is larger than this when decompressed.
pub(crate) const MAX_RAW: u32 = 64 << 20;
pub(crate) const ENTRY_LEN: u64 = 32;

/// A list of items within a file's blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Heap {
    /// Its first entry in the block index.
    pub first_block: u32,
    /// How many entries it has.
    pub blocks: u32,
    /// How many items it holds.
    pub items: u64,
}

/// One entry of the block index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockEntry {
    /// Where the frame starts in `BLKS`.
    pub(crate) offset: u64,
    /// The number of its first item within the heap; of a block that continues
    /// an item, that of the next.
    pub(crate) first_item: u64,
    pub(crate) stored_len: u32,
    pub(crate) raw_len: u32,
    /// How many items begin in it; 0 where it continues the one before.
    pub(crate) items: u32,
    /// CRC of the stored bytes, checked before they are decompressed.
    pub(crate) crc: u32,
}

impl BlockEntry {
    pub(crate) fn encode(&self) -> impl Iterator<Item = u8> {
        let words = [self.offset, self.first_item];
        let halves = [self.stored_len, self.raw_len, self.items, self.crc];
        words
            .into_iter()
            .flat_map(u64::to_le_bytes)
            .chain(halves.into_iter().flat_map(u32::to_le_bytes))
    }

    pub(crate) fn decode(bytes: &[u8]) -> BlockEntry {
        let mut fields = FieldReader(bytes);
        BlockEntry {
            offset: fields.u64(),
            first_item: fields.u64(),
            stored_len: fields.u32(),
            raw_len: fields.u32(),
            items: fields.u32(),
            crc: fields.u32(),
        }
    }
}
