//! Temporary files in a persist directory: their names and permissions, and
//! how leftovers go.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    disk,
    error::{Error, Result},
    persist_dir::names::random,
};

/// Names of temporary files and directories of ours begin so …
const PREFIX: &str = ".twinstore-tmp-";
/// … and go on with this many random letters and digits.
const RANDOM: usize = 12;

/// Whether a file of this name is a temporary one of ours, and can be nothing
/// else.
pub(crate) fn is_temp(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX).unwrap_or_default();
    random.len() == RANDOM && random.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// A path in `dir` for a temporary file or directory, which nothing has yet.
///
/// # Errors
/// [`Error::Io`], when the system has no randomness to give.
pub(crate) fn fresh_path(dir: &Path) -> Result<PathBuf> {
    let mut number = random().map_err(Error::io("name a new file in", dir))?;
    let mut name = PREFIX.to_owned();
    for _ in 0..RANDOM {
        // A digit to the base 36.
        name.extend(char::from_digit((number % 36) as u32, 36));
        number /= 36;
    }
    Ok(dir.join(name))
}

/// A temporary file, which is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct TempFile {
    path: PathBuf,
    is_ours: bool,
}

impl TempFile {
    /// Creates it in `dir`, with the permissions that any new file has.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn create(dir: &Path) -> Result<(disk::File, TempFile)> {
        let path = fresh_path(dir)?;
        let file = disk::create(&path).map_err(Error::io("create a file in", dir))?;
        let is_ours = true;
        Ok((file, TempFile { path, is_ours }))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// It was renamed: there is nothing left to remove.
    pub(crate) fn renamed(mut self) {
        self.is_ours = false;
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if self.is_ours {
            // What stays behind is removed by the next run.
            let _ = disk::remove_file(&self.path);
        }
    }
}

/// Removes what an interrupted run left. The lock is held, so that no other
/// run is using them; what cannot be removed does no harm.
pub(crate) fn remove_leftovers(dir: &Path) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for entry in entries {
        if is_temp(&entry.file_name().to_string_lossy()) {
            let _ = disk::remove_file(&entry.path());
        }
    }
}
