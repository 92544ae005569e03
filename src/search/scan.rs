//! Going over rows: in shares for several threads, each share once for all
//! queries.

use std::ops::Range;

use super::{
    bound::Scaled,
    kernels::Kernel,
    rows::{Candidates, Nearest, RowNumbers},
    threads,
};
use crate::error::Result;

/// Bytes of rows that are multiplied with all queries before the next are: they
/// stay in a core's second cache.
const TILE: usize = if cfg!(test) { 256 } else { 128 << 10 };

/// A row that stands alone takes as long as so many of a run: a thread waits for memory, and
/// another one can wait at the same time.
const ALONE: usize = 5;

/// Dot products that one thread holds, of all queries.
const MAX_DOTS: usize = 1 << 20;

/// What one thread goes over: runs of regular rows, part by part.
#[derive(Debug, Default)]
pub(super) struct Share {
    parts: Vec<(u32, Vec<Range<u32>>)>,
    /// How many rows they are.
    pub(super) len: usize,
}

/// Approximate cosines of some rows with one query.
pub(super) struct Found<'a> {
    /// The query's number.
    pub(super) query: usize,
    pub(super) part: u32,
    /// Which rows; there are as many as cosines.
    pub(super) rows: RowNumbers<'a>,
    pub(super) cosines: &'a [f64],
}

/// The regular rows of `candidates` in shares of about one size. Rows of a
/// share stand before those of the next.
pub(super) fn shares(candidates: &Candidates<'_>, queries: usize) -> Vec<Share> {
    let runs = || {
        candidates.parts().flat_map(|(number, part)| {
            let runs = part.regular.iter();
            runs.map(move |run| (number, run.clone()))
        })
    };
    let total: usize = runs().map(|(_, run)| run.len()).sum();
    let alone = runs().filter(|(_, run)| run.len() == 1).count();
    let work = total.saturating_add(alone.saturating_mul(ALONE - 1));
    let work = work.saturating_mul(candidates.dim());
    let threads = threads::worth(work.saturating_mul(queries));
    if threads == 1 {
        let parts = candidates
            .parts()
            .filter(|(_, part)| !part.regular.is_empty())
            .map(|(number, part)| (number, part.regular.clone()));
        return vec![Share {
            parts: parts.collect(),
            len: total,
        }];
    }
    let each = total.div_ceil(threads);
    let mut shares = vec![Share::default()];
    for (part, mut run) in runs() {
        while !run.is_empty() {
            if shares.last().is_some_and(|share| share.len == each) {
                shares.push(Share::default());
            }
            let Some(share) = shares.last_mut() else {
                break;
            };
            let taken = run.len().min(each - share.len);
            let middle = run.start + u32::try_from(taken).unwrap_or(u32::MAX);
            share.push(part, run.start..middle);
            share.len += taken;
            run.start = middle;
        }
    }
    shares
}

impl Share {
    /// The runs of each part, and its number.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u32, &[Range<u32>])> {
        self.parts.iter().map(|(part, runs)| (*part, &runs[..]))
    }

    fn push(&mut self, part: u32, run: Range<u32>) {
        match self.parts.last_mut() {
            Some((last, runs)) if *last == part => runs.push(run),
            _ => self.parts.push((part, vec![run])),
        }
    }
}

/// Goes over the rows of a share and tells `each` their approximate cosines
/// with each of the queries, row by row for any one of them.
pub(super) fn scan(
    candidates: &Candidates<'_>,
    share: &Share,
    queries: &[&Scaled],
    each: &mut dyn FnMut(Found<'_>),
) -> Result<()> {
    let kernel = Kernel::best();
    let nearest: Vec<&[f32]> = queries.iter().map(|query| &query.nearest[..]).collect();
    let dim = candidates.dim();
    let most = (TILE / 4 / dim.max(1)).min(MAX_DOTS / queries.len().max(1));
    let most = most.max(1);
    let mut dots = vec![0.0_f32; most * queries.len()];
    let mut cosines = vec![0.0_f64; most];
    for (part, runs) in &share.parts {
        let Some(source) = candidates.part_rows(*part) else {
            continue;
        };
        source.each_block(runs, &mut |block| {
            let mut rows = block.rows;
            for (n, norms) in block.norms.chunks(most).enumerate() {
                let count = norms.len();
                let dots = dots.get_mut(..count * queries.len()).unwrap_or_default();
                match block.nearest {
                    Nearest::Together(numbers) => {
                        let tile = numbers.chunks(most * dim).nth(n).unwrap_or_default();
                        kernel.dots_of_many(&nearest, tile, count, dots);
                    }
                    Nearest::Apart(apart) => {
                        let tile = apart.chunks(most).nth(n).unwrap_or_default();
                        for (query, dots) in nearest.iter().zip(dots.chunks_mut(count)) {
                            kernel.dots_apart(query, tile, dots);
                        }
                    }
                }
                for (n, (query, dots)) in queries.iter().zip(dots.chunks_exact(count)).enumerate() {
                    let cosines = cosines.get_mut(..count).unwrap_or_default();
                    for ((cosine, dot), norm) in cosines.iter_mut().zip(dots).zip(norms) {
                        *cosine = query.cosine(*dot, *norm);
                    }
                    each(Found {
                        query: n,
                        part: *part,
                        rows,
                        cosines,
                    });
                }
                rows = rows.skip(count);
            }
            Ok(())
        })?;
    }
    Ok(())
}
