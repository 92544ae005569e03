//! The files to start from: the golden files, which hold one thing each.

use std::sync::OnceLock;

use twinstore::container::FileKind;

use super::forge::Parts;

macro_rules! golden {
    ($($name:literal),* $(,)?) => {
        &[$(include_bytes!(concat!("../../tests/golden/v1/", $name))),*]
    };
}

/// Not those of many rows or long items: a change takes as long as the file is.
const VECTORS: &[&[u8]] = golden![
    "vectors_exact.vec.seg",
    "vectors_decimal.vec.seg",
    "vectors_delta.vec.seg",
    "vectors_mixed_classes.vec.seg",
    "vectors_exceptions.vec.seg",
    "vectors_extreme.vec.seg",
    "vectors_sketch.vec.seg",
    "vectors_nan.vec.seg",
    "ids_mixed.vec.seg",
    "ids_surrogates.vec.seg",
    "orders.vec.seg",
    "oddments.vec.seg",
    "rows_without_vector.vec.seg",
    "indented.vec.seg",
    "typescript_vectors.vec.seg",
    "empty.vec.seg",
];
const RECORDS: &[&[u8]] = golden![
    "documents.rec.seg",
    "documents_old.rec.seg",
    "documents_typescript.rec.seg",
    "indexes.rec.seg",
    "indexes_nested.rec.seg",
    "indexes_typescript.rec.seg",
    "graph.rec.seg",
    "property_graph.rec.seg",
    "chat.rec.seg",
    "cache.rec.seg",
    "vectors_as_records.rec.seg",
];
const VERBATIM: &[&[u8]] = golden!["verbatim.raw.seg", "verbatim_string.raw.seg"];
const TOMBSTONES: &[&[u8]] = golden!["tombstones.del.seg"];
const MANIFEST: &[&[u8]] = golden!["manifest.rec"];
const SYNC: &[&[u8]] = golden!["sync.rec"];

const KINDS: [(FileKind, &[&[u8]]); 6] = [
    (FileKind::Vectors, VECTORS),
    (FileKind::Records, RECORDS),
    (FileKind::Verbatim, VERBATIM),
    (FileKind::Tombstones, TOMBSTONES),
    (FileKind::Manifest, MANIFEST),
    (FileKind::Sync, SYNC),
];

/// All of them, taken apart.
pub fn bases() -> &'static [Parts] {
    static BASES: OnceLock<Vec<Parts>> = OnceLock::new();
    BASES.get_or_init(|| {
        let parts = files().map(|(kind, bytes)| Parts::of(kind, bytes));
        parts.collect()
    })
}

/// All of them as they are.
pub fn files() -> impl Iterator<Item = (FileKind, &'static [u8])> {
    let kinds = KINDS.iter();
    kinds.flat_map(|(kind, files)| files.iter().map(|bytes| (*kind, *bytes)))
}

/// Those of one kind.
pub fn bases_of(kind: FileKind) -> &'static [Parts] {
    let all = bases();
    let first = all.iter().position(|parts| parts.kind == kind).unwrap();
    let count = all.iter().filter(|parts| parts.kind == kind).count();
    &all[first..first + count]
}
