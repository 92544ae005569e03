//! Orders and sequences as a whole: what is written is read, both ways, and
//! what is malformed is refused.

use std::{path::Path, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    Error,
    bytes::Backend,
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Fault, Result},
};

fn open(path: &Path) -> Arc<Container> {
    let options = OpenOptions {
        backend: Backend::Read,
        ..OpenOptions::default()
    };
    let file = Container::open(path, FileKind::Records, Expected::Any, &options);
    Arc::new(file.unwrap())
}

/// Writes the orders of several maps and opens them again.
fn write(lists: &[Vec<u32>], rows: u32, at_once: u64) -> (Vec<Order>, Vec<EntryOrder>) {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = OrdersBuilder::new(dir.path());
    builder.at_once = at_once;
    for _ in lists {
        builder.add();
    }
    // Taking turns, so that the spill holds them in pieces.
    for n in 0..lists.iter().map(Vec::len).max().unwrap_or_default() {
        for (order, list) in lists.iter().enumerate() {
            if let Some(&row) = list.get(n) {
                builder.push(order, row).unwrap();
                assert_eq!(builder.entries(order) as usize, n + 1);
            }
        }
    }
    let path = dir.path().join("orders");
    let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
    let orders = builder.finish(rows, &mut out).unwrap();
    out.metadata(&0_u8).unwrap();
    out.finish().unwrap();
    let file = open(&path);
    let bytes = orders.iter().any(|o| !matches!(o, Order::Range { .. }));
    assert_eq!(file.section(SectionKind::ORDERS).is_some(), bytes);
    let mut parts = OrderParts::begin(&file, rows);
    let opened = orders.iter().zip(lists);
    let opened = opened.map(|(&order, list)| parts.next(order, list.len() as u32).unwrap());
    let opened = opened.collect();
    parts.end().unwrap();
    (orders, opened)
}

fn check(lists: &[Vec<u32>], rows: u32, at_once: u64) -> Vec<Order> {
    let (orders, opened) = write(lists, rows, at_once);
    for (order, list) in opened.iter().zip(lists) {
        let found = (0..order.entries()).map(|entry| order.row_of(entry).unwrap());
        assert_eq!(found.collect::<Vec<_>>(), *list);
        let mut distinct = 0;
        for row in 0..rows {
            let last = list.iter().rposition(|&r| r == row).map(|n| n as u32);
            assert_eq!(order.entry_of(row).unwrap(), last, "{row}");
            distinct += u32::from(last.is_some());
        }
        assert_eq!(order.check_structure().unwrap(), distinct);
        let mut each = Vec::new();
        order.each(|entry, row| each.push((entry, row))).unwrap();
        assert!(each.iter().copied().eq((0..).zip(list.iter().copied())));
        let by_row = (0..).zip(list).all(|(entry, row)| entry == *row);
        assert!(!order.is_by_row() || by_row);
        assert!(order.row_of(list.len() as u32).is_err());
        assert!(order.entry_of(rows).is_err());
    }
    orders
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn entries_and_rows_find_each_other(
        rows in 1..1500_u32,
        lists in prop::collection::vec(
            (prop::collection::vec(any::<prop::sample::Index>(), 0..800), 0..3_u8),
            0..4,
        ),
        at_once in 1..2000_u64,
    ) {
        let lists: Vec<Vec<u32>> = lists.into_iter().map(|(picks, sorted)| {
            let mut list: Vec<_> = picks.iter().map(|n| n.index(rows as usize) as u32).collect();
            if sorted > 0 {
                list.sort_unstable();
            }
            if sorted > 1 {
                list.dedup();
            }
            list
        }).collect();
        check(&lists, rows, at_once);
    }

    #[test]
    fn numbers_come_back(
        lists in prop::collection::vec(prop::collection::btree_set(any::<u64>(), 0..400), 0..4),
        runs in prop::collection::vec((any::<u64>(), 0..40_u64), 0..4),
    ) {
        let runs = runs.into_iter().map(|(end, len)| (end.saturating_sub(len)..end).collect());
        let lists: Vec<Vec<u64>> =
            lists.into_iter().map(|list| list.into_iter().collect()).chain(runs).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut builder = SequencesBuilder::new(dir.path());
        for list in &lists {
            let sequence = builder.add();
            for &number in list {
                builder.push(sequence, Some(number)).unwrap();
                prop_assert!(builder.push(sequence, Some(number)).is_err());
            }
        }
        let path = dir.path().join("sequences");
        let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
        let sequences = builder.finish(&mut out).unwrap();
        out.metadata(&0_u8).unwrap();
        out.finish().unwrap();
        let file = open(&path);
        let mut parts = SequenceParts::begin(&file);
        for (&sequence, list) in sequences.iter().zip(&lists) {
            let entries = list.len() as u32;
            let opened = parts.next(sequence, entries).unwrap();
            let found = (0..entries).map(|entry| opened.get(entry).unwrap());
            prop_assert_eq!(&found.collect::<Vec<_>>(), list);
            let consecutive = list.is_sorted_by(|a, b| a + 1 == *b);
            prop_assert_eq!(sequence.explicit, !consecutive);
            opened.check_structure().unwrap();
            prop_assert!(opened.get(entries).is_err());
        }
        parts.end().unwrap();
    }
}

#[test]
fn the_shortest_order_is_taken() {
    let all = |lists: &[Vec<u32>]| check(lists, 1000, 1 << 20);
    let range = |first| Order::Range { first };
    assert_eq!(
        all(&[vec![], vec![7], (3..1000).collect()]),
        [range(0), range(7), range(3)]
    );
    let odd: Vec<u32> = (0..500).map(|n| n * 2).collect();
    assert_eq!(
        all(&[odd, vec![1, 999], vec![2, 1], vec![1, 1]]),
        [
            Order::Bitmap,
            Order::Ascending,
            Order::Explicit,
            Order::Explicit
        ]
    );
}

#[test]
fn numbers_are_counted_unless_they_are_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut builder = SequencesBuilder::new(dir.path());
    let (a, b, c) = (builder.add(), builder.add(), builder.add());
    for _ in 0..3 {
        builder.push(a, None).unwrap();
    }
    builder.push(b, Some(5)).unwrap();
    builder.push(b, None).unwrap();
    builder.push(c, Some(u64::MAX)).unwrap();
    assert!(builder.push(c, None).is_err());
    let path = dir.path().join("sequences");
    let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
    let explicit = false;
    let expected = [0, 5, u64::MAX].map(|first| Sequence { first, explicit });
    assert_eq!(builder.finish(&mut out).unwrap(), expected);
}

/// A file whose section of orders (or sequences) holds these numbers.
fn file_with(kind: SectionKind, bytes: &[u8]) -> Arc<Container> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
    if !bytes.is_empty() {
        out.whole(kind, bytes).unwrap();
    }
    out.metadata(&0_u8).unwrap();
    out.finish().unwrap();
    let options = OpenOptions::default();
    let file = Container::open(&path, FileKind::Records, Expected::Any, &options);
    Arc::new(file.unwrap())
}

fn u32s(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// Everything that can be asked of an order; the first refusal.
fn ask(bytes: &[u8], order: Order, entries: u32, rows: u32) -> Result<()> {
    let file = file_with(SectionKind::ORDERS, bytes);
    let mut parts = OrderParts::begin(&file, rows);
    let order = parts.next(order, entries)?;
    parts.end()?;
    let walked = order.check_structure();
    // Lookups fail or not; they always return, and inside their limits.
    for entry in 0..entries {
        assert!(order.row_of(entry).is_ok_and(|row| row < rows) || walked.is_err());
    }
    for row in 0..rows {
        let found = order.entry_of(row);
        assert!(found.is_ok_and(|e| e.is_none_or(|e| e < entries)) || walked.is_err());
    }
    walked.map(drop)
}

fn refused<T>(result: Result<T>) -> Fault {
    match result {
        Err(Error::Damaged { fault, .. }) => fault,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("nothing was refused"),
    }
}

#[test]
fn malformed_orders_are_refused() {
    use Order::{Ascending, Bitmap, Explicit, Range};
    let bounds = Fault::Bounds;
    let refusal = |bytes: &[u8], order, entries, rows| refused(ask(bytes, order, entries, rows));
    let empty = Fault::Value("the order of a map without entries");
    for order in [Range { first: 1 }, Bitmap, Ascending, Explicit] {
        assert_eq!(refusal(&[], order, 0, 5), empty);
    }
    for first in [3, u32::MAX] {
        let fault = refusal(&[], Range { first }, 3, 5);
        assert_eq!(fault, bounds("a range of rows"));
    }
    for order in [Bitmap, Ascending] {
        let fault = refusal(&[0; 64], order, 6, 5);
        assert_eq!(fault, bounds("number of entries in ascending order"));
    }

    // the section is missing, too short, or has bytes left over
    assert_eq!(refusal(&[], Explicit, 1, 5), Fault::Missing);
    let short = bounds("the order of a map");
    assert_eq!(refusal(&[0; 8], Explicit, 2, 5), short);
    assert_eq!(refusal(&[0; 16], Explicit, u32::MAX, 5), short);
    assert_eq!(refusal(&[0; 24], Explicit, 2, 5), Fault::Layout);
    assert_eq!(refusal(&[0; 8], Range { first: 0 }, 2, 5), Fault::Layout);

    // lists
    assert!(ask(&u32s(&[1, 3, 4, 0]), Ascending, 3, 5).is_ok());
    let fault = refusal(&u32s(&[1, 3, 4, 1]), Ascending, 3, 5);
    assert_eq!(fault, Fault::Reserved);
    let fault = refusal(&u32s(&[1, 3, 5, 0]), Ascending, 3, 5);
    assert_eq!(fault, bounds("row of an entry"));
    for list in [[1, 3, 3, 0], [1, 3, 2, 0], [3, 1, 4, 0]] {
        let fault = refusal(&u32s(&list), Ascending, 3, 5);
        assert_eq!(fault, Fault::Value("a row in ascending order"));
    }
    assert!(ask(&u32s(&[4, 1, 4, 1, 0, 2]), Explicit, 3, 5).is_ok());
    let fault = refusal(&u32s(&[5, 1, 4, 1, 0, 2]), Explicit, 3, 5);
    assert_eq!(fault, bounds("row of an entry"));
    let fault = refusal(&u32s(&[4, 1, 4, 1, 3, 2]), Explicit, 3, 5);
    assert_eq!(fault, bounds("entry of a row"));
    for by_row in [[1, 2, 0], [0, 1, 2], [1, 0, 0], [1, 1, 2]] {
        let list = [&[4, 1, 4], &by_row[..]].concat();
        let fault = refusal(&u32s(&list), Explicit, 3, 5);
        assert_eq!(fault, Fault::Value("an entry sorted by row"));
    }

    // bitmaps of 600 rows: 10 words, two counts
    let bitmap = |change: &dyn Fn(&mut [u8])| {
        let mut bytes = vec![0; 88];
        bytes[1] = 0b101;
        bytes[70] = 0b1000;
        bytes[84] = 2;
        change(&mut bytes);
        ask(&bytes, Bitmap, 3, 600)
    };
    assert!(bitmap(&|_| ()).is_ok());
    let count = bounds("count of the bits that are set");
    assert_eq!(refused(bitmap(&|b| b[80] = 1)), count);
    assert_eq!(refused(bitmap(&|b| b[84] = 1)), count);
    assert_eq!(refused(bitmap(&|b| b[87] = 0xff)), count);
    let number = bounds("number of bits that are set");
    assert_eq!(refused(bitmap(&|b| b[71] = 1)), number);
    assert_eq!(refused(bitmap(&|b| b[70] = 0)), number);
    // bit 600 is the first after the last row
    assert_eq!(
        refused(bitmap(&|b| (b[70], b[75]) = (0, 1))),
        Fault::Reserved
    );
    let file = |bits: u32| vec![0xff; RankedBits::byte_len(bits).next_multiple_of(8) as usize];
    assert_eq!(refusal(&file(600), Bitmap, 600, 600), count);
    let mut padded = vec![0; 16];
    (padded[0], padded[12]) = (1, 1);
    assert_eq!(refusal(&padded, Bitmap, 1, 8), Fault::Reserved);
}

#[test]
fn malformed_sequences_are_refused() {
    let ask = |numbers: &[u64], first, explicit, entries| -> Result<()> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let file = file_with(SectionKind::SEQUENCES, &bytes);
        let mut parts = SequenceParts::begin(&file);
        let sequence = parts.next(Sequence { first, explicit }, entries)?;
        parts.end()?;
        (0..entries).try_for_each(|entry| sequence.get(entry).map(drop))?;
        sequence.check_structure()
    };
    assert!(ask(&[], u64::MAX - 2, false, 3).is_ok());
    assert!(ask(&[1, 5, u64::MAX], 0, true, 3).is_ok());
    let passes = Fault::Bounds("a sequence of numbers");
    assert_eq!(refused(ask(&[], u64::MAX - 1, false, 3)), passes);
    let first = Fault::Value("a first sequence number");
    assert_eq!(refused(ask(&[1, 5], 1, true, 2)), first);
    assert_eq!(refused(ask(&[], 1, false, 0)), first);
    assert_eq!(refused(ask(&[], 0, true, 0)), first);
    assert_eq!(refused(ask(&[], 0, true, 2)), Fault::Missing);
    let short = Fault::Bounds("the sequence numbers of a map");
    assert_eq!(refused(ask(&[1], 0, true, 2)), short);
    assert_eq!(refused(ask(&[1, 2, 3], 0, true, 2)), Fault::Layout);
    assert_eq!(refused(ask(&[1], 0, false, 2)), Fault::Layout);
    let ascends = Fault::Value("a sequence number");
    assert_eq!(refused(ask(&[5, 5], 0, true, 2)), ascends);
    assert_eq!(refused(ask(&[5, 4], 0, true, 2)), ascends);
}
