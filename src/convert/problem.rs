//! Something that is wrong with a file of the twin.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Error;

/// Something that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// The damaged file.
    pub file: PathBuf,
    /// The part of the file, as in `docs/FORMAT.md`; empty where the file as
    /// a whole cannot be read.
    pub section: &'static str,
    /// Byte offset in the file.
    pub offset: u64,
    /// What is wrong and what to do, in words.
    pub error: String,
}

impl Problem {
    pub(crate) fn of(file: &Path, error: &Error) -> Problem {
        let (section, offset) = match error {
            Error::Damaged { place, .. } => (place.part, place.offset),
            _ => ("", 0),
        };
        Problem {
            file: file.to_owned(),
            section,
            offset,
            error: error.to_string(),
        }
    }
}
