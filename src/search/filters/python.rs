//! JSON values as Python sees them: equality, order, membership.

use std::{borrow::Cow, cmp::Ordering};

use memchr::memmem;

use crate::{
    error::{FilterTypeError, ValueType},
    json::{self, Elements, Members, parse_f64},
};

/// A value of a row, or one of a filter that is no list.
#[derive(Debug, Clone)]
pub(super) enum Value<'t> {
    None,
    Bool(bool),
    Int(Whole<'t>),
    Float(f64),
    /// WTF-8.
    Str(Cow<'t, [u8]>),
    /// JSON text.
    List(&'t [u8]),
    /// JSON text.
    Dict(&'t [u8]),
}

/// A whole number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Whole<'t> {
    Small(i64),
    /// Its decimal digits, where 64 bits do not hold it.
    Large(&'t str),
}

impl<'t> Whole<'t> {
    /// Of decimal digits without leading zeros.
    pub(super) fn of(digits: &'t str) -> Whole<'t> {
        match digits.parse() {
            Ok(small) => Whole::Small(small),
            Err(_) => Whole::Large(digits),
        }
    }
}

/// The type in Python of a JSON value.
pub(crate) fn type_of(json: &[u8]) -> ValueType {
    match json.first() {
        Some(b'"') => ValueType::Str,
        Some(b'[') => ValueType::List,
        Some(b'{') => ValueType::Dict,
        Some(b't' | b'f') => ValueType::Bool,
        Some(b'n') | None => ValueType::NoneType,
        Some(b'-' | b'0'..=b'9') if !json.iter().any(|b| b".eEI".contains(b)) => ValueType::Int,
        Some(_) => ValueType::Float,
    }
}

impl<'t> Value<'t> {
    /// The value that JSON text in normal form stands for.
    pub(super) fn read(json: &'t [u8]) -> Value<'t> {
        match type_of(json) {
            ValueType::NoneType => Value::None,
            ValueType::Bool => Value::Bool(json.first() == Some(&b't')),
            ValueType::Int => Value::Int(Whole::of(str::from_utf8(json).unwrap_or_default())),
            ValueType::Float => Value::Float(parse_f64(json).unwrap_or(f64::NAN)),
            ValueType::Str => Value::Str(text_of(json)),
            ValueType::List => Value::List(json),
            ValueType::Dict => Value::Dict(json),
        }
    }

    pub(super) fn kind(&self) -> ValueType {
        match self {
            Value::None => ValueType::NoneType,
            Value::Bool(_) => ValueType::Bool,
            Value::Int(_) => ValueType::Int,
            Value::Float(_) => ValueType::Float,
            Value::Str(_) => ValueType::Str,
            Value::List(_) => ValueType::List,
            Value::Dict(_) => ValueType::Dict,
        }
    }

    /// `self == other`, of which one is no list and no dict.
    pub(super) fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::None, Value::None) => true,
            (Value::Str(a), Value::Str(b)) => a == b,
            _ => numbers(self, other).is_some_and(|order| order == Some(Ordering::Equal)),
        }
    }

    /// `self SIGN other`, of which one is no list.
    pub(super) fn stands(&self, sign: Sign, other: &Value<'_>) -> Result<bool, FilterTypeError> {
        let order = match (self, other) {
            // Bytes of WTF-8 are in the order of their code points.
            (Value::Str(a), Value::Str(b)) => Some(Some(a.cmp(b))),
            _ => numbers(self, other),
        };
        match order {
            // NaN stands in no order.
            Some(order) => Ok(order.is_some_and(|order| sign.holds(order))),
            None => Err(FilterTypeError::NoOrder {
                sign: sign.as_str(),
                left: self.kind(),
                right: other.kind(),
            }),
        }
    }

    /// `item in self`.
    pub(super) fn contains(&self, item: &Value<'_>) -> Result<bool, FilterTypeError> {
        match (self, item) {
            (Value::Str(text), Value::Str(part)) => Ok(memmem::find(text, part).is_some()),
            (Value::Str(_), other) => Err(FilterTypeError::NotInText(other.kind())),
            (Value::List(json), item) => {
                let mut elements = Elements::new(json);
                Ok(elements.any(|element| Value::read(element).equals(item)))
            }
            (Value::Dict(json), Value::Str(key)) => {
                Ok(Members::new(json).any(|(token, _)| text_of(token) == *key))
            }
            // Keys are texts, and everything but a list can be asked for.
            (Value::Dict(_), _) => Ok(false),
            _ => Err(FilterTypeError::NoContainer(self.kind())),
        }
    }
}

/// The text of a string token. A token that is no string, which only a bad file has,
/// is empty.
fn text_of(token: &[u8]) -> Cow<'_, [u8]> {
    json::Value::of(token).as_str().unwrap_or_default()
}

/// The comparisons that may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Gt,
    Lt,
    Gte,
    Lte,
}

impl Sign {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Sign::Gt => ">",
            Sign::Lt => "<",
            Sign::Gte => ">=",
            Sign::Lte => "<=",
        }
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Sign::Gt => order.is_gt(),
            Sign::Lt => order.is_lt(),
            Sign::Gte => order.is_ge(),
            Sign::Lte => order.is_le(),
        }
    }
}

/// `list == items`, where the list is JSON text.
pub(super) fn list_equals(list: &[u8], items: &[Value<'_>]) -> bool {
    let (mut elements, mut items) = (Elements::new(list), items.iter());
    loop {
        match (elements.next(), items.next()) {
            (None, None) => return true,
            (Some(element), Some(item)) if Value::read(element).equals(item) => {}
            _ => return false,
        }
    }
}

/// `list SIGN items`: the first two elements that differ decide.
pub(super) fn list_stands(
    list: &[u8],
    sign: Sign,
    items: &[Value<'_>],
) -> Result<bool, FilterTypeError> {
    let (mut elements, mut items) = (Elements::new(list), items.iter());
    loop {
        match (elements.next().map(Value::read), items.next()) {
            (Some(element), Some(item)) if element.equals(item) => {}
            (Some(element), Some(item)) => return element.stands(sign, item),
            (None, None) => return Ok(sign.holds(Ordering::Equal)),
            (None, Some(_)) => return Ok(sign.holds(Ordering::Less)),
            (Some(_), None) => return Ok(sign.holds(Ordering::Greater)),
        }
    }
}

/// The order of two numbers, exact whatever their types; `Some(None)` with
/// NaN, `None` where one is no number.
fn numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Option<Ordering>> {
    let (a, b) = (Number::of(a)?, Number::of(b)?);
    Some(match (a, b) {
        (Number::Int(a), Number::Int(b)) => Some(compare_whole(a, b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Int(a), Number::Float(b)) => compare_mixed(a, b),
        (Number::Float(a), Number::Int(b)) => compare_mixed(b, a).map(Ordering::reverse),
    })
}

enum Number<'t> {
    Int(Whole<'t>),
    Float(f64),
}

impl<'t> Number<'t> {
    fn of(value: &Value<'t>) -> Option<Number<'t>> {
        match *value {
            Value::Bool(bit) => Some(Number::Int(Whole::Small(i64::from(bit)))),
            Value::Int(whole) => Some(Number::Int(whole)),
            Value::Float(float) => Some(Number::Float(float)),
            _ => None,
        }
    }
}

fn compare_whole(a: Whole<'_>, b: Whole<'_>) -> Ordering {
    match (a, b) {
        (Whole::Small(a), Whole::Small(b)) => a.cmp(&b),
        // Large ones are further from 0 than all small ones.
        (Whole::Small(_), Whole::Large(b)) => side(b).reverse(),
        (Whole::Large(a), Whole::Small(_)) => side(a),
        (Whole::Large(a), Whole::Large(b)) => compare_digits(a, b),
    }
}

/// On which side of all small numbers a large one is.
fn side(large: &str) -> Ordering {
    match large.starts_with('-') {
        true => Ordering::Less,
        false => Ordering::Greater,
    }
}

/// Compares decimal digits without leading zeros, with a `-` or without.
fn compare_digits(a: &str, b: &str) -> Ordering {
    let by_size = |a: &str, b: &str| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
    match (a.strip_prefix('-'), b.strip_prefix('-')) {
        (None, None) => by_size(a, b),
        (Some(a), Some(b)) => by_size(b, a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
    }
}

/// Compares without rounding the whole number to a float. 2^53 + 1 is no
/// float, so that rounding would make it equal to 2^53.
fn compare_mixed(whole: Whole<'_>, float: f64) -> Option<Ordering> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0; // 2^63
    if float.is_nan() {
        return None;
    }
    Some(match whole {
        Whole::Small(_) if float >= BOUND => Ordering::Less,
        Whole::Small(_) if float < -BOUND => Ordering::Greater,
        Whole::Small(small) => {
            let floor = float.floor();
            // In range, and exact.
            match small.cmp(&(floor as i64)) {
                Ordering::Equal if float > floor => Ordering::Less,
                order => order,
            }
        }
        Whole::Large(_) if float.is_infinite() => match float > 0.0 {
            true => Ordering::Less,
            false => Ordering::Greater,
        },
        Whole::Large(large) if float.abs() < BOUND => side(large),
        // From 2^53 on floats are whole, and this prints all their digits.
        Whole::Large(large) => compare_digits(large, &format!("{float:.0}")),
    })
}
