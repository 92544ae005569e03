//! A new file while it is being written.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
};

use super::{of, os};

/// So many bytes are sent to the disk together. A shorter file has nothing to gain.
const STEP: usize = 16 << 20;

/// A new file, which is written from its beginning to its end.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    file: fs::File,
    ahead: Ahead,
}

impl File {
    pub(super) fn new(path: &Path, file: fs::File) -> File {
        File {
            path: path.to_owned(),
            file,
            ahead: Ahead::default(),
        }
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
    pub fn sync(&mut self) -> io::Result<()> {
        self.ahead.end()?;
        of(&self.path).sync(&self.path, &self.file)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = of(&self.path).append(&self.path, &self.file, bytes)?;
        self.ahead.wrote(written, &self.file)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends what was written to the disk while more is being made, so that little is left to
/// wait for in the end. Nothing relies on it. Only on Linux: macOS would have the disk empty
/// its cache each time, and Windows lets nobody write meanwhile.
#[derive(Debug, Default)]
struct Ahead {
    /// Bytes written since.
    written: usize,
    sending: Option<thread::JoinHandle<io::Result<()>>>,
    /// The system tells of bytes that it could not write only once, to this thread or
    /// another. So an error here is that of the file from then on.
    failed: Option<io::ErrorKind>,
}

impl Ahead {
    fn wrote(&mut self, bytes: usize, file: &fs::File) -> io::Result<()> {
        self.written = self.written.saturating_add(bytes);
        let is_busy = |thread: &thread::JoinHandle<_>| !thread.is_finished();
        let busy = self.sending.as_ref().is_some_and(is_busy);
        if self.written < STEP || busy || cfg!(not(target_os = "linux")) {
            return Ok(());
        }
        self.end()?;
        self.written = 0;
        // Without a second handle or a thread the file is as good, and later.
        if let Ok(file) = file.try_clone() {
            let send = move || os::send(&file);
            let name = "twinstore-sync".to_owned();
            self.sending = thread::Builder::new().name(name).spawn(send).ok();
        }
        Ok(())
    }

    /// Waits for what is being sent.
    fn end(&mut self) -> io::Result<()> {
        if let Some(thread) = self.sending.take() {
            let panicked = |_| Err(io::Error::other("the thread that syncs panicked"));
            thread.join().unwrap_or_else(panicked).inspect_err(|e| {
                self.failed = Some(e.kind());
            })?;
        }
        self.failed.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

impl Drop for Ahead {
    /// The file may be about to be removed, or made again.
    fn drop(&mut self) {
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "files for the test")]

    use super::*;

    #[test]
    fn what_is_sent_ahead_is_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut file = crate::disk::create(&path).unwrap();
        let piece = vec![7; STEP / 3];
        let mut sent = 0;
        for _ in 0..10 {
            file.write_all(&piece).unwrap();
            sent += usize::from(file.ahead.sending.is_some());
        }
        assert!(sent > 0 || cfg!(not(target_os = "linux")));
        file.sync().unwrap();
        assert!(file.ahead.sending.is_none());
        assert_eq!(fs::read(&path).unwrap(), piece.repeat(10));
    }

    /// The kernel tells of it once, and may have told the thread.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_error_of_what_was_sent_ahead_is_that_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let failed = || {
            let mut file = crate::disk::create(&dir.path().join("file")).unwrap();
            fs::remove_file(dir.path().join("file")).unwrap();
            let send = || Err(io::ErrorKind::StorageFull.into());
            file.ahead.sending = Some(thread::spawn(send));
            file
        };
        let mut file = failed();
        for _ in 0..2 {
            let refused = file.sync().unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        }
        let mut file = failed();
        while !file.ahead.sending.as_ref().unwrap().is_finished() {
            thread::yield_now();
        }
        let refused = file.write_all(&vec![0; STEP]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        assert!(file.sync().is_err());
    }
}
