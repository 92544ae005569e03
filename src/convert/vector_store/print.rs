//! From the segments of a vector store to its text.

use super::{ENTRY_DEPTH, MEMBER_DEPTH, entries::print_entries};
use crate::{
    error::Result,
    json::{JsonStyle, decode},
    segment::{Map, Member},
    store::{CollectionPath, EntryPrinter, Lost, Rescue, RowStore},
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
    let style = store.style();
    let mut out = Vec::with_capacity(PIECE * 2);
    style.begin(&mut out);
    let members = store.members();
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
                let printing = MapText {
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
        &self,
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
        rescue: Option<&mut dyn Rescue>,
    ) -> Result<()> {
        let first = match rescue {
            Some(rescue) => self.print_rescued(out, sink, rescue)?,
            None => {
                sink(out)?;
                out.clear();
                let mut first = true;
                print_entries(self.store, self.map, &mut |text| {
                    first = false;
                    sink(text)
                })?;
                first
            }
        };
        match first {
            true => out.extend_from_slice(b"{}"),
            false => self.style.close(b'}', ENTRY_DEPTH, out),
        }
        Ok(())
    }

    /// Prints entry by entry, what can be printed; says whether there is none.
    fn print_rescued(
        &self,
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
        rescue: &mut dyn Rescue,
    ) -> Result<bool> {
        let (map, style) = (self.map, self.style);
        let stack = self.store.stack()?;
        let segments = stack.segments().iter();
        let printers = segments.map(|segment| EntryPrinter::rescuing(segment, map, rescue));
        let mut printers: Vec<_> = printers.collect();
        let (mut entries, doubts) = stack.rescued(map)?;
        rescue.doubted(&self.path(), doubts);
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
            match printer.print(entry, style, ENTRY_DEPTH, out) {
                Ok(()) => {
                    first = false;
                    rescue.kept();
                }
                Err(error) => {
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
        Ok(first)
    }

    fn path(&self) -> CollectionPath {
        let mut name = Vec::new();
        // A token of the file: that it is a string was checked when it was
        // packed.
        let _ = decode(self.key, &mut name);
        CollectionPath::top(&name)
    }
}
