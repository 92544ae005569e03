//! The heap beside a literal transcription of `heapq.py`, and beside orders
//! that CPython 3.11.7 gave.

use std::convert::Infallible;

use proptest::prelude::*;

use super::{push, sorted};
use crate::search::tests::{Random, fnv, scores};

type Item<'i> = (f64, &'i str);

/// Python's `(score, id) < (score, id)`: the first items that are not equal
/// decide.
fn less(a: &Item<'_>, b: &Item<'_>) -> bool {
    match a.0 == b.0 {
        true => a.1 < b.1,
        false => a.0 < b.0,
    }
}

/// `heapq.py`, line by line.
mod heapq {
    use super::{Item, less};

    pub fn heappush<'i>(heap: &mut Vec<Item<'i>>, item: Item<'i>) {
        heap.push(item);
        let pos = heap.len() - 1;
        siftdown(heap, 0, pos);
    }

    pub fn heappop<'i>(heap: &mut Vec<Item<'i>>) -> Item<'i> {
        let lastelt = heap.pop().unwrap();
        if !heap.is_empty() {
            let returnitem = heap[0];
            heap[0] = lastelt;
            siftup(heap, 0);
            return returnitem;
        }
        lastelt
    }

    fn siftdown(heap: &mut [Item<'_>], startpos: usize, mut pos: usize) {
        let newitem = heap[pos];
        while pos > startpos {
            let parentpos = (pos - 1) >> 1;
            let parent = heap[parentpos];
            if less(&newitem, &parent) {
                heap[pos] = parent;
                pos = parentpos;
                continue;
            }
            break;
        }
        heap[pos] = newitem;
    }

    fn siftup(heap: &mut [Item<'_>], mut pos: usize) {
        let endpos = heap.len();
        let startpos = pos;
        let newitem = heap[pos];
        let mut childpos = 2 * pos + 1;
        while childpos < endpos {
            let rightpos = childpos + 1;
            if rightpos < endpos && !less(&heap[childpos], &heap[rightpos]) {
                childpos = rightpos;
            }
            heap[pos] = heap[childpos];
            pos = childpos;
            childpos = 2 * pos + 1;
        }
        heap[pos] = newitem;
        siftdown(heap, startpos, pos);
    }
}

fn pushed<'i>(items: &[Item<'i>], limit: usize) -> Vec<Item<'i>> {
    let mut heap = Vec::new();
    let mut less = |a: Item<'i>, b: Item<'i>| Ok::<_, Infallible>(less(&a, &b));
    for item in items {
        let Ok(()) = push(&mut heap, *item, limit, &mut less);
    }
    heap
}

fn ids<'i>(items: &[Item<'i>]) -> Vec<&'i str> {
    items.iter().map(|(_, id)| *id).collect()
}

#[test]
fn equal_scores_come_in_the_order_of_the_heap() {
    let equal = |ids: &'static str| -> Vec<Item<'static>> {
        (0..ids.len()).map(|n| (0.5, &ids[n..=n])).collect()
    };
    let top = |items: &[Item<'static>], limit| {
        let heap = pushed(items, limit);
        ids(&sorted(&heap, |(score, _)| *score)).join("")
    };
    assert_eq!(top(&equal("abcdef"), 3), "dfe");
    assert_eq!(top(&equal("abcdef"), 4), "cdfe");
    assert_eq!(top(&equal("fedcba"), 6), "acbfde");
    assert_eq!(top(&[(f64::NAN, "a"), (1.0, "b")], 1), "b");
    assert_eq!(
        top(&[(1.0, "b"), (f64::NAN, "a"), (1.0, "c"), (0.0, "d")], 5),
        "bacd"
    );
}

#[test]
fn the_top_is_what_cpython_gave() {
    for (seed, (n, distinct, nans, limit, expected)) in (0..).zip([
        (50, 5, 0, 3, 0x6f82_7abd_5773_fd98),
        (50, 5, 9, 3, 0xe420_6241_aff1_fc9a),
        (400, 7, 0, 10, 0x23d8_a28d_82be_89ec),
        (400, 7, 40, 10, 0x298f_32fe_cb61_3fbe),
        (400, 400, 40, 100, 0xa240_3413_5a17_f145),
        (1000, 20, 300, 64, 0x7065_18d1_320b_2fa2),
        (1000, 20, 30, usize::MAX, 0x451a_023b_4f08_66c7),
        (6, 2, 2, 1, 0x39bb_a9eb_9662_d8f6),
    ]) {
        let scores = scores(seed, n, distinct, nans);
        let mut random = Random(seed + 99);
        let ids: Vec<String> = (0..n)
            .map(|i| format!("{}-{i}", random.below(10_000)))
            .collect();
        let items: Vec<Item<'_>> = scores
            .into_iter()
            .zip(ids.iter().map(String::as_str))
            .collect();
        let top = sorted(&pushed(&items, limit), |(score, _)| *score);
        let bytes = top.iter().flat_map(|(_, id)| id.bytes().map(u64::from));
        assert_eq!(fnv(bytes), expected, "{n} items, {limit} wanted");
    }
}

proptest! {
    #[test]
    fn the_array_is_that_of_heapq(
        scores in prop::collection::vec(
            prop_oneof![4 => (-3_i8..3).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(-0.0)],
            0..60,
        ),
        limit in 1_usize..20,
    ) {
        let ids: Vec<String> = (0..scores.len()).map(|n| (n * 7 % 10).to_string()).collect();
        let items: Vec<Item<'_>> = scores.into_iter().zip(ids.iter().map(String::as_str)).collect();
        let mut expected = Vec::new();
        for item in &items {
            heapq::heappush(&mut expected, *item);
            if expected.len() > limit {
                heapq::heappop(&mut expected);
            }
        }
        let heap = pushed(&items, limit);
        prop_assert_eq!(format!("{heap:?}"), format!("{expected:?}"));
    }

    /// What lets a scan leave out most rows.
    #[test]
    fn an_item_below_k_others_leaves_no_trace(
        scores in prop::collection::vec(-5_i8..5, 1..80),
        limit in 1_usize..20,
    ) {
        let ids: Vec<String> = (0..scores.len()).map(|n| format!("{:02}", n * 37 % 80)).collect();
        let items: Vec<Item<'_>> = scores.iter().map(|&s| f64::from(s)).zip(ids.iter().map(String::as_str)).collect();
        let is_below = |n: usize| {
            let before = items[..n].iter();
            before.filter(|item| item.0 > items[n].0).count() >= limit
        };
        let few: Vec<Item<'_>> = (0..items.len()).filter(|&n| !is_below(n)).map(|n| items[n]).collect();
        prop_assert_eq!(pushed(&few, limit), pushed(&items, limit));
    }
}
