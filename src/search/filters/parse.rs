//! Filters from a line of text: `page >= 3`.

use std::str::FromStr;

use super::{FilterOperator, FilterValue, Int, MetadataFilter};
use crate::json::{Elements, decode, normalise, string_end, value_end};

/// Why a line of text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterSyntaxError {
    /// It does not begin with a key.
    #[error("a filter begins with a metadata key, as in `page >= 3`")]
    NoKey,
    /// The quoted key is no JSON string.
    #[error("the quoted key must be a JSON string, as in `\"page label\" == 3`")]
    QuotedKey,
    /// The key is not followed by an operator.
    #[error("{found:?} is no operator; after the key comes one of {}", operators())]
    Operator {
        /// What follows the key; may be nothing.
        found: String,
    },
    /// The operator is not followed by a value.
    #[error("after `{}` a value is missing; the empty text is \"\"", operator.as_str())]
    NoValue {
        /// The operator.
        operator: FilterOperator,
    },
    /// `is_empty` is followed by something.
    #[error("`is_empty` takes no value, but {found:?} follows it")]
    Excess {
        /// What follows it.
        found: String,
    },
    /// The value is JSON of a kind that filters do not have.
    #[error(
        "{found} cannot be the value of a filter, which is a number, a text, null, or a list of only numbers or only texts{}",
        hint(found)
    )]
    Value {
        /// The value.
        found: String,
    },
}

fn operators() -> String {
    let words = FilterOperator::ALL.map(FilterOperator::as_str);
    words.join(" ")
}

fn hint(found: &str) -> &'static str {
    match found {
        "true" => "; true equals 1, and the text is \"true\"",
        "false" => "; false equals 0, and the text is \"false\"",
        _ => "",
    }
}

/// Whether a character is part of the operators that are no words.
fn is_sign(c: char) -> bool {
    matches!(c, '=' | '!' | '<' | '>')
}

impl FromStr for MetadataFilter {
    type Err = FilterSyntaxError;

    /// Reads `KEY OPERATOR VALUE`.
    fn from_str(line: &str) -> Result<MetadataFilter, FilterSyntaxError> {
        let (key, rest) = key_of(line.trim())?;
        let (operator, rest) = operator_of(rest.trim_start())?;
        let value = match (operator, rest.trim_start()) {
            (FilterOperator::IsEmpty, "") => FilterValue::None,
            (FilterOperator::IsEmpty, found) => {
                let found = found.to_owned();
                return Err(FilterSyntaxError::Excess { found });
            }
            (operator, "") => return Err(FilterSyntaxError::NoValue { operator }),
            (_, value) => value_of(value)?,
        };
        Ok(MetadataFilter {
            key,
            value,
            operator,
        })
    }
}

fn key_of(line: &str) -> Result<(Vec<u8>, &str), FilterSyntaxError> {
    if line.starts_with('"') {
        let split = string_end(line.as_bytes(), 0).ok();
        let split = split.and_then(|end| line.split_at_checked(end));
        let (token, rest) = split.ok_or(FilterSyntaxError::QuotedKey)?;
        let mut key = Vec::new();
        decode(token.as_bytes(), &mut key).map_err(|_| FilterSyntaxError::QuotedKey)?;
        return Ok((key, rest));
    }
    let end = line.find(|c: char| c.is_whitespace() || is_sign(c));
    match line.split_at_checked(end.unwrap_or(line.len())) {
        Some((key, rest)) if !key.is_empty() => Ok((key.as_bytes().to_vec(), rest)),
        _ => Err(FilterSyntaxError::NoKey),
    }
}

fn operator_of(text: &str) -> Result<(FilterOperator, &str), FilterSyntaxError> {
    let end = match text.starts_with(is_sign) {
        true => text.find(|c| !is_sign(c)),
        false => text.find(|c: char| !c.is_alphanumeric() && c != '_'),
    };
    let (word, rest) = text
        .split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""));
    let operator = FilterOperator::ALL.into_iter().find(|o| o.as_str() == word);
    match operator {
        Some(operator) => Ok((operator, rest)),
        None => {
            let found = text.split_whitespace().next().unwrap_or_default();
            let found = if word.is_empty() { found } else { word };
            Err(FilterSyntaxError::Operator {
                found: found.to_owned(),
            })
        }
    }
}

/// The value that a text stands for: the JSON that it is, else the text.
fn value_of(text: &str) -> Result<FilterValue, FilterSyntaxError> {
    // What Python adds to JSON is a word to everybody else.
    let word = matches!(text, "NaN" | "Infinity" | "-Infinity");
    if word || value_end(text.as_bytes(), 0, true) != Ok(text.len()) {
        return Ok(text.into());
    }
    let mut json = Vec::new();
    let value = match normalise(text.as_bytes(), &mut json) {
        Ok(()) if json.first() == Some(&b'[') => {
            let items = Elements::new(&json).map(scalar_of).collect::<Option<_>>();
            items.and_then(FilterValue::list)
        }
        Ok(()) => scalar_of(&json),
        Err(_) => None,
    };
    value.ok_or_else(|| FilterSyntaxError::Value {
        found: text.to_owned(),
    })
}

fn scalar_of(json: &[u8]) -> Option<FilterValue> {
    use super::python::Value;
    match Value::read(json) {
        Value::None => Some(FilterValue::None),
        Value::Int(_) => {
            let digits: Result<Int, _> = str::from_utf8(json).ok()?.parse();
            digits.ok().map(FilterValue::Int)
        }
        Value::Float(float) => Some(FilterValue::Float(float)),
        Value::Str(text) => Some(FilterValue::Str(text.into_owned())),
        Value::Bool(_) | Value::List(_) | Value::Dict(_) => None,
    }
}
