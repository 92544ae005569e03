//! What META says of a vector segment.

use bincode::{Decode, Encode};

use crate::{
    ids::IdsMeta,
    json::JsonStyle,
    orders::{Order, Sequence},
    planes::PlaneMeta,
};

/// The maps of a vector store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Map {
    /// `embedding_dict`
    Embeddings,
    /// `text_id_to_ref_doc_id`
    RefDocs,
    /// `metadata_dict`
    Metadata,
}

impl Map {
    /// All maps; parts of sections are in this order.
    pub(crate) const ALL: [Map; 3] = [Map::Embeddings, Map::RefDocs, Map::Metadata];
}

/// A member of the file's top-level object. Keys are tokens, as written.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Member {
    /// One of the maps.
    Map { map: Map, key: Vec<u8> },
    /// Anything else, with the text of its value.
    Other { key: Vec<u8>, value: Vec<u8> },
}

/// Size and order of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct MapMeta {
    pub(crate) entries: u32,
    pub(crate) order: Order,
    pub(crate) sequence: Sequence,
}

/// The META section.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct VectorsMeta {
    pub(crate) style: JsonStyle,
    pub(crate) members: Vec<Member>,
    pub(crate) ids: IdsMeta,
    pub(crate) plane: PlaneMeta,
    pub(crate) vectors: MapMeta,
    pub(crate) ref_docs: MapMeta,
    pub(crate) metadata: MapMeta,
}

/// Which part of an entry is spelled in another way than the style's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(crate) enum Part {
    Key,
    Value,
}

/// A token that the style does not print back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Oddment {
    pub(crate) map: Map,
    pub(crate) entry: u32,
    pub(crate) part: Part,
    pub(crate) text: Vec<u8>,
}

impl Oddment {
    /// Oddments are sorted by this.
    pub(crate) fn place(&self) -> (Map, u32, Part) {
        (self.map, self.entry, self.part)
    }
}
