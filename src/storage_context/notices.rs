//! How the JSON files stand to the twin when a context is opened; the column
//! "open" of the table in `docs/FORMAT.md`.

use std::{fmt, fs, path::Path};

use crate::{
    convert::store_kind,
    error::{Error, Result, SyncProblem},
    persist_dir::{JsonDamage, Manifest, State, SyncFile, TWIN, state},
};

/// What was odd about a JSON file and did not stop a context from being opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// It was touched, but seems to hold what the twin holds.
    Touched {
        /// The file's name.
        file: String,
    },
    /// It is empty or cut. The twin is whole, and is what is read.
    JsonDamaged {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        why: JsonDamage,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Touched { file } => write!(
                f,
                "{file} was touched since it was packed, but seems to hold the same; `twinstore pack` makes sure"
            ),
            Notice::JsonDamaged { file, why } => {
                let what = match why {
                    JsonDamage::Empty => "is empty",
                    JsonDamage::Cut => "is cut",
                };
                write!(
                    f,
                    "{file} {what}; its twin is read, and `twinstore unpack` restores the file"
                )
            }
        }
    }
}

/// Compares those JSON stores of `dir` that matter with the newest generation, at a
/// cost that does not depend on their size.
///
/// # Errors
/// [`Error::OutOfSync`], [`Error::Io`].
pub(super) fn compare(
    dir: &Path,
    manifest: &Manifest,
    matters: &dyn Fn(&str) -> bool,
) -> Result<Vec<Notice>> {
    // What is lost with a damaged `sync` is time.
    let (sync, _) = SyncFile::load(&dir.join(TWIN));
    let mut notices = Vec::new();
    for store in manifest.stores.iter().filter(|s| matters(&s.file)) {
        let file = store.file.clone();
        let problem = match state(dir, store, &sync)? {
            State::InSync | State::BinaryNewer | State::JsonAbsent => continue,
            State::Touched => {
                notices.push(Notice::Touched { file });
                continue;
            }
            State::JsonDamaged { why } => {
                notices.push(Notice::JsonDamaged { file, why });
                continue;
            }
            State::JsonNewer => SyncProblem::JsonNewer,
            State::Diverged => SyncProblem::Diverged,
        };
        return Err(Error::OutOfSync {
            path: dir.join(file),
            problem,
        });
    }
    let list = || Error::io("list", dir);
    for entry in fs::read_dir(dir).map_err(list())? {
        let entry = entry.map_err(list())?;
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        let is_new = store_kind(&file).is_some() && manifest.store(&file).is_none();
        // A store that was added later is news, too. LlamaIndex would read it.
        if is_new && matters(&file) && entry.path().is_file() {
            return Err(Error::OutOfSync {
                path: entry.path(),
                problem: SyncProblem::NotPacked,
            });
        }
    }
    Ok(notices)
}
