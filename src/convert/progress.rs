//! How long-running calls tell how far they have come.

/// Is told what is being done. All methods do nothing unless overridden.
pub trait Progress: Sync {
    /// Work on `what` (a file name) begins; it will come to `total` bytes.
    fn begin(&self, what: &str, total: u64) {
        let _ = (what, total);
    }

    /// The work that began last has come to `bytes`.
    fn at(&self, bytes: u64) {
        let _ = bytes;
    }

    /// The work that began last is done.
    fn end(&self) {}
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
