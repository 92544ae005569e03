//! Segments: immutable binary files made of the parts below.
//!
//! * [`VectorSegment`] holds a vector store: ids, plane, metadata columns;
//! * [`VerbatimSegment`] holds any file, compressed as it is.
//!
//! A segment knows nothing of directories, manifests or other segments. Each
//! kind has a `format`, a `read` and a `write` file; the last two are twins.

mod vectors;
mod verbatim;

pub(crate) use vectors::{Attempt, Map, Member, OddmentWalk, Part, VectorWriter};
pub use vectors::{Metadata, NotStructural, NumberClasses, VectorSegment};
pub use verbatim::VerbatimSegment;
pub(crate) use verbatim::VerbatimWriter;
