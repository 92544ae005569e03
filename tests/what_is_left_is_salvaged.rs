//! The disk returned a bad sector, the JSON was dropped months ago and the
//! last copy is older than that. One block of a file is damaged: what is in the
//! other thousand must not be lost with it, LlamaIndex must be able to load it,
//! and somebody must be told exactly what to ingest again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;
#[path = "common/salvaging.rs"]
mod salvaging;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use common::{
    DOCUMENTS, Storage, VECTORS, data_dir, document_store, files_of, in_parallel, persist_dirs,
    vector_store,
};
use salvaging::{
    REPORT, big_documents, big_vectors, damage, noise, salvaged, section, segment, store_of,
    try_salvage, value,
};
use serde_json::{Map, Value, json};
use twinstore::{
    StorageContext,
    bytes::Backend,
    container::OpenOptions,
    convert::{Loss, LossKind, UnpackOptions},
    persist_dir::{Snapshot, Writer},
    storage_context::{JsonTwin, PersistOptions},
};

const INDEX: &str = "index_store.json";
const BLOCK: u64 = 65_536;

/// Fails unless `left` is `all` without the `lost` keys, in order. Gives the
/// lost ones back.
fn without(all: &Value, left: &Value, lost: &[String]) -> BTreeSet<String> {
    let lost: BTreeSet<String> = lost.iter().cloned().collect();
    let all = all.as_object().unwrap();
    let expected: Vec<_> = all.iter().filter(|(key, _)| !lost.contains(*key)).collect();
    let left: Vec<_> = left.as_object().unwrap().iter().collect();
    assert!(
        left == expected,
        "{} of {} are left, {} lost",
        left.len(),
        all.len(),
        lost.len()
    );
    assert!(lost.iter().all(|key| all.contains_key(key)));
    lost
}

#[test]
fn of_a_sound_twin_all_is_left() {
    in_parallel(&persist_dirs(&data_dir()), |dir| {
        let storage = Storage::copy_of(dir);
        storage.pack_all();
        let (report, files) = salvaged(&storage);
        assert!(report.is_whole(), "{}: {report:?}", dir.display());
        assert!(
            files == storage.unpacked(OpenOptions::default()).unwrap(),
            "{}",
            dir.display()
        );
    });
}

#[test]
fn a_damaged_block_costs_the_records_in_it() {
    let storage = Storage::with([
        (DOCUMENTS, &big_documents(300)),
        (VECTORS, &vector_store("a", 3)),
    ]);
    storage.pack();
    damage(&storage, DOCUMENTS, b"BLKS");
    let (report, files) = salvaged(&storage);
    assert!(store_of(&report, VECTORS).lost.is_empty());
    assert_eq!(files[VECTORS], vector_store("a", 3).as_bytes());

    let documents = store_of(&report, DOCUMENTS);
    let [loss] = documents.lost.as_slice() else {
        panic!("{:?}", documents.lost);
    };
    assert_eq!(
        (loss.what, loss.collection.as_deref()),
        (LossKind::Entries, Some("docstore/data"))
    );
    let (all, left) = (
        value(big_documents(300).as_bytes()),
        value(&files[DOCUMENTS]),
    );
    let lost = without(&all["docstore/data"], &left["docstore/data"], &loss.keys);
    assert_eq!(all["docstore/metadata"], left["docstore/metadata"]);
    // A frame holds some 16 KiB of 300 KiB, and the neighbours are not harmed.
    assert!((1..60).contains(&lost.len()), "{}", lost.len());
    let range = loss.first.unwrap()..=loss.last.unwrap();
    assert_eq!(lost, range.map(|n| format!("node-{n}")).collect());
    assert_eq!((loss.count, loss.without_key), (lost.len() as u64, 0));
    assert_eq!(documents.kept, 301 - loss.count);
    assert!(loss.reason.contains("checksum"), "{}", loss.reason);
}

#[test]
fn a_damaged_plane_costs_the_vectors_in_the_block_and_nothing_else() {
    let storage = Storage::with([(VECTORS, &big_vectors(3000))]);
    storage.pack();
    let at = damage(&storage, VECTORS, b"PLAN") as u64;
    let bytes = fs::read(segment(&storage, VECTORS)).unwrap();
    let plane = section(&bytes, b"PLAN").start as u64;
    let block = at / BLOCK * BLOCK..(at / BLOCK + 1) * BLOCK;
    let harmed = |row: &u64| {
        let bytes = plane + row * 64..plane + (row + 1) * 64;
        bytes.start < block.end && block.start < bytes.end
    };
    let expected: BTreeSet<String> = (0..3000)
        .filter(harmed)
        .map(|row| format!("row-{row}"))
        .collect();

    let (report, files) = salvaged(&storage);
    let [loss] = store_of(&report, VECTORS).lost.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(loss.collection.as_deref(), Some("embedding_dict"));
    let (all, left) = (value(big_vectors(3000).as_bytes()), value(&files[VECTORS]));
    let lost = without(&all["embedding_dict"], &left["embedding_dict"], &loss.keys);
    assert_eq!(lost, expected);
    for map in ["metadata_dict", "text_id_to_ref_doc_id"] {
        assert!(all[map] == left[map], "{map}");
    }
}

#[test]
fn damaged_metadata_costs_the_metadata_of_some_rows_and_no_vector() {
    let storage = Storage::with([(VECTORS, &big_vectors(1000))]);
    storage.pack();
    damage(&storage, VECTORS, b"BLKS");
    let (report, files) = salvaged(&storage);
    let [loss] = store_of(&report, VECTORS).lost.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(loss.collection.as_deref(), Some("metadata_dict"));
    let (all, left) = (value(big_vectors(1000).as_bytes()), value(&files[VECTORS]));
    let lost = without(&all["metadata_dict"], &left["metadata_dict"], &loss.keys);
    assert!((1..500).contains(&lost.len()), "{}", lost.len());
    assert_eq!(all["embedding_dict"], left["embedding_dict"]);
}

#[test]
fn an_index_struct_loses_nodes_and_not_itself() {
    let nodes: Map<_, _> = (0..4000)
        .map(|n| (noise(n, 2), json!(noise(n, 2))))
        .collect();
    let data = json!({"index_id": "i", "nodes_dict": nodes, "doc_id_dict": {}}).to_string();
    let text = json!({"index_store/data": {"i": {"__type__": "vector_store", "__data__": data}}});
    let storage = Storage::with([(INDEX, &text.to_string())]);
    storage.pack();
    // The last ids; that of the struct itself is the first.
    let path = segment(&storage, INDEX);
    let mut bytes = fs::read(&path).unwrap();
    let ids = section(&bytes, b"IDS ");
    assert!(ids.len() as u64 > BLOCK);
    bytes[ids.end - 2] ^= 0xFF;
    fs::write(path, bytes).unwrap();
    let (report, files) = salvaged(&storage);
    let lost = &store_of(&report, INDEX).lost;
    assert!(!lost.is_empty());
    let nested = |n: &str| n == "index_store/data > i > nodes_dict";
    assert!(
        lost.iter()
            .all(|loss| nested(loss.collection.as_deref().unwrap())),
        "{lost:?}"
    );
    let left = value(&files[INDEX]);
    let inside = left["index_store/data"]["i"]["__data__"].as_str().unwrap();
    let left = value(inside.as_bytes());
    let left = left["nodes_dict"].as_object().unwrap();
    assert!(
        left.iter()
            .all(|(key, value)| nodes.get(key) == Some(value))
    );
    let count: u64 = lost.iter().map(|loss| loss.count).sum();
    assert_eq!(left.len() as u64 + count, 4000);
    // Most ids stand in other blocks.
    assert!(count < 4000);
}

#[test]
fn a_text_that_is_kept_as_it_is_is_whole_or_in_parts() {
    let text = format!("no JSON {}", noise(1, 300_000));
    let storage = Storage::with([("chat_store.json", &text), ("chat_store.json.part", "mine")]);
    storage.pack_all();
    damage(&storage, "chat_store.json", b"BLKS");
    let (report, files) = salvaged(&storage);
    let store = store_of(&report, "chat_store.json");
    let name = store.written.as_deref().unwrap();
    assert_eq!(name, "chat_store.json.part.2", "the other name was taken");
    assert_eq!(files["chat_store.json.part"], b"mine");
    let [loss] = store.lost.as_slice() else {
        panic!("{store:?}");
    };
    let (first, last) = (loss.first.unwrap() as usize, loss.last.unwrap() as usize);
    assert_eq!((loss.what, loss.count), (LossKind::Bytes, 1 << 20));
    let expected = [&text.as_bytes()[..first], &text.as_bytes()[last + 1..]].concat();
    assert!(files[name] == expected);
}

#[test]
fn where_only_the_spelling_is_lost_the_values_are_written() {
    let text = vector_store("id", 3).replace("[1.5, ", "[1.5 ,  ");
    let storage = Storage::with([(VECTORS, &text)]);
    storage.pack();
    assert!(storage.info().stores[0].file_form);
    damage(&storage, VECTORS, b"BLKS");
    let (report, files) = salvaged(&storage);
    let store = store_of(&report, VECTORS);
    assert_eq!(store.written.as_deref(), Some(VECTORS));
    assert_eq!(store.lost.len(), 1);
    assert_eq!(store.lost[0].what, LossKind::Spelling);
    assert_eq!(value(&files[VECTORS]), value(text.as_bytes()));
}

#[test]
fn a_store_that_cannot_be_opened_is_lost_and_the_others_are_not() {
    for part in ["section table", "META", "gone"] {
        let storage = Storage::with([
            (DOCUMENTS, &document_store("a text")),
            (VECTORS, &vector_store("id", 3)),
        ]);
        storage.pack();
        let path = segment(&storage, DOCUMENTS);
        let mut bytes = fs::read(&path).unwrap();
        let at = match part {
            "META" => section(&bytes, b"META").start + 1,
            _ => bytes.len() - 80,
        };
        bytes[at] ^= 0xFF;
        match part {
            "gone" => fs::remove_file(&path).unwrap(),
            _ => fs::write(&path, bytes).unwrap(),
        }
        let out = storage.beside("out");
        storage
            .run("salvage", &["--out", out.to_str().unwrap()])
            .ends_with(1)
            .prints([DOCUMENTS, "lost", "all of it", "rec-", VECTORS, "whole"]);
        let files = files_of(&out);
        assert_eq!(files[VECTORS], vector_store("id", 3).as_bytes(), "{part}");
        assert!(!files.contains_key(DOCUMENTS), "{part}");
        let report = value(&files[REPORT]);
        let stores = report["stores"].as_array().unwrap();
        let lost = stores.iter().find(|s| s["file"] == DOCUMENTS).unwrap();
        assert_eq!(
            (&lost["written"], &lost["lost"][0]["what"]),
            (&Value::Null, &json!("store"))
        );
    }
}

#[test]
fn without_the_newest_manifest_the_generation_before_is_read() {
    let storage = Storage::with([(DOCUMENTS, &document_store("old"))]);
    storage.pack();
    storage.write(DOCUMENTS, document_store("new"));
    storage.pack();
    let out = |name: &str| storage.beside(name).to_str().unwrap().to_owned();
    storage
        .run("salvage", &["--out", &out("whole")])
        .ends_with(0)
        .prints(["generation 2"]);
    fs::write(storage.twin().join("manifest-0000000002"), "gone").unwrap();
    let before = storage.twin_files();
    let report = storage
        .run("salvage", &["--out", &out("old"), "--json"])
        .ends_with(1)
        .json();
    assert_eq!(
        (&report["generation"], &report["damaged_generations"]),
        (&json!(1), &json!([2]))
    );
    let files = files_of(&storage.beside("old"));
    assert_eq!(files[DOCUMENTS], document_store("old").as_bytes());
    storage
        .run("salvage", &["--out", &out("old")])
        .ends_with(2)
        .says(["exists"]);
    storage
        .run("salvage", &["--out", &out("one"), "--generation", "1"])
        .ends_with(0);
    storage
        .run("salvage", &["--out", &out("two"), "--generation", "2"])
        .ends_with(1);
    assert_eq!(storage.twin_files(), before, "salvage only reads");
    // Something else in its place is no manifest either.
    fs::remove_file(storage.twin().join("manifest-0000000002")).unwrap();
    fs::create_dir(storage.twin().join("manifest-0000000002")).unwrap();
    let report = storage
        .run("salvage", &["--out", &out("beside"), "--json"])
        .ends_with(1)
        .json();
    assert_eq!(report["generation"], json!(1));
    fs::remove_dir(storage.twin().join("manifest-0000000002")).unwrap();
    fs::write(storage.twin().join("manifest-0000000002"), "gone").unwrap();
    fs::write(storage.twin().join("manifest-0000000001"), "gone").unwrap();
    storage
        .run("salvage", &["--out", &out("none")])
        .ends_with(1)
        .says(["generation 2"]);
    assert!(!storage.beside("none").exists() && !storage.beside("two").exists());
}

#[test]
fn what_was_deleted_may_be_back_and_that_is_told() {
    let storage = Storage::with([
        (VECTORS, &*big_vectors(4000)),
        (DOCUMENTS, &*big_documents(300)),
    ]);
    storage.pack();
    let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let store = context.vector_store_mut("default").unwrap();
    store
        .delete_nodes(Some(&[b"row-7".to_vec()]), None)
        .unwrap();
    let docstore = context.docstore_mut().unwrap();
    docstore.delete_document(b"node-7").unwrap();
    let options = PersistOptions {
        json: JsonTwin::Never,
        rewrite_below: 0,
        ..PersistOptions::default()
    };
    context.persist_with(storage.dir(), &options).unwrap();
    drop(context);
    let kept = salvaged(&storage).0;
    assert!(kept.is_whole(), "{kept:?}");
    for (file, map, all) in [
        (VECTORS, "embedding_dict", 4000),
        (DOCUMENTS, "docstore/data", 300),
    ] {
        damage(&storage, file, b"DEAD");
        let (report, files) = salvaged(&storage);
        let store = store_of(&report, file);
        assert_eq!(value(&files[file])[map].as_object().unwrap().len(), all);
        let is_told = |loss: &Loss| loss.what == LossKind::Deletions;
        assert!(
            !store.lost.is_empty() && store.lost.iter().all(is_told),
            "{:?}",
            store.lost
        );
    }
}

/// A store whose documents came in two commits.
#[test]
fn of_several_binary_files_those_that_open_are_left() {
    let nodes = |prefix: &str| {
        let data: Map<_, _> = (0..3)
            .map(|n| {
                (
                    format!("{prefix}-{n}"),
                    json!({"__data__": {"text": prefix}}),
                )
            })
            .collect();
        json!({"docstore/data": data}).to_string()
    };
    let storage = Storage::with([(DOCUMENTS, &nodes("a"))]);
    storage.pack();
    let first = segment(&storage, DOCUMENTS);
    storage.write(DOCUMENTS, nodes("b"));
    storage.pack();
    let mut writer = Writer::open(&storage.dir()).unwrap();
    let old = Snapshot::open(&storage.dir(), Some(1), &OpenOptions::default()).unwrap();
    let generation = writer.next_generation();
    let mut store = writer.base().unwrap().stores[0].clone();
    store
        .segments
        .insert(0, old.manifest().stores[0].segments[0]);
    (store.changed, store.packed) = (generation, None);
    writer.publish(writer.highest(), vec![store]).unwrap();
    drop(writer);

    assert!(storage.verify_deep().problems.is_empty());
    let (report, files) = salvaged(&storage);
    assert!(report.is_whole(), "{report:?}");
    assert!(files == storage.unpacked(OpenOptions::default()).unwrap());
    let both = value(&files[DOCUMENTS]);
    assert_eq!(both["docstore/data"].as_object().unwrap().len(), 6);
    for key in ["a-2", "b-0"] {
        storage.run("get", &["docstore", key]).ends_with(0);
    }
    fs::write(first, "gone").unwrap();
    let (report, files) = salvaged(&storage);
    assert_eq!(store_of(&report, DOCUMENTS).lost[0].what, LossKind::Segment);
    assert_eq!(value(&files[DOCUMENTS]), value(nodes("b").as_bytes()));
}

/// Every entry of a store as it is written, by its path of keys.
fn entries(text: &[u8]) -> BTreeMap<(String, String), Value> {
    let Value::Object(members) = value(text) else {
        panic!("no object");
    };
    let mut entries = BTreeMap::new();
    for (name, member) in members {
        for (key, value) in member.as_object().unwrap() {
            entries.insert((name.clone(), key.clone()), value.clone());
        }
    }
    entries
}

/// Every seventh byte of every file, one at a time: a bit of it, or all.
#[test]
fn whatever_is_damaged_what_is_written_is_json_and_true() {
    let make = || {
        let storage = Storage::with([
            (VECTORS, &vector_store("id", 5)),
            (DOCUMENTS, &document_store("a text")),
            (
                "graph_store.json",
                r#"{"graph_dict": {"a": [["b", "c"]], "d": []}}"#,
            ),
            ("chat_store.json", "no JSON"),
        ]);
        storage.pack();
        storage
    };
    let workers = [make(), make()];
    in_parallel(&[0, 1], |&half| {
        let storage = &workers[half];
        let twin = storage.twin_files();
        let json = storage.files();
        let mut survivors = 0;
        let mut flips = 0;
        for (name, bytes) in &twin {
            for at in (half * 7..bytes.len()).step_by(14) {
                let mut bad = bytes.clone();
                bad[at] ^= if at % 3 == 0 { 0xFF } else { 1 << (at % 8) };
                fs::write(storage.twin().join(name), &bad).unwrap();
                let backend = [Backend::Map, Backend::Read][at / 14 % 2];
                flips += 1;
                match try_salvage(storage, backend) {
                    Err(e) => assert!(e.is_damage(), "{name} byte {at}: {e}"),
                    Ok((report, files)) => {
                        assert!(files.contains_key(REPORT));
                        for store in &report.stores {
                            let Some(written) = &store.written else {
                                continue;
                            };
                            survivors += usize::from(store.lost.is_empty());
                            let whole = files[written] == json[&store.file];
                            assert!(
                                whole || !store.lost.is_empty(),
                                "{name} byte {at}: {store:?}"
                            );
                            if store.file == "chat_store.json" || whole {
                                continue;
                            }
                            let all = entries(&json[&store.file]);
                            for (path, value) in entries(&files[written]) {
                                assert_eq!(all[&path], value, "{name} byte {at}");
                            }
                        }
                    }
                }
            }
            fs::write(storage.twin().join(name), bytes).unwrap();
        }
        // The damage of one file is nothing to the others.
        assert!(survivors > flips * 2, "{survivors} of {flips}");
    });
}

#[test]
fn unpack_and_salvage_agree_on_what_a_new_directory_is() {
    let storage = Storage::with([(DOCUMENTS, &document_store("a text"))]);
    storage.pack();
    let out = storage.beside("out");
    fs::create_dir(&out).unwrap();
    storage
        .run("salvage", &["--out", out.to_str().unwrap()])
        .ends_with(0);
    let options = UnpackOptions {
        out: Some(out),
        ..UnpackOptions::default()
    };
    assert!(storage.try_unpack(options).is_err());
    let empty = Storage::with([("notes.txt", "")]);
    let out = empty.beside("out");
    empty
        .run("salvage", &["--out", out.to_str().unwrap()])
        .ends_with(2)
        .says(["no binary twin"]);
    assert!(!out.exists());
}
