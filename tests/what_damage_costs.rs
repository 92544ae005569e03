//! One bit of a segment is wrong. Which part it is in decides how much `salvage` brings
//! back: nothing is lost, a block, or all, because all blocks need that part. This is the
//! table of docs/RELIABILITY.md.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{DOCUMENTS, Storage, VECTORS};
use serde_json::{Map, Value, json};
use twinstore::{
    convert::{SalvageOptions, Silent, salvage},
    json::value_end,
};

const RECORDS: usize = 1500;
const ROWS: usize = 4000;

#[derive(Debug, PartialEq)]
enum Cost {
    Nothing,
    /// Something, and no more than so many of a hundred.
    UpTo(usize),
    All,
}

/// Text that does not compress to nothing.
fn noise(seed: usize) -> String {
    let mut state = seed as u64 * 7919 + 1;
    let mut text = String::new();
    for _ in 0..40 {
        state = state.wrapping_mul(6_364_136_223_846_793_005) + 1;
        text.push_str(&format!("{:x} ", state >> 30));
    }
    text
}

fn documents() -> String {
    let node = |n: usize| json!({"__data__": {"id_": format!("node-{n}"), "text": noise(n)}, "__type__": "1"});
    let data: Map<_, _> = (0..RECORDS)
        .map(|n| (format!("node-{n}"), node(n)))
        .collect();
    json!({"docstore/data": data}).to_string()
}

fn vectors() -> String {
    let map = |entry: &dyn Fn(usize) -> Value| -> Value {
        let entries = (0..ROWS).map(|row| (format!("row-{row}"), entry(row)));
        Value::Object(entries.collect())
    };
    json!({
        "embedding_dict": map(&|row| (0..64).map(|n| json!((row * 64 + n) as f64 + 0.1)).collect()),
        "text_id_to_ref_doc_id": map(&|row| json!(format!("ref-{}", row % 7))),
        "metadata_dict": map(&|row| json!({"page": row % 5})),
    })
    .to_string()
}

/// The parts of a segment, each with the place of a byte in its middle (FORMAT.md 3).
fn parts(bytes: &[u8]) -> Vec<(String, usize)> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let trailer = bytes.len() - 64;
    let (crcs, table) = (number(trailer), number(trailer + 16));
    let mut parts = vec![
        ("header".to_owned(), 20),
        ("block checksums".to_owned(), crcs + 1),
        ("section table".to_owned(), (table + trailer) / 2),
        ("trailer".to_owned(), trailer + 20),
    ];
    for entry in bytes[table..trailer].chunks(32) {
        let field = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap()) as usize;
        let name = String::from_utf8_lossy(&entry[..4]).into_owned();
        if field(16) > 0 {
            parts.push((name, field(8) + field(16) / 2));
        }
    }
    parts
}

/// For each part, what a flipped bit in it costs of the collection `of`.
fn costs(file: &str, text: &str, of: &str, all: usize) -> Vec<(String, Cost)> {
    let storage = Storage::with([(file, text)]);
    storage.pack();
    let info = storage.info();
    let path = storage.twin().join(&info.stores[0].segments[0]);
    let sound = fs::read(&path).unwrap();
    let cost = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        let out = storage.beside("salvaged");
        let _ = fs::remove_dir_all(&out);
        salvage(&storage.dir(), &out, &SalvageOptions::default(), &Silent).unwrap();
        let left = match fs::read(out.join(file)) {
            Ok(text) if value_end(&text, 0, true).is_ok() => {
                let whole: Value = serde_json::from_slice(&text).unwrap();
                whole[of].as_object().map_or(0, Map::len)
            }
            _ => 0,
        };
        match (all - left) * 100 {
            0 => Cost::Nothing,
            lost if lost == all * 100 => Cost::All,
            lost => Cost::UpTo(lost.div_ceil(all)),
        }
    };
    let parts = parts(&sound).into_iter();
    parts.map(|(name, at)| (name, cost(at))).collect()
}

/// Fails unless the parts in `nothing` cost nothing, that in `some` at most a tenth, and all
/// others everything.
#[track_caller]
fn expect(costs: &[(String, Cost)], nothing: &[&str], some: &str) {
    for (part, cost) in costs {
        let part = part.trim_end();
        match cost {
            Cost::Nothing => assert!(nothing.contains(&part), "{part} costs nothing"),
            Cost::UpTo(percent) => assert!(part == some && *percent <= 10, "{part}: {percent} %"),
            Cost::All => assert!(part != some && !nothing.contains(&part), "{part} costs all"),
        }
    }
    assert!(costs.len() > nothing.len() + 1);
}

#[test]
fn of_documents() {
    let costs = costs(DOCUMENTS, &documents(), "docstore/data", RECORDS);
    expect(&costs, &["block checksums", "ISLT", "PHSH"], "BLKS");
}

#[test]
fn of_vectors() {
    let costs = costs(VECTORS, &vectors(), "embedding_dict", ROWS);
    let of_metadata = ["CODE", "BLKS", "BIDX", "COLS"];
    let nothing = [&["block checksums", "NORM", "ISLT"][..], &of_metadata].concat();
    expect(&costs, &nothing, "PLAN");
}

#[test]
fn of_metadata() {
    let costs = costs(VECTORS, &vectors(), "metadata_dict", ROWS);
    // All values are in the codes here; texts that occur once would be in blocks.
    let nothing = ["block checksums", "PLAN", "CLAS", "NORM", "ISLT", "BLKS"];
    expect(&costs, &nothing, "");
}
