//! Dot products of `f32`: of many rows with one query, or with several at a
//! time.
//!
//! A [`Kernel`] is one way to compute them. All give a value that the bound of
//! `bound.rs` holds for, each with its own [`chain`](Kernel::chain); they
//! differ in their last bits, so nothing but that bound may rest on them. Which
//! one is used is decided once, by what the processor can do.
//!
//! This is the only place of the search with `unsafe` code: loads from memory,
//! and calls of what a processor may not have.

mod codes;
mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod x86;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use crate::bytes::prefetch_behind;

pub(crate) use codes::{CodesKernel, QueryCodes};

/// Bytes from a row to what is fetched while it is multiplied: by then memory has answered,
/// and what was fetched is still near.
const AHEAD: usize = 6 << 10;

/// One row is multiplied faster than memory gives the next, so it is asked for before.
#[inline(always)]
fn fetch_ahead<T>(row: &[T]) {
    prefetch_behind(row, AHEAD);
}

/// Dot products of one query with rows of its length, one after another.
///
/// Unsafe to call where the processor lacks what the kernel is compiled for, and
/// for no other reason: slices are checked.
type One = unsafe fn(query: &[f32], rows: &[f32], out: &mut [f32]);
/// The same of rows that stand apart, each of the query's length.
type Apart = unsafe fn(query: &[f32], rows: &[&[f32]], out: &mut [f32]);
/// The same of four queries of one length, unsafe for the same reason. Element `q` of an outcome is that
/// of query `q`.
type Four = unsafe fn(queries: [&[f32]; 4], rows: &[f32], out: [&mut [f32]; 4]);

/// One way to compute dot products.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernel {
    /// What it needs, for messages of tests.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only tests say which one failed")
    )]
    pub(crate) name: &'static str,
    one: One,
    apart: Apart,
    four: Four,
    /// Products go through one of so many running sums in turn.
    sums: usize,
    /// Roundings beside those of the running sums: see [`Kernel::chain`].
    others: usize,
}

static BEST: LazyLock<Kernel> = LazyLock::new(|| {
    let mut kernels = Kernel::available().into_iter();
    kernels.next().unwrap_or(portable::KERNEL)
});

impl Kernel {
    /// The fastest one that this processor has.
    pub(crate) fn best() -> &'static Kernel {
        &BEST
    }

    /// All that this processor has, the fastest first.
    pub(crate) fn available() -> Vec<Kernel> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                kernels.push(x86::avx512::KERNEL);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                kernels.push(x86::avx2_fma::KERNEL);
            }
            if is_x86_feature_detected!("avx2") {
                kernels.push(x86::avx2::KERNEL);
            }
        }
        kernels.push(portable::KERNEL);
        kernels
    }

    /// The largest number of roundings that any product of a dot product of
    /// that many components goes through: the additions to its running sum
    /// (with the product's own rounding, unless the two are fused), and the
    /// additions of the running sums.
    pub(crate) fn chain(&self, dim: usize) -> usize {
        dim / self.sums + self.others
    }

    /// The dot products of `query` with the rows that stand one after another
    /// in `rows`, one for each element of `out`.
    pub(crate) fn dots(&self, query: &[f32], rows: &[f32], out: &mut [f32]) {
        if query.is_empty() {
            return out.fill(0.0);
        }
        // SAFETY: kernels are made by `available` alone, which names only
        // those whose features were detected.
        #[allow(unsafe_code)]
        unsafe {
            (self.one)(query, rows, out);
        }
    }

    /// The dot products of `query` with rows that stand apart in memory, one for each
    /// element of `out`.
    pub(crate) fn dots_apart(&self, query: &[f32], rows: &[&[f32]], out: &mut [f32]) {
        // SAFETY: as in `dots`.
        #[allow(unsafe_code)]
        unsafe {
            (self.apart)(query, rows, out);
        }
    }

    /// The dot products of several queries of one length. Those of the first
    /// query come first in `out`; there are `count` rows.
    pub(crate) fn dots_of_many(
        &self,
        queries: &[&[f32]],
        rows: &[f32],
        count: usize,
        out: &mut [f32],
    ) {
        if count == 0 || queries.iter().any(|query| query.is_empty()) {
            return out.fill(0.0);
        }
        let (fours, rest) = queries.as_chunks::<4>();
        let (out_of_fours, out_of_rest) = out
            .split_at_mut_checked(fours.len() * 4 * count)
            .unwrap_or_default();
        for (four, out) in fours.iter().zip(out_of_fours.chunks_exact_mut(4 * count)) {
            let mut parts = out.chunks_exact_mut(count);
            let mut part = || parts.next().unwrap_or_default();
            let out = [part(), part(), part(), part()];
            // SAFETY: as in `dots`.
            #[allow(unsafe_code)]
            unsafe {
                (self.four)(*four, rows, out);
            }
        }
        for (query, out) in rest.iter().zip(out_of_rest.chunks_exact_mut(count)) {
            self.dots(query, rows, out);
        }
    }
}

/// Defines `one`, `apart` and `four`, which go over rows, from `dot` and `dot4`, which
/// take one row. A macro, because what it defines must be compiled for the same
/// processor features for `dot` to become part of the loop.
macro_rules! row_loops {
    ($(#[$feature:meta])*) => {
        $(#[$feature])*
        fn one(query: &[f32], rows: &[f32], out: &mut [f32]) {
            for (row, out) in rows.chunks_exact(query.len()).zip(out) {
                $crate::search::kernels::fetch_ahead(row);
                *out = dot(query, row);
            }
        }

        $(#[$feature])*
        fn apart(query: &[f32], rows: &[&[f32]], out: &mut [f32]) {
            for (row, out) in rows.iter().zip(out) {
                *out = dot(query, row);
            }
        }

        $(#[$feature])*
        fn four(queries: [&[f32]; 4], rows: &[f32], out: [&mut [f32]; 4]) {
            let dim = queries.map(<[f32]>::len).into_iter().min().unwrap_or(1);
            let [a, b, c, d] = out;
            let out = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
            for (row, ((a, b), (c, d))) in rows.chunks_exact(dim).zip(out) {
                [*a, *b, *c, *d] = dot4(queries, row);
            }
        }
    };
}
use row_loops;

/// The sum of lanes: the upper half is added to the lower one, and so on.
#[inline(always)]
fn sum16(lanes: [f32; 16]) -> f32 {
    let mut half = [0.0_f32; 8];
    let (low, high) = lanes.split_at(8);
    for ((sum, a), b) in half.iter_mut().zip(low).zip(high) {
        *sum = a + b;
    }
    sum8(half)
}

/// As [`sum16`].
#[inline(always)]
fn sum8([a, b, c, d, e, f, g, h]: [f32; 8]) -> f32 {
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
