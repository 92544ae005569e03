//! A JSON file read through a window: tokens and whole values one after
//! another, in bounded memory.
//!
//! [`Window`] holds the part of the file that is being looked at. It reads
//! about a MiB at a time and grows only as far as a single value needs, up to
//! a limit. What it hands out is text, scanned but not interpreted; it does
//! not keep track of nesting either: who walks into a container says which
//! punctuation comes next.

use super::{
    BOM,
    scan::{ScanError, ScanFault, skip_white, string_end, value_end},
};
use crate::error::{Error, JsonFault, Result};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// How much is read at a time.
const CHUNK: usize = 1 << 20;

/// A JSON file and the part of it that is in memory.
///
/// ```no_run
/// use twinstore::json::Window;
/// let mut file = Window::open("storage/docstore.json".as_ref(), 64 << 20)?;
/// file.skip_bom()?;
/// file.expect(b'{')?;
/// while file.peek()? == Some(b'"') {
///     let key = file.string()?.to_vec();
///     file.expect(b':')?;
///     let value = file.value()?;
///     println!("{} bytes under {}", value.len(), String::from_utf8_lossy(&key));
///     if file.peek()? == Some(b',') {
///         file.expect(b',')?;
///     }
/// }
/// file.expect(b'}')?;
/// file.end()?;
/// # Ok::<(), twinstore::Error>(())
/// ```
///
/// After an error the position is where it was before the call, white space
/// aside.
#[derive(Debug)]
pub struct Window {
    file: File,
    path: PathBuf,
    len: u64,
    limit: usize,
    chunk: usize,
    buffer: Vec<u8>,
    /// Where the unread part of `buffer` begins.
    start: usize,
    /// The offset in the file of `buffer`'s first byte.
    base: u64,
    /// Whether `buffer` reaches the end of the file.
    last: bool,
}

impl Window {
    /// Opens a file. `limit` bounds the length of a single value or string.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(path: &Path, limit: usize) -> Result<Window> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        Window::from_file(file, path, limit)
    }

    /// Reads an open file from its beginning; `path` is for error messages.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn from_file(file: File, path: &Path, limit: usize) -> Result<Window> {
        Window::with_chunk(file, path, limit, CHUNK)
    }

    fn with_chunk(mut file: File, path: &Path, limit: usize, chunk: usize) -> Result<Window> {
        let len = file.metadata().map_err(Error::io("read", path))?.len();
        file.seek(SeekFrom::Start(0))
            .map_err(Error::io("read", path))?;
        Ok(Window {
            file,
            path: path.to_path_buf(),
            len,
            limit,
            chunk,
            buffer: Vec::new(),
            start: 0,
            base: 0,
            last: false,
        })
    }

    /// The file's length when it was opened.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the file was empty when it was opened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The file's path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The offset in the file of the next unread byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Goes to an offset in the file, forwards or back.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn seek(&mut self, offset: u64) -> Result<()> {
        let inside = offset
            .checked_sub(self.base)
            .and_then(|ahead| usize::try_from(ahead).ok())
            .filter(|&ahead| ahead <= self.buffer.len());
        if let Some(ahead) = inside {
            self.start = ahead;
            return Ok(());
        }
        self.file
            .seek(SeekFrom::Start(offset))
            .map_err(Error::io("read", &self.path))?;
        self.buffer.clear();
        self.start = 0;
        self.base = offset;
        self.last = false;
        Ok(())
    }

    /// Skips a UTF-8 byte order mark, if one comes next. Returns whether.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn skip_bom(&mut self) -> Result<bool> {
        while self.unread().len() < BOM.len() && !self.last {
            self.refill()?;
        }
        let found = self.unread().starts_with(BOM);
        if found {
            self.start += BOM.len();
        }
        Ok(found)
    }

    /// Skips white space and returns the byte after it, which stays unread;
    /// `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            self.start = skip_white(&self.buffer, self.start);
            match self.buffer.get(self.start) {
                Some(&byte) => return Ok(Some(byte)),
                None if self.last => return Ok(None),
                None => self.refill()?,
            }
        }
    }

    /// Skips white space and takes `byte`.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] where another byte (`Unexpected`) or the end (`Cut`)
    /// comes next; [`Error::Io`].
    pub fn expect(&mut self, byte: u8) -> Result<()> {
        match self.peek()? {
            Some(found) if found == byte => {
                self.start += 1;
                Ok(())
            }
            Some(found) => Err(self.fault(0, JsonFault::Unexpected(found))),
            None => Err(self.fault(0, JsonFault::Cut)),
        }
    }

    /// Skips white space and takes a string; returns its token with quotes.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] where no well-formed string comes next, or one longer
    /// than the limit; [`Error::Io`].
    pub fn string(&mut self) -> Result<&[u8]> {
        self.take(|text, _| string_end(text, 0))
    }

    /// Skips white space and takes a whole value of any kind; returns its
    /// text.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] where no well-formed value comes next, or one longer
    /// than the limit; [`Error::Io`].
    pub fn value(&mut self) -> Result<&[u8]> {
        self.take(|text, last| value_end(text, 0, last))
    }

    /// Checks that nothing but white space follows.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] with `Trailing`; [`Error::Io`].
    pub fn end(&mut self) -> Result<()> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.fault(0, JsonFault::Trailing)),
        }
    }

    fn take(&mut self, scan: impl Fn(&[u8], bool) -> Result<usize, ScanError>) -> Result<&[u8]> {
        self.peek()?;
        let len = loop {
            match scan(self.unread(), self.last) {
                Ok(len) => break len,
                Err(ScanError {
                    fault: ScanFault::Incomplete,
                    ..
                }) if !self.last => {
                    if self.unread().len() > self.limit {
                        return Err(self.fault(0, JsonFault::TooLong(self.limit)));
                    }
                    self.refill()?;
                }
                Err(stop) => return Err(self.fault(stop.offset, stop.fault_at_end())),
            }
        };
        if len > self.limit {
            return Err(self.fault(0, JsonFault::TooLong(self.limit)));
        }
        let begin = self.start;
        self.start += len;
        Ok(self.buffer.get(begin..self.start).unwrap_or_default())
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Drops what was read and reads on: a chunk, but at least as much as is
    /// still unread, so that scanning a value anew after each refill costs no
    /// more than scanning it twice.
    fn refill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.base += self.start as u64;
        self.start = 0;
        let unread = self.buffer.len();
        // One byte over the limit shows that a value is too long.
        let room = self.limit.saturating_add(1).saturating_sub(unread);
        let wanted = self.chunk.max(unread.min(room)).max(1);
        if self.buffer.capacity() > 4 * (unread + wanted) {
            // A large value has gone by: don't keep its memory for good.
            self.buffer.shrink_to(unread + wanted);
        }
        let read = (&self.file)
            .take(wanted as u64)
            .read_to_end(&mut self.buffer)
            .map_err(Error::io("read", &self.path))?;
        self.last = read < wanted;
        Ok(())
    }

    /// An error at `ahead` bytes from the next unread byte.
    fn fault(&self, ahead: usize, fault: JsonFault) -> Error {
        Error::Json {
            path: self.path.clone(),
            offset: self.position() + ahead as u64,
            fault,
        }
    }
}

#[cfg(test)]
mod tests;
