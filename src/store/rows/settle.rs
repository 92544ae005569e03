//! From entries to segments: those in memory, and those on disk that are made
//! of them.

use std::sync::Arc;

use super::{ENTRY_DEPTH, EntryPrinter, Stack, fresh::Fresh};
use crate::{
    error::{Error, Result},
    json::encode,
    segment::{Attempt, Map, Member, NotStructural, SketchPolicy, VectorWriter},
    store::merge::Merge,
};

/// A segment in memory that has less than so many times the new rows is made
/// anew with them. So there are few, and each row is copied a few times.
const GROWTH: u64 = 2;

impl Stack {
    /// The same with entries in one more segment in memory, which takes the
    /// place of others that are not much larger.
    pub(super) fn with(&self, fresh: &Fresh) -> Result<Stack> {
        let mut rows = fresh.rows();
        let mut from = self.segments().len();
        while let Some(last) = from.checked_sub(1).filter(|&n| n >= self.stored().len()) {
            let more = u64::from(self.live_rows(last)?);
            if more > rows.saturating_mul(GROWTH) {
                break;
            }
            rows += more;
            from = last;
        }
        let mut writer = VectorWriter::in_memory(self.style().clone())?;
        writer.members(self.members().to_vec());
        let written = self.write(
            from,
            Some(fresh),
            &mut |_, number| Some(number),
            &mut writer,
        );
        let segment = match written? {
            Ok(()) => writer.finish_in_memory()?,
            Err(why) => Err(why),
        };
        // What is put is checked before, so that only size remains.
        let segment = segment.map_err(|why| {
            debug_assert_eq!(why, NotStructural::TooLarge);
            Error::Limit {
                what: "rows in memory",
                got: rows,
                limit: u64::from(u32::MAX - 2),
            }
        })?;
        let mut stack = self.clone();
        stack.replace_from(from, Arc::new(segment));
        Ok(stack)
    }

    /// Gives the live entries of the segments from number `from` on to `writer`.
    /// Those of files keep their sequence numbers, the others get the ones that
    /// follow; where no segment is left out, they are numbered anew.
    pub(crate) fn copy_from(&self, from: usize, writer: &mut VectorWriter) -> Attempt<()> {
        let mut next = [0_u64; 3];
        for (map, next) in Map::ALL.into_iter().zip(&mut next) {
            // There are no others where no number follows.
            let first = self.next_number(self.stored().len(), map)?;
            *next = first.unwrap_or(u64::MAX);
        }
        let first = next;
        let mut renumber = |map: Map, number: u64| {
            let stored = first.get(map as usize).is_none_or(|first| number < *first);
            match next.get_mut(map as usize) {
                _ if from == 0 => None,
                Some(next) if !stored => {
                    let number = *next;
                    *next = next.saturating_add(1);
                    Some(number)
                }
                _ => Some(number),
            }
        };
        writer.sketch(self.sketch_policy());
        self.write(from, None, &mut renumber, writer)
    }

    /// A store that was made without a sketch stays without.
    fn sketch_policy(&self) -> SketchPolicy {
        let segments = self.segments();
        let may_have_one = segments.iter().all(|segment| segment.is_short());
        match may_have_one || segments.iter().any(|segment| segment.has_sketch()) {
            true => SketchPolicy::Auto,
            false => SketchPolicy::Never,
        }
    }

    /// Gives the live entries of the segments from number `from` on to
    /// `writer`, and fresh ones, in order. `renumber` gives each its sequence
    /// number, from the one that it has; without one, numbers follow each
    /// other.
    fn write(
        &self,
        from: usize,
        fresh: Option<&Fresh>,
        renumber: &mut dyn FnMut(Map, u64) -> Option<u64>,
        writer: &mut VectorWriter,
    ) -> Attempt<()> {
        writer.allow_odd_numbers();
        let style = self.style();
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for map in self.maps_in_order() {
            let segments = self.segments().get(from..).unwrap_or_default();
            let printers = segments
                .iter()
                .map(|segment| EntryPrinter::new(segment, map));
            let mut printers = printers.collect::<Result<Vec<_>>>()?;
            let mut entries = Merge::new(self.parts(from, map)?)?;
            let mut fresh = fresh
                .into_iter()
                .flat_map(|fresh| fresh.entries(map))
                .peekable();
            loop {
                let next = entries.peek();
                let before = |number: u64| next.is_none_or(|(other, ..)| number < other);
                if let Some((number, entry)) = fresh.next_if(|(number, _)| before(*number)) {
                    key.clear();
                    encode(&entry.id, style.escapes(), &mut key);
                    let number = renumber(map, number);
                    if let Err(why) = writer.push_with(map, &key, &entry.text, number)? {
                        return Ok(Err(why));
                    }
                    continue;
                }
                let (Some((number, ..)), Some((n, entry))) = (next, entries.next()?) else {
                    break;
                };
                let (Some(printer), Some(segment)) = (printers.get_mut(n), segments.get(n)) else {
                    continue;
                };
                let number = renumber(map, number);
                key.clear();
                printer.print_key(entry, style, &mut key)?;
                // Vectors are in the order of their rows.
                let pushed = if map == Map::Embeddings && writer.can_copy(segment.style()) {
                    writer.copy_vector(&key, segment, entry, number)?
                } else {
                    value.clear();
                    printer.print_value(entry, style, ENTRY_DEPTH, &mut value)?;
                    writer.push_with(map, &key, &value, number)?
                };
                if let Err(why) = pushed {
                    return Ok(Err(why));
                }
            }
        }
        Ok(Ok(()))
    }

    /// The maps as their rows are numbered: the vectors, those that follow them
    /// in the file, those that precede them.
    fn maps_in_order(&self) -> Vec<Map> {
        let named = self.members().iter().filter_map(|member| match member {
            Member::Map { map, .. } => Some(*map),
            Member::Other { .. } => None,
        });
        let mut maps: Vec<Map> = named.collect();
        if let Some(vectors) = maps.iter().position(|map| *map == Map::Embeddings) {
            maps.rotate_left(vectors);
        }
        // Entries of a map that is not named are not printed, but kept.
        let others = Map::ALL.into_iter().filter(|map| !maps.contains(map));
        let others: Vec<Map> = others.collect();
        maps.extend(others);
        maps.sort_by_key(|map| *map != Map::Embeddings);
        maps
    }
}
