//! The entries of the maps of a vector store, by id.

use super::{RowStore, Stack};
use crate::{
    error::Result,
    segment::{Map, VectorSegment},
};

impl RowStore {
    /// The entry of `id` in a map: its segment, and its number there.
    pub(crate) fn find(&self, map: Map, id: &[u8]) -> Result<Option<(&VectorSegment, u32)>> {
        self.stack()?.find(map, id)
    }

    /// Tells `each` the ids of a map's entries, in order, until it returns
    /// false.
    pub(crate) fn each_id(
        &self,
        map: Map,
        each: &mut dyn FnMut(&[u8]) -> Result<bool>,
    ) -> Result<()> {
        let stack = self.stack()?;
        let mut entries = stack.entries(map)?;
        let mut id = Vec::new();
        while let Some((n, entry)) = entries.next()? {
            let Some(segment) = stack.segments().get(n) else {
                continue;
            };
            id.clear();
            segment.ids().get(segment.entry_row(map, entry)?, &mut id)?;
            if !each(&id)? {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Stack {
    /// The entry of `id` in a map: its segment, and its number there.
    pub(crate) fn find(&self, map: Map, id: &[u8]) -> Result<Option<(&VectorSegment, u32)>> {
        let found = self.find_number(map, id)?;
        Ok(found.and_then(|found| {
            let segment = self.segments().get(found.segment)?;
            Some((&**segment, found.entry))
        }))
    }

    /// The entry of `id` in a map, by numbers.
    pub(super) fn find_number(&self, map: Map, id: &[u8]) -> Result<Option<FoundEntry>> {
        let mut found: Option<FoundEntry> = None;
        for (n, segment) in self.segments().iter().enumerate() {
            let entry = match segment.row_of(id)? {
                Some(row) => segment.row_entry(map, row)?,
                None => None,
            };
            let (Some(entry), Some(part)) = (entry, self.part(n, map)?) else {
                continue;
            };
            if part.is_live(entry)? {
                found = found.max(Some(FoundEntry {
                    number: part.sequence.get(entry)?,
                    segment: n,
                    entry,
                }));
            }
        }
        Ok(found)
    }
}

/// Where an entry is. The last of several of one id is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FoundEntry {
    /// Its sequence number.
    pub(super) number: u64,
    /// The number of its segment.
    pub(super) segment: usize,
    pub(super) entry: u32,
}
