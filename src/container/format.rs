//! The fixed parts of a container: header, section table, trailer. The layout
//! is drawn in `docs/FORMAT.md`.
//!
//! `parse` turns bytes into fields; only `believe` makes them a type that the
//! rest of the code accepts, after magic, checksum, version, flags and
//! reserved bytes were checked in that order.

use xxhash_rust::xxh3::Xxh3;

use super::kinds::{FileKind, SectionKind};
use crate::{
    bytes::View,
    error::{Fault, Place},
};

/// Version of the format that this build writes. It reads all of the same major up to
/// this minor.
pub(crate) const VERSION: (u16, u16) = (1, 0);
/// The major of the drafts before 1.0, of which files may lie about.
const DRAFT: u16 = 0;

pub(crate) const HEADER_LEN: u64 = 64;
pub(crate) const TRAILER_LEN: u64 = 64;
pub(crate) const ENTRY_LEN: usize = 32;
/// Sections, tables and buffers start at multiples of this.
pub(crate) const ALIGN: u64 = 64;
/// log2 of the bytes that one CRC covers.
pub(crate) const BLOCK_SHIFT: u8 = 16;
pub(crate) const BLOCK: u64 = 1 << BLOCK_SHIFT;
/// Algorithm 2: CRC-32/IEEE.
const CRC32_IEEE: u8 = 2;
/// One section a kind; there are far fewer kinds.
pub(crate) const MAX_SECTIONS: usize = 64;

/// What is wrong, and where.
pub(crate) type Refusal = (Place, Fault);

fn refuse<T>(part: &'static str, offset: u64, fault: Fault) -> Result<T, Refusal> {
    Err((Place { part, offset }, fault))
}

/// Rounds up to the alignment of sections; `None` on overflow.
pub(crate) fn align_up(offset: u64) -> Option<u64> {
    offset.checked_next_multiple_of(ALIGN)
}

/// Reads integers from the front of a slice. Running out of bytes yields
/// zeros: callers have checked the length, which every layout here fixes.
pub(crate) struct FieldReader<'a>(pub(crate) &'a [u8]);

impl FieldReader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => [0; N],
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.take()
    }

    pub(crate) fn u8(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// The header of a file of `kind`.
pub(crate) fn header(kind: FileKind) -> [u8; HEADER_LEN as usize] {
    let mut bytes = Vec::with_capacity(HEADER_LEN as usize);
    bytes.extend(kind.magic());
    bytes.extend(VERSION.0.to_le_bytes());
    bytes.extend(VERSION.1.to_le_bytes());
    bytes.extend([CRC32_IEEE, BLOCK_SHIFT]);
    bytes.resize(60, 0);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    fixed(&bytes)
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    FieldReader(bytes).bytes()
}

/// A header whose checksum and meaning were checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    /// Set bits mean that this build may read the file, never copy it on.
    pub(crate) ro_compat: u32,
}

/// Checks a header: magic, checksum, then meaning.
pub(crate) fn believe_header(bytes: &[u8], kind: FileKind) -> Result<Header, Refusal> {
    let at = |offset, fault| refuse("header", offset, fault);
    let mut fields = FieldReader(bytes);
    if fields.bytes() != kind.magic() {
        return at(0, Fault::Magic);
    }
    let version = (fields.u16(), fields.u16());
    let algorithm = fields.u8();
    let shift = fields.u8();
    let reserved_a = fields.u16();
    let incompat = fields.u32();
    let ro_compat = fields.u32();
    let _compat = fields.u32();
    let reserved_b: [u8; 32] = fields.bytes();
    let crc = fields.u32();
    if bytes.get(..60).map(crc32fast::hash) != Some(crc) {
        return at(0, Fault::Checksum);
    }
    match version {
        (DRAFT, minor) => return at(8, Fault::Draft(minor)),
        (major, minor) if major != VERSION.0 || minor > VERSION.1 => {
            return at(8, Fault::Version(major, minor));
        }
        _ => {}
    }
    if incompat != 0 {
        return at(16, Fault::IncompatFlags(incompat));
    }
    if algorithm != CRC32_IEEE {
        return at(12, Fault::Algorithm(algorithm));
    }
    if shift != BLOCK_SHIFT {
        return at(13, Fault::Value("block size"));
    }
    if reserved_a != 0 || reserved_b != [0; 32] {
        return at(14, Fault::Reserved);
    }
    Ok(Header { ro_compat })
}

/// The trailer: where the tables are, and how long the file is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trailer {
    pub(crate) crc_table: u64,
    pub(crate) page_crcs: u64,
    pub(crate) toc: u64,
    pub(crate) toc_len: u32,
    /// CRC of page CRCs and section table.
    pub(crate) tail_crc: u32,
    /// XXH3-128 over header, page CRCs and section table.
    pub(crate) root: [u8; 16],
    pub(crate) file_len: u64,
}

impl Trailer {
    pub(crate) fn encode(&self, kind: FileKind) -> [u8; TRAILER_LEN as usize] {
        let mut bytes = Vec::with_capacity(TRAILER_LEN as usize);
        bytes.extend(self.crc_table.to_le_bytes());
        bytes.extend(self.page_crcs.to_le_bytes());
        bytes.extend(self.toc.to_le_bytes());
        bytes.extend(self.toc_len.to_le_bytes());
        bytes.extend(self.tail_crc.to_le_bytes());
        bytes.extend(self.root);
        bytes.extend(self.file_len.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend(kind.end_mark());
        fixed(&bytes)
    }

    /// Checks a trailer against the real length of the file. Afterwards the
    /// tables are known to follow each other without a gap and to have the
    /// lengths that follow from the data's.
    pub(crate) fn believe(bytes: &[u8], kind: FileKind, len: u64) -> Result<Trailer, Refusal> {
        let start = len.saturating_sub(TRAILER_LEN);
        let at = |offset, fault| refuse("trailer", start + offset, fault);
        let mut fields = FieldReader(bytes);
        let trailer = Trailer {
            crc_table: fields.u64(),
            page_crcs: fields.u64(),
            toc: fields.u64(),
            toc_len: fields.u32(),
            tail_crc: fields.u32(),
            root: fields.bytes(),
            file_len: fields.u64(),
        };
        let crc = fields.u32();
        if fields.bytes() != kind.end_mark() {
            return at(60, Fault::EndMagic);
        }
        if bytes.get(..56).map(crc32fast::hash) != Some(crc) {
            return at(0, Fault::Checksum);
        }
        if trailer.file_len != len {
            let stated = trailer.file_len;
            return at(
                48,
                Fault::Length {
                    stated,
                    actual: len,
                },
            );
        }
        let (table_len, pages_len) = table_lengths(trailer.crc_table).unwrap_or((u64::MAX, 0));
        let fits = || {
            let entries_fit = (trailer.toc_len as usize).is_multiple_of(ENTRY_LEN)
                && trailer.toc_len as usize / ENTRY_LEN <= MAX_SECTIONS;
            let page_crcs = trailer.crc_table.checked_add(table_len)?;
            let toc = page_crcs.checked_add(pages_len)?;
            let end = toc.checked_add(u64::from(trailer.toc_len))?;
            Some(
                trailer.crc_table >= HEADER_LEN
                    && entries_fit
                    && trailer.page_crcs == page_crcs
                    && trailer.toc == toc
                    && end.checked_add(TRAILER_LEN)? == len,
            )
        };
        if fits() != Some(true) {
            return at(0, Fault::Layout);
        }
        Ok(trailer)
    }
}

/// Lengths of the CRC table and of its pages' CRCs, both padded, for data
/// that end at `crc_table`.
pub(crate) fn table_lengths(crc_table: u64) -> Option<(u64, u64)> {
    let table = align_up(crc_table.div_ceil(BLOCK).checked_mul(4)?)?;
    let pages = align_up(table.div_ceil(BLOCK).checked_mul(4)?)?;
    Some((table, pages))
}

/// One row of the section table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) kind: SectionKind,
    pub(crate) required: bool,
    pub(crate) offset: u64,
    pub(crate) len: u64,
    /// CRC of the whole section, by which `verify` names the damaged one.
    pub(crate) crc: u32,
}

impl Entry {
    pub(crate) fn encode(&self) -> [u8; ENTRY_LEN] {
        let mut bytes = Vec::with_capacity(ENTRY_LEN);
        bytes.extend(self.kind.0.to_le_bytes());
        bytes.extend(u32::from(self.required).to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.len.to_le_bytes());
        bytes.extend(self.crc.to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        fixed(&bytes)
    }
}

/// Checks the section table: sections end to end from the header to
/// `crc_table`, each kind once, no unknown kind that is required.
pub(crate) fn believe_toc(bytes: &View<'_>, trailer: &Trailer) -> Result<Vec<Entry>, Refusal> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut expected = HEADER_LEN;
    for (i, row) in bytes.chunks_exact(ENTRY_LEN).enumerate() {
        let at = |fault| {
            let offset = trailer.toc + (i * ENTRY_LEN) as u64;
            refuse("section table", offset, fault)
        };
        let mut fields = FieldReader(row);
        let kind = SectionKind(fields.u32());
        let flags = fields.u32();
        let entry = Entry {
            kind,
            required: flags & 1 == 1,
            offset: fields.u64(),
            len: fields.u64(),
            crc: fields.u32(),
        };
        if fields.u32() != 0 || flags > 1 {
            return at(Fault::Reserved);
        }
        if entry.required && kind.name() == "unknown section" {
            return at(Fault::UnknownSection(kind.0));
        }
        let end = entry.offset.checked_add(entry.len).and_then(align_up);
        let Some(end) = end.filter(|&end| end <= trailer.crc_table) else {
            return at(Fault::Layout);
        };
        if entry.offset != expected || entries.iter().any(|e| e.kind == kind) {
            return at(Fault::Layout);
        }
        expected = end;
        entries.push(entry);
    }
    if expected != trailer.crc_table {
        return refuse("section table", trailer.toc, Fault::Layout);
    }
    Ok(entries)
}

/// The content root: with the CRC tables below it, it determines every byte
/// of the data against accidents (not against attackers).
pub(crate) fn root(header: &[u8], page_crcs: &[u8], toc: &[u8]) -> [u8; 16] {
    let mut hash = Xxh3::new();
    hash.update(header);
    hash.update(page_crcs);
    hash.update(toc);
    hash.digest128().to_le_bytes()
}
