//! Hashes, orders, sequence numbers, planes.

use super::Break;
use crate::{
    Outcome::Damaged,
    common::forge::{HashForm, HashesMeta, Order, to_8, u32s, u64s},
};

pub fn cases(rec: &mut Break<'_>) {
    // Hashes
    rec(
        "rec-hashes-more-rows-than-ids",
        Damaged("META at byte 832: number of rows with a hash does not fit the data"),
        &|r| r.meta.hashes.rows = 5,
    );
    rec(
        "rec-hashes-length",
        Damaged("HASHES at byte 512: section length does not fit the data"),
        &|r| r.cut(b"HASH"),
    );
    rec(
        "rec-hashes-missing",
        Damaged("HASHES at byte 1280: the section is missing"),
        &|r| drop(r.plain.remove(b"HASH")),
    );
    rec(
        "rec-hashes-without-any",
        Damaged("HASHES at byte 512: sections are not laid out end to end"),
        &|r| {
            (r.meta.hashes.rows, r.meta.hashes.others) = (0, 0);
            r.plain.remove(b"HROW");
        },
    );
    rec(
        "rec-hash-rows-missing",
        Damaged("HASH_ROWS at byte 1280: the section is missing"),
        &|r| drop(r.plain.remove(b"HROW")),
    );
    rec(
        "rec-hash-rows-length",
        Damaged("HASH_ROWS at byte 576: section length does not fit the data"),
        &|r| r.section(b"HROW").push(0),
    );
    rec(
        "rec-hash-rows-though-all-have-one",
        Damaged("HASH_ROWS at byte 640: sections are not laid out end to end"),
        &|r| {
            r.meta.hashes = HashesMeta {
                form: HashForm::Hex,
                rows: 4,
                others: 0,
            };
            *r.section(b"HASH") = vec![1; 128];
        },
    );
    rec(
        "rec-hash-rows-count",
        Damaged("HASH_ROWS at byte 576: number of bits that are set does not fit the data"),
        &|r| r.section(b"HROW")[0] = 3,
    );
    rec(
        "rec-hash-rows-beyond-the-pool",
        Damaged("HASH_ROWS at byte 576: reserved or padding bytes are not zero"),
        &|r| {
            r.section(b"HROW")[0] = 1 << 4;
        },
    );

    // Orders, sequences, planes: as of vectors, so one of each
    rec(
        "rec-order-of-another-row",
        Damaged("META at byte 832: a range of rows does not fit the data"),
        &|r| {
            r.meta.collections[1].order = Order::Range { first: 4 };
        },
    );
    rec(
        "rec-order-explicit-not-sorted",
        Damaged(
            "ORDERS at byte 1108: an entry sorted by row has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[0].order = Order::Explicit;
            r.plain.insert(b"ORDR", u32s(&[0, 1, 2, 0, 2, 1]));
        },
    );
    rec(
        "rec-order-left-over",
        Damaged("ORDERS at byte 1088: sections are not laid out end to end"),
        &|r| {
            r.plain.insert(b"ORDR", to_8(u32s(&[0])));
        },
    );
    rec(
        "rec-sequence-not-ascending",
        Damaged(
            "SEQUENCES at byte 1224: a sequence number has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[2].sequence.explicit = true;
            r.plain.insert(b"SEQN", u64s(&[5, 5]));
        },
    );
    rec(
        "rec-plane-length",
        Damaged("PLANE at byte 1152: section length does not fit the data"),
        &|r| r.cut(b"PLAN"),
    );
    rec(
        "rec-plane-second-not-aligned",
        Damaged("PLANE at byte 1152: section length does not fit the data"),
        &|r| {
            // The second begins at a multiple of 64, which the section does not reach.
            let again = r.meta.planes[0].clone();
            r.meta.planes.push(again);
            r.section(b"PLAN").extend([0; 8]);
            r.section(b"CLAS").push(0);
            r.section(b"NORM").extend([0; 8]);
        },
    );
}
