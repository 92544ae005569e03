//! The segments of a store, one upon the other, and what is deleted from them.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    columns::BitSet,
    error::Result,
    json::{JsonStyle, encode},
    segment::{Map, Member, TombstoneSegment, VectorSegment},
    store::{
        MAP_NAMES,
        merge::{Doubts, Gone, Merge, Part},
    },
};

/// The segments of a store as they are now. Cheap to copy.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    /// From the oldest to the newest; those in memory last.
    segments: Vec<Arc<VectorSegment>>,
    /// How many of them are files.
    stored: usize,
    tombstones: Option<Arc<TombstoneSegment>>,
    /// For each segment, what is deleted from its maps and not in the
    /// tombstones.
    deleted: Vec<Arc<[Deleted; 3]>>,
    members: Vec<Member>,
    style: JsonStyle,
}

/// Entries of a map of one segment that were deleted since it was written.
#[derive(Debug, Clone)]
enum Deleted {
    Some(BTreeSet<u32>),
    All,
}

impl Default for Deleted {
    fn default() -> Deleted {
        Deleted::Some(BTreeSet::new())
    }
}

impl Deleted {
    fn is_empty(&self) -> bool {
        matches!(self, Deleted::Some(entries) if entries.is_empty())
    }
}

/// The members of a file that LlamaIndex writes.
fn members_of_a_new_file() -> Vec<Member> {
    let names = MAP_NAMES.iter().take(Map::ALL.len());
    let member = names.map(|(name, map)| Member::Map {
        map: *map,
        key: token(name, &JsonStyle::python()),
    });
    member.collect()
}

fn token(name: &str, style: &JsonStyle) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 2);
    encode(name.as_bytes(), style.escapes(), &mut key);
    key
}

impl Stack {
    /// Of segments that are files; where there is none, a new file would have
    /// LlamaIndex's members and style.
    pub(super) fn new(
        segments: Vec<Arc<VectorSegment>>,
        tombstones: Option<TombstoneSegment>,
    ) -> Stack {
        let (members, style) = match segments.last() {
            Some(newest) => (newest.members().to_vec(), newest.style().clone()),
            None => (members_of_a_new_file(), JsonStyle::python()),
        };
        Stack {
            stored: segments.len(),
            tombstones: tombstones.map(Arc::new),
            deleted: segments.iter().map(|_| Arc::default()).collect(),
            segments,
            members,
            style,
        }
    }

    /// All segments, oldest first.
    pub(crate) fn segments(&self) -> &[Arc<VectorSegment>] {
        &self.segments
    }

    /// Those that are files; they come first.
    pub(crate) fn stored(&self) -> &[Arc<VectorSegment>] {
        self.segments.get(..self.stored).unwrap_or_default()
    }

    /// What is deleted from those that are files, as it was when they were
    /// opened.
    pub(crate) fn tombstones(&self) -> Option<&TombstoneSegment> {
        self.tombstones.as_deref()
    }

    /// The members of the top-level object.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The style of the file.
    pub(crate) fn style(&self) -> &JsonStyle {
        &self.style
    }

    /// The part that segment number `n` has of a map.
    pub(crate) fn part(&self, n: usize, map: Map) -> Result<Option<Part<'_>>> {
        let Some(segment) = self.segments.get(n) else {
            return Ok(None);
        };
        // A segment in memory may be equal to one that is a file, and then has
        // the same root.
        let tombstones = self.tombstones().filter(|_| n < self.stored);
        let (sequence, entries) = (segment.sequence(map), segment.entries(map));
        let part = Part::new(sequence, entries, tombstones, &segment.root(), map as u32);
        let what = "the number of entries that tombstones state";
        let part = part.ok_or_else(|| segment.refuse(what))?;
        Ok(Some(part.without(match self.deleted(n, map) {
            Some(Deleted::All) => Gone::All,
            Some(Deleted::Some(entries)) if !entries.is_empty() => Gone::Some(entries),
            Some(Deleted::Some(_)) | None => Gone::None,
        })))
    }

    fn deleted(&self, n: usize, map: Map) -> Option<&Deleted> {
        self.deleted.get(n)?.get(map as usize)
    }

    /// The parts of a map that the segments from number `from` on have.
    pub(crate) fn parts(&self, from: usize, map: Map) -> Result<Vec<Part<'_>>> {
        let parts = (from..self.segments.len()).map(|n| self.part(n, map).transpose());
        parts.flatten().collect()
    }

    /// The live entries of a map in segment number `n`.
    pub(crate) fn live_set(&self, n: usize, map: Map) -> Result<BitSet> {
        match self.part(n, map)? {
            Some(part) => part.live_set(),
            None => Ok(BitSet::empty(0)),
        }
    }

    /// Whether an entry of segment number `n` is live.
    pub(super) fn is_live(&self, n: usize, map: Map, entry: u32) -> Result<bool> {
        match self.part(n, map)? {
            Some(part) => part.is_live(entry),
            None => Ok(false),
        }
    }

    /// The live entries of a map in order: number of the segment, and of the
    /// entry in it.
    pub(crate) fn entries(&self, map: Map) -> Result<Merge<'_>> {
        Merge::new(self.parts(0, map)?)
    }

    /// The live entries of a map of which parts may be damaged.
    pub(crate) fn rescued(&self, map: Map) -> Result<(Merge<'_>, Doubts)> {
        Merge::rescued(self.parts(0, map)?)
    }

    /// Number of live entries of a map.
    pub(crate) fn live(&self, map: Map) -> Result<u64> {
        let parts = self.parts(0, map)?;
        Ok(parts.iter().map(|part| u64::from(part.live())).sum())
    }

    /// The most live entries that segment number `n` has of any map.
    pub(crate) fn live_rows(&self, n: usize) -> Result<u32> {
        let mut most = 0;
        for map in Map::ALL {
            let part = self.part(n, map)?;
            most = most.max(part.map_or(0, |part| part.live()));
        }
        Ok(most)
    }

    /// The number that follows the highest sequence number of a map in the
    /// first `count` segments, deleted entries included; `None` where there
    /// is no higher one.
    pub(crate) fn next_number(&self, count: usize, map: Map) -> Result<Option<u64>> {
        let mut next = Some(0);
        for segment in self.segments.iter().take(count) {
            if let Some(last) = segment.entries(map).checked_sub(1) {
                let after = segment.sequence(map).get(last)?.checked_add(1);
                next = next.and_then(|next| after.map(|after| after.max(next)));
            }
        }
        Ok(next)
    }

    /// Whether entries of files were deleted, or there are live ones, or maps,
    /// that are in no file.
    pub(crate) fn is_changed(&self) -> Result<bool> {
        let newest = self.stored().last();
        if newest.is_some_and(|newest| newest.members() != self.members) {
            return Ok(true);
        }
        let stored = self.deleted.iter().take(self.stored);
        if stored
            .flat_map(|maps| maps.iter())
            .any(|map| !map.is_empty())
        {
            return Ok(true);
        }
        for n in self.stored..self.segments.len() {
            if self.live_rows(n)? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether anything was deleted from segment number `n` since it was
    /// opened.
    pub(crate) fn is_touched(&self, n: usize) -> bool {
        let maps = self.deleted.get(n);
        maps.is_some_and(|maps| maps.iter().any(|map| !map.is_empty()))
    }

    /// The entries of a map that were live in segment number `n` when it was
    /// opened and are not any more, ascending.
    pub(super) fn newly_deleted(&self, n: usize, map: Map) -> Result<Vec<u32>> {
        match self.deleted(n, map) {
            Some(Deleted::Some(entries)) => Ok(entries.iter().copied().collect()),
            Some(Deleted::All) => {
                let part = self.part(n, map)?.map(|part| part.without(Gone::None));
                let live = part.map(|part| part.live_set()).transpose()?;
                Ok(live.iter().flat_map(|live| live.iter()).collect())
            }
            None => Ok(Vec::new()),
        }
    }

    /// Deletes an entry, which is live.
    pub(super) fn delete(&mut self, n: usize, map: Map, entry: u32) {
        let maps = self.deleted.get_mut(n).map(Arc::make_mut);
        if let Some(Deleted::Some(entries)) = maps.and_then(|maps| maps.get_mut(map as usize)) {
            entries.insert(entry);
        }
    }

    /// Deletes all entries. Segments in memory go with them.
    pub(super) fn clear(&mut self) -> Result<()> {
        let mut deleted = Vec::with_capacity(self.stored);
        for n in 0..self.stored {
            let mut maps = self.deleted.get(n).cloned().unwrap_or_default();
            for map in Map::ALL {
                let live = self.part(n, map)?.map_or(0, |part| part.live());
                if live > 0
                    && let Some(all) = Arc::make_mut(&mut maps).get_mut(map as usize)
                {
                    *all = Deleted::All;
                }
            }
            deleted.push(maps);
        }
        self.segments.truncate(self.stored);
        self.deleted = deleted;
        Ok(())
    }

    /// Puts `segment` in the place of all from number `from` on, none of which
    /// is a file.
    pub(super) fn replace_from(&mut self, from: usize, segment: Arc<VectorSegment>) {
        self.segments.truncate(from);
        self.deleted.truncate(from);
        // It may have shown what the style left open.
        self.style = segment.style().clone();
        self.segments.push(segment);
        self.deleted.push(Arc::default());
    }

    /// Names a map among the members: in the place of a `null`, or as the last.
    pub(super) fn name(&mut self, map: Map) {
        let named =
            |member: &&Member| matches!(member, Member::Map { map: other, .. } if *other == map);
        if self.members.iter().any(|member| named(&member)) {
            return;
        }
        let place = self
            .members
            .iter()
            .position(|member| super::changes::stands_for(member) == Some(map));
        let of_map = MAP_NAMES.iter().filter(|(_, named)| *named == map);
        // LlamaIndex.TS has names of its own.
        let camel = self.members.iter().any(|member| match member {
            Member::Map { key, .. } => !key.contains(&b'_'),
            Member::Other { .. } => false,
        });
        let mut names = of_map.map(|(name, _)| *name);
        let first = names.clone().next().unwrap_or_default();
        let name = match camel {
            true => names.find(|name| !name.contains('_')).unwrap_or(first),
            false => first,
        };
        match place.and_then(|place| self.members.get_mut(place)) {
            Some(member) => {
                if let Member::Other { key, .. } = member {
                    let key = std::mem::take(key);
                    *member = Member::Map { map, key };
                }
            }
            None => self.members.push(Member::Map {
                map,
                key: token(name, &self.style),
            }),
        }
    }
}
