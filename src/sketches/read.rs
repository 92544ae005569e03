//! Reading a sketch, and checking it.

use std::{ops::Range, sync::Arc};

use super::fit::{Mean, Numbers, Row};
use crate::{
    bytes::View,
    container::{Container, SectionKind, Span},
    error::{Fault, Result},
    planes::{self, Plane},
};

/// The sketch of the only plane of a file.
#[derive(Debug)]
pub(crate) struct Sketch {
    file: Arc<Container>,
    dim: u32,
    mean: Span,
    codes: Span,
    numbers: Span,
}

impl Sketch {
    /// Takes the sections that the file has for a plane of `rows` times `dim`. `None`
    /// where it has none of them.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub(crate) fn open(file: &Arc<Container>, rows: u32, dim: u32) -> Result<Option<Sketch>> {
        let kinds = [
            SectionKind::SKETCH_MEAN,
            SectionKind::SKETCH_CODES,
            SectionKind::SKETCH_NUMBERS,
        ];
        if kinds.iter().all(|&kind| file.section(kind).is_none()) {
            return Ok(None);
        }
        let (rows, components) = (u64::from(rows), u64::from(dim));
        let section = |kind, len: Option<u64>| {
            let span = file.require(kind)?;
            match Some(span.len()) == len && rows > 0 {
                true => Ok(span),
                false => Err(file.damaged(span, 0, Fault::Bounds("section length"))),
            }
        };
        let [mean, codes, numbers] = kinds;
        Ok(Some(Sketch {
            mean: section(mean, components.checked_mul(4))?,
            codes: section(codes, rows.checked_mul(components))?,
            numbers: section(numbers, rows.checked_mul(16))?,
            dim,
            file: Arc::clone(file),
        }))
    }

    /// Components of a row.
    pub(crate) fn dim(&self) -> usize {
        self.dim as usize
    }

    /// The mean row.
    pub(crate) fn mean(&self) -> Result<planes::Numbers<'_, f32>> {
        let bytes = self.file.read(self.mean, 0..self.mean.len())?;
        Ok(planes::Numbers::new(bytes, f32::from_le_bytes))
    }

    /// The codes of neighbouring rows, row after row: an `i8` each.
    pub(crate) fn codes(&self, rows: Range<u32>) -> Result<View<'_>> {
        let dim = u64::from(self.dim);
        let bytes = u64::from(rows.start) * dim..u64::from(rows.end) * dim;
        self.file.read(self.codes, bytes)
    }

    /// The numbers of neighbouring rows.
    pub(crate) fn numbers(&self, rows: Range<u32>) -> Result<planes::Numbers<'_, Numbers>> {
        let bytes = u64::from(rows.start) * 16..u64::from(rows.end) * 16;
        let bytes = self.file.read(self.numbers, bytes)?;
        Ok(planes::Numbers::new(bytes, |bytes: [u8; 16]| {
            let (numbers, _) = bytes.as_chunks::<4>();
            let mut numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
            [(); 4].map(|()| numbers.next().unwrap_or_default())
        }))
    }

    /// Checks that the codes and numbers of every regular row of `plane` are what they may be, and
    /// bound what the codes lose: a search that believes numbers which do not would miss
    /// rows.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub(crate) fn check_rows(&self, plane: &Plane) -> Result<()> {
        let mean = Mean::new(self.mean()?.to_vec());
        if !mean.components.iter().all(|x| x.is_finite()) {
            let fault = Fault::Value("the mean of a sketch");
            return Err(self.file.damaged(self.mean, 0, fault));
        }
        let mut irregular = plane.irregular()?.into_iter().peekable();
        for row in 0..plane.rows() {
            // A search never asks the sketch of one of these.
            if irregular.next_if_eq(&row).is_some() {
                continue;
            }
            let rows = row..row + 1;
            let nearest = plane.nearest(rows.clone())?;
            let stored = Row {
                nearest: &nearest,
                norm: plane.norm(row)?,
            };
            let codes = self.codes(rows.clone())?;
            let numbers = self.numbers(rows)?.first().copied().unwrap_or_default();
            if !stored.may_have(&mean, bytemuck::cast_slice(&codes), numbers) {
                let fault = Fault::Value("the sketch of a row");
                let offset = u64::from(row) * 16;
                return Err(self.file.damaged(self.numbers, offset, fault));
            }
        }
        Ok(())
    }
}
