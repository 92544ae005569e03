//! Other disks than the operating system's, for tests of crashes and failures.
//!
//! As SQLite's VFS does, but by directory: what is below a directory that was
//! mounted is done by the [`Disk`] given with it. Tests in one process do not disturb
//! each other so, and no function of this crate takes a disk.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use super::{Disk, Os};

static MOUNTED: RwLock<Vec<(PathBuf, Arc<dyn Disk>)>> = RwLock::new(Vec::new());

/// Until this is dropped, the disk is in the place of the operating system's.
#[derive(Debug)]
#[must_use]
pub struct Mounted {
    root: PathBuf,
}

/// Puts a disk in the place of the operating system's for everything whose path
/// begins with `root`, as it is spelled.
pub fn mount(root: impl Into<PathBuf>, disk: Arc<dyn Disk>) -> Mounted {
    let root = root.into();
    let mut mounted = MOUNTED.write().unwrap_or_else(PoisonError::into_inner);
    mounted.push((root.clone(), disk));
    Mounted { root }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let mut mounted = MOUNTED.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = mounted.iter().rposition(|(root, _)| *root == self.root) {
            mounted.remove(at);
        }
    }
}

/// The disk that a path is on: of several, the one that was mounted last.
pub(super) fn of(path: &Path) -> Arc<dyn Disk> {
    let mounted = MOUNTED.read().unwrap_or_else(PoisonError::into_inner);
    let found = mounted
        .iter()
        .rev()
        .find(|(root, _)| path.starts_with(root));
    found.map_or_else(
        || Arc::new(Os) as Arc<dyn Disk>,
        |(_, disk)| Arc::clone(disk),
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, io};

    use super::*;
    use crate::disk;

    /// A disk on which nothing can be changed.
    #[derive(Debug)]
    struct ReadOnly;

    fn refused<T>() -> io::Result<T> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    impl Disk for ReadOnly {
        fn create(&self, _: &Path) -> io::Result<fs::File> {
            refused()
        }
        fn append(&self, _: &Path, _: &fs::File, _: &[u8]) -> io::Result<usize> {
            refused()
        }
        fn set_permissions(&self, _: &Path, _: &fs::File, _: fs::Permissions) -> io::Result<()> {
            refused()
        }
        fn sync(&self, _: &Path, _: &fs::File) -> io::Result<()> {
            refused()
        }
        fn sync_dir(&self, _: &Path) -> io::Result<()> {
            refused()
        }
        fn create_dir(&self, _: &Path) -> io::Result<()> {
            refused()
        }
        fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
            refused()
        }
        fn rename_new(&self, _: &Path, _: &Path) -> io::Result<()> {
            refused()
        }
        fn hard_link(&self, _: &Path, _: &Path) -> io::Result<()> {
            refused()
        }
        fn copy(&self, _: &Path, _: &Path) -> io::Result<()> {
            refused()
        }
        fn remove_file(&self, _: &Path) -> io::Result<()> {
            refused()
        }
        fn remove_dir(&self, _: &Path) -> io::Result<()> {
            refused()
        }
    }

    #[test]
    fn a_disk_is_that_of_one_directory_for_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, beside) = (dir.path().join("ours"), dir.path().join("ours-not"));
        let mounted = mount(&ours, Arc::new(ReadOnly));
        let refused = disk::create_dir(&ours).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ReadOnlyFilesystem);
        disk::create_dir(&beside).unwrap();
        drop(mounted);
        disk::create_dir(&ours).unwrap();
        disk::remove_dir(&ours).unwrap();
    }
}
