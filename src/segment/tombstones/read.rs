//! Reading tombstones.

use std::{cmp::Ordering, sync::Arc};

use super::format::{DeadMap, TombstonesMeta};
use crate::{
    container::{Container, SectionKind, Span},
    error::{Error, Fault, Result},
};

/// Bytes that are read together.
const READ: u64 = 64 << 10;

/// Which entries of a store's other segments are deleted.
#[derive(Debug)]
pub struct TombstoneSegment {
    file: Arc<Container>,
    span: Span,
    /// Sorted by segment and map, with the offsets of their parts.
    maps: Vec<([u8; 16], DeadMap, u64)>,
}

/// The deleted entries of one map of one segment.
#[derive(Debug, Clone)]
pub(crate) struct DeadSet {
    file: Arc<Container>,
    span: Span,
    map: DeadMap,
    offset: u64,
}

impl TombstoneSegment {
    /// Takes an open container of kind
    /// [`Tombstones`](crate::container::FileKind).
    ///
    /// # Errors
    /// [`Error::Damaged`] when its sections do not fit
    /// each other.
    pub fn open(file: Arc<Container>) -> Result<TombstoneSegment> {
        file.only_sections(&[SectionKind::DEAD, SectionKind::META])?;
        let meta: TombstonesMeta = file.metadata()?;
        let span = file.require(SectionKind::DEAD)?;
        let refuse = |fault| {
            let span = file.require(SectionKind::META)?;
            Err(file.damaged(span, 0, fault))
        };
        if !meta.targets.is_sorted_by(|a, b| a.segment < b.segment) {
            return refuse(Fault::Value("the order of segments"));
        }
        let mut maps = Vec::new();
        let mut offset = 0_u64;
        for target in &meta.targets {
            if target.maps.is_empty() {
                return refuse(Fault::Value("a segment without deleted entries"));
            }
            if !target.maps.is_sorted_by(|a, b| a.map < b.map) {
                return refuse(Fault::Value("the order of maps"));
            }
            for map in &target.maps {
                if !(1..=map.entries).contains(&map.dead) {
                    return refuse(Fault::Bounds("number of deleted entries"));
                }
                maps.push((target.segment, *map, offset));
                offset = offset.saturating_add(map.byte_len());
            }
        }
        if offset != span.len() {
            return Err(file.damaged(span, 0, Fault::Bounds("section length")));
        }
        Ok(TombstoneSegment { file, span, maps })
    }

    /// The file.
    pub(crate) fn file(&self) -> &Arc<Container> {
        &self.file
    }

    /// The deleted entries of a map of the segment with that root; `None`
    /// where none is.
    pub(crate) fn dead(&self, root: &[u8; 16], map: u32) -> Option<DeadSet> {
        let place = |(segment, dead, _): &([u8; 16], DeadMap, u64)| {
            segment.cmp(root).then(dead.map.cmp(&map))
        };
        let found = self.maps.binary_search_by(place).ok()?;
        self.maps.get(found).map(|(_, map, offset)| DeadSet {
            file: Arc::clone(&self.file),
            span: self.span,
            map: *map,
            offset: *offset,
        })
    }

    /// The error for what does not fit the segments that it speaks of.
    pub(crate) fn refuse(&self, what: &'static str) -> Error {
        match self.file.require(SectionKind::META) {
            Ok(span) => self.file.damaged(span, 0, Fault::Value(what)),
            Err(e) => e,
        }
    }

    /// Root and map of everything that has deleted entries, sorted: whoever
    /// has the segments can tell whether each is there.
    pub(crate) fn targets(&self) -> impl Iterator<Item = (&[u8; 16], u32)> {
        self.maps.iter().map(|(segment, map, _)| (segment, map.map))
    }

    /// Walks over all deleted entries and refuses what lookups would not
    /// notice.
    ///
    /// # Errors
    /// [`Error::Damaged`],
    /// [`Error::Io`].
    pub fn check_structure(&self) -> Result<()> {
        self.targets()
            .filter_map(|(root, map)| self.dead(root, map))
            .try_for_each(|dead| dead.check_structure())
    }
}

impl DeadSet {
    /// Number of entries of the map, deleted or not.
    pub(crate) fn entries(&self) -> u32 {
        self.map.entries
    }

    /// How many of them are deleted.
    pub(crate) fn count(&self) -> u32 {
        self.map.dead
    }

    /// Whether an entry is deleted.
    pub(crate) fn contains(&self, entry: u32) -> Result<bool> {
        if entry >= self.map.entries {
            let fault = Fault::Bounds("entry number");
            return Err(self.file.damaged(self.span, self.offset, fault));
        }
        if self.map.bits {
            let start = self.offset + u64::from(entry / 8);
            let byte = self.file.read(self.span, start..start + 1)?;
            return Ok(byte
                .first()
                .is_some_and(|byte| byte >> (entry % 8) & 1 == 1));
        }
        let (mut low, mut high) = (0, self.map.dead);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.listed(middle)?.cmp(&entry) {
                Ordering::Equal => return Ok(true),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }

    /// Hands out all deleted entries, ascending.
    pub(crate) fn each(&self, mut sink: impl FnMut(u32)) -> Result<()> {
        let (mut at, end) = (self.offset, self.offset + self.map.used());
        let (mut first, mut last) = (0_u32, None);
        while at < end {
            let next = (at + READ).min(end);
            let bytes = self.file.read(self.span, at..next)?;
            if self.map.bits {
                for &byte in bytes.iter() {
                    let entries = (first..self.map.entries).take(8).zip(0..);
                    let dead = entries.filter(|(_, bit)| byte >> bit & 1 == 1);
                    dead.for_each(|(entry, _)| sink(entry));
                    first = first.saturating_add(8);
                }
            } else {
                for entry in bytes.as_chunks::<4>().0 {
                    let entry = u32::from_le_bytes(*entry);
                    if entry >= self.map.entries || last >= Some(entry) {
                        let fault = Fault::Value("a deleted entry");
                        return Err(self.file.damaged(self.span, at, fault));
                    }
                    last = Some(entry);
                    sink(entry);
                }
            }
            at = next;
        }
        Ok(())
    }

    /// The deleted entry at a place of the list.
    fn listed(&self, place: u32) -> Result<u32> {
        let start = self.offset + u64::from(place) * 4;
        let bytes = self.file.read(self.span, start..start + 4)?;
        let entry = u32::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default());
        if entry >= self.map.entries {
            let fault = Fault::Bounds("a deleted entry");
            return Err(self.file.damaged(self.span, start, fault));
        }
        Ok(entry)
    }

    fn check_structure(&self) -> Result<()> {
        let end = self.offset + self.map.byte_len();
        if self.map.bits {
            let bytes = self.file.read(self.span, self.offset..end)?;
            let mut dead = 0_u64;
            for (first, &byte) in (0_u64..).step_by(8).zip(bytes.iter()) {
                let inside = u64::from(self.map.entries).saturating_sub(first).min(8);
                if u32::from(byte) >> inside != 0 {
                    return self.refuse(self.offset + first / 8, Fault::Reserved);
                }
                dead += u64::from(byte.count_ones());
            }
            if dead != u64::from(self.map.dead) {
                let fault = Fault::Bounds("number of bits that are set");
                return self.refuse(self.offset, fault);
            }
            return Ok(());
        }
        let mut last = None;
        for place in 0..self.map.dead {
            let entry = Some(self.listed(place)?);
            if entry <= last {
                let at = self.offset + u64::from(place) * 4;
                return self.refuse(at, Fault::Value("the order of deleted entries"));
            }
            last = entry;
        }
        let padding = self.offset + self.map.used()..end;
        if self.file.read(self.span, padding)?.iter().any(|&b| b != 0) {
            return self.refuse(self.offset + self.map.used(), Fault::Reserved);
        }
        Ok(())
    }

    fn refuse(&self, at: u64, fault: Fault) -> Result<()> {
        Err(self.file.damaged(self.span, at, fault))
    }
}
