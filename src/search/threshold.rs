//! The k-th largest of the lower bounds that were met so far.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

/// What a row must reach to be among the k largest.
#[derive(Debug)]
pub(super) struct Threshold {
    limit: usize,
    /// The largest lower bounds, at most `limit`.
    lower: BinaryHeap<Reverse<Lower>>,
    /// The least of them, once there are so many.
    pub(super) least: f64,
}

impl Threshold {
    pub(super) fn new(limit: usize) -> Threshold {
        Threshold {
            limit,
            lower: BinaryHeap::new(),
            least: f64::NEG_INFINITY,
        }
    }

    /// Begins anew.
    pub(super) fn reset(&mut self) {
        self.lower.clear();
        self.least = f64::NEG_INFINITY;
    }

    /// Takes the lower bound of another row.
    pub(super) fn raise(&mut self, lower: f64) {
        // Not of a regular row, but a file may be read unchecked.
        if lower.is_nan() {
            return;
        }
        self.lower.push(Reverse(Lower(lower)));
        if self.lower.len() > self.limit {
            self.lower.pop();
        }
        if self.lower.len() == self.limit {
            let least = self.lower.peek();
            self.least = least.map_or(self.least, |Reverse(Lower(least))| *least);
        }
    }
}

/// A lower bound; no NaN.
#[derive(Debug, PartialEq, PartialOrd)]
pub(super) struct Lower(pub(super) f64);

impl Eq for Lower {}

#[expect(
    clippy::derive_ord_xor_partial_ord,
    reason = "they agree on all but NaN"
)]
impl Ord for Lower {
    fn cmp(&self, other: &Lower) -> Ordering {
        self.partial_cmp(other).unwrap_or(Ordering::Equal)
    }
}
