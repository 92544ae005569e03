//! Opening a container: the fixed parts are read and checked, the data are
//! not touched.
//!
//! That is header, trailer, section table and the CRCs of the CRC table's
//! pages: a few hundred bytes, and 4 more for each GiB of data.

use std::{path::Path, sync::OnceLock};

use bincode::{Decode, Encode};

use super::{
    codec,
    format::{self, BLOCK, Entry, HEADER_LEN, TRAILER_LEN, Trailer},
    kinds::{FileKind, SectionKind},
    read::{Bitmap, Span, u32s},
};
use crate::{
    bytes::{Backend, MemoryFile, Source},
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
    /// Each block when it is touched, as [`Lazy`](Verify::Lazy); but where it
    /// is damaged, a section that is whole by its own checksum is believed,
    /// and so is a compressed block that is whole by its own. The price of a
    /// damaged block is then no more than what is damaged in it. For salvage.
    Finely,
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
    kind: FileKind,
    pub(super) source: Source,
    pub(super) trailer: Trailer,
    pub(super) entries: Vec<Entry>,
    /// CRCs of the pages of the CRC table, checked at open.
    pub(super) page_crcs: Vec<u32>,
    pub(super) verify: Verify,
    /// One bit a block of data, set when its CRC was right.
    pub(super) blocks: Bitmap,
    /// One bit a page of the CRC table.
    pub(super) pages: Bitmap,
    /// For [`Verify::Finely`]: whether each section is whole, once that is
    /// known.
    pub(super) whole: Vec<OnceLock<bool>>,
    read_only: bool,
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
        let source = Source::open(path, options.backend)?;
        Container::of(source, kind, expected, options.verify)
    }

    /// Opens a file whose bytes are `content` and on no disk.
    pub(super) fn in_memory(content: &[u8], kind: FileKind) -> Result<Container> {
        let source = Source::Memory(MemoryFile::new(content));
        Container::of(source, kind, Expected::Any, Verify::Lazy)
    }

    pub(super) fn of(
        source: Source,
        kind: FileKind,
        expected: Expected,
        verify: Verify,
    ) -> Result<Container> {
        let damaged = |(place, fault)| Error::Damaged {
            path: source.path().clone(),
            place,
            fault,
        };
        let at = |part, offset, fault| damaged((Place { part, offset }, fault));
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
        // All of it at once; what is between is not looked at.
        source.will_need(0..HEADER_LEN);
        source.will_need(len.saturating_sub(BLOCK)..len);
        // The header first: its version says how to read all the rest.
        let header = source.read_unchecked(0..HEADER_LEN)?;
        let believed = format::believe_header(&header, kind).map_err(damaged)?;
        let trailer = source.read_unchecked(len - TRAILER_LEN..len)?;
        let trailer = Trailer::believe(&trailer, kind, len).map_err(damaged)?;

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
            kind,
            whole: entries.iter().map(|_| OnceLock::new()).collect(),
            source,
            trailer,
            entries,
            page_crcs,
            verify,
            blocks,
            pages: Bitmap::new(page_count),
            read_only: believed.ro_compat != 0,
        };
        if verify == Verify::Eager {
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
            Source::Mapped(_) | Source::Memory(_) => 0,
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

    /// The kind of the file.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The content root, which identifies the file.
    #[must_use]
    pub fn root(&self) -> [u8; 16] {
        self.trailer.root
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
