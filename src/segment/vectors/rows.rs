//! A piece of the map of vectors, taken apart: what most of the work of packing is,
//! and what any thread can do.

use std::ops::Range;

use super::write::{Attempt, VectorWriter};
use crate::{
    json::{JsonStyle, skip_white, string_end},
    planes::{ReadRows, Row},
    segment::Map,
};

/// Entries of the map of vectors, read from a piece of the file.
#[derive(Debug)]
pub(crate) struct VectorRows {
    text: Vec<u8>,
    /// Where keys and values stand in the text.
    entries: Vec<(Range<usize>, Range<usize>)>,
    rows: ReadRows,
    end: RowsEnd,
}

/// How the entries of a piece end, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowsEnd {
    /// With the piece.
    Piece,
    /// Here, after a value, with something else than a comma.
    Value(usize),
    /// Here, where an entry begins that is to be looked at on its own.
    Entry(usize),
}

impl VectorRows {
    /// Reads the entries of `text`, which begins with a key, or, where the map goes
    /// on, with what follows a value. As many are read as follow the rules of the
    /// map; the text need not have been scanned.
    pub(crate) fn read(text: Vec<u8>, goes_on: bool, style: &JsonStyle) -> VectorRows {
        let mut entries = Vec::new();
        let mut rows = ReadRows::new(style);
        let end = read(&text, goes_on, &mut entries, &mut rows);
        VectorRows {
            text,
            entries,
            rows,
            end,
        }
    }

    /// How the entries end.
    pub(crate) fn end(&self) -> RowsEnd {
        self.end
    }

    /// The text back, for its memory to be used again.
    pub(crate) fn into_text(self) -> Vec<u8> {
        self.text
    }
}

fn read(
    text: &[u8],
    goes_on: bool,
    entries: &mut Vec<(Range<usize>, Range<usize>)>,
    rows: &mut ReadRows,
) -> RowsEnd {
    let mut row = Row::default();
    let mut at = 0;
    let mut after_value = goes_on;
    loop {
        at = skip_white(text, at);
        if after_value {
            match text.get(at) {
                Some(b',') => at = skip_white(text, at + 1),
                None => return RowsEnd::Piece,
                Some(_) => return RowsEnd::Value(at),
            }
        }
        let Some((key, value)) = key_and_value(text, at) else {
            return RowsEnd::Entry(at);
        };
        let Ok(len) = rows.read(text.get(value..).unwrap_or_default(), &mut row) else {
            return RowsEnd::Entry(at);
        };
        at = value + len;
        entries.push((key, value..at));
        after_value = true;
    }
}

/// Where the key is that begins at `start`, and where its value begins.
fn key_and_value(text: &[u8], start: usize) -> Option<(Range<usize>, usize)> {
    let end = string_end(text, start).ok()?;
    let colon = skip_white(text, end);
    (text.get(colon) == Some(&b':')).then(|| (start..end, skip_white(text, colon + 1)))
}

impl VectorWriter {
    /// Appends entries of the map of vectors, as [`push`](Self::push) does one by
    /// one.
    pub(crate) fn push_rows(&mut self, read: &VectorRows) -> Attempt<()> {
        for (n, (key, value)) in read.entries.iter().enumerate() {
            let key = read.text.get(key.clone()).unwrap_or_default();
            if let Err(why) = self.push_key(Map::Embeddings, key, None)? {
                return Ok(Err(why));
            }
            let pushed = match self.push_read(&read.rows, n)? {
                Some(pushed) => pushed,
                // The text says more.
                None => self.push_vector(read.text.get(value.clone()).unwrap_or_default())?,
            };
            if let Err(why) = pushed {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }
}
