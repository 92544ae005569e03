//! Where inputs become files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// A directory in memory where there is such a place and no other is asked for:
/// a target writes thousands of files a second.
pub fn temp_dir() -> TempDir {
    let memory = Path::new("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// A path in the directory of this thread. What is written there stays until
/// the next input is.
pub fn scratch(name: &str) -> PathBuf {
    thread_local! {
        static DIR: TempDir = temp_dir();
    }
    DIR.with(|dir| dir.path().join(name))
}

/// A file in the directory of this thread with these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = scratch(name);
    fs::write(&path, bytes).unwrap();
    path
}
