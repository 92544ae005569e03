//! Index structs that are changed in place: a field is set, an entry of a map
//! comes or goes. What each class has for that is in `edits.rs`.

use super::{
    IndexStore, IndexStructType, JsonText, MapValue, StructData, StructMap,
    changes::{normal, set_map, with_data},
};
use crate::{
    error::{Error, Result, StoreError},
    json::{Kind, Value},
    store::{
        CollectionPath, RecordStore,
        build::{string, with_member},
        record::{document, shown},
        records::Detail,
    },
};

/// An index struct to be changed. What LlamaIndex does by changing a struct and
/// adding it again, whole, this does by changing what changes.
#[derive(Debug)]
pub struct StructMut<'s> {
    records: &'s mut RecordStore,
    structs: &'s CollectionPath,
    id: Vec<u8>,
    kind: IndexStructType,
}

impl IndexStore {
    /// The index struct of that id, to be changed.
    ///
    /// ```
    /// use twinstore::store::{IndexStore, IndexStruct};
    /// let record = br#"{"__type__": "keyword_table", "__data__":
    ///     "{\"index_id\": \"words\", \"summary\": null, \"table\": {}}"}"#;
    /// let mut store = IndexStore::empty();
    /// store.add_index_struct(record)?;
    ///
    /// let mut table = store.edit(b"words")?.keyword_table()?;
    /// table.add_node(&["river", "bridge"], b"n-1")?;
    /// table.add_node(&["river"], b"n-2")?;
    ///
    /// let Some(IndexStruct::KeywordTable(words)) = store.get_index_struct(None)? else { panic!() };
    /// let nodes = words.table().get(b"river")?.unwrap();
    /// assert_eq!(nodes, [b"n-1", b"n-2"]);
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::NoIndexStruct`]; as [`index_structs`](IndexStore::index_structs).
    pub fn edit(&mut self, id: &[u8]) -> Result<StructMut<'_>> {
        let kind = self
            .get_index_struct(Some(id))?
            .map(|found| found.struct_type());
        let lacking = || StoreError::NoIndexStruct { id: shown(id) };
        Ok(StructMut {
            kind: kind.ok_or_else(|| Error::Store(lacking()))?,
            records: &mut self.records,
            structs: &self.structs,
            id: id.to_vec(),
        })
    }
}

impl StructMut<'_> {
    /// Its type.
    #[must_use]
    pub fn struct_type(&self) -> IndexStructType {
        self.kind
    }

    /// Sets its summary, or takes it away.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn set_summary(&mut self, summary: Option<&[u8]>) -> Result<()> {
        let value = summary.map_or_else(|| b"null".to_vec(), string);
        self.set_field("summary", &value)
    }

    /// Sets a field to a JSON value; a map to another map. One that is not there
    /// comes last.
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`Error::Damaged`], [`Error::Io`].
    pub fn set_field(&mut self, name: &str, value: &[u8]) -> Result<()> {
        let value = document("a field of an index struct", value)?;
        let is_map = value.kind() == Kind::Object;
        let text = if is_map { b"{}" } else { value.text() };
        let was = self.value(name)?;
        // What stands for a map may stay.
        if was.as_deref() != Some(text) {
            let record = self.record()?;
            let data = self.fields(&record)?;
            let data = with_member(&Value::of(data.text()), name.as_bytes(), text);
            let record = Value::of(&record);
            let record = with_data(&record, &normal(&data), &record);
            self.records.put(self.structs, &self.id, &record)?;
        }
        match is_map {
            true => set_map(self.records, &self.map_path(name), &value),
            false => Ok(()),
        }
    }

    /// Makes sure of its class.
    pub(super) fn of_class(self, classes: &[IndexStructType]) -> Result<Self> {
        if classes.contains(&self.kind) {
            return Ok(self);
        }
        Err(Error::Store(StoreError::OtherStruct {
            id: shown(&self.id),
            found: self.kind.as_str(),
            expected: classes.first().map_or("", IndexStructType::as_str),
        }))
    }

    /// The text of a field; `{}` for a map that is a collection.
    pub(super) fn value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let data = self.data()?;
        Ok(data.value(name).map(|value| value.text().to_vec()))
    }

    /// Number of entries of a map.
    pub(super) fn len(&self, map: &str) -> Result<u64> {
        self.data()?.map::<JsonText>(map).len()
    }

    /// The entries of a map, in order.
    pub(super) fn entries<V: MapValue>(&self, map: &str) -> Result<Vec<(Vec<u8>, V)>> {
        let data = self.data()?;
        let map: StructMap<'_, V> = data.map(map);
        map.iter()?.collect()
    }

    /// The entry of a map.
    pub(super) fn get<V: MapValue>(&self, map: &str, key: &[u8]) -> Result<Option<V>> {
        self.data()?.map(map).get(key)
    }

    /// The entry of a map, which must be there: `map[key]`.
    pub(super) fn at<V: MapValue>(&self, map: &str, key: &[u8]) -> Result<V> {
        let lacking = || Error::Store(StoreError::NoKey { key: key.to_vec() });
        self.get(map, key)?.ok_or_else(lacking)
    }

    /// Sets an entry of a map: `map[key] = value`.
    pub(super) fn put(&mut self, map: &str, key: &[u8], value: &[u8]) -> Result<()> {
        if self.value(map)?.is_none() {
            self.set_field(map, b"{}")?;
        }
        self.records.put(&self.map_path(map), key, value)
    }

    /// Deletes an entry of a map. Says whether it was there.
    pub(super) fn delete(&mut self, map: &str, key: &[u8]) -> Result<bool> {
        let path = self.map_path(map);
        if !self.records.has(&path) {
            let Some(JsonText(value)) = self.get(map, key)? else {
                return Ok(false);
            };
            // It is a part of its record yet, and becomes a collection.
            self.records.put(&path, key, &value)?;
        }
        self.records.delete(&path, key)
    }

    fn map_path(&self, map: &str) -> CollectionPath {
        self.structs.nested(&self.id, map.as_bytes())
    }

    /// The record without its maps.
    fn record(&self) -> Result<Vec<u8>> {
        let record = self
            .records
            .get_detailed(self.structs, &self.id, Detail::NoMaps)?;
        let id = || shown(&self.id);
        record.ok_or_else(|| Error::Store(StoreError::NoIndexStruct { id: id() }))
    }

    fn data(&self) -> Result<StructData<'_>> {
        self.fields(&self.record()?)
    }

    fn fields(&self, record: &[u8]) -> Result<StructData<'_>> {
        let (_, data) = StructData::parse(self.records, self.structs, self.id.clone(), record)?;
        Ok(data)
    }
}
