//! The vectors of a store segment by segment, for whoever reads them as matrices.

use std::sync::Arc;

use super::{Kind, VectorStore, records};
use crate::{
    columns::BitSet,
    error::{Error, QueryError, Result},
    segment::{Map, VectorSegment},
};

/// The vectors of one segment, and which of them the store has: others are deleted.
#[derive(Debug, Clone)]
pub struct SegmentVectors {
    segment: Arc<VectorSegment>,
    live: BitSet,
}

impl SegmentVectors {
    /// The segment. Its first [`vectors`](VectorSegment::vectors) rows have a vector.
    #[must_use]
    pub fn segment(&self) -> &Arc<VectorSegment> {
        &self.segment
    }

    /// Whether a row is one of the store.
    #[must_use]
    pub fn is_live(&self, row: u32) -> bool {
        self.live.contains(row)
    }

    /// Whether all its rows with a vector are.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.live.len() == self.segment.vectors()
    }
}

impl VectorStore {
    /// The vectors segment by segment, oldest first; what was changed and is not
    /// persisted comes last. A store of one segment has its vectors in the order of the
    /// rows; those of several stand between each other. Segments without a vector are
    /// passed over. `None` for a store that is held as records.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn segments(&self) -> Result<Option<Vec<SegmentVectors>>> {
        let Kind::Rows(store) = &self.kind else {
            return Ok(None);
        };
        let stack = store.stack()?;
        let mut segments = Vec::new();
        for (n, segment) in stack.segments().iter().enumerate() {
            if segment.vectors() > 0 {
                segments.push(SegmentVectors {
                    segment: Arc::clone(segment),
                    live: stack.live_set(n, Map::Embeddings)?,
                });
            }
        }
        Ok(Some(segments))
    }

    /// The `f32` nearest to the components of all vectors, row after row in the order of
    /// the store, and how many rows and components there are (without rows, no
    /// components). A copy.
    ///
    /// # Errors
    /// [`QueryError::Ragged`] where not all are of one length; as [`get`](Self::get).
    pub fn nearest(&self) -> Result<(Vec<f32>, [usize; 2])> {
        let ragged = |rows: u64| {
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            Error::Query(QueryError::Ragged { rows })
        };
        let mut dim = None;
        let mut rows = 0;
        let mut numbers = Vec::new();
        match &self.kind {
            Kind::Rows(store) => {
                let stack = store.stack()?;
                let mut entries = stack.entries(Map::Embeddings)?;
                while let Some((n, first)) = entries.next()? {
                    let Some(segment) = stack.segments().get(n) else {
                        continue;
                    };
                    let components = segment.dim() as usize;
                    if *dim.get_or_insert(components) != components {
                        return Err(ragged(store.vectors()?));
                    }
                    // Neighbours are read together.
                    let most = (READ / components.max(1)).max(1) as u32;
                    let mut end = first + 1;
                    while end - first < most
                        && entries.peek().is_some_and(|(_, m, e)| (m, e) == (n, end))
                    {
                        entries.next()?;
                        end += 1;
                    }
                    rows += (end - first) as usize;
                    // Vectors are in the order of their rows.
                    numbers.extend_from_slice(&segment.plane().nearest(first..end)?);
                }
            }
            Kind::Records(store) => {
                let mut is_ragged = false;
                records::each_id(store, Map::Embeddings, &mut |id| {
                    let values = records::get(store, id)?.unwrap_or_default();
                    is_ragged |= *dim.get_or_insert(values.len()) != values.len();
                    rows += 1;
                    numbers.extend(values.iter().map(|value| *value as f32));
                    Ok(())
                })?;
                if is_ragged {
                    return Err(ragged(self.len()?));
                }
            }
        }
        Ok((numbers, [rows, dim.unwrap_or_default()]))
    }
}

/// How many numbers are read at a time. (Few in unit tests.)
const READ: usize = if cfg!(test) { 16 } else { 1 << 18 };
