//! Containers taken apart, changed, and put together again with every checksum
//! right, so that what lies behind the checksums is reached: a checksum finds
//! damage, it does not stop a liar.
//!
//! The layout is that of docs/FORMAT.md.

use twinstore::container::FileKind;

use super::choices::Choices;

/// A change never makes a section longer than this.
const LONGEST: usize = 256 << 10;
/// The longest block of a zstd frame.
const LONGEST_RAW: usize = 128 << 10;
const HEADER: usize = 64;
const TRAILER: usize = 64;
const ALIGN: usize = 64;
const BLOCK: usize = 64 << 10;
/// Length of a row of the section table, and of the block index.
pub const ENTRY: usize = 32;
const BLOCKS: u32 = u32::from_le_bytes(*b"BLKS");
const BLOCK_INDEX: u32 = u32::from_le_bytes(*b"BIDX");

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().unwrap())
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
}

/// A container taken apart.
#[derive(Clone)]
pub struct Parts {
    pub kind: FileKind,
    /// The content root that it had.
    pub root: [u8; 16],
    header: Vec<u8>,
    sections: Vec<Section>,
    /// Bytes exclusive-ored into the trailer before its checksum.
    trailer: Vec<(u8, u8)>,
    fix_blocks: bool,
}

#[derive(Clone)]
struct Section {
    kind: u32,
    flags: u32,
    bytes: Vec<u8>,
    /// Added to offset and length in the section table, wrapping.
    lie: (u64, u64),
}

impl Parts {
    /// Takes a sound file apart.
    pub fn of(kind: FileKind, bytes: &[u8]) -> Parts {
        Parts::parse(kind, bytes).unwrap()
    }

    /// Takes a file apart whose sections can be found, whatever is in them.
    pub fn parse(kind: FileKind, bytes: &[u8]) -> Option<Parts> {
        let trailer = bytes.len().checked_sub(TRAILER)?;
        let toc = usize::try_from(u64_at(bytes, trailer + 16)).ok()?;
        let rows = bytes.get(toc..trailer)?.chunks_exact(ENTRY);
        let sections = rows.map(|row| {
            let start = usize::try_from(u64_at(row, 8)).ok()?;
            let end = start.checked_add(usize::try_from(u64_at(row, 16)).ok()?)?;
            Some(Section {
                kind: u32_at(row, 0),
                flags: u32_at(row, 4),
                bytes: bytes.get(start..end)?.to_vec(),
                lie: (0, 0),
            })
        });
        Some(Parts {
            kind,
            root: *bytes[trailer + 32..].first_chunk()?,
            header: bytes.get(..HEADER)?.to_vec(),
            sections: sections.collect::<Option<_>>()?,
            trailer: Vec::new(),
            fix_blocks: true,
        })
    }

    /// Puts the file together, with right checksums; also its content root.
    pub fn assemble(&mut self) -> (Vec<u8>, [u8; 16]) {
        if self.fix_blocks {
            self.fix_block_index();
        }
        let mut out = self.header.clone();
        let crc = crc32fast::hash(&out[..60]);
        out[60..].copy_from_slice(&crc.to_le_bytes());
        let header = out.clone();
        let mut toc = Vec::new();
        for section in &self.sections {
            let (offset, len) = (out.len() as u64, section.bytes.len() as u64);
            toc.extend(section.kind.to_le_bytes());
            toc.extend(section.flags.to_le_bytes());
            toc.extend(offset.wrapping_add(section.lie.0).to_le_bytes());
            toc.extend(len.wrapping_add(section.lie.1).to_le_bytes());
            toc.extend(crc32fast::hash(&section.bytes).to_le_bytes());
            toc.extend([0; 4]);
            out.extend_from_slice(&section.bytes);
            pad(&mut out);
        }
        let crc_table = out.len();
        let mut table: Vec<u8> = out
            .chunks(BLOCK)
            .flat_map(|block| crc32fast::hash(block).to_le_bytes())
            .collect();
        pad(&mut table);
        let mut pages: Vec<u8> = table
            .chunks(BLOCK)
            .flat_map(|page| crc32fast::hash(page).to_le_bytes())
            .collect();
        pad(&mut pages);
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for part in [&header, &pages, &toc] {
            hash.update(part);
        }
        let root = hash.digest128().to_le_bytes();
        let tail = [pages.as_slice(), &toc].concat();
        let mut trailer: Vec<u8> = Vec::new();
        trailer.extend((crc_table as u64).to_le_bytes());
        trailer.extend(((crc_table + table.len()) as u64).to_le_bytes());
        trailer.extend(((crc_table + table.len() + pages.len()) as u64).to_le_bytes());
        trailer.extend((toc.len() as u32).to_le_bytes());
        trailer.extend(crc32fast::hash(&tail).to_le_bytes());
        trailer.extend(root);
        trailer.extend(((crc_table + table.len() + tail.len() + 64) as u64).to_le_bytes());
        for (at, bits) in &self.trailer {
            trailer[usize::from(*at) % 56] ^= bits;
        }
        trailer.extend(crc32fast::hash(&trailer).to_le_bytes());
        trailer.extend(header[..4].iter().map(|byte| !byte));
        for part in [table, tail, trailer] {
            out.extend(part);
        }
        (out, root)
    }

    /// Writes the root of another file anew where it stands in a section.
    pub fn retarget(&mut self, old: &[u8; 16], new: &[u8; 16]) {
        for Section { bytes, .. } in &mut self.sections {
            let at = bytes.windows(16).position(|window| window == old);
            if let Some(place) = at.and_then(|at| bytes.get_mut(at..at + 16)) {
                place.copy_from_slice(new);
            }
        }
    }

    fn find(&mut self, kind: u32) -> Option<&mut Vec<u8>> {
        let section = self.sections.iter_mut().find(|s| s.kind == kind)?;
        Some(&mut section.bytes)
    }

    /// Blocks have checksums of their own.
    fn fix_block_index(&mut self) {
        let Some(blocks) = self.find(BLOCKS).map(|bytes| bytes.clone()) else {
            return;
        };
        let Some(index) = self.find(BLOCK_INDEX) else {
            return;
        };
        for entry in index.chunks_exact_mut(ENTRY) {
            let start = usize::try_from(u64_at(entry, 0)).unwrap_or(usize::MAX);
            let end = start.saturating_add(u32_at(entry, 16) as usize);
            if let Some(stored) = blocks.get(start..end) {
                entry[28..].copy_from_slice(&crc32fast::hash(stored).to_le_bytes());
            }
        }
    }

    /// Makes one change that `choices` describe.
    pub fn change(&mut self, choices: &mut Choices<'_>, bases: &[Parts]) {
        let what = choices.byte();
        let count = self.sections.len();
        let at = usize::from(choices.byte()) % count.max(1);
        match what % 16 {
            0..=6 if count > 0 => splice(&mut self.sections[at].bytes, choices),
            7..=8 => self.change_block(choices),
            9 if count > 0 => {
                self.sections.remove(at);
            }
            10 if count > 0 => {
                let other = usize::from(choices.byte()) % count;
                self.sections.swap(at, other);
            }
            11 if count > 0 => {
                let section = &mut self.sections[at];
                section.kind ^= u32::from(choices.byte()) << (8 * u32::from(choices.byte() % 4));
                section.flags ^= u32::from(choices.byte());
            }
            12 if count > 0 => {
                let lie = choices.number();
                let of_length = choices.byte() & 1 == 1;
                let both = &mut self.sections[at].lie;
                *(if of_length { &mut both.1 } else { &mut both.0 }) = lie;
            }
            13 => self.trailer.push((choices.byte(), choices.byte())),
            14 => {
                let at = usize::from(choices.byte()) % 60;
                self.header[at] ^= choices.byte();
                self.fix_blocks = choices.byte() & 7 != 7;
            }
            15 => {
                // A section of another file, in place of one or added.
                let other = &bases[usize::from(choices.byte()) % bases.len()];
                let take = usize::from(choices.byte()) % other.sections.len();
                let new = other.sections[take].clone();
                match self.sections.iter_mut().find(|s| s.kind == new.kind) {
                    Some(old) => *old = new,
                    None => self.sections.insert(at, new),
                }
            }
            _ => {}
        }
    }

    /// Changes what a block holds when it is unpacked.
    fn change_block(&mut self, choices: &mut Choices<'_>) {
        let Some(blocks) = self.find(BLOCKS).map(|bytes| bytes.clone()) else {
            return;
        };
        let number = usize::from(choices.byte());
        let Some(index) = self.find(BLOCK_INDEX) else {
            return;
        };
        let count = index.len() / ENTRY;
        if count == 0 {
            return;
        }
        let entry = &mut index[number % count * ENTRY..][..ENTRY];
        let start = usize::try_from(u64_at(entry, 0)).unwrap_or(usize::MAX);
        let end = start.saturating_add(u32_at(entry, 16) as usize);
        let stored = blocks.get(start..end).unwrap_or_default();
        let Ok(mut raw) = zstd::bulk::decompress(stored, LONGEST) else {
            return;
        };
        splice(&mut raw, choices);
        let packed = frame(&raw);
        entry[..8].copy_from_slice(&(blocks.len() as u64).to_le_bytes());
        entry[16..20].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        entry[20..24].copy_from_slice(&(raw.len() as u32).to_le_bytes());
        self.find(BLOCKS).unwrap().extend(packed);
    }
}

/// A zstd frame (RFC 8878) that holds the bytes as they are.
fn frame(raw: &[u8]) -> Vec<u8> {
    // Magic; one segment, content size in 4 bytes.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend((raw.len() as u32).to_le_bytes());
    let blocks = raw.chunks(LONGEST_RAW).count().max(1);
    for n in 0..blocks {
        let block = &raw[n * LONGEST_RAW..raw.len().min((n + 1) * LONGEST_RAW)];
        let header = (block.len() as u32) << 3 | u32::from(n + 1 == blocks);
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}

/// Changes bytes in place, or makes them more or fewer.
fn splice(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) {
    let what = choices.byte();
    // Positions count from either end, so that short inputs reach both.
    let distance = usize::from(choices.byte()) | usize::from(what & 0x30) << 4;
    let at = match what & 0x80 {
        0 => distance.min(bytes.len()),
        _ => bytes.len().saturating_sub(distance),
    };
    match what % 8 {
        0 | 1 => {
            let new = choices.byte();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = new;
            }
        }
        2 => {
            let new = choices.number().to_le_bytes();
            let width = [4, 8][usize::from(what >> 6 & 1)];
            for (old, new) in bytes.iter_mut().skip(at).zip(&new[..width]) {
                *old = *new;
            }
        }
        3 => bytes.truncate(at),
        4 => {
            let end = (at + usize::from(choices.byte())).min(bytes.len());
            bytes.drain(at..end);
        }
        5 => {
            let new = choices.byte();
            let count = usize::from(choices.byte()) << (choices.byte() % 11);
            if bytes.len() + count <= LONGEST {
                bytes.splice(at..at, std::iter::repeat_n(new, count));
            }
        }
        6 => {
            let count = usize::from(choices.byte() % 16);
            let new = choices.take(count);
            if bytes.len() + count <= LONGEST {
                bytes.splice(at..at, new.iter().copied());
            }
        }
        _ => {
            let end = (at + usize::from(choices.byte())).min(bytes.len());
            let again = bytes[at..end].to_vec();
            if bytes.len() + again.len() <= LONGEST {
                bytes.splice(at..at, again);
            }
        }
    }
}
