//! What a search asks of the rows it looks at, and which of them those are.

use std::{
    cmp::Ordering,
    ops::{ControlFlow, Range},
};

use super::exact;
use crate::error::{Error, Result};

/// Rows of one length.
pub(crate) trait Rows: Sync {
    /// Components of a row; at least 1.
    fn dim(&self) -> usize;

    /// Whether all values of regular rows are `f32`.
    fn is_exact(&self) -> bool;

    /// Gives `each` the rows of ascending runs, which are regular, in blocks that
    /// ascend as well.
    ///
    /// # Errors
    /// What `each` returns, and those of reading.
    fn each_block(
        &self,
        runs: &[Range<u32>],
        each: &mut dyn FnMut(Block<'_>) -> Result<()>,
    ) -> Result<()>;

    /// The sketch of the regular rows, where there is one.
    fn sketch(&self) -> Option<&dyn Sketch> {
        None
    }

    /// The true values of a row, in place of what `values` holds, and their
    /// norm.
    fn values(&self, row: u32, values: &mut Vec<f64>) -> Result<f64>;

    /// The id of a row, in place of what `id` holds.
    fn id(&self, row: u32, id: &mut Vec<u8>) -> Result<()>;

    /// Where a row stands among those of all parts.
    fn sequence(&self, row: u32) -> Result<u64>;
}

/// Rows in codes, with bounds of what those lose: see `sketches/fit.rs`.
pub(crate) trait Sketch: Sync {
    /// What each row has a share of; as long as a row.
    fn mean(&self) -> Result<Vec<f32>>;

    /// Gives `each` the codes of ascending runs of rows, in blocks that ascend as well,
    /// until it breaks.
    ///
    /// # Errors
    /// Those of reading.
    fn each_block(
        &self,
        runs: &[Range<u32>],
        each: &mut dyn FnMut(SketchBlock<'_>) -> ControlFlow<()>,
    ) -> Result<()>;
}

/// Rows of a sketch that are looked at together.
pub(crate) struct SketchBlock<'a> {
    pub(crate) rows: RowNumbers<'a>,
    /// Row after row.
    pub(crate) codes: &'a [i8],
    /// Scale, share, error and length of each row.
    pub(crate) numbers: &'a [[f32; 4]],
}

/// Rows that are looked at together.
pub(crate) struct Block<'a> {
    pub(crate) rows: RowNumbers<'a>,
    pub(crate) nearest: Nearest<'a>,
    /// The norm of each row.
    pub(crate) norms: &'a [f64],
}

/// The `f32` nearest to each value of the rows of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Nearest<'a> {
    /// Row after row.
    Together(&'a [f32]),
    /// Each row by itself.
    Apart(&'a [&'a [f32]]),
}

/// The numbers of the rows of a block, ascending.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowNumbers<'a> {
    /// Neighbours, from this one on.
    From(u32),
    Listed(&'a [u32]),
}

impl RowNumbers<'_> {
    /// The number of the `n`th row; the block has so many.
    pub(crate) fn get(self, n: usize) -> u32 {
        match self {
            RowNumbers::From(first) => first.saturating_add(u32::try_from(n).unwrap_or(u32::MAX)),
            RowNumbers::Listed(rows) => rows.get(n).copied().unwrap_or(u32::MAX),
        }
    }

    /// Those from the `n`th on.
    pub(crate) fn skip(self, n: usize) -> Self {
        match self {
            RowNumbers::From(_) => RowNumbers::From(self.get(n)),
            RowNumbers::Listed(rows) => RowNumbers::Listed(rows.get(n..).unwrap_or_default()),
        }
    }
}

/// The rows that a query looks at: parts of a store, oldest first, all of one
/// length.
pub(crate) struct Candidates<'a> {
    parts: Vec<Part<'a>>,
}

/// The rows that a query looks at in one part of a store.
pub(crate) struct Part<'a> {
    pub(crate) rows: &'a dyn Rows,
    /// Those that a scan is bounded for, in ascending runs.
    pub(crate) regular: Vec<Range<u32>>,
    /// The others, ascending.
    pub(crate) irregular: Vec<u32>,
}

/// A row of a part, both by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowRef {
    pub(crate) part: u32,
    pub(crate) row: u32,
}

impl<'a> Part<'a> {
    /// Of the rows in `runs`, which ascend, and of which those that
    /// `irregular` lists, ascending as well, are not regular.
    pub(crate) fn new(rows: &'a dyn Rows, runs: &[Range<u32>], irregular: &[u32]) -> Part<'a> {
        let mut part = Part {
            rows,
            regular: Vec::with_capacity(runs.len()),
            irregular: Vec::new(),
        };
        for run in runs {
            let mut start = run.start;
            let from = irregular.partition_point(|&row| row < start);
            let inside = irregular.get(from..).unwrap_or_default().iter();
            for &row in inside.take_while(|&&row| row < run.end) {
                part.push_run(start..row);
                part.irregular.push(row);
                start = row + 1;
            }
            part.push_run(start..run.end);
        }
        part
    }

    fn push_run(&mut self, run: Range<u32>) {
        if !run.is_empty() {
            self.regular.push(run);
        }
    }

    fn len(&self) -> usize {
        let regular = self.regular.iter().map(ExactSizeIterator::len);
        regular.sum::<usize>() + self.irregular.len()
    }
}

/// Room for so many rows that stand alone, before it grows.
const ALONE: usize = 4096;

/// Ascending numbers as runs of consecutive ones.
pub(crate) fn runs_of(rows: &[u32]) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::with_capacity(rows.len().min(ALONE));
    for &row in rows {
        let end = row.saturating_add(1);
        match runs.last_mut() {
            Some(run) if run.end == row => run.end = end,
            _ => runs.push(row..end),
        }
    }
    runs
}

/// The runs of numbers below `end` between ascending `gaps`.
pub(crate) fn runs_between(gaps: &[u32], end: u32) -> Vec<Range<u32>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for &gap in gaps.iter().take_while(|&&gap| gap < end) {
        if start < gap {
            runs.push(start..gap);
        }
        start = gap + 1;
    }
    if start < end {
        runs.push(start..end);
    }
    runs
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(parts: Vec<Part<'a>>) -> Candidates<'a> {
        Candidates { parts }
    }

    /// Of each part only these regular rows, in ascending runs, and no others.
    pub(crate) fn only(
        &self,
        mut rows: impl FnMut(u32, &Part<'a>) -> Vec<Range<u32>>,
    ) -> Candidates<'a> {
        let parts = self.parts().map(|(number, part)| Part {
            rows: part.rows,
            regular: rows(number, part),
            irregular: Vec::new(),
        });
        Candidates {
            parts: parts.collect(),
        }
    }

    /// How many rows they are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// Components of each row; 0 without rows.
    pub(crate) fn dim(&self) -> usize {
        self.parts.first().map_or(0, |part| part.rows.dim())
    }

    /// With their numbers.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (u32, &Part<'a>)> {
        (0..).zip(&self.parts)
    }

    /// Brings rows, and what goes with each, into the order of the store.
    pub(crate) fn sort<T: Copy>(&self, rows: &mut Vec<(RowRef, T)>) -> Result<()> {
        if self.parts.len() < 2 {
            // Sequence numbers ascend with the rows of a part.
            rows.sort_unstable_by_key(|(row, _)| *row);
            return Ok(());
        }
        let keyed = rows.iter().map(|row| Ok((self.sequence(row.0)?, *row)));
        let mut keyed = keyed.collect::<Result<Vec<_>>>()?;
        keyed.sort_unstable_by_key(|(sequence, (row, _))| (*sequence, *row));
        rows.clear();
        rows.extend(keyed.into_iter().map(|(_, row)| row));
        Ok(())
    }

    /// All rows in the order of the store.
    pub(crate) fn in_order(&self) -> Result<Vec<RowRef>> {
        let rows = self.parts().flat_map(|(part, rows)| {
            let rows = rows
                .regular
                .iter()
                .cloned()
                .flatten()
                .chain(rows.irregular.iter().copied());
            rows.map(move |row| (RowRef { part, row }, ()))
        });
        let mut rows: Vec<(RowRef, ())> = rows.collect();
        self.sort(&mut rows)?;
        Ok(rows.into_iter().map(|(row, ())| row).collect())
    }

    /// The first row in the order of the store.
    pub(crate) fn first(&self) -> Result<Option<RowRef>> {
        let mut first: Option<(u64, RowRef)> = None;
        for (part, rows) in self.parts() {
            let regular = rows.regular.first().map(|run| run.start);
            for row in regular.into_iter().chain(rows.irregular.first().copied()) {
                let row = RowRef { part, row };
                let this = (self.sequence(row)?, row);
                first = Some(first.map_or(this, |other| other.min(this)));
            }
        }
        Ok(first.map(|(_, row)| row))
    }

    /// Whether `a` stands before `b` in the order of the store.
    pub(crate) fn is_before(&self, a: RowRef, b: RowRef) -> Result<bool> {
        if a.part == b.part {
            return Ok(a.row < b.row);
        }
        Ok((self.sequence(a)?, a) < (self.sequence(b)?, b))
    }

    /// The rows of a part.
    pub(crate) fn part_rows(&self, part: u32) -> Option<&'a dyn Rows> {
        self.parts.get(part as usize).map(|part| part.rows)
    }

    /// The part that a reference of these candidates names.
    fn part(&self, row: RowRef) -> Result<&'a dyn Rows> {
        self.part_rows(row.part).ok_or(Error::Limit {
            what: "number of a part",
            got: u64::from(row.part),
            limit: self.parts.len() as u64,
        })
    }

    fn sequence(&self, row: RowRef) -> Result<u64> {
        self.part(row)?.sequence(row.row)
    }

    /// See [`Rows::id`].
    pub(crate) fn id(&self, row: RowRef) -> Result<Vec<u8>> {
        let mut id = Vec::new();
        self.part(row)?.id(row.row, &mut id)?;
        Ok(id)
    }

    /// How the ids of two rows compare: by code points, as in Python. That is
    /// the order of their bytes, in UTF-8 and in WTF-8.
    pub(crate) fn compare_ids(&self, a: RowRef, b: RowRef) -> Result<Ordering> {
        Ok(self.id(a)?.cmp(&self.id(b)?))
    }

    /// See [`Rows::values`].
    pub(crate) fn values(&self, row: RowRef, values: &mut Vec<f64>) -> Result<f64> {
        self.part(row)?.values(row.row, values)
    }

    /// The cosine of a row with a vector, as it is reported.
    pub(crate) fn cosine(
        &self,
        row: RowRef,
        (vector, norm): (&[f64], f64),
        values: &mut Vec<f64>,
    ) -> Result<f64> {
        let row_norm = self.values(row, values)?;
        Ok(exact::cosine(vector, norm, values, row_norm))
    }
}
