//! Rows of numbers: a plane of f32 that search reads and numpy sees, and
//! beside it what is needed to get back the exact f64 and the exact text.
//!
//! ```text
//! PLAN   rows x dim f32, row-major      always the f32 nearest to the value
//! CLAS   a byte a row                   how the value follows from the f32
//! LOWP   Delta rows x dim i32           what a Delta row adds to the f64 bits
//! NORM   f64 a row                      sqrt(sum of squares)
//! EXCP   row, column, token end         tokens that the class does not print
//! IRRG   row numbers                    rows a search must rescore
//! ```
//!
//! A file may hold several planes: their parts stand one after another in each
//! section. A vector segment has one and streams it (`PlaneBuilder`); records
//! have one for each length of array (`PlanesBuilder`).
//!
//! A row's `RowClass` is the cheapest of three that prints its tokens back:
//! `classify.rs` decides it. It knows JSON number *tokens*, not stores.
//! `read.rs` and `write.rs` are twins; `in_place.rs` has rows of a mapped file without
//! reading, `rows.rs` rows on their way from the thread
//! that takes them apart to the one that writes.

mod check;
mod classify;
mod format;
mod in_place;
mod numbers;
mod read;
mod rows;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use classify::{NotARow, Row};
#[cfg(test)]
pub(crate) use format::MAX_PLANES;
pub(crate) use format::{PlaneMeta, is_regular, norm};
pub(crate) use in_place::RowsInPlace;
pub(crate) use numbers::Numbers;
pub(crate) use read::{Plane, StoredRow};
pub(crate) use rows::ReadRows;
pub(crate) use write::{PlaneBuilder, PlanesBuilder, Pushed};
