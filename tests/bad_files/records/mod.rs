//! Section 7: record segments, and the packed text of records.

mod blocks;
mod collections;
mod packed_text;
mod parts;

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    Case,
    Outcome::{self, Prints},
    common::forge::{
        self, Block, Collection, Escapes, Forge, HashForm, HashesMeta, Heap, IdForm, IdsMeta,
        Lookup, Order, Parent, PlaneMeta, RecordMember, RecordsMeta, Sequence, Style, blocks,
        encode, u32s, u64s,
    },
};

/// Adds the file that comes of one change to a sound one.
type Break<'a> = dyn FnMut(&'static str, Outcome, &dyn Fn(&mut Records)) + 'a;

pub const TEXT: &str = r#"{"docstore/data": {"alpha": {"id": "alpha", "hash": "0101010101010101010101010101010101010101010101010101010101010101", "next": "beta", "other": "0202020202020202020202020202020202020202020202020202020202020202", "v": [0.5, -0.25], "ids": ["alpha", "beta"], "o": {"long": "0123456789"}, "p": {"long": "0123456789"}}, "beta": {"__data__": "{\"m\":{\"delta\":\"alpha\"}}"}, "g\u0061mma": { "odd" :1}}, "list": [1, "alpha"], "extra": null}"#;
pub const TEXT_WITHOUT_ALPHA: &str = r#"{"docstore/data": {"beta": {"__data__": "{\"m\":{\"delta\":\"alpha\"}}"}, "g\u0061mma": { "odd" :1}}, "list": [1, "alpha"], "extra": null}"#;

const ALPHA: &[u8] = b"{\"id\":\x01,\"hash\":\x06,\"next\":\x02,\"other\":\x07\x00,\"v\":\x0c\x00\x00,\"ids\":[\x05\x00\x02],\"o\":{\"long\":\"0123456789\"},\"p\":\x08}";

/// A segment with something of everything, in parts.
pub struct Records {
    meta: RecordsMeta,
    blocks: Vec<Block>,
    printed: Vec<u64>,
    plain: BTreeMap<&'static [u8; 4], Vec<u8>>,
}

impl Records {
    pub fn sound() -> Records {
        let ids: [&[u8]; 4] = [b"alpha", b"beta", b"gamma", b"delta"];
        let (table, max_probe) = forge::slots(&ids, 0, 6);
        let heap = |first_block, items| Heap {
            first_block,
            blocks: 1,
            items,
        };
        let collection = |name: &[u8], entries, first, first_block| Collection {
            name: name.to_vec(),
            parent: None,
            keyed: true,
            style: 0,
            entries,
            order: Order::Range { first },
            sequence: Sequence::default(),
            records: heap(first_block, u64::from(entries)),
        };
        let member = |collection, key: &[u8]| RecordMember::Collection {
            collection,
            key: key.to_vec(),
        };
        let beta = b"{\"__data__\":\x0e\x01{\"m\":\x10\x01}\x0f}";
        let gamma = b"\x11\x0c\"g\\u0061mma\"\x12{ \"odd\" :1}";
        let hashes = [[1_u8; 32], [2; 32]].concat();
        let expanded = format!(
            "{{\"id\":\"alpha\",\"hash\":\"{}\",\"next\":\"beta\",\"other\":\"{}\",\"v\":[0.5,-0.25],\"ids\":[\"alpha\",\"beta\"],\"o\":{{\"long\":\"0123456789\"}},\"p\":{{\"long\":\"0123456789\"}}}}{{\"__data__\":{{\"m\":}}}}{{ \"odd\" :1}}",
            "01".repeat(32),
            "02".repeat(32),
        );
        Records {
            meta: RecordsMeta {
                styles: vec![
                    Style::python(),
                    Style {
                        escapes: Some(Escapes::Utf8),
                        ..Style::default()
                    },
                ],
                members: vec![
                    member(0, b"\"docstore/data\""),
                    member(2, b"\"list\""),
                    RecordMember::Other {
                        key: b"\"extra\"".to_vec(),
                        value: b"null".to_vec(),
                    },
                ],
                collections: vec![
                    collection(b"docstore/data", 3, 0, 0),
                    Collection {
                        parent: Some(Parent {
                            collection: 0,
                            record: b"beta".to_vec(),
                        }),
                        style: 1,
                        ..collection(b"m", 1, 3, 1)
                    },
                    Collection {
                        keyed: false,
                        ..collection(b"list", 2, 0, 2)
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
                hashes: HashesMeta {
                    form: HashForm::Hex,
                    rows: 1,
                    others: 1,
                },
                planes: vec![PlaneMeta {
                    rows: 1,
                    dim: 2,
                    exact: 1,
                    ..PlaneMeta::default()
                }],
            },
            blocks: vec![
                Block::of(0, &[ALPHA, beta, gamma]),
                Block::of(0, &[b"\x04\x00"]),
                Block::of(0, &[b"1", b"\x04\x00"]),
            ],
            printed: vec![
                xxh3_64(expanded.as_bytes()),
                xxh3_64(b"\"alpha\""),
                xxh3_64(b"1\"alpha\""),
            ],
            plain: BTreeMap::from([
                (b"IDS ", ids.concat()),
                (b"IEND", u32s(&[5, 9, 14, 19])),
                (b"ISLT", u32s(&table)),
                (b"HASH", hashes),
                (b"HROW", [u64s(&[1]), u32s(&[0])].concat()),
                (
                    b"PLAN",
                    [0.5_f32, -0.25]
                        .iter()
                        .flat_map(|x| x.to_le_bytes())
                        .collect(),
                ),
                (b"CLAS", vec![0]),
                (b"NORM", u64s(&[forge::norm(&[0.5, -0.25]).to_bits()])),
            ]),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut file = Forge::new(b"REC");
        let (frames, index) = blocks(&self.blocks);
        let mut sections = self.plain.clone();
        let mut put = |kind: &'static [u8; 4], bytes| {
            sections.entry(kind).or_insert(bytes);
        };
        put(b"BLKS", frames);
        put(b"BIDX", index);
        if !self.printed.is_empty() {
            put(b"PHSH", u64s(&self.printed));
        }
        put(b"META", encode(&self.meta));
        for (kind, bytes) in sections {
            file.section(kind, bytes);
        }
        file.bytes()
    }

    /// Takes the last byte of a section away.
    fn cut(&mut self, kind: &'static [u8; 4]) {
        self.section(kind).pop();
    }

    fn section(&mut self, kind: &'static [u8; 4]) -> &mut Vec<u8> {
        self.plain.get_mut(kind).unwrap()
    }

    /// Packed text for the second record of `docstore/data`.
    fn beta(&mut self, packed: &[u8]) {
        self.blocks[0] = Block::of(0, &[b"1", packed, b"3"]);
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut rec = |name, outcome: Outcome, change: &dyn Fn(&mut Records)| {
        let mut file = Records::sound();
        change(&mut file);
        let bytes = file.bytes();
        cases.push(Case {
            name,
            bytes,
            outcome,
        });
    };
    rec("rec-sound", Prints(TEXT), &|_| {});
    collections::cases(&mut rec);
    blocks::cases(&mut rec);
    parts::cases(&mut rec);
    packed_text::cases(&mut rec);
    cases
}
