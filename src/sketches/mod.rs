//! Sketches of the rows of a plane: their directions in one byte a component, with a
//! bound of what that loses. A search multiplies a quarter of the bytes, and reads
//! from the plane only rows that the bound does not rule out.
//!
//! ```text
//! SKMN   dim f32             the mean row, a share of which is taken from each
//! SKCO   rows x dim i8       what is left of a row, divided by its scale
//! SKNU   rows x 4 f32        scale, share, error and length of each row
//! ```
//!
//! Without the mean a few components that are large in all rows would decide the scale,
//! and the rest would be lost: so it is with OpenAI's `ada-002`.
//!
//! `fit.rs` makes and proves the codes of one row, `read.rs` and `write.rs` are twins,
//! and `pays.rs` says whether a search would rule out enough. What a search concludes
//! from a sketch is derived in `search/sketch.rs`.

mod fit;
mod pays;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use read::Sketch;
pub use write::SketchPolicy;
pub(crate) use write::write;

/// A sketch of rows in memory: the mean, the codes and the numbers.
#[cfg(test)]
pub(crate) fn of_rows(nearest: &[f32], norms: &[f64]) -> (Vec<f32>, Vec<i8>, Vec<[f32; 4]>) {
    write::of_rows(nearest, norms)
}
