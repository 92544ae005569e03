//! JSON text read through a window: tokens and whole values one after another,
//! in bounded memory.
//!
//! [`Window`] holds the part of the text that is being looked at. Mostly the
//! text is a file; it can also be a string's content (`content.rs`) or a text
//! in memory. It reads about a MiB at a time and grows only as far as a single value needs, up to
//! a limit. What it hands out is text, scanned but not interpreted; it does
//! not keep track of nesting either: who walks into a container says which
//! punctuation comes next.

use super::{
    BOM,
    scan::{ScanError, ScanFault, skip_white, string_end, value_end},
    walk::value_len,
};
use crate::{
    disk,
    error::{Error, JsonFault, Result},
};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// How much is read at a time.
const CHUNK: usize = 1 << 20;

/// A JSON text, mostly a file, and the part of it that is in the window.
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
pub struct Window<R = File> {
    source: R,
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

impl Window<io::Empty> {
    /// A window over a text that is in memory as a whole; `path` is for error
    /// messages.
    #[must_use]
    pub fn over(text: Vec<u8>, path: &Path) -> Window<io::Empty> {
        Window {
            len: text.len() as u64,
            limit: text.len(),
            buffer: text,
            last: true,
            ..Window::new(io::empty(), path, 0, CHUNK)
        }
    }

    /// Gives the text back, for its memory to be used again.
    #[must_use]
    pub fn into_text(self) -> Vec<u8> {
        self.buffer
    }
}

impl Window {
    /// Opens a file. `limit` bounds the length of a single value or string.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(path: &Path, limit: usize) -> Result<Window> {
        let file = disk::open(path).map_err(Error::io("open", path))?;
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
            len,
            ..Window::new(file, path, limit, chunk)
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
        self.source
            .seek(SeekFrom::Start(offset))
            .map_err(Error::io("read", &self.path))?;
        self.buffer.clear();
        self.start = 0;
        self.base = offset;
        self.last = false;
        Ok(())
    }
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R, path: &Path, limit: usize, chunk: usize) -> Window<R> {
        Window {
            source,
            path: path.to_path_buf(),
            len: 0,
            limit,
            chunk,
            buffer: Vec::new(),
            start: 0,
            base: 0,
            last: false,
        }
    }

    /// The file's path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The offset in the text of the next unread byte.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.base + self.start as u64
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
        self.take(self.limit, |text, _| string_end(text, 0))
    }

    /// Skips white space and takes a whole value of any kind; returns its
    /// text.
    ///
    /// # Errors
    ///
    /// [`Error::Json`] where no well-formed value comes next, or one longer
    /// than the limit; [`Error::Io`].
    pub fn value(&mut self) -> Result<&[u8]> {
        self.value_within(self.limit)
    }

    /// Like [`value`](Window::value), with a limit for this one.
    pub(crate) fn value_within(&mut self, limit: usize) -> Result<&[u8]> {
        self.take(limit, |text, last| value_end(text, 0, last))
    }

    /// Skips white space and looks whether an array comes next that is not empty
    /// and of which all elements are numbers; returns its length, if that is at most `longest`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(super) fn numbers_ahead(&mut self, longest: usize) -> Result<Option<usize>> {
        if self.peek()? != Some(b'[') {
            return Ok(None);
        }
        let len = loop {
            let inside = self.unread().get(1..).unwrap_or_default();
            match inside.iter().position(|b| !in_numbers(*b)) {
                Some(at) if inside.get(at) == Some(&b']') && at < longest => break at + 2,
                Some(_) => return Ok(None),
                None if self.last || inside.len() > longest => return Ok(None),
                None => self.refill()?,
            }
        };
        // So far only the bytes were looked at.
        let text = self.unread();
        let is_empty = text.get(skip_white(text, 1)) == Some(&b']');
        let is_array = !is_empty && value_end(text, 0, true) == Ok(len);
        Ok(is_array.then_some(len))
    }

    /// The unread text that is in memory, at least `wanted` bytes of it where
    /// there is so much.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(crate) fn ahead(&mut self, wanted: usize) -> Result<&[u8]> {
        while self.unread().len() < wanted && !self.last {
            self.refill()?;
        }
        Ok(self.unread())
    }

    /// Takes `count` bytes of what [`ahead`](Window::ahead) showed.
    pub(super) fn advance(&mut self, count: usize) -> &[u8] {
        let begin = self.start;
        self.start = self.buffer.len().min(begin + count);
        self.buffer.get(begin..self.start).unwrap_or_default()
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes the text up to the end of the last array that a comma follows, of about
    /// `wanted` bytes; of up to `limit` bytes, where there is none before. `None`
    /// where there is none at all. That is a guess: the bracket may stand in a string
    /// or in another value. `spare` takes the buffer's place.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(crate) fn take_arrays(
        &mut self,
        mut wanted: usize,
        limit: usize,
        mut spare: Vec<u8>,
    ) -> Result<Option<Vec<u8>>> {
        let len = loop {
            let text = self.ahead(wanted)?;
            // What is left unread is less than what is read at a time.
            match last_array(text, wanted * 2) {
                Some(len) => break len,
                None if text.len() < wanted || wanted >= limit => return Ok(None),
                None => wanted = limit.min(wanted * 2),
            }
        };
        let end = self.start + len;
        spare.clear();
        spare.extend_from_slice(self.buffer.get(end..).unwrap_or_default());
        let mut text = std::mem::replace(&mut self.buffer, spare);
        text.truncate(end);
        text.drain(..self.start);
        self.base += end as u64;
        self.start = 0;
        Ok(Some(text))
    }

    /// Passes over the value that comes next without checking it, unless it is
    /// longer than `limit` or not whole: then it stays unread. Returns whether.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub(crate) fn skip_value(&mut self, limit: usize) -> Result<bool> {
        self.peek()?;
        loop {
            let text = self.unread();
            let len = value_len(text);
            // What touches the end may go on after it.
            if 0 < len && len < text.len() && len <= limit {
                self.start += len;
                return Ok(true);
            }
            if self.last || text.len() > limit {
                return Ok(false);
            }
            self.refill()?;
        }
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

    fn take(
        &mut self,
        limit: usize,
        scan: impl Fn(&[u8], bool) -> Result<usize, ScanError>,
    ) -> Result<&[u8]> {
        self.peek()?;
        let len = loop {
            match scan(self.unread(), self.last) {
                Ok(len) => break len,
                Err(ScanError {
                    fault: ScanFault::Incomplete,
                    ..
                }) if !self.last => {
                    if self.unread().len() > limit {
                        return Err(self.fault(0, JsonFault::TooLong(limit)));
                    }
                    self.refill()?;
                }
                Err(stop) => return Err(self.fault(stop.offset, stop.fault_at_end())),
            }
        };
        if len > limit {
            return Err(self.fault(0, JsonFault::TooLong(limit)));
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
        let read = (&mut self.source)
            .take(wanted as u64)
            .read_to_end(&mut self.buffer);
        let read = match read {
            Ok(read) => read,
            // A string's content is text, and may be wrong as such.
            Err(e) => match e.get_ref().and_then(|e| e.downcast_ref::<JsonFault>()) {
                Some(fault) => return Err(self.fault(0, *fault)),
                None => return Err(Error::io("read", &self.path)(e)),
            },
        };
        self.last = read < wanted;
        Ok(())
    }

    /// An error at `ahead` bytes from the next unread byte.
    pub(super) fn fault(&self, ahead: usize, fault: JsonFault) -> Error {
        Error::Json {
            path: self.path.clone(),
            offset: self.position() + ahead as u64,
            fault,
        }
    }
}

/// The offset after the last closing square bracket that a comma follows, among the
/// first `most` bytes.
fn last_array(text: &[u8], most: usize) -> Option<usize> {
    let searched = text.get(..most).unwrap_or(text);
    let mut brackets = memchr::memrchr_iter(b']', searched);
    let last = brackets.find(|at| text.get(skip_white(text, at + 1)) == Some(&b','));
    last.map(|at| at + 1)
}

/// Bytes that stand between the brackets of an array of numbers.
fn in_numbers(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b',' | b'-' | b'+' | b'e' | b'E')
        || matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
        // NaN and Infinity
        || matches!(byte, b'N' | b'a' | b'I' | b'n' | b'f' | b'i' | b't' | b'y')
}

#[cfg(test)]
mod tests;
