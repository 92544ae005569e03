//! A set of small numbers: which entries, which rows.

/// Numbers below a bound, a bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BitSet {
    /// Bits from `bound` on are 0.
    words: Vec<u64>,
    bound: u32,
}

impl BitSet {
    /// No number below `bound`.
    pub(crate) fn empty(bound: u32) -> BitSet {
        BitSet {
            words: vec![0; bound.div_ceil(64) as usize],
            bound,
        }
    }

    /// All numbers below `bound`.
    pub(crate) fn full(bound: u32) -> BitSet {
        BitSet::of_words(vec![u64::MAX; bound.div_ceil(64) as usize], bound)
    }

    /// The numbers whose bits are set, as far as they are below `bound`.
    pub(super) fn of_words(words: Vec<u64>, bound: u32) -> BitSet {
        let mut set = BitSet { words, bound };
        set.set_bound(bound);
        set
    }

    /// Takes numbers below `bound`, and drops those that are not.
    pub(crate) fn set_bound(&mut self, bound: u32) {
        self.words.resize(bound.div_ceil(64) as usize, 0);
        if let (Some(last), 1..) = (self.words.last_mut(), bound % 64) {
            *last &= (1 << (bound % 64)) - 1;
        }
        self.bound = bound;
    }

    /// Adds a number, which is below the bound.
    pub(crate) fn insert(&mut self, number: u32) {
        debug_assert!(number < self.bound);
        if let Some(word) = self.words.get_mut((number / 64) as usize) {
            *word |= 1 << (number % 64);
        }
    }

    pub(crate) fn remove(&mut self, number: u32) {
        if let Some(word) = self.words.get_mut((number / 64) as usize) {
            *word &= !(1 << (number % 64));
        }
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        let word = self.words.get((number / 64) as usize);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Keeps what is in `other`, too.
    pub(crate) fn keep(&mut self, other: &BitSet) {
        self.merge(other, |a, b| a & b);
    }

    /// Drops what is in `other`.
    pub(crate) fn drop_all(&mut self, other: &BitSet) {
        self.merge(other, |a, b| a & !b);
    }

    /// Adds what is in `other`, which has the same bound.
    pub(crate) fn add_all(&mut self, other: &BitSet) {
        self.merge(other, |a, b| a | b);
    }

    fn merge(&mut self, other: &BitSet, with: impl Fn(u64, u64) -> u64) {
        debug_assert_eq!(self.bound, other.bound);
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word = with(*word, *other);
        }
    }

    /// All numbers below the bound that are not in the set.
    pub(crate) fn complement(&self) -> BitSet {
        BitSet::of_words(self.words.iter().map(|word| !word).collect(), self.bound)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    pub(crate) fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        (0_u32..).zip(&self.words).flat_map(|(n, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                (left != 0).then(|| {
                    left &= left - 1;
                    n * 64 + bit
                })
            })
        })
    }
}
