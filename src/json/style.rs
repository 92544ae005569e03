//! The style of a JSON text: all that its writer was free to choose and that
//! is the same throughout.
//!
//! A [`JsonStyle`] together with a value in normal form gives the text back,
//! see [`print`](super::print()). It is found by looking at a file's first
//! and last bytes ([`JsonStyle::detect`]) and stored with what was packed.
//!
//! | writer | separators | escapes | numbers |
//! |---|---|---|---|
//! | `json.dumps` | `", "` `": "` | ASCII | Python |
//! | pydantic's `model_dump_json` | `,` `:` | UTF-8 | Ryu |
//! | `JSON.stringify` | `,` `:` | UTF-8 | JavaScript |
//!
//! What varies *within* a text (a number spelled unusually, an upper-case
//! escape, one array on one line in indented text) is no style: such a text
//! prints otherwise than it was, and who needs its bytes must compare.

use super::{number::NumberLayout, string::Escapes};

/// The longest piece of white space that is kept as part of a style.
pub(super) const LONGEST: usize = 64;

/// How a JSON text is written: white space, escapes, number layout.
#[derive(Clone, Debug, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct JsonStyle {
    /// Whether a UTF-8 byte order mark comes first.
    pub bom: bool,
    /// White space before the value.
    pub lead: Vec<u8>,
    /// White space after the value, mostly nothing or a newline.
    pub tail: Vec<u8>,
    /// White space before a colon.
    pub before_colon: Vec<u8>,
    /// White space after a colon.
    pub after_colon: Vec<u8>,
    /// White space before a comma.
    pub before_comma: Vec<u8>,
    /// White space after a comma; in indented text, what stands between the
    /// comma and the newline (old Pythons leave a blank there).
    pub after_comma: Vec<u8>,
    /// How children are indented, if they stand on lines of their own.
    pub indent: Option<Indent>,
    /// What is escaped in strings; `None` while no string has shown it.
    pub escapes: Option<Escapes>,
    /// How floats are printed; `None` while no number has shown it.
    pub numbers: Option<NumberLayout>,
}

/// How the children of a container are put on lines of their own. Empty
/// containers stay closed (`[]`), as all writers do it.
#[derive(Clone, Debug, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Indent {
    /// How lines end.
    pub newline: Newline,
    /// What is repeated once for each level of nesting; may be empty.
    pub unit: Vec<u8>,
}

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub enum Newline {
    /// `\n`
    Lf,
    /// `\r\n`
    CrLf,
}

impl Newline {
    fn bytes(self) -> &'static [u8] {
        match self {
            Newline::Lf => b"\n",
            Newline::CrLf => b"\r\n",
        }
    }
}

impl JsonStyle {
    /// The style of Python's `json.dumps` with its defaults.
    #[must_use]
    pub fn python() -> JsonStyle {
        JsonStyle {
            after_colon: b" ".to_vec(),
            after_comma: b" ".to_vec(),
            escapes: Some(Escapes::Ascii),
            numbers: Some(NumberLayout::Python),
            ..JsonStyle::bare()
        }
    }

    /// The style of pydantic's `model_dump_json`.
    #[must_use]
    pub fn pydantic() -> JsonStyle {
        JsonStyle {
            escapes: Some(Escapes::Utf8),
            numbers: Some(NumberLayout::Ryu),
            ..JsonStyle::bare()
        }
    }

    /// The style of JavaScript's `JSON.stringify`.
    #[must_use]
    pub fn stringify() -> JsonStyle {
        JsonStyle {
            numbers: Some(NumberLayout::JavaScript),
            ..JsonStyle::pydantic()
        }
    }

    /// No white space at all, nothing decided.
    pub(super) fn bare() -> JsonStyle {
        JsonStyle {
            bom: false,
            lead: Vec::new(),
            tail: Vec::new(),
            before_colon: Vec::new(),
            after_colon: Vec::new(),
            before_comma: Vec::new(),
            after_comma: Vec::new(),
            indent: None,
            escapes: None,
            numbers: None,
        }
    }

    /// What is escaped. While nothing has shown it: ASCII where there are
    /// blanks between the tokens, as Python's defaults go together.
    #[must_use]
    pub fn escapes(&self) -> Escapes {
        self.escapes.unwrap_or(if self.is_compact() {
            Escapes::Utf8
        } else {
            Escapes::Ascii
        })
    }

    /// How floats are printed. While nothing has shown it: as Python does
    /// where there are blanks between the tokens or ASCII escapes.
    #[must_use]
    pub fn numbers(&self) -> NumberLayout {
        self.numbers
            .unwrap_or(match (self.is_compact(), self.escapes) {
                (true, None | Some(Escapes::Utf8)) => NumberLayout::Ryu,
                _ => NumberLayout::Python,
            })
    }

    /// Whether the style is one that [`JsonStyle::detect`] can give: white
    /// space only, and not much of it. To be asked of styles that were read
    /// from a file, before anything is printed in them.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let white = |text: &[u8]| {
            text.len() <= LONGEST
                && text
                    .iter()
                    .all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
        };
        let unit = self.indent.as_ref().map(|indent| &indent.unit);
        [
            &self.lead,
            &self.tail,
            &self.before_colon,
            &self.after_colon,
            &self.before_comma,
            &self.after_comma,
        ]
        .into_iter()
        .chain(unit)
        .all(|text| white(text))
    }

    /// Whether both print everything the same: what is open in one may be what
    /// the other says.
    pub(crate) fn prints_as(&self, other: &JsonStyle) -> bool {
        let settled = |style: &JsonStyle| JsonStyle {
            escapes: Some(style.escapes()),
            numbers: Some(style.numbers()),
            ..style.clone()
        };
        settled(self) == settled(other)
    }

    /// Whether children follow each other without any white space, so that
    /// normal form is already laid out in this style.
    pub(super) fn is_compact(&self) -> bool {
        self.indent.is_none()
            && self.before_colon.is_empty()
            && self.after_colon.is_empty()
            && self.before_comma.is_empty()
            && self.after_comma.is_empty()
    }

    /// Prints what comes before the value of a file: mark and white space.
    pub fn begin(&self, out: &mut Vec<u8>) {
        if self.bom {
            out.extend_from_slice(super::BOM);
        }
        out.extend_from_slice(&self.lead);
    }

    /// Prints what comes after the value of a file.
    pub fn finish(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tail);
    }

    /// Prints the opening `bracket` of a container that is not empty and
    /// whose children stand at `depth`, up to where the first one begins.
    pub fn open(&self, bracket: u8, depth: usize, out: &mut Vec<u8>) {
        out.push(bracket);
        self.line(depth, out);
    }

    /// Prints what stands between two children at `depth`.
    #[inline]
    pub fn comma(&self, depth: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.before_comma);
        out.push(b',');
        out.extend_from_slice(&self.after_comma);
        self.line(depth, out);
    }

    /// Prints what stands between a key and its value.
    #[inline]
    pub fn colon(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.before_colon);
        out.push(b':');
        out.extend_from_slice(&self.after_colon);
    }

    /// Prints the closing `bracket` of a container that is not empty and
    /// whose children stand at `depth`.
    pub fn close(&self, bracket: u8, depth: usize, out: &mut Vec<u8>) {
        self.line(depth.saturating_sub(1), out);
        out.push(bracket);
    }

    /// Length of a line's beginning at `depth`.
    #[inline]
    pub(super) fn line_len(&self, depth: usize) -> usize {
        self.indent.as_ref().map_or(0, |indent| {
            let units = indent.unit.len().saturating_mul(depth);
            indent.newline.bytes().len().saturating_add(units)
        })
    }

    #[inline]
    fn line(&self, depth: usize, out: &mut Vec<u8>) {
        if let Some(indent) = &self.indent {
            out.extend_from_slice(indent.newline.bytes());
            for _ in 0..depth {
                out.extend_from_slice(&indent.unit);
            }
        }
    }
}

#[cfg(test)]
mod tests;
