//! How hard records are compressed, and in how large blocks.

/// How records are compressed. The default is the fastest that keeps a
/// document store within a third of what `zstd -19 --long=27` makes of its
/// file; `docs/PERFORMANCE.md` has the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// zstd's level.
    pub level: i32,
    /// How many bytes of text a block holds; `None` leaves it to the writer.
    /// Reading one record decompresses one block.
    pub block: Option<usize>,
}

impl Compression {
    /// The smallest that reading a record allows to be a little slower.
    pub const DENSE: Compression = Compression {
        level: 19,
        block: Some(64 << 10),
    };

    /// The size of blocks for a file of `length` bytes. A small file has little
    /// for a dictionary to learn from, so that more must stand in one block.
    pub(super) fn block_for(self, length: u64) -> usize {
        let usual = if length <= SMALL { 32 << 10 } else { 20 << 10 };
        self.block.unwrap_or(usual)
    }

    /// How much text a dictionary is learned from. That takes as long as the
    /// lower levels need for ten times as much, so these make do with less.
    pub(super) fn samples(self) -> usize {
        if self.level < 10 { 768 << 10 } else { 4 << 20 }
    }
}

/// Files up to this length are small.
const SMALL: u64 = 8 << 20;

impl Default for Compression {
    fn default() -> Self {
        Compression {
            level: 5,
            block: None,
        }
    }
}
