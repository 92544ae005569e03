//! A single value of a checked text, looked into as far as is asked.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
};

use super::{Elements, Members, ScanError, decode, parse_f64, skip_white, value_end};
use crate::error::JsonFault;

/// The text of one JSON value, and what it says. Nothing is parsed that is not
/// asked for, and nothing is lost: numbers of any size, `NaN` and lone
/// surrogates are there as their text is.
///
/// A key that an object repeats has its last value, in its first place, as in
/// the dict that Python makes of it.
///
/// ```
/// use twinstore::json::Value;
/// let value = Value::checked(br#"{"page": 3, "tags": ["a", "b"]}"#).unwrap();
/// assert_eq!(value.get(b"page").unwrap().as_i64(), Some(3));
/// let tags = value.get(b"tags").unwrap();
/// assert_eq!(tags.elements().next().unwrap().as_str().unwrap(), &b"a"[..]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'t>(&'t [u8]);

/// What kind of value a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, or `NaN`, `Infinity`, `-Infinity`.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A number as Python reads it.
enum Number<'t> {
    /// Sign, and digits without leading zeros: none for zero.
    Int(bool, &'t [u8]),
    Float(f64),
}

impl<'t> Value<'t> {
    /// The value that `text` is, which was scanned before. White space around
    /// it is left out. (Of other text it says arbitrary things.)
    #[must_use]
    pub fn of(text: &'t [u8]) -> Value<'t> {
        let text = text.get(skip_white(text, 0)..).unwrap_or_default();
        let end = text.iter().rposition(|b| !b" \n\r\t".contains(b));
        Value(text.get(..end.map_or(0, |end| end + 1)).unwrap_or_default())
    }

    /// The value that `text` is, after a scan of it.
    ///
    /// # Errors
    /// Where `text` is not one JSON value.
    pub fn checked(text: &'t [u8]) -> Result<Value<'t>, ScanError> {
        let start = skip_white(text, 0);
        let end = value_end(text, start, true)?;
        match text.get(skip_white(text, end)..).unwrap_or_default() {
            [] => Ok(Value::of(text)),
            _ => Err(ScanError {
                offset: skip_white(text, end),
                fault: super::ScanFault::Invalid(JsonFault::Trailing),
            }),
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &'t [u8] {
        self.0
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.0.first() {
            Some(b'n') | None => Kind::Null,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(_) => Kind::Number,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The boolean that it is.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.0 == b"true")
    }

    /// The number that it is, rounded to an f64.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        parse_f64(self.0)
    }

    /// The whole number that it is, `3.0` too. `None` beyond the range.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.number()? {
            Number::Int(..) => std::str::from_utf8(self.0).ok()?.parse().ok(),
            Number::Float(value) => format!("{value:.0}")
                .parse()
                .ok()
                .filter(|_| value.fract() == 0.0),
        }
    }

    /// What the string stands for: UTF-8, or WTF-8 where it has lone
    /// surrogates.
    #[must_use]
    pub fn as_str(&self) -> Option<Cow<'t, [u8]>> {
        if self.kind() != Kind::String {
            return None;
        }
        let inside = self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if memchr::memchr(b'\\', inside).is_none() {
            return Some(Cow::Borrowed(inside));
        }
        let mut text = Vec::with_capacity(inside.len());
        decode(self.0, &mut text).ok()?;
        Some(Cow::Owned(text))
    }

    /// The elements of an array; none of anything else.
    pub fn elements(&self) -> impl Iterator<Item = Value<'t>> + use<'t> {
        Elements::new(self.0).map(Value)
    }

    /// The strings of an array of strings. `None` where it is anything else.
    #[must_use]
    pub fn as_strings(&self) -> Option<Vec<Cow<'t, [u8]>>> {
        match self.kind() {
            Kind::Array => self.elements().map(|element| element.as_str()).collect(),
            _ => None,
        }
    }

    /// The numbers of an array of numbers, such as an embedding. `None` where
    /// it is anything else.
    #[must_use]
    pub fn as_numbers(&self) -> Option<Vec<f64>> {
        match self.kind() {
            Kind::Array => self.elements().map(|element| element.as_f64()).collect(),
            _ => None,
        }
    }

    /// The member of that key; `None` of anything but an object.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value<'t>> {
        let members = Members::new(self.0);
        let named = members.filter(|(token, _)| match Value(token).as_str() {
            Some(name) => *name == *key,
            None => false,
        });
        named.last().map(|(_, value)| Value(value))
    }

    /// The members of an object in order, each key once; none of anything
    /// else.
    #[must_use]
    pub fn members(&self) -> Vec<(Cow<'t, [u8]>, Value<'t>)> {
        let mut members: Vec<(Cow<'t, [u8]>, Value<'t>)> = Vec::new();
        let mut places: HashMap<Cow<'t, [u8]>, usize> = HashMap::new();
        for (token, value) in Members::new(self.0) {
            let Some(key) = Value(token).as_str() else {
                continue;
            };
            match places.entry(key.clone()) {
                Entry::Occupied(place) => {
                    if let Some(member) = members.get_mut(*place.get()) {
                        member.1 = Value(value);
                    }
                }
                Entry::Vacant(free) => {
                    free.insert(members.len());
                    members.push((key, Value(value)));
                }
            }
        }
        members
    }

    /// Whether Python's `==` holds between what it reads of the two: `1` equals
    /// `1.0` and `true`, the order of members is no matter, and `NaN` equals
    /// nothing. (Only in Python, an object equals itself even with `NaN` in it.)
    ///
    /// ```
    /// use twinstore::json::Value;
    /// let [a, b] = [&b"[1, {\"a\": 2.0}]"[..], b"[true, {\"a\": 2}]"].map(Value::of);
    /// assert!(a.equals(&b));
    /// ```
    #[must_use]
    pub fn equals(&self, other: &Value<'_>) -> bool {
        // A list of what must still be equal, as nesting may be of any depth.
        let mut pairs = vec![(*self, *other)];
        while let Some((one, other)) = pairs.pop() {
            let same = match (one.kind(), other.kind()) {
                (Kind::Null, Kind::Null) => true,
                (Kind::String, Kind::String) => one.as_str() == other.as_str(),
                (Kind::Array, Kind::Array) => {
                    let (mut rest, mut others) = (one.elements(), other.elements());
                    loop {
                        match (rest.next(), others.next()) {
                            (Some(one), Some(other)) => pairs.push((one, other)),
                            (None, None) => break true,
                            _ => break false,
                        }
                    }
                }
                (Kind::Object, Kind::Object) => {
                    let members = one.members();
                    let others: HashMap<_, _> = other.members().into_iter().collect();
                    let mut all = members.len() == others.len();
                    for (key, value) in members {
                        match others.get(&key) {
                            Some(other) => pairs.push((value, *other)),
                            None => all = false,
                        }
                    }
                    all
                }
                _ => match (one.number(), other.number()) {
                    (Some(one), Some(other)) => one.equals(&other),
                    _ => false,
                },
            };
            if !same {
                return false;
            }
        }
        true
    }

    /// Whether Python takes it for true.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self.kind() {
            Kind::Null => false,
            Kind::String => self.0.len() > 2,
            Kind::Array => self.elements().next().is_some(),
            Kind::Object => Members::new(self.0).next().is_some(),
            Kind::Bool | Kind::Number => match self.number() {
                Some(Number::Int(_, digits)) => !digits.is_empty(),
                Some(Number::Float(value)) => value != 0.0,
                None => false,
            },
        }
    }

    /// A number, or a boolean, which Python counts among them.
    fn number(&self) -> Option<Number<'t>> {
        match self.0 {
            b"true" => return Some(Number::Int(false, b"1")),
            b"false" => return Some(Number::Int(false, b"")),
            _ => {}
        }
        let value = self.as_f64()?;
        let (negative, digits) = match self.0.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, self.0),
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return Some(Number::Float(value));
        }
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        let digits = digits.get(zeros..).unwrap_or_default();
        Some(Number::Int(negative && !digits.is_empty(), digits))
    }
}

impl Number<'_> {
    fn equals(&self, other: &Number<'_>) -> bool {
        match (self, other) {
            (Number::Int(sign, digits), Number::Int(other_sign, others)) => {
                (sign, digits) == (other_sign, others)
            }
            (Number::Float(one), Number::Float(other)) => one == other,
            (Number::Int(sign, digits), Number::Float(value))
            | (Number::Float(value), Number::Int(sign, digits)) => {
                if *value == 0.0 {
                    return digits.is_empty();
                }
                // All digits of the float: Python compares exactly.
                let whole = value.is_finite() && value.fract() == 0.0;
                let exact = format!("{:.0}", value.abs());
                whole && exact.as_bytes() == *digits && *sign == (*value < 0.0)
            }
        }
    }
}

#[cfg(test)]
mod tests;
