//! Changes made on one state of a store, made again on a newer one.

use super::CollectionPath;
use crate::error::Error;

/// Why changes cannot be made again on a newer state of a store.
#[derive(Debug)]
pub(crate) enum Rebase {
    /// The newer state has something else there, too.
    Conflict {
        /// The collection, or the map of a vector store.
        collection: CollectionPath,
        /// The key whose value both changed.
        key: Vec<u8>,
    },
    /// Something cannot be read.
    Error(Error),
}

impl From<Error> for Rebase {
    fn from(error: Error) -> Rebase {
        Rebase::Error(error)
    }
}
