//! The container: the outer form of every binary file of a twin.
//!
//! A container is a header, a run of 64-byte-aligned *sections*, a table of
//! CRCs over blocks of 64 KiB, a table of the sections, and a trailer.
//! `docs/FORMAT.md` draws it to the byte. What is here:
//!
//! * [`Container`] opens one in constant time (`open.rs`) and hands out
//!   verified bytes (`read.rs`); [`ContainerWriter`] is its twin (`write.rs`);
//! * `kinds.rs` lists the kinds of files and sections, `format.rs` has the
//!   fixed parts;
//! * `check.rs` verifies a whole file and names what is damaged; `mend.rs` sets right what
//!   can be told of a damaged one;
//! * [`codec`] encodes small structured metadata;
//! * [`record`] is a container that holds one such value (manifest, sync).
//!
//! It knows what a section is, not what sections mean.

mod check;
pub mod codec;
mod format;
mod kinds;
mod mend;
mod open;
mod read;
pub mod record;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use format::FieldReader;
pub use kinds::{FileKind, SectionKind};
pub(crate) use mend::{Mended, mend, mend_alone};
pub use open::{Container, Expected, OpenOptions, Verify};
pub(crate) use read::InPlace;
pub use read::Span;
pub use write::{ContainerWriter, Written};
