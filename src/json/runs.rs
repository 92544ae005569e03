//! How far a run of ordinary bytes goes, eight or more bytes at a step.
//!
//! The scanner, the string codec and the element iterators spend their time
//! looking for the next byte that means something. Each function here takes
//! the text that follows and returns the length of its longest prefix without
//! such a byte. None of them knows what the bytes mean.
//!
//! The word tricks are the usual ones: a mask has bit 7 set in the byte that
//! matched, and possibly, by borrow, in bytes *above* it. Only the lowest set
//! bit is used, which is always a true match; words are read little-endian,
//! so lowest is first.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Bytes equal to `needle`.
#[inline(always)]
const fn equal(word: u64, needle: u8) -> u64 {
    let x = word ^ (LOW * needle as u64);
    x.wrapping_sub(LOW) & !x & HIGH
}

/// Bytes below `bound` (at most 0x80).
#[inline(always)]
const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(LOW * bound as u64) & !word & HIGH
}

/// The common loop: whole words by `mask`, the rest by `stop`.
#[inline(always)]
fn run(text: &[u8], mask: impl Fn(u64) -> u64, stop: impl Fn(u8) -> bool) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    let mut done = 0;
    for word in words {
        let hit = mask(u64::from_le_bytes(*word));
        if hit != 0 {
            return done + (hit.trailing_zeros() / 8) as usize;
        }
        done += 8;
    }
    done + rest.iter().position(|&b| stop(b)).unwrap_or(rest.len())
}

/// Up to the next quote, backslash or control character: what may stand in a
/// string as it is.
#[inline]
pub(super) fn plain(text: &[u8]) -> usize {
    const BLOCK: usize = 32;
    let stop = |b: u8| b == b'"' || b == b'\\' || b < 0x20;
    let mask = |w: u64| equal(w, b'"') | equal(w, b'\\') | below(w, 0x20);
    // Most strings (keys, ids) end within the first block; texts of nodes are
    // long, and for them a branch-free test of whole blocks, which the
    // compiler turns into vector code, is several times faster.
    let Some((head, rest)) = text.split_at_checked(BLOCK) else {
        return run(text, mask, stop);
    };
    let in_head = run(head, mask, stop);
    if in_head < BLOCK {
        return in_head;
    }
    let mut done = 0;
    for block in rest.as_chunks::<BLOCK>().0 {
        if block.iter().fold(false, |hit, &b| hit | stop(b)) {
            break;
        }
        done += BLOCK;
    }
    BLOCK + done + run(rest.get(done..).unwrap_or_default(), mask, stop)
}

/// Up to the next quote or backslash: to the end of a string that has been
/// scanned, or to its next escape.
#[inline]
pub(super) fn unescaped(text: &[u8]) -> usize {
    memchr::memchr2(b'"', b'\\', text).unwrap_or(text.len())
}

/// Up to the next byte that an ASCII-only writer does not print as it is:
/// quote, backslash, or anything outside 0x20..=0x7e.
#[inline]
pub(super) fn ascii(text: &[u8]) -> usize {
    run(
        text,
        |w| equal(w, b'"') | equal(w, b'\\') | equal(w, 0x7f) | below(w, 0x20) | (w & HIGH),
        |b| b == b'"' || b == b'\\' || !(0x20..0x7f).contains(&b),
    )
}

/// Up to the next byte that is not a decimal digit.
#[inline]
pub(super) fn digits(text: &[u8]) -> usize {
    run(
        text,
        |w| {
            // Digits become 0..=9; adding 0x76 carries the rest into bit 7.
            // Masking first keeps each byte's carry to itself.
            let x = w ^ (LOW * 0x30);
            (((x & !HIGH) + LOW * 0x76) | x) & HIGH
        },
        |b| !b.is_ascii_digit(),
    )
}

/// Up to the end of a number or literal: comma, closing bracket, colon, white
/// space or control character.
#[inline]
pub(crate) fn scalar(text: &[u8]) -> usize {
    run(
        text,
        // Setting bit 5 makes `]` look like `}`, and no letter, digit or sign
        // of a scalar looks like either.
        |w| equal(w, b',') | equal(w | (LOW * 0x20), b'}') | equal(w, b':') | below(w, 0x21),
        |b| matches!(b, b',' | b']' | b'}' | b':') || b <= b' ',
    )
}

/// Up to the next quote or bracket of any kind.
#[inline]
pub(super) fn flat(text: &[u8]) -> usize {
    run(
        text,
        |w| {
            let folded = w | (LOW * 0x20);
            equal(w, b'"') | equal(folded, b'{') | equal(folded, b'}')
        },
        |b| matches!(b, b'"' | b'[' | b']' | b'{' | b'}'),
    )
}

/// Up to the next quote, bracket or control character: in normal form, whose
/// strings are passed over, the next byte that opens or closes something.
#[inline]
pub(crate) fn until_mark(text: &[u8]) -> usize {
    run(
        text,
        |w| {
            let folded = w | (LOW * 0x20);
            equal(w, b'"') | equal(folded, b'{') | equal(folded, b'}') | below(w, 0x20)
        },
        |b| matches!(b, b'"' | b'[' | b']' | b'{' | b'}') || b < 0x20,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Text that is mostly ordinary, so that runs are long, with every byte
    /// possible.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            30 => prop_oneof![Just(b'1'), Just(b'a'), Just(b'.')],
            1 => any::<u8>(),
            1 => prop_oneof![Just(b'"'), Just(b'\\'), Just(b','), Just(b']'), Just(b'}'), Just(0x7f)],
        ];
        prop::collection::vec(byte, 0..200)
    }

    fn slow(text: &[u8], stop: impl Fn(u8) -> bool) -> usize {
        text.iter().position(|&b| stop(b)).unwrap_or(text.len())
    }

    proptest! {
        #[test]
        fn runs_equal_the_byte_by_byte_definition(text in text(), digit_text in "[0-9]{0,40}[^0-9]?[0-9]{0,9}") {
            prop_assert_eq!(plain(&text), slow(&text, |b| b == b'"' || b == b'\\' || b < 0x20));
            prop_assert_eq!(unescaped(&text), slow(&text, |b| b == b'"' || b == b'\\'));
            prop_assert_eq!(ascii(&text), slow(&text, |b| b == b'"' || b == b'\\' || !(0x20..0x7f).contains(&b)));
            prop_assert_eq!(scalar(&text), slow(&text, |b| matches!(b, b',' | b']' | b'}' | b':') || b <= b' '));
            prop_assert_eq!(flat(&text), slow(&text, |b| matches!(b, b'"' | b'[' | b']' | b'{' | b'}')));
            prop_assert_eq!(until_mark(&text), slow(&text, |b| matches!(b, b'"' | b'[' | b']' | b'{' | b'}') || b < 0x20));
            prop_assert_eq!(digits(&text), slow(&text, |b| !b.is_ascii_digit()));
            prop_assert_eq!(digits(digit_text.as_bytes()), slow(digit_text.as_bytes(), |b| !b.is_ascii_digit()));
        }
    }

    #[test]
    fn every_single_byte_is_classified_alike_in_a_word_and_in_the_rest() {
        for byte in 0..=255u8 {
            for place in 0..17 {
                let mut text = [b'5'; 17];
                text[place] = byte;
                assert_eq!(digits(&text), slow(&text, |b| !b.is_ascii_digit()));
                assert_eq!(
                    plain(&text),
                    slow(&text, |b| b == b'"' || b == b'\\' || b < 0x20)
                );
                let scalar_stop = |b| matches!(b, b',' | b']' | b'}' | b':') || b <= b' ';
                assert_eq!(
                    scalar(&text),
                    slow(&text, scalar_stop),
                    "{byte:#x} at {place}"
                );
                let flat_stop = |b| matches!(b, b'"' | b'[' | b']' | b'{' | b'}');
                assert_eq!(flat(&text), slow(&text, flat_stop), "{byte:#x} at {place}");
            }
        }
    }
}
