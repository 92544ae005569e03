//! Filters made ready for a query, and what they say of a value or a row.

use std::borrow::Cow;

use memchr::memmem::Finder;

use super::{
    FilterCondition, FilterOperator, FilterValue, Judge, MetadataFilter, MetadataFilters,
    python::{Sign, Value, Whole, list_equals, list_stands},
    tokens::Search,
};
use crate::{
    error::{Error, FilterTypeError, QueryError, Result, ValueType},
    json::{Elements, Escapes, encode},
};

/// Gives a row's value of a key as JSON text in normal form; `None` where the
/// row does not have the key. Where the metadata is no object, what it is instead.
pub(crate) type ValueOf<'a> = dyn FnMut(&[u8]) -> Result<Result<Option<Vec<u8>>, ValueType>> + 'a;

/// All filters of a query.
pub(crate) struct Prepared<'f> {
    pub(crate) predicates: Vec<Predicate<'f>>,
    pub(crate) condition: FilterCondition,
    /// Whether the caller applies them.
    is_judged: bool,
}

/// One filter.
pub(crate) struct Predicate<'f> {
    key: &'f [u8],
    test: Test<'f>,
}

/// What decides whether a value meets a filter.
enum Test<'f> {
    Own(Comparison<'f>),
    /// The caller, who knows the filter by its number.
    Judge(&'f Judge, usize),
}

/// A filter does not fit a row.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// An operator does not fit a value.
    Type(FilterTypeError),
    /// The metadata is no object, but this.
    NoObject(ValueType),
    /// The judge says so.
    Refused,
}

/// An operator and what it compares with.
struct Comparison<'f> {
    operator: FilterOperator,
    operand: Operand<'f>,
    shortcut: Option<Shortcut>,
}

/// The value of a filter.
enum Operand<'f> {
    One(Value<'f>),
    Many(Vec<Value<'f>>),
}

/// What is worked out once because it is asked of many values.
enum Shortcut {
    /// The row's value is one of these tokens, or for the opposite operator, is
    /// not. Exact for texts: normal form has one spelling for each.
    Tokens(Tokens),
    /// The text to find, for `text_match_insensitive` in lower case.
    Part(Box<Finder<'static>>),
}

enum Tokens {
    Few(Vec<Vec<u8>>),
    Many(Search),
}

impl MetadataFilters {
    /// Makes the filters ready for many rows.
    pub(crate) fn prepare(&self) -> Prepared<'_> {
        let test = |(number, filter)| match &self.judge {
            Some(judge) => Test::Judge(judge, number),
            None => Test::Own(Comparison::new(filter)),
        };
        let filters = self.filters.iter().enumerate();
        let predicates = filters.map(|(number, filter)| Predicate {
            key: &filter.key,
            test: test((number, filter)),
        });
        Prepared {
            predicates: predicates.collect(),
            condition: self.condition.unwrap_or(FilterCondition::And),
            is_judged: self.judge.is_some(),
        }
    }
}

impl Prepared<'_> {
    /// Whether a row passes that has these values. Otherwise the first filter that
    /// does not fit, in their order; all of them are applied.
    ///
    /// # Errors
    /// What `value_of` returns.
    pub(crate) fn matches(&self, value_of: &mut ValueOf<'_>) -> Result<Result<bool, Unfit>> {
        let (mut all, mut any) = (true, false);
        for predicate in &self.predicates {
            let met = match value_of(predicate.key)? {
                Ok(found) => predicate.is_met(found.as_deref()),
                Err(no_object) => Err(Unfit::NoObject(no_object)),
            };
            match met {
                Ok(met) => {
                    all &= met;
                    any |= met;
                }
                Err(unfit) => return Ok(Err(unfit)),
            }
        }
        // No filters at all are met under every condition.
        Ok(Ok(self.predicates.is_empty()
            || match self.condition {
                FilterCondition::And => all,
                FilterCondition::Or => any,
                FilterCondition::Not => !any,
            }))
    }

    /// The error of the row of this id, which a filter does not fit.
    pub(crate) fn error(&self, unfit: Unfit, id: &[u8]) -> Error {
        Error::Query(match unfit {
            Unfit::Type(why) => QueryError::FilterType(why),
            Unfit::NoObject(found) if !self.is_judged => QueryError::MetadataNotAnObject { found },
            Unfit::NoObject(_) | Unfit::Refused => QueryError::FilterRefused { id: id.to_vec() },
        })
    }
}

impl<'f> Predicate<'f> {
    /// The key whose value is asked for.
    pub(crate) fn key(&self) -> &'f [u8] {
        self.key
    }

    /// Whether a row passes whose value is `found`, JSON text in normal form;
    /// `None` where it does not have the key.
    pub(crate) fn is_met(&self, found: Option<&[u8]>) -> Result<bool, Unfit> {
        match &self.test {
            Test::Own(comparison) => comparison.is_met(found).map_err(Unfit::Type),
            Test::Judge(judge, number) => {
                let met = judge.is_met(*number, found);
                met.map_err(|_| Unfit::Refused)
            }
        }
    }
}

impl<'f> Comparison<'f> {
    fn new(filter: &'f MetadataFilter) -> Comparison<'f> {
        let operand = Operand::of(&filter.value);
        let shortcut = match (filter.operator, &filter.value) {
            (FilterOperator::Eq | FilterOperator::Ne, FilterValue::Str(text)) => {
                Some(Shortcut::tokens([text]))
            }
            (FilterOperator::In | FilterOperator::Nin, FilterValue::Strs(texts)) => {
                Some(Shortcut::tokens(texts))
            }
            (FilterOperator::TextMatch | FilterOperator::Contains, FilterValue::Str(text)) => {
                Some(Shortcut::part(text))
            }
            (FilterOperator::TextMatchInsensitive, FilterValue::Str(text)) => {
                Some(lowered(text, Shortcut::part))
            }
            _ => None,
        };
        Comparison {
            operator: filter.operator,
            operand,
            shortcut,
        }
    }

    /// See [`Predicate::is_met`].
    fn is_met(&self, found: Option<&[u8]>) -> Result<bool, FilterTypeError> {
        let Some(json) = found.filter(|&json| json != b"null") else {
            return Ok(matches!(
                self.operator,
                FilterOperator::Ne | FilterOperator::Nin | FilterOperator::IsEmpty
            ));
        };
        if let Some(Shortcut::Tokens(tokens)) = &self.shortcut {
            let opposite = matches!(self.operator, FilterOperator::Ne | FilterOperator::Nin);
            return Ok(tokens.contains(json) != opposite);
        }
        let stands = |sign| match (Value::read(json), &self.operand) {
            (Value::List(list), Operand::Many(items)) => list_stands(list, sign, items),
            (value, Operand::One(other)) => value.stands(sign, other),
            (value, Operand::Many(_)) => Err(FilterTypeError::NoOrder {
                sign: sign.as_str(),
                left: value.kind(),
                right: self.operand.kind(),
            }),
        };
        match self.operator {
            FilterOperator::Eq => Ok(self.equals(&Value::read(json))),
            FilterOperator::Ne => Ok(!self.equals(&Value::read(json))),
            FilterOperator::Gt => stands(Sign::Gt),
            FilterOperator::Lt => stands(Sign::Lt),
            FilterOperator::Gte => stands(Sign::Gte),
            FilterOperator::Lte => stands(Sign::Lte),
            FilterOperator::In => self.has(&Value::read(json)),
            FilterOperator::Nin => Ok(!self.has(&Value::read(json))?),
            FilterOperator::Any => self.items_are_in(&Value::read(json), true),
            FilterOperator::All => Ok(!self.items_are_in(&Value::read(json), false)?),
            FilterOperator::TextMatch | FilterOperator::TextMatchInsensitive => {
                self.matches_text(&Value::read(json))
            }
            FilterOperator::Contains => self.is_in(&Value::read(json)),
            FilterOperator::IsEmpty => Ok(matches!(json, b"\"\"" | b"[]")),
        }
    }

    /// `value == operand`
    fn equals(&self, value: &Value<'_>) -> bool {
        match (value, &self.operand) {
            (Value::List(list), Operand::Many(items)) => list_equals(list, items),
            (value, Operand::One(other)) => value.equals(other),
            (_, Operand::Many(_)) => false,
        }
    }

    /// `value in operand`
    fn has(&self, value: &Value<'_>) -> Result<bool, FilterTypeError> {
        match &self.operand {
            Operand::One(container) => container.contains(value),
            Operand::Many(items) => Ok(items.iter().any(|item| item.equals(value))),
        }
    }

    /// `operand in value`
    fn is_in(&self, value: &Value<'_>) -> Result<bool, FilterTypeError> {
        if let (Value::Str(text), Some(Shortcut::Part(part))) = (value, &self.shortcut) {
            return Ok(part.find(text).is_some());
        }
        match (value, &self.operand) {
            (value, Operand::One(item)) => value.contains(item),
            (Value::Str(_), Operand::Many(_)) => {
                Err(FilterTypeError::NotInText(self.operand.kind()))
            }
            (Value::List(list), Operand::Many(items)) => {
                let mut elements = Elements::new(list);
                Ok(elements.any(|e| e.first() == Some(&b'[') && list_equals(e, items)))
            }
            (Value::Dict(_), Operand::Many(_)) => {
                Err(FilterTypeError::Unhashable(self.operand.kind()))
            }
            (other, Operand::Many(_)) => Err(FilterTypeError::NoContainer(other.kind())),
        }
    }

    /// Whether there is an item of the operand for which `item in value` is
    /// `wanted`. As in Python, those after it are not looked at.
    fn items_are_in(&self, value: &Value<'_>, wanted: bool) -> Result<bool, FilterTypeError> {
        let mut found = false;
        let mut look = |item: &Value<'_>| -> Result<bool, FilterTypeError> {
            found = value.contains(item)? == wanted;
            Ok(found)
        };
        match &self.operand {
            Operand::Many(items) => {
                for item in items {
                    if look(item)? {
                        break;
                    }
                }
            }
            Operand::One(Value::Str(text)) => {
                for character in characters(text) {
                    if look(&Value::Str(Cow::Borrowed(character)))? {
                        break;
                    }
                }
            }
            Operand::One(other) => return Err(FilterTypeError::NoItems(other.kind())),
        }
        Ok(found)
    }

    fn matches_text(&self, value: &Value<'_>) -> Result<bool, FilterTypeError> {
        let insensitive = self.operator == FilterOperator::TextMatchInsensitive;
        let (Value::Str(text), Some(Shortcut::Part(part))) = (value, &self.shortcut) else {
            return Err(FilterTypeError::NotTexts { insensitive });
        };
        Ok(match insensitive {
            true => lowered(text, |lower| part.find(lower).is_some()),
            false => part.find(text).is_some(),
        })
    }
}

impl<'f> Operand<'f> {
    fn of(value: &'f FilterValue) -> Operand<'f> {
        let whole = |int: &'f super::Int| Value::Int(Whole::of(int.as_str()));
        match value {
            FilterValue::None => Operand::One(Value::None),
            FilterValue::Int(int) => Operand::One(whole(int)),
            FilterValue::Float(float) => Operand::One(Value::Float(*float)),
            FilterValue::Str(text) => Operand::One(Value::Str(Cow::Borrowed(text))),
            FilterValue::Ints(list) => Operand::Many(list.iter().map(whole).collect()),
            FilterValue::Floats(list) => {
                Operand::Many(list.iter().map(|float| Value::Float(*float)).collect())
            }
            FilterValue::Strs(list) => {
                let texts = list.iter().map(|text| Value::Str(Cow::Borrowed(text)));
                Operand::Many(texts.collect())
            }
        }
    }

    fn kind(&self) -> ValueType {
        match self {
            Operand::One(value) => value.kind(),
            Operand::Many(_) => ValueType::List,
        }
    }
}

impl Shortcut {
    fn part(text: &[u8]) -> Shortcut {
        Shortcut::Part(Box::new(Finder::new(text).into_owned()))
    }

    fn tokens<'t>(texts: impl IntoIterator<Item = &'t Vec<u8>>) -> Shortcut {
        let tokens = texts.into_iter().map(|text| {
            let mut token = Vec::with_capacity(text.len() + 2);
            encode(text, Escapes::Utf8, &mut token);
            token
        });
        let tokens: Vec<_> = tokens.collect();
        Shortcut::Tokens(match tokens.len() <= Tokens::FEW {
            true => Tokens::Few(tokens),
            false => Tokens::Many(Search::new(tokens)),
        })
    }
}

impl Tokens {
    /// So many are compared faster than searched: most differ in length or in
    /// their first bytes.
    const FEW: usize = 8;

    fn contains(&self, token: &[u8]) -> bool {
        match self {
            Tokens::Few(tokens) => tokens.iter().any(|other| other == token),
            Tokens::Many(tokens) => tokens.contains(token),
        }
    }
}

/// Hands on Python's `str.lower()` of a text.
fn lowered<T>(text: &[u8], with: impl FnOnce(&[u8]) -> T) -> T {
    // Short ASCII, as nearly all metadata are, needs no memory.
    let mut short = [0; 256];
    match short.get_mut(..text.len()) {
        Some(short) if text.is_ascii() => {
            short.copy_from_slice(text);
            short.make_ascii_lowercase();
            with(short)
        }
        _ => with(&lower(text)),
    }
}

/// Python's `str.lower()`. A lone surrogate has no case, and ends a word as a
/// blank does, so that the text around it can be lowered piece by piece.
fn lower(text: &[u8]) -> Vec<u8> {
    let mut lower = Vec::with_capacity(text.len());
    for piece in text.utf8_chunks() {
        lower.extend_from_slice(piece.valid().to_lowercase().as_bytes());
        lower.extend_from_slice(piece.invalid());
    }
    lower
}

/// The characters of a text in WTF-8, each as its bytes.
fn characters(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let begins = |&byte: &u8| byte & 0xc0 != 0x80;
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_first()?;
        let len = 1 + after.iter().position(begins).unwrap_or(after.len());
        let (character, after) = rest.split_at_checked(len)?;
        rest = after;
        Some(character)
    })
}
