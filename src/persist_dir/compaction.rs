//! When segments are merged, and which.
//!
//! A commit adds a segment to each store that changed. Reads look into every
//! segment of a store, and deleted entries take up room, so segments are merged
//! now and then. Merging all of them each time would write a large store again
//! and again; merging none would make reads slow. The rule:
//!
//! * A store whose segments are small together ([`SMALL`]) is kept in one.
//! * Where a quarter of the entries are deleted, all segments are merged.
//! * Where there are more than [`MAX_SEGMENTS`], the newest are merged: as far back
//!   as a segment is at most twice as large as all newer ones together.
//!
//! So a read looks into at most [`MAX_SEGMENTS`] segments. And what is merged at
//! least lands in a segment half as large again as the one it was in, unless it is
//! in one of the two newest: a byte of a store that only grows is written
//! `log(n) / log(1.5)` times at most, where `n` is how many times larger the store
//! is than one commit, and half as often in practice (the test below counts).

/// More segments than these are not left in a store.
pub const MAX_SEGMENTS: usize = 8;
/// Segments that are shorter together are one, unless the caller says otherwise:
/// 512 KiB, which is 1 MiB of JSON or more.
pub const SMALL: u64 = 512 << 10;

/// What there is to merge in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entries {
    /// Entries of all maps in all segments.
    pub all: u64,
    /// Those of them that are deleted.
    pub dead: u64,
}

/// The number of the segment from which on all are to be merged into one; `None`
/// where the store is fine. `lengths` are those of the segments, oldest first,
/// tombstones left out; shorter than `small` together, they are one.
#[must_use]
pub fn due(lengths: &[u64], entries: Entries, small: u64) -> Option<usize> {
    let sum = lengths.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
    let untidy = lengths.len() > 1 || entries.dead > 0;
    let many_dead = entries.dead > 0 && entries.dead.saturating_mul(4) >= entries.all;
    if many_dead || (untidy && sum < small) {
        return Some(0);
    }
    if lengths.len() <= MAX_SEGMENTS {
        return None;
    }
    let (mut from, mut taken) = (lengths.len(), 0_u64);
    for (n, &length) in lengths.iter().enumerate().rev() {
        let joins = length <= taken.saturating_mul(2) || lengths.len() - n <= 2;
        if !joins {
            break;
        }
        (from, taken) = (n, taken.saturating_add(length));
    }
    Some(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(lengths: &[u64], entries: Entries) -> Option<usize> {
        super::due(lengths, entries, SMALL)
    }

    const MIB: u64 = 1 << 20;
    const CLEAN: Entries = Entries { all: 1000, dead: 0 };

    #[test]
    fn small_stores_are_one_segment() {
        assert_eq!(due(&[100], CLEAN), None);
        assert_eq!(due(&[100, 100], CLEAN), Some(0));
        assert_eq!(due(&[100], Entries { all: 9, dead: 1 }), Some(0));
        assert_eq!(due(&[MIB, 100], CLEAN), None);
    }

    #[test]
    fn a_quarter_of_dead_entries_is_too_many() {
        let entries = |dead| Entries { all: 1000, dead };
        assert_eq!(due(&[9 * MIB], entries(249)), None);
        assert_eq!(due(&[9 * MIB], entries(250)), Some(0));
        assert_eq!(due(&[9 * MIB], Entries::default()), None);
    }

    #[test]
    fn large_old_segments_are_left_alone() {
        let mut lengths = vec![1000 * MIB];
        lengths.extend([MIB; 8]);
        assert_eq!(due(&lengths, CLEAN), Some(1));
        // Even where each is much larger than the next, two are merged.
        let steep: Vec<u64> = (0..9).map(|n| MIB << (3 * (8 - n))).collect();
        assert_eq!(due(&steep, CLEAN), Some(7));
    }

    /// Commits of one size to a store of `base`: how often a byte of theirs was
    /// written.
    fn amplification(base: u64, commits: u64) -> f64 {
        let mut lengths = vec![base * MIB];
        let mut written = 0;
        for _ in 0..commits {
            lengths.push(MIB);
            written += MIB;
            if let Some(from) = due(&lengths, CLEAN) {
                let merged: u64 = lengths.drain(from..).sum();
                lengths.push(merged);
                written += merged;
            }
            assert!(lengths.len() <= MAX_SEGMENTS);
        }
        written as f64 / (commits * MIB) as f64
    }

    #[test]
    fn what_is_written_grows_with_the_logarithm() {
        for (base, commits) in [(0, 100), (0, 10_000), (1_000, 1_000), (100_000, 10_000)] {
            let times = amplification(base, commits);
            let bound = ((base + commits) as f64).ln() / 1.5_f64.ln();
            assert!(times < bound, "{base} {commits}: {times} of {bound}");
        }
    }
}
