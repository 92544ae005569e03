//! A pack that keeps every file as a compressed blob passes any test of
//! bytes, and is of no use: nothing could be searched, opened in constant
//! time or mapped. So this states for each vector store in what form its
//! numbers are held, and names every store that is in another form than rows,
//! with the reason. A change that sends one more store there shows here.
//!
//! The expectations for real stores are those of a survey made with other
//! code (Python's `json` and `struct`): class, rows and dimensions.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Storage, data_dir, in_parallel, persist_dirs, shared};
use twinstore::{
    container::OpenOptions,
    convert::{Info, NumberClass, info},
};

/// Every vector store with rows among the real ones at hand.
const REAL: [(&str, NumberClass, u32, u32); 7] = [
    (
        "Hsuanyu-wang__End_to_End__1/default__vector_store.json",
        NumberClass::Decimal,
        383,
        768,
    ),
    (
        "akudo7__llamaindexts-storage-test__1/vector_store.json",
        NumberClass::Decimal,
        16,
        1536,
    ),
    (
        "alliwene__advanced-rag-llama-index__1/default__vector_store.json",
        NumberClass::Exact,
        147,
        384,
    ),
    (
        "ktny__study-llamaindex__1/vector_store.json",
        NumberClass::Exact,
        7,
        1536,
    ),
    (
        "malo21st__nenkin_san__1/vector_store.json",
        NumberClass::Delta,
        36,
        1536,
    ),
    (
        "tituslhy__shiny-engine__2/default__vector_store.json",
        NumberClass::Exact,
        176,
        768,
    ),
    // the only one in file form: a FAISS index under this name
    (
        "abelyaev-ai__Dobs__1/default__vector_store.json",
        NumberClass::Empty,
        0,
        0,
    ),
];

#[test]
fn real_stores_are_of_the_classes_that_the_survey_found() {
    let Some(folder) = shared("corpus") else {
        return;
    };
    let dirs = persist_dirs(&folder);
    let seen = std::sync::Mutex::new(Vec::new());
    in_parallel(&dirs, |dir| {
        let storage = Storage::copy_of(dir);
        storage.pack_all();
        for store in storage.info().stores {
            if store.kind != "vector store" {
                continue;
            }
            let name = dir.file_name().unwrap().to_str().unwrap();
            let name = format!("{name}/{}", store.file);
            if name.starts_with("abelyaev") && store.file == common::VECTORS {
                assert!(store.file_form, "{name}");
                assert_eq!((store.rows, store.number_class), (None, None), "{name}");
                seen.lock().unwrap().push(name);
                continue;
            }
            assert!(!store.file_form, "{name} is in file form");
            let expected = REAL.iter().find(|(file, ..)| *file == name);
            let empty = (NumberClass::Empty, 0, 0);
            let (class, rows, dim) =
                expected.map_or(empty, |&(_, class, rows, dim)| (class, rows, dim));
            assert_eq!(store.number_class, Some(class), "{name}");
            assert_eq!(store.rows, Some(u64::from(rows)), "{name}");
            assert_eq!(store.vectors, Some(u64::from(rows)), "{name}");
            assert_eq!(store.dim, Some(dim), "{name}");
            assert_eq!(store.classes.unwrap().exceptions, 0, "{name}");
            if expected.is_some() {
                seen.lock().unwrap().push(name);
            }
        }
    });
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    let mut all = REAL.map(|(name, ..)| name.to_owned());
    all.sort();
    assert_eq!(seen, all, "stores that the survey names are missing");
}

/// Where a vector store is when it is not in rows and columns alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In records: it can be read by id, not searched.
    Records,
    /// As the file is.
    File,
    /// As the file is, and in rows.
    FileAndRows,
}
use Form::{File, FileAndRows, Records};

/// The stores of ours that are not in rows alone, and what `pack` says of each.
const NOT_IN_ROWS: [(&str, Form, &str); 13] = [
    (
        "cut/default__vector_store.json",
        File,
        "the text ends inside a value",
    ),
    ("empty_file/default__vector_store.json", File, "it is empty"),
    (
        "empty_vector/default__vector_store.json",
        Records,
        "a vector is empty",
    ),
    (
        "lfs_pointer/default__vector_store.json",
        File,
        "byte 0: unexpected byte",
    ),
    (
        "not_json/default__vector_store.json",
        File,
        "unexpected byte",
    ),
    (
        "null_vector/default__vector_store.json",
        Records,
        "not an array of numbers",
    ),
    (
        "numbers_all_integers/default__vector_store.json",
        Records,
        "over 1 % of the numbers",
    ),
    (
        "ragged/default__vector_store.json",
        Records,
        "several lengths",
    ),
    (
        "repeated_id/default__vector_store.json",
        Records,
        "an id occurs twice",
    ),
    (
        "repeated_map/default__vector_store.json",
        File,
        "a map occurs twice",
    ),
    (
        "top_level_array/default__vector_store.json",
        File,
        "the top level is not an object",
    ),
    (
        "utf_16/default__vector_store.json",
        File,
        "byte 0: unexpected byte",
    ),
    (
        "white_space_varies/default__vector_store.json",
        FileAndRows,
        "white space or spelling at byte",
    ),
];

#[test]
fn only_what_rows_cannot_hold_is_in_another_form() {
    let mut found = Vec::new();
    for dir in persist_dirs(&data_dir()) {
        let storage = Storage::copy_of(&dir);
        let whys: Vec<_> = storage
            .pack_all()
            .stores
            .into_iter()
            .map(|s| s.why)
            .collect();
        for (store, why) in storage.info().stores.into_iter().zip(whys) {
            if store.kind != "vector store" {
                continue;
            }
            let name = dir.file_name().unwrap().to_str().unwrap();
            let name = format!("{name}/{}", store.file);
            let form = match (store.file_form, store.rows, store.records) {
                (false, Some(_), None) => {
                    assert_eq!(why, None, "{name}");
                    continue;
                }
                (false, None, Some(_)) => Records,
                (true, None, None) => File,
                (true, Some(_), None) => FileAndRows,
                other => panic!("{name}: {other:?}"),
            };
            found.push((name, form, why.unwrap_or_default()));
        }
    }
    let forms: Vec<_> = found
        .iter()
        .map(|(name, form, _)| (name.as_str(), *form))
        .collect();
    assert_eq!(forms, NOT_IN_ROWS.map(|(name, form, _)| (name, form)));
    for ((name, _, why), (.., expected)) in found.iter().zip(NOT_IN_ROWS) {
        assert!(why.contains(expected), "{name}: {why:?}");
    }
}

/// LlamaIndex loads such a store, so queries must have its rows, although
/// its text is kept beside them.
#[test]
fn a_store_with_odd_white_space_has_rows_all_the_same() {
    let storage = Storage::data("white_space_varies");
    storage.pack();
    let info = storage.info();
    let store = &info.stores[0];
    assert!(store.file_form);
    assert_eq!(store.number_class, Some(NumberClass::Exact));
    assert_eq!((store.rows, store.dim), (Some(3), Some(4)));
    assert_eq!(store.segments.len(), 2);
}

/// Class of the store, rows of each class, exceptions.
type Numbers = (NumberClass, [u32; 3], u64);

/// What there is in `tests/data` that is not simply exact.
const NUMBERS: [(&str, Numbers); 10] = [
    ("numbers_exact", (NumberClass::Exact, [5, 0, 0], 0)),
    ("numbers_decimal", (NumberClass::Decimal, [0, 5, 0], 0)),
    ("numbers_delta", (NumberClass::Delta, [0, 0, 5], 0)),
    (
        "numbers_decimal_with_exceptions",
        (NumberClass::Decimal, [0, 4, 0], 3),
    ),
    ("numbers_mixed_rows", (NumberClass::Mixed, [2, 2, 2], 0)),
    (
        "numbers_integers_among_floats",
        (NumberClass::Exact, [5, 0, 0], 3),
    ),
    ("numbers_nan_infinity", (NumberClass::Exact, [5, 0, 0], 3)),
    ("numbers_extreme", (NumberClass::Mixed, [2, 0, 1], 5)),
    (
        "numbers_spelled_otherwise",
        (NumberClass::Delta, [0, 0, 2], 10),
    ),
    ("typescript", (NumberClass::Decimal, [0, 4, 0], 0)),
];

fn numbers(info: &Info) -> Numbers {
    let store = info
        .stores
        .iter()
        .find(|s| s.file.ends_with("vector_store.json"));
    let store = store.unwrap();
    let classes = store.classes.unwrap();
    (
        store.number_class.unwrap(),
        [classes.exact, classes.decimal, classes.delta],
        classes.exceptions,
    )
}

#[test]
fn numbers_of_each_kind_are_in_their_class() {
    for (name, expected) in NUMBERS {
        let storage = Storage::data(name);
        storage.pack();
        assert_eq!(numbers(&storage.info()), expected, "{name}");
    }
    for dir in persist_dirs(&data_dir()) {
        let name = dir.file_name().unwrap().to_str().unwrap();
        if NUMBERS.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let storage = Storage::copy_of(&dir);
        storage.pack_all();
        for store in info(&storage.dir(), None, &OpenOptions::default())
            .unwrap()
            .stores
        {
            let Some(class) = store.number_class else {
                continue;
            };
            let plain = [NumberClass::Exact, NumberClass::Empty].contains(&class);
            assert!(plain, "{name}/{}: {class:?}", store.file);
            assert_eq!(
                store.classes.unwrap().exceptions,
                0,
                "{name}/{}",
                store.file
            );
        }
    }
}
