//! Rows of numbers.

use super::Break;
use crate::Outcome::Damaged;

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
}
