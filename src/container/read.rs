//! Opening a container and reading verified bytes out of it.
//!
//! Opening reads header, trailer, section table and the CRCs of the CRC
//! table's pages: a few hundred bytes, and 4 more for each GiB of data. The
//! data are checked block by block when they are first touched.

use std::{
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bincode::{Decode, Encode};

use super::{
    codec,
    format::{self, BLOCK, Entry, FileKind, HEADER_LEN, SectionKind, TRAILER_LEN, Trailer},
};
use crate::{
    bytes::{AlignedBytes, Backend, Source, View},
    error::{Error, Fault, Place, Result},
};

/// When the CRCs of a file's blocks are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Each block when it is first touched. Detects what was on disk at that
    /// moment, not what the medium does later.
    #[default]
    Lazy,
    /// Every block at open.
    Eager,
    /// Not at all: damage shows as wrong data.
    Never,
}

/// How files are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenOptions {
    /// Map or read.
    pub backend: Backend,
    /// When to check CRCs.
    pub verify: Verify,
}

/// What the manifest says a file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing is known.
    Any,
    /// Exactly this file.
    File {
        /// Length in bytes.
        length: u64,
        /// Content root, as the trailer holds it.
        root: [u8; 16],
    },
}

/// An open container file.
#[derive(Debug)]
pub struct Container {
    source: Source,
    trailer: Trailer,
    entries: Vec<Entry>,
    /// CRCs of the pages of the CRC table, checked at open.
    page_crcs: Vec<u32>,
    verify: Verify,
    /// One bit a block of data, set when its CRC was right.
    blocks: Bitmap,
    /// One bit a page of the CRC table.
    pages: Bitmap,
    read_only: bool,
}

/// A section of an open container: a kind, a place and a length.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    kind: SectionKind,
    offset: u64,
    len: u64,
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

    /// The section's kind.
    #[must_use]
    pub fn kind(&self) -> SectionKind {
        self.kind
    }
}

impl Container {
    /// Opens the file at `path`, which must be of `kind` and as `expected`.
    ///
    /// Checks the fixed parts only; see [`Verify`] for the data and
    /// [`check`](Container::check) for everything.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] with the first rule that is broken.
    pub fn open(
        path: &Path,
        kind: FileKind,
        expected: Expected,
        options: &OpenOptions,
    ) -> Result<Container> {
        let damaged = |(place, fault)| Error::Damaged {
            path: path.to_owned(),
            place,
            fault,
        };
        let at = |part, offset, fault| damaged((Place { part, offset }, fault));
        let source = Source::open(path, options.backend)?;
        let len = source.len();
        if len < HEADER_LEN + TRAILER_LEN {
            return Err(at("file", 0, Fault::TooShort(len)));
        }
        if let Expected::File { length, .. } = expected
            && length != len
        {
            let (stated, actual) = (length, len);
            return Err(at("file", 0, Fault::Length { stated, actual }));
        }
        let trailer = source.read_unchecked(len - TRAILER_LEN..len)?;
        let trailer = Trailer::believe(&trailer, kind, len).map_err(damaged)?;
        let header = source.read_unchecked(0..HEADER_LEN)?;
        let believed = format::believe_header(&header, kind).map_err(damaged)?;

        let tail = source.read_unchecked(trailer.page_crcs..len - TRAILER_LEN)?;
        if crc32fast::hash(&tail) != trailer.tail_crc {
            return Err(at("section table", trailer.page_crcs, Fault::Checksum));
        }
        let pages_len = usize::try_from(trailer.toc - trailer.page_crcs).unwrap_or(usize::MAX);
        let (page_bytes, _) = tail.split_at_checked(pages_len).unwrap_or((&tail, &[]));
        let toc = source.read_unchecked(trailer.toc..len - TRAILER_LEN)?;
        if format::root(&header, page_bytes, &toc) != trailer.root {
            return Err(at("trailer", len - TRAILER_LEN + 32, Fault::Checksum));
        }
        if let Expected::File { root, .. } = expected
            && root != trailer.root
        {
            return Err(at("trailer", len - TRAILER_LEN + 32, Fault::Root));
        }
        let entries = format::believe_toc(&toc, &trailer).map_err(damaged)?;
        let page_count = (trailer.page_crcs - trailer.crc_table).div_ceil(BLOCK);
        let page_crcs = u32s(page_bytes).take(page_count as usize).collect();
        if u32s(page_bytes)
            .skip(page_count as usize)
            .any(|crc| crc != 0)
        {
            return Err(at("section table", trailer.page_crcs, Fault::Reserved));
        }
        drop((header, tail, toc));
        let blocks = Bitmap::new(trailer.crc_table.div_ceil(BLOCK));
        let container = Container {
            source,
            trailer,
            entries,
            page_crcs,
            verify: options.verify,
            blocks,
            pages: Bitmap::new(page_count),
            read_only: believed.ro_compat != 0,
        };
        if options.verify == Verify::Eager {
            container.check()?;
        }
        Ok(container)
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// The file's length in bytes.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.trailer.file_len
    }

    /// Whether the file has features that this build can read but must not
    /// copy into new files.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Bytes fetched from the file so far; 0 under the map backend, which
    /// cannot tell.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match &self.source {
            Source::Mapped(_) => 0,
            Source::Read(file) => file.bytes_read(),
        }
    }

    /// The section of `kind`, if the file has one.
    #[must_use]
    pub fn section(&self, kind: SectionKind) -> Option<Span> {
        let entry = self.entries.iter().find(|e| e.kind == kind)?;
        Some(Span {
            kind,
            offset: entry.offset,
            len: entry.len,
        })
    }

    /// The section of `kind`, which must be there.
    ///
    /// # Errors
    /// [`Fault::Missing`] as [`Error::Damaged`].
    pub fn require(&self, kind: SectionKind) -> Result<Span> {
        self.section(kind)
            .ok_or_else(|| self.damaged_part(kind.name(), self.trailer.toc, Fault::Missing))
    }

    /// The section of `kind`, which must be there and `len` bytes long.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::Bounds`] as [`Error::Damaged`].
    pub fn require_len(&self, kind: SectionKind, len: Option<u64>) -> Result<Span> {
        let span = self.require(kind)?;
        if Some(span.len) != len {
            return Err(self.damaged(span, 0, Fault::Bounds("section length")));
        }
        Ok(span)
    }

    /// Refuses a file with other sections than `known` (unknown optional ones
    /// aside).
    pub(crate) fn only_sections(&self, known: &[SectionKind]) -> Result<()> {
        let foreign = self
            .entries
            .iter()
            .find(|e| e.required && !known.contains(&e.kind));
        match foreign {
            Some(e) => Err(self.damaged_part(e.kind.name(), e.offset, Fault::Layout)),
            None => Ok(()),
        }
    }

    /// Decodes the META section.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is missing or not the encoding of a `T`.
    pub fn metadata<T: Encode + Decode<()>>(&self) -> Result<T> {
        let span = self.require(SectionKind::META)?;
        let bytes = self.read(span, 0..span.len)?;
        codec::decode(&bytes).map_err(|fault| self.damaged(span, 0, fault))
    }

    /// The bytes `range` of a section, verified as [`Verify`] says.
    ///
    /// # Errors
    /// [`Error::Damaged`] with [`Fault::Bounds`] for a range outside the
    /// section and [`Fault::Checksum`] for a damaged block; [`Error::Io`].
    pub fn read(&self, span: Span, range: Range<u64>) -> Result<View<'_>> {
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
                for block in blocks {
                    self.verify_mapped_block(block)?;
                }
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

    fn verify_mapped_block(&self, number: u64) -> Result<()> {
        if self.verify == Verify::Never || self.blocks.get(number) {
            return Ok(());
        }
        let bytes = self.source.read_unchecked(self.block_range(number))?;
        self.verify_block(number, &bytes)?;
        self.blocks.set(number);
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
            Verify::Lazy | Verify::Eager => self.verify_block(number, bytes),
        }
    }

    pub(super) fn verify_block(&self, number: u64, bytes: &[u8]) -> Result<()> {
        if crc32fast::hash(bytes) == self.block_crc(number)? {
            return Ok(());
        }
        let offset = number * BLOCK;
        Err(self.damaged_part(self.part_at(offset), offset, Fault::Checksum))
    }

    /// The CRC of block `number` from the table, whose page is verified first.
    fn block_crc(&self, number: u64) -> Result<u32> {
        let offset = number * 4;
        let page = self.table_page(offset / BLOCK)?;
        let start = (offset % BLOCK) as usize;
        let bytes = page.get(start..start + 4).unwrap_or_default();
        Ok(u32s(bytes).next().unwrap_or_default())
    }

    fn table_page(&self, page: u64) -> Result<View<'_>> {
        let start = self.trailer.crc_table + page * BLOCK;
        let range = start..(start + BLOCK).min(self.trailer.page_crcs);
        let verify = |bytes: &[u8]| {
            if Some(&crc32fast::hash(bytes)) == self.page_crcs.get(page as usize) {
                Ok(())
            } else {
                Err(self.damaged_part("block checksums", range.start, Fault::Checksum))
            }
        };
        match &self.source {
            Source::Mapped(file) => {
                let bytes = file.slice(&range)?;
                if !self.pages.get(page) {
                    verify(bytes)?;
                    self.pages.set(page);
                }
                Ok(View::Mapped(bytes))
            }
            Source::Read(file) => {
                // Pages live in the same cache, numbered from the top down.
                let block = file.block(u64::MAX - page, &range, verify)?;
                let range = 0..block.len();
                Ok(View::Block { block, range })
            }
        }
    }

    pub(super) fn trailer(&self) -> &Trailer {
        &self.trailer
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn check_table_page(&self, page: u64) -> Result<()> {
        self.table_page(page).map(drop)
    }

    pub(super) fn page_count(&self) -> u64 {
        self.page_crcs.len() as u64
    }

    /// Which part of the file stands at `offset`.
    fn part_at(&self, offset: u64) -> &'static str {
        let before = self.entries.iter().rev().find(|e| e.offset <= offset);
        before.map_or("header", |e| e.kind.name())
    }

    /// An error about byte `offset` of a section.
    pub(crate) fn damaged(&self, span: Span, offset: u64, fault: Fault) -> Error {
        self.damaged_part(span.kind.name(), span.offset.saturating_add(offset), fault)
    }

    pub(super) fn damaged_part(&self, part: &'static str, offset: u64, fault: Fault) -> Error {
        Error::Damaged {
            path: self.path().to_owned(),
            place: Place { part, offset },
            fault,
        }
    }
}

fn u32s(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().map(|c| u32::from_le_bytes(*c))
}

/// Bits that are set once and never cleared.
#[derive(Debug)]
struct Bitmap(Vec<AtomicU64>);

impl Bitmap {
    fn new(bits: u64) -> Bitmap {
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
