//! Codes: spilled as whole words while packing, bit-packed in the file.

use std::sync::Arc;

use super::format::{Codes, EntryList};
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
    /// How many of them are not 0.
    present: u32,
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
        self.present += u32::from(code != 0);
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

    /// Whether listing the entries that have a code takes less room than a
    /// code for each. Without this a store of many rare keys would take more
    /// room than its JSON.
    pub(crate) fn is_sparse(&self) -> bool {
        let width = u64::from(self.width());
        u64::from(self.present) * (32 + width) < u64::from(self.count) * width
    }

    fn width(&self) -> u32 {
        u32::BITS - self.max.leading_zeros()
    }

    /// Bit-packs all codes into the section of `out` that was begun.
    pub(crate) fn pack(&self, spill: &mut Spill, out: &mut ContainerWriter) -> Result<Codes> {
        let mut packer = Packer::new(self.width(), self.count, out);
        self.each(spill, |code| packer.push(code))?;
        packer.finish()
    }

    /// Writes the numbers of the entries that have a code, then their codes.
    pub(crate) fn pack_sparse(
        &self,
        spill: &mut Spill,
        out: &mut ContainerWriter,
    ) -> Result<(EntryList, Codes)> {
        let entries = EntryList {
            offset: out.section_len(),
            count: self.present,
            of: self.count,
        };
        let mut bytes: Vec<u8> = Vec::with_capacity(CHUNK * 4);
        let mut entry = 0_u32;
        self.each(spill, |code| {
            if code != 0 {
                bytes.extend(entry.to_le_bytes());
            }
            entry += 1;
            if bytes.len() >= CHUNK * 4 {
                out.write(&bytes)?;
                bytes.clear();
            }
            Ok(())
        })?;
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        out.write(&bytes)?;
        let mut packer = Packer::new(self.width(), self.present, out);
        self.each(spill, |code| match code {
            0 => Ok(()),
            code => packer.push(code),
        })?;
        Ok((entries, packer.finish()?))
    }
}

/// Bit-packs codes into a section.
struct Packer<'a> {
    out: &'a mut ContainerWriter,
    codes: Codes,
    pending: u64,
    bits: u32,
    bytes: Vec<u8>,
    written: u64,
}

impl<'a> Packer<'a> {
    fn new(width: u32, count: u32, out: &'a mut ContainerWriter) -> Packer<'a> {
        Packer {
            codes: Codes {
                offset: out.section_len(),
                width: width as u8,
                count,
            },
            out,
            pending: 0,
            bits: 0,
            bytes: Vec::with_capacity(CHUNK),
            written: 0,
        }
    }

    fn push(&mut self, code: u32) -> Result<()> {
        self.pending |= u64::from(code) << self.bits;
        self.bits += u32::from(self.codes.width);
        while self.bits >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.bits -= 8;
        }
        if self.bytes.len() >= CHUNK {
            self.written += self.bytes.len() as u64;
            self.out.write(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Codes> {
        if self.bits > 0 {
            self.bytes.push(self.pending as u8);
        }
        self.written += self.bytes.len() as u64;
        let padding = self.codes.byte_len() - self.written;
        self.bytes.resize(self.bytes.len() + padding as usize, 0);
        self.out.write(&self.bytes)?;
        Ok(self.codes)
    }
}

/// Codes in a file.
#[derive(Debug, Clone)]
pub(crate) struct CodeRun {
    pub(super) file: Arc<Container>,
    pub(super) span: Span,
    pub(super) codes: Codes,
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

/// Codes of the few entries that have one.
#[derive(Debug, Clone)]
pub(crate) struct SparseRun {
    pub(super) entries: EntryList,
    pub(super) codes: CodeRun,
}

impl SparseRun {
    pub(crate) fn open(
        file: &Arc<Container>,
        span: Span,
        entries: EntryList,
        codes: Codes,
    ) -> Result<SparseRun> {
        let end = entries.offset.checked_add(entries.byte_len());
        let fits = end.is_some_and(|end| end <= span.len());
        let fits = fits && entries.offset.is_multiple_of(8);
        if !fits || entries.count != codes.count || entries.count > entries.of {
            return Err(file.damaged(span, entries.offset, Fault::Bounds("entry list")));
        }
        let codes = CodeRun::open(file, span, codes)?;
        Ok(SparseRun { entries, codes })
    }

    /// The code of entry `n`, found by bisection; 0 where it has none.
    pub(crate) fn get(&self, n: u32) -> Result<u32> {
        let (file, span) = (&self.codes.file, self.codes.span);
        if n >= self.entries.of {
            let fault = Fault::Bounds("entry number");
            return Err(file.damaged(span, self.entries.offset, fault));
        }
        let (mut low, mut high) = (0, self.entries.count);
        while low < high {
            let middle = low + (high - low) / 2;
            let start = self.entries.offset + u64::from(middle) * 4;
            let bytes = file.read(span, start..start + 4)?;
            let entry = u32::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default());
            match entry.cmp(&n) {
                std::cmp::Ordering::Equal => return self.codes.get(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(0)
    }
}
