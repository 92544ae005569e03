//! Text: whatever the bytes are, the JSON layer neither panics nor runs on,
//! and where it accepts a value, all its parts agree with each other and with
//! serde_json.
//!
//! What the two readers differ in, and is allowed for: `NaN`, `Infinity` and
//! `-Infinity` are JSON to Python; a lone surrogate is a character to Python;
//! numbers may have any size; nesting may have any depth. Those are compared with
//! what CPython was recorded to read.

use serde_json::Value;
use twinstore::json::{
    Elements, Escapes, JsonStyle, Members, NumberLayout, ScanFault, decode, encode, normalise,
    parse_f64, print_f32_shortest, print_f64, print_within, skip_white, string_end, value_end,
};

use super::{choices::Choices, cpython};

/// Printing deep nesting in an indented style grows with the square.
const PRINT_LIMIT: usize = 1 << 20;

/// No text begins so: what follows says which texts are put together.
const COMPOSED: u8 = 0xff;

/// Takes `data` as text, or as choices of recorded ones.
pub fn run(data: &[u8]) {
    if let Some((&COMPOSED, choices)) = data.split_first() {
        let (text, known) = cpython::text(&mut Choices::new(choices));
        let value = of_text(text.as_bytes());
        assert_eq!(value.map(cpython::dumped), known, "{text}");
    } else {
        of_text(data);
    }
}

/// Looks at a text; the value that it is.
fn of_text(data: &[u8]) -> Option<&[u8]> {
    any_text(data);
    let start = skip_white(data, 0);
    let end = value_end(data, start, true);
    chunked(data, start, end.is_ok());
    let accepted = matches!(end, Ok(end) if skip_white(data, end) == data.len());
    assert_eq!(accepted, accepted_by_serde(data), "acceptance");
    let text = &data[start..end.ok()?];
    value(text, data);
    accepted.then_some(text)
}

/// Calls that must only come back, on text that nobody has checked.
fn any_text(data: &[u8]) {
    let style = JsonStyle::detect(data, data);
    assert!(style.is_sound());
    let mut out = Vec::new();
    if normalise(data, &mut out).is_err() {
        assert!(out.is_empty());
    }
    out.clear();
    let _ = print_within(data, &style, 0, PRINT_LIMIT, &mut out);
    for bracket in [&b"["[..], b"{"] {
        let text = [bracket, data].concat();
        assert!(Elements::new(&text).count() <= text.len());
        assert!(Members::new(&text).count() <= text.len());
    }
    let _ = parse_f64(data);
    for escapes in [Escapes::Ascii, Escapes::Utf8] {
        let mut token = Vec::new();
        encode(data, escapes, &mut token);
        assert_eq!(string_end(&token, 0), Ok(token.len()));
        let (mut text, mut again) = (Vec::new(), Vec::new());
        decode(&token, &mut text).unwrap();
        encode(&text, escapes, &mut again);
        // Bytes that are no text became U+FFFD; surrogate halves became one.
        let mut stable = Vec::new();
        decode(&again, &mut stable).unwrap();
        assert_eq!(text, stable);
        if let Ok(good) = std::str::from_utf8(data) {
            assert_eq!(text, good.as_bytes());
        }
    }
    if let Some(bits) = data.first_chunk::<8>() {
        number(f64::from_bits(u64::from_le_bytes(*bits)));
    }
}

/// A float prints as text that reads back as the same float.
fn number(value: f64) {
    for layout in [
        NumberLayout::Python,
        NumberLayout::Ryu,
        NumberLayout::JavaScript,
    ] {
        let mut token = Vec::new();
        print_f64(value, layout, &mut token);
        if value.is_finite() {
            let back = parse_f64(&token).unwrap();
            assert!(back == value, "{value:?} as {layout:?}");
        }
        token.clear();
        let narrow = value as f32;
        print_f32_shortest(narrow, layout, &mut token);
        if narrow.is_finite() {
            assert!(parse_f64(&token).unwrap() as f32 == narrow);
        }
    }
}

/// A reader that has only the first part of a text must not be told otherwise
/// than one that has all of it.
fn chunked(data: &[u8], start: usize, whole: bool) {
    let end = value_end(data, start, true);
    match value_end(data, start, false) {
        Ok(sooner) => assert_eq!(end, Ok(sooner)),
        Err(e) if e.fault == ScanFault::Incomplete => {
            assert!(end.is_err() || end == Ok(data.len()));
        }
        Err(e) => assert_eq!(end, Err(e)),
    }
    if !whole {
        return;
    }
    for cut in [data.len() / 3, data.len() / 2, data.len().saturating_sub(1)] {
        let part = &data[..cut];
        match value_end(part, start.min(cut), false) {
            Ok(sooner) => assert_eq!(end, Ok(sooner)),
            Err(e) => assert_eq!(e.fault, ScanFault::Incomplete),
        }
    }
}

/// What must hold of the text of a value; `data` is what it was found in.
fn value(text: &[u8], data: &[u8]) {
    let mut normal = Vec::new();
    normalise(text, &mut normal).unwrap();
    std::str::from_utf8(&normal).unwrap();
    assert_eq!(value_end(&normal, 0, true), Ok(normal.len()));
    let mut twice = Vec::new();
    normalise(&normal, &mut twice).unwrap();
    assert_eq!(normal, twice, "normal form is its own normal form");

    let mut detected = JsonStyle::detect(data, data);
    detected.learn(text);
    for style in [
        detected,
        JsonStyle::python(),
        JsonStyle::pydantic(),
        JsonStyle::stringify(),
    ] {
        let mut printed = Vec::new();
        if print_within(&normal, &style, 0, PRINT_LIMIT, &mut printed) {
            assert_eq!(value_end(&printed, 0, true), Ok(printed.len()));
            let mut back = Vec::new();
            normalise(&printed, &mut back).unwrap();
            assert_eq!(normal, back, "{style:?}");
        }
    }
    // Serde reads the same value from both, or refuses both.
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
    assert_eq!(read(text), read(&normal));
    children(text);
    token(text);
}

/// Children are whole values, and together they are the container.
fn children(text: &[u8]) {
    let whole = |part: &[u8]| assert_eq!(value_end(part, 0, true), Ok(part.len()));
    let mut joined = Vec::new();
    match text[0] {
        b'[' => {
            joined.push(b'[');
            for (n, part) in Elements::new(text).enumerate() {
                whole(part);
                joined.extend_from_slice(if n == 0 { b"" } else { b"," });
                joined.extend_from_slice(part);
            }
            joined.push(b']');
        }
        b'{' => {
            joined.push(b'{');
            for (n, (key, part)) in Members::new(text).enumerate() {
                whole(part);
                assert_eq!(string_end(key, 0), Ok(key.len()));
                joined.extend_from_slice(if n == 0 { b"" } else { b"," });
                joined.extend_from_slice(key);
                joined.push(b':');
                joined.extend_from_slice(part);
            }
            joined.push(b'}');
        }
        _ => return,
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    normalise(text, &mut before).unwrap();
    normalise(&joined, &mut after).unwrap();
    assert_eq!(before, after);
}

/// A string decodes to what serde reads, a number parses to what std parses.
fn token(text: &[u8]) {
    if text[0] == b'"' {
        let mut decoded = Vec::new();
        decode(text, &mut decoded).unwrap();
        if let Ok(read) = serde_json::from_slice::<String>(text) {
            assert_eq!(decoded, read.as_bytes());
        }
        for escapes in [Escapes::Ascii, Escapes::Utf8] {
            let (mut printed, mut back) = (Vec::new(), Vec::new());
            encode(&decoded, escapes, &mut printed);
            decode(&printed, &mut back).unwrap();
            assert_eq!(decoded, back);
        }
    }
    if let b'-' | b'0'..=b'9' = text[0]
        && let Ok(digits) = std::str::from_utf8(text)
        && let Ok(value) = digits.parse::<f64>()
    {
        assert_eq!(parse_f64(text).map(f64::to_bits), Some(value.to_bits()));
    }
}

/// Whether serde takes the text for one value, once Python's literals are
/// written as others. It checks neither depth nor numbers nor surrogates when
/// it only skips a value; UTF-8 is checked here.
fn accepted_by_serde(data: &[u8]) -> bool {
    let plain = without_literals(data);
    std::str::from_utf8(data).is_ok()
        && serde_json::from_slice::<serde::de::IgnoredAny>(&plain).is_ok()
}

fn without_literals(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    let mut in_string = false;
    while let Some((&first, after)) = rest.split_first() {
        let literal = [&b"-Infinity"[..], b"Infinity", b"NaN"]
            .into_iter()
            .find(|word| !in_string && rest.starts_with(word));
        if let Some(word) = literal {
            out.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            continue;
        }
        out.push(first);
        rest = after;
        if first == b'"' {
            in_string = !in_string;
        } else if first == b'\\' && in_string && !rest.is_empty() {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}
