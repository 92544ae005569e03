//! From the segments of a vector store to its text.

use super::{ENTRY_DEPTH, MEMBER_DEPTH};
use crate::{
    columns::{ColumnWalk, Columns, MAX_PRINTED},
    error::Result,
    json::{JsonStyle, decode, encode, print_within},
    segment::{Map, Member, OddmentWalk, Part, VectorSegment},
    store::{CollectionPath, Lost, Rescue, RowStore},
};

/// Text gathered before it is handed on.
const PIECE: usize = 256 << 10;

/// Prints the whole text to `sink`, piece by piece. Style and members are
/// those of the newest segment.
///
/// # Errors
/// What `sink` returns; [`Error::Damaged`](crate::Error::Damaged),
/// [`Error::Io`](crate::Error::Io).
pub(crate) fn print(store: &RowStore, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    print_all(store, sink, None)
}

/// Prints what can still be read, and tells `rescue` what cannot.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_rescued(
    store: &RowStore,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    rescue: &mut dyn Rescue,
) -> Result<()> {
    print_all(store, sink, Some(rescue))
}

fn print_all(
    store: &RowStore,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    mut rescue: Option<&mut dyn Rescue>,
) -> Result<()> {
    let Some(newest) = store.segments().last() else {
        return Ok(());
    };
    let style = newest.style();
    let mut out = Vec::with_capacity(PIECE * 2);
    style.begin(&mut out);
    let members = newest.members();
    if members.is_empty() {
        out.extend_from_slice(b"{}");
    }
    for (n, member) in members.iter().enumerate() {
        match n {
            0 => style.open(b'{', MEMBER_DEPTH, &mut out),
            _ => style.comma(MEMBER_DEPTH, &mut out),
        }
        match member {
            Member::Other { key, value } => {
                out.extend_from_slice(key);
                style.colon(&mut out);
                out.extend_from_slice(value);
            }
            Member::Map { map, key } => {
                out.extend_from_slice(key);
                style.colon(&mut out);
                let mut printing = MapText {
                    store,
                    map: *map,
                    key,
                    style,
                };
                // A new borrow for each map.
                match &mut rescue {
                    Some(rescue) => printing.print(&mut out, sink, Some(&mut **rescue))?,
                    None => printing.print(&mut out, sink, None)?,
                }
            }
        }
    }
    if !members.is_empty() {
        style.close(b'}', MEMBER_DEPTH, &mut out);
    }
    style.finish(&mut out);
    sink(&out)
}

/// The printing of one map.
struct MapText<'s> {
    store: &'s RowStore,
    map: Map,
    /// The token of its key in the file.
    key: &'s [u8],
    style: &'s JsonStyle,
}

impl MapText<'_> {
    fn print(
        &mut self,
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
        mut rescue: Option<&mut dyn Rescue>,
    ) -> Result<()> {
        let (store, map, style) = (self.store, self.map, self.style);
        let mut printers = Vec::with_capacity(store.segments().len());
        for segment in store.segments() {
            printers.push(match &mut rescue {
                Some(rescue) => EntryPrinter::rescuing(segment, map, &mut **rescue),
                None => EntryPrinter::new(segment, map)?,
            });
        }
        let mut entries = match &mut rescue {
            None => store.entries(map)?,
            Some(rescue) => {
                let (entries, ordered) = store.rescued(map)?;
                if !ordered {
                    rescue.disordered(&self.path());
                }
                entries
            }
        };
        let mut first = true;
        while let Some((n, entry)) = entries.next()? {
            let before = out.len();
            match first {
                true => style.open(b'{', ENTRY_DEPTH, out),
                false => style.comma(ENTRY_DEPTH, out),
            }
            let Some(printer) = printers.get_mut(n) else {
                continue;
            };
            match (printer.print(entry, style, out), &mut rescue) {
                (Ok(()), rescue) => {
                    first = false;
                    if let Some(rescue) = rescue {
                        rescue.kept();
                    }
                }
                (Err(error), None) => return Err(error),
                (Err(error), Some(rescue)) => {
                    out.truncate(before);
                    rescue.lost(Lost {
                        segment: n,
                        collection: self.path(),
                        entry,
                        key: printer.key(entry),
                        error,
                    });
                }
            }
            if out.len() >= PIECE {
                sink(out)?;
                out.clear();
            }
        }
        match first {
            true => out.extend_from_slice(b"{}"),
            false => style.close(b'}', ENTRY_DEPTH, out),
        }
        Ok(())
    }

    fn path(&self) -> CollectionPath {
        let mut name = Vec::new();
        // A token of the file: that it is a string was checked when it was
        // packed.
        let _ = decode(self.key, &mut name);
        CollectionPath::top(&name)
    }
}

/// Prints entries of one map of one segment, best in order.
struct EntryPrinter<'s> {
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
    fn new(segment: &'s VectorSegment, map: Map) -> Result<EntryPrinter<'s>> {
        let has_columns = map != Map::Embeddings && segment.entries(map) > 0;
        Ok(EntryPrinter {
            segment,
            map,
            odd: OddmentWalk::of(map, &segment.oddments()?),
            columns: match has_columns {
                true => Some(segment.columns()?.walk()),
                false => None,
            },
            id: Vec::new(),
            careful: None,
        })
    }

    /// For a segment of which parts may be damaged.
    fn rescuing(segment: &'s VectorSegment, map: Map, rescue: &mut dyn Rescue) -> EntryPrinter<'s> {
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
    fn key(&self, entry: u32) -> Option<Vec<u8>> {
        let row = self.segment.entry_row(self.map, entry).ok()?;
        self.segment.id(row).ok()
    }

    /// Prints an entry; after an error `out` may hold a part of it.
    fn print(&mut self, entry: u32, style: &JsonStyle, out: &mut Vec<u8>) -> Result<()> {
        let before = out.len();
        match self.try_print(entry, style, out) {
            Err(_) if self.careful == Some(false) && self.columns.is_some() => {
                // Another value of a dictionary may be what is damaged.
                self.careful = Some(true);
                self.columns = Some(self.segment.columns()?.walk_few());
                // This entry's were taken.
                let oddments = self.segment.oddments().unwrap_or_default();
                self.odd = OddmentWalk::of(self.map, &oddments);
                out.truncate(before);
                self.try_print(entry, style, out)
            }
            other => other,
        }
    }

    fn try_print(&mut self, entry: u32, style: &JsonStyle, out: &mut Vec<u8>) -> Result<()> {
        let segment = self.segment;
        let row = segment.entry_row(self.map, entry)?;
        match self.odd.next(entry, Part::Key) {
            Some(token) => out.extend_from_slice(&token),
            None => {
                self.id.clear();
                segment.ids().get(row, &mut self.id)?;
                encode(&self.id, style.escapes(), out);
            }
        }
        style.colon(out);
        match (self.map, &mut self.columns) {
            (Map::RefDocs, Some(columns)) => match self.odd.next(entry, Part::Value) {
                Some(token) => out.extend_from_slice(&token),
                None => {
                    let value = columns.ref_doc(entry)?;
                    if !print_within(&value, style, ENTRY_DEPTH, MAX_PRINTED, out) {
                        return Err(segment.too_long());
                    }
                }
            },
            (Map::Metadata, Some(columns)) => {
                if !columns.metadata(entry)?.print(style, ENTRY_DEPTH, out) {
                    return Err(segment.too_long());
                }
            }
            (Map::Embeddings, _) => segment.plane().row(row)?.print(style, ENTRY_DEPTH, out),
            (_, None) => {
                segment.columns()?;
                return Err(segment.refuse("a map without columns"));
            }
        }
        Ok(())
    }
}
