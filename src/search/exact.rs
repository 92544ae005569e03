//! Cosines in `f64`, as numpy computes them.
//!
//! `similarity()` of LlamaIndex is `dot(a, b) / (norm(a) * norm(b))`. Which
//! way a BLAS adds up is its own choice and differs between processors, so no
//! two computations agree in the last bits. With one running sum the error may
//! be `(2 d + 8) 2^-53`; with the eight of this one it is an eighth of that,
//! and 8 roundings. So the two differ by less than `(5 d / 2 + 16) 2^-53`, and by
//! 1e-12 at most up to 3,596 components.
//!
//! Norms are those of `planes/`, bit for bit: the stored ones are compared with what
//! a scan of them bounds.

pub(crate) use crate::planes::{is_regular, norm};

/// The cosine of two vectors with these norms. As with numpy, it is NaN or
/// infinite where a norm is 0, not finite or NaN.
#[inline]
pub(crate) fn cosine(a: &[f64], norm_a: f64, b: &[f64], norm_b: f64) -> f64 {
    dot(a, b) / (norm_a * norm_b)
}

/// How far the cosine of two vectors of so many components may be from the one that
/// numpy computes, in units of 1: see the module's documentation.
pub(crate) fn tolerance(dim: usize) -> f64 {
    (2.5 * dim as f64 + 16.0) / (1_u64 << 53) as f64
}

/// Eight running sums, component `i` in sum `i % 8`, added up pairwise.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (eights_a, rest_a) = a.as_chunks::<8>();
    let (eights_b, rest_b) = b.as_chunks::<8>();
    for (a, b) in eights_a.iter().zip(eights_b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(rest_a).zip(rest_b) {
        *sum += a * b;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
