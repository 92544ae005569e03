//! What changes cost, and what they do to files that are written in odd ways.

use std::fmt::Write;

use super::{Disk, STRUCTS, printed, top};
use crate::{
    convert::{
        append::{Appended, append_records},
        records::Maps,
    },
    error::{Error, StoreError},
    segment::Compression,
    store::RecordStore,
};

/// Changes a packed text; gives what is printed then, which is the same when the
/// changes are in memory, appended, and merged.
fn changed(text: &str, maps: Maps, change: impl Fn(&mut RecordStore)) -> String {
    let mut disk = Disk::packed(text, maps);
    let mut store = disk.open();
    change(&mut store);
    let expected = printed(&store);
    let store = disk.append(store);
    assert_eq!(printed(&store), expected, "appended");
    let store = disk.compact(store, 0);
    assert_eq!(printed(&store), expected, "merged");
    expected
}

#[test]
fn a_value_that_comes_back_is_no_segment_twice() {
    let mut disk = Disk::packed(r#"{"docs": {"a": 0, "b": 0}}"#, Maps::Inside);
    let mut store = disk.open();
    for value in ["1", "2", "1", "2", "1"] {
        store.put(&top("docs"), b"b", value.as_bytes()).unwrap();
        // The one before has nothing live any more.
        store = disk.append(store);
        assert_eq!(store.segment_count(), 2);
        let expected = format!(r#"{{"docs": {{"a": 0, "b": {value}}}}}"#);
        assert_eq!(printed(&store), expected);
    }
}

#[test]
fn an_entry_of_a_large_map_costs_an_entry() {
    const ENTRIES: usize = 20_000;
    let mut map = String::new();
    for n in 0..ENTRIES {
        let comma = if n == 0 { "" } else { ", " };
        write!(map, "{comma}\\\"{n:036}\\\": \\\"{:036}\\\"", n * 7919).unwrap();
    }
    let text = format!(
        r#"{{"{STRUCTS}": {{"index": {{"__type__": "vector_store", "__data__": "{{\"index_id\": \"index\", \"summary\": null, \"nodes_dict\": {{{map}}}, \"embeddings_dict\": {{}}}}"}}}}}}"#
    );
    let disk = Disk::packed(&text, Maps::Nested);
    let mut store = disk.open();
    let decoded = |store: &RecordStore| store.segments().next().unwrap().decoded_blocks();
    let before = decoded(&store);
    let map = top(STRUCTS).nested(b"index", b"nodes_dict");
    store.put(&map, b"a new one", b"\"a node\"").unwrap();
    let replaced = format!("{:036}", 5);
    store
        .put(&map, replaced.as_bytes(), b"\"another\"")
        .unwrap();
    let old = format!("{:036}", 6);
    assert!(store.delete(&map, old.as_bytes()).unwrap());
    let appended = append_records(&disk.writer, &store, Compression::default());
    let Appended {
        segment,
        tombstones,
        dropped,
    } = appended.unwrap().unwrap();
    let written = segment.unwrap().length + tombstones.unwrap().length;
    assert!(written < 8 << 10, "{written} bytes");
    assert_eq!(dropped, [0; 0]);
    // That of the struct, to find the place of its map.
    let decoded = decoded(&store) - before;
    assert!(decoded <= 8, "{decoded} blocks");
    assert_eq!(store.len(&map).unwrap(), ENTRIES as u64);
}

#[test]
fn nothing_is_written_where_nothing_changed() {
    let mut disk = Disk::packed(r#"{"docs": {"a": 1, "b": 2}}"#, Maps::Inside);
    let store = disk.open();
    store.get(&top("other"), b"a").unwrap();
    let written = append_records(&disk.writer, &store, Compression::default());
    let none = Appended {
        segment: None,
        tombstones: None,
        dropped: Vec::new(),
    };
    assert_eq!(written.unwrap().unwrap(), none);
    // What is only deleted needs no segment.
    let mut store = store;
    assert!(store.delete(&top("docs"), b"a").unwrap());
    let store = disk.append(store);
    assert_eq!(
        (store.segment_count(), disk.tombstones.is_some()),
        (1, true)
    );
    let written = append_records(&disk.writer, &store, Compression::default());
    let tombstones = disk.tombstones;
    assert_eq!(written.unwrap().unwrap(), Appended { tombstones, ..none });
}

#[test]
fn a_key_that_is_there_twice_is_there_once_when_it_is_set() {
    let text = r#"{"docs": {"a": 1, "b": 2, "c": 3, "a": 4, "b": 5}}"#;
    let set = changed(text, Maps::Inside, |store| {
        store.put(&top("docs"), b"b", b"6").unwrap();
    });
    assert_eq!(set, r#"{"docs": {"a": 1, "b": 6, "c": 3, "a": 4}}"#);
    let deleted = changed(text, Maps::Inside, |store| {
        assert!(store.delete(&top("docs"), b"a").unwrap());
    });
    assert_eq!(deleted, r#"{"docs": {"b": 2, "c": 3, "b": 5}}"#);
}

#[test]
fn odd_spellings_of_what_is_not_changed_stay() {
    let text = r#"{"x": 1, "d\u006fcs": {"\u0061": [1,  2], "b": {"\u0062":1}, "c": 1.50}, "n\u006fne": { }}"#;
    let changed = changed(text, Maps::Inside, |store| {
        store.put(&top("docs"), b"d", b"[1,  2]").unwrap();
        store.put(&top("none"), b"e", b"{\"a\":1}").unwrap();
    });
    let expected = r#"{"x": 1, "d\u006fcs": {"\u0061": [1,  2], "b": {"\u0062":1}, "c": 1.50, "d": [1, 2]}, "n\u006fne": {"e": {"a": 1}}}"#;
    assert_eq!(changed, expected);
}

#[test]
fn new_collections_come_in_the_order_in_which_they_were_first_asked_for() {
    let mut disk = Disk::packed(r#"{"docs": {"a": 1}}"#, Maps::Inside);
    let mut store = disk.open();
    store.contains(&top("first"), b"a").unwrap();
    store.keys(&top("never filled")).unwrap();
    store.put(&top("second"), b"a", b"2").unwrap();
    let mut store = disk.append(store);
    // Also where it is filled after the other was written.
    store.put(&top("first"), b"a", b"1").unwrap();
    let expected = r#"{"docs": {"a": 1}, "first": {"a": 1}, "second": {"a": 2}}"#;
    assert_eq!(printed(&store), expected);
    assert_eq!(printed(&disk.append(store)), expected);
}

#[test]
fn what_is_not_such_a_collection_takes_no_record() {
    let text = r#"{"docs": {"a": 1, "b": {"map": 5}}, "list": [1], "empty": [], "version": 1}"#;
    let mut store = Disk::packed(text, Maps::Nested).open();
    let shape = |result: Result<(), Error>| {
        assert!(
            matches!(result, Err(Error::Store(StoreError::Shape { .. }))),
            "{result:?}"
        );
    };
    shape(store.put(&top("list"), b"a", b"1"));
    shape(store.put(&top("empty"), b"a", b"1"));
    shape(store.put(&top("version"), b"a", b"1"));
    shape(store.push(&top("docs"), b"1"));
    shape(store.push(&top("version"), b"1"));
    let map = top("docs").nested(b"b", b"map");
    for path in [
        &map,
        &top("docs").nested(b"none", b"map"),
        &top("docs").nested(b"a", b"map"),
    ] {
        let put = store.put(path, b"a", b"1");
        assert!(
            matches!(put, Err(Error::Store(StoreError::NoPlace { .. }))),
            "{put:?}"
        );
    }
    let put = store.put(&top("docs"), b"a", b"[1,]");
    let Err(Error::Store(StoreError::NotJson { what, offset, .. })) = put else {
        panic!("{put:?}");
    };
    assert_eq!((what.as_str(), offset), ("the record \"a\"", 3));
    assert_eq!(printed(&store), text);
    assert!(!store.has_changes());
}
