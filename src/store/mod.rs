//! Stores: the segments of one JSON file as a whole.
//!
//! A store may have several segments, each with a part of its maps, and
//! tombstones that say which entries are gone. Here they become one again:
//! entries in the order of their sequence numbers (`merge.rs`), found by key.
//!
//! * [`RecordStore`]: collections of records, and their text;
//! * [`RowStore`]: ids with their vectors and metadata;
//! * [`VectorStore`]: LlamaIndex's vector store, over one of the two.
//!
//! Over the records stand LlamaIndex's stores: [`DocumentStore`],
//! [`IndexStore`], [`GraphStore`], [`PropertyGraphStore`], [`ChatStore`]. They
//! give typed views, such as [`Node`], that keep the JSON of a record and parse
//! what is asked of them. `record.rs`, `keyed.rs` and `build.rs` are what they share.
//!
//! What files a store is made of, and how they stand to the JSON, is not for
//! this layer; nor is the layout of a file as a whole (`convert/`).

mod build;
mod chat;
mod documents;
mod graph;
mod indices;
mod keyed;
mod merge;
mod node;
mod property_graph;
mod rebase;
mod record;
mod records;
mod rescue;
mod rows;
mod vectors;

#[cfg(test)]
mod tests;

pub use chat::{ChatMessage, ChatStore, ContentBlock, MessageRole};
pub use documents::{AddOptions, Docs, DocumentStore, NewDocument, RefDocInfo, RefDocInfos};
pub use graph::{GraphStore, RelatedPair, Triple};
pub use indices::{
    EmptyIndexStruct, Field, IndexDict, IndexDictMut, IndexDocumentSummary,
    IndexDocumentSummaryMut, IndexGraph, IndexGraphMut, IndexLPG, IndexList, IndexListMut,
    IndexStore, IndexStruct, IndexStructType, JsonText, KG, KGMut, KeywordTable, KeywordTableMut,
    MapValue, MultiModelIndexDict, PandasStructTable, SQLStructTable, StructData, StructEntries,
    StructMap, StructMapMut, StructMut,
};
pub use keyed::Keys;
pub(crate) use merge::{Doubts, Merge};
pub use node::{MediaResource, Node, NodeRelationship, NodeType, Related, RelatedNodeInfo};
pub use property_graph::{
    ChunkNode, EntityNode, LabelledNode, LabelledNodes, PropertyGraphStore, Relation, Triplet,
    TripletQuery,
};
pub(crate) use rebase::Rebase;
pub use records::{BadPath, CollectionPath, RecordStore};
pub(crate) use records::{EntryRef, Lookups, Parts, RecordText, TopMember, Walks, normal_row};
pub(crate) use rescue::{Lost, Rescue};
pub use rows::RowStore;
pub(crate) use rows::{ENTRY_DEPTH, EntryPrinter, Named, NewEntry, Stack, print_value};
pub use vectors::{ChosenRows, NewVector, SegmentVectors, Selection, VectorStore};
pub(crate) use vectors::{MAP_NAMES, VectorForm};
