//! Rows of a mapped file where they are, for who looks at many in a moment.

use super::Plane;
use crate::container::InPlace;

/// Rows that are looked at one by one.
#[derive(Debug)]
pub(crate) struct RowsInPlace<'p> {
    nearest: InPlace<'p>,
    norms: InPlace<'p>,
    /// Bytes of a row's f32 components.
    row_len: usize,
}

impl Plane {
    /// `None` where the file is read and not mapped, or the machine's numbers are others.
    pub(crate) fn in_place(&self) -> Option<RowsInPlace<'_>> {
        let rows = RowsInPlace {
            nearest: self.file.in_place(self.plane)?,
            norms: self.file.in_place(self.norms)?,
            row_len: self.dim() * 4,
        };
        cfg!(target_endian = "little").then_some(rows)
    }

    /// The f32 components of all rows in place, unchecked; `None` as above.
    pub(crate) fn mapped(&self) -> Option<&[f32]> {
        let bytes = self.file.mapped(self.plane)?;
        let numbers = bytemuck::try_cast_slice(bytes).ok();
        numbers.filter(|_| cfg!(target_endian = "little"))
    }
}

impl<'p> RowsInPlace<'p> {
    /// The f32 components of a row and its norm; `None` where they were not verified yet.
    #[inline]
    pub(crate) fn get(&self, row: u32) -> Option<(&'p [f32], f64)> {
        let row = row as usize;
        let start = row.checked_mul(self.row_len)?;
        let nearest = self.nearest.get(start..start.checked_add(self.row_len)?)?;
        let norm = row.checked_mul(8)?;
        let norm = self.norms.get(norm..norm.checked_add(8)?)?;
        let norm = f64::from_le_bytes(*norm.first_chunk()?);
        Some((bytemuck::try_cast_slice(nearest).ok()?, norm))
    }
}
