//! Byte strings in compressed blocks, addressed by number.
//!
//! A *heap* is a list of items (byte strings). Items are gathered into blocks
//! of about the heap's target size, each block one zstd frame; reading an item
//! decompresses one block. A long item is cut into a *chain* of blocks, and can
//! be written and read piece by piece. Several heaps share a file's `BLKS`
//! section (the frames) and `BIDX` section (where each frame lies, its CRC,
//! which items begin in it).
//!
//! ```text
//! Heap { first_block, blocks, items } -> BIDX[first_block ..] -> BLKS -> item
//! ```
//!
//! It knows nothing of what the items mean. `write.rs` (items to blocks) and
//! `sink.rs` (blocks to sections, compressed by `workers.rs`) have their twins
//! in `cursor.rs` and `read.rs`; `dictionary.rs` has both sides of what the
//! frames may share. The layout is drawn in `docs/FORMAT.md`.

mod cursor;
mod dictionary;
mod format;
mod read;
mod recent;
mod sink;
mod workers;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use cursor::Cursor;
#[cfg(test)]
pub(crate) use cursor::ItemParts;
pub(crate) use dictionary::Dictionary;
pub(crate) use format::Heap;
pub(crate) use read::Blocks;
#[cfg(test)]
pub(crate) use read::HeapBlock;
pub(crate) use sink::BlockSink;
pub(crate) use write::HeapWriter;
