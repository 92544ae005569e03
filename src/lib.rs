//! twinstore keeps a compact binary twin beside the JSON that LlamaIndex
//! persists, and converts between the two without losing a byte.
pub mod blocks;
pub mod bytes;
pub mod columns;
pub mod container;
pub mod convert;
pub mod error;
pub mod ids;
pub mod json;
pub mod persist_dir;
pub mod planes;
pub mod segment;

pub use error::{Error, Result};
