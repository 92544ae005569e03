//! The lock that at most one writer of a twin holds.
//!
//! It is the system's lock on `twin/LOCK`, released when its holder dies in
//! whatever way; the file itself is empty and stays. Readers never take it.
//!
//! The lock belongs to the process that acquired it. A forked child inherits
//! the open file, hence a share in the lock, but not the right to write: its
//! calls fail, and dropping its copy releases nothing. The parent releases
//! explicitly, because closing alone would leave the lock with the child.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    process,
};

use super::names::LOCK;
use crate::{
    disk,
    error::{Error, Result},
};

/// A held lock. Dropping it releases it.
#[derive(Debug)]
pub struct Lock {
    file: File,
    twin_dir: PathBuf,
    /// The process that acquired it.
    owner: u32,
}

impl Lock {
    /// Takes the lock of the twin in `twin_dir`, or fails at once.
    ///
    /// # Errors
    /// [`Error::Locked`] when it is held, by another process or by another
    /// part of this one; [`Error::Io`].
    pub fn acquire(twin_dir: &Path) -> Result<Lock> {
        let path = twin_dir.join(LOCK);
        let file = open(&path).map_err(Error::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock {
                file,
                twin_dir: twin_dir.to_owned(),
                owner: process::id(),
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { path }),
            Err(TryLockError::Error(e)) => Err(Error::io("lock", path)(e)),
        }
    }

    /// The directory that is locked.
    #[must_use]
    pub fn twin_dir(&self) -> &Path {
        &self.twin_dir
    }

    /// Checks that this is still the process that acquired the lock. Every
    /// step that changes the directory asks first.
    ///
    /// # Errors
    /// [`Error::Forked`].
    pub fn check_owner(&self) -> Result<()> {
        if self.owner == process::id() {
            return Ok(());
        }
        Err(Error::Forked {
            dir: self.twin_dir.clone(),
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.owner == process::id() {
            // If this fails, closing the file releases the lock all the same,
            // unless a forked child still has it open.
            let _ = self.file.unlock();
        }
    }
}

/// Opens the lock file, creating it if it is missing; never through a link.
fn open(path: &Path) -> io::Result<File> {
    match disk::create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    disk::open_lock(path)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    use super::*;

    const CHILD_DIR: &str = "TWINSTORE_TEST_LOCK_DIR";

    #[test]
    fn a_second_taker_is_refused_until_the_first_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::acquire(dir.path()).unwrap();
        first.check_owner().unwrap();
        assert!(matches!(
            Lock::acquire(dir.path()),
            Err(Error::Locked { .. })
        ));
        let other = std::thread::scope(|s| s.spawn(|| Lock::acquire(dir.path())).join().unwrap());
        assert!(matches!(other, Err(Error::Locked { .. })));
        drop(first);
        Lock::acquire(dir.path()).unwrap();
    }

    /// Not a test of its own: the process that the next test starts.
    #[test]
    fn child_holds_the_lock() {
        let Some(dir) = std::env::var_os(CHILD_DIR) else {
            return;
        };
        let _lock = Lock::acquire(Path::new(&dir)).unwrap();
        println!("\nheld");
        let _ = io::stdin().lines().next();
    }

    #[test]
    fn a_killed_process_holds_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child_holds_the_lock", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let held = lines.map_while(io::Result::ok).any(|line| line == "held");
        assert!(held, "the child did not get the lock");
        let refused = Lock::acquire(dir.path());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(matches!(refused, Err(Error::Locked { .. })));
        Lock::acquire(dir.path()).unwrap();
    }

    /// What a fork leaves in the child: the same open file, another process.
    fn as_seen_by_a_child(lock: &Lock) -> Lock {
        Lock {
            file: lock.file.try_clone().unwrap(),
            twin_dir: lock.twin_dir.clone(),
            owner: process::id() + 1,
        }
    }

    #[test]
    fn a_forked_copy_neither_owns_nor_releases() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path()).unwrap();
        let copy = as_seen_by_a_child(&lock);
        assert!(matches!(copy.check_owner(), Err(Error::Forked { .. })));
        drop(copy);
        assert!(matches!(
            Lock::acquire(dir.path()),
            Err(Error::Locked { .. })
        ));
        // A child that outlives its parent must not keep the lock.
        let copy = as_seen_by_a_child(&lock);
        drop(lock);
        Lock::acquire(dir.path()).unwrap();
        drop(copy);
    }

    #[cfg(unix)]
    #[test]
    fn a_dangling_link_creates_nothing_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, dir.path().join(LOCK)).unwrap();
        assert!(matches!(Lock::acquire(dir.path()), Err(Error::Io { .. })));
        assert!(!elsewhere.exists());
    }
}
