//! What the tests of `salvage` share: damage to a part of a file, and what is left of it.

#![allow(
    dead_code,
    reason = "helpers of two test files; neither uses all of them"
)]

use std::{fs, ops::Range, path::PathBuf};

use serde_json::{Map, Value, json};
use twinstore::{
    Result,
    bytes::Backend,
    convert::{SalvageOptions, SalvageReport, SalvagedStore, Silent, salvage},
};

use super::common::{Files, Storage, files_of, options};

/// The report's name in the new directory.
pub const REPORT: &str = "SALVAGE.json";

pub fn try_salvage(storage: &Storage, backend: Backend) -> Result<(SalvageReport, Files)> {
    let out = storage.beside("salvaged");
    let _ = fs::remove_dir_all(&out);
    let options = SalvageOptions {
        open: options(backend),
        ..SalvageOptions::default()
    };
    let report = salvage(&storage.dir(), &out, &options, &Silent)?;
    Ok((report, files_of(&out)))
}

/// What both backends salvage, without the report.
pub fn salvaged(storage: &Storage) -> (SalvageReport, Files) {
    let (report, mut files) = try_salvage(storage, Backend::Map).unwrap();
    let (_, other) = try_salvage(storage, Backend::Read).unwrap();
    assert!(files == other, "the backends differ");
    let listed: Value = serde_json::from_slice(&files.remove(REPORT).unwrap()).unwrap();
    assert_eq!(listed, serde_json::to_value(&report).unwrap());
    (report, files)
}

pub fn store_of<'r>(report: &'r SalvageReport, file: &str) -> &'r SalvagedStore {
    report.stores.iter().find(|s| s.file == file).unwrap()
}

pub fn value(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

/// The binary file of a store.
pub fn segment(storage: &Storage, file: &str) -> PathBuf {
    let info = storage.info();
    let store = info.stores.iter().find(|s| s.file == file).unwrap();
    storage.twin().join(store.segments.last().unwrap())
}

/// Where a section stands, as FORMAT.md says.
pub fn section(bytes: &[u8], kind: &[u8; 4]) -> Range<usize> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let trailer = bytes.len() - 64;
    let mut entries = bytes[number(trailer + 16)..trailer].chunks(32);
    let entry = entries.find(|entry| &entry[..4] == kind).unwrap();
    let field = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap()) as usize;
    field(8)..field(8) + field(16)
}

/// Spoils a byte in the middle of a section; returns where. (A bit might be set right.)
pub fn damage(storage: &Storage, file: &str, kind: &[u8; 4]) -> usize {
    let path = segment(storage, file);
    let mut bytes = fs::read(&path).unwrap();
    let section = section(&bytes, kind);
    let at = (section.start + section.end) / 2;
    bytes[at] ^= 0xFF;
    fs::write(path, bytes).unwrap();
    at
}

/// Text that does not compress to nothing.
pub fn noise(seed: usize, words: usize) -> String {
    let mut state = seed as u64 * 7919 + 1;
    let mut text = String::new();
    for _ in 0..words {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:x} ", state >> 30));
    }
    text
}

pub fn big_documents(nodes: usize) -> String {
    let data: Map<_, _> = (0..nodes)
        .map(|n| {
            let node = json!({"__data__": {"id_": format!("node-{n}"), "text": noise(n, 100)}, "__type__": "1"});
            (format!("node-{n}"), node)
        })
        .collect();
    json!({"docstore/data": data, "docstore/metadata": {"node-0": {"doc_hash": "x"}}}).to_string()
}

pub fn big_vectors(rows: usize) -> String {
    let map = |entry: &dyn Fn(usize) -> Value| -> Value {
        let entries = (0..rows).map(|row| (format!("row-{row}"), entry(row)));
        Value::Object(entries.collect())
    };
    json!({
        "embedding_dict": map(&|row| (0..16).map(|n| json!((row * 16 + n) as f64 + 0.5)).collect()),
        "text_id_to_ref_doc_id": map(&|row| json!(format!("ref-{}", row % 7))),
        "metadata_dict": map(&|row| json!({"text": noise(row, 30), "page": row % 5})),
    })
    .to_string()
}
