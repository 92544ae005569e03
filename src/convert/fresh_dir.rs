//! A new directory that is there with all its files, or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::temporary;
use crate::{
    disk,
    error::{Error, Result},
    persist_dir::{durable, manifest::twin_dir},
};

/// A directory being filled, under a temporary name beside the one it gets.
pub(crate) struct FreshDir {
    path: PathBuf,
    is_ours: bool,
}

/// Refuses what is neither a new name nor an empty directory, or lies inside
/// the twin of `dir`.
///
/// # Errors
/// [`Error::TargetExists`], [`Error::TargetInTwin`].
pub(crate) fn refuse_target(dir: &Path, out: &Path) -> Result<()> {
    let is_new = match fs::symlink_metadata(out) {
        Ok(meta) if meta.is_dir() => fs::read_dir(out).is_ok_and(|mut e| e.next().is_none()),
        Ok(_) => false,
        Err(_) => true,
    };
    if !is_new || out.file_name().is_none() {
        return Err(Error::TargetExists {
            path: out.to_owned(),
        });
    }
    // What is not there cannot be the other: the caller finds that it is not.
    let twin = fs::canonicalize(twin_dir(dir));
    match (twin, fs::canonicalize(parent(out))) {
        (Ok(twin), Ok(parent)) if parent.starts_with(&twin) => Err(Error::TargetInTwin {
            path: out.to_owned(),
        }),
        _ => Ok(()),
    }
}

fn parent(out: &Path) -> &Path {
    match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

impl FreshDir {
    /// Creates it beside `out`, so that the rename stays within one file
    /// system.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn create(out: &Path) -> Result<FreshDir> {
        let parent = parent(out);
        fs::metadata(parent).map_err(Error::io("create a directory in", parent))?;
        let path = temporary::fresh_path(parent)?;
        disk::create_dir(&path).map_err(Error::io("create a directory in", parent))?;
        let is_ours = true;
        Ok(FreshDir { path, is_ours })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name. All files in it were synced.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn publish(mut self, out: &Path) -> Result<()> {
        durable::sync_dir(self.path())?;
        disk::rename(self.path(), out).map_err(Error::io("create", out))?;
        // Renamed away: there is nothing left to remove.
        self.is_ours = false;
        durable::sync_parent(out)
    }
}

impl Drop for FreshDir {
    fn drop(&mut self) {
        if !self.is_ours {
            return;
        }
        // It has files only. What cannot be removed is in nobody's way.
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let _ = disk::remove_file(&entry.path());
        }
        let _ = disk::remove_dir(&self.path);
    }
}
