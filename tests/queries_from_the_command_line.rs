//! Before anybody changes a line of their program they try the command on their
//! own index: does it find what LlamaIndex finds, and what does it say when the
//! question makes no sense?

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{DOCUMENTS, Run, Storage, VECTORS, twinstore};
use serde_json::Value;

const IMAGES: &str = "image__vector_store.json";

/// Vectors at 0, 30, 60 and 90 degrees.
fn storage() -> Storage {
    let vectors = r#"{"embedding_dict": {"a": [1.0, 0.0], "b": [0.87, 0.5], "c": [0.5, 0.87], "d": [0.0, 1.0]},
        "text_id_to_ref_doc_id": {"a": "x", "b": "x", "c": "y", "d": "y"},
        "metadata_dict": {"a": {"page": 1, "lang": "en"}, "b": {"page": 2, "lang": "de"}, "c": {"page": 3, "lang": "en"}, "d": {"page": 4}}}"#;
    let images = r#"{"embedding_dict": {"i": [1.0, 2.0, 3.0]}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}"#;
    let node = |id: &str, text: &str| {
        format!(
            r#""{id}": {{"__data__": {{"id_": "{id}", "text": "{text}", "class_name": "TextNode"}}, "__type__": "1"}}"#
        )
    };
    let nodes = format!(
        "{}, {}",
        node("a", "east"),
        node("b", "north-east\\n  by east")
    );
    let documents = format!(r#"{{"docstore/data": {{{nodes}}}}}"#);
    let storage = Storage::with([
        (VECTORS, vectors),
        (IMAGES, images),
        (DOCUMENTS, &documents),
    ]);
    storage.pack();
    storage
}

/// The ids in the first lines of a table.
fn ids(run: &Run) -> Vec<&str> {
    let lines = run.stdout.lines();
    lines
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect()
}

#[test]
fn what_is_near_to_a_vector_of_the_store_is_found() {
    let storage = storage();
    let run = storage.run("query", &["--like", "a"]).ends_with(0);
    assert_eq!(ids(&run), ["a", "b", "c", "d"]);
    assert!(run.stdout.starts_with("1.000000  a\n"), "{}", run.stdout);
    let run = storage.run("query", &["--like", "a", "--top-k", "2", "--io", "read"]);
    assert_eq!(ids(&run.ends_with(0)), ["a", "b"]);
    let run = storage
        .run("query", &["--like", "i", "--store", "image"])
        .ends_with(0);
    assert_eq!(ids(&run), ["i"]);
    // The pick before counts against its neighbours.
    let args = [
        "--like",
        "b",
        "--mode",
        "mmr",
        "--mmr-threshold",
        "0.3",
        "-k",
        "2",
    ];
    assert_eq!(ids(&storage.run("query", &args).ends_with(0)), ["b", "d"]);
}

#[test]
fn filters_must_all_pass() {
    let storage = storage();
    for (filters, found) in [
        (&["page >= 2"][..], &["b", "c", "d"][..]),
        (&["page >= 2", "lang == en"], &["c"]),
        (&["lang in [\"de\", \"fr\"]"], &["b"]),
        (&["lang is_empty"], &["d"]),
        (&["page == 7"], &[]),
    ] {
        let mut args = vec!["--like", "a"];
        for filter in filters {
            args.extend(["--filter", filter]);
        }
        let run = storage.run("query", &args).ends_with(0);
        assert_eq!(ids(&run), found, "{filters:?}");
    }
    let wrong = |filter| {
        storage
            .run("query", &["--like", "a", "--filter", filter])
            .ends_with(2)
    };
    // In Python's words, as LlamaIndex raises it.
    wrong("lang > 3").says(["'>' not supported between instances of 'str' and 'int'"]);
    wrong("page is 3").says(["\"is\" is no operator", "text_match"]);
}

#[test]
fn vectors_come_from_files_and_from_standard_input() {
    let storage = storage();
    let file = storage.beside("vectors.json");
    fs::write(&file, "[[1, 0], [0, 1]]").unwrap();
    let run = storage
        .run("query", &["--vector", file.to_str().unwrap(), "-k", "1"])
        .ends_with(0);
    assert_eq!(
        run.stdout,
        "query 0:\n1.000000  a\n\nquery 1:\n1.000000  d\n"
    );

    let mut array = b"\x93NUMPY\x01\x00\x46\x00".to_vec();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    array.extend(format!("{header:<69}\n").bytes());
    array.extend([0_f32, 2.0].iter().flat_map(|x| x.to_le_bytes()));
    let mut command = twinstore();
    command
        .arg("query")
        .arg(storage.dir())
        .args(["--vector", "-", "-k", "1"]);
    command.write_stdin(array);
    assert_eq!(ids(&Run::of(command).ends_with(0)), ["d"]);

    for (text, says) in [
        ("[1, \"a\"]", "byte 4"),
        ("[]", "no vector"),
        ("", "byte 0"),
    ] {
        fs::write(&file, text).unwrap();
        let run = storage.run("query", &["--vector", file.to_str().unwrap()]);
        run.ends_with(2).says([says, "vectors.json"]);
    }
}

#[test]
fn json_has_what_a_program_needs() {
    let storage = storage();
    let args = [
        "--like", "b", "-k", "3", "--show", "text", "--show", "metadata", "--json",
    ];
    let run = storage.run("query", &args).ends_with(0);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["generation"], 1);
    assert_eq!(answer["store"], "default");
    let hits = &answer["results"][0];
    assert_eq!(hits.as_array().unwrap().len(), 3);
    assert_eq!(hits[0]["id"], "b");
    assert!((hits[0]["score"].as_f64().unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(hits[0]["text"], "north-east\n  by east");
    assert_eq!(hits[0]["metadata"]["page"], 2);
    // Not every vector has a node.
    assert!(hits[2].get("text").is_none(), "{hits}");
    let run = storage.run("query", &["--like", "a", "-k", "1", "--show", "text"]);
    assert_eq!(run.ends_with(0).stdout, "1.000000  a  east\n");
}

#[test]
fn a_question_that_makes_no_sense_is_told_so() {
    let storage = storage();
    let file = storage.beside("v.json");
    fs::write(&file, "[1, 2, 3]").unwrap();
    storage
        .run("query", &["--vector", file.to_str().unwrap()])
        .ends_with(2)
        .says(["3 components", "have 2", "shapes (3,) and (2,) not aligned"]);
    storage
        .run("query", &["--like", "nobody"])
        .ends_with(1)
        .says(["nobody", "twinstore ls"]);
    storage
        .run("query", &["--like", "i", "--store", IMAGES])
        .ends_with(0);
    storage
        .run("query", &["--like", "a", "--store", "audio"])
        .ends_with(2)
        .says(["audio", "default", "image"]);
    storage
        .run("query", &[])
        .ends_with(2)
        .says(["--like", "--vector"]);
    // What LlamaIndex would answer from is newer.
    storage.write(VECTORS, "{\"embedding_dict\": {}}");
    storage
        .run("query", &["--like", "a"])
        .ends_with(1)
        .says([VECTORS, "newer", "twinstore pack"]);
    let run = storage.run("query", &["--like", "a", "-k", "1", "--generation", "1"]);
    assert_eq!(ids(&run.ends_with(0)), ["a"]);
}

/// In Python the type of an exception tells more than its text.
#[test]
fn an_exception_of_few_words_is_explained() {
    let zeros = r#"{"embedding_dict": {"z": [0.0, 0.0], "q": [1.0, 0.0]}, "text_id_to_ref_doc_id": {}, "metadata_dict": {"q": {}}}"#;
    let storage = Storage::with([(VECTORS, zeros)]);
    storage.pack();
    for (args, says) in [
        (
            &["--mode", "mmr"][..],
            &["after q no vector", "error: 'q'"][..],
        ),
        (
            &["--filter", "page == 1"],
            &["z has no metadata", "error: 'z'"],
        ),
    ] {
        let args = [&["--like", "q"], args].concat();
        let run = storage.run("query", &args).ends_with(2);
        run.says(says.iter().copied());
    }
    let json = storage
        .run("query", &["--like", "z", "--json"])
        .ends_with(0)
        .json();
    assert_eq!(json["results"][0][0]["score"], "NaN");
}
