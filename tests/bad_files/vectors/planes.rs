//! Rows of numbers.

use super::{Break, TEXT, at};
use crate::{
    Outcome::{Damaged, Deep},
    common::forge::{norm, u32s, u64s},
};

pub fn cases(vec: &mut Break<'_>) {
    // Planes
    vec(
        "vec-plane-missing",
        Damaged("PLANE at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"PLAN")),
    );
    vec(
        "vec-plane-length",
        Damaged("PLANE at byte 1344: section length does not fit the data"),
        &|v| v.cut(b"PLAN"),
    );
    vec(
        "vec-plane-longer",
        Damaged("PLANE at byte 1368: section length does not fit the data"),
        &|v| v.section(b"PLAN").extend([0; 8]),
    );
    vec(
        "vec-plane-without-dimension",
        Damaged(
            "PLANE at byte 1344: dimension or number of rows has a value that the format does not allow",
        ),
        &|v| v.meta.plane.dim = 0,
    );
    vec(
        "vec-plane-dimension-too-large",
        Damaged(
            "PLANE at byte 1344: dimension or number of rows has a value that the format does not allow",
        ),
        &|v| {
            v.meta.plane.dim = 65_537;
            v.meta.plane.rows = 0;
            v.meta.vectors.entries = 0;
        },
    );
    vec(
        "vec-plane-classes-sum",
        Damaged(
            "PLANE at byte 1344: dimension or number of rows has a value that the format does not allow",
        ),
        &|v| v.meta.plane.exact = 2,
    );
    vec(
        "vec-plane-class-unknown",
        Damaged("CLASSES at byte 320: row class has a value that the format does not allow"),
        &|v| v.section(b"CLAS")[0] = 3,
    );
    vec(
        "vec-plane-class-delta-without-low-plane",
        Damaged("CLASSES at byte 322: row class has a value that the format does not allow"),
        &|v| {
            v.meta.plane.delta = 0;
            v.meta.plane.exact = 2;
            v.plain.remove(b"LOWP");
            v.plain.remove(b"LRNK");
        },
    );
    vec(
        "vec-plane-more-delta-rows-than-stated",
        Damaged("LOW_RANK at byte 960: rank does not fit the data"),
        &|v| v.section(b"CLAS")[1] = 2,
    );
    vec(
        "vec-plane-low-rank",
        Damaged("LOW_RANK at byte 960: rank does not fit the data"),
        &|v| v.section(b"LRNK")[0] = 1,
    );
    vec(
        "vec-plane-low-rank-missing",
        Damaged("LOW_RANK at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"LRNK")),
    );
    vec(
        "vec-plane-low-length",
        Damaged("LOW_PLANE at byte 896: section length does not fit the data"),
        &|v| v.section(b"LOWP").truncate(4),
    );
    vec(
        "vec-plane-classes-length",
        Damaged("CLASSES at byte 323: section length does not fit the data"),
        &|v| v.section(b"CLAS").push(0),
    );
    vec(
        "vec-plane-norms-missing",
        Damaged("NORMS at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"NORM")),
    );
    vec(
        "vec-plane-norms-length",
        Damaged("NORMS at byte 1176: section length does not fit the data"),
        &|v| v.section(b"NORM").push(0),
    );
    vec(
        "vec-plane-exceptions-length",
        Damaged("EXCEPTIONS at byte 576: section length does not fit the data"),
        &|v| v.meta.plane.exceptions = 2,
    );
    vec(
        "vec-plane-exceptions-overflow",
        Damaged("EXCEPTIONS at byte 576: section length does not fit the data"),
        &|v| v.meta.plane.exceptions = u64::MAX,
    );
    vec(
        "vec-plane-exception-column",
        Damaged("EXCEPTIONS at byte 576: exception does not fit the data"),
        &|v| v.section(b"EXCP")[4] = 2,
    );
    vec(
        "vec-plane-exception-end",
        Damaged("EXCEPTIONS at byte 576: exception does not fit the data"),
        &|v| v.section(b"EXCP")[8] = 4,
    );
    vec(
        "vec-plane-tokens-length",
        Damaged("TOKENS at byte 1475: section length does not fit the data"),
        &|v| v.section(b"TOKN").push(b'0'),
    );
    vec(
        "vec-plane-irregular-length",
        Damaged("IRREGULAR at byte 772: section length does not fit the data"),
        &|v| v.section(b"IRRG").push(0),
    );
    vec(
        "vec-plane-irregular-not-stated",
        Damaged("IRREGULAR at byte 768: section length does not fit the data"),
        &|v| v.meta.plane.irregular = 0,
    );
    let irregular = "IRREGULAR at byte 768: the list of irregular rows has a value that the format does not allow";
    for (name, rows) in [
        ("vec-plane-irregular-beyond-the-rows", [2, 3]),
        ("vec-plane-irregular-not-ascending", [2, 0]),
        ("vec-plane-irregular-twice", [2, 2]),
    ] {
        vec(name, Damaged(irregular), &|v| {
            v.meta.plane.irregular = 2;
            *v.section(b"IRRG") = u32s(&rows);
        });
    }
    by_verify(vec);
}

/// What a reader of single rows does not notice. Rows are searched by their f32, and so a
/// file that breaks one of these rules could hide a row from a query.
fn by_verify(vec: &mut Break<'_>) {
    let with = |old, new| -> &'static str { TEXT.replace(old, new).leak() };
    vec(
        "vec-plane-exceptions-not-ascending",
        Deep(
            TEXT,
            "PLANE at byte 1344: the order of exceptions has a value that the format does not allow",
        ),
        &|v| {
            v.meta.plane.exceptions = 2;
            v.meta.plane.token_bytes = 6;
            *v.section(b"EXCP") = [u32s(&[2, 1]), u64s(&[3]), u32s(&[2, 1]), u64s(&[6])].concat();
            v.section(b"TOKN").extend(b"1E2");
        },
    );
    vec(
        "vec-plane-exception-of-two-numbers",
        Deep(
            with("1E2", "1,2"),
            "PLANE at byte 1344: a number kept as text has a value that the format does not allow",
        ),
        &|v| *v.section(b"TOKN") = b"1,2".to_vec(),
    );
    vec(
        "vec-plane-exception-of-another-number",
        Deep(
            with("1E2", "9E1"),
            "PLANE at byte 1344: the f32 of a number has a value that the format does not allow",
        ),
        &|v| *v.section(b"TOKN") = b"9E1".to_vec(),
    );
    vec(
        "vec-plane-low-too-far-from-the-f32",
        Deep(
            with("0.12345678901234566", "0.12345679849386215"),
            "PLANE at byte 1344: the f32 of a number has a value that the format does not allow",
        ),
        &|v| {
            let low = 1 << 29;
            at(v.section(b"LOWP"), 0, i32::to_le_bytes(low));
            let wide = f64::from(0.123_456_79_f32).to_bits() + low as u64;
            let real = norm(&[f64::from_bits(wide), 100.0]);
            at(v.section(b"NORM"), 16, real.to_le_bytes());
        },
    );
    vec(
        "vec-plane-subnormal-without-exception",
        Deep(
            with("-0.25", "1.401298464324817e-45"),
            "PLANE at byte 1344: the f32 of a number has a value that the format does not allow",
        ),
        &|v| {
            at(v.section(b"PLAN"), 4, 1e-45_f32.to_le_bytes());
            at(v.section(b"NORM"), 0, 0.5_f64.to_le_bytes());
        },
    );
    vec(
        "vec-plane-norm",
        Deep(
            TEXT,
            "NORMS at byte 1152: the norm of a row has a value that the format does not allow",
        ),
        &|v| v.section(b"NORM")[0] ^= 1,
    );
    vec(
        "vec-plane-irregular-row-not-listed",
        Deep(
            TEXT,
            "NORMS at byte 1152: the list of irregular rows has a value that the format does not allow",
        ),
        &|v| *v.section(b"IRRG") = u32s(&[1]),
    );
    vec(
        "vec-plane-irregular-row-is-regular",
        Deep(
            with("1E2", "100.0"),
            "NORMS at byte 1088: the list of irregular rows has a value that the format does not allow",
        ),
        &|v| {
            // Its last row has no exception any more, and stays in the list.
            v.section(b"CLAS")[2] = 2;
            v.meta.plane.exceptions = 0;
            v.meta.plane.token_bytes = 0;
            v.plain.remove(b"EXCP");
            v.plain.remove(b"TOKN");
        },
    );
    vec(
        "vec-plane-rows-of-a-class",
        Deep(
            TEXT,
            "CLASSES at byte 320: number of rows of a class does not fit the data",
        ),
        &|v| {
            v.meta.plane.exact = 2;
            v.meta.plane.decimal = 0;
        },
    );
    vec(
        "vec-plane-exception-not-marked",
        Deep(
            with("1E2", "100.0"),
            "CLASSES at byte 320: number of exceptions does not fit the data",
        ),
        &|v| v.section(b"CLAS")[2] = 2,
    );
}
