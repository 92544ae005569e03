//! Heaps as a whole: what is pushed comes back, and damaged indexes are
//! refused.

use std::sync::Arc;

use proptest::prelude::*;

use super::{
    format::{BlockEntry, ENTRY_LEN, Heap},
    *,
};
use crate::{
    bytes::Spill,
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Error, Fault},
};

fn store(heaps: &[Vec<Vec<u8>>]) -> (tempfile::TempDir, Vec<Heap>) {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = BlockSink::new(Spill::new(dir.path()).unwrap()).unwrap();
    let mut writers: Vec<HeapWriter> = heaps.iter().map(|_| HeapWriter::default()).collect();
    // Interleaved, as columns are.
    for n in 0..heaps.iter().map(Vec::len).max().unwrap_or(0) {
        for (writer, items) in writers.iter_mut().zip(heaps) {
            if let Some(item) = items.get(n) {
                writer.push(item, &mut sink).unwrap();
            }
        }
    }
    let finish = |writer: HeapWriter| writer.finish(&mut sink).unwrap();
    let written = writers.into_iter().map(finish).collect();
    let mut out = ContainerWriter::create(&dir.path().join("file"), FileKind::Verbatim).unwrap();
    sink.finish(&mut out).unwrap();
    out.finish().unwrap();
    (dir, written)
}

fn open(dir: &tempfile::TempDir) -> Blocks {
    let path = dir.path().join("file");
    let options = OpenOptions::default();
    let file = Container::open(&path, FileKind::Verbatim, Expected::Any, &options).unwrap();
    Blocks::open(&Arc::new(file)).unwrap()
}

proptest! {
    #[test]
    fn every_item_comes_back_in_any_order(
        heaps in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..80), 0..4),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..50),
    ) {
        let (dir, written) = store(&heaps);
        let blocks = open(&dir);
        for (heap, items) in written.iter().zip(&heaps) {
            blocks.admit(heap).unwrap();
            prop_assert_eq!(heap.items, items.len() as u64);
            let mut cursor = Cursor::new(&blocks, *heap);
            for (n, item) in items.iter().enumerate() {
                prop_assert_eq!(cursor.get(n as u64).unwrap(), item.as_slice());
            }
            if !items.is_empty() {
                for pick in &picks {
                    let n = pick.index(items.len());
                    prop_assert_eq!(cursor.get(n as u64).unwrap(), items[n].as_slice());
                }
            }
            prop_assert!(cursor.get(items.len() as u64).is_err());
        }
    }
}

#[test]
fn an_item_larger_than_a_block_gets_a_block_of_its_own() {
    let items = vec![vec![1; 10], vec![2; 1 << 20], vec![3; 10]];
    let (dir, heaps) = store(std::slice::from_ref(&items));
    assert_eq!(heaps[0].blocks, 3);
    let blocks = open(&dir);
    let mut cursor = Cursor::new(&blocks, heaps[0]);
    for (n, item) in items.iter().enumerate() {
        assert_eq!(cursor.get(n as u64).unwrap(), item);
    }
}

#[test]
fn a_heap_beyond_the_index_is_refused() {
    let (dir, heaps) = store(&[vec![vec![1; 10]]]);
    let blocks = open(&dir);
    for bad in [
        Heap {
            first_block: 1,
            ..heaps[0]
        },
        Heap {
            blocks: 2,
            ..heaps[0]
        },
        Heap {
            blocks: 0,
            ..heaps[0]
        },
        Heap {
            first_block: u32::MAX,
            blocks: u32::MAX,
            items: 1,
        },
    ] {
        assert!(blocks.admit(&bad).is_err(), "{bad:?}");
    }
}

/// A file whose one block is described by a changed index entry, under right
/// checksums.
fn with_entry(change: impl FnOnce(&mut BlockEntry)) -> Fault {
    let (dir, heaps) = store(&[vec![b"abc".to_vec(), b"de".to_vec()]]);
    let blocks = open(&dir);
    let (data, mut entry) = {
        let path = dir.path().join("file");
        let file = Container::open(
            &path,
            FileKind::Verbatim,
            Expected::Any,
            &OpenOptions::default(),
        );
        let file = file.unwrap();
        let span = file.require(SectionKind::BLOCKS).unwrap();
        let index = file.require(SectionKind::BLOCK_INDEX).unwrap();
        let data = file.read(span, 0..span.len()).unwrap().to_vec();
        let entry = BlockEntry::decode(&file.read(index, 0..ENTRY_LEN).unwrap());
        (data, entry)
    };
    drop(blocks);
    change(&mut entry);
    let path = dir.path().join("changed");
    let mut out = ContainerWriter::create(&path, FileKind::Verbatim).unwrap();
    out.whole(SectionKind::BLOCKS, &data).unwrap();
    out.whole(
        SectionKind::BLOCK_INDEX,
        &entry.encode().collect::<Vec<u8>>(),
    )
    .unwrap();
    out.finish().unwrap();
    let file = Container::open(
        &path,
        FileKind::Verbatim,
        Expected::Any,
        &OpenOptions::default(),
    );
    let blocks = Blocks::open(&Arc::new(file.unwrap())).unwrap();
    let result = Cursor::new(&blocks, heaps[0]).get(1).map(<[u8]>::to_vec);
    match result.unwrap_err() {
        Error::Damaged { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn every_length_in_the_index_is_bounded_before_it_is_used() {
    assert_eq!(with_entry(|e| e.raw_len = u32::MAX), Fault::Bounds("block"));
    assert_eq!(with_entry(|e| e.stored_len += 1), Fault::Bounds("block"));
    assert_eq!(with_entry(|e| e.offset = u64::MAX), Fault::Bounds("block"));
    assert_eq!(with_entry(|e| e.items = 100), Fault::Bounds("block"));
    assert_eq!(
        with_entry(|e| e.first_item = 9),
        Fault::Bounds("block items")
    );
    assert_eq!(with_entry(|e| e.items = 1), Fault::Bounds("block items"));
    assert_eq!(with_entry(|e| e.items = 3), Fault::Bounds("item ends"));
    assert_eq!(with_entry(|e| e.raw_len += 1), Fault::Compression);
    assert_eq!(with_entry(|e| e.raw_len -= 1), Fault::Compression);
    assert_eq!(with_entry(|e| e.crc ^= 1), Fault::Checksum);
}
