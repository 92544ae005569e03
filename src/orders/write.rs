//! Gathering the orders of a segment's maps, and writing them.
//!
//! In memory: up to 1 KiB an order whose rows are no range. Sorting entries by
//! row takes 8 bytes each, for a bounded number of them at a time.

use std::ops::Range;

use super::{
    bits::{BitsBuilder, RankedBits},
    format::{Order, list_len},
    lists::List,
};
use crate::{
    bytes::{Spill, Spills},
    container::{ContainerWriter, SectionKind},
    error::{Error, Result},
};

/// Entries sorted at once: 32 MiB of them. More take more passes.
const AT_ONCE: u64 = 4 << 20;
/// Into how many intervals rows are divided to plan the passes.
const INTERVALS: u32 = 1 << 16;

/// The orders of all maps of a segment, numbered as they were added.
#[derive(Debug)]
pub(crate) struct OrdersBuilder {
    spill: Spill,
    orders: Vec<Rows>,
    /// Entries sorted at once.
    pub(super) at_once: u64,
}

/// The rows of one map's entries so far.
#[derive(Debug, Default)]
struct Rows {
    entries: u32,
    /// The first `in_range` entries are those of the rows from `first` on;
    /// only the rows after them are listed.
    first: u32,
    in_range: u32,
    rest: List<4>,
    last: u32,
    descends: bool,
}

impl OrdersBuilder {
    /// No orders yet; a temporary file is made in `spills` when it is needed.
    pub(crate) fn new(spills: impl Into<Spills>) -> OrdersBuilder {
        OrdersBuilder {
            spill: Spill::new(spills),
            orders: Vec::new(),
            at_once: AT_ONCE,
        }
    }

    /// Adds the order of one more map and returns its number.
    pub(crate) fn add(&mut self) -> usize {
        self.orders.push(Rows::default());
        self.orders.len() - 1
    }

    /// Number of entries of map `order` so far.
    pub(crate) fn entries(&self, order: usize) -> u32 {
        self.orders.get(order).map_or(0, |rows| rows.entries)
    }

    /// Notes that the next entry of map `order` is that of `row`.
    pub(crate) fn push(&mut self, order: usize, row: u32) -> Result<()> {
        match self.orders.get_mut(order) {
            Some(rows) => rows.push(row, &mut self.spill),
            None => Ok(()),
        }
    }

    /// Writes the section of the orders, if any needs one. `rows` is the number
    /// of rows of the segment.
    pub(crate) fn finish(mut self, rows: u32, out: &mut ContainerWriter) -> Result<Vec<Order>> {
        let mut begun = false;
        let mut found = Vec::with_capacity(self.orders.len());
        for list in &self.orders {
            let order = list.order(rows);
            if !matches!(order, Order::Range { .. }) {
                if !begun {
                    out.begin(SectionKind::ORDERS)?;
                    begun = true;
                }
                list.write(order, rows, self.at_once, &mut self.spill, out)?;
            }
            found.push(order);
        }
        Ok(found)
    }
}

impl Rows {
    fn push(&mut self, row: u32, spill: &mut Spill) -> Result<()> {
        let continues = match self.entries {
            0 => {
                self.first = row;
                true
            }
            u32::MAX => {
                return Err(Error::Limit {
                    what: "entries of a map",
                    got: u64::from(u32::MAX) + 1,
                    limit: u64::from(u32::MAX),
                });
            }
            entries => entries == self.in_range && Some(row) == self.last.checked_add(1),
        };
        if continues {
            self.in_range += 1;
        } else {
            self.descends |= row <= self.last;
            self.rest.push(row.to_le_bytes(), spill)?;
        }
        self.entries += 1;
        self.last = row;
        Ok(())
    }

    fn each(&self, spill: &mut Spill, mut sink: impl FnMut(u32) -> Result<()>) -> Result<()> {
        (0..self.in_range).try_for_each(|n| sink(self.first + n))?;
        self.rest.each(spill, |row| sink(u32::from_le_bytes(row)))
    }

    fn order(&self, rows: u32) -> Order {
        if self.in_range == self.entries {
            Order::Range { first: self.first }
        } else if self.descends {
            Order::Explicit
        } else if RankedBits::byte_len(rows).next_multiple_of(8) <= list_len(self.entries) {
            Order::Bitmap
        } else {
            Order::Ascending
        }
    }

    fn write(
        &self,
        order: Order,
        rows: u32,
        at_once: u64,
        spill: &mut Spill,
        out: &mut ContainerWriter,
    ) -> Result<()> {
        match order {
            Order::Range { .. } => return Ok(()),
            Order::Bitmap => {
                let mut bits = BitsBuilder::new(rows);
                self.each(spill, |row| {
                    bits.set(row);
                    Ok(())
                })?;
                bits.write(out)?;
            }
            Order::Ascending => self.each(spill, |row| out.write(&row.to_le_bytes()))?,
            Order::Explicit => {
                self.each(spill, |row| out.write(&row.to_le_bytes()))?;
                self.write_by_row(rows, at_once, spill, out)?;
            }
        }
        let padding = out.section_len().next_multiple_of(8) - out.section_len();
        out.write([0; 8].get(..padding as usize).unwrap_or_default())
    }

    /// Writes the numbers of the entries, sorted by row, then by number.
    fn write_by_row(
        &self,
        rows: u32,
        at_once: u64,
        spill: &mut Spill,
        out: &mut ContainerWriter,
    ) -> Result<()> {
        for pass in self.passes(rows, at_once, spill)? {
            let mut pairs = Vec::new();
            let mut entry = 0;
            self.each(spill, |row| {
                if pass.contains(&row) {
                    pairs.push((row, entry));
                }
                entry += 1;
                Ok(())
            })?;
            pairs.sort_unstable();
            for (_, entry) in pairs {
                out.write(&u32::to_le_bytes(entry))?;
            }
        }
        Ok(())
    }

    /// Intervals of rows that have up to `at_once` entries each, where rows do
    /// not have very many.
    fn passes(&self, rows: u32, at_once: u64, spill: &mut Spill) -> Result<Vec<Range<u32>>> {
        let mut passes = Vec::new();
        if u64::from(self.entries) <= at_once {
            passes.push(0..rows);
            return Ok(passes);
        }
        let width = rows.div_ceil(INTERVALS).max(1);
        let mut counts = vec![0_u64; rows.div_ceil(width) as usize];
        self.each(spill, |row| {
            if let Some(count) = counts.get_mut((row / width) as usize) {
                *count += 1;
            }
            Ok(())
        })?;
        let (mut start, mut end, mut sum) = (0, 0_u32, 0);
        for count in counts {
            if sum > 0 && sum + count > at_once {
                passes.push(start..end);
                (start, sum) = (end, 0);
            }
            sum += count;
            end = end.saturating_add(width).min(rows);
        }
        passes.push(start..end);
        Ok(passes)
    }
}
