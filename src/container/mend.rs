//! Setting right what can be told of a damaged file. The file itself is not changed.
//!
//! The header of a kind of files is the same in all of this version, and the trailer follows
//! from the lengths of the file and of its section table. Whether they are what they were, as
//! the section table and the CRCs of pages beside them, the root tells that the manifest has:
//! 128 bits.
//!
//! A flipped bit of the data can be found by the CRC of its block, since each of the 2^19
//! bits changes it in another way. But so may other damage, once in 8,192 times, and the
//! section's CRC would not know better: what one CRC-32 misses, another one misses, too. So
//! that is a guess, to be proved by what comes of it. (Of a manifest nothing else tells a root,
//! and nothing proves more of it than that it makes sense.)

use std::{ops::Range, path::Path};

use super::{
    Container, Expected, FileKind, Verify,
    format::{self, BLOCK, ENTRY_LEN, HEADER_LEN, MAX_SECTIONS, TRAILER_LEN, Trailer},
    read::{crc, u32s},
};
use crate::{
    bytes::{Patch, ReadFile, Source},
    disk,
    error::{Error, Result},
};

/// The polynomial of CRC-32/IEEE, its lowest power first.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// Where more bits than these flipped, or so many blocks are damaged in another way, nothing
/// is guessed: it would be in vain, and take a millisecond a block.
const MAX_BITS: usize = 1024;
const MAX_DAMAGED: usize = 64;

/// A file that was damaged, open with some of it set right.
#[derive(Debug)]
pub(crate) struct Mended {
    pub(crate) file: Container,
    /// Parts that were set right, which the root proves.
    pub(crate) parts: Vec<&'static str>,
    /// Bits of data, or of their checksums, that were set right by guess.
    pub(crate) bits: u64,
}

/// Opens the file of that length and root with its header, section table and trailer set
/// right, and with `guess` also what may be single bits of its data. `None` where there is
/// nothing to be set right, or no way to.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn mend(
    path: &Path,
    kind: FileKind,
    (length, root): (u64, [u8; 16]),
    guess: bool,
) -> Result<Option<Mended>> {
    let open = || {
        let file = disk::open_own(path).map_err(Error::io("open", path))?;
        ReadFile::new(file, path)
    };
    let file = open()?;
    let found = file.len();
    // Without more than its trailer, a file is without its section table.
    if length < HEADER_LEN + TRAILER_LEN || found < length - TRAILER_LEN {
        return Ok(None);
    }
    let file = file.of_length(length);
    let Some(ends) = Ends::find(&file, kind, root) else {
        return Ok(None);
    };
    let (mut parts, mut patches): (Vec<_>, Vec<_>) = ends.patches(&file, kind).into_iter().unzip();
    if found != length {
        parts.push("length");
    }
    let expected = Expected::File { length, root };
    let patched = |file: ReadFile, patches: &[Patch]| {
        let source = Source::Read(file.patched(patches.to_vec()));
        Container::of(source, kind, expected, Verify::Finely)
    };
    let mut file = match patched(file, &patches) {
        Ok(file) => file,
        Err(e) if e.is_damage() => return Ok(None),
        Err(e) => return Err(e),
    };
    let bits = if guess {
        file.flipped_bits()
    } else {
        Vec::new()
    };
    let count = bits.len() as u64;
    if count > 0 {
        patches.extend(bits);
        file = patched(open()?.of_length(length), &patches)?;
    }
    let mended = Mended {
        file,
        parts,
        bits: count,
    };
    Ok((mended.bits > 0 || !mended.parts.is_empty()).then_some(mended))
}

/// The same of a file whose length and root nothing else tells, as those of a manifest. Its
/// trailer does; where that is damaged, nothing else may be, and all that is checked has to
/// agree with what the rest says the trailer was.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn mend_alone(path: &Path, kind: FileKind) -> Result<Option<Mended>> {
    let file = disk::open_own(path).map_err(Error::io("open", path))?;
    let file = ReadFile::new(file, path)?;
    let length = file.len();
    let Some(end) = length.checked_sub(TRAILER_LEN) else {
        return Ok(None);
    };
    let trailer = file.read(&(end..length))?;
    if let Ok(trailer) = Trailer::believe(&trailer, kind, length) {
        return mend(path, kind, (length, trailer.root), true);
    }
    let header = format::header(kind);
    for trailer in trailers(length, [0; 16]) {
        let pages = file.read(&(trailer.page_crcs..trailer.toc))?;
        let toc = file.read(&(trailer.toc..end))?;
        let root = format::root(&header, &pages, &toc);
        if let Some(mended) = mend(path, kind, (length, root), false)?
            && mended.parts == ["trailer"]
            && mended.file.check().is_ok()
        {
            return Ok(Some(mended));
        }
    }
    Ok(None)
}

/// The parts at both ends of a file, as they were.
struct Ends {
    trailer: Trailer,
    /// Page CRCs and section table.
    tail: Vec<u8>,
}

impl Ends {
    /// Those that have the root.
    fn find(file: &ReadFile, kind: FileKind, root: [u8; 16]) -> Option<Ends> {
        let header = format::header(kind);
        let end = file.len() - TRAILER_LEN;
        let trailer = given_back(file, end..file.len());
        let stated = Trailer::believe(&trailer, kind, file.len()).ok();
        let stated = stated.map(|trailer| (Some(trailer.tail_crc), trailer));
        let computed = trailers(file.len(), root).map(|trailer| (None, trailer));
        for (tail_crc, trailer) in stated.into_iter().chain(computed) {
            // A disk takes seconds to give up on a sector: where it gave nothing back of this
            // tail, it is not asked for longer ones.
            let tail = file.read(&(trailer.page_crcs..end)).ok()?.to_vec();
            let pages = (trailer.toc - trailer.page_crcs) as usize;
            let is_sound = |tail: &[u8]| {
                let (pages, toc) = tail.split_at_checked(pages).unwrap_or((tail, &[]));
                format::root(&header, pages, toc) == root
            };
            let flipped = || with_bit_flipped(&tail, tail_crc?);
            let tail = match is_sound(&tail) {
                true => Some(tail),
                false => flipped().filter(|tail| is_sound(tail)),
            };
            if let Some(tail) = tail {
                let tail_crc = crc32fast::hash(&tail);
                let trailer = Trailer {
                    tail_crc,
                    root,
                    ..trailer
                };
                return Some(Ends { trailer, tail });
            }
        }
        None
    }

    /// What is different in the file.
    fn patches(&self, file: &ReadFile, kind: FileKind) -> Vec<(&'static str, Patch)> {
        let trailer = file.len() - TRAILER_LEN;
        let parts = [
            ("header", 0, format::header(kind).to_vec()),
            ("section table", self.trailer.page_crcs, self.tail.clone()),
            ("trailer", trailer, self.trailer.encode(kind).to_vec()),
        ];
        let mut patches = Vec::new();
        for (part, offset, bytes) in parts {
            if given_back(file, offset..offset + bytes.len() as u64) != bytes {
                patches.push((part, Patch { offset, bytes }));
            }
        }
        patches
    }
}

/// What a disk says is there: zeros where it does not give back anything. Whoever asks has
/// the root to tell whether that can be so.
fn given_back(file: &ReadFile, range: Range<u64>) -> Vec<u8> {
    let zeros = |_| vec![0; (range.end - range.start) as usize];
    file.read(&range).map_or_else(zeros, |bytes| bytes.to_vec())
}

/// The trailers that a file of `len` bytes may have, one for each number of sections and of
/// blocks.
fn trailers(len: u64, root: [u8; 16]) -> impl Iterator<Item = Trailer> {
    let tables = (0..=MAX_SECTIONS).filter_map(move |sections| {
        let toc_len = sections * ENTRY_LEN;
        let toc = (len - TRAILER_LEN).checked_sub(toc_len as u64)?;
        Some((toc, toc_len as u32))
    });
    tables.flat_map(move |(toc, toc_len)| {
        // The more blocks, the longer their table, and the less is left for them.
        let most = toc / BLOCK + 1;
        let least = room(toc, most).map_or(0, |end| end.div_ceil(BLOCK));
        let of_blocks = move |blocks: u64| {
            let crc_table = room(toc, blocks)?;
            let (table_len, _) = format::table_lengths(crc_table)?;
            let fits = crc_table.div_ceil(BLOCK) == blocks && crc_table >= HEADER_LEN;
            fits.then_some(Trailer {
                crc_table,
                page_crcs: crc_table + table_len,
                toc,
                toc_len,
                tail_crc: 0,
                root,
                file_len: len,
            })
        };
        (least..=most).filter_map(of_blocks)
    })
}

/// Where data end whose tables end at `toc`, if they are so many blocks.
fn room(toc: u64, blocks: u64) -> Option<u64> {
    let (table, pages) = format::table_lengths(blocks * BLOCK)?;
    toc.checked_sub(table)?.checked_sub(pages)
}

impl Container {
    /// Patches for the blocks of data, and the pages of their CRCs, that would be sound but
    /// for one bit. None where that are too many, or too much else is damaged.
    fn flipped_bits(&self) -> Vec<Patch> {
        let mut patches = Vec::new();
        let mut damaged = 0;
        let mut mend = |start: u64, bytes: &mut [u8], stated: u32| {
            let found = crc(bytes);
            if found == stated {
                return true;
            }
            let flipped = flipped_bit(bytes.len(), found ^ stated);
            let there = flipped.and_then(|(at, bit)| Some((at, bit, bytes.get_mut(at)?)));
            let Some((at, bit, there)) = there else {
                damaged += 1;
                return damaged <= MAX_DAMAGED;
            };
            *there ^= bit;
            patches.push(Patch {
                offset: start + at as u64,
                bytes: vec![*there],
            });
            patches.len() <= MAX_BITS
        };
        let table = self.trailer.crc_table..self.trailer.page_crcs;
        let pages = table.clone().step_by(BLOCK as usize);
        let mut blocks = 0..self.trailer.crc_table.div_ceil(BLOCK);
        for (start, &stated) in pages.zip(&self.page_crcs) {
            // As zeros, what cannot be read is damaged, and by more than a bit.
            let end = (start + BLOCK).min(table.end);
            let page = self.source.read_unchecked(start..end);
            let mut page = page.map_or_else(|_| vec![0; (end - start) as usize], |p| p.to_vec());
            if !mend(start, &mut page, stated) {
                return Vec::new();
            }
            let is_known = crc(&page) == stated;
            for (number, stated) in blocks.by_ref().zip(u32s(&page)) {
                let range = self.block_range(number);
                let block = self.source.read_unchecked(range.clone());
                let Some(block) = block.ok().filter(|_| is_known) else {
                    continue;
                };
                if !mend(range.start, &mut block.to_vec(), stated) {
                    return Vec::new();
                }
            }
        }
        patches
    }
}

/// `bytes` with the one bit flipped that makes their CRC right.
fn with_bit_flipped(bytes: &[u8], crc: u32) -> Option<Vec<u8>> {
    let (at, bit) = flipped_bit(bytes.len(), crc32fast::hash(bytes) ^ crc)?;
    let mut bytes = bytes.to_vec();
    *bytes.get_mut(at)? ^= bit;
    Some(bytes)
}

/// The bit, as a byte and the bit in it, that changes the CRC of `len` bytes by `change`.
///
/// A CRC is linear: a bit that flips changes it in a way that depends only on how many bits
/// follow. The last one changes it by the polynomial, and each one before by what a further
/// step makes of that.
fn flipped_bit(len: usize, change: u32) -> Option<(usize, u8)> {
    if change == 0 {
        return None;
    }
    let mut of_bit = POLYNOMIAL;
    for from_end in 0..len.saturating_mul(8) {
        if of_bit == change {
            return Some((len - 1 - from_end / 8, 0x80 >> (from_end % 8)));
        }
        let carry = POLYNOMIAL * (of_bit & 1);
        of_bit = of_bit >> 1 ^ carry;
    }
    None
}

#[cfg(test)]
mod tests;
