//! All kernels of this machine give the same sums.

use super::{CodesKernel, QueryCodes};
use crate::search::tests::Random;

fn codes(random: &mut Random, len: usize, largest: bool) -> Vec<i8> {
    let code = |random: &mut Random| match largest {
        true => [127, -127][random.below(2)],
        false => random.below(255) as i32 - 127,
    };
    (0..len).map(|_| code(random) as i8).collect()
}

fn exact(a: &[i8], b: &[i8]) -> i32 {
    let products = a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b));
    products.sum()
}

#[test]
fn every_code_of_every_row_counts_once() {
    let mut random = Random(3);
    for dim in (1..=200).chain([255, 256, 257, 384, 1536, 1537, 65_536]) {
        let rows = codes(&mut random, 3 * dim, false);
        let (coarse, fine) = (
            codes(&mut random, dim, false),
            codes(&mut random, dim, false),
        );
        let query = QueryCodes::new(&coarse, &fine);
        let expected: Vec<[i32; 2]> = rows
            .chunks(dim)
            .map(|row| [exact(row, &coarse), exact(row, &fine)])
            .collect();
        for kernel in CodesKernel::available() {
            let mut dots = [[i32::MIN; 2]; 3];
            kernel.dots(&query, &rows, &mut dots);
            assert_eq!(dots[..], expected, "{} at {dim}", kernel.name);
        }
    }
}

#[test]
fn the_largest_codes_do_not_overflow() {
    for (x, q) in [(127, 127), (-127, 127), (127, -127), (-127, -127)] {
        let dim = 65_536;
        let query = QueryCodes::new(&vec![q; dim], &vec![q; dim]);
        let expected = i32::from(x) * i32::from(q) * dim as i32;
        for kernel in CodesKernel::available() {
            let mut dots = [[0; 2]];
            kernel.dots(&query, &vec![x; dim], &mut dots);
            assert_eq!(dots, [[expected; 2]], "{} of {x} and {q}", kernel.name);
        }
    }
}

#[test]
fn nothing_is_read_where_there_is_nothing() {
    for kernel in CodesKernel::available() {
        let mut dots = [[7; 2]];
        kernel.dots(&QueryCodes::new(&[], &[]), &[], &mut dots);
        assert_eq!(dots, [[0; 2]]);
        kernel.dots(&QueryCodes::new(&[1], &[1]), &[], &mut []);
    }
}

#[test]
fn random_signs_of_the_largest_codes_are_exact() {
    let mut random = Random(4);
    let rows = codes(&mut random, 65_536, true);
    let query = QueryCodes::new(&rows, &rows);
    for kernel in CodesKernel::available() {
        let mut dots = [[0; 2]];
        kernel.dots(&query, &rows, &mut dots);
        assert_eq!(dots, [[127 * 127 * 65_536; 2]], "{}", kernel.name);
    }
}
