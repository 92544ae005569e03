//! Several records of a collection, or values of a map, at once: what is read so is
//! what is read one by one.

use super::BACKENDS;
use crate::{
    segment::forge,
    store::{CollectionPath, IndexStore, IndexStruct, JsonText, RecordStore},
    testing::temp,
};

/// All orders of some keys, of which some are not there and one is asked for twice.
fn orders(keys: &[&'static str]) -> Vec<Vec<&'static str>> {
    let mut orders = vec![keys.to_vec(), keys.iter().rev().copied().collect(), vec![]];
    for start in 0..keys.len() {
        let mut turned = keys.to_vec();
        turned.rotate_left(start);
        turned.insert(start, "unknown");
        turned.push(keys[start]);
        orders.push(turned);
    }
    orders
}

#[test]
fn records_are_read_together_as_one_by_one() {
    let dir = temp();
    let path = dir.path().join("segment");
    forge::write(&path, &[b"{\"a\":\x10\x02}", b"[1 ]", b"3"], &[], |_| {}).unwrap();
    let data = CollectionPath::top(b"data");
    let nested = data.nested(b"key-0", b"a");
    for backend in BACKENDS {
        let segment = forge::container(&path, backend).unwrap();
        let mut store = RecordStore::open(vec![segment]).unwrap();
        let compare = |store: &RecordStore| {
            for path in [&data, &nested, &CollectionPath::top(b"none")] {
                for keys in orders(&["key-0", "key-1", "key-2", "in-map", "new"]) {
                    let together = store.get_many(path, &keys).unwrap();
                    let one_by_one = keys.iter().map(|key| store.get(path, key.as_bytes()));
                    let one_by_one: Vec<_> = one_by_one.map(Result::unwrap).collect();
                    assert_eq!(together, one_by_one);
                }
            }
            store
                .get_many(&data, &["key-0", "key-1", "key-2", "new"])
                .unwrap()
        };
        let text = |text: &str| Some(text.as_bytes().to_vec());
        let stored = [
            text(r#"{"a": {"in-map": "nested"}}"#),
            text("[1 ]"),
            text("3"),
        ];
        assert_eq!(compare(&store)[..3], stored);
        store.put(&data, b"new", b"\"new\"").unwrap();
        store.put(&data, b"key-1", b"2").unwrap();
        store.delete(&data, b"key-2").unwrap();
        store.put(&nested, b"in-map", b"1").unwrap();
        store.put(&nested, b"new", b"2").unwrap();
        let changed = [
            text(r#"{"a": {"in-map": 1, "new": 2}}"#),
            text("2"),
            None,
            text("\"new\""),
        ];
        assert_eq!(compare(&store), changed);
    }
}

#[test]
fn values_of_a_map_are_read_together_as_one_by_one() {
    let record = br#"{"__type__": "vector_store", "__data__":
        "{\"index_id\": \"i\", \"nodes_dict\": {\"a\": \"1\", \"b\": \"\\u00e9\", \"c\": \"3\"}}"}"#;
    let mut store = IndexStore::empty();
    store.add_index_struct(record).unwrap();
    let compare = |store: &IndexStore, all: &str| {
        let map = store.map(b"i", "nodes_dict");
        for keys in orders(&["a", "b", "c", "d"]) {
            let one_by_one = keys.iter().map(|key| map.get(key.as_bytes()).unwrap());
            let one_by_one: Vec<Option<JsonText>> = one_by_one.collect();
            assert_eq!(map.get_many(&keys).unwrap(), one_by_one);
        }
        assert_eq!(String::from_utf8(map.values_text().unwrap()).unwrap(), all);
        let found = store.get_index_struct(Some(b"i")).unwrap().unwrap();
        let IndexStruct::IndexDict(found) = found else {
            panic!("{found:?}")
        };
        let nodes = found.nodes_dict();
        let keys = ["c", "a", "unknown"];
        let one_by_one = keys.map(|key| nodes.get(key.as_bytes()).unwrap());
        assert_eq!(nodes.get_many(&keys).unwrap(), one_by_one);
        assert_eq!(
            String::from_utf8(nodes.values_text().unwrap()).unwrap(),
            all
        );
    };
    compare(&store, r#"["1", "\u00e9", "3"]"#);
    let mut map = store.edit_map(b"i", "nodes_dict");
    map.delete(b"a").unwrap();
    map.put(b"b", b" \"changed\"").unwrap();
    map.put(b"d", b"\"4\"").unwrap();
    compare(&store, r#"["changed", "3", "4"]"#);
    assert_eq!(store.map(b"i", "no map").values_text().unwrap(), b"[]");
    assert!(store.map(b"j", "nodes_dict").get_many(&["a"]).unwrap() == [None]);
}
