//! Many texts, of which one is looked for.

/// Bits that tell at once of most texts that they are not among those: one for each text.
const BITS: usize = 1 << 12;

/// Texts among which others are searched.
pub(super) struct Search {
    /// Ascending.
    texts: Vec<Vec<u8>>,
    may_be: Box<[u64; BITS / 64]>,
}

impl Search {
    pub(super) fn new(mut texts: Vec<Vec<u8>>) -> Search {
        texts.sort_unstable();
        let mut may_be = Box::new([0; BITS / 64]);
        for text in &texts {
            let bit = bit_of(text);
            if let Some(word) = may_be.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        Search { texts, may_be }
    }

    pub(super) fn contains(&self, text: &[u8]) -> bool {
        let bit = bit_of(text);
        let word = self.may_be.get(bit / 64);
        word.is_some_and(|word| word >> (bit % 64) & 1 == 1)
            && self
                .texts
                .binary_search_by(|other| other.as_slice().cmp(text))
                .is_ok()
    }
}

/// Made of a text's length and last bytes: names and numbers begin alike.
fn bit_of(text: &[u8]) -> usize {
    let last = match text.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
    };
    // Fibonacci hashing (Knuth 6.4): the highest bits depend on all of the bytes.
    let mixed = (last ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - BITS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn those_are_found_that_are_there(
            texts in prop::collection::vec("[ab]{0,4}(xyz12345)?", 0..40),
            others in prop::collection::vec("[ab]{0,4}(xyz12345)?", 0..40),
        ) {
            let bytes = |texts: &[String]| texts.iter().map(|t| t.clone().into_bytes()).collect();
            let (texts, others): (Vec<_>, Vec<_>) = (bytes(&texts), bytes(&others));
            let search = Search::new(texts.clone());
            for text in texts.iter().chain(&others) {
                prop_assert_eq!(search.contains(text), texts.contains(text));
            }
        }
    }
}
