//! Sections 5, 8 and 10: blocks (of verbatim segments, which have little
//! else), verbatim segments, tombstones.

use super::{
    Case,
    Outcome::{Damaged, Prints, Says},
    common::forge::{
        self, Block, Dead, DeadMap, Forge, Heap, Target, TombstonesMeta, VerbatimMeta, blocks,
        encode, u32s,
    },
    records::Records,
    vectors::Vectors,
};

pub const TEXT: &str = "hello, world";

/// A verbatim segment whose one piece is a chain of two blocks.
#[derive(Clone)]
pub struct Verbatim {
    pub meta: VerbatimMeta,
    pub blocks: Vec<Block>,
}

impl Verbatim {
    pub fn sound() -> Verbatim {
        let pieces = Heap {
            first_block: 0,
            blocks: 2,
            items: 1,
        };
        Verbatim {
            meta: VerbatimMeta::of(TEXT.as_bytes(), pieces),
            blocks: vec![Block::of(0, &[b"hello, "]), Block::continuing(1, b"world")],
        }
    }

    pub fn forge(&self) -> Forge {
        let (frames, index) = blocks(&self.blocks);
        let mut file = Forge::new(b"RAW");
        file.section(b"BLKS", frames)
            .section(b"BIDX", index)
            .section(b"META", encode(&self.meta));
        file
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.forge().bytes()
    }
}

/// Tombstones of the sound vectors: these entries of the map of vectors.
pub fn dead(entries: &[u32]) -> Vec<u8> {
    dead_maps(&[(0, 3, false, entries)])
}

fn dead_maps(maps: &[Dead<'_>]) -> Vec<u8> {
    forge::tombstones(&[(forge::root(&Vectors::sound().bytes()), maps)])
}

fn dead_records(maps: &[Dead<'_>]) -> Vec<u8> {
    forge::tombstones(&[(forge::root(&Records::sound().bytes()), maps)])
}

/// Tombstones of which META and DEAD say what they like.
fn lies(targets: Vec<Target>, dead: Vec<u8>) -> Vec<u8> {
    let mut file = Forge::new(b"DEL");
    file.section(b"DEAD", dead)
        .section(b"META", encode(TombstonesMeta { targets }));
    file.bytes()
}

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut verbatim = |name, outcome, change: &dyn Fn(&mut Verbatim)| {
        let mut file = Verbatim::sound();
        change(&mut file);
        let bytes = file.bytes();
        cases.push(Case {
            name,
            bytes,
            outcome,
        });
    };
    verbatim("raw-sound", Prints(TEXT), &|_| {});

    // Heaps and the index of blocks
    verbatim(
        "raw-heap-beyond-the-index",
        Damaged("BLOCK_INDEX at byte 128: heap does not fit the data"),
        &|v| v.meta.pieces.blocks = 3,
    );
    verbatim(
        "raw-heap-numbers-overflow",
        Damaged("BLOCK_INDEX at byte 128: heap does not fit the data"),
        &|v| {
            (v.meta.pieces.first_block, v.meta.pieces.blocks) = (u32::MAX, u32::MAX);
        },
    );
    verbatim(
        "raw-heap-items-without-blocks",
        Damaged("BLOCK_INDEX at byte 128: heap does not fit the data"),
        &|v| v.meta.pieces.blocks = 0,
    );
    verbatim(
        "raw-heap-begins-with-a-continuing-block",
        Damaged("BLOCK_INDEX at byte 160: block items does not fit the data"),
        &|v| {
            v.meta.pieces.first_block = 1;
            v.meta.pieces.blocks = 1;
        },
    );
    verbatim(
        "raw-block-first-item",
        Damaged("BLOCK_INDEX at byte 128: block items does not fit the data"),
        &|v| v.blocks[0].first_item = 1,
    );
    verbatim(
        "raw-block-items-too-few",
        Damaged("BLOCK_INDEX at byte 160: block items does not fit the data"),
        &|v| {
            // says it holds item 0, and that the next block begins with item 0
            v.blocks[1] = Block::of(0, &[]);
            v.blocks[1].first_item = 0;
        },
    );
    verbatim(
        "raw-block-continues-another-item",
        Damaged("BLOCK_INDEX at byte 160: block items does not fit the data"),
        &|v| v.blocks[1].first_item = 5,
    );
    verbatim(
        "raw-block-longer-than-any",
        Damaged("BLOCK_INDEX at byte 128: block does not fit the data"),
        &|v| v.blocks[0].raw_len = (64 << 20) + 1,
    );
    verbatim(
        "raw-block-table-longer-than-block",
        Damaged("BLOCK_INDEX at byte 128: block does not fit the data"),
        &|v| v.blocks[0].items = 3,
    );
    verbatim(
        "raw-block-frame-checksum",
        Damaged("BLOCKS at byte 64: checksum mismatch"),
        &|v| v.blocks[0].crc = Some(7),
    );
    verbatim(
        "raw-block-no-zstd",
        Damaged("BLOCKS at byte 64: a compressed block does not decompress to its stated length"),
        &|v| v.blocks[0].frame[0] ^= 1,
    );
    verbatim(
        "raw-block-decompresses-to-more",
        Damaged("BLOCKS at byte 87: a compressed block does not decompress to its stated length"),
        &|v| v.blocks[1].raw_len -= 1,
    );
    verbatim(
        "raw-block-decompresses-to-less",
        Damaged("BLOCKS at byte 87: a compressed block does not decompress to its stated length"),
        &|v| v.blocks[1].raw_len += 1,
    );
    verbatim(
        "raw-block-bomb",
        Damaged("BLOCKS at byte 87: a compressed block does not decompress to its stated length"),
        &|v| {
            v.blocks[1].frame = forge::repeated(b'x', 4 << 20);
        },
    );
    verbatim(
        "raw-block-item-lengths-too-short",
        Damaged("BLOCK_INDEX at byte 128: item lengths does not fit the data"),
        &|v| {
            v.blocks[0] = Block::raw(0, 1, b"\x06\0\0\0hello, ");
        },
    );
    verbatim(
        "raw-block-item-lengths-too-long",
        Damaged("BLOCK_INDEX at byte 128: item lengths does not fit the data"),
        &|v| {
            v.blocks[0] = Block::raw(0, 1, b"\xff\xff\xff\xffhello, ");
        },
    );
    verbatim(
        "raw-block-item-lengths-overflow",
        Damaged("BLOCK_INDEX at byte 128: item lengths does not fit the data"),
        &|v| {
            v.blocks[0] = Block::raw(0, 2, b"\xff\xff\xff\xff\x08\0\0\0hello, ");
        },
    );

    // Verbatim segments
    verbatim(
        "raw-text-length",
        Damaged(
            "BLOCKS at byte 64: the text it holds is not the text that was packed (other hash)",
        ),
        &|v| v.meta.length -= 1,
    );
    verbatim(
        "raw-text-hash",
        Damaged(
            "BLOCKS at byte 64: the text it holds is not the text that was packed (other hash)",
        ),
        &|v| v.meta.hash[0] ^= 1,
    );
    verbatim(
        "raw-text-other",
        Damaged(
            "BLOCKS at byte 64: the text it holds is not the text that was packed (other hash)",
        ),
        &|v| {
            v.blocks[1] = Block::continuing(1, b"World");
        },
    );
    verbatim(
        "raw-pieces-too-few",
        Damaged("META at byte 192: number of pieces does not fit the data"),
        &|v| v.meta.length = (1 << 20) + 1,
    );
    verbatim(
        "raw-pieces-too-many",
        Damaged("META at byte 192: number of pieces does not fit the data"),
        &|v| {
            v.blocks[0] = Block::of(0, &[b"hello, ", b"world"]);
            v.blocks.truncate(1);
            v.meta.pieces.blocks = 1;
            v.meta.pieces.items = 2;
        },
    );
    verbatim(
        "raw-piece-over-a-mebibyte",
        Damaged("BLOCK_INDEX at byte 160: length of an item does not fit the data"),
        &|v| {
            let mut block = Block::continuing(1, b"");
            block.raw_len = 1 << 20;
            block.frame = forge::repeated(b'x', 1 << 20);
            v.blocks[1] = block;
        },
    );

    let mut bytes = |name, outcome, bytes| {
        cases.push(Case {
            name,
            bytes,
            outcome,
        })
    };
    let mut short = Verbatim::sound().forge();
    short.sections[1].2.pop();
    bytes(
        "raw-block-index-length",
        Damaged("BLOCK_INDEX at byte 128: section length does not fit the data"),
        short.bytes(),
    );
    let mut beyond = Verbatim::sound().forge();
    beyond.sections[1].2[32] = 0xff;
    bytes(
        "raw-block-offset",
        Damaged("BLOCK_INDEX at byte 160: block does not fit the data"),
        beyond.bytes(),
    );
    let mut beyond = Verbatim::sound().forge();
    beyond.sections[1].2[..8].copy_from_slice(&[0xff; 8]);
    bytes(
        "raw-block-offset-overflows",
        Damaged("BLOCK_INDEX at byte 128: block does not fit the data"),
        beyond.bytes(),
    );

    // The structured encoding, of which META is the simplest
    let meta = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut file = Verbatim::sound().forge();
        change(&mut file.sections[2].2);
        file.bytes()
    };
    bytes(
        "raw-encoding-empty",
        Damaged("META at byte 192: the metadata cannot be decoded"),
        meta(&|m| m.clear()),
    );
    bytes(
        "raw-encoding-cut",
        Damaged("META at byte 192: the metadata cannot be decoded"),
        meta(&|m| m.truncate(m.len() - 1)),
    );
    bytes(
        "raw-encoding-left-over",
        Damaged("META at byte 192: the metadata cannot be decoded"),
        meta(&|m| m.push(0)),
    );
    bytes(
        "raw-encoding-long-varint",
        Damaged("META at byte 192: the metadata cannot be decoded"),
        meta(&|m| {
            let length = m[0];
            m.splice(0..1, [251, length, 0]);
        }),
    );
    bytes(
        "raw-encoding-number-too-large",
        Damaged("META at byte 192: the metadata cannot be decoded"),
        meta(&|m| {
            // first_block is a u32
            m.splice(17..18, [253, 0, 0, 0, 0, 1, 0, 0, 0]);
        }),
    );

    // Tombstones
    bytes(
        "del-sound",
        Prints(super::vectors::TEXT_WITHOUT_ALPHA),
        dead(&[0]),
    );
    bytes(
        "del-by-bit",
        Prints(super::vectors::TEXT_WITHOUT_ALPHA),
        dead_maps(&[(0, 3, true, &[0])]),
    );
    let other = forge::tombstones(&[([9; 16], &[(0, 3, false, &[0])])]);
    bytes(
        "del-of-no-segment-of-the-store",
        Damaged(
            "META at byte 128: the segment of deleted entries has a value that the format does not allow",
        ),
        other,
    );
    bytes(
        "del-of-no-map",
        Damaged(
            "META at byte 128: the map of deleted entries has a value that the format does not allow",
        ),
        dead_maps(&[(3, 3, false, &[0])]),
    );
    bytes(
        "delrec-of-no-collection",
        Damaged(
            "META at byte 128: the map of deleted entries has a value that the format does not allow",
        ),
        dead_records(&[(3, 3, false, &[0])]),
    );
    bytes(
        "del-other-number-of-entries",
        Says(
            "vec-0000000000000001.seg: META at byte 1024: the number of entries that tombstones state has a value that the format does not allow; restore the file from a copy, save what is left with `twinstore salvage`, or move the file away: `twinstore pack` writes it anew where the JSON file holds the store",
        ),
        dead_maps(&[(0, 4, false, &[0])]),
    );
    bytes(
        "delrec-other-number-of-entries",
        Says(
            "rec-0000000000000001.seg: META at byte 832: the number of records that tombstones state has a value that the format does not allow; restore the file from a copy, save what is left with `twinstore salvage`, or move the file away: `twinstore pack` writes it anew where the JSON file holds the store",
        ),
        dead_records(&[(0, 9, false, &[0])]),
    );
    bytes(
        "delrec-of-a-record",
        Prints(super::records::TEXT_WITHOUT_ALPHA),
        dead_records(&[(0, 3, false, &[0])]),
    );
    bytes(
        "del-entries-not-ascending",
        Damaged(
            "DEAD at byte 68: the order of deleted entries has a value that the format does not allow",
        ),
        dead(&[1, 0]),
    );
    bytes(
        "del-entry-twice",
        Damaged(
            "DEAD at byte 68: the order of deleted entries has a value that the format does not allow",
        ),
        dead(&[1, 1]),
    );
    bytes(
        "del-entry-beyond-the-map",
        Damaged("DEAD at byte 64: a deleted entry does not fit the data"),
        dead(&[3]),
    );
    let root = forge::root(&Vectors::sound().bytes());
    let map = |map, entries, dead, bits| DeadMap {
        map,
        entries,
        dead,
        bits,
    };
    let target = |maps: Vec<DeadMap>| Target {
        segment: root,
        maps,
    };
    let one = map(0, 3, 1, false);
    let entry = || vec![0; 8];
    bytes(
        "del-targets-not-sorted",
        Damaged(
            "META at byte 128: the order of segments has a value that the format does not allow",
        ),
        lies(
            vec![
                Target {
                    segment: [2; 16],
                    maps: vec![one],
                },
                Target {
                    segment: [1; 16],
                    maps: vec![one],
                },
            ],
            [entry(), entry()].concat(),
        ),
    );
    bytes(
        "del-target-twice",
        Damaged(
            "META at byte 128: the order of segments has a value that the format does not allow",
        ),
        lies(
            vec![target(vec![one]), target(vec![one])],
            [entry(), entry()].concat(),
        ),
    );
    bytes(
        "del-target-without-maps",
        Damaged(
            "META at byte 64: a segment without deleted entries has a value that the format does not allow",
        ),
        lies(vec![target(vec![])], vec![]),
    );
    bytes(
        "del-maps-not-ascending",
        Damaged("META at byte 128: the order of maps has a value that the format does not allow"),
        lies(
            vec![target(vec![map(1, 2, 1, false), one])],
            [entry(), entry()].concat(),
        ),
    );
    bytes(
        "del-map-without-dead",
        Damaged("META at byte 64: number of deleted entries does not fit the data"),
        lies(vec![target(vec![map(0, 3, 0, false)])], vec![]),
    );
    bytes(
        "del-more-dead-than-entries",
        Damaged("META at byte 128: number of deleted entries does not fit the data"),
        lies(vec![target(vec![map(0, 3, 4, false)])], u32s(&[0, 1, 2, 3])),
    );
    bytes(
        "del-section-longer-than-its-parts",
        Damaged("DEAD at byte 64: section length does not fit the data"),
        lies(vec![target(vec![one])], vec![0; 16]),
    );
    bytes(
        "del-list-padding",
        Damaged("DEAD at byte 68: reserved or padding bytes are not zero"),
        lies(vec![target(vec![one])], vec![0, 0, 0, 0, 1, 0, 0, 0]),
    );
    bytes(
        "del-bits-padding",
        Damaged("DEAD at byte 64: reserved or padding bytes are not zero"),
        lies(
            vec![target(vec![map(0, 3, 1, true)])],
            vec![8, 0, 0, 0, 0, 0, 0, 0],
        ),
    );
    bytes(
        "del-bits-count",
        Damaged("DEAD at byte 64: number of bits that are set does not fit the data"),
        lies(
            vec![target(vec![map(0, 3, 1, true)])],
            vec![3, 0, 0, 0, 0, 0, 0, 0],
        ),
    );
    let mut missing = Forge::new(b"DEL");
    missing.section(b"META", encode(TombstonesMeta { targets: vec![] }));
    bytes(
        "del-missing-dead",
        Damaged("DEAD at byte 256: the section is missing"),
        missing.bytes(),
    );
    let mut foreign = Forge::new(b"DEL");
    foreign
        .section(b"DEAD", vec![])
        .section(b"BLKS", vec![])
        .section(b"META", encode(TombstonesMeta { targets: vec![] }));
    bytes(
        "del-section-of-another-kind",
        Damaged("BLOCKS at byte 64: sections are not laid out end to end"),
        foreign.bytes(),
    );
    cases
}
