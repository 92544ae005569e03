//! Walking over the children of a container whose text was scanned before.
//!
//! [`Elements`] and [`Members`] give the texts of an array's elements and of
//! an object's members, without looking into them more than is needed to find
//! their ends. They are for text that [`value_end`](super::value_end) has
//! accepted; on anything else they do not panic and always end, but what they
//! give is arbitrary.

use super::{runs, scan::skip_white};

/// The texts of an array's elements, white space around them left out.
///
/// ```
/// use twinstore::json::Elements;
/// let parts: Vec<&[u8]> = Elements::new(b"[1.0, [2, 3] ,\"x,y\"]").collect();
/// assert_eq!(parts, [&b"1.0"[..], b"[2, 3]", b"\"x,y\""]);
/// ```
#[derive(Debug, Clone)]
pub struct Elements<'t> {
    /// Begins with an element, or is empty at the end.
    rest: &'t [u8],
}

impl<'t> Elements<'t> {
    /// Walks over the array that `array` is the text of. A text that does not
    /// begin with `[` has no elements.
    #[must_use]
    pub fn new(array: &'t [u8]) -> Elements<'t> {
        Elements {
            rest: inside(array, b'['),
        }
    }
}

impl<'t> Iterator for Elements<'t> {
    type Item = &'t [u8];

    #[inline]
    fn next(&mut self) -> Option<&'t [u8]> {
        let (value, rest) = self.rest.split_at_checked(value_len(self.rest))?;
        self.rest = next_child(rest);
        // Nothing before the comma, or the closing bracket itself: the end.
        if value.is_empty() {
            self.rest = &[];
            return None;
        }
        Some(value)
    }
}

impl std::iter::FusedIterator for Elements<'_> {}

/// The members of an object in their order, duplicates included: the key's
/// token with its quotes, and the value's text.
///
/// ```
/// use twinstore::json::Members;
/// let parts: Vec<_> = Members::new(br#"{"a": 1, "b": {}}"#).collect();
/// assert_eq!(parts, [(&br#""a""#[..], &b"1"[..]), (br#""b""#, b"{}")]);
/// ```
#[derive(Debug, Clone)]
pub struct Members<'t> {
    /// Begins with a key, or is empty at the end.
    rest: &'t [u8],
}

impl<'t> Members<'t> {
    /// Walks over the object that `object` is the text of. A text that does
    /// not begin with `{` has no members.
    #[must_use]
    pub fn new(object: &'t [u8]) -> Members<'t> {
        Members {
            rest: inside(object, b'{'),
        }
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = (&'t [u8], &'t [u8]);

    fn next(&mut self) -> Option<(&'t [u8], &'t [u8])> {
        let text = std::mem::take(&mut self.rest);
        if text.first() != Some(&b'"') {
            return None;
        }
        let (key, text) = text.split_at_checked(string_len(text))?;
        let text = after_white(text).strip_prefix(b":")?;
        let text = after_white(text);
        let (value, rest) = text.split_at_checked(value_len(text))?;
        self.rest = next_child(rest);
        Some((key, value))
    }
}

impl std::iter::FusedIterator for Members<'_> {}

/// The text from a container's first child on.
fn inside(container: &[u8], bracket: u8) -> &[u8] {
    match after_white(container).split_first() {
        Some((&first, rest)) if first == bracket => after_white(rest),
        _ => &[],
    }
}

/// The text from the next child on: after a comma, else nothing.
#[inline]
fn next_child(text: &[u8]) -> &[u8] {
    match after_white(text).split_first() {
        Some((b',', rest)) => after_white(rest),
        _ => &[],
    }
}

#[inline]
fn after_white(text: &[u8]) -> &[u8] {
    text.get(skip_white(text, 0)..).unwrap_or_default()
}

/// The length of the value that `text` begins with, taken on trust.
#[inline]
pub(super) fn value_len(text: &[u8]) -> usize {
    match text.first() {
        Some(b'"') => string_len(text),
        Some(b'[' | b'{') => container_len(text),
        _ => runs::scalar(text),
    }
}

/// The length of the string that `text` begins with, both quotes included.
pub(crate) fn string_len(text: &[u8]) -> usize {
    let mut at = 1;
    loop {
        at += runs::unescaped(text.get(at..).unwrap_or_default());
        match text.get(at) {
            Some(b'"') => return at + 1,
            // The escaped byte may be a quote; hex digits need no care.
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
}

fn container_len(text: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        at += runs::flat(text.get(at..).unwrap_or_default());
        match text.get(at) {
            Some(b'"') => at += string_len(text.get(at..).unwrap_or_default()),
            Some(b'[' | b'{') => {
                depth += 1;
                at += 1;
            }
            Some(_) => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            None => return text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elements(text: &str) -> Vec<&str> {
        let parts = Elements::new(text.as_bytes());
        parts.map(|e| std::str::from_utf8(e).unwrap()).collect()
    }

    #[test]
    fn gives_children_without_white_space() {
        assert_eq!(elements("[]"), [""; 0]);
        assert_eq!(elements(" [ ] "), [""; 0]);
        assert_eq!(elements("[ 1 ,\n2\t]"), ["1", "2"]);
        assert_eq!(
            elements(r#"["a,]\"", [[1], {"]": 2}], null, {}]"#),
            [r#""a,]\"""#, r#"[[1], {"]": 2}]"#, "null", "{}"]
        );
        let members: Vec<_> = Members::new(br#"{ "a" : "x:y" , "a\"":{"b":[]},"":1}"#).collect();
        assert_eq!(
            members,
            [
                (&br#""a""#[..], &br#""x:y""#[..]),
                (br#""a\"""#, br#"{"b":[]}"#),
                (br#""""#, b"1")
            ]
        );
    }

    #[test]
    fn other_kinds_have_no_children() {
        assert_eq!(elements("{}"), [""; 0]);
        assert_eq!(elements("1"), [""; 0]);
        assert_eq!(elements(""), [""; 0]);
        assert_eq!(Members::new(b"[1]").count(), 0);
    }

    proptest! {
        #[test]
        fn ends_on_any_text(text in "[\\[\\]{}:, \"\\\\a1]{0,30}", bytes: Vec<u8>) {
            for text in [text.as_bytes(), &bytes] {
                let wrapped = [b"[", text].concat();
                prop_assert!(Elements::new(&wrapped).count() <= text.len());
                let wrapped = [b"{", text].concat();
                prop_assert!(Members::new(&wrapped).count() <= text.len());
            }
        }
    }
}
