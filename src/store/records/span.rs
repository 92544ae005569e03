//! What of a store becomes a new segment: the entries in memory, and maybe those
//! of its newest segments.

use std::sync::Arc;

use super::{CollectionPath, Entries, EntryRef, Position, RecordStore, View};
use crate::{
    container::Container,
    error::Result,
    segment::{RecordMember, TombstoneSegment},
};

/// The live records of a collection from a segment on, one after another, with
/// the sequence numbers that they have in a new segment.
pub(crate) struct Span<'s> {
    entries: Entries<'s>,
    /// The number of the next record that is new; `None` where numbers just
    /// follow.
    next: Option<u64>,
}

impl<'s> View<'s> {
    /// The records of all segments from number `from` on, and those in memory.
    pub(crate) fn span(&self, from: usize) -> Result<Span<'s>> {
        let mut next = None;
        if from > 0 {
            let mut highest = None;
            for part in self.merged()? {
                if let Some(last) = part.entries().checked_sub(1) {
                    highest = highest.max(Some(part.sequence.get(last)?));
                }
            }
            next = Some(highest.map_or(0, |highest| highest.saturating_add(1)));
        }
        let newest = View {
            store: self.store,
            parts: self
                .parts
                .iter()
                .copied()
                .filter(|part| part.0 >= from)
                .collect(),
            pending: self.pending,
            keyed: self.keyed,
        };
        Ok(Span {
            entries: newest.entries()?,
            next,
        })
    }
}

impl Span<'_> {
    /// The next record, and its number; `None` instead of that where it just
    /// follows.
    pub(crate) fn next(&mut self) -> Result<Option<(Option<u64>, EntryRef)>> {
        let Some((position, entry)) = self.entries.next_placed()? else {
            return Ok(None);
        };
        let number = match (position, &mut self.next) {
            (_, None) => None,
            (Position::Kept(number), Some(_)) => Some(number),
            (Position::New(_), Some(next)) => {
                let number = *next;
                // A sequence that is full is refused when it is written.
                *next = number.saturating_add(1);
                Some(number)
            }
        };
        Ok(Some((number, entry)))
    }
}

/// A collection of a segment in which entries are deleted.
pub(crate) struct Dead {
    pub(crate) root: [u8; 16],
    pub(crate) collection: u32,
    pub(crate) entries: u32,
    /// Ascending.
    pub(crate) dead: Vec<u32>,
}

impl RecordStore {
    /// Number of segments.
    pub(crate) fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// The files of the segments, oldest first.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Arc<Container>> {
        self.segments.iter().map(|indexed| indexed.segment.file())
    }

    /// The tombstones that the store was opened with.
    pub(crate) fn tombstones(&self) -> Option<&TombstoneSegment> {
        self.tombstones.as_ref()
    }

    /// Whether records were put, or collections made, that are in no segment.
    pub(crate) fn has_new(&self) -> Result<bool> {
        if self
            .pending
            .collections()
            .iter()
            .any(|changes| changes.len() > 0)
        {
            return Ok(true);
        }
        let Some(newest) = self.newest() else {
            return Ok(true);
        };
        let stored = newest.segment.members().iter();
        let stored = stored.filter(|member| matches!(member, RecordMember::Collection { .. }));
        Ok(stored.count() != self.collections().len())
    }

    /// Whether anything was deleted from the segments before number `from` that
    /// no tombstone tells yet.
    pub(crate) fn has_gone(&self, from: usize) -> bool {
        let changed = self.pending.collections();
        changed
            .iter()
            .any(|changes| changes.has_gone(from) && self.in_segments(&changes.path))
    }

    /// Whether segment number `n` has a record that is live.
    pub(crate) fn is_live(&self, n: usize) -> Result<bool> {
        for (collection, path) in (0..).zip(&self.segment(n)?.paths) {
            if self.view(path)?.part(n, collection)?.live() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is deleted from these segments, in tombstones or since.
    pub(crate) fn each_dead(
        &self,
        segments: &[usize],
        each: &mut dyn FnMut(Dead) -> Result<()>,
    ) -> Result<()> {
        for &n in segments {
            let indexed = self.segment(n)?;
            for (collection, path) in (0..).zip(&indexed.paths) {
                let part = self.view(path)?.part(n, collection)?;
                let dead = part.dead()?;
                if !dead.is_empty() {
                    each(Dead {
                        root: indexed.segment.root(),
                        collection,
                        entries: part.entries(),
                        dead,
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Bytes that the segments from number `from` on and the records in memory
    /// take.
    pub(crate) fn weight(&self, from: usize) -> u64 {
        let stored = self.files().skip(from).map(|file| file.file_len());
        stored.sum::<u64>().saturating_add(self.pending.weight())
    }

    /// The record in which a nested collection stands.
    pub(crate) fn record_around(&self, path: &CollectionPath) -> Result<Option<EntryRef>> {
        match path.around() {
            Some((around, record, _)) => self.view(&around)?.find(record),
            None => Ok(None),
        }
    }
}
