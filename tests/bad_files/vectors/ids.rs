//! META, and ids with their lookup.

use super::{Break, IDS, TEXT, Vectors, at};
use crate::{
    Outcome::{Damaged, Prints},
    common::forge::{IdForm, Lookup, Order, u32s, u64s},
};

pub fn cases(vec: &mut Break<'_>) {
    // META
    vec(
        "vec-style-not-white-space",
        Damaged("META at byte 1024: style has a value that the format does not allow"),
        &|v| v.meta.style.after_comma = b"x".to_vec(),
    );
    vec(
        "vec-style-too-long",
        Damaged("META at byte 1024: style has a value that the format does not allow"),
        &|v| v.meta.style.tail = vec![b' '; 65],
    );
    vec(
        "vec-map-twice",
        Damaged(
            "META at byte 1024: a map that occurs twice has a value that the format does not allow",
        ),
        &|v| {
            let again = v.meta.members[1].clone();
            v.meta.members.push(again);
        },
    );
    vec(
        "vec-more-vectors-than-rows",
        Damaged("META at byte 1024: number of vectors does not fit the data"),
        &|v| v.meta.plane.rows = 5,
    );
    vec(
        "vec-map-of-vectors-entries",
        Damaged("META at byte 1024: the map of vectors has a value that the format does not allow"),
        &|v| v.meta.vectors.entries = 2,
    );
    vec(
        "vec-map-of-vectors-order",
        Damaged("META at byte 1024: the map of vectors has a value that the format does not allow"),
        &|v| v.meta.vectors.order = Order::Range { first: 1 },
    );
    vec(
        "vec-map-entries-beyond-rows",
        Damaged("META at byte 1024: entries of a map does not fit the data"),
        &|v| v.meta.ref_docs.entries = 5,
    );
    vec(
        "vec-section-of-records",
        Damaged("PRINTED_HASHES at byte 1344: sections are not laid out end to end"),
        &|v| {
            v.plain.insert(b"PHSH", vec![0; 32]);
        },
    );

    // Ids
    let sorted = |v: &mut Vectors, rows: &[u32]| {
        v.meta.ids.lookup = Lookup::Sorted;
        v.plain.remove(b"ISLT");
        v.plain.insert(b"ISRT", u32s(rows));
    };
    vec("vec-ids-sorted", Prints(TEXT), &|v| {
        sorted(v, &[0, 1, 3, 2])
    });
    vec(
        "vec-ids-sorted-row",
        Damaged("IDS at byte 640: row number does not fit the data"),
        &|v| sorted(v, &[0, 4, 3, 2]),
    );
    vec(
        "vec-ids-sorted-length",
        Damaged("ID_SORTED at byte 832: section length does not fit the data"),
        &|v| sorted(v, &[0, 1, 3]),
    );
    vec(
        "vec-ids-sorted-missing",
        Damaged("ID_SORTED at byte 1600: the section is missing"),
        &|v| {
            v.meta.ids.lookup = Lookup::Sorted;
            v.plain.remove(b"ISLT");
        },
    );
    vec(
        "vec-ids-slots-beside-sorted",
        Damaged("ID_SLOTS at byte 832: sections are not laid out end to end"),
        &|v| v.meta.ids.lookup = Lookup::Sorted,
    );
    vec(
        "vec-ids-slots-missing",
        Damaged("ID_SLOTS at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"ISLT")),
    );
    vec(
        "vec-ids-slots-length",
        Damaged("ID_SLOTS at byte 832: section length does not fit the data"),
        &|v| v.cut(b"ISLT"),
    );
    vec(
        "vec-ids-slots-not-more-than-rows",
        Damaged("ID_SLOTS at byte 832: number of slots has a value that the format does not allow"),
        &|v| {
            v.section(b"ISLT").truncate(16);
            v.meta.ids.lookup = Lookup::Slots {
                seed: 0,
                slots: 4,
                max_probe: 1,
            };
        },
    );
    vec(
        "vec-ids-slots-number-overflows",
        Damaged("ID_SLOTS at byte 832: section length does not fit the data"),
        &|v| {
            v.meta.ids.lookup = Lookup::Slots {
                seed: 0,
                slots: u64::MAX,
                max_probe: 1,
            };
        },
    );
    vec(
        "vec-ids-probe-too-far",
        Damaged("ID_SLOTS at byte 832: number of slots has a value that the format does not allow"),
        &|v| {
            v.meta.ids.lookup = Lookup::Slots {
                seed: 0,
                slots: 6,
                max_probe: 512,
            };
        },
    );
    vec(
        "vec-ids-slot-row",
        Damaged("ID_SLOTS at byte 848: row number does not fit the data"),
        &|v| {
            // The low three bits of a slot are row + 1, of four rows.
            v.section(b"ISLT")
                .chunks_mut(4)
                .for_each(|slot| slot[0] |= 7);
        },
    );
    vec(
        "vec-ids-end-beyond-the-ids",
        Damaged("ID_ENDS at byte 716: id end does not fit the data"),
        &|v| at(v.section(b"IEND"), 12, [20]),
    );
    vec(
        "vec-ids-ends-descend",
        Damaged("ID_ENDS at byte 708: id end does not fit the data"),
        &|v| at(v.section(b"IEND"), 4, [4]),
    );
    vec(
        "vec-ids-ends-length",
        Damaged("ID_ENDS at byte 704: section length does not fit the data"),
        &|v| v.cut(b"IEND"),
    );
    vec(
        "vec-ids-ends-missing",
        Damaged("ID_ENDS at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"IEND")),
    );
    vec(
        "vec-ids-ends-of-long-text",
        Damaged("ID_ENDS at byte 704: section length does not fit the data"),
        &|v| v.meta.ids.form = IdForm::LongText,
    );
    let long_text = |v: &mut Vectors, last: u64| {
        v.meta.ids.form = IdForm::LongText;
        let mut ends: Vec<u64> = IDS
            .iter()
            .scan(0, |end, id| {
                *end += id.len() as u64;
                Some(*end)
            })
            .collect();
        *ends.last_mut().unwrap() += last;
        v.plain.insert(b"IEND", u64s(&ends));
    };
    vec("vec-ids-long-text", Prints(TEXT), &|v| long_text(v, 0));
    vec(
        "vec-ids-long-text-beyond-the-ids",
        Damaged("ID_ENDS at byte 728: id end does not fit the data"),
        &|v| long_text(v, 1 << 40),
    );
    vec(
        "vec-ids-missing",
        Damaged("IDS at byte 1600: the section is missing"),
        &|v| drop(v.plain.remove(b"IDS ")),
    );
    vec(
        "vec-ids-kinds-beside-text",
        Damaged("ID_KINDS at byte 768: sections are not laid out end to end"),
        &|v| {
            v.plain.insert(b"IKND", vec![0; 8]);
        },
    );
    vec(
        "vec-ids-uuid-length",
        Damaged("IDS at byte 640: section length does not fit the data"),
        &|v| {
            v.meta.ids.form = IdForm::Uuid;
            v.plain.remove(b"IEND");
        },
    );
    vec(
        "vec-ids-ends-beside-uuids",
        Damaged("ID_ENDS at byte 704: sections are not laid out end to end"),
        &|v| {
            v.meta.ids.form = IdForm::Uuid;
            *v.section(b"IDS ") = vec![0; 64];
        },
    );
    let mixed = |v: &mut Vectors| {
        v.meta.ids.form = IdForm::Mixed;
        v.plain.remove(b"IEND");
        v.plain.insert(b"IKND", u64s(&[0b1111]));
        v.plain.insert(b"ITXT", IDS.concat());
        *v.section(b"IDS ") = u64s(&[0, 5, 5, 4, 9, 5, 14, 5]);
    };
    vec("vec-ids-mixed", Prints(TEXT), &|v| mixed(v));
    vec(
        "vec-ids-mixed-text-beyond-the-section",
        Damaged("IDS at byte 688: id text does not fit the data"),
        &|v| {
            mixed(v);
            at(v.section(b"IDS "), 56, [6]);
        },
    );
    vec(
        "vec-ids-mixed-text-overflows",
        Damaged("IDS at byte 640: id text does not fit the data"),
        &|v| {
            mixed(v);
            at(v.section(b"IDS "), 0, [0xff; 8]);
        },
    );
    vec(
        "vec-ids-mixed-kinds-length",
        Damaged("ID_KINDS at byte 704: section length does not fit the data"),
        &|v| {
            mixed(v);
            v.section(b"IKND").push(0);
        },
    );
    vec(
        "vec-ids-mixed-kinds-missing",
        Damaged("ID_KINDS at byte 1664: the section is missing"),
        &|v| {
            mixed(v);
            v.plain.remove(b"IKND");
        },
    );
    vec(
        "vec-ids-mixed-texts-missing",
        Damaged("ID_TEXTS at byte 1664: the section is missing"),
        &|v| {
            mixed(v);
            v.plain.remove(b"ITXT");
        },
    );
    vec(
        "vec-ids-mixed-ends",
        Damaged("ID_ENDS at byte 704: sections are not laid out end to end"),
        &|v| {
            mixed(v);
            v.plain.insert(b"IEND", vec![0; 16]);
        },
    );
}
