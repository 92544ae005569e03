//! Section 7: record segments, and the packed text of records.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::{
    Case,
    Outcome::{self, Damaged, Prints},
    common::forge::{
        self, Block, Collection, Escapes, Forge, HashForm, HashesMeta, Heap, IdForm, IdsMeta,
        Lookup, Order, Parent, PlaneMeta, RecordMember, RecordsMeta, Sequence, Style, blocks,
        encode, to_8, u32s, u64s,
    },
};

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

    // META
    rec(
        "rec-section-of-vectors",
        Damaged("COLUMNS at byte 512: sections are not laid out end to end"),
        &|r| {
            r.plain.insert(b"COLS", vec![]);
        },
    );
    rec(
        "rec-without-styles",
        Damaged("META at byte 832: style has a value that the format does not allow"),
        &|r| r.meta.styles.clear(),
    );
    rec(
        "rec-too-many-styles",
        Damaged("META at byte 832: style has a value that the format does not allow"),
        &|r| r.meta.styles.resize(65, Style::default()),
    );
    rec(
        "rec-style-not-white-space",
        Damaged("META at byte 832: style has a value that the format does not allow"),
        &|r| r.meta.styles[1].lead = vec![0],
    );
    rec(
        "rec-too-many-planes",
        Damaged("META at byte 832: number of planes has a value that the format does not allow"),
        &|r| r.meta.planes.resize(65, PlaneMeta::default()),
    );
    let parent = |collection| {
        Some(Parent {
            collection,
            record: b"beta".to_vec(),
        })
    };
    rec(
        "rec-parent-after-its-child",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[1].parent = parent(2);
            r.meta.collections[2].keyed = true;
        },
    );
    rec(
        "rec-parent-is-itself",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| r.meta.collections[1].parent = parent(1),
    );
    rec(
        "rec-parent-without-keys",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| r.meta.collections[0].keyed = false,
    );
    rec(
        "rec-nested-without-keys",
        Damaged(
            "META at byte 832: a collection's parent has a value that the format does not allow",
        ),
        &|r| r.meta.collections[1].keyed = false,
    );
    rec(
        "rec-style-of-the-top-level",
        Damaged(
            "META at byte 832: a collection's style has a value that the format does not allow",
        ),
        &|r| r.meta.collections[0].style = 1,
    );
    rec(
        "rec-nested-too-deep",
        Damaged(
            "META at byte 832: nesting of collections has a value that the format does not allow",
        ),
        &|r| {
            let mut inner = r.meta.collections[1].clone();
            inner.entries = 0;
            (inner.order, inner.records.items, inner.records.blocks) =
                (Order::Range { first: 0 }, 0, 0);
            for around in [1, 3, 4] {
                inner.parent = parent(around);
                r.meta.collections.push(inner.clone());
            }
        },
    );
    rec(
        "rec-collection-style",
        Damaged(
            "META at byte 832: a collection's style has a value that the format does not allow",
        ),
        &|r| r.meta.collections[1].style = 2,
    );
    rec(
        "rec-collection-entries",
        Damaged("META at byte 832: number of records has a value that the format does not allow"),
        &|r| r.meta.collections[2].entries = 3,
    );
    rec(
        "rec-collection-twice",
        Damaged(
            "META at byte 832: a repeated collection has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[2].name = b"docstore/data".to_vec();
        },
    );
    rec(
        "rec-member-of-no-collection",
        Damaged(
            "META at byte 832: a member's collection has a value that the format does not allow",
        ),
        &|r| {
            let RecordMember::Collection { collection, .. } = &mut r.meta.members[1] else {
                unreachable!()
            };
            *collection = 3;
        },
    );
    rec(
        "rec-member-of-a-nested-collection",
        Damaged(
            "META at byte 832: a member's collection has a value that the format does not allow",
        ),
        &|r| {
            r.meta.members.push(RecordMember::Collection {
                collection: 1,
                key: b"\"m\"".to_vec(),
            });
        },
    );
    rec(
        "rec-member-twice",
        Damaged(
            "META at byte 832: a member's collection has a value that the format does not allow",
        ),
        &|r| {
            let again = r.meta.members[0].clone();
            r.meta.members.push(again);
        },
    );
    rec(
        "rec-collection-without-member",
        Damaged(
            "META at byte 832: a collection without a member has a value that the format does not allow",
        ),
        &|r| drop(r.meta.members.remove(1)),
    );
    rec(
        "rec-order-of-records-without-keys",
        Damaged(
            "META at byte 832: the order of a map without entries has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[2].order = Order::Range { first: 1 };
        },
    );

    // Blocks
    rec(
        "rec-blocks-of-a-collection",
        Damaged(
            "META at byte 832: the blocks of a collection has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[2].records.first_block = 1;
        },
    );
    rec(
        "rec-blocks-of-no-collection",
        Damaged(
            "META at byte 832: the number of blocks has a value that the format does not allow",
        ),
        &|r| {
            r.blocks.push(Block::of(0, &[b"1"]));
            r.printed.push(0);
        },
    );
    rec(
        "rec-heap-beyond-the-index",
        Damaged("BLOCK_INDEX at byte 64: heap does not fit the data"),
        &|r| r.meta.collections[2].records.blocks = 2,
    );
    rec(
        "rec-printed-hashes-missing",
        Damaged("PRINTED_HASHES at byte 1280: the section is missing"),
        &|r| r.printed.clear(),
    );
    rec(
        "rec-printed-hashes-length",
        Damaged("PRINTED_HASHES at byte 1088: section length does not fit the data"),
        &|r| r.printed.push(0),
    );
    rec(
        "rec-block-leaves-items-out",
        Damaged("BLOCK_INDEX at byte 128: block items does not fit the data"),
        &|r| {
            r.blocks[2] = Block::of(0, &[b"1"]);
        },
    );
    rec(
        "rec-block-has-items-twice",
        Damaged("BLOCK_INDEX at byte 160: block items does not fit the data"),
        &|r| {
            r.meta.collections[2].records.blocks = 2;
            r.blocks[2] = Block::of(0, &[b"1", b"2"]);
            r.blocks.push(Block::of(1, &[b"2"]));
            r.printed.push(0);
        },
    );
    rec(
        "rec-chain",
        Prints(
            r#"{"docstore/data": {"alpha": 1, "beta": {"__data__": "{\"m\":{\"delta\":\"alpha\"}}"}, "gamma": 3}, "list": [1, "a chain"], "extra": null}"#,
        ),
        &|r| {
            r.beta(b"{\"__data__\":\x0e\x01{\"m\":\x10\x01}\x0f}");
            r.meta.collections[2].records.blocks = 2;
            r.blocks[2] = Block::of(0, &[b"1", b"\"a ch"]);
            r.blocks.push(Block::continuing(2, b"ain\""));
            r.printed = vec![
                xxh3_64(b"1{\"__data__\":{\"m\":}}3"),
                r.printed[1],
                xxh3_64(b"1\"a chain\""),
                0,
            ];
        },
    );
    rec(
        "rec-hash-of-a-continuing-block",
        Damaged(
            "PRINTED_HASHES at byte 1112: hash of a continuing block has a value that the format does not allow",
        ),
        &|r| {
            r.meta.collections[2].records.blocks = 2;
            r.blocks[2] = Block::of(0, &[b"1", b"\"a ch"]);
            r.blocks.push(Block::continuing(2, b"ain\""));
            r.printed.push(5);
        },
    );
    rec(
        "rec-dictionary-without-magic",
        Damaged("DICTIONARY at byte 512: dictionary has a value that the format does not allow"),
        &|r| {
            r.plain
                .insert(b"DICT", forge::frame(b"mere text, which zstd would take"));
        },
    );
    rec(
        "rec-dictionary-of-rubbish",
        Damaged("DICTIONARY at byte 512: dictionary has a value that the format does not allow"),
        &|r| {
            let mut rubbish = vec![0x37, 0xa4, 0x30, 0xec];
            rubbish.resize(200, 0xff);
            r.plain.insert(b"DICT", forge::frame(&rubbish));
        },
    );
    rec(
        "rec-dictionary-no-zstd",
        Damaged(
            "DICTIONARY at byte 512: a compressed block does not decompress to its stated length",
        ),
        &|r| {
            r.plain.insert(b"DICT", b"no frame".to_vec());
        },
    );
    rec(
        "rec-dictionary-longer-than-any",
        Damaged(
            "DICTIONARY at byte 512: a compressed block does not decompress to its stated length",
        ),
        &|r| {
            r.plain.insert(b"DICT", forge::repeated(0, 112_641));
        },
    );

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

    // Orders, sequences, planes: as in vectors.rs, so one of each
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

    // Packed text
    rec(
        "rec-text-empty",
        Damaged("META at byte 704: the end of a record has a value that the format does not allow"),
        &|r| r.beta(b""),
    );
    rec(
        "rec-text-unknown-op",
        Damaged("META at byte 704: an op has a value that the format does not allow"),
        &|r| r.beta(b"[\x13]"),
    );
    rec(
        "rec-text-op-of-white-space",
        Damaged("META at byte 704: an op has a value that the format does not allow"),
        &|r| r.beta(b"[1,\n2]"),
    );
    rec(
        "rec-text-brackets-left-open",
        Damaged("META at byte 704: the end of a record has a value that the format does not allow"),
        &|r| r.beta(b"[[1]"),
    );
    rec(
        "rec-text-brackets-closed-too-often",
        Damaged("META at byte 704: brackets has a value that the format does not allow"),
        &|r| r.beta(b"[1]]"),
    );
    rec(
        "rec-text-brackets-of-two-kinds",
        Damaged("META at byte 704: brackets has a value that the format does not allow"),
        &|r| r.beta(b"[1}"),
    );
    rec(
        "rec-op-row",
        Damaged("IDS at byte 512: row number does not fit the data"),
        &|r| r.beta(b"\x04\x04"),
    );
    rec(
        "rec-op-row-cut",
        Damaged("META at byte 704: the end of a record has a value that the format does not allow"),
        &|r| r.beta(b"\x04"),
    );
    rec(
        "rec-op-argument-cut",
        Damaged("META at byte 704: the end of a record has a value that the format does not allow"),
        &|r| r.beta(b"[\x04\x80"),
    );
    rec(
        "rec-op-argument-longer-than-needed",
        Damaged("META at byte 704: an op's argument has a value that the format does not allow"),
        &|r| r.beta(b"\x04\x80\x00"),
    );
    rec(
        "rec-op-argument-too-large",
        Damaged("META at byte 704: an op's argument has a value that the format does not allow"),
        &|r| r.beta(b"\x04\xff\xff\xff\xff\x10"),
    );
    rec(
        "rec-op-argument-too-long",
        Damaged("META at byte 704: an op's argument has a value that the format does not allow"),
        &|r| r.beta(b"\x04\x80\x80\x80\x80\x80\x00"),
    );
    rec(
        "rec-op-next-after-the-last",
        Damaged("IDS at byte 640: row number does not fit the data"),
        &|r| {
            r.blocks[1] = Block::of(0, &[b"\x02"]);
        },
    );
    rec(
        "rec-op-previous-before-the-first",
        Damaged("META at byte 704: an op without a row has a value that the format does not allow"),
        &|r| {
            r.blocks[0] = Block::of(0, &[b"\x03", b"2", b"3"]);
        },
    );
    rec(
        "rec-op-own-without-key",
        Damaged("META at byte 832: an op without a row has a value that the format does not allow"),
        &|r| {
            r.blocks[2] = Block::of(0, &[b"1", b"\x01"]);
        },
    );
    rec(
        "rec-op-hash-without-row",
        Damaged("META at byte 832: an op without a row has a value that the format does not allow"),
        &|r| {
            r.blocks[2] = Block::of(0, &[b"1", b"\x06"]);
        },
    );
    rec(
        "rec-op-hash-of-a-row-without-one",
        Damaged(
            "META at byte 704: an op for a row without a hash has a value that the format does not allow",
        ),
        &|r| r.beta(b"\x06"),
    );
    rec(
        "rec-op-other-hash",
        Damaged("META at byte 704: number of a hash does not fit the data"),
        &|r| r.beta(b"\x07\x01"),
    );
    rec(
        "rec-op-rows-of-one",
        Damaged("META at byte 704: an op's rows has a value that the format does not allow"),
        &|r| r.beta(b"[\x05\x00\x01]"),
    );
    rec(
        "rec-op-rows-beyond-the-pool",
        Damaged("IDS at byte 512: row number does not fit the data"),
        &|r| r.beta(b"[\x05\x03\x02]"),
    );
    rec(
        "rec-op-rows-overflow",
        Damaged("META at byte 704: an op's rows has a value that the format does not allow"),
        &|r| r.beta(b"[\x05\xff\xff\xff\xff\x0f\x02]"),
    );
    rec(
        "rec-op-same-object-of-none",
        Damaged(
            "META at byte 704: an op that repeats nothing has a value that the format does not allow",
        ),
        &|r| r.beta(b"[\x08]"),
    );
    rec(
        "rec-op-same-array-of-none",
        Damaged(
            "META at byte 704: an op that repeats nothing has a value that the format does not allow",
        ),
        &|r| r.beta(b"[[1,2],\x0b]"),
    );
    rec(
        "rec-op-same-object-of-outside-a-document",
        Damaged(
            "META at byte 704: an op that repeats nothing has a value that the format does not allow",
        ),
        &|r| {
            r.beta(b"[{\"long\":\"0123456789\"},\x0e\x01\x08\x0f]");
        },
    );
    rec(
        "rec-op-numbers-plane",
        Damaged("META at byte 704: a plane's number has a value that the format does not allow"),
        &|r| r.beta(b"\x0c\x01\x00"),
    );
    rec(
        "rec-op-numbers-row",
        Damaged("PLANE at byte 1024: row number does not fit the data"),
        &|r| r.beta(b"\x0c\x00\x01"),
    );
    rec(
        "rec-op-json-style",
        Damaged("META at byte 704: a style's number has a value that the format does not allow"),
        &|r| r.beta(b"\x0e\x021\x0f"),
    );
    rec(
        "rec-op-json-too-deep",
        Damaged(
            "META at byte 704: nesting of documents has a value that the format does not allow",
        ),
        &|r| {
            r.beta(b"\x0e\x01\x0e\x01\x0e\x01\x0e\x01\x0e\x011\x0f\x0f\x0f\x0f\x0f");
        },
    );
    rec(
        "rec-op-json-without-end",
        Damaged("META at byte 704: the end of a record has a value that the format does not allow"),
        &|r| r.beta(b"\x0e\x011"),
    );
    rec(
        "rec-op-end-without-json",
        Damaged(
            "META at byte 704: the end of a document has a value that the format does not allow",
        ),
        &|r| r.beta(b"1\x0f"),
    );
    rec(
        "rec-op-end-inside-brackets",
        Damaged(
            "META at byte 704: the end of a document has a value that the format does not allow",
        ),
        &|r| r.beta(b"\x0e\x01[1\x0f]"),
    );
    rec(
        "rec-op-map-number",
        Damaged(
            "META at byte 704: a collection's number has a value that the format does not allow",
        ),
        &|r| r.beta(b"\x10\x03"),
    );
    rec(
        "rec-op-map-of-the-top-level",
        Damaged(
            "META at byte 704: the place of a collection has a value that the format does not allow",
        ),
        &|r| r.beta(b"\x10\x00"),
    );
    rec(
        "rec-op-map-in-another-collection",
        Damaged(
            "META at byte 832: the place of a collection has a value that the format does not allow",
        ),
        &|r| {
            r.blocks[2] = Block::of(0, &[b"1", b"\x10\x01"]);
        },
    );
    rec(
        "rec-op-map-in-another-record",
        Damaged(
            "META at byte 704: the place of a collection has a value that the format does not allow",
        ),
        &|r| {
            r.blocks[0] = Block::of(0, &[b"\x10\x01", b"2", b"3"]);
        },
    );
    rec(
        "rec-op-map-twice",
        Damaged(
            "META at byte 704: the place of a collection has a value that the format does not allow",
        ),
        &|r| r.beta(b"[\x10\x01,\x10\x01]"),
    );
    rec(
        "rec-op-key-not-at-the-beginning",
        Damaged("META at byte 704: an op has a value that the format does not allow"),
        &|r| r.beta(b"[\x11\x01a]"),
    );
    rec(
        "rec-op-key-beyond-the-record",
        Damaged("META at byte 704: a key's length has a value that the format does not allow"),
        &|r| r.beta(b"\x11\x05ab"),
    );
    rec(
        "rec-op-key-of-another",
        Damaged("META at byte 704: the key of a record has a value that the format does not allow"),
        &|r| r.beta(b"\x11\x07\"gamma\"1"),
    );
    rec(
        "rec-op-key-length",
        Damaged("META at byte 704: a key's length has a value that the format does not allow"),
        &|r| r.beta(b"\x11\x80\x00a1"),
    );
    rec(
        "rec-op-text-not-at-the-beginning",
        Damaged("META at byte 704: an op has a value that the format does not allow"),
        &|r| r.beta(b"[\x12]"),
    );
    cases
}
