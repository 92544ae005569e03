//! Whether a sketch pays: a search that rules few rows out reads them twice.

use super::fit::{Mean, Row};

/// Rows that are asked for, and rows that are looked at.
const QUERIES: usize = 64;
const ROWS: usize = 1024;
/// How many rows each of them wants: two are usual in LlamaIndex, and rarely over ten.
const WANTED: usize = 10;

/// Whether bounds rule nine rows in ten out, when rows of the sample are asked for.
pub(super) fn pays(sample: &[Row<'_>], mean: &Mean) -> bool {
    let has_sketch = |row: &&Row<'_>| row.has_sketch();
    let every = |count: usize| sample.len().div_ceil(count).max(1);
    let rows: Vec<&Row<'_>> = sample
        .iter()
        .step_by(every(ROWS))
        .filter(has_sketch)
        .collect();
    let mut codes = vec![0; mean.components.len()];
    let errors = rows.iter().map(|row| {
        let [_, _, error, _] = row.fit(mean, &mut codes);
        f64::from(error)
    });
    let errors: Vec<f64> = errors.collect();
    let (mut kept, mut looked_at) = (0, 0);
    for query in rows.iter().step_by(rows.len().div_ceil(QUERIES).max(1)) {
        let cosines = rows.iter().map(|row| cosine(query, row));
        let cosines: Vec<f64> = cosines.collect();
        let mut lower: Vec<f64> = cosines.iter().zip(&errors).map(|(c, e)| c - e).collect();
        // Rows fewer than that are never many enough for a sketch, unless it is forced.
        let Some(last) = WANTED.checked_sub(1).filter(|&last| last < lower.len()) else {
            return false;
        };
        let (_, &mut least, _) = lower.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
        let reach = cosines
            .iter()
            .zip(&errors)
            .filter(|(c, e)| **c + **e >= least);
        kept += reach.count();
        looked_at += rows.len();
    }
    kept * 10 <= looked_at
}

fn cosine(a: &Row<'_>, b: &Row<'_>) -> f64 {
    let mut sums = [0.0_f32; 8];
    let ((a8, a_rest), (b8, b_rest)) = (a.nearest.as_chunks::<8>(), b.nearest.as_chunks::<8>());
    for (a, b) in a8.iter().zip(b8) {
        for ((sum, x), y) in sums.iter_mut().zip(a).zip(b) {
            *sum += x * y;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    f64::from(sums.iter().sum::<f32>() + rest) / (a.norm * b.norm)
}
