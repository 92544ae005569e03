//! The entries of a map as text, printed on several threads.

use std::{mem, ops::ControlFlow};

use super::ENTRY_DEPTH;
use crate::{
    error::Result,
    in_order::{InOrder, in_order},
    json::JsonStyle,
    segment::Map,
    store::{EntryPrinter, Merge, RowStore, Stack},
};

/// Text that a thread prints at a time, about.
const PIECE: usize = 256 << 10;
/// What a component takes as text, about.
const COMPONENT: usize = 20;
/// What an entry without a vector takes, about.
const ENTRY: usize = 300;

/// Prints the entries of a map between its brackets.
///
/// # Errors
/// As [`print`](super::print()).
pub(super) fn print_entries(
    store: &RowStore,
    map: Map,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let (stack, style) = (store.stack()?, store.style());
    let mut printing = Printing {
        entries: stack.entries(map)?,
        length: PIECE / length_of_entry(stack, map) + 1,
        first: true,
        spare: Vec::new(),
        sink,
    };
    in_order(&mut printing, |threads| {
        let mut printers = Printers {
            stack,
            map,
            style,
            threads,
            printers: Vec::new(),
        };
        move |piece| printers.print(piece)
    })
}

fn length_of_entry(stack: &Stack, map: Map) -> usize {
    let dims = stack.segments().iter().map(|segment| segment.dim());
    match map {
        Map::Embeddings => dims.max().unwrap_or(0) as usize * COMPONENT + ENTRY,
        Map::RefDocs | Map::Metadata => ENTRY,
    }
}

/// Neighbouring entries of a map, and their text, which begins with the bracket or
/// the comma before each.
struct Piece {
    /// Number of the segment, and of the entry in it.
    entries: Vec<(usize, u32)>,
    /// Whether they are the map's first.
    first: bool,
    text: Vec<u8>,
}

/// Hands out the entries in order, and the text on.
struct Printing<'p> {
    entries: Merge<'p>,
    /// Of a piece.
    length: usize,
    first: bool,
    /// To be used again.
    spare: Vec<Piece>,
    sink: &'p mut dyn FnMut(&[u8]) -> Result<()>,
}

impl InOrder for Printing<'_> {
    type Item = Piece;
    type Outcome = Result<Piece>;

    fn next(&mut self) -> Result<Option<Piece>> {
        let mut piece = self.spare.pop().unwrap_or_else(|| Piece {
            entries: Vec::with_capacity(self.length),
            first: false,
            text: Vec::with_capacity(PIECE * 3 / 2),
        });
        piece.entries.clear();
        piece.text.clear();
        while piece.entries.len() < self.length
            && let Some(entry) = self.entries.next()?
        {
            piece.entries.push(entry);
        }
        if piece.entries.is_empty() {
            return Ok(None);
        }
        piece.first = mem::take(&mut self.first);
        Ok(Some(piece))
    }

    fn take(&mut self, piece: Result<Piece>) -> Result<ControlFlow<()>> {
        let piece = piece?;
        (self.sink)(&piece.text)?;
        self.spare.push(piece);
        Ok(ControlFlow::Continue(()))
    }
}

/// What one thread prints with.
struct Printers<'s> {
    stack: &'s Stack,
    map: Map,
    style: &'s JsonStyle,
    threads: usize,
    /// For each segment, once it is needed.
    printers: Vec<Option<EntryPrinter<'s>>>,
}

impl Printers<'_> {
    fn print(&mut self, mut piece: Piece) -> Result<Piece> {
        let out = &mut piece.text;
        for &(n, entry) in &piece.entries {
            match mem::take(&mut piece.first) {
                true => self.style.open(b'{', ENTRY_DEPTH, out),
                false => self.style.comma(ENTRY_DEPTH, out),
            }
            if self.printers.len() <= n {
                self.printers.resize_with(n + 1, || None);
            }
            let (Some(slot), Some(segment)) =
                (self.printers.get_mut(n), self.stack.segments().get(n))
            else {
                continue;
            };
            let printer = match slot {
                Some(printer) => printer,
                None => slot.insert(EntryPrinter::beside(segment, self.map, self.threads)?),
            };
            printer.print(entry, self.style, ENTRY_DEPTH, out)?;
        }
        Ok(piece)
    }
}
