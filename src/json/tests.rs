//! Laws of the layer as a whole: a text, its normal form and its style give
//! the text back.

use super::*;
use proptest::prelude::*;
use std::path::Path;

/// A value as a writer holds it. Numbers are tokens, as nothing may change
/// them.
#[derive(Debug, Clone)]
enum Tree {
    Scalar(&'static str),
    /// WTF-8.
    Text(Vec<u8>),
    Array(Vec<Tree>),
    Object(Vec<(Vec<u8>, Tree)>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let scalar = prop::sample::select(vec![
        "null",
        "true",
        "false",
        "NaN",
        "Infinity",
        "-Infinity",
        "0",
        "-0",
        "-0.0",
        "1.0",
        "1e-05",
        "0.00001",
        "1E+2",
        "0.10",
        "1180591620717411303424",
        "5e-324",
        "1e400",
    ]);
    let leaf = prop_oneof![
        1 => scalar.prop_map(Tree::Scalar),
        1 => wtf8().prop_map(Tree::Text),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::Array),
            prop::collection::vec((wtf8(), inner), 0..6).prop_map(Tree::Object),
        ]
    })
}

/// Text with all that writers treat specially. A lone surrogate is followed
/// by a letter, as two in a row would be a pair.
fn wtf8() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "[a-z /]{1,6}".prop_map(String::into_bytes),
        4 => prop::sample::select(vec![
            &b"\xed\xa0\xbda"[..], b"\xed\xbf\xbfa", b"\0", b"\x1f", b"\"", b"\\", b"\n", b"\x7f", b"\\u00e9",
        ]).prop_map(<[u8]>::to_vec),
        2 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => prop::sample::select(vec!["\u{2028}", "é", "\u{ffff}", "😀"]).prop_map(|s| s.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn style() -> impl Strategy<Value = JsonStyle> {
    let white =
        || prop::sample::select(vec!["", " ", "\t", " \n"]).prop_map(|s| s.as_bytes().to_vec());
    let indent = prop::option::of((
        prop::sample::select(vec![Newline::Lf, Newline::CrLf]),
        prop::sample::select(vec!["", " ", "    ", "\t"]),
    ));
    let escapes = prop::sample::select(vec![Escapes::Ascii, Escapes::Utf8]);
    (
        any::<bool>(),
        [white(), white(), white(), white(), white(), white()],
        indent,
        escapes,
    )
        .prop_map(
            |(
                bom,
                [
                    lead,
                    tail,
                    before_colon,
                    after_colon,
                    before_comma,
                    mut after_comma,
                ],
                indent,
                escapes,
            )| {
                let indent = indent.map(|(newline, unit)| Indent {
                    newline,
                    unit: unit.into(),
                });
                if indent.is_some() {
                    after_comma.retain(|b| *b != b'\n');
                }
                JsonStyle {
                    bom,
                    lead,
                    tail,
                    before_colon,
                    after_colon,
                    before_comma,
                    after_comma,
                    indent,
                    escapes: Some(escapes),
                    numbers: None,
                }
            },
        )
}

/// A writer of its own, so that the printer is not tested against itself.
fn write(tree: &Tree, style: &JsonStyle, depth: usize, out: &mut Vec<u8>) {
    let line = |depth: usize, out: &mut Vec<u8>| {
        if let Some(Indent { newline, unit }) = &style.indent {
            out.extend(if *newline == Newline::Lf {
                &b"\n"[..]
            } else {
                b"\r\n"
            });
            out.extend(unit.repeat(depth));
        }
    };
    let comma = [&style.before_comma[..], b",", &style.after_comma].concat();
    let colon = [&style.before_colon[..], b":", &style.after_colon].concat();
    match tree {
        Tree::Scalar(token) => out.extend(token.as_bytes()),
        Tree::Text(text) => encode(text, style.escapes(), out),
        Tree::Array(items) if items.is_empty() => out.extend(b"[]"),
        Tree::Object(members) if members.is_empty() => out.extend(b"{}"),
        Tree::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                out.extend(if i > 0 { &comma[..] } else { b"" });
                line(depth + 1, out);
                write(item, style, depth + 1, out);
            }
            line(depth, out);
            out.push(b']');
        }
        Tree::Object(members) => {
            out.push(b'{');
            for (i, (key, value)) in members.iter().enumerate() {
                out.extend(if i > 0 { &comma[..] } else { b"" });
                line(depth + 1, out);
                encode(key, style.escapes(), out);
                out.extend(&colon);
                write(value, style, depth + 1, out);
            }
            line(depth, out);
            out.push(b'}');
        }
    }
}

fn written(tree: &Tree, style: &JsonStyle) -> Vec<u8> {
    let mut out = Vec::new();
    write(tree, style, 0, &mut out);
    out
}

fn normal(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    normalise(text, &mut out).unwrap();
    out
}

fn printed(normal: &[u8], style: &JsonStyle) -> Vec<u8> {
    let mut out = Vec::new();
    print(normal, style, 0, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_a_writer_wrote_comes_back(tree in tree(), style in style()) {
        let text = written(&tree, &style);
        prop_assert_eq!(value_end(&text, 0, true), Ok(text.len()));
        let form = normal(&text);
        prop_assert_eq!(value_end(&form, 0, true), Ok(form.len()));
        prop_assert_eq!(&normal(&form), &form, "idempotent");
        prop_assert_eq!(&form, &written(&tree, &JsonStyle::pydantic()), "the same from every writer");
        prop_assert_eq!(printed(&form, &style), text);
    }

    #[test]
    fn the_style_is_found_in_the_text(tree in tree(), style in style()) {
        let mut text = Vec::new();
        style.begin(&mut text);
        text.extend(written(&tree, &style));
        style.finish(&mut text);
        let found = JsonStyle::detect(&text, &text);
        prop_assert!(found.is_sound());
        let mut again = Vec::new();
        found.begin(&mut again);
        let value = text.strip_prefix(BOM).unwrap_or(&text);
        print(&normal(value), &found, 0, &mut again);
        found.finish(&mut again);
        prop_assert_eq!(again, text);
    }

    #[test]
    fn a_part_printed_at_its_depth_equals_the_part_of_the_whole(tree in tree(), style in style()) {
        let whole = written(&Tree::Array(vec![tree.clone()]), &style);
        let mut parts = Vec::new();
        style.open(b'[', 1, &mut parts);
        print(&normal(&written(&tree, &style)), &style, 1, &mut parts);
        style.close(b']', 1, &mut parts);
        prop_assert_eq!(parts, whole);
    }

    #[test]
    fn the_children_are_the_parts(trees in prop::collection::vec((wtf8(), tree()), 0..5), style in style()) {
        let of = |tree: &Tree| normal(&written(tree, &style));
        let array = Tree::Array(trees.iter().map(|(_, tree)| tree.clone()).collect());
        let text = written(&array, &style);
        let found: Vec<_> = Elements::new(&text).map(normal).collect();
        prop_assert_eq!(found, trees.iter().map(|(_, tree)| of(tree)).collect::<Vec<_>>());
        let text = written(&Tree::Object(trees.clone()), &style);
        let found: Vec<_> = Members::new(&text).map(|(k, v)| (normal(k), normal(v))).collect();
        let wanted: Vec<_> = trees.iter().map(|(k, v)| (of(&Tree::Text(k.clone())), of(v))).collect();
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn garbage_does_not_panic(bytes: Vec<u8>, text in "[\\[\\]{}:, \"\\\\u0-1e.\n-]{0,40}") {
        for text in [&bytes[..], text.as_bytes()] {
            let style = JsonStyle::detect(text, text);
            prop_assert!(style.is_sound());
            let mut out = Vec::new();
            if normalise(text, &mut out).is_err() {
                prop_assert!(out.is_empty());
            }
            print(text, &style, 3, &mut out);
        }
    }
}

#[test]
fn printing_stops_at_a_bound() {
    const DEPTH: usize = 1_000_000;
    let form = ["[".repeat(DEPTH), "]".repeat(DEPTH)].concat().into_bytes();
    assert_eq!(normal(&form), form);
    let indented = JsonStyle::detect(b"[\n  1]", b"");
    let mut out = Vec::new();
    assert!(!print_within(&form, &indented, 0, 1 << 20, &mut out));
    assert!(out.len() < (1 << 20) + 4 * DEPTH);
    // One line may be longer than that.
    for text in ["[1]", "{\"a\":1}", "]", ","] {
        out.clear();
        let deep = print_within(text.as_bytes(), &indented, usize::MAX, 10, &mut out);
        assert!(!deep && out.len() <= 10, "{text}");
    }
    assert!(print_within(b"1", &indented, usize::MAX, 10, &mut out));
    assert_eq!(printed(&form, &JsonStyle::python()), form);
}

/// Files of `../shared` that are JSON, but that no style prints back, and why.
const ODD: &[(&str, &str)] = &[
    ("corpus/cly__llama_index__3/index.json", PRETTIER),
    ("corpus/cly__llama_index__3/index_list.json", PRETTIER),
    ("corpus/cly__llama_index__3/index_table.json", PRETTIER),
    ("corpus/cly__llama_index__3/index_with_query.json", PRETTIER),
    (
        "edge/upper_case_escapes/docstore.json",
        "upper-case hex and `\\/` beside the usual escapes",
    ),
];

const PRETTIER: &str = "indented by prettier, which puts short containers on one line";

/// Every JSON file of the shared test data, real and made, comes back.
#[test]
fn shared_files_come_back() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let (mut same, mut odd, mut not_json) = (0, Vec::new(), 0);
    let mut folders: Vec<_> = ["corpus", "examples", "edge"]
        .map(|name| shared.join(name))
        .into();
    if folders.iter().any(|folder| !folder.is_dir()) {
        eprintln!("skipped: {} is not there", shared.display());
        return;
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let text = std::fs::read(&path).unwrap();
            match reprinted(&text) {
                Some(again) if again == text => same += 1,
                Some(_) => odd.push(
                    path.strip_prefix(&shared)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .replace('\\', "/"),
                ),
                None => not_json += 1,
            }
        }
    }
    eprintln!(
        "{same} files come back, {} do not, {not_json} are not JSON",
        odd.len()
    );
    odd.sort();
    assert_eq!(odd, ODD.iter().map(|(path, _)| *path).collect::<Vec<_>>());
}

fn reprinted(text: &[u8]) -> Option<Vec<u8>> {
    let head = text.get(..1 << 20).unwrap_or(text);
    let tail = text.get(text.len().saturating_sub(1 << 16)..).unwrap();
    let style = JsonStyle::detect(head, tail);
    let begin = if style.bom { BOM.len() } else { 0 };
    let begin = skip_white(text, begin);
    let end = value_end(text, begin, true).ok()?;
    if skip_white(text, end) != text.len() {
        return None;
    }
    let mut out = Vec::new();
    style.begin(&mut out);
    print(&normal(&text[begin..end]), &style, 0, &mut out);
    style.finish(&mut out);
    Some(out)
}
