//! An index over a million nodes has a `nodes_dict` of a million entries, in a
//! JSON string inside of the JSON. LlamaIndex parses all of it to open the
//! index, and writes all of it to add a node; a twin that kept the struct as one
//! record would do no better.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use common::{Storage, options, uuid};
use twinstore::{
    bytes::Backend,
    persist_dir::Snapshot,
    store::{IndexStore, IndexStruct, RecordStore},
};

const INDEX: &str = "index_store.json";

/// An index store as LlamaIndex writes it for a vector index.
fn write_store(storage: &Storage, entries: u64) {
    let mut out = BufWriter::new(File::create(storage.path(INDEX)).unwrap());
    let before = r#"{"index_store/data": {"the-index": {"__type__": "vector_store", "__data__": "{\"index_id\": \"the-index\", \"summary\": null, \"nodes_dict\": {"#;
    let after = r#"}, \"doc_id_dict\": {}, \"embeddings_dict\": {}}"}}}"#;
    write!(out, "{before}").unwrap();
    for n in 0..entries {
        let comma = if n == 0 { "" } else { ", " };
        write!(out, r#"{comma}\"{0}\": \"{0}\""#, uuid(n)).unwrap();
    }
    write!(out, "{after}").unwrap();
    out.into_inner().unwrap().sync_all().unwrap();
}

/// Opens the store, its index, and looks one node up; returns the bytes read up to
/// each of them, and the length of the binary file.
fn cost(entries: u64) -> [u64; 4] {
    let storage = Storage::with([]);
    write_store(&storage, entries);
    let packed = &storage.pack().stores[0];
    assert!(!packed.file_form, "{:?}", packed.why);
    let snapshot = Snapshot::open(&storage.dir(), None, &options(Backend::Read)).unwrap();
    let store = RecordStore::open(snapshot.store(INDEX).unwrap().segments().unwrap()).unwrap();
    let opened = snapshot.bytes_read();
    let store = IndexStore::new(store);
    let Some(IndexStruct::IndexDict(index)) = store.get_index_struct(None).unwrap() else {
        panic!("no vector index");
    };
    assert_eq!(&*index.data().index_id(), b"the-index");
    let nodes = index.nodes_dict();
    assert_eq!(nodes.len().unwrap(), entries);
    let loaded = snapshot.bytes_read();
    let id = uuid(entries / 2);
    let found = nodes.get(id.as_bytes()).unwrap().unwrap();
    assert_eq!(found, id.as_bytes());
    let cost = [opened, loaded, snapshot.bytes_read(), packed.binary_bytes];
    println!("{entries} nodes: {cost:?} bytes read at open, with the index, with a get, on disk");
    println!("{:.2} bytes an entry", cost[3] as f64 / entries as f64);
    cost
}

fn compare(small: u64, large: u64) {
    let [small_opened, ..] = cost(small);
    let [large_opened, large_loaded, large_got, large_bytes] = cost(large);
    // META, where a small file is read as a whole: a block, its checksums.
    assert!(
        large_opened <= small_opened + (128 << 10),
        "{small_opened} {large_opened}"
    );
    // The record that is left of the struct: where it is, and its block.
    assert!(large_loaded <= large_opened + (192 << 10), "{large_loaded}");
    assert!(large_got <= 1 << 20, "{large_got}");
    assert!(large_bytes <= 24 * large, "{large_bytes}");
}

#[test]
fn of_a_hundred_thousand_nodes() {
    compare(1_000, 100_000);
}

#[test]
#[ignore = "writes 84 MB of JSON; run it with --ignored"]
fn of_a_million_nodes() {
    compare(1_000, 1_000_000);
}
