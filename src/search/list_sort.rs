//! CPython's `list.sort` (3.11: timsort with powersort's merge policy), step by
//! step.
//!
//! For scores that can be ordered every stable sort gives the same. With NaN
//! among them the outcome is whatever the steps of this one sort make of it,
//! and LlamaIndex reports that. Names are those of `Objects/listobject.c`,
//! whose comments, and `listsort.txt` beside it, say why it is done so.

/// How often one run must win in a row before a merge gallops, at first.
const MIN_GALLOP: usize = 7;

/// Sorts by the number alone.
pub(super) fn list_sort<T: Copy + Default>(items: &mut [(f64, T)]) {
    let mut merge = Merge {
        pending: Vec::new(),
        min_gallop: MIN_GALLOP,
    };
    let min_run = min_run(items.len());
    let mut lo = 0;
    while lo < items.len() {
        let rest = items.get_mut(lo..).unwrap_or_default();
        let (mut n, descending) = count_run(rest);
        if descending {
            rest.get_mut(..n).unwrap_or_default().reverse();
        }
        let forced = min_run.min(rest.len());
        if n < forced {
            binary_sort(rest.get_mut(..forced).unwrap_or_default(), n);
            n = forced;
        }
        merge.found_new_run(items, n);
        merge.pending.push(Run {
            base: lo,
            len: n,
            power: 0,
        });
        lo += n;
    }
    merge.force_collapse(items);
}

/// The element at `at`, which is inside: all steps stay within their runs
/// whatever comparisons say.
fn at<T: Copy + Default>(items: &[(f64, T)], at: usize) -> (f64, T) {
    items.get(at).copied().unwrap_or_default()
}

fn put<T>(items: &mut [(f64, T)], at: usize, item: (f64, T)) {
    if let Some(place) = items.get_mut(at) {
        *place = item;
    }
}

/// `merge_compute_minrun`
fn min_run(mut n: usize) -> usize {
    let mut odd = 0;
    while n >= 64 {
        odd |= n & 1;
        n >>= 1;
    }
    n + odd
}

/// `count_run`: the length of the run that `items` begin with, and whether it
/// descends.
fn count_run<T: Copy + Default>(items: &[(f64, T)]) -> (usize, bool) {
    let mut pairs = items.windows(2).map(|pair| match pair {
        [a, b] => b.0 < a.0,
        _ => false,
    });
    let Some(descending) = pairs.next() else {
        return (items.len(), false);
    };
    (
        2 + pairs.take_while(|&less| less == descending).count(),
        descending,
    )
}

/// `binarysort`: sorts by insertion, the first `start` being sorted.
fn binary_sort<T: Copy + Default>(items: &mut [(f64, T)], start: usize) {
    for start in start.max(1)..items.len() {
        let pivot = at(items, start);
        let (mut l, mut r) = (0, start);
        while l < r {
            let p = l + (r - l) / 2;
            if pivot.0 < at(items, p).0 {
                r = p;
            } else {
                l = p + 1;
            }
        }
        items.get_mut(l..=start).unwrap_or_default().rotate_right(1);
    }
}

/// `gallop_left`: where `key` belongs in the run `a`, before its equals.
fn gallop_left<T: Copy + Default>(key: f64, a: &[(f64, T)], hint: usize) -> usize {
    gallop(a, hint, |x| x < key)
}

/// `gallop_right`: where `key` belongs in the run `a`, after its equals. (It
/// asks `key < x` where the other one asks `x < key`, so it stops where the
/// answer changes from no to yes.)
fn gallop_right<T: Copy + Default>(key: f64, a: &[(f64, T)], hint: usize) -> usize {
    let less = |a: f64, b: f64| a < b;
    gallop(a, hint, |x| !less(key, x))
}

/// The first place in `a` that `goes_before` is false of: in steps that double
/// from `hint` on, then by bisection.
fn gallop<T: Copy + Default>(
    a: &[(f64, T)],
    hint: usize,
    goes_before: impl Fn(f64) -> bool,
) -> usize {
    let (mut last, mut ofs) = (0, 1);
    let (low, mut high);
    if goes_before(at(a, hint).0) {
        let max = a.len() - hint;
        while ofs < max && goes_before(at(a, hint + ofs).0) {
            last = ofs;
            ofs = 2 * ofs + 1;
        }
        (low, high) = (hint + last + 1, hint + ofs.min(max));
    } else {
        let max = hint + 1;
        while ofs < max && !goes_before(at(a, hint - ofs).0) {
            last = ofs;
            ofs = 2 * ofs + 1;
        }
        (low, high) = (hint + 1 - ofs.min(max), hint - last);
    }
    let mut low = low;
    while low < high {
        let middle = low + (high - low) / 2;
        if goes_before(at(a, middle).0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    high
}

#[derive(Debug, Clone, Copy)]
struct Run {
    base: usize,
    len: usize,
    power: u32,
}

/// `MergeState`
struct Merge {
    pending: Vec<Run>,
    min_gallop: usize,
}

impl Merge {
    /// `found_new_run`: merges what must be merged before a run of length
    /// `next` is pushed.
    fn found_new_run<T: Copy + Default>(&mut self, items: &mut [(f64, T)], next: usize) {
        let Some(last) = self.pending.last().copied() else {
            return;
        };
        let power = power(last.base, last.len, next, items.len());
        while let [.., before, _] = self.pending.as_slice()
            && before.power > power
        {
            self.merge_at(items, self.pending.len() - 2);
        }
        if let Some(last) = self.pending.last_mut() {
            last.power = power;
        }
    }

    /// `merge_force_collapse`
    fn force_collapse<T: Copy + Default>(&mut self, items: &mut [(f64, T)]) {
        loop {
            match self.pending.as_slice() {
                [.., a, _, c] if a.len < c.len => self.merge_at(items, self.pending.len() - 3),
                [.., _, _] => self.merge_at(items, self.pending.len() - 2),
                _ => return,
            }
        }
    }

    /// `merge_at`: merges the runs `i` and `i + 1`.
    fn merge_at<T: Copy + Default>(&mut self, items: &mut [(f64, T)], i: usize) {
        if i + 1 >= self.pending.len() {
            return;
        }
        let second = self.pending.remove(i + 1);
        let Some(first) = self.pending.get_mut(i) else {
            return;
        };
        let (start, middle) = (first.base, second.base);
        first.len += second.len;
        let end = first.base + first.len;
        let a = items.get(start..middle).unwrap_or_default();
        let start = start + gallop_right(at(items, middle).0, a, 0);
        if start == middle {
            return;
        }
        let b = items.get(middle..end).unwrap_or_default();
        let nb = gallop_left(at(items, middle - 1).0, b, b.len() - 1);
        if nb == 0 {
            return;
        }
        let both = items.get_mut(start..middle + nb).unwrap_or_default();
        if middle - start <= nb {
            self.merge_lo(both, middle - start);
        } else {
            self.merge_hi(both, middle - start);
        }
    }

    /// `merge_lo`: merges the runs before and after `split` from the left.
    fn merge_lo<T: Copy + Default>(&mut self, items: &mut [(f64, T)], split: usize) {
        let temp = items.get(..split).unwrap_or_default().to_vec();
        let (mut a, mut b, mut dest) = (0, split, 0);
        let end = items.len();
        // The rest of A goes to the end when B is used up; when A has one
        // element left, that is the last of all.
        'merge: {
            put(items, dest, at(items, b));
            (dest, b) = (dest + 1, b + 1);
            if b == end || temp.len() - a == 1 {
                break 'merge;
            }
            loop {
                let (mut from_a, mut from_b) = (0, 0);
                loop {
                    if at(items, b).0 < at(&temp, a).0 {
                        put(items, dest, at(items, b));
                        (dest, b) = (dest + 1, b + 1);
                        (from_a, from_b) = (0, from_b + 1);
                        if b == end {
                            break 'merge;
                        }
                    } else {
                        put(items, dest, at(&temp, a));
                        (dest, a) = (dest + 1, a + 1);
                        (from_a, from_b) = (from_a + 1, 0);
                        if temp.len() - a == 1 {
                            break 'merge;
                        }
                    }
                    if from_a.max(from_b) >= self.min_gallop {
                        break;
                    }
                }
                self.min_gallop += 1;
                loop {
                    self.min_gallop -= usize::from(self.min_gallop > 1);
                    let rest = temp.get(a..).unwrap_or_default();
                    from_a = gallop_right(at(items, b).0, rest, 0);
                    for _ in 0..from_a {
                        put(items, dest, at(&temp, a));
                        (dest, a) = (dest + 1, a + 1);
                    }
                    if from_a > 0 && temp.len() - a <= 1 {
                        break 'merge;
                    }
                    put(items, dest, at(items, b));
                    (dest, b) = (dest + 1, b + 1);
                    if b == end {
                        break 'merge;
                    }
                    let rest = items.get(b..).unwrap_or_default();
                    from_b = gallop_left(at(&temp, a).0, rest, 0);
                    items.copy_within(b..b + from_b, dest);
                    (dest, b) = (dest + from_b, b + from_b);
                    if from_b > 0 && b == end {
                        break 'merge;
                    }
                    put(items, dest, at(&temp, a));
                    (dest, a) = (dest + 1, a + 1);
                    if temp.len() - a == 1 {
                        break 'merge;
                    }
                    if from_a < MIN_GALLOP && from_b < MIN_GALLOP {
                        break;
                    }
                }
                self.min_gallop += 1;
            }
        }
        items.copy_within(b..end, dest);
        dest += end - b;
        for item in temp.get(a..).unwrap_or_default() {
            put(items, dest, *item);
            dest += 1;
        }
    }

    /// `merge_hi`: merges the runs before and after `split` from the right.
    /// `a`, `b` and `dest` are one behind the places meant.
    fn merge_hi<T: Copy + Default>(&mut self, items: &mut [(f64, T)], split: usize) {
        let temp = items.get(split..).unwrap_or_default().to_vec();
        let (mut a, mut b, mut dest) = (split, temp.len(), items.len());
        'merge: {
            put(items, dest - 1, at(items, a - 1));
            (dest, a) = (dest - 1, a - 1);
            if a == 0 || b == 1 {
                break 'merge;
            }
            loop {
                let (mut from_a, mut from_b) = (0, 0);
                loop {
                    if at(&temp, b - 1).0 < at(items, a - 1).0 {
                        put(items, dest - 1, at(items, a - 1));
                        (dest, a) = (dest - 1, a - 1);
                        (from_a, from_b) = (from_a + 1, 0);
                        if a == 0 {
                            break 'merge;
                        }
                    } else {
                        put(items, dest - 1, at(&temp, b - 1));
                        (dest, b) = (dest - 1, b - 1);
                        (from_a, from_b) = (0, from_b + 1);
                        if b == 1 {
                            break 'merge;
                        }
                    }
                    if from_a.max(from_b) >= self.min_gallop {
                        break;
                    }
                }
                self.min_gallop += 1;
                loop {
                    self.min_gallop -= usize::from(self.min_gallop > 1);
                    let rest = items.get(..a).unwrap_or_default();
                    let keep = gallop_right(at(&temp, b - 1).0, rest, a - 1);
                    from_a = a - keep;
                    items.copy_within(keep..a, dest - from_a);
                    (dest, a) = (dest - from_a, keep);
                    if from_a > 0 && a == 0 {
                        break 'merge;
                    }
                    put(items, dest - 1, at(&temp, b - 1));
                    (dest, b) = (dest - 1, b - 1);
                    if b == 1 {
                        break 'merge;
                    }
                    let rest = temp.get(..b).unwrap_or_default();
                    let keep = gallop_left(at(items, a - 1).0, rest, b - 1);
                    from_b = b - keep;
                    for _ in 0..from_b {
                        put(items, dest - 1, at(&temp, b - 1));
                        (dest, b) = (dest - 1, b - 1);
                    }
                    if from_b > 0 && b <= 1 {
                        break 'merge;
                    }
                    put(items, dest - 1, at(items, a - 1));
                    (dest, a) = (dest - 1, a - 1);
                    if a == 0 {
                        break 'merge;
                    }
                    if from_a < MIN_GALLOP && from_b < MIN_GALLOP {
                        break;
                    }
                }
                self.min_gallop += 1;
            }
        }
        items.copy_within(..a, dest - a);
        for (place, item) in items.iter_mut().zip(temp.get(..b).unwrap_or_default()) {
            *place = *item;
        }
    }
}

/// `powerloop`: how deep in a balanced tree of merges the border between two
/// neighbouring runs stands.
fn power(start: usize, first: usize, second: usize, n: usize) -> u32 {
    let mut result = 0;
    let mut a = 2 * start + first;
    let mut b = a + first + second;
    loop {
        result += 1;
        if a >= n {
            a -= n;
            b -= n;
        } else if b >= n {
            return result;
        }
        a *= 2;
        b *= 2;
    }
}

#[cfg(test)]
mod tests;
