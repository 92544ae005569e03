//! Ops in the packed text of a record.

use super::Break;
use crate::{Outcome::Damaged, common::forge::Block};

pub fn cases(rec: &mut Break<'_>) {
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
}
