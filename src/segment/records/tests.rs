//! Packed text and META that break a rule are refused, each with a reason of
//! its own; what keeps them is expanded the same, however it is cut.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{
    forge::{self, DATA, HASHED, LIST, MAP},
    format::{
        MAX_COLLECTIONS, MAX_NESTING, MAX_PATHS, MAX_STYLES, Parent, RecordMember, RecordsMeta,
    },
    printing::Hashing,
    read::RecordSegment,
    unpack::{Expanded, Unpacker},
};
use crate::{
    bytes::Backend,
    error::{Fault, Result},
    json::JsonStyle,
    planes::MAX_PLANES,
    testing::{fault, temp},
};

const BACKENDS: [Backend; 2] = [Backend::Map, Backend::Read];

/// What a record expands to, as one text: the calls in between show.
#[derive(Debug, Default, PartialEq, Eq)]
struct Log(Vec<u8>);

impl Log {
    fn note(&mut self, what: std::fmt::Arguments<'_>) -> Result<()> {
        self.0.extend_from_slice(format!("<{what}>").as_bytes());
        Ok(())
    }
}

impl Expanded for Log {
    fn begin(&mut self, odd_key: Option<&[u8]>) -> Result<()> {
        self.note(format_args!("{odd_key:?}"))
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        self.0.extend_from_slice(piece);
        Ok(())
    }

    fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.0.extend_from_slice(text);
        Ok(())
    }

    fn numbers(&mut self, plane: u32, row: u32) -> Result<()> {
        self.note(format_args!("numbers {plane} {row}"))
    }

    fn json(&mut self, style: u32) -> Result<()> {
        self.note(format_args!("json {style}"))
    }

    fn end_json(&mut self) -> Result<()> {
        self.note(format_args!("end"))
    }

    fn map(&mut self, collection: u32) -> Result<()> {
        self.note(format_args!("map {collection}"))
    }
}

/// Expands a record, with all that its ops refer to looked up.
fn expand(segment: &RecordSegment, collection: u32, entry: u32) -> Result<String> {
    let mut walk = segment.walk(collection)?;
    walk.expand(entry, &mut Hashing::new(segment, 0))?;
    let mut log = Log::default();
    walk.expand(entry, &mut log)?;
    Ok(String::from_utf8_lossy(&log.0).into_owned())
}

/// Expands `packed` as the second record of `data`.
fn in_data(packed: &[u8]) -> Result<String> {
    in_segment(&[b"1", packed, b"2"], &[], DATA, 1)
}

fn in_list(packed: &[u8]) -> Result<String> {
    in_segment(&[], &[packed], LIST, 0)
}

fn in_segment(data: &[&[u8]], list: &[&[u8]], collection: u32, entry: u32) -> Result<String> {
    let dir = temp();
    let path = dir.path().join("segment");
    forge::write(&path, data, list, |_| {}).unwrap();
    let [mapped, read] =
        BACKENDS.map(|backend| expand(&forge::open(&path, backend).unwrap(), collection, entry));
    assert_eq!(format!("{mapped:?}"), format!("{read:?}"));
    mapped
}

#[test]
fn every_op_stands_for_what_the_format_says() {
    let ones = "01".repeat(32);
    let twos = "02".repeat(32);
    let object = "{\"a\":\"sixteen bytes\"}";
    let array = "[\"a string long\"]";
    assert_eq!(array.len(), 17);
    for (packed, expected) in [
        (
            &b"[\x01,\x02,\x03,\x04\x04]"[..],
            r#"["key-1","key-2","key-0","foreign"]"#.to_owned(),
        ),
        (
            b"[\x05\x01\x03,1]",
            r#"["key-1","key-2","in-map",1]"#.to_owned(),
        ),
        (b"\x06", format!("\"{ones}\"")),
        (b"\x07\x00", format!("\"{twos}\"")),
        (
            b"{\"a\":\x04\x04,\"b\":{\"c\":\x04\x01,\"d\":\x06}}",
            format!("{{\"a\":\"foreign\",\"b\":{{\"c\":\"key-1\",\"d\":\"{ones}\"}}}}"),
        ),
        // At the end of an object the current row is again what it was.
        (
            b"[{\"a\":\x04\x04},\x06]",
            format!("[{{\"a\":\"foreign\"}},\"{ones}\"]"),
        ),
        (
            &[b"[", object.as_bytes(), b",\x08,\x08]"].concat(),
            format!("[{object},{object},{object}]"),
        ),
        (
            &[b"{\"b\":", array.as_bytes(), b",\"c\":\x0b}"].concat(),
            format!("{{\"b\":{array},\"c\":{array}}}"),
        ),
        (b"\x0c\x00\x00", "<numbers 0 0>".to_owned()),
        (b"\x0e\x01[\x01]\x0f", "<json 1>[\"key-1\"]<end>".to_owned()),
        (b"{\"a\":\x10\x02}", "{\"a\":<map 2>}".to_owned()),
    ] {
        assert_eq!(
            in_data(packed).unwrap(),
            format!("<None>{expected}"),
            "{packed:?}"
        );
    }
    assert_eq!(
        in_data(b"\x11\x0c\"key\\u002d1\"1").unwrap(),
        format!("<{:?}>1", Some(br#""key\u002d1""#))
    );
    assert_eq!(
        in_data(b"\x11\x0c\"key\\u002d1\"\x12 [1 ]").unwrap(),
        format!("<{:?}> [1 ]", Some(br#""key\u002d1""#))
    );
    assert_eq!(
        in_data(b"\x12\x01").unwrap(),
        "<None>\u{1}",
        "no ops in text"
    );
    assert_eq!(
        in_list(b"[\x04\x01,\x06]").unwrap(),
        format!("<None>[\"key-1\",\"{ones}\"]")
    );
}

#[test]
fn packed_text_that_breaks_a_rule_is_refused() {
    let object = "{\"a\":\"sixteen bytes\"}";
    let short = format!("[{{\"a\":{}}},\u{8}]", "1".repeat(9));
    let long = format!("[{{\"a\":{}}},\u{8}]", "1".repeat(4091));
    let inside_json = format!("[{object},\u{e}\u{0}[\u{8}]\u{f}]");
    let after_json = format!("[\u{e}\u{0}{object}\u{f},\u{8}]");
    let other_kind = format!("[{object},\u{b}]");
    let with_op = "[{\"a\":\"sixteen bytes\",\"b\":\u{1}},\u{8}]";
    let repeats_op = format!("[{object},[\u{8}],\u{b}]");
    let nested = b"\x0e\x00".repeat(5);
    let (end, row) = ("the end of a record", "an op without a row");
    for (packed, what) in [
        // Ops that are none, where KEY and TEXT are none any more, too.
        (&b"\x13"[..], "an op"),
        (b"\x00", "an op"),
        (b"[1\x0a]", "an op"),
        (b"\x09", "an op"),
        (b"\x0d", "an op"),
        (b"\x1f", "an op"),
        (b"1\x11\x011", "an op"),
        (b"1\x12", "an op"),
        // A key, and nothing after it.
        (b"\x11\x0c\"key\\u002d1\"", end),
        // Arguments.
        (b"\x04", end),
        (b"\x04\x80", end),
        (b"\x04\x80\x00", "an op's argument"),
        (b"\x04\xff\xff\xff\xff\x10", "an op's argument"),
        (b"\x04\x80\x80\x80\x80\x80", "an op's argument"),
        (b"\x0c\x00", end),
        (b"[\x05\x00", end),
        (b"\x0e", end),
        // Rows.
        (b"[\x05\x00\x00]", "an op's rows"),
        (b"[\x05\x00\x01]", "an op's rows"),
        (b"[\x05\xff\xff\xff\xff\x0f\x02]", "an op's rows"),
        (b"\x05\x00\x02", "an op's rows"),
        (b"{\"a\":\x05\x00\x02}", "an op's rows"),
        (b"[\x0e\x00\x05\x00\x02\x0f]", "an op's rows"),
        // Hashes.
        (b"[\x04\x04,\x06]", "an op for a row without a hash"),
        // What repeats.
        (b"\x08", "an op that repeats nothing"),
        (b"\x0b", "an op that repeats nothing"),
        (short.as_bytes(), "an op that repeats nothing"),
        (long.as_bytes(), "an op that repeats nothing"),
        (with_op.as_bytes(), "an op that repeats nothing"),
        (other_kind.as_bytes(), "an op that repeats nothing"),
        (inside_json.as_bytes(), "an op that repeats nothing"),
        (after_json.as_bytes(), "an op that repeats nothing"),
        (repeats_op.as_bytes(), "an op that repeats nothing"),
        // Brackets.
        (b"]", "brackets"),
        (b"[1}", "brackets"),
        (b"{]", "brackets"),
        (b"1]", "brackets"),
        (b"[\x0e\x00]", "brackets"),
        (b"[", end),
        (b"[{}", end),
        (b"\x0e\x00[]", end),
        // Documents.
        (b"\x0f", "the end of a document"),
        (b"[\x0f]", "the end of a document"),
        (b"\x0e\x00[\x0f]", "the end of a document"),
        (&nested, "nesting of documents"),
        (b"\x0e\x02[]\x0f", "a style's number"),
        // Planes.
        (b"\x0c\x01\x00", "a plane's number"),
        // Keys.
        (b"\x11", "a key's length"),
        (b"\x11\x80", "a key's length"),
        (b"\x11\x80\x00", "a key's length"),
        (b"\x11\x03\"a", "a key's length"),
        (b"\x11\xff\xff\xff\xff\x0f", "a key's length"),
        (b"\x11\x01a", "the key of a record"),
        (b"\x11\x07\"key-0\"1", "the key of a record"),
        (b"\x11\x08 \"key-1\"1", "the key of a record"),
        (b"\x11\x08\"key-1\" 1", "the key of a record"),
        (b"", end),
        // Strings.
        (b"\"", end),
        (b"\"abc", end),
        (b"\"abc\\\"", end),
        (b"\"abc\\", end),
        (b"[\"abc]", end),
    ] {
        assert_eq!(fault(in_data(packed)), Fault::Value(what), "{packed:?}");
    }
    // Nesting is the only fault of that one.
    let four = [b"\x0e\x00".repeat(4), b"[]".to_vec(), b"\x0f".repeat(4)].concat();
    assert!(in_data(&four).is_ok());
    let just = format!("[{{\"a\":{}}},\u{8}]", "1".repeat(10));
    assert!(in_data(just.as_bytes()).is_ok(), "16 bytes");
    let just = format!("[{{\"a\":{}}},\u{8}]", "1".repeat(4090));
    assert!(in_data(just.as_bytes()).is_ok(), "4096 bytes");
    let row_number = Fault::Bounds("row number");
    for packed in [
        &b"\x04\x05"[..],
        b"\x04\xff\xff\xff\xff\x0f",
        b"[\x05\x03\x03]",
        b"\x0c\x00\x01",
    ] {
        assert_eq!(fault(in_data(packed)), row_number, "{packed:?}");
    }
    assert_eq!(
        fault(in_data(b"\x07\x01")),
        Fault::Bounds("number of a hash")
    );
    // The first row has none before it, a list has no rows at all.
    assert_eq!(
        fault(in_segment(&[b"\x03"], &[], DATA, 0)),
        Fault::Value(row)
    );
    for packed in [
        &b"\x01"[..],
        b"\x02",
        b"\x03",
        b"\x06",
        b"[{\"a\":\x04\x01},\x06]",
    ] {
        assert_eq!(fault(in_list(packed)), Fault::Value(row), "{packed:?}");
    }
    assert_eq!(HASHED, 1);
}

#[test]
fn a_token_that_is_longer_than_any_is_refused() {
    let long = [&b"\""[..], &vec![b'a'; 65 << 20]].concat();
    assert_eq!(fault(in_data(&long)), Fault::Value("a token's length"));
}

/// Else each part would cost another look at the whole token.
#[test]
fn a_long_token_in_small_parts_takes_no_longer_than_in_one() {
    let dir = temp();
    let segment = forge::open(&forged(dir.path(), &[b"1"]), Backend::Map).unwrap();
    let text = [&b"\""[..], &vec![b'a'; 8 << 20], b"\""].concat();
    let cuts: Vec<usize> = (64..text.len()).step_by(64).collect();
    let whole = in_parts(&segment, &text, &[]).unwrap();
    assert!(in_parts(&segment, &text, &cuts).unwrap() == whole);
}

#[test]
fn a_hash_over_a_block_tells_records_that_expand_to_another_text() {
    let dir = temp();
    let path = dir.path().join("segment");
    // The writer of these is not told what they print.
    forge::write(&path, &[b"[\x01]"], &[], |_| {}).unwrap();
    for backend in BACKENDS {
        let segment = forge::open(&path, backend).unwrap();
        segment.check_structure().unwrap();
        assert_eq!(fault(segment.check_records(&|| {})), Fault::Content);
    }
}

/// Opens a segment with an edited META.
fn edited(edit: impl FnOnce(&mut RecordsMeta)) -> Result<RecordSegment> {
    let dir = temp();
    let path = dir.path().join("segment");
    forge::write(&path, &[b"{\"a\":\x10\x02}", b"2"], &[b"3"], edit).unwrap();
    forge::open(&path, Backend::Read)
}

#[test]
fn metadata_that_breaks_a_rule_is_refused() {
    let refused = |edit: fn(&mut RecordsMeta)| fault(edited(edit));
    let value = Fault::Value;
    assert!(edited(|_| {}).is_ok());
    assert_eq!(refused(|m| m.styles.clear()), value("style"));
    assert_eq!(
        refused(|m| m.styles.resize(MAX_STYLES + 1, JsonStyle::python())),
        value("style")
    );
    assert_eq!(
        refused(|m| m.styles[1].after_comma = b"x".to_vec()),
        value("style")
    );
    assert_eq!(
        refused(|m| m.planes = vec![m.planes[0].clone(); MAX_PLANES + 1]),
        Fault::Value("number of planes")
    );
    assert_eq!(
        refused(|m| m
            .collections
            .resize(MAX_COLLECTIONS + 1, m.collections[2].clone())),
        value("number of collections")
    );
    let parent = |collection| {
        Some(Parent {
            collection,
            record: b"key-0".to_vec(),
        })
    };
    for (number, what) in [
        (MAP, "a collection's parent"),
        (LIST, "a collection's parent"),
        (7, "a collection's parent"),
    ] {
        let edit = |m: &mut RecordsMeta| m.collections[2].parent = parent(number);
        assert_eq!(fault(edited(edit)), value(what), "{number}");
    }
    let empty = |m: &RecordsMeta| {
        let mut nested = m.collections[2].clone();
        (nested.records.blocks, nested.records.items, nested.entries) = (0, 0, 0);
        nested.order = crate::orders::Order::Range { first: 0 };
        nested
    };
    let deep = |levels: u32| {
        edited(|m: &mut RecordsMeta| {
            let mut nested = empty(m);
            for n in 0..levels {
                nested.parent = parent(MAP + n);
                m.collections.push(nested.clone());
            }
        })
    };
    // `data` and `map` are two.
    let most = MAX_NESTING as u32 - 2;
    assert!(deep(most).is_ok());
    assert_eq!(fault(deep(most + 1)), value("nesting of collections"));
    // A short file can have long paths: each begins with that of the collection around it.
    let long = |children: u32| {
        edited(|m: &mut RecordsMeta| {
            let mut nested = empty(m);
            let around = m.collections.len() as u32;
            (nested.parent, nested.name) = (parent(MAP), vec![b'n'; MAX_PATHS / 16]);
            m.collections.push(nested.clone());
            (nested.parent, nested.name) = (parent(around), b"child".to_vec());
            for _ in 0..children {
                m.collections.push(nested.clone());
            }
        })
    };
    assert!(long(14).is_ok());
    assert_eq!(
        fault(long(15)),
        value("length of what leads to the collections")
    );
    assert_eq!(
        refused(|m| m.collections[1].style = 2),
        value("a collection's style")
    );
    assert_eq!(
        refused(|m| m.collections[0].entries += 1),
        value("number of records")
    );
    let member = |collection| RecordMember::Collection {
        collection,
        key: b"\"m\"".to_vec(),
    };
    for number in [DATA, MAP, 3] {
        let edit = |m: &mut RecordsMeta| m.members.push(member(number));
        assert_eq!(
            fault(edited(edit)),
            value("a member's collection"),
            "{number}"
        );
    }
    assert_eq!(
        refused(|m| drop(m.members.pop())),
        value("a collection without a member")
    );
    assert_eq!(
        refused(|m| m.collections[2].records.first_block = 1),
        value("the blocks of a collection")
    );
    assert_eq!(
        refused(|m| {
            m.collections.pop();
        }),
        value("the number of blocks")
    );
    assert_eq!(
        refused(|m| m.collections[2].records.blocks = 2),
        Fault::Bounds("heap")
    );
}

/// Feeds `packed` to an unpacker in parts that end at `cuts`.
fn in_parts(segment: &RecordSegment, packed: &[u8], cuts: &[usize]) -> Result<Log> {
    let mut unpacker = Unpacker::new(segment);
    unpacker.begin(Some(1));
    let mut log = Log::default();
    let mut begin = 0;
    for &cut in cuts {
        unpacker.part(&packed[begin..cut], false, &mut log)?;
        begin = cut;
    }
    unpacker.part(&packed[begin..], false, &mut log)?;
    unpacker.part(&[], true, &mut log)?;
    unpacker.end()?;
    Ok(log)
}

fn forged(dir: &Path, data: &[&[u8]]) -> PathBuf {
    let path = dir.join("segment");
    forge::write(&path, data, &[], |_| {}).unwrap();
    path
}

/// Texts of which repeated parts, strings and ops may all be cut.
fn long_packed_text() -> impl Strategy<Value = Vec<u8>> {
    let filled = (0..6000_usize, forge::packed_text()).prop_map(|(len, piece)| {
        [
            format!("{{\"k\":\"{}\"}},", "é".repeat(len / 2)).as_bytes(),
            b"\x08,",
            &piece,
        ]
        .concat()
    });
    prop::collection::vec(filled, 1..3)
        .prop_map(|parts| [b"[", &parts.concat()[..], b"1]"].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes_are_expanded_or_refused(packed in forge::packed_text()) {
        match in_data(&packed) {
            Ok(text) => prop_assert!(!text.is_empty()),
            Err(e) => prop_assert!(e.is_damage(), "{e}"),
        }
        let _ = in_list(&packed);
    }

    /// Parts may end anywhere: within a string, an op, an argument, something
    /// that is repeated later.
    #[test]
    fn however_it_is_cut_a_record_expands_to_the_same(
        packed in prop_oneof![forge::packed_text(), long_packed_text()],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        every_byte in prop::bool::weighted(0.1),
    ) {
        let dir = temp();
        let segment = forge::open(&forged(dir.path(), &[]), Backend::Map).unwrap();
        let cuts: Vec<usize> = match every_byte && packed.len() < 500 {
            true => (0..packed.len()).collect(),
            false => {
                let cuts = cuts.iter().map(|cut| cut.index(packed.len() + 1));
                cuts.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
            }
        };
        let (whole, parts) = (in_parts(&segment, &packed, &[]), in_parts(&segment, &packed, &cuts));
        match (whole, parts) {
            (Ok(whole), Ok(parts)) => prop_assert_eq!(whole, parts),
            (whole, parts) => prop_assert_eq!(fault(whole), fault(parts)),
        }
    }
}
