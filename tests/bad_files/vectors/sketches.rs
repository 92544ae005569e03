//! Sketches of rows. One that claims too little hides rows from queries, and changes
//! nothing that is printed.

use super::{Break, TEXT, Vectors, at};
use crate::{
    Outcome::{Damaged, Deep, Prints},
    common::forge::sketch,
};

/// Adds a sketch to the sound file.
fn sketched(v: &mut Vectors) {
    let rows = [[0.5, -0.25], [0.1, 0.2]];
    let [mean, codes, numbers] = sketch(&rows, 1);
    v.plain.insert(b"SKMN", mean);
    v.plain.insert(b"SKCO", codes);
    v.plain.insert(b"SKNU", numbers);
}

pub fn cases(vec: &mut Break<'_>) {
    vec("vec-sketch", Prints(TEXT), &sketched);
    for (name, kind, words) in [
        (
            "vec-sketch-mean-missing",
            b"SKMN",
            "SKETCH_MEAN at byte 1792: the section is missing",
        ),
        (
            "vec-sketch-codes-missing",
            b"SKCO",
            "SKETCH_CODES at byte 1792: the section is missing",
        ),
        (
            "vec-sketch-numbers-missing",
            b"SKNU",
            "SKETCH_NUMBERS at byte 1792: the section is missing",
        ),
    ] {
        vec(name, Damaged(words), &|v| {
            sketched(v);
            v.plain.remove(kind);
        });
    }
    for (name, kind, words) in [
        (
            "vec-sketch-mean-length",
            b"SKMN",
            "SKETCH_MEAN at byte 1536: section length does not fit the data",
        ),
        (
            "vec-sketch-codes-length",
            b"SKCO",
            "SKETCH_CODES at byte 1472: section length does not fit the data",
        ),
        (
            "vec-sketch-numbers-length",
            b"SKNU",
            "SKETCH_NUMBERS at byte 1600: section length does not fit the data",
        ),
    ] {
        vec(name, Damaged(words), &|v| {
            sketched(v);
            v.cut(kind);
        });
    }
    let mean =
        "SKETCH_MEAN at byte 1536: the mean of a sketch has a value that the format does not allow";
    vec("vec-sketch-mean-infinite", Deep(TEXT, mean), &|v| {
        sketched(v);
        at(v.section(b"SKMN"), 4, f32::INFINITY.to_le_bytes());
    });
    let row = "SKETCH_NUMBERS at byte 1616: the sketch of a row has a value that the format does not allow";
    vec("vec-sketch-code-without-negative", Deep(TEXT, row), &|v| {
        sketched(v);
        v.section(b"SKCO")[3] = 0x80;
    });
    vec("vec-sketch-code-of-another-row", Deep(TEXT, row), &|v| {
        sketched(v);
        v.section(b"SKCO")[2] = 100;
    });
    // Scale, share, error and length of row 1.
    for (name, n, number) in [
        ("vec-sketch-scale-not-finite", 0, f32::NAN),
        ("vec-sketch-share-not-finite", 1, f32::NEG_INFINITY),
        ("vec-sketch-error-too-small", 2, 0.0),
        ("vec-sketch-length-too-small", 3, 0.9),
    ] {
        vec(name, Deep(TEXT, row), &|v| {
            sketched(v);
            at(v.section(b"SKNU"), 16 + 4 * n, number.to_le_bytes());
        });
    }
}
