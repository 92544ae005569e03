//! Record segments that no writer of ours would write: the checksums are
//! right, what they are over need not be.

use std::{path::Path, sync::Arc};

use super::{
    format::{Collection, Parent, RecordMember, RecordsMeta},
    read::RecordSegment,
};
use crate::{
    blocks::{BlockSink, Dictionary, HeapWriter},
    bytes::{Backend, Spill},
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions},
    error::Result,
    hashes::{HashBuilder, HashForm},
    ids::IdBuilder,
    json::JsonStyle,
    orders::{OrdersBuilder, SequencesBuilder},
    planes::PlanesBuilder,
};

pub(crate) use super::ops::MAX_OPEN;

/// The pool, in this order. The first rows are the keys of `data`.
pub(crate) const IDS: [&str; 5] = ["key-0", "key-1", "key-2", "in-map", "foreign"];
/// The row that has a hash; another hash is no row's.
pub(crate) const HASHED: u32 = 1;
/// Collections: the one of interest, a list, and one in the first record.
pub(crate) const DATA: u32 = 0;
pub(crate) const LIST: u32 = 1;
pub(crate) const MAP: u32 = 2;
/// The only plane has this row, and no more.
pub(crate) const NUMBERS: &str =
    "[0.5,1.5,2.5,3.5,4.5,5.5,6.5,7.5,8.5,9.5,10.5,11.5,12.5,13.5,14.5,15.5]";

/// Writes a segment with these packed texts as the records of `data` and of
/// `list`, after `edit` has had its way with META.
pub(crate) fn write(
    path: &Path,
    data: &[&[u8]],
    list: &[&[u8]],
    edit: impl FnOnce(&mut RecordsMeta),
) -> Result<()> {
    let dir = path.parent().unwrap();
    let mut out = ContainerWriter::create(path, FileKind::Records)?;
    let mut style = JsonStyle::python();
    let mut planes = PlanesBuilder::new(dir);
    planes.push(NUMBERS.as_bytes(), &mut style)?;
    let planes = planes.finish(&mut out)?;
    let mut pool = IdBuilder::new(Spill::new(dir));
    for (row, id) in (0..).zip(IDS) {
        pool.intern(id.as_bytes(), row)?;
    }
    let ids = pool.finish(&mut out)?;
    let mut hashes = HashBuilder::new(dir, HashForm::Hex);
    hashes.refer(Some(HASHED), &[1; 32])?;
    hashes.refer(None, &[2; 32])?;
    let hashes = hashes.finish(ids.rows, &mut out)?;
    let mut orders = OrdersBuilder::new(dir);
    let mut sequences = SequencesBuilder::new(dir);
    let mut sink = BlockSink::with_dictionary(Spill::new(dir), 1, Dictionary::default());
    let mut heaps = Vec::new();
    let in_map: &[&[u8]] = &[b"\"nested\""];
    for (number, records) in [data, list, in_map].into_iter().enumerate() {
        orders.add();
        sequences.add();
        let mut heap = HeapWriter::new(1 << 10);
        for (row, record) in (0..).zip(records) {
            match number as u32 {
                DATA => orders.push(number, row)?,
                MAP => orders.push(number, 3)?,
                _ => {}
            }
            sequences.push(number, None)?;
            heap.push(record, &mut sink)?;
        }
        heaps.push(heap.finish(&mut sink)?);
    }
    let orders = orders.finish(ids.rows, &mut out)?;
    let sequences = sequences.finish(&mut out)?;
    sink.finish(&mut out)?;
    let parent = Parent {
        collection: DATA,
        record: IDS[0].into(),
    };
    let places = [("data", None), ("list", None), ("map", Some(parent))];
    let parts = places.into_iter().zip(heaps).zip(orders).zip(sequences);
    let collections = parts.map(
        |((((name, parent), records), order), sequence)| Collection {
            name: name.into(),
            parent,
            keyed: name != "list",
            style: 0,
            entries: records.items as u32,
            order,
            sequence,
            records,
        },
    );
    let member = |collection, key: &[u8]| RecordMember::Collection {
        collection,
        key: key.to_vec(),
    };
    let mut meta = RecordsMeta {
        // Python's, and pydantic's.
        styles: vec![style, JsonStyle::pydantic()],
        members: vec![member(DATA, b"\"data\""), member(LIST, b"\"list\"")],
        collections: collections.collect(),
        ids,
        hashes,
        planes,
    };
    edit(&mut meta);
    out.metadata(&meta)?;
    out.finish().map(drop)
}

pub(crate) fn container(path: &Path, backend: Backend) -> Result<Arc<Container>> {
    let options = OpenOptions {
        backend,
        ..OpenOptions::default()
    };
    Container::open(path, FileKind::Records, Expected::Any, &options).map(Arc::new)
}

pub(crate) fn open(path: &Path, backend: Backend) -> Result<RecordSegment> {
    RecordSegment::open(container(path, backend)?)
}

/// Packed text that is mostly ops and brackets, and now and then sound.
pub(crate) fn packed_text() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::{collection::vec, prelude::*, sample::select};
    let sound: [&[u8]; 22] = [
        b"\x01",
        b"\x02",
        b"\x03",
        b"\x04\x04",
        b"\x04\x01",
        b"[\x05\x00\x03]",
        b"\x06",
        b"\x07\x00",
        b"\x08",
        b"\x0b",
        b"\x0c\x00\x00",
        b"\x0e\x00",
        b"\x0e\x01",
        b"\x0f",
        b"\x10\x02",
        b"\x11\x07\"key-0\"",
        b"\x12",
        b"{\"a\":\"sixteen bytes\"}",
        b"[\"another sixteen\"]",
        b"[\x01,\x06]",
        b"{\"a\":\x04\x01,\"b\":\x06}",
        b"\x0e\x01[1]\x0f",
    ];
    let piece = prop_oneof![
        8 => select(sound.to_vec()).prop_map(<[u8]>::to_vec),
        6 => select(&b"[]{},:\"\\1 "[..]).prop_map(|byte| vec![byte]),
        2 => (0..0x20_u8).prop_map(|byte| vec![byte]),
        1 => vec(any::<u8>(), 0..6),
    ];
    prop_oneof![
        4 => vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        1 => vec(any::<u8>(), 0..40),
    ]
}
