//! Reading orders: the row of an entry, and the entry of a row.

use std::{cmp::Ordering, sync::Arc};

use super::{
    bits::RankedBits,
    format::{Order, list_len},
};
use crate::{
    container::{Container, SectionKind, Span},
    error::{Error, Fault, Result},
};

/// Rows of a list that are read together.
const LISTED: u32 = 1 << 16;

/// Hands out the parts of the section of orders, map after map.
#[derive(Debug)]
pub(crate) struct OrderParts {
    file: Arc<Container>,
    rows: u32,
    at: u64,
}

/// The order of one map's entries.
#[derive(Debug, Clone)]
pub(crate) struct EntryOrder {
    file: Arc<Container>,
    entries: u32,
    rows: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Range { first: u32 },
    Bitmap { bits: RankedBits, part: Part },
    Ascending(Part),
    Explicit(Part),
}

/// A run of bytes of a section.
#[derive(Debug, Clone, Copy)]
struct Part {
    span: Span,
    offset: u64,
    len: u64,
}

impl Part {
    /// The `u32` at `index`; `len` was checked.
    fn get(self, file: &Container, index: u64) -> Result<u32> {
        let start = self.offset + index * 4;
        let bytes = file.read(self.span, start..start + 4)?;
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        Ok(u32::from_le_bytes(bytes))
    }

    fn damaged(self, file: &Container, index: u64, fault: Fault) -> Error {
        file.damaged(self.span, self.offset + index * 4, fault)
    }

    /// Refuses bytes from `used` on that are not zero.
    fn check_padding(self, file: &Container, used: u64) -> Result<()> {
        let padding = self.offset + used..self.offset + self.len;
        if file.read(self.span, padding)?.iter().any(|&byte| byte != 0) {
            return Err(file.damaged(self.span, self.offset + used, Fault::Reserved));
        }
        Ok(())
    }
}

impl OrderParts {
    /// Of a segment with `rows` rows.
    pub(crate) fn begin(file: &Arc<Container>, rows: u32) -> OrderParts {
        OrderParts {
            file: Arc::clone(file),
            rows,
            at: 0,
        }
    }

    /// The order of the next map, which has `entries` entries.
    pub(crate) fn next(&mut self, order: Order, entries: u32) -> Result<EntryOrder> {
        let rows = self.rows;
        let meta = |fault| -> Result<Kind> {
            let span = self.file.require(SectionKind::META)?;
            Err(self.file.damaged(span, 0, fault))
        };
        let kind = match order {
            _ if entries == 0 && order != Order::NONE => {
                meta(Fault::Value("the order of a map without entries"))?
            }
            Order::Range { first } if first.checked_add(entries).is_none_or(|end| end > rows) => {
                meta(Fault::Bounds("a range of rows"))?
            }
            Order::Bitmap | Order::Ascending if entries > rows => {
                meta(Fault::Bounds("number of entries in ascending order"))?
            }
            Order::Range { first } => Kind::Range { first },
            Order::Bitmap => {
                let part = self.part(RankedBits::byte_len(rows).next_multiple_of(8))?;
                let bits = RankedBits::new(part.span, part.offset, rows, entries);
                Kind::Bitmap { bits, part }
            }
            Order::Ascending => Kind::Ascending(self.part(list_len(entries))?),
            Order::Explicit => Kind::Explicit(self.part(u64::from(entries) * 8)?),
        };
        Ok(EntryOrder {
            file: Arc::clone(&self.file),
            entries,
            rows,
            kind,
        })
    }

    fn part(&mut self, len: u64) -> Result<Part> {
        let span = self.file.require(SectionKind::ORDERS)?;
        let offset = self.at;
        self.at = offset.saturating_add(len);
        if self.at > span.len() {
            let fault = Fault::Bounds("the order of a map");
            return Err(self.file.damaged(span, offset, fault));
        }
        Ok(Part { span, offset, len })
    }

    /// Refuses bytes that are no map's.
    pub(crate) fn end(self) -> Result<()> {
        match self.file.section(SectionKind::ORDERS) {
            Some(span) if self.at == 0 || self.at != span.len() => {
                Err(self.file.damaged(span, self.at, Fault::Layout))
            }
            _ => Ok(()),
        }
    }
}

impl EntryOrder {
    /// Number of entries.
    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    /// Whether a row may have several entries.
    pub(crate) fn may_repeat(&self) -> bool {
        matches!(self.kind, Kind::Explicit(_))
    }

    /// The row of an entry.
    pub(crate) fn row_of(&self, entry: u32) -> Result<u32> {
        if entry >= self.entries {
            return Err(self.outside("entry number"));
        }
        match self.kind {
            Kind::Range { first } => Ok(first + entry),
            Kind::Bitmap { bits, .. } => bits.select(&self.file, entry),
            Kind::Ascending(part) | Kind::Explicit(part) => self.listed(part, entry),
        }
    }

    /// All entries of a row, ascending.
    pub(crate) fn entries_of(&self, row: u32) -> Result<Vec<u32>> {
        let Some(last) = self.entry_of(row)? else {
            return Ok(Vec::new());
        };
        let Kind::Explicit(part) = self.kind else {
            return Ok(vec![last]);
        };
        let mut found = vec![last];
        let mut place = self.place_after(part, row)?.saturating_sub(1);
        while let Some(before) = place.checked_sub(1) {
            let entry = self.by_row(part, before)?;
            if self.listed(part, entry)? != row {
                break;
            }
            found.push(entry);
            place = before;
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The entry of a row, if it has one; the last, if it has several.
    pub(crate) fn entry_of(&self, row: u32) -> Result<Option<u32>> {
        if row >= self.rows {
            return Err(self.outside("row number"));
        }
        match self.kind {
            Kind::Range { first } => {
                Ok(row.checked_sub(first).filter(|&entry| entry < self.entries))
            }
            Kind::Bitmap { bits, .. } => bits.rank(&self.file, row),
            Kind::Ascending(part) => {
                let (mut low, mut high) = (0, self.entries);
                while low < high {
                    let middle = low + (high - low) / 2;
                    match self.listed(part, middle)?.cmp(&row) {
                        Ordering::Equal => return Ok(Some(middle)),
                        Ordering::Less => low = middle + 1,
                        Ordering::Greater => high = middle,
                    }
                }
                Ok(None)
            }
            Kind::Explicit(part) => {
                let Some(place) = self.place_after(part, row)?.checked_sub(1) else {
                    return Ok(None);
                };
                let entry = self.by_row(part, place)?;
                Ok((self.listed(part, entry)? == row).then_some(entry))
            }
        }
    }

    /// The first place of those sorted by row whose row is after this one.
    fn place_after(&self, part: Part, row: u32) -> Result<u32> {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.listed(part, self.by_row(part, middle)?)? <= row {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Whether entry `n` is row `n`, for all entries.
    pub(crate) fn is_by_row(&self) -> bool {
        matches!(self.kind, Kind::Range { first: 0 })
    }

    /// Hands out all entries with their rows: entries ascend.
    pub(crate) fn each(&self, mut sink: impl FnMut(u32, u32)) -> Result<()> {
        match self.kind {
            Kind::Range { first } => {
                (0..self.entries).for_each(|entry| sink(entry, first + entry));
                Ok(())
            }
            Kind::Bitmap { bits, part } => {
                let mut entry = 0;
                bits.each(&self.file, |row| {
                    sink(entry, row);
                    entry += 1;
                })?;
                if entry != self.entries {
                    let fault = Fault::Bounds("number of bits that are set");
                    return Err(part.damaged(&self.file, 0, fault));
                }
                Ok(())
            }
            Kind::Ascending(part) | Kind::Explicit(part) => {
                let mut entry = 0;
                while entry < self.entries {
                    let end = entry.saturating_add(LISTED).min(self.entries);
                    let [from, to] = [entry, end].map(|n| part.offset + u64::from(n) * 4);
                    let bytes = self.file.read(part.span, from..to)?;
                    for row in bytes.as_chunks::<4>().0 {
                        let row = u32::from_le_bytes(*row);
                        if row >= self.rows {
                            let fault = Fault::Bounds("row of an entry");
                            return Err(part.damaged(&self.file, u64::from(entry), fault));
                        }
                        sink(entry, row);
                        entry += 1;
                    }
                }
                Ok(())
            }
        }
    }

    /// Walks over the whole order and refuses what lookups would not notice.
    /// Returns how many rows have an entry.
    pub(crate) fn check_structure(&self) -> Result<u32> {
        match self.kind {
            Kind::Range { .. } => Ok(self.entries),
            Kind::Bitmap { bits, part } => {
                bits.check(&self.file)?;
                part.check_padding(&self.file, RankedBits::byte_len(self.rows))?;
                Ok(self.entries)
            }
            Kind::Ascending(part) => {
                let mut last = None;
                for entry in 0..self.entries {
                    let row = Some(self.listed(part, entry)?);
                    if row <= last {
                        let fault = Fault::Value("a row in ascending order");
                        return Err(part.damaged(&self.file, u64::from(entry), fault));
                    }
                    last = row;
                }
                part.check_padding(&self.file, u64::from(self.entries) * 4)?;
                Ok(self.entries)
            }
            Kind::Explicit(part) => {
                let mut last = None;
                let mut rows = 0;
                for place in 0..self.entries {
                    let entry = self.by_row(part, place)?;
                    let next = Some((self.listed(part, entry)?, entry));
                    // Pairs that ascend are all different, so that no entry is
                    // missing.
                    if next <= last {
                        let index = u64::from(self.entries) + u64::from(place);
                        let fault = Fault::Value("an entry sorted by row");
                        return Err(part.damaged(&self.file, index, fault));
                    }
                    let repeats = last.zip(next).is_some_and(|(last, next)| last.0 == next.0);
                    rows += u32::from(!repeats);
                    last = next;
                }
                Ok(rows)
            }
        }
    }

    /// The row that is listed for an entry.
    fn listed(&self, part: Part, entry: u32) -> Result<u32> {
        let row = part.get(&self.file, u64::from(entry))?;
        if row >= self.rows {
            let fault = Fault::Bounds("row of an entry");
            return Err(part.damaged(&self.file, u64::from(entry), fault));
        }
        Ok(row)
    }

    /// The entry at a place of those sorted by row.
    fn by_row(&self, part: Part, place: u32) -> Result<u32> {
        let index = u64::from(self.entries) + u64::from(place);
        let entry = part.get(&self.file, index)?;
        if entry >= self.entries {
            let fault = Fault::Bounds("entry of a row");
            return Err(part.damaged(&self.file, index, fault));
        }
        Ok(entry)
    }

    /// The error for a number that the caller took from elsewhere in the file.
    fn outside(&self, what: &'static str) -> Error {
        let span = match self.kind {
            Kind::Range { .. } => self.file.require(SectionKind::META),
            Kind::Bitmap { part, .. } | Kind::Ascending(part) | Kind::Explicit(part) => {
                Ok(part.span)
            }
        };
        match span {
            Ok(span) => self.file.damaged(span, 0, Fault::Bounds(what)),
            Err(e) => e,
        }
    }
}
