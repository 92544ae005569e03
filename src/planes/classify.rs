//! From the tokens of a row to its f32 components and its class.

use super::format::{MAX_DIM, RowClass, allowance, norm};
use crate::json::{
    Decimal, NumberLayout, parse_f64, print_f32_shortest, print_f64, scalar, skip_white,
};

/// Why a value cannot be a row of a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotARow {
    /// It is no array, or an element is no number.
    NotNumbers,
    /// It is empty or longer than a row may be.
    Length,
}

/// A row, taken apart. Used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Row<'t> {
    /// The tokens, and what those are that are decimals.
    tokens: Vec<(&'t [u8], Option<Decimal>)>,
    pub(crate) values: Vec<f64>,
    pub(crate) nearest: Vec<f32>,
    /// Columns whose tokens the class does not print.
    pub(crate) exceptions: Vec<usize>,
}

impl<'t> Row<'t> {
    /// Parses the array `text`.
    pub(crate) fn parse(text: &'t [u8]) -> Result<Row<'t>, NotARow> {
        let mut row = Row::default();
        match row.read(text)? == text.len() {
            true => Ok(row),
            false => Err(NotARow::NotNumbers),
        }
    }

    /// Takes the place of this row with the array that `text` begins with; gives
    /// the array's length. The text need not have been scanned.
    pub(crate) fn read(&mut self, text: &'t [u8]) -> Result<usize, NotARow> {
        self.tokens.clear();
        self.values.clear();
        self.nearest.clear();
        if text.first() != Some(&b'[') {
            return Err(NotARow::NotNumbers);
        }
        let mut at = skip_white(text, 1);
        if text.get(at) == Some(&b']') {
            return Err(NotARow::Length);
        }
        loop {
            if self.tokens.len() == MAX_DIM {
                return Err(NotARow::Length);
            }
            let rest = text.get(at..).unwrap_or_default();
            at += self.component(rest).ok_or(NotARow::NotNumbers)?;
            at = skip_white(text, at);
            match text.get(at) {
                Some(b',') => at = skip_white(text, at + 1),
                Some(b']') => {
                    self.nearest.extend(self.values.iter().map(|&x| nearest(x)));
                    return Ok(at + 1);
                }
                _ => return Err(NotARow::NotNumbers),
            }
        }
    }

    /// Takes the number that `text` begins with; gives its length.
    #[inline]
    fn component(&mut self, text: &'t [u8]) -> Option<usize> {
        let decimal = Decimal::read(text).and_then(|(decimal, len)| {
            let value = decimal.value()?;
            Some((decimal, len, value))
        });
        let (decimal, len, value) = match decimal {
            Some((decimal, len, value)) => (Some(decimal), len, value),
            None => {
                let len = scalar(text);
                (None, len, parse_f64(text.get(..len)?)?)
            }
        };
        self.tokens.push((text.get(..len)?, decimal));
        self.values.push(value);
        Some(len)
    }

    /// Number of components.
    pub(crate) fn dim(&self) -> usize {
        self.tokens.len()
    }

    /// The token of a column.
    pub(crate) fn token(&self, column: usize) -> &'t [u8] {
        self.tokens.get(column).map_or(&[], |(token, _)| token)
    }

    /// Exact or Decimal, whichever prints all tokens; else the one that
    /// prints all but a few; the few are left in `exceptions`. Delta takes
    /// whatever is left over.
    pub(crate) fn classify(&mut self, layout: NumberLayout) -> RowClass {
        // In short rows one exception is much, and the other class may need
        // none: so perfect fits are looked for first.
        for allowed in [0, allowance(self.tokens.len())] {
            for class in [RowClass::Exact, RowClass::Decimal] {
                if self.misfits(class, layout, allowed) {
                    return class;
                }
            }
        }
        self.misfits(RowClass::Delta, layout, usize::MAX);
        RowClass::Delta
    }

    /// Collects the columns that `class` does not print; false as soon as
    /// they are more than `allowed`.
    fn misfits(&mut self, class: RowClass, layout: NumberLayout, allowed: usize) -> bool {
        self.exceptions.clear();
        let mut printed = Vec::with_capacity(32);
        let columns = self.tokens.iter();
        let columns = columns.zip(self.values.iter().zip(&self.nearest));
        for (column, ((token, decimal), (&value, &nearest))) in columns.enumerate() {
            if stands_for(class, value, nearest) {
                let proved = decimal.is_some_and(|decimal| match class {
                    RowClass::Exact | RowClass::Delta => decimal.is_print_of(value),
                    RowClass::Decimal => decimal.is_print_of_f32(nearest),
                });
                if proved {
                    continue;
                }
                printed.clear();
                match class {
                    RowClass::Exact | RowClass::Delta => print_f64(value, layout, &mut printed),
                    RowClass::Decimal => print_f32_shortest(nearest, layout, &mut printed),
                }
                if printed == *token {
                    continue;
                }
            }
            if self.exceptions.len() == allowed {
                return false;
            }
            self.exceptions.push(column);
        }
        true
    }

    /// Whether a value is one that number layouts write in different ways.
    pub(crate) fn tells_layout(&self) -> bool {
        let telling = |x: &f64| x.fract() == 0.0 || !(1e-4..1e16).contains(&x.abs());
        self.values.iter().any(telling)
    }

    pub(crate) fn norm(&self) -> f64 {
        norm(&self.values)
    }
}

/// The nearest f32. All NaNs become one, so that equal input gives equal
/// bytes.
pub(super) fn nearest(value: f64) -> f32 {
    if value.is_nan() {
        f32::NAN
    } else {
        value as f32
    }
}

/// Whether a class may stand for such components: not for infinities, NaN, and f32
/// subnormals, which a search that flushes them to zero would get wrong.
pub(super) fn stands_by_itself(nearest: f32) -> bool {
    nearest.is_normal() || nearest == 0.0
}

/// Whether `class` can stand for `value` at all.
fn stands_for(class: RowClass, value: f64, nearest: f32) -> bool {
    stands_by_itself(nearest)
        && match class {
            RowClass::Exact => f64::from(nearest).to_bits() == value.to_bits(),
            RowClass::Decimal => true,
            RowClass::Delta => delta(value, nearest).is_some(),
        }
}

/// What a Delta row adds to the bits of the widened f32.
pub(crate) fn delta(value: f64, nearest: f32) -> Option<i32> {
    let difference = value
        .to_bits()
        .wrapping_sub(f64::from(nearest).to_bits())
        .cast_signed();
    i32::try_from(difference).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(text: &str) -> (RowClass, Vec<usize>) {
        let mut row = Row::parse(text.as_bytes()).unwrap();
        (row.classify(NumberLayout::Python), row.exceptions)
    }

    #[test]
    fn the_cheapest_class_that_prints_the_tokens_is_taken() {
        assert_eq!(class_of("[0.10000000149011612, 0.5]").0, RowClass::Exact);
        assert_eq!(class_of("[0.1, 0.2, 0.3]").0, RowClass::Decimal);
        assert_eq!(
            class_of("[0.3804782817116212, -0.13632870275969938, 0.123456789012345]").0,
            RowClass::Delta
        );
    }

    #[test]
    fn one_odd_token_is_an_exception_and_not_another_class() {
        let exact = "0.10000000149011612, 0.25, 0.5";
        assert_eq!(
            class_of(&format!("[{exact}, 1]")),
            (RowClass::Exact, vec![3])
        );
        assert_eq!(
            class_of(&format!("[{exact}, NaN]")),
            (RowClass::Exact, vec![3])
        );
        // a subnormal f32 is exact in numbers, and still kept as a token
        assert_eq!(class_of("[0.5, 1e-45]").1, [1]);
    }

    #[test]
    fn what_no_class_prints_stays_text_under_delta() {
        let (class, exceptions) = class_of("[1, 2, 1.0e+2, 1e400, -0, 0.10]");
        assert_eq!(class, RowClass::Delta);
        assert_eq!(exceptions, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn other_values_are_no_rows() {
        let long = format!("[0{}]", ",0".repeat(MAX_DIM));
        for (text, why) in [
            (&*long, NotARow::Length),
            ("[0.5 1.5]", NotARow::NotNumbers),
            ("[0.5", NotARow::NotNumbers),
            ("[0.5] ", NotARow::NotNumbers),
            ("null", NotARow::NotNumbers),
            ("[0.1, null]", NotARow::NotNumbers),
            ("[[0.1]]", NotARow::NotNumbers),
            ("[]", NotARow::Length),
        ] {
            assert_eq!(Row::parse(text.as_bytes()).unwrap_err(), why, "{text}");
        }
    }
}
