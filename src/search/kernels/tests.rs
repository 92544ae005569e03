//! All kernels of this machine, on sums that are exact in `f32`.

use super::Kernel;
use crate::search::tests::Random;

/// Rows and queries of small whole numbers.
fn whole(random: &mut Random, len: usize) -> Vec<f32> {
    (0..len).map(|_| random.below(9) as f32 - 4.0).collect()
}

fn exact(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn every_component_of_every_row_counts_once() {
    let mut random = Random(1);
    let dims = (1..=200).chain([255, 256, 257, 384, 1536, 1537, 65_536]);
    for dim in dims {
        let rows = whole(&mut random, 3 * dim);
        let queries: Vec<Vec<f32>> = (0..7).map(|_| whole(&mut random, dim)).collect();
        let queries: Vec<&[f32]> = queries.iter().map(Vec::as_slice).collect();
        let expected: Vec<f32> = queries
            .iter()
            .flat_map(|query| rows.chunks(dim).map(|row| exact(query, row)))
            .collect();
        for kernel in Kernel::available() {
            let mut many = vec![f32::NAN; expected.len()];
            kernel.dots_of_many(&queries, &rows, 3, &mut many);
            assert_eq!(many, expected, "{} at {dim}", kernel.name);
            let mut one = [f32::NAN; 3];
            kernel.dots(queries[6], &rows, &mut one);
            assert_eq!(one, expected[18..], "{} at {dim}", kernel.name);
            let apart: Vec<&[f32]> = rows.chunks(dim).rev().collect();
            kernel.dots_apart(queries[6], &apart, &mut one);
            one.reverse();
            assert_eq!(one, expected[18..], "{} at {dim}, apart", kernel.name);
        }
    }
}

#[test]
fn nothing_is_read_where_there_is_nothing() {
    for kernel in Kernel::available() {
        let mut out = [f32::NAN; 2];
        kernel.dots(&[], &[], &mut out);
        assert_eq!(out, [0.0; 2]);
        kernel.dots_of_many(&[&[1.0_f32][..]; 5], &[], 0, &mut []);
    }
}

#[test]
fn the_portable_kernel_is_always_there() {
    let names: Vec<&str> = Kernel::available()
        .iter()
        .map(|kernel| kernel.name)
        .collect();
    assert_eq!(names.last(), Some(&"portable"));
    assert_eq!(Kernel::best().name, names[0]);
}
