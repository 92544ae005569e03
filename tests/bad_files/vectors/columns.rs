//! Metadata as columns, and text that is unlike what is usual.

use super::{Break, Vectors};
use crate::{
    Outcome::Damaged,
    common::forge::{Block, Codes, EntryList, Heap, MapName, Oddment, Part, Storage, encode},
};

pub fn cases(vec: &mut Break<'_>) {
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
        "vec-columns-all-of-no-shape",
        Damaged("COLUMNS at byte 512: shape code does not fit the data"),
        &|v| v.section(b"CODE")[56] = 0b11_1111,
    );
    vec(
        "vec-columns-listed-entry-beyond-all",
        Damaged("COLUMNS at byte 512: value of a shape does not fit the data"),
        &|v| v.section(b"CODE")[16] = 9,
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
}
