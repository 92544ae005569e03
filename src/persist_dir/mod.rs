//! The persist directory: two twins side by side.
//!
//! ```text
//! storage/                          the persist directory
//!   docstore.json                   the JSON twin: LlamaIndex's own files,
//!   default__vector_store.json …    any of which may be absent
//!   twin/                           the binary twin
//!     LOCK                          held by the one writer
//!     manifest-0000000003           one a generation: which files it is made of
//!     vec-7c1e0a5d42b9f310.seg …    segments, immutable
//!     sync                          what is known of the JSON files
//! ```
//!
//! In the order in which data flow:
//!
//! * [`names`]: the names of files, as values that cannot leave the directory;
//! * [`lock`], [`durable`]: one writer at a time; names that survive a power
//!   loss;
//! * [`fingerprint`]: what is remembered of a JSON text to recognise it;
//! * [`manifest`]: a generation, that is a list of stores, each a list of
//!   segments;
//! * [`commit`]: [`Writer`] publishes the next generation, whole or not at
//!   all;
//! * [`sync`], [`state`](mod@state): what is known of the JSON files, and the
//!   one rule that tells which twin is newer;
//! * [`snapshot`]: [`Snapshot`] opens a generation for reading;
//! * [`compaction`]: when segments are merged, and which;
//! * [`gc`]: removes what no kept generation needs.
//!
//! This layer knows that a store is some segments and a JSON file. What is in
//! the segments, and what the JSON says beyond its first and last character,
//! is not for it.

pub mod commit;
pub mod compaction;
pub mod durable;
pub mod fingerprint;
pub mod gc;
pub mod lock;
pub mod manifest;
pub mod names;
pub mod snapshot;
pub mod state;
pub mod sync;

#[cfg(test)]
mod testing;

pub use commit::Writer;
pub use compaction::{Entries, MAX_SEGMENTS};
pub use fingerprint::{Fingerprint, Fingerprinter, Samples, Seen, Stat};
pub use gc::{Collected, KEEP, collect};
pub use lock::Lock;
pub use manifest::{Form, Manifest, Packed, SegmentRef, Store, StoreKind};
pub use names::{SegmentKind, SegmentName, TWIN, is_store_file};
pub use snapshot::{OpenStore, Snapshot};
pub(crate) use snapshot::{open_files, open_segment};
pub(crate) use state::unrecorded;
pub use state::{JsonDamage, State, deep_check, state};
pub use sync::{Known, Pending, SyncEntry, SyncFile};
