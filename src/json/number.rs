//! Numbers: the text of a float as each writer prints it, and the value of a
//! number token.
//!
//! All writers print the *shortest* digits that read back to the same float,
//! and of those the ones closest to it; they differ in where they change to
//! exponent form and in how they spell whole numbers, see [`NumberLayout`].
//! The digits come from `zmij`, which equals CPython, V8, ryu and serde on
//! every float tried; the standard library's do not (it breaks exact ties
//! upwards: 2^-25 is 2.9802322387695313e-08 there, …312e-08 elsewhere).

use super::scan;

/// Where a writer changes to exponent form, and how it spells the rest.
///
/// With `x = d.ddd * 10^e`, the three agree on `-4 <= e < 16` except for
/// whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub enum NumberLayout {
    /// CPython's `repr`: fixed for `-4 <= e < 16`, else `1e-05`, `1e+16`
    /// (sign and at least two digits); whole numbers end in `.0`; not-finite
    /// values are `NaN`, `Infinity`, `-Infinity`, as `json.dumps` spells them.
    Python,
    /// serde and pydantic-core: fixed for `-5 <= e < 16`, else `1e-6`,
    /// `1e+16`; whole numbers end in `.0`; not-finite values are `null`.
    /// (So since pydantic-core took up `zmij`; with ryu, as late as its 2.18,
    /// it spelled the large ones `1e16`, which no layout prints.)
    Ryu,
    /// ECMAScript's `Number::toString`: fixed for `-6 <= e < 21`, else `1e-7`,
    /// `1e+21`; whole numbers have no point, `-0` is `0`; not-finite values
    /// are `null`.
    JavaScript,
}

impl NumberLayout {
    /// The exponents, as in `d.ddd * 10^e`, that are printed in fixed form.
    fn is_fixed(self, exponent: i32) -> bool {
        match self {
            NumberLayout::Python => (-4..16).contains(&exponent),
            NumberLayout::Ryu => (-5..16).contains(&exponent),
            NumberLayout::JavaScript => (-6..21).contains(&exponent),
        }
    }
}

/// Appends `value` as the layout's writer prints it.
///
/// ```
/// use twinstore::json::{NumberLayout, print_f64};
/// let mut text = Vec::new();
/// print_f64(2f64.powi(-25), NumberLayout::Python, &mut text);
/// assert_eq!(text, b"2.9802322387695312e-08");
/// ```
#[inline]
pub fn print_f64(value: f64, layout: NumberLayout, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    print_text(value, digits(value, &mut buffer), layout, out);
}

/// Appends the shortest digits that read back to `value` *as an f32*, laid
/// out like an f64.
///
/// This is the text of a float that was rounded to f32 and printed with
/// f32's digits; it equals [`print_f64`] of the double that those digits
/// read to.
#[inline]
pub fn print_f32_shortest(value: f32, layout: NumberLayout, out: &mut Vec<u8>) {
    let mut buffer = zmij::Buffer::new();
    print_text(value, digits(value, &mut buffer), layout, out);
}

/// A float of either size.
pub(crate) trait Printed: zmij::Float + Copy + Default {
    fn widened(self) -> f64;
    /// Whether `zmij` itself prints it as all layouts do.
    fn is_common(self) -> bool;
}

impl Printed for f64 {
    fn widened(self) -> f64 {
        self
    }

    fn is_common(self) -> bool {
        (1e-4..1e16).contains(&self.abs())
    }
}

impl Printed for f32 {
    fn widened(self) -> f64 {
        f64::from(self)
    }

    fn is_common(self) -> bool {
        // Narrower than for f64, as the f32 nearest to 1e-4 lies below it but
        // prints as 0.0001.
        (1e-3..1e7).contains(&self.abs())
    }
}

/// What `zmij` prints; nothing for what it does not print as any layout does.
#[inline]
fn digits<F: Printed>(value: F, buffer: &mut zmij::Buffer) -> &[u8] {
    match value.widened().is_finite() {
        true => buffer.format_finite(value).as_bytes(),
        false => b"",
    }
}

/// Appends `text`, the digits of `value`, as the layout has them.
#[inline]
fn print_text<F: Printed>(value: F, text: &[u8], layout: NumberLayout, out: &mut Vec<u8>) {
    if value.is_common() {
        print_common(text, layout, out);
    } else if text.is_empty() {
        print_not_finite(value.widened(), layout, out);
    } else {
        print_rare(text, layout, out);
    }
}

/// Numbers printed before the first of them is copied: what was just written in small
/// pieces cannot be read in a large one without waiting.
const AT_ONCE: usize = 8;

/// Appends values as [`print_f64`] or [`print_f32_shortest`] do, with `comma` between
/// them.
#[inline]
pub(crate) fn print_all<F: Printed>(
    mut values: impl Iterator<Item = F>,
    layout: NumberLayout,
    comma: &[u8],
    out: &mut Vec<u8>,
) {
    let mut buffers: [zmij::Buffer; AT_ONCE] = std::array::from_fn(|_| zmij::Buffer::new());
    let mut is_first = true;
    loop {
        let mut texts = [(F::default(), &b""[..]); AT_ONCE];
        let mut count = 0;
        for ((buffer, text), value) in buffers.iter_mut().zip(&mut texts).zip(values.by_ref()) {
            *text = (value, digits(value, buffer));
            count += 1;
        }
        for (value, text) in texts.iter().take(count) {
            match comma {
                _ if is_first => is_first = false,
                // A length that is known makes it one step.
                [comma, blank] => out.extend_from_slice(&[*comma, *blank]),
                comma => out.extend_from_slice(comma),
            }
            print_text(*value, text, layout, out);
        }
        if count < AT_ONCE {
            return;
        }
    }
}

/// The value of a number token, rounded correctly, as Python's `float()` of
/// it: also of integers, of `NaN`, `Infinity` and `-Infinity`. Too large
/// numbers are infinite. `None` where the token is not one number.
///
/// ```
/// use twinstore::json::parse_f64;
/// assert_eq!(parse_f64(b"1e-05"), Some(0.00001));
/// assert_eq!(parse_f64(b"01"), None);
/// ```
#[must_use]
pub fn parse_f64(token: &[u8]) -> Option<f64> {
    match token {
        b"NaN" => return Some(f64::NAN),
        b"Infinity" => return Some(f64::INFINITY),
        b"-Infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // The standard parser is correct to the last bit, but accepts more than
    // JSON does (`inf`, `.5`, `01`): the grammar is checked first.
    if scan::number_end(token, 0).ok()? != token.len() {
        return None;
    }
    match short_decimal(token) {
        Some(value) => Some(value),
        None => std::str::from_utf8(token).ok()?.parse().ok(),
    }
}

/// The value of a short token without exponent, by one division of two exact
/// floats, which rounds correctly (Clinger's fast path); several times faster
/// than the general way, and enough for most floats that were rounded to f32
/// or to a few places. `None` where it does not apply.
#[inline]
fn short_decimal(token: &[u8]) -> Option<f64> {
    // 18 digits fit a u64.
    if token.len() > 18 {
        return None;
    }
    let (negative, digits) = match token.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, token),
    };
    let mut mantissa = 0u64;
    let mut places = 0;
    let mut after_point = 0;
    for &byte in digits {
        if byte == b'.' {
            after_point = 1;
        } else {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            mantissa = mantissa * 10 + u64::from(digit);
            places += after_point;
        }
    }
    // Both must be floats exactly.
    if mantissa > 1 << f64::MANTISSA_DIGITS {
        return None;
    }
    let size = mantissa as f64 / TENS.get(places)?;
    Some(if negative { -size } else { size })
}

/// The powers of ten that are floats exactly, as far as short tokens need.
const TENS: [f64; 18] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17,
];

#[cold]
fn print_not_finite(value: f64, layout: NumberLayout, out: &mut Vec<u8>) {
    let text: &[u8] = match layout {
        NumberLayout::Ryu | NumberLayout::JavaScript => b"null",
        NumberLayout::Python if value.is_nan() => b"NaN",
        NumberLayout::Python if value > 0.0 => b"Infinity",
        NumberLayout::Python => b"-Infinity",
    };
    out.extend_from_slice(text);
}

/// For the range in which `zmij` itself prints in fixed form, with `.0`.
#[inline]
fn print_common(text: &[u8], layout: NumberLayout, out: &mut Vec<u8>) {
    let text = match layout {
        NumberLayout::JavaScript => text.strip_suffix(b".0").unwrap_or(text),
        _ => text,
    };
    if !(push_ends::<16>(text, out) || push_ends::<8>(text, out)) {
        out.extend_from_slice(text);
    }
}

/// Appends a text of `N` to `2 N` bytes as its first and its last `N`, which overlap:
/// copies of a length that is known are a step or two, others a call. False where it
/// has another length.
#[inline]
fn push_ends<const N: usize>(text: &[u8], out: &mut Vec<u8>) -> bool {
    let ends = (text.first_chunk::<N>(), text.last_chunk::<N>());
    let (Some(first), Some(last)) = ends else {
        return false;
    };
    if text.len() > 2 * N {
        return false;
    }
    let start = out.len();
    out.extend_from_slice(first);
    out.extend_from_slice(last);
    let end = start + text.len();
    if let Some(place) = out.get_mut(end - N..end) {
        place.copy_from_slice(last);
    }
    out.truncate(end);
    true
}

/// For all other finite values: takes digits and exponent out of `text`,
/// whatever its layout, and lays them out anew.
#[cold]
fn print_rare(text: &[u8], layout: NumberLayout, out: &mut Vec<u8>) {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut store = [0; 32];
    let (digits, exponent) = digits_of(text, &mut store);
    let javascript = layout == NumberLayout::JavaScript;
    let Some((first, more)) = digits.split_first() else {
        let zero: &[u8] = match (javascript, negative) {
            (true, _) => b"0",
            (false, false) => b"0.0",
            (false, true) => b"-0.0",
        };
        return out.extend_from_slice(zero);
    };
    if negative {
        out.push(b'-');
    }
    if !layout.is_fixed(exponent) {
        out.push(*first);
        if !more.is_empty() {
            out.push(b'.');
            out.extend_from_slice(more);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        let size = exponent.unsigned_abs();
        if layout == NumberLayout::Python && size < 10 {
            out.push(b'0');
        }
        return out.extend_from_slice(size.to_string().as_bytes());
    }
    match usize::try_from(exponent) {
        Err(_) => {
            out.extend_from_slice(b"0.");
            let zeros = exponent.unsigned_abs() as usize - 1;
            out.extend(std::iter::repeat_n(b'0', zeros));
            out.extend_from_slice(digits);
        }
        Ok(exponent) => match digits.split_at_checked(exponent + 1) {
            Some((whole, fraction)) if !fraction.is_empty() => {
                out.extend_from_slice(whole);
                out.push(b'.');
                out.extend_from_slice(fraction);
            }
            _ => {
                out.extend_from_slice(digits);
                let zeros = (exponent + 1).saturating_sub(digits.len());
                out.extend(std::iter::repeat_n(b'0', zeros));
                if !javascript {
                    out.extend_from_slice(b".0");
                }
            }
        },
    }
}

/// The significant digits of a decimal text without sign, and the exponent e
/// of `d.ddd * 10^e`. No digits for zero.
fn digits_of<'s>(text: &[u8], store: &'s mut [u8; 32]) -> (&'s [u8], i32) {
    let (mantissa, exponent) = match text.iter().position(|&b| b == b'e') {
        Some(at) => {
            let (mantissa, tail) = text.split_at_checked(at).unwrap_or((text, &[]));
            let digits = std::str::from_utf8(tail.get(1..).unwrap_or_default());
            (mantissa, digits.unwrap_or("0").parse().unwrap_or(0))
        }
        None => (text, 0),
    };
    let point = mantissa.iter().position(|&b| b == b'.');
    let mut exponent: i32 = exponent + point.unwrap_or(mantissa.len()) as i32 - 1;
    let mut count = 0;
    let mut significant = 0;
    for &digit in mantissa.iter().filter(|&&b| b != b'.') {
        if count == 0 && digit == b'0' {
            exponent -= 1;
            continue;
        }
        if let Some(place) = store.get_mut(count) {
            *place = digit;
            count += 1;
            if digit != b'0' {
                significant = count;
            }
        }
    }
    (store.get(..significant).unwrap_or_default(), exponent)
}

#[cfg(test)]
mod tests;
