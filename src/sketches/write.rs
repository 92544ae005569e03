//! Writing the sketch of a plane that was just written: its rows are read back, twice.

use std::{num::NonZero, ops::Range, thread};

use bytemuck::AnyBitPattern;

use super::{
    fit::{Mean, Numbers, Row},
    pays::pays,
};
use crate::{
    bytes::{Spill, Spills},
    container::{ContainerWriter, SectionKind},
    error::Result,
};

/// Whether a vector segment gets a sketch, which makes queries faster and the segment
/// about a quarter longer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SketchPolicy {
    /// Where there are enough rows for a query to take its time, and a sample of them
    /// shows that a sketch would rule most rows out.
    #[default]
    Auto,
    /// Wherever there are rows.
    Always,
    /// Nowhere.
    Never,
}

impl SketchPolicy {
    /// Fewer rows are searched as fast as they are.
    pub(crate) const MIN_ROWS: u32 = 4096;
}

/// Rows that the mean and the decision are made from; fewer where they are that long
/// together.
const SAMPLE: u32 = 4096;
const SAMPLE_BYTES: u32 = 64 << 20;
/// Bytes of rows that a thread fits at a time; more threads would hold too much.
const SHARE: usize = 4 << 20;
const MAX_THREADS: usize = 8;

/// Writes the sketch of the plane of `rows` times `dim` that `out` has, if it is wanted.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io).
pub(crate) fn write(
    out: &mut ContainerWriter,
    (rows, dim): (u32, u32),
    policy: SketchPolicy,
    spills: Spills,
) -> Result<()> {
    let is_wanted = match policy {
        SketchPolicy::Auto => rows >= SketchPolicy::MIN_ROWS,
        SketchPolicy::Always => true,
        SketchPolicy::Never => false,
    };
    if !is_wanted || rows == 0 {
        return Ok(());
    }
    let mut plane = Written { out, dim };
    let sample = plane.sample(rows)?;
    let mean = sample.mean();
    if policy == SketchPolicy::Auto && !pays(&sample.rows(), &mean) {
        return Ok(());
    }
    drop(sample);
    let components = mean.components.iter();
    let bytes: Vec<u8> = components.flat_map(|x| x.to_le_bytes()).collect();
    plane.out.begin_optional(SectionKind::SKETCH_MEAN)?;
    plane.out.write(&bytes)?;
    plane.out.begin_optional(SectionKind::SKETCH_CODES)?;
    let mut numbers = Spill::new(spills);
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(MAX_THREADS);
    let share = (SHARE / (dim as usize * 4)).max(1);
    let step = u32::try_from(share.saturating_mul(threads)).unwrap_or(u32::MAX);
    let mut start = 0;
    while start < rows {
        let end = rows.min(start.saturating_add(step));
        let read = plane.read(start..end)?;
        let rows = read.rows();
        let mut codes = vec![0_i8; rows.len() * dim as usize];
        let mut beside = vec![Numbers::default(); rows.len()];
        fit(&rows, &mean, share, &mut codes, &mut beside);
        plane.out.write(bytemuck::cast_slice(&codes))?;
        let beside = beside.iter().flatten();
        let bytes: Vec<u8> = beside.flat_map(|x| x.to_le_bytes()).collect();
        numbers.write(&bytes)?;
        start = end;
    }
    plane.out.begin_optional(SectionKind::SKETCH_NUMBERS)?;
    numbers.drain(|bytes| plane.out.write(bytes))
}

/// Fits rows, `share` of them in a thread.
fn fit(rows: &[Row<'_>], mean: &Mean, share: usize, codes: &mut [i8], numbers: &mut [Numbers]) {
    let dim = mean.components.len().max(1);
    let fit = |rows: &[Row<'_>], codes: &mut [i8], numbers: &mut [Numbers]| {
        let places = codes.chunks_exact_mut(dim).zip(numbers);
        for (row, (codes, numbers)) in rows.iter().zip(places) {
            *numbers = row.fit(mean, codes);
        }
    };
    thread::scope(|scope| {
        let places = codes.chunks_mut(share * dim).zip(numbers.chunks_mut(share));
        let mut shares = rows.chunks(share).zip(places);
        let first = shares.next();
        for (rows, (codes, numbers)) in shares {
            scope.spawn(move || fit(rows, codes, numbers));
        }
        // This thread works, too.
        if let Some((rows, (codes, numbers))) = first {
            fit(rows, codes, numbers);
        }
    });
}

/// How many of `rows` the sample has.
fn sampled(rows: u32, dim: u32) -> u32 {
    let fit = SAMPLE_BYTES / dim.saturating_mul(4).max(1);
    rows.min(SAMPLE).min(fit.max(1))
}

/// The plane of a file that is being written.
struct Written<'w> {
    out: &'w mut ContainerWriter,
    dim: u32,
}

/// Some rows of it.
struct Read {
    nearest: Vec<f32>,
    norms: Vec<f64>,
}

impl Written<'_> {
    fn read(&mut self, rows: Range<u32>) -> Result<Read> {
        let len = u64::from(self.dim) * 4;
        let (start, end) = (u64::from(rows.start), u64::from(rows.end));
        let nearest = start * len..end * len;
        let nearest = self.out.read_back(SectionKind::PLANE, nearest)?;
        let norms = self.out.read_back(SectionKind::NORMS, start * 8..end * 8)?;
        Ok(Read {
            nearest: numbers(&nearest, f32::from_le_bytes),
            norms: numbers(&norms, f64::from_le_bytes),
        })
    }

    /// Rows from all over the plane, evenly.
    fn sample(&mut self, rows: u32) -> Result<Read> {
        let wanted = sampled(rows, self.dim);
        let mut sample = Read {
            nearest: Vec::new(),
            norms: Vec::new(),
        };
        for n in 0..wanted {
            let row = u64::from(n) * u64::from(rows) / u64::from(wanted);
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            let read = self.read(row..row + 1)?;
            sample.nearest.extend(read.nearest);
            sample.norms.extend(read.norms);
        }
        Ok(sample)
    }
}

impl Read {
    fn rows(&self) -> Vec<Row<'_>> {
        let dim = self.nearest.len() / self.norms.len().max(1);
        let rows = self.nearest.chunks(dim.max(1)).zip(&self.norms);
        let row = |(nearest, &norm)| Row { nearest, norm };
        rows.map(row).collect()
    }

    /// The mean of those rows that have a sketch.
    fn mean(&self) -> Mean {
        let rows = self.rows();
        let mut sums = vec![0.0; rows.first().map_or(0, |row| row.nearest.len())];
        let mut count = 0.0_f64;
        for row in rows.iter().filter(|row| row.has_sketch()) {
            count += 1.0;
            for (sum, &x) in sums.iter_mut().zip(row.nearest) {
                *sum += f64::from(x);
            }
        }
        let mean = sums.into_iter().map(|sum| (sum / count.max(1.0)) as f32);
        Mean::new(mean.collect())
    }
}

fn numbers<T: AnyBitPattern, const N: usize>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
    let (numbers, _) = bytes.as_chunks::<N>();
    numbers.iter().map(|bytes| from(*bytes)).collect()
}

#[cfg(test)]
pub(super) fn of_rows(nearest: &[f32], norms: &[f64]) -> (Vec<f32>, Vec<i8>, Vec<Numbers>) {
    let read = Read {
        nearest: nearest.to_vec(),
        norms: norms.to_vec(),
    };
    let mean = read.mean();
    let (mut codes, mut numbers) = (vec![0; nearest.len()], vec![[0.0; 4]; norms.len()]);
    fit(&read.rows(), &mean, 7, &mut codes, &mut numbers);
    (mean.components, codes, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rows_are_sampled_within_memory() {
        assert_eq!(sampled(100, 8), 100);
        assert_eq!(sampled(1_000_000, 4096), SAMPLE);
        assert_eq!(sampled(1_000_000, 65_536), 256);
        assert_eq!(sampled(1, u32::MAX), 1);
    }
}
