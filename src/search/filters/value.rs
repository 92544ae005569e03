//! The value of a filter.

use std::fmt;

/// The value of a filter: what LlamaIndex's `MetadataFilter` accepts.
///
/// Made from numbers, texts and lists of one of them by [`From`]; `()` is
/// Python's `None`.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterValue {
    /// Python's `None`.
    None,
    /// A whole number.
    Int(Int),
    /// Another number.
    Float(f64),
    /// A text: UTF-8, or WTF-8 with lone surrogates.
    Str(Vec<u8>),
    /// A list of whole numbers.
    Ints(Vec<Int>),
    /// A list of numbers. As in LlamaIndex, one float makes all of them floats.
    Floats(Vec<f64>),
    /// A list of texts. An empty list is this, or any other list.
    Strs(Vec<Vec<u8>>),
}

impl FilterValue {
    /// The list of `items`, if LlamaIndex accepts such a list: texts only, or
    /// numbers only, of which one float makes all of them floats.
    pub(super) fn list(items: Vec<FilterValue>) -> Option<FilterValue> {
        let whole = |item: &FilterValue| match item {
            FilterValue::Int(int) => Some(int.clone()),
            _ => None,
        };
        let float = |item: &FilterValue| match item {
            FilterValue::Int(int) => int.to_f64(),
            FilterValue::Float(float) => Some(*float),
            _ => None,
        };
        let text = |item: &FilterValue| match item {
            FilterValue::Str(text) => Some(text.clone()),
            _ => None,
        };
        let texts: Option<_> = items.iter().map(text).collect();
        let wholes = || items.iter().map(whole).collect::<Option<_>>();
        let floats = || items.iter().map(float).collect::<Option<_>>();
        texts
            .map(FilterValue::Strs)
            .or_else(|| wholes().map(FilterValue::Ints))
            .or_else(|| floats().map(FilterValue::Floats))
    }
}

/// A whole number of any size, as Python's `int`.
///
/// ```
/// use twinstore::search::Int;
/// assert_eq!(Int::from(7).to_string(), "7");
/// let large: Int = "-1180591620717411303424".parse()?;
/// assert_eq!(large.to_string(), "-1180591620717411303424");
/// # Ok::<(), twinstore::search::NoInt>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Int(
    /// Decimal, without leading zeros, and without sign where it is 0.
    String,
);

/// A text that is no whole number in decimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a whole number in decimal digits")]
pub struct NoInt;

impl Int {
    /// The digits, after a `-` if it is negative.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest float, as `float()` of it; `None` where Python finds it too
    /// large.
    fn to_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|float: &f64| float.is_finite())
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Int {
    type Err = NoInt;

    /// Reads decimal digits, with or without `-` before them.
    fn from_str(text: &str) -> Result<Int, NoInt> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NoInt);
        }
        Ok(match digits.trim_start_matches('0') {
            "" => Int("0".to_owned()),
            digits => Int(format!("{sign}{digits}")),
        })
    }
}

macro_rules! from_integers {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Int {
            fn from(value: $integer) -> Int {
                Int(value.to_string())
            }
        }

        impl From<$integer> for FilterValue {
            fn from(value: $integer) -> FilterValue {
                FilterValue::Int(value.into())
            }
        }

        impl From<Vec<$integer>> for FilterValue {
            fn from(list: Vec<$integer>) -> FilterValue {
                FilterValue::Ints(list.into_iter().map(Int::from).collect())
            }
        }

        impl<const N: usize> From<[$integer; N]> for FilterValue {
            fn from(list: [$integer; N]) -> FilterValue {
                FilterValue::Ints(list.into_iter().map(Int::from).collect())
            }
        }
    )*};
}

// No u8: bytes would be a list of numbers to some, a text to others.
from_integers! { i16 i32 i64 i128 u16 u32 u64 u128 isize usize }

macro_rules! from_texts {
    ($($text:ty)*) => {$(
        impl From<$text> for FilterValue {
            fn from(text: $text) -> FilterValue {
                FilterValue::Str(text.as_bytes().to_vec())
            }
        }

        impl From<Vec<$text>> for FilterValue {
            fn from(list: Vec<$text>) -> FilterValue {
                FilterValue::Strs(list.iter().map(|text| text.as_bytes().to_vec()).collect())
            }
        }

        impl<const N: usize> From<[$text; N]> for FilterValue {
            fn from(list: [$text; N]) -> FilterValue {
                FilterValue::Strs(list.iter().map(|text| text.as_bytes().to_vec()).collect())
            }
        }
    )*};
}

from_texts! { &str String }

impl From<()> for FilterValue {
    fn from((): ()) -> FilterValue {
        FilterValue::None
    }
}

impl From<Int> for FilterValue {
    fn from(value: Int) -> FilterValue {
        FilterValue::Int(value)
    }
}

impl From<Vec<Int>> for FilterValue {
    fn from(list: Vec<Int>) -> FilterValue {
        FilterValue::Ints(list)
    }
}

impl From<f64> for FilterValue {
    fn from(value: f64) -> FilterValue {
        FilterValue::Float(value)
    }
}

impl From<Vec<f64>> for FilterValue {
    fn from(list: Vec<f64>) -> FilterValue {
        FilterValue::Floats(list)
    }
}

impl<const N: usize> From<[f64; N]> for FilterValue {
    fn from(list: [f64; N]) -> FilterValue {
        FilterValue::Floats(list.to_vec())
    }
}
