//! Running sums in an array, which compilers turn into whatever vectors the
//! target has.

use super::{Kernel, row_loops, sum16};

pub(super) const KERNEL: Kernel = Kernel {
    name: "portable",
    one,
    apart,
    four,
    sums: LANES,
    others: OTHERS,
};

pub(super) const LANES: usize = 32;
/// The last addition of a rest, the product, and the five additions that make
/// one of 32 sums.
pub(super) const OTHERS: usize = 1 + 1 + 5;

/// For use within functions that are compiled for more than the target has.
#[inline(always)]
pub(super) fn dot(query: &[f32], row: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    let (query, query_rest) = query.as_chunks::<LANES>();
    let (row, row_rest) = row.as_chunks::<LANES>();
    for (query, row) in query.iter().zip(row) {
        for ((sum, q), x) in sums.iter_mut().zip(query).zip(row) {
            *sum += q * x;
        }
    }
    for ((sum, q), x) in sums.iter_mut().zip(query_rest).zip(row_rest) {
        *sum += q * x;
    }
    let mut half = [0.0_f32; LANES / 2];
    let (low, high) = sums.split_at(LANES / 2);
    for ((sum, a), b) in half.iter_mut().zip(low).zip(high) {
        *sum = a + b;
    }
    sum16(half)
}

/// The row stays in the nearest cache from query to query; vectors narrower
/// than AVX2's leave too few registers for more.
#[inline(always)]
pub(super) fn dot4(queries: [&[f32]; 4], row: &[f32]) -> [f32; 4] {
    queries.map(|query| dot(query, row))
}

row_loops! {}
