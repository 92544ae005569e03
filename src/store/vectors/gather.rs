//! Rows from all over a segment, brought together.
//!
//! What is done for each row between two that have to be fetched from memory decides
//! how many the processor fetches at a time. So rows are found first, and then
//! multiplied in one loop.

use std::ops::{ControlFlow, Range};

use crate::{
    error::Result,
    planes::Plane,
    search::{Block, Nearest, RowNumbers, SketchBlock},
    sketches::Sketch,
};

/// Rows that are looked at together, about.
const FULL: usize = if cfg!(test) { 3 } else { 128 };

/// Short runs of rows of a plane, until they are enough for a block.
pub(super) struct Gathered<'s> {
    plane: &'s Plane,
    rows: Vec<u32>,
    nearest: Vec<&'s [f32]>,
    norms: Vec<f64>,
}

impl<'s> Gathered<'s> {
    pub(super) fn new(plane: &'s Plane) -> Gathered<'s> {
        Gathered {
            plane,
            rows: Vec::new(),
            nearest: Vec::new(),
            norms: Vec::new(),
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
        let Some((nearest, norms)) = self.plane.in_place(run.clone()) else {
            self.flush(each)?;
            return each(Block {
                rows: RowNumbers::From(run.start),
                nearest: Nearest::Together(&self.plane.nearest(run.clone())?),
                norms: &self.plane.norms(run)?,
            });
        };
        self.nearest.extend(nearest.chunks(self.plane.dim().max(1)));
        self.norms.extend_from_slice(norms);
        self.rows.extend(run);
        match self.rows.len() >= FULL {
            true => self.flush(each),
            false => Ok(()),
        }
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
