//! Byte strings in compressed blocks, addressed by number.
//!
//! A *heap* is a list of items (byte strings). Items are gathered into blocks
//! of about 64 KiB, each block one zstd frame; reading an item decompresses
//! one block. Several heaps share a file's `BLKS` section (the frames) and
//! `BIDX` section (where each frame lies, its CRC, which items it holds).
//!
//! ```text
//! Heap { first_block, blocks, items } -> BIDX[first_block ..] -> BLKS -> item
//! ```
//!
//! It knows nothing of what the items mean. `read.rs` and `write.rs` are
//! twins; the layout is drawn in `docs/FORMAT.md`.

mod format;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use format::Heap;
pub(crate) use read::{Blocks, Cursor};
pub(crate) use write::{BlockSink, HeapWriter};
