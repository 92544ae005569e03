//! What segments say of each other, and do not agree on, is refused; what
//! they hold costs one block to read.

mod many;

use std::{path::Path, sync::Arc};

use proptest::prelude::*;

use super::{CollectionPath, Doubts, Lost, RecordStore, RecordText, Rescue, RowStore};
use crate::{
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions},
    error::{Error, Fault, Result},
    json::JsonStyle,
    segment::{Map, RecordSegment, TombstoneWriter, VectorWriter, forge},
    testing::{fault, temp},
};

const BACKENDS: [Backend; 2] = [Backend::Map, Backend::Read];

/// Prints the collection `name`, each record where it stands in the file.
fn print(store: &RecordStore, name: &str) -> Result<String> {
    let mut out = Vec::new();
    let mut sink = |piece: &[u8]| {
        out.extend_from_slice(piece);
        Ok(())
    };
    let mut text = RecordText::new(store, 1, &mut sink)?;
    text.top(&store.view(&CollectionPath::top(name.as_bytes()))?)?;
    text.finish()?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Prints the collections of a segment with these packed texts, and gets every
/// record by its key.
fn printed(data: &[&[u8]], list: &[&[u8]]) -> Result<String> {
    let dir = temp();
    let path = dir.path().join("segment");
    forge::write(&path, data, list, |_| {}).unwrap();
    let [mapped, read] = BACKENDS.map(|backend| {
        let store = RecordStore::open(vec![forge::container(&path, backend)?])?;
        for id in forge::IDS {
            let got = store.get(&CollectionPath::top(b"data"), id.as_bytes());
            assert!(got.as_ref().err().is_none_or(Error::is_damage), "{got:?}");
        }
        Ok(print(&store, "data")? + &print(&store, "list")?)
    });
    assert_eq!(format!("{mapped:?}"), format!("{read:?}"));
    mapped
}

#[test]
fn ops_are_printed_in_the_style_around_them() {
    let text = printed(
        &[
            b"{\"a\":\x10\x02,\"b\":\x0e\x01[\x01,1]\x0f}",
            b"\x11\x0c\"\\u006bey-1\"\x12[1 ]",
        ],
        &[b"\x0c\x00\x00"],
    );
    let numbers = forge::NUMBERS.replace(',', ", ");
    let expected =
        r#"{"key-0": {"a": {"in-map": "nested"}, "b": "[\"key-0\",1]"}, "\u006bey-1": [1 ]}"#;
    assert_eq!(text.unwrap(), format!("{expected}[{numbers}]"));
}

#[test]
fn a_map_stands_in_one_place_only() {
    let map = &b"{\"a\":\x10\x02}"[..];
    assert!(printed(&[map, b"1"], &[b"1"]).is_ok());
    let place = Fault::Value("the place of a collection");
    for (data, list) in [
        // In another record of the same collection, in a list, twice.
        (vec![&b"1"[..], map], vec![]),
        (vec![b"1"], vec![map]),
        (vec![b"[\x10\x02,\x10\x02]"], vec![]),
        // A collection of the top level.
        (vec![b"\x10\x00"], vec![]),
        (vec![b"\x10\x01"], vec![]),
    ] {
        assert_eq!(fault(printed(&data, &list)), place, "{data:?} {list:?}");
    }
    let number = Fault::Value("a collection's number");
    assert_eq!(fault(printed(&[b"\x10\x03"], &[])), number);
}

/// Says what became of the entries of a store.
#[derive(Default)]
struct Told {
    kept: usize,
    lost: Vec<Lost>,
}

impl Rescue for Told {
    fn kept(&mut self) {
        self.kept += 1;
    }

    fn lost(&mut self, lost: Lost) {
        self.lost.push(lost);
    }

    fn lost_with_record(&mut self, _collection: &CollectionPath, _entries: u64) {}

    fn doubted(&mut self, _collection: &CollectionPath, _doubts: Doubts) {}

    fn respelled(&mut self, _error: &Error) {}
}

/// One record that cannot be printed must not keep the others from it.
#[test]
fn what_cannot_be_printed_is_left_out_of_what_is_rescued() {
    let deep = b"[".repeat(forge::MAX_OPEN + 1);
    let numbers = b"\x0c\x01\x00";
    for bad in [
        &b"{\"a\":\x10\x02}"[..],
        b"[\x10\x01]",
        b"]",
        &deep,
        numbers,
    ] {
        let dir = temp();
        let path = dir.path().join("segment");
        forge::write(&path, &[b"1", bad, b"3"], &[], |_| {}).unwrap();
        let store = RecordStore::open(vec![open(&path, FileKind::Records)]).unwrap();
        let (mut told, mut out) = (Told::default(), Vec::new());
        let mut sink = |piece: &[u8]| {
            out.extend_from_slice(piece);
            Ok(())
        };
        let data = store.view(&CollectionPath::top(b"data")).unwrap();
        let mut text = RecordText::new(&store, 1, &mut sink)
            .unwrap()
            .rescuing(&mut told);
        text.top(&data).unwrap();
        text.finish().unwrap();
        assert_eq!(out, br#"{"key-0": 1, "key-2": 3}"#);
        assert_eq!((told.kept, told.lost.len()), (2, 1));
        assert_eq!(told.lost[0].key.as_deref(), Some(&b"key-1"[..]));
    }
}

#[test]
fn two_collections_of_one_name_in_one_place_are_refused() {
    let dir = temp();
    let path = dir.path().join("segment");
    forge::write(&path, &[], &[], |meta| {
        meta.collections[1].name = b"data".to_vec()
    })
    .unwrap();
    let opened = RecordStore::open(vec![forge::container(&path, Backend::Map).unwrap()]);
    assert_eq!(fault(opened), Fault::Value("a repeated collection"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_bytes_are_printed_or_refused(
        data in prop::collection::vec(forge::packed_text(), 0..3),
        list in prop::collection::vec(forge::packed_text(), 0..2),
    ) {
        let data: Vec<&[u8]> = data.iter().map(Vec::as_slice).collect();
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        if let Err(e) = printed(&data, &list) {
            prop_assert!(e.is_damage(), "{e}");
        }
    }
}

fn open(path: &Path, kind: FileKind) -> Arc<Container> {
    Arc::new(Container::open(path, kind, Expected::Any, &OpenOptions::default()).unwrap())
}

/// Tombstones that say `dead` of `entries` entries of a map.
fn tombstones(root: [u8; 16], map: u32, entries: u32, dead: &[u32]) -> Arc<Container> {
    let dir = temp();
    let path = dir.path().join("tombstones");
    let mut out = TombstoneWriter::create(&path).unwrap();
    out.add(root, map, entries, dead);
    out.finish().unwrap();
    open(&path, FileKind::Tombstones)
}

#[test]
fn tombstones_of_another_number_of_records_are_refused() {
    let dir = temp();
    let path = dir.path().join("segment");
    forge::write(&path, &[b"1", b"2", b"3"], &[], |_| {}).unwrap();
    let segment = open(&path, FileKind::Records);
    let with = |root, map, entries, dead: &[u32]| {
        let tombstones = tombstones(root, map, entries, dead);
        RecordStore::open(vec![Arc::clone(&segment), tombstones]).unwrap()
    };
    let root = segment.root();
    let data = CollectionPath::top(b"data");
    let store = with(root, forge::DATA, 3, &[1]);
    assert_eq!(store.len(&data).unwrap(), 2);
    assert_eq!(store.get(&data, b"key-1").unwrap(), None);
    assert_eq!(
        print(&store, "data").unwrap(),
        r#"{"key-0": 1, "key-2": 3}"#
    );
    let count = Fault::Value("the number of records that tombstones state");
    for entries in [2, 4] {
        let store = with(root, forge::DATA, entries, &[1]);
        assert_eq!(fault(store.len(&data)), count);
        assert_eq!(fault(store.get(&data, b"key-0")), count);
        assert_eq!(fault(store.each_key(&data, &mut |_| Ok(()))), count);
        assert_eq!(fault(print(&store, "data")), count);
    }
    // Those of another collection are none of this one's business; those of
    // what is not there would be lost.
    assert_eq!(with(root, forge::LIST, 3, &[1]).len(&data).unwrap(), 3);
    for (root, map) in [([9; 16], forge::DATA), (root, 99)] {
        let tombstones = tombstones(root, map, 3, &[1]);
        let opened = RecordStore::open(vec![Arc::clone(&segment), tombstones]);
        assert!(matches!(fault(opened), Fault::Value(_)));
    }
    // Nor can be told which of two is meant.
    let twice = vec![
        Arc::clone(&segment),
        Arc::clone(&segment),
        tombstones(root, forge::DATA, 3, &[1]),
    ];
    assert_eq!(
        fault(RecordStore::open(twice)),
        Fault::Value("the segment of deleted entries")
    );
    // What is left when the segment they are of is lost.
    let rest = vec![segment, tombstones([9; 16], forge::DATA, 3, &[1])];
    let rest = RecordStore::open_rest(rest).unwrap();
    assert_eq!(
        print(&rest, "data").unwrap(),
        r#"{"key-0": 1, "key-1": 2, "key-2": 3}"#
    );
}

#[test]
fn tombstones_of_another_number_of_vectors_are_refused() {
    let dir = temp();
    let path = dir.path().join("segment");
    let mut writer = VectorWriter::create(&path, dir.path(), JsonStyle::python()).unwrap();
    for key in [b"\"a\"", b"\"b\""] {
        writer
            .push(Map::Embeddings, key, b"[0.5, 1.5]")
            .unwrap()
            .unwrap();
    }
    writer.finish().unwrap().unwrap();
    let segment = open(&path, FileKind::Vectors);
    let with = |entries| {
        let tombstones = tombstones(segment.root(), 0, entries, &[1]);
        RowStore::open(vec![Arc::clone(&segment), tombstones]).unwrap()
    };
    let store = with(2);
    assert_eq!(store.vectors().unwrap(), 1);
    assert_eq!(store.get(b"a").unwrap(), Some(vec![0.5, 1.5]));
    assert_eq!(store.get(b"b").unwrap(), None);
    let count = Fault::Value("the number of entries that tombstones state");
    assert_eq!(fault(with(3).vectors()), count);
    assert_eq!(fault(with(3).get(b"a")), count);
}

/// Such a collection is printed on several threads, in ranges of its blocks.
#[test]
fn a_long_collection_is_printed_in_order_and_as_far_as_it_is_whole() {
    const LENGTH: u32 = 1000;
    let dir = temp();
    let record = |n: u32| format!("\"{n} {}\"", "x".repeat(n as usize * 7 % 900));
    let mut list: Vec<_> = (0..LENGTH).map(|n| record(n).into_bytes()).collect();
    let write = |name, list: &[Vec<u8>]| {
        let path = dir.path().join(name);
        let list: Vec<_> = list.iter().map(Vec::as_slice).collect();
        forge::write(&path, &[b"1"], &list, |_| {}).unwrap();
        open(&path, FileKind::Records)
    };
    let segment = write("whole", &list);
    let all: Vec<_> = (0..LENGTH).collect();
    for dead in [&[][..], &[0, 1, 999], &all[..700], &all[1..], &all] {
        let mut files = vec![Arc::clone(&segment)];
        if !dead.is_empty() {
            files.push(tombstones(segment.root(), forge::LIST, LENGTH, dead));
        }
        let store = RecordStore::open(files).unwrap();
        let live = all.iter().filter(|n| !dead.contains(n));
        let expected: Vec<_> = live.map(|&n| record(n)).collect();
        let printed = print(&store, "list").unwrap();
        assert!(printed == format!("[{}]", expected.join(", ")), "{dead:?}");
        // Nobody prints on when the text is no longer wanted.
        let stop = || Error::io("write", "full")(std::io::ErrorKind::StorageFull.into());
        let mut sink = |_: &[u8]| Err(stop());
        let mut text = RecordText::new(&store, 1, &mut sink).unwrap();
        let view = store.view(&CollectionPath::top(b"list")).unwrap();
        let stopped = text.top(&view).and_then(|()| text.finish());
        assert_eq!(stopped.unwrap_err().to_string(), stop().to_string());
    }
    list[700] = b"\x10\x03".to_vec();
    let store = RecordStore::open(vec![write("odd", &list)]).unwrap();
    let number = Fault::Value("a collection's number");
    assert_eq!(fault(print(&store, "list")), number);
}

/// Without tombstones what two segments have under one key is there twice, as
/// in JSON that has a key twice: the last one in the order of the numbers counts.
#[test]
fn of_a_key_in_two_segments_the_last_one_counts() {
    let dir = temp();
    let files: Vec<_> = [&[&b"1"[..], b"2"][..], &[b"3"]]
        .iter()
        .enumerate()
        .map(|(n, data)| {
            let path = dir.path().join(n.to_string());
            forge::write(&path, data, &[], |_| {}).unwrap();
            open(&path, FileKind::Records)
        })
        .collect();
    let store = RecordStore::open(files).unwrap();
    assert_eq!(
        print(&store, "data").unwrap(),
        r#"{"key-0": 1, "key-0": 3, "key-1": 2}"#
    );
    let data = CollectionPath::top(b"data");
    assert_eq!(store.get(&data, b"key-0").unwrap().unwrap(), b"3");
    assert_eq!(store.len(&data).unwrap(), 3);
    assert!(
        store
            .segments()
            .all(|segment: &RecordSegment| segment.check_structure().is_ok())
    );
}
