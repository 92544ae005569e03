//! Printing to standard output: text in columns, or JSON.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use super::Failure;

/// Writes bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Writes lines.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Output that is written while it is made.
pub(crate) struct Lines {
    out: BufWriter<StdoutLock<'static>>,
    terminal: bool,
}

impl Lines {
    pub(crate) fn new() -> Lines {
        let out = io::stdout();
        Lines {
            terminal: out.is_terminal(),
            out: BufWriter::new(out.lock()),
        }
    }

    /// A line as it is; on a terminal, with its control characters visible.
    pub(crate) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        match self.terminal {
            true => {
                let line = visible(&String::from_utf8_lossy(line));
                self.out.write_all(line.as_bytes())?;
            }
            false => self.out.write_all(line)?,
        }
        self.out.write_all(b"\n")
    }

    pub(crate) fn end(mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a value as JSON, for programs.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    text.push('\n');
    bytes(text.as_bytes())
}

/// Makes control characters visible: names of files are other people's text,
/// and must not move the cursor.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Lays rows out in columns of equal width; columns named in `right` are set
/// flush right.
pub(crate) fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| visible(cell)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column == 0 { "" } else { "  " };
            line.push_str(gap);
            if right.contains(&column) {
                line.push_str(&format!("{cell:>width$}"));
            } else {
                line.push_str(&format!("{cell:width$}"));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A number of bytes in the unit that suits it.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
