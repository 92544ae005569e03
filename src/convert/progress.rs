//! How long-running calls tell how far they have come.

use crate::error::Result;

/// Is told what is being done. All methods do nothing unless overridden.
pub trait Progress: Sync {
    /// Work on `what` (a file name) begins; it will come to `total` bytes.
    fn begin(&self, what: &str, total: u64) {
        let _ = (what, total);
    }

    /// The work that began last has come to `bytes`.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped) to stop: the call ends with it as with
    /// any error, so that what is there stays as it was before.
    fn at(&self, bytes: u64) -> Result<()> {
        let _ = bytes;
        Ok(())
    }

    /// The work that began last is done.
    fn end(&self) {}
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
