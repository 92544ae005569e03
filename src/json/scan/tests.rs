use super::*;
use proptest::prelude::*;

fn invalid(offset: usize, fault: JsonFault) -> Result<usize, ScanError> {
    Err(ScanError::invalid(offset, fault))
}

#[test]
fn accepts_what_python_reads() {
    for text in [
        "0",
        "-0",
        "-0.0",
        "1E+2",
        "1e400",
        "1180591620717411303424",
        "true",
        "false",
        "null",
        "NaN",
        "Infinity",
        "-Infinity",
        "[]",
        "{}",
        "[ ]",
        "{\t}",
        "[1 , 2]",
        r#""""#,
        r#""\ud83d""#,
        r#""\"\\\/\b\f\n\r\t\u00E9""#,
        "\"\u{7f}é\u{2028}😀\"",
        r#"{"a":1,"a":[{"b":null}]}"#,
        "{ \"a\" :\r\n[ 1,2 ] , \"b\" : {} }",
    ] {
        assert_eq!(
            value_end(text.as_bytes(), 0, true),
            Ok(text.len()),
            "{text}"
        );
    }
}

#[test]
fn refuses_the_first_wrong_byte() {
    let unexpected = JsonFault::Unexpected;
    for (text, offset, fault) in [
        (&b" 1"[..], 0, unexpected(b' ')),
        (b"+1", 0, unexpected(b'+')),
        (b".5", 0, unexpected(b'.')),
        (b"1.e5", 2, unexpected(b'e')),
        (b"[01]", 2, unexpected(b'1')),
        (b"[1e]", 3, unexpected(b']')),
        (b"[1,]", 3, unexpected(b']')),
        (b"[,1]", 1, unexpected(b',')),
        (b"[1 2]", 3, unexpected(b'2')),
        (b"[1}", 2, unexpected(b'}')),
        (b"{1:2}", 1, unexpected(b'1')),
        (b"{\"a\" 1}", 5, unexpected(b'1')),
        (b"{\"a\":1,}", 7, unexpected(b'}')),
        (b"nulL", 3, unexpected(b'L')),
        (b"-NaN", 1, unexpected(b'N')),
        (b"'a'", 0, unexpected(b'\'')),
        (b"\"a\nb\"", 2, unexpected(b'\n')),
        (b"\"\x00\"", 1, unexpected(0)),
        (b"\"\\x\"", 2, JsonFault::Escape),
        (b"\"\\u12g4\"", 5, JsonFault::Escape),
        (b"\"ab\xff\"", 3, JsonFault::Utf8),
        (b"\"\xed\xa0\x80\"", 1, JsonFault::Utf8),
        (b"\"\xc3\"", 1, JsonFault::Utf8),
    ] {
        assert_eq!(
            value_end(text, 0, true),
            invalid(offset, fault),
            "{}",
            text.escape_ascii()
        );
    }
}

#[test]
fn a_number_at_the_end_may_go_on() {
    for text in ["12", "1.5", "null", "-Infinity"] {
        let text = text.as_bytes();
        assert_eq!(value_end(text, 0, false), Err(ScanError::incomplete(text)));
        assert_eq!(value_end(text, 0, true), Ok(text.len()));
    }
    for text in ["\"a\"", "[1]", "{}"] {
        assert_eq!(value_end(text.as_bytes(), 0, false), Ok(text.len()));
    }
}

#[test]
fn only_the_one_value_is_looked_at() {
    assert_eq!(value_end(b"xx[1]garbage", 2, false), Ok(5));
    assert_eq!(string_end(b"\"a\" \xff", 0), Ok(3));
}

#[test]
fn a_million_brackets_need_no_stack() {
    const DEPTH: usize = 1_000_000;
    let mut text = b"[{\"\":".repeat(DEPTH / 2);
    text.push(b'1');
    text.extend(b"}]".repeat(DEPTH / 2));
    assert_eq!(value_end(&text, 0, true), Ok(text.len()));
    // The kind of every level is known.
    let last = text.len() - 1;
    text[last] = b'}';
    assert_eq!(
        value_end(&text, 0, true),
        invalid(last, JsonFault::Unexpected(b'}'))
    );
    let open = vec![b'['; DEPTH];
    assert_eq!(value_end(&open, 0, true), Err(ScanError::incomplete(&open)));
}

proptest! {
    #[test]
    fn agrees_with_serde_on_any_text(text in "[\\[\\]{}:, \"\\\\a0-2e.tu-]{0,12}") {
        // serde reads a value of any shape without keeping it; it knows
        // neither NaN nor Infinity, which these letters cannot spell.
        let ours = value_end(text.as_bytes(), 0, true) == Ok(text.len());
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok()
            && text.trim() == text;
        prop_assert_eq!(ours, theirs, "{}", text);
    }

    #[test]
    fn every_prefix_is_incomplete(value in json_text()) {
        let text = value.as_bytes();
        prop_assert_eq!(value_end(text, 0, true), Ok(text.len()));
        for len in 0..text.len() {
            prop_assert_eq!(
                value_end(&text[..len], 0, false),
                Err(ScanError { offset: len, fault: ScanFault::Incomplete })
            );
        }
    }

    #[test]
    fn no_bytes_panic(text: Vec<u8>, start in 0usize..20) {
        let _ = value_end(&text, start, true);
        let _ = string_end(&text, start);
        let _ = skip_white(&text, start);
    }
}

/// A container or string in ASCII, so that no prefix is itself a value or
/// ends inside a character.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"([a-z ]|\\\\n|\\\\u[0-9a-fA-F]{4}){0,5}\"",
        prop::sample::select(vec!["null", "NaN", "-Infinity", "true"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(" ,"))),
            prop::collection::vec(inner, 0..4).prop_map(|v| {
                let members: Vec<_> = v.iter().map(|v| format!("\"k\": {v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
    .prop_map(|inner| format!("[{inner}]"))
}
