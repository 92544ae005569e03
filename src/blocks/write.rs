//! Writing a heap: from items to blocks.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::{
    format::{Heap, PIECE, TARGET_RAW},
    sink::{BlockSink, Filled},
};
use crate::error::Result;

/// One heap being written. An empty one costs its own size; one that was
/// used, up to a block of its target size, or 1 MiB while a long item is open.
pub(crate) struct HeapWriter {
    target: usize,
    /// The bytes of the block's items, then of the open item.
    raw: Vec<u8>,
    /// The items that the block has for certain. The open one may still turn
    /// out too long for it.
    lengths: Vec<u32>,
    /// How much of `raw` is theirs.
    closed: usize,
    /// The block in which the open item began, once it was cut.
    chain: Option<usize>,
    done: Vec<Filled>,
    items: u64,
    hashes: Option<Box<Hashes>>,
}

/// Hashes of what is printed. Which block an item begins in is known only
/// when its length is, so there are two for the open one.
#[derive(Default)]
struct Hashes {
    closed: Xxh3,
    closed_and_open: Xxh3,
    open: Xxh3,
}

impl Default for HeapWriter {
    fn default() -> Self {
        HeapWriter::new(TARGET_RAW)
    }
}

impl HeapWriter {
    /// A heap with blocks of about `target` bytes (at most 1 MiB).
    pub(crate) fn new(target: usize) -> HeapWriter {
        HeapWriter {
            target: target.min(PIECE),
            raw: Vec::new(),
            lengths: Vec::new(),
            closed: 0,
            chain: None,
            done: Vec::new(),
            items: 0,
            hashes: None,
        }
    }

    /// Items that were ended so far.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    /// Appends an item.
    pub(crate) fn push(&mut self, item: &[u8], sink: &mut BlockSink) -> Result<()> {
        self.part(item, sink)?;
        self.end_item(sink)
    }

    /// Appends to the open item, or opens one. At most about 1 MiB of it is
    /// held.
    pub(crate) fn part(&mut self, bytes: &[u8], sink: &mut BlockSink) -> Result<()> {
        for bytes in bytes.chunks(PIECE) {
            self.make_room(bytes.len(), sink)?;
            self.raw.extend_from_slice(bytes);
            if self.raw.len() > PIECE {
                let rest = self.raw.split_off(PIECE);
                let piece = std::mem::replace(&mut self.raw, rest);
                self.link(piece, sink)?;
            }
        }
        Ok(())
    }

    /// Ends the open item; without one, appends an empty one.
    pub(crate) fn end_item(&mut self, sink: &mut BlockSink) -> Result<()> {
        self.make_room(0, sink)?;
        if let Some(head) = self.chain {
            let rest = std::mem::take(&mut self.raw);
            self.link(rest, sink)?;
            let printed = self.hashes.take();
            if let Some(head) = self.done.get_mut(head) {
                head.printed = digest(printed.as_ref().map(|hashes| &hashes.open));
            }
            self.chain = None;
        } else {
            let length = self.raw.len() - self.closed;
            // Fits: longer items are cut.
            self.lengths.push(u32::try_from(length).unwrap_or(u32::MAX));
            self.closed = self.raw.len();
            if let Some(hashes) = &mut self.hashes {
                hashes.closed = hashes.closed_and_open.clone();
                hashes.open.reset();
            }
        }
        self.items += 1;
        Ok(())
    }

    /// Feeds the hash of the block in which the open item begins (or, where
    /// none is open, the next one): `text` is what it prints, or a part of it.
    pub(crate) fn printed(&mut self, text: &[u8]) {
        let hashes = self.hashes.get_or_insert_default();
        hashes.open.update(text);
        if self.chain.is_none() {
            hashes.closed_and_open.update(text);
        }
    }

    /// For a heap that is complete, but whose turn to [`finish`](Self::finish)
    /// has not come: hands its last block over and frees its buffers.
    pub(crate) fn release(&mut self, sink: &mut BlockSink) -> Result<()> {
        self.flush(sink)?;
        debug_assert!(self.raw.is_empty() && self.chain.is_none());
        self.raw = Vec::new();
        self.lengths = Vec::new();
        self.hashes = None;
        Ok(())
    }

    /// Writes the last block and enters all of the heap's blocks in the index.
    pub(crate) fn finish(mut self, sink: &mut BlockSink) -> Result<Heap> {
        debug_assert!(self.raw.len() == self.closed && self.chain.is_none());
        self.flush(sink)?;
        Ok(Heap {
            // Fits: every block was submitted.
            blocks: u32::try_from(self.done.len()).unwrap_or(u32::MAX),
            items: self.items,
            first_block: sink.enter(self.done),
        })
    }

    /// Closes the block where the open item with `more` bytes would make it
    /// too long.
    fn make_room(&mut self, more: usize, sink: &mut BlockSink) -> Result<()> {
        let table = (self.lengths.len() + 1) * 4;
        if self.raw.len() + more + table > self.target {
            self.flush(sink)?;
        }
        Ok(())
    }

    /// Hands the block over, without the open item.
    fn flush(&mut self, sink: &mut BlockSink) -> Result<()> {
        if self.lengths.is_empty() {
            return Ok(());
        }
        let mut block = Vec::with_capacity(self.lengths.len() * 4 + self.closed);
        block.extend(self.lengths.iter().flat_map(|len| len.to_le_bytes()));
        block.extend(self.raw.drain(..self.closed));
        let items = self.lengths.len();
        let printed = digest(self.hashes.as_ref().map(|hashes| &hashes.closed));
        if let Some(hashes) = &mut self.hashes {
            hashes.closed.reset();
            hashes.closed_and_open = hashes.open.clone();
        }
        self.lengths.clear();
        self.closed = 0;
        self.submit(block, self.items - items as u64, items, printed, sink)
    }

    /// Hands a piece of the open item over, as a block of its chain.
    fn link(&mut self, piece: Vec<u8>, sink: &mut BlockSink) -> Result<()> {
        if self.chain.is_some() {
            return self.submit(piece, self.items + 1, 0, 0, sink);
        }
        self.chain = Some(self.done.len());
        let mut block = Vec::with_capacity(4 + piece.len());
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        block.extend_from_slice(&length.to_le_bytes());
        block.extend_from_slice(&piece);
        // Its hash is known when the item ends.
        self.submit(block, self.items, 1, 0, sink)
    }

    fn submit(
        &mut self,
        block: Vec<u8>,
        first_item: u64,
        items: usize,
        printed: u64,
        sink: &mut BlockSink,
    ) -> Result<()> {
        let raw_len = u32::try_from(block.len()).unwrap_or(u32::MAX);
        self.done.push(Filled {
            frame: sink.submit(block)?,
            first_item,
            raw_len,
            items: u32::try_from(items).unwrap_or(u32::MAX),
            printed,
        });
        Ok(())
    }
}

/// Nothing printed has a hash, too.
fn digest(hash: Option<&Xxh3>) -> u64 {
    hash.map_or_else(|| xxh3_64(b""), Xxh3::digest)
}
