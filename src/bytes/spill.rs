//! Temporary files for data that are produced before their place in the
//! final file is reached: packing must not hold what grows with the input.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

const BUFFER: usize = 256 << 10;

/// An unnamed temporary file: appended to, then read back. It vanishes with
/// the process.
#[derive(Debug)]
pub(crate) struct Spill {
    file: BufWriter<File>,
    len: u64,
    dir: PathBuf,
}

impl Spill {
    /// A new empty spill in `dir`.
    pub(crate) fn new(dir: &Path) -> Result<Spill> {
        let file = tempfile::tempfile_in(dir).map_err(Error::io("create a file in", dir))?;
        Ok(Spill {
            file: BufWriter::with_capacity(BUFFER, file),
            len: 0,
            dir: dir.to_owned(),
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(Error::io("write to a temporary file in", &self.dir))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// A reader over everything written so far. Writing may go on after it
    /// was dropped.
    pub(crate) fn reader(&mut self) -> Result<SpillReader<'_>> {
        let error = || Error::io("read a temporary file in", &self.dir);
        self.file.flush().map_err(error())?;
        let len = self.len;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(0)).map_err(error())?;
        Ok(SpillReader {
            file: BufReader::with_capacity(BUFFER, file),
            end: len,
            dir: &self.dir,
        })
    }

    /// Hands everything written to `sink`, in pieces.
    pub(crate) fn drain(mut self, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut left = self.len;
        let mut buffer = vec![0; BUFFER];
        let mut reader = self.reader()?;
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            let piece = buffer.get_mut(..now).unwrap_or_default();
            reader.read_exact(piece)?;
            sink(piece)?;
            left -= now as u64;
        }
        Ok(())
    }
}

/// Reads a [`Spill`] from its start, or from anywhere after a seek.
#[derive(Debug)]
pub(crate) struct SpillReader<'a> {
    file: BufReader<&'a mut File>,
    end: u64,
    dir: &'a Path,
}

impl SpillReader<'_> {
    pub(crate) fn read_exact(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.file
            .read_exact(buffer)
            .map_err(Error::io("read a temporary file in", self.dir))
    }

    pub(crate) fn seek(&mut self, offset: u64) -> Result<()> {
        self.file
            .seek(SeekFrom::Start(offset))
            .map(drop)
            .map_err(Error::io("read a temporary file in", self.dir))
    }
}

impl Drop for SpillReader<'_> {
    fn drop(&mut self) {
        // Appending goes on at the end. A failure shows at the next write: the
        // position would then be wrong, and the proof of the export finds it.
        let end: io::Result<u64> = self.file.get_mut().seek(SeekFrom::Start(self.end));
        debug_assert!(end.is_ok());
    }
}
