//! String tokens: from JSON's escapes to text and back.
//!
//! Decoded text is WTF-8: UTF-8 in which a surrogate that has no partner
//! stands as the three bytes that UTF-8 would give it (`ED A0..BF 80..BF`).
//! Python reads and writes such strings (`"\ud83d"`), so they must survive.
//!
//! What writers disagree on is only which characters are escaped, see
//! [`Escapes`]; spellings that no writer uses (`\/`, `\u0041`, upper-case hex)
//! decode, but are not printed back.

use super::runs;
use crate::error::JsonFault;

/// Which characters of a string a writer escapes.
///
/// All writers use `\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u00xx` in lower
/// case for the other control characters, and leave `/` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub enum Escapes {
    /// `json.dumps`: everything outside 0x20..=0x7e, DEL included, as
    /// `\uxxxx`, astral characters as a surrogate pair.
    Ascii,
    /// `ensure_ascii=False`, `JSON.stringify`, serde, pydantic: only what must
    /// be, and lone surrogates, which have no UTF-8 form.
    Utf8,
}

/// Appends the text that `token`, a scanned string with its quotes, stands
/// for. Surrogate escapes that pair up become one character.
///
/// ```
/// let mut text = Vec::new();
/// twinstore::json::decode(br#""gr\u00fcn \ud83d\ude00""#, &mut text)?;
/// assert_eq!(text, "grün 😀".as_bytes());
/// # Ok::<(), twinstore::error::JsonFault>(())
/// ```
///
/// # Errors
///
/// On tokens that were not scanned: [`JsonFault::Unexpected`] without quotes
/// or with a quote inside, [`JsonFault::Cut`], [`JsonFault::Escape`]. UTF-8
/// is not checked again. `out` is left as it was.
pub fn decode(token: &[u8], out: &mut Vec<u8>) -> Result<(), JsonFault> {
    rewrite(token, out, push_wtf8)
}

/// Appends `text`, which should be WTF-8, as a string token with quotes.
///
/// A high surrogate followed by a low one cannot come from [`decode`]; each is
/// printed as an escape of its own. Bytes that are no WTF-8 at all are printed
/// as U+FFFD, one for each maximal wrong sequence.
///
/// ```
/// use twinstore::json::{Escapes, encode};
/// let mut token = Vec::new();
/// encode("é\n".as_bytes(), Escapes::Ascii, &mut token);
/// assert_eq!(token, br#""\u00e9\n""#);
/// ```
pub fn encode(text: &[u8], escapes: Escapes, out: &mut Vec<u8>) {
    out.push(b'"');
    encode_content(text, escapes, out);
    out.push(b'"');
}

/// Like [`encode`], without the quotes: for text that comes in pieces.
pub(crate) fn encode_content(text: &[u8], escapes: Escapes, out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let (good, bad) = match std::str::from_utf8(rest) {
            Ok(all) => (all.as_bytes(), 0),
            Err(e) => {
                let (good, _) = rest.split_at_checked(e.valid_up_to()).unwrap_or_default();
                (good, e.error_len().unwrap_or(rest.len() - good.len()))
            }
        };
        encode_utf8(good, escapes, out);
        rest = rest.get(good.len()..).unwrap_or_default();
        if bad == 0 {
            continue;
        }
        // from_utf8 stops at a surrogate's first byte and calls that one byte
        // wrong; look at all three.
        let wrong = match rest {
            [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, ..] => {
                let unit = 0xd000 | u32::from(b & 0x3f) << 6 | u32::from(c & 0x3f);
                push_printed(unit, escapes, out);
                3
            }
            _ => {
                push_printed(0xfffd, escapes, out);
                bad
            }
        };
        rest = rest.get(wrong..).unwrap_or_default();
    }
}

/// Appends `token` with its escapes in the form of [`Escapes::Utf8`].
pub(super) fn to_utf8(token: &[u8], out: &mut Vec<u8>) -> Result<(), JsonFault> {
    if is_utf8_form(token) {
        out.extend_from_slice(token);
        return Ok(());
    }
    out.push(b'"');
    rewrite(token, out, |unit, out| {
        push_printed(unit, Escapes::Utf8, out);
    })
    .inspect_err(|_| {
        out.pop();
    })?;
    out.push(b'"');
    Ok(())
}

/// Whether a scanned string is in the form of [`Escapes::Utf8`] for certain: what it
/// escapes is written in the one way in which all write it. A string with other
/// escapes may be so, too.
fn is_utf8_form(token: &[u8]) -> bool {
    let mut rest = token.strip_prefix(b"\"").unwrap_or_default();
    loop {
        rest = rest.get(runs::unescaped(rest)..).unwrap_or_default();
        match rest {
            [b'"'] => return true,
            [
                b'\\',
                b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't',
                after @ ..,
            ] => rest = after,
            _ => return false,
        }
    }
}

/// Appends the string token that `text` begins with, whose escapes are in the
/// form of [`Escapes::Utf8`], in the form of [`Escapes::Ascii`], and returns
/// what follows it. Escapes are the same in both.
pub(super) fn to_ascii<'t>(text: &'t [u8], out: &mut Vec<u8>) -> &'t [u8] {
    let Some((quote, mut rest)) = text.split_first() else {
        return text;
    };
    out.push(*quote);
    loop {
        let (plain, tail) = rest
            .split_at_checked(runs::ascii(rest))
            .unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        rest = match tail.split_first() {
            None => return tail,
            Some((b'"', after)) => {
                out.push(b'"');
                return after;
            }
            Some((b'\\', after)) => {
                // The escaped byte may be a quote; hex digits need no care.
                let (escape, after) = tail.split_at_checked(2).unwrap_or((tail, after));
                out.extend_from_slice(escape);
                after
            }
            Some((first @ 0..0x7f, after)) => {
                out.push(*first);
                after
            }
            Some(_) => {
                let high = tail.iter().position(|&b| b < 0x7f).unwrap_or(tail.len());
                let (chars, after) = tail.split_at_checked(high).unwrap_or((tail, &[]));
                push_ascii(chars, out);
                after
            }
        };
    }
}

/// Appends characters from DEL on as escapes.
fn push_ascii(chars: &[u8], out: &mut Vec<u8>) {
    for piece in chars.utf8_chunks() {
        for c in piece.valid().chars() {
            push_printed(u32::from(c), Escapes::Ascii, out);
        }
        if !piece.invalid().is_empty() {
            push_printed(0xfffd, Escapes::Ascii, out);
        }
    }
}

/// Copies the plain runs of a token and hands each escaped character, pairs
/// combined, to `push`.
fn rewrite(
    token: &[u8],
    out: &mut Vec<u8>,
    push: impl Fn(u32, &mut Vec<u8>),
) -> Result<(), JsonFault> {
    let before = out.len();
    let mut rest = match token.split_first() {
        Some((b'"', rest)) => rest,
        Some((&other, _)) => return Err(JsonFault::Unexpected(other)),
        None => return Err(JsonFault::Cut),
    };
    let result = loop {
        let (run, tail) = rest
            .split_at_checked(runs::plain(rest))
            .unwrap_or((rest, &[]));
        out.extend_from_slice(run);
        match tail {
            [b'"'] => return Ok(()),
            [b'\\', escape @ ..] => match unescape(escape) {
                Ok((unit, after)) => {
                    push(unit, out);
                    rest = after;
                }
                Err(fault) => break Err(fault),
            },
            [other, ..] => break Err(JsonFault::Unexpected(*other)),
            [] => break Err(JsonFault::Cut),
        }
    };
    out.truncate(before);
    result
}

/// The character of the escape whose text after the backslash is `text`, and
/// what follows it. A lone surrogate is given as its code unit.
pub(super) fn unescape(text: &[u8]) -> Result<(u32, &[u8]), JsonFault> {
    let (&kind, rest) = text.split_first().ok_or(JsonFault::Cut)?;
    let plain = match kind {
        b'"' | b'\\' | b'/' => kind,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => {
            let (unit, rest) = hex4(rest)?;
            if let 0xd800..=0xdbff = unit
                && let Some(low) = rest.strip_prefix(b"\\u")
                && let Ok((low @ 0xdc00..=0xdfff, after)) = hex4(low)
            {
                let pair = 0x1_0000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
                return Ok((pair, after));
            }
            return Ok((unit, rest));
        }
        _ => return Err(JsonFault::Escape),
    };
    Ok((u32::from(plain), rest))
}

fn hex4(text: &[u8]) -> Result<(u32, &[u8]), JsonFault> {
    let (hex, rest) = text.split_at_checked(4).ok_or(JsonFault::Cut)?;
    let mut unit = 0;
    for &digit in hex {
        let value = char::from(digit).to_digit(16).ok_or(JsonFault::Escape)?;
        unit = unit << 4 | value;
    }
    Ok((unit, rest))
}

/// Appends a code point, surrogates included, as WTF-8.
pub(super) fn push_wtf8(point: u32, out: &mut Vec<u8>) {
    match char::from_u32(point) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => out.extend_from_slice(&[
            0xed,
            0x80 | (point >> 6 & 0x3f) as u8,
            0x80 | (point & 0x3f) as u8,
        ]),
    }
}

fn encode_utf8(text: &[u8], escapes: Escapes, out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let run = match escapes {
            Escapes::Ascii => runs::ascii(rest),
            Escapes::Utf8 => runs::plain(rest),
        };
        let (run, tail) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        out.extend_from_slice(run);
        // One character needs care; in ASCII form, all up to the next run.
        let careful = match tail.first() {
            None => return,
            Some(0..0x80) => 1,
            Some(_) => tail.iter().position(|&b| b < 0x80).unwrap_or(tail.len()),
        };
        let (chars, tail) = tail.split_at_checked(careful).unwrap_or((tail, &[]));
        for c in String::from_utf8_lossy(chars).chars() {
            push_printed(u32::from(c), escapes, out);
        }
        rest = tail;
    }
}

/// Appends a code point, surrogates included, as it stands in a token.
fn push_printed(point: u32, escapes: Escapes, out: &mut Vec<u8>) {
    match point {
        0x22 => out.extend_from_slice(b"\\\""),
        0x5c => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        0x0c => out.extend_from_slice(b"\\f"),
        0x0a => out.extend_from_slice(b"\\n"),
        0x0d => out.extend_from_slice(b"\\r"),
        0x09 => out.extend_from_slice(b"\\t"),
        0..0x20 | 0xd800..0xe000 => push_hex(point, out),
        0x20..0x7f => out.push(point as u8),
        _ if escapes == Escapes::Utf8 => push_wtf8(point, out),
        0x7f..0x1_0000 => push_hex(point, out),
        _ => {
            let above = point - 0x1_0000;
            push_hex(0xd800 | above >> 10, out);
            push_hex(0xdc00 | above & 0x3ff, out);
        }
    }
}

fn push_hex(unit: u32, out: &mut Vec<u8>) {
    let digit = |shift: u32| {
        let nibble = (unit >> shift & 0xf) as u8;
        nibble + if nibble < 10 { b'0' } else { b'a' - 10 }
    };
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

#[cfg(test)]
mod tests;
