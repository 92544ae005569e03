//! A sector of a segment is wrong. Which part it is in decides how much `salvage` brings
//! back: nothing is lost, a block, or all, because all blocks need that part. A bit that
//! flipped is set right, wherever it is. This is the table of docs/RELIABILITY.md.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{fs, ops::Range};

use common::{DOCUMENTS, Storage, VECTORS};
use serde_json::{Map, Value, json};
use twinstore::{
    StorageContext,
    convert::{SalvageOptions, Silent, salvage},
    json::value_end,
    storage_context::{JsonTwin, PersistOptions},
};

const RECORDS: usize = 1500;
const ROWS: usize = 4000;
const SECTOR: usize = 512;

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

/// The parts of a segment, and where they stand (FORMAT.md 4).
fn parts(bytes: &[u8]) -> Vec<(String, Range<usize>)> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let trailer = bytes.len() - 64;
    let (crcs, pages, table) = (number(trailer), number(trailer + 8), number(trailer + 16));
    let mut parts = vec![
        ("header".to_owned(), 0..64),
        ("block checksums".to_owned(), crcs..pages),
        ("section table".to_owned(), table..trailer),
        ("trailer".to_owned(), trailer..bytes.len()),
        // As disks have them: they hold what is beside those two as well. (How much of the
        // table is in the last one, the length of the file decides.)
        ("first sector".to_owned(), 0..SECTOR),
        (
            "last sector".to_owned(),
            (bytes.len() - 1) / SECTOR * SECTOR..bytes.len(),
        ),
    ];
    for entry in bytes[table..trailer].chunks(32) {
        let field = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap()) as usize;
        let name = String::from_utf8_lossy(&entry[..4]).into_owned();
        if field(16) > 0 {
            parts.push((name, field(8)..field(8) + field(16)));
        }
    }
    parts
}

/// What is done to a part.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Damage {
    Bit,
    /// A sector's length of rubbish, as far as the part goes.
    Sector,
}

impl Damage {
    fn of(self, bytes: &mut [u8]) {
        let middle = bytes.len() / 2;
        match self {
            Damage::Bit => bytes[middle] ^= 0x10,
            Damage::Sector => {
                let end = bytes.len().min(middle + SECTOR / 2);
                bytes[middle.saturating_sub(SECTOR / 2)..end].fill(0xA5);
            }
        }
    }
}

/// For each part, what damage in it costs of the collection `of`.
fn costs(
    storage: &Storage,
    file: &str,
    of: &str,
    all: usize,
    damage: Damage,
) -> Vec<(String, Cost)> {
    let info = storage.info();
    let store = info.stores.iter().find(|store| store.file == file).unwrap();
    let path = storage.twin().join(&store.segments[0]);
    let sound = fs::read(&path).unwrap();
    let cost = |part: Range<usize>| {
        let mut bytes = sound.clone();
        damage.of(&mut bytes[part]);
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
    let costs = parts.map(|(name, part)| (name, cost(part))).collect();
    fs::write(&path, &sound).unwrap();
    costs
}

fn packed(file: &str, text: &str) -> Storage {
    let storage = Storage::with([(file, text)]);
    storage.pack();
    storage
}

/// Fails unless the parts in `nothing` cost nothing, those in `some` at most a tenth, and all
/// others everything.
#[track_caller]
fn expect(costs: &[(String, Cost)], nothing: &[&str], some: &[&str]) {
    for (part, cost) in costs {
        let part = part.trim_end();
        match cost {
            Cost::Nothing => assert!(nothing.contains(&part), "{part} costs nothing"),
            Cost::UpTo(percent) => assert!(
                some.contains(&part) && *percent <= 10,
                "{part}: {percent} %"
            ),
            Cost::All => assert!(
                ![some, nothing].concat().contains(&part),
                "{part} costs all"
            ),
        }
    }
    assert!(costs.len() > nothing.len() + 1);
}

/// What nothing of the data needs, or what can be made anew.
const ENDS: [&str; 3] = ["block checksums", "header", "trailer"];

#[test]
fn a_sector_of_documents() {
    let storage = packed(DOCUMENTS, &documents());
    let costs = costs(
        &storage,
        DOCUMENTS,
        "docstore/data",
        RECORDS,
        Damage::Sector,
    );
    expect(&costs, &[&ENDS[..], &["ISLT", "PHSH"]].concat(), &["BLKS"]);
}

#[test]
fn a_sector_of_vectors() {
    let storage = packed(VECTORS, &vectors());
    let of_metadata = ["CODE", "BLKS", "BIDX", "COLS"];
    let nothing = [&ENDS[..], &["NORM", "ISLT"], &of_metadata].concat();
    let costs = costs(&storage, VECTORS, "embedding_dict", ROWS, Damage::Sector);
    expect(&costs, &nothing, &["PLAN", "first sector"]);
}

#[test]
fn a_sector_of_metadata() {
    let storage = packed(VECTORS, &vectors());
    let costs = costs(&storage, VECTORS, "metadata_dict", ROWS, Damage::Sector);
    // There are few values here, in one block that the codes of all rows lead to.
    let vectors = ["PLAN", "CLAS", "NORM", "first sector"];
    let nothing = [&ENDS[..], &vectors, &["ISLT"]].concat();
    expect(&costs, &nothing, &[]);
}

#[test]
fn a_bit_of_what_was_packed_costs_nothing() {
    for (file, text, of, all) in [
        (DOCUMENTS, documents(), "docstore/data", RECORDS),
        (VECTORS, vectors(), "embedding_dict", ROWS),
        (VECTORS, vectors(), "metadata_dict", ROWS),
    ] {
        let costs = costs(&packed(file, &text), file, of, all, Damage::Bit);
        for (part, cost) in &costs {
            assert_eq!(*cost, Cost::Nothing, "{part} of {file}");
        }
        assert!(costs.len() > 8);
    }
}

/// The text of a store that was changed since is not known, and so no guess can be proved.
#[test]
fn a_bit_of_what_was_changed_costs_what_a_sector_does() {
    let storage = packed(DOCUMENTS, &documents());
    let options = PersistOptions {
        json: JsonTwin::Never,
        ..PersistOptions::default()
    };
    let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let docstore = context.docstore_mut().unwrap();
    docstore.delete_document(b"node-0").unwrap();
    context.persist_with(storage.dir(), &options).unwrap();
    drop(context);
    let costs = costs(
        &storage,
        DOCUMENTS,
        "docstore/data",
        RECORDS - 1,
        Damage::Bit,
    );
    let nothing = [&ENDS[..], &["section table", "last sector", "ISLT", "PHSH"]].concat();
    expect(&costs, &nothing, &["BLKS"]);
}
