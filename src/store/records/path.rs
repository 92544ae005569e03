//! The names of collections, and how they are written.

use std::{fmt, str::FromStr};

use crate::json::{Escapes, decode, encode};

/// Between two steps of a path.
const SEPARATOR: &str = " > ";

/// Which collection of a store: the name of one at the top level, such as
/// `docstore/data`; for one that stands in a record, what leads to it.
///
/// As text, the steps are joined by ` > `. A step is spelled like the inside of
/// a JSON string, and a `>` that could be taken for a separator as `\>`, so
/// that the text leads back to the same path:
///
/// ```
/// use twinstore::store::CollectionPath;
/// let path = CollectionPath::top(b"index_store/data").nested(b"a > b", b"nodes_dict");
/// let text = path.to_string();
/// assert_eq!(text, r"index_store/data > a \> b > nodes_dict");
/// assert_eq!(text.parse(), Ok(path));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CollectionPath(Vec<Vec<u8>>);

/// Why a text is not that of a [`CollectionPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadPath {
    /// A backslash that begins no escape.
    #[error(r"a backslash begins an escape, as in JSON; write it as `\\`")]
    Escape,
    /// A name and a key too few or too many.
    #[error("a path is a collection's name, or NAME > KEY > NAME and so on")]
    Steps,
}

impl CollectionPath {
    /// A member of the file's top-level object.
    #[must_use]
    pub fn top(name: &[u8]) -> CollectionPath {
        CollectionPath(vec![name.to_vec()])
    }

    /// A map in the record `record` of this collection, such as the
    /// `nodes_dict` of an index struct.
    #[must_use]
    pub fn nested(&self, record: &[u8], name: &[u8]) -> CollectionPath {
        let mut path = self.0.clone();
        path.extend([record.to_vec(), name.to_vec()]);
        CollectionPath(path)
    }

    /// The collection, the record and the member that a map stands in; `None` for
    /// a member of the top level.
    pub(crate) fn around(&self) -> Option<(CollectionPath, &[u8], &[u8])> {
        let [around @ .., record, name] = self.0.as_slice() else {
            return None;
        };
        Some((CollectionPath(around.to_vec()), record, name))
    }

    /// Whether this collection stands in a record of `around`, or in one in that.
    pub(crate) fn is_inside(&self, around: &CollectionPath) -> bool {
        self.0.len() > around.0.len() && self.0.starts_with(&around.0)
    }

    /// Whether this collection stands in the record `key` of `around`, or in
    /// one of that.
    pub(crate) fn is_in(&self, around: &CollectionPath, key: &[u8]) -> bool {
        let inside = self.0.strip_prefix(around.0.as_slice());
        inside
            .and_then(<[_]>::first)
            .is_some_and(|step| step == key)
    }

    /// What leads to the collection: its name, or name, record, name …
    #[must_use]
    pub fn steps(&self) -> &[Vec<u8>] {
        &self.0
    }
}

impl fmt::Display for CollectionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.0.iter().map(|step| spell(step)).collect();
        f.write_str(&steps.join(SEPARATOR))
    }
}

impl FromStr for CollectionPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<CollectionPath, BadPath> {
        let steps = text.split(SEPARATOR).map(read);
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        match steps.len() % 2 {
            1 => Ok(CollectionPath(steps)),
            _ => Err(BadPath::Steps),
        }
    }
}

/// A step as text.
fn spell(step: &[u8]) -> String {
    let mut token = Vec::with_capacity(step.len() + 2);
    encode(step, Escapes::Utf8, &mut token);
    let token = String::from_utf8_lossy(&token);
    let inside = token.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    let mut text = String::with_capacity(token.len());
    let mut rest = inside.unwrap_or_default();
    while let Some(at) = rest.find('>') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        // At the ends of a step, the blank may be the separator's.
        let left = text.is_empty() || text.ends_with(' ');
        let after = after.get(1..).unwrap_or_default();
        if left && (after.is_empty() || after.starts_with(' ')) {
            text.push('\\');
        }
        text.push('>');
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The step that `text` spells.
fn read(text: &str) -> Result<Vec<u8>, BadPath> {
    let mut token = String::from("\"");
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, rest.as_str().chars().next()) {
            ('\\', Some('>')) => {}
            ('\\', Some(escaped)) => {
                token.extend([c, escaped]);
                rest.next();
            }
            // People need not escape what is no doubt a quote.
            ('"', _) => token.push_str("\\\""),
            _ => token.push(c),
        }
    }
    token.push('"');
    let mut step = Vec::new();
    match decode(token.as_bytes(), &mut step) {
        Ok(()) => Ok(step),
        Err(_) => Err(BadPath::Escape),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_printed_leads_back(
            steps in prop::collection::vec(r#"[a> \\"\u{1}\u{e9}u0/]{0,8}"#, 0..4),
        ) {
            let mut path = CollectionPath::top(b"x");
            for pair in steps.chunks(2) {
                let last = pair.last().unwrap();
                path = path.nested(pair[0].as_bytes(), last.as_bytes());
            }
            let text = path.to_string();
            prop_assert!(!text.contains('\u{1}'), "{}", text);
            prop_assert_eq!(text.parse(), Ok(path), "{}", text);
        }
    }

    #[test]
    fn ordinary_names_are_spelled_as_they_are() {
        for name in ["docstore/data", "a->b", "x>y", "é (1)"] {
            assert_eq!(CollectionPath::top(name.as_bytes()).to_string(), name);
        }
        let lone = CollectionPath::top(b"\xed\xa0\x80");
        assert_eq!(lone.to_string(), "\\ud800");
        assert_eq!("\\ud800".parse(), Ok(lone));
        let quoted: CollectionPath = "a\"b".parse().unwrap();
        assert_eq!(quoted, CollectionPath::top(b"a\"b"));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        assert_eq!("a > b".parse::<CollectionPath>(), Err(BadPath::Steps));
        assert_eq!("C:\\x".parse::<CollectionPath>(), Err(BadPath::Escape));
        assert_eq!("a\\".parse::<CollectionPath>(), Err(BadPath::Escape));
    }
}
