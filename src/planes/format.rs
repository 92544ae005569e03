//! What META says of a plane, and the bytes of its small sections.

use bincode::{Decode, Encode};

/// The largest number of components of a row.
pub(crate) const MAX_DIM: usize = 65_536;

/// The largest number of planes in a file.
pub(crate) const MAX_PLANES: usize = 64;
/// Shorter arrays of records are no rows: they are cheaper as text.
pub(crate) const MIN_RECORD_DIM: usize = 16;
/// In `PLAN`, every plane begins at a multiple of this.
pub(crate) const PLANE_ALIGN: u64 = 64;

/// How the values of a row follow from its f32 components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RowClass {
    /// The value is the f32, widened. Such text has up to 17 digits.
    Exact,
    /// The value is the f64 nearest to the shortest decimal of the f32. Such
    /// text has up to 9 digits.
    Decimal,
    /// The f64's bits are those of the widened f32 plus an i32.
    Delta,
}

impl RowClass {
    pub(crate) fn code(self) -> u8 {
        match self {
            RowClass::Exact => 0,
            RowClass::Decimal => 1,
            RowClass::Delta => 2,
        }
    }

    pub(crate) fn of(byte: u8) -> Option<RowClass> {
        match byte & !HAS_EXCEPTIONS {
            0 => Some(RowClass::Exact),
            1 => Some(RowClass::Decimal),
            2 => Some(RowClass::Delta),
            _ => None,
        }
    }
}

/// Set in a class byte when tokens of the row stand in `EXCP`.
pub(crate) const HAS_EXCEPTIONS: u8 = 0x80;

/// How many of these class bytes are of Delta rows.
pub(crate) fn deltas_in(classes: &[u8]) -> u32 {
    let deltas = classes
        .iter()
        .filter(|&&byte| RowClass::of(byte) == Some(RowClass::Delta));
    u32::try_from(deltas.count()).unwrap_or(u32::MAX)
}

/// Rows between two counts in `LRNK`.
pub(crate) const RANK_GROUP: u32 = 512;

/// Bytes of an entry in `EXCP`: row u32, column u32, token end u64.
pub(crate) const EXCEPTION_LEN: u64 = 16;

/// How many components must fit a class before a row takes it: all but one in
/// a hundred, and at least one may always miss.
pub(crate) fn allowance(dim: usize) -> usize {
    (dim / 100).max(1)
}

/// What META says of a plane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PlaneMeta {
    /// Number of rows.
    pub(crate) rows: u32,
    /// Components of each row; 0 only when there are no rows.
    pub(crate) dim: u32,
    /// Rows of class Exact, Decimal and Delta.
    pub(crate) exact: u32,
    pub(crate) decimal: u32,
    pub(crate) delta: u32,
    /// Tokens that are kept as text.
    pub(crate) exceptions: u64,
    /// Length of those tokens together.
    pub(crate) token_bytes: u64,
    /// Rows listed in `IRRG`.
    pub(crate) irregular: u32,
}

/// `sqrt(sum of squares)` in plain f64: eight running sums, component `i` in
/// sum `i % 8`, added up pairwise. It overflows to infinity, underflows to 0
/// and passes NaN on, as numpy's `norm` does.
pub(crate) fn norm(values: &[f64]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (sum, x) in sums.iter_mut().zip(eight) {
            *sum += x * x;
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += x * x;
    }
    let [a, b, c, d, e, f, g, h] = sums;
    (((a + e) + (c + g)) + ((b + f) + (d + h))).sqrt()
}

/// Whether the error bound of an f32 scan holds for a row of this norm.
pub(crate) fn is_regular(norm: f64) -> bool {
    // 2^-60 and 2^60; false for NaN and infinity
    (8.673_617_379_884_035e-19..=1.152_921_504_606_847e18).contains(&norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_regular_norms_are_powers_of_two() {
        assert!(is_regular(2.0_f64.powi(-60)) && is_regular(2.0_f64.powi(60)));
        assert!(!is_regular(2.0_f64.powi(-60).next_down()));
        assert!(!is_regular(2.0_f64.powi(60).next_up()));
        assert!(!is_regular(f64::NAN) && !is_regular(f64::INFINITY) && !is_regular(0.0));
    }

    #[test]
    fn norms_overflow_and_pass_nan_on() {
        assert_eq!(norm(&[3.0, 4.0]), 5.0);
        assert_eq!(norm(&[]), 0.0);
        assert_eq!(norm(&[1e200; 9]), f64::INFINITY);
        assert_eq!(norm(&[1e-200]), 0.0);
        assert!(norm(&[1.0, f64::NAN]).is_nan());
    }
}
