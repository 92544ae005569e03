//! What META says of a record segment.

use bincode::{Decode, Encode};

use crate::{
    blocks::Heap,
    hashes::HashesMeta,
    ids::IdsMeta,
    json::JsonStyle,
    orders::{Order, Sequence},
    planes::PlaneMeta,
};

/// A file with more collections than this must do without nested ones.
pub(crate) const MAX_COLLECTIONS: usize = 65_536;
/// What leads to the collections of a segment is together at most this long.
pub(crate) const MAX_PATHS: usize = 16 << 20;
/// More styles than this are not kept: later documents in strings stay strings.
pub(crate) const MAX_STYLES: usize = 64;
/// How deep collections may stand in each other.
pub(crate) const MAX_NESTING: usize = 4;

/// A member of the file's top-level object. Keys are tokens, as written.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum RecordMember {
    /// A collection, by its number.
    Collection { collection: u32, key: Vec<u8> },
    /// Anything else, with the text of its value.
    Other { key: Vec<u8>, value: Vec<u8> },
}

/// Where a nested collection stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub(crate) struct Parent {
    /// The collection that the record belongs to.
    pub(crate) collection: u32,
    /// The record's key, decoded.
    pub(crate) record: Vec<u8>,
}

/// The children of one object or array of the file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Collection {
    /// The key under which it stands, decoded.
    pub(crate) name: Vec<u8>,
    /// The record it stands in; `None` for a member of the top level.
    pub(crate) parent: Option<Parent>,
    /// Whether it is an object.
    pub(crate) keyed: bool,
    /// The style in which its records are written.
    pub(crate) style: u32,
    /// Number of its records.
    pub(crate) entries: u32,
    /// Which row of the pool each keyed record has.
    pub(crate) order: Order,
    pub(crate) sequence: Sequence,
    /// The records' packed texts.
    pub(crate) records: Heap,
}

/// Sums up the lengths of what leads to each collection.
#[derive(Debug, Default)]
pub(crate) struct PathLengths {
    each: Vec<usize>,
    sum: usize,
}

impl PathLengths {
    /// Takes the next collection; false where all paths together are too long,
    /// or where its parent is not there.
    pub(crate) fn add(&mut self, parent: Option<&Parent>, name: &[u8]) -> bool {
        let around = match parent {
            None => Some(0),
            Some(parent) => {
                let around = self.each.get(parent.collection as usize);
                around.map(|around| around.saturating_add(parent.record.len()))
            }
        };
        let Some(around) = around else {
            return false;
        };
        let length = around.saturating_add(name.len());
        self.each.push(length);
        self.sum = self.sum.saturating_add(length);
        self.sum <= MAX_PATHS
    }
}

/// The META section.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RecordsMeta {
    /// The first is that of the file, the others of JSON in strings.
    pub(crate) styles: Vec<JsonStyle>,
    pub(crate) members: Vec<RecordMember>,
    pub(crate) collections: Vec<Collection>,
    pub(crate) ids: IdsMeta,
    pub(crate) hashes: HashesMeta,
    pub(crate) planes: Vec<PlaneMeta>,
}
