//! A store of records: documents, index structs, graphs, messages.
//!
//! Records are in segments, which do not change, and in memory (`pending.rs`),
//! as `change.rs` puts them there. All readers go through a `View`, which is
//! both.

mod change;
mod each;
mod members;
mod parts;
mod path;
mod pending;
mod rebase;
mod rescue;
mod skeleton;
mod span;
mod text;
mod threads;
mod view;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

pub(crate) use each::{Lookups, Records};
pub(crate) use members::TopMember;
pub(crate) use parts::{Parts, normal_row};
pub use path::{BadPath, CollectionPath};
use pending::Pending;
pub(crate) use pending::Position;
pub(crate) use text::{Detail, RecordText, Walks};
pub(crate) use view::{Entries, View};

use super::merge::{Given, check_targets, tombstones_of};
use crate::{
    container::Container,
    error::{Error, Result},
    json::{JsonStyle, Members},
    segment::{MAX_PRINTED, RecordMember, RecordSegment, TombstoneSegment},
};

/// A store of records: all its segments together, and the changes that are in
/// none of them yet.
#[derive(Debug)]
pub struct RecordStore {
    /// From the oldest to the newest.
    segments: Vec<Indexed>,
    tombstones: Option<TombstoneSegment>,
    /// In which a store without segments is printed.
    new_style: Box<JsonStyle>,
    /// What such a store has before anything is put into it.
    new_members: Vec<RecordMember>,
    pending: Box<Pending>,
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
    /// The number of its segment, or [`EntryRef::PENDING`].
    segment: usize,
    collection: u32,
    /// The number of its slot, where it is in no segment yet.
    entry: u32,
}

impl EntryRef {
    /// Instead of a segment's number.
    const PENDING: usize = usize::MAX;

    /// Whether it is in no segment yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.segment == EntryRef::PENDING
    }
}

impl RecordStore {
    /// Takes the open segments of a store, oldest first, as
    /// [`OpenStore::segments`](crate::persist_dir::OpenStore::segments) gives
    /// them. Records are read when they are asked for.
    ///
    /// # Errors
    /// [`Error::Damaged`].
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
        let known = segments.iter().map(|s| (s.segment.root(), s.paths.len()));
        let known: Vec<_> = known.collect();
        check_targets(tombstones.as_ref(), given, &known)?;
        Ok(RecordStore {
            segments,
            tombstones,
            ..RecordStore::empty()
        })
    }

    /// A store without records, which is in no file yet. It prints as Python's
    /// `json.dumps` does.
    #[must_use]
    pub fn empty() -> RecordStore {
        RecordStore::new_file(JsonStyle::python(), b"{}")
    }

    /// A store without records that is to become a new file: in this style, and
    /// with the members that this object has. Empty ones become collections when
    /// they are filled.
    pub(crate) fn new_file(style: JsonStyle, object: &[u8]) -> RecordStore {
        let members = Members::new(object).map(|(key, value)| RecordMember::Other {
            key: key.to_vec(),
            value: value.to_vec(),
        });
        RecordStore {
            segments: Vec::new(),
            tombstones: None,
            new_style: Box::new(style),
            new_members: members.collect(),
            pending: Box::default(),
        }
    }

    /// The same new file before anything was put into it.
    pub(crate) fn without_content(&self) -> RecordStore {
        RecordStore {
            new_members: self.new_members.clone(),
            ..RecordStore::new_file(JsonStyle::clone(&self.new_style), b"{}")
        }
    }

    /// The style in which the store is printed.
    pub(crate) fn style(&self) -> Result<&JsonStyle> {
        match self.newest() {
            Some(newest) => newest.segment.style(0),
            None => Ok(&self.new_style),
        }
    }

    /// All collections, nested ones too, as the segments have them; then those
    /// that are in none yet.
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
        let pending = self.pending.collections().into_iter();
        let new = pending.filter(|p| p.present && !self.in_segments(&p.path));
        all.extend(new.map(|pending| CollectionPath::clone(&pending.path)));
        all
    }

    /// Number of records in a collection.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn len(&self, path: &CollectionPath) -> Result<u64> {
        self.view(path)?.len()
    }

    /// Number of live records of all collections.
    pub(crate) fn live_entries(&self) -> Result<u64> {
        let paths = self.all_collections();
        paths.iter().map(|path| self.len(path)).sum()
    }

    /// How many records the segments have, and how many of those are deleted.
    pub(crate) fn entry_counts(&self) -> Result<(u64, u64)> {
        let (mut all, mut dead) = (0, 0);
        for path in self.all_collections() {
            for part in self.view(&path)?.merged()? {
                all += u64::from(part.entries());
                dead += u64::from(part.entries().saturating_sub(part.live()));
            }
        }
        Ok((all, dead))
    }

    /// The text of a record, in the style of its file and by itself: JSON.
    /// `None` where the collection has no such key. With a million records it
    /// costs what it costs with a hundred: one block is decompressed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get(&self, path: &CollectionPath, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.get_detailed(path, key, Detail::All)
    }

    /// The texts of several records, as [`get`](Self::get) gives them. Those that
    /// stand near each other cost one block when they are asked for in their order.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get_many(
        &self,
        path: &CollectionPath,
        keys: &[impl AsRef<[u8]>],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let mut lookups = self.lookups(path)?;
        let mut texts = Vec::with_capacity(keys.len());
        for key in keys {
            let mut text = Vec::new();
            let found = lookups.get(key.as_ref(), &mut text)?;
            texts.push(found.then_some(text));
        }
        Ok(texts)
    }

    /// The text of a record, or as much of it as is wanted.
    pub(crate) fn get_detailed(
        &self,
        path: &CollectionPath,
        key: &[u8],
        detail: Detail,
    ) -> Result<Option<Vec<u8>>> {
        self.touch(path);
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

    /// The records of a collection without their keys, as one JSON array: faster than
    /// one by one. Where a key is repeated, its last record stands in the place of the
    /// first.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn values_text(&self, path: &CollectionPath) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut sink = |piece: &[u8]| {
            out.extend_from_slice(piece);
            Ok(())
        };
        let mut text = RecordText::new(self, 0, &mut sink)?;
        text.values(self.records(path, Detail::All)?)?;
        text.finish()?;
        Ok(out)
    }

    /// Tells `each` the keys of a collection, in order.
    ///
    /// # Errors
    /// What `each` returns; [`Error::Damaged`],
    /// [`Error::Io`].
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

    fn newest(&self) -> Option<&Indexed> {
        self.segments.last()
    }

    fn segment(&self, number: usize) -> Result<&Indexed> {
        // Numbers come from this store itself.
        self.segments.get(number).ok_or(Error::Limit {
            what: "number of a segment",
            got: number as u64,
            limit: self.segments.len() as u64,
        })
    }

    /// The error for a value that makes too much text.
    fn too_long(&self) -> Error {
        match self.newest() {
            Some(newest) => newest.segment.refuse("length of a printed value"),
            None => Error::Limit {
                what: "length of a printed value",
                got: MAX_PRINTED as u64 + 1,
                limit: MAX_PRINTED as u64,
            },
        }
    }

    /// Appends the decoded key of a record of a keyed collection.
    pub(crate) fn key_of(&self, entry: &EntryRef, out: &mut Vec<u8>) -> Result<()> {
        if entry.is_pending() {
            out.extend_from_slice(&self.slot(entry)?.key);
            return Ok(());
        }
        let segment = &self.segment(entry.segment)?.segment;
        segment.key_of(entry.collection, entry.entry, out)
    }
}
