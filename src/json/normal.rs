//! From text to normal form: the same value without its writer's habits.
//!
//! Normal form has no white space, strings with as few escapes as possible
//! ([`Escapes::Utf8`](super::Escapes)), and number and literal tokens exactly
//! as they were. It is valid UTF-8 and valid JSON, and so compact that it is
//! what is stored. The twin, [`print`](super::print()), is the way back.
//!
//! It is not canonical JSON: the order of members, duplicate keys and the
//! spelling of numbers are kept, as they must come back.

use super::{runs, scan::skip_white, string, walk};
use crate::error::JsonFault;

/// Appends the normal form of the value that `text` is, white space around it
/// left out. `text` must have been scanned.
///
/// ```
/// let mut normal = Vec::new();
/// twinstore::json::normalise(br#"{"a": [1e5, "\u00fc"]}"#, &mut normal)?;
/// assert_eq!(normal, r#"{"a":[1e5,"ü"]}"#.as_bytes());
/// # Ok::<(), twinstore::error::JsonFault>(())
/// ```
///
/// # Errors
///
/// On text that was not scanned, [`JsonFault::Escape`], [`JsonFault::Cut`] or
/// [`JsonFault::Unexpected`] for a bad string; not everything that is wrong
/// is noticed. `out` is left as it was.
pub fn normalise(text: &[u8], out: &mut Vec<u8>) -> Result<(), JsonFault> {
    let before = out.len();
    let mut rest = text;
    loop {
        rest = rest.get(skip_white(rest, 0)..).unwrap_or_default();
        let len = match rest.first() {
            None => return Ok(()),
            Some(b'"') => {
                let len = walk::string_len(rest);
                let token = rest.get(..len).unwrap_or_default();
                if let Err(fault) = string::to_utf8(token, out) {
                    out.truncate(before);
                    return Err(fault);
                }
                len
            }
            Some(b'[' | b']' | b'{' | b'}' | b',' | b':') => {
                out.extend(rest.first());
                1
            }
            Some(_) => {
                // At least one byte, so that garbage is passed over, too.
                let len = runs::scalar(rest).max(1);
                out.extend_from_slice(rest.get(..len).unwrap_or_default());
                len
            }
        };
        rest = rest.get(len..).unwrap_or_default();
    }
}
