//! Single changes, made to a store and to its model.

use proptest::{collection::vec, prelude::*, sample::select};

use super::model::{MAPS, Member, Model, Record, Struct, styled, top};
use crate::{json::JsonStyle, store::RecordStore};

pub(super) const COLLECTIONS: [&str; 5] = ["docs", "empty", "more", "late", "later"];
pub(super) const STRUCTS: &str = "index_store/data";
pub(super) const LISTS: [&str; 2] = ["triplets", "none"];

#[derive(Debug, Clone)]
pub(super) enum Op {
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

pub(super) fn op() -> impl Strategy<Value = Op> {
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

pub(super) fn key(n: u8) -> String {
    format!("key-é-number-{n}")
}

/// Ids of others, a hash, a part that is the same everywhere, JSON in a string.
pub(super) fn value(key: &str, n: u8) -> String {
    let numbers: Vec<_> = (0..16).map(|i| format!("{n}.{i}5")).collect();
    format!(
        r#"{{"id_":"{key}","n":{n}e2,"next":"key-é-number-{}","hash":"{:064x}","metadata":{{"file_name":"a.pdf"}},"start":{{"file_name":"a.pdf"}},"json":"{{\"a\": [{n}, \"é\"]}}","e":[{}]}}"#,
        n % 7,
        n % 5,
        numbers.join(","),
    )
}

pub(super) fn element(n: u8) -> String {
    format!(r#"["key-é-number-{n}","REL é",{n}]"#)
}

pub(super) fn new_struct(k: u8, n: u8) -> Struct {
    Struct {
        in_string: k % 2 == 1,
        version: n,
        ..Struct::default()
    }
}

/// Does the same to the store and to the model.
pub(super) fn apply(op: &Op, store: &mut RecordStore, model: &mut Model) {
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
