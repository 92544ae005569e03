//! The sketch of one row.
//!
//! # Derivation
//!
//! `x` is a row's true values and `n` its norm, `x~` the nearest f32, `mu` the mean. With
//! the f32 numbers `scale` and `share` and the codes `c`, which are whole, the row's
//! direction is
//!
//! ```text
//! x / n = share mu + scale c + e
//! ```
//!
//! for whatever `e` that leaves: `error` is a bound of `||e||`, `length` one of
//! `||scale c||`. `share` is near to `1 / n`; it need not be more than near.
//!
//! `e` is computed from `x~`, which is off by `2^-24` of the norm (`search/bound.rs`
//! tells why). Products of two f32, and of an f32 and a code, are exact in f64; the
//! product with `1 / n`, the differences and the sum of squares are not, by `(d + 8) 2^-53` of
//! `||e||` and `2^-51 (1 + share ||mu|| + length)` at most.

use crate::planes::{is_regular, norm};

/// `scale`, `share`, `error` and `length` of a row.
pub(crate) type Numbers = [f32; 4];

/// The largest code; -128 is not used, so that codes can be negated.
const LARGEST: f64 = 127.0;

/// Relative error of a rounding to f32, and more than that of the computation of bounds.
const U: f64 = 1.0 / (1_u64 << 24) as f64;
const SLACK: f64 = 1.0 + 1.0 / (1_u64 << 20) as f64;

/// The mean of rows.
#[derive(Debug)]
pub(super) struct Mean {
    pub(super) components: Vec<f32>,
    norm: f64,
}

impl Mean {
    pub(super) fn new(components: Vec<f32>) -> Mean {
        let widened: Vec<f64> = components.iter().map(|&x| f64::from(x)).collect();
        Mean {
            norm: norm(&widened),
            components,
        }
    }
}

/// A row of the plane: its f32 components, and its norm.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) nearest: &'a [f32],
    pub(super) norm: f64,
}

impl Row<'_> {
    /// Writes the row's codes and gives its numbers. Rows that a search always scores
    /// have none: all is 0.
    pub(super) fn fit(&self, mean: &Mean, codes: &mut [i8]) -> Numbers {
        codes.fill(0);
        if !self.has_sketch() {
            return Numbers::default();
        }
        let share = (1.0 / self.norm) as f32;
        let largest = self.left(mean, share).fold(0.0, |a: f64, x| a.max(x.abs()));
        let scale = (largest / LARGEST) as f32;
        if scale > 0.0 {
            let per_scale = 1.0 / f64::from(scale);
            for (code, x) in codes.iter_mut().zip(self.left(mean, share)) {
                *code = (x * per_scale).round_ties_even().clamp(-LARGEST, LARGEST) as i8;
            }
        }
        let (error, length) = self.bounds(mean, codes, [scale, share]);
        [scale, share, rounded_up(error), rounded_up(length)]
    }

    /// Whether codes and numbers are what a row may have: the numbers bound what the
    /// codes lose.
    pub(super) fn may_have(&self, mean: &Mean, codes: &[i8], numbers: Numbers) -> bool {
        let [scale, share, error, length] = numbers;
        if codes.contains(&i8::MIN) || !numbers.iter().all(|x| x.is_finite()) {
            return false;
        }
        let (least_error, least_length) = self.bounds(mean, codes, [scale, share]);
        f64::from(error) >= least_error && f64::from(length) >= least_length
    }

    pub(super) fn has_sketch(&self) -> bool {
        is_regular(self.norm) && self.nearest.iter().all(|x| x.is_finite())
    }

    /// What is left of the direction without a share of the mean.
    fn left<'b>(&'b self, mean: &'b Mean, share: f32) -> impl Iterator<Item = f64> + 'b {
        let (per_norm, share) = (1.0 / self.norm, f64::from(share));
        let both = self.nearest.iter().zip(&mean.components);
        both.map(move |(&x, &m)| f64::from(x) * per_norm - share * f64::from(m))
    }

    /// The least `error` and `length` that hold.
    fn bounds(&self, mean: &Mean, codes: &[i8], [scale, share]: [f32; 2]) -> (f64, f64) {
        let squares: i64 = codes.iter().map(|&c| i64::from(c) * i64::from(c)).sum();
        let length = f64::from(scale).abs() * (squares as f64).sqrt() * SLACK;
        let left = self.left(mean, share).zip(codes);
        let lost = left.map(|(x, &code)| x - f64::from(scale) * f64::from(code));
        let lost: f64 = lost.map(|e| e * e).sum::<f64>().sqrt();
        let magnitudes = 1.0 + f64::from(share).abs() * mean.norm + length;
        let rounded = magnitudes / (1_u64 << 50) as f64;
        ((lost + rounded + U) * SLACK, length)
    }
}

/// The least f32 that is not below `x`.
fn rounded_up(x: f64) -> f32 {
    let nearest = x as f32;
    match f64::from(nearest) < x {
        true => nearest.next_up(),
        false => nearest,
    }
}
