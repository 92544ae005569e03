//! A store of rows: all its segments together.

mod entries;
mod select;

use std::sync::Arc;

use super::merge::{Given, Merge, Part, check_targets, tombstones_of};
use crate::{
    container::Container,
    error::Result,
    segment::{Map, TombstoneSegment, VectorSegment},
};

/// A store of rows, which are vectors with metadata: all its segments together.
#[derive(Debug)]
pub struct RowStore {
    /// From the oldest to the newest; at least one.
    segments: Vec<VectorSegment>,
    tombstones: Option<TombstoneSegment>,
}

impl RowStore {
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
        check_targets(tombstones.as_ref(), given, |root| {
            let known = segments.iter().any(|segment| segment.root() == *root);
            known.then_some(Map::ALL.len())
        })?;
        Ok(RowStore {
            segments,
            tombstones,
        })
    }

    /// The segments, oldest first. Rows of theirs may be deleted.
    #[must_use]
    pub fn segments(&self) -> &[VectorSegment] {
        &self.segments
    }

    /// Number of vectors.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn vectors(&self) -> Result<u64> {
        self.live(Map::Embeddings)
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

    /// Number of live entries of a map.
    pub(crate) fn live(&self, map: Map) -> Result<u64> {
        let mut sum = 0;
        for segment in &self.segments {
            sum += u64::from(self.part(segment, map)?.live());
        }
        Ok(sum)
    }

    /// The live entries of a map in order: number of the segment, and of the
    /// entry in it.
    pub(crate) fn entries(&self, map: Map) -> Result<Merge<'_>> {
        let parts = self.segments.iter().map(|segment| self.part(segment, map));
        Merge::new(parts.collect::<Result<_>>()?)
    }

    fn part<'s>(&'s self, segment: &'s VectorSegment, map: Map) -> Result<Part<'s>> {
        let entries = segment.entries(map);
        let sequence = segment.sequence(map);
        let tombstones = self.tombstones.as_ref();
        Part::new(sequence, entries, tombstones, &segment.root(), map as u32)
            .ok_or_else(|| segment.refuse("the number of entries that tombstones state"))
    }
}
