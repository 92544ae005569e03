//! The rows that a query looks at.

use super::RowStore;
use crate::{error::Result, search::MetadataFilters, segment::Map};

impl RowStore {
    /// For each segment the ascending rows that pass; `None` where all live
    /// rows with a vector do.
    pub(crate) fn select(
        &self,
        _filters: Option<&MetadataFilters>,
        node_ids: Option<&[Vec<u8>]>,
    ) -> Result<Option<Vec<Vec<u32>>>> {
        let Some(ids) = node_ids else {
            return Ok(None);
        };
        let mut selected = vec![Vec::new(); self.segments.len()];
        for id in ids {
            for (segment, rows) in self.segments.iter().zip(&mut selected) {
                let row = segment.row_of(id)?;
                if let Some(row) = row.filter(|&row| row < segment.vectors())
                    && self.part(segment, Map::Embeddings)?.is_live(row)?
                {
                    rows.push(row);
                }
            }
        }
        for rows in &mut selected {
            rows.sort_unstable();
            rows.dedup();
        }
        Ok(Some(selected))
    }
}
