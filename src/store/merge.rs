//! The entries of one map in several segments, in the order of their sequence
//! numbers, without those that are deleted.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    columns::BitSet,
    container::{Container, FileKind},
    error::Result,
    orders::EntrySequence,
    segment::{DeadSet, TombstoneSegment},
};

/// The containers of a store that hold content, and its tombstones, which
/// come last.
pub(crate) type Split = (Vec<Arc<Container>>, Option<TombstoneSegment>);

/// Tells the tombstones from the other segments of a store. That there is at
/// most one such file, the manifest made sure.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged).
pub(crate) fn tombstones_of(mut segments: Vec<Arc<Container>>) -> Result<Split> {
    let is_last = |file: &Arc<Container>| file.kind() == FileKind::Tombstones;
    let tombstones = match segments.last().is_some_and(is_last) {
        true => segments.pop().map(TombstoneSegment::open).transpose()?,
        false => None,
    };
    Ok((segments, tombstones))
}

/// What the segments of a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// All that the manifest names.
    All,
    /// What is left of a damaged store: tombstones may be of others.
    Rest,
}

/// Refuses tombstones of a segment, or of a map, that the store does not have:
/// what they deleted would come back. And those of a segment that it has twice:
/// which one they mean cannot be told. `segments` are the root of each and how many
/// maps it has.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged).
pub(crate) fn check_targets(
    tombstones: Option<&TombstoneSegment>,
    given: Given,
    segments: &[([u8; 16], usize)],
) -> Result<()> {
    let Some(tombstones) = tombstones else {
        return Ok(());
    };
    for (root, map) in tombstones.targets() {
        let mut known = segments.iter().filter(|(other, _)| other == root);
        match (known.next(), known.next()) {
            (None, _) if given == Given::Rest => {}
            (None, _) | (_, Some(_)) => {
                return Err(tombstones.refuse("the segment of deleted entries"));
            }
            (Some((_, maps)), None) if map as usize >= *maps => {
                return Err(tombstones.refuse("the map of deleted entries"));
            }
            (Some(_), None) => {}
        }
    }
    Ok(())
}

/// The entries of a part that are gone, though no tombstone says so yet. None
/// of them is deleted by tombstones, too.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gone<'s> {
    None,
    Some(&'s BTreeSet<u32>),
    All,
}

/// One segment's part of a map.
#[derive(Clone)]
pub(crate) struct Part<'s> {
    pub(crate) sequence: &'s EntrySequence,
    entries: u32,
    dead: Option<DeadSet>,
    gone: Gone<'s>,
    /// What to number entries from, instead of their sequence numbers. What
    /// cannot be read is then taken for alive.
    chained: Option<u64>,
}

impl<'s> Part<'s> {
    /// The map number `map` of the segment of that root; `None` where the
    /// tombstones speak of another number of entries.
    pub(crate) fn new(
        sequence: &'s EntrySequence,
        entries: u32,
        tombstones: Option<&TombstoneSegment>,
        root: &[u8; 16],
        map: u32,
    ) -> Option<Part<'s>> {
        let dead = tombstones.and_then(|tombstones| tombstones.dead(root, map));
        let fits = dead.as_ref().is_none_or(|dead| dead.entries() == entries);
        fits.then_some(Part {
            sequence,
            entries,
            dead,
            gone: Gone::None,
            chained: None,
        })
    }

    /// The same without these entries.
    pub(crate) fn without(self, gone: Gone<'s>) -> Part<'s> {
        Part { gone, ..self }
    }

    /// Number of its entries, deleted or not.
    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    fn number(&self, entry: u32) -> Result<u64> {
        match self.chained {
            Some(first) => Ok(first + u64::from(entry)),
            None => self.sequence.get(entry),
        }
    }

    /// How many of its entries are not deleted.
    pub(crate) fn live(&self) -> u32 {
        let dead = self.dead.as_ref().map_or(0, DeadSet::count);
        let gone = match self.gone {
            Gone::None => 0,
            // Fits: they are entries.
            Gone::Some(entries) => entries.len() as u32,
            Gone::All => return 0,
        };
        self.entries.saturating_sub(dead).saturating_sub(gone)
    }

    /// The deleted entries, ascending.
    pub(crate) fn dead(&self) -> Result<Vec<u32>> {
        let mut list = Vec::new();
        if let Gone::All = self.gone {
            list.extend(0..self.entries);
            return Ok(list);
        }
        if let Some(dead) = &self.dead {
            dead.each(|entry| list.push(entry))?;
        }
        if let Gone::Some(entries) = self.gone {
            list.extend(entries);
            list.sort_unstable();
        }
        Ok(list)
    }

    /// Its entries that are not deleted.
    pub(crate) fn live_set(&self) -> Result<BitSet> {
        let mut live = BitSet::full(self.entries);
        if let Some(dead) = &self.dead {
            dead.each(|entry| live.remove(entry))?;
        }
        match self.gone {
            Gone::None => {}
            Gone::Some(entries) => entries.iter().for_each(|&entry| live.remove(entry)),
            Gone::All => (0..self.entries).for_each(|entry| live.remove(entry)),
        }
        Ok(live)
    }

    pub(crate) fn is_live(&self, entry: u32) -> Result<bool> {
        match self.gone {
            Gone::Some(entries) if entries.contains(&entry) => return Ok(false),
            Gone::All => return Ok(false),
            Gone::Some(_) | Gone::None => {}
        }
        match &self.dead {
            Some(dead) => match dead.contains(entry) {
                Err(_) if self.chained.is_some() => Ok(true),
                contains => Ok(!contains?),
            },
            None => Ok(true),
        }
    }
}

/// What cannot be told of the entries of a damaged map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// In which order those of several segments stand.
    pub(crate) order: bool,
    /// Which of them are deleted.
    pub(crate) deletions: bool,
}

/// Gives the live entries of a map, in order.
pub(crate) struct Merge<'s> {
    parts: Vec<Cursor<'s>>,
}

struct Cursor<'s> {
    part: Part<'s>,
    /// The next live entry with its sequence number; `None` at the end.
    next: Option<(u64, u32)>,
}

impl<'s> Merge<'s> {
    /// Of parts from the oldest segment to the newest.
    pub(crate) fn new(parts: Vec<Part<'s>>) -> Result<Merge<'s>> {
        let parts = parts.into_iter().map(|part| {
            let mut cursor = Cursor { part, next: None };
            cursor.advance(0)?;
            Ok(cursor)
        });
        Ok(Merge {
            parts: parts.collect::<Result<_>>()?,
        })
    }

    /// Of parts whose sequence numbers or tombstones may be damaged. Where they
    /// are, one part follows another, and what may be deleted is there.
    pub(crate) fn rescued(parts: Vec<Part<'s>>) -> Result<(Merge<'s>, Doubts)> {
        let whole = || -> Result<()> {
            let mut all = Merge::new(parts.clone())?;
            while all.next()?.is_some() {}
            Ok(())
        };
        if parts.len() > 1 && whole().is_ok() {
            return Ok((Merge::new(parts)?, Doubts::default()));
        }
        let dead_whole = |part: &Part<'_>| (0..part.entries).all(|n| part.is_live(n).is_ok());
        let doubts = Doubts {
            order: parts.len() > 1,
            deletions: !parts.iter().all(dead_whole),
        };
        let parts = parts.into_iter().zip(0_u64..).map(|(part, n)| Part {
            chained: Some(n << 32),
            ..part
        });
        Ok((Merge::new(parts.collect())?, doubts))
    }

    /// The entry that comes next: its sequence number, the number of its part,
    /// and its own.
    pub(crate) fn peek(&self) -> Option<(u64, usize, u32)> {
        let heads = self.parts.iter().enumerate();
        let heads = heads.filter_map(|(n, cursor)| cursor.next.map(|next| (next.0, n, next.1)));
        // The older segment first, where two have the same number.
        heads.min()
    }

    /// The next entry: the number of its part, and its own.
    pub(crate) fn next(&mut self) -> Result<Option<(usize, u32)>> {
        let Some((_, n, entry)) = self.peek() else {
            return Ok(None);
        };
        if let Some(cursor) = self.parts.get_mut(n) {
            cursor.advance(entry + 1)?;
        }
        Ok(Some((n, entry)))
    }
}

impl Cursor<'_> {
    /// Goes to the first live entry from `entry` on.
    fn advance(&mut self, mut entry: u32) -> Result<()> {
        if let Gone::All = self.part.gone {
            self.next = None;
            return Ok(());
        }
        while entry < self.part.entries && !self.part.is_live(entry)? {
            entry += 1;
        }
        self.next = match entry < self.part.entries {
            true => Some((self.part.number(entry)?, entry)),
            false => None,
        };
        Ok(())
    }
}
