//! The entries of the maps of a vector store, by id.

use super::RowStore;
use crate::{
    error::Result,
    segment::{Map, VectorSegment},
    store::merge::Merge,
};

impl RowStore {
    /// The entry of `id` in a map: its segment, and its number there.
    pub(crate) fn find(&self, map: Map, id: &[u8]) -> Result<Option<(&VectorSegment, u32)>> {
        let found = self.find_number(map, id)?;
        Ok(found.and_then(|(n, entry)| Some((self.segments.get(n)?, entry))))
    }

    /// The entry of `id` in a map: the number of its segment, and its own.
    pub(super) fn find_number(&self, map: Map, id: &[u8]) -> Result<Option<(usize, u32)>> {
        let mut found: Option<(u64, usize, u32)> = None;
        for (n, segment) in self.segments.iter().enumerate() {
            let entry = match segment.row_of(id)? {
                Some(row) => segment.row_entry(map, row)?,
                None => None,
            };
            let Some(entry) = entry else {
                continue;
            };
            let part = self.part(segment, map)?;
            if part.is_live(entry)? {
                found = found.max(Some((part.sequence.get(entry)?, n, entry)));
            }
        }
        Ok(found.map(|(_, n, entry)| (n, entry)))
    }

    /// The live entries of a map of which parts may be damaged. Says whether
    /// their order is the true one.
    pub(crate) fn rescued(&self, map: Map) -> Result<(Merge<'_>, bool)> {
        let parts = self.segments.iter().map(|segment| self.part(segment, map));
        Merge::rescued(parts.collect::<Result<_>>()?)
    }

    /// Tells `each` the ids of a map's entries, in order, until it returns
    /// false.
    pub(crate) fn each_id(
        &self,
        map: Map,
        each: &mut dyn FnMut(&[u8]) -> Result<bool>,
    ) -> Result<()> {
        let mut entries = self.entries(map)?;
        let mut id = Vec::new();
        while let Some((n, entry)) = entries.next()? {
            let Some(segment) = self.segments.get(n) else {
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
