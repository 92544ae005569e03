//! Printing what is left of a damaged store.
//!
//! Before a record is printed it is printed to nowhere: what could be printed
//! once can be again, as the bytes are verified and do not change. So no record
//! is ever printed in part.

use std::collections::HashSet;

use super::{EntryRef, RecordText, View, text::Walks};
use crate::{
    error::Result,
    segment::{Expanded, Printing, RecordSegment},
    store::{CollectionPath, Lost},
};

impl<'s> RecordText<'s, '_> {
    /// The entries of a view, in the best order that can be had.
    pub(super) fn rescued(&mut self, view: &View<'s>) -> Result<super::Entries<'s>> {
        let (entries, doubts) = view.rescued()?;
        if let (Some(rescue), Some(path)) = (&mut self.rescue, view.path()) {
            rescue.doubted(path, doubts);
        }
        Ok(entries)
    }

    /// Whether a record and its key, which stand at `depth`, can be printed. One
    /// that cannot is reported.
    pub(super) fn is_whole(
        &mut self,
        entry: &EntryRef,
        keyed: bool,
        depth: usize,
        walks: &mut Walks<'s>,
    ) -> Result<bool> {
        if entry.is_pending() {
            return Ok(true);
        }
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
            key: is_named.then_some(key.as_slice()),
            printed: &self.printed,
            maps: HashSet::new(),
            printing: self.printing.again_at(depth),
        };
        let walk = walks.of(store, entry)?;
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
        if is_named && indexed.parents.contains(&entry.collection) {
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

/// Prints a record to nowhere.
struct Check<'s, 'p> {
    segment: &'s RecordSegment,
    entry: EntryRef,
    key: Option<&'p [u8]>,
    printed: &'p HashSet<(usize, u32)>,
    maps: HashSet<u32>,
    printing: Printing,
}

impl Check<'_, '_> {
    fn passed(&mut self, fits: bool) -> Result<()> {
        self.printing.outermost().clear();
        match fits {
            true => Ok(()),
            false => Err(self.segment.refuse("length of a printed value")),
        }
    }
}

impl Expanded for Check<'_, '_> {
    fn begin(&mut self, _odd_key: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        let fits = self.printing.normal(piece);
        self.passed(fits)
    }

    fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.printing.verbatim(text);
        self.passed(true)
    }

    fn numbers(&mut self, plane: u32, row: u32) -> Result<()> {
        let fits = self.printing.numbers(&self.segment.numbers(plane, row)?);
        self.passed(fits)
    }

    fn json(&mut self, style: u32) -> Result<()> {
        self.printing.json(self.segment.style(style)?);
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        match self.printing.end_json() {
            true => Ok(()),
            false => Err(self.segment.refuse("the end of a document")),
        }
    }

    fn map(&mut self, collection: u32) -> Result<()> {
        let nested = self.segment.collection(collection)?;
        let parent = nested.parent.as_ref();
        let here = parent.is_some_and(|parent| {
            parent.collection == self.entry.collection && self.key == Some(&parent.record)
        });
        let place = (self.entry.segment, collection);
        if !here || self.printed.contains(&place) || !self.maps.insert(collection) {
            return Err(self.segment.refuse("the place of a collection"));
        }
        Ok(())
    }
}
