//! A user updates twinstore; the twin was packed by the release before. If
//! the new one read it otherwise, or refused it, the promise of the format
//! would be void, and no test that packs and unpacks with one build can tell.
//!
//! `tests/golden/v1/` holds one segment for each kind of store and class of
//! numbers, as an earlier build wrote them. They must print the JSON they
//! were packed from, always; and packing that JSON again must give the same
//! bytes, where libzstd is the one that wrote them. A missing file is written,
//! which is how a new one is made. One that is there is never written again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::{Files, Storage, VECTORS, data_dir, files_of, forge, options};
use twinstore::{
    bytes::Backend,
    container::{Container, Expected, FileKind, record},
    convert::{PackOptions, Silent, UnpackOptions, VerifyOptions, unpack, verify},
    persist_dir::{
        Fingerprint, Manifest, Packed, SegmentKind, SegmentName, SegmentRef, Stat, Store,
        StoreKind, SyncFile,
    },
    segment::SketchPolicy,
};

/// A store of which there is a golden file.
struct Golden {
    name: &'static str,
    /// Under which the store is packed.
    file: &'static str,
    text: Text,
    /// The segments it becomes, by the first letters of their names.
    segments: &'static [SegmentKind],
    sketch: SketchPolicy,
}

enum Text {
    /// A file of a persist dir in `tests/data`.
    Data(&'static str),
    Made(fn() -> String),
}

const VEC: &[SegmentKind] = &[SegmentKind::Vectors];
const REC: &[SegmentKind] = &[SegmentKind::Records];
const RAW: &[SegmentKind] = &[SegmentKind::Verbatim];
const VEC_RAW: &[SegmentKind] = &[SegmentKind::Vectors, SegmentKind::Verbatim];

const DOCSTORE: &str = "docstore.json";
const INDEXES: &str = "index_store.json";

#[rustfmt::skip]
const GOLDEN: &[Golden] = &[
    // classes of numbers
    data("vectors_exact", VECTORS, "numbers_exact", VEC),
    data("vectors_decimal", VECTORS, "numbers_decimal", VEC),
    data("vectors_delta", VECTORS, "numbers_delta", VEC),
    data("vectors_exceptions", VECTORS, "numbers_decimal_with_exceptions", VEC),
    data("vectors_mixed_classes", VECTORS, "numbers_mixed_rows", VEC),
    data("vectors_extreme", VECTORS, "numbers_extreme", VEC),
    data("vectors_nan", VECTORS, "numbers_nan_infinity", VEC),
    // forms of ids; orders; columns
    data("ids_text", VECTORS, "strange_ids", VEC),
    data("ids_surrogates", VECTORS, "lone_surrogates", VEC),
    made("ids_mixed", VECTORS, ids_mixed, VEC),
    data("orders", VECTORS, "maps_partial_and_reordered", VEC),
    data("rows_without_vector", VECTORS, "maps_rows_without_vector", VEC),
    made("many_rows", VECTORS, many_rows, VEC),
    Golden {
        sketch: SketchPolicy::Always,
        ..data("vectors_sketch", VECTORS, "numbers_decimal_with_exceptions", VEC)
    },
    // spellings
    data("oddments", VECTORS, "odd_escapes", VEC),
    data("indented", VECTORS, "indent_4_crlf", VEC),
    data("byte_order_mark", VECTORS, "byte_order_mark", VEC),
    data("typescript_vectors", "vector_store.json", "typescript", VEC),
    data("empty", VECTORS, "maps_empty", VEC),
    // records
    data("documents", DOCSTORE, "python_default", REC),
    data("documents_typescript", "doc_store.json", "typescript", REC),
    made("documents_old", DOCSTORE, documents_old, REC),
    made("documents_dictionary", DOCSTORE, documents_many, REC),
    made("documents_chain", DOCSTORE, documents_chain, REC),
    data("indexes", INDEXES, "python_default", REC),
    data("indexes_typescript", INDEXES, "typescript", REC),
    made("indexes_nested", INDEXES, indexes_nested, REC),
    data("graph", "graph_store.json", "knowledge_graph", REC),
    data("property_graph", "property_graph_store.json", "property_graph", REC),
    data("chat", "chat_store.json", "chat_store_python", REC),
    data("cache", "llama_cache", "ingestion_cache", REC),
    data("vectors_as_records", VECTORS, "repeated_id", REC),
    // as they are
    data("verbatim", VECTORS, "not_json", RAW),
    data("verbatim_string", "chat_store.json", "chat_store_in_a_string", RAW),
    data("file_form", VECTORS, "white_space_varies", VEC_RAW),
];

const fn data(
    name: &'static str,
    file: &'static str,
    dir: &'static str,
    segments: &'static [SegmentKind],
) -> Golden {
    let text = Text::Data(dir);
    Golden {
        name,
        file,
        text,
        segments,
        sketch: SketchPolicy::Auto,
    }
}

const fn made(
    name: &'static str,
    file: &'static str,
    text: fn() -> String,
    segments: &'static [SegmentKind],
) -> Golden {
    let text = Text::Made(text);
    Golden {
        name,
        file,
        text,
        segments,
        sketch: SketchPolicy::Auto,
    }
}

impl Golden {
    fn text(&self) -> Vec<u8> {
        match self.text {
            Text::Data(dir) => fs::read(data_dir().join(dir).join(self.file)).unwrap(),
            Text::Made(make) => make().into_bytes(),
        }
    }

    /// Its files in the folder.
    fn files(&self) -> impl Iterator<Item = (String, SegmentKind)> {
        let kinds = self.segments.iter();
        kinds.map(|kind| (format!("{}.{}.seg", self.name, kind.prefix()), *kind))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

// ---------------------------------------------------------------------------
// What no dir in `tests/data` has.

/// An id that only its number decides.
fn uuid(n: usize) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", n * 0x9e37, n)
}

/// Hashes are told apart by how they begin.
fn hash(n: usize) -> String {
    let start = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{start:016x}{n:048x}")
}

fn ids_mixed() -> String {
    let ids: Vec<String> = (0..24)
        .map(|n| match n % 12 {
            5 => format!("node/{n}"),
            _ => uuid(n),
        })
        .collect();
    let map = |entry: &dyn Fn(usize) -> String| {
        let entries = ids.iter().enumerate();
        let entries: Vec<String> = entries
            .map(|(n, id)| format!("\"{id}\": {}", entry(n)))
            .collect();
        entries.join(", ")
    };
    format!(
        "{{\"embedding_dict\": {{{}}}, \"text_id_to_ref_doc_id\": {{{}}}, \"metadata_dict\": {{}}}}",
        map(&|n| format!("[{n}.5, -0.25]")),
        map(&|n| format!("\"{}\"", uuid(n / 6 + 100))),
    )
}

/// Over 512 rows: groups of bits and of Delta rows, a sparse column, a column
/// of values that hardly repeat, orders as bitmap and as list.
fn many_rows() -> String {
    let (mut vectors, mut refs, mut metadata) = (String::new(), String::new(), String::new());
    for n in 0..1300_u32 {
        let comma = if n == 0 { "" } else { ", " };
        let third = f64::from(n) / 3.0;
        match n % 7 {
            3 => write!(vectors, "{comma}\"{n}\": [0.1, -{n}.5, 2.0, 0.3]").unwrap(),
            _ if n % 2 == 0 => {
                write!(vectors, "{comma}\"{n}\": [{n}.25, -0.5, 0.0, 0.0625]").unwrap()
            }
            _ => write!(
                vectors,
                "{comma}\"{n}\": [{third:?}, 0.123456789012, -{third:?}, 1.1234567890123]"
            )
            .unwrap(),
        }
        if n % 3 != 1 {
            write!(refs, "{comma}\"{n}\": \"document {}\"", n / 40).unwrap();
        }
        if n % 100 == 0 {
            write!(
                metadata,
                "{comma}\"{n}\": {{\"page\": {}, \"rare\": true}}",
                n % 9
            )
            .unwrap();
        } else if n % 97 == 5 || n < 3 {
            write!(
                metadata,
                "{comma}\"{n}\": {{\"page\": {}, \"text\": \"{n:032b}\"}}",
                n % 9
            )
            .unwrap();
        }
    }
    format!(
        "{{\"embedding_dict\": {{{vectors}}}, \"text_id_to_ref_doc_id\": {{{refs}}}, \"metadata_dict\": {{{metadata}}}}}"
    )
}

/// As releases before 0.6 wrote documents.
fn documents_old() -> String {
    let documents: Vec<String> = (0..3)
        .map(|n| {
            let hash = hash(n);
            format!(
                "\"{id}\": {{\"__data__\": {{\"text\": \"Gr\\u00fc\\u00dfe, chunk {n}\", \"doc_id\": \"{id}\", \"embedding\": null, \"doc_hash\": \"{hash}\", \"extra_info\": {{\"page\": {n}}}, \"node_info\": {{\"start\": {n}, \"end\": 9}}, \"relationships\": {{\"1\": \"{source}\"}}}}, \"__type__\": \"1\"}}",
                id = uuid(n),
                source = uuid(7),
            )
        })
        .collect();
    format!(
        "{{\"docstore/ref_doc_info\": {{\"{}\": {{\"doc_ids\": [\"{}\", \"{}\", \"{}\"], \"extra_info\": {{}}}}}}, \"docstore/data\": {{{}}}}}",
        uuid(7),
        uuid(0),
        uuid(1),
        uuid(2),
        documents.join(", ")
    )
}

/// One document as releases since 0.10 write them.
fn document(n: usize, text: &str) -> String {
    let hash = hash(n);
    format!(
        "\"{id}\": {{\"__data__\": {{\"id_\": \"{id}\", \"embedding\": null, \"metadata\": {{\"page_label\": \"{n}\", \"file_name\": \"manual.pdf\", \"file_path\": \"/data/manual.pdf\", \"file_type\": \"application/pdf\"}}, \"excluded_embed_metadata_keys\": [\"file_name\", \"file_type\"], \"excluded_llm_metadata_keys\": [\"file_name\", \"file_type\"], \"relationships\": {{\"1\": {{\"node_id\": \"{source}\", \"node_type\": \"4\", \"metadata\": {{\"page_label\": \"{n}\", \"file_name\": \"manual.pdf\", \"file_path\": \"/data/manual.pdf\", \"file_type\": \"application/pdf\"}}, \"hash\": \"{hash}\", \"class_name\": \"RelatedNodeInfo\"}}, \"2\": {{\"node_id\": \"{previous}\", \"node_type\": \"1\", \"metadata\": {{}}, \"hash\": \"{hash}\", \"class_name\": \"RelatedNodeInfo\"}}}}, \"text\": \"{text}\", \"mimetype\": \"text/plain\", \"start_char_idx\": 0, \"end_char_idx\": {len}, \"class_name\": \"TextNode\"}}, \"__type__\": \"1\"}}",
        id = uuid(n + 1),
        previous = uuid(n),
        source = uuid(n / 8 + 1000),
        len = text.len(),
    )
}

fn documents_many() -> String {
    const WORDS: [&str; 16] = [
        "the", "valve", "opens", "when", "pressure", "in", "chamber", "exceeds", "a", "limit",
        "of", "bar", "then", "close", "pump", "slowly",
    ];
    let documents: Vec<String> = (0..160)
        .map(|n| {
            let mut state = n as u64 + 1;
            let words: Vec<&str> = (0..40)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    WORDS[(state >> 60) as usize]
                })
                .collect();
            document(n, &words.join(" "))
        })
        .collect();
    format!("{{\"docstore/data\": {{{}}}}}", documents.join(", "))
}

/// A document of several blocks between two of one.
fn documents_chain() -> String {
    let long = "A sentence that occurs very often, as in a log file. ".repeat(50_000);
    format!(
        "{{\"docstore/data\": {{{}, {}, {}}}}}",
        document(0, "short"),
        document(1, &long),
        document(2, "short again")
    )
}

/// Index structs with maps that are collections of their own, one of them
/// with vectors.
fn indexes_nested() -> String {
    let list =
        |n: usize, what: &dyn Fn(usize) -> String| (0..n).map(what).collect::<Vec<_>>().join(", ");
    let table = list(9, &|n| {
        format!("\"keyword {n}\": [\"{}\", \"{}\"]", uuid(n), uuid(n + 1))
    });
    let vectors = list(10, &|n| {
        let numbers = list(16, &|i| format!("{:?}", (n * 16 + i) as f32 / 64.0));
        format!("\"('a', 'is', '{n}')\": [{numbers}]")
    });
    let nodes = list(9, &|n| format!("\"{}\": \"{}\"", uuid(n), uuid(n)));
    let within = |id: &str, maps: &str| {
        format!("{{\"index_id\": \"{id}\", \"summary\": null, {maps}}}").replace('"', "\\\"")
    };
    let entry = |id: &str, kind: &str, maps: &str| {
        format!(
            "\"{id}\": {{\"__type__\": \"{kind}\", \"__data__\": \"{}\"}}",
            within(id, maps)
        )
    };
    let (graph, dict) = (uuid(500), uuid(501));
    format!(
        "{{\"index_store/data\": {{{}, {}}}}}",
        entry(
            &graph,
            "kg",
            &format!(
                "\"table\": {{{table}}}, \"rel_map\": {{}}, \"embedding_dict\": {{{vectors}}}"
            )
        ),
        entry(
            &dict,
            "vector_store",
            &format!("\"nodes_dict\": {{{nodes}}}, \"doc_id_dict\": {{}}")
        ),
    )
}

// ---------------------------------------------------------------------------
// Reading them.

/// Names that are the same every time.
fn stable_name(kind: SegmentKind, number: usize) -> SegmentName {
    SegmentName::parse(&format!("{}-{number:016x}.seg", kind.prefix())).unwrap()
}

/// A twin whose one store has these segments, without JSON.
fn twin_of(file: &str, segments: &[(SegmentKind, Vec<u8>)]) -> Storage {
    let storage = Storage::of(&Files::new());
    let twin = storage.twin();
    fs::create_dir(&twin).unwrap();
    let mut store = Store {
        file: file.to_owned(),
        kind: StoreKind::Other,
        changed: 1,
        packed: None,
        segments: Vec::new(),
        verbatim: None,
    };
    for (number, (kind, bytes)) in segments.iter().enumerate() {
        let name = stable_name(*kind, number);
        let path = twin.join(name.to_string());
        fs::write(&path, bytes).unwrap();
        let file = Container::open(
            &path,
            kind.file_kind(),
            Expected::Any,
            &options(Backend::Read),
        );
        let segment = SegmentRef {
            name,
            length: bytes.len() as u64,
            root: file.unwrap().root(),
        };
        match kind {
            SegmentKind::Verbatim => store.verbatim = Some(segment),
            _ => store.segments.push(segment),
        }
    }
    let manifest = Manifest {
        stores: vec![store],
        ..manifest()
    };
    let path = twin.join("manifest-0000000001");
    record::write(&path, FileKind::Manifest, &manifest).unwrap();
    storage
}

/// Prints the store under both backends; verifies the twin.
fn printed(storage: &Storage, file: &str, of: &str) -> Vec<u8> {
    let texts = [Backend::Map, Backend::Read].map(|backend| {
        let open = options(backend);
        let report = verify(
            &storage.dir(),
            &VerifyOptions {
                deep: true,
                open,
                ..VerifyOptions::default()
            },
            &Silent,
        )
        .unwrap();
        assert!(report.problems.is_empty(), "{of}: {:?}", report.problems);
        let out = storage.beside("printed");
        let _ = fs::remove_dir_all(&out);
        let to = UnpackOptions {
            out: Some(out.clone()),
            open,
            ..UnpackOptions::default()
        };
        unpack(&storage.dir(), &to, &Silent).unwrap();
        fs::read(out.join(file)).unwrap()
    });
    assert!(texts[0] == texts[1], "{of}: the backends disagree");
    texts.into_iter().next().unwrap()
}

#[track_caller]
fn assert_same(found: &[u8], expected: &[u8], of: &str) {
    let one = |bytes: &[u8]| Files::from([("text".to_owned(), bytes.to_vec())]);
    common::assert_same_files(&one(found), &one(expected), of);
}

/// The segments that packing makes now.
fn packed(golden: &Golden) -> Vec<(SegmentKind, Vec<u8>)> {
    let storage = Storage::of(&Files::from([(golden.file.to_owned(), golden.text())]));
    storage.pack_with(PackOptions {
        sketch: golden.sketch,
        ..PackOptions::default()
    });
    let snapshot = storage.snapshot();
    let store = snapshot.store(golden.file).unwrap().record();
    let segments = store.all_segments().map(|segment| {
        let path = storage.twin().join(segment.name.to_string());
        (segment.name.kind(), fs::read(path).unwrap())
    });
    segments.collect()
}

/// The libzstd that wrote the golden files, as the README says.
fn recorded_zstd() -> u32 {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let number = readme.split_once("ZSTD_versionNumber() = ").unwrap().1;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next().unwrap();
    digits.parse().unwrap()
}

#[test]
fn every_golden_file_prints_its_json() {
    write_missing();
    common::in_parallel(GOLDEN, |golden| {
        let segments: Vec<_> = golden
            .files()
            .map(|(file, kind)| (kind, fs::read(folder().join(file)).unwrap()))
            .collect();
        let storage = twin_of(golden.file, &segments);
        let text = printed(&storage, golden.file, golden.name);
        assert_same(&text, &golden.text(), golden.name);
    });
}

#[test]
fn packing_again_gives_the_same_bytes() {
    write_missing();
    let (recorded, present) = (recorded_zstd(), zstd::zstd_safe::version_number());
    if recorded != present {
        println!("skipped: written by libzstd {recorded}, this is {present}");
        return;
    }
    common::in_parallel(GOLDEN, |golden| {
        for ((file, _), (_, bytes)) in golden.files().zip(packed(golden)) {
            assert_same(&bytes, &fs::read(folder().join(&file)).unwrap(), &file);
        }
    });
}

/// Writes golden files that are not there. In CI there are none to write.
fn write_missing() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for golden in GOLDEN {
            let missing = golden
                .files()
                .any(|(file, _)| !folder().join(file).exists());
            if !missing {
                continue;
            }
            assert!(
                std::env::var_os("CI").is_none(),
                "the golden files of {} are not in git",
                golden.name
            );
            let (recorded, present) = (recorded_zstd(), zstd::zstd_safe::version_number());
            assert_eq!(recorded, present, "say in README.md which libzstd writes");
            let segments = packed(golden);
            let kinds: Vec<_> = segments.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(kinds, golden.segments, "{}: other segments", golden.name);
            for ((file, _), (_, bytes)) in golden.files().zip(segments) {
                fs::write(folder().join(&file), bytes).unwrap();
                println!("wrote {file}: commit it");
            }
        }
    });
}

// ---------------------------------------------------------------------------
// What no pack writes today, or not twice the same.

fn manifest() -> Manifest {
    let segment = |kind| SegmentRef {
        name: stable_name(kind, 7),
        length: 1000,
        root: [7; 16],
    };
    let store = |file: &str, kind, segments: &[SegmentKind], verbatim| Store {
        file: file.to_owned(),
        kind,
        changed: 1,
        packed: Some(Packed {
            generation: 1,
            text: Fingerprint::of_bytes(file.as_bytes()),
            is_json: true,
        }),
        segments: segments.iter().map(|kind| segment(*kind)).collect(),
        verbatim,
    };
    let raw = segment(SegmentKind::Verbatim);
    Manifest {
        generation: 1,
        parent: 0,
        writer: "twinstore of the golden files".to_owned(),
        created_ms: 1_700_000_000_000,
        stores: vec![
            store(
                VECTORS,
                StoreKind::VectorStore,
                &[SegmentKind::Vectors, SegmentKind::Tombstones],
                None,
            ),
            store(DOCSTORE, StoreKind::DocumentStore, REC, None),
            Store {
                packed: None,
                ..store("é.txt", StoreKind::Other, &[], Some(raw))
            },
        ],
    }
}

fn sync() -> SyncFile {
    let stat = Stat {
        length: 22,
        mtime_ns: -1_600_000_000_500_000_000,
        inode: 5,
        taken_ns: i128::from(u64::MAX) * 3,
    };
    let text = |text: &str| Fingerprint::of_bytes(text.as_bytes());
    let mut sync = SyncFile::default();
    sync.generation = 3;
    sync.record(VECTORS, stat, text("known"), 2);
    sync.set_pending(VECTORS, text("pending"), 3);
    sync.record("é.txt", stat, text("known"), 1);
    sync.record_dropped("é.txt");
    sync
}

/// A manifest and a sync record have no compressed bytes: with the same
/// content they are the same files whatever wrote them.
#[test]
fn manifest_and_sync_record_are_the_same_bytes() {
    let storage = Storage::of(&Files::new());
    let files = [
        ("manifest.rec", FileKind::Manifest),
        ("sync.rec", FileKind::Sync),
    ];
    for (file, kind) in files {
        let path = storage.beside(file);
        match kind {
            FileKind::Manifest => record::write(&path, kind, &manifest()),
            _ => record::write(&path, kind, &sync()),
        }
        .unwrap();
        let golden = folder().join(file);
        if !golden.exists() {
            assert!(std::env::var_os("CI").is_none(), "{file} is not in git");
            fs::copy(&path, &golden).unwrap();
            println!("wrote {file}: commit it");
        }
        assert_same(&fs::read(&path).unwrap(), &fs::read(&golden).unwrap(), file);
    }
    let read: Manifest = record::read(&folder().join("manifest.rec"), FileKind::Manifest).unwrap();
    assert_eq!(read.believe(1).unwrap(), manifest());
    let read: SyncFile = record::read(&folder().join("sync.rec"), FileKind::Sync).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", sync()));
}

/// Pack writes one segment for a store; readers take several, and tombstones.
#[test]
fn segments_and_tombstones_print_as_one_store() {
    write_missing();
    let read = |name: &str| fs::read(folder().join(name)).unwrap();
    let (old, new) = (read("vectors_exact.vec.seg"), read("vectors_delta.vec.seg"));
    let root = |bytes: &[u8]| *bytes[bytes.len() - 32..].first_chunk().unwrap();
    // The first entry of each map of the old segment, by number; the last
    // vector of the new one, by bit.
    let dead = forge::tombstones(&[
        (
            root(&old),
            &[
                (0, 5, false, &[0]),
                (1, 5, false, &[0]),
                (2, 5, false, &[0]),
            ],
        ),
        (root(&new), &[(0, 5, true, &[4])]),
    ]);
    let golden = folder().join("tombstones.del.seg");
    if !golden.exists() {
        assert!(std::env::var_os("CI").is_none(), "{golden:?} is not in git");
        fs::write(&golden, &dead).unwrap();
        println!("wrote {golden:?}: commit it");
    }
    assert_same(&dead, &fs::read(&golden).unwrap(), "tombstones");
    let storage = twin_of(
        VECTORS,
        &[
            (SegmentKind::Vectors, old),
            (SegmentKind::Vectors, new),
            (SegmentKind::Tombstones, dead),
        ],
    );
    let text = printed(&storage, VECTORS, "several segments");
    let text: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let stores = ["numbers_exact", "numbers_delta"].map(|dir| {
        let text = fs::read(data_dir().join(dir).join(VECTORS)).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()
    });
    // Both count from 0: entries alternate, the older segment's first.
    for (map, dropped_of_new) in [
        ("embedding_dict", 1),
        ("text_id_to_ref_doc_id", 0),
        ("metadata_dict", 0),
    ] {
        let entries = stores.each_ref().map(|store| {
            let entries = store[map].as_object().unwrap().iter();
            entries.collect::<Vec<_>>()
        });
        let mut expected = Vec::new();
        for n in 0..5 {
            expected.extend(entries[0].get(n).filter(|_| n > 0));
            expected.extend(entries[1][..5 - dropped_of_new].get(n));
        }
        let found: Vec<_> = text[map].as_object().unwrap().iter().collect();
        assert_eq!(found, expected, "{map}");
    }
}

// ---------------------------------------------------------------------------
// The folder.

fn expected_files() -> BTreeMap<String, &'static str> {
    let segments = GOLDEN.iter().flat_map(|golden| {
        let files = golden.files().map(move |(file, _)| (file, golden.name));
        files.collect::<Vec<_>>()
    });
    let others = [
        ("manifest.rec", "manifest"),
        ("sync.rec", "sync"),
        ("tombstones.del.seg", "tombstones"),
    ];
    let others = others.map(|(file, name)| (file.to_owned(), name));
    segments.chain(others).collect()
}

/// A file that no test reads proves nothing; a large one bothers everybody.
#[test]
fn the_folder_holds_what_is_tested_and_says_what_it_is() {
    let expected = expected_files();
    let found = files_of(&folder());
    let known = [".gitattributes", "README.md"];
    for file in found.keys().filter(|file| !known.contains(&file.as_str())) {
        assert!(expected.contains_key(file), "no test reads {file}");
    }
    let bytes: usize = found.values().map(Vec::len).sum();
    assert!(bytes < 1 << 20, "{bytes} bytes are too many to commit");

    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let listed: BTreeSet<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(listed, expected.into_values().collect());
}

/// Files are written where they are missing, so one that was never committed
/// would never be compared with anything.
#[test]
fn every_golden_file_is_in_git() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let git = Command::new("git")
        .args(["ls-files", "-z", "tests/golden/v1"])
        .current_dir(root)
        .output();
    let listed = match git {
        Ok(git) if git.status.success() && root.join(".git").exists() => git.stdout,
        _ => {
            println!("skipped: this is no git checkout");
            return;
        }
    };
    let listed = String::from_utf8(listed).unwrap();
    let listed: BTreeSet<&str> = listed
        .split('\0')
        .filter_map(|path| path.strip_prefix("tests/golden/v1/"))
        .collect();
    for file in expected_files().keys() {
        assert!(listed.contains(file.as_str()), "{file}: git add it");
    }
}
