//! One collection of a store: what segments have of it, and what is pending.

use super::{
    CollectionPath, EntryRef, RecordStore,
    pending::{PendingCollection, Position, Slot, Slots},
};
use crate::{
    Error,
    error::Result,
    store::merge::{Doubts, Gone, Merge, Part},
};

impl RecordStore {
    /// One collection in all segments that have a part of it.
    pub(crate) fn view(&self, path: &CollectionPath) -> Result<View<'_>> {
        let mut view = View {
            store: self,
            parts: Vec::new(),
            pending: self.pending.get(path),
            keyed: true,
        };
        for (n, indexed) in self.segments.iter().enumerate() {
            if let Some(&number) = indexed.numbers.get(path) {
                view.keyed = indexed.segment.collection(number)?.keyed;
                view.parts.push((n, number));
            }
        }
        if let Some(pending) = view.pending {
            view.keyed = pending.keyed;
        }
        Ok(view)
    }

    /// The same without the changes.
    pub(super) fn view_before(&self, path: &CollectionPath) -> Result<View<'_>> {
        Ok(View {
            pending: None,
            ..self.view(path)?
        })
    }

    /// The record of a slot.
    pub(super) fn slot(&self, entry: &EntryRef) -> Result<&Slot> {
        // Numbers come from this store itself.
        self.pending.slot(entry.entry).ok_or(Error::Limit {
            what: "number of a pending record",
            got: u64::from(entry.entry),
            limit: 0,
        })
    }
}

/// A collection in all segments of a store, with its changes.
pub(crate) struct View<'s> {
    pub(super) store: &'s RecordStore,
    /// Segments and the collection's number there, oldest first.
    pub(super) parts: Vec<(usize, u32)>,
    pub(super) pending: Option<&'s PendingCollection>,
    pub(crate) keyed: bool,
}

impl<'s> View<'s> {
    /// Whether no segment and no change knows the collection.
    pub(super) fn is_absent(&self) -> bool {
        self.parts.is_empty() && self.pending.is_none()
    }

    /// Number of live records.
    pub(crate) fn len(&self) -> Result<u64> {
        let mut sum = self.pending.map_or(0, PendingCollection::len);
        for part in self.merged()? {
            sum += u64::from(part.live());
        }
        Ok(sum)
    }

    /// The record of that key that counts.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<EntryRef>> {
        if let Some(slot) = self.pending.and_then(|pending| pending.find(key)) {
            return Ok(Some(EntryRef::slot(slot)));
        }
        let mut found: Option<(u64, EntryRef)> = None;
        for &(segment, collection) in &self.parts {
            let file = &self.store.segment(segment)?.segment;
            let Some(entry) = file.entry_of(collection, key)? else {
                continue;
            };
            let part = self.part(segment, collection)?;
            if !part.is_live(entry)? {
                continue;
            }
            let sequence = part.sequence.get(entry)?;
            if found.is_none_or(|(other, _)| sequence >= other) {
                let entry = EntryRef {
                    segment,
                    collection,
                    entry,
                };
                found = Some((sequence, entry));
            }
        }
        Ok(found.map(|(_, entry)| entry))
    }

    /// All live records of that key in segments, with their sequence numbers.
    pub(super) fn find_all(&self, key: &[u8]) -> Result<Vec<(u64, EntryRef)>> {
        let mut found = Vec::new();
        for &(segment, collection) in &self.parts {
            let file = &self.store.segment(segment)?.segment;
            let part = self.part(segment, collection)?;
            for entry in file.entries_of(collection, key)? {
                if part.is_live(entry)? {
                    let sequence = part.sequence.get(entry)?;
                    let entry = EntryRef {
                        segment,
                        collection,
                        entry,
                    };
                    found.push((sequence, entry));
                }
            }
        }
        Ok(found)
    }

    /// Whether a key may have several records, of which the last counts.
    pub(crate) fn may_repeat(&self) -> Result<bool> {
        for &(segment, collection) in &self.parts {
            if self
                .store
                .segment(segment)?
                .segment
                .may_repeat(collection)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The live records, in order.
    pub(crate) fn entries(&self) -> Result<Entries<'s>> {
        Ok(self.entries_of(Merge::new(self.merged()?)?))
    }

    /// The same where parts of the store may be damaged.
    pub(crate) fn rescued(&self) -> Result<(Entries<'s>, Doubts)> {
        let (merge, doubts) = Merge::rescued(self.merged()?)?;
        Ok((self.entries_of(merge), doubts))
    }

    /// What a segment has of the collection.
    pub(super) fn part(&self, segment: usize, collection: u32) -> Result<Part<'s>> {
        let store = self.store;
        let file = &store.segment(segment)?.segment;
        let entries = file.collection(collection)?.entries;
        let sequence = file.sequence(collection)?;
        let root = file.root();
        let part = Part::new(
            sequence,
            entries,
            store.tombstones.as_ref(),
            &root,
            collection,
        );
        let part =
            part.ok_or_else(|| file.refuse("the number of records that tombstones state"))?;
        let gone = self
            .pending
            .map_or(Gone::None, |pending| pending.gone(segment));
        Ok(part.without(gone))
    }

    pub(super) fn merged(&self) -> Result<Vec<Part<'s>>> {
        let parts = self.parts.iter();
        let parts = parts.map(|&(segment, collection)| self.part(segment, collection));
        parts.collect()
    }

    fn entries_of(&self, merge: Merge<'s>) -> Entries<'s> {
        let mut slots = self.pending.map(PendingCollection::slots);
        Entries {
            merge,
            parts: self.parts.clone(),
            slot: slots.as_mut().and_then(Iterator::next).copied(),
            slots,
        }
    }
}

/// The records of a view, one after another.
pub(crate) struct Entries<'s> {
    merge: Merge<'s>,
    parts: Vec<(usize, u32)>,
    /// The record in memory that comes next among those.
    slot: Option<(Position, u32)>,
    slots: Option<Slots<'s>>,
}

impl Entries<'_> {
    pub(crate) fn next(&mut self) -> Result<Option<EntryRef>> {
        Ok(self.next_placed()?.map(|(_, entry)| entry))
    }

    /// The next record, and where it stands.
    pub(crate) fn next_placed(&mut self) -> Result<Option<(Position, EntryRef)>> {
        let head = self.merge.peek();
        let is_first = |position| match head {
            Some((sequence, ..)) => position < Position::Kept(sequence),
            None => true,
        };
        if let Some((position, slot)) = self.slot.filter(|(position, _)| is_first(*position)) {
            self.slot = self.slots.as_mut().and_then(Iterator::next).copied();
            return Ok(Some((position, EntryRef::slot(slot))));
        }
        let Some((sequence, ..)) = head else {
            return Ok(None);
        };
        let next = self.merge.next()?;
        Ok(next.and_then(|(part, entry)| {
            let &(segment, collection) = self.parts.get(part)?;
            let entry = EntryRef {
                segment,
                collection,
                entry,
            };
            Some((Position::Kept(sequence), entry))
        }))
    }
}

impl EntryRef {
    pub(super) fn slot(slot: u32) -> EntryRef {
        EntryRef {
            segment: EntryRef::PENDING,
            collection: 0,
            entry: slot,
        }
    }
}
