//! Opening files where something else may stand in their place.
//!
//! Whoever can write to a directory can put a pipe where a file was a moment ago, and a
//! program that opens a pipe waits for ever. So no look at a name comes first: a file is
//! opened in such a way that a pipe does not wait, and then what is open is looked at.

#![allow(
    clippy::disallowed_methods,
    reason = "what all other modules call instead"
)]

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

/// Opens a regular file to read. A link is followed.
///
/// # Errors
/// The system's; `InvalidInput` where something else than a regular file is there.
pub fn open(path: &Path) -> io::Result<fs::File> {
    system::open(fs::File::options().read(true), path)
}

/// The same for a file that is never a link: nothing in a twin is one.
///
/// # Errors
/// As [`open`], also where a link is there.
pub fn open_own(path: &Path) -> io::Result<fs::File> {
    system::open_own(fs::File::options().read(true), path)
}

/// The same for a file that is there to be locked.
///
/// # Errors
/// As [`open_own`].
pub fn open_lock(path: &Path) -> io::Result<fs::File> {
    system::open_own(fs::File::options().read(true).write(true), path)
}

/// Opens a directory, to sync or to lock it.
///
/// # Errors
/// The system's.
#[cfg(unix)]
pub fn open_dir(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::File::options();
    options
        .read(true)
        .custom_flags(libc::O_DIRECTORY)
        .open(path)
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

fn regular(file: fs::File) -> io::Result<fs::File> {
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(no_file()),
    }
}

#[cfg(unix)]
mod system {
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<fs::File> {
        // For a file it changes nothing.
        let opened = options.custom_flags(libc::O_NONBLOCK).open(path);
        opened.map_err(named).and_then(regular)
    }

    pub(super) fn open_own(options: &mut OpenOptions, path: &Path) -> io::Result<fs::File> {
        let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
        match options.custom_flags(flags).open(path) {
            Err(e) if e.raw_os_error() == Some(libc::ELOOP) => Err(no_file()),
            opened => opened.map_err(named).and_then(regular),
        }
    }

    /// "No such device or address" is what the system says of a socket.
    fn named(e: io::Error) -> io::Error {
        match e.raw_os_error() {
            Some(libc::ENXIO) => no_file(),
            _ => e,
        }
    }
}

/// Here nothing that waits has a name in a directory.
#[cfg(not(unix))]
mod system {
    use super::*;

    pub(super) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<fs::File> {
        options.open(path).and_then(regular)
    }

    pub(super) fn open_own(options: &mut OpenOptions, path: &Path) -> io::Result<fs::File> {
        match fs::symlink_metadata(path)?.is_file() {
            true => open(options, path),
            false => Err(no_file()),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{
        os::unix::{fs::symlink, net::UnixListener},
        path::PathBuf,
        process::Command,
    };

    use super::*;

    type Open = fn(&Path) -> io::Result<fs::File>;
    const ALL: [Open; 3] = [open, open_own, open_lock];

    struct Place(tempfile::TempDir);

    impl Place {
        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }
    }

    fn place() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::write(place.path("file"), "text").unwrap();
        symlink("file", place.path("link")).unwrap();
        symlink("loop", place.path("loop")).unwrap();
        fs::create_dir(place.path("directory")).unwrap();
        let made = Command::new("mkfifo").arg(place.path("pipe")).status();
        assert!(made.unwrap().success());
        drop(UnixListener::bind(place.path("socket")).unwrap());
        place
    }

    /// Nobody writes to the pipe: before, opening it took for ever.
    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let place = place();
        for open in ALL {
            open(&place.path("file")).unwrap();
            for thing in ["pipe", "socket"] {
                let refused = open(&place.path(thing)).unwrap_err();
                assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{thing}");
            }
            open(&place.path("directory")).unwrap_err();
            open_dir(&place.path("pipe")).unwrap_err();
            open(&place.path("loop")).unwrap_err();
            let missing = open(&place.path("missing")).unwrap_err();
            assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn a_link_is_followed_where_files_may_be_links_and_nowhere_else() {
        let place = place();
        open(&place.path("link")).unwrap();
        for open in [open_own, open_lock] {
            let refused = open(&place.path("link")).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
