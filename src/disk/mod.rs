//! The disk: every change that this crate makes to files and directories.
//!
//! Files are created, written, synced, renamed and removed through the functions
//! here, and nowhere else: `clippy.toml` lists what is forbidden in other modules.
//! Reading changes nothing, so it goes to `std::fs` directly; but files are opened
//! here (`open.rs`), because a pipe may stand where a file belongs.
//!
//! One trait, [`Disk`], has all of them. It is the operating system's, [`Os`], unless
//! a test says otherwise: with the feature `simulation`, a directory can be given a
//! disk of its own (`simulation::mount`), which records what is done to it, or fails.
//! What is tested so is this crate as it is, not a version of it for tests.
//!
//! Not for: what must be synced when. That is `persist_dir/durable.rs` and who calls it.

mod file;
mod open;
mod os;
#[cfg(feature = "simulation")]
pub mod simulation;

use std::{fmt, fs, io, path::Path};

pub use file::File;
#[cfg(unix)]
pub use open::open_dir;
pub use open::{open, open_lock, open_own};
pub use os::Os;

#[cfg(feature = "simulation")]
use simulation::of;

/// What changes a disk. A path that is relative is so to the current directory.
///
/// The errors are the system's; who calls knows what to say about them.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Creates a file, which must not exist, for writing.
    ///
    /// # Errors
    /// The system's.
    fn create(&self, path: &Path) -> io::Result<fs::File>;

    /// Writes to a file that [`create`](Disk::create) gave, behind what was written
    /// before. Returns how many of the bytes were written.
    ///
    /// # Errors
    /// The system's.
    fn append(&self, path: &Path, file: &fs::File, bytes: &[u8]) -> io::Result<usize>;

    /// Sets the permissions of a file that [`create`](Disk::create) gave.
    ///
    /// # Errors
    /// The system's.
    fn set_permissions(
        &self,
        path: &Path,
        file: &fs::File,
        permissions: fs::Permissions,
    ) -> io::Result<()>;

    /// Makes the bytes of an open file durable.
    ///
    /// # Errors
    /// The system's.
    fn sync(&self, path: &Path, file: &fs::File) -> io::Result<()>;

    /// Makes names that were created, renamed or removed in a directory durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Creates a directory in one that exists.
    ///
    /// # Errors
    /// The system's.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Gives a file or directory another name, in the place of a file that has it.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name that nothing has yet.
    ///
    /// # Errors
    /// The system's; `AlreadyExists` where something has the name. The file keeps
    /// its own then.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file one more name.
    ///
    /// # Errors
    /// The system's.
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Copies a file to a name that nothing has yet.
    ///
    /// # Errors
    /// The system's.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// The system's.
    fn remove_dir(&self, dir: &Path) -> io::Result<()>;
}

/// The disk that a path is on.
#[cfg(not(feature = "simulation"))]
fn of(_: &Path) -> &'static dyn Disk {
    &Os
}

/// [`Disk::create`].
///
/// # Errors
/// The system's.
pub fn create(path: &Path) -> io::Result<File> {
    let file = of(path).create(path)?;
    Ok(File::new(path, file))
}

/// [`Disk::sync`] of a file that is closed already. Not in place of [`File::sync`]: what could
/// not be written may have been told to that one, and is told once.
///
/// # Errors
/// The system's.
pub fn sync_file(path: &Path) -> io::Result<()> {
    of(path).sync(path, &os::open_to_sync(path)?)
}

/// [`Disk::sync_dir`].
///
/// # Errors
/// The system's.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    of(dir).sync_dir(dir)
}

/// [`Disk::create_dir`].
///
/// # Errors
/// The system's.
pub fn create_dir(dir: &Path) -> io::Result<()> {
    of(dir).create_dir(dir)
}

/// [`Disk::rename`].
///
/// # Errors
/// The system's.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    of(to).rename(from, to)
}

/// [`Disk::rename_new`].
///
/// # Errors
/// The system's.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    of(to).rename_new(from, to)
}

/// [`Disk::hard_link`].
///
/// # Errors
/// The system's.
pub fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    of(to).hard_link(from, to)
}

/// [`Disk::copy`].
///
/// # Errors
/// The system's.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    of(to).copy(from, to)
}

/// [`Disk::remove_file`].
///
/// # Errors
/// The system's.
pub fn remove_file(path: &Path) -> io::Result<()> {
    of(path).remove_file(path)
}

/// [`Disk::remove_dir`].
///
/// # Errors
/// The system's.
pub fn remove_dir(dir: &Path) -> io::Result<()> {
    of(dir).remove_dir(dir)
}
