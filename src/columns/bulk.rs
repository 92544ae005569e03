//! Codes of all entries at once: bit-packed runs unpacked 64 codes at a time.

use super::{
    bitset::BitSet,
    codes::{CodeRun, SparseRun},
};
use crate::error::{Fault, Result};

/// Codes unpacked together. As many bytes as 8 codes have bits, 8 times: every
/// group begins at a whole byte.
const GROUP: usize = 64;
/// Groups read from the file together: up to 256 KiB.
const GROUPS: usize = 1024;
/// What unpacking eight codes may look at.
const WINDOW: usize = 40;

/// Which entries of a run have a code whose mark has the one bit, or the other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Planes {
    pub(super) low: BitSet,
    pub(super) high: BitSet,
}

/// The mark of codes for which there is none. Marks are 0 to 3.
pub(super) const NO_MARK: u8 = 4;

impl CodeRun {
    /// Hands out the bytes of all groups in order: those that follow the codes
    /// before `first`, with what unpacking may look at after them.
    fn groups(&self, mut sink: impl FnMut(u32, &[u8]) -> Result<()>) -> Result<()> {
        let group_len = GROUP / 8 * usize::from(self.codes.width);
        let mut first = 0;
        while first < self.codes.count {
            let start = u64::from(first) / 8 * u64::from(self.codes.width);
            let end = start + (group_len * GROUPS + WINDOW) as u64;
            let end = end.min(self.codes.byte_len());
            let offset = self.codes.offset;
            let bytes = self.file.read(self.span, offset + start..offset + end)?;
            let groups = (self.codes.count - first).div_ceil(GROUP as u32);
            for group in 0..groups.min(GROUPS as u32) as usize {
                let packed = bytes.get(group * group_len..).unwrap_or_default();
                if packed.len() >= group_len + WINDOW {
                    sink(first, packed)?;
                } else {
                    // The run ends here.
                    let mut padded = [0; GROUP * 4 + WINDOW];
                    let bytes = padded.iter_mut().zip(packed);
                    bytes.for_each(|(to, from)| *to = *from);
                    sink(first, &padded)?;
                }
                first = first.saturating_add(GROUP as u32);
            }
        }
        Ok(())
    }

    /// Hands out all codes in order: the number of the first, and up to 64.
    pub(super) fn each(&self, mut sink: impl FnMut(u32, &[u32]) -> Result<()>) -> Result<()> {
        let unpack = unpacker(self.codes.width);
        let mut codes = [0; GROUP];
        self.groups(|first, packed| {
            unpack(packed, &mut codes);
            let count = (self.codes.count - first).min(GROUP as u32) as usize;
            sink(first, codes.get(..count).unwrap_or_default())
        })
    }

    /// Whether every code is `code`, which costs no more than comparing bytes.
    pub(super) fn all_are(&self, code: u32) -> Result<bool> {
        let width = u32::from(self.codes.width);
        if u64::from(code) >> width != 0 {
            return Ok(self.codes.count == 0);
        }
        // Eight codes make whole bytes.
        let (mut pattern, mut bits, mut filled) = (Vec::new(), 0_u64, 0);
        for _ in 0..8 {
            bits |= u64::from(code) << filled;
            filled += width;
            while filled >= 8 {
                pattern.push(bits as u8);
                bits >>= 8;
                filled -= 8;
            }
        }
        let whole = u64::from(self.codes.count / 8) * u64::from(width);
        let eights = (self.codes.count / 8).clamp(1, (GROUP * GROUPS / 8) as u32);
        let pattern = pattern.repeat(eights as usize);
        let piece = pattern.len().max(1) as u64;
        let mut at = 0;
        while at < whole {
            let end = (at + piece).min(whole);
            let range = self.codes.offset + at..self.codes.offset + end;
            let bytes = self.file.read(self.span, range)?;
            if pattern.get(..bytes.len()) != Some(&*bytes) {
                return Ok(false);
            }
            at = end;
        }
        for n in self.codes.count / 8 * 8..self.codes.count {
            if self.get(n)? != code {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Replaces each code by its mark, a number of two bits; refuses codes
    /// that have none.
    pub(super) fn marks(&self, marks: &[u8]) -> Result<Planes> {
        let words = self.codes.count.div_ceil(GROUP as u32) as usize;
        let (mut low, mut high) = (Vec::with_capacity(words), Vec::with_capacity(words));
        let mut push = |first: u32, marked: Marked| {
            low.push(marked.low);
            high.push(marked.high);
            // What follows the last code does not count.
            let count = (self.codes.count - first).min(GROUP as u32);
            let counts = u64::MAX >> (GROUP as u32 - count);
            match marked.none & counts {
                0 => Ok(()),
                _ => Err(self.damaged("code")),
            }
        };
        match marker(self.codes.width) {
            Some(Marker::Short(mark)) => {
                let table = table::<SHORT>(marks);
                self.groups(|first, packed| push(first, mark(packed, &table)))?;
            }
            Some(Marker::Long(mark)) => {
                let table = table::<LONG>(marks);
                self.groups(|first, packed| push(first, mark(packed, &table)))?;
            }
            None => self.each(|first, codes| {
                let mark = |code: &u32| marks.get(*code as usize).copied();
                let marks = codes.iter().map(|code| mark(code).unwrap_or(NO_MARK));
                push(first, Marked::of(marks))
            })?,
        }
        Ok(Planes {
            low: BitSet::of_words(low, self.codes.count),
            high: BitSet::of_words(high, self.codes.count),
        })
    }

    pub(super) fn damaged(&self, what: &'static str) -> crate::Error {
        let fault = Fault::Bounds(what);
        self.file.damaged(self.span, self.codes.offset, fault)
    }
}

impl SparseRun {
    /// As [`CodeRun::marks`]; entries that are not listed have code 0.
    pub(super) fn marks(&self, marks: &[u8]) -> Result<Planes> {
        let list = &self.entries;
        let absent = marks.first().copied().unwrap_or(NO_MARK);
        let fill = |bit: u8| match absent & bit {
            0 => BitSet::empty(list.of),
            _ => BitSet::full(list.of),
        };
        let (mut low, mut high) = (fill(1), fill(2));
        let codes = &self.codes;
        codes.each(|first, group| {
            let start = list.offset + u64::from(first) * 4;
            let end = start + group.len() as u64 * 4;
            let bytes = codes.file.read(codes.span, start..end)?;
            for (entry, &code) in bytes.as_chunks::<4>().0.iter().zip(group) {
                let entry = u32::from_le_bytes(*entry);
                let mark = marks.get(code as usize).filter(|_| entry < list.of);
                let Some(mark) = mark else {
                    return Err(codes.damaged("code of a listed entry"));
                };
                for (bit, plane) in [(1, &mut low), (2, &mut high)] {
                    match mark & bit {
                        0 => plane.remove(entry),
                        _ => plane.insert(entry),
                    }
                }
            }
            Ok(())
        })?;
        Ok(Planes { low, high })
    }
}

/// The marks of a group: a bit for each code.
#[derive(Debug, Default)]
struct Marked {
    low: u64,
    high: u64,
    /// Codes that have no mark.
    none: u64,
}

impl Marked {
    /// Of up to 64 marks.
    fn of(marks: impl Iterator<Item = u8>) -> Marked {
        let mut marked = Marked::default();
        for (n, mark) in (0_u32..).zip(marks) {
            marked.put(u64::from(mark), n);
        }
        marked
    }

    /// Adds eight marks, a byte each, as those from number `n` on.
    fn put(&mut self, marks: u64, n: u32) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        self.low |= gather(marks & ONES) << n;
        // Most questions fit all values.
        if marks & (ONES * 6) != 0 {
            self.high |= gather(marks >> 1 & ONES) << n;
            self.none |= gather(marks >> 2 & ONES) << n;
        }
    }
}

/// The low bits of eight bytes, each 0 or 1, as the bits of one.
fn gather(bytes: u64) -> u64 {
    // The bit of byte i is moved to place 56 + i, by a factor of 2^(56 - 7 i);
    // the other products are all in different places below.
    bytes.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Codes below these are marked as they are unpacked, with a table of one of
/// these sizes: no code of so many bits is outside of it. A query that keeps few
/// rows would feel the making of a table that is larger than it must be.
const SHORT: usize = 1 << 12;
const LONG: usize = 1 << 16;

/// A mark for each code, and none for those that do not occur.
fn table<const LEN: usize>(marks: &[u8]) -> Box<[u8; LEN]> {
    let mut table = Box::new([NO_MARK; LEN]);
    table
        .iter_mut()
        .zip(marks)
        .for_each(|(to, from)| *to = *from);
    table
}

type Unpack = fn(&[u8], &mut [u32; GROUP]);
type Mark<const LEN: usize> = fn(&[u8], &[u8; LEN]) -> Marked;

/// How codes of up to 12 or up to 16 bits are marked.
enum Marker {
    Short(Mark<SHORT>),
    Long(Mark<LONG>),
}

/// With the width known to the compiler, each code is a shift and a mask with
/// constants.
fn unpacker(width: u8) -> Unpack {
    macro_rules! of_width {
        ($($width:literal)*) => {
            match width {
                $($width => unpack::<$width>,)*
                _ => unpack::<32>,
            }
        };
    }
    of_width! {
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    }
}

/// For codes of up to 16 bits.
fn marker(width: u8) -> Option<Marker> {
    macro_rules! of_width {
        (short $($short:literal)* long $($long:literal)*) => {
            match width {
                $($short => Some(Marker::Short(mark::<$short, SHORT>)),)*
                $($long => Some(Marker::Long(mark::<$long, LONG>)),)*
                _ => None,
            }
        };
    }
    of_width! { short 0 1 2 3 4 5 6 7 8 9 10 11 12 long 13 14 15 16 }
}

/// Unpacks the group that `packed` begins with.
fn unpack<const WIDTH: usize>(packed: &[u8], codes: &mut [u32; GROUP]) {
    for (n, eight) in codes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let window = packed
            .get(n * WIDTH..)
            .and_then(|p| p.first_chunk::<WINDOW>());
        let Some(window) = window else {
            return;
        };
        for (i, code) in eight.iter_mut().enumerate() {
            let bytes = window
                .get(i * WIDTH / 8..)
                .and_then(|w| w.first_chunk::<8>());
            let word = u64::from_le_bytes(bytes.copied().unwrap_or_default());
            *code = (word >> (i * WIDTH % 8) & ((1 << WIDTH) - 1)) as u32;
        }
    }
}

/// Unpacks the group that `packed` begins with, and marks its codes.
fn mark<const WIDTH: usize, const LEN: usize>(packed: &[u8], table: &[u8; LEN]) -> Marked {
    let mut marked = Marked::default();
    for n in 0..8 {
        // Eight codes are no more than 128 bits.
        let bytes = packed.get(n * WIDTH..).and_then(|p| p.first_chunk::<16>());
        let Some(bytes) = bytes else {
            return marked;
        };
        let word = u128::from_le_bytes(*bytes);
        let mut marks = 0;
        for i in 0..8 {
            let code = (word >> (i * WIDTH)) as usize & ((1 << WIDTH) - 1);
            // Never outside, which the compiler sees.
            let mark = table.get(code).copied().unwrap_or(NO_MARK);
            marks |= u64::from(mark) << (i * 8);
        }
        marked.put(marks, n as u32 * 8);
    }
    marked
}
