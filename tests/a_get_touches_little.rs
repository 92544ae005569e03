//! Opening an index of a hundred million rows and reading one vector, or one
//! document, must not read the index. If some part of opening or looking up grew with the
//! number of rows, a start-up that is instant on the developer's laptop would
//! take minutes in production.
//!
//! The read backend counts every byte that it fetches.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use common::{DOCUMENTS, Storage, VECTORS, open_vectors, options, uuid as id};
use twinstore::{
    bytes::Backend,
    persist_dir::Snapshot,
    segment::Metadata,
    store::{DocumentStore, RecordStore},
};

const DIM: u64 = 4;

/// An f32, so that the store is of the exact class.
fn component(row: u64, column: u64) -> f64 {
    let mixed = (row * DIM + column + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    f64::from((mixed >> 40) as f32 / 16_777_216.0 + 0.000_123)
}

fn write_store(storage: &Storage, rows: u64) {
    let mut out = BufWriter::new(File::create(storage.path(VECTORS)).unwrap());
    let mut map = |before: &str, entry: &dyn Fn(u64) -> String| {
        write!(out, "{before}").unwrap();
        for row in 0..rows {
            let comma = if row == 0 { "" } else { ", " };
            write!(out, "{comma}\"{}\": {}", id(row), entry(row)).unwrap();
        }
    };
    map("{\"embedding_dict\": {", &|row| {
        let numbers: Vec<String> = (0..DIM).map(|c| component(row, c).to_string()).collect();
        format!("[{}]", numbers.join(", "))
    });
    map("}, \"text_id_to_ref_doc_id\": {", &|row| {
        format!("\"{}\"", id(row / 20 + (1 << 40)))
    });
    map("}, \"metadata_dict\": {", &|row| {
        format!(
            "{{\"file\": \"{}.pdf\", \"page\": {}, \"chunk\": \"c{row}\"}}",
            row / 20,
            row % 20
        )
    });
    out.write_all(b"}}").unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
}

/// Packs a store of `rows`, gets one vector and one metadata row of it, and
/// returns the bytes read after opening, after the vector, after everything.
fn bytes_read(rows: u64) -> [u64; 3] {
    let storage = Storage::with([]);
    write_store(&storage, rows);
    let packed = &storage.pack().stores[0];
    assert!(!packed.file_form, "{:?}", packed.why);
    storage.remove(VECTORS);
    let mut most = [0; 3];
    for row in [0, rows / 3, rows - 1] {
        let snapshot = Snapshot::open(&storage.dir(), None, &options(Backend::Read)).unwrap();
        let opened = snapshot.bytes_read();
        let vectors = open_vectors(&snapshot, VECTORS).unwrap();
        assert_eq!(u64::from(vectors.rows()), rows);
        let vector = vectors.get(id(row).as_bytes()).unwrap().unwrap();
        let expected: Vec<f64> = (0..DIM).map(|c| component(row, c)).collect();
        assert_eq!(vector, expected);
        let got = snapshot.bytes_read();
        let Some(Metadata::Object(members)) = vectors.metadata(row as u32).unwrap() else {
            panic!("row {row} has no metadata");
        };
        let members = members.iter().map(|(k, v)| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            (text(k), text(v))
        });
        let expected = [
            ("file".to_owned(), format!("\"{}.pdf\"", row / 20)),
            ("page".to_owned(), (row % 20).to_string()),
            ("chunk".to_owned(), format!("\"c{row}\"")),
        ];
        assert_eq!(members.collect::<Vec<_>>(), expected);
        for (most, now) in most.iter_mut().zip([opened, got, snapshot.bytes_read()]) {
            *most = now.max(*most);
        }
    }
    assert!(most[0] > 0, "nothing is counted");
    println!("{rows} rows: {most:?} bytes read");
    most
}

/// What one row costs may not depend on how many others there are.
fn compare(small: u64, large: u64) {
    let [small_opened, small_got, _] = bytes_read(small);
    let [large_opened, large_got, large_all] = bytes_read(large);
    assert!(
        large_opened <= small_opened + 4096,
        "{small_opened} {large_opened}"
    );
    // Id slots, id, plane: a block of each, where a small file has one in all.
    assert!(
        large_got <= small_got + (512 << 10),
        "{small_got} {large_got}"
    );
    assert!(large_all <= 1 << 20, "{large_all}");
}

#[test]
fn of_a_thousand_rows_or_a_hundred_thousand() {
    compare(1_000, 100_000);
}

#[test]
#[ignore = "writes 250 MB of JSON; run it with --ignored"]
fn of_a_thousand_rows_or_a_million() {
    compare(1_000, 1_000_000);
}

/// The value of a document in `docstore/data`, with about 1 kB of text.
fn document(n: u64) -> String {
    let metadata = format!(
        "{{\"file_name\": \"part-{}.txt\", \"page\": {}}}",
        n / 100,
        n % 100
    );
    let hash = |n: u64| format!("{:032x}{:032x}", n * 7919, n * 104_729);
    let relation = |kind: u8, other: u64| {
        format!(
            "\"{kind}\": {{\"node_id\": \"{}\", \"node_type\": \"1\", \"metadata\": {metadata}, \"hash\": \"{}\", \"class_name\": \"RelatedNodeInfo\"}}",
            id(other),
            hash(other)
        )
    };
    let words = (0..170).map(|i| format!("{:05}", (n * 40_503 + i * 7919) % 99_991));
    format!(
        "{{\"__data__\": {{\"id_\": \"{}\", \"embedding\": null, \"metadata\": {metadata}, \"relationships\": {{{}, {}, {}}}, \"hash\": \"{}\", \"text\": \"{}\"}}, \"__type__\": \"1\"}}",
        id(n),
        relation(1, n / 20 + (1 << 40)),
        relation(2, n.saturating_sub(1)),
        relation(3, n + 1),
        hash(n),
        words.collect::<Vec<_>>().join(" "),
    )
}

/// Packs a document store, gets single documents, and returns the most bytes
/// read for opening, and then for one document.
fn bytes_read_of_documents(count: u64) -> [u64; 2] {
    let storage = Storage::with([]);
    let mut out = BufWriter::new(File::create(storage.path(DOCUMENTS)).unwrap());
    for (name, entry) in [
        ("docstore/data", &document as &dyn Fn(u64) -> String),
        ("docstore/metadata", &|n| {
            format!("{{\"doc_hash\": \"{:064x}\"}}", n * 7919)
        }),
    ] {
        let open = if name == "docstore/data" { "{" } else { ", " };
        write!(out, "{open}\"{name}\": {{").unwrap();
        for n in 0..count {
            let comma = if n == 0 { "" } else { ", " };
            write!(out, "{comma}\"{}\": {}", id(n), entry(n)).unwrap();
        }
        out.write_all(b"}").unwrap();
    }
    out.write_all(b"}").unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
    let packed = &storage.pack().stores[0];
    assert!(!packed.file_form, "{:?}", packed.why);
    storage.remove(DOCUMENTS);
    let mut most = [0; 2];
    for n in [0, count / 3, count - 1] {
        let snapshot = Snapshot::open(&storage.dir(), None, &options(Backend::Read)).unwrap();
        let store =
            RecordStore::open(snapshot.store(DOCUMENTS).unwrap().segments().unwrap()).unwrap();
        let store = DocumentStore::new(store);
        let opened = snapshot.bytes_read();
        let found = store.get_document(id(n).as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(found.raw().to_vec()).unwrap(),
            document(n)
        );
        assert_eq!(store.len().unwrap(), count);
        assert!(store.contains(id(n).as_bytes()).unwrap());
        let got = snapshot.bytes_read() - opened;
        for (most, now) in most.iter_mut().zip([opened, got]) {
            *most = now.max(*most);
        }
    }
    assert!(most[0] > 0, "nothing is counted");
    println!("{count} documents: {most:?} bytes read");
    most
}

fn compare_documents(small: u64, large: u64) {
    let [small_opened, _] = bytes_read_of_documents(small);
    let [large_opened, large_got] = bytes_read_of_documents(large);
    // META, where a small file is read as a whole: a block, its checksums.
    assert!(
        large_opened <= small_opened + (128 << 10),
        "{small_opened} {large_opened}"
    );
    assert!(large_got <= 1 << 20, "{large_got}");
}

#[test]
fn of_a_thousand_documents_or_twenty_thousand() {
    compare_documents(1_000, 20_000);
}

#[test]
#[ignore = "writes 2.4 GB of JSON; run it with --ignored"]
fn of_a_thousand_documents_or_a_million() {
    compare_documents(1_000, 1_000_000);
}
