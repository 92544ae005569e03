//! A new file while it is being written.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::of;

/// A new file, which is written from its beginning to its end.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    file: fs::File,
}

impl File {
    pub(super) fn new(path: &Path, file: fs::File) -> File {
        let path = path.to_owned();
        File { path, file }
    }

    /// [`Disk::set_permissions`](super::Disk::set_permissions).
    ///
    /// # Errors
    /// The system's.
    pub fn set_permissions(&self, permissions: fs::Permissions) -> io::Result<()> {
        of(&self.path).set_permissions(&self.path, &self.file, permissions)
    }

    /// Makes what was written durable, but not the name.
    ///
    /// # Errors
    /// The system's. Never try again: the kernel may have dropped the bytes.
    pub fn sync(&self) -> io::Result<()> {
        of(&self.path).sync(&self.path, &self.file)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        of(&self.path).append(&self.path, &self.file, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
