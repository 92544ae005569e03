//! Records in compressed blocks.

use xxhash_rust::xxh3::xxh3_64;

use super::Break;
use crate::{
    Outcome::{Damaged, Prints},
    common::forge::{self, Block},
};

pub fn cases(rec: &mut Break<'_>) {
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
}
