//! Changes that are not in any segment yet.
//!
//! A record that was put is in a *slot*; what it replaces, and what was deleted,
//! is *gone* from the segments. A record whose key was there keeps its place, so
//! it has the sequence number of the entry that it replaces. One that is new
//! gets a number when it is written; until then a counter says in what order new
//! ones came.

use std::{
    collections::{BTreeSet, HashMap, HashSet, btree_set},
    sync::{Arc, Mutex, PoisonError},
};

use xxhash_rust::xxh3::xxh3_64;

use super::{CollectionPath, EntryRef};
use crate::store::merge::Gone;

/// All changes of a store.
#[derive(Debug, Default)]
pub(super) struct Pending {
    collections: HashMap<Arc<CollectionPath>, PendingCollection>,
    /// The records of all collections. Empty slots are free for others.
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// Those that have others in their records.
    parents: HashSet<CollectionPath>,
    /// The counter of new records.
    next: u64,
    /// Names of the top level that were asked for and are not there, in that
    /// order. Readers note them, too, and may do so on several threads.
    touched: Mutex<Vec<Vec<u8>>>,
}

/// The changes of one collection.
#[derive(Debug)]
pub(super) struct PendingCollection {
    pub(super) path: Arc<CollectionPath>,
    /// How many had changes before.
    number: usize,
    pub(super) keyed: bool,
    /// Whether the collection is there: one that stood in a record may be gone
    /// with it.
    pub(super) present: bool,
    /// The slots of its records.
    by_key: HashMap<Vec<u8>, u32>,
    order: BTreeSet<(Position, u32)>,
    /// Of each segment, the entries that are gone.
    gone: HashMap<usize, BTreeSet<u32>>,
    /// Whether all entries of all segments are.
    pub(super) cleared: bool,
    /// The records of a collection without keys by the hash of their normal
    /// form, once one was looked for.
    pub(super) values: Option<Values>,
}

/// Records by hash; those of one hash in order.
pub(super) type Values = HashMap<u64, Vec<EntryRef>>;

/// A record that was put.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) collection: Arc<CollectionPath>,
    /// Empty where the collection has no keys.
    pub(super) key: Vec<u8>,
    /// In normal form; `{}` stands for nested collections.
    pub(super) text: Vec<u8>,
    pub(super) position: Position,
}

/// Where a record stands among those of its collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Position {
    /// In the place of an entry that had this sequence number.
    Kept(u64),
    /// After all that is in segments, in the order of the counter.
    New(u64),
}

/// The records of a collection that were put, in order.
pub(super) type Slots<'s> = btree_set::Iter<'s, (Position, u32)>;

impl Pending {
    pub(super) fn get(&self, path: &CollectionPath) -> Option<&PendingCollection> {
        self.collections.get(path)
    }

    /// Whether collections with changes stand in records of that one.
    pub(super) fn is_parent(&self, path: &CollectionPath) -> bool {
        self.parents.contains(path)
    }

    /// All collections with changes, in the order in which they got the first.
    pub(super) fn collections(&self) -> Vec<&PendingCollection> {
        let mut list: Vec<_> = self.collections.values().collect();
        list.sort_by_key(|collection| collection.number);
        list
    }

    /// Bytes of all records.
    pub(super) fn weight(&self) -> u64 {
        let slots = self.slots.iter().flatten();
        slots
            .map(|slot| (slot.key.len() + slot.text.len()) as u64)
            .sum()
    }

    /// Whether a record of any collection has that key.
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        self.collections
            .values()
            .any(|changes| changes.find(key).is_some())
    }

    pub(super) fn slot(&self, number: u32) -> Option<&Slot> {
        self.slots.get(number as usize)?.as_ref()
    }

    /// The changes of a collection, which is there from now on.
    pub(super) fn open(&mut self, path: &CollectionPath, keyed: bool) -> &mut PendingCollection {
        let number = self.collections.len();
        if let Some((around, ..)) = path.around() {
            self.parents.insert(around);
        }
        let path = Arc::new(path.clone());
        let collection = self.collections.entry(Arc::clone(&path));
        let collection = collection.or_insert_with(|| PendingCollection::new(path, number));
        collection.keyed = keyed;
        collection.present = true;
        collection
    }

    /// Puts a record in the place of that with the same key, or at `position`;
    /// at the end where that is `None`.
    pub(super) fn put(
        &mut self,
        path: &CollectionPath,
        key: &[u8],
        text: Vec<u8>,
        position: Option<Position>,
    ) {
        let number = self.get(path).and_then(|changes| changes.find(key));
        if let Some(slot) = number.and_then(|number| self.slots.get_mut(number as usize)?.as_mut())
        {
            slot.text = text;
            return;
        }
        let position = position.unwrap_or(Position::New(self.next));
        self.next += u64::from(matches!(position, Position::New(_)));
        // Fits: a store has fewer records than numbers.
        let number = self.free.pop().unwrap_or(self.slots.len() as u32);
        let collection = self.open(path, true);
        collection.by_key.insert(key.to_vec(), number);
        collection.order.insert((position, number));
        let slot = Slot {
            collection: Arc::clone(&collection.path),
            key: key.to_vec(),
            text,
            position,
        };
        self.fill(number, slot);
    }

    /// Appends a record to a collection without keys.
    pub(super) fn push(&mut self, path: &CollectionPath, text: Vec<u8>) {
        let position = Position::New(self.next);
        self.next += 1;
        let number = self.free.pop().unwrap_or(self.slots.len() as u32);
        let collection = self.open(path, false);
        collection.order.insert((position, number));
        if let Some(values) = &mut collection.values {
            let same = values.entry(xxh3_64(&text)).or_default();
            same.push(EntryRef::slot(number));
        }
        let slot = Slot {
            collection: Arc::clone(&collection.path),
            key: Vec::new(),
            text,
            position,
        };
        self.fill(number, slot);
    }

    fn fill(&mut self, number: u32, slot: Slot) {
        match self.slots.get_mut(number as usize) {
            Some(free) => *free = Some(slot),
            None => self.slots.push(Some(slot)),
        }
    }

    /// Takes a record back.
    pub(super) fn remove(&mut self, number: u32) {
        let Some(slot) = self.slots.get_mut(number as usize).and_then(Option::take) else {
            return;
        };
        self.free.push(number);
        if let Some(collection) = self.collections.get_mut(&slot.collection) {
            collection.order.remove(&(slot.position, number));
            if collection.keyed {
                collection.by_key.remove(&slot.key);
            }
        }
    }

    /// Takes all records of a collection away, those in segments too.
    pub(super) fn clear(&mut self, path: &CollectionPath, keyed: bool) -> &mut PendingCollection {
        let collection = self.open(path, keyed);
        collection.by_key.clear();
        collection.gone.clear();
        collection.values = None;
        collection.cleared = true;
        for (_, number) in std::mem::take(&mut collection.order) {
            self.remove(number);
        }
        self.open(path, keyed)
    }

    /// Notes that a name of the top level was asked for.
    pub(super) fn touch(&self, name: &[u8]) {
        let mut names = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.iter().any(|known| known == name) {
            names.push(name.to_vec());
        }
    }

    pub(super) fn touched(&self) -> Vec<Vec<u8>> {
        let names = self.touched.lock();
        names.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl PendingCollection {
    fn new(path: Arc<CollectionPath>, number: usize) -> PendingCollection {
        PendingCollection {
            path,
            number,
            keyed: true,
            present: true,
            by_key: HashMap::new(),
            order: BTreeSet::new(),
            gone: HashMap::new(),
            cleared: false,
            values: None,
        }
    }

    /// The slot of a key.
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Its slots, in the order of the records.
    pub(super) fn slots(&self) -> Slots<'_> {
        self.order.iter()
    }

    pub(super) fn len(&self) -> u64 {
        self.order.len() as u64
    }

    /// Notes that an entry of a segment is gone.
    pub(super) fn bury(&mut self, segment: usize, entry: u32) {
        if !self.cleared {
            self.gone.entry(segment).or_default().insert(entry);
        }
    }

    /// Whether its records are others than those of the segments.
    pub(super) fn is_changed(&self) -> bool {
        self.cleared || !self.order.is_empty() || !self.gone.is_empty()
    }

    /// The entries of segments that are gone, where not all are.
    pub(super) fn each_gone(&self) -> impl Iterator<Item = (usize, u32)> {
        let segments = self.gone.iter();
        segments.flat_map(|(&segment, entries)| entries.iter().map(move |&entry| (segment, entry)))
    }

    /// Whether anything is gone from segments before number `from`.
    pub(super) fn has_gone(&self, from: usize) -> bool {
        from > 0 && (self.cleared || self.gone.keys().any(|&segment| segment < from))
    }

    /// What is gone of a segment's part.
    pub(super) fn gone(&self, segment: usize) -> Gone<'_> {
        match self.gone.get(&segment) {
            _ if self.cleared => Gone::All,
            Some(entries) => Gone::Some(entries),
            None => Gone::None,
        }
    }
}
