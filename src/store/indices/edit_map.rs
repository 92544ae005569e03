//! Maps of index structs, by their names: read and changed entry by entry, whatever
//! the class is, and without the record that they stand in.

use super::{IndexStore, JsonText, StructMap};
use crate::{
    error::Result,
    store::{CollectionPath, keyed::Keyed, records::Detail},
};

impl IndexStore {
    /// The record of an index struct as JSON, with `{}` in the place of each map that
    /// can be read with [`map`](IndexStore::map); `None` where there is none of that
    /// id. It is what `KVIndexStore` gets from its store, and may be of a type that
    /// LlamaIndex has no class for.
    ///
    /// ```
    /// use twinstore::store::IndexStore;
    /// let record = br#"{"__type__": "vector_store", "__data__":
    ///     "{\"index_id\": \"main\", \"nodes_dict\": {\"v\": \"n\"}}"}"#;
    /// let mut store = IndexStore::empty();
    /// store.add_index_struct(record)?;
    ///
    /// let without = br#"{"__type__": "vector_store", "__data__": "{\"index_id\": \"main\", \"nodes_dict\": {}}"}"#;
    /// assert_eq!(store.record_without_maps(b"main")?.unwrap(), without);
    /// assert_eq!(store.map(b"main", "nodes_dict").get(b"v")?.unwrap().0, b"\"n\"");
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn record_without_maps(&self, id: &[u8]) -> Result<Option<Vec<u8>>> {
        Keyed::of(&self.records, &self.structs).get(id, Detail::NoMaps)
    }

    /// A map of an index struct. Nothing is read here, and of the struct nothing at
    /// all: one without that map, and one that is not there, has an empty one.
    ///
    /// A map whose entries [`record_without_maps`](IndexStore::record_without_maps)
    /// shows (it is spelled in an odd way, or was put as a record) is empty here;
    /// see [`StructData::field`](super::StructData::field).
    #[must_use]
    pub fn map(&self, id: &[u8], name: &str) -> StructMap<'_, JsonText> {
        StructMap::nested(&self.records, self.map_path(id, name))
    }

    /// A map of an index struct, to be changed.
    pub fn edit_map(&mut self, id: &[u8], name: &str) -> StructMapMut<'_> {
        StructMapMut {
            path: self.map_path(id, name),
            store: self,
            id: id.to_vec(),
            name: name.to_owned(),
        }
    }

    fn map_path(&self, id: &[u8], name: &str) -> CollectionPath {
        self.structs.nested(id, name.as_bytes())
    }
}

/// A map of an index struct to be changed, whatever its class is. Of a million
/// entries, only those are read that change.
#[derive(Debug)]
pub struct StructMapMut<'s> {
    store: &'s mut IndexStore,
    path: CollectionPath,
    id: Vec<u8>,
    name: String,
}

impl StructMapMut<'_> {
    /// Sets an entry to a JSON value: `map[key] = value`. The map is made where the
    /// struct has none.
    ///
    /// # Errors
    /// [`StoreError::NoIndexStruct`](crate::error::StoreError::NoIndexStruct);
    /// [`StoreError::NotJson`](crate::error::StoreError::NotJson); for a map that is not a
    /// collection yet as [`IndexStore::edit`];
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        match self.store.records.has(&self.path) {
            true => self.store.records.put(&self.path, key, value),
            false => self.store.edit(&self.id)?.put(&self.name, key, value),
        }
    }

    /// Deletes an entry. Says whether it was there.
    ///
    /// # Errors
    /// As [`put`](StructMapMut::put).
    pub fn delete(&mut self, key: &[u8]) -> Result<bool> {
        match self.store.records.has(&self.path) {
            true => self.store.records.delete(&self.path, key),
            false => self.store.edit(&self.id)?.delete(&self.name, key),
        }
    }
}
