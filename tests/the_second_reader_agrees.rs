//! FORMAT.md promises to be enough to write a reader from, and a colleague
//! wrote one in Python from it alone: `scripts/read_twin.py`. If that reader
//! and this library ever read another value from the same bytes, one of them,
//! or FORMAT.md, is wrong, and somebody's old twins are lost with it.
//!
//! Both read every value of every persist dir here, and must say the same.
//! Needs a Python 3.10 with the modules in `scripts/read_twin.requirements.txt`:
//! that in `TWINSTORE_PYTHON`, which then must have them, or `python3`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use common::{Storage, data_dir, in_parallel, persist_dirs, shared};
use serde_json::{Value, json};
use twinstore::{
    persist_dir::SegmentKind,
    segment::{Metadata, VectorSegment},
    store::{CollectionPath, RecordStore},
};

/// The Python to use, or why there is none.
fn python() -> Option<PathBuf> {
    let given = env::var_os("TWINSTORE_PYTHON");
    let python = PathBuf::from(given.clone().unwrap_or_else(|| "python3".into()));
    let modules = Command::new(&python)
        .args([
            "-c",
            "import sys, xxhash, zstandard; sys.exit(sys.version_info < (3, 10))",
        ])
        .output();
    match modules {
        Ok(output) if output.status.success() => Some(python),
        found => {
            assert!(
                given.is_none(),
                "TWINSTORE_PYTHON is not 3.10 with xxhash and zstandard: {found:?}"
            );
            println!("skipped: no python3 of 3.10 or later with xxhash and zstandard");
            None
        }
    }
}

/// What the second reader prints for `storage`, a copy of `of`.
fn second_reader(python: &Path, storage: &Storage, mode: &str, of: &Path) -> Vec<u8> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/read_twin.py");
    let mut command = Command::new(python);
    let output = command.arg(script).arg(storage.dir()).arg(mode).output();
    let output = output.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", of.display());
    output.stdout
}

/// A JSON string; lone surrogates stay as they are in WTF-8.
fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x08 => out.extend(b"\\b"),
            0x0c => out.extend(b"\\f"),
            0..0x20 => out.extend(format!("\\u{byte:04x}").into_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

fn list(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.into_iter().collect();
    [b"[".as_slice(), &items.join(b", ".as_slice()), b"]"].concat()
}

fn or_null(value: Option<Vec<u8>>) -> Vec<u8> {
    value.unwrap_or_else(|| b"null".to_vec())
}

/// The members of an object without its last bracket: more may follow.
fn line(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let members = members.iter().map(|(key, value)| {
        let key = quoted(key.as_bytes());
        [key.as_slice(), b": ", value].concat()
    });
    let members: Vec<Vec<u8>> = members.collect();
    [b"{".as_slice(), &members.join(b", ".as_slice())].concat()
}

fn bits(value: f64) -> Vec<u8> {
    quoted(format!("{:016x}", value.to_bits()).as_bytes())
}

/// What `--values` says of a vector store.
fn vector_lines(store: &str, segment: &VectorSegment) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for row in 0..segment.rows() {
        let id = segment.id(row).unwrap();
        assert_eq!(segment.row_of(&id).unwrap(), Some(row));
        let has_vector = row < segment.vectors();
        let vector = has_vector.then(|| segment.vector(row).unwrap());
        assert_eq!(
            vector
                .as_ref()
                .map(|vector| list(vector.iter().copied().map(bits))),
            segment
                .get(&id)
                .unwrap()
                .map(|vector| list(vector.into_iter().map(bits)))
        );
        let nearest = has_vector.then(|| segment.nearest(row).unwrap());
        let nearest = nearest.map(|row| {
            let hex = |x: f32| quoted(format!("{:08x}", x.to_bits()).as_bytes());
            list(row.into_iter().map(hex))
        });
        let norm = has_vector.then(|| segment.norm(row).unwrap());
        let norm = norm.map(|norm| match norm.is_nan() {
            true => quoted(b"NaN"),
            false => bits(norm),
        });
        let ref_doc = segment.ref_doc(row).unwrap();
        let metadata = segment
            .metadata(row)
            .unwrap()
            .map(|metadata| match metadata {
                Metadata::Text(text) => quoted(&text),
                Metadata::Object(members) => list(
                    members
                        .iter()
                        .map(|(key, value)| list([quoted(key), quoted(value)])),
                ),
            });
        lines.push(line(&[
            ("store", quoted(store.as_bytes())),
            ("id", quoted(&id)),
            (
                "vector",
                or_null(vector.map(|row| list(row.into_iter().map(bits)))),
            ),
            ("nearest", or_null(nearest)),
            ("norm", or_null(norm)),
            ("ref_doc", or_null(ref_doc.map(|text| quoted(&text)))),
            ("metadata", or_null(metadata)),
        ]));
    }
    lines
}

/// What `--values` says of a store of records, as far as it can be asked for
/// here: not what a record without a key is.
fn record_lines(store: &str, records: &RecordStore) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for path in records.all_collections() {
        let of = |key: Vec<u8>| {
            let steps = list(path.steps().iter().map(|step| quoted(step)));
            let store = quoted(store.as_bytes());
            vec![("store", store), ("collection", steps), ("key", key)]
        };
        let before = lines.len();
        let mut keys = Vec::new();
        let mut each = |key: &[u8]| {
            keys.push(key.to_vec());
            Ok(())
        };
        records.each_key(&path, &mut each).unwrap();
        for key in keys {
            let text = records.get(&path, &key).unwrap().unwrap();
            let mut members = of(quoted(&key));
            members.push(("get", quoted(&text)));
            lines.push(line(&members));
        }
        let len = usize::try_from(records.len(&path).unwrap()).unwrap();
        assert!(lines.len() == before || lines.len() - before == len);
        lines.resize_with(before + len, || line(&of(b"null".to_vec())));
    }
    let nowhere = CollectionPath::top(b"no such collection");
    assert!(records.get(&nowhere, b"").unwrap().is_none());
    lines
}

fn same_values(python: &Path, dir: &Path) {
    let of = dir.display();
    let storage = Storage::copy_of(dir);
    storage.pack_all();
    second_reader(python, &storage, "--compare", dir);
    let theirs = second_reader(python, &storage, "--values", dir);
    let mut theirs = theirs.split(|&byte| byte == b'\n');

    for store in storage.snapshot().stores() {
        let record = store.record();
        let segments = store.segments().unwrap();
        let Some(first) = record.segments.first() else {
            continue;
        };
        let ours = if first.name.kind() == SegmentKind::Vectors {
            assert_eq!(segments.len(), 1, "{of}/{}", record.file);
            vector_lines(
                &record.file,
                &VectorSegment::open(segments[0].clone()).unwrap(),
            )
        } else {
            record_lines(&record.file, &RecordStore::open(segments).unwrap())
        };
        for (number, ours) in ours.iter().enumerate() {
            let theirs = theirs.next().unwrap_or_default();
            let rest = theirs.strip_prefix(ours.as_slice());
            assert!(
                rest.is_some_and(|rest| rest == b"}" || rest.starts_with(b", \"text\": ")),
                "{of}/{}, value {number}:\n{}\nand here\n{}",
                record.file,
                String::from_utf8_lossy(theirs),
                String::from_utf8_lossy(ours),
            );
        }
    }
    assert_eq!(theirs.next(), Some(b"".as_slice()), "{of}: there is more");
    assert_eq!(theirs.next(), None, "{of}: there is more");
}

/// A number for `n` and `i` whose row is of each class in turn, with exceptions
/// in some.
fn number(n: u64, i: u64) -> f64 {
    let x = ((n * 31 + i * 17) % 1000) as f32 / 997.0;
    match (n % 3, i) {
        (_, 3) if n.is_multiple_of(50) => 1e300,
        (0, _) => f64::from(x),
        (1, _) => x.to_string().parse().unwrap(),
        _ => f64::from(x) + 1e-12,
    }
}

fn uuid(n: u64) -> String {
    let first = n.wrapping_mul(2_654_435_761) & 0xffff_ffff;
    format!("{first:08x}-0000-4000-8000-{n:012x}")
}

fn hash(n: u64) -> String {
    format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).repeat(4)
}

fn object(members: impl Iterator<Item = (String, Value)>) -> Value {
    Value::Object(members.collect())
}

/// Documents with vectors of two lengths, relations, hashes, metadata that
/// repeat, an item in a chain of blocks, and odd spellings of a key and a text.
fn documents() -> String {
    let metadata = json!({"file_path": "/a/b/c.pdf", "creation_date": "2024-02-29"});
    let pages = json!(["first page", "second page", "third page"]);
    let longest = json!(["x".repeat(4092)]);
    assert_eq!(longest.to_string().len(), 4096);
    let node = |n: u64| {
        let dim = if n.is_multiple_of(2) { 16 } else { 24 };
        let embedding: Vec<f64> = (0..dim).map(|i| number(n, i)).collect();
        let source = json!({"node_id": uuid(n / 10), "metadata": metadata, "hash": hash(n / 10)});
        let data = json!({
            "id_": uuid(n),
            "embedding": embedding,
            "metadata": metadata,
            "pages": [pages, pages],
            "shortest plain": [["twelve bytes"], ["twelve bytes"]],
            "longest plain": if n.is_multiple_of(100) { json!([longest, longest]) } else { json!(null) },
            "relationships": {
                "1": source,
                "2": {"node_id": uuid(n.max(1) - 1), "metadata": metadata, "hash": hash(n + 1000)},
                "3": {"node_id": uuid(n + 1), "metadata": metadata},
            },
            "hash": hash(n),
            "inner": json!({"é": uuid(n), "list": [uuid(7), uuid(8), uuid(9)]}).to_string(),
            "text": if n == 5 { "a long text ".repeat(120_000) } else { format!("the text {n}") },
        });
        (uuid(n), json!({"__data__": data, "__type__": "1"}))
    };
    let hashes = |n: u64| {
        (
            uuid(n),
            json!({"doc_hash": hash(n), "ref_doc_id": uuid(n / 10)}),
        )
    };
    let text = json!({
        "docstore/data": object((0..700).map(node)),
        "docstore/metadata": object((0..700).step_by(2).map(hashes)),
    });
    let key = format!("\"{}\":{{\"__data__\"", uuid(6));
    text.to_string()
        .replace(&key, &key.replace("-4000-", "-\\u0034000-"))
        .replace("the text 77\"", "the text \\u0037\\u0037\"")
}

/// Index structs, one of them in a string, the file in another style than it.
fn indices() -> String {
    let nodes = object((0..20).map(|n| {
        (
            n.to_string(),
            json!({"text": "é", "children": [n, uuid(n)]}),
        )
    }));
    let ids = object((0..20).map(|n| (uuid(n), json!(uuid(n)))));
    let inner = json!({"index_id": "a", "all_nodes": nodes, "nodes_dict": ids, "table": {}});
    let stores = json!({"index_store/data": {
        "a": {"__type__": "tree", "__data__": inner.to_string()},
        "b": {"__type__": "tree", "__data__": inner},
        "triplets": [["a", "r", "b"], []],
    }, "triplets": [[uuid(1), "r", uuid(2)], uuid(3), 1.0]});
    serde_json::to_string_pretty(&stores).unwrap()
}

/// More rows than a group has, in other orders, with rare and long metadata.
fn vectors() -> String {
    let vector = |n| (0..12).map(|i| number(n, i)).collect::<Vec<f64>>();
    let metadata = |n: u64| match n {
        n if n % 97 == 0 => json!({"page": n % 4, "rare": n, "empty": {}}),
        13 => json!("no object"),
        n => json!({"page": n % 4, "text": format!("{n} {}", "x".repeat(n as usize % 40))}),
    };
    let ref_docs = (0..900).filter(|n| n % 3 != 0);
    let ref_docs = ref_docs.map(|n| (uuid(n), json!(uuid(n / 50))));
    let text = json!({
        "embedding_dict": object((0..900).map(|n| (uuid(n), json!(vector(n))))),
        "text_id_to_ref_doc_id": object(ref_docs),
        "metadata_dict": object((0..1000).rev().map(|n| (uuid(n), metadata(n)))),
    });
    text.to_string()
}

fn all_below(folder: &Path, least: usize) {
    let Some(python) = python() else { return };
    let dirs = persist_dirs(folder);
    assert!(dirs.len() >= least, "only {} dirs", dirs.len());
    in_parallel(&dirs, |dir| same_values(&python, dir));
}

#[test]
fn on_every_kind_dialect_and_class() {
    all_below(&data_dir(), 50);
}

#[test]
fn on_all_that_the_format_can_do() {
    let Some(python) = python() else { return };
    let storage = Storage::with([
        ("docstore.json", &documents()),
        ("index_store.json", &indices()),
        ("default__vector_store.json", &vectors()),
    ]);
    same_values(&python, &storage.dir());
}

#[test]
fn on_an_example_of_llamaindex() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    all_below(&examples, 1);
}

#[test]
fn on_what_llamaindex_itself_writes() {
    if let Some(folder) = shared("examples") {
        all_below(&folder, 60);
    }
}

#[test]
fn on_every_oddity_that_was_thought_of() {
    if let Some(folder) = shared("edge") {
        all_below(&folder, 30);
    }
}
