//! What is kept of decompressed blocks: it shows in the time alone.

use super::{damage::Parts, *};

/// Blocks that are kept of one file, and their bytes.
const MOST: usize = 16;
const BYTES: usize = 1 << 20;

/// The items of two heaps, in blocks of 1 KiB: some thirty each.
fn two_heaps() -> (tempfile::TempDir, Vec<Heap>, Vec<Vec<Vec<u8>>>) {
    let all = records(400);
    let heaps = vec![all[..200].to_vec(), all[200..].to_vec()];
    let how = How {
        target: 1000,
        ..PLAIN
    };
    let (dir, written) = store_as(&heaps, how);
    assert!(written.iter().all(|heap| heap.blocks > 20));
    (dir, written, heaps)
}

fn get(blocks: &Blocks, heap: &Heap, item: usize) -> crate::Result<Vec<u8>> {
    let mut cursor = Cursor::new(blocks, *heap, u64::MAX);
    cursor.get(item as u64).map(<[u8]>::to_vec)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// One cursor for each item, one for all, and nothing kept: the same items. Items of
    /// several blocks and blocks that are too large to be kept are among them.
    #[test]
    fn the_same_items_come_with_it_as_without(
        heaps in prop::collection::vec(prop::collection::vec(item(), 1..60), 1..3),
        picks in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 1..60),
        how in how(),
    ) {
        let (dir, written) = store_as(&heaps, how);
        let blocks = open(&dir);
        let mut cursors: Vec<_> =
            written.iter().map(|heap| Cursor::new(&blocks, *heap, u64::MAX)).collect();
        for (heap, item, one) in picks {
            let heap = heap.index(heaps.len());
            let item = item.index(heaps[heap].len());
            let got = match one {
                true => get(&blocks, &written[heap], item).unwrap(),
                false => cursors[heap].get(item as u64).unwrap().to_vec(),
            };
            prop_assert!(got == heaps[heap][item]);
            let (kept, bytes) = blocks.recent.kept();
            prop_assert!(kept <= MOST && bytes <= BYTES);
        }
    }
}

#[test]
fn a_block_is_decompressed_once_while_it_is_kept() {
    let (dir, written, items) = two_heaps();
    let blocks = open(&dir);
    let heap = &written[0];
    for _ in 0..3 {
        // The second one is in the block of the first.
        assert_eq!(get(&blocks, heap, 100).unwrap(), items[0][100]);
        assert_eq!(get(&blocks, heap, 101).unwrap(), items[0][101]);
    }
    let first = uses(&blocks);
    assert!(first <= 2);
    // Looked at between others, however many, it stays. Otherwise it goes.
    for (item, expected) in items[0].iter().enumerate() {
        assert_eq!(get(&blocks, heap, item).unwrap(), *expected);
        get(&blocks, heap, 100).unwrap();
    }
    assert_eq!(uses(&blocks), heap.blocks as usize);
    assert_eq!(blocks.recent.kept().0, MOST);
    get(&blocks, heap, 0).unwrap();
    assert_eq!(uses(&blocks), heap.blocks as usize + 1);
}

#[test]
fn a_walk_drives_nothing_out_and_takes_what_is_there() {
    let (dir, written, items) = two_heaps();
    let blocks = open(&dir);
    get(&blocks, &written[0], 100).unwrap();
    let mut walk = Cursor::new(&blocks, written[0], u64::MAX);
    for (n, item) in items[0].iter().enumerate() {
        assert_eq!(walk.get(n as u64).unwrap(), item);
    }
    assert_eq!(uses(&blocks), written[0].blocks as usize);
    // That one, and the one that the walk began with.
    assert_eq!(blocks.recent.kept().0, 2);
    get(&blocks, &written[0], 100).unwrap();
    assert_eq!(uses(&blocks), written[0].blocks as usize);
}

#[test]
fn a_large_block_is_not_kept() {
    let items = vec![vec![b'x'; 70_000], vec![b'y'; 10]];
    let (dir, written) = store(std::slice::from_ref(&items));
    let blocks = open(&dir);
    for uses_then in [1, 2] {
        assert_eq!(get(&blocks, &written[0], 0).unwrap(), items[0]);
        assert_eq!(uses(&blocks), uses_then);
        assert_eq!(blocks.recent.kept().0, 0);
    }
}

const TWO: &[u8] = b"\x03\0\0\0\x02\0\0\0abcde";
const ONE: &[u8] = b"\x01\0\0\0x";

/// In a file that says so, blocks belong to two heaps; what is right for one is not for the
/// other.
#[test]
fn a_block_of_one_heap_is_never_given_for_another() {
    let parts = Parts::of(&[(0, 2, TWO), (2, 1, ONE)]);
    let (_dir, file) = parts.write();
    let blocks = Blocks::open(&file).unwrap();
    let whole = parts.heap(3);
    assert_eq!(get(&blocks, &whole, 2).unwrap(), b"x");
    assert_eq!(blocks.recent.kept().0, 1);
    // It begins with an item that is not its first; it ends before the item.
    let (late, short) = (
        Heap {
            first_block: 1,
            blocks: 1,
            ..whole
        },
        Heap { items: 2, ..whole },
    );
    for (heap, refused) in [(late, "block items"), (short, "item number")] {
        assert_eq!(fault(get(&blocks, &heap, 2)), Fault::Bounds(refused));
    }
    assert_eq!(get(&blocks, &whole, 2).unwrap(), b"x");
    assert_eq!(uses(&blocks), 1);
    // Another that has all of them has a copy of its own.
    let same = Heap {
        blocks: 1,
        items: 2,
        ..whole
    };
    assert_eq!(get(&blocks, &whole, 1).unwrap(), b"de");
    assert_eq!(get(&blocks, &same, 1).unwrap(), b"de");
    assert_eq!(uses(&blocks), 3);
}

#[test]
fn damage_is_found_each_time() {
    type Damage = fn(&mut Parts);
    let damaged: [(Damage, Fault); 3] = [
        (|parts| parts.entries[1].crc ^= 1, Fault::Checksum),
        (|parts| parts.entries[1].raw_len += 1, Fault::Compression),
        (
            |parts| parts.entries[1].items += 1,
            Fault::Bounds("item lengths"),
        ),
    ];
    for (damage, expected) in damaged {
        let mut parts = Parts::of(&[(0, 2, TWO), (2, 1, b"\x05\0\0\0abcde")]);
        damage(&mut parts);
        let (_dir, file) = parts.write();
        let blocks = Blocks::open(&file).unwrap();
        let heap = parts.heap(3);
        let mut cursor = Cursor::new(&blocks, heap, u64::MAX);
        for _ in 0..3 {
            assert_eq!(cursor.get(1).unwrap(), b"de");
            assert_eq!(fault(cursor.get(2)), expected);
            assert_eq!(fault(get(&blocks, &heap, 2)), expected);
            assert_eq!(blocks.recent.kept().0, 1);
        }
    }
}

/// Many threads that look at a few blocks get what is in the file.
#[test]
fn threads_share_what_is_kept() {
    let (dir, written, items) = two_heaps();
    let blocks = open(&dir);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (blocks, written, items) = (&blocks, &written, &items);
            scope.spawn(move || {
                for n in 0..2000 {
                    let (heap, item) = ((n + thread) % 2, n * 37 % 200);
                    assert!(get(blocks, &written[heap], item).unwrap() == items[heap][item]);
                }
            });
        }
    });
}
