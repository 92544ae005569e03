//! Checks that need every row.

use super::VectorSegment;
use crate::error::Result;

impl VectorSegment {
    /// Decodes every vector, checks its sketch and looks every id up. Metadata and ref doc ids
    /// are decoded when the text is printed.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged),
    /// [`Error::Io`](crate::Error::Io).
    pub(crate) fn check_rows(&self) -> Result<()> {
        self.ids().check_lookups()?;
        self.plane().check_rows(&|_| ())?;
        match self.sketch() {
            Some(sketch) => sketch.check_rows(self.plane()),
            None => Ok(()),
        }
    }
}
