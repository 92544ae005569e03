//! The scanner: where one JSON value ends, and whether it is well-formed.
//!
//! JSON here is what Python's `json` reads: the RFC 8259 grammar plus the
//! tokens `NaN`, `Infinity` and `-Infinity`, and escapes of lone surrogates.
//! Strings must be UTF-8, raw control characters are refused, and nesting may
//! be of any depth (the stack is one bit a level, on the heap).
//!
//! The scanner does not build anything and does not know what a value means.
//! Text that ends too early is told apart from text that is wrong, so that a
//! caller who reads a file piece by piece knows when to fetch more.

use super::runs;
use crate::error::JsonFault;

/// Why a scan stopped without finding the end of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanError {
    /// Offset in the text of the offending byte, or the text's length where
    /// more text is needed.
    pub offset: usize,
    /// What was found there.
    pub fault: ScanFault,
}

/// The two ways in which a scan can stop short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanFault {
    /// The text ended before the value was whole; nothing is wrong so far.
    Incomplete,
    /// No text that begins like this is JSON.
    Invalid(JsonFault),
}

impl ScanError {
    pub(super) fn incomplete(text: &[u8]) -> ScanError {
        ScanError {
            offset: text.len(),
            fault: ScanFault::Incomplete,
        }
    }

    fn invalid(offset: usize, fault: JsonFault) -> ScanError {
        ScanError {
            offset,
            fault: ScanFault::Invalid(fault),
        }
    }

    /// The fault as it is reported when no text follows.
    #[must_use]
    pub fn fault_at_end(&self) -> JsonFault {
        match self.fault {
            ScanFault::Incomplete => JsonFault::Cut,
            ScanFault::Invalid(fault) => fault,
        }
    }
}

/// The offset of the first byte at or after `start` that is not JSON white
/// space (blank, tab, line feed, carriage return), or the text's length.
///
/// ```
/// assert_eq!(twinstore::json::skip_white(b"[ \r\n\t1]", 1), 5);
/// ```
#[inline]
#[must_use]
pub fn skip_white(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// Checks the one value that begins at `start`, where no white space may
/// stand, and returns the offset after it.
///
/// `last` says that nothing follows `text`. Without it, a number or literal
/// that touches the end is incomplete: its next digit may not be read yet.
///
/// ```
/// use twinstore::json::value_end;
/// assert_eq!(value_end(br#"{"a": [1.0, NaN]}, 5"#, 0, true), Ok(17));
/// assert!(value_end(b"12", 0, false).is_err());
/// ```
///
/// # Errors
///
/// [`ScanFault::Incomplete`] where the text ends inside the value, else
/// [`ScanFault::Invalid`] with the offending byte's offset.
pub fn value_end(text: &[u8], start: usize, last: bool) -> Result<usize, ScanError> {
    let mut nest = Nest::default();
    let mut at = start;
    loop {
        // A value begins at `at`.
        let mut open_ended = false;
        match byte(text, at)? {
            b'"' => at = string_end(text, at)?,
            b'-' | b'0'..=b'9' => {
                at = number_end(text, at)?;
                open_ended = true;
            }
            b'[' => {
                at = skip_white(text, at + 1);
                if byte(text, at)? != b']' {
                    nest.push(false);
                    continue;
                }
                at += 1;
            }
            b'{' => {
                at = skip_white(text, at + 1);
                if byte(text, at)? != b'}' {
                    nest.push(true);
                    at = key_end(text, at)?;
                    continue;
                }
                at += 1;
            }
            first => {
                at = literal_end(text, at, first)?;
                open_ended = true;
            }
        }
        // A value ended at `at`: close what it was the last part of.
        loop {
            let Some(in_object) = nest.top() else {
                if open_ended && !last && at >= text.len() {
                    return Err(ScanError::incomplete(text));
                }
                return Ok(at);
            };
            at = skip_white(text, at);
            match (byte(text, at)?, in_object) {
                (b',', true) => {
                    at = key_end(text, skip_white(text, at + 1))?;
                    break;
                }
                (b',', false) => {
                    at = skip_white(text, at + 1);
                    break;
                }
                (b'}', true) | (b']', false) => {
                    nest.pop();
                    at += 1;
                    open_ended = false;
                }
                (other, _) => return Err(ScanError::invalid(at, JsonFault::Unexpected(other))),
            }
        }
    }
}

/// Checks the string that begins with the quote at `start` and returns the
/// offset after its closing quote.
///
/// ```
/// assert_eq!(twinstore::json::string_end(br#""a\"b": 1"#, 0), Ok(6));
/// ```
///
/// # Errors
///
/// [`ScanFault::Incomplete`] where the text ends inside the string, else
/// [`ScanFault::Invalid`]: no quote at `start`, a raw control character, a bad
/// escape, or bytes that are not UTF-8.
pub fn string_end(text: &[u8], start: usize) -> Result<usize, ScanError> {
    match byte(text, start)? {
        b'"' => {}
        other => return Err(ScanError::invalid(start, JsonFault::Unexpected(other))),
    }
    let content = start + 1;
    let mut at = content;
    loop {
        at += runs::unescaped(text.get(at..).unwrap_or_default());
        match text.get(at) {
            Some(b'"') => break,
            Some(_) => at = escape_end(text, at).map_err(|e| first_fault(text, content, e))?,
            None => return Err(first_fault(text, content, ScanError::incomplete(text))),
        }
    }
    let inside = text.get(content..at).unwrap_or_default();
    // One pass without a branch for each byte, which becomes vector code.
    if inside.iter().fold(false, |found, &b| found | (b < 0x20)) {
        return Err(first_fault(text, content, ScanError::incomplete(text)));
    }
    // Escapes are ASCII, so they cannot hide or split a multi-byte sequence:
    // one check of the whole content is enough.
    if let Err(bad) = std::str::from_utf8(text.get(content..at).unwrap_or_default()) {
        return Err(ScanError::invalid(
            content + bad.valid_up_to(),
            JsonFault::Utf8,
        ));
    }
    Ok(at + 1)
}

/// The first control character of a string whose content begins at `content`,
/// if one comes before what is wrong otherwise.
fn first_fault(text: &[u8], content: usize, other: ScanError) -> ScanError {
    let before = text.get(content..other.offset).unwrap_or_default();
    match before.iter().position(|&b| b < 0x20) {
        Some(at) => {
            let control = before.get(at).copied().unwrap_or_default();
            ScanError::invalid(content + at, JsonFault::Unexpected(control))
        }
        None => other,
    }
}

/// The offset after the number at `start` (`-Infinity` counts as one).
pub(super) fn number_end(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let mut at = start;
    if byte(text, at)? == b'-' {
        at += 1;
        if byte(text, at)? == b'I' {
            return literal_end(text, at, b'I');
        }
    }
    // A leading zero stands alone: in `01` the number ends before the 1,
    // which is then an unexpected byte for whoever reads on.
    if byte(text, at)? == b'0' {
        at += 1;
    } else {
        at = digits_end(text, at)?;
    }
    if text.get(at) == Some(&b'.') {
        at = digits_end(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let b'+' | b'-' = byte(text, at)? {
            at += 1;
        }
        at = digits_end(text, at)?;
    }
    Ok(at)
}

/// The offset after the digits at `start`, of which there must be one.
#[inline]
fn digits_end(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let count = runs::digits(text.get(start..).unwrap_or_default());
    if count == 0 {
        let found = byte(text, start)?;
        return Err(ScanError::invalid(start, JsonFault::Unexpected(found)));
    }
    Ok(start + count)
}

/// The offset after the literal at `start`, whose first byte is `first`.
fn literal_end(text: &[u8], start: usize, first: u8) -> Result<usize, ScanError> {
    let word: &[u8] = match first {
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        b'N' => b"NaN",
        b'I' => b"Infinity",
        other => return Err(ScanError::invalid(start, JsonFault::Unexpected(other))),
    };
    for (ahead, &wanted) in word.iter().enumerate() {
        let found = byte(text, start + ahead)?;
        if found != wanted {
            return Err(ScanError::invalid(
                start + ahead,
                JsonFault::Unexpected(found),
            ));
        }
    }
    Ok(start + word.len())
}

/// The offset after the escape whose backslash is at `start`.
fn escape_end(text: &[u8], start: usize) -> Result<usize, ScanError> {
    match byte(text, start + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(start + 2),
        b'u' => {
            for at in start + 2..start + 6 {
                if !byte(text, at)?.is_ascii_hexdigit() {
                    return Err(ScanError::invalid(at, JsonFault::Escape));
                }
            }
            Ok(start + 6)
        }
        _ => Err(ScanError::invalid(start + 1, JsonFault::Escape)),
    }
}

/// The offset of the value that belongs to the key at `start`.
fn key_end(text: &[u8], start: usize) -> Result<usize, ScanError> {
    let at = skip_white(text, string_end(text, start)?);
    match byte(text, at)? {
        b':' => Ok(skip_white(text, at + 1)),
        other => Err(ScanError::invalid(at, JsonFault::Unexpected(other))),
    }
}

#[inline(always)]
fn byte(text: &[u8], at: usize) -> Result<u8, ScanError> {
    match text.get(at) {
        Some(&byte) => Ok(byte),
        None => Err(ScanError::incomplete(text)),
    }
}

/// The brackets that are open, one bit each: set for an object. The innermost
/// 64 are in `top`, so that ordinary text never allocates.
#[derive(Default)]
pub(super) struct Nest {
    top: u64,
    under: Vec<u64>,
    depth: usize,
}

impl Nest {
    pub(super) fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.under.push(self.top);
        }
        self.top = self.top << 1 | u64::from(object);
        self.depth += 1;
    }

    #[inline(always)]
    pub(super) fn top(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.top & 1 == 1)
    }

    pub(super) fn pop(&mut self) {
        self.top >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.top = self.under.pop().unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests;
