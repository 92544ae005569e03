//! Section 6: vector segments.

use std::collections::BTreeMap;

use super::{
    Case,
    Outcome::{self, Damaged, Prints},
    common::forge::{
        self, Block, Codes, Column, Directory, EntryList, Forge, Heap, IdForm, IdsMeta, Lookup,
        MapMeta, MapName, Member, Oddment, Order, Part, PlaneMeta, Sequence, Storage, Style,
        VectorsMeta, blocks, codes, encode, to_8, u32s, u64s,
    },
};

pub const TEXT: &str = r#"{"embedding_dict": {"alpha": [0.5, -0.25], "beta": [0.1, 0.2], "gamma": [0.12345678901234566, 1E2]}, "text_id_to_ref_doc_id": {"delta": "d\u006fc", "beta": "doc"}, "metadata_dict": {"alpha": {"page": 1}, "gamma": {"page": 2, "flag": true}, "delta": {"page": 1, "page": 2}}, "class_name": "S"}"#;
pub const TEXT_WITHOUT_ALPHA: &str = r#"{"embedding_dict": {"beta": [0.1, 0.2], "gamma": [0.12345678901234566, 1E2]}, "text_id_to_ref_doc_id": {"delta": "d\u006fc", "beta": "doc"}, "metadata_dict": {"alpha": {"page": 1}, "gamma": {"page": 2, "flag": true}, "delta": {"page": 1, "page": 2}}, "class_name": "S"}"#;

const IDS: [&[u8]; 4] = [b"alpha", b"beta", b"gamma", b"delta"];

/// A segment with something of everything, in parts.
pub struct Vectors {
    meta: VectorsMeta,
    columns: Directory,
    oddments: Vec<Oddment>,
    blocks: Vec<Block>,
    /// The sections that are bare arrays.
    plain: BTreeMap<&'static [u8; 4], Vec<u8>>,
}

fn at<const N: usize>(bytes: &mut [u8], offset: usize, new: [u8; N]) {
    bytes[offset..offset + N].copy_from_slice(&new);
}

impl Vectors {
    pub fn sound() -> Vectors {
        let (table, max_probe) = forge::slots(&IDS, 0, 6);
        let ends: Vec<u32> = IDS
            .iter()
            .scan(0, |end, id| {
                *end += id.len() as u32;
                Some(*end)
            })
            .collect();
        let wide = 0.123_456_789_012_345_66_f64;
        let low = wide.to_bits() as i64 - f64::from(wide as f32).to_bits() as i64;
        let f32s = [0.5, -0.25, 0.1, 0.2, wide as f32, 100.0];
        let norms =
            [[0.5, -0.25], [0.1, 0.2], [wide, 100.0]].map(|row| forge::norm(&row).to_bits());
        let heap = |first_block, items| Heap {
            first_block,
            blocks: 1,
            items,
        };
        let run = |offset, width, count| Codes {
            offset,
            width,
            count,
        };
        let code = [
            codes(&[1, 2, 0], 2),
            to_8(u32s(&[1])),
            codes(&[1], 1),
            codes(&[1, 1], 1),
            codes(&[1, 2, 0], 2),
        ];
        let map = |entries, order, explicit| MapMeta {
            entries,
            order,
            sequence: Sequence { first: 0, explicit },
        };
        let member = |map, key: &[u8]| Member::Map {
            map,
            key: key.to_vec(),
        };
        Vectors {
            meta: VectorsMeta {
                style: Style::python(),
                members: vec![
                    member(MapName::Embeddings, b"\"embedding_dict\""),
                    member(MapName::RefDocs, b"\"text_id_to_ref_doc_id\""),
                    member(MapName::Metadata, b"\"metadata_dict\""),
                    Member::Other {
                        key: b"\"class_name\"".to_vec(),
                        value: b"\"S\"".to_vec(),
                    },
                ],
                ids: IdsMeta {
                    rows: 4,
                    form: IdForm::Text,
                    lookup: Lookup::Slots {
                        seed: 0,
                        slots: 6,
                        max_probe,
                    },
                },
                plane: PlaneMeta {
                    rows: 3,
                    dim: 2,
                    exact: 1,
                    decimal: 1,
                    delta: 1,
                    exceptions: 1,
                    token_bytes: 3,
                    irregular: 1,
                },
                vectors: map(3, Order::Range { first: 0 }, false),
                ref_docs: map(2, Order::Explicit, true),
                metadata: map(3, Order::Ascending, false),
            },
            columns: Directory {
                storages: vec![
                    Storage::Dictionary {
                        codes: run(0, 2, 3),
                        values: heap(0, 2),
                    },
                    Storage::Plain { values: heap(1, 3) },
                    Storage::Sparse {
                        entries: EntryList {
                            offset: 16,
                            count: 1,
                            of: 3,
                        },
                        codes: run(24, 1, 1),
                        values: heap(2, 1),
                    },
                    Storage::Dictionary {
                        codes: run(40, 1, 2),
                        values: heap(3, 1),
                    },
                ],
                columns: vec![
                    Column {
                        key: b"page".to_vec(),
                        storage: 0,
                    },
                    Column {
                        key: b"flag".to_vec(),
                        storage: 2,
                    },
                ],
                shapes: vec![vec![0], vec![0, 1]],
                shape_codes: Some(run(56, 2, 3)),
                raw: Some(1),
                ref_doc: Some(3),
            },
            oddments: vec![Oddment {
                map: MapName::RefDocs,
                entry: 0,
                part: Part::Value,
                text: br#""d\u006fc""#.to_vec(),
            }],
            blocks: vec![
                Block::of(0, &[b"1", b"2"]),
                Block::of(0, &[b"", b"", br#"{"page": 1, "page": 2}"#]),
                Block::of(0, &[b"true"]),
                Block::of(0, &[b"\"doc\""]),
            ],
            plain: BTreeMap::from([
                (b"IDS ", IDS.concat()),
                (b"IEND", u32s(&ends)),
                (b"ISLT", u32s(&table)),
                (
                    b"PLAN",
                    f32s.iter().flat_map(|x: &f32| x.to_le_bytes()).collect(),
                ),
                (
                    b"LOWP",
                    [low as i32, 0]
                        .iter()
                        .flat_map(|x| x.to_le_bytes())
                        .collect(),
                ),
                (b"LRNK", u32s(&[0])),
                (b"CLAS", vec![0, 1, 2 | 0x80]),
                (b"NORM", u64s(&norms)),
                (b"EXCP", [u32s(&[2, 1]), u64s(&[3])].concat()),
                (b"TOKN", b"1E2".to_vec()),
                (b"IRRG", u32s(&[2])),
                // Explicit: rows by entry, entries by row. Ascending: rows.
                (
                    b"ORDR",
                    [u32s(&[3, 1, 1, 0]), to_8(u32s(&[0, 2, 3]))].concat(),
                ),
                (b"SEQN", u64s(&[0, 7])),
                (b"CODE", code.concat()),
            ]),
        }
    }

    fn forge(&self) -> Forge {
        let mut file = Forge::new(b"VEC");
        let (frames, index) = blocks(&self.blocks);
        let mut sections = self.plain.clone();
        let mut put = |kind: &'static [u8; 4], bytes| {
            // What a case put there comes first.
            sections.entry(kind).or_insert(bytes);
        };
        put(b"BLKS", frames);
        put(b"BIDX", index);
        put(b"COLS", encode(&self.columns));
        put(b"META", encode(&self.meta));
        if !self.oddments.is_empty() {
            put(b"ODDM", encode(&self.oddments));
        }
        for (kind, bytes) in sections {
            file.section(kind, bytes);
        }
        file
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.forge().bytes()
    }

    /// Takes the last byte of a section away.
    fn cut(&mut self, kind: &'static [u8; 4]) {
        self.section(kind).pop();
    }

    fn section(&mut self, kind: &'static [u8; 4]) -> &mut Vec<u8> {
        self.plain.get_mut(kind).unwrap()
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut vec = |name, outcome: Outcome, change: &dyn Fn(&mut Vectors)| {
        let mut file = Vectors::sound();
        change(&mut file);
        let bytes = file.bytes();
        cases.push(Case {
            name,
            bytes,
            outcome,
        });
    };
    vec("vec-sound", Prints(TEXT), &|_| {});

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

    // Columns
    vec(
        "vec-columns-encoding-empty",
        Damaged("COLUMNS at byte 512: the metadata cannot be decoded"),
        &|v| {
            v.plain.insert(b"COLS", Vec::new());
        },
    );
    vec(
        "vec-columns-codes-missing",
        Damaged("CODES at byte 1536: the section is missing"),
        &|v| drop(v.plain.remove(b"CODE")),
    );
    vec(
        "vec-columns-storage-number",
        Damaged("COLUMNS at byte 512: storage number does not fit the data"),
        &|v| v.columns.columns[0].storage = 4,
    );
    vec(
        "vec-columns-storage-of-other-entries",
        Damaged("COLUMNS at byte 512: storage number does not fit the data"),
        &|v| v.columns.columns[0].storage = 3,
    );
    vec(
        "vec-columns-raw-storage",
        Damaged("COLUMNS at byte 512: storage number does not fit the data"),
        &|v| v.columns.raw = Some(9),
    );
    vec(
        "vec-columns-ref-doc-storage",
        Damaged("COLUMNS at byte 512: storage number does not fit the data"),
        &|v| v.columns.ref_doc = Some(0),
    );
    vec(
        "vec-columns-ref-doc-missing",
        Damaged("COLUMNS at byte 512: storage number does not fit the data"),
        &|v| v.columns.ref_doc = None,
    );
    vec(
        "vec-columns-raw-missing",
        Damaged("COLUMNS at byte 512: raw entry does not fit the data"),
        &|v| v.columns.raw = None,
    );
    vec(
        "vec-columns-shape-column",
        Damaged("COLUMNS at byte 512: column number does not fit the data"),
        &|v| v.columns.shapes[1][1] = 2,
    );
    vec(
        "vec-columns-shape-column-twice",
        Damaged("COLUMNS at byte 512: column number does not fit the data"),
        &|v| v.columns.shapes[1][1] = 0,
    );
    vec(
        "vec-columns-shape-key-twice",
        Damaged("COLUMNS at byte 512: column number does not fit the data"),
        &|v| {
            let key = v.columns.columns[0].key.clone();
            v.columns
                .columns
                .iter_mut()
                .for_each(|c| c.key = key.clone());
        },
    );
    vec(
        "vec-columns-shape-codes-missing",
        Damaged("COLUMNS at byte 512: shape codes does not fit the data"),
        &|v| v.columns.shape_codes = None,
    );
    vec(
        "vec-columns-shape-codes-count",
        Damaged("COLUMNS at byte 512: shape codes does not fit the data"),
        &|v| {
            v.columns.shape_codes.as_mut().unwrap().count = 2;
        },
    );
    vec(
        "vec-columns-shape-code",
        Damaged("COLUMNS at byte 512: shape code does not fit the data"),
        &|v| v.section(b"CODE")[56] = 0b00_1011,
    );
    vec(
        "vec-columns-value-of-shape-absent",
        Damaged("COLUMNS at byte 512: value of a shape does not fit the data"),
        &|v| v.section(b"CODE")[0] = 0b00_1000,
    );
    vec(
        "vec-columns-code-beyond-the-dictionary",
        Damaged("BLOCK_INDEX at byte 64: item number does not fit the data"),
        &|v| v.section(b"CODE")[0] = 0b00_1011,
    );
    vec(
        "vec-columns-too-many",
        Damaged("COLUMNS at byte 512: number of columns or shapes does not fit the data"),
        &|v| {
            let column = v.columns.columns[0].clone();
            v.columns.columns.resize(513, column);
        },
    );
    vec(
        "vec-columns-too-many-shapes",
        Damaged("COLUMNS at byte 512: number of columns or shapes does not fit the data"),
        &|v| v.columns.shapes.resize(4097, vec![]),
    );
    let dense = |v: &mut Vectors, change: &dyn Fn(&mut Codes)| {
        let Storage::Dictionary { codes, .. } = &mut v.columns.storages[0] else {
            unreachable!()
        };
        change(codes);
    };
    vec(
        "vec-codes-width",
        Damaged("CODES at byte 384: codes does not fit the data"),
        &|v| dense(v, &|codes| codes.width = 33),
    );
    vec(
        "vec-codes-offset-not-aligned",
        Damaged("CODES at byte 388: codes does not fit the data"),
        &|v| dense(v, &|codes| codes.offset = 4),
    );
    vec(
        "vec-codes-beyond-the-section",
        Damaged("CODES at byte 448: codes does not fit the data"),
        &|v| dense(v, &|codes| codes.offset = 64),
    );
    vec(
        "vec-codes-offset-overflows",
        Damaged("CODES at byte 18446744073709551615: codes does not fit the data"),
        &|v| dense(v, &|codes| codes.offset = u64::MAX - 7),
    );
    let sparse = |v: &mut Vectors, change: &dyn Fn(&mut EntryList)| {
        let Storage::Sparse { entries, .. } = &mut v.columns.storages[2] else {
            unreachable!()
        };
        change(entries);
    };
    vec(
        "vec-sparse-count",
        Damaged("CODES at byte 400: entry list does not fit the data"),
        &|v| sparse(v, &|list| list.count = 2),
    );
    vec(
        "vec-sparse-beyond-the-section",
        Damaged("CODES at byte 456: entry list does not fit the data"),
        &|v| sparse(v, &|list| list.offset = 72),
    );
    vec(
        "vec-sparse-offset-overflows",
        Damaged("CODES at byte 18446744073709551615: entry list does not fit the data"),
        &|v| sparse(v, &|list| list.offset = u64::MAX),
    );
    vec(
        "vec-sparse-offset-not-aligned",
        Damaged("CODES at byte 404: entry list does not fit the data"),
        &|v| sparse(v, &|list| list.offset = 20),
    );
    vec(
        "vec-sparse-of-other-entries",
        Damaged("COLUMNS at byte 512: storage number does not fit the data"),
        &|v| sparse(v, &|list| list.of = 4),
    );
    vec(
        "vec-sparse-more-than-there-are",
        Damaged("CODES at byte 400: entry list does not fit the data"),
        &|v| sparse(v, &|list| list.of = 0),
    );
    vec(
        "vec-columns-heap",
        Damaged("BLOCK_INDEX at byte 64: heap does not fit the data"),
        &|v| {
            v.columns.storages[1] = Storage::Plain {
                values: Heap {
                    first_block: 4,
                    blocks: 1,
                    items: 3,
                },
            };
        },
    );
    vec(
        "vec-columns-plain-value-absent",
        Damaged("COLUMNS at byte 512: raw entry does not fit the data"),
        &|v| {
            v.blocks[1] = Block::of(0, &[b"", b"", b""]);
        },
    );
    vec(
        "vec-columns-encoding-variant",
        Damaged("COLUMNS at byte 512: the metadata cannot be decoded"),
        &|v| {
            let mut bytes = encode(&v.columns);
            bytes[1] = 3;
            v.plain.insert(b"COLS", bytes);
        },
    );
    vec(
        "vec-columns-encoding-option",
        Damaged("COLUMNS at byte 512: the metadata cannot be decoded"),
        &|v| {
            let mut bytes = encode(&v.columns);
            let at = bytes.len() - 2;
            bytes[at] = 2;
            v.plain.insert(b"COLS", bytes);
        },
    );
    vec(
        "vec-columns-encoding-count",
        Damaged("COLUMNS at byte 512: the metadata cannot be decoded"),
        &|v| {
            v.plain
                .insert(b"COLS", vec![253, 255, 255, 255, 255, 255, 255, 255, 127]);
        },
    );

    // Oddments
    let odd = |map, entry, part| Oddment {
        map,
        entry,
        part,
        text: b"1".to_vec(),
    };
    vec(
        "vec-oddment-twice",
        Damaged("ODDMENTS at byte 1216: sections are not laid out end to end"),
        &|v| {
            v.oddments.push(odd(MapName::RefDocs, 0, Part::Value));
        },
    );
    vec(
        "vec-oddment-not-sorted",
        Damaged("ODDMENTS at byte 1216: sections are not laid out end to end"),
        &|v| {
            v.oddments.push(odd(MapName::Embeddings, 0, Part::Key));
        },
    );
    vec(
        "vec-oddment-entry",
        Damaged("ODDMENTS at byte 1216: sections are not laid out end to end"),
        &|v| {
            v.oddments.push(odd(MapName::RefDocs, 2, Part::Value));
        },
    );
    vec(
        "vec-oddment-value-of-metadata",
        Damaged("ODDMENTS at byte 1216: sections are not laid out end to end"),
        &|v| {
            v.oddments.push(odd(MapName::Metadata, 0, Part::Value));
        },
    );
    vec(
        "vec-oddment-encoding",
        Damaged("ODDMENTS at byte 1216: the metadata cannot be decoded"),
        &|v| {
            v.plain.insert(b"ODDM", vec![1, 3, 0, 0, 0]);
        },
    );
    let mut missing = Vectors::sound().forge();
    missing.sections.retain(|(kind, ..)| kind != b"COLS");
    cases.push(Case {
        name: "vec-columns-missing",
        bytes: missing.bytes(),
        outcome: Damaged("COLUMNS at byte 1600: the section is missing"),
    });
    cases
}
