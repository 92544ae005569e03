//! A store of rows: all its segments together, and what was changed since.
//!
//! What is changed stays in memory until it is written. Entries that are put
//! gather (`fresh.rs`); at the first reading after that they become a segment
//! in memory (`settle.rs`), which stands on those that are files (`stack.rs`)
//! and is read as they are. So there is one way to read, print and search, and
//! it knows nothing of changes.

mod changes;
mod entries;
mod fresh;
mod rebase;
mod select;
mod settle;
mod stack;
mod text;

use std::sync::{Arc, OnceLock};

pub(crate) use changes::NewEntry;
use fresh::Fresh;
pub(crate) use select::Named;
pub(crate) use stack::Stack;
pub(crate) use text::{EntryPrinter, print_value};

use super::merge::{Given, check_targets, tombstones_of};
use crate::{
    container::Container,
    error::Result,
    json::JsonStyle,
    segment::{Map, Member, VectorSegment},
};

/// How deep the entries of the maps stand in the file.
pub(crate) const ENTRY_DEPTH: usize = 2;

/// A store of rows, which are vectors with metadata: all its segments together,
/// and what was changed since they were written.
#[derive(Debug)]
pub struct RowStore {
    /// All but the fresh entries.
    stack: Box<Stack>,
    /// Entries that are in no segment.
    fresh: Fresh,
    /// The stack with the fresh entries, from the first reading after a change
    /// until the next change.
    settled: OnceLock<Box<Stack>>,
}

impl RowStore {
    /// A store without segments, which holds nothing.
    pub(crate) fn empty() -> RowStore {
        RowStore::new(Stack::new(Vec::new(), None))
    }

    /// Takes the open segments of a store, oldest first, as
    /// [`OpenStore::segments`](crate::persist_dir::OpenStore::segments) gives
    /// them.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn open(segments: Vec<Arc<Container>>) -> Result<RowStore> {
        RowStore::of(segments, Given::All)
    }

    /// Takes what can be opened of a damaged store.
    pub(crate) fn open_rest(segments: Vec<Arc<Container>>) -> Result<RowStore> {
        RowStore::of(segments, Given::Rest)
    }

    fn of(segments: Vec<Arc<Container>>, given: Given) -> Result<RowStore> {
        let (segments, tombstones) = tombstones_of(segments)?;
        let segments = segments.into_iter().map(VectorSegment::open);
        let segments: Vec<_> = segments.collect::<Result<_>>()?;
        let known = segments.iter().map(|s| (s.root(), Map::ALL.len()));
        let known: Vec<_> = known.collect();
        check_targets(tombstones.as_ref(), given, &known)?;
        let segments = segments.into_iter().map(Arc::new).collect();
        Ok(RowStore::new(Stack::new(segments, tombstones)))
    }

    fn new(stack: Stack) -> RowStore {
        RowStore {
            stack: Box::new(stack),
            fresh: Fresh::default(),
            settled: OnceLock::new(),
        }
    }

    /// The segments that are files, oldest first. Rows of theirs may be deleted.
    #[must_use]
    pub fn segments(&self) -> &[Arc<VectorSegment>] {
        self.stack.stored()
    }

    /// The members of the top-level object.
    pub(crate) fn members(&self) -> &[Member] {
        self.stack.members()
    }

    /// The style of the file.
    pub(crate) fn style(&self) -> &JsonStyle {
        self.stack.style()
    }

    /// All segments, those in memory as well, with every change in them.
    pub(crate) fn stack(&self) -> Result<&Stack> {
        if self.fresh.is_empty() {
            return Ok(&self.stack);
        }
        if let Some(settled) = self.settled.get() {
            return Ok(settled);
        }
        let settled = Box::new(self.stack.with(&self.fresh)?);
        // Two threads may both have made it; one result is as good.
        Ok(self.settled.get_or_init(|| settled))
    }

    /// Number of vectors.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn vectors(&self) -> Result<u64> {
        self.live(Map::Embeddings)
    }

    /// Number of live entries of a map.
    pub(crate) fn live(&self, map: Map) -> Result<u64> {
        Ok(self.stack.live(map)? + self.fresh.len(map))
    }

    /// Number of live entries of all maps.
    pub(crate) fn live_entries(&self) -> Result<u64> {
        Map::ALL.iter().map(|map| self.live(*map)).sum()
    }

    /// How many entries the segments that are files have, and how many of those are
    /// deleted.
    pub(crate) fn entry_counts(&self) -> Result<(u64, u64)> {
        let of = |segment: &Arc<VectorSegment>| {
            let entries = Map::ALL.map(|map| u64::from(segment.entries(map)));
            entries.iter().sum::<u64>()
        };
        let all = self.stack.stored().iter().map(of).sum();
        let live = Map::ALL.iter().map(|map| self.stack.live(*map));
        let live = live.sum::<Result<u64>>()?;
        Ok((all, u64::saturating_sub(all, live)))
    }

    /// The vector of an id: the f64 values that Python reads from the JSON.
    /// `None` when the store has no vector of that id.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn get(&self, id: &[u8]) -> Result<Option<Vec<f64>>> {
        match self.find(Map::Embeddings, id)? {
            // Vectors are in the order of their rows.
            Some((segment, row)) => segment.vector(row).map(Some),
            None => Ok(None),
        }
    }
}
