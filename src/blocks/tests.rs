//! Heaps as a whole: what is pushed comes back, whole and in parts.

mod damage;
mod recent;

use std::sync::{Arc, atomic::Ordering};

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    format::{Heap, PIECE},
    *,
};
use crate::{
    bytes::{Backend, Spill},
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions},
    error::Fault,
    testing::fault,
};

/// How a file of heaps is to be written.
#[derive(Debug, Clone, Copy)]
struct How {
    target: usize,
    threads: usize,
    /// Items are pushed in parts of this, or whole.
    parts: Option<usize>,
    records: bool,
    dictionary: bool,
}

const PLAIN: How = How {
    target: 64 << 10,
    threads: 2,
    parts: None,
    records: false,
    dictionary: false,
};

/// What an item prints, in these tests.
fn print(item: &[u8]) -> Vec<u8> {
    item.iter().rev().copied().collect()
}

fn store_as(heaps: &[Vec<Vec<u8>>], how: How) -> (tempfile::TempDir, Vec<Heap>) {
    let dir = tempfile::tempdir().unwrap();
    let spill = Spill::new(dir.path());
    let sink = if how.records {
        let dictionary = how.dictionary.then(dictionary);
        BlockSink::with_dictionary(spill, 3, dictionary.unwrap_or_default())
    } else {
        BlockSink::new(spill)
    };
    let mut sink = sink.threads(how.threads);
    let mut writers: Vec<HeapWriter> = heaps.iter().map(|_| HeapWriter::new(how.target)).collect();
    // Interleaved, as columns are.
    for n in 0..heaps.iter().map(Vec::len).max().unwrap_or(0) {
        for (writer, items) in writers.iter_mut().zip(heaps) {
            let Some(item) = items.get(n) else { continue };
            let printed = print(item);
            // Before the item, in between, and after it.
            let (before, rest) = printed.split_at(printed.len() / 3);
            let (between, after) = rest.split_at(rest.len() / 2);
            writer.printed(before);
            match how.parts {
                None => {
                    writer.printed(between);
                    writer.printed(after);
                    writer.push(item, &mut sink).unwrap();
                }
                Some(len) => {
                    for part in item.chunks(len) {
                        writer.part(part, &mut sink).unwrap();
                    }
                    writer.printed(between);
                    writer.printed(after);
                    writer.end_item(&mut sink).unwrap();
                }
            }
            if n + 1 == items.len() && n % 2 == 0 {
                writer.release(&mut sink).unwrap();
            }
        }
    }
    let finish = |writer: HeapWriter| writer.finish(&mut sink).unwrap();
    let written = writers.into_iter().map(finish).collect();
    let mut out = ContainerWriter::create(&dir.path().join("file"), FileKind::Records).unwrap();
    sink.finish(&mut out).unwrap();
    out.finish().unwrap();
    (dir, written)
}

fn store(heaps: &[Vec<Vec<u8>>]) -> (tempfile::TempDir, Vec<Heap>) {
    store_as(heaps, PLAIN)
}

fn open_with(dir: &tempfile::TempDir, backend: Backend) -> Blocks {
    let path = dir.path().join("file");
    let options = OpenOptions {
        backend,
        ..OpenOptions::default()
    };
    let file = Container::open(&path, FileKind::Records, Expected::Any, &options).unwrap();
    Blocks::open(&Arc::new(file)).unwrap()
}

fn open(dir: &tempfile::TempDir) -> Blocks {
    open_with(dir, Backend::Map)
}

fn uses(blocks: &Blocks) -> usize {
    blocks.decoders.uses.load(Ordering::Relaxed)
}

/// Samples that are alike, as records of one store are.
fn records(count: u32) -> Vec<Vec<u8>> {
    let record = |n: u32| {
        let hash = n.wrapping_mul(2_654_435_761);
        format!(
            "{{\"id_\": \"{hash:08x}\", \"metadata\": {{\"file_name\": \"page {}.md\", \"score\": {}}}, \"class_name\": \"TextNode\", \"relationships\": {{\"{:x}\": \"x\"}}}}",
            n % 97, n * 7 % 1013, hash.rotate_left(9),
        )
        .into_bytes()
    };
    (0..count).map(record).collect()
}

fn dictionary() -> Dictionary {
    let samples = records(2000);
    let sizes = samples.iter().map(Vec::len).collect();
    let dictionary = Dictionary::of(samples.concat(), sizes);
    assert!(dictionary.get().is_some());
    dictionary
}

/// All ways to read `heap` give `items`.
fn check(blocks: &Blocks, heap: &Heap, items: &[Vec<u8>], picks: &[prop::sample::Index]) {
    blocks.admit(heap).unwrap();
    assert_eq!(heap.items, items.len() as u64);
    blocks.recent.clear();
    let before = uses(blocks);
    let mut cursor = Cursor::new(blocks, *heap, u64::MAX);
    for (n, item) in items.iter().enumerate() {
        assert!(cursor.get(n as u64).unwrap() == item.as_slice());
        assert!(cursor.get(n as u64).unwrap() == item.as_slice());
    }
    assert_eq!(uses(blocks) - before, heap.blocks as usize);
    blocks.recent.clear();
    let mut walker = Cursor::new(blocks, *heap, 0);
    for (n, item) in items.iter().enumerate() {
        assert!(collect(walker.parts(n as u64)).0 == *item);
    }
    assert_eq!(uses(blocks) - before, 2 * heap.blocks as usize);
    for pick in picks.iter().filter(|_| !items.is_empty()) {
        let n = pick.index(items.len());
        assert!(cursor.get(n as u64).unwrap() == items[n].as_slice());
        blocks.recent.clear();
        let before = uses(blocks);
        let (bytes, pieces) = collect(Cursor::new(blocks, *heap, u64::MAX).parts(n as u64));
        assert!(bytes == items[n]);
        assert_eq!(uses(blocks) - before, pieces);
        // 1 MiB in each block of a chain but the last.
        assert_eq!(pieces, items[n].len().div_ceil(PIECE).max(1));
    }
    assert!(cursor.get(items.len() as u64).is_err());
    assert!(
        Cursor::new(blocks, *heap, u64::MAX)
            .parts(items.len() as u64)
            .next()
            .is_err()
    );
}

fn collect(mut parts: ItemParts) -> (Vec<u8>, usize) {
    let (mut bytes, mut pieces) = (Vec::new(), 0);
    while let Some(part) = parts.next().unwrap() {
        bytes.extend_from_slice(part);
        pieces += 1;
    }
    assert!(parts.next().unwrap().is_none());
    (bytes, pieces)
}

/// The blocks of a heap, and the hash of what each prints.
fn check_hashes(blocks: &Blocks, heap: &Heap, items: &[Vec<u8>], stored: bool) {
    let mut next = 0;
    for block in blocks.heap_blocks(heap) {
        let block = block.unwrap();
        assert_eq!(block.first_item, next as u64);
        let begin = &items[next..next + block.items as usize];
        let printed: Vec<u8> = begin.iter().flat_map(|item| print(item)).collect();
        let expected = match block.items {
            0 => 0,
            _ => xxh3_64(&printed),
        };
        assert_eq!(block.printed, stored.then_some(expected));
        assert_eq!(blocks.printed_hash(block.number).unwrap(), block.printed);
        next += block.items as usize;
    }
    assert_eq!(next, items.len());
}

fn item() -> impl Strategy<Value = Vec<u8>> {
    let long = prop_oneof![
        Just(PIECE),
        Just(2 * PIECE),
        PIECE - 5..PIECE + 5,
        PIECE..3 * PIECE,
        20_000..100_000_usize,
    ];
    prop_oneof![
        40 => prop::collection::vec(any::<u8>(), 0..3000),
        20 => Just(Vec::new()),
        1 => (long, any::<u8>()).prop_map(|(len, seed)| {
            (0..len).map(|n| (n % 251) as u8 ^ seed ^ (n >> 12) as u8).collect()
        }),
    ]
}

fn how() -> impl Strategy<Value = How> {
    (
        prop::sample::select(vec![64, 1000, 16 << 10, 64 << 10, 4 << 20]),
        1..4_usize,
        prop::option::of(prop_oneof![1..5000_usize, PIECE - 1..2 * PIECE]),
        any::<bool>(),
    )
        .prop_map(|(target, threads, parts, records)| How {
            target,
            threads,
            parts,
            records,
            dictionary: false,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn every_item_comes_back_in_any_order(
        heaps in prop::collection::vec(prop::collection::vec(item(), 0..60), 0..4),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        how in how(),
    ) {
        let (dir, written) = store_as(&heaps, how);
        for backend in [Backend::Map, Backend::Read] {
            let blocks = open_with(&dir, backend);
            for (heap, items) in written.iter().zip(&heaps) {
                check(&blocks, heap, items, &picks);
                check_hashes(&blocks, heap, items, how.records);
            }
        }
    }
}

/// Neither threads nor the parts in which items come show in the file.
#[test]
fn the_same_items_give_the_same_bytes() {
    let mut items = records(3000);
    items.insert(700, records(30_000).concat());
    items.insert(900, vec![b' '; PIECE]);
    items.push(Vec::new());
    let heaps = [items.clone(), items[500..2000].to_vec()];
    for (records, dictionary) in [(false, false), (true, false), (true, true)] {
        let file = |threads, parts| {
            let how = How {
                target: 16 << 10,
                threads,
                parts,
                records,
                dictionary,
            };
            let (dir, written) = store_as(&heaps, how);
            let blocks = open(&dir);
            for (heap, items) in written.iter().zip(&heaps) {
                check(&blocks, heap, items, &[]);
                check_hashes(&blocks, heap, items, records);
            }
            std::fs::read(dir.path().join("file")).unwrap()
        };
        let first = file(1, None);
        for (threads, parts) in [(2, None), (8, Some(1000)), (3, Some(PIECE + 1))] {
            assert!(file(threads, parts) == first, "{threads} {parts:?}");
        }
    }
}

#[test]
fn a_long_item_is_a_chain_of_its_own() {
    let long = vec![2; 2 * PIECE + 1];
    let items = vec![vec![1; 10], vec![4; PIECE], long, vec![3; 10], vec![5; 10]];
    let (dir, heaps) = store(std::slice::from_ref(&items));
    let blocks = open(&dir);
    let listed = blocks.heap_blocks(&heaps[0]).map(|block| {
        let block = block.unwrap();
        (block.first_item, block.items)
    });
    let listed: Vec<_> = listed.collect();
    assert_eq!(listed, [(0, 1), (1, 1), (2, 1), (3, 0), (3, 0), (3, 2)]);
    check(&blocks, &heaps[0], &items, &[]);
    let mut cursor = Cursor::new(&blocks, heaps[0], (2 * PIECE) as u64);
    assert_eq!(cursor.get(1).unwrap(), items[1]);
    assert_eq!(fault(cursor.get(2)), Fault::Bounds("length of an item"));
    assert_eq!(cursor.get(3).unwrap(), items[3]);
    let mut cursor = Cursor::new(&blocks, heaps[0], 9);
    assert_eq!(fault(cursor.get(0)), Fault::Bounds("length of an item"));
}

#[test]
fn a_heap_that_nothing_was_put_into_costs_no_memory() {
    let writer = HeapWriter::new(16 << 10);
    assert!(size_of_val(&writer) <= 128);
}

#[test]
fn a_dictionary_saves_room_and_is_loaded_on_first_use() {
    let items = records(3000);
    let how = |dictionary| How {
        target: 4 << 10,
        records: true,
        dictionary,
        ..PLAIN
    };
    let len = |dir: &tempfile::TempDir| {
        let blocks = open(dir);
        (0..blocks.count())
            .map(|n| u64::from(blocks.entry(n).unwrap().stored_len))
            .sum::<u64>()
    };
    let (without, _) = store_as(std::slice::from_ref(&items), how(false));
    let (with, heaps) = store_as(std::slice::from_ref(&items), how(true));
    assert!(len(&with) < len(&without));
    let blocks = open(&with);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut cursor = Cursor::new(&blocks, heaps[0], u64::MAX);
                for (n, item) in items.iter().enumerate() {
                    assert!(cursor.get(n as u64).unwrap() == item);
                }
            });
        }
    });
}

#[test]
fn nothing_is_learned_from_little() {
    let learned = |samples: Vec<u8>, sizes| Dictionary::of(samples, sizes).get().is_some();
    let samples = records(100);
    let sizes = samples.iter().map(Vec::len).collect();
    assert!(!learned(samples.concat(), sizes));
    let text = vec![b'x'; 1 << 20];
    assert!(!learned(text.clone(), vec![1 << 20]));
    assert!(!learned(text, vec![1 << 10; 1023]));
}
