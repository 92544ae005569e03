//! Making the changes of a store again on a newer state of it.

use std::collections::HashSet;

use super::{
    CollectionPath, EntryRef, RecordStore, View, Walks,
    pending::{PendingCollection, Position, Slot},
};
use crate::{
    error::{Error, Result, StoreError},
    store::Rebase,
};

/// What a key has in the two states, and what it is to have: texts without maps.
struct Versions {
    before: Option<Vec<u8>>,
    theirs: Option<Vec<u8>>,
    mine: Option<Vec<u8>>,
    /// Whether all keys were deleted, so that each is changed.
    cleared: bool,
}

impl Versions {
    /// Whether only the newer state has changed it.
    fn is_theirs(&self) -> bool {
        !self.cleared && self.mine == self.before && self.theirs != self.before
    }

    fn conflict(&self) -> bool {
        self.theirs != self.before && self.theirs != self.mine && !self.is_theirs()
    }
}

impl RecordStore {
    /// Makes the changes of this store again on `newer`, a later state of it
    /// without changes. Of a key, or of a list that is replaced, only one may have
    /// a change, unless both changed it to the same; records without keys
    /// are a set of which either may add and remove members. Nothing else of
    /// `newer` is lost: a record keeps the place that it has there. A record that
    /// was put as it was is not changed.
    ///
    /// # Errors
    /// [`Rebase::Conflict`]; [`Rebase::Error`].
    pub(crate) fn rebase(&self, mut newer: RecordStore) -> Result<RecordStore, Rebase> {
        newer.remember(self);
        let mut collections = self.pending.collections();
        // Records before the maps in them.
        collections.sort_by_key(|changes| changes.path.steps().len());
        // All is compared before anything is changed.
        for changes in &collections {
            match changes.keyed {
                true => self.compare(changes, &newer)?,
                false if changes.cleared => self.compare_lists(changes, &newer)?,
                false => {}
            }
        }
        for changes in collections.into_iter().filter(|changes| changes.present) {
            match changes.keyed {
                true => self
                    .make_again(changes, &mut newer)
                    .map_err(|e| gone(changes, e))?,
                false => self.make_list_again(changes, &mut newer)?,
            }
        }
        Ok(newer)
    }

    /// Finds what both have changed in a collection with keys.
    fn compare(&self, changes: &PendingCollection, newer: &RecordStore) -> Result<(), Rebase> {
        let conflict = |key: &[u8]| Rebase::Conflict {
            collection: CollectionPath::clone(&changes.path),
            key: key.to_vec(),
        };
        let theirs = newer.view(&changes.path)?;
        for key in self.changed_keys(changes, &theirs)? {
            let versions = self.versions(changes, &theirs, &key)?;
            if versions.conflict() {
                return Err(conflict(&key));
            }
            if versions.theirs.is_none() {
                continue;
            }
            // The maps that go with the record must be as they were.
            for map in newer.maps_in(&changes.path, &key) {
                let stays = self.pending.get(&map).is_none_or(|map| map.present);
                let goes = versions.mine.is_none() || !stays;
                if goes && self.differs(&map, newer)? {
                    return Err(conflict(&key));
                }
            }
        }
        Ok(())
    }

    /// The keys that were put or deleted. Where all were deleted, those that
    /// the newer state has, too.
    fn changed_keys(
        &self,
        changes: &PendingCollection,
        theirs: &View<'_>,
    ) -> Result<HashSet<Vec<u8>>> {
        let mut keys = HashSet::new();
        for slot in self.slots_of(changes) {
            keys.insert(slot.key.clone());
        }
        let before = self.view_before(&changes.path)?;
        if changes.cleared {
            keys.extend(keys_of(&before)?);
            keys.extend(keys_of(theirs)?);
            return Ok(keys);
        }
        let parts: Vec<_> = before.parts.clone();
        for (segment, entry) in changes.each_gone() {
            let part = parts.iter().find(|part| part.0 == segment);
            if let Some(&(_, collection)) = part {
                let mut key = Vec::new();
                let entry = EntryRef {
                    segment,
                    collection,
                    entry,
                };
                self.key_of(&entry, &mut key)?;
                keys.insert(key);
            }
        }
        Ok(keys)
    }

    fn versions(
        &self,
        changes: &PendingCollection,
        theirs: &View<'_>,
        key: &[u8],
    ) -> Result<Versions> {
        let before = self.view_before(&changes.path)?;
        let mine = changes.find(key).and_then(|slot| self.pending.slot(slot));
        Ok(Versions {
            before: text_of(&before, key)?,
            theirs: text_of(theirs, key)?,
            mine: mine.map(|slot| slot.text.clone()),
            cleared: changes.cleared,
        })
    }

    /// Whether a map is not what it was before the changes.
    fn differs(&self, map: &CollectionPath, newer: &RecordStore) -> Result<bool> {
        let (before, theirs) = (self.view_before(map)?, newer.view(map)?);
        let keys = keys_of(&theirs)?;
        if keys != keys_of(&before)? {
            return Ok(true);
        }
        for key in &keys {
            if text_of(&before, key)? != text_of(&theirs, key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Refuses to replace a list that is another now.
    fn compare_lists(
        &self,
        changes: &PendingCollection,
        newer: &RecordStore,
    ) -> Result<(), Rebase> {
        let before = self.view_before(&changes.path)?;
        if values_of(&before)? == values_of(&newer.view(&changes.path)?)? {
            return Ok(());
        }
        Err(Rebase::Conflict {
            collection: CollectionPath::clone(&changes.path),
            key: Vec::new(),
        })
    }

    fn make_again(&self, changes: &PendingCollection, newer: &mut RecordStore) -> Result<()> {
        let path = &*changes.path;
        let (mut left, mut deleted) = (HashSet::new(), Vec::new());
        let theirs = newer.view(path)?;
        for key in self.changed_keys(changes, &theirs)? {
            let versions = self.versions(changes, &theirs, &key)?;
            let slot = changes.find(&key).and_then(|slot| self.pending.slot(slot));
            let is_new = slot.is_none_or(|slot| matches!(slot.position, Position::New(_)));
            if versions.is_theirs() {
                left.insert(key);
            } else if is_new && versions.before.is_some() {
                // What was deleted and put again comes last.
                deleted.push(key);
            }
        }
        if changes.cleared || !newer.has(path) {
            newer.clear(path)?;
        }
        for key in &deleted {
            newer.delete(path, key)?;
        }
        for slot in self.slots_of(changes) {
            let theirs = text_of(&newer.view(path)?, &slot.key)?;
            if !left.contains(&slot.key) && theirs.as_ref() != Some(&slot.text) {
                newer.put(path, &slot.key, &slot.text)?;
            }
        }
        Ok(())
    }

    fn make_list_again(&self, changes: &PendingCollection, newer: &mut RecordStore) -> Result<()> {
        let path = &*changes.path;
        let before = self.view_before(path)?;
        if changes.cleared {
            newer.clear(path)?;
        }
        for (segment, entry) in changes.each_gone() {
            let part = before.parts.iter().find(|part| part.0 == segment);
            if let Some(&(_, collection)) = part {
                let entry = EntryRef {
                    segment,
                    collection,
                    entry,
                };
                newer.remove(path, &self.skeleton(&entry)?)?;
            }
        }
        // What both added is there once.
        let known: HashSet<_> = values_of(&before)?.into_iter().collect();
        let theirs: HashSet<_> = values_of(&newer.view(path)?)?.into_iter().collect();
        for slot in self.slots_of(changes) {
            if known.contains(&slot.text) || !theirs.contains(&slot.text) {
                newer.push(path, &slot.text)?;
            }
        }
        Ok(())
    }

    /// The records in memory, in order.
    fn slots_of<'s>(&'s self, changes: &'s PendingCollection) -> impl Iterator<Item = &'s Slot> {
        let numbers = changes.slots();
        numbers.filter_map(|&(_, number)| self.pending.slot(number))
    }
}

/// A map whose record is gone, or has no place for it any more, cannot be
/// changed: both have changed the record.
fn gone(changes: &PendingCollection, error: Error) -> Rebase {
    match (error, changes.path.around()) {
        (Error::Store(StoreError::NoPlace { .. }), Some((collection, record, _))) => {
            Rebase::Conflict {
                collection,
                key: record.to_vec(),
            }
        }
        (error, _) => Rebase::Error(error),
    }
}

fn keys_of(view: &View<'_>) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    let mut entries = view.entries()?;
    while let Some(entry) = entries.next()? {
        let mut key = Vec::new();
        view.store.key_of(&entry, &mut key)?;
        keys.push(key);
    }
    Ok(keys)
}

/// The record of a key without maps, in normal form.
fn text_of(view: &View<'_>, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let entry = view.find(key)?;
    entry.map(|entry| view.store.skeleton(&entry)).transpose()
}

/// The normal forms of all records.
fn values_of(view: &View<'_>) -> Result<Vec<Vec<u8>>> {
    let mut values = Vec::new();
    let mut walks = Walks::default();
    let mut entries = view.entries()?;
    while let Some(entry) = entries.next()? {
        values.push(view.store.skeleton_with(&entry, &mut walks)?);
    }
    Ok(values)
}
