//! Hashes as text. Only the one spelling that printing gives is taken.

use super::{LEN, format::HashForm};

const HEX_LEN: usize = LEN * 2;
const BASE64_LEN: usize = 44;
const DIGITS: [u8; 16] = *b"0123456789abcdef";
const ALPHABET: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl HashForm {
    /// The hash that `text` is the spelling of.
    pub(crate) fn parse(self, text: &[u8]) -> Option<[u8; LEN]> {
        match self {
            HashForm::Hex => parse_hex(text),
            HashForm::Base64 => parse_base64(text),
        }
    }

    /// Appends the spelling of `hash`.
    pub(crate) fn print(self, hash: &[u8; LEN], out: &mut Vec<u8>) {
        match self {
            HashForm::Hex => {
                let digits = hash.iter().flat_map(|b| [b >> 4, b & 15]);
                out.extend(digits.map(|n| char_of(&DIGITS, n)));
            }
            HashForm::Base64 => {
                for bytes in hash.chunks(3) {
                    let word = bytes
                        .iter()
                        .fold(0_u32, |word, &b| word << 8 | u32::from(b));
                    // 32 bytes leave two, which are three characters.
                    let word = word << (8 * (3 - bytes.len()));
                    let sextets = [18, 12, 6, 0].map(|shift| (word >> shift & 63) as u8);
                    let characters = sextets.iter().take(bytes.len() + 1);
                    out.extend(characters.map(|&n| char_of(&ALPHABET, n)));
                }
                out.push(b'=');
            }
        }
    }
}

fn char_of(alphabet: &[u8], n: u8) -> u8 {
    alphabet.get(usize::from(n)).copied().unwrap_or(b'=')
}

fn parse_hex(text: &[u8]) -> Option<[u8; LEN]> {
    if text.len() != HEX_LEN {
        return None;
    }
    let mut hash = [0; LEN];
    for (byte, digits) in hash.iter_mut().zip(text.chunks(2)) {
        for &c in digits {
            let nibble = match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                _ => return None,
            };
            *byte = *byte << 4 | nibble;
        }
    }
    Some(hash)
}

fn parse_base64(text: &[u8]) -> Option<[u8; LEN]> {
    let (b'=', characters) = text.split_last()? else {
        return None;
    };
    if text.len() != BASE64_LEN {
        return None;
    }
    let mut hash = [0; LEN];
    for (bytes, characters) in hash.chunks_mut(3).zip(characters.chunks(4)) {
        let mut word = 0_u32;
        for &c in characters {
            let sextet = match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a' + 26,
                b'0'..=b'9' => c - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            word = word << 6 | u32::from(sextet);
        }
        let spare = 6 * characters.len() - 8 * bytes.len();
        // Bits beyond the last byte would not be printed back.
        if word & ((1 << spare) - 1) != 0 {
            return None;
        }
        let word = word >> spare;
        let len = bytes.len();
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = (word >> (8 * (len - 1 - i))) as u8;
        }
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORMS: [HashForm; 2] = [HashForm::Hex, HashForm::Base64];

    fn print(form: HashForm, hash: &[u8; LEN]) -> Vec<u8> {
        let mut text = Vec::new();
        form.print(hash, &mut text);
        text
    }

    proptest! {
        #[test]
        fn hashes_come_back_from_their_text(hash: [u8; LEN]) {
            for form in FORMS {
                prop_assert_eq!(form.parse(&print(form, &hash)), Some(hash));
            }
        }

        #[test]
        fn what_parses_prints_back(
            hex in "[0-9a-fA-F]{60,66}",
            base64 in "[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/=]{42,46}",
        ) {
            for (form, text) in FORMS.into_iter().zip([hex, base64]) {
                if let Some(hash) = form.parse(text.as_bytes()) {
                    prop_assert_eq!(print(form, &hash), text.as_bytes());
                }
            }
        }
    }

    #[test]
    fn known_hashes() {
        // SHA-256 of nothing, as sha256sum and base64 spell it
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let hash = HashForm::Hex.parse(hex.as_bytes()).unwrap();
        assert_eq!(HashForm::Base64.parse(base64.as_bytes()), Some(hash));
        assert_eq!(print(HashForm::Base64, &hash), base64.as_bytes());
        // trailing bits that are no byte's, other alphabets, no padding
        for bad in [
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA",
            "",
        ] {
            assert_eq!(HashForm::Base64.parse(bad.as_bytes()), None, "{bad}");
        }
        for bad in [&hex.to_uppercase(), &hex[1..], &format!("{hex}0"), ""] {
            assert_eq!(HashForm::Hex.parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
