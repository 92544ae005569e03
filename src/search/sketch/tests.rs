//! The bounds, with rows that were made to break them, and how much they rule out.

use super::*;
use crate::search::{
    Query, SketchBlock, exact,
    tests::{Random, TableSketch},
};

#[derive(Debug, Clone, Copy)]
enum Shape {
    Uniform,
    /// All rows nearly alike: little is left without the mean.
    Alike,
    /// A few components are large in all rows, as ada-002 has them.
    Outliers,
    /// One component decides.
    Single,
    /// Very short and very long rows, so that shares of the mean are extreme.
    Lengths,
}

const SHAPES: [Shape; 5] = [
    Shape::Uniform,
    Shape::Alike,
    Shape::Outliers,
    Shape::Single,
    Shape::Lengths,
];

fn row(random: &mut Random, dim: usize, shape: Shape) -> Vec<f64> {
    let length = match shape {
        Shape::Lengths => 2.0_f64.powi(random.below(100) as i32 - 50),
        _ => 1.0,
    };
    let single = random.below(dim);
    let component = |n: usize, random: &mut Random| {
        let x = random.unit() - 0.5;
        let value = match shape {
            Shape::Uniform | Shape::Lengths => x,
            Shape::Alike => (n as f64).sin() + 1e-7 * x,
            Shape::Outliers if n % 97 == 5 => 25.0 + x,
            Shape::Outliers => x,
            Shape::Single if n == single => 1.0,
            Shape::Single => 1e-6 * x,
        };
        f64::from((value * length) as f32)
    };
    (0..dim).map(|n| component(n, random)).collect()
}

/// The largest share of its bound that the error of a cosine makes up.
fn worst(rows: &[Vec<f64>], queries: &[Vec<f64>]) -> f64 {
    let nearest: Vec<f32> = rows.iter().flatten().map(|&x| x as f32).collect();
    let norms: Vec<f64> = rows.iter().map(|row| exact::norm(row)).collect();
    let sketch = TableSketch::of(&nearest, &norms);
    let mut worst = 0.0_f64;
    for query in queries {
        let prepared = Query::new(query);
        let Some(scaled) = &prepared.scaled else {
            continue;
        };
        let direction = Direction::new(scaled);
        let weights = direction.weights(&sketch.mean);
        let mut check = |block: SketchBlock<'_>| {
            for kernel in CodesKernel::available() {
                let mut dots = vec![[0; 2]; block.numbers.len()];
                kernel.dots(&direction.codes, block.codes, &mut dots);
                for (n, (numbers, dots)) in block.numbers.iter().zip(dots).enumerate() {
                    let n = block.rows.get(n) as usize;
                    let expected = exact::cosine(query, prepared.norm, &rows[n], norms[n]);
                    let (cosine, bound) = weights.cosine(numbers, dots);
                    let error = (cosine - expected).abs();
                    assert!(error <= bound, "{error:e} over {bound:e} of row {n}");
                    worst = worst.max(error / bound);
                }
            }
            ControlFlow::Continue(())
        };
        let all = 0..rows.len() as u32;
        sketch.each_block(&[all], &mut check).unwrap();
    }
    worst
}

#[test]
fn no_cosine_is_further_off_than_its_bound() {
    let mut random = Random(17);
    let mut most = 0.0_f64;
    for dim in [1, 2, 3, 31, 64, 65, 384, 1536] {
        for shape in SHAPES {
            let rows: Vec<_> = (0..40).map(|_| row(&mut random, dim, shape)).collect();
            // The rows themselves are asked for, too, and what their sketches lose.
            let mut queries = rows[..10].to_vec();
            for other in SHAPES {
                queries.push(row(&mut random, dim, other));
            }
            let (a, b) = (&rows[0], &rows[1]);
            queries.push(a.iter().zip(b).map(|(a, b)| a - b).collect());
            most = most.max(worst(&rows, &queries));
        }
    }
    // If nothing came near them, the bounds would not be worth much.
    assert!(most > 0.2, "{most}");
}

/// A query along what the codes of a row lose is as far off as can be.
#[test]
fn what_codes_lose_is_bounded_where_it_is_asked_for() {
    let mut random = Random(18);
    for dim in [2, 16, 384] {
        let rows: Vec<_> = (0..20)
            .map(|_| row(&mut random, dim, Shape::Uniform))
            .collect();
        let nearest: Vec<f32> = rows.iter().flatten().map(|&x| x as f32).collect();
        let norms: Vec<f64> = rows.iter().map(|row| exact::norm(row)).collect();
        let (mean, codes, numbers) = crate::sketches::of_rows(&nearest, &norms);
        let lost = rows.iter().enumerate().map(|(n, row)| {
            let [scale, share, ..] = numbers[n].map(f64::from);
            let lost = row.iter().enumerate().map(|(i, x)| {
                let code = f64::from(codes[n * dim + i]);
                x / norms[n] - share * f64::from(mean[i]) - scale * code
            });
            lost.collect()
        });
        let lost: Vec<Vec<f64>> = lost.collect();
        let most = worst(&rows, &lost);
        assert!(most > 0.9, "{most} at {dim}");
    }
}

#[test]
fn extreme_queries_are_bounded() {
    let mut random = Random(19);
    let rows: Vec<_> = (0..20)
        .map(|_| row(&mut random, 40, Shape::Lengths))
        .collect();
    let mut queries = Vec::new();
    for power in [-59, -20, 20, 58] {
        let query = row(&mut random, 40, Shape::Uniform).into_iter();
        queries.push(query.map(|x| x * 2.0_f64.powi(power)).collect());
    }
    // A direction of which codes hold nothing but one component.
    queries.push([vec![1.0], vec![1e-300; 39]].concat());
    worst(&rows, &queries);
}

/// FORMAT.md allows it, and what rounding loses is no less for it.
#[test]
fn a_negative_share_of_the_mean_is_bounded_as_well() {
    let query = Query::new(&[1.0, -2.0, 3.0]);
    let direction = Direction::new(query.scaled.as_ref().unwrap());
    let weights = direction.weights(&[1e6, 2e6, -3e6]);
    let bound = |share| weights.cosine(&[0.0, share, 0.0, 0.0], [0, 0]).1;
    assert_eq!(bound(-1e6), bound(1e6));
    assert!(bound(-1e6) > bound(0.0));
}

/// Rows around a few topics with a mean that is far from 0, as embeddings are.
fn topics(random: &mut Random, dim: usize, count: usize) -> Vec<Vec<f64>> {
    let topics: Vec<_> = (0..20).map(|_| row(random, dim, Shape::Outliers)).collect();
    let near = |random: &mut Random| {
        let topic = &topics[random.below(topics.len())];
        topic
            .iter()
            .map(|x| x + 0.5 * (random.unit() - 0.5))
            .collect()
    };
    (0..count).map(|_| near(random)).collect()
}

/// Asks for five rows near to row 77, and gives the keeper of all rows to `check`.
fn rule_out(rows: &[Vec<f64>], check: impl FnOnce(&Keeper<'_>)) {
    let nearest: Vec<f32> = rows.iter().flatten().map(|&x| x as f32).collect();
    let norms: Vec<f64> = rows.iter().map(|row| exact::norm(row)).collect();
    let query = Query::new(&rows[77]);
    let asked = Asked {
        direction: Direction::new(query.scaled.as_ref().unwrap()),
        limit: 5,
        is_given_up: AtomicBool::new(false),
    };
    let mut keepers = [Keeper {
        asked: &asked,
        threshold: Threshold::new(5),
        seen: 0,
        kept: 0,
        parts: Vec::new(),
    }];
    let (sketch, all) = (TableSketch::of(&nearest, &norms), 0..rows.len() as u32);
    rule_out_part(&sketch, (0, &[all]), &mut keepers).unwrap();
    check(&keepers[0]);
}

#[test]
fn most_rows_are_ruled_out() {
    rule_out(&topics(&mut Random(20), 384, 2000), |keeper| {
        let kept = &keeper.parts[0].rows;
        assert!(kept.iter().any(|row| row.row == 77));
        assert!(kept.len() < 400, "{}", kept.len());
        assert!(!keeper.gives_up() && keeper.seen == 2000);
    });
}

/// Rows that no bound tells apart.
#[test]
fn a_search_that_rules_nothing_out_gives_up_early() {
    let mut random = Random(21);
    let rows = (0..2000).map(|_| row(&mut random, 16, Shape::Alike));
    rule_out(&rows.collect::<Vec<_>>(), |keeper| {
        assert!(keeper.gives_up() && keeper.seen < 200);
    });
}
