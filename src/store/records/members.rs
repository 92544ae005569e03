//! The members of the file's top-level object.

use std::borrow::Cow;

use super::{CollectionPath, RecordStore};
use crate::{
    error::{Error, Result, StoreError},
    json::{Kind, Value, encode},
    segment::RecordMember,
};

/// A member of the top-level object. Keys are tokens.
#[derive(Debug)]
pub(crate) enum TopMember<'s> {
    Collection {
        path: CollectionPath,
        key: Cow<'s, [u8]>,
    },
    /// Anything else, with the text of its value.
    Other { key: &'s [u8], value: &'s [u8] },
}

impl TopMember<'_> {
    fn is(&self, other: &CollectionPath) -> bool {
        matches!(self, TopMember::Collection { path, .. } if path == other)
    }
}

impl RecordStore {
    /// The members of the top level, in order: those of the newest segment, of
    /// which empty ones may have become collections; then new collections, in
    /// the order in which they were first asked for.
    pub(crate) fn members(&self) -> Result<Vec<TopMember<'_>>> {
        let mut list = Vec::new();
        for member in self.file_members() {
            let key = match member {
                RecordMember::Collection { key, .. } | RecordMember::Other { key, .. } => key,
            };
            let path = match (member, self.newest()) {
                (RecordMember::Collection { collection, .. }, Some(newest)) => {
                    let name = &newest.segment.collection(*collection)?.name;
                    Some(CollectionPath::top(name))
                }
                (RecordMember::Other { key, value }, _) => self.became_collection(key, value),
                (RecordMember::Collection { .. }, None) => None,
            };
            list.push(match (path, member) {
                (Some(path), _) => TopMember::Collection {
                    path,
                    key: Cow::Borrowed(key),
                },
                (None, RecordMember::Other { key, value }) => TopMember::Other { key, value },
                // A new file has no segment that this could be in.
                (None, RecordMember::Collection { .. }) => continue,
            });
        }
        let touched = self.pending.touched();
        for (n, name) in touched.iter().enumerate() {
            let path = CollectionPath::top(name);
            let is_new = self
                .pending
                .get(&path)
                .is_some_and(|changes| changes.present);
            if !is_new || list.iter().any(|member| member.is(&path)) {
                continue;
            }
            let mut key = Vec::new();
            encode(name, self.style()?.escapes(), &mut key);
            let later = touched.get(n + 1..).unwrap_or_default();
            let later: Vec<_> = later.iter().map(|name| CollectionPath::top(name)).collect();
            let at = list
                .iter()
                .position(|member| later.iter().any(|path| member.is(path)));
            let key = Cow::Owned(key);
            list.insert(
                at.unwrap_or(list.len()),
                TopMember::Collection { path, key },
            );
        }
        Ok(list)
    }

    /// The collections of the top level, in the order of the file.
    #[must_use]
    pub fn collections(&self) -> Vec<CollectionPath> {
        let members = self.members().unwrap_or_default().into_iter();
        let paths = members.filter_map(|member| match member {
            TopMember::Collection { path, .. } => Some(path),
            TopMember::Other { .. } => None,
        });
        paths.collect()
    }

    /// The members that the file has, or a new one begins with.
    fn file_members(&self) -> &[RecordMember] {
        match self.newest() {
            Some(newest) => newest.segment.members(),
            None => &self.new_members,
        }
    }

    /// The path of the collection that a member without children became.
    fn became_collection(&self, key: &[u8], value: &[u8]) -> Option<CollectionPath> {
        let name = Value::of(key).as_str()?;
        let path = CollectionPath::top(&name);
        // A name may stand twice; then the collection is the other one.
        let newest = self.newest();
        let is_other = newest.is_some_and(|newest| newest.numbers.contains_key(&path));
        let changes = self.pending.get(&path).filter(|_| !is_other)?;
        let fits = match Value::of(value).kind() {
            Kind::Object => changes.keyed,
            Kind::Array => !changes.keyed,
            _ => false,
        };
        (fits && changes.present).then_some(path)
    }

    /// Whether what stands at `path` has keys, as far as the file tells; `None`
    /// where nothing stands there.
    ///
    /// # Errors
    /// [`StoreError::Shape`] where a member of the top level is neither an object
    /// nor an array.
    pub(crate) fn is_keyed(&self, path: &CollectionPath) -> Result<Option<bool>> {
        let view = self.view(path)?;
        if !view.is_absent() {
            return Ok(Some(view.keyed));
        }
        let Some(value) = self.other_member(path) else {
            return Ok(None);
        };
        match Value::of(value).kind() {
            Kind::Object => Ok(Some(true)),
            Kind::Array => Ok(Some(false)),
            _ => {
                let what = format!("the member {path}");
                Err(Error::Store(StoreError::shape(what, "an object or a list")))
            }
        }
    }

    /// The value of a member of the top level that is no collection; of the last,
    /// if it stands there twice.
    fn other_member(&self, path: &CollectionPath) -> Option<&[u8]> {
        let [name] = path.steps() else {
            return None;
        };
        let members = self.file_members().iter().rev();
        let mut values = members.filter_map(|member| match member {
            RecordMember::Other { key, value } => Some((key, value)),
            RecordMember::Collection { .. } => None,
        });
        let found = values.find(|(key, _)| Value::of(key).as_str().as_deref() == Some(name));
        found.map(|(_, value)| value.as_slice())
    }

    /// Whether collections were asked for that it does not have, or did not have.
    pub(crate) fn was_asked_for_more(&self) -> bool {
        !self.pending.touched().is_empty()
    }

    /// Remembers what an earlier state of the same store was asked for.
    pub(crate) fn remember(&self, earlier: &RecordStore) {
        for name in earlier.pending.touched() {
            self.pending.touch(&name);
        }
    }

    /// Notes that a collection of the top level was asked for. LlamaIndex makes
    /// one when it first looks for it, so that its place in the file is decided
    /// by that, also where it is filled much later. One that stays empty is not
    /// made.
    pub fn touch(&self, path: &CollectionPath) {
        let [name] = path.steps() else {
            return;
        };
        let is_there = self
            .newest()
            .is_some_and(|newest| newest.numbers.contains_key(path));
        if !is_there && self.other_member(path).is_none() {
            self.pending.touch(name);
        }
    }
}
