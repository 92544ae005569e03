//! Histories of writes: what a store prints and gives after each is what dicts
//! in Python would be, whether the changes are in memory or in segments.

mod cases;
mod disk;
mod model;
mod operations;
mod rebase;

use disk::Disk;
use model::{Dict, MAPS, Member, Model, Record, normal, top};
use operations::{LISTS, Op, STRUCTS, apply, element, key, new_struct, op, value};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    convert::records::{self, Maps},
    json::{Escapes, Indent, JsonStyle, Newline},
    store::{CollectionPath, RecordStore},
};

/// Everything that readers tell is what the model has.
fn assert_is(store: &RecordStore, model: &Model) {
    pretty_assert(&printed(store), &model.text());
    for (name, member) in &model.members {
        let path = top(name);
        let Member::Keyed(dict) = member else {
            if let Member::List(list) = member {
                assert_eq!(store.len(&path).unwrap(), list.len() as u64);
            }
            continue;
        };
        assert_dict(store, &path, dict, |key, record| {
            record.normal(key, &model.inner)
        });
        for (key, record) in &dict.0 {
            let Record::Struct(one) = record else {
                continue;
            };
            for (name, map) in MAPS.iter().zip(&one.maps) {
                let path = path.nested(key.as_bytes(), name.as_bytes());
                if store.has(&path) {
                    assert_dict(store, &path, map, |_, text| text.clone());
                }
            }
        }
    }
}

fn printed(store: &RecordStore) -> String {
    let mut out = Vec::new();
    let mut sink = |piece: &[u8]| {
        out.extend_from_slice(piece);
        Ok(())
    };
    records::print(store, &mut sink).unwrap();
    String::from_utf8(out).unwrap()
}

fn pretty_assert(found: &str, expected: &str) {
    if found != expected {
        let at = found
            .bytes()
            .zip(expected.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        let from = |text: &str| {
            let text = text.as_bytes();
            String::from_utf8_lossy(&text[at.saturating_sub(200)..(at + 200).min(text.len())])
                .into_owned()
        };
        panic!(
            "at {at}:\n{}\nbut expected\n{}",
            from(found),
            from(expected)
        );
    }
}

fn assert_dict<V>(
    store: &RecordStore,
    path: &CollectionPath,
    dict: &Dict<V>,
    text: impl Fn(&str, &V) -> String,
) {
    assert_eq!(store.len(path).unwrap(), dict.0.len() as u64, "{path}");
    let mut keys = Vec::new();
    store
        .each_key(path, &mut |key| {
            keys.push(String::from_utf8(key.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
    assert_eq!(
        keys,
        dict.0
            .iter()
            .map(|(key, _)| key.clone())
            .collect::<Vec<_>>(),
        "{path}"
    );
    for n in 0..6 {
        let found = store.get(path, key(n).as_bytes()).unwrap();
        let expected = dict.get(&key(n)).map(|record| text(&key(n), record));
        assert_eq!(found.map(|text| normal(&text)), expected, "{path} {n}");
        let contains = store.contains(path, key(n).as_bytes()).unwrap();
        assert_eq!(contains, dict.get(&key(n)).is_some());
    }
}

fn styles() -> Vec<JsonStyle> {
    let indented = JsonStyle {
        indent: Some(Indent {
            newline: Newline::Lf,
            unit: b"  ".to_vec(),
        }),
        after_comma: Vec::new(),
        tail: b"\n".to_vec(),
        escapes: Some(Escapes::Utf8),
        ..JsonStyle::python()
    };
    vec![JsonStyle::python(), JsonStyle::pydantic(), indented]
}

/// A file with something of everything. The struct `witness` is never touched: it
/// shows in which style structs in strings are.
fn base(style: JsonStyle, inner: JsonStyle, entries: &[(u8, u8)]) -> Model {
    let inner = JsonStyle {
        // Whether there is one cannot be told from the head of a document.
        tail: Vec::new(),
        ..inner
    };
    let mut model = Model::new(style, inner);
    model
        .dict("docs")
        .put("key-first", Record::Plain(value("key-first", 1)));
    for &(k, n) in entries {
        model
            .dict("docs")
            .put(&key(k), Record::Plain(value(&key(k), n)));
        let mut one = new_struct(k, n);
        one.maps[usize::from(n % 2)].put(&key(k), value(&key(k), n));
        model.dict(STRUCTS).put(&key(k), Record::Struct(one));
    }
    let mut witness = new_struct(1, 0);
    witness.maps[0].put("key-witness", value("key-witness", 0));
    model.dict(STRUCTS).put("witness", Record::Struct(witness));
    model.dict("empty");
    model
        .members
        .push(("note".to_owned(), Member::Other("[ ]")));
    *model.open(LISTS[0]) = Member::List(vec![element(3), element(1)]);
    *model.open(LISTS[1]) = Member::List(Vec::new());
    model
        .members
        .push(("version".to_owned(), Member::Other("1.50")));
    model
}

/// What happens to a store between two looks at it.
#[derive(Debug, Clone)]
enum Step {
    Ops(Vec<Op>),
    Append,
    /// With the changes, from one of its segments on.
    Compact(prop::sample::Index),
    CompactAll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => vec(op(), 0..8).prop_map(Step::Ops),
        3 => Just(Step::Append),
        1 => any::<prop::sample::Index>().prop_map(Step::Compact),
        1 => Just(Step::CompactAll),
    ];
    vec(step, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn readers_see_changes_in_memory(
        style in select(styles()),
        inner in select(styles()),
        entries in vec((0..5_u8, any::<u8>()), 0..5),
        ops in vec(op(), 0..24),
        nested: bool,
    ) {
        let mut model = base(style, inner, &entries);
        let maps = if nested { Maps::Nested } else { Maps::Inside };
        let mut store = Disk::packed(&model.text(), maps).open();
        assert_is(&store, &model);
        for op in &ops {
            apply(op, &mut store, &mut model);
            assert_is(&store, &model);
        }
    }

    #[test]
    fn a_new_store_prints_what_was_put(ops in vec(op(), 0..24)) {
        let mut model = Model::new(JsonStyle::python(), JsonStyle::python());
        let mut store = RecordStore::empty();
        assert_eq!(store.members().unwrap().len(), 0);
        for op in &ops {
            let is_missing = |name: &str| model.member(name).is_none();
            match op {
                // A list is made by what is first pushed to it.
                Op::Remove(name, _) if is_missing(name) => continue,
                Op::Push(name, _) if is_missing(name) => {
                    *model.open(name) = Member::List(Vec::new());
                }
                Op::DeleteStruct(_) | Op::MapDelete(..) | Op::MapPut(..) | Op::MapClear(..)
                    if is_missing(STRUCTS) => continue,
                _ => {}
            }
            apply(op, &mut store, &mut model);
            assert_is(&store, &model);
        }
    }

    #[test]
    fn what_is_appended_and_compacted_is_what_was_in_memory(
        style in select(styles()),
        inner in select(styles()),
        entries in vec((0..5_u8, any::<u8>()), 0..5),
        steps in steps(),
        nested: bool,
    ) {
        let mut model = base(style, inner, &entries);
        let maps = if nested { Maps::Nested } else { Maps::Inside };
        let mut disk = Disk::packed(&model.text(), maps);
        let mut store = disk.open();
        for step in &steps {
            store = match step {
                Step::Ops(ops) => {
                    ops.iter().for_each(|op| apply(op, &mut store, &mut model));
                    store
                }
                Step::Append => disk.append(store),
                Step::Compact(at) => {
                    let from = at.index(store.segment_count() + 1);
                    disk.compact(store, from)
                }
                Step::CompactAll => {
                    let store = disk.compact(store, 0);
                    prop_assert_eq!((store.segment_count(), disk.tombstones), (1, None));
                    store
                }
            };
            assert_is(&store, &model);
        }
    }
}
