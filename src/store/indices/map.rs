//! Maps of index structs, entry by entry.

use std::{fmt, marker::PhantomData, vec};

use crate::{
    error::{Error, Result, StoreError},
    json::Value,
    store::{
        CollectionPath, Keys, RecordStore,
        build::array,
        keyed::{Keyed, KeyedEntries},
        record::shown,
        records::Detail,
    },
};

/// A map of an index struct. It may have millions of entries: each is read by
/// itself, when it is asked for.
///
/// (Where the JSON is written in an odd way, the map is a part of its record;
/// then it has been read with it, and a look-up walks over it.)
#[derive(Debug, Clone)]
pub struct StructMap<'a, V> {
    place: Place<'a>,
    /// What an entry reads as.
    value: PhantomData<fn() -> V>,
}

#[derive(Debug, Clone)]
enum Place<'a> {
    /// A collection of its own.
    Nested(&'a RecordStore, CollectionPath),
    /// In the record of the struct, under that name.
    Inside(Value<'a>, String),
}

mod sealed {
    pub trait Sealed {}
}

/// What the values of a map may be.
pub trait MapValue: Sized + sealed::Sealed {
    /// What it is, in the words of an error.
    #[doc(hidden)]
    const EXPECTED: &'static str;

    /// `None` where it is not.
    #[doc(hidden)]
    fn read(value: Value<'_>) -> Option<Self>;
}

/// A string: an id.
impl MapValue for Vec<u8> {
    const EXPECTED: &'static str = "a string";

    fn read(value: Value<'_>) -> Option<Vec<u8>> {
        Some(value.as_str()?.into_owned())
    }
}

/// A list of ids. Where it is a set in Python, its order is that of the file.
impl MapValue for Vec<Vec<u8>> {
    const EXPECTED: &'static str = "a list of strings";

    fn read(value: Value<'_>) -> Option<Vec<Vec<u8>>> {
        let strings = value.as_strings()?;
        Some(strings.into_iter().map(|s| s.into_owned()).collect())
    }
}

/// A list of lists of strings.
impl MapValue for Vec<Vec<Vec<u8>>> {
    const EXPECTED: &'static str = "a list of lists of strings";

    fn read(value: Value<'_>) -> Option<Vec<Vec<Vec<u8>>>> {
        if value.kind() != crate::json::Kind::Array {
            return None;
        }
        value.elements().map(MapValue::read).collect()
    }
}

/// An embedding.
impl MapValue for Vec<f64> {
    const EXPECTED: &'static str = "a list of numbers";

    fn read(value: Value<'_>) -> Option<Vec<f64>> {
        value.as_numbers()
    }
}

/// The text of any value: JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(pub Vec<u8>);

impl MapValue for JsonText {
    const EXPECTED: &'static str = "a value";

    fn read(value: Value<'_>) -> Option<JsonText> {
        Some(JsonText(value.text().to_vec()))
    }
}

impl sealed::Sealed for Vec<u8> {}
impl sealed::Sealed for Vec<Vec<u8>> {}
impl sealed::Sealed for Vec<Vec<Vec<u8>>> {}
impl sealed::Sealed for Vec<f64> {}
impl sealed::Sealed for JsonText {}

impl<'a, V: MapValue> StructMap<'a, V> {
    pub(super) fn nested(store: &'a RecordStore, path: CollectionPath) -> StructMap<'a, V> {
        StructMap {
            place: Place::Nested(store, path),
            value: PhantomData,
        }
    }

    pub(super) fn inside(map: Value<'a>, name: &str) -> StructMap<'a, V> {
        StructMap {
            place: Place::Inside(map, name.to_owned()),
            value: PhantomData,
        }
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError::Shape`] for a value of another kind than LlamaIndex writes;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get(&self, key: &[u8]) -> Result<Option<V>> {
        match &self.place {
            Place::Nested(store, path) => match store.get(path, key)? {
                Some(text) => self.read(key, Value::of(&text)).map(Some),
                None => Ok(None),
            },
            Place::Inside(map, _) => match map.get(key) {
                Some(value) => self.read(key, value).map(Some),
                None => Ok(None),
            },
        }
    }

    /// The values of several keys, in the order of these. Those that stand near each
    /// other are read together when they are asked for in their order.
    ///
    /// # Errors
    /// As [`get`](StructMap::get).
    pub fn get_many(&self, keys: &[impl AsRef<[u8]>]) -> Result<Vec<Option<V>>> {
        match &self.place {
            Place::Nested(store, path) => {
                let texts = store.get_many(path, keys)?.into_iter().zip(keys);
                let read = |(text, key): (Option<Vec<u8>>, _)| {
                    let key: &[u8] = AsRef::as_ref(key);
                    text.map(|text| self.read(key, Value::of(&text)))
                        .transpose()
                };
                texts.map(read).collect()
            }
            Place::Inside(..) => keys.iter().map(|key| self.get(key.as_ref())).collect(),
        }
    }

    /// Whether it has that key.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn contains(&self, key: &[u8]) -> Result<bool> {
        match &self.place {
            Place::Nested(store, path) => store.contains(path, key),
            Place::Inside(map, _) => Ok(map.get(key).is_some()),
        }
    }

    /// Number of entries.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn len(&self) -> Result<u64> {
        match &self.place {
            Place::Nested(store, path) => Keyed::of(store, path).len(),
            Place::Inside(map, _) => Ok(map.members().len() as u64),
        }
    }

    /// Whether it has none.
    ///
    /// # Errors
    /// As [`len`](StructMap::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The keys, in order.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn keys(&self) -> Result<Keys<'_>> {
        match &self.place {
            Place::Nested(store, path) => Keyed::of(store, path).keys(),
            Place::Inside(map, _) => {
                let members = map.members().into_iter();
                Ok(Keys::listed(
                    members.map(|(key, _)| key.into_owned()).collect(),
                ))
            }
        }
    }

    /// Keys and values, in order, one after another.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]. The values themselves: as
    /// [`get`](StructMap::get).
    pub fn iter(&self) -> Result<StructEntries<'_, V>> {
        let rest = match &self.place {
            Place::Nested(store, path) => {
                Rest::Nested(Keyed::of(store, path).entries(Detail::All)?)
            }
            Place::Inside(map, _) => {
                let members = map.members().into_iter();
                let members = members.map(|(key, value)| (key.into_owned(), value));
                Rest::Inside(members.collect::<Vec<_>>().into_iter())
            }
        };
        Ok(StructEntries { map: self, rest })
    }

    /// All values in order, as one JSON array: faster than one after another.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn values_text(&self) -> Result<Vec<u8>> {
        match &self.place {
            Place::Nested(store, path) => store.values_text(path),
            Place::Inside(map, _) => {
                let members = map.members().into_iter();
                Ok(array(members.map(|(_, value)| value.text().to_vec())))
            }
        }
    }

    fn read(&self, key: &[u8], value: Value<'_>) -> Result<V> {
        V::read(value).ok_or_else(|| {
            let name = match &self.place {
                Place::Nested(_, path) => path.to_string(),
                Place::Inside(_, name) => name.clone(),
            };
            let what = format!("the value of {:?} in {name}", shown(key));
            Error::Store(StoreError::shape(what, V::EXPECTED))
        })
    }
}

/// Keys and values of a map, one after another.
pub struct StructEntries<'a, V> {
    map: &'a StructMap<'a, V>,
    rest: Rest<'a>,
}

enum Rest<'a> {
    Nested(KeyedEntries<'a>),
    Inside(vec::IntoIter<(Vec<u8>, Value<'a>)>),
}

impl<V: MapValue> Iterator for StructEntries<'_, V> {
    type Item = Result<(Vec<u8>, V)>;

    fn next(&mut self) -> Option<Result<(Vec<u8>, V)>> {
        let read = |key: Vec<u8>, value: Value<'_>| {
            let value = self.map.read(&key, value)?;
            Ok((key, value))
        };
        match &mut self.rest {
            Rest::Nested(entries) => {
                let next = entries.next()?;
                Some(next.and_then(|(key, text)| read(key, Value::of(&text))))
            }
            Rest::Inside(entries) => {
                let (key, value) = entries.next()?;
                Some(read(key, value))
            }
        }
    }
}

impl<V> fmt::Debug for StructEntries<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StructEntries").finish_non_exhaustive()
    }
}
