//! What changes an index store: structs that come and go as a whole. How one is
//! changed in place is in `edit.rs`.

use std::{borrow::Cow, collections::HashMap};

use super::{IndexStore, StructData};
use crate::{
    error::{Error, Result, StoreError},
    json::{JsonStyle, Kind, Value, normalise, print},
    store::{
        CollectionPath, RecordStore,
        build::{string, with_member},
        keyed::Keyed,
        record::document,
        records::Detail,
    },
};

impl IndexStore {
    /// Adds an index struct, or replaces the one of its id, which keeps its place.
    /// `record` is JSON as `index_struct_to_json` gives it: an object with
    /// `__type__` and `__data__`.
    ///
    /// Of the maps in it only the difference is stored: if most of a million entries
    /// are there already, the others are written. To say what changed, rather than
    /// hand over all of it, see [`edit`](IndexStore::edit).
    ///
    /// # Errors
    /// [`StoreError::NotJson`], [`StoreError::NoMember`], [`StoreError::Shape`],
    /// [`StoreError::UnknownStructType`] for what is no index struct;
    /// [`Error::Damaged`], [`Error::Io`].
    ///
    /// ```
    /// use twinstore::store::IndexStore;
    /// let record = br#"{"__type__": "vector_store", "__data__":
    ///     "{\"index_id\": \"main\", \"summary\": null, \"nodes_dict\": {\"n-1\": \"n-1\"}}"}"#;
    /// let mut store = IndexStore::empty();
    /// store.add_index_struct(record)?;
    /// store.edit(b"main")?.index_dict()?.add_node(b"n-2", None)?;
    ///
    /// let names: Vec<_> = store.ids()?.collect::<Result<_, _>>()?;
    /// assert_eq!(names, [b"main"]);
    /// assert!(store.delete_index_struct(b"main")?);
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    pub fn add_index_struct(&mut self, record: &[u8]) -> Result<()> {
        let what = "an index struct";
        let value = document(what, record)?;
        let (_, data) = StructData::parse(&self.records, &self.structs, Vec::new(), record)?;
        let data = data.text().to_vec();
        let data = Value::of(&data);
        let id = data.get(b"index_id").and_then(|id| id.as_str());
        let id = id.ok_or(Error::Store(StoreError::NoMember { name: "index_id" }))?;
        let mut skeleton = normal(data.text());
        let mut maps = Vec::new();
        for (name, map) in data.members() {
            if map.kind() == Kind::Object {
                skeleton = with_member(&Value::of(&skeleton), &name, b"{}");
                maps.push((self.structs.nested(&id, &name), map));
            }
        }
        let was = self
            .records
            .get_detailed(&self.structs, &id, Detail::NoMaps)?;
        let like = was.as_deref().map_or(value, Value::of);
        let now = with_data(&value, &skeleton, &like);
        if was.as_deref().is_none_or(|was| normal(was) != now) {
            self.records.put(&self.structs, &id, &now)?;
        }
        for (path, map) in &maps {
            set_map(&mut self.records, path, map)?;
        }
        Ok(())
    }

    /// Deletes an index struct. Says whether it was there.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn delete_index_struct(&mut self, id: &[u8]) -> Result<bool> {
        self.records.delete(&self.structs, id)
    }
}

/// A record with other fields, in normal form. Where those of `like` stand in a
/// string, these do so too, in the same style.
pub(super) fn with_data(record: &Value<'_>, data: &[u8], like: &Value<'_>) -> Vec<u8> {
    let inside = like.get(b"__data__").and_then(|data| data.as_str());
    let data = match inside {
        Some(was) => {
            let mut style = JsonStyle::detect(&was, &was);
            style.learn(&was);
            let mut text = Vec::with_capacity(data.len());
            style.begin(&mut text);
            print(data, &style, 0, &mut text);
            style.finish(&mut text);
            Cow::Owned(string(&text))
        }
        None => Cow::Borrowed(data),
    };
    normal(&with_member(record, b"__data__", &data))
}

/// Makes a map equal to `wanted`, and touches only what differs, where that is
/// possible: entries that stay must come first, in the order that they have.
pub(super) fn set_map(
    records: &mut RecordStore,
    path: &CollectionPath,
    wanted: &Value<'_>,
) -> Result<()> {
    let wanted = wanted.members();
    let mut known = HashMap::new();
    let mut gone = Vec::new();
    let mut stays = wanted.iter();
    let mut in_order = true;
    let places: HashMap<&[u8], usize> = (0..)
        .zip(&wanted)
        .map(|(at, (key, _))| (&**key, at))
        .collect();
    for entry in Keyed::of(records, path).entries(Detail::All)? {
        let (key, text) = entry?;
        match places.contains_key(&*key) {
            true => {
                in_order &= stays.next().is_some_and(|(expected, _)| **expected == *key);
                known.insert(key, normal(&text));
            }
            false => gone.push(key),
        }
    }
    if !in_order {
        records.clear(path)?;
        known.clear();
    } else {
        for key in &gone {
            records.delete(path, key)?;
        }
    }
    for (key, value) in &wanted {
        let value = normal(value.text());
        if known.get(&**key) != Some(&value) {
            records.put(path, key, &value)?;
        }
    }
    Ok(())
}

/// The normal form of JSON that was scanned.
pub(super) fn normal(text: &[u8]) -> Vec<u8> {
    let mut normal = Vec::with_capacity(text.len());
    let _ = normalise(text, &mut normal);
    normal
}
