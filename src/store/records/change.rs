//! Changing the records of a store, in memory.

use xxhash_rust::xxh3::xxh3_64;

use super::{
    CollectionPath, Detail, EntryRef, Parts, RecordStore,
    pending::{Position, Values},
    skeleton::{value_at, without_value},
    text::Walks,
};
use crate::{
    error::{Error, Result, StoreError},
    json::{JsonStyle, Members, Value, normalise},
    planes::StoredRow,
    store::record::{document, shown},
};

impl RecordStore {
    /// Sets the record of a key, as `dict[key] = value` does: one that is there
    /// keeps its place, another comes last. The collection is made where it is
    /// missing.
    ///
    /// `text` is JSON in any style; it is printed in that of the store. The path
    /// may be that of a map in a record: the record must be there, and have an
    /// object as member of that name. Put as a value of its own, such a record
    /// has `{}` in the places of its maps, which stay what they are; with
    /// anything else in the place of a map, that takes its place.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`StoreError::Shape`] where the collection is a
    /// list; [`StoreError::NoPlace`]; [`Error::Damaged`],
    /// [`Error::Io`]. Nothing is changed then.
    pub fn put(&mut self, path: &CollectionPath, key: &[u8], text: &[u8]) -> Result<()> {
        let text = normal_form(&format!("the record {:?}", shown(key)), text)?;
        self.make_room(path, true)?;
        self.put_normal(path, key, text)
    }

    fn put_normal(&mut self, path: &CollectionPath, key: &[u8], mut text: Vec<u8>) -> Result<()> {
        let before = self.view(path)?.find_all(key)?;
        let first = before.iter().map(|(sequence, _)| *sequence).min();
        let is_new = self.view(path)?.find(key)?.is_none();
        let (mut gone, mut filled) = (Vec::new(), Vec::new());
        for map in self.maps_in(path, key) {
            if is_new && self.view(&map)?.len()? > 0 {
                // Left over from a record that was deleted without its maps.
                gone.push(map);
                continue;
            }
            let name = map.steps().get(path.steps().len() + 1);
            let name = name.map(Vec::as_slice).unwrap_or_default();
            match value_at(&text, name) {
                Some(value) if value == b"{}" => {}
                // Its place is known to be that of a collection.
                Some(value) if value.starts_with(b"{") && path.nested(key, name) == map => {
                    text = without_value(&text, name);
                    let had_entries = self.view(&map)?.len()? > 0;
                    filled.push((map, value, had_entries));
                }
                _ => gone.push(map),
            }
        }
        self.touch(path);
        self.bury(path, &before);
        self.pending.put(path, key, text, first.map(Position::Kept));
        self.drop_maps(&gone);
        for (map, value, had_entries) in &filled {
            if *had_entries {
                self.pending.clear(map, true);
            }
            self.fill(map, value);
        }
        Ok(())
    }

    /// Gives a map without entries the members of an object.
    fn fill(&mut self, path: &CollectionPath, object: &[u8]) {
        self.pending.open(path, true);
        for (key, value) in Members::new(object) {
            let key = Value::of(key).as_str().unwrap_or_default();
            self.pending.put(path, &key, value.to_vec(), None);
        }
    }

    /// Deletes a record, with all maps in it. Says whether it was there.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]. Nothing is changed then.
    pub fn delete(&mut self, path: &CollectionPath, key: &[u8]) -> Result<bool> {
        self.touch(path);
        let view = self.view(path)?;
        let slot = view.pending.and_then(|changes| changes.find(key));
        let before = view.find_all(key)?;
        if slot.is_none() && before.is_empty() {
            return Ok(false);
        }
        let maps = self.maps_in(path, key);
        self.bury(path, &before);
        if let Some(slot) = slot {
            self.pending.remove(slot);
        }
        self.drop_maps(&maps);
        Ok(true)
    }

    /// Deletes all records of a collection, with all maps in them. The
    /// collection stays, and is made where it is missing.
    ///
    /// # Errors
    /// As [`put`](RecordStore::put).
    pub fn clear(&mut self, path: &CollectionPath) -> Result<()> {
        let keyed = self.is_keyed(path)?.unwrap_or(true);
        self.make_room(path, keyed)?;
        self.touch(path);
        let paths = self.all_collections().into_iter();
        let maps: Vec<CollectionPath> = paths.filter(|map| map.is_inside(path)).collect();
        self.pending.clear(path, keyed);
        self.drop_maps(&maps);
        Ok(())
    }

    /// Appends a record to a collection without keys, which is made where it is
    /// missing.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`StoreError::Shape`] where the collection has
    /// keys; [`StoreError::NoPlace`] for the path of a map, which always has.
    pub fn push(&mut self, path: &CollectionPath, text: &[u8]) -> Result<()> {
        let text = normal_form(&format!("a record of {path}"), text)?;
        self.make_room(path, false)?;
        self.touch(path);
        self.pending.push(path, text);
        Ok(())
    }

    /// Removes the first record of a collection without keys that is the same
    /// JSON, white space and spelling of strings aside. Says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`Error::Damaged`], [`Error::Io`].
    pub fn remove(&mut self, path: &CollectionPath, text: &[u8]) -> Result<bool> {
        let text = normal_form(&format!("a record of {path}"), text)?;
        self.touch(path);
        if self.view(path)?.keyed {
            return Ok(false);
        }
        let Some(entry) = self.find_value(path, &text)? else {
            return Ok(false);
        };
        if entry.is_pending() {
            self.pending.remove(entry.entry);
        }
        let changes = self.pending.open(path, false);
        if !entry.is_pending() {
            changes.bury(entry.segment, entry.entry);
        }
        let values = changes.values.as_mut();
        if let Some(same) = values.and_then(|values| values.get_mut(&xxh3_64(&text))) {
            same.retain(|other| *other != entry);
        }
        Ok(true)
    }

    /// The first record without a key that has this normal form.
    fn find_value(&mut self, path: &CollectionPath, normal: &[u8]) -> Result<Option<EntryRef>> {
        let changes = self.pending.get(path);
        if changes.is_none_or(|changes| changes.values.is_none()) {
            let values = self.values(path)?;
            self.pending.open(path, false).values = Some(values);
        }
        let changes = self.pending.get(path);
        let values = changes.and_then(|changes| changes.values.as_ref());
        let same = values.and_then(|values| values.get(&xxh3_64(normal)));
        for entry in same.into_iter().flatten() {
            if self.skeleton(entry)? == normal {
                return Ok(Some(*entry));
            }
        }
        Ok(None)
    }

    /// All records of a collection without keys, by their normal forms.
    fn values(&self, path: &CollectionPath) -> Result<Values> {
        let mut values = Values::new();
        let mut walks = Walks::default();
        let mut entries = self.view(path)?.entries()?;
        while let Some(entry) = entries.next()? {
            let normal = self.skeleton_with(&entry, &mut walks)?;
            values.entry(xxh3_64(&normal)).or_default().push(entry);
        }
        Ok(values)
    }

    /// Whether anything was changed.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        let changed = self.pending.collections().into_iter();
        let mut changed = changed.map(|changes| (changes, self.in_segments(&changes.path)));
        changed.any(|(changes, is_old)| changes.is_changed() || (changes.present && !is_old))
    }

    fn bury(&mut self, path: &CollectionPath, entries: &[(u64, EntryRef)]) {
        for (_, entry) in entries {
            let changes = self.pending.open(path, true);
            changes.bury(entry.segment, entry.entry);
        }
    }

    /// All collections in a record, and in those.
    pub(super) fn maps_in(&self, path: &CollectionPath, key: &[u8]) -> Vec<CollectionPath> {
        if !self.has_nested(path) {
            return Vec::new();
        }
        let paths = self.all_collections().into_iter();
        paths.filter(|map| map.is_in(path, key)).collect()
    }

    fn drop_maps(&mut self, maps: &[CollectionPath]) {
        for map in maps {
            self.pending.clear(map, true).present = false;
        }
    }

    /// Makes sure that a collection can have records, with keys or without.
    fn make_room(&mut self, path: &CollectionPath, keyed: bool) -> Result<()> {
        if self.is_keyed(path)?.is_some_and(|known| known != keyed) {
            let expected = if keyed { "an object" } else { "a list" };
            let what = format!("the collection {path}");
            return Err(Error::Store(StoreError::shape(what, expected)));
        }
        let Some((around, record, name)) = path.around() else {
            return Ok(());
        };
        let changes = self.pending.get(path);
        if changes.is_some_and(|changes| changes.present) {
            return Ok(());
        }
        let no_place = || {
            let collection = path.to_string();
            Error::Store(StoreError::NoPlace { collection })
        };
        let entry = self.view(&around)?.find(record)?.filter(|_| keyed);
        let entry = entry.ok_or_else(no_place)?;
        if self.has_map(&entry, path)? {
            return Ok(());
        }
        let skeleton = self.skeleton(&entry)?;
        let value = value_at(&skeleton, name).filter(|value| value.starts_with(b"{"));
        let value = value.ok_or_else(no_place)?;
        let had_entries = self.view(path)?.len()? > 0;
        // The record is written again, with a map in that place.
        self.put_normal(&around, record, without_value(&skeleton, name))?;
        if had_entries {
            self.pending.clear(path, true);
        }
        self.fill(path, &value);
        Ok(())
    }

    /// Whether a record has that collection in it.
    fn has_map(&self, entry: &EntryRef, path: &CollectionPath) -> Result<bool> {
        if entry.is_pending() {
            // In memory `{}` is one wherever a collection may be.
            return Ok(self.has(path));
        }
        let mut maps = Maps(Vec::new());
        self.expand(entry, &mut Walks::default(), &mut maps)?;
        Ok(maps.0.contains(path))
    }

    /// The text of a record without its maps, in normal form.
    pub(super) fn skeleton(&self, entry: &EntryRef) -> Result<Vec<u8>> {
        self.skeleton_with(entry, &mut Walks::default())
    }

    /// The same for one of several that stand near each other.
    pub(super) fn skeleton_with<'s>(
        &'s self,
        entry: &EntryRef,
        walks: &mut Walks<'s>,
    ) -> Result<Vec<u8>> {
        if entry.is_pending() {
            return Ok(self.slot(entry)?.text.clone());
        }
        let (mut text, mut normal) = (Vec::new(), Vec::new());
        self.print_entry(entry, Detail::NoMaps, walks, &mut text)?;
        // What is printed is JSON.
        let _ = normalise(&text, &mut normal);
        Ok(normal)
    }
}

/// The collections in a record.
struct Maps(Vec<CollectionPath>);

impl Parts for Maps {
    fn begin(&mut self, _odd_key: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    fn normal(&mut self, _piece: &[u8]) -> Result<()> {
        Ok(())
    }

    fn verbatim(&mut self, _text: &[u8]) -> Result<()> {
        Ok(())
    }

    fn numbers(&mut self, _row: &StoredRow<'_>) -> Result<()> {
        Ok(())
    }

    fn json(&mut self, _style: &JsonStyle) -> Result<()> {
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        Ok(())
    }

    fn map(&mut self, path: &CollectionPath, _place: Option<(usize, u32)>) -> Result<()> {
        self.0.push(path.clone());
        Ok(())
    }
}

/// The normal form of a caller's JSON.
fn normal_form(what: &str, text: &[u8]) -> Result<Vec<u8>> {
    let value = document(what, text)?;
    let mut normal = Vec::with_capacity(text.len());
    // It was scanned.
    let _ = normalise(value.text(), &mut normal);
    Ok(normal)
}
