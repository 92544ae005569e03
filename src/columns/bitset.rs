//! A set of small numbers: which entries, which rows.

/// Numbers below a bound, a bit each.
#[derive(Debug, Clone)]
pub(crate) struct BitSet {
    /// Bits from `bound` on are 0, and words that are not there, too: many sets are empty,
    /// and cost nothing then.
    words: Vec<u64>,
    bound: u32,
}

impl BitSet {
    /// No number below `bound`.
    pub(crate) fn empty(bound: u32) -> BitSet {
        BitSet {
            words: Vec::new(),
            bound,
        }
    }

    /// All numbers below `bound`.
    pub(crate) fn full(bound: u32) -> BitSet {
        BitSet::of_words(vec![u64::MAX; words_of(bound)], bound)
    }

    /// The numbers whose bits are set, as far as they are below `bound`.
    pub(super) fn of_words(words: Vec<u64>, bound: u32) -> BitSet {
        let mut set = BitSet { words, bound };
        set.set_bound(bound);
        set
    }

    /// Takes numbers below `bound`, and drops those that are not.
    pub(crate) fn set_bound(&mut self, bound: u32) {
        self.words.truncate(words_of(bound));
        if let (Some(last), 1..) = (self.words.get_mut((bound / 64) as usize), bound % 64) {
            *last &= (1 << (bound % 64)) - 1;
        }
        self.bound = bound;
    }

    /// Adds a number, which is below the bound.
    pub(crate) fn insert(&mut self, number: u32) {
        debug_assert!(number < self.bound);
        if self.words.len() <= (number / 64) as usize {
            self.words.resize(words_of(self.bound), 0);
        }
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
        self.words.truncate(other.words.len());
        self.merge(other, |a, b| a & b);
    }

    /// Drops what is in `other`.
    pub(crate) fn drop_all(&mut self, other: &BitSet) {
        self.merge(other, |a, b| a & !b);
    }

    /// Adds what is in `other`, which has the same bound.
    pub(crate) fn add_all(&mut self, other: &BitSet) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
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
        let mut words: Vec<u64> = self.words.iter().map(|word| !word).collect();
        words.resize(words_of(self.bound), u64::MAX);
        BitSet::of_words(words, self.bound)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    pub(crate) fn len(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The same as a list.
    pub(crate) fn to_list(&self) -> Vec<u32> {
        let mut list = Vec::with_capacity(self.len() as usize);
        list.extend(self.iter());
        list
    }

    /// The numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let words = (0_u32..).zip(&self.words).filter(|(_, word)| **word != 0);
        words.flat_map(|(n, &word)| {
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

impl PartialEq for BitSet {
    fn eq(&self, other: &BitSet) -> bool {
        let (short, long) = match self.words.len() < other.words.len() {
            true => (&self.words, &other.words),
            false => (&other.words, &self.words),
        };
        let (same, rest) = long.split_at_checked(short.len()).unwrap_or_default();
        self.bound == other.bound && same == short && rest.iter().all(|&word| word == 0)
    }
}

impl Eq for BitSet {}

fn words_of(bound: u32) -> usize {
    bound.div_ceil(64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set_whatever_is_done_with_it(
            bound in 1..300_u32,
            steps in prop::collection::vec((0..9_u8, any::<[u32; 3]>()), 0..30),
        ) {
            let mut set = BitSet::empty(bound);
            let mut model = BTreeSet::new();
            let mut bound = bound;
            for (step, numbers) in steps {
                let numbers = numbers.map(|n| n % bound);
                let mut other = match numbers[0] % 5 {
                    0 => BitSet::full(bound),
                    _ => BitSet::empty(bound),
                };
                if numbers[0] % 5 > 1 {
                    numbers.into_iter().for_each(|n| other.insert(n));
                }
                let of_other: BTreeSet<u32> = other.iter().collect();
                match step {
                    0 | 1 => {
                        set.insert(numbers[1]);
                        model.insert(numbers[1]);
                    }
                    2 => {
                        set.remove(numbers[1]);
                        model.remove(&numbers[1]);
                    }
                    3 => {
                        set.keep(&other);
                        model.retain(|n| of_other.contains(n));
                    }
                    4 => {
                        set.drop_all(&other);
                        model.retain(|n| !of_other.contains(n));
                    }
                    5 | 6 => {
                        set.add_all(&other);
                        model.extend(of_other);
                    }
                    7 => {
                        set = set.complement();
                        model = (0..bound).filter(|n| !model.contains(n)).collect();
                    }
                    _ => {
                        bound = numbers[2] + 1;
                        set.set_bound(bound);
                        model.retain(|n| *n < bound);
                    }
                }
                prop_assert_eq!(set.iter().collect::<Vec<_>>(), Vec::from_iter(model.clone()));
                prop_assert_eq!(set.len() as usize, model.len());
                prop_assert_eq!(set.is_empty(), model.is_empty());
                prop_assert!((0..bound + 70).all(|n| set.contains(n) == model.contains(&n)));
                let mut same = BitSet::empty(bound);
                model.iter().for_each(|&n| same.insert(n));
                prop_assert_eq!(&set, &same);
                same.insert(numbers[1] % bound);
                prop_assert_eq!(set == same, model.contains(&(numbers[1] % bound)));
            }
        }
    }
}
