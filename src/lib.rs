//! twinstore keeps a compact binary twin beside the JSON that LlamaIndex
//! persists, and converts between the two without losing a byte.
//!
//! ```
//! use twinstore::{
//!     StorageContext,
//!     convert::{PackOptions, Silent, UnpackOptions, pack, unpack},
//!     search::VectorStoreQuery,
//! };
//!
//! # let temp = tempfile::tempdir().unwrap();
//! # let dir = temp.path().join("storage");
//! # std::fs::create_dir(&dir).unwrap();
//! # for file in std::fs::read_dir("examples/storage").unwrap() {
//! #     let file = file.unwrap();
//! #     if file.path().is_file() { std::fs::copy(file.path(), dir.join(file.file_name())).unwrap(); }
//! # }
//! // Make the twin of a persist directory. The JSON files stay.
//! pack(&dir, &PackOptions::default(), &Silent)?;
//!
//! // Open it: this maps files and parses nothing.
//! let context = StorageContext::from_persist_dir(&dir)?;
//! let vectors = context.vector_store("default")?;
//! let id = b"b8134e77-a4c9-427d-af6c-72f9b192e0d9";
//! let embedding = vectors.get(id)?.unwrap();
//! assert_eq!(embedding.len(), 384);
//!
//! // Ask for what is near to a vector, as LlamaIndex would.
//! let hits = vectors.query(&VectorStoreQuery::new(&embedding).top_k(3))?;
//! assert_eq!(hits[0].id, id);
//! let node = context.docstore()?.get(&hits[1].id)?.unwrap();
//! assert_eq!(node.class_name(), "TextNode");
//!
//! // Print the JSON files again, byte for byte.
//! let out = dir.with_file_name("copy");
//! let options = UnpackOptions { out: Some(out.clone()), ..UnpackOptions::default() };
//! unpack(&dir, &options, &Silent)?;
//! # let name = "default__vector_store.json";
//! # assert!(std::fs::read(dir.join(name)).unwrap() == std::fs::read(out.join(name)).unwrap());
//! # Ok::<(), twinstore::Error>(())
//! ```
//!
//! The layers, each importing only those before it: [`error`], `in_order`, [`disk`], [`bytes`],
//! [`json`], [`container`], `blocks`, `ids`, `columns`, `planes`,
//! `sketches`, `orders`, `hashes`, [`segment`], [`persist_dir`], [`search`], [`store`], [`convert`],
//! [`storage_context`], `cli` (with the feature of that name). `ARCHITECTURE.md` walks through them; `docs/FORMAT.md` defines every byte on disk.

// What changes files goes through `disk`. Tests make files as they like.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod blocks;
pub mod bytes;
#[cfg(feature = "cli")]
pub mod cli;
mod columns;
pub mod container;
pub mod convert;
pub mod disk;
pub mod error;
mod hashes;
mod ids;
mod in_order;
pub mod json;
mod orders;
pub mod persist_dir;
mod planes;
pub mod search;
pub mod segment;
mod sketches;
pub mod storage_context;
pub mod store;
#[cfg(test)]
mod testing;

pub use error::{Error, Result};
pub use storage_context::{
    DEFAULT_VECTOR_STORE, Index, NodeWithScore, Notice, StorageContext, load_graph_from_storage,
    load_index_from_storage, load_indices_from_storage,
};
