//! One test a row of the style table: what each writer does, found again and
//! printed back.

use super::super::{NumberLayout, encode, normalise, print, print_f64};
use super::*;

fn detect(text: impl AsRef<[u8]>) -> JsonStyle {
    JsonStyle::detect(text.as_ref(), text.as_ref())
}

/// The text as it comes back through normal form and the style found in it.
fn reprinted(text: &[u8]) -> Vec<u8> {
    let style = detect(text);
    assert!(style.is_sound());
    let mut normal = Vec::new();
    normalise(
        text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text),
        &mut normal,
    )
    .unwrap();
    let mut out = Vec::new();
    style.begin(&mut out);
    print(&normal, &style, 0, &mut out);
    style.finish(&mut out);
    out
}

#[track_caller]
fn comes_back(text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    assert_eq!(
        reprinted(text).escape_ascii().to_string(),
        text.escape_ascii().to_string()
    );
}

fn string_in(style: &JsonStyle, text: &str) -> String {
    let mut out = Vec::new();
    encode(text.as_bytes(), style.escapes(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn json_dumps() {
    let text = r#"{"a": [1.0, -2.5e-08, NaN], "b": {"\u00fc": null}, "c": []}"#;
    assert_eq!(detect(text), JsonStyle::python());
    comes_back(text);
}

#[test]
fn pydantic() {
    let text = r#"{"a":[1.0,0.00002,2.5e-8],"b":{"ü":null},"c":[]}"#;
    assert_eq!(detect(text), JsonStyle::pydantic());
    comes_back(text);
}

#[test]
fn json_stringify() {
    let text = r#"{"a":[1,0.000002,2.5e-8],"b":{"ü":null},"c":[]}"#;
    assert_eq!(detect(text), JsonStyle::stringify());
    comes_back(text);
}

#[test]
fn ensure_ascii_false_differs_in_escapes_only() {
    let text = r#"{"a": "ü", "b": 1e-05}"#;
    let style = JsonStyle {
        escapes: Some(Escapes::Utf8),
        ..JsonStyle::python()
    };
    assert_eq!(detect(text), style);
    comes_back(text);
}

#[test]
fn del_is_escaped_in_ascii_only() {
    assert_eq!(detect(r#"["\u007f"]"#).escapes, Some(Escapes::Ascii));
    assert_eq!(detect("[\"\x7f\"]").escapes, Some(Escapes::Utf8));
    assert_eq!(string_in(&JsonStyle::python(), "\x7f"), r#""\u007f""#);
    assert_eq!(string_in(&JsonStyle::pydantic(), "\x7f"), "\"\x7f\"");
    comes_back("[\"\x7f\"]");
    comes_back(r#"["\u007f"]"#);
}

#[test]
fn line_separators_are_escaped_in_ascii_only() {
    assert_eq!(string_in(&JsonStyle::python(), "\u{2028}"), r#""\u2028""#);
    assert_eq!(
        string_in(&JsonStyle::stringify(), "\u{2028}"),
        "\"\u{2028}\""
    );
    comes_back("[\"\u{2028}\"]");
    comes_back(r#"["\u2028"]"#);
}

#[test]
fn lone_surrogates_and_control_characters_are_escaped_by_all() {
    for text in [
        r#"["\ud83d", "\u0000\u001f\n"]"#,
        r#"["\ud83dx","\udc00é"]"#,
    ] {
        comes_back(text);
    }
    assert_eq!(detect(r#"["\ud83d", "\u0000"]"#).escapes, None);
    assert_eq!(detect(r#"["\ud83d\ude00"]"#).escapes, Some(Escapes::Ascii));
}

#[test]
fn an_escaped_backslash_before_a_u_is_no_escape() {
    assert_eq!(detect(r#"["\\u00e9"]"#).escapes, None);
    comes_back(r#"["\\u00e9", "ü"]"#);
}

#[test]
fn indented() {
    let text = "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}";
    let indent = Indent {
        newline: Newline::Lf,
        unit: b"  ".to_vec(),
    };
    assert_eq!(detect(text).indent, Some(indent));
    comes_back(text);
    comes_back(text.replace("  ", "\t"));
    comes_back(text.replace("  ", ""));
    comes_back(text.replace(": ", ":"));
}

#[test]
fn indented_with_crlf() {
    comes_back("{\r\n    \"a\": [\r\n        1,\r\n        2\r\n    ]\r\n}\r\n");
}

#[test]
fn indented_with_trailing_blanks() {
    // Python before 3.4.
    let text = "{\n  \"a\": [\n    1, \n    2\n  ], \n  \"b\": {}\n}";
    assert_eq!(detect(text).after_comma, b" ");
    comes_back(text);
}

#[test]
fn blanks_anywhere_between_tokens() {
    comes_back("{\"a\" :\t[1 ,\n 2 ,\n 3] ,\n \"b\" :\t{}}");
}

#[test]
fn mark_and_white_space_around_the_value() {
    comes_back("\u{feff}{\"a\": 1}");
    comes_back("[1]\n");
    comes_back(" \r\n[1]\r\n\n ");
    assert_eq!(detect("\u{feff} [1]\n").lead, b" ");
}

#[test]
fn empty_and_scalar_texts() {
    for text in [
        "{}",
        "[]",
        "[[]]",
        "[{}, []]",
        "1",
        "\"a\"",
        "null\n",
        "[1]",
        r#"{"a":1}"#,
        r#"{"a": 1}"#,
    ] {
        comes_back(text);
    }
}

#[test]
fn what_is_not_a_style_is_left_out() {
    let long = " ".repeat(LONGEST + 1);
    let text = format!("{long}{{{long}\"a\"{long}:{long}1{long},{long}\"b\":2}}{long}");
    let style = detect(&text);
    assert!(style.is_sound());
    assert!(style.lead.is_empty() && style.tail.is_empty());
    assert!(style.is_compact());
    // Two newlines are no indent.
    assert_eq!(detect("[\n\n 1]").indent, None);
}

#[test]
fn the_majority_decides() {
    let text = r#"["ü", "\u00fc", "\u00fc", 0.00001, 1e-05, 2e-05]"#;
    assert_eq!(detect(text), JsonStyle::python());
    let text = r#"["ü","ü","\u00fc",0.00001,0.00002,2e-05,1.0]"#;
    assert_eq!(detect(text), JsonStyle::pydantic());
}

#[test]
fn a_number_votes_only_for_those_who_print_it_so() {
    let layout = |text| detect(text).numbers;
    for text in [
        "[0.1, 1, 12, -0, NaN, null]",
        "[1e16, 1.00, 1E-5, 0.000010, 1.0e+20]",
    ] {
        assert_eq!(layout(text), None, "{text}");
    }
    assert_eq!(layout("[1e-05]"), Some(NumberLayout::Python));
    assert_eq!(layout("[-2.5e-6]"), Some(NumberLayout::Ryu));
    assert_eq!(layout("[0.0000025]"), Some(NumberLayout::JavaScript));
    // Ryu or JavaScript, Python or Ryu: the rest of the style helps.
    assert_eq!(layout("[1,2e-7]"), Some(NumberLayout::Ryu));
    assert_eq!(layout("[1, 2.0]"), Some(NumberLayout::Python));
    assert_eq!(layout("[1,2.0]"), Some(NumberLayout::Ryu));
}

#[test]
fn a_cut_head_decides_by_what_is_whole() {
    let whole = r#"{"a":[0.000002,"#;
    assert_eq!(
        detect(format!("{whole}1.")).numbers,
        Some(NumberLayout::JavaScript)
    );
    assert_eq!(detect(format!("{whole}\"\\ud83d")).escapes, None);
    for head in [
        "", " ", "{", "{ ", "[\n", "\"", "\"\\", "\u{feff}", "[1", "{\"a\" ",
    ] {
        assert!(detect(head).is_sound(), "{head}");
    }
}

#[test]
fn learns_what_the_head_did_not_show() {
    let mut style = detect(r#"{"a": 1, "#);
    assert_eq!((style.escapes, style.numbers), (None, None));
    assert_eq!(style.numbers(), NumberLayout::Python);
    assert!(!style.learn(br#"{"b": "plain"}"#));
    assert!(style.learn("[\"é\"]".as_bytes()));
    assert_eq!(style.escapes(), Escapes::Utf8);
    assert!(style.learn(b"[0.00001]"));
    assert!(
        !style.learn(b"[1e-05, \"\\u00e9\"]"),
        "once decided, it stays"
    );
}

#[test]
fn ready_made_styles_print_what_their_writers_print() {
    let number = |style: &JsonStyle| {
        let mut out = Vec::new();
        print_f64(0.00001, style.numbers(), &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(number(&JsonStyle::python()), "1e-05");
    assert_eq!(number(&JsonStyle::pydantic()), "0.00001");
    assert_eq!(number(&JsonStyle::stringify()), "0.00001");
}

#[test]
fn a_style_from_a_file_may_be_unsound() {
    let mut style = JsonStyle::python();
    assert!(style.is_sound());
    style.after_comma = b"x".to_vec();
    assert!(!style.is_sound());
    style.after_comma = vec![b' '; LONGEST + 1];
    assert!(!style.is_sound());
    style = JsonStyle::python();
    style.indent = Some(Indent {
        newline: Newline::Lf,
        unit: b",".to_vec(),
    });
    assert!(!style.is_sound());
}
