//! Printing what is left of a damaged store.
//!
//! Before a record is printed it is expanded to nothing: what can be expanded
//! can be printed, as the bytes are verified and do not change. So no record is
//! ever printed in part.

use std::collections::HashSet;

use super::{EntryRef, RecordText, View, text::Walks};
use crate::{
    error::Result,
    segment::{Expanded, RecordSegment},
    store::{CollectionPath, Lost},
};

impl<'s> RecordText<'s, '_> {
    /// The entries of a view, in the best order that can be had.
    pub(super) fn rescued(&mut self, view: &View<'s>) -> Result<super::Entries<'s>> {
        let (entries, ordered) = view.rescued()?;
        if let (false, Some(rescue)) = (ordered, &mut self.rescue)
            && let Some(path) = view.path()
        {
            rescue.disordered(path);
        }
        Ok(entries)
    }

    /// Whether a record and its key can be read. One that cannot is reported.
    pub(super) fn is_whole(
        &mut self,
        entry: &EntryRef,
        keyed: bool,
        walks: &mut Walks<'s>,
    ) -> Result<bool> {
        let store = self.store;
        let indexed = store.segment(entry.segment)?;
        let mut key = Vec::new();
        let named = match keyed {
            true => store.key_of(entry, &mut key),
            false => Ok(()),
        };
        let is_named = keyed && named.is_ok();
        let mut check = Check {
            segment: &indexed.segment,
            entry: *entry,
            printed: &self.printed,
            maps: HashSet::new(),
            documents: 0,
        };
        let walk = match walks.entry(entry.segment) {
            std::collections::hash_map::Entry::Occupied(walk) => walk.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(indexed.segment.walk(entry.collection)?)
            }
        };
        let expanded = named.and_then(|()| walk.expand(entry.entry, &mut check));
        let Some(rescue) = &mut self.rescue else {
            return expanded.map(|()| true);
        };
        let Err(error) = expanded else {
            rescue.kept();
            return Ok(true);
        };
        let path = indexed.paths.get(entry.collection as usize);
        let path = path.ok_or_else(|| indexed.segment.refuse("a collection's number"))?;
        if is_named {
            for nested in indexed.paths.iter().filter(|n| n.is_in(path, &key)) {
                rescue.lost_with_record(nested, store.len(nested).unwrap_or(0));
            }
        }
        rescue.lost(Lost {
            segment: entry.segment,
            collection: path.clone(),
            entry: entry.entry,
            key: is_named.then_some(key),
            error,
        });
        Ok(false)
    }
}

impl View<'_> {
    /// Where the collection stands.
    fn path(&self) -> Option<&CollectionPath> {
        let &(segment, collection) = self.parts.first()?;
        let indexed = self.store.segments.get(segment)?;
        indexed.paths.get(collection as usize)
    }
}

impl CollectionPath {
    /// Whether this collection stands in the record `key` of `around`, or in
    /// one of that.
    fn is_in(&self, around: &CollectionPath, key: &[u8]) -> bool {
        let inside = self.steps().strip_prefix(around.steps());
        inside
            .and_then(<[_]>::first)
            .is_some_and(|step| step == key)
    }
}

/// Takes a record and does nothing but what printing could fail at.
struct Check<'s, 'p> {
    segment: &'s RecordSegment,
    entry: EntryRef,
    printed: &'p HashSet<(usize, u32)>,
    maps: HashSet<u32>,
    documents: usize,
}

impl Expanded for Check<'_, '_> {
    fn begin(&mut self, _odd_key: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    fn normal(&mut self, _piece: &[u8]) -> Result<()> {
        Ok(())
    }

    fn verbatim(&mut self, _text: &[u8]) -> Result<()> {
        Ok(())
    }

    fn numbers(&mut self, plane: u32, row: u32) -> Result<()> {
        self.segment.numbers(plane, row).map(drop)
    }

    fn json(&mut self, style: u32) -> Result<()> {
        self.documents += 1;
        self.segment.style(style).map(drop)
    }

    fn end_json(&mut self) -> Result<()> {
        match self.documents.checked_sub(1) {
            Some(left) => {
                self.documents = left;
                Ok(())
            }
            None => Err(self.segment.refuse("the end of a document")),
        }
    }

    fn map(&mut self, collection: u32) -> Result<()> {
        let nested = self.segment.collection(collection)?;
        let parent = nested.parent.as_ref();
        let here = parent.is_some_and(|parent| parent.collection == self.entry.collection);
        let place = (self.entry.segment, collection);
        if !here || self.printed.contains(&place) || !self.maps.insert(collection) {
            return Err(self.segment.refuse("the place of a collection"));
        }
        Ok(())
    }
}
