//! Rows from all over a segment, brought together.
//!
//! What is done for each row between two that have to be fetched from memory decides
//! how many the processor fetches at a time. So rows are found first, and then
//! multiplied in one loop.

use std::ops::{ControlFlow, Range};

use crate::{
    error::Result,
    planes::{Plane, RowsInPlace},
    search::{Block, Nearest, RowNumbers, SketchBlock},
    sketches::Sketch,
};

/// Rows that are looked at together, about.
const FULL: usize = if cfg!(test) { 3 } else { 128 };

/// Short runs of rows of a plane, until they are enough for a block.
pub(super) struct Gathered<'s> {
    plane: &'s Plane,
    in_place: Option<RowsInPlace<'s>>,
    rows: Vec<u32>,
    nearest: Vec<&'s [f32]>,
    norms: Vec<f64>,
}

impl<'s> Gathered<'s> {
    pub(super) fn new(plane: &'s Plane) -> Gathered<'s> {
        Gathered {
            plane,
            in_place: plane.in_place(),
            rows: Vec::with_capacity(FULL),
            nearest: Vec::with_capacity(FULL),
            norms: Vec::with_capacity(FULL),
        }
    }

    /// Adds a run that follows the last one; gives `each` a block when they are enough.
    ///
    /// # Errors
    /// What `each` returns, and those of reading.
    pub(super) fn add(
        &mut self,
        run: Range<u32>,
        each: &mut dyn FnMut(Block<'_>) -> Result<()>,
    ) -> Result<()> {
        for row in run.clone() {
            let in_place = self.in_place.as_ref().and_then(|rows| rows.get(row));
            let Some((nearest, norm)) = in_place else {
                self.flush(each)?;
                let rest = row..run.end;
                return each(Block {
                    rows: RowNumbers::From(row),
                    nearest: Nearest::Together(&self.plane.nearest(rest.clone())?),
                    norms: &self.plane.norms(rest)?,
                });
            };
            self.rows.push(row);
            self.nearest.push(nearest);
            self.norms.push(norm);
            if self.rows.len() == FULL {
                self.flush(each)?;
            }
        }
        Ok(())
    }

    /// Gives `each` what was added since the last block, if there is any.
    ///
    /// # Errors
    /// What `each` returns.
    pub(super) fn flush(&mut self, each: &mut dyn FnMut(Block<'_>) -> Result<()>) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        each(Block {
            rows: RowNumbers::Listed(&self.rows),
            nearest: Nearest::Apart(&self.nearest),
            norms: &self.norms,
        })?;
        self.rows.clear();
        self.nearest.clear();
        self.norms.clear();
        Ok(())
    }
}

/// Short runs of rows of a sketch, until they are enough for a block. They are copied:
/// codes are a quarter of a row, and copies are fetched as fast as anything.
pub(super) struct GatheredCodes<'s> {
    sketch: &'s Sketch,
    rows: Vec<u32>,
    codes: Vec<u8>,
    numbers: Vec<[f32; 4]>,
}

impl<'s> GatheredCodes<'s> {
    pub(super) fn new(sketch: &'s Sketch) -> GatheredCodes<'s> {
        GatheredCodes {
            sketch,
            rows: Vec::new(),
            codes: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Adds a run that follows the last one; gives `each` a block when they are enough.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn add(
        &mut self,
        run: Range<u32>,
        each: &mut dyn FnMut(SketchBlock<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>> {
        self.codes
            .extend_from_slice(&self.sketch.codes(run.clone())?);
        self.numbers
            .extend_from_slice(&self.sketch.numbers(run.clone())?);
        self.rows.extend(run);
        match self.rows.len() >= FULL {
            true => Ok(self.flush(each)),
            false => Ok(ControlFlow::Continue(())),
        }
    }

    /// Gives `each` what was added since the last block, if there is any.
    pub(super) fn flush(
        &mut self,
        each: &mut dyn FnMut(SketchBlock<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if self.rows.is_empty() {
            return ControlFlow::Continue(());
        }
        let next = each(SketchBlock {
            rows: RowNumbers::Listed(&self.rows),
            codes: bytemuck::cast_slice(&self.codes),
            numbers: &self.numbers,
        });
        self.rows.clear();
        self.codes.clear();
        self.numbers.clear();
        next
    }
}
