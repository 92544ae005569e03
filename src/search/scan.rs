//! Going over rows: in shares for several threads, each share once for all
//! queries.

use std::{ops::Range, sync::LazyLock, thread};

use super::{bound::Scaled, kernels::Kernel, rows::Candidates};
use crate::error::Result;

/// Less work than this for a thread is not worth starting one: components
/// multiplied, which takes some hundred microseconds. (Little in unit tests, so
/// that they use threads.)
const MIN_WORK: usize = if cfg!(test) { 64 } else { 1 << 20 };
/// Bytes of rows that are multiplied with all queries before the next are: they
/// stay in a core's second cache.
const TILE: usize = if cfg!(test) { 256 } else { 128 << 10 };

/// Asking the system takes longer than many a query. Threads are started anew
/// for each, since a process may be forked and its threads are not.
static THREADS: LazyLock<usize> = LazyLock::new(|| match cfg!(test) {
    true => 3,
    false => thread::available_parallelism().map_or(1, usize::from),
});

/// Neighbouring regular rows of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    part: u32,
    rows: Range<u32>,
}

/// What one thread goes over: pieces in the order of parts and rows.
#[derive(Debug, Default)]
pub(super) struct Share {
    pieces: Vec<Piece>,
    /// How many rows they are.
    pub(super) len: usize,
}

/// Approximate cosines of neighbouring rows with one query.
pub(super) struct Found<'a> {
    /// The query's number.
    pub(super) query: usize,
    pub(super) part: u32,
    /// The first row.
    pub(super) first: u32,
    pub(super) cosines: &'a [f64],
}

/// How many threads so much work is worth.
fn threads(components: usize) -> usize {
    (components / MIN_WORK).clamp(1, *THREADS)
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
    let work = total.saturating_mul(candidates.dim());
    let each = total.div_ceil(threads(work.saturating_mul(queries)));
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
            share.pieces.push(Piece {
                part,
                rows: run.start..middle,
            });
            share.len += taken;
            run.start = middle;
        }
    }
    shares
}

/// Does `work` for each share, each on a thread of its own, and returns the
/// outcomes in their order.
pub(super) fn on_threads<S: Send, T: Send>(
    shares: Vec<S>,
    work: impl Fn(S) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let mut shares = shares.into_iter();
    let Some(first) = shares.next() else {
        return Ok(Vec::new());
    };
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = shares
            .map(|share| scope.spawn(move || work(share)))
            .collect();
        // This thread works, too.
        let mut outcomes = vec![work(first)];
        outcomes.extend(others.into_iter().map(|thread| match thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }));
        outcomes.into_iter().collect()
    })
}

/// Maps `items` on several threads, where each takes about `components`
/// multiplications. `map` may use the buffer that it is given for anything.
pub(super) fn map_on_threads<S: Sync, T: Send>(
    items: &[S],
    components: usize,
    map: impl Fn(&S, &mut Vec<f64>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    // What comes before the multiplications takes longer than they do.
    let threads = threads(items.len().saturating_mul(components).saturating_mul(4));
    let shares = items.chunks(items.len().div_ceil(threads).max(1)).collect();
    let mapped = on_threads(shares, |share: &[S]| {
        let mut buffer = Vec::new();
        let mapped = share.iter().map(|item| map(item, &mut buffer));
        mapped.collect::<Result<Vec<T>>>()
    })?;
    Ok(mapped.into_iter().flatten().collect())
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
    let most = (TILE / 4 / dim.max(1)).max(1);
    let mut dots = vec![0.0_f32; most * queries.len()];
    let mut cosines = vec![0.0_f64; most];
    for Piece { part, rows } in &share.pieces {
        let Some(source) = candidates.part_rows(*part) else {
            continue;
        };
        source.each_block(rows.clone(), &mut |block| {
            let tiles = block.nearest.chunks(most * dim);
            let mut first = block.first;
            for (tile, norms) in tiles.zip(block.norms.chunks(most)) {
                let count = norms.len();
                let dots = dots.get_mut(..count * queries.len()).unwrap_or_default();
                kernel.dots_of_many(&nearest, tile, count, dots);
                for (n, (query, dots)) in queries.iter().zip(dots.chunks_exact(count)).enumerate() {
                    let cosines = cosines.get_mut(..count).unwrap_or_default();
                    for ((cosine, dot), norm) in cosines.iter_mut().zip(dots).zip(norms) {
                        *cosine = query.cosine(*dot, *norm);
                    }
                    each(Found {
                        query: n,
                        part: *part,
                        first,
                        cosines,
                    });
                }
                first += u32::try_from(count).unwrap_or(u32::MAX);
            }
            Ok(())
        })?;
    }
    Ok(())
}
