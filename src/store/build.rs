//! Making JSON of parts: for records that are changed or new.
//!
//! What is made is normal form wherever the parts are; a store keeps records so.

use crate::json::{Escapes, Members, Value, encode};

/// A string.
pub(super) fn string(text: &[u8]) -> Vec<u8> {
    let mut token = Vec::with_capacity(text.len() + 2);
    encode(text, Escapes::Utf8, &mut token);
    token
}

/// An array of values.
pub(super) fn array<T: AsRef<[u8]>>(values: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut text = vec![b'['];
    for value in values {
        comma(&mut text);
        text.extend_from_slice(value.as_ref());
    }
    text.push(b']');
    text
}

/// An array of strings.
pub(super) fn strings<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = T>) -> Vec<u8> {
    array(texts.into_iter().map(|text| string(text.as_ref())))
}

/// An object with these members.
pub(super) fn object<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    members: impl IntoIterator<Item = (K, V)>,
) -> Vec<u8> {
    let mut text = vec![b'{'];
    for (key, value) in members {
        member(&string(key.as_ref()), value.as_ref(), &mut text);
    }
    text.push(b'}');
    text
}

/// The same object with another value for one key: in its place where it is
/// there, else at the end. What else it has stays as it is spelled.
pub(super) fn with_member(object: &Value<'_>, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut text = vec![b'{'];
    let mut there = false;
    for (token, old) in Members::new(object.text()) {
        let same = Value::of(token).as_str().is_some_and(|name| *name == *key);
        there |= same;
        member(token, if same { value } else { old }, &mut text);
    }
    if !there {
        member(&string(key), value, &mut text);
    }
    text.push(b'}');
    text
}

fn member(token: &[u8], value: &[u8], text: &mut Vec<u8>) {
    comma(text);
    text.extend_from_slice(token);
    text.push(b':');
    text.extend_from_slice(value);
}

/// Goes between two children of what is being made.
fn comma(text: &mut Vec<u8>) {
    if text.len() > 1 {
        text.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_changed_in_its_place_and_others_keep_their_spelling() {
        let object = Value::of(br#"{"a" : 1.50, "\u0062": [1, 2], "c": 0}"#);
        assert_eq!(
            with_member(&object, b"b", b"{}"),
            br#"{"a":1.50,"\u0062":{},"c":0}"#
        );
        assert_eq!(
            with_member(&object, b"d", b"null"),
            br#"{"a":1.50,"\u0062":[1, 2],"c":0,"d":null}"#
        );
    }

    #[test]
    fn what_is_made_is_json() {
        assert_eq!(strings([&b"a\"b"[..], b""]), br#"["a\"b",""]"#);
        assert_eq!(strings::<&[u8]>([]), b"[]");
        assert_eq!(
            object([("a", "1"), ("b", "[]")]),
            br#"{"a":1,"b":[]}"#.to_vec()
        );
    }
}
