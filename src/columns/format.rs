//! The directory of the columns.

use bincode::{Decode, Encode};

use crate::blocks::Heap;

/// More keys than this are no columns: later shapes are kept raw.
pub(crate) const MAX_COLUMNS: usize = 512;
/// More shapes than this are kept raw.
pub(crate) const MAX_SHAPES: usize = 4096;
/// Keys that are longer than this together are no columns.
pub(crate) const MAX_KEY_BYTES: usize = 1 << 20;
/// A dictionary that passes this becomes plain values.
pub(crate) const MAX_DICTIONARY: usize = 16 << 20;
/// When all dictionaries together pass this, the largest becomes plain.
pub(crate) const MAX_DICTIONARIES: usize = 48 << 20;

/// No value is longer than this as it is printed.
pub(crate) const MAX_PRINTED: usize = 64 << 20;

/// Where the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Storage {
    /// Code `c > 0` of an entry is item `c - 1` of the dictionary.
    Dictionary { codes: Codes, values: Heap },
    /// Item `n` belongs to entry `n`; absent values are empty.
    Plain { values: Heap },
    /// Like Dictionary, for a column that few entries have: `entries` are
    /// their numbers, and `codes` are theirs alone.
    Sparse {
        entries: EntryList,
        codes: Codes,
        values: Heap,
    },
}

/// Entry numbers in `CODE`: u32, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct EntryList {
    /// Where the list starts; a multiple of 8.
    pub(crate) offset: u64,
    /// How many entries of how many it lists; as many codes follow.
    pub(crate) count: u32,
    pub(crate) of: u32,
}

impl EntryList {
    /// Bytes of the list, a multiple of 8.
    pub(crate) fn byte_len(&self) -> u64 {
        (u64::from(self.count) * 4).next_multiple_of(8)
    }
}

/// A run of bit-packed codes in `CODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Codes {
    /// Where the run starts; a multiple of 8.
    pub(crate) offset: u64,
    /// Bits of a code, up to 32.
    pub(crate) width: u8,
    /// Number of codes.
    pub(crate) count: u32,
}

impl Codes {
    /// Bytes of the run. A multiple of 8, with at least 8 bytes after the
    /// first byte of the last code, so that a code is read by one load.
    pub(crate) fn byte_len(&self) -> u64 {
        let bits = u64::from(self.count) * u64::from(self.width);
        (bits.div_ceil(8) + 8).next_multiple_of(8)
    }
}

/// A key and where its values are.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Column {
    /// The key, decoded (WTF-8).
    pub(crate) key: Vec<u8>,
    /// Number of its storage.
    pub(crate) storage: u32,
}

/// The whole directory, in `COLS`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Directory {
    pub(crate) storages: Vec<Storage>,
    pub(crate) columns: Vec<Column>,
    /// Keys of each shape, as column numbers in order. Shape code `n > 0` is
    /// `shapes[n - 1]`.
    pub(crate) shapes: Vec<Vec<u32>>,
    /// The shape code of each entry.
    pub(crate) shape_codes: Option<Codes>,
    /// Entries kept as text.
    pub(crate) raw: Option<u32>,
    /// The values of `text_id_to_ref_doc_id`.
    pub(crate) ref_doc: Option<u32>,
}
