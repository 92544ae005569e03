//! Twins that are small enough to be damaged in every byte.

use twinstore::{convert::PackOptions, segment::SketchPolicy};

use super::common::{
    CHAT, DOCUMENTS, Storage, VECTORS, document_store, named, uuid, vector_store,
    wrapped_in_a_string,
};

const INDEX: &str = "index_store.json";

/// Two generations, four stores, rows with metadata and a sketch, and a known `sync`.
pub fn small_twin() -> Storage {
    let pack = |storage: &Storage| {
        storage.pack_with(PackOptions {
            sketch: SketchPolicy::Always,
            ..PackOptions::default()
        })
    };
    let storage = Storage::in_memory(&named([
        (VECTORS, vector_store("row", 3).as_str()),
        (DOCUMENTS, &document_store("the first text")),
        (INDEX, &index_store()),
        (CHAT, &wrapped_in_a_string("{\"store\": {}}")),
    ]));
    pack(&storage);
    storage.write(DOCUMENTS, document_store("the second text"));
    pack(&storage);
    assert_eq!(storage.verify().generations, [1, 2]);
    storage
}

/// A single store with a record that is a chain of blocks.
pub fn long_twin() -> Storage {
    let text = document_store(&"-".repeat(1_100_000));
    let storage = Storage::in_memory(&named([(DOCUMENTS, &text)]));
    storage.pack();
    storage
}

/// An index store whose segment has a dictionary, a plane with rows of all
/// classes, hashes of rows and others, nested maps in several orders.
fn index_store() -> String {
    let ids = |order: &[u64]| {
        let pairs = order.iter().map(|&n| {
            let id = if n == 9 { "node-9".to_owned() } else { uuid(n) };
            format!("\\\"{id}\\\": \\\"{id}\\\"")
        });
        pairs.collect::<Vec<_>>().join(", ")
    };
    let index = |key: &str, order: &[u64]| {
        format!(
            "\"{key}\": {{\"__type__\": \"vector_store\", \"__data__\": \"{{\\\"index_id\\\": \\\"{key}\\\", \\\"nodes_dict\\\": {{{}}}, \\\"doc_id_dict\\\": {{}}}}\"}}",
            ids(order)
        )
    };
    // The first eight have a vector; of one a number is odd.
    let vector = |n: u64| {
        let numbers = (0..100).map(|i| match (n, i) {
            (1, _) => format!("0.{}", 123_456_789_012_345_u64 + i * 10),
            (2, _) => format!("0.{}", 11 + i * 10),
            (3, 5) => "1".to_owned(),
            _ => format!("{}.5", n + i),
        });
        let numbers: Vec<String> = numbers.collect();
        format!(
            "\"id_\": \"{}\", \"embedding\": [{}], ",
            uuid(n),
            numbers.join(", ")
        )
    };
    let nodes = (0..40).map(|n| {
        format!(
            "{{{}\"hash\": \"{:064x}\", \"text\": \"{}\"}}",
            if n < 8 { vector(n) } else { String::new() },
            n + 1,
            "the quick brown fox ".repeat(45 + n as usize % 3),
        )
    });
    format!(
        "{{\"index_store/data\": {{{}, {}}}, \"nodes\": [{}]}}",
        index("first", &[0, 1, 2, 3, 9]),
        index("second", &[9, 2, 0]),
        nodes.collect::<Vec<_>>().join(", "),
    )
}
