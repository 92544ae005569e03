//! Reading heaps: one block is decompressed for one item.

use std::sync::Arc;

use super::format::{BlockEntry, ENTRY_LEN, Heap, MAX_RAW};
use crate::{
    container::{Container, SectionKind, Span},
    error::{Error, Fault, Result},
};

/// The blocks of one file.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    file: Arc<Container>,
    blocks: Span,
    index: Span,
}

/// A decompressed block.
#[derive(Debug, Default)]
struct Block {
    first_item: u64,
    items: u64,
    raw: Vec<u8>,
}

impl Blocks {
    pub(crate) fn open(file: &Arc<Container>) -> Result<Blocks> {
        let index = file.require(SectionKind::BLOCK_INDEX)?;
        if index.len() % ENTRY_LEN != 0 {
            return Err(file.damaged(index, 0, Fault::Bounds("section length")));
        }
        Ok(Blocks {
            file: Arc::clone(file),
            blocks: file.require(SectionKind::BLOCKS)?,
            index,
        })
    }

    /// Refuses a heap that does not lie within the index.
    pub(crate) fn admit(&self, heap: &Heap) -> Result<()> {
        let end = u64::from(heap.first_block) + u64::from(heap.blocks);
        if end > self.index.len() / ENTRY_LEN || (heap.blocks == 0) != (heap.items == 0) {
            return Err(self.damaged(0, Fault::Bounds("heap")));
        }
        Ok(())
    }

    fn entry(&self, number: u64) -> Result<BlockEntry> {
        let start = number * ENTRY_LEN;
        let bytes = self.file.read(self.index, start..start + ENTRY_LEN)?;
        Ok(BlockEntry::decode(&bytes))
    }

    /// What all blocks of `heap` hold when decompressed.
    pub(crate) fn raw_len(&self, heap: &Heap) -> Result<u64> {
        let first = u64::from(heap.first_block);
        let mut sum = 0;
        for number in first..first + u64::from(heap.blocks) {
            sum += u64::from(self.entry(number)?.raw_len);
        }
        Ok(sum)
    }

    /// Decompresses the block of `heap` that holds `item`.
    fn block_of(&self, heap: &Heap, item: u64) -> Result<Block> {
        // The last block whose first item is not after the wanted one.
        let first = u64::from(heap.first_block);
        let (mut low, mut high) = (first, first + u64::from(heap.blocks));
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.entry(middle)?.first_item <= item {
                low = middle;
            } else {
                high = middle;
            }
        }
        let entry = self.entry(low)?;
        let inside = item.checked_sub(entry.first_item);
        if inside.is_none_or(|n| n >= u64::from(entry.items)) {
            return Err(self.damaged(low, Fault::Bounds("block items")));
        }
        self.decompress(low, &entry)
    }

    fn decompress(&self, number: u64, entry: &BlockEntry) -> Result<Block> {
        let end = entry.offset.checked_add(u64::from(entry.stored_len));
        let end = end.filter(|&end| end <= self.blocks.len());
        let ends_len = entry.items as usize * 4;
        let (Some(end), true) = (
            end,
            entry.raw_len <= MAX_RAW && ends_len <= entry.raw_len as usize,
        ) else {
            return Err(self.damaged(number, Fault::Bounds("block")));
        };
        let stored = self.file.read(self.blocks, entry.offset..end)?;
        if crc32fast::hash(&stored) != entry.crc {
            return Err(self
                .file
                .damaged(self.blocks, entry.offset, Fault::Checksum));
        }
        let raw_len = entry.raw_len as usize;
        // In one pass into a buffer of that size: a frame that claims more
        // fails, and no window is allocated beside it.
        let raw = zstd::bulk::decompress(&stored, raw_len);
        let raw = raw.ok().filter(|raw| raw.len() == raw_len);
        let Some(raw) = raw else {
            return Err(self
                .file
                .damaged(self.blocks, entry.offset, Fault::Compression));
        };
        let block = Block {
            first_item: entry.first_item,
            items: u64::from(entry.items),
            raw,
        };
        if !block.is_sound() {
            return Err(self.damaged(number, Fault::Bounds("item ends")));
        }
        Ok(block)
    }

    fn damaged(&self, entry: u64, fault: Fault) -> Error {
        self.file
            .damaged(self.index, entry.saturating_mul(ENTRY_LEN), fault)
    }
}

impl Block {
    fn ends(&self) -> &[[u8; 4]] {
        let (ends, _) = self.split();
        ends.as_chunks::<4>().0
    }

    fn split(&self) -> (&[u8], &[u8]) {
        self.raw
            .split_at_checked(self.items as usize * 4)
            .unwrap_or_default()
    }

    /// Ends grow and the last one is the end of the bytes.
    fn is_sound(&self) -> bool {
        let (_, bytes) = self.split();
        let mut ends = self.ends().iter().map(|e| u32::from_le_bytes(*e));
        ends.clone().is_sorted() && ends.next_back().unwrap_or(0) as usize == bytes.len()
    }

    fn item(&self, item: u64) -> Option<&[u8]> {
        let n = usize::try_from(item.checked_sub(self.first_item)?).ok()?;
        let end = u32::from_le_bytes(*self.ends().get(n)?) as usize;
        let before = n.checked_sub(1).and_then(|n| self.ends().get(n));
        let start = before.map_or(0, |e| u32::from_le_bytes(*e) as usize);
        self.split().1.get(start..end)
    }
}

/// Reads items of one heap, keeping the block that was used last: for walks
/// in order.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    blocks: &'a Blocks,
    heap: Heap,
    block: Block,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(blocks: &'a Blocks, heap: Heap) -> Cursor<'a> {
        Cursor {
            blocks,
            heap,
            block: Block::default(),
        }
    }

    pub(crate) fn get(&mut self, item: u64) -> Result<&[u8]> {
        let inside = item.checked_sub(self.block.first_item);
        if inside.is_none_or(|n| n >= self.block.items) {
            if item >= self.heap.items {
                let entry = u64::from(self.heap.first_block);
                return Err(self.blocks.damaged(entry, Fault::Bounds("item number")));
            }
            self.block = self.blocks.block_of(&self.heap, item)?;
        }
        Ok(self.block.item(item).unwrap_or_default())
    }
}
