//! Section 6: vector segments.

mod columns;
mod ids;
mod orders;
mod planes;
mod sketches;

use std::collections::BTreeMap;

use crate::{
    Case,
    Outcome::{self, Damaged, Prints},
    common::forge::{
        self, Block, Codes, Column, Directory, EntryList, Forge, Heap, IdForm, IdsMeta, Lookup,
        MapMeta, MapName, Member, Oddment, Order, Part, PlaneMeta, Sequence, Storage, Style,
        VectorsMeta, blocks, codes, encode, to_8, u32s, u64s,
    },
};

/// Adds the file that comes of one change to a sound one.
type Break<'a> = dyn FnMut(&'static str, Outcome, &dyn Fn(&mut Vectors)) + 'a;

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
            match kind.starts_with(b"SK") {
                true => file.optional(kind, bytes),
                false => file.section(kind, bytes),
            };
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
    ids::cases(&mut vec);
    planes::cases(&mut vec);
    orders::cases(&mut vec);
    columns::cases(&mut vec);
    sketches::cases(&mut vec);
    let mut missing = Vectors::sound().forge();
    missing.sections.retain(|(kind, ..)| kind != b"COLS");
    cases.push(Case {
        name: "vec-columns-missing",
        bytes: missing.bytes(),
        outcome: Damaged("COLUMNS at byte 1600: the section is missing"),
    });
    cases
}
