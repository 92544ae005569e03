//! A byte buffer whose first byte stands at a multiple of 64.

use std::ops::{Deref, DerefMut};

/// The alignment of sections in files and of buffers in memory: a cache line,
/// and the widest SIMD register.
pub const ALIGNMENT: usize = 64;

/// A buffer of fixed length, zeroed at first, aligned to 64 bytes.
#[derive(Debug)]
pub struct AlignedBytes {
    // Longer than asked for by up to 63 bytes. Never reallocated, so that
    // `start` stays right.
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl AlignedBytes {
    /// `len` zero bytes.
    #[must_use]
    pub fn zeroed(len: usize) -> AlignedBytes {
        let bytes = vec![0_u8; len.saturating_add(ALIGNMENT - 1)];
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        AlignedBytes { bytes, start, len }
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
            .get(self.start..self.start + self.len)
            .unwrap_or_default()
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes
            .get_mut(self.start..self.start + self.len)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_aligned_and_whole() {
        for len in [0, 1, 63, 64, 65, 4096, 65_536] {
            let mut bytes = AlignedBytes::zeroed(len);
            assert_eq!(bytes.len(), len);
            assert_eq!(bytes.as_ptr().align_offset(ALIGNMENT), 0);
            bytes.fill(7);
            assert!(bytes.iter().all(|&b| b == 7));
        }
    }
}
