//! Segments: immutable binary files made of the parts below.
//!
//! * [`VectorSegment`] holds a vector store: ids, plane, metadata columns;
//! * [`RecordSegment`] holds any other store: collections of records;
//! * [`VerbatimSegment`] holds any file, compressed as it is;
//! * [`TombstoneSegment`] says which entries of others are deleted.
//!
//! A segment knows nothing of directories, manifests or other segments. Each
//! kind has a `format`, a `read` and a `write` file; the last two are twins.

mod records;
mod tombstones;
mod vectors;
mod verbatim;

pub use crate::sketches::SketchPolicy;
#[cfg(test)]
pub(crate) use records::forge;
pub use records::{Compression, RecordSegment};
pub(crate) use records::{
    Expanded, MAX_PRINTED, Parent, Place, Printing, RecordMember, RecordWalk, Records,
    RecordsWriter, Survey, Wanted,
};
pub use tombstones::TombstoneSegment;
pub(crate) use tombstones::{DeadSet, TombstoneWriter};
pub(crate) use vectors::{Attempt, Member, OddmentWalk, Part, RowsEnd, VectorRows, VectorWriter};
pub use vectors::{Map, Matrix, Metadata, NotStructural, NumberClasses, VectorSegment};
pub use verbatim::VerbatimSegment;
pub(crate) use verbatim::VerbatimWriter;
