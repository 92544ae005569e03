//! From normal form to text in a style; the twin of [`normalise`](super::normalise).

use super::{
    runs,
    string::{self, Escapes},
    style::JsonStyle,
    walk,
};

/// Appends `normal`, a value in normal form, in `style`. `depth` is the
/// nesting depth at which the value stands: 0 for a whole text.
///
/// Number tokens are printed as they are. In an indented style, deep nesting
/// makes much longer text of a short value; [`print_within`] sets a bound.
///
/// ```
/// use twinstore::json::{JsonStyle, print};
/// let mut text = Vec::new();
/// print(r#"{"a":[1e5,"ü"]}"#.as_bytes(), &JsonStyle::python(), 0, &mut text);
/// assert_eq!(text, br#"{"a": [1e5, "\u00fc"]}"#);
/// ```
pub fn print(normal: &[u8], style: &JsonStyle, depth: usize, out: &mut Vec<u8>) {
    let whole = print_within(normal, style, depth, usize::MAX, out);
    debug_assert!(whole, "no text is longer than usize::MAX");
}

/// Like [`print()`], but gives up when the text is longer than `limit` bytes.
/// Returns whether all was printed; if not, `out` has as much as there is.
///
/// For text from untrusted files: a million brackets in a style that indents
/// by two blanks would print as a terabyte.
#[must_use = "the text may be cut"]
pub fn print_within(
    normal: &[u8],
    style: &JsonStyle,
    depth: usize,
    limit: usize,
    out: &mut Vec<u8>,
) -> bool {
    let ascii = style.escapes() == Escapes::Ascii;
    let begin = out.len();
    let mut depth = depth;
    let mut rest = normal;
    while let Some((&first, after)) = rest.split_first() {
        rest = match (first, after.first()) {
            (b'"', _) => {
                let (token, after) = rest
                    .split_at_checked(walk::string_len(rest))
                    .unwrap_or((rest, &[]));
                if ascii {
                    string::to_ascii(token, out);
                } else {
                    out.extend_from_slice(token);
                }
                after
            }
            // Empty containers stay closed.
            (b'[', Some(b']')) | (b'{', Some(b'}')) => {
                out.extend_from_slice(rest.get(..2).unwrap_or_default());
                after.get(1..).unwrap_or_default()
            }
            (b'[' | b'{', _) => {
                depth = depth.saturating_add(1);
                style.open(first, depth, out);
                after
            }
            (b']' | b'}', _) => {
                style.close(first, depth, out);
                depth = depth.saturating_sub(1);
                after
            }
            (b',', _) => {
                style.comma(depth, out);
                after
            }
            (b':', _) => {
                style.colon(out);
                after
            }
            _ => {
                // At least one byte, so that garbage is passed over, too.
                let (token, after) = rest
                    .split_at_checked(runs::scalar(rest).max(1))
                    .unwrap_or((rest, &[]));
                out.extend_from_slice(token);
                after
            }
        };
        if out.len() - begin > limit {
            return false;
        }
    }
    true
}
