//! The text of entries, key and value.

use crate::{
    columns::{ColumnWalk, Columns, MAX_PRINTED},
    error::Result,
    json::{JsonStyle, encode, print_within},
    segment::{Map, OddmentWalk, Part, VectorSegment},
    store::Rescue,
};

/// Prints entries of one map of one segment, best in order.
pub(crate) struct EntryPrinter<'s> {
    segment: &'s VectorSegment,
    map: Map,
    odd: OddmentWalk,
    columns: Option<ColumnWalk<'s>>,
    id: Vec<u8>,
    /// Whether dictionaries of columns are not to be loaded as a whole,
    /// because one of them cannot be.
    careful: Option<bool>,
}

impl<'s> EntryPrinter<'s> {
    pub(crate) fn new(segment: &'s VectorSegment, map: Map) -> Result<EntryPrinter<'s>> {
        EntryPrinter::beside(segment, map, 1)
    }

    /// One of so many that print at the same time.
    pub(crate) fn beside(
        segment: &'s VectorSegment,
        map: Map,
        printers: usize,
    ) -> Result<EntryPrinter<'s>> {
        let has_columns = map != Map::Embeddings && segment.entries(map) > 0;
        Ok(EntryPrinter {
            segment,
            map,
            odd: OddmentWalk::of(map, &segment.oddments()?),
            columns: match has_columns {
                true => Some(segment.columns()?.walk_beside(printers)),
                false => None,
            },
            id: Vec::new(),
            careful: None,
        })
    }

    /// For a segment of which parts may be damaged.
    pub(crate) fn rescuing(
        segment: &'s VectorSegment,
        map: Map,
        rescue: &mut dyn Rescue,
    ) -> EntryPrinter<'s> {
        let oddments = segment.oddments().unwrap_or_else(|e| {
            rescue.respelled(&e);
            Vec::new()
        });
        let columns = match map {
            Map::Embeddings => None,
            // Without them every entry gets the reason.
            Map::RefDocs | Map::Metadata => segment.columns().ok().map(Columns::walk),
        };
        EntryPrinter {
            segment,
            map,
            odd: OddmentWalk::of(map, &oddments),
            columns,
            id: Vec::new(),
            careful: Some(false),
        }
    }

    /// The key of an entry, if it can be read.
    pub(crate) fn key(&self, entry: u32) -> Option<Vec<u8>> {
        let row = self.segment.entry_row(self.map, entry).ok()?;
        self.segment.id(row).ok()
    }

    /// Prints an entry, whose value stands at `depth`; after an error `out` may
    /// hold a part of it.
    pub(crate) fn print(
        &mut self,
        entry: u32,
        style: &JsonStyle,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let before = out.len();
        match self.try_print(entry, style, depth, out) {
            Err(_) if self.careful == Some(false) && self.columns.is_some() => {
                // Another value of a dictionary may be what is damaged.
                self.careful = Some(true);
                self.columns = Some(self.segment.columns()?.walk_few());
                // This entry's were taken.
                let oddments = self.segment.oddments().unwrap_or_default();
                self.odd = OddmentWalk::of(self.map, &oddments);
                out.truncate(before);
                self.try_print(entry, style, depth, out)
            }
            other => other,
        }
    }

    fn try_print(
        &mut self,
        entry: u32,
        style: &JsonStyle,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.print_key(entry, style, out)?;
        style.colon(out);
        self.print_value(entry, style, depth, out)
    }

    /// Prints the key of an entry, which comes before its value.
    pub(crate) fn print_key(
        &mut self,
        entry: u32,
        style: &JsonStyle,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let row = self.segment.entry_row(self.map, entry)?;
        match self.odd.next(entry, Part::Key) {
            Some(token) => out.extend_from_slice(&token),
            None => {
                self.id.clear();
                self.segment.ids().get(row, &mut self.id)?;
                encode(&self.id, style.escapes(), out);
            }
        }
        Ok(())
    }

    /// Prints the value of an entry, which stands at `depth`.
    pub(crate) fn print_value(
        &mut self,
        entry: u32,
        style: &JsonStyle,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let segment = self.segment;
        match (self.map, &mut self.columns) {
            (Map::RefDocs, Some(columns)) => match self.odd.next(entry, Part::Value) {
                Some(token) => out.extend_from_slice(&token),
                None => {
                    let value = columns.ref_doc(entry)?;
                    if !print_within(&value, style, depth, MAX_PRINTED, out) {
                        return Err(segment.too_long());
                    }
                }
            },
            (Map::Metadata, Some(columns)) => {
                if !columns.metadata(entry)?.print(style, depth, out) {
                    return Err(segment.too_long());
                }
            }
            (Map::Embeddings, _) => {
                let row = segment.entry_row(self.map, entry)?;
                segment.plane().row(row)?.print(style, depth, out);
            }
            (_, None) => {
                segment.columns()?;
                return Err(segment.refuse("a map without columns"));
            }
        }
        Ok(())
    }
}

/// Prints the value of one entry, which stands at `depth`, without loading
/// anything for others.
pub(crate) fn print_value(
    segment: &VectorSegment,
    map: Map,
    entry: u32,
    style: &JsonStyle,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let whole = match map {
        Map::Embeddings => {
            let row = segment.entry_row(map, entry)?;
            segment.plane().row(row)?.print(style, depth, out);
            true
        }
        Map::RefDocs => {
            let odd = OddmentWalk::of(map, &segment.oddments()?).next(entry, Part::Value);
            match odd {
                Some(token) => {
                    out.extend_from_slice(&token);
                    true
                }
                None => {
                    let value = segment.columns()?.ref_doc(entry)?;
                    print_within(&value, style, depth, MAX_PRINTED, out)
                }
            }
        }
        Map::Metadata => {
            let value = segment.columns()?.metadata(entry)?;
            value.print(style, depth, out)
        }
    };
    match whole {
        true => Ok(()),
        false => Err(segment.too_long()),
    }
}
