//! Lists of numbers that share a spill while packing. One list alone keeps
//! little, because a segment may have 65,536 of them.

use crate::{bytes::Spill, error::Result};

/// Bytes that a list gathers before they are spilled; a multiple of 8.
const CHUNK: usize = 1 << 10;
/// Bytes read at once; a multiple of `CHUNK`.
const PIECE: u64 = 64 << 10;

/// A list of numbers of `N` bytes each.
#[derive(Debug, Default)]
pub(super) struct List<const N: usize> {
    /// Offset and length of runs in the spill.
    runs: Vec<(u64, u64)>,
    tail: Vec<u8>,
}

impl<const N: usize> List<N> {
    pub(super) fn push(&mut self, number: [u8; N], shared: &mut Spill) -> Result<()> {
        self.tail.extend(number);
        if self.tail.len() < CHUNK {
            return Ok(());
        }
        let at = shared.len();
        shared.write(&self.tail)?;
        let len = self.tail.len() as u64;
        // One list is usually filled before the next: then its runs join.
        match self.runs.last_mut() {
            Some((offset, run)) if *offset + *run == at => *run += len,
            _ => self.runs.push((at, len)),
        }
        self.tail.clear();
        Ok(())
    }

    /// Hands out all numbers in order.
    pub(super) fn each(
        &self,
        shared: &mut Spill,
        mut sink: impl FnMut([u8; N]) -> Result<()>,
    ) -> Result<()> {
        if !self.runs.is_empty() {
            let mut reader = shared.reader()?;
            let mut buffer = Vec::new();
            for &(offset, len) in &self.runs {
                reader.seek(offset)?;
                let mut left = len;
                while left > 0 {
                    buffer.resize(left.min(PIECE) as usize, 0);
                    reader.read_exact(&mut buffer)?;
                    left -= buffer.len() as u64;
                    let (numbers, _) = buffer.as_chunks::<N>();
                    numbers.iter().try_for_each(|&number| sink(number))?;
                }
            }
        }
        let (numbers, _) = self.tail.as_chunks::<N>();
        numbers.iter().try_for_each(|&number| sink(number))
    }
}
