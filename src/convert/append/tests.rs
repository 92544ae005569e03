//! Histories of writes: what a store prints and gives after each is what dicts
//! in Python would be, whether the changes are in memory or in segments.

mod model;

use std::{fs, path::Path, sync::Arc};

use model::{Dict, MAPS, Member, Model, Record, Struct, normal, styled, top};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    container::{Container, Expected, FileKind, OpenOptions},
    convert::records::{self, Maps, parse},
    json::{Escapes, Indent, JsonStyle, Newline, Window},
    segment::{Compression, RecordsWriter, Survey},
    store::RecordStore,
    testing::temp,
};

const COLLECTIONS: [&str; 5] = ["docs", "empty", "more", "late", "later"];
const STRUCTS: &str = "index_store/data";
const LISTS: [&str; 2] = ["triplets", "none"];

#[derive(Debug, Clone)]
enum Op {
    Put(&'static str, u8, u8),
    Delete(&'static str, u8),
    Clear(&'static str),
    Read(&'static str),
    PutSkeleton(u8, u8),
    /// With these entries in its maps.
    PutWhole(u8, u8, Vec<u8>),
    DeleteStruct(u8),
    MapPut(u8, usize, u8, u8),
    MapDelete(u8, usize, u8),
    MapClear(u8, usize),
    Push(&'static str, u8),
    Remove(&'static str, u8),
}

fn op() -> impl Strategy<Value = Op> {
    let (name, list, key, map) = (
        || select(&COLLECTIONS[..]),
        || select(&LISTS[..]),
        || 0..5_u8,
        || 0..2_usize,
    );
    let n = any::<u8>;
    prop_oneof![
        6 => (name(), key(), n()).prop_map(|(c, k, n)| Op::Put(c, k, n)),
        4 => (name(), key()).prop_map(|(c, k)| Op::Delete(c, k)),
        1 => name().prop_map(Op::Clear),
        2 => name().prop_map(Op::Read),
        3 => (key(), n()).prop_map(|(k, n)| Op::PutSkeleton(k, n)),
        2 => (key(), n(), vec(key(), 0..4)).prop_map(|(k, n, e)| Op::PutWhole(k, n, e)),
        2 => key().prop_map(Op::DeleteStruct),
        8 => (key(), map(), key(), n()).prop_map(|(k, m, e, n)| Op::MapPut(k, m, e, n)),
        4 => (key(), map(), key()).prop_map(|(k, m, e)| Op::MapDelete(k, m, e)),
        1 => (key(), map()).prop_map(|(k, m)| Op::MapClear(k, m)),
        3 => (list(), key()).prop_map(|(l, n)| Op::Push(l, n)),
        2 => (list(), key()).prop_map(|(l, n)| Op::Remove(l, n)),
    ]
}

fn key(n: u8) -> String {
    format!("key-é-number-{n}")
}

/// Ids of others, a hash, a part that is the same everywhere, JSON in a string.
fn value(key: &str, n: u8) -> String {
    let numbers: Vec<_> = (0..16).map(|i| format!("{n}.{i}5")).collect();
    format!(
        r#"{{"id_":"{key}","n":{n}e2,"next":"key-é-number-{}","hash":"{:064x}","metadata":{{"file_name":"a.pdf"}},"start":{{"file_name":"a.pdf"}},"json":"{{\"a\": [{n}, \"é\"]}}","e":[{}]}}"#,
        n % 7,
        n % 5,
        numbers.join(","),
    )
}

fn element(n: u8) -> String {
    format!(r#"["key-é-number-{n}","REL é",{n}]"#)
}

fn new_struct(k: u8, n: u8) -> Struct {
    Struct {
        in_string: k % 2 == 1,
        version: n,
        ..Struct::default()
    }
}

/// Does the same to the store and to the model.
fn apply(op: &Op, store: &mut RecordStore, model: &mut Model) {
    let structs = top(STRUCTS);
    let has_struct = |model: &Model, k: u8| {
        let found = model.find(STRUCTS).and_then(|dict| dict.get(&key(k)));
        matches!(found, Some(Record::Struct(_)))
    };
    match *op {
        Op::Put(name, k, n) => {
            let key = key(k);
            let text = value(&key, n);
            store
                .put(
                    &top(name),
                    key.as_bytes(),
                    styled(&text, &JsonStyle::python()).as_bytes(),
                )
                .unwrap();
            model.dict(name).put(&key, Record::Plain(text));
        }
        Op::Delete(name, k) => {
            let key = key(k);
            model.touch(name);
            let was = model.find(name).is_some() && model.dict(name).delete(&key);
            assert_eq!(store.delete(&top(name), key.as_bytes()).unwrap(), was);
        }
        Op::Clear(name) => {
            store.clear(&top(name)).unwrap();
            model.dict(name).0.clear();
        }
        Op::Read(name) => {
            model.touch(name);
            store.get(&top(name), b"some key").unwrap();
        }
        Op::PutSkeleton(k, n) => {
            let key = key(k);
            let mut one = new_struct(k, n);
            if let Some(Record::Struct(old)) = model.dict(STRUCTS).get(&key) {
                for (map, name) in MAPS.iter().enumerate() {
                    // What is inline is no collection, and no longer there.
                    if store.has(&structs.nested(key.as_bytes(), name.as_bytes())) {
                        one.maps[map] = old.maps[map].clone();
                    }
                }
            }
            let text = one.skeleton(&key, &model.inner);
            store
                .put(&structs, key.as_bytes(), text.as_bytes())
                .unwrap();
            model.dict(STRUCTS).put(&key, Record::Struct(one));
        }
        Op::PutWhole(k, n, ref entries) => {
            let key = key(k);
            let mut one = new_struct(k, n);
            for &e in entries {
                one.maps[usize::from(e % 2)].put(&self::key(e), value(&key, e));
            }
            // An empty map would leave what is there.
            let empty = one.maps.iter().position(|map| map.0.is_empty());
            if empty.is_some() {
                store.delete(&structs, key.as_bytes()).unwrap();
                model.dict(STRUCTS).delete(&key);
            }
            let text = one.whole(&key, &model.inner);
            store
                .put(&structs, key.as_bytes(), text.as_bytes())
                .unwrap();
            model.dict(STRUCTS).put(&key, Record::Struct(one));
        }
        Op::DeleteStruct(k) => {
            let key = key(k);
            let was = model.dict(STRUCTS).delete(&key);
            assert_eq!(store.delete(&structs, key.as_bytes()).unwrap(), was);
        }
        Op::MapPut(k, map, e, n) => {
            let (name, entry) = (key(k), key(e));
            let path = structs.nested(name.as_bytes(), MAPS[map].as_bytes());
            let text = value(&entry, n);
            let put = store.put(&path, entry.as_bytes(), text.as_bytes());
            assert_eq!(put.is_ok(), has_struct(model, k), "{put:?}");
            if let Some(Record::Struct(one)) = model.dict(STRUCTS).get_mut(&name) {
                one.maps[map].put(&entry, text);
            }
        }
        Op::MapDelete(k, map, e) => {
            let (name, entry) = (key(k), key(e));
            let path = structs.nested(name.as_bytes(), MAPS[map].as_bytes());
            let was = match model.dict(STRUCTS).get_mut(&name) {
                Some(Record::Struct(one)) => one.maps[map].delete(&entry),
                _ => false,
            };
            // What is inline is no collection.
            if store.has(&path) {
                assert_eq!(store.delete(&path, entry.as_bytes()).unwrap(), was);
            } else if was {
                store.put(&path, entry.as_bytes(), b"1").unwrap();
                assert!(store.delete(&path, entry.as_bytes()).unwrap());
            }
        }
        Op::MapClear(k, map) => {
            let name = key(k);
            let path = structs.nested(name.as_bytes(), MAPS[map].as_bytes());
            let cleared = store.clear(&path);
            assert_eq!(cleared.is_ok(), has_struct(model, k), "{cleared:?}");
            if let Some(Record::Struct(one)) = model.dict(STRUCTS).get_mut(&name) {
                one.maps[map].0.clear();
            }
        }
        Op::Push(name, n) => {
            store.push(&top(name), element(n).as_bytes()).unwrap();
            let Member::List(list) = model.open(name) else {
                panic!("{name}");
            };
            list.push(element(n));
        }
        Op::Remove(name, n) => {
            let text = styled(&element(n), &JsonStyle::python());
            let Member::List(list) = model.open(name) else {
                panic!("{name}");
            };
            let at = list.iter().position(|e| *e == element(n));
            if let Some(at) = at {
                list.remove(at);
            }
            assert_eq!(
                store.remove(&top(name), text.as_bytes()).unwrap(),
                at.is_some()
            );
        }
    }
}

/// Everything that readers tell is what the model has.
fn assert_is(store: &RecordStore, model: &Model) {
    let mut out = Vec::new();
    records::print(store, &mut |piece| {
        out.extend_from_slice(piece);
        Ok(())
    })
    .unwrap();
    pretty_assert(&String::from_utf8(out).unwrap(), &model.text());
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
    path: &crate::store::CollectionPath,
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

/// Packs a text as `pack` does, and opens it.
fn pack(dir: &Path, name: &str, text: &str, maps: Maps) -> Arc<Container> {
    let (json, path) = (dir.join("json"), dir.join(name));
    fs::write(&json, text).unwrap();
    let window = || Window::open(&json, 32 << 20).unwrap();
    let compression = Compression {
        level: 1,
        block: Some(2 << 10),
    };
    let style = JsonStyle::detect(text.as_bytes(), text.as_bytes());
    let mut survey = Survey::new(dir, style, compression).unwrap();
    parse(&mut window(), maps, &mut survey, &|_| {})
        .unwrap()
        .unwrap();
    let surveyed = survey.finish(text.len() as u64).unwrap();
    let mut writer = RecordsWriter::create(&path, dir, surveyed, compression, true).unwrap();
    let members = parse(&mut window(), maps, &mut writer, &|_| {})
        .unwrap()
        .unwrap();
    writer.finish(members).unwrap();
    Arc::new(
        Container::open(
            &path,
            FileKind::Records,
            Expected::Any,
            &OpenOptions::default(),
        )
        .unwrap(),
    )
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
        let dir = temp();
        let maps = if nested { Maps::Nested } else { Maps::Inside };
        let file = pack(dir.path(), "segment", &model.text(), maps);
        let mut store = RecordStore::open(vec![file]).unwrap();
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
            if let Op::Push(name, _) | Op::Remove(name, _) = op {
                if model.member(name).is_none() {
                    // A list is made by what is first pushed to it.
                    if let Op::Remove(..) = op { continue; }
                    *model.open(name) = Member::List(Vec::new());
                }
            }
            if let Op::DeleteStruct(_) | Op::MapDelete(..) | Op::MapPut(..) | Op::MapClear(..) = op {
                if model.member(STRUCTS).is_none() { continue; }
            }
            apply(op, &mut store, &mut model);
            assert_is(&store, &model);
        }
    }
}
