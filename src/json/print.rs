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
    let mut printer = Printer::at(depth);
    printer.print(normal, style, limit, out)
}

/// Prints a value that comes in pieces of normal form.
///
/// A piece consists of whole tokens. It must not end with the opening bracket
/// of an empty container: that and its closing bracket go together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    depth: usize,
}

impl Printer {
    /// For a value that stands at `depth`.
    pub(crate) fn at(depth: usize) -> Printer {
        Printer { depth }
    }

    /// How deep the next value stands.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Prints the next piece; false when that takes more than `limit` bytes,
    /// not all of which is then printed.
    #[must_use = "the text may be cut"]
    pub(crate) fn print(
        &mut self,
        normal: &[u8],
        style: &JsonStyle,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        let ascii = style.escapes() == Escapes::Ascii;
        let begin = out.len();
        // Where a value stands deep, a line is long before it has anything of the value.
        let fits =
            |depth, so_far: usize| style.line_len(depth).saturating_add(so_far - begin) <= limit;
        let mut rest = normal;
        while let Some((&first, after)) = rest.split_first() {
            rest = match (first, after.first()) {
                (b'"', _) if ascii => string::to_ascii(rest, out),
                (b'"', _) => {
                    let (token, after) = rest
                        .split_at_checked(walk::string_len(rest))
                        .unwrap_or((rest, &[]));
                    out.extend_from_slice(token);
                    after
                }
                // Empty containers stay closed.
                (b'[', Some(b']')) | (b'{', Some(b'}')) => {
                    out.extend_from_slice(rest.get(..2).unwrap_or_default());
                    after.get(1..).unwrap_or_default()
                }
                (b'[' | b'{', _) => {
                    self.depth = self.depth.saturating_add(1);
                    if !fits(self.depth, out.len()) {
                        return false;
                    }
                    style.open(first, self.depth, out);
                    after
                }
                (b']' | b'}', _) => {
                    if !fits(self.depth.saturating_sub(1), out.len()) {
                        return false;
                    }
                    style.close(first, self.depth, out);
                    self.depth = self.depth.saturating_sub(1);
                    after
                }
                (b',', _) => {
                    if !fits(self.depth, out.len()) {
                        return false;
                    }
                    style.comma(self.depth, out);
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
}
