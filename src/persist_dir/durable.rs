//! The few steps that make a change to a directory survive a power loss.
//!
//! A file's own sync covers its bytes, not its name: the name is durable only
//! once the *directory* was synced. What syncs files is elsewhere
//! (`container/write.rs`); what creates, renames and removes names is here.
//!
//! A sync that failed is never tried again: the kernel may have dropped the
//! bytes and would report success (see [`Error::Poisoned`]).

use std::{io, path::Path};

use crate::{
    disk,
    error::{Error, Result},
};

/// Makes names created, renamed or removed in the directory `dir` durable.
///
/// # Errors
/// [`Error::Io`].
pub fn sync_dir(dir: &Path) -> Result<()> {
    disk::sync_dir(dir).map_err(Error::io("sync", dir))
}

/// Syncs a file that is closed already.
///
/// # Errors
/// [`Error::Io`].
pub fn sync_file(path: &Path) -> Result<()> {
    disk::sync_file(path).map_err(Error::io("sync", path))
}

/// Creates a directory whose parent exists, unless it is there.
///
/// The parent is synced in either case: the directory may be there because an
/// earlier process died between creating it and syncing its name.
///
/// # Errors
/// [`Error::Io`].
pub fn create_dir(dir: &Path) -> Result<()> {
    match disk::create_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        other => other.map_err(Error::io("create", dir))?,
    }
    sync_parent(dir)
}

/// Replaces `target` by the finished, synced file `temp` of the same
/// directory. Whoever opens `target` meanwhile sees the old or the new file,
/// whole.
///
/// # Errors
/// [`Error::Io`]; `temp` is left for the caller to remove.
pub fn replace(temp: &Path, target: &Path) -> Result<()> {
    disk::rename(temp, target).map_err(Error::io("replace", target))?;
    sync_parent(target)
}

/// Gives `temp` the name `target`, unless a file of that name exists; `temp`
/// is gone afterwards in either case. The caller syncs the directory.
///
/// # Errors
/// The system's; `AlreadyExists` when somebody else has the name.
pub fn publish(temp: &Path, target: &Path) -> io::Result<()> {
    disk::rename_new(temp, target).inspect_err(|_| {
        // Nothing refers to it; if it stays, the next gc removes it.
        let _ = disk::remove_file(temp);
    })
}

/// Removes a file of a directory and makes that durable.
///
/// # Errors
/// [`Error::Io`].
pub fn remove(path: &Path) -> Result<()> {
    disk::remove_file(path).map_err(Error::io("remove", path))?;
    sync_parent(path)
}

/// Syncs the directory that `path` stands in.
///
/// # Errors
/// [`Error::Io`].
pub fn sync_parent(path: &Path) -> Result<()> {
    match path.parent() {
        // The parent of a bare relative name is spelled "".
        Some(parent) if parent.as_os_str().is_empty() => sync_dir(Path::new(".")),
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn publishing_never_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a"), dir.path().join("b"));
        let target = dir.path().join("target");
        fs::write(&first, "first").unwrap();
        fs::write(&second, "second").unwrap();
        publish(&first, &target).unwrap();
        let refused = publish(&second, &target).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&target).unwrap(), "first");
        assert!(!first.exists() && !second.exists());
    }

    #[test]
    fn a_directory_that_is_there_is_fine_a_file_is_not_hidden() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("sub");
        create_dir(&sub).unwrap();
        create_dir(&sub).unwrap();
        assert!(create_dir(&sub.join("no").join("where")).is_err());
        remove(&sub.join("missing")).unwrap_err();
        sync_file(&sub.join("missing")).unwrap_err();
    }

    #[test]
    fn replacing_keeps_one_name() {
        let dir = tempfile::tempdir().unwrap();
        let (temp, target) = (dir.path().join("temp"), dir.path().join("target"));
        fs::write(&temp, "new").unwrap();
        fs::write(&target, "old").unwrap();
        replace(&temp, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        remove(&target).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
