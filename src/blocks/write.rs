//! Writing heaps. Frames go to a spill as they fill up, in whatever order the
//! heaps produce them; the index puts them in order.

use super::format::{BlockEntry, Heap, MAX_RAW, TARGET_RAW};
use crate::{
    bytes::Spill,
    container::{ContainerWriter, SectionKind},
    error::{Error, Result},
};

/// Level 3: decompression speed does not depend on it, and column values are
/// mostly short and alike.
const LEVEL: i32 = 3;

/// Where all heaps of one file put their frames.
pub(crate) struct BlockSink {
    spill: Spill,
    compressor: zstd::bulk::Compressor<'static>,
    index: Vec<BlockEntry>,
}

impl BlockSink {
    pub(crate) fn new(spill: Spill) -> Result<BlockSink> {
        let compressor = zstd::bulk::Compressor::new(LEVEL)
            .map_err(Error::io("set up compression for", "a twin file"))?;
        Ok(BlockSink {
            spill,
            compressor,
            index: Vec::new(),
        })
    }

    /// Writes the two sections that the heaps need, with the frames in the
    /// order of the index. Frames of heaps that were given up stay behind.
    pub(crate) fn finish(mut self, out: &mut ContainerWriter) -> Result<()> {
        out.begin(SectionKind::BLOCKS)?;
        let mut frames = self.spill.reader()?;
        let mut frame = Vec::new();
        let mut next = 0;
        for entry in &mut self.index {
            // Neighbours mostly: a seek would drop what is buffered.
            if entry.offset != next {
                frames.seek(entry.offset)?;
            }
            next = entry.offset + u64::from(entry.stored_len);
            frame.resize(entry.stored_len as usize, 0);
            frames.read_exact(&mut frame)?;
            entry.offset = out.section_len();
            out.write(&frame)?;
        }
        drop(frames);
        out.begin(SectionKind::BLOCK_INDEX)?;
        for entry in &self.index {
            out.write(&entry.encode().collect::<Vec<u8>>())?;
        }
        Ok(())
    }
}

/// One heap being written.
#[derive(Debug, Default)]
pub(crate) struct HeapWriter {
    raw: Vec<u8>,
    ends: Vec<u32>,
    done: Vec<BlockEntry>,
    items: u64,
}

impl HeapWriter {
    /// Appends an item.
    pub(crate) fn push(&mut self, item: &[u8], sink: &mut BlockSink) -> Result<()> {
        // The block's size with this item, ends included.
        let size = self.raw.len() + item.len() + (self.ends.len() + 1) * 4;
        if !self.ends.is_empty() && size > TARGET_RAW {
            self.flush(sink)?;
        }
        if item.len() > MAX_RAW as usize - 4 {
            return Err(Error::Limit {
                what: "length of a single value",
                got: item.len() as u64,
                limit: u64::from(MAX_RAW) - 4,
            });
        }
        self.raw.extend_from_slice(item);
        // Fits: bounded by MAX_RAW above.
        self.ends
            .push(u32::try_from(self.raw.len()).unwrap_or(u32::MAX));
        self.items += 1;
        Ok(())
    }

    /// Writes the last block and enters all of the heap's blocks in the index.
    pub(crate) fn finish(mut self, sink: &mut BlockSink) -> Result<Heap> {
        if !self.ends.is_empty() {
            self.flush(sink)?;
        }
        let number = |n: usize| {
            u32::try_from(n).map_err(|_| Error::Limit {
                what: "number of compressed blocks in a file",
                got: n as u64,
                limit: u64::from(u32::MAX),
            })
        };
        let heap = Heap {
            first_block: number(sink.index.len())?,
            blocks: number(self.done.len())?,
            items: self.items,
        };
        sink.index.append(&mut self.done);
        Ok(heap)
    }

    fn flush(&mut self, sink: &mut BlockSink) -> Result<()> {
        let mut block: Vec<u8> = Vec::with_capacity(self.ends.len() * 4 + self.raw.len());
        block.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        block.append(&mut self.raw);
        let stored = sink
            .compressor
            .compress(&block)
            .map_err(Error::io("compress a block of", "a twin file"))?;
        let items = self.ends.len() as u64;
        self.done.push(BlockEntry {
            offset: sink.spill.len(),
            first_item: self.items - items,
            stored_len: u32::try_from(stored.len()).unwrap_or(u32::MAX),
            raw_len: u32::try_from(block.len()).unwrap_or(u32::MAX),
            items: u32::try_from(items).unwrap_or(u32::MAX),
            crc: crc32fast::hash(&stored),
        });
        self.ends.clear();
        sink.spill.write(&stored)
    }
}
