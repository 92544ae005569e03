//! Changing a store: entries are put and deleted, all of a call or none.

use std::collections::HashMap;

use super::{ENTRY_DEPTH, Named, RowStore, entries::FoundEntry, fresh::Fresh, print_value};
use crate::{
    error::{Error, Result, StoreError},
    json::decode,
    search::MetadataFilters,
    segment::{Map, Member},
    store::MAP_NAMES,
};

/// Values of fresh entries that are held as text. More become a segment in
/// memory, where they take a quarter of the room.
const MAX_FRESH: usize = 32 << 20;

/// Entries of one id that are put.
#[derive(Debug, Clone)]
pub(crate) struct NewEntry {
    pub(crate) id: Vec<u8>,
    /// Components of the vector, if there is one.
    pub(crate) components: usize,
    /// The values as the file has them, in the order of [`Map::ALL`]; a map
    /// without one is left as it is.
    pub(crate) texts: [Option<Vec<u8>>; 3],
}

/// Where an entry that is put goes.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// In the place of a fresh entry.
    Fresh(u64),
    /// In the place of an entry of a segment.
    Stored(FoundEntry),
    /// At the end.
    End,
    /// Nowhere: it is there already.
    Same,
}

/// The map that a member would be if it were not `null`.
pub(super) fn stands_for(member: &Member) -> Option<Map> {
    match member {
        Member::Other { key, value } if value == b"null" => map_of(key),
        _ => None,
    }
}

fn map_of(key: &[u8]) -> Option<Map> {
    let mut name = Vec::new();
    decode(key, &mut name).ok()?;
    let named = MAP_NAMES.iter().find(|(known, _)| known.as_bytes() == name);
    named.map(|(_, map)| *map)
}

impl RowStore {
    /// Whether anything was changed since the store was opened.
    pub(crate) fn has_changes(&self) -> Result<bool> {
        Ok(!self.fresh.is_empty() || self.stack.is_changed()?)
    }

    /// Puts entries: each in the place of the one that its map has for its id,
    /// or at the end. Of several for one id the last counts, in the place of
    /// the first.
    ///
    /// # Errors
    /// [`StoreError::VectorLength`]; [`StoreError::Shape`] where a map cannot
    /// be made; [`Error::Limit`]; [`Error::Damaged`], [`Error::Io`]. Nothing is
    /// changed then.
    pub(crate) fn put(&mut self, entries: Vec<NewEntry>) -> Result<()> {
        self.begin();
        if self.fresh.bytes() > MAX_FRESH {
            *self.stack = self.stack.with(&self.fresh)?;
            self.fresh = Fresh::default();
        }
        let entries = last_of_each(entries);
        for map in Map::ALL {
            if entries.iter().any(|entry| text_of(entry, map).is_some()) {
                self.check_member(map)?;
            }
        }
        let targets = entries.iter().map(|entry| self.targets(entry));
        let targets: Vec<[Target; 3]> = targets.collect::<Result<_>>()?;
        let dim = self.check_lengths(&entries, &targets)?;
        let mut next = [0_u64; 3];
        for (map, next) in Map::ALL.into_iter().zip(&mut next) {
            *next = self.room(map, entries.len())?;
        }
        // Nothing fails from here on.
        if let Some(dim) = dim {
            self.fresh.set_dim(dim);
        }
        for (entry, targets) in entries.into_iter().zip(targets) {
            let maps = Map::ALL.into_iter().zip(entry.texts);
            for ((map, text), (target, next)) in maps.zip(targets.into_iter().zip(&mut next)) {
                let Some(text) = text else { continue };
                let number = match target {
                    Target::Same => continue,
                    Target::Fresh(number) => number,
                    Target::Stored(found) => {
                        self.stack.delete(found.segment, map, found.entry);
                        found.number
                    }
                    Target::End => {
                        *next += 1;
                        *next - 1
                    }
                };
                self.stack.name(map);
                self.fresh.put(map, number, &entry.id, text);
            }
        }
        Ok(())
    }

    /// Takes the segment in memory that was made for reading into the stack.
    fn begin(&mut self) {
        if let Some(settled) = self.settled.take() {
            self.stack = settled;
            self.fresh = Fresh::default();
        }
    }

    /// Refuses to put entries into a map whose member is something else.
    fn check_member(&self, map: Map) -> Result<()> {
        let in_the_way = self.members().iter().find(|member| match member {
            Member::Other { key, .. } => map_of(key) == Some(map) && stands_for(member).is_none(),
            Member::Map { .. } => false,
        });
        let Some(Member::Other { key, .. }) = in_the_way else {
            return Ok(());
        };
        let what = String::from_utf8_lossy(key).into_owned();
        Err(Error::Store(StoreError::shape(what, "an object")))
    }

    /// Where the entries of an id go.
    fn targets(&self, entry: &NewEntry) -> Result<[Target; 3]> {
        let mut targets = [Target::End; 3];
        for ((map, text), target) in Map::ALL.into_iter().zip(&entry.texts).zip(&mut targets) {
            let Some(text) = text else { continue };
            if let Some(number) = self.fresh.number(map, &entry.id) {
                *target = Target::Fresh(number);
            } else if let Some(found) = self.stack.find_number(map, &entry.id)? {
                *target = match self.is_the_same(map, found, text)? {
                    true => Target::Same,
                    false => Target::Stored(found),
                };
            }
        }
        Ok(targets)
    }

    fn is_the_same(&self, map: Map, found: FoundEntry, text: &[u8]) -> Result<bool> {
        let Some(segment) = self.stack.segments().get(found.segment) else {
            return Ok(false);
        };
        let mut old = Vec::with_capacity(text.len());
        print_value(
            segment,
            map,
            found.entry,
            self.style(),
            ENTRY_DEPTH,
            &mut old,
        )?;
        Ok(old == text)
    }

    /// The length of the new vectors, which must be that of all that stay.
    fn check_lengths(
        &self,
        entries: &[NewEntry],
        targets: &[[Target; 3]],
    ) -> Result<Option<usize>> {
        let vectors = || {
            entries
                .iter()
                .filter(|entry| text_of(entry, Map::Embeddings).is_some())
        };
        let Some(first) = vectors().next() else {
            return Ok(None);
        };
        let refuse = |entry: &NewEntry, stored| {
            Err(Error::Store(StoreError::VectorLength {
                id: entry.id.clone(),
                components: entry.components,
                stored,
            }))
        };
        if let Some(other) = vectors().find(|entry| entry.components != first.components) {
            return refuse(other, first.components);
        }
        let is_old = |targets: &&[Target; 3]| !matches!(targets, [Target::End, ..]);
        let replaced = targets.iter().zip(entries).filter(|(targets, entry)| {
            is_old(targets) && text_of(entry, Map::Embeddings).is_some()
        });
        if self.live(Map::Embeddings)? > replaced.count() as u64 {
            let others = self.dims()?;
            if let Some(stored) = others.into_iter().find(|dim| *dim != first.components) {
                return refuse(first, stored);
            }
        }
        Ok(Some(first.components))
    }

    /// The lengths of the live vectors, segment by segment.
    fn dims(&self) -> Result<Vec<usize>> {
        let mut dims: Vec<usize> = self.fresh.dim().into_iter().collect();
        for (n, segment) in self.stack.segments().iter().enumerate() {
            let part = self.stack.part(n, Map::Embeddings)?;
            if part.is_some_and(|part| part.live() > 0) {
                dims.push(segment.dim() as usize);
            }
        }
        Ok(dims)
    }

    /// The sequence number of the next new entry of a map, after which there is
    /// room for `count`.
    fn room(&self, map: Map, count: usize) -> Result<u64> {
        let stored = self.stack.next_number(self.stack.segments().len(), map)?;
        let fresh = match self.fresh.last_number(map) {
            Some(last) => last.checked_add(1),
            None => Some(0),
        };
        let next = stored.zip(fresh).map(|(stored, fresh)| stored.max(fresh));
        next.filter(|next| next.checked_add(count as u64).is_some())
            .ok_or(Error::Limit {
                what: "sequence numbers of a map",
                got: u64::MAX,
                limit: u64::MAX - count as u64,
            })
    }

    /// Deletes all that is from the document `ref_doc_id`, given in normal form.
    /// Says how many ids that were.
    ///
    /// # Errors
    /// [`StoreError::NoEntry`] for an id without a vector; [`Error::Damaged`],
    /// [`Error::Io`]. Nothing is changed then.
    pub(crate) fn delete_of(&mut self, ref_doc_id: &[u8]) -> Result<u64> {
        self.settle()?;
        let mut found = Vec::new();
        for (n, segment) in self.stack.segments().iter().enumerate() {
            if segment.entries(Map::RefDocs) == 0 {
                continue;
            }
            let mut entries = segment.columns()?.ref_docs_that_are(ref_doc_id)?;
            entries.keep(&self.stack.live_set(n, Map::RefDocs)?);
            for entry in entries.iter() {
                let number = segment.sequence(Map::RefDocs).get(entry)?;
                let segment = n;
                found.push(FoundEntry {
                    number,
                    segment,
                    entry,
                });
            }
        }
        self.delete_ids(Map::RefDocs, found, &[Map::Embeddings])
    }

    /// Deletes the vectors of these ids (of all, where none are given) whose
    /// metadata pass the filters, and all that belongs to them. Says how many
    /// that were.
    ///
    /// # Errors
    /// For the first vector in the order of the store for which there is one:
    /// those of filters, or [`StoreError::NoEntry`] where the ref doc id is
    /// missing. [`Error::Damaged`], [`Error::Io`]. Nothing is changed then.
    pub(crate) fn delete_chosen(
        &mut self,
        node_ids: Option<&[Vec<u8>]>,
        filters: Option<&MetadataFilters>,
    ) -> Result<u64> {
        self.settle()?;
        let chosen = self.stack.choose(filters, Named::of(node_ids))?;
        let mut found = Vec::new();
        for (n, rows) in chosen.rows.iter().enumerate() {
            let Some(segment) = self.stack.segments().get(n) else {
                continue;
            };
            for &row in rows {
                let number = segment.sequence(Map::Embeddings).get(row)?;
                let refused = chosen.refused.as_ref();
                if refused.is_none_or(|(refused, _)| number < *refused) {
                    // Vectors are in the order of their rows.
                    let (segment, entry) = (n, row);
                    found.push(FoundEntry {
                        number,
                        segment,
                        entry,
                    });
                }
            }
        }
        if let Some((_, why)) = chosen.refused {
            // One before it may be the first.
            self.companions(Map::Embeddings, found, &[Map::RefDocs])?;
            return Err(why);
        }
        self.delete_ids(Map::Embeddings, found, &[Map::RefDocs])
    }

    /// Deletes everything.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]. Nothing is changed then.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.begin();
        self.stack.clear()?;
        self.fresh = Fresh::default();
        Ok(())
    }

    /// Deletes what a map has for an id. Says whether it has something.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub(crate) fn delete_entry(&mut self, map: Map, id: &[u8]) -> Result<bool> {
        self.settle()?;
        let found = self.stack.find_number(map, id)?;
        if let Some(found) = found {
            self.stack.delete(found.segment, map, found.entry);
        }
        Ok(found.is_some())
    }

    /// Puts the fresh entries into a segment.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.stack()?;
        self.begin();
        Ok(())
    }

    /// Deletes entries of a map with all that other maps have for their ids;
    /// `needed` must have something.
    fn delete_ids(&mut self, map: Map, found: Vec<FoundEntry>, needed: &[Map]) -> Result<u64> {
        let count = found.len() as u64;
        for (map, entry) in self.companions(map, found, needed)? {
            self.stack.delete(entry.segment, map, entry.entry);
        }
        Ok(count)
    }

    /// Entries of a map with all that other maps have for their ids.
    fn companions(
        &self,
        map: Map,
        mut found: Vec<FoundEntry>,
        needed: &[Map],
    ) -> Result<Vec<(Map, FoundEntry)>> {
        found.sort_unstable();
        let mut all = Vec::with_capacity(found.len() * 3);
        let mut id = Vec::new();
        for entry in found {
            all.push((map, entry));
            let Some(segment) = self.stack.segments().get(entry.segment) else {
                continue;
            };
            id.clear();
            segment
                .ids()
                .get(segment.entry_row(map, entry.entry)?, &mut id)?;
            for other in Map::ALL.into_iter().filter(|other| *other != map) {
                match self.stack.find_number(other, &id)? {
                    Some(found) => all.push((other, found)),
                    None if needed.contains(&other) => {
                        return Err(Error::Store(StoreError::NoEntry { id }));
                    }
                    None => {}
                }
            }
        }
        Ok(all)
    }
}

fn text_of(entry: &NewEntry, map: Map) -> Option<&Vec<u8>> {
    entry.texts.get(map as usize)?.as_ref()
}

/// The last of several entries of one id, in the place of the first.
fn last_of_each(entries: Vec<NewEntry>) -> Vec<NewEntry> {
    let mut places: HashMap<Vec<u8>, usize> = HashMap::with_capacity(entries.len());
    let mut kept: Vec<NewEntry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let known = places.get(&entry.id).and_then(|&place| kept.get_mut(place));
        match known {
            Some(known) => *known = entry,
            None => {
                places.insert(entry.id.clone(), kept.len());
                kept.push(entry);
            }
        }
    }
    kept
}
