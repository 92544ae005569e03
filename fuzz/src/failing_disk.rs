//! A disk whose calls fail when they are told to.

use std::{
    fs, io,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use twinstore::disk::{Disk, Os};

use super::choices::Choices;

const EINTR: i32 = 4;
const EIO: i32 = 5;
const EACCES: i32 = 13;
const ENOSPC: i32 = 28;

/// Which calls fail.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// So many succeed before.
    after: usize,
    /// All later ones fail, too.
    is_lasting: bool,
    /// As the system numbers errors.
    errno: i32,
}

impl Fault {
    pub fn chosen(choices: &mut Choices<'_>) -> Fault {
        let errno = choices.pick(&[EIO, ENOSPC, EACCES, EINTR]);
        Fault {
            after: choices.of(96),
            // What was interrupted is tried again, for ever.
            is_lasting: choices.once_in(2) && errno != EINTR,
            errno,
        }
    }
}

/// The operating system's disk, with faults.
#[derive(Debug, Default)]
pub struct FailingDisk {
    fault: Mutex<Option<Fault>>,
    has_failed: AtomicBool,
}

impl FailingDisk {
    /// Makes later calls fail, or lets all succeed.
    pub fn set(&self, fault: Option<Fault>) {
        *self.fault() = fault;
    }

    fn fault(&self) -> MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether any call failed so far.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// One more call; whether it fails.
    fn call(&self) -> io::Result<()> {
        let mut fault = self.fault();
        match &mut *fault {
            None => Ok(()),
            Some(Fault { after: 0, .. }) => {
                let Fault {
                    is_lasting, errno, ..
                } = fault.unwrap();
                if !is_lasting {
                    *fault = None;
                }
                self.has_failed.store(true, Ordering::Relaxed);
                Err(io::Error::from_raw_os_error(errno))
            }
            Some(fault) => {
                fault.after -= 1;
                Ok(())
            }
        }
    }
}

impl Disk for FailingDisk {
    fn create(&self, path: &Path) -> io::Result<fs::File> {
        self.call()?;
        Os.create(path)
    }

    /// Of what could not be written, half is there.
    fn append(&self, path: &Path, file: &fs::File, bytes: &[u8]) -> io::Result<usize> {
        if let Err(e) = self.call() {
            if e.kind() != io::ErrorKind::Interrupted {
                Os.append(path, file, &bytes[..bytes.len() / 2])?;
            }
            return Err(e);
        }
        Os.append(path, file, bytes)
    }

    fn set_permissions(
        &self,
        path: &Path,
        file: &fs::File,
        permissions: fs::Permissions,
    ) -> io::Result<()> {
        self.call()?;
        Os.set_permissions(path, file, permissions)
    }

    fn sync(&self, path: &Path, file: &fs::File) -> io::Result<()> {
        self.call()?;
        Os.sync(path, file)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?;
        Os.sync_dir(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?;
        Os.create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        Os.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        Os.rename_new(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        Os.hard_link(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        Os.copy(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        Os.remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.call()?;
        Os.remove_dir(dir)
    }
}
