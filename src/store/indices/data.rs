//! What all index structs have.

use std::borrow::Cow;

use super::{IndexStructType, JsonText, MapValue, StructMap};
use crate::{
    error::{Error, Result, StoreError},
    json::{Kind, Value},
    store::{
        CollectionPath, RecordStore,
        record::{document, shown, unfit},
    },
};

/// The fields of an index struct, of whatever class.
#[derive(Debug, Clone)]
pub struct StructData<'s> {
    records: &'s RecordStore,
    structs: &'s CollectionPath,
    key: Vec<u8>,
    /// The fields, an object; `{}` stands for maps that are collections.
    text: Vec<u8>,
}

/// A field of an index struct.
#[derive(Debug, Clone)]
pub enum Field<'a> {
    /// An object, of which each member is read by itself.
    Map(StructMap<'a, JsonText>),
    /// Anything else.
    Value(Value<'a>),
}

impl<'s> StructData<'s> {
    /// Takes a record without its maps.
    pub(super) fn parse(
        records: &'s RecordStore,
        structs: &'s CollectionPath,
        key: Vec<u8>,
        record: &[u8],
    ) -> Result<(IndexStructType, StructData<'s>)> {
        let bad = || unfit(&key, "an index struct");
        let record = Value::of(record);
        if record.kind() != Kind::Object {
            return Err(bad());
        }
        let member = |name: &'static str| {
            let found = record.get(name.as_bytes());
            found.ok_or(Error::Store(StoreError::NoMember { name }))
        };
        let (stated, data) = (member("__type__")?, member("__data__")?);
        let name = stated.as_str().ok_or_else(bad)?;
        let kind = IndexStructType::of(&name).ok_or_else(|| {
            let name = shown(&name);
            Error::Store(StoreError::UnknownStructType { name })
        })?;
        // In a string, but for the first persist dirs.
        let text = match data.as_str() {
            Some(text) => text.into_owned(),
            None => data.text().to_vec(),
        };
        let data = document(&format!("the index struct {:?}", shown(&key)), &text)?;
        if data.kind() != Kind::Object {
            return Err(bad());
        }
        Ok((
            kind,
            StructData {
                records,
                structs,
                key,
                text,
            },
        ))
    }

    /// Its id, which LlamaIndex calls `index_id`; where it states none, the key
    /// under which the store has it.
    #[must_use]
    pub fn index_id(&self) -> Cow<'_, [u8]> {
        let stated = self.value("index_id").and_then(|id| id.as_str());
        stated.unwrap_or(Cow::Borrowed(&self.key))
    }

    /// Its summary, if one was set.
    #[must_use]
    pub fn summary(&self) -> Option<Cow<'_, [u8]>> {
        self.value("summary")?.as_str()
    }

    /// A field by its name, also one that no class of LlamaIndex has.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Field<'_>> {
        let value = self.value(name)?;
        Some(match value.kind() {
            Kind::Object => Field::Map(self.map(name)),
            _ => Field::Value(value),
        })
    }

    /// The names of all fields, in order.
    #[must_use]
    pub fn field_names(&self) -> Vec<Cow<'_, [u8]>> {
        let members = Value::of(&self.text).members();
        members.into_iter().map(|(name, _)| name).collect()
    }

    /// The text of its record: JSON as the store has it, `__type__`, maps and
    /// all.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn raw(&self) -> Result<Vec<u8>> {
        let record = self.records.get(self.structs, &self.key)?;
        Ok(record.unwrap_or_default())
    }

    /// A map by its name; an empty one where it has none.
    pub(super) fn map<V: MapValue>(&self, name: &str) -> StructMap<'_, V> {
        let path = self.structs.nested(&self.key, name.as_bytes());
        match self.records.has(&path) {
            true => StructMap::nested(self.records, path),
            false => StructMap::inside(self.value(name).unwrap_or(Value::of(b"{}")), name),
        }
    }

    /// All fields: an object.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn value(&self, name: &str) -> Option<Value<'_>> {
        Value::of(&self.text).get(name.as_bytes())
    }
}
