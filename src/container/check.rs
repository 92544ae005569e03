//! Verifying a whole file: every block, every padding byte, every section.

use std::ops::{ControlFlow, Range};

use super::{
    Container,
    format::{ALIGN, BLOCK, HEADER_LEN},
};
use crate::{
    error::{Error, Fault, Result},
    in_order::{InOrder, in_order},
};

/// Bytes looked at in one go.
const CHUNK: u64 = 16 * BLOCK;

/// Blocks that one thread checks at a time.
const SHARE: u64 = 64;

/// Hands out the blocks of a file, and notes the first that is damaged.
struct Blocks<'p> {
    next: u64,
    count: u64,
    damage: Option<Error>,
    progress: &'p dyn Fn(u64) -> Result<()>,
}

impl InOrder for Blocks<'_> {
    type Item = Range<u64>;
    /// Where the share ends in the file.
    type Outcome = (u64, Result<()>);

    fn next(&mut self) -> Result<Option<Range<u64>>> {
        let start = self.next;
        self.next = self.count.min(start + SHARE);
        Ok((start < self.next).then_some(start..self.next))
    }

    fn take(&mut self, (end, checked): (u64, Result<()>)) -> Result<ControlFlow<()>> {
        (self.progress)(end)?;
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
        let mut blocks = Blocks {
            next: 0,
            count: self.trailer.crc_table.div_ceil(BLOCK),
            damage: None,
            progress,
        };
        in_order(&mut blocks, |_| {
            |share: Range<u64>| {
                let checked = share
                    .clone()
                    .try_for_each(|number| self.check_block(number));
                (share.end * BLOCK, checked)
            }
        })?;
        match blocks.damage {
            Some(e) => Err(self.locate().err().unwrap_or(e)),
            None => self.check_padding(),
        }
    }

    fn check_block(&self, number: u64) -> Result<()> {
        let bytes = self.source.read_unchecked(self.block_range(number))?;
        self.verify_block(number, &bytes)
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
