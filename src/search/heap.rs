//! CPython's `heapq`, and `sorted` of what is in the heap.
//!
//! `get_top_k_embeddings` of LlamaIndex pushes every row to a heap, pops the
//! smallest when there are more than k, and sorts what is left by score alone.
//! So the order of rows with equal scores is that of the heap's array, which
//! depends on its whole history; where a score is NaN, which compares as less
//! than nothing, so does what is in it. Hence the very steps of `heapq` are
//! repeated here.
//!
//! How two items compare is up to the caller, because it may have to read: ids
//! where scores are equal, or the scores themselves.

use std::cmp::Ordering;

use super::list_sort::list_sort;

/// Whether the first item is less than the second.
pub(crate) trait Less<T, E>: FnMut(T, T) -> Result<bool, E> {}

impl<T, E, F: FnMut(T, T) -> Result<bool, E>> Less<T, E> for F {}

/// `heappush`, and `heappop` if there are then more than `limit` items.
///
/// # Errors
/// Those of `less`; the heap's order is then undefined.
pub(crate) fn push<T: Copy, E>(
    heap: &mut Vec<T>,
    item: T,
    limit: usize,
    less: &mut impl Less<T, E>,
) -> Result<(), E> {
    let last = heap.len();
    heap.push(item);
    sift_down(heap, last, less)?;
    match heap.len() > limit {
        true => pop(heap, less),
        false => Ok(()),
    }
}

/// `heappop`: the last item takes the place of the first, which is dropped.
fn pop<T: Copy, E>(heap: &mut Vec<T>, less: &mut impl Less<T, E>) -> Result<(), E> {
    let last = heap.pop();
    match (heap.first_mut(), last) {
        (Some(first), Some(last)) => *first = last,
        _ => return Ok(()),
    }
    sift_up(heap, less)
}

/// `_siftdown`: the item at `at` goes towards the root, past greater parents.
fn sift_down<T: Copy, E>(
    heap: &mut [T],
    mut at: usize,
    less: &mut impl Less<T, E>,
) -> Result<(), E> {
    while at > 0 {
        let parent = (at - 1) / 2;
        match (heap.get(at), heap.get(parent)) {
            (Some(&item), Some(&above)) if less(item, above)? => heap.swap(at, parent),
            _ => break,
        }
        at = parent;
    }
    Ok(())
}

/// `_siftup`: the root goes all the way to a leaf, past its smaller children
/// (the right one, where neither is less), and from there back up.
fn sift_up<T: Copy, E>(heap: &mut [T], less: &mut impl Less<T, E>) -> Result<(), E> {
    let mut at = 0;
    loop {
        let child = match (heap.get(2 * at + 1), heap.get(2 * at + 2)) {
            (Some(&left), Some(&right)) if !less(left, right)? => 2 * at + 2,
            (Some(_), _) => 2 * at + 1,
            (None, _) => break,
        };
        heap.swap(at, child);
        at = child;
    }
    sift_down(heap, at, less)
}

/// `sorted(heap, key=score, reverse=True)`: stable, as far as scores can be
/// ordered at all.
pub(crate) fn sorted<T: Copy + Default>(heap: &[T], score: impl Fn(&T) -> f64) -> Vec<T> {
    let mut items: Vec<(f64, T)> = heap.iter().map(|item| (score(item), *item)).collect();
    if items.iter().any(|(score, _)| score.is_nan()) {
        // What a sort makes of NaN depends on which items it compares.
        items.reverse();
        list_sort(&mut items);
        items.reverse();
    } else {
        items.sort_by(|(a, _), (b, _)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
    }
    items.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests;
