//! What the unit tests of several layers need.

use std::path::Path;

use crate::error::{Error, Fault, Result};

/// A place for files that are written often and not kept: in memory where
/// there is such a place.
pub(crate) fn temp() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// What is wrong with the file that `result` was to be read from.
pub(crate) fn fault<T>(result: Result<T>) -> Fault {
    match result.map(drop) {
        Err(Error::Damaged { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}
