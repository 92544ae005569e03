//! Whatever the JSON, its records come back: through the survey, the writer,
//! the segment, and both backends.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use super::{Maps, parse};
use crate::{
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions},
    convert::{append::compact_records, store_text::StoreText},
    json::{Escapes, Indent, JsonStyle, Newline, Window, encode, print},
    persist_dir::Writer,
    segment::{Attempt, Compression, NotStructural, RecordSegment, RecordsWriter, Survey},
    store::{CollectionPath, RecordStore},
    testing::temp,
};

/// What `pack` allows a single value.
const MAX_VALUE: usize = 32 << 20;

/// Packs the text of a file as `pack` does; gives the path of the segment.
fn packed(dir: &Path, text: &[u8], maps: Maps, careful: bool) -> Attempt<PathBuf> {
    let (json, path) = (dir.join("json"), dir.join("segment"));
    let _ = fs::remove_file(&path);
    fs::write(&json, text).unwrap();
    let window = || Window::from_file(File::open(&json).unwrap(), &json, MAX_VALUE).unwrap();
    let compression = Compression {
        level: 1,
        block: Some(2 << 10),
    };
    let mut survey = Survey::new(dir, JsonStyle::detect(text, text), compression);
    if let Err(why) = parse(&mut window(), maps, &mut survey, &|_| Ok(()))? {
        return Ok(Err(why));
    }
    let surveyed = survey.finish(text.len() as u64)?;
    let mut writer = RecordsWriter::create(&path, dir, surveyed, compression, careful)?;
    match parse(&mut window(), maps, &mut writer, &|_| Ok(()))? {
        Ok(members) => writer.finish(members)?,
        Err(why) => return Ok(Err(why)),
    };
    Ok(Ok(path))
}

fn open(path: &Path, backend: Backend) -> Arc<Container> {
    let options = OpenOptions {
        backend,
        ..OpenOptions::default()
    };
    Arc::new(Container::open(path, FileKind::Records, Expected::Any, &options).unwrap())
}

fn printed(path: &Path, backend: Backend) -> Vec<u8> {
    let mut out = Vec::new();
    let store = StoreText::of_segment(open(path, backend)).unwrap();
    let mut sink = |piece: &[u8]| {
        out.extend_from_slice(piece);
        Ok(())
    };
    store.print(&mut sink).unwrap();
    out
}

/// Packs twice, checks every hash, and prints under both backends. What is
/// printed is the text, or not, under both the same.
fn comes_back(text: &str, maps: Maps, careful: bool) -> Result<bool, NotStructural> {
    let dir = temp();
    let path = packed(dir.path(), text.as_bytes(), maps, careful).unwrap()?;
    let once = fs::read(&path).unwrap();
    packed(dir.path(), text.as_bytes(), maps, careful).unwrap()?;
    assert!(once == fs::read(&path).unwrap(), "other bytes");
    let segment = RecordSegment::open(open(&path, Backend::Map)).unwrap();
    segment.check_structure().unwrap();
    segment.check_records(&|| {}).unwrap();
    let [mapped, read] = [Backend::Map, Backend::Read].map(|backend| printed(&path, backend));
    assert!(mapped == read, "the backends disagree");
    compacts(&path, &mapped);
    Ok(mapped == text.as_bytes())
}

/// A segment copied record by record prints the same, though it may be packed
/// otherwise; and so does one to which something was added and taken away.
fn compacts(path: &Path, text: &[u8]) {
    let dir = temp();
    let writer = Writer::open(dir.path()).unwrap();
    let compression = Compression {
        level: 1,
        block: Some(2 << 10),
    };
    let mut files = vec![open(path, Backend::Map)];
    for from in [1, 0] {
        let mut store = RecordStore::open(files.clone()).unwrap();
        let keyed = store.collections().into_iter();
        let keyed = keyed.filter(|path| store.view(path).unwrap().keyed);
        for path in keyed.collect::<Vec<_>>() {
            if !store.contains(&path, b"an odd key").unwrap() {
                store.put(&path, b"an odd key", b"[1,2 ]").unwrap();
            }
            match from {
                0 => assert!(store.delete(&path, b"an odd key").unwrap()),
                _ => assert!(store.contains(&path, b"an odd key").unwrap()),
            }
        }
        let written = compact_records(&writer, &store, from, compression).unwrap();
        let written = written.expect("a segment holds what one held");
        files.truncate(from);
        for segment in written.segment.iter().chain(&written.tombstones) {
            let path = segment.name.path_in(writer.twin_dir());
            files.push(open(&path, Backend::Map));
        }
        let store = RecordStore::open(files.clone()).unwrap();
        store.check_records(&|| {}).unwrap();
    }
    let mut out = Vec::new();
    let store = RecordStore::open(files).unwrap();
    super::print(&store, &mut |piece| {
        out.extend_from_slice(piece);
        Ok(())
    })
    .unwrap();
    assert!(
        out == text,
        "{}\n{}",
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(text)
    );
}

/// Fails where careful packing does not bring the text back, or where packing
/// that need not be careful does not.
fn check(file: &Whole, maps: Maps) -> Result<(), TestCaseError> {
    let text = &file.text;
    let plain = comes_back(text, maps, false);
    prop_assert!(file.odd || plain == Ok(true), "{plain:?}: {text}");
    if maps == Maps::Nested {
        return Ok(());
    }
    let careful = comes_back(text, maps, true);
    prop_assert_eq!(careful, Ok(true), "{}", text);
    Ok(())
}

/// The text of a file, and whether it is odd: no style prints all of it.
#[derive(Debug, Clone)]
struct Whole {
    text: String,
    odd: bool,
}

fn styles() -> Vec<JsonStyle> {
    let spaced = JsonStyle {
        escapes: Some(Escapes::Utf8),
        ..JsonStyle::python()
    };
    let indented = JsonStyle {
        indent: Some(Indent {
            newline: Newline::Lf,
            unit: b"  ".to_vec(),
        }),
        after_comma: Vec::new(),
        ..JsonStyle::python()
    };
    let around = JsonStyle {
        lead: b" ".to_vec(),
        tail: b"\n".to_vec(),
        ..JsonStyle::python()
    };
    let pydantic = JsonStyle::pydantic();
    vec![
        JsonStyle::python(),
        pydantic,
        JsonStyle::stringify(),
        spaced,
        indented,
        around,
    ]
}

fn text_in(style: &JsonStyle, normal: &str, depth: usize) -> String {
    let mut out = Vec::new();
    print(normal.as_bytes(), style, depth, &mut out);
    String::from_utf8(out).unwrap()
}

fn token(content: &str) -> String {
    let mut out = Vec::new();
    encode(content.as_bytes(), Escapes::Utf8, &mut out);
    String::from_utf8(out).unwrap()
}

/// A document in a string.
fn document(style: &JsonStyle, normal: &str) -> String {
    let text = text_in(style, normal, 0);
    let around = |part: &[u8]| String::from_utf8(part.to_vec()).unwrap();
    token(&(around(&style.lead) + &text + &around(&style.tail)))
}

const IDS: [&str; 9] = [
    "\"00000001-6f1e-4c2b-8d3a-000000000001\"",
    "\"00000002-6f1e-4c2b-8d3a-000000000002\"",
    "\"00000003-6f1e-4c2b-8d3a-000000000003\"",
    "\"00000004-6f1e-4c2b-8d3a-000000000004\"",
    "\"00000005-6f1e-4c2b-8d3a-000000000005\"",
    "\"doc-number-one\"",
    "\"Düsseldorf\"",
    "\"short\"",
    "\"\\ud83d and no more\"",
];

fn id() -> impl Strategy<Value = String> {
    select(&IDS[..]).prop_map(str::to_owned)
}

fn hash() -> impl Strategy<Value = String> {
    // Few, and alike at the beginning.
    (0..6_u8, any::<bool>()).prop_map(|(n, hex)| match hex {
        true => format!("\"{n:064x}\""),
        false => format!(
            "\"{}{}=\"",
            "A".repeat(42),
            ["A", "E", "I", "M", "Q", "U"][usize::from(n)]
        ),
    })
}

/// An array of numbers: of one class, or with odd ones. Most are as long as
/// each other, so that there are enough for a plane.
fn numbers() -> impl Strategy<Value = String> {
    let len = prop_oneof![8 => Just(16), 1 => select(&[1, 15, 17][..]), 3 => Just(100)];
    (len, 0..7_usize, any::<u8>()).prop_map(|(len, kind, seed)| {
        let number = |i: usize| match (kind, i) {
            (0, _) => format!("{}.5", i + usize::from(seed)),
            (1, _) => format!("0.{}", i * 10 + 1 + usize::from(seed % 9)),
            (2, _) => format!(
                "0.{}",
                123_456_789_012_345_u64 + i as u64 * 10 + u64::from(seed)
            ),
            (3, _) => format!("{}", i as i64 - 5),
            (4, 3) => {
                ["1", "-0.0", "NaN", "1E5", "1e400", "0.10"][usize::from(seed % 6)].to_owned()
            }
            (5, 0) => "2.5e-06".to_owned(),
            _ => format!("-0.{}5", i + 1),
        };
        let all: Vec<_> = (0..len).map(number).collect();
        format!("[{}]", all.join(","))
    })
}

/// Objects and arrays whose packed text is about as long as one that is
/// repeated by an op may be.
fn repeated() -> impl Strategy<Value = String> {
    let len = select(&[15, 16, 17, 4095, 4096, 4097][..]);
    (len, any::<bool>(), 0..3_u8).prop_map(|(len, object, letter)| {
        let letter = char::from(b'a' + letter);
        let fill = |around: usize| letter.to_string().repeat(len - around);
        match object {
            // Of several members: a record may be handed on between two.
            true => format!("{{\"k\":\"{}\",\"l\":[]}}", fill(15)),
            false => format!("[\"{}\"]", fill(4)),
        }
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        select(
            &[
                "\"a\"",
                "\"b\"",
                "\"embedding\"",
                "\"metadata\"",
                "\"é\"",
                "\"\""
            ][..]
        )
        .prop_map(str::to_owned),
        id(),
    ]
}

/// A value in normal form.
fn value() -> impl Strategy<Value = String> {
    let scalar = select(
        &[
            "0",
            "-0",
            "1.50",
            "1e5",
            "12345678901234567890123",
            "NaN",
            "-Infinity",
            "true",
            "null",
        ][..],
    );
    let leaf = prop_oneof![
        2 => scalar.prop_map(str::to_owned),
        4 => id(),
        3 => hash(),
        3 => "[a-z \u{7f}\u{e9}\u{2028}\u{1f600}\"\\\\/\n]{0,12}".prop_map(|text| token(&text)),
        1 => Just("\"\\udc00\\ud800\"".to_owned()),
        1 => Just(r#""{not a document}""#.to_owned()),
        2 => vec(id(), 2..6).prop_map(|ids| format!("[{}]", ids.join(","))),
        2 => numbers(),
        4 => repeated(),
    ];
    leaf.prop_recursive(7, 40, 6, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..6).prop_map(|all| format!("[{}]", all.join(","))),
            3 => object(inner.clone()),
            2 => (select(styles()), object(inner)).prop_map(|(style, all)| document(&style, &all)),
        ]
    })
}

fn object(values: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    vec((key(), values), 0..6).prop_map(|members| of_members(&members))
}

fn of_members(members: &[(String, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A record as a document store has them.
fn node() -> impl Strategy<Value = String> {
    (id(), hash(), numbers(), repeated(), value()).prop_map(|(id, hash, numbers, metadata, other)| {
        format!(
            "{{\"__data__\":{{\"id_\":{id},\"embedding\":{numbers},\"metadata\":{metadata},\"hash\":{hash},\"start\":{metadata},\"more\":{other}}}}}"
        )
    })
}

fn record() -> impl Strategy<Value = String> {
    prop_oneof![3 => node(), 2 => value()]
}

/// A value of a file's top level.
fn member() -> impl Strategy<Value = String> {
    let nodes = vec((id(), node()), 12..30).prop_map(|members| of_members(&members));
    let keyed = vec((id(), record()), 0..14).prop_map(|members| of_members(&members));
    let list = vec(record(), 0..14).prop_map(|all| format!("[{}]", all.join(",")));
    prop_oneof![2 => nodes, 3 => keyed, 2 => list, 1 => Just("null".to_owned())]
}

/// Puts `members` together, some records in another spelling.
fn whole(style: &JsonStyle, members: &[String], odd: Option<(Index, String)>) -> Whole {
    let names = ["\"docstore/data\"", "\"é\"", "\"store\""];
    let named: Vec<_> = names
        .map(str::to_owned)
        .into_iter()
        .zip(members.iter().cloned())
        .collect();
    let mut text = text_in(style, &of_members(&named), 0);
    let is_odd = odd.is_some();
    if let Some((at, other)) = odd {
        // A blank, or an escape, that no style would write: beside a bracket
        // or a colon outside of strings.
        let places: Vec<usize> = outside_strings(&text);
        let at = places[at.index(places.len())];
        text.insert_str(at, &other);
    }
    let around = |part: &[u8]| String::from_utf8(part.to_vec()).unwrap();
    Whole {
        text: around(&style.lead) + &text + &around(&style.tail),
        odd: is_odd,
    }
}

/// Where records begin to have brackets or colons: the ends of those at depth 3
/// and deeper.
fn outside_strings(text: &str) -> Vec<usize> {
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    let mut places = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => continue,
        }
        if depth >= 3 && byte != b'"' {
            places.push(at + 1);
        }
    }
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_records_come_back(
        style in select(styles()),
        members in vec(member(), 0..4),
    ) {
        check(&whole(&style, &members, None), Maps::Inside)?;
    }

    #[test]
    fn a_record_in_another_spelling_comes_back_as_it_was(
        style in select(styles()),
        members in vec(vec((id(), node()), 1..9), 1..3),
        at: Index,
        blanks in select(&["  ", "\t", "\r\n   "][..]),
    ) {
        let members: Vec<_> = members.iter().map(|all| of_members(all)).collect();
        check(&whole(&style, &members, Some((at, blanks.to_owned()))), Maps::Inside)?;
    }

    #[test]
    fn maps_of_index_structs_come_back(
        style in select(styles()),
        structs in prop::collection::btree_map(
            select(&IDS[..]),
            (select(styles()), 0..3_usize, prop::collection::btree_map(
                select(&["\"nodes_dict\"", "\"table\"", "\"index_id\"", "\"embedding_dict\"", "\"é\""][..]),
                prop_oneof![3 => vec((id(), value()), 0..9).prop_map(|all| of_members(&all)), 1 => value()],
                0..5,
            )),
            0..4,
        ),
    ) {
        let structs: Vec<_> = structs.into_iter().map(|(key, (inner, form, members))| {
            let members: Vec<_> = members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            let data = of_members(&members);
            let value = match form {
                0 => format!("{{\"__type__\":\"kg\",\"__data__\":{data}}}"),
                // Longer documents in strings than the shortest: an empty one
                // is just a string.
                1 if inner.lead.is_empty() && !members.is_empty() => {
                    format!("{{\"__type__\":\"kg\",\"__data__\":{}}}", document(&inner, &data))
                }
                _ => data,
            };
            (key.to_owned(), value)
        }).collect();
        let file = whole(&style, &[of_members(&structs)], None);
        check(&file, Maps::Nested)?;
        check(&file, Maps::Inside)?;
    }
}

const MIB: usize = 1 << 20;

/// What stands around long values, so that ops refer across them: an id, its
/// hash, metadata twice.
fn around(long: &str) -> String {
    let (id, metadata) = (IDS[0], r#"{"file_name": "a.pdf", "page": 5}"#);
    let hash = format!("\"{:064x}\"", 7);
    format!(
        r#"{{"docstore/data": {{{id}: {{"id_": {id}, "metadata": {metadata}, "text": {long}, "again": {metadata}, "last": {metadata}, "hash": {hash}}}, {}: {{"hash": {hash}, "id_": {id}, "x": [{hash}]}}}}}}"#,
        IDS[1],
    )
}

fn long_comes_back(text: &str, maps: Maps) {
    let ways = if maps == Maps::Nested { 1 } else { 2 };
    for careful in [false, true].into_iter().take(ways) {
        assert_eq!(comes_back(text, maps, careful), Ok(true));
    }
}

#[test]
fn a_record_that_is_a_chain_of_blocks_comes_back() {
    // One long string; and many tokens, of which no two are alike.
    long_comes_back(
        &around(&format!("\"{}\"", "ab\\u00e9 ".repeat(400_000))),
        Maps::Inside,
    );
    let tokens: Vec<_> = (0..200_000).map(|n| format!("[{n}, \"{n}\"]")).collect();
    long_comes_back(&around(&format!("[{}]", tokens.join(", "))), Maps::Inside);
}

/// Of three messages, the second's blocks were replaced by an op, and what ended in
/// them was taken for what the third could repeat: it came back as the first.
#[test]
fn what_ends_in_a_repeated_array_cannot_be_repeated_itself() {
    let said =
        |role: &str| format!(r#"{{"role":"{role}","blocks":[{{"block_type":"text","text":""}}]}}"#);
    let messages = [said("assistant"), said("assistant"), said("user")].join(",");
    let text = format!(r#"{{"store":{{"user-1":[{messages}]}}}}"#);
    assert_eq!(comes_back(&text, Maps::Inside, false), Ok(true));
}

#[test]
fn a_record_too_long_to_be_held_comes_back() {
    let member = format!("\"{}\"", "y".repeat(MIB));
    let text = around(&format!("[{}]", [member.as_str(); 9].join(", ")));
    assert!(text.len() > 8 * MIB);
    long_comes_back(&text, Maps::Inside);
}

#[test]
fn a_document_in_a_string_too_long_to_be_held_comes_back() {
    let members: Vec<_> = (0..170_000)
        .map(|n| format!("\\\"{n:036}\\\": \\\"caf\\u00e9 {n}\\\""))
        .collect();
    let members = members.join(", ");
    for name in ["nodes_dict", "summary"] {
        let (open, close) = if name == "summary" {
            ("[{", "}]")
        } else {
            ("{", "}")
        };
        let data = format!("\"{{\\\"{name}\\\": {open}{members}{close}, \\\"x\\\": 1}}\"");
        let text = format!(
            "{{\"index_store/data\": {{\"i\": {{\"__type__\": \"t\", \"__data__\": {data}}}}}}}"
        );
        assert!(text.len() > 8 * MIB);
        long_comes_back(&text, Maps::Nested);
        long_comes_back(&text, Maps::Inside);
    }
}

/// Text that no style prints is kept as it was and printed in parts, which
/// end in the middle of a character as likely as not.
#[test]
fn a_long_text_in_a_document_in_a_string_is_cut_between_characters() {
    for shift in 0..4 {
        let long = format!(
            "[1,  2, 3, {:shift$}\\\"{}\\\"]",
            "",
            "Ελλάδα".repeat(100_000)
        );
        let data = format!("\"{{\\\"nodes_dict\\\": {{\\\"a\\\": {long}}}}}\"");
        let text = format!("{{\"index_store/data\": {{\"ä\": {{\"__data__\": {data}}}}}}}");
        assert_eq!(comes_back(&text, Maps::Nested, true), Ok(true), "{shift}");
        assert_eq!(comes_back(&text, Maps::Nested, false), Ok(false), "{shift}");
    }
}

/// As one document of a thousand nodes and more has.
#[test]
fn a_long_run_of_neighbouring_ids_comes_back() {
    let ids: Vec<String> = (0..2000).map(|n| format!("\"{n:036}\"")).collect();
    let records: Vec<String> = ids.iter().map(|id| format!("{id}: {{}}")).collect();
    let text = format!(
        r#"{{"data": {{{}}}, "info": {{"d": {{"node_ids": [{}]}}}}}}"#,
        records.join(", "),
        ids.join(", ")
    );
    assert_eq!(comes_back(&text, Maps::Inside, true), Ok(true));
}

#[test]
fn what_is_no_collection_is_told() {
    let told = |text: &str, maps| comes_back(text, maps, true);
    assert_eq!(told("[1]", Maps::Inside), Err(NotStructural::NotAnObject));
    assert_eq!(told("null", Maps::Inside), Err(NotStructural::NotAnObject));
    let twice = r#"{"a": {"b": 1}, "a": {"b": 1}}"#;
    assert_eq!(told(twice, Maps::Inside), Err(NotStructural::RepeatedMap));
    let twice = r#"{"a": {"b": {"c": {"d": 1}, "c": {"d": 1}}}}"#;
    assert_eq!(told(twice, Maps::Nested), Err(NotStructural::RepeatedMap));
    assert_eq!(told(twice, Maps::Inside), Ok(true));
    let many: Vec<String> = (0..=65_536)
        .map(|n| format!(r#""{n}": {{"a": 1}}"#))
        .collect();
    let many = format!("{{{}}}", many.join(", "));
    assert_eq!(told(&many, Maps::Inside), Err(NotStructural::TooLarge));
    // Only one of them is a collection.
    assert_eq!(
        told(r#"{"a": {}, "a": {"b": 1}, "a": 5}"#, Maps::Inside),
        Ok(true)
    );
}

#[test]
fn a_record_is_found_by_its_key() {
    let dir = temp();
    let text = r#"{"docstore/data": {"key-one": {"a": "key-two"}, "key\u002dtwo": [1,  2], "key-one": 3}, "l": [1]}"#;
    let path = packed(dir.path(), text.as_bytes(), Maps::Inside, true)
        .unwrap()
        .unwrap();
    for backend in [Backend::Map, Backend::Read] {
        let store = RecordStore::open(vec![open(&path, backend)]).unwrap();
        let data = CollectionPath::top(b"docstore/data");
        let get = |key: &[u8]| {
            store
                .get(&data, key)
                .unwrap()
                .map(|t| String::from_utf8(t).unwrap())
        };
        assert_eq!(
            get(b"key-one").unwrap(),
            "3",
            "the last one counts, as in Python"
        );
        assert_eq!(get(b"key-two").unwrap(), "[1,  2]");
        assert_eq!(get(b"key-three"), None);
        assert_eq!(store.len(&data).unwrap(), 3);
        let list = CollectionPath::top(b"l");
        assert_eq!(
            (store.len(&list).unwrap(), store.get(&list, b"0").unwrap()),
            (1, None)
        );
        let absent = CollectionPath::top(b"other");
        assert_eq!(
            (
                store.len(&absent).unwrap(),
                store.get(&absent, b"key-one").unwrap()
            ),
            (0, None)
        );
    }
}

/// A document as LlamaIndex writes it: 1 kB of text, or much more.
fn document_of(n: usize) -> (String, String) {
    let id = |n: usize| format!("{n:08x}-6f1e-4c2b-8d3a-{:012x}", n * 40503 % (1 << 30));
    let words = |n: usize, count: usize| {
        let words = (0..count).map(|i| format!("{:05}", (n * 40503 + i * 7919) % 99991));
        words.collect::<Vec<_>>().join(" ")
    };
    let text = words(n, if n == 1000 { 400_000 } else { 170 });
    let metadata = format!(
        r#"{{"file_name": "part-{}.txt", "page": {}}}"#,
        n / 100,
        n % 100
    );
    let relation = |other: usize| {
        format!(
            r#"{{"node_id": "{}", "node_type": "1", "metadata": {metadata}, "hash": "{:064x}", "class_name": "RelatedNodeInfo"}}"#,
            id(other),
            other * 7919
        )
    };
    let record = format!(
        r#"{{"__data__": {{"id_": "{}", "embedding": null, "metadata": {metadata}, "relationships": {{"2": {}, "3": {}}}, "hash": "{:064x}", "text": "{text}", "start_char_idx": 0}}, "__type__": "1"}}"#,
        id(n),
        relation(n.saturating_sub(1)),
        relation(n + 1),
        n * 7919,
    );
    (id(n), record)
}

/// What one document costs must not grow with the store: 99 of 100 are one
/// block to decompress, and others are as many as they are long.
#[test]
fn a_get_decompresses_one_block() {
    let documents: Vec<_> = (0..2000).map(document_of).collect();
    let members = documents
        .iter()
        .map(|(id, record)| format!("\"{id}\": {record}"));
    let text = format!(
        "{{\"docstore/data\": {{{}}}}}",
        members.collect::<Vec<_>>().join(", ")
    );
    let dir = temp();
    let path = packed(dir.path(), text.as_bytes(), Maps::Inside, false)
        .unwrap()
        .unwrap();
    let store = RecordStore::open(vec![open(&path, Backend::Read)]).unwrap();
    let data = CollectionPath::top(b"docstore/data");
    let decoded = || store.segments().last().unwrap().decoded_blocks();
    assert_eq!(decoded(), 0, "opening decompresses nothing");
    let costs = documents.iter().map(|(id, record)| {
        let before = decoded();
        let found = store.get(&data, id.as_bytes()).unwrap().unwrap();
        assert!(found == record.as_bytes(), "{id}");
        decoded() - before
    });
    let mut costs: Vec<usize> = costs.collect();
    costs.sort_unstable();
    assert_eq!(costs[costs.len() * 99 / 100], 1);
    // The one of 2.4 MB is a chain of three.
    assert_eq!(&costs[costs.len() - 2..], [1, 3]);
    // Where there is no such key, nothing need be decompressed.
    let before = decoded();
    assert_eq!(store.get(&data, b"no such document").unwrap(), None);
    assert_eq!(decoded(), before);
}
