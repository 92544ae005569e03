//! Numbers as they stand in a file, without a copy where that can be.

use std::ops::Deref;

use bytemuck::AnyBitPattern;

use crate::bytes::View;

/// Little-endian numbers of a file.
#[derive(Debug)]
pub(crate) enum Numbers<'a, T> {
    /// The machine's own numbers, in place.
    InPlace(View<'a>),
    /// Taken over, because the machine's are others or want to be aligned.
    Copied(Vec<T>),
}

impl<'a, T: AnyBitPattern> Numbers<'a, T> {
    /// The numbers of which `view` shows the bytes.
    pub(crate) fn new<const N: usize>(
        view: View<'a>,
        from_le_bytes: fn([u8; N]) -> T,
    ) -> Numbers<'a, T> {
        if cfg!(target_endian = "little") && bytemuck::try_cast_slice::<u8, T>(&view).is_ok() {
            return Numbers::InPlace(view);
        }
        let (numbers, _) = view.as_chunks::<N>();
        Numbers::Copied(numbers.iter().map(|bytes| from_le_bytes(*bytes)).collect())
    }
}

impl<T: AnyBitPattern> Deref for Numbers<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            // Tried before.
            Numbers::InPlace(view) => bytemuck::try_cast_slice(view).unwrap_or_default(),
            Numbers::Copied(numbers) => numbers,
        }
    }
}

/// Appends numbers as they stand in a file.
pub(super) fn push_f32(numbers: &[f32], out: &mut Vec<u8>) {
    if cfg!(target_endian = "little") {
        out.extend_from_slice(bytemuck::cast_slice(numbers));
    } else {
        out.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bytes::AlignedBytes;

    fn view(numbers: &[f32], shift: usize) -> View<'static> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        let mut block = AlignedBytes::zeroed(bytes.len() + shift);
        block[shift..].copy_from_slice(&bytes);
        let range = shift..block.len();
        let block = Arc::new(block);
        View::Block { block, range }
    }

    #[test]
    fn are_the_same_wherever_they_stand() {
        let numbers = [1.5, -0.0, f32::MAX, 1e-45];
        for shift in [0, 1, 4, 7] {
            let read = Numbers::new(view(&numbers, shift), f32::from_le_bytes);
            assert_eq!(*read, numbers);
            let copied = matches!(read, Numbers::Copied(_));
            assert_eq!(copied, shift % 4 != 0 || cfg!(target_endian = "big"));
        }
        let none = Numbers::new(View::Mapped(&[]), f64::from_le_bytes);
        assert!(none.is_empty());
    }
}
