//! Two uses of a record's expansion: its text in the file's style, and the
//! hash by which a block is checked.

use xxhash_rust::xxh3::Xxh3;

use super::{RecordSegment, unpack::Expanded};
use crate::{
    error::Result,
    json::{JsonStyle, Printer, encode_content},
    planes::StoredRow,
};

/// Text of a document in a string that is held before it becomes part of the
/// string. Little in unit tests.
const HELD: usize = if cfg!(test) { 64 } else { 64 << 10 };
/// Prints nothing longer than this in one go: deep nesting in an indented
/// style makes long text of little.
pub(crate) const MAX_PRINTED: usize = 256 << 20;

/// Prints normal form as text; documents in strings on the way.
pub(crate) struct Printing {
    levels: Vec<Level>,
    /// The innermost level.
    top: Level,
}

struct Level {
    style: JsonStyle,
    printer: Printer,
    out: Vec<u8>,
}

impl Printing {
    /// For a value that stands at `depth` of a text in `style`.
    pub(crate) fn new(style: &JsonStyle, depth: usize) -> Printing {
        Printing {
            levels: Vec::new(),
            top: Level {
                style: style.clone(),
                printer: Printer::at(depth),
                out: Vec::new(),
            },
        }
    }

    /// Prints whole tokens in normal form; false where they make too much
    /// text.
    #[must_use = "the text may be cut"]
    pub(crate) fn normal(&mut self, piece: &[u8]) -> bool {
        let Level {
            style,
            printer,
            out,
        } = &mut self.top;
        printer.print(piece, style, MAX_PRINTED, out)
    }

    /// Prints text as it is.
    pub(crate) fn verbatim(&mut self, text: &[u8]) {
        self.top.out.extend_from_slice(text);
        self.settle();
    }

    /// Prints an array of numbers; false where that makes too much text.
    #[must_use = "the text may be cut"]
    pub(crate) fn numbers(&mut self, row: &StoredRow<'_>) -> bool {
        let Level {
            style,
            printer,
            out,
        } = &mut self.top;
        let fits = row.print_within(style, printer.depth(), MAX_PRINTED, out);
        self.settle();
        fits
    }

    /// How deep the next value stands.
    pub(crate) fn depth(&self) -> usize {
        self.top.printer.depth()
    }

    /// For a value at `depth` of the text that is being printed.
    pub(crate) fn again_at(&self, depth: usize) -> Printing {
        Printing::new(&self.top.style, depth)
    }

    /// Begins a string that holds a document in `style`.
    pub(crate) fn json(&mut self, style: &JsonStyle) {
        self.top.out.push(b'"');
        let mut inner = Level {
            style: style.clone(),
            printer: Printer::at(0),
            out: Vec::new(),
        };
        inner.style.begin(&mut inner.out);
        self.levels.push(std::mem::replace(&mut self.top, inner));
    }

    /// Ends that document; false where none was begun.
    #[must_use = "there may be none"]
    pub(crate) fn end_json(&mut self) -> bool {
        let Some(outer) = self.levels.pop() else {
            return false;
        };
        let mut inner = std::mem::replace(&mut self.top, outer);
        inner.style.finish(&mut inner.out);
        encode_content(&inner.out, self.top.style.escapes(), &mut self.top.out);
        self.top.out.push(b'"');
        true
    }

    /// Text of the outermost level, if there is enough of it to be handed on.
    pub(crate) fn outermost(&mut self) -> &mut Vec<u8> {
        self.settle();
        match self.levels.first_mut() {
            Some(level) => &mut level.out,
            None => &mut self.top.out,
        }
    }

    /// Moves what the inner levels hold outwards, where it is much.
    fn settle(&mut self) {
        if self.levels.is_empty() || self.top.out.len() < HELD {
            return;
        }
        let mut text = std::mem::take(&mut self.top.out);
        for level in self.levels.iter_mut().rev() {
            encode_content(&text, level.style.escapes(), &mut level.out);
            text = match level.out.len() < HELD {
                true => Vec::new(),
                false => std::mem::take(&mut level.out),
            };
            if text.is_empty() {
                return;
            }
        }
        // The outermost level keeps its text.
        if let Some(first) = self.levels.first_mut() {
            first.out = text;
        }
    }
}

/// Hashes what the records of a block expand to.
pub(crate) struct Hashing<'s> {
    segment: &'s RecordSegment,
    styles: Vec<u32>,
    hash: Xxh3,
}

impl<'s> Hashing<'s> {
    pub(crate) fn new(segment: &'s RecordSegment, style: u32) -> Hashing<'s> {
        Hashing {
            segment,
            styles: vec![style],
            hash: Xxh3::new(),
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.hash.digest()
    }
}

impl Expanded for Hashing<'_> {
    fn begin(&mut self, _odd_key: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        self.hash.update(piece);
        Ok(())
    }

    fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.hash.update(text);
        Ok(())
    }

    fn numbers(&mut self, plane: u32, row: u32) -> Result<()> {
        let style = self.styles.last().copied().unwrap_or(0);
        let compact = JsonStyle {
            numbers: Some(self.segment.style(style)?.numbers()),
            ..JsonStyle::pydantic()
        };
        let mut text = Vec::new();
        self.segment
            .numbers(plane, row)?
            .print(&compact, 0, &mut text);
        self.hash.update(&text);
        Ok(())
    }

    fn json(&mut self, style: u32) -> Result<()> {
        self.segment.style(style)?;
        self.styles.push(style);
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        if self.styles.len() < 2 {
            return Err(self.segment.refuse("the end of a document"));
        }
        self.styles.pop();
        Ok(())
    }

    fn map(&mut self, _collection: u32) -> Result<()> {
        Ok(())
    }
}
