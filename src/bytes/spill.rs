//! Temporary files for data that are produced before their place in the
//! final file is reached: packing must not hold what grows with the input.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

const BUFFER: usize = 256 << 10;

/// An unnamed temporary file: appended to, or written at any place, then read
/// back. It vanishes with the process.
#[derive(Debug)]
pub(crate) struct Spill {
    file: BufWriter<File>,
    len: u64,
    /// Where the file is written next.
    position: u64,
    dir: PathBuf,
}

impl Spill {
    /// A new empty spill in `dir`.
    pub(crate) fn new(dir: &Path) -> Result<Spill> {
        let file = tempfile::tempfile_in(dir).map_err(Error::io("create a file in", dir))?;
        Ok(Spill {
            file: BufWriter::with_capacity(BUFFER, file),
            len: 0,
            position: 0,
            dir: dir.to_owned(),
        })
    }

    /// The directory that it is in.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Appends.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_at(self.len, bytes)
    }

    /// Writes at `offset`. What lies between places that were written is zero.
    pub(crate) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let file = &mut self.file;
        let moved = if offset == self.position {
            Ok(())
        } else {
            file.seek(SeekFrom::Start(offset)).map(drop)
        };
        moved
            .and_then(|()| file.write_all(bytes))
            .map_err(Error::io("write to a temporary file in", &self.dir))?;
        self.position = offset + bytes.len() as u64;
        self.len = self.len.max(self.position);
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
        // Where dropping the reader leaves the file.
        self.position = len;
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

/// A spill that is only appended to and drained, and becomes a file once it
/// holds as much as a file's buffer would: there may be hundreds.
#[derive(Debug)]
pub(crate) struct LazySpill {
    dir: PathBuf,
    held: Vec<u8>,
    spill: Option<Spill>,
}

impl LazySpill {
    pub(crate) fn new(dir: &Path) -> LazySpill {
        LazySpill {
            dir: dir.to_owned(),
            held: Vec::new(),
            spill: None,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        let spilled = self.spill.as_ref().map_or(0, Spill::len);
        spilled + self.held.len() as u64
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(spill) = &mut self.spill {
            return spill.write(bytes);
        }
        if self.held.len() + bytes.len() <= BUFFER {
            self.held.extend_from_slice(bytes);
            return Ok(());
        }
        let spill = self.spill.insert(Spill::new(&self.dir)?);
        spill.write(&std::mem::take(&mut self.held))?;
        spill.write(bytes)
    }

    /// Hands everything written to `sink`, in pieces.
    pub(crate) fn drain(self, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self.spill {
            Some(spill) => spill.drain(sink),
            None => sink(&self.held),
        }
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

    /// Goes on `bytes` later.
    pub(crate) fn skip(&mut self, bytes: u64) -> Result<()> {
        // What is skipped is at most a spill, which no file system lets grow
        // beyond an i64.
        self.file
            .seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_anywhere_is_read(
            writes in prop::collection::vec(
                (prop::option::of(0..300_usize), prop::collection::vec(any::<u8>(), 1..40)),
                1..40,
            ),
            read_after in 0..40_usize,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut spill = Spill::new(dir.path()).unwrap();
            let mut model: Vec<u8> = Vec::new();
            for (n, (place, bytes)) in writes.iter().enumerate() {
                let at = place.unwrap_or(model.len());
                match place {
                    Some(place) => spill.write_at(*place as u64, bytes).unwrap(),
                    None => spill.write(bytes).unwrap(),
                }
                model.resize(model.len().max(at + bytes.len()), 0);
                model.splice(at..at + bytes.len(), bytes.iter().copied());
                prop_assert_eq!(spill.len(), model.len() as u64);
                if n == read_after {
                    let mut byte = [0];
                    spill.reader().unwrap().read_exact(&mut byte).unwrap();
                    prop_assert_eq!(byte[0], model[0]);
                }
            }
            let mut last = [0];
            let mut reader = spill.reader().unwrap();
            reader.skip(model.len() as u64 - 1).unwrap();
            reader.read_exact(&mut last).unwrap();
            prop_assert_eq!(last[0], model[model.len() - 1]);
            drop(reader);
            let mut found = Vec::new();
            spill.drain(|bytes| { found.extend_from_slice(bytes); Ok(()) }).unwrap();
            prop_assert_eq!(found, model);
        }
    }
}
