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
//! What files a store is made of, and how they stand to the JSON, is not for
//! this layer; nor is the layout of a file as a whole (`convert/`).

mod merge;
mod records;
mod rescue;
mod rows;
mod vectors;

#[cfg(test)]
mod tests;

pub use records::{BadPath, CollectionPath, RecordStore};
pub(crate) use records::{Lookups, RecordText};
pub(crate) use rescue::{Lost, Rescue};
pub use rows::RowStore;
pub(crate) use vectors::MAP_NAMES;
pub use vectors::VectorStore;
