//! Nobody thinks of every store that somebody has. So stores are made at
//! random from everything that writers are known to vary: number classes,
//! dialects, order and completeness of the maps, odd spellings, keys that
//! occur twice, ids of any kind. Each must come back to the byte; and each
//! that rows can hold must *be* held in rows, with the values that Python
//! would read.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::collections::BTreeMap;

use common::{Storage, VECTORS};
use proptest::{collection::vec, prelude::*, sample::Index};
use twinstore::segment::{Metadata, VectorSegment};

/// How a writer lays text out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dialect {
    Python,
    Compact,
    Indent(usize, &'static str),
}

impl Dialect {
    fn is_ascii(self) -> bool {
        self != Dialect::Compact
    }

    fn container(self, open: char, close: char, depth: usize, children: &[String]) -> String {
        if children.is_empty() {
            return format!("{open}{close}");
        }
        match self {
            Dialect::Python => format!("{open}{}{close}", children.join(", ")),
            Dialect::Compact => format!("{open}{}{close}", children.join(",")),
            Dialect::Indent(width, newline) => {
                let line = |depth: usize| format!("{newline}{}", " ".repeat(width * depth));
                let inner = line(depth + 1);
                let children = children.join(&format!(",{inner}"));
                format!("{open}{inner}{children}{}{close}", line(depth))
            }
        }
    }

    fn member(self, key: &str, value: &str) -> String {
        let blank = if self == Dialect::Compact { "" } else { " " };
        format!("{key}:{blank}{value}")
    }
}

/// Text in UTF-16, so that half characters can be among it.
type Text = Vec<u16>;

fn token(text: &[u16], ascii: bool) -> String {
    let mut out = String::from("\"");
    let escape = |unit: u16, out: &mut String| out.push_str(&format!("\\u{unit:04x}"));
    for read in char::decode_utf16(text.iter().copied()) {
        match read {
            Err(lone) => escape(lone.unpaired_surrogate(), &mut out),
            Ok('"') => out.push_str("\\\""),
            Ok('\\') => out.push_str("\\\\"),
            Ok('\n') => out.push_str("\\n"),
            Ok('\t') => out.push_str("\\t"),
            Ok('\r') => out.push_str("\\r"),
            Ok('\u{8}') => out.push_str("\\b"),
            Ok('\u{c}') => out.push_str("\\f"),
            // DEL is nothing special but for Python.
            Ok('\x7f') if ascii => escape(0x7f, &mut out),
            Ok(c) if c < ' ' => escape(c as u16, &mut out),
            Ok(c) if c.is_ascii() || !ascii => out.push(c),
            Ok(c) => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| escape(*unit, &mut out)),
        }
    }
    out.push('"');
    out
}

/// The same text spelled as no writer does: its first character escaped.
fn odd_token(text: &[u16]) -> String {
    match text.split_first() {
        Some((first, rest)) => format!("\"\\u{first:04X}{}", &token(rest, true)[1..]),
        None => "\"\"".to_owned(),
    }
}

/// What a reader is given as an id: UTF-8, or WTF-8 for half characters.
fn wtf8(text: &[u16]) -> Vec<u8> {
    let mut out = Vec::new();
    for read in char::decode_utf16(text.iter().copied()) {
        match read {
            Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let unit = lone.unpaired_surrogate();
                out.extend([
                    0xed,
                    0x80 | (unit >> 6 & 0x3f) as u8,
                    0x80 | (unit & 0x3f) as u8,
                ]);
            }
        }
    }
    out
}

/// A number as `repr` prints it, or spelled in another way.
#[derive(Debug, Clone)]
struct Number {
    text: String,
    value: f64,
}

/// CPython's `repr` of a finite float, made with other means than the crate's:
/// the standard library's shortest digits, which read back to the value.
fn repr(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    if value == 0.0 || (-4..16).contains(&exponent) {
        let text = format!("{value}");
        return if text.contains('.') {
            text
        } else {
            format!("{text}.0")
        };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

fn number(value: f64) -> Number {
    Number {
        text: repr(value),
        value,
    }
}

/// Of magnitudes that all three layouts print alike and that are not whole.
fn plain_f32() -> impl Strategy<Value = f32> {
    (1e-3_f32..1e4, any::<bool>()).prop_map(|(x, minus)| {
        let x = if x.fract() == 0.0 { x + 0.5 } else { x };
        if minus { -x } else { x }
    })
}

fn exact() -> impl Strategy<Value = Number> {
    plain_f32().prop_map(|x| number(f64::from(x)))
}

fn decimal() -> impl Strategy<Value = Number> {
    plain_f32().prop_map(|x| number(x.to_string().parse().unwrap()))
}

fn double() -> impl Strategy<Value = Number> {
    (1e-3_f64..1e4, any::<bool>()).prop_map(|(x, minus)| {
        let x = if x.fract() == 0.0 { x + 0.3 } else { x };
        number(if minus { -x } else { x })
    })
}

/// What stays text beside its row.
fn odd_number() -> impl Strategy<Value = Number> {
    let spelled = |text: &str, value: f64| Number {
        text: text.to_owned(),
        value,
    };
    prop_oneof![
        any::<i32>().prop_map(|x| Number {
            text: x.to_string(),
            value: f64::from(x)
        }),
        Just(spelled("NaN", f64::NAN)),
        Just(spelled("Infinity", f64::INFINITY)),
        Just(spelled("-Infinity", f64::NEG_INFINITY)),
        Just(spelled("1E2", 100.0)),
        Just(spelled("0.50", 0.5)),
        Just(spelled("-0", -0.0)),
        Just(spelled("1e400", f64::INFINITY)),
        Just(spelled(
            "18446744073709551617",
            18_446_744_073_709_551_616.0
        )),
        Just(spelled("5e-324", 5e-324)),
        Just(spelled("1.7976931348623157e+308", f64::MAX)),
    ]
}

fn row(dim: usize) -> impl Strategy<Value = Vec<Number>> {
    let odd = (odd_number(), any::<Index>());
    let numbers = prop_oneof![vec(exact(), dim), vec(decimal(), dim), vec(double(), dim)];
    (numbers, proptest::option::weighted(0.15, odd)).prop_map(|(mut row, odd)| {
        if let Some((number, at)) = odd {
            let at = at.index(row.len());
            row[at] = number;
        }
        row
    })
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => "[a-z0-9-]{1,12}".prop_map(|s| s.encode_utf16().collect()),
        2 => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
            .prop_map(|s| s.encode_utf16().collect()),
        2 => vec(any::<char>(), 0..6)
            .prop_map(|chars| chars.into_iter().collect::<String>().encode_utf16().collect()),
        1 => vec(prop_oneof![Just(0xd83d), Just(0xdc00), Just(0x61)], 1..4),
    ]
}

/// A metadata value, by the text it has in the dialect.
#[derive(Debug, Clone)]
enum Value {
    Scalar(&'static str),
    Text(Text),
    List(Vec<Value>),
    Object(Vec<(Text, Value)>),
}

impl Value {
    fn print(&self, dialect: Dialect, depth: usize) -> String {
        match self {
            Value::Scalar(text) => (*text).to_owned(),
            Value::Text(text) => token(text, dialect.is_ascii()),
            Value::List(values) => {
                let children: Vec<_> = values.iter().map(|v| v.print(dialect, depth + 1)).collect();
                dialect.container('[', ']', depth, &children)
            }
            Value::Object(members) => {
                let member = |(key, value): &(Text, Value)| {
                    dialect.member(
                        &token(key, dialect.is_ascii()),
                        &value.print(dialect, depth + 1),
                    )
                };
                let children: Vec<_> = members.iter().map(member).collect();
                dialect.container('{', '}', depth, &children)
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just("null"),
        Just("true"),
        Just("0"),
        Just("-0.0"),
        Just("1e400"),
        Just("NaN"),
        Just("123456789012345678901234567890"),
        Just("1.50"),
        Just("0.1"),
    ];
    let leaf = prop_oneof![scalar.prop_map(Value::Scalar), text().prop_map(Value::Text)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::List),
            vec((text(), inner), 0..4).prop_map(Value::Object),
        ]
    })
}

/// One row's metadata.
#[derive(Debug, Clone)]
enum Entry {
    /// Members in order; a key may occur twice.
    Members(Vec<(Text, Value)>),
    /// Something else than an object.
    Other(Value),
    /// White space that no dialect has.
    OddSpace,
}

impl Entry {
    fn print(&self, dialect: Dialect) -> String {
        match self {
            Entry::Members(members) => Value::Object(members.clone()).print(dialect, 2),
            Entry::Other(value) => value.print(dialect, 2),
            Entry::OddSpace => "{  \"a\"\t: 1 }".to_owned(),
        }
    }

    fn has_repeated_key(&self) -> bool {
        let Entry::Members(members) = self else {
            return false;
        };
        let keys: std::collections::BTreeSet<_> = members.iter().map(|(key, _)| key).collect();
        keys.len() < members.len()
    }
}

fn entry() -> impl Strategy<Value = Entry> {
    let usual = prop_oneof![Just("file"), Just("page"), Just("ü"), Just("_node_type")];
    let usual = usual.prop_map(|key| key.encode_utf16().collect::<Text>());
    let members = vec(
        (
            prop_oneof![6 => usual.boxed(), 1 => text().boxed()],
            value(),
        ),
        0..5,
    );
    prop_oneof![
        8 => members.prop_map(Entry::Members),
        1 => value().prop_map(|value| match value {
            Value::Object(members) => Entry::Members(members),
            other => Entry::Other(other),
        }),
        1 => Just(Entry::OddSpace),
    ]
}

/// A whole store.
#[derive(Clone)]
struct Store {
    dialect: Dialect,
    around: (&'static str, &'static str),
    /// Entries in the order of the map; every vector is of one length.
    vectors: Vec<(Text, Vec<Number>)>,
    refs: Vec<(Text, Text)>,
    metadata: Vec<(Text, Entry)>,
    /// The members of the top level in this order: 0 to 2 are the maps, 3 is
    /// one that nobody knows. Some may be missing.
    order: Vec<usize>,
    other: Value,
    /// Which keys and ref doc ids are spelled oddly, by a hash of the text.
    odd: Option<usize>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.dialect, self.print())
    }
}

impl Store {
    fn spell(&self, text: &[u16], place: usize) -> String {
        let sum = text.iter().map(|&unit| usize::from(unit)).sum::<usize>() + place;
        match self.odd {
            Some(modulus) if sum.is_multiple_of(modulus) => odd_token(text),
            _ => token(text, self.dialect.is_ascii()),
        }
    }

    fn print(&self) -> String {
        let d = self.dialect;
        let map = |entries: Vec<String>| d.container('{', '}', 1, &entries);
        let members: Vec<String> = self
            .order
            .iter()
            .map(|member| match member {
                0 => {
                    let entries = self.vectors.iter().map(|(id, row)| {
                        let row: Vec<_> = row.iter().map(|n| n.text.clone()).collect();
                        d.member(&self.spell(id, 0), &d.container('[', ']', 2, &row))
                    });
                    d.member("\"embedding_dict\"", &map(entries.collect()))
                }
                1 => {
                    let entries = self
                        .refs
                        .iter()
                        .map(|(id, doc)| d.member(&self.spell(id, 1), &self.spell(doc, 2)));
                    d.member("\"text_id_to_ref_doc_id\"", &map(entries.collect()))
                }
                2 => {
                    let entries = self
                        .metadata
                        .iter()
                        .map(|(id, entry)| d.member(&self.spell(id, 3), &entry.print(d)));
                    d.member("\"metadata_dict\"", &map(entries.collect()))
                }
                _ => d.member("\"other\"", &self.other.print(d, 1)),
            })
            .collect();
        format!(
            "{}{}{}",
            self.around.0,
            d.container('{', '}', 0, &members),
            self.around.1
        )
    }

    fn has(&self, member: usize) -> bool {
        self.order.contains(&member)
    }
}

fn store() -> impl Strategy<Value = Store> {
    let dialect = prop_oneof![
        3 => Just(Dialect::Python),
        2 => Just(Dialect::Compact),
        1 => Just(Dialect::Indent(2, "\n")),
        1 => Just(Dialect::Indent(4, "\r\n")),
        1 => Just(Dialect::Indent(0, "\n")),
    ];
    let around = prop_oneof![4 => Just(("", "")), 1 => Just(("", "\n")), 1 => Just(("\u{feff}", "")), 1 => Just((" \n", "\t "))];
    let ids = vec(text(), 0..14).prop_map(|mut ids| {
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        ids
    });
    let parts = (ids, 1_usize..20).prop_flat_map(|(ids, dim)| {
        let count = ids.len();
        let some = move || vec(prop::bool::weighted(0.9), count);
        let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        let orders = (
            order.clone(),
            prop::bool::weighted(0.3),
            order,
            prop::bool::weighted(0.3),
        );
        (
            Just(ids),
            vec(row(dim), count),
            vec(text(), count),
            vec(entry(), count),
            (some(), some(), some()),
            orders,
        )
    });
    let order = (
        Just(vec![0, 1, 2, 3]).prop_shuffle(),
        0_usize..5,
        prop::bool::weighted(0.5),
    );
    let odd = proptest::option::weighted(0.25, 2_usize..7);
    (dialect, around, parts, order, value(), odd).prop_map(
        |(dialect, around, (ids, rows, docs, entries, (a, b, c), orders), order, other, odd)| {
            let (first, shuffle_refs, second, shuffle_metadata) = orders;
            let plain: Vec<usize> = (0..ids.len()).collect();
            let refs_order = if shuffle_refs { first } else { plain.clone() };
            let metadata_order = if shuffle_metadata {
                second
            } else {
                plain.clone()
            };
            let (mut order, missing, shuffled) = order;
            if !shuffled {
                order = vec![0, 1, 2];
            }
            order.retain(|&member| member != missing || member == 0);
            let pick = |order: &[usize], some: &[bool]| -> Vec<usize> {
                order.iter().copied().filter(|&n| some[n]).collect()
            };
            Store {
                dialect,
                around,
                vectors: pick(&plain, &a)
                    .into_iter()
                    .map(|n| (ids[n].clone(), rows[n].clone()))
                    .collect(),
                refs: pick(&refs_order, &b)
                    .into_iter()
                    .map(|n| (ids[n].clone(), docs[n].clone()))
                    .collect(),
                metadata: pick(&metadata_order, &c)
                    .into_iter()
                    .map(|n| (ids[n].clone(), entries[n].clone()))
                    .collect(),
                order,
                other,
                odd,
            }
        },
    )
}

fn compare_rows(store: &Store, segment: &VectorSegment) {
    let mut ids: BTreeMap<&[u16], u32> = BTreeMap::new();
    for row in 0..segment.rows() {
        let id = segment.id(row).unwrap();
        assert_eq!(segment.row_of(&id).unwrap(), Some(row));
    }
    assert_eq!(segment.vectors() as usize, store.vectors.len());
    for (n, (id, numbers)) in store.vectors.iter().enumerate() {
        let bytes = wtf8(id);
        let values = segment.get(&bytes).unwrap().unwrap();
        let bits = |values: Vec<f64>| {
            values
                .into_iter()
                .map(|x| if x.is_nan() { 1 } else { x.to_bits() })
                .collect::<Vec<_>>()
        };
        let expected = numbers.iter().map(|n| n.value).collect();
        assert_eq!(bits(values), bits(expected), "{numbers:?}");
        assert_eq!(segment.row_of(&bytes).unwrap(), Some(n as u32));
        ids.insert(id, n as u32);
    }
    let empty = (Vec::new(), Vec::new());
    let refs = if store.has(1) { &store.refs } else { &empty.0 };
    let metadata = if store.has(2) {
        &store.metadata
    } else {
        &empty.1
    };
    for id in refs
        .iter()
        .map(|(id, _)| id)
        .chain(metadata.iter().map(|(id, _)| id))
    {
        ids.insert(id, segment.row_of(&wtf8(id)).unwrap().unwrap());
    }
    assert_eq!(
        segment.rows() as usize,
        ids.len(),
        "rows are the union of the maps"
    );
    for (id, row) in ids {
        if row >= segment.vectors() {
            assert_eq!(segment.get(&wtf8(id)).unwrap(), None);
        }
        let expected = refs.iter().find(|(other, _)| other == id);
        let expected = expected.map(|(_, doc)| token(doc, false).into_bytes());
        assert_eq!(segment.ref_doc(row).unwrap(), expected, "{id:?}");
        let found = segment.metadata(row).unwrap();
        match (metadata.iter().find(|(other, _)| other == id), found) {
            (None, None) => {}
            (Some((_, entry)), Some(Metadata::Text(text))) => {
                let plain = matches!(entry, Entry::Members(_)) && !entry.has_repeated_key();
                // Odd spellings may win the vote on what is usual.
                assert!(!plain || store.odd.is_some(), "{entry:?} is not in columns");
                assert_eq!(text, entry.print(store.dialect).into_bytes());
            }
            (Some((_, entry @ Entry::Members(members))), Some(Metadata::Object(found))) => {
                assert!(!entry.has_repeated_key());
                let normal = |(key, value): &(Text, Value)| {
                    (wtf8(key), value.print(Dialect::Compact, 0).into_bytes())
                };
                assert_eq!(found, members.iter().map(normal).collect::<Vec<_>>());
            }
            other => panic!("{id:?}: {other:?}"),
        }
    }
}

fn round_trip(store: &Store) {
    let text = store.print();
    let storage = Storage::with([(VECTORS, &text)]);
    let report = storage.pack();
    let packed = &report.stores[0];
    assert!(!packed.file_form, "{:?}:\n{text}", packed.why);
    assert!(storage.verify().problems.is_empty());
    let unpacked = storage.unpacked(Default::default()).unwrap();
    assert_eq!(String::from_utf8(unpacked[VECTORS].clone()).unwrap(), text);
    if store.has(0) {
        compare_rows(store, &storage.vectors(VECTORS));
    }
}

/// `PROPTEST_CASES=10000` looks longer.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_rows_can_hold_is_held_in_rows(store in store()) {
        round_trip(&store);
    }

    /// Whatever happens to the text, it comes back; and so it does when a
    /// byte of it is another one, in rows or as the file is.
    #[test]
    fn any_text_at_all_comes_back(
        store in store(),
        edits in vec((any::<Index>(), prop_oneof![any::<u8>(), prop::sample::select(b" ,:{}[]\"\\0.e-".to_vec())]), 1..4),
        cut in proptest::option::weighted(0.3, any::<Index>()),
    ) {
        let mut text = store.print().into_bytes();
        for (at, byte) in edits {
            let at = at.index(text.len());
            text[at] = byte;
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len()));
        }
        let files = common::Files::from([(VECTORS.to_owned(), text)]);
        let storage = Storage::of(&files);
        storage.pack();
        prop_assert!(storage.verify().problems.is_empty());
        prop_assert_eq!(storage.unpacked(Default::default()).unwrap(), files);
    }
}
