//! Ruling rows out by their sketches, before a scan reads them.
//!
//! # Derivation
//!
//! A row's direction is `x / n = share mu + scale c + e`, with bounds `error >= ||e||` and
//! `length >= ||scale c||` (`sketches/fit.rs`). The query's direction is
//! `u = q / ||q|| = k + f`, where `k = a c' + b c''` has two codes for each component: the
//! coarse ones take `u` to 1/254 of its largest component, the fine ones what is left to
//! 1/254 of that. So
//!
//! ```text
//! cos = u.(x / n) = share (u.mu) + scale (k.c) + f.(scale c) + u.e
//! |cos - share (u.mu) - scale (k.c)| <= ||f|| length + error
//! ```
//!
//! Both products of codes are exact in `i32`. The rest is computed in f64: `u.mu` once a
//! query, with an error of `(d + 16) 2^-53 ||mu||` at most, which a row has its share of;
//! `scale (k.c)` with a few roundings, `2^-50 length` at most. What is reported is off by
//! `(4 d + 16) 2^-53`, as `bound.rs` says. The slack of `2^-20` is for roundings of this
//! very computation.
//!
//! A row is ruled out where its upper bound is below the k-th largest of the lower bounds
//! of rows *before it* in the same share: `top_k.rs` says why that is right for heaps. Of
//! the others those *lead* whose upper bound reaches the k-th largest lower bound of all.

use std::{
    ops::{ControlFlow, Range},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    bound::Scaled,
    exact::norm,
    kernels::{CodesKernel, QueryCodes},
    rows::{Candidates, Part, RowNumbers, Sketch, runs_of},
    scan::{Share, shares},
    threads,
    threshold::Threshold,
};
use crate::error::Result;

/// Fewer rows are scanned as fast as they are. (Few in unit tests.)
const MIN_ROWS: usize = if cfg!(test) { 16 } else { 256 };
/// Where rows stand alone, to fetch their codes takes as long as to fetch them: runs have so
/// many rows on average, or do without. (No more: a store of which a quarter is deleted, here
/// and there, has runs of three.)
const RUN: usize = if cfg!(test) { 1 } else { 2 };
/// Rows that are multiplied with all queries before the next are.
const TILE: usize = if cfg!(test) { 8 } else { 512 };
/// A search that keeps more than one row in so many, beside some at the beginning, has
/// them scanned all: a row that stands alone takes as long as five in a scan.
const MOST: usize = 8;
const BEGINNING: usize = if cfg!(test) { 64 } else { 1024 };
/// Where a share has fewer rows for each that is wanted, too many are kept: of rows in no
/// order, the `k` best so far are changed `k ln(n / k)` times.
const FEWEST: usize = if cfg!(test) { 4 } else { 48 };

/// A query's direction in codes.
#[derive(Debug)]
struct Direction<'q> {
    unit: &'q [f64],
    codes: QueryCodes,
    /// What the coarse and the fine codes are multiplied by.
    steps: [f64; 2],
    /// `||f||`
    lost: f64,
}

impl Direction<'_> {
    fn new(scaled: &Scaled) -> Direction<'_> {
        let (coarse, coarse_step) = codes(&scaled.unit);
        let left = scaled.unit.iter().zip(&coarse);
        let left: Vec<f64> = left.map(|(x, &c)| x - coarse_step * f64::from(c)).collect();
        let (fine, fine_step) = codes(&left);
        let lost = left.iter().zip(&fine);
        let lost: Vec<f64> = lost.map(|(x, &c)| x - fine_step * f64::from(c)).collect();
        Direction {
            unit: &scaled.unit,
            codes: QueryCodes::new(&coarse, &fine),
            steps: [coarse_step, fine_step],
            lost: norm(&lost),
        }
    }

    /// What the numbers of a row of a sketch with that mean are multiplied by.
    fn weights(&self, mean: &[f32]) -> Weights {
        let d = mean.len() as f64;
        let widened: Vec<f64> = mean.iter().map(|&x| f64::from(x)).collect();
        let products = self.unit.iter().zip(&widened).map(|(u, m)| u * m);
        let slack = 1.0 + 1.0 / (1_u64 << 20) as f64;
        let unit = 1.0 / (1_u64 << 53) as f64;
        Weights {
            steps: self.steps,
            mean: products.sum(),
            mean_error: (d + 16.0) * unit * norm(&widened) * slack,
            length: (self.lost + 8.0 * unit) * slack,
            error: slack,
            reported: (4.0 * d + 16.0) * unit * slack,
        }
    }
}

/// Codes of numbers, and what they are multiplied by.
fn codes(numbers: &[f64]) -> (Vec<i8>, f64) {
    let largest = numbers.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
    let step = largest / 127.0;
    // Below that, quotients would be no numbers; nothing is lost.
    if step < f64::MIN_POSITIVE {
        return (vec![0; numbers.len()], 0.0);
    }
    let code = |x: &f64| (x / step).round_ties_even().clamp(-127.0, 127.0) as i8;
    (numbers.iter().map(code).collect(), step)
}

/// How bounds of a cosine follow from a row's numbers and its products with the codes.
#[derive(Debug)]
struct Weights {
    steps: [f64; 2],
    /// `u.mu`, and how far it may be off.
    mean: f64,
    mean_error: f64,
    length: f64,
    error: f64,
    reported: f64,
}

impl Weights {
    /// A row's approximate cosine, and how far it may be off.
    #[inline(always)]
    fn cosine(&self, numbers: &[f32; 4], [coarse, fine]: [i32; 2]) -> (f64, f64) {
        let [scale, share, error, length] = numbers.map(f64::from);
        let [a, b] = self.steps;
        let dot = a * f64::from(coarse) + b * f64::from(fine);
        let cosine = share * self.mean + scale * dot;
        let bound = error * self.error + length * self.length + share.abs() * self.mean_error;
        (cosine, bound + self.reported)
    }
}

/// What is left of candidates for a query.
pub(super) struct Narrowed<'a> {
    /// Those that could be among the first at their turn.
    pub(super) all: Candidates<'a>,
    /// Those that could be among the first in the end.
    pub(super) leading: Candidates<'a>,
}

/// The candidates without the rows that their sketches rule out, for each query. `None`
/// where no sketch says enough.
///
/// # Errors
/// Those of reading.
pub(super) fn narrowed<'a>(
    candidates: &Candidates<'a>,
    queries: &[(&Scaled, usize)],
) -> Result<Vec<Option<Narrowed<'a>>>> {
    let sketched = candidates.only(|_, part| match has_use_of_sketch(part) {
        true => part.regular.clone(),
        false => Vec::new(),
    });
    let rows: usize = sketched.len();
    let shares = shares(&sketched, queries.len());
    let asks = |limit: usize| limit.saturating_mul(FEWEST) < rows / shares.len().max(1);
    if rows == 0 || !queries.iter().any(|(_, limit)| asks(*limit)) {
        return Ok(queries.iter().map(|_| None).collect());
    }
    let asked = queries.iter().map(|(scaled, limit)| Asked {
        direction: Direction::new(scaled),
        limit: *limit,
        is_given_up: AtomicBool::new(!asks(*limit)),
    });
    let asked: Vec<Asked<'_>> = asked.collect();
    let shares = threads::on_all(shares, |share| rule_out(candidates, &share, &asked))?;
    let narrowed = (0..).zip(&asked).map(|(n, asked)| {
        if asked.is_given_up.load(Ordering::Relaxed) {
            return None;
        }
        let kept = shares.iter().filter_map(|share| share.get(n)).flatten();
        let kept: Vec<&Kept> = kept.collect();
        let mut threshold = Threshold::new(asked.limit);
        for row in kept.iter().flat_map(|kept| &kept.rows) {
            threshold.raise(row.lower);
        }
        let those = |falls_short: &dyn Fn(&KeptRow) -> bool| {
            candidates.only(|number, part| {
                if !has_use_of_sketch(part) {
                    return part.regular.clone();
                }
                let kept = kept.iter().filter(|kept| kept.part == number);
                let rows = kept
                    .flat_map(|kept| &kept.rows)
                    .filter(|row| !falls_short(row));
                runs_of(&rows.map(|row| row.row).collect::<Vec<u32>>())
            })
        };
        Some(Narrowed {
            all: those(&|_| false),
            // One whose bounds are NaN does not.
            leading: those(&|row| row.upper < threshold.least),
        })
    });
    Ok(narrowed.collect())
}

fn has_use_of_sketch(part: &Part<'_>) -> bool {
    if part.rows.sketch().is_none() {
        return false;
    }
    let rows: usize = part.regular.iter().map(ExactSizeIterator::len).sum();
    rows >= MIN_ROWS.max(part.regular.len().saturating_mul(RUN))
}

struct Asked<'q> {
    direction: Direction<'q>,
    limit: usize,
    /// Too much would be kept.
    is_given_up: AtomicBool,
}

/// The rows of one part that a share keeps for a query, ascending.
struct Kept {
    part: u32,
    rows: Vec<KeptRow>,
}

/// A row, with bounds of its cosine.
struct KeptRow {
    row: u32,
    lower: f64,
    upper: f64,
}

/// What is kept of a share for each query; nothing for those that are given up.
fn rule_out(
    candidates: &Candidates<'_>,
    share: &Share,
    asked: &[Asked<'_>],
) -> Result<Vec<Vec<Kept>>> {
    let keepers = asked.iter().map(|asked| Keeper {
        asked,
        threshold: Threshold::new(asked.limit),
        seen: 0,
        kept: 0,
        parts: Vec::new(),
    });
    let mut keepers: Vec<Keeper<'_>> = keepers.collect();
    for (number, runs) in share.parts() {
        let sketch = candidates.part_rows(number).and_then(|rows| rows.sketch());
        let Some(sketch) = sketch else { continue };
        rule_out_part(sketch, (number, runs), &mut keepers)?;
    }
    Ok(keepers.into_iter().map(|keeper| keeper.parts).collect())
}

fn rule_out_part(
    sketch: &dyn Sketch,
    (number, runs): (u32, &[Range<u32>]),
    keepers: &mut [Keeper<'_>],
) -> Result<()> {
    let kernel = CodesKernel::best();
    let mean = sketch.mean()?;
    let weights = keepers
        .iter()
        .map(|keeper| keeper.asked.direction.weights(&mean));
    let weights: Vec<Weights> = weights.collect();
    for keeper in &mut *keepers {
        keeper.threshold.reset();
        keeper.parts.push(Kept {
            part: number,
            rows: Vec::new(),
        });
    }
    let mut dots = [[0_i32; 2]; TILE];
    sketch.each_block(runs, &mut |block| {
        let mut rows = block.rows;
        let codes = block.codes.chunks(TILE * mean.len());
        for (numbers, codes) in block.numbers.chunks(TILE).zip(codes) {
            let mut asks = false;
            for (keeper, weights) in keepers.iter_mut().zip(&weights) {
                if keeper.gives_up() {
                    continue;
                }
                asks = true;
                let dots = dots.get_mut(..numbers.len()).unwrap_or_default();
                kernel.dots(&keeper.asked.direction.codes, codes, dots);
                keeper.offer(rows, weights, numbers, dots);
            }
            if !asks {
                return ControlFlow::Break(());
            }
            rows = rows.skip(numbers.len());
        }
        ControlFlow::Continue(())
    })
}

/// What one thread keeps for one query.
struct Keeper<'q> {
    asked: &'q Asked<'q>,
    threshold: Threshold,
    seen: usize,
    kept: usize,
    parts: Vec<Kept>,
}

impl Keeper<'_> {
    /// Whether too many rows were kept, here or by another thread.
    fn gives_up(&self) -> bool {
        let first = BEGINNING.saturating_add(self.asked.limit);
        if self.kept > first.saturating_add(self.seen / MOST) {
            self.asked.is_given_up.store(true, Ordering::Relaxed);
        }
        self.asked.is_given_up.load(Ordering::Relaxed)
    }

    fn offer(
        &mut self,
        rows: RowNumbers<'_>,
        weights: &Weights,
        numbers: &[[f32; 4]],
        dots: &[[i32; 2]],
    ) {
        self.seen += numbers.len();
        let Some(Kept { rows: kept, .. }) = self.parts.last_mut() else {
            return;
        };
        for (n, (numbers, &dots)) in numbers.iter().zip(dots).enumerate() {
            let (cosine, bound) = weights.cosine(numbers, dots);
            // Nearly all rows end here.
            let (lower, upper) = (cosine - bound, cosine + bound);
            if upper < self.threshold.least {
                continue;
            }
            kept.push(KeptRow {
                row: rows.get(n),
                lower,
                upper,
            });
            self.kept += 1;
            self.threshold.raise(lower);
        }
    }
}

#[cfg(test)]
mod tests;
