//! What of a damaged file can be told, and what nobody believes.

use proptest::prelude::*;

use super::*;
use crate::container::{ContainerWriter, SectionKind, Written};

const KIND: FileKind = FileKind::Records;

/// A file of three blocks, and how it is damaged.
struct Fixture {
    dir: tempfile::TempDir,
    written: Written,
    sound: Vec<u8>,
}

impl Fixture {
    fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut out = ContainerWriter::create(&path, KIND).unwrap();
        let bytes: Vec<u8> = (0..150_000_u32)
            .map(|n| (n.wrapping_mul(n) % 251) as u8)
            .collect();
        out.whole(SectionKind::BLOCKS, &bytes).unwrap();
        out.whole(SectionKind::BLOCK_INDEX, &bytes[..1000]).unwrap();
        out.metadata(&7_u32).unwrap();
        let written = out.finish().unwrap();
        let sound = std::fs::read(path).unwrap();
        Fixture {
            dir,
            written,
            sound,
        }
    }

    fn mended(&self, guess: bool, damage: impl FnOnce(&mut Vec<u8>)) -> Option<Mended> {
        let mut bytes = self.sound.clone();
        damage(&mut bytes);
        let path = self.dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let Written { length, root } = self.written;
        mend(&path, KIND, (length, root), guess).unwrap()
    }

    /// Fails unless a damaged file becomes the one that was written.
    #[track_caller]
    fn is_mended(&self, parts: &[&str], bits: u64, damage: impl FnOnce(&mut Vec<u8>)) {
        let mended = self.mended(bits > 0, damage).unwrap();
        assert_eq!((&*mended.parts, mended.bits), (parts, bits));
        mended.file.check().unwrap();
        let end = self.written.length;
        // Its trailer may not be there at all.
        let parts = [0..end - TRAILER_LEN, end - TRAILER_LEN..end];
        let bytes = parts.map(|part| mended.file.source.read_unchecked(part).unwrap().to_vec());
        assert!(bytes.concat() == self.sound);
    }
}

#[test]
fn a_sound_file_is_let_alone() {
    let file = Fixture::new();
    assert!(file.mended(true, |_| ()).is_none());
}

#[test]
fn header_and_trailer_follow_from_the_rest_whatever_is_left_of_them() {
    let file = Fixture::new();
    let end = file.sound.len() - 64;
    file.is_mended(&["header"], 0, |bytes| bytes[..64].fill(0));
    file.is_mended(&["header"], 0, |bytes| bytes[8] = 9);
    file.is_mended(&["trailer"], 0, |bytes| bytes[end..].fill(0));
    file.is_mended(&["trailer"], 0, |bytes| bytes[end] ^= 64);
    file.is_mended(&["header", "trailer"], 0, |bytes| {
        bytes[..64].fill(0xFF);
        bytes[end..].fill(0xFF);
    });
}

#[test]
fn a_bit_of_the_section_table_is_set_right() {
    let file = Fixture::new();
    let tail = file.sound.len() - 64 - 3 * 32 - 64;
    for byte in (tail..file.sound.len() - 64).step_by(7) {
        let flip = |bytes: &mut Vec<u8>| bytes[byte] ^= 1 << (byte % 8);
        file.is_mended(&["section table"], 0, flip);
        // By the trailer's CRC: without that there is no telling which.
        let both = |bytes: &mut Vec<u8>| {
            flip(bytes);
            *bytes.last_mut().unwrap() ^= 1;
        };
        assert!(file.mended(true, both).is_none());
    }
    assert!(file.mended(true, |bytes| bytes[tail] ^= 3).is_none());
}

#[test]
fn a_file_has_the_length_that_it_had() {
    let file = Fixture::new();
    file.is_mended(&["length"], 0, |bytes| bytes.push(0));
    file.is_mended(&["length"], 0, |bytes| bytes.extend_from_within(..70_000));
    file.is_mended(&["trailer", "length"], 0, |bytes| {
        bytes.pop();
    });
    file.is_mended(&["header", "trailer", "length"], 3, |bytes| {
        bytes.truncate(bytes.len() - 64);
        bytes[..64].fill(0);
        for byte in [64, 100_000, 131_072] {
            bytes[byte] ^= 0x20;
        }
    });
    // Some of the section table went, too.
    assert!(
        file.mended(true, |bytes| bytes.truncate(bytes.len() - 65))
            .is_none()
    );
}

#[test]
fn what_is_known_is_not_asked_of_the_disk() {
    let file = Fixture::new();
    let path = file.dir.path().join("file");
    let open = || ReadFile::new(std::fs::File::open(&path).unwrap(), &path).unwrap();
    let end = file.written.length;
    let patch = Patch {
        offset: end,
        bytes: vec![7; 64],
    };
    let longer = open().of_length(end + 64).patched(vec![patch]);
    assert_eq!(*longer.read(&(end..end + 64)).unwrap(), [7; 64]);
    assert_eq!(*longer.read(&(end + 1..end + 63)).unwrap(), [7; 62]);
    assert!(longer.read(&(end - 1..end + 64)).is_err());
    assert_eq!(given_back(&longer, end - 1..end + 64), [0; 65]);
}

#[test]
fn a_bit_in_each_block_is_set_right_if_one_may_guess() {
    let file = Fixture::new();
    let flip = |bytes: &mut Vec<u8>| {
        for byte in [64, 100_000, 131_072] {
            bytes[byte] ^= 0x20;
        }
    };
    assert!(file.mended(false, flip).is_none());
    file.is_mended(&[], 3, flip);
    // More than a bit: the block stays as it is, and its neighbour does not.
    let mended = file.mended(true, |bytes| {
        bytes[1000] ^= 3;
        bytes[100_000] ^= 1;
    });
    let mended = mended.unwrap();
    assert_eq!(mended.bits, 1);
    assert!(mended.file.check().is_err());
}

#[test]
fn a_bit_of_a_checksum_is_set_right_and_those_of_its_blocks() {
    let file = Fixture::new();
    let table = file.sound.len() - 64 - 3 * 32 - 64 - 64;
    file.is_mended(&[], 2, |bytes| {
        bytes[table + 5] ^= 1;
        bytes[70_000] ^= 1;
    });
    // Without the checksums, nothing can be said of a block.
    let damage = |bytes: &mut Vec<u8>| {
        bytes[table + 5] ^= 3;
        bytes[70_000] ^= 1;
    };
    assert!(file.mended(true, damage).is_none());
}

#[test]
fn where_too_much_is_damaged_nothing_is_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut out = ContainerWriter::create(&path, KIND).unwrap();
    let block = vec![7; BLOCK as usize];
    out.begin(SectionKind::BLOCKS).unwrap();
    for _ in 0..=MAX_BITS + 1 {
        out.write(&block).unwrap();
    }
    out.metadata(&7_u32).unwrap();
    let Written { length, root } = out.finish().unwrap();
    let sound = std::fs::read(&path).unwrap();
    let bits = |damaged: usize, change: u8, of: usize| {
        let mut bytes = sound.clone();
        for n in 0..damaged {
            bytes[n * BLOCK as usize + 100] ^= change;
        }
        bytes[of * BLOCK as usize + 200] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let mended = mend(&path, KIND, (length, root), true).unwrap();
        mended.map_or(0, |mended| mended.bits)
    };
    // One block with two bits, which are not to be told.
    assert_eq!(bits(MAX_BITS, 1, 0), MAX_BITS as u64 - 1);
    assert_eq!(bits(MAX_BITS, 1, MAX_BITS), 0);
    assert_eq!(bits(MAX_DAMAGED, 3, MAX_BITS), 1);
    assert_eq!(bits(MAX_DAMAGED + 1, 3, MAX_BITS), 0);
}

#[test]
fn another_file_is_not_made_of_it() {
    let file = Fixture::new();
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(100_000);
    assert!(file.mended(true, cut).is_none());
    assert!(file.mended(true, |bytes| bytes.truncate(3)).is_none());
    let path = file.dir.path().join("file");
    std::fs::write(&path, &file.sound).unwrap();
    let mended = mend(&path, KIND, (file.written.length, [7; 16]), true);
    assert!(mended.unwrap().is_none());
    let gone = mend(&file.dir.path().join("gone"), KIND, (200, [7; 16]), true);
    assert!(matches!(gone, Err(Error::Io { .. })));
}

proptest! {
    #[test]
    fn the_bit_that_flipped_is_found(bytes in prop::collection::vec(any::<u8>(), 1..3000), at: prop::sample::Index, bit in 0..8_u32) {
        let at = at.index(bytes.len());
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let change = crc32fast::hash(&bytes) ^ crc32fast::hash(&flipped);
        prop_assert_eq!(flipped_bit(bytes.len(), change), Some((at, 1 << bit)));
        prop_assert_eq!(flipped_bit(bytes.len(), 0), None);
    }

    #[test]
    fn the_trailer_is_among_those_that_the_length_allows(units in 1..1_u64 << 34, sections in 0..=64_u64) {
        let crc_table = units * 64;
        let (table, pages) = format::table_lengths(crc_table).unwrap();
        let len = crc_table + table + pages + sections * 32 + TRAILER_LEN;
        let found = trailers(len, [0; 16]).filter(|trailer| {
            u64::from(trailer.toc_len) == sections * 32 && trailer.crc_table == crc_table
        });
        let found: Vec<_> = found.map(|trailer| (trailer.page_crcs, trailer.toc)).collect();
        prop_assert_eq!(found, [(crc_table + table, crc_table + table + pages)]);
        for trailer in trailers(len, [0; 16]).take(200) {
            prop_assert!(Trailer::believe(&trailer.encode(KIND), KIND, len).is_ok());
        }
    }
}
