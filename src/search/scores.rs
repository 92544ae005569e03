//! Cosines with one vector that are known as far as they were needed.

use super::{
    bound::Query,
    kernels::Kernel,
    rows::{Candidates, RowRef},
    scan::{scan, shares},
    threads,
};
use crate::error::Result;

/// Candidates by number: regular rows in the order of parts and rows, then all
/// others.
pub(super) struct Numbered<'a> {
    pub(super) candidates: &'a Candidates<'a>,
    rows: Vec<RowRef>,
    /// How many of them are regular.
    regular: usize,
}

impl<'a> Numbered<'a> {
    pub(super) fn new(candidates: &'a Candidates<'a>) -> Numbered<'a> {
        let reference = |part, row| RowRef { part, row };
        let mut rows = Vec::with_capacity(candidates.len());
        for (number, part) in candidates.parts() {
            let regular = part.regular.iter().cloned().flatten();
            rows.extend(regular.map(|row| reference(number, row)));
        }
        let regular = rows.len();
        for (number, part) in candidates.parts() {
            let irregular = part.irregular.iter();
            rows.extend(irregular.map(|&row| reference(number, row)));
        }
        Numbered {
            candidates,
            rows,
            regular,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Those that are not regular.
    pub(super) fn irregular(&self) -> std::ops::Range<usize> {
        self.regular..self.rows.len()
    }

    pub(super) fn row(&self, number: usize) -> RowRef {
        self.rows.get(number).copied().unwrap_or_default()
    }

    /// All numbers in the order of the store.
    pub(super) fn in_order(&self) -> Result<Vec<usize>> {
        let numbers = self.rows.iter().copied().zip(0..);
        let mut numbers: Vec<(RowRef, usize)> = numbers.collect();
        self.candidates.sort(&mut numbers)?;
        Ok(numbers.into_iter().map(|(_, number)| number).collect())
    }
}

/// The cosines of candidates with one vector. Each is an interval at first and
/// is computed when it is needed.
pub(super) struct Scores<'a> {
    numbered: &'a Numbered<'a>,
    query: &'a Query,
    /// What is known: all values from `low` to `high`. Once the value was
    /// computed, both are it, NaN included.
    known: Vec<(f64, f64)>,
    values: Vec<f64>,
}

impl<'a> Scores<'a> {
    /// Nothing is known yet.
    pub(super) fn unknown(numbered: &'a Numbered<'a>, query: &'a Query) -> Scores<'a> {
        Scores {
            numbered,
            query,
            known: vec![(f64::NEG_INFINITY, f64::INFINITY); numbered.len()],
            values: Vec::new(),
        }
    }

    /// Intervals for regular rows, if the query is regular, too.
    pub(super) fn scanned(numbered: &'a Numbered<'a>, query: &'a Query) -> Result<Scores<'a>> {
        let mut scores = Scores::unknown(numbered, query);
        let Some(scaled) = &query.scaled else {
            return Ok(scores);
        };
        let candidates = numbered.candidates;
        let bounds: Vec<f64> = candidates
            .parts()
            .map(|(_, part)| scaled.bound(part.rows.is_exact(), Kernel::best()))
            .collect();
        let mut rest = &mut scores.known[..];
        let mut work = Vec::new();
        for share in shares(candidates, 1) {
            let (known, after) = rest.split_at_mut_checked(share.len).unwrap_or_default();
            rest = after;
            work.push((share, known));
        }
        threads::on_all(work, |(share, known)| {
            let mut known = known.iter_mut();
            scan(candidates, &share, &[scaled], &mut |found| {
                let bound = bounds.get(found.part as usize);
                let bound = bound.copied().unwrap_or(f64::INFINITY);
                for (cosine, known) in found.cosines.iter().zip(&mut known) {
                    *known = (cosine - bound, cosine + bound);
                }
            })
        })?;
        Ok(scores)
    }

    /// What is known of a score.
    pub(super) fn interval(&self, number: usize) -> (f64, f64) {
        self.known.get(number).copied().unwrap_or_default()
    }

    /// The score, computed now if it was not before.
    pub(super) fn exact(&mut self, number: usize) -> Result<f64> {
        let (low, high) = self.interval(number);
        if low == high || low.is_nan() {
            return Ok(low);
        }
        let row = self.numbered.row(number);
        let query = (&self.query.values[..], self.query.norm);
        let candidates = self.numbered.candidates;
        let score = candidates.cosine(row, query, &mut self.values)?;
        if let Some(known) = self.known.get_mut(number) {
            *known = (score, score);
        }
        Ok(score)
    }

    /// Whether `a` is less than `b` as Python compares tuples of score and id.
    pub(super) fn less(&mut self, a: usize, b: usize) -> Result<bool> {
        let ((low_a, high_a), (low_b, high_b)) = (self.interval(a), self.interval(b));
        if high_a < low_b {
            return Ok(true);
        }
        if high_b < low_a {
            return Ok(false);
        }
        let (score_a, score_b) = (self.exact(a)?, self.exact(b)?);
        if score_a != score_b {
            return Ok(score_a < score_b);
        }
        let (a, b) = (self.numbered.row(a), self.numbered.row(b));
        Ok(self.numbered.candidates.compare_ids(a, b)?.is_lt())
    }
}
