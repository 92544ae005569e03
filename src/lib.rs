//! twinstore keeps a compact binary twin beside the JSON that LlamaIndex
//! persists, and converts between the two without losing a byte.
//!
//! ```
//! use twinstore::{
//!     container::OpenOptions,
//!     convert::{PackOptions, Silent, UnpackOptions, pack, unpack},
//!     persist_dir::Snapshot,
//!     segment::VectorSegment,
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
//! let twin = Snapshot::open(&dir, None, &OpenOptions::default())?;
//! let segments = twin.store("default__vector_store.json")?.segments()?;
//! let vectors = VectorSegment::open(segments[0].clone())?;
//! let id = vectors.id(0)?;
//! assert_eq!(vectors.get(&id)?.unwrap().len(), 384);
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
//! The layers, each importing only those before it: [`error`], [`bytes`],
//! [`json`], [`container`], `blocks`, `ids`, `columns`, `planes`,
//! `orders`, `hashes`, [`segment`], [`persist_dir`], [`search`], [`store`], [`convert`]. `ARCHITECTURE.md`
//! walks through them; `docs/FORMAT.md` defines every byte on disk.

mod blocks;
pub mod bytes;
mod columns;
pub mod container;
pub mod convert;
pub mod error;
mod hashes;
mod ids;
pub mod json;
mod orders;
pub mod persist_dir;
mod planes;
pub mod search;
pub mod segment;
pub mod storage_context;
pub mod store;
#[cfg(test)]
mod testing;

pub use error::{Error, Result};
pub use storage_context::{
    DEFAULT_VECTOR_STORE, Index, NodeWithScore, Notice, StorageContext, load_graph_from_storage,
    load_index_from_storage, load_indices_from_storage,
};
