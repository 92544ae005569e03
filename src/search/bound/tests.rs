//! The bound, with vectors that were made to break it.

use super::*;
use crate::search::{exact, tests::Random};

/// How the components of a vector are drawn.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Uniform,
    /// All alike, so that roundings add up instead of cancelling out.
    Constant,
    /// Large components in pairs that cancel out against [`Shape::Uniform`]'s
    /// neighbour, and a small rest that is the score.
    Cancelling,
    /// A few dominate.
    Outliers,
    /// Most are zero, or too small for the rest to notice.
    Sparse,
}

const SHAPES: [Shape; 5] = [
    Shape::Uniform,
    Shape::Constant,
    Shape::Cancelling,
    Shape::Outliers,
    Shape::Sparse,
];

fn vector(random: &mut Random, dim: usize, shape: Shape) -> Vec<f64> {
    let constant = 1.0 + random.unit() / 4096.0;
    let mut previous = 0.0;
    (0..dim)
        .map(|n| {
            let x = random.unit() - 0.5;
            let value = match shape {
                Shape::Uniform => x,
                Shape::Constant => constant,
                Shape::Cancelling if n % 2 == 0 => 1000.0 * x,
                Shape::Cancelling => x * 1e-3 - previous,
                Shape::Outliers if random.below(100) == 0 => 300.0 * x,
                Shape::Outliers => x,
                Shape::Sparse if random.below(8) == 0 => x,
                Shape::Sparse if random.below(2) == 0 => x * 1e-20,
                Shape::Sparse => 0.0,
            };
            previous = value;
            value
        })
        .collect()
}

/// The row as a plane has it: `f32`, and whether it is regular.
fn stored(values: &[f64]) -> Option<Vec<f32>> {
    let nearest: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    let normal = |x: &f32| x.is_normal() || *x == 0.0;
    // Delta rows hold a value beside 0 only where it is next to nothing.
    let vanishes = |(x, f): (&f64, &f32)| *f == 0.0 && *x != 0.0 && x.abs() > 2.0_f64.powi(-1000);
    let regular = nearest.iter().all(normal)
        && !values.iter().zip(&nearest).any(vanishes)
        && is_regular(norm(values));
    regular.then_some(nearest)
}

/// Compares the approximate cosine of every kernel with the reported one.
/// Returns the largest share of the bound that an error made up.
fn check(query: &[f64], row: &[f64]) -> f64 {
    let Some(nearest) = stored(row) else {
        return 0.0;
    };
    let prepared = Query::new(query);
    let scaled = prepared.scaled.unwrap();
    let is_exact = nearest.iter().zip(row).all(|(f, x)| f64::from(*f) == *x);
    let row_norm = norm(row);
    let expected = exact::cosine(query, prepared.norm, row, row_norm);
    let mut most = 0.0_f64;
    for kernel in Kernel::available() {
        let bound = scaled.bound(is_exact, &kernel);
        let mut dots = vec![0.0; 5];
        kernel.dots(&scaled.nearest, &nearest, &mut dots[..1]);
        kernel.dots_of_many(&[&scaled.nearest[..]; 4], &nearest, 1, &mut dots[1..]);
        for dot in dots {
            let error = (scaled.cosine(dot, row_norm) - expected).abs();
            assert!(
                error <= bound,
                "{}: {error:e} over {bound:e}, dim {}",
                kernel.name,
                row.len()
            );
            most = most.max(error / bound);
        }
    }
    most
}

#[test]
fn no_kernel_is_further_off_than_the_bound() {
    let mut random = Random(7);
    let mut most = 0.0_f64;
    let dims = [
        1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 384, 1000, 1536, 4097,
    ];
    for dim in dims.into_iter().chain([65_536]) {
        let rounds = (40_000 / dim).clamp(1, 300);
        for _ in 0..rounds {
            for shape in SHAPES {
                let other = SHAPES[random.below(SHAPES.len())];
                let query = vector(&mut random, dim, other);
                let row = vector(&mut random, dim, shape);
                let widened: Vec<f64> = row.iter().map(|&x| f64::from(x as f32)).collect();
                if is_regular(norm(&query)) {
                    most = most.max(check(&query, &row)).max(check(&query, &widened));
                }
            }
        }
    }
    // If nothing came near it, the bound would not be worth much.
    assert!(most > 0.05, "{most}");
}

#[test]
fn huge_and_tiny_norms_are_bounded() {
    let mut random = Random(8);
    for dim in [1, 15, 16, 17, 384] {
        for query_power in [-59, -1, 0, 58] {
            for row_power in [-59, -30, 30, 55] {
                for shape in SHAPES {
                    let scale = |mut values: Vec<f64>, power| {
                        let to_one = 2.0_f64.powi(power) / norm(&values).max(1e-300);
                        values.iter_mut().for_each(|x| *x *= to_one);
                        values
                    };
                    let query = scale(vector(&mut random, dim, Shape::Uniform), query_power);
                    check(&query, &scale(vector(&mut random, dim, shape), row_power));
                }
            }
        }
    }
}

/// Components that are subnormal as `f32` after scaling, or as `f64` before it.
#[test]
fn denormal_components_of_a_query_are_bounded() {
    for tiny in [1e-39, 1e-44, 1e-60, 5e-324] {
        for at in [0, 8, 16] {
            let mut query = vec![0.25; 17];
            query[at] = tiny;
            let mut row = vec![1e-3; 17];
            row[at] = 1e15;
            check(&query, &row);
        }
    }
    let scaled = Query::new(&[0.5, 1e-40]).scaled.unwrap();
    assert_eq!(scaled.nearest, [1.0, 0.0]);
}

/// Two rows whose `f32` rows are the same.
#[test]
fn a_bound_covers_what_f32_cannot_tell_apart() {
    let row = [0.1, 0.2, 0.3];
    let other = [0.1, 0.2, 0.3 + 1e-9];
    assert_eq!(stored(&row), stored(&other));
    let query = Query::new(&[0.3, -0.1, 0.9]);
    let cosine = |row: &[f64]| exact::cosine(&query.values, query.norm, row, norm(row));
    let difference = (cosine(&row) - cosine(&other)).abs();
    let scaled = query.scaled.as_ref().unwrap();
    let bound = |exact| scaled.bound(exact, Kernel::best());
    assert!(difference > 0.0 && difference < 2.0 * bound(false));
    assert!(bound(true) < bound(false));
}

#[test]
fn extreme_queries_are_not_scanned() {
    for values in [
        &[0.0, 0.0][..],
        &[1e200],
        &[1e-200],
        &[f64::NAN],
        &[f64::INFINITY],
        &[],
    ] {
        assert!(Query::new(values).scaled.is_none(), "{values:?}");
    }
}

#[test]
fn a_query_is_scaled_by_a_power_of_two() {
    for power in [-59, -3, 0, 1, 59] {
        let query = [1.25 * 2.0_f64.powi(power), 0.5 * 2.0_f64.powi(power)];
        let scaled = Query::new(&query).scaled.unwrap();
        assert_eq!(scaled.nearest, [1.25, 0.5]);
        assert!((1.0..2.0).contains(&scaled.norm));
    }
}

#[test]
fn bounds_are_narrow() {
    for (dim, limit) in [(384, 4e-6), (1536, 1.4e-5), (65_536, 6e-4)] {
        let query = Query::new(&vec![0.01; dim]).scaled.unwrap();
        for kernel in Kernel::available() {
            let bound = query.bound(false, &kernel);
            assert!(bound < limit, "{}: {bound:e}", kernel.name);
        }
    }
}
