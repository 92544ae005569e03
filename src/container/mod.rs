//! The container: the outer form of every binary file of a twin.
//!
//! A container is a header, a run of 64-byte-aligned *sections*, a table of
//! CRCs over blocks of 64 KiB, a table of the sections, and a trailer.
//! `docs/FORMAT.md` draws it to the byte. What is here:
//!
//! * [`Container`] opens one in constant time and hands out verified bytes
//!   (`read.rs`); [`ContainerWriter`] is its twin (`write.rs`);
//! * `check.rs` verifies a whole file and names what is damaged;
//! * [`codec`] encodes small structured metadata;
//! * [`record`] is a container that holds one such value (manifest, sync).
//!
//! It knows what a section is, not what sections mean.

mod check;
pub mod codec;
pub(crate) mod format;
mod read;
pub mod record;
mod write;

pub(crate) use format::FieldReader;
pub use format::{FileKind, SectionKind};
pub use read::{Container, Expected, OpenOptions, Span, Verify};
pub use write::{ContainerWriter, Written};
