//! Which row an entry is, and where it stands in the file.

use super::{Break, TEXT, Vectors, at};
use crate::{
    Outcome::{Damaged, Prints},
    common::forge::{Order, to_8, u32s, u64s},
};

pub fn cases(vec: &mut Break<'_>) {
    // Orders
    vec(
        "vec-order-missing",
        Damaged("ORDERS at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"ORDR")),
    );
    vec(
        "vec-order-length",
        Damaged("ORDERS at byte 1296: the order of a map does not fit the data"),
        &|v| v.section(b"ORDR").truncate(24),
    );
    vec(
        "vec-order-left-over",
        Damaged("ORDERS at byte 1312: sections are not laid out end to end"),
        &|v| v.section(b"ORDR").extend([0; 8]),
    );
    vec(
        "vec-order-range-beyond-rows",
        Damaged("META at byte 1024: a range of rows does not fit the data"),
        &|v| {
            v.meta.metadata.order = Order::Range { first: 2 };
            v.section(b"ORDR").truncate(16);
        },
    );
    vec(
        "vec-order-range-overflows",
        Damaged("META at byte 1024: a range of rows does not fit the data"),
        &|v| {
            v.meta.metadata.order = Order::Range { first: u32::MAX };
            v.section(b"ORDR").truncate(16);
        },
    );
    vec(
        "vec-order-of-no-entries",
        Damaged(
            "META at byte 1024: the order of a map without entries has a value that the format does not allow",
        ),
        &|v| {
            v.meta.metadata.entries = 0;
        },
    );
    vec(
        "vec-order-explicit-row",
        Damaged("ORDERS at byte 1280: row of an entry does not fit the data"),
        &|v| v.section(b"ORDR")[0] = 4,
    );
    vec(
        "vec-order-explicit-entry",
        Damaged("ORDERS at byte 1288: entry of a row does not fit the data"),
        &|v| v.section(b"ORDR")[8] = 2,
    );
    vec(
        "vec-order-explicit-not-sorted",
        Damaged(
            "ORDERS at byte 1292: an entry sorted by row has a value that the format does not allow",
        ),
        &|v| {
            at(v.section(b"ORDR"), 8, [0, 0, 0, 0, 1]);
        },
    );
    vec(
        "vec-order-explicit-row-twice",
        Damaged(
            "ORDERS at byte 1280: a row that occurs twice in a map has a value that the format does not allow",
        ),
        &|v| {
            *v.section(b"ORDR") = [u32s(&[1, 1, 0, 1]), to_8(u32s(&[0, 2, 3]))].concat();
        },
    );
    vec(
        "vec-order-ascending-descends",
        Damaged(
            "ORDERS at byte 1300: a row in ascending order has a value that the format does not allow",
        ),
        &|v| v.section(b"ORDR")[20] = 0,
    );
    vec(
        "vec-order-ascending-row",
        Damaged("ORDERS at byte 1304: row of an entry does not fit the data"),
        &|v| v.section(b"ORDR")[24] = 4,
    );
    vec(
        "vec-order-ascending-padding",
        Damaged("ORDERS at byte 1308: reserved or padding bytes are not zero"),
        &|v| v.section(b"ORDR")[28] = 1,
    );
    let bitmap = |v: &mut Vectors, bits: u64, before: u32| {
        v.meta.metadata.order = Order::Bitmap;
        *v.section(b"ORDR") = [u32s(&[3, 1, 1, 0]), u64s(&[bits]), to_8(u32s(&[before]))].concat();
    };
    vec("vec-order-bitmap", Prints(TEXT), &|v| bitmap(v, 0b1101, 0));
    vec(
        "vec-order-bitmap-count",
        Damaged("ORDERS at byte 1304: count of the bits that are set does not fit the data"),
        &|v| bitmap(v, 0b1101, 1),
    );
    vec(
        "vec-order-bitmap-too-few-bits",
        Damaged("ORDERS at byte 1296: number of bits that are set does not fit the data"),
        &|v| bitmap(v, 0b0101, 0),
    );
    vec(
        "vec-order-bitmap-too-many-bits",
        Damaged("ORDERS at byte 1296: number of bits that are set does not fit the data"),
        &|v| bitmap(v, 0b1111, 0),
    );
    vec(
        "vec-order-bitmap-beyond-rows",
        Damaged("ORDERS at byte 1296: reserved or padding bytes are not zero"),
        &|v| bitmap(v, 0b1_0101, 0),
    );
    vec(
        "vec-order-bitmap-padding",
        Damaged("ORDERS at byte 1308: reserved or padding bytes are not zero"),
        &|v| {
            bitmap(v, 0b1101, 0);
            v.section(b"ORDR")[31] = 1;
        },
    );

    // Sequence numbers
    vec(
        "vec-sequence-missing",
        Damaged("SEQUENCES at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"SEQN")),
    );
    vec(
        "vec-sequence-length",
        Damaged("SEQUENCES at byte 1408: the sequence numbers of a map does not fit the data"),
        &|v| v.section(b"SEQN").truncate(8),
    );
    vec(
        "vec-sequence-left-over",
        Damaged("SEQUENCES at byte 1424: sections are not laid out end to end"),
        &|v| v.section(b"SEQN").push(0),
    );
    vec(
        "vec-sequence-not-ascending",
        Damaged(
            "SEQUENCES at byte 1416: a sequence number has a value that the format does not allow",
        ),
        &|v| v.section(b"SEQN")[8] = 0,
    );
    vec(
        "vec-sequence-explicit-with-first",
        Damaged(
            "META at byte 1024: a first sequence number has a value that the format does not allow",
        ),
        &|v| v.meta.ref_docs.sequence.first = 1,
    );
    vec(
        "vec-sequence-overflows",
        Damaged("META at byte 1024: a sequence of numbers does not fit the data"),
        &|v| v.meta.vectors.sequence.first = u64::MAX - 1,
    );
    vec(
        "vec-sequence-not-stated",
        Damaged("SEQUENCES at byte 1408: sections are not laid out end to end"),
        &|v| v.meta.ref_docs.sequence.explicit = false,
    );
}
