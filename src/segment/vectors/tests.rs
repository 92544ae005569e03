//! Maps of a vector segment: their orders and sequence numbers.

use std::{path::Path, sync::Arc};

use super::{format::VectorsMeta, *};
use crate::{
    Error,
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Fault, Result},
    json::JsonStyle,
    orders::{Order, Sequence},
};

fn open(path: &Path) -> Result<VectorSegment> {
    let options = OpenOptions::default();
    let file = Container::open(path, FileKind::Vectors, Expected::Any, &options)?;
    VectorSegment::open(Arc::new(file))
}

/// Ids `0`, `1`, `2` …; each map has the entries given, a row and a sequence
/// number each.
fn write(path: &Path, maps: [&[(u32, Option<u64>)]; 3]) -> Result<(), NotStructural> {
    let dir = path.parent().unwrap();
    let mut writer = VectorWriter::create(path, dir, JsonStyle::python()).unwrap();
    for (map, entries) in Map::ALL.into_iter().zip(maps) {
        for &(row, sequence) in entries {
            let key = format!("\"{row}\"");
            let value = match map {
                Map::Embeddings => format!("[{row}.5]"),
                Map::RefDocs => format!("\"doc {row}\""),
                Map::Metadata => format!("{{\"row\":{row}}}"),
            };
            writer
                .push_with(map, key.as_bytes(), value.as_bytes(), sequence)
                .unwrap()?;
        }
    }
    writer.finish().unwrap().map(drop)
}

#[test]
fn each_map_has_its_order_and_its_sequence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("segment");
    let vectors: Vec<_> = (0..8).map(|row| (row, None)).collect();
    let ref_docs = [(6, Some(3)), (2, None), (4, Some(9)), (9, None)];
    let metadata = [(2, Some(70)), (3, None), (4, None)];
    write(&path, [&vectors, &ref_docs, &metadata]).unwrap();
    let segment = open(&path).unwrap();
    segment.check_structure().unwrap();
    // id 9 is first met after the vectors
    assert_eq!((segment.rows(), segment.vectors()), (9, 8));
    let rows = |map| -> Vec<u32> {
        let entries = 0..segment.entries(map);
        entries
            .map(|e| segment.entry_row(map, e).unwrap())
            .collect()
    };
    let numbers = |map| -> Vec<u64> {
        let entries = 0..segment.entries(map);
        entries
            .map(|e| segment.sequence(map).get(e).unwrap())
            .collect()
    };
    assert_eq!(rows(Map::Embeddings), (0..8).collect::<Vec<_>>());
    assert_eq!(numbers(Map::Embeddings), (0..8).collect::<Vec<_>>());
    assert_eq!(rows(Map::RefDocs), [6, 2, 4, 8]);
    assert_eq!(numbers(Map::RefDocs), [3, 4, 9, 10]);
    assert_eq!(rows(Map::Metadata), [2, 3, 4]);
    assert_eq!(numbers(Map::Metadata), [70, 71, 72]);
    for row in 0..segment.rows() {
        let has = |map| rows(map).contains(&row);
        assert_eq!(segment.ref_doc(row).unwrap().is_some(), has(Map::RefDocs));
        assert_eq!(segment.metadata(row).unwrap().is_some(), has(Map::Metadata));
    }
    assert_eq!(segment.ref_doc(8).unwrap().unwrap(), b"\"doc 9\"");
}

#[test]
fn a_map_has_a_row_once() {
    let dir = tempfile::tempdir().unwrap();
    let twice = [(1, None), (0, None), (1, None)];
    for map in 0..3 {
        let mut maps: [&[_]; 3] = [&[]; 3];
        maps[map] = &twice;
        let path = dir.path().join(map.to_string());
        assert_eq!(write(&path, maps), Err(NotStructural::RepeatedId));
    }
}

/// The segment at `path` with another META and, maybe, other orders.
fn change(path: &Path, orders: Option<&[u32]>, change: &dyn Fn(&mut VectorsMeta)) -> Fault {
    let options = OpenOptions::default();
    let file = Container::open(path, FileKind::Vectors, Expected::Any, &options).unwrap();
    let mut meta: VectorsMeta = file.metadata().unwrap();
    change(&mut meta);
    let changed = path.with_extension("changed");
    let _ = std::fs::remove_file(&changed);
    let mut out = ContainerWriter::create(&changed, FileKind::Vectors).unwrap();
    for kind in (read::SECTIONS.iter()).filter(|&&kind| kind != SectionKind::META) {
        if let Some(span) = file.section(*kind) {
            let bytes = file.read(span, 0..span.len()).unwrap();
            out.whole(*kind, &bytes).unwrap();
        }
    }
    if let Some(orders) = orders {
        let bytes: Vec<u8> = orders.iter().flat_map(|n| n.to_le_bytes()).collect();
        out.whole(SectionKind::ORDERS, &bytes).unwrap();
    }
    out.metadata(&meta).unwrap();
    out.finish().unwrap();
    match open(&changed).and_then(|segment| segment.check_structure()) {
        Err(Error::Damaged { fault, .. }) => fault,
        Err(other) => panic!("{other}"),
        Ok(()) => panic!("nothing was refused"),
    }
}

#[test]
fn maps_that_do_not_fit_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("segment");
    let rows = [(0, None), (1, None), (2, None)];
    write(&path, [&rows, &rows, &rows]).unwrap();
    let meta = |c: &dyn Fn(&mut VectorsMeta)| change(&path, None, c);
    let vectors = Fault::Value("the map of vectors");
    assert_eq!(meta(&|m| m.vectors.entries = 2), vectors);
    assert_eq!(
        meta(&|m| m.vectors.order = Order::Range { first: 1 }),
        vectors
    );
    assert_eq!(meta(&|m| m.vectors.order = Order::Bitmap), vectors);
    let entries = Fault::Bounds("entries of a map");
    assert_eq!(meta(&|m| m.ref_docs.entries = 4), entries);
    assert_eq!(meta(&|m| m.metadata.order = Order::Bitmap), Fault::Missing);
    let explicit = Sequence {
        first: 0,
        explicit: true,
    };
    assert_eq!(meta(&|m| m.metadata.sequence = explicit), Fault::Missing);
    let twice = Fault::Value("a row that occurs twice in a map");
    let explicit = |m: &mut VectorsMeta| m.ref_docs.order = Order::Explicit;
    assert_eq!(change(&path, Some(&[1, 0, 1, 1, 0, 2]), &explicit), twice);
    let short = Fault::Bounds("the order of a map");
    assert_eq!(change(&path, Some(&[1, 0, 1, 1]), &explicit), short);
    assert_eq!(change(&path, Some(&[1, 0]), &|_| ()), Fault::Layout);
}
