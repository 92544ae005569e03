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
//! Over the records stand LlamaIndex's stores, read side: [`DocumentStore`],
//! [`IndexStore`], [`GraphStore`], [`PropertyGraphStore`], [`ChatStore`]. They
//! give typed views, such as [`Node`], that keep the JSON of a record and parse
//! what is asked of them. `record.rs` and `keyed.rs` are what they share.
//!
//! What files a store is made of, and how they stand to the JSON, is not for
//! this layer; nor is the layout of a file as a whole (`convert/`).

mod chat;
mod documents;
mod graph;
mod indices;
mod keyed;
mod merge;
mod node;
mod property_graph;
mod record;
mod records;
mod rescue;
mod rows;
mod vectors;

#[cfg(test)]
mod tests;

pub use chat::{ChatMessage, ChatStore, ContentBlock, MessageRole};
pub use documents::{Docs, DocumentStore, RefDocInfo, RefDocInfos};
pub use graph::{GraphStore, RelatedPair, Triple};
pub use indices::{
    EmptyIndexStruct, Field, IndexDict, IndexDocumentSummary, IndexGraph, IndexLPG, IndexList,
    IndexStore, IndexStruct, IndexStructType, JsonText, KG, KeywordTable, MapValue,
    MultiModelIndexDict, PandasStructTable, SQLStructTable, StructData, StructEntries, StructMap,
};
pub use keyed::Keys;
pub use node::{MediaResource, Node, NodeRelationship, NodeType, Related, RelatedNodeInfo};
pub use property_graph::{
    ChunkNode, EntityNode, LabelledNode, LabelledNodes, PropertyGraphStore, Relation, Triplet,
    TripletQuery,
};
pub use records::{BadPath, CollectionPath, RecordStore};
pub(crate) use records::{Lookups, RecordText, TopMember};
pub(crate) use rescue::{Lost, Rescue};
pub use rows::RowStore;
pub(crate) use vectors::MAP_NAMES;
pub use vectors::VectorStore;
