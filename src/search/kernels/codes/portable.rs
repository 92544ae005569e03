//! Sums in plain loops.

use super::{CodesKernel, QueryCodes, STEP, code_loop};

pub(super) const KERNEL: CodesKernel = CodesKernel {
    name: "portable",
    dots,
};

fn dot(query: &QueryCodes, steps: &[[i8; STEP]], rest: &[i8]) -> [i32; 2] {
    [&query.coarse, &query.fine].map(|query| {
        let row = steps.iter().flatten().chain(rest);
        let query = query.words.iter().flatten();
        let products = row.zip(query).map(|(&x, &q)| i32::from(x) * i32::from(q));
        products.sum()
    })
}

code_loop! {}
