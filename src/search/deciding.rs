//! The rows that decide an answer.
//!
//! Whoever has these rows, in the order of the store, and runs LlamaIndex's own code
//! over them gets what it would give for all rows: to the last bit, because the scores
//! are then computed by the same numpy. (Which way a BLAS adds up is its own choice, so
//! two scores that are nearer to each other than [`exact::tolerance`] may come in either
//! order. Hence rows are passed over only where no such choice matters.)

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    exact,
    mmr::{Picked, Rivals, picks},
    rows::{Candidates, RowRef},
    threshold::Lower,
    top_k::{Irregular, Wanted, Way, keep, score},
};
use crate::error::{Error, Result};

/// The rows that decide which are the largest cosines, and in which order.
///
/// # Errors
/// Those of reading.
pub(crate) fn deciding_rows(candidates: &Candidates<'_>, wanted: &Wanted) -> Result<Vec<RowRef>> {
    let irregular = Irregular::new(candidates, std::slice::from_ref(wanted))?;
    let query = match irregular.way(0, wanted) {
        Way::Nothing => return Ok(candidates.first()?.into_iter().collect()),
        // No tolerance holds for them.
        _ if irregular.has_odd_norms() => return candidates.in_order(),
        Way::All | Way::Replay => return candidates.in_order(),
        Way::Scan(scaled, limit) => (scaled, limit),
    };
    let kept = keep(candidates, &[query])?.pop().unwrap_or_default();
    let (limit, tolerance) = (wanted.limit, exact::tolerance(candidates.dim()));
    let scored = |rows| {
        let mut scored = score(candidates, rows, &wanted.query)?;
        scored.extend(irregular.scored(0));
        candidates.sort(&mut scored)?;
        Ok::<_, Error>(scored.into_iter().unzip())
    };
    let (rows, scores): (Vec<RowRef>, Vec<f64>) = scored(kept.leading(limit))?;
    if let Some(is_first) = clearly_first(&scores, limit, tolerance) {
        return Ok(those(rows, is_first));
    }
    let (rows, scores): (Vec<RowRef>, Vec<f64>) = scored(kept.all(query)?)?;
    match first_at_their_turn(&scores, limit, tolerance) {
        Some(is_first) => Ok(those(rows, is_first)),
        None => candidates.in_order(),
    }
}

/// The numbers, ascending, of the rows whose scores these are that decide the answer:
/// as [`deciding_rows`], where all scores are known, and all norms regular.
pub(crate) fn deciding_scores(scores: &[f64], limit: usize, dim: usize) -> Vec<usize> {
    let all = (0..scores.len()).collect();
    if limit == 0 {
        return (0..scores.len().min(1)).collect();
    }
    let tolerance = exact::tolerance(dim);
    let first = clearly_first(scores, limit, tolerance);
    match first.or_else(|| first_at_their_turn(scores, limit, tolerance)) {
        Some(is_first) => those(all, is_first),
        None => all,
    }
}

fn those<T>(rows: Vec<T>, are: Vec<bool>) -> Vec<T> {
    let rows = rows.into_iter().zip(are);
    rows.filter_map(|(row, is)| is.then_some(row)).collect()
}

/// The rows that mode `mmr` picks, and their equals that it might have picked; all where it
/// has an error, so that it is met again, and where numpy might round two scores so that a
/// row of other values is picked.
///
/// # Errors
/// Those of reading.
pub(crate) fn deciding_picks(
    candidates: &Candidates<'_>,
    wanted: &Wanted,
    threshold: f64,
) -> Result<Vec<RowRef>> {
    if wanted.limit == 0 {
        return Ok(candidates.first()?.into_iter().collect());
    }
    if wanted.limit >= candidates.len() {
        return candidates.in_order();
    }
    let apart = apart(exact::tolerance(candidates.dim()));
    match picks(
        candidates,
        &wanted.query,
        threshold,
        wanted.limit,
        Some(apart),
    )? {
        (Picked::All(picks), Rivals::Equal(equal)) => {
            let picks = picks.into_iter().map(|(row, _)| row);
            let mut rows: Vec<(RowRef, ())> = picks.chain(equal).map(|row| (row, ())).collect();
            candidates.sort(&mut rows)?;
            rows.dedup();
            Ok(rows.into_iter().map(|(row, ())| row).collect())
        }
        _ => candidates.in_order(),
    }
}

/// Whether each score is one of the `limit` largest, where each of those is clearly
/// larger than the next; `None` where not.
fn clearly_first(scores: &[f64], limit: usize, tolerance: f64) -> Option<Vec<bool>> {
    let mut order: Vec<(f64, usize)> = scores.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let first = order.get(..limit.saturating_add(1)).unwrap_or(&order);
    // Of NaN and of two infinities that is not so.
    let is_clear = |pair: &[(f64, usize)]| matches!(pair, [a, b] if a.0 - b.0 > apart(tolerance));
    if !first.windows(2).all(is_clear) || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut is_first = vec![false; scores.len()];
    for (_, number) in first.iter().take(limit) {
        if let Some(is_first) = is_first.get_mut(*number) {
            *is_first = true;
        }
    }
    Some(is_first)
}

/// Whether each score could be among the `limit` largest of those up to it; `None`
/// where one is NaN, which upsets a heap.
fn first_at_their_turn(scores: &[f64], limit: usize, tolerance: f64) -> Option<Vec<bool>> {
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut largest: BinaryHeap<Reverse<Lower>> = BinaryHeap::new();
    let could_be = |&score: &f64| {
        let least = largest.peek().filter(|_| largest.len() >= limit);
        let could_be = least.is_none_or(|Reverse(Lower(least))| score >= least - apart(tolerance));
        largest.push(Reverse(Lower(score)));
        if largest.len() > limit {
            largest.pop();
        }
        could_be
    };
    Some(scores.iter().map(could_be).collect())
}

/// How far two scores must be from each other for their order to be certain. Both may be
/// off; some more is for a norm of the query in `f32`, which all scores share.
fn apart(tolerance: f64) -> f64 {
    2.5 * tolerance
}
