//! The ops of packed text: bytes that cannot occur in JSON's normal form, and
//! their arguments. `docs/FORMAT.md` says what each stands for.

pub(crate) const OWN: u8 = 0x01;
pub(crate) const NEXT: u8 = 0x02;
pub(crate) const PREVIOUS: u8 = 0x03;
pub(crate) const ROW: u8 = 0x04;
pub(crate) const ROWS: u8 = 0x05;
pub(crate) const HASH: u8 = 0x06;
pub(crate) const OTHER_HASH: u8 = 0x07;
pub(crate) const SAME_OBJECT: u8 = 0x08;
pub(crate) const SAME_ARRAY: u8 = 0x0b;
pub(crate) const NUMBERS: u8 = 0x0c;
pub(crate) const JSON: u8 = 0x0e;
pub(crate) const END: u8 = 0x0f;
pub(crate) const MAP: u8 = 0x10;
pub(crate) const KEY: u8 = 0x11;
pub(crate) const TEXT: u8 = 0x12;

/// How long the packed text of a *plain* object or array may be: one that
/// SAME_OBJECT or SAME_ARRAY can repeat.
pub(crate) const PLAIN: std::ops::RangeInclusive<usize> = 16..=4096;
/// How many JSON ops may be open at once.
pub(crate) const MAX_JSON: usize = 4;
/// How many objects and arrays may be open at once in a record.
pub(crate) const MAX_OPEN: usize = 1 << 16;
/// The longest argument.
pub(crate) const MAX_VARINT: usize = 5;

/// Appends an argument.
pub(crate) fn push_varint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Why an argument cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadVarint {
    /// It goes on after the end of the text.
    Cut,
    /// It is too large, or longer than it need be.
    Wrong,
}

/// Reads the argument that `text` begins with; gives what follows it, too.
pub(crate) fn varint(text: &[u8]) -> Result<(u32, &[u8]), BadVarint> {
    let mut value = 0_u64;
    for (n, &byte) in text.iter().enumerate().take(MAX_VARINT) {
        value |= u64::from(byte & 0x7f) << (7 * n);
        if byte < 0x80 {
            let needless = byte == 0 && n > 0;
            let value = u32::try_from(value).ok().filter(|_| !needless);
            let rest = text.get(n + 1..).unwrap_or_default();
            return value.map(|value| (value, rest)).ok_or(BadVarint::Wrong);
        }
    }
    Err(if text.len() < MAX_VARINT {
        BadVarint::Cut
    } else {
        BadVarint::Wrong
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arguments_come_back(value: u32, rest: Vec<u8>) {
            let mut text = Vec::new();
            push_varint(value, &mut text);
            prop_assert_eq!(varint(&text[..text.len() - 1]).unwrap_err(), BadVarint::Cut);
            text.extend(&rest);
            prop_assert_eq!(varint(&text), Ok((value, rest.as_slice())));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        assert_eq!(varint(&[0x80, 0x00]), Err(BadVarint::Wrong));
        assert_eq!(
            varint(&[0xff, 0xff, 0xff, 0xff, 0x10]),
            Err(BadVarint::Wrong)
        );
        assert_eq!(varint(&[0xff; 5]), Err(BadVarint::Wrong));
        assert_eq!(varint(&[]), Err(BadVarint::Cut));
    }
}
