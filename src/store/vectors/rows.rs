//! Candidates among the rows of segments, as a search sees them.

use std::ops::{ControlFlow, Range};

use super::gather::{Gathered, GatheredCodes};
use crate::{
    error::Result,
    search::{
        Block, Candidates, Nearest, Part, RowNumbers, Rows, Sketch, SketchBlock, VectorStoreQuery,
        runs_between, runs_of,
    },
    segment::{Map, VectorSegment},
    sketches,
    store::{Named, RowStore},
};

/// Bytes of rows that are read at a time. (Few in unit tests.)
const CHUNK: usize = if cfg!(test) { 64 } else { 1 << 20 };
/// A run of more bytes is long and is used where it is; short ones are gathered.
const LONG: usize = if cfg!(test) { 16 } else { 16 << 10 };

/// The rows of a segment that a query looks at.
pub(super) struct Selected<'s> {
    segment: &'s VectorSegment,
    irregular: Vec<u32>,
    runs: Vec<Range<u32>>,
}

/// The candidates of a query, segment by segment.
pub(super) fn select<'s>(
    store: &'s RowStore,
    query: &VectorStoreQuery,
    named: Named<'_>,
) -> Result<Vec<Selected<'s>>> {
    let stack = store.stack()?;
    let selected = stack.select(query.filters.as_ref(), named)?;
    let mut rows = Vec::new();
    for (n, segment) in stack.segments().iter().enumerate() {
        let runs = match &selected {
            Some(rows) => rows.get(n).map(|rows| runs_of(rows)).unwrap_or_default(),
            None => {
                let part = stack.part(n, Map::Embeddings)?;
                let dead = part.map(|part| part.dead()).transpose()?;
                runs_between(&dead.unwrap_or_default(), segment.vectors())
            }
        };
        // Others must not count where lengths are compared.
        if !runs.is_empty() {
            rows.push(Selected {
                segment,
                irregular: segment.irregular()?,
                runs,
            });
        }
    }
    Ok(rows)
}

pub(super) fn candidates<'s>(selected: &'s [Selected<'s>]) -> Candidates<'s> {
    let part = |rows: &'s Selected<'s>| Part::new(rows, &rows.runs, &rows.irregular);
    Candidates::new(selected.iter().map(part).collect())
}

impl Selected<'_> {
    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(ExactSizeIterator::len).sum()
    }

    /// Where the first of them stands among those of other segments.
    pub(super) fn first(&self) -> Result<u64> {
        let first = self.runs.first().map_or(0, |run| run.start);
        self.sequence(first)
    }
}

impl Rows for Selected<'_> {
    fn dim(&self) -> usize {
        self.segment.dim() as usize
    }

    fn is_exact(&self) -> bool {
        self.segment.plane().is_exact()
    }

    fn each_block(
        &self,
        runs: &[Range<u32>],
        each: &mut dyn FnMut(Block<'_>) -> Result<()>,
    ) -> Result<()> {
        let plane = self.segment.plane();
        let row_len = (self.dim() * 4).max(1);
        let most = (CHUNK / row_len).max(1);
        let mut gathered = Gathered::new(plane);
        for run in runs {
            if run.len() * row_len <= LONG {
                gathered.add(run.clone(), each)?;
                continue;
            }
            gathered.flush(each)?;
            for first in run.clone().step_by(most) {
                let end = run.end.min(first.saturating_add(most as u32));
                each(Block {
                    rows: RowNumbers::From(first),
                    nearest: Nearest::Together(&plane.nearest(first..end)?),
                    norms: &plane.norms(first..end)?,
                })?;
            }
        }
        gathered.flush(each)
    }

    fn sketch(&self) -> Option<&dyn Sketch> {
        self.segment.sketch().map(|sketch| sketch as &dyn Sketch)
    }

    fn values(&self, row: u32, values: &mut Vec<f64>) -> Result<f64> {
        let plane = self.segment.plane();
        plane.row(row)?.values_into(values);
        plane.norm(row)
    }

    fn id(&self, row: u32, id: &mut Vec<u8>) -> Result<()> {
        id.clear();
        self.segment.ids().get(row, id)
    }

    fn sequence(&self, row: u32) -> Result<u64> {
        self.segment.sequence(Map::Embeddings).get(row)
    }
}

impl Sketch for sketches::Sketch {
    fn mean(&self) -> Result<Vec<f32>> {
        Ok(self.mean()?.to_vec())
    }

    fn each_block(
        &self,
        runs: &[Range<u32>],
        each: &mut dyn FnMut(SketchBlock<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        let row_len = self.dim().max(1);
        let most = u32::try_from(CHUNK / row_len).unwrap_or(u32::MAX).max(1);
        let mut gathered = GatheredCodes::new(self);
        for run in runs {
            if run.len() * row_len <= LONG {
                if gathered.add(run.clone(), each)?.is_break() {
                    return Ok(());
                }
                continue;
            }
            let mut next = gathered.flush(each);
            for first in run.clone().step_by(most as usize) {
                if next.is_break() {
                    return Ok(());
                }
                let rows = first..run.end.min(first.saturating_add(most));
                next = each(SketchBlock {
                    rows: RowNumbers::From(first),
                    codes: bytemuck::cast_slice(&self.codes(rows.clone())?),
                    numbers: &self.numbers(rows)?,
                });
            }
            if next.is_break() {
                return Ok(());
            }
        }
        let _ = gathered.flush(each);
        Ok(())
    }
}
