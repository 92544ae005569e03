//! Ids that were looked up once and are asked for again and again.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{Kind, VectorStore};
use crate::{columns::BitSet, error::Result, store::Named};

/// The vectors that the `node_ids` of a query name, found once
/// ([`VectorStore::find_ids`]). It holds as long as the store is not changed
/// ([`VectorStore::has_not_changed_since`]).
#[derive(Debug)]
pub struct Selection {
    version: Version,
    pub(super) found: Found,
}

#[derive(Debug)]
pub(super) enum Found {
    /// All that the store has.
    All,
    /// Rows of each segment.
    Rows(Vec<BitSet>),
    /// Of a store that is held as records.
    Ids(HashSet<Vec<u8>>),
}

/// A state of a store. No two states of any stores have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(u64);

impl Version {
    pub(super) fn new() -> Version {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Version(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Selection {
    /// Whether it is all vectors of the store.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self.found, Found::All)
    }
}

impl VectorStore {
    /// Looks up ids, so that queries need not ([`deciding_rows`](Self::deciding_rows)).
    /// Those that have no vector are passed over.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn find_ids(&self, ids: &[Vec<u8>]) -> Result<Selection> {
        let found = match &self.kind {
            Kind::Rows(store) => match store.stack()?.find_ids(ids)? {
                Some(rows) => Found::Rows(rows),
                None => Found::All,
            },
            Kind::Records(_) => Found::Ids(ids.iter().cloned().collect()),
        };
        Ok(Selection {
            version: self.version,
            found,
        })
    }

    /// Whether the store is as it was when `selection` was made of it.
    #[must_use]
    pub fn has_not_changed_since(&self, selection: &Selection) -> bool {
        self.version == selection.version
    }
}

impl<'s> From<&'s Selection> for Named<'s> {
    fn from(selection: &'s Selection) -> Named<'s> {
        match &selection.found {
            Found::Rows(rows) => Named::Found(rows),
            Found::All | Found::Ids(_) => Named::All,
        }
    }
}
