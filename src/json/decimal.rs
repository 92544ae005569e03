//! Decimals as nearly all vectors are made of, read in few steps, and the proof
//! that a writer prints them so, without printing.
//!
//! # Why the proof is one
//!
//! A decimal `D` has `p` digits after its point; all its digits, read as one
//! integer, are `n`. A float `v = m * 2^e` is what `D` reads to. A writer prints
//! `v` as the shortest decimal that lies nearer to `v` than to the floats beside
//! it, and of several the one nearest to `v`. So it prints `D` where
//!
//! 1. no multiple of `10^-(p-1)` lies so near to `v`: none of that length, and
//!    none that is shorter, would do; and
//! 2. `D` is nearer to `v` than half of `10^-p`: no other of its length is
//!    nearer.
//!
//! The multiples of `10^-(p-1)` beside `D` are `d` and `10 - d` units of `10^-p`
//! away, where `d` is its last digit, which is not 0; what is farther away need
//! not be looked at. Between two powers of two, "so near" means `2^e / 2` at most.
//!
//! All of it is arithmetic of integers. In the unit `2^e / 5^p`, the distance from
//! one float to the next is `5^p`; `10^-p` is `2^s`, with `s = -p - e`; `D` is
//! `n * 2^s` and `v` is `m * 5^p`. These two are large, but near to each other, so
//! that their difference is right although both are taken modulo `2^64`. What
//! stands on a border counts as not proved, and is printed to find out.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Digits after the point: `10^22` is the largest power of ten that is an f64.
const MAX_PLACES: usize = 22;
/// Digits in all, so that they fit an i64.
const MAX_DIGITS: usize = 18;
/// Digits before the point. From 17 on, exponents are written.
const MAX_WHOLE: usize = 15;

/// `5^n`.
const FIVES: [u64; MAX_PLACES + 1] = [
    1,
    5,
    25,
    125,
    625,
    3_125,
    15_625,
    78_125,
    390_625,
    1_953_125,
    9_765_625,
    48_828_125,
    244_140_625,
    1_220_703_125,
    6_103_515_625,
    30_517_578_125,
    152_587_890_625,
    762_939_453_125,
    3_814_697_265_625,
    19_073_486_328_125,
    95_367_431_640_625,
    476_837_158_203_125,
    2_384_185_791_015_625,
];

/// `10^n`, each of them exactly.
const TENS: [f64; MAX_PLACES + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// `10^n`, for the digits that are left over from words of eight.
const SMALL_TENS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// A number with digits on both sides of its point, without exponent, laid out as
/// every writer lays out its digits: no zero stands before others, and at most
/// three follow the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// All digits as one integer.
    digits: u64,
    /// How many of them stand after the point.
    places: u32,
}

impl Decimal {
    /// The decimal that `text` begins with, and its length. `None` where there is
    /// none, or one that is longer than floats are printed, or where `text` does not
    /// go on for some bytes: then it is to be read in another way.
    #[inline]
    pub(crate) fn read(text: &[u8]) -> Option<(Decimal, usize)> {
        let negative = text.first() == Some(&b'-');
        let mut at = usize::from(negative);
        let first = digit(text, at)?;
        at += 1;
        let mut digits = first;
        let mut whole = 0;
        if first != 0 {
            whole = 1;
            while let Some(next) = digit(text, at) {
                digits = digits * 10 + next;
                at += 1;
                whole += 1;
                if whole > MAX_WHOLE {
                    return None;
                }
            }
        }
        if text.get(at) != Some(&b'.') {
            return None;
        }
        at += 1;
        let point = at;
        let mut word = eight(text, at)?;
        let mut zeros = 0;
        if first == 0 {
            // Digits are 0 to 9 here, and whatever else is not.
            zeros = (word.trailing_zeros() / 8) as usize;
            if zeros > 3 {
                return None;
            }
        }
        loop {
            let stop = not_digits(word);
            if stop == 0 {
                digits = digits
                    .wrapping_mul(100_000_000)
                    .wrapping_add(value_of(word));
                at += 8;
                if at - point > MAX_PLACES {
                    return None;
                }
                word = eight(text, at)?;
                continue;
            }
            // What does not belong to it is shifted out, zeros come before it. There
            // is no branch for the number of digits, which cannot be foreseen.
            let count = stop.trailing_zeros() / 8;
            let last = value_of(word << (56 - 8 * count) << 8);
            let ten = SMALL_TENS.get(count as usize)?;
            digits = digits.wrapping_mul(*ten).wrapping_add(last);
            at += count as usize;
            break;
        }
        let places = at - point;
        if places == 0 || places > MAX_PLACES || whole + places - zeros > MAX_DIGITS {
            return None;
        }
        let ends = matches!(
            text.get(at),
            Some(b',' | b']' | b' ' | b'\n' | b'\r' | b'\t')
        );
        let decimal = Decimal {
            negative,
            digits,
            places: places as u32,
        };
        ends.then_some((decimal, at))
    }

    /// The nearest f64, which is the token's value. `None` where this does not tell.
    #[inline]
    pub(crate) fn value(&self) -> Option<f64> {
        // As signed integers become floats in one step.
        let quotient = self.digits.cast_signed() as f64 / TENS.get(self.places as usize)?;
        let (mantissa, exponent) = parts(quotient);
        let step = FIVES.get(self.places as usize)?.cast_signed();
        let Some(off) = self.off(mantissa, exponent) else {
            // Few digits: both were exact, and division rounds correctly.
            let is_exact = self.digits <= 1 << f64::MANTISSA_DIGITS;
            return is_exact.then(|| self.signed(quotient));
        };
        // With more digits it was rounded twice, and may be the float next to the
        // nearest, or the one after.
        if mantissa == 1 << 52 && off < 0 {
            // Below a power of two floats are nearer to each other.
            return None;
        }
        // One up, one down, or none; which of them cannot be foreseen either.
        let steps = i64::from(2 * off > step) - i64::from(2 * off < -step);
        let off = off - steps * step;
        let bits = quotient.to_bits().wrapping_add_signed(steps);
        (2 * off.abs() < step).then(|| self.signed(f64::from_bits(bits)))
    }

    /// Whether `value`, which is that of the decimal, is printed as this decimal.
    /// False where this does not tell.
    #[inline]
    pub(crate) fn is_print_of(&self, value: f64) -> bool {
        let (mantissa, exponent) = parts(value.abs());
        mantissa != 1 << 52 && self.is_shortest(mantissa, exponent)
    }

    /// The same for the f32 nearest to the value, printed as such.
    #[inline]
    pub(crate) fn is_print_of_f32(&self, nearest: f32) -> bool {
        // Its mantissa ends with 29 zeros.
        let (mantissa, exponent) = parts(f64::from(nearest).abs());
        mantissa != 1 << 52 && self.is_shortest(mantissa >> 29, exponent + 29)
    }

    /// The proof, for a float that is no power of two.
    #[inline]
    fn is_shortest(&self, mantissa: u64, exponent: i32) -> bool {
        let (Some(&step), Some(off)) = (
            FIVES.get(self.places as usize),
            self.off(mantissa, exponent),
        ) else {
            return false;
        };
        let step = step.cast_signed();
        // `off` was found with this shift.
        let unit = 1_i64 << self.shift(exponent).unwrap_or_default();
        let last = (self.digits % 10).cast_signed();
        last != 0
            && 2 * off.abs() < unit
            && 2 * (last * unit - off) > step
            && 2 * ((10 - last) * unit + off) > step
    }

    /// How far the decimal lies above the float, in `2^exponent / 5^places`. The
    /// float must be among the nearest.
    #[inline]
    fn off(&self, mantissa: u64, exponent: i32) -> Option<i64> {
        let shift = self.shift(exponent)?;
        let step = FIVES.get(self.places as usize)?;
        let off = (self.digits << shift).wrapping_sub(mantissa.wrapping_mul(*step));
        Some(off.cast_signed())
    }

    /// The exponent of the unit of the last digit, in `2^exponent / 5^places`, where
    /// twenty such units fit an i64.
    #[inline]
    fn shift(&self, exponent: i32) -> Option<u32> {
        let shift = u32::try_from(-exponent - self.places.cast_signed()).ok()?;
        (shift <= 58).then_some(shift)
    }

    #[inline]
    fn signed(&self, size: f64) -> f64 {
        f64::from_bits(size.to_bits() | u64::from(self.negative) << 63)
    }
}

/// `m` and `e` of a normal float `m * 2^e`, where `m` has 53 bits.
#[inline]
fn parts(size: f64) -> (u64, i32) {
    let bits = size.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
    (mantissa, (bits >> 52) as i32 - 1075)
}

#[inline]
fn digit(text: &[u8], at: usize) -> Option<u64> {
    let digit = text.get(at)?.wrapping_sub(b'0');
    (digit <= 9).then_some(u64::from(digit))
}

/// Eight bytes of which digits have become 0 to 9, the first one lowest.
#[inline]
fn eight(text: &[u8], at: usize) -> Option<u64> {
    let bytes = text.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes) ^ (LOW * 0x30))
}

/// Bit 7 of each byte that is no digit.
#[inline]
fn not_digits(word: u64) -> u64 {
    // Adding carries what is over 9 into bit 7, and no further.
    (((word & !HIGH) + LOW * 0x76) | word) & HIGH
}

/// The integer that eight digits are, the first one in the lowest byte.
#[inline]
fn value_of(word: u64) -> u64 {
    const PAIR: u64 = 0x0000_00ff_0000_00ff;
    // Two digits in every other byte, then four, then eight.
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let high = (pairs & PAIR).wrapping_mul(0x000f_4240_0000_0064);
    let low = (pairs >> 16 & PAIR).wrapping_mul(0x0000_2710_0000_0001);
    high.wrapping_add(low) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{NumberLayout, parse_f64, print_f32_shortest, print_f64};

    const LAYOUTS: [NumberLayout; 3] = [
        NumberLayout::Python,
        NumberLayout::Ryu,
        NumberLayout::JavaScript,
    ];

    #[test]
    fn nothing_is_said_of_what_is_just_below_a_power_of_two() {
        for token in [
            "0.99999999999999999",
            "-0.99999999999999999",
            "0.49999999999999999",
            "1.9999999999999999",
        ] {
            let text = format!("{token}, 0.12345678");
            let (decimal, _) = Decimal::read(text.as_bytes()).unwrap();
            assert_eq!(decimal.value(), None, "{token}");
        }
    }

    /// What is said of a token is so; gives what is said.
    fn check(token: &str) -> Option<(bool, bool)> {
        let text = format!("{token}, 0.12345678");
        let (decimal, len) = Decimal::read(text.as_bytes())?;
        assert_eq!(len, token.len(), "{token}");
        let value = decimal.value()?;
        let expected: f64 = token.parse().unwrap();
        assert_eq!(value.to_bits(), expected.to_bits(), "{token}");
        assert_eq!(parse_f64(token.as_bytes()), Some(value));
        let (is_f64, is_f32) = (
            decimal.is_print_of(value),
            decimal.is_print_of_f32(value as f32),
        );
        for layout in LAYOUTS {
            let mut printed = Vec::new();
            if is_f64 {
                print_f64(value, layout, &mut printed);
                assert_eq!(printed, token.as_bytes(), "{token} as f64");
            }
            printed.clear();
            if is_f32 {
                print_f32_shortest(value as f32, layout, &mut printed);
                assert_eq!(printed, token.as_bytes(), "{token} as f32");
            }
        }
        Some((is_f64, is_f32))
    }

    fn repr(value: f64) -> String {
        let mut text = Vec::new();
        print_f64(value, NumberLayout::Python, &mut text);
        String::from_utf8(text).unwrap()
    }

    fn repr32(value: f32) -> String {
        let mut text = Vec::new();
        print_f32_shortest(value, NumberLayout::Python, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn what_a_writer_printed_is_proved() {
        for token in [
            "0.1",
            "-0.5123",
            "0.0123456789",
            "12.345",
            "0.10000000149011612",
        ] {
            assert_eq!(
                check(token).map(|(is_f64, _)| is_f64),
                Some(true),
                "{token}"
            );
        }
        for token in ["0.1", "-0.5123", "0.012345679", "12.345"] {
            assert_eq!(
                check(token).map(|(_, is_f32)| is_f32),
                Some(true),
                "{token}"
            );
        }
        // One digit too many, one too few, one that is another.
        for token in [
            "0.100000001490116121",
            "0.1000000014901161",
            "0.10",
            "0.30000000000000005",
        ] {
            assert_ne!(check(token), Some((true, true)), "{token}");
        }
        assert_eq!(check("0.10").map(|(is_f64, _)| is_f64), Some(false));
        assert_eq!(
            check("0.100000001490116121").map(|(is_f64, _)| is_f64),
            Some(false)
        );
    }

    #[test]
    fn powers_are_powers() {
        for (n, (five, ten)) in (0_u32..).zip(FIVES.iter().zip(TENS)) {
            assert_eq!(*five, 5_u64.pow(n));
            assert_eq!(ten, format!("1e{n}").parse::<f64>().unwrap());
        }
    }

    #[test]
    fn other_tokens_are_left_to_others() {
        for text in [
            "1, 0.12345678",
            "00.5, 0.1234567",
            "0.00001, 0.12345",
            "0.5e1, 0.1234567",
            "-, 0.12345678",
            ".5, 0.12345678",
            "1., 0.12345678",
            "0.5",
            "1234567890123456.5, 0.12345678",
            "0.12345678901234567890, 0.12345678",
            "0.00012345678901234567890123456, 0.12345678",
        ] {
            assert_eq!(Decimal::read(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn nothing_is_said_of_a_decimal_that_is_not_so(
            token in "-?(0|[1-9][0-9]{0,17})\\.[0-9]{1,24}",
        ) {
            check(&token);
        }

        #[test]
        fn nor_of_one_beside_a_float(bits in 0x3f10_0000_0000_0000_u64..0x4340_0000_0000_0000, digits in 14..19_usize) {
            let value = f64::from_bits(bits);
            check(&repr(value));
            // Decimals that lie near the borders between floats.
            check(&format!("{value:.digits$}"));
            let middle = (value + value.next_up()) / 2.0;
            check(&format!("{middle:.digits$}"));
        }

        #[test]
        fn nor_of_one_beside_an_f32(bits in 0x3880_0000_u32..0x4f00_0000, digits in 4..12_usize) {
            let value = f32::from_bits(bits);
            check(&repr32(value));
            check(&repr(f64::from(value)));
            check(&format!("{value:.digits$}"));
            let middle = (f64::from(value) + f64::from(value.next_up())) / 2.0;
            check(&repr(middle));
            check(&format!("{middle:.digits$}"));
        }

        #[test]
        fn nearly_all_that_is_printed_is_proved(values in prop::collection::vec(any::<u32>(), 200)) {
            // From 2^-10 to 1.
            let values = values.iter().map(|x| f32::from_bits(0x3a80_0000 + x % 0x0500_0000));
            let (mut exact, mut decimal, mut all) = (0, 0, 0);
            for value in values {
                all += 1;
                exact += usize::from(check(&repr(f64::from(value))).is_some_and(|is| is.0));
                decimal += usize::from(check(&repr32(value)).is_some_and(|is| is.1));
            }
            prop_assert!(exact * 100 >= all * 95, "{exact} of {all}");
            prop_assert!(decimal * 100 >= all * 95, "{decimal} of {all}");
        }
    }
}
