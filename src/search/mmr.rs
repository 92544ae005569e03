//! Maximal marginal relevance (`get_top_k_mmr_embeddings` of LlamaIndex).
//!
//! The first pick is the row nearest to the query. Each further one has the
//! largest `t sim(query, row) - (1 - t) sim(row, last)`, where `last` is the row
//! picked *last*, not all that were picked. Of equal rows the first in the
//! store is picked. What is reported are these scores.
//!
//! A step scans all rows in `f32` and computes the scores of those that could
//! be the largest.

use super::{
    bound::Query,
    query::Hit,
    rows::{Candidates, RowRef},
    scores::{Numbered, Scores},
};
use crate::error::{Error, QueryError, Result};

/// With larger weights, sums of intervals could overflow.
const MAX_THRESHOLD: f64 = 1e6;

/// Picks rows, at most `limit`. There is at least one candidate.
///
/// # Errors
/// [`QueryError::NoPick`], [`QueryError::NoFurtherPick`]; those of reading.
pub(crate) fn mmr(
    candidates: &Candidates<'_>,
    query: &Query,
    threshold: f64,
    limit: usize,
) -> Result<Vec<Hit>> {
    let (picked, _) = picks(candidates, query, threshold, limit, None)?;
    let hit = |(row, score)| {
        let id = candidates.id(row)?;
        Ok(Hit { id, score })
    };
    match picked {
        Picked::All(picks) => picks.into_iter().map(hit).collect(),
        Picked::Stuck(last) => Err(Error::Query(match last {
            Some(last) => QueryError::NoFurtherPick {
                id: candidates.id(last)?,
            },
            None => QueryError::NoPick,
        })),
    }
}

/// What was picked.
pub(super) enum Picked {
    /// So many rows as were wanted, with their scores.
    All(Vec<(RowRef, f64)>),
    /// No score is above minus infinity. LlamaIndex then wants to take its pick,
    /// none or the last one once more, from the rows that are left.
    Stuck(Option<RowRef>),
}

/// What rounding could have had picked in the place of the picks.
pub(super) enum Rivals {
    /// Rows, each equal to a pick in all values. Nothing else depends on which of them is
    /// picked, so those that are picked afterwards are the same.
    Equal(Vec<RowRef>),
    /// Rows of other values, too.
    Others,
}

/// Picks rows, at most `limit`. There is at least one candidate. Also tells the rivals of
/// the picks, where two cosines must be further than `apart` from each other for their
/// order to be certain. (Where `apart` is `None` nobody asks, and none are told.)
///
/// # Errors
/// Those of reading.
pub(super) fn picks(
    candidates: &Candidates<'_>,
    query: &Query,
    threshold: f64,
    limit: usize,
    apart: Option<f64>,
) -> Result<(Picked, Rivals)> {
    let mut picked: Vec<(RowRef, f64)> = Vec::new();
    if limit == 0 {
        return Ok((Picked::All(picked), Rivals::Equal(Vec::new())));
    }
    let numbered = Numbered::new(candidates);
    // A score is off by what its two cosines are.
    let weight = threshold.abs() + (1.0 - threshold).abs();
    let mut picks = Picks {
        threshold,
        apart: apart.map(|apart| apart * weight),
        rivals: Rivals::Equal(Vec::new()),
        left: vec![true; numbered.len()],
        to_query: scores(&numbered, query)?,
        numbered: &numbered,
    };
    let mut pick = picks.best(None)?;
    while let Some((number, score)) = pick {
        picks.take(number);
        let row = numbered.row(number);
        picked.push((row, score));
        if picked.len() == limit.min(numbered.len()) {
            return Ok((Picked::All(picked), picks.rivals));
        }
        let mut values = Vec::new();
        candidates.values(row, &mut values)?;
        let last = Query::new(&values);
        pick = picks.best(Some(scores(&numbered, &last)?))?;
    }
    let last = picked.last().map(|(row, _)| *row);
    Ok((Picked::Stuck(last), picks.rivals))
}

/// What is known of the cosines with a vector after a scan. Rows that it does
/// not bound are computed: they may be NaN.
fn scores<'a>(numbered: &'a Numbered<'a>, query: &'a Query) -> Result<Scores<'a>> {
    let mut scores = Scores::scanned(numbered, query)?;
    for number in numbered.irregular() {
        scores.exact(number)?;
    }
    Ok(scores)
}

struct Picks<'a> {
    threshold: f64,
    /// How far the best score must be from the next to be clearly the best.
    apart: Option<f64>,
    /// Of all picks so far.
    rivals: Rivals,
    numbered: &'a Numbered<'a>,
    /// Which rows are not picked yet.
    left: Vec<bool>,
    to_query: Scores<'a>,
}

impl Picks<'_> {
    fn take(&mut self, number: usize) {
        if let Some(left) = self.left.get_mut(number) {
            *left = false;
        }
    }

    /// The row of the largest score, the first of several. `None` where no
    /// score is above minus infinity.
    fn best(&mut self, mut to_last: Option<Scores<'_>>) -> Result<Option<(usize, f64)>> {
        let mut floor = f64::NEG_INFINITY;
        if self.threshold.abs() <= MAX_THRESHOLD {
            for number in self.numbers() {
                floor = floor.max(self.interval(number, to_last.as_ref()).0);
            }
        }
        let floor = floor - self.apart.unwrap_or_default();
        let mut best = None;
        let mut highest = f64::NEG_INFINITY;
        let mut scored = Vec::new();
        for number in 0..self.left.len() {
            if self.left.get(number) != Some(&true)
                || self.interval(number, to_last.as_ref()).1 < floor
            {
                continue;
            }
            let score = self.score(number, to_last.as_mut())?;
            let wins = score > highest || score == highest && self.is_before(Some(number), best)?;
            if wins {
                (best, highest) = (Some(number), score);
            }
            scored.push((number, score));
        }
        let best = best.map(|number| (number, highest));
        if let (Some(best), Some(apart)) = (best, self.apart) {
            self.find_rivals(best, apart, &scored)?;
        }
        Ok(best)
    }

    /// Notes the rows that rounding could put before the best one.
    fn find_rivals(
        &mut self,
        (best, highest): (usize, f64),
        apart: f64,
        scored: &[(usize, f64)],
    ) -> Result<()> {
        let Rivals::Equal(equal) = &mut self.rivals else {
            return Ok(());
        };
        let candidates = self.numbered.candidates;
        let (mut of_best, mut values) = (Vec::new(), Vec::new());
        for &(number, score) in scored {
            // Of two infinities, the difference is NaN. A score that is NaN is never the best.
            if number == best || score.is_nan() || highest - score > apart {
                continue;
            }
            if of_best.is_empty() {
                candidates.values(self.numbered.row(best), &mut of_best)?;
            }
            let row = self.numbered.row(number);
            candidates.values(row, &mut values)?;
            if values != of_best {
                self.rivals = Rivals::Others;
                return Ok(());
            }
            equal.push(row);
        }
        Ok(())
    }

    fn numbers(&self) -> impl Iterator<Item = usize> {
        let left = self.left.iter().zip(0..);
        left.filter_map(|(left, number)| left.then_some(number))
    }

    fn is_before(&self, a: Option<usize>, b: Option<usize>) -> Result<bool> {
        let (Some(a), Some(b)) = (a, b) else {
            return Ok(false);
        };
        let (a, b) = (self.numbered.row(a), self.numbered.row(b));
        self.numbered.candidates.is_before(a, b)
    }

    /// The score as Python computes it.
    fn score(&mut self, number: usize, to_last: Option<&mut Scores<'_>>) -> Result<f64> {
        let first = self.threshold * self.to_query.exact(number)?;
        match to_last {
            Some(to_last) => Ok(first - (1.0 - self.threshold) * to_last.exact(number)?),
            None => Ok(first),
        }
    }

    /// Where the score is: a sum in floating point grows with its terms. NaN
    /// where nothing is known.
    fn interval(&self, number: usize, to_last: Option<&Scores<'_>>) -> (f64, f64) {
        let first = weighed(self.threshold, self.to_query.interval(number));
        match to_last {
            Some(to_last) => {
                let second = weighed(1.0 - self.threshold, to_last.interval(number));
                (first.0 - second.1, first.1 - second.0)
            }
            None => first,
        }
    }
}

fn weighed(weight: f64, (low, high): (f64, f64)) -> (f64, f64) {
    match weight < 0.0 {
        true => (weight * high, weight * low),
        false => (weight * low, weight * high),
    }
}
