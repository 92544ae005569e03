//! A file of a few bytes can say that it holds four thousand million rows, or a block
//! that is a gibibyte of zeros. Who believes it asks the system for that much memory,
//! and a server with twenty tenants is gone. So nothing is allocated on a file's word:
//! a reader holds a block (64 MiB at the very most), never a claim.
//!
//! All memory of this process is counted, which is why the tests here run one after
//! another.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::sync::{Mutex, PoisonError};

use common::{DOCUMENTS, Storage, VECTORS};
use peak_alloc::PeakAlloc;
use twinstore::convert::PackOptions;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What a command may hold beyond the parts of a file that it has to look at as a whole.
const ROOM: usize = 32 << 20;

static ALONE: Mutex<()> = Mutex::new(());

/// The most that `work` held at any moment, beyond what was held before.
fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let outcome = work();
    (outcome, MEMORY.peak_usage().saturating_sub(before))
}

/// The same where a file has a value of more than 32 MiB, up to which one is looked at as a
/// whole: a buffer that grows to that is there twice for a moment.
const ROOM_OF_A_VALUE: usize = ROOM + (96 << 20);

/// Packs a file of this text, reads it back and checks it.
fn there_and_back(file: &str, text: impl FnOnce() -> String) {
    there_and_back_in(ROOM, file, text);
}

fn there_and_back_in(room: usize, file: &str, text: impl FnOnce() -> String) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let storage = Storage::with([(file, text().as_str())]);
    let len = storage.read(file).len();
    let (packed, peak) = peak_of(|| storage.try_pack(PackOptions::default()));
    packed.unwrap();
    assert!(peak < room, "pack of {len} bytes: {} KiB", peak >> 10);
    let (report, peak) = peak_of(|| storage.verify_deep());
    assert!(report.problems.is_empty(), "{report:?}");
    assert!(peak < room, "verify of {len} bytes: {} KiB", peak >> 10);
    let original = storage.read(file);
    storage.remove(file);
    let (_, peak) = peak_of(|| storage.unpack());
    assert!(peak < room, "unpack of {len} bytes: {} KiB", peak >> 10);
    assert!(storage.read(file) == original);
}

/// A vector store of one row.
fn row(component: &str, metadata: &str) -> String {
    format!(
        "{{\"embedding_dict\": {{\"a\": [{component}, 1.5]}}, \"text_id_to_ref_doc_id\": {{}}, \"metadata_dict\": {{\"a\": {metadata}}}}}"
    )
}

/// So deep that eight bytes a bracket would be 160 MB, and more than there is room for.
const DEEP: usize = 20_000_000;

#[test]
fn of_brackets_twenty_million_deep() {
    there_and_back_in(ROOM_OF_A_VALUE, DOCUMENTS, || {
        let brackets = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
        format!("{{\"docstore/data\": {{\"n\": {brackets}}}}}")
    });
}

#[test]
fn of_objects_five_million_deep_where_metadata_stands() {
    there_and_back_in(ROOM_OF_A_VALUE, VECTORS, || {
        let deep = DEEP / 4;
        let objects = format!("{}1{}", "{\"a\": ".repeat(deep), "}".repeat(deep));
        row("0.5", &objects)
    });
}

/// They are refused as an index, and kept as the text they are.
#[test]
fn of_brackets_that_are_never_closed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = format!("{{\"docstore/data\": {{\"n\": {}", "[".repeat(DEEP));
    let storage = Storage::with([(DOCUMENTS, text.as_str())]);
    drop(text);
    let (packed, peak) = peak_of(|| storage.try_pack(PackOptions::default()));
    assert!(packed.unwrap().stores[0].file_form);
    assert!(peak < ROOM_OF_A_VALUE, "{} KiB", peak >> 10);
}

#[test]
fn of_a_number_of_a_million_digits() {
    there_and_back(VECTORS, || row(&"7".repeat(1_000_000), "{}"));
}

/// Keys without end: whoever counts them in a table holds the table.
#[test]
fn of_a_hundred_thousand_keys_in_one_metadata() {
    there_and_back(VECTORS, || {
        let members = (0..100_000).map(|n| format!("\"key-{n}\": {n}"));
        let members: Vec<String> = members.collect();
        row("0.5", &format!("{{{}}}", members.join(", ")))
    });
}

/// The same text of a mebibyte sixty times: it packs to next to nothing, and is not
/// held when it comes back.
#[test]
fn of_text_that_is_all_the_same() {
    there_and_back(DOCUMENTS, || {
        let text = "0".repeat(1 << 20);
        let record = |n| {
            format!("\"n{n}\": {{\"__data__\": {{\"text\": \"{text}\"}}, \"__type__\": \"1\"}}")
        };
        let records: Vec<String> = (0..60).map(record).collect();
        format!("{{\"docstore/data\": {{{}}}}}", records.join(", "))
    });
}

/// Random bytes under every name that a store can have: they are looked at, and kept
/// where they are.
#[test]
fn of_rubbish() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut state = 1_u64;
    let mut rubbish = vec![0; 4 << 20];
    for byte in &mut rubbish {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    let storage = Storage::with([]);
    for file in [VECTORS, DOCUMENTS, "index_store.json", "graph_store.json"] {
        storage.write(file, &rubbish);
    }
    let (packed, peak) = peak_of(|| storage.try_pack(PackOptions::default()));
    assert!(peak < ROOM, "{} KiB", peak >> 10);
    drop(packed);
    for file in [VECTORS, DOCUMENTS, "index_store.json", "graph_store.json"] {
        assert!(storage.read(file) == rubbish);
    }
}
