//! The k largest cosines (`get_top_k_embeddings` of LlamaIndex).
//!
//! LlamaIndex pushes each row to a heap and pops the least one when there are
//! more than k. A row that is less than all of k rows in the heap leaves the
//! heap's array as it was. So only those need be pushed that could be among
//! the k largest *at their turn*: a scan in `f32` keeps each row whose upper
//! bound reaches the k-th largest of the lower bounds so far. (So far in one
//! thread's share of one part, because rows of another part may stand between
//! or after them. Its k-th is smaller, and so it keeps more.) What is kept is
//! scored in `f64` and pushed in the order of the store.
//!
//! Those that were pushed and popped again leave no trace but in the order of
//! equal scores. So at first only rows are scored whose upper bound reaches the
//! k-th largest lower bound of all; where no two scores of theirs are equal, the
//! largest come first, and that is the answer.
//!
//! With a NaN in the heap this does not hold. Then every row is pushed, but
//! where `f32` tells two scores apart they are not computed.

use std::cmp::Ordering;

use super::{
    bound::{Query, Scaled},
    exact, heap,
    kernels::Kernel,
    query::Hit,
    rows::{Candidates, RowRef},
    scan::{Found, scan, shares},
    scores::{Numbered, Scores},
    sketch::{self, Narrowed},
    threads,
    threshold::Threshold,
};
use crate::error::{Error, Result};

/// A query, and how many rows it wants.
pub(crate) struct Wanted {
    pub(crate) query: Query,
    pub(crate) limit: usize,
}

/// The answers to several queries over the same rows, which are scanned once
/// for all queries (and once more for each that a NaN is among the scores of).
///
/// # Errors
/// Those of reading.
pub(crate) fn top_k(candidates: &Candidates<'_>, wanted: &[Wanted]) -> Result<Vec<Vec<Hit>>> {
    let irregular = Irregular::new(candidates, wanted)?;
    let ways = (0..).zip(wanted);
    let ways: Vec<Way<'_>> = ways.map(|(n, wanted)| irregular.way(n, wanted)).collect();
    let scanned: Vec<_> = ways
        .iter()
        .filter_map(|way| match way {
            Way::Scan(query, limit) => Some((*query, *limit)),
            _ => None,
        })
        .collect();
    let mut kept = keep(candidates, &scanned)?.into_iter();
    let mut numbered = None;
    let answers = (0..).zip(wanted).zip(ways).map(|((n, wanted), way)| {
        let irregular = || irregular.scored(n);
        let rows = match way {
            Way::Nothing => return Ok(Vec::new()),
            Way::Replay => {
                let numbered = numbered.get_or_insert_with(|| Numbered::new(candidates));
                return replay(numbered, wanted);
            }
            Way::All => regular_rows(candidates),
            Way::Scan(scaled, limit) => {
                let kept = kept.next().unwrap_or_default();
                let leading = kept.leading(limit);
                let mut scored = score(candidates, leading, &wanted.query)?;
                scored.extend(irregular());
                if let Some(hits) = without_ties(candidates, scored, limit)? {
                    return Ok(hits);
                }
                kept.all((scaled, limit))?
            }
        };
        let mut scored = score(candidates, rows, &wanted.query)?;
        scored.extend(irregular());
        candidates.sort(&mut scored)?;
        push_all(candidates, &scored, wanted.limit)
    });
    answers.collect()
}

/// How a query is answered.
pub(super) enum Way<'q> {
    /// It wants no rows.
    Nothing,
    /// All rows are scored.
    All,
    /// Those that a scan keeps are scored.
    Scan(&'q Scaled, usize),
    /// All rows are pushed to the heap, but few are scored.
    Replay,
}

/// The rows that a scan passes over, with their scores.
pub(super) struct Irregular {
    rows: Vec<RowRef>,
    /// One for each row and query.
    scores: Vec<Vec<f64>>,
    /// The number of all candidates.
    candidates: usize,
    /// Whether one has a norm that is too large or small for bounds.
    has_odd_norms: bool,
}

impl Irregular {
    pub(super) fn new(candidates: &Candidates<'_>, wanted: &[Wanted]) -> Result<Irregular> {
        let rows = candidates.parts().flat_map(|(part, rows)| {
            let rows = rows.irregular.iter();
            rows.map(move |&row| RowRef { part, row })
        });
        let rows: Vec<RowRef> = rows.collect();
        let work = candidates.dim().saturating_mul(wanted.len());
        let scores = threads::map(&rows, work, |row, values| {
            let norm = candidates.values(*row, values)?;
            let queries = wanted.iter().map(|wanted| &wanted.query);
            let score = |q: &Query| exact::cosine(&q.values, q.norm, values, norm);
            Ok((queries.map(score).collect(), exact::is_regular(norm)))
        })?;
        let (scores, are_regular): (Vec<_>, Vec<bool>) = scores.into_iter().unzip();
        Ok(Irregular {
            rows,
            scores,
            has_odd_norms: are_regular.contains(&false),
            candidates: candidates.len(),
        })
    }

    pub(super) fn has_odd_norms(&self) -> bool {
        self.has_odd_norms
    }

    /// The rows with their scores for a query.
    pub(super) fn scored(&self, query: usize) -> impl Iterator<Item = (RowRef, f64)> {
        let scores = self.scores.iter().map(move |scores| scores.get(query));
        let scores = scores.map(|score| score.copied().unwrap_or(f64::NAN));
        self.rows.iter().copied().zip(scores)
    }

    /// How the query of that number is answered.
    pub(super) fn way<'q>(&self, number: usize, Wanted { query, limit }: &'q Wanted) -> Way<'q> {
        match &query.scaled {
            _ if *limit == 0 => Way::Nothing,
            Some(_) if *limit >= self.candidates => Way::All,
            None => Way::All,
            Some(_) if self.scored(number).any(|(_, score)| score.is_nan()) => Way::Replay,
            Some(scaled) => Way::Scan(scaled, *limit),
        }
    }
}

/// The rows that could be among the first of a query at their turn.
#[derive(Default)]
pub(super) struct Kept<'a> {
    /// With their approximate cosines.
    rows: Vec<(RowRef, f64)>,
    /// The bound of each part.
    bounds: Vec<f64>,
    /// Where sketches ruled rows out, only what leads was scanned yet, of these.
    narrowed: Option<Candidates<'a>>,
}

impl<'a> Kept<'a> {
    fn new(candidates: &Candidates<'_>, query: &Scaled) -> Kept<'a> {
        let parts = candidates.parts();
        let bound = parts.map(|(_, part)| query.bound(part.rows.is_exact(), Kernel::best()));
        Kept {
            rows: Vec::new(),
            bounds: bound.collect(),
            narrowed: None,
        }
    }

    /// All of them.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn all(&self, query: (&Scaled, usize)) -> Result<Vec<RowRef>> {
        let Some(narrowed) = &self.narrowed else {
            return Ok(self.rows());
        };
        let kept = scanned(narrowed, &[query])?.pop();
        Ok(kept.unwrap_or_default().rows())
    }

    fn rows(&self) -> Vec<RowRef> {
        self.rows.iter().map(|(row, _)| *row).collect()
    }

    /// Those that could be among the first in the end.
    pub(super) fn leading(&self, limit: usize) -> Vec<RowRef> {
        let bound = |row: &RowRef| {
            let bound = self.bounds.get(row.part as usize);
            bound.copied().unwrap_or(f64::INFINITY)
        };
        let lower = self.rows.iter().map(|(row, cosine)| cosine - bound(row));
        let mut lower: Vec<f64> = lower.filter(|lower| !lower.is_nan()).collect();
        let Some(last) = limit.checked_sub(1).filter(|&last| last < lower.len()) else {
            return self.rows();
        };
        let (_, &mut least, _) = lower.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
        // One whose cosine is NaN does not.
        let falls_short = |(row, cosine): &(RowRef, f64)| cosine + bound(row) < least;
        let rows = self.rows.iter().filter(|row| !falls_short(row));
        rows.map(|(row, _)| *row).collect()
    }
}

/// The rows that could be among the first of each query at their turn. Those that
/// sketches rule out are not read.
pub(super) fn keep<'a>(
    candidates: &Candidates<'a>,
    queries: &[(&Scaled, usize)],
) -> Result<Vec<Kept<'a>>> {
    let narrowed = sketch::narrowed(candidates, queries)?;
    let whole = queries.iter().zip(&narrowed);
    let whole = whole.filter_map(|(query, narrowed)| narrowed.is_none().then_some(*query));
    let mut whole = scanned(candidates, &whole.collect::<Vec<_>>())?.into_iter();
    let kept = queries.iter().zip(narrowed).map(|(query, narrowed)| {
        let Some(Narrowed { leading, all }) = narrowed else {
            return Ok(whole.next().unwrap_or_default());
        };
        let kept = scanned(&leading, &[*query])?.pop().unwrap_or_default();
        Ok(Kept {
            narrowed: Some(all),
            ..kept
        })
    });
    kept.collect()
}

/// The same without sketches.
fn scanned<'a>(candidates: &Candidates<'_>, queries: &[(&Scaled, usize)]) -> Result<Vec<Kept<'a>>> {
    let kept = queries.iter();
    let mut kept: Vec<Kept> = kept
        .map(|(query, _)| Kept::new(candidates, query))
        .collect();
    if queries.is_empty() {
        return Ok(kept);
    }
    let scaled: Vec<&Scaled> = queries.iter().map(|(query, _)| *query).collect();
    let shares = shares(candidates, queries.len());
    let found = threads::on_all(shares, |share| {
        let keepers = queries.iter().zip(&kept);
        let mut keepers: Vec<Keeper<'_>> = keepers
            .map(|((_, limit), kept)| Keeper::new(*limit, &kept.bounds))
            .collect();
        scan(candidates, &share, &scaled, &mut |found| {
            if let Some(keeper) = keepers.get_mut(found.query) {
                keeper.offer(&found);
            }
        })?;
        let kept = keepers.into_iter().map(|keeper| keeper.kept);
        Ok(kept.collect::<Vec<_>>())
    })?;
    for share in found {
        for (all, kept) in kept.iter_mut().zip(share) {
            all.rows.extend(kept);
        }
    }
    Ok(kept)
}

/// What one thread keeps for one query.
struct Keeper<'b> {
    /// The bound of each part.
    bounds: &'b [f64],
    part: u32,
    kept: Vec<(RowRef, f64)>,
    threshold: Threshold,
}

impl Keeper<'_> {
    fn new(limit: usize, bounds: &[f64]) -> Keeper<'_> {
        Keeper {
            bounds,
            part: 0,
            kept: Vec::new(),
            threshold: Threshold::new(limit),
        }
    }

    fn offer(&mut self, found: &Found<'_>) {
        if found.part != self.part {
            self.part = found.part;
            self.threshold.reset();
        }
        let bound = self.bounds.get(found.part as usize);
        let bound = bound.copied().unwrap_or(f64::INFINITY);
        for (n, &cosine) in found.cosines.iter().enumerate() {
            // Nearly all rows end here.
            if cosine + bound < self.threshold.least {
                continue;
            }
            let (part, row) = (found.part, found.rows.get(n));
            self.kept.push((RowRef { part, row }, cosine));
            self.threshold.raise(cosine - bound);
        }
    }
}

fn regular_rows(candidates: &Candidates<'_>) -> Vec<RowRef> {
    let rows = candidates.parts().flat_map(|(part, rows)| {
        let rows = rows.regular.iter().cloned().flatten();
        rows.map(move |row| RowRef { part, row })
    });
    rows.collect()
}

/// The scores of rows, as they are reported.
pub(super) fn score(
    candidates: &Candidates<'_>,
    rows: Vec<RowRef>,
    query: &Query,
) -> Result<Vec<(RowRef, f64)>> {
    let vector = (&query.values[..], query.norm);
    threads::map(&rows, candidates.dim(), |row, values| {
        Ok((*row, candidates.cosine(*row, vector, values)?))
    })
}

/// The answer where no two scores are equal, and none is NaN: their order is then
/// no matter of the heap.
fn without_ties(
    candidates: &Candidates<'_>,
    mut scored: Vec<(RowRef, f64)>,
    limit: usize,
) -> Result<Option<Vec<Hit>>> {
    scored.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
    let falls = |pair: &[(RowRef, f64)]| matches!(pair, [a, b] if a.1 > b.1);
    let is_nan = matches!(scored.as_slice(), [only] if only.1.is_nan());
    if is_nan || !scored.windows(2).all(falls) {
        return Ok(None);
    }
    let hits = scored.into_iter().take(limit).map(|(row, score)| {
        let id = candidates.id(row)?;
        Ok(Hit { id, score })
    });
    hits.collect::<Result<_>>().map(Some)
}

/// What the heap makes of rows in the order of the store.
fn push_all(
    candidates: &Candidates<'_>,
    scored: &[(RowRef, f64)],
    limit: usize,
) -> Result<Vec<Hit>> {
    let scores: Vec<f64> = scored.iter().map(|(_, score)| *score).collect();
    let row = |n: usize| scored.get(n).map(|(row, _)| *row).unwrap_or_default();
    let first = rank(&scores, limit, &mut |a, b| {
        candidates.compare_ids(row(a), row(b))
    })?;
    let hits = first.into_iter().map(|(n, score)| {
        let id = candidates.id(row(n))?;
        Ok(Hit { id, score })
    });
    hits.collect()
}

/// The first of the rows whose scores these are, in the order of the store: the
/// number of each, and its score. `compare_ids` compares the ids of two.
///
/// # Errors
/// Those of `compare_ids`.
pub(crate) fn rank(
    scores: &[f64],
    limit: usize,
    compare_ids: &mut dyn FnMut(usize, usize) -> Result<Ordering>,
) -> Result<Vec<(usize, f64)>> {
    let mut heap: Vec<(usize, f64)> = Vec::new();
    let mut less = |a: (usize, f64), b: (usize, f64)| {
        if a.1 == b.1 {
            return Ok::<_, Error>(compare_ids(a.0, b.0)?.is_lt());
        }
        Ok(a.1 < b.1)
    };
    for row in scores.iter().copied().enumerate() {
        heap::push(&mut heap, row, limit, &mut less)?;
    }
    Ok(heap::sorted(&heap, |(_, score)| *score))
}

/// What the heap makes of all rows, with scores computed where they matter.
fn replay(numbered: &Numbered<'_>, Wanted { query, limit }: &Wanted) -> Result<Vec<Hit>> {
    let mut scores = Scores::scanned(numbered, query)?;
    let mut heap = Vec::new();
    let mut less = |a, b| scores.less(a, b);
    for row in numbered.in_order()? {
        heap::push(&mut heap, row, *limit, &mut less)?;
    }
    let scored = heap.into_iter().map(|row| Ok((row, scores.exact(row)?)));
    let scored = scored.collect::<Result<Vec<(usize, f64)>>>()?;
    let sorted = heap::sorted(&scored, |(_, score)| *score);
    let hits = sorted.into_iter().map(|(row, score)| {
        let id = numbered.candidates.id(numbered.row(row))?;
        Ok(Hit { id, score })
    });
    hits.collect()
}
