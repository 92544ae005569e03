//! Rows that were taken apart on some thread, to be appended in order on another.

use super::{
    classify::{NotARow, Row, delta},
    format::RowClass,
    numbers::push_f32,
};
use crate::json::{JsonStyle, NumberLayout};

/// Rows of one length, one after another, as a plane stores them.
#[derive(Debug)]
pub(crate) struct ReadRows {
    /// In which their classes were found.
    pub(super) layout: NumberLayout,
    /// Whether that is a guess, which a row may correct.
    open: bool,
    pub(super) dim: usize,
    /// The f32 components of all rows.
    nearest: Vec<u8>,
    /// What is added to those of Delta rows.
    low: Vec<u8>,
    /// Column and token.
    exceptions: Vec<(u32, Vec<u8>)>,
    rows: Vec<ReadRow>,
}

#[derive(Debug)]
struct ReadRow {
    class: RowClass,
    norm: f64,
    tells_layout: bool,
    /// Where its part of `low` and of `exceptions` ends.
    low_end: usize,
    exceptions_end: usize,
}

/// One of the rows.
pub(super) struct Taken<'r> {
    pub(super) class: RowClass,
    pub(super) norm: f64,
    pub(super) nearest: &'r [u8],
    pub(super) low: &'r [u8],
    pub(super) exceptions: &'r [(u32, Vec<u8>)],
}

impl ReadRows {
    /// None yet, for a file of this style.
    pub(crate) fn new(style: &JsonStyle) -> ReadRows {
        ReadRows {
            layout: style.numbers(),
            open: style.numbers.is_none(),
            dim: 0,
            nearest: Vec::new(),
            low: Vec::new(),
            exceptions: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Takes the array that `text` begins with, and gives its length. `row` is room to
    /// work in.
    ///
    /// # Errors
    /// Why it is no row beside those that are here.
    pub(crate) fn read<'t>(&mut self, text: &'t [u8], row: &mut Row<'t>) -> Result<usize, NotARow> {
        let len = row.read(text)?;
        let dim = row.dim();
        if self.rows.is_empty() {
            self.dim = dim;
        } else if self.dim != dim {
            return Err(NotARow::Length);
        }
        let class = row.classify(self.layout);
        push_f32(&row.nearest, &mut self.nearest);
        if class == RowClass::Delta {
            push_deltas(row, &mut self.low);
        }
        for &column in &row.exceptions {
            let number = u32::try_from(column).unwrap_or(u32::MAX);
            self.exceptions.push((number, row.token(column).to_vec()));
        }
        self.rows.push(ReadRow {
            class,
            norm: row.norm(),
            tells_layout: self.open && row.tells_layout(),
            low_end: self.low.len(),
            exceptions_end: self.exceptions.len(),
        });
        Ok(len)
    }

    /// Whether row `n` corrects a layout that was a guess.
    pub(super) fn tells_layout(&self, n: usize) -> bool {
        self.rows.get(n).is_some_and(|row| row.tells_layout)
    }

    pub(super) fn row(&self, n: usize) -> Option<Taken<'_>> {
        let row = self.rows.get(n)?;
        let before = n.checked_sub(1).and_then(|n| self.rows.get(n));
        let (low, exceptions) = before.map_or((0, 0), |row| (row.low_end, row.exceptions_end));
        let len = self.dim * 4;
        Some(Taken {
            class: row.class,
            norm: row.norm,
            nearest: self.nearest.get(n * len..(n + 1) * len)?,
            low: self.low.get(low..row.low_end)?,
            exceptions: self.exceptions.get(exceptions..row.exceptions_end)?,
        })
    }
}

/// Appends what is added to the f32 of a Delta row.
pub(super) fn push_deltas(row: &Row<'_>, low: &mut Vec<u8>) {
    // An exception has no delta: its value comes from its token.
    let deltas = row.values.iter().zip(&row.nearest);
    low.extend(deltas.flat_map(|(&x, &f)| delta(x, f).unwrap_or(0).to_le_bytes()));
}
