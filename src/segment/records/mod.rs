//! Record segments: the collections of a JSON file, each a list of records
//! that are read one at a time.
//!
//! A *record* is a value of `docstore/data`, say, or an entry of an index
//! struct's `nodes_dict`. It is stored as *packed text*: JSON in normal form
//! in which ids, hashes, arrays of numbers, documents in strings and repeated
//! parts are replaced by ops, bytes that normal form does not have. Packed
//! texts are items of compressed blocks (`blocks/`).
//!
//! ```text
//! text ─ walk ─┬─ survey  (first walk)   ids, common arrays, samples
//!              └─ pack    (second walk)  packed text ─ write ─> file
//! file ─ read ─ unpack ─ printing ─> text
//! ```
//!
//! `survey.rs` and `pack.rs` are the two users of `walk.rs`, which takes
//! values apart, so that they agree. `pack.rs` and `unpack.rs` are twins, and so
//! are `write.rs` and `read.rs`. What a collection means to LlamaIndex is not
//! known here: `convert/records` says which parts of a file are collections.

mod compression;
#[cfg(test)]
pub(crate) mod forge;
mod format;
mod intake;
mod ops;
mod pack;
mod printing;
mod read;
mod samples;
mod styles;
mod survey;
mod unpack;
mod walk;
mod write;

#[cfg(test)]
mod tests;

pub use compression::Compression;
pub(crate) use format::{Parent, RecordMember};
pub(crate) use intake::{Place, Records, Wanted};
pub(crate) use printing::{MAX_PRINTED, Printing};
pub use read::RecordSegment;
pub(crate) use read::RecordWalk;
pub(crate) use survey::Survey;
pub(crate) use unpack::Expanded;
pub(crate) use write::RecordsWriter;
