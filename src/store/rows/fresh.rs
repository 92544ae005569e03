//! Entries that were put and are in no segment yet.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::segment::Map;

/// An entry that is in no segment.
#[derive(Debug, Clone)]
pub(super) struct FreshEntry {
    pub(super) id: Arc<[u8]>,
    /// The value, as the file would have it.
    pub(super) text: Vec<u8>,
}

/// Entries that are in no segment, by their sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// In the order of [`Map::ALL`].
    maps: [BTreeMap<u64, FreshEntry>; 3],
    numbers: HashMap<Arc<[u8]>, [Option<u64>; 3]>,
    /// Components of a vector.
    dim: usize,
    bytes: usize,
}

impl Fresh {
    pub(super) fn is_empty(&self) -> bool {
        self.maps.iter().all(BTreeMap::is_empty)
    }

    /// Bytes of all values that were put.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Components of the vectors; `None` where there is none.
    pub(super) fn dim(&self) -> Option<usize> {
        (self.len(Map::Embeddings) > 0).then_some(self.dim)
    }

    fn map(&self, map: Map) -> &BTreeMap<u64, FreshEntry> {
        let [vectors, ref_docs, metadata] = &self.maps;
        match map {
            Map::Embeddings => vectors,
            Map::RefDocs => ref_docs,
            Map::Metadata => metadata,
        }
    }

    pub(super) fn len(&self, map: Map) -> u64 {
        self.map(map).len() as u64
    }

    /// The most entries of any map.
    pub(super) fn rows(&self) -> u64 {
        Map::ALL
            .map(|map| self.len(map))
            .into_iter()
            .max()
            .unwrap_or(0)
    }

    /// The entries of a map in order.
    pub(super) fn entries(&self, map: Map) -> impl Iterator<Item = (u64, &FreshEntry)> {
        self.map(map).iter().map(|(number, entry)| (*number, entry))
    }

    /// The highest sequence number of a map.
    pub(super) fn last_number(&self, map: Map) -> Option<u64> {
        self.map(map).last_key_value().map(|(number, _)| *number)
    }

    /// The sequence number of the entry of `id` in a map.
    pub(super) fn number(&self, map: Map, id: &[u8]) -> Option<u64> {
        self.numbers.get(id)?.get(map as usize).copied().flatten()
    }

    /// Puts an entry, in the place of the one of this number if there is one.
    pub(super) fn put(&mut self, map: Map, number: u64, id: &[u8], text: Vec<u8>) {
        let id = match self.numbers.get_key_value(id) {
            Some((id, _)) => Arc::clone(id),
            None => Arc::from(id),
        };
        let numbers = self.numbers.entry(Arc::clone(&id)).or_default();
        if let Some(known) = numbers.get_mut(map as usize) {
            *known = Some(number);
        }
        self.bytes += text.len();
        if let Some(entries) = self.maps.get_mut(map as usize) {
            entries.insert(number, FreshEntry { id, text });
        }
    }

    /// How many components the vectors have from now on.
    pub(super) fn set_dim(&mut self, dim: usize) {
        self.dim = dim;
    }
}
