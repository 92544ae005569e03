//! A new directory that is there with all its files, or not at all.
//!
//! While it is filled, its maker holds the system's lock on it. So what a process left that
//! was killed can be told from what another one is filling, and is removed by the next that
//! makes a directory beside it. (Where directories cannot be locked, it stays.)

use std::{
    fs,
    io::ErrorKind,
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
    /// Open for its lock alone.
    _held: Option<fs::File>,
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
        remove_leftovers(parent);
        loop {
            let path = temporary::fresh_path(parent)?;
            disk::create_dir(&path).map_err(Error::io("create a directory in", parent))?;
            let held = match hold(&path) {
                Hold::Held(file) => Some(file),
                Hold::Impossible => None,
                // One that looks for leftovers came first, and is removing it.
                Hold::Taken => continue,
            };
            return Ok(FreshDir {
                path,
                _held: held,
                is_ours: true,
            });
        }
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
        remove(&self.path);
    }
}

/// What came of trying to hold a directory.
enum Hold {
    /// It is the caller's until this is closed.
    Held(fs::File),
    /// It is another's, or gone.
    Taken,
    /// The system cannot lock it.
    Impossible,
}

#[cfg(unix)]
fn hold(dir: &Path) -> Hold {
    let file = match disk::open_dir(dir) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Hold::Taken,
        Err(_) => return Hold::Impossible,
    };
    match file.try_lock() {
        // Names are random: what is there now was there before.
        Ok(()) if dir.exists() => Hold::Held(file),
        Ok(()) | Err(fs::TryLockError::WouldBlock) => Hold::Taken,
        Err(fs::TryLockError::Error(_)) => Hold::Impossible,
    }
}

#[cfg(not(unix))]
fn hold(_: &Path) -> Hold {
    Hold::Impossible
}

/// Removes a directory of ours. It has files only; what cannot be removed is in nobody's way.
fn remove(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let _ = disk::remove_file(&entry.path());
    }
    let _ = disk::remove_dir(dir);
}

/// Removes what killed processes left in `parent`: directories of our names that nobody
/// holds.
fn remove_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir && temporary::is_temp(&entry.file_name().to_string_lossy()) {
            let dir = entry.path();
            if let Hold::Held(_held) = hold(&dir) {
                remove(&dir);
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        // As after kill -9: the directory is there, and its lock is gone.
        let left = parent.path().join(".twinstore-tmp-0123456789ab");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("docstore.json"), "half").unwrap();
        let others = [".twinstore-tmp-short", "twinstore-tmp-0123456789ab"];
        for other in others {
            fs::create_dir(parent.path().join(other)).unwrap();
        }
        let at_work = FreshDir::create(&parent.path().join("another")).unwrap();
        fs::write(at_work.path().join("docstore.json"), "{}").unwrap();
        assert!(!left.exists());

        let fresh = FreshDir::create(&out).unwrap();
        assert_eq!(names(at_work.path()), ["docstore.json"]);
        fresh.publish(&out).unwrap();
        drop(at_work);
        let mut expected = vec!["out"];
        expected.extend(others);
        expected.sort_unstable();
        assert_eq!(names(parent.path()), expected);
    }
}
