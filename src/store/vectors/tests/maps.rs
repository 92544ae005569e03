//! The three maps of a store one by one, beside dicts: whoever reaches into
//! LlamaIndex's finds and changes the same here.

use proptest::prelude::*;

use super::disk::{BACKENDS, Disk};
use crate::{
    error::{Error, StoreError},
    search::tests::Random,
    segment::Map,
    store::VectorStore,
};

/// A dict of Python: keys in the order in which they came.
type Dict = Vec<(String, String)>;

/// The values of a map, as they are set and as they are read: in normal form.
const VALUES: [[(&str, &str); 4]; 3] = [
    [
        ("[0.5, 1.5]", "[0.5,1.5]"),
        ("[ -1.0,1e-7]", "[-1.0,1e-07]"),
        ("[0.1, 3]", "[0.1,3.0]"),
        ("[true, NaN]", "[1.0,NaN]"),
    ],
    [
        ("\"doc\"", "\"doc\""),
        ("\"\\u00e9\"", "\"é\""),
        (" \"None\"", "\"None\""),
        ("\"\"", "\"\""),
    ],
    [
        ("{\"page\": 1}", "{\"page\":1}"),
        ("{ }", "{}"),
        ("{\"a\": [1.0, null]}", "{\"a\":[1.0,null]}"),
        ("[1]", "[1]"),
    ],
];

fn set(dict: &mut Dict, key: &str, value: &str) {
    match dict.iter_mut().find(|(known, _)| known == key) {
        Some((_, known)) => value.clone_into(known),
        None => dict.push((key.to_owned(), value.to_owned())),
    }
}

fn compare(store: &VectorStore, dicts: &[Dict; 3]) {
    for (map, dict) in Map::ALL.into_iter().zip(dicts) {
        assert_eq!(store.entries(map).unwrap(), dict.len() as u64);
        let mut keys = Vec::new();
        let mut each = |key: &[u8]| {
            keys.push(String::from_utf8(key.to_vec()).unwrap());
            Ok(())
        };
        store.each_entry(map, &mut each).unwrap();
        let wanted: Vec<String> = dict.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, wanted);
        for (key, value) in dict {
            assert!(store.has_entry(map, key.as_bytes()).unwrap());
            let text = store.entry(map, key.as_bytes()).unwrap().unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), *value);
        }
        assert!(!store.has_entry(map, b"unknown").unwrap());
        assert_eq!(store.entry(map, b"unknown").unwrap(), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn maps_are_changed_one_by_one(seed: u64) {
        let mut random = Random(seed);
        let mut disk = Disk::new();
        disk.records(&[("embedding_dict", Vec::new())]);
        let mut stores = [
            VectorStore::empty(),
            VectorStore::records(disk.open_records(BACKENDS[0])),
        ];
        let mut dicts: [Dict; 3] = Default::default();
        for _ in 0..60 {
            let number = random.below(3);
            let map = Map::ALL[number];
            let key = format!("key-{}", random.below(9));
            if random.below(3) == 0 {
                let dict = &mut dicts[number];
                let place = dict.iter().position(|(known, _)| *known == key);
                place.map(|place| dict.remove(place));
                for store in &mut stores {
                    let was_there = store.delete_entry(map, key.as_bytes()).unwrap();
                    prop_assert_eq!(was_there, place.is_some());
                }
            } else {
                let (text, value) = VALUES[number][random.below(4)];
                set(&mut dicts[number], &key, value);
                for store in &mut stores {
                    store.put_entry(map, key.as_bytes(), text.as_bytes()).unwrap();
                }
            }
            for store in &stores {
                compare(store, &dicts);
            }
        }
    }
}

#[test]
fn a_value_of_another_kind_is_refused_and_changes_nothing() {
    let mut store = VectorStore::empty();
    store.put_embedding(b"a", &[0.5, 1.5]).unwrap();
    let mut dicts: [Dict; 3] = Default::default();
    set(&mut dicts[0], "a", "[0.5,1.5]");
    for (map, key, text) in [
        (Map::Embeddings, "a", "[]"),
        (Map::Embeddings, "b", "[0.5]"),
        (Map::Embeddings, "a", "{}"),
        (Map::RefDocs, "a", "1"),
        (Map::RefDocs, "a", "\"a"),
        (Map::Metadata, "a", "{} {}"),
        (Map::Metadata, "a", "{\"page\": }"),
    ] {
        let refused = store.put_entry(map, key.as_bytes(), text.as_bytes());
        assert!(
            matches!(refused, Err(Error::Store(_) | Error::Query(_))),
            "{text}"
        );
        compare(&store, &dicts);
    }
    let refused = store.put_embedding(b"\xff", &[0.5, 1.5]);
    assert!(matches!(
        refused,
        Err(Error::Store(StoreError::Shape { .. }))
    ));
    // The only vector may be of any length.
    store.put_embedding(b"a", &[2.0]).unwrap();
    set(&mut dicts[0], "a", "[2.0]");
    compare(&store, &dicts);
}

#[test]
fn a_vector_without_its_document_cannot_be_deleted_with_others() {
    let mut store = VectorStore::empty();
    store.put_embedding(b"a", &[0.5]).unwrap();
    store.put_entry(Map::RefDocs, b"a", b"\"doc\"").unwrap();
    store.put_embedding(b"b", &[1.5]).unwrap();
    store.put_entry(Map::RefDocs, b"c", b"\"doc\"").unwrap();
    let no_entry = |id: &[u8], refused| {
        let wanted = StoreError::NoEntry { id: id.to_vec() };
        assert!(matches!(refused, Err(Error::Store(why)) if why == wanted));
    };
    no_entry(b"b", store.delete_nodes(None, None));
    no_entry(b"c", store.delete(b"doc"));
    assert_eq!(store.entries(Map::Embeddings).unwrap(), 2);
    assert_eq!(store.entries(Map::RefDocs).unwrap(), 2);
}
