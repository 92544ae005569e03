//! Python's way to show a string.

/// What Python's `repr` makes of a string: `KeyError` shows its argument so.
/// `text` is UTF-8, or WTF-8 with lone surrogates.
pub(super) fn repr(text: &[u8]) -> String {
    // Single quotes, unless only those are inside.
    let quote = match text.contains(&b'\'') && !text.contains(&b'"') {
        true => '"',
        false => '\'',
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    let mut rest = text;
    while !rest.is_empty() {
        let (valid, after) = match std::str::from_utf8(rest) {
            Ok(valid) => (valid, &[][..]),
            Err(e) => {
                let (valid, after) = rest.split_at(e.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), after)
            }
        };
        valid.chars().for_each(|c| push(c, quote, &mut out));
        rest = match after {
            // A surrogate, encoded as if it were a character.
            [0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf, rest @ ..] => {
                let unit = 0xd000 | u32::from(b & 0x3f) << 6 | u32::from(c & 0x3f);
                out.push_str(&format!("\\u{unit:04x}"));
                rest
            }
            [_, rest @ ..] => {
                out.push(char::REPLACEMENT_CHARACTER);
                rest
            }
            [] => &[],
        };
    }
    out.push(quote);
    out
}

fn push(c: char, quote: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if c == quote => out.extend(['\\', c]),
        _ if is_printable(c) => out.push(c),
        _ => out.push_str(&match u32::from(c) {
            code @ ..0x100 => format!("\\x{code:02x}"),
            code @ 0x100..0x1_0000 => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        }),
    }
}

/// As `str.isprintable`. Rust's `escape_debug` escapes the same characters, and
/// beyond them some that combine with the one before, so one is put before.
fn is_printable(c: char) -> bool {
    let mut pair = [0; 5];
    pair[0] = b'a';
    let (_, after) = pair.split_at_mut(1);
    let length = c.encode_utf8(after).len() + 1;
    let pair = pair.get(..length).unwrap_or_default();
    let pair = std::str::from_utf8(pair).unwrap_or_default();
    matches!(c, '"' | '\'') || pair.escape_debug().nth(1) != Some('\\')
}

#[cfg(test)]
mod tests {
    use super::repr;

    /// Made with `repr` of Python 3.11.
    #[test]
    fn strings_are_shown_as_python_shows_them() {
        for (text, shown) in [
            (&b"a"[..], "'a'"),
            (b"", "''"),
            (b"a'b", r#""a'b""#),
            (b"a\"b", r#"'a"b'"#),
            (b"a'\"b", r#"'a\'"b'"#),
            (b"\\ \n\r\t\0\x1b\x7f", r"'\\ \n\r\t\x00\x1b\x7f'"),
            ("\u{a0}\u{ad}".as_bytes(), r"'\xa0\xad'"),
            (
                "\u{200b}\u{2028}\u{feff}".as_bytes(),
                r"'\u200b\u2028\ufeff'",
            ),
            ("\u{e0001}\u{10ffff}".as_bytes(), r"'\U000e0001\U0010ffff'"),
            (
                "größe 東京 🗼 e\u{301}\u{301}".as_bytes(),
                "'größe 東京 🗼 e\u{301}\u{301}'",
            ),
            (b"x\xed\xa0\xbd\xed\xbf\xbfy", r"'x\ud83d\udfffy'"),
            (b"\xff", "'\u{fffd}'"),
        ] {
            assert_eq!(repr(text), shown, "{text:?}");
        }
    }
}
