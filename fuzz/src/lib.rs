//! Fuzz targets: each a plain function of bytes that panics where something that must
//! hold does not. README.md says what each is about.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

// What inputs are made of, and looked at with.
mod bases;
mod choices;
mod cpython;
mod documents;
mod failing_disk;
mod forge;
mod naive;
mod plain;
mod reading;
mod scratch;
mod spelled;
mod stacked;
mod stores;

// The targets.
pub mod columns_filters;
pub mod commands;
pub mod container_open;
pub mod json_scanner;
pub mod manifest;
pub mod pack_unpack;
pub mod query;
pub mod record_segment;
pub mod stateful;
pub mod style;
pub mod sync;
pub mod tombstones;
pub mod vector_segment;

/// A target: what is done with an input.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("json_scanner", json_scanner::run),
    ("style", style::run),
    ("pack_unpack", pack_unpack::run),
    ("container_open", container_open::run),
    ("vector_segment", vector_segment::run),
    ("record_segment", record_segment::run),
    ("tombstones", tombstones::run),
    ("manifest", manifest::run),
    ("sync", sync::run),
    ("columns_filters", columns_filters::run),
    ("query", query::run),
    ("commands", commands::run),
    ("stateful", stateful::run),
];

/// Every file that targets start from, as it is and taken apart and put together.
pub fn each_base(mut each: impl FnMut(&[u8], &[u8])) {
    for ((_, bytes), parts) in bases::files().zip(bases::bases()) {
        each(bytes, &parts.clone().assemble().0);
    }
}
