//! Reading verified bytes out of an open container. Blocks are checked when
//! they are first touched, and so are the pages of the table of their CRCs.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Container, Verify,
    format::{BLOCK, Entry},
    kinds::SectionKind,
};
use crate::{
    bytes::{AlignedBytes, Source, View, prefetch_behind},
    error::{Fault, Result},
};

/// A section of an open container: a kind, a place and a length.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub(super) kind: SectionKind,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Span {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the section holds no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `len` bytes of the section from `start` on; `None` where it ends before.
    pub(crate) fn part(&self, start: u64, len: u64) -> Option<Span> {
        let end = start.checked_add(len)?;
        (end <= self.len).then(|| Span {
            offset: self.offset + start,
            len,
            ..*self
        })
    }

    /// The section's kind.
    #[must_use]
    pub fn kind(&self) -> SectionKind {
        self.kind
    }
}

/// A section in place, for what is read a thousand times in a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InPlace<'c> {
    bytes: &'c [u8],
    /// Where it begins in the file.
    offset: u64,
    /// Blocks that were verified; `None` where none has to be.
    verified: Option<&'c Bitmap>,
}

impl<'c> InPlace<'c> {
    /// Bytes of the section; `None` where a block was not verified yet, there are none, or
    /// they are outside.
    #[inline]
    pub(crate) fn get(&self, range: Range<usize>) -> Option<&'c [u8]> {
        let bytes = self.bytes.get(range.clone())?;
        let last = range
            .end
            .checked_sub(1)
            .filter(|&last| last >= range.start)?;
        let block = |at: usize| (self.offset + at as u64) / BLOCK;
        let is_verified = |number| self.verified.is_none_or(|verified| verified.get(number));
        // Nearly always there is no other.
        let (first, last) = (block(range.start), block(last));
        let mut others = first + 1..last + 1;
        (is_verified(first) && others.all(is_verified)).then_some(bytes)
    }
}

/// Bytes that are hashed between two requests for those `AHEAD` of them.
const PIECE: usize = 2 << 10;
/// By the time they are hashed, memory has answered.
const AHEAD: usize = 4 << 10;

/// The CRC of a block. It is computed faster than memory gives the bytes, so they are asked
/// for before, and those of the next block as well.
pub(super) fn crc(block: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for piece in block.chunks(PIECE) {
        prefetch_behind(piece, AHEAD);
        crc.update(piece);
    }
    crc.finalize()
}

/// After so many consecutive blocks a read counts as sequential.
const STREAK: u64 = 4;

/// The bytes of the file to ask for where a reader jumps to `blocks`, since it needs only
/// these. `None` where all were read before, and where those in front of the first that was
/// not were: then the system will have begun to fetch what follows.
fn jump(blocks: Range<u64>, was_read: impl Fn(u64) -> bool) -> Option<Range<u64>> {
    let first = blocks.clone().find(|&block| !was_read(block))?;
    let streak = first.checked_sub(STREAK);
    let goes_on = streak.is_some_and(|start| (start..first).all(was_read));
    (!goes_on).then_some(first * BLOCK..blocks.end * BLOCK)
}

impl Container {
    /// The bytes `range` of a section, verified as [`Verify`] says.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) with [`Fault::Bounds`] for a range outside the
    /// section and [`Fault::Checksum`] for a damaged block;
    /// [`Error::Io`](crate::Error::Io).
    pub fn read(&self, span: Span, range: Range<u64>) -> Result<View<'_>> {
        match self.read_verified(span, range.clone()) {
            Err(_) if self.verify == Verify::Finely && self.is_whole(span.kind) => {
                self.read_unverified(span, range)
            }
            other => other,
        }
    }

    /// The bytes `range` of a section that have a checksum of their own, which
    /// the caller checks: under [`Verify::Finely`], also where their blocks are
    /// damaged.
    pub(crate) fn read_checked_elsewhere(&self, span: Span, range: Range<u64>) -> Result<View<'_>> {
        match self.read_verified(span, range.clone()) {
            Err(_) if self.verify == Verify::Finely => self.read_unverified(span, range),
            other => other,
        }
    }

    /// The bytes of a section in place, unchecked; `None` where the file is read and not
    /// mapped.
    pub(crate) fn mapped(&self, span: Span) -> Option<&[u8]> {
        let range = span.offset..span.offset + span.len;
        match &self.source {
            Source::Mapped(file) => file.slice(&range).ok(),
            Source::Memory(file) => file.slice(&range).ok(),
            Source::Read(_) => None,
        }
    }

    /// A section in place; `None` where the file is read and not mapped.
    pub(crate) fn in_place(&self, span: Span) -> Option<InPlace<'_>> {
        Some(InPlace {
            bytes: self.mapped(span)?,
            offset: span.offset,
            verified: (self.verify != Verify::Never).then_some(&self.blocks),
        })
    }

    fn read_unverified(&self, span: Span, range: Range<u64>) -> Result<View<'_>> {
        if range.start > range.end || range.end > span.len {
            return Err(self.damaged(span, range.start, Fault::Bounds("range")));
        }
        let range = span.offset + range.start..span.offset + range.end;
        self.source.read_unchecked(range)
    }

    /// Whether a section is whole by its own checksum.
    fn is_whole(&self, kind: SectionKind) -> bool {
        let mut sections = self.entries.iter().zip(&self.whole);
        let Some((entry, whole)) = sections.find(|(entry, _)| entry.kind == kind) else {
            return false;
        };
        *whole.get_or_init(|| {
            let mut crc = crc32fast::Hasher::new();
            let (mut at, end) = (entry.offset, entry.offset + entry.len);
            while at < end {
                let next = (at + (1 << 20)).min(end);
                match self.source.read_unchecked(at..next) {
                    Ok(bytes) => crc.update(&bytes),
                    Err(_) => return false,
                }
                at = next;
            }
            crc.finalize() == entry.crc
        })
    }

    fn read_verified(&self, span: Span, range: Range<u64>) -> Result<View<'_>> {
        if range.start > range.end || range.end > span.len {
            return Err(self.damaged(span, range.start, Fault::Bounds("range")));
        }
        // Spans come from the section table, which was checked: no overflow.
        let range = span.offset + range.start..span.offset + range.end;
        if range.is_empty() {
            return Ok(View::Mapped(&[]));
        }
        let blocks = range.start / BLOCK..(range.end - 1) / BLOCK + 1;
        match &self.source {
            Source::Mapped(file) => {
                self.verify_mapped_blocks(blocks)?;
                Ok(View::Mapped(file.slice(&range)?))
            }
            Source::Memory(file) => {
                self.verify_mapped_blocks(blocks)?;
                Ok(View::Mapped(file.slice(&range)?))
            }
            Source::Read(file) => {
                let first = blocks.start * BLOCK;
                let block = if blocks.end - blocks.start == 1 {
                    file.block(blocks.start, &self.block_range(blocks.start), |bytes| {
                        self.admit_block(blocks.start, bytes)
                    })?
                } else {
                    Arc::new(self.read_blocks(blocks)?)
                };
                let start = usize::try_from(range.start - first).unwrap_or(usize::MAX);
                let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let range = start..start.saturating_add(len);
                Ok(View::Block { block, range })
            }
        }
    }

    /// Several neighbouring blocks in one buffer. The ends may be cached, and
    /// neighbours of a hot spot usually are; the middle of a scan never is.
    fn read_blocks(&self, blocks: Range<u64>) -> Result<AlignedBytes> {
        let Source::Read(file) = &self.source else {
            return Ok(AlignedBytes::zeroed(0));
        };
        let start = blocks.start * BLOCK;
        let end = self.block_range(blocks.end - 1).end;
        let bytes = file.read(&(start..end))?;
        for (number, block) in blocks.zip(bytes.chunks(BLOCK as usize)) {
            self.admit_block(number, block)?;
        }
        Ok(bytes)
    }

    fn verify_mapped_blocks(&self, blocks: Range<u64>) -> Result<()> {
        if self.verify == Verify::Never {
            return Ok(());
        }
        if let Some(jump) = jump(blocks.clone(), |number| self.blocks.get(number)) {
            self.source.will_need(jump);
        }
        for number in blocks {
            if self.blocks.get(number) {
                continue;
            }
            let bytes = self.source.read_unchecked(self.block_range(number))?;
            self.verify_block(number, &bytes)?;
            self.blocks.set(number);
        }
        Ok(())
    }

    /// The bytes of the file that block `number` covers.
    pub(super) fn block_range(&self, number: u64) -> Range<u64> {
        let start = number * BLOCK;
        start..(start + BLOCK).min(self.trailer.crc_table)
    }

    /// Checks a block that was just read, unless nothing is to be checked.
    fn admit_block(&self, number: u64, bytes: &[u8]) -> Result<()> {
        match self.verify {
            Verify::Never => Ok(()),
            Verify::Lazy | Verify::Eager | Verify::Finely => self.verify_block(number, bytes),
        }
    }

    pub(super) fn verify_block(&self, number: u64, bytes: &[u8]) -> Result<()> {
        if crc(bytes) == self.block_crc(number)? {
            return Ok(());
        }
        let (part, offset) = self.damaged_in(&self.block_range(number));
        Err(self.damaged_part(part, offset, Fault::Checksum))
    }

    /// The part of a damaged block that is to blame: a section in it that is not whole, or
    /// else the one that it is only some of.
    fn damaged_in(&self, block: &Range<u64>) -> (&'static str, u64) {
        let end = |entry: &Entry| entry.offset + entry.len;
        let in_it = |entry: &&Entry| entry.offset >= block.start && end(entry) <= block.end;
        let mut inside = self.entries.iter().filter(in_it);
        let some_of_it = |entry: &&Entry| entry.offset < block.end && end(entry) > block.start;
        let found = inside
            .find(|entry| !self.is_whole(entry.kind))
            .or_else(|| self.entries.iter().filter(some_of_it).find(|e| !in_it(e)));
        let found = found.map(|entry| (entry.kind.name(), entry.offset.max(block.start)));
        found.unwrap_or_else(|| (self.part_at(block.start), block.start))
    }

    /// The CRC of block `number` from the table, whose page is verified first.
    fn block_crc(&self, number: u64) -> Result<u32> {
        let offset = number * 4;
        let page = self.table_page(offset / BLOCK)?;
        let start = (offset % BLOCK) as usize;
        let bytes = page.get(start..start + 4).unwrap_or_default();
        Ok(u32s(bytes).next().unwrap_or_default())
    }

    pub(super) fn table_page(&self, page: u64) -> Result<View<'_>> {
        let start = self.trailer.crc_table + page * BLOCK;
        let range = start..(start + BLOCK).min(self.trailer.page_crcs);
        let verify = |bytes: &[u8]| {
            if Some(&crc32fast::hash(bytes)) == self.page_crcs.get(page as usize) {
                Ok(())
            } else {
                Err(self.damaged_part("block checksums", range.start, Fault::Checksum))
            }
        };
        let mapped = |bytes| {
            if !self.pages.get(page) {
                self.source.will_need(range.clone());
                verify(bytes)?;
                self.pages.set(page);
            }
            Ok(View::Mapped(bytes))
        };
        match &self.source {
            Source::Mapped(file) => mapped(file.slice(&range)?),
            Source::Memory(file) => mapped(file.slice(&range)?),
            Source::Read(file) => {
                // Pages live in the same cache, numbered from the top down.
                let block = file.block(u64::MAX - page, &range, verify)?;
                let range = 0..block.len();
                Ok(View::Block { block, range })
            }
        }
    }

    /// Which part of the file stands at `offset`.
    fn part_at(&self, offset: u64) -> &'static str {
        let before = self.entries.iter().rev().find(|e| e.offset <= offset);
        before.map_or("header", |e| e.kind.name())
    }
}

pub(super) fn u32s(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().map(|c| u32::from_le_bytes(*c))
}

/// Bits that are set once and never cleared.
#[derive(Debug)]
pub(super) struct Bitmap(Vec<AtomicU64>);

impl Bitmap {
    pub(super) fn new(bits: u64) -> Bitmap {
        Bitmap((0..bits.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    fn get(&self, bit: u64) -> bool {
        let word = self.0.get((bit / 64) as usize);
        word.is_some_and(|w| w.load(Ordering::Acquire) >> (bit % 64) & 1 == 1)
    }

    fn set(&self, bit: u64) {
        if let Some(word) = self.0.get((bit / 64) as usize) {
            word.fetch_or(1 << (bit % 64), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AHEAD, BLOCK, PIECE, crc, jump};

    #[test]
    fn only_a_reader_that_jumps_asks_for_what_it_needs() {
        let read = |blocks: std::ops::Range<u64>| move |block: u64| blocks.contains(&block);
        let bytes = |blocks: std::ops::Range<u64>| Some(blocks.start * BLOCK..blocks.end * BLOCK);
        // Nothing was read: the start of the file, and the middle.
        assert_eq!(jump(0..3, read(0..0)), bytes(0..3));
        assert_eq!(jump(40..41, read(0..0)), bytes(40..41));
        // A part was; what was not is asked for.
        assert_eq!(jump(40..44, read(40..42)), bytes(42..44));
        assert_eq!(jump(40..44, read(42..43)), bytes(40..44));
        // All was.
        assert_eq!(jump(40..44, read(0..99)), None);
        assert_eq!(jump(40..40, read(0..0)), None);
        // Four blocks in a row are a scan, three are none, nor are four that end before.
        assert_eq!(jump(40..44, read(36..40)), None);
        assert_eq!(jump(40..44, read(37..40)), bytes(40..44));
        assert_eq!(jump(40..44, read(35..39)), bytes(40..44));
        assert_eq!(jump(3..5, read(0..3)), bytes(3..5));
    }

    #[test]
    fn a_checksum_in_pieces_is_that_of_the_whole() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, AHEAD, 65_536, 200_000] {
            assert_eq!(crc(&bytes[..len]), crc32fast::hash(&bytes[..len]), "{len}");
        }
    }
}
