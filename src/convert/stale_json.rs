//! JSON files that hold an older state and are not written anew: they get another
//! name, so that nobody takes them for the state of today.

use std::path::Path;

use crate::{
    disk,
    error::{Error, Result, SyncProblem},
    persist_dir::{Stat, SyncFile, durable},
};

/// Renames the file `file` of `dir` to `file.stale`, in the place of an earlier one,
/// if it still is as it was `seen`.
///
/// # Errors
/// [`Error::OutOfSync`] when it changed meanwhile; [`Error::Io`].
pub(crate) fn set_aside(dir: &Path, file: &str, seen: &Stat, sync: &mut SyncFile) -> Result<()> {
    let path = dir.join(file);
    if !Stat::of(&path)?.is_some_and(|now| now.same(seen)) {
        let problem = SyncProblem::Changing;
        return Err(Error::OutOfSync { path, problem });
    }
    let stale = dir.join(format!("{file}.stale"));
    disk::rename(&path, &stale).map_err(Error::io("rename", &path))?;
    sync.record_dropped(file);
    durable::sync_dir(dir)
}
