//! Orders as CPython 3.11.7 gave them, as hashes.

use super::list_sort;
use crate::search::tests::{Random, fnv, scores};

/// `sorted(enumerate(scores), key=score, reverse=True)`, the numbers of it.
fn sorted(scores: &[f64]) -> Vec<usize> {
    let mut items: Vec<(f64, usize)> = scores.iter().copied().zip(0..).collect();
    items.reverse();
    list_sort(&mut items);
    items.reverse();
    items.into_iter().map(|(_, n)| n).collect()
}

fn hash(order: &[usize]) -> u64 {
    fnv(order.iter().map(|&n| n as u64))
}

#[test]
fn scores_with_nan_are_sorted_as_cpython_sorts_them() {
    for (seed, (n, distinct, nans, expected)) in (0..).zip([
        (2, 3, 2, 0x82f_2207_b4e8_8cc4),
        (5, 4, 3, 0x3378_e3d0_c52e_dfaf),
        (30, 10, 4, 0xf89e_5c00_ed8d_1f5c),
        (63, 50, 6, 0xdf00_ea68_343e_ade2),
        (64, 50, 6, 0x2bb3_0478_26ac_b0e1),
        (65, 50, 6, 0x2ee9_986a_dacc_dc0d),
        (200, 1000, 20, 0x722b_7efa_fc5a_d14f),
        (500, 100, 50, 0x9d56_caa7_1b89_8107),
        (3000, 10000, 400, 0xc2ee_8169_6694_0f99),
        (3000, 10000, 0, 0xae2e_3884_bac9_26ed),
        (5000, 3, 100, 0x55f8_32b9_6a78_fe55),
    ]) {
        let scores = scores(seed, n, distinct, nans);
        assert_eq!(hash(&sorted(&scores)), expected, "{n} scores");
    }
}

/// Long runs make merges gallop.
#[test]
fn runs_with_nan_between_them_are_merged_as_cpython_merges_them() {
    for (seed, (n, nans, expected)) in (0..).zip([
        (300, false, 0x7fa1_48ed_1ee2_7481),
        (300, true, 0xe47c_c736_34c9_1e75),
        (2000, true, 0x46b7_4dcf_4bc1_ebdd),
        (10000, true, 0x2b08_b63b_4dbe_5dbf),
        (10000, false, 0x21af_4496_f32c_cf35),
    ]) {
        let mut random = Random(seed);
        let mut scores = Vec::new();
        while scores.len() < n {
            let len = 1 + random.below(90);
            let start = random.below(1000) as f64;
            let step = if random.below(2) == 1 { 1.0 } else { -1.0 };
            scores.extend((0..len).map(|i| start + step * i as f64));
            scores.extend(nans.then_some(f64::NAN));
        }
        scores.truncate(n);
        assert_eq!(hash(&sorted(&scores)), expected, "{n} scores");
    }
}
