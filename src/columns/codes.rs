//! Codes: spilled as whole words while packing, bit-packed in the file.

use std::sync::Arc;

use super::format::{Codes, codes_len};
use crate::{
    bytes::Spill,
    container::{Container, ContainerWriter, Span},
    error::{Fault, Result},
};

/// Codes gathered before they are spilled.
const CHUNK: usize = 4096;

/// The codes of one column while packing: one a entry, 0 where the entry does
/// not have the key. Many lists share one spill.
#[derive(Debug, Default)]
pub(crate) struct CodeList {
    runs: Vec<Run>,
    tail: Vec<u32>,
    count: u32,
    max: u32,
}

#[derive(Debug)]
enum Run {
    /// `CHUNK` codes at this offset of the spill.
    Spilled(u64),
    /// Zeros that were never written.
    Zeros(u32),
}

impl CodeList {
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn push(&mut self, code: u32, spill: &mut Spill) -> Result<()> {
        self.tail.push(code);
        self.count += 1;
        self.max = self.max.max(code);
        if self.tail.len() == CHUNK {
            let zeros = self.tail.iter().all(|&code| code == 0);
            match self.runs.last_mut() {
                Some(Run::Zeros(n)) if zeros => *n += CHUNK as u32,
                _ if zeros => self.runs.push(Run::Zeros(CHUNK as u32)),
                _ => {
                    self.runs.push(Run::Spilled(spill.len()));
                    let bytes = self.tail.iter().flat_map(|code| code.to_le_bytes());
                    spill.write(&bytes.collect::<Vec<u8>>())?;
                }
            }
            self.tail.clear();
        }
        Ok(())
    }

    /// Appends zeros up to `count` codes: entries without this key.
    pub(crate) fn fill(&mut self, count: u32, spill: &mut Spill) -> Result<()> {
        while self.count < count {
            let whole = (count - self.count) / CHUNK as u32 * CHUNK as u32;
            if self.tail.is_empty() && whole > 0 {
                self.runs.push(Run::Zeros(whole));
                self.count += whole;
            } else {
                self.push(0, spill)?;
            }
        }
        Ok(())
    }

    /// Hands out all codes in order.
    pub(crate) fn each(
        &self,
        spill: &mut Spill,
        mut sink: impl FnMut(u32) -> Result<()>,
    ) -> Result<()> {
        let mut reader = spill.reader()?;
        let mut bytes = vec![0; CHUNK * 4];
        for run in &self.runs {
            match run {
                Run::Zeros(n) => (0..*n).try_for_each(|_| sink(0))?,
                Run::Spilled(offset) => {
                    reader.seek(*offset)?;
                    reader.read_exact(&mut bytes)?;
                    let (codes, _) = bytes.as_chunks::<4>();
                    codes
                        .iter()
                        .try_for_each(|code| sink(u32::from_le_bytes(*code)))?;
                }
            }
        }
        self.tail.iter().try_for_each(|&code| sink(code))
    }

    /// Bit-packs the codes into the section of `out` that was begun.
    pub(crate) fn pack(&self, spill: &mut Spill, out: &mut ContainerWriter) -> Result<Codes> {
        let codes = Codes {
            offset: out.section_len(),
            width: (u32::BITS - self.max.leading_zeros()) as u8,
            count: self.count,
        };
        let mut pending = 0_u64;
        let mut bits = 0;
        let mut bytes: Vec<u8> = Vec::with_capacity(CHUNK);
        let mut written = 0;
        self.each(spill, |code| {
            pending |= u64::from(code) << bits;
            bits += u32::from(codes.width);
            while bits >= 8 {
                bytes.push(pending as u8);
                pending >>= 8;
                bits -= 8;
            }
            if bytes.len() >= CHUNK {
                written += bytes.len() as u64;
                out.write(&bytes)?;
                bytes.clear();
            }
            Ok(())
        })?;
        if bits > 0 {
            bytes.push(pending as u8);
        }
        written += bytes.len() as u64;
        let padding = codes_len(codes.width, codes.count) - written;
        bytes.resize(bytes.len() + padding as usize, 0);
        out.write(&bytes)?;
        Ok(codes)
    }
}

/// Codes in a file.
#[derive(Debug, Clone)]
pub(crate) struct CodeRun {
    file: Arc<Container>,
    span: Span,
    codes: Codes,
}

impl CodeRun {
    pub(crate) fn open(file: &Arc<Container>, span: Span, codes: Codes) -> Result<CodeRun> {
        let end = codes.offset.checked_add(codes.byte_len());
        if codes.width > 32
            || !codes.offset.is_multiple_of(8)
            || end.is_none_or(|end| end > span.len())
        {
            return Err(file.damaged(span, codes.offset, Fault::Bounds("codes")));
        }
        Ok(CodeRun {
            file: Arc::clone(file),
            span,
            codes,
        })
    }

    /// Code number `n`.
    pub(crate) fn get(&self, n: u32) -> Result<u32> {
        if n >= self.codes.count {
            let fault = Fault::Bounds("entry number");
            return Err(self.file.damaged(self.span, self.codes.offset, fault));
        }
        let width = u32::from(self.codes.width);
        let bit = u64::from(n) * u64::from(width);
        let start = self.codes.offset + bit / 8;
        let bytes = self.file.read(self.span, start..start + 8)?;
        let word = u64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default());
        let mask = 1_u64.wrapping_shl(width) - 1;
        Ok(((word >> (bit % 8)) & mask) as u32)
    }
}
