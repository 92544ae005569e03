//! Canonical UUID text: 36 characters, lower case, hyphens in place. Only
//! this spelling becomes 16 bytes, because only this one comes back exactly.

/// Length of the text.
pub(super) const TEXT_LEN: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The 16 bytes of a canonical UUID; `None` for any other text.
pub(crate) fn parse(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; TEXT_LEN] = text.try_into().ok()?;
    let mut bytes = [0; 16];
    let mut nibbles = 0;
    for (i, &c) in text.iter().enumerate() {
        if HYPHENS.contains(&i) {
            if c != b'-' {
                return None;
            }
            continue;
        }
        let nibble = match c {
            b'0'..=b'9' => c - b'0',
            b'a'..=b'f' => c - b'a' + 10,
            _ => return None,
        };
        let byte = bytes.get_mut(nibbles / 2)?;
        *byte = *byte << 4 | nibble;
        nibbles += 1;
    }
    Some(bytes)
}

/// Where the two digits of each byte stand.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The canonical text of 16 bytes.
pub(crate) fn print(bytes: &[u8; 16]) -> [u8; TEXT_LEN] {
    // Without a branch, which would be taken at random: `(nibble + 6) >> 4` is 1 from
    // 10 on.
    let digit = |nibble: u8| b'0' + nibble + ((nibble + 6) >> 4) * (b'a' - b'0' - 10);
    let mut text = [b'-'; TEXT_LEN];
    for (byte, place) in bytes.iter().zip(PLACES) {
        if let Some([high, low]) = text.get_mut(place..place + 2) {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back_from_their_text(bytes: [u8; 16]) {
            prop_assert_eq!(parse(&print(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn other_spellings_are_not_uuids() {
        let good = b"a0000000-0000-4000-8000-00000000000f";
        assert!(parse(good).is_some());
        for bad in [
            "A0000000-0000-4000-8000-00000000000f",
            "a0000000-0000-4000-8000-00000000000",
            "a0000000-0000-4000-8000-00000000000ff",
            "a0000000x0000-4000-8000-00000000000f",
            "a0000000-0000-4000-8000-00000000000g",
            "",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
