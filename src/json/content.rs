//! The content of a string as a text of its own, unescaped piece by piece:
//! LlamaIndex keeps whole JSON documents in strings, some of them hundreds of
//! megabytes long.

use std::io::{self, Read};

use super::{
    Window, runs,
    string::{push_wtf8, unescape},
};
use crate::error::{JsonFault, Result};

/// The longest escape: a surrogate pair.
const LONGEST_ESCAPE: usize = 12;

/// Reads what the string that comes next in a window stands for, up to its
/// closing quote.
#[derive(Debug)]
pub(crate) struct StringContent<'w, R> {
    window: &'w mut Window<R>,
    /// Unescaped and not yet read.
    ready: Vec<u8>,
    start: usize,
    closed: bool,
}

impl<R: Read> Window<R> {
    /// A window over the content of the string that comes next. The string is
    /// taken once that window has been read to its end.
    ///
    /// # Errors
    ///
    /// [`Error::Json`](crate::Error::Json) where no string comes next;
    /// [`Error::Io`](crate::Error::Io).
    pub(crate) fn content(&mut self) -> Result<Window<StringContent<'_, R>>> {
        self.expect(b'"')?;
        let (path, limit) = (self.path().to_owned(), self.limit());
        let content = StringContent {
            window: self,
            ready: Vec::new(),
            start: 0,
            closed: false,
        };
        Ok(Window::new(content, &path, limit, CHUNK))
    }
}

/// How much of the content is looked at in one go.
const CHUNK: usize = 256 << 10;

impl<R: Read> StringContent<'_, R> {
    /// Unescapes the next piece.
    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.start = 0;
        while self.ready.len() < CHUNK && !self.closed {
            let text = self
                .window
                .ahead(LONGEST_ESCAPE)
                .map_err(io::Error::other)?;
            let run = text.get(..runs::plain(text)).unwrap_or_default();
            let taken = match (run, text) {
                ([], [b'"', ..]) => {
                    self.closed = true;
                    1
                }
                ([], [b'\\', escape @ ..]) => {
                    let (unit, rest) = unescape(escape).map_err(io::Error::other)?;
                    push_wtf8(unit, &mut self.ready);
                    text.len() - rest.len()
                }
                ([], [control, ..]) => {
                    return Err(io::Error::other(JsonFault::Unexpected(*control)));
                }
                ([], []) => return Err(io::Error::other(JsonFault::Cut)),
                (run, _) => {
                    // The run may end inside a character whose rest is not in
                    // the window yet.
                    let whole = match std::str::from_utf8(run) {
                        Ok(_) => run.len(),
                        Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => e.valid_up_to(),
                        Err(_) => return Err(io::Error::other(JsonFault::Utf8)),
                    };
                    let run = run.get(..whole).unwrap_or_default();
                    self.ready.extend_from_slice(run);
                    whole
                }
            };
            self.window.advance(taken);
        }
        Ok(())
    }
}

impl<R: Read> Read for StringContent<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.ready.len() {
            self.refill()?;
        }
        let mut unread = self.ready.get(self.start..).unwrap_or_default();
        let count = unread.read(buffer)?;
        self.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        error::Error,
        json::{Escapes, encode},
    };

    fn content_of(text: &[u8]) -> Result<(Vec<u8>, Option<u8>)> {
        let mut window = Window::over(text.to_vec(), Path::new("f"));
        let mut inner = window.content()?;
        let mut content = Vec::new();
        loop {
            let ahead = inner.ahead(1)?.to_vec();
            if ahead.is_empty() {
                break;
            }
            inner.advance(ahead.len());
            content.extend(ahead);
        }
        drop(inner);
        Ok((content, window.peek()?))
    }

    proptest! {
        #[test]
        fn is_what_the_string_stands_for(text in "\\PC{0,40}|[\"\\\\\u{e9}\u{1F600}\n\u{7f}a]{0,2000}") {
            for escapes in [Escapes::Ascii, Escapes::Utf8] {
                let mut token = Vec::new();
                encode(text.as_bytes(), escapes, &mut token);
                token.push(b',');
                let (content, next) = content_of(&token).unwrap();
                prop_assert_eq!(content, text.as_bytes());
                prop_assert_eq!(next, Some(b','));
            }
        }
    }

    #[test]
    fn of_a_string_that_is_none_is_an_error_of_json() {
        for (text, expected) in [
            (&b"\"ab"[..], JsonFault::Cut),
            (b"\"a\\x\"", JsonFault::Escape),
            (b"\"a\nb\"", JsonFault::Unexpected(b'\n')),
            (b"\"a\xff\"", JsonFault::Utf8),
        ] {
            match content_of(text) {
                Err(Error::Json { fault, .. }) => assert_eq!(fault, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
