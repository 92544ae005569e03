//! Bitmaps with counts, so that the set bits before any place are counted,
//! and the set bit of any number is found, by reading a few bytes.

use crate::{
    bytes::View,
    container::{Container, ContainerWriter, Span},
    error::{Fault, Result},
};

/// Bits that one count stands for.
const GROUP: u32 = 512;
const GROUP_BYTES: u64 = GROUP as u64 / 8;
const COUNT: Fault = Fault::Bounds("count of the bits that are set");

/// A bitmap in a section, of which `ones` of `bits` bits are said to be set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RankedBits {
    span: Span,
    offset: u64,
    bits: u32,
    ones: u32,
}

fn words_len(bits: u32) -> u64 {
    u64::from(bits).div_ceil(64) * 8
}

impl RankedBits {
    /// Bytes of a bitmap of `bits`.
    pub(crate) fn byte_len(bits: u32) -> u64 {
        words_len(bits) + u64::from(bits.div_ceil(GROUP)) * 4
    }

    /// The bitmap at `offset`; that its bytes are there was checked.
    pub(crate) fn new(span: Span, offset: u64, bits: u32, ones: u32) -> RankedBits {
        RankedBits {
            span,
            offset,
            bits,
            ones,
        }
    }

    /// The number of the set bit `bit`, counted from 0; `None` where it is not
    /// set.
    pub(crate) fn rank(&self, file: &Container, bit: u32) -> Result<Option<u32>> {
        let group = bit / GROUP;
        let bytes = self.group(file, group)?;
        let place = bit % GROUP;
        let byte = bytes.get((place / 8) as usize).copied().unwrap_or_default();
        if byte >> (place % 8) & 1 == 0 {
            return Ok(None);
        }
        let before = bytes.iter().take((place / 8) as usize);
        let before: u32 = before.map(|byte| byte.count_ones()).sum();
        let below = byte & ((1 << (place % 8)) - 1);
        let rank = self
            .before(file, group)?
            .checked_add(before + below.count_ones());
        match rank.filter(|&rank| rank < self.ones) {
            Some(rank) => Ok(Some(rank)),
            None => Err(self.damaged(file, self.count_at(group), COUNT)),
        }
    }

    /// The place of the set bit of number `n`, which is below `ones`.
    pub(crate) fn select(&self, file: &Container, n: u32) -> Result<u32> {
        let (mut low, mut high) = (0, self.bits.div_ceil(GROUP));
        // The last group before which no more than `n` are set.
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.before(file, middle)? <= n {
                low = middle;
            } else {
                high = middle;
            }
        }
        let missing = |at| self.damaged(file, at, COUNT);
        let before = self.before(file, low)?;
        let mut left = n
            .checked_sub(before)
            .ok_or_else(|| missing(self.count_at(low)))?;
        for (i, &byte) in self.group(file, low)?.iter().enumerate() {
            let ones = byte.count_ones();
            if left >= ones {
                left -= ones;
                continue;
            }
            let place = (0..8).filter(|bit| byte >> bit & 1 == 1).nth(left as usize);
            let bit = u64::from(low) * u64::from(GROUP) + i as u64 * 8;
            let bit = bit + place.unwrap_or_default() as u64;
            return match u32::try_from(bit).ok().filter(|&bit| bit < self.bits) {
                Some(bit) => Ok(bit),
                None => Err(self.damaged(file, bit / 8, Fault::Reserved)),
            };
        }
        Err(missing(self.count_at(low)))
    }

    /// Hands out the places of all bits that are set, ascending.
    pub(crate) fn each(&self, file: &Container, mut sink: impl FnMut(u32)) -> Result<()> {
        for group in 0..self.bits.div_ceil(GROUP) {
            let bytes = self.group(file, group)?;
            // In this order, so that no number after the last is made.
            for (&byte, first) in bytes.iter().zip((group * GROUP..).step_by(8)) {
                let places = (first..self.bits).take(8).zip(0..);
                let set = places.filter(|(_, bit)| byte >> bit & 1 == 1);
                set.for_each(|(place, _)| sink(place));
            }
        }
        Ok(())
    }

    /// Counts all bits, and compares.
    pub(crate) fn check(&self, file: &Container) -> Result<()> {
        let mut ones = 0_u32;
        for group in 0..self.bits.div_ceil(GROUP) {
            if self.before(file, group)? != ones {
                return Err(self.damaged(file, self.count_at(group), COUNT));
            }
            let bytes = self.group(file, group)?;
            ones = ones.saturating_add(bytes.iter().map(|byte| byte.count_ones()).sum());
            for (i, &byte) in bytes.iter().enumerate() {
                let first = u64::from(group) * u64::from(GROUP) + i as u64 * 8;
                let inside = u64::from(self.bits).saturating_sub(first).min(8);
                if u32::from(byte) >> inside != 0 {
                    return Err(self.damaged(file, first / 8, Fault::Reserved));
                }
            }
        }
        if ones != self.ones {
            return Err(self.damaged(file, 0, Fault::Bounds("number of bits that are set")));
        }
        Ok(())
    }

    fn group<'a>(&self, file: &'a Container, group: u32) -> Result<View<'a>> {
        let start = u64::from(group) * GROUP_BYTES;
        let end = (start + GROUP_BYTES).min(words_len(self.bits));
        file.read(self.span, self.offset + start.min(end)..self.offset + end)
    }

    /// Offset of the count before `group`, from the bitmap's start.
    fn count_at(&self, group: u32) -> u64 {
        words_len(self.bits) + u64::from(group) * 4
    }

    fn before(&self, file: &Container, group: u32) -> Result<u32> {
        let start = self.offset + self.count_at(group);
        let bytes = file.read(self.span, start..start + 4)?;
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        Ok(u32::from_le_bytes(bytes))
    }

    fn damaged(&self, file: &Container, at: u64, fault: Fault) -> crate::Error {
        file.damaged(self.span, self.offset + at, fault)
    }
}

/// Bits being set one by one, ascending or not, and written as a whole: an
/// eighth of a byte a bit in memory.
#[derive(Debug)]
pub(crate) struct BitsBuilder {
    bytes: Vec<u8>,
    bits: u32,
}

impl BitsBuilder {
    /// `bits` bits, none of them set.
    pub(crate) fn new(bits: u32) -> BitsBuilder {
        let len = usize::try_from(words_len(bits)).unwrap_or(usize::MAX);
        BitsBuilder {
            bytes: vec![0; len],
            bits,
        }
    }

    pub(crate) fn set(&mut self, bit: u32) {
        debug_assert!(bit < self.bits);
        if let Some(byte) = self.bytes.get_mut((bit / 8) as usize) {
            *byte |= 1 << (bit % 8);
        }
    }

    /// Writes bits and counts to the section that was begun.
    pub(crate) fn write(&self, out: &mut ContainerWriter) -> Result<()> {
        out.write(&self.bytes)?;
        let mut ones = 0_u32;
        let mut counts: Vec<u8> = Vec::new();
        for group in self.bytes.chunks(GROUP_BYTES as usize) {
            counts.extend(ones.to_le_bytes());
            ones += group.iter().map(|byte| byte.count_ones()).sum::<u32>();
        }
        out.write(&counts)
    }
}
