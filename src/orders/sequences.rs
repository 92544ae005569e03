//! Sequence numbers: gathered while packing, and read.

use std::sync::Arc;

use super::{format::Sequence, lists::List};
use crate::{
    bytes::{Spill, Spills},
    container::{Container, ContainerWriter, SectionKind, Span},
    error::{Error, Fault, Result},
};

/// The sequence numbers of all maps of a segment, numbered as they were added.
#[derive(Debug)]
pub(crate) struct SequencesBuilder {
    spill: Spill,
    sequences: Vec<Numbers>,
}

/// The numbers of one map's entries so far.
#[derive(Debug, Default)]
struct Numbers {
    entries: u64,
    /// The first `consecutive` numbers are those from `first` on; only the
    /// numbers after them are listed.
    first: u64,
    consecutive: u64,
    rest: List<8>,
    last: Option<u64>,
}

impl SequencesBuilder {
    /// No sequences yet; a temporary file is made in `spills` when it is
    /// needed.
    pub(crate) fn new(spills: impl Into<Spills>) -> SequencesBuilder {
        SequencesBuilder {
            spill: Spill::new(spills),
            sequences: Vec::new(),
        }
    }

    /// Adds the sequence of one more map and returns its number.
    pub(crate) fn add(&mut self) -> usize {
        self.sequences.push(Numbers::default());
        self.sequences.len() - 1
    }

    /// Gives the next entry of map `sequence` a number, or the one that
    /// follows the last, from 0 on.
    ///
    /// # Errors
    /// [`Error::Limit`] for a number that is not above the last one;
    /// [`Error::Io`].
    pub(crate) fn push(&mut self, sequence: usize, number: Option<u64>) -> Result<()> {
        match self.sequences.get_mut(sequence) {
            Some(numbers) => numbers.push(number, &mut self.spill),
            None => Ok(()),
        }
    }

    /// Writes the section of sequence numbers, if any map needs it.
    pub(crate) fn finish(mut self, out: &mut ContainerWriter) -> Result<Vec<Sequence>> {
        let mut begun = false;
        let mut found = Vec::with_capacity(self.sequences.len());
        for numbers in &self.sequences {
            let explicit = numbers.consecutive < numbers.entries;
            if explicit {
                if !begun {
                    out.begin(SectionKind::SEQUENCES)?;
                    begun = true;
                }
                (0..numbers.consecutive)
                    .try_for_each(|n| out.write(&(numbers.first + n).to_le_bytes()))?;
                let rest = &numbers.rest;
                rest.each(&mut self.spill, |number| out.write(&number))?;
            }
            let first = if explicit { 0 } else { numbers.first };
            found.push(Sequence { first, explicit });
        }
        Ok(found)
    }
}

impl Numbers {
    fn push(&mut self, number: Option<u64>, spill: &mut Spill) -> Result<()> {
        let follows = self.last.map_or(Some(0), |last| last.checked_add(1));
        let ascends = |&number: &u64| self.last.is_none_or(|last| last < number);
        let Some(number) = number.or(follows).filter(ascends) else {
            return Err(Error::Limit {
                what: "the sequence number before",
                got: self.last.unwrap_or_default(),
                limit: number.unwrap_or(u64::MAX).saturating_sub(1),
            });
        };
        if self.entries == 0 {
            self.first = number;
        }
        let continues = self.entries == 0 || Some(number) == follows;
        if continues && self.consecutive == self.entries {
            self.consecutive += 1;
        } else {
            self.rest.push(number.to_le_bytes(), spill)?;
        }
        self.entries += 1;
        self.last = Some(number);
        Ok(())
    }
}

/// Hands out the parts of the section of sequence numbers, map after map.
#[derive(Debug)]
pub(crate) struct SequenceParts {
    file: Arc<Container>,
    at: u64,
}

/// The sequence numbers of one map's entries.
#[derive(Debug, Clone)]
pub(crate) struct EntrySequence {
    file: Arc<Container>,
    entries: u32,
    first: u64,
    /// Where they are listed.
    list: Option<(Span, u64)>,
}

impl SequenceParts {
    pub(crate) fn begin(file: &Arc<Container>) -> SequenceParts {
        SequenceParts {
            file: Arc::clone(file),
            at: 0,
        }
    }

    /// The sequence of the next map, which has `entries` entries.
    pub(crate) fn next(&mut self, sequence: Sequence, entries: u32) -> Result<EntrySequence> {
        let Sequence { first, explicit } = sequence;
        let meta = |fault| -> Result<()> {
            let span = self.file.require(SectionKind::META)?;
            Err(self.file.damaged(span, 0, fault))
        };
        if (explicit || entries == 0) && first != 0 || explicit && entries == 0 {
            meta(Fault::Value("a first sequence number"))?;
        }
        let after_first = u64::from(entries.saturating_sub(1));
        if first.checked_add(after_first).is_none() {
            meta(Fault::Bounds("a sequence of numbers"))?;
        }
        let mut list = None;
        if explicit {
            let span = self.file.require(SectionKind::SEQUENCES)?;
            let offset = self.at;
            self.at = offset.saturating_add(u64::from(entries) * 8);
            if self.at > span.len() {
                let fault = Fault::Bounds("the sequence numbers of a map");
                return Err(self.file.damaged(span, offset, fault));
            }
            list = Some((span, offset));
        }
        Ok(EntrySequence {
            file: Arc::clone(&self.file),
            entries,
            first,
            list,
        })
    }

    /// Refuses bytes that are no map's.
    pub(crate) fn end(self) -> Result<()> {
        match self.file.section(SectionKind::SEQUENCES) {
            Some(span) if self.at == 0 || self.at != span.len() => {
                Err(self.file.damaged(span, self.at, Fault::Layout))
            }
            _ => Ok(()),
        }
    }
}

impl EntrySequence {
    /// The sequence number of an entry.
    pub(crate) fn get(&self, entry: u32) -> Result<u64> {
        if entry >= self.entries {
            let span = match self.list {
                Some((span, _)) => span,
                None => self.file.require(SectionKind::META)?,
            };
            let fault = Fault::Bounds("entry number");
            return Err(self.file.damaged(span, 0, fault));
        }
        let Some((span, offset)) = self.list else {
            return Ok(self.first + u64::from(entry));
        };
        let start = offset + u64::from(entry) * 8;
        let bytes = self.file.read(span, start..start + 8)?;
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        Ok(u64::from_le_bytes(bytes))
    }

    /// Refuses numbers that do not ascend.
    pub(crate) fn check_structure(&self) -> Result<()> {
        let Some((span, offset)) = self.list else {
            return Ok(());
        };
        let mut last = None;
        for entry in 0..self.entries {
            let number = Some(self.get(entry)?);
            if number <= last {
                let at = offset + u64::from(entry) * 8;
                let fault = Fault::Value("a sequence number");
                return Err(self.file.damaged(span, at, fault));
            }
            last = number;
        }
        Ok(())
    }
}
