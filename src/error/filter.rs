//! Why a metadata filter cannot be applied to a value: Python's `TypeError`s.

use std::fmt;

/// The type that a JSON value has in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType {
    /// `null`, Python's `None`.
    NoneType,
    /// `true` and `false`.
    Bool,
    /// A number without point and exponent.
    Int,
    /// Another number, `NaN` and the infinities.
    Float,
    /// A string.
    Str,
    /// An array.
    List,
    /// An object.
    Dict,
}

impl ValueType {
    /// The name that Python's messages give the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ValueType::NoneType => "NoneType",
            ValueType::Bool => "bool",
            ValueType::Int => "int",
            ValueType::Float => "float",
            ValueType::Str => "str",
            ValueType::List => "list",
            ValueType::Dict => "dict",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an operator of a filter does not fit a row's value. The text is that of
/// CPython 3.11, or of LlamaIndex where it raises the error itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterTypeError {
    /// Values that have no order.
    #[error("'{sign}' not supported between instances of '{left}' and '{right}'")]
    NoOrder {
        /// The comparison: `>`, `<`, `>=` or `<=`.
        sign: &'static str,
        /// The type of the row's value, or of an element of it.
        left: ValueType,
        /// The type of the filter's value, or of an element of it.
        right: ValueType,
    },
    /// What is neither a text nor a list was searched for something.
    #[error("argument of type '{0}' is not iterable")]
    NoContainer(ValueType),
    /// A text was searched for something that is no text.
    #[error("'in <string>' requires string as left operand, not {0}")]
    NotInText(ValueType),
    /// `any` or `all` with a single number, or with nothing.
    #[error("'{0}' object is not iterable")]
    NoItems(ValueType),
    /// The keys of an object were searched for a list.
    #[error("unhashable type: '{0}'")]
    Unhashable(ValueType),
    /// `text_match` with something that is no text.
    #[error(
        "Both metadata_value and value should be strings to be used with a TEXT_MATCH{} filter",
        if *insensitive { "_INSENSITIVE" } else { "" }
    )]
    NotTexts {
        /// Whether the operator was `text_match_insensitive`.
        insensitive: bool,
    },
}
