//! Styles: what a writer was free to choose is found in its text, and printing
//! the value again in that style gives the same bytes.
//!
//! The text is written here, by the plainest printer there is, from choices: a
//! value, and how all of it is spelled.

use twinstore::json::{Escapes, Indent, JsonStyle, Newline, encode, normalise, print, value_end};

use super::choices::Choices;

/// Takes `data` as a style and a value.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let style = chosen(&mut choices);
    assert!(style.is_sound());
    let mut normal = Vec::new();
    value(&mut choices, 4, &mut normal);
    let mut text = Vec::new();
    write(&normal, &style, &mut text);

    let found = JsonStyle::detect(&text, &text);
    assert!(found.is_sound());
    let start = text.len() - trimmed(&text, &style).len();
    let end = value_end(&text, start, true).unwrap();
    let mut again = Vec::new();
    normalise(&text[start..end], &mut again).unwrap();
    assert_eq!(again, normal, "the value");
    let mut printed = Vec::new();
    write(&normal, &found, &mut printed);
    let show = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    assert_eq!(
        show(&printed),
        show(&text),
        "{style:?} was taken for {found:?}"
    );
    // Learning from the value once more changes nothing.
    let mut learnt = found.clone();
    learnt.learn(&text[start..end]);
    assert_eq!(learnt.escapes(), found.escapes());
}

fn write(normal: &[u8], style: &JsonStyle, out: &mut Vec<u8>) {
    style.begin(out);
    print(normal, style, 0, out);
    style.finish(out);
}

/// The text from its value on.
fn trimmed<'t>(text: &'t [u8], style: &JsonStyle) -> &'t [u8] {
    let mut begin = Vec::new();
    style.begin(&mut begin);
    &text[begin.len()..]
}

fn chosen(choices: &mut Choices<'_>) -> JsonStyle {
    const WHITE: [&[u8]; 8] = [b"", b" ", b"", b" ", b"\n", b"  ", b"\t", b"\r\n"];
    let mut style = JsonStyle::python();
    style.bom = choices.once_in(8);
    style.lead = white(choices, &WHITE);
    style.tail = white(choices, &WHITE);
    style.before_colon = white(choices, &WHITE);
    style.after_colon = white(choices, &WHITE);
    style.before_comma = white(choices, &WHITE);
    style.after_comma = white(choices, &WHITE);
    if choices.of(3) == 2 {
        // A line ends once between two children.
        const BLANK: [&[u8]; 4] = [b"", b" ", b"", b"\t"];
        style.before_comma = white(choices, &BLANK);
        style.after_comma = white(choices, &BLANK);
        style.indent = Some(Indent {
            newline: choices.pick(&[Newline::Lf, Newline::CrLf]),
            unit: white(choices, &[b"  ", b"    ", b"\t", b" ", b""]),
        });
    }
    style.escapes = Some(choices.pick(&[Escapes::Ascii, Escapes::Utf8]));
    style
}

fn white(choices: &mut Choices<'_>, list: &[&[u8]]) -> Vec<u8> {
    choices.pick(list).to_vec()
}

/// A value in normal form.
fn value(choices: &mut Choices<'_>, depth: usize, out: &mut Vec<u8>) {
    const NUMBERS: [&str; 12] = [
        "0",
        "-0",
        "0.5",
        "1e-05",
        "1e-5",
        "1E5",
        "0.00001",
        "1e+16",
        "NaN",
        "-Infinity",
        "17",
        "123456789012345678901234567890",
    ];
    match choices.of(8) {
        4 | 6 if depth > 0 => {
            out.push(b'[');
            for n in 0..choices.of(4) {
                out.extend_from_slice(if n == 0 { b"" } else { b"," });
                value(choices, depth - 1, out);
            }
            out.push(b']');
        }
        5 | 7 if depth > 0 => {
            out.push(b'{');
            for n in 0..choices.of(4) {
                out.extend_from_slice(if n == 0 { b"" } else { b"," });
                string(choices, out);
                out.push(b':');
                value(choices, depth - 1, out);
            }
            out.push(b'}');
        }
        0..=2 => string(choices, out),
        3 => out.extend_from_slice(choices.pick(&["null", "true", "false"]).as_bytes()),
        _ => out.extend_from_slice(choices.pick(&NUMBERS).as_bytes()),
    }
}

/// A string of few characters; a lone surrogate is one of them.
fn string(choices: &mut Choices<'_>, out: &mut Vec<u8>) {
    const CHARACTERS: [&[u8]; 14] = [
        b"a",
        b"0",
        b" ",
        "ü".as_bytes(),
        "\u{1f600}".as_bytes(),
        b"\"",
        b"\\",
        b"/",
        b"\n",
        b"\x01",
        b"\x7f",
        "\u{2028}".as_bytes(),
        b"\xed\xa0\x80",
        b"u00fc",
    ];
    let mut text = Vec::new();
    for _ in 0..choices.of(5) {
        text.extend_from_slice(choices.pick(&CHARACTERS));
    }
    let mut token = Vec::new();
    encode(&text, Escapes::Utf8, &mut token);
    // Normal form has one spelling for each text.
    normalise(&token, out).unwrap();
}
