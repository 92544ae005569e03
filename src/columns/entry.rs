//! One metadata object as text: taken apart, and printed again.

use crate::json::{JsonStyle, Members, decode, encode, normalise, print_within};

/// The members of one metadata object: decoded keys, values in normal form.
pub(crate) struct Entry(pub(crate) Vec<(Vec<u8>, Vec<u8>)>);

impl Entry {
    pub(crate) fn parse(text: &[u8]) -> Option<Entry> {
        if text.first() != Some(&b'{') {
            return None;
        }
        let members = Members::new(text).map(|(key, value)| {
            let (mut decoded, mut normal) = (Vec::new(), Vec::new());
            decode(key, &mut decoded).ok()?;
            normalise(value, &mut normal).ok()?;
            Some((decoded, normal))
        });
        members.collect::<Option<Vec<_>>>().map(Entry)
    }

    /// Whether the members print as `text`.
    pub(crate) fn prints(&self, style: &JsonStyle, depth: usize, text: &[u8]) -> bool {
        let mut printed = Vec::with_capacity(text.len() + 16);
        let members = self.0.iter().map(|(k, v)| (k.as_slice(), v.as_slice()));
        print_object(members, style, depth, text.len(), &mut printed) && printed == text
    }
}

/// Prints an object that stands at `depth`; false when it is longer than
/// `limit` (in an indented style, deep nesting makes long text of little).
#[must_use = "the text may be cut"]
pub(crate) fn print_object<'a>(
    members: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    style: &JsonStyle,
    depth: usize,
    limit: usize,
    out: &mut Vec<u8>,
) -> bool {
    let start = out.len();
    let mut empty = true;
    for (key, value) in members {
        if empty {
            style.open(b'{', depth + 1, out);
        } else {
            style.comma(depth + 1, out);
        }
        empty = false;
        encode(key, style.escapes(), out);
        style.colon(out);
        let left = (start + limit).saturating_sub(out.len());
        if !print_within(value, style, depth + 1, left, out) {
            return false;
        }
    }
    if empty {
        out.extend_from_slice(b"{}");
    } else {
        style.close(b'}', depth + 1, out);
    }
    out.len() - start <= limit
}
