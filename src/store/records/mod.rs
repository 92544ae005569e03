//! A store of records: documents, index structs, graphs, messages.

mod each;
mod path;
mod rescue;
mod text;
mod threads;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

pub(crate) use each::{Lookups, Records};
pub use path::{BadPath, CollectionPath};
use text::Walks;
pub(crate) use text::{Detail, RecordText};

use super::merge::{Given, Merge, Part, check_targets, tombstones_of};
use crate::{
    container::Container,
    error::Result,
    segment::{RecordMember, RecordSegment, TombstoneSegment},
};

/// A store of records: all its segments together.
#[derive(Debug)]
pub struct RecordStore {
    /// From the oldest to the newest; at least one.
    segments: Vec<Indexed>,
    tombstones: Option<TombstoneSegment>,
}

/// A segment, and where its collections stand.
#[derive(Debug)]
struct Indexed {
    segment: RecordSegment,
    paths: Vec<CollectionPath>,
    numbers: HashMap<CollectionPath, u32>,
    /// The collections whose records have collections in them.
    parents: HashSet<u32>,
}

impl Indexed {
    fn open(file: Arc<Container>) -> Result<Indexed> {
        let segment = RecordSegment::open(file)?;
        let mut paths: Vec<CollectionPath> = Vec::new();
        let (mut numbers, mut parents) = (HashMap::new(), HashSet::new());
        for (number, collection) in (0..).zip(segment.collections()) {
            let path = match &collection.parent {
                None => CollectionPath::top(&collection.name),
                // Parents come before their children.
                Some(parent) => match paths.get(parent.collection as usize) {
                    Some(around) => {
                        parents.insert(parent.collection);
                        around.nested(&parent.record, &collection.name)
                    }
                    None => return Err(segment.refuse("a collection's parent")),
                },
            };
            if numbers.insert(path.clone(), number).is_some() {
                return Err(segment.refuse("a repeated collection"));
            }
            paths.push(path);
        }
        Ok(Indexed {
            segment,
            paths,
            numbers,
            parents,
        })
    }
}

/// A record of a store: where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryRef {
    segment: usize,
    collection: u32,
    entry: u32,
}

impl RecordStore {
    /// Takes the open segments of a store, oldest first, as
    /// [`OpenStore::segments`](crate::persist_dir::OpenStore::segments) gives
    /// them. Records are read when they are asked for.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn open(segments: Vec<Arc<Container>>) -> Result<RecordStore> {
        RecordStore::of(segments, Given::All)
    }

    /// Takes what can be opened of a damaged store.
    pub(crate) fn open_rest(segments: Vec<Arc<Container>>) -> Result<RecordStore> {
        RecordStore::of(segments, Given::Rest)
    }

    fn of(segments: Vec<Arc<Container>>, given: Given) -> Result<RecordStore> {
        let (segments, tombstones) = tombstones_of(segments)?;
        let segments = segments.into_iter().map(Indexed::open);
        let segments: Vec<_> = segments.collect::<Result<_>>()?;
        check_targets(tombstones.as_ref(), given, |root| {
            let known = segments.iter().find(|s| s.segment.root() == *root);
            known.map(|known| known.paths.len())
        })?;
        Ok(RecordStore {
            segments,
            tombstones,
        })
    }

    /// The collections of the top level, in the order of the file.
    #[must_use]
    pub fn collections(&self) -> Vec<CollectionPath> {
        let Some(newest) = self.newest() else {
            return Vec::new();
        };
        let members = newest.segment.members().iter();
        let numbers = members.filter_map(|member| match member {
            RecordMember::Collection { collection, .. } => Some(*collection as usize),
            RecordMember::Other { .. } => None,
        });
        numbers
            .filter_map(|number| newest.paths.get(number).cloned())
            .collect()
    }

    /// All collections, nested ones too, as the segments have them.
    #[must_use]
    pub fn all_collections(&self) -> Vec<CollectionPath> {
        let mut all: Vec<CollectionPath> = Vec::new();
        for (n, indexed) in self.segments.iter().enumerate() {
            let earlier = self.segments.get(..n).unwrap_or_default();
            let known = |path: &&CollectionPath| {
                earlier
                    .iter()
                    .any(|older| older.numbers.contains_key(*path))
            };
            all.extend(indexed.paths.iter().filter(|p| !known(p)).cloned());
        }
        all
    }

    /// Number of records in a collection.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn len(&self, path: &CollectionPath) -> Result<u64> {
        self.view(path)?.len()
    }

    /// The text of a record, in the style of its file and by itself: JSON.
    /// `None` where the collection has no such key. With a million records it
    /// costs what it costs with a hundred: one block is decompressed.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn get(&self, path: &CollectionPath, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get_detailed(path, key, Detail::All)
    }

    /// The text of a record, or as much of it as is wanted.
    pub(crate) fn get_detailed(
        &self,
        path: &CollectionPath,
        key: &[u8],
        detail: Detail,
    ) -> Result<Option<Vec<u8>>> {
        let Some(entry) = self.view(path)?.find(key)? else {
            return Ok(None);
        };
        let mut out = Vec::new();
        self.print_entry(&entry, detail, &mut Walks::default(), &mut out)?;
        Ok(Some(out))
    }

    /// Appends the text of a record, without its key.
    fn print_entry<'s>(
        &'s self,
        entry: &EntryRef,
        detail: Detail,
        walks: &mut Walks<'s>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut sink = |piece: &[u8]| {
            out.extend_from_slice(piece);
            Ok(())
        };
        let mut text = RecordText::new(self, 0, &mut sink)?.detailed(detail);
        text.entry(entry, false, walks)?;
        text.finish()
    }

    /// Tells `each` the keys of a collection, in order.
    ///
    /// # Errors
    /// What `each` returns; [`Error::Damaged`](crate::Error::Damaged),
    /// [`Error::Io`](crate::Error::Io).
    pub fn each_key(
        &self,
        path: &CollectionPath,
        each: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut key = Vec::new();
        let mut keys = self.keys(path)?;
        while keys.next(&mut key)? {
            each(&key)?;
        }
        Ok(())
    }

    /// Expands all records and compares them with the hashes of their blocks.
    pub(crate) fn check_records(&self, progress: &dyn Fn()) -> Result<()> {
        for indexed in &self.segments {
            indexed.segment.check_records(progress)?;
        }
        Ok(())
    }

    /// The segments, oldest first.
    #[cfg(test)]
    pub(crate) fn segments(&self) -> impl Iterator<Item = &RecordSegment> {
        self.segments.iter().map(|indexed| &indexed.segment)
    }

    /// The segment whose META is the store's.
    pub(crate) fn newest_segment(&self) -> Option<&RecordSegment> {
        self.newest().map(|indexed| &indexed.segment)
    }

    fn newest(&self) -> Option<&Indexed> {
        self.segments.last()
    }

    fn segment(&self, number: usize) -> Result<&Indexed> {
        // Numbers come from this store itself.
        self.segments.get(number).ok_or(crate::Error::Limit {
            what: "number of a segment",
            got: number as u64,
            limit: self.segments.len() as u64,
        })
    }

    fn key_of(&self, entry: &EntryRef, out: &mut Vec<u8>) -> Result<()> {
        let segment = &self.segment(entry.segment)?.segment;
        segment.key_of(entry.collection, entry.entry, out)
    }

    /// One collection in all segments that have a part of it.
    pub(crate) fn view(&self, path: &CollectionPath) -> Result<View<'_>> {
        let mut view = View {
            store: self,
            parts: Vec::new(),
            keyed: true,
        };
        for (n, indexed) in self.segments.iter().enumerate() {
            if let Some(&number) = indexed.numbers.get(path) {
                view.keyed = indexed.segment.collection(number)?.keyed;
                view.parts.push((n, number));
            }
        }
        Ok(view)
    }

    fn part(&self, segment: usize, collection: u32) -> Result<Part<'_>> {
        let segment = &self.segment(segment)?.segment;
        let entries = segment.collection(collection)?.entries;
        let sequence = segment.sequence(collection)?;
        let root = segment.root();
        Part::new(
            sequence,
            entries,
            self.tombstones.as_ref(),
            &root,
            collection,
        )
        .ok_or_else(|| segment.refuse("the number of records that tombstones state"))
    }
}

/// A collection in all segments of a store.
pub(crate) struct View<'s> {
    store: &'s RecordStore,
    /// Segments and the collection's number there, oldest first.
    parts: Vec<(usize, u32)>,
    pub(crate) keyed: bool,
}

impl<'s> View<'s> {
    /// Number of live records.
    pub(crate) fn len(&self) -> Result<u64> {
        let mut sum = 0;
        for &(segment, collection) in &self.parts {
            sum += u64::from(self.store.part(segment, collection)?.live());
        }
        Ok(sum)
    }

    /// The record of that key that counts.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<EntryRef>> {
        let mut found: Option<(u64, EntryRef)> = None;
        for &(segment, collection) in &self.parts {
            let file = &self.store.segment(segment)?.segment;
            let Some(entry) = file.entry_of(collection, key)? else {
                continue;
            };
            let part = self.store.part(segment, collection)?;
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

    /// The same where parts of the store may be damaged. Says whether the
    /// order is the true one.
    pub(crate) fn rescued(&self) -> Result<(Entries<'s>, bool)> {
        let (merge, ordered) = Merge::rescued(self.merged()?)?;
        Ok((self.entries_of(merge), ordered))
    }

    fn merged(&self) -> Result<Vec<Part<'s>>> {
        let parts = self.parts.iter();
        let parts = parts.map(|&(segment, collection)| self.store.part(segment, collection));
        parts.collect()
    }

    fn entries_of(&self, merge: Merge<'s>) -> Entries<'s> {
        Entries {
            merge,
            parts: self.parts.clone(),
        }
    }
}

/// The records of a view, one after another.
pub(crate) struct Entries<'s> {
    merge: Merge<'s>,
    parts: Vec<(usize, u32)>,
}

impl Entries<'_> {
    pub(crate) fn next(&mut self) -> Result<Option<EntryRef>> {
        let next = self.merge.next()?;
        Ok(next.and_then(|(part, entry)| {
            let &(segment, collection) = self.parts.get(part)?;
            Some(EntryRef {
                segment,
                collection,
                entry,
            })
        }))
    }
}
