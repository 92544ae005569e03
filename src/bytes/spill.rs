//! Temporary files for data that are produced before their place in the
//! final file is reached: packing must not hold what grows with the input.
//! What becomes a file in memory has them in memory, too.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Cursor, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

const BUFFER: usize = 256 << 10;
/// What is held in memory before there is a file.
const HELD: usize = if cfg!(test) { 128 } else { BUFFER };

/// Where spills are: in files, for what may be large, or in memory, for what
/// becomes a segment in memory.
#[derive(Debug, Clone)]
pub(crate) enum Spills {
    /// In unnamed files in this directory.
    Dir(PathBuf),
    /// In memory.
    Memory,
}

impl From<&Path> for Spills {
    fn from(dir: &Path) -> Spills {
        Spills::Dir(dir.to_owned())
    }
}

impl Spills {
    /// What errors call them.
    fn path(&self) -> &Path {
        match self {
            Spills::Dir(dir) => dir,
            Spills::Memory => Path::new(super::MEMORY),
        }
    }
}

/// An unnamed temporary file: appended to, or written at any place, then read
/// back. It vanishes with the process. As long as it holds no more than a file's buffer
/// would, it is in memory: there may be hundreds. One that becomes a segment in memory
/// stays there.
#[derive(Debug)]
pub(crate) struct Spill {
    file: Kept,
    len: u64,
    /// Where the file is written next.
    position: u64,
    place: Spills,
}

#[derive(Debug)]
enum Kept {
    File(BufWriter<File>),
    Memory(Cursor<Vec<u8>>),
}

impl Spill {
    /// A new empty spill.
    pub(crate) fn new(place: impl Into<Spills>) -> Spill {
        Spill {
            file: Kept::Memory(Cursor::default()),
            len: 0,
            position: 0,
            place: place.into(),
        }
    }

    /// Goes on in a file, if `end` is more than is held in memory.
    fn make_room(&mut self, end: u64) -> Result<()> {
        let (Kept::Memory(held), Spills::Dir(dir)) = (&self.file, &self.place) else {
            return Ok(());
        };
        if end <= HELD as u64 {
            return Ok(());
        }
        #[allow(clippy::disallowed_methods, reason = "it never has a name")]
        let file = tempfile::tempfile_in(dir).map_err(Error::io("create a file in", dir))?;
        let mut file = BufWriter::with_capacity(BUFFER, file);
        let moved = file.write_all(held.get_ref());
        moved.map_err(Error::io("write to a temporary file in", dir))?;
        self.position = held.get_ref().len() as u64;
        self.file = Kept::File(file);
        Ok(())
    }

    /// The directory that it is in.
    pub(crate) fn dir(&self) -> &Path {
        self.place.path()
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
        self.make_room(offset.saturating_add(bytes.len() as u64))?;
        let written = match &mut self.file {
            Kept::File(file) => put(file, (offset != self.position).then_some(offset), bytes),
            Kept::Memory(file) => put(file, (offset != self.position).then_some(offset), bytes),
        };
        written.map_err(Error::io("write to a temporary file in", self.place.path()))?;
        self.position = offset + bytes.len() as u64;
        self.len = self.len.max(self.position);
        Ok(())
    }

    /// A reader over everything written so far. Writing may go on after it
    /// was dropped.
    pub(crate) fn reader(&mut self) -> Result<SpillReader<'_>> {
        let error = || Error::io("read a temporary file in", self.place.path());
        let len = self.len;
        let file = match &mut self.file {
            Kept::File(file) => {
                let flush = Error::io("write to a temporary file in", self.place.path());
                file.flush().map_err(flush)?;
                let file = file.get_mut();
                file.seek(SeekFrom::Start(0)).map_err(error())?;
                Reading::File(BufReader::with_capacity(BUFFER, file))
            }
            Kept::Memory(file) => {
                file.set_position(0);
                Reading::Memory(file)
            }
        };
        // Where dropping the reader leaves the file.
        self.position = len;
        Ok(SpillReader {
            file,
            end: len,
            dir: self.place.path(),
        })
    }

    /// Hands everything written to `sink`, in pieces.
    pub(crate) fn drain(mut self, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if let Kept::Memory(held) = &self.file {
            return sink(held.get_ref());
        }
        let mut left = self.len;
        let mut buffer = vec![0; usize::try_from(left).unwrap_or(BUFFER).min(BUFFER)];
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

fn put(file: &mut (impl Write + Seek), seek: Option<u64>, bytes: &[u8]) -> io::Result<()> {
    if let Some(offset) = seek {
        file.seek(SeekFrom::Start(offset))?;
    }
    file.write_all(bytes)
}

/// Reads a [`Spill`] from its start, or from anywhere after a seek.
#[derive(Debug)]
pub(crate) struct SpillReader<'a> {
    file: Reading<'a>,
    end: u64,
    dir: &'a Path,
}

#[derive(Debug)]
enum Reading<'a> {
    File(BufReader<&'a mut File>),
    Memory(&'a mut Cursor<Vec<u8>>),
}

impl SpillReader<'_> {
    pub(crate) fn read_exact(&mut self, buffer: &mut [u8]) -> Result<()> {
        let read = match &mut self.file {
            Reading::File(file) => file.read_exact(buffer),
            Reading::Memory(file) => file.read_exact(buffer),
        };
        read.map_err(Error::io("read a temporary file in", self.dir))
    }

    /// Goes on `bytes` later.
    pub(crate) fn skip(&mut self, bytes: u64) -> Result<()> {
        // What is skipped is at most a spill, which no file system lets grow
        // beyond an i64.
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let moved = match &mut self.file {
            Reading::File(file) => file.seek_relative(bytes),
            Reading::Memory(file) => file.seek_relative(bytes),
        };
        moved.map_err(Error::io("read a temporary file in", self.dir))
    }

    pub(crate) fn seek(&mut self, offset: u64) -> Result<()> {
        let moved = match &mut self.file {
            Reading::File(file) => file.seek(SeekFrom::Start(offset)),
            Reading::Memory(file) => file.seek(SeekFrom::Start(offset)),
        };
        moved
            .map(drop)
            .map_err(Error::io("read a temporary file in", self.dir))
    }
}

impl Drop for SpillReader<'_> {
    fn drop(&mut self) {
        // Appending goes on at the end. A failure shows at the next write: the
        // position would then be wrong, and the proof of the export finds it.
        let end: io::Result<u64> = match &mut self.file {
            Reading::File(file) => file.get_mut().seek(SeekFrom::Start(self.end)),
            Reading::Memory(file) => file.seek(SeekFrom::Start(self.end)),
        };
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
            in_memory: bool,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let place = if in_memory { Spills::Memory } else { Spills::from(dir.path()) };
            let mut spill = Spill::new(place);
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
