use super::*;
use proptest::prelude::*;

fn decoded(token: &str) -> Result<Vec<u8>, JsonFault> {
    let mut out = b"before".to_vec();
    let result = decode(token.as_bytes(), &mut out);
    let text = out.strip_prefix(b"before").unwrap().to_vec();
    match result {
        Ok(()) => Ok(text),
        Err(fault) => {
            assert!(text.is_empty(), "a failed decode leaves no trace");
            Err(fault)
        }
    }
}

fn encoded(text: impl AsRef<[u8]>, escapes: Escapes) -> String {
    let mut out = Vec::new();
    encode(text.as_ref(), escapes, &mut out);
    String::from_utf8(out).unwrap()
}

/// Text, its form by `json.dumps`, its form by the others (all of them
/// the programs' own output).
const WRITERS: &[(&str, &str, &str)] = &[
    ("", r#""""#, r#""""#),
    ("a/b", r#""a/b""#, r#""a/b""#),
    ("\"\\", r#""\"\\""#, r#""\"\\""#),
    ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#, r#""\b\f\n\r\t""#),
    (
        "\0\u{1}\u{b}\u{1f}",
        r#""\u0000\u0001\u000b\u001f""#,
        r#""\u0000\u0001\u000b\u001f""#,
    ),
    ("~\u{7f}\u{80}", r#""~\u007f\u0080""#, "\"~\u{7f}\u{80}\""),
    ("é日", r#""\u00e9\u65e5""#, "\"é日\""),
    (
        "\u{2028}\u{feff}\u{ffff}",
        r#""\u2028\ufeff\uffff""#,
        "\"\u{2028}\u{feff}\u{ffff}\"",
    ),
    (
        "😀\u{10ffff}",
        r#""\ud83d\ude00\udbff\udfff""#,
        "\"😀\u{10ffff}\"",
    ),
];

#[test]
fn each_writer_escapes_what_it_escapes() {
    for &(text, ascii, utf8) in WRITERS {
        assert_eq!(encoded(text, Escapes::Ascii), ascii);
        assert_eq!(encoded(text, Escapes::Utf8), utf8);
        assert_eq!(decoded(ascii).unwrap(), text.as_bytes());
        assert_eq!(decoded(utf8).unwrap(), text.as_bytes());
    }
}

#[test]
fn lone_surrogates_survive_as_three_bytes() {
    for (token, text) in [
        (r#""\ud83d""#, &b"\xed\xa0\xbd"[..]),
        (r#""\udc00\ud800""#, b"\xed\xb0\x80\xed\xa0\x80"),
        (r#""\ud83d\ud83d\ude00""#, b"\xed\xa0\xbd\xf0\x9f\x98\x80"),
        (r#""\ud83dx\ude00""#, b"\xed\xa0\xbdx\xed\xb8\x80"),
    ] {
        assert_eq!(decoded(token).unwrap(), text);
        assert_eq!(encoded(text, Escapes::Ascii), token);
    }
    assert_eq!(
        encoded(b"\xed\xa0\xbd\xc3\xa9", Escapes::Utf8),
        r#""\ud83dé""#
    );
    // Not from decode, but possible: a pair is not joined in print.
    let pair = b"\xed\xa0\xbd\xed\xb8\x80";
    assert_eq!(encoded(pair, Escapes::Utf8), r#""\ud83d\ude00""#);
}

#[test]
fn unusual_spellings_decode() {
    assert_eq!(
        decoded(r#""\/\u0041\u00E9\uD83D\uDE00""#).unwrap(),
        "/Aé😀".as_bytes()
    );
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    assert_eq!(
        encoded(b"a\xffb\xe2\x82", Escapes::Utf8),
        "\"a\u{fffd}b\u{fffd}\""
    );
    assert_eq!(encoded(b"\xed\xa0", Escapes::Ascii), r#""\ufffd\ufffd""#);
}

#[test]
fn tokens_that_were_not_scanned_are_refused() {
    for (token, fault) in [
        ("", JsonFault::Cut),
        ("\"", JsonFault::Cut),
        ("a", JsonFault::Unexpected(b'a')),
        ("\"a", JsonFault::Cut),
        ("\"a\"b", JsonFault::Unexpected(b'"')),
        ("\"a\nb\"", JsonFault::Unexpected(b'\n')),
        (r#""\"#, JsonFault::Cut),
        (r#""\u12"#, JsonFault::Cut),
        (r#""\u12""#, JsonFault::Cut),
        (r#""\u12x4""#, JsonFault::Escape),
        (r#""\u+123""#, JsonFault::Escape),
        (r#""\q""#, JsonFault::Escape),
    ] {
        assert_eq!(decoded(token), Err(fault), "{token}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let edge = prop::sample::select(vec![
        '\0',
        '\u{1f}',
        ' ',
        '"',
        '\\',
        '~',
        '\u{7f}',
        '\u{80}',
        '\u{2028}',
        '\u{d7ff}',
        '\u{e000}',
        '\u{ffff}',
        '\u{10000}',
    ]);
    prop::collection::vec(
        prop_oneof![4 => edge, 2 => any::<char>(), 6 => Just('a')],
        0..60,
    )
    .prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn text_survives_both_forms_and_serde_agrees(text in any_text()) {
        let ascii = encoded(&text, Escapes::Ascii);
        let utf8 = encoded(&text, Escapes::Utf8);
        prop_assert!(ascii.is_ascii());
        prop_assert_eq!(decoded(&ascii).unwrap(), text.as_bytes());
        prop_assert_eq!(decoded(&utf8).unwrap(), text.as_bytes());
        prop_assert_eq!(&utf8, &serde_json::to_string(&text).unwrap());
        // The shortcuts between the two forms go the same way.
        let (mut there, mut back) = (Vec::new(), Vec::new());
        prop_assert_eq!(to_ascii(utf8.as_bytes(), &mut there), b"");
        to_utf8(ascii.as_bytes(), &mut back).unwrap();
        prop_assert_eq!(there, ascii.as_bytes());
        prop_assert_eq!(back, utf8.as_bytes());
    }

    #[test]
    fn no_bytes_panic(text: Vec<u8>) {
        for escapes in [Escapes::Ascii, Escapes::Utf8] {
            let mut token = Vec::new();
            encode(&text, escapes, &mut token);
            prop_assert_eq!(crate::json::string_end(&token, 0), Ok(token.len()));
        }
        let mut out = Vec::new();
        let _ = decode(&text, &mut out);
        let _ = decode(&[b"\"", &text[..], b"\""].concat(), &mut out);
        to_ascii(&text, &mut out);
    }
}
