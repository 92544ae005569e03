//! Verifying a whole file: every block, every padding byte, every section.

use std::ops::{ControlFlow, Range};

use super::{
    Container,
    format::{ALIGN, BLOCK, HEADER_LEN},
};
use crate::{
    bytes::ReadFile,
    error::{Error, Fault, Result},
    in_order::{InOrder, in_order},
};

/// Bytes looked at in one go.
const CHUNK: u64 = 16 * BLOCK;

/// Blocks that one thread checks at a time.
const SHARE: u64 = CHUNK / BLOCK;

/// Neighbouring blocks.
struct Share {
    numbers: Range<u64>,
    /// Their bytes; empty where they are to be taken from the file's map.
    bytes: Vec<u8>,
}

/// Reads the file from its beginning to its end, and notes the first damage.
struct Scan<'c> {
    container: &'c Container,
    file: Option<ReadFile>,
    next: u64,
    count: u64,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    damage: Option<Error>,
    progress: &'c dyn Fn(u64) -> Result<()>,
}

impl InOrder for Scan<'_> {
    type Item = Share;
    type Outcome = (Share, Result<()>);

    fn next(&mut self) -> Result<Option<Share>> {
        let start = self.next;
        self.next = self.count.min(start + SHARE);
        if start == self.next {
            return Ok(None);
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        if let Some(file) = &self.file {
            let offset = start * BLOCK;
            let end = self.container.block_range(self.next - 1).end;
            bytes.resize(usize::try_from(end - offset).unwrap_or_default(), 0);
            file.read_into(offset, &mut bytes)?;
        }
        Ok(Some(Share {
            numbers: start..self.next,
            bytes,
        }))
    }

    fn take(&mut self, (share, checked): (Share, Result<()>)) -> Result<ControlFlow<()>> {
        (self.progress)(share.numbers.end * BLOCK)?;
        self.spare.push(share.bytes);
        self.damage = checked.err();
        Ok(match self.damage {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        })
    }
}

impl Container {
    /// Checks every byte of the file against its checksums, in order.
    ///
    /// A block's CRC finds damage; the section's own CRC then tells which of
    /// the sections in that block is the damaged one.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first damaged part; [`Error::Io`].
    pub fn check(&self) -> Result<()> {
        self.check_with(&|_| Ok(()))
    }

    /// Like [`check`](Container::check); `progress` is told how far it has
    /// come.
    ///
    /// # Errors
    /// As [`check`](Container::check); what `progress` returns.
    pub fn check_with(&self, progress: &dyn Fn(u64) -> Result<()>) -> Result<()> {
        for page in 0..self.page_crcs.len() as u64 {
            self.table_page(page)?;
        }
        let mut scan = Scan {
            container: self,
            file: self.source.to_be_scanned(),
            next: 0,
            count: self.trailer.crc_table.div_ceil(BLOCK),
            spare: Vec::new(),
            damage: None,
            progress,
        };
        in_order(&mut scan, |_| |share| self.check_share(share))?;
        match scan.damage {
            Some(e) => Err(self.locate().err().unwrap_or(e)),
            None => self.check_padding(),
        }
    }

    fn check_share(&self, share: Share) -> (Share, Result<()>) {
        let mut bytes = share.bytes.chunks(BLOCK as usize);
        let checked = share
            .numbers
            .clone()
            .try_for_each(|number| match bytes.next() {
                Some(block) => self.verify_block(number, block),
                None => {
                    let block = self.source.read_unchecked(self.block_range(number))?;
                    self.verify_block(number, &block)
                }
            });
        (share, checked)
    }

    /// Finds the section whose own CRC fails.
    fn locate(&self) -> Result<()> {
        for entry in &self.entries {
            let mut crc = crc32fast::Hasher::new();
            let end = entry.offset + entry.len;
            let mut start = entry.offset;
            while start < end {
                let next = (start + CHUNK).min(end);
                crc.update(&self.source.read_unchecked(start..next)?);
                start = next;
            }
            if crc.finalize() != entry.crc {
                return Err(self.damaged_part(entry.kind.name(), entry.offset, Fault::Checksum));
            }
        }
        self.check_padding()
    }

    /// Bytes between sections must be zero.
    fn check_padding(&self) -> Result<(), Error> {
        let mut at = HEADER_LEN;
        for entry in &self.entries {
            at = entry.offset + entry.len;
            let gap = self.source.read_unchecked(at..at.next_multiple_of(ALIGN))?;
            if gap.iter().any(|&b| b != 0) {
                return Err(self.damaged_part(entry.kind.name(), at, Fault::Reserved));
            }
        }
        debug_assert!(at <= self.trailer.crc_table);
        Ok(())
    }
}
