//! The records of a collection one after another, with bounded memory.

use std::collections::HashSet;

use super::{Detail, Entries, EntryRef, RecordStore, View, text::Walks};
use crate::{error::Result, store::CollectionPath};

/// Takes key and text of a record.
pub(crate) type EachRecord<'e> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'e;

/// The keys of a collection, in order.
pub(crate) struct Keys<'s> {
    store: &'s RecordStore,
    /// `None` where the collection has no keys.
    entries: Option<Entries<'s>>,
}

impl Keys<'_> {
    /// Puts the next key in the place of `key`; false at the end.
    pub(crate) fn next(&mut self, key: &mut Vec<u8>) -> Result<bool> {
        let entry = match &mut self.entries {
            Some(entries) => entries.next()?,
            None => None,
        };
        key.clear();
        match entry {
            Some(entry) => self.store.key_of(&entry, key).map(|()| true),
            None => Ok(false),
        }
    }
}

/// The records of a collection, as the dict or list that Python reads from the
/// file has them: where a key is repeated, the last record in the place of the
/// first.
pub(crate) struct Records<'s> {
    store: &'s RecordStore,
    view: View<'s>,
    entries: Box<Entries<'s>>,
    walks: Walks<'s>,
    detail: Detail,
    /// The keys that came again and were given; `None` where none can.
    repeated: Option<HashSet<Vec<u8>>>,
}

impl Records<'_> {
    /// Puts the next key, if the collection has keys, in the place of `key`, and
    /// says which record it is. `None` at the end.
    pub(crate) fn next(&mut self, key: &mut Vec<u8>) -> Result<Option<EntryRef>> {
        loop {
            let Some(entry) = self.entries.next()? else {
                return Ok(None);
            };
            key.clear();
            if !self.view.keyed {
                return Ok(Some(entry));
            }
            self.store.key_of(&entry, key)?;
            let Some(repeated) = &mut self.repeated else {
                return Ok(Some(entry));
            };
            match self.view.find(key)? {
                Some(last) if last != entry => {
                    if repeated.insert(key.clone()) {
                        return Ok(Some(last));
                    }
                }
                _ if repeated.contains(key.as_slice()) => {}
                _ => return Ok(Some(entry)),
            }
        }
    }

    /// Which record comes next, whatever its key is.
    pub(crate) fn next_entry(&mut self) -> Result<Option<EntryRef>> {
        match &self.repeated {
            None => self.entries.next(),
            Some(_) => self.next(&mut Vec::new()),
        }
    }

    /// Puts the text of a record in the place of `value`.
    pub(crate) fn read(&mut self, entry: &EntryRef, value: &mut Vec<u8>) -> Result<()> {
        value.clear();
        self.store
            .print_entry(entry, self.detail, &mut self.walks, value)
    }
}

/// Looks records of one collection up. Those that stand near each other cost
/// one block when they are asked for in their order.
pub(crate) struct Lookups<'s> {
    view: View<'s>,
    walks: Walks<'s>,
}

impl Lookups<'_> {
    /// Puts the text of the record that counts for `key` in the place of
    /// `out`; false where there is none.
    pub(crate) fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let Some(entry) = self.view.find(key)? else {
            return Ok(false);
        };
        let store = self.view.store;
        store.print_entry(&entry, Detail::All, &mut self.walks, out)?;
        Ok(true)
    }
}

impl RecordStore {
    /// For looking up many records.
    pub(crate) fn lookups(&self, path: &CollectionPath) -> Result<Lookups<'_>> {
        self.touch(path);
        Ok(Lookups {
            view: self.view(path)?,
            walks: Walks::default(),
        })
    }

    /// Whether the store has a collection of that path.
    pub(crate) fn has(&self, path: &CollectionPath) -> bool {
        match self.pending.get(path) {
            Some(changes) => changes.present,
            None => self.in_segments(path),
        }
    }

    /// Whether a segment has a collection of that path.
    pub(super) fn in_segments(&self, path: &CollectionPath) -> bool {
        let mut segments = self.segments.iter();
        segments.any(|indexed| indexed.numbers.contains_key(path))
    }

    /// Whether `key` is the key of any record, maybe a deleted one, or an id
    /// that records refer to.
    pub(crate) fn knows(&self, key: &[u8]) -> Result<bool> {
        for indexed in &self.segments {
            if indexed.segment.has_id(key)? {
                return Ok(true);
            }
        }
        Ok(self.pending.has_key(key))
    }

    /// Whether a live record has that key.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn contains(&self, path: &CollectionPath, key: &[u8]) -> Result<bool> {
        self.touch(path);
        Ok(self.view(path)?.find(key)?.is_some())
    }

    /// Walks over the keys of a collection.
    pub(crate) fn keys(&self, path: &CollectionPath) -> Result<Keys<'_>> {
        self.touch(path);
        let view = self.view(path)?;
        let entries = match view.keyed {
            true => Some(view.entries()?),
            false => None,
        };
        Ok(Keys {
            store: self,
            entries,
        })
    }

    /// Walks over the records of a collection.
    pub(crate) fn records(&self, path: &CollectionPath, detail: Detail) -> Result<Records<'_>> {
        self.touch(path);
        let view = self.view(path)?;
        Ok(Records {
            store: self,
            entries: Box::new(view.entries()?),
            repeated: view.may_repeat()?.then(HashSet::new),
            view,
            walks: Walks::default(),
            detail,
        })
    }

    /// Tells `each` the keys of a collection as the dict that Python reads has them:
    /// one that is repeated, once.
    ///
    /// # Errors
    /// What `each` returns; [`Error::Damaged`](crate::Error::Damaged),
    /// [`Error::Io`](crate::Error::Io).
    pub fn each_distinct_key(
        &self,
        path: &CollectionPath,
        each: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if !self.view(path)?.keyed {
            return Ok(());
        }
        let mut key = Vec::new();
        let mut records = self.records(path, Detail::NoNumbers)?;
        while records.next(&mut key)?.is_some() {
            each(&key)?;
        }
        Ok(())
    }

    /// Tells `each` the texts of a collection, keyed or not, in order.
    ///
    /// # Errors
    /// As [`each_distinct_key`](RecordStore::each_distinct_key).
    pub fn each_text(
        &self,
        path: &CollectionPath,
        each: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let (mut key, mut text) = (Vec::new(), Vec::new());
        let mut records = self.records(path, Detail::All)?;
        while let Some(entry) = records.next(&mut key)? {
            records.read(&entry, &mut text)?;
            each(&text)?;
        }
        Ok(())
    }

    /// Number of different keys in a collection, or of records where it has no
    /// keys.
    ///
    /// # Errors
    /// As [`each_distinct_key`](RecordStore::each_distinct_key).
    pub fn distinct(&self, path: &CollectionPath) -> Result<u64> {
        if !self.view(path)?.may_repeat()? {
            return self.len(path);
        }
        let (mut count, mut key) = (0, Vec::new());
        let mut records = self.records(path, Detail::NoNumbers)?;
        while records.next(&mut key)?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Tells `each` key and text of every record of a keyed collection.
    /// Nested collections are left out of the text: `{}` stands for them.
    pub(crate) fn each_record(
        &self,
        path: &CollectionPath,
        each: &mut EachRecord<'_>,
    ) -> Result<()> {
        let view = self.view(path)?;
        if !view.keyed {
            return Ok(());
        }
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut walks = Walks::default();
        let mut entries = view.entries()?;
        while let Some(entry) = entries.next()? {
            key.clear();
            value.clear();
            self.key_of(&entry, &mut key)?;
            self.print_entry(&entry, Detail::NoMaps, &mut walks, &mut value)?;
            each(&key, &value)?;
        }
        Ok(())
    }
}
