//! The vectors of a segment as one matrix of `f32`, where they lie.

use std::{fmt, sync::Arc};

use super::VectorSegment;
use crate::error::Result;

/// The `f32` nearest to the components of all vectors of a segment, row after row,
/// where they lie in its file: nothing is copied.
///
/// It holds the file, so it outlives the store, the context and the file's name.
/// For a row that is not of class *exact* the `f32` is near to the value and is not the
/// value, see [`NumberClasses`](super::NumberClasses) and
/// [`VectorSegment::vector`].
#[derive(Clone)]
pub struct Matrix {
    segment: Arc<VectorSegment>,
}

impl VectorSegment {
    /// All vectors as one matrix; their blocks are checked, unless the file was opened
    /// with [`Verify::Never`](crate::container::Verify). `None` where the file is read
    /// and not mapped, and on a machine that orders the bytes of a number otherwise.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged); [`Error::Io`](crate::Error::Io).
    pub fn matrix(self: &Arc<VectorSegment>) -> Result<Option<Matrix>> {
        if self.plane().mapped().is_none() {
            return Ok(None);
        }
        self.plane().nearest(0..self.vectors())?;
        Ok(Some(Matrix {
            segment: Arc::clone(self),
        }))
    }
}

impl Matrix {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.segment.vectors() as usize
    }

    /// Components of a row; 0 where there is no row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.segment.dim() as usize
    }

    /// The numbers: `rows` times `dim`. The same place in memory, aligned to 64 bytes,
    /// at every call.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        // There is a matrix only where they are mapped.
        self.segment.plane().mapped().unwrap_or_default()
    }
}

impl fmt::Debug for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Matrix");
        out.field("rows", &self.rows()).field("dim", &self.dim());
        out.finish_non_exhaustive()
    }
}
