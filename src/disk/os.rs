//! The operating system's disk.

#![allow(
    clippy::disallowed_methods,
    reason = "what all other modules call instead"
)]

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use super::Disk;

/// The disks of the operating system, through `std::fs`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Os;

impl Disk for Os {
    fn create(&self, path: &Path) -> io::Result<fs::File> {
        fs::File::create_new(path)
    }

    fn append(&self, _: &Path, mut file: &fs::File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn set_permissions(
        &self,
        _: &Path,
        file: &fs::File,
        permissions: fs::Permissions,
    ) -> io::Result<()> {
        file.set_permissions(permissions)
    }

    fn sync(&self, _: &Path, file: &fs::File) -> io::Result<()> {
        file.sync_all()
    }

    #[cfg(unix)]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        super::open_dir(dir)?.sync_all()
    }

    /// Windows has no such call and opens no directory for it: NTFS logs changes of
    /// names itself.
    #[cfg(not(unix))]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        fs::metadata(dir).map(drop)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let temp = tempfile::TempPath::try_from_path(from)?;
        temp.persist_noclobber(to).map_err(|e| {
            // Dropped, it would remove the file.
            let _ = e.path.keep();
            e.error
        })
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut source = super::open(from)?;
        let mut target = fs::File::create_new(to)?;
        io::copy(&mut source, &mut target)?;
        target.set_permissions(source.metadata()?.permissions())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir(dir)
    }
}

/// Opens a file only to sync it.
pub(super) fn open_to_sync(path: &Path) -> io::Result<fs::File> {
    // Windows flushes only through a handle that may write.
    match cfg!(windows) {
        true => fs::File::options().read(true).write(true).open(path),
        false => super::open(path),
    }
}

/// Sends the bytes of a file to the disk. That is no [`Disk::sync`]: nothing relies on it.
pub(super) fn send(file: &fs::File) -> io::Result<()> {
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_kept_and_so_is_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        for refused in [
            Os.rename_new(&from, &to),
            Os.copy(&from, &to),
            Os.create(&to).map(drop),
        ] {
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read_to_string(&to).unwrap(), "old");
        Os.remove_file(&to).unwrap();
        Os.rename_new(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "new");
        Os.copy(&to, &from).unwrap();
        assert_eq!(fs::read_to_string(&from).unwrap(), "new");
    }
}
