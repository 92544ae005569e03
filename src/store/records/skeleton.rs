//! Records in memory that have nested collections.
//!
//! The text of such a record is a *skeleton*: `{}` stands in the place of each
//! nested collection. It is the value of a member of the record or, as in index
//! structs, of a member of its `__data__`, which is an object or a string that
//! holds one. Which members are collections follows from the paths that are
//! there.

use std::borrow::Cow;

use super::{CollectionPath, Parts, RecordStore, pending::Slot};
use crate::{
    error::Result,
    json::{Escapes, JsonStyle, Kind, Members, Value, encode, normalise, print},
};

/// The key of the member that holds a struct, as a token.
const DATA: &[u8] = b"\"__data__\"";
/// A nested collection, or an object that has no members.
const EMPTY: &[u8] = b"{}";

/// The object whose members are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Record,
    /// The struct in a record.
    Data,
}

impl RecordStore {
    /// Hands out the parts of a record in memory.
    pub(super) fn expand_slot(&self, slot: &Slot, out: &mut impl Parts) -> Result<()> {
        if !slot.text.starts_with(b"{") || !self.has_nested(&slot.collection) {
            return out.normal(&slot.text);
        }
        self.expand_members(slot, &slot.text, Level::Record, out)
    }

    fn expand_members(
        &self,
        slot: &Slot,
        object: &[u8],
        level: Level,
        out: &mut impl Parts,
    ) -> Result<()> {
        if object == EMPTY {
            return out.normal(EMPTY);
        }
        let mut before = b'{';
        for (key, value) in Members::new(object) {
            out.normal(&[&[before], key, b":"].concat())?;
            before = b',';
            match struct_in(level, key, value) {
                Some(Struct::Object) => self.expand_members(slot, value, Level::Data, out)?,
                Some(Struct::Document(data)) => {
                    out.json(&self.document_style(slot, &data)?)?;
                    self.expand_members(slot, &data, Level::Data, out)?;
                    out.end_json()?;
                }
                None => match self.map_at(slot, key, value) {
                    Some(path) => out.map(&path, None)?,
                    None => out.normal(value)?,
                },
            }
        }
        out.normal(b"}")
    }

    /// The collection that stands in the place of a member's value.
    fn map_at(&self, slot: &Slot, key: &[u8], value: &[u8]) -> Option<CollectionPath> {
        if value != EMPTY {
            return None;
        }
        let name = Value::of(key).as_str()?;
        let path = slot.collection.nested(&slot.key, &name);
        self.has(&path).then_some(path)
    }

    /// The style of a struct in a string: that of the maps that it had, else that
    /// of the maps of other structs, else the one it was given in.
    fn document_style(&self, slot: &Slot, data: &[u8]) -> Result<JsonStyle> {
        let mut other = None;
        for indexed in self.segments.iter().rev() {
            for (key, _) in Members::new(data) {
                let Some(name) = Value::of(key).as_str() else {
                    continue;
                };
                let path = slot.collection.nested(&slot.key, &name);
                if let Some(&number) = indexed.numbers.get(&path) {
                    let style = indexed.segment.collection(number)?.style;
                    return indexed.segment.style(style).cloned();
                }
            }
            let around = indexed.numbers.get(&*slot.collection);
            // Where it is the style of the file, it may be that of a struct in
            // no string.
            let mut collections = indexed.segment.collections().iter();
            let sibling = collections.find(|collection| {
                let parent = collection.parent.as_ref().map(|parent| parent.collection);
                collection.style != 0 && parent.is_some() && parent.as_ref() == around
            });
            if let (None, Some(sibling)) = (&other, sibling) {
                other = Some(indexed.segment.style(sibling.style)?.clone());
            }
        }
        let given = || Value::of(&slot.text).get(b"__data__");
        Ok(other.unwrap_or_else(|| style_of(given().map_or(b"", |data| data.text()))))
    }

    /// Whether records of that collection have, or had, collections in them.
    pub(crate) fn has_nested(&self, path: &CollectionPath) -> bool {
        let in_segments = self.segments.iter().any(|indexed| {
            let number = indexed.numbers.get(path);
            number.is_some_and(|number| indexed.parents.contains(number))
        });
        in_segments || self.pending.is_parent(path)
    }
}

/// A value that is a struct.
enum Struct {
    Object,
    /// A string with a document: the text of that in normal form.
    Document(Vec<u8>),
}

/// Whether the value of a member is a struct, whose members may be collections.
fn struct_in(level: Level, key: &[u8], value: &[u8]) -> Option<Struct> {
    if level != Level::Record || key != DATA {
        return None;
    }
    match Value::of(value).kind() {
        Kind::Object if value != EMPTY => Some(Struct::Object),
        Kind::String => {
            let text = Value::of(value).as_str()?;
            let data = Value::checked(&text).ok()?;
            let mut normal = Vec::with_capacity(text.len());
            normalise(data.text(), &mut normal).ok()?;
            let is_struct = normal.starts_with(b"{") && normal != EMPTY;
            is_struct.then_some(Struct::Document(normal))
        }
        _ => None,
    }
}

/// The style of a document in a string.
fn style_of(token: &[u8]) -> JsonStyle {
    let text = Value::of(token).as_str().unwrap_or_default();
    JsonStyle::detect(&text, &text)
}

/// What stands in a record, in normal form, where a collection of that name
/// would.
pub(super) fn value_at(record: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    fn look(object: &[u8], level: Level, name: &[u8]) -> Option<Vec<u8>> {
        for (key, value) in Members::new(object) {
            let inside = match struct_in(level, key, value) {
                Some(Struct::Object) => look(value, Level::Data, name),
                Some(Struct::Document(data)) => look(&data, Level::Data, name),
                None if is_named(key, name) => Some(value.to_vec()),
                None => None,
            };
            if inside.is_some() {
                return inside;
            }
        }
        None
    }
    look(record, Level::Record, name)
}

/// The record with `{}` in that place.
pub(super) fn without_value(record: &[u8], name: &[u8]) -> Vec<u8> {
    fn copy(object: &[u8], level: Level, name: &[u8], done: &mut bool) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (key, value) in Members::new(object) {
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            out.push(b':');
            match struct_in(level, key, value) {
                Some(Struct::Object) => out.extend(copy(value, Level::Data, name, done)),
                Some(Struct::Document(data)) => {
                    let data = copy(&data, Level::Data, name, done);
                    let mut text = Vec::new();
                    let style = style_of(value);
                    style.begin(&mut text);
                    print(&data, &style, 0, &mut text);
                    style.finish(&mut text);
                    encode(&text, Escapes::Utf8, &mut out);
                }
                None if !*done && is_named(key, name) => {
                    *done = true;
                    out.extend_from_slice(EMPTY);
                }
                None => out.extend_from_slice(value),
            }
        }
        out.push(b'}');
        out
    }
    copy(record, Level::Record, name, &mut false)
}

fn is_named(key: &[u8], name: &[u8]) -> bool {
    Value::of(key).as_str() == Some(Cow::Borrowed(name))
}
