//! Work on several threads.
//!
//! They wait in a pool, since starting one takes as long as a small query. A
//! forked process has none of its parent's threads, so the pool is of one process:
//! another one makes its own.

use std::{
    mem,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    thread,
};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::Result;

/// Less work than this for a thread is not worth waking one: components
/// multiplied, which takes some ten microseconds. (Little in unit tests, so that
/// they use threads.)
const MIN_WORK: usize = if cfg!(test) { 64 } else { 1 << 18 };

/// Asking the system takes longer than many a query.
static THREADS: LazyLock<usize> = LazyLock::new(|| match cfg!(test) {
    true => 3,
    false => thread::available_parallelism().map_or(1, usize::from),
});

/// The pool, and the process it is of.
static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);

/// How many threads so much work is worth.
pub(super) fn worth(components: usize) -> usize {
    (components / MIN_WORK).clamp(1, *THREADS)
}

/// The threads beside the one that asks; `None` where there can be none.
fn pool() -> Option<Arc<ThreadPool>> {
    let process = std::process::id();
    // Does not wait: should a thread of the parent hold the lock at a fork, nobody
    // would ever release it in the child.
    let mut pool = match POOL.try_lock() {
        Ok(pool) => pool,
        Err(std::sync::TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
        Err(std::sync::TryLockError::WouldBlock) => return None,
    };
    if let Some((of, pool)) = &*pool
        && *of == process
    {
        return Some(Arc::clone(pool));
    }
    let others = THREADS.saturating_sub(1);
    if others == 0 {
        return None;
    }
    let builder = ThreadPoolBuilder::new().num_threads(others);
    let builder = builder.thread_name(|n| format!("twinstore-search-{n}"));
    let made = Arc::new(builder.build().ok()?);
    if let Some(parents) = pool.replace((process, Arc::clone(&made))) {
        // Its threads are not here to be stopped.
        mem::forget(parents);
    }
    Some(made)
}

/// Does `work` for each share, on several threads, and returns the outcomes in
/// their order.
///
/// # Errors
/// The first of the outcomes that is one.
pub(super) fn on_all<S: Send, T: Send>(
    shares: Vec<S>,
    work: impl Fn(S) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let pool = match shares.len() {
        0 | 1 => None,
        _ => pool(),
    };
    let Some(pool) = pool else {
        return shares.into_iter().map(work).collect();
    };
    let mut outcomes: Vec<Option<Result<T>>> = shares.iter().map(|_| None).collect();
    let work = &work;
    let mut jobs = shares.into_iter().zip(&mut outcomes);
    let first = jobs.next();
    pool.in_place_scope(|scope| {
        for (share, outcome) in jobs {
            scope.spawn(move |_| *outcome = Some(work(share)));
        }
        // This thread works, too.
        if let Some((share, outcome)) = first {
            *outcome = Some(work(share));
        }
    });
    // The scope has ended, so all are there.
    outcomes.into_iter().flatten().collect()
}

/// Maps `items` on several threads, where each takes about `components`
/// multiplications. `map` may use the buffer that it is given for anything.
///
/// # Errors
/// Those of `map`.
pub(super) fn map<S: Sync, T: Send>(
    items: &[S],
    components: usize,
    map: impl Fn(&S, &mut Vec<f64>) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    // What comes before the multiplications takes longer than they do.
    let threads = worth(items.len().saturating_mul(components).saturating_mul(4));
    let shares = items.chunks(items.len().div_ceil(threads).max(1)).collect();
    let mapped = on_all(shares, |share: &[S]| {
        let mut buffer = Vec::new();
        let mapped = share.iter().map(|item| map(item, &mut buffer));
        mapped.collect::<Result<Vec<T>>>()
    })?;
    Ok(mapped.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::on_all;
    use crate::error::{Error, Result};

    #[test]
    fn outcomes_are_in_the_order_of_the_shares() {
        for count in [0, 1, 2, 3, 50] {
            let doubled = on_all((0..count).collect(), |n: u64| {
                std::thread::sleep(std::time::Duration::from_micros(500 * (n % 3)));
                Ok(n * 2)
            });
            let expected: Vec<u64> = (0..count).map(|n| n * 2).collect();
            assert_eq!(doubled.unwrap(), expected);
        }
    }

    #[test]
    fn the_first_error_counts() {
        let refuse = |got: u64| -> Result<u64> {
            let (what, limit) = ("a number", 3);
            match got > limit {
                true => Err(Error::Limit { what, got, limit }),
                false => Ok(got),
            }
        };
        let error = on_all((0..20).collect(), refuse).unwrap_err();
        assert!(matches!(error, Error::Limit { got: 4, .. }), "{error}");
    }
}
