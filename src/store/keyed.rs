//! A keyed collection of a store, as a dict.

use std::{fmt, vec};

use super::records::{CollectionPath, Detail, RecordStore, Records};
use crate::error::Result;

/// A collection by its path; one that is not there is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed<'s> {
    store: &'s RecordStore,
    path: &'s CollectionPath,
}

impl<'s> Keyed<'s> {
    pub(super) fn of(store: &'s RecordStore, path: &'s CollectionPath) -> Keyed<'s> {
        Keyed { store, path }
    }

    /// The text of the record of that key.
    pub(super) fn get(&self, key: &[u8], detail: Detail) -> Result<Option<Vec<u8>>> {
        self.store.get_detailed(self.path, key, detail)
    }

    pub(super) fn contains(&self, key: &[u8]) -> Result<bool> {
        self.store.contains(self.path, key)
    }

    /// Number of keys.
    pub(super) fn len(&self) -> Result<u64> {
        self.store.distinct(self.path)
    }

    /// The keys in order.
    pub(super) fn keys(&self) -> Result<Keys<'s>> {
        Ok(Keys(Rest::InStore(self.entries(Detail::NoNumbers)?)))
    }

    /// Keys and texts in order.
    pub(super) fn entries(&self, detail: Detail) -> Result<KeyedEntries<'s>> {
        Ok(KeyedEntries {
            records: Some(Box::new(self.store.records(self.path, detail)?)),
            key: Vec::new(),
        })
    }
}

/// Keys with the texts of their records.
pub(super) struct KeyedEntries<'s> {
    /// `None` at the end, and after an error.
    records: Option<Box<Records<'s>>>,
    key: Vec<u8>,
}

impl KeyedEntries<'_> {
    /// The next key, and the next text where it is wanted.
    fn advance(&mut self, with_text: bool) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let Some(records) = &mut self.records else {
            return Ok(None);
        };
        let Some(entry) = records.next(&mut self.key)? else {
            return Ok(None);
        };
        let mut text = Vec::new();
        if with_text {
            records.read(&entry, &mut text)?;
        }
        Ok(Some((std::mem::take(&mut self.key), text)))
    }

    fn item(&mut self, with_text: bool) -> Option<Result<(Vec<u8>, Vec<u8>)>> {
        let next = self.advance(with_text).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.records = None;
        }
        next
    }
}

impl fmt::Debug for KeyedEntries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedEntries").finish_non_exhaustive()
    }
}

impl Iterator for KeyedEntries<'_> {
    type Item = Result<(Vec<u8>, Vec<u8>)>;

    fn next(&mut self) -> Option<Result<(Vec<u8>, Vec<u8>)>> {
        self.item(true)
    }
}

/// The keys of a store or a map, in the order of the file. After an error there
/// are no more.
#[derive(Debug)]
pub struct Keys<'s>(Rest<'s>);

#[derive(Debug)]
enum Rest<'s> {
    InStore(KeyedEntries<'s>),
    Listed(vec::IntoIter<Vec<u8>>),
}

impl Keys<'_> {
    /// Keys that are in memory.
    pub(super) fn listed(keys: Vec<Vec<u8>>) -> Keys<'static> {
        Keys(Rest::Listed(keys.into_iter()))
    }
}

impl Iterator for Keys<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Result<Vec<u8>>> {
        match &mut self.0 {
            Rest::InStore(entries) => {
                let next = entries.item(false)?;
                Some(next.map(|(key, _)| key))
            }
            Rest::Listed(keys) => keys.next().map(Ok),
        }
    }
}
