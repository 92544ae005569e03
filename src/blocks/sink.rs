//! From blocks to the sections of a file. Frames go to a spill as they are
//! compressed, in whatever order the heaps produce them; the index puts them
//! in order.

use std::{ops::RangeInclusive, sync::Arc};

use zstd::{bulk::Compressor, zstd_safe::CParameter};

use super::{
    dictionary::{self, Dictionary},
    format::BlockEntry,
    workers::{SetUp, Work, Workers},
};
use crate::{
    bytes::Spill,
    container::{ContainerWriter, SectionKind},
    error::{Error, Result},
};

/// Level 3: decompression speed does not depend on it, and column values are
/// mostly short and alike.
const LEVEL: i32 = 3;

/// Levels that look for matches of four bytes. In text such as ours that takes
/// a third longer than looking for five, and finds nothing worth it: at level 6
/// the output is even smaller so.
const SHORT_MATCHES: RangeInclusive<i32> = 5..=7;
const MIN_MATCH: u32 = 5;

/// Where all heaps of one file put their blocks.
pub(crate) struct BlockSink {
    spill: Spill,
    workers: Workers,
    /// Those that came back from the workers, by number.
    frames: Vec<Frame>,
    submitted: u32,
    index: Vec<Filled>,
    dictionary: Arc<Dictionary>,
    hashes: bool,
}

/// A compressed block in the spill.
struct Frame {
    offset: u64,
    stored_len: u32,
    crc: u32,
}

/// What a heap knows of one of its blocks.
#[derive(Debug)]
pub(super) struct Filled {
    /// The number that [`BlockSink::submit`] gave it.
    pub(super) frame: u32,
    pub(super) first_item: u64,
    pub(super) raw_len: u32,
    pub(super) items: u32,
    /// Hash of what it prints.
    pub(super) printed: u64,
}

impl BlockSink {
    /// A sink for columns and verbatim pieces.
    pub(crate) fn new(spill: Spill) -> BlockSink {
        BlockSink::set_up(spill, LEVEL, Dictionary::default(), false)
    }

    /// A sink for records: it writes the hashes of what the blocks print, and
    /// compresses with `dictionary`.
    pub(crate) fn with_dictionary(spill: Spill, level: i32, dictionary: Dictionary) -> BlockSink {
        BlockSink::set_up(spill, level, dictionary, true)
    }

    fn set_up(spill: Spill, level: i32, dictionary: Dictionary, hashes: bool) -> BlockSink {
        let dictionary = Arc::new(dictionary);
        BlockSink {
            spill,
            workers: Workers::new(compressing(level, Arc::clone(&dictionary))),
            frames: Vec::new(),
            submitted: 0,
            index: Vec::new(),
            dictionary,
            hashes,
        }
    }

    /// Another number of threads than the machine suggests.
    #[cfg(test)]
    pub(super) fn threads(mut self, threads: usize) -> BlockSink {
        let set_up = compressing(LEVEL, Arc::clone(&self.dictionary));
        self.workers = Workers::with_threads(threads, set_up);
        self
    }

    /// Has a block compressed, and says by which number to find its frame.
    pub(super) fn submit(&mut self, block: Vec<u8>) -> Result<u32> {
        let number = self.submitted;
        self.submitted = number.checked_add(1).ok_or(Error::Limit {
            what: "number of compressed blocks in a file",
            got: u64::from(number) + 1,
            limit: u64::from(u32::MAX),
        })?;
        if let Some(stored) = self.workers.submit(block).map_err(self.failed())? {
            self.keep(&stored)?;
        }
        Ok(number)
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> Error + use<> {
        Error::io("compress a block of a file in", self.spill.dir().to_owned())
    }

    fn keep(&mut self, stored: &[u8]) -> Result<()> {
        self.frames.push(Frame {
            offset: self.spill.len(),
            // Fits: blocks are little longer than 1 MiB.
            stored_len: u32::try_from(stored.len()).unwrap_or(u32::MAX),
            crc: crc32fast::hash(stored),
        });
        self.spill.write(stored)
    }

    /// Enters the blocks of a heap in the index; returns the number of the
    /// first.
    pub(super) fn enter(&mut self, blocks: Vec<Filled>) -> u32 {
        // Fits: every block was submitted.
        let first = u32::try_from(self.index.len()).unwrap_or(u32::MAX);
        self.index.extend(blocks);
        first
    }

    /// Writes the sections that the heaps need, with the frames in the order
    /// of the index. Frames of heaps that were given up stay behind.
    pub(crate) fn finish(mut self, out: &mut ContainerWriter) -> Result<()> {
        while let Some(stored) = self.workers.next().map_err(self.failed())? {
            self.keep(&stored)?;
        }
        out.begin(SectionKind::BLOCKS)?;
        let lost = self.failed();
        let mut spill = self.spill.reader()?;
        let mut stored = Vec::new();
        let mut next = 0;
        let mut index = Vec::with_capacity(self.index.len());
        for block in &self.index {
            let frame = self.frames.get(block.frame as usize);
            let Some(frame) = frame else {
                return Err(lost(std::io::ErrorKind::NotFound.into()));
            };
            // Neighbours mostly: a seek would drop what is buffered.
            if frame.offset != next {
                spill.seek(frame.offset)?;
            }
            next = frame.offset + u64::from(frame.stored_len);
            stored.resize(frame.stored_len as usize, 0);
            spill.read_exact(&mut stored)?;
            index.push(BlockEntry {
                offset: out.section_len(),
                first_item: block.first_item,
                stored_len: frame.stored_len,
                raw_len: block.raw_len,
                items: block.items,
                crc: frame.crc,
            });
            out.write(&stored)?;
        }
        out.begin(SectionKind::BLOCK_INDEX)?;
        for entry in &index {
            out.write(&entry.encode().collect::<Vec<u8>>())?;
        }
        if self.submitted > 0
            && let Some(dictionary) = self.dictionary.get()
        {
            dictionary::write(dictionary, out)?;
        }
        if self.hashes {
            out.begin(SectionKind::PRINTED_HASHES)?;
            for block in &self.index {
                out.write(&block.printed.to_le_bytes())?;
            }
        }
        Ok(())
    }
}

fn compressing(level: i32, dictionary: Arc<Dictionary>) -> Arc<SetUp> {
    Arc::new(move || {
        let dictionary = dictionary.get().unwrap_or_default();
        // It is loaded once for each thread, not for each block.
        let mut compressor = Compressor::with_dictionary(level, dictionary)?;
        compressor.set_parameter(CParameter::DictIdFlag(false))?;
        if SHORT_MATCHES.contains(&level) {
            compressor.set_parameter(CParameter::MinMatch(MIN_MATCH))?;
        }
        let work: Work = Box::new(move |block| compressor.compress(block));
        Ok(work)
    })
}
