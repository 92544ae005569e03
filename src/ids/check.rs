//! Checks what single lookups do not notice.

use super::IdColumn;
use crate::error::{Fault, Result};

impl IdColumn {
    /// Looks every id up: each must lead to its own row.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged),
    /// [`Error::Io`](crate::Error::Io).
    pub(crate) fn check_lookups(&self) -> Result<()> {
        let mut id = Vec::new();
        for row in 0..self.meta.rows {
            id.clear();
            self.get(row, &mut id)?;
            if self.find(&id)? != Some(row) {
                let fault = Fault::Value("an id that is not found");
                return Err(self.file.damaged(self.lookup, 0, fault));
            }
        }
        Ok(())
    }
}
