//! How far a cosine computed in `f32` is from the one that is reported.
//!
//! # Derivation
//!
//! `x` is a row's true values, `x~` the `f32` nearest to each, `n` the stored
//! norm. `q` is the query, multiplied by a power of two such that its norm is
//! in `[1, 2)`; `q~` is its `f32` form, with 0 in place of subnormal numbers.
//! `u = 2^-24` is the relative error of one rounding to `f32`.
//!
//! A kernel's dot product is a sum of products in *some* order, in which each
//! product goes through at most `m` roundings ([`Kernel::chain`]). With
//! `gamma = m u / (1 - m u)` (Higham, *Accuracy and Stability of Numerical
//! Algorithms*, 3.1, and Cauchy-Schwarz):
//!
//! ```text
//! |fl(q~.x~) - q~.x~| <= gamma |q~|.|x~| + 2 d 2^-126
//!                     <= gamma ||q~|| ||x~|| + 2 d 2^-126
//! ```
//!
//! The last term is for underflow: each of `d` products and `d` additions may
//! lose less than 2^-126. (With gradual underflow it would be 2^-150, but other
//! libraries of the process may have set flush-to-zero. A rounding of what was
//! lost is smaller by another `u` and is in the slack below.) Operands are
//! never subnormal: `q~` by construction, `x~` because rows with subnormal
//! `f32` are irregular. Nothing overflows, since `||x|| <= 2^60`.
//! Furthermore
//!
//! ```text
//! |q~.x~ - q.x| <= ||q - q~|| ||x~|| + ||q|| ||x - x~||
//! ```
//!
//! `eps = ||q - q~||` is computed. `||x - x~|| <= rho ||x||`, where `rho` is 0
//! for rows whose values are `f32`, and else 2^-24, the relative error of a
//! rounding to a normal `f32`. (A component below the smallest `f32` is an
//! exception and makes its row irregular, unless it is so small that a Delta
//! row holds it: below 2^-1000, which a row of norm 2^-60 does not notice.)
//! So `||x~|| <= (1 + rho) ||x||`. All of it is divided by `||q|| ||x||`, where
//! `||q|| >= 1` and `||x|| >= 2^-60`:
//!
//! ```text
//! |fl(q~.x~) / (||q|| ||x||) - cos| <= (gamma ||q~|| + eps) (1 + rho) / ||q|| + rho + 2 d 2^-66
//! ```
//!
//! What is reported is no true cosine either, but [`exact::cosine`], in `f64`
//! as numpy's: a dot product and two norms of `d` terms each, with a relative
//! error of 2^-53 for each rounding, which is at most `(2 d + 8) 2^-53` in all.
//! Here, too, norms and quotient are computed so. Both together are below
//! `(4 d + 16) 2^-53`. A slack of 2^-20 of the sum is for the roundings of this
//! very computation, for those in the norms above, and for terms of second
//! order.
//!
//! The bound does not depend on the score: one that is relative to it would
//! not hold, because large products may cancel out. For 384 components it is
//! about 2e-6.
//!
//! [`exact::cosine`]: super::exact::cosine

use super::{
    exact::{is_regular, norm},
    kernels::Kernel,
};

/// Relative error of a rounding to `f32`.
const U: f64 = 1.0 / (1_u64 << 24) as f64;
/// The same of `f64`.
const U64: f64 = 1.0 / (1_u64 << 53) as f64;

/// A query, ready for a scan.
#[derive(Debug)]
pub(crate) struct Query {
    /// The true values, unscaled.
    pub(crate) values: Vec<f64>,
    /// Their norm, as numpy computes it.
    pub(crate) norm: f64,
    /// How it is scanned; `None` where no bound holds, because the norm is
    /// extreme or undefined.
    pub(crate) scaled: Option<Scaled>,
}

/// The `f32` form of a query.
#[derive(Debug)]
pub(crate) struct Scaled {
    /// `q~` of the module's documentation.
    pub(crate) nearest: Vec<f32>,
    /// `||q||`
    pub(crate) norm: f64,
    /// `||q~||`
    nearest_norm: f64,
    /// `eps`
    error: f64,
    /// The true values over their norm.
    pub(crate) unit: Vec<f64>,
}

impl Query {
    /// Prepares `values` for scans.
    pub(crate) fn new(values: &[f64]) -> Query {
        let norm = norm(values);
        Query {
            values: values.to_vec(),
            norm,
            scaled: is_regular(norm).then(|| Scaled::new(values, norm)),
        }
    }
}

impl Scaled {
    /// `values` have a regular norm.
    fn new(values: &[f64], norm: f64) -> Scaled {
        // The power of two below the norm, from its exponent's bits; exact, and
        // so is the product with its inverse.
        let power = f64::from_bits(norm.to_bits() & (0x7ff << 52));
        let scaled = || values.iter().map(|x| x / power);
        let nearest: Vec<f32> = scaled()
            .map(|x| match x as f32 {
                tiny if tiny.is_subnormal() => 0.0,
                nearest => nearest,
            })
            .collect();
        let widened: Vec<f64> = nearest.iter().map(|&x| f64::from(x)).collect();
        let errors: Vec<f64> = scaled().zip(&widened).map(|(x, w)| x - w).collect();
        Scaled {
            norm: norm / power,
            unit: scaled().map(|x| x / (norm / power)).collect(),
            nearest_norm: self::norm(&widened),
            error: self::norm(&errors),
            nearest,
        }
    }

    /// The bound for regular rows; `exact` says that all their values are
    /// `f32`.
    pub(crate) fn bound(&self, exact: bool, kernel: &Kernel) -> f64 {
        let dim = self.nearest.len();
        let (chain, d) = (kernel.chain(dim) as f64, dim as f64);
        let gamma = chain * U / (1.0 - chain * U);
        let rho = if exact { 0.0 } else { U };
        let dot = (gamma * self.nearest_norm + self.error) * (1.0 + rho) / self.norm;
        let underflow = 2.0 * d / (1_u128 << 66) as f64;
        let rounded = (4.0 * d + 16.0) * U64;
        (dot + rho + underflow + rounded) * (1.0 + 1.0 / (1 << 20) as f64)
    }

    /// The approximate cosine of a row, from the kernel's dot product and its
    /// norm.
    #[inline(always)]
    pub(crate) fn cosine(&self, dot: f32, row_norm: f64) -> f64 {
        f64::from(dot) / (self.norm * row_norm)
    }
}

#[cfg(test)]
mod tests;
