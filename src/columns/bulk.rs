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
#[derive(Debug)]
pub(super) struct Planes {
    pub(super) low: BitSet,
    pub(super) high: BitSet,
}

/// The mark of codes for which there is none. Marks are 0 to 3.
const NO_MARK: u8 = 4;

impl CodeRun {
    /// Hands out all codes in order: the number of the first, the codes, and
    /// how many of them count. The others are 0.
    pub(super) fn groups(
        &self,
        mut sink: impl FnMut(u32, &[u32; GROUP], usize) -> Result<()>,
    ) -> Result<()> {
        let width = usize::from(self.codes.width);
        let unpack = unpacker(width);
        let group_len = GROUP / 8 * width;
        let mut codes = [0; GROUP];
        let mut first = 0;
        while first < self.codes.count {
            // The bytes of the next groups, and what unpacking may look at
            // after them, as far as the run goes.
            let start = u64::from(first) / 8 * self.codes.width as u64;
            let end = start + (group_len * GROUPS + WINDOW) as u64;
            let end = end.min(self.codes.byte_len());
            let offset = self.codes.offset;
            let bytes = self.file.read(self.span, offset + start..offset + end)?;
            let groups = (self.codes.count - first).div_ceil(GROUP as u32);
            for group in 0..groups.min(GROUPS as u32) as usize {
                let packed = bytes.get(group * group_len..).unwrap_or_default();
                let needed = group_len + WINDOW;
                if packed.len() >= needed {
                    unpack(packed, &mut codes);
                } else {
                    let mut padded = [0; 32 * GROUP / 8 + WINDOW];
                    padded
                        .iter_mut()
                        .zip(packed)
                        .for_each(|(to, from)| *to = *from);
                    unpack(&padded, &mut codes);
                }
                let count = (self.codes.count - first).min(GROUP as u32) as usize;
                if let Some(rest) = codes.get_mut(count..) {
                    rest.fill(0);
                }
                sink(first, &codes, count)?;
                first = first.saturating_add(GROUP as u32);
            }
        }
        Ok(())
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
        const ONES: u64 = 0x0101_0101_0101_0101;
        let words = self.codes.count.div_ceil(GROUP as u32) as usize;
        let (mut low, mut high) = (Vec::with_capacity(words), Vec::with_capacity(words));
        self.groups(|_, codes, _| {
            let (mut low_word, mut high_word, mut all) = (0, 0, 0);
            let (eights, _) = codes.as_chunks::<8>();
            for (n, eight) in (0_u32..).step_by(8).zip(eights) {
                let mut bytes = 0;
                for (i, &code) in (0_u32..).step_by(8).zip(eight) {
                    let mark = marks.get(code as usize).copied().unwrap_or(NO_MARK);
                    bytes |= u64::from(mark) << i;
                }
                all |= bytes;
                low_word |= gather(bytes & ONES) << n;
                high_word |= gather(bytes >> 1 & ONES) << n;
            }
            low.push(low_word);
            high.push(high_word);
            match all & (ONES * u64::from(NO_MARK)) {
                0 => Ok(()),
                _ => Err(self.damaged("code")),
            }
        })?;
        Ok(Planes {
            low: BitSet::of_words(low, self.codes.count),
            high: BitSet::of_words(high, self.codes.count),
        })
    }

    fn damaged(&self, what: &'static str) -> crate::Error {
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
        codes.groups(|first, group, count| {
            let start = list.offset + u64::from(first) * 4;
            let bytes = codes
                .file
                .read(codes.span, start..start + count as u64 * 4)?;
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

/// The low bits of eight bytes, each 0 or 1, as the bits of one.
fn gather(bytes: u64) -> u64 {
    // The bit of byte i is moved to place 56 + i, by a factor of 2^(56 - 7 i);
    // the other products are all in different places below.
    bytes.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

type Unpack = fn(&[u8], &mut [u32; GROUP]);

/// With the width known to the compiler, each code is a load, a shift and a
/// mask with constants.
fn unpacker(width: usize) -> Unpack {
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
