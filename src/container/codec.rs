//! The encoding of small structured metadata: bincode 2's standard
//! configuration, whose bytes `docs/FORMAT.md` defines.
//!
//! bincode detects no damage and accepts several spellings of one value, so
//! decoding is only done on bytes whose checksum was right, under a limit,
//! must consume everything, and must encode to the same bytes again.

use bincode::{Decode, Encode, config};

use crate::error::Fault;

/// No metadata of ours comes near this; a length beyond it is nonsense.
const LIMIT: usize = 64 << 20;

fn configuration() -> impl config::Config {
    config::standard().with_limit::<LIMIT>()
}

/// Encodes `value`.
///
/// # Errors
/// [`Fault::Bounds`] when the encoding would pass the limit of 64 MiB.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, Fault> {
    let bytes = bincode::encode_to_vec(value, configuration());
    let bytes = bytes.map_err(|_| Fault::Encoding)?;
    if bytes.len() > LIMIT {
        return Err(Fault::Bounds("metadata length"));
    }
    Ok(bytes)
}

/// Decodes the one value that `bytes` are the encoding of.
///
/// # Errors
/// [`Fault::Encoding`] when they are not exactly that.
pub fn decode<T: Encode + Decode<()>>(bytes: &[u8]) -> Result<T, Fault> {
    let (value, used): (T, usize) =
        bincode::decode_from_slice(bytes, configuration()).map_err(|_| Fault::Encoding)?;
    if used != bytes.len() || encode(&value)? != bytes {
        return Err(Fault::Encoding);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_bytes_decode() {
        let bytes = encode(&(5_u32, "a".to_owned())).unwrap();
        assert_eq!(decode::<(u32, String)>(&bytes).unwrap().0, 5);
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode::<(u32, String)>(&longer), Err(Fault::Encoding));
        // 5 spelled as a two-byte integer: the value is right, the bytes not
        let wide = [251, 5, 0, 1, b'a'];
        assert_eq!(decode::<(u32, String)>(&wide), Err(Fault::Encoding));
        let huge = [253, 255, 255, 255, 255, 255, 255, 255, 127];
        assert_eq!(decode::<Vec<u64>>(&huge), Err(Fault::Encoding));
    }
}
