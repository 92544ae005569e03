//! Reading blocks: from the sections of a file to the items of a block.

use std::sync::Arc;

use super::{
    dictionary::Decoders,
    format::{BlockEntry, ENTRY_LEN, Heap, MAX_RAW},
    recent::Recent,
};
use crate::{
    container::{Container, FileKind, SectionKind, Span},
    error::{Error, Fault, Result},
};

/// Bytes of an entry in `PHSH`.
const HASH_LEN: u64 = 8;

/// The blocks of one file.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    file: Arc<Container>,
    blocks: Span,
    index: Span,
    hashes: Option<Span>,
    dictionary: Option<Span>,
    pub(super) decoders: Arc<Decoders>,
    pub(super) recent: Arc<Recent>,
}

/// A decompressed block. Read into again and again, unless others have it, too.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    /// The heap that it was read for; `None` where nothing was read.
    pub(super) of: Option<Heap>,
    pub(super) number: u64,
    first_item: u64,
    /// 0 where it continues an item, or nothing was read.
    items: u64,
    raw: Arc<Vec<u8>>,
}

/// What is known of a block without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeapBlock {
    /// Its number in the file.
    pub(crate) number: u64,
    pub(crate) first_item: u64,
    /// How many items begin in it.
    pub(crate) items: u32,
    /// Hash of what they print, where the file has such hashes.
    pub(crate) printed: Option<u64>,
}

impl Blocks {
    pub(crate) fn open(file: &Arc<Container>) -> Result<Blocks> {
        let index = file.require(SectionKind::BLOCK_INDEX)?;
        if index.len() % ENTRY_LEN != 0 {
            return Err(file.damaged(index, 0, Fault::Bounds("section length")));
        }
        // In files of other kinds these two are unknown sections.
        let of_records = |kind| {
            let section = file.section(kind);
            section.filter(|_| file.kind() == FileKind::Records)
        };
        let hashes = match of_records(SectionKind::PRINTED_HASHES) {
            None => None,
            Some(_) => {
                let len = (index.len() / ENTRY_LEN).checked_mul(HASH_LEN);
                Some(file.require_len(SectionKind::PRINTED_HASHES, len)?)
            }
        };
        let dictionary = of_records(SectionKind::DICTIONARY);
        Ok(Blocks {
            file: Arc::clone(file),
            blocks: file.require(SectionKind::BLOCKS)?,
            index,
            hashes,
            dictionary,
            decoders: Arc::default(),
            recent: Arc::default(),
        })
    }

    /// How many blocks were decompressed so far.
    #[cfg(test)]
    pub(crate) fn decoded(&self) -> usize {
        self.decoders
            .uses
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Number of blocks of all heaps.
    pub(crate) fn count(&self) -> u64 {
        self.index.len() / ENTRY_LEN
    }

    /// Refuses a heap that does not lie within the index.
    pub(crate) fn admit(&self, heap: &Heap) -> Result<()> {
        let end = u64::from(heap.first_block) + u64::from(heap.blocks);
        // Every item has an end in the table of its block.
        let most = u64::from(heap.blocks) * (u64::from(MAX_RAW) / 4);
        let count_fits = heap.items <= most && (heap.blocks == 0) == (heap.items == 0);
        if end > self.count() || !count_fits {
            return Err(self.damaged(0, Fault::Bounds("heap")));
        }
        Ok(())
    }

    /// What all blocks of `heap` hold when decompressed.
    pub(crate) fn raw_len(&self, heap: &Heap) -> Result<u64> {
        let mut sum = 0;
        for number in heap_range(heap) {
            sum += u64::from(self.entry(number)?.raw_len);
        }
        Ok(sum)
    }

    /// The hash of what the items that begin in a block print, where the file
    /// has such hashes.
    pub(crate) fn printed_hash(&self, block: u64) -> Result<Option<u64>> {
        let Some(span) = self.hashes else {
            return Ok(None);
        };
        let start = block.saturating_mul(HASH_LEN);
        let bytes = self
            .file
            .read(span, start..start.saturating_add(HASH_LEN))?;
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        Ok(Some(u64::from_le_bytes(bytes)))
    }

    /// The blocks of a heap in order. Refuses those that leave items out or
    /// have some twice.
    pub(crate) fn heap_blocks(&self, heap: &Heap) -> impl Iterator<Item = Result<HeapBlock>> {
        let (first, items) = (u64::from(heap.first_block), heap.items);
        let end = first + u64::from(heap.blocks);
        let mut next_item = 0;
        (first..end).map(move |number| {
            let entry = self.entry(number)?;
            let printed = self.printed_hash(number)?;
            let sound = entry.first_item == next_item && (entry.items > 0 || number > first);
            // Cannot overflow: `items` is below 2^32 each, blocks as well.
            next_item += u64::from(entry.items);
            if !sound || (number + 1 == end && next_item != items) {
                return Err(self.damaged(number, Fault::Bounds("block items")));
            }
            if let (0, Some(1..), Some(span)) = (entry.items, printed, self.hashes) {
                let fault = Fault::Value("hash of a continuing block");
                return Err(self.file.damaged(span, number * HASH_LEN, fault));
            }
            Ok(HeapBlock {
                number,
                first_item: entry.first_item,
                items: entry.items,
                printed,
            })
        })
    }

    pub(super) fn entry(&self, number: u64) -> Result<BlockEntry> {
        let start = number.saturating_mul(ENTRY_LEN);
        let end = start.saturating_add(ENTRY_LEN);
        let bytes = self.file.read(self.index, start..end)?;
        Ok(BlockEntry::decode(&bytes))
    }

    /// Reads the block of `heap` in which `item` begins.
    pub(super) fn read_block_of(&self, heap: &Heap, item: u64, block: &mut Block) -> Result<()> {
        let first = u64::from(heap.first_block);
        if item >= heap.items {
            return Err(self.damaged(first, Fault::Bounds("item number")));
        }
        let begin = self.entry(first)?;
        if begin.first_item != 0 || begin.items == 0 {
            return Err(self.damaged(first, Fault::Bounds("block items")));
        }
        // The last block whose first item is not after the wanted one. Those
        // that continue an item have the number of the next.
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
        self.read_block(heap, low, &entry, block)
    }

    /// Reads the next block of a chain that holds `item`; false where the
    /// item is at its end.
    pub(super) fn continue_item(
        &self,
        heap: &Heap,
        item: u64,
        number: u64,
        block: &mut Block,
    ) -> Result<bool> {
        if !heap_range(heap).contains(&number) {
            return Ok(false);
        }
        let entry = self.entry(number)?;
        if entry.items > 0 {
            return Ok(false);
        }
        if Some(entry.first_item) != item.checked_add(1) {
            return Err(self.damaged(number, Fault::Bounds("block items")));
        }
        self.read_block(heap, number, &entry, block)?;
        Ok(true)
    }

    fn read_block(
        &self,
        heap: &Heap,
        number: u64,
        entry: &BlockEntry,
        block: &mut Block,
    ) -> Result<()> {
        // Whatever fails below, the old content is no longer that of a block.
        (block.of, block.items) = (None, 0);
        let end = entry.offset.checked_add(u64::from(entry.stored_len));
        let end = end.filter(|&end| end <= self.blocks.len());
        let table = u64::from(entry.items) * 4;
        let (Some(end), true) = (
            end,
            entry.raw_len <= MAX_RAW && table <= u64::from(entry.raw_len),
        ) else {
            return Err(self.damaged(number, Fault::Bounds("block")));
        };
        let stored = self
            .file
            .read_checked_elsewhere(self.blocks, entry.offset..end)?;
        let at = |fault| self.file.damaged(self.blocks, entry.offset, fault);
        if crc32fast::hash(&stored) != entry.crc {
            return Err(at(Fault::Checksum));
        }
        let len = entry.raw_len as usize;
        let raw = block.buffer();
        if !self
            .decoders
            .decompress(&self.file, self.dictionary, &stored, len, raw)?
        {
            return Err(at(Fault::Compression));
        }
        if entry.items > 0 && !sum_up(raw, table as usize) {
            return Err(self.damaged(number, Fault::Bounds("item lengths")));
        }
        block.of = Some(*heap);
        block.number = number;
        block.first_item = entry.first_item;
        block.items = u64::from(entry.items);
        Ok(())
    }

    pub(crate) fn damaged(&self, entry: u64, fault: Fault) -> Error {
        let offset = entry.saturating_mul(ENTRY_LEN);
        self.file.damaged(self.index, offset, fault)
    }
}

fn heap_range(heap: &Heap) -> std::ops::Range<u64> {
    let first = u64::from(heap.first_block);
    first..first + u64::from(heap.blocks)
}

/// Turns the lengths in the first `table` bytes of `raw` into ends; false
/// unless they add up to the rest.
fn sum_up(raw: &mut [u8], table: usize) -> bool {
    let Some((table, bytes)) = raw.split_at_mut_checked(table) else {
        return false;
    };
    let mut end = 0_u32;
    for length in table.as_chunks_mut::<4>().0 {
        let Some(sum) = end.checked_add(u32::from_le_bytes(*length)) else {
            return false;
        };
        end = sum;
        *length = end.to_le_bytes();
    }
    end as usize == bytes.len()
}

impl Block {
    /// Whether `item` begins here.
    pub(super) fn has(&self, item: u64) -> bool {
        let inside = item.checked_sub(self.first_item);
        inside.is_some_and(|n| n < self.items)
    }

    /// Whether `item` is the last that begins here.
    pub(super) fn ends_with(&self, item: u64) -> bool {
        self.has(item) && item - self.first_item == self.items - 1
    }

    /// The bytes of `item`, as far as they are in this block.
    pub(super) fn item(&self, item: u64) -> Option<&[u8]> {
        let n = usize::try_from(item.checked_sub(self.first_item)?).ok()?;
        let (table, bytes) = self.raw.split_at_checked(self.items as usize * 4)?;
        let (ends, _) = table.as_chunks::<4>();
        let end = u32::from_le_bytes(*ends.get(n)?) as usize;
        let before = n.checked_sub(1).and_then(|n| ends.get(n));
        let start = before.map_or(0, |e| u32::from_le_bytes(*e) as usize);
        bytes.get(start..end)
    }

    /// Its own buffer: a new one where others have the block, too.
    fn buffer(&mut self) -> &mut Vec<u8> {
        if Arc::get_mut(&mut self.raw).is_none() {
            self.raw = Arc::default();
        }
        // It has no other owner now.
        Arc::make_mut(&mut self.raw)
    }

    /// What it takes in memory.
    pub(super) fn size(&self) -> usize {
        self.raw.capacity()
    }

    /// All bytes of a block that continues an item.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.raw
    }
}
