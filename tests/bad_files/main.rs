//! A twin is copied between machines, cut by a full disk, written by a later
//! release, or made by somebody who wants to see the reader fall over. Each
//! rule of `docs/FORMAT.md` that a reader checks is broken here by one file, and
//! the user reads exactly the words that stand beside it: a refusal that says
//! the wrong thing costs an evening.
//!
//! `tests/bad/` holds the files. They are made by `tests/common/forge.rs`, a
//! second writer that knows FORMAT.md only; a file that is not there is
//! written. To write all anew: `rm tests/bad/*.bin && cargo test --test bad_files`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod container;
mod manifests;
mod records;
mod vectors;
mod whole;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};

use common::{Files, Storage, WAYS, files_of, forge, way};
use peak_alloc::PeakAlloc;
use twinstore::{
    Error, Result,
    bytes::Backend,
    container::{FileKind, OpenOptions, Verify, record},
    convert::{PackOptions, Silent, UnpackOptions, VerifyOptions, unpack, verify},
    persist_dir::{
        Manifest, SegmentKind, SegmentName, SegmentRef, Snapshot, Store, StoreKind, SyncFile,
    },
    search::{FilterOperator, MetadataFilter, MetadataFilters, VectorStoreQuery},
    segment::{RecordSegment, TombstoneSegment, VectorSegment, VerbatimSegment},
    store::{RecordStore, RowStore, VectorStore},
};

/// All memory of the tests here, which take care that it is little.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What the user is told after what is wrong.
const RESTORE: &str = "restore the file from a copy, save what is left with `twinstore salvage`, or move the file away: `twinstore pack` writes it anew where the JSON file holds the store";
const UPGRADE: &str = "upgrade twinstore to open it";

/// A file, and what comes of reading it.
pub struct Case {
    /// Its name in the folder, up to `.bin`. The letters before the first
    /// hyphen say what kind of file it is.
    name: &'static str,
    bytes: Vec<u8>,
    outcome: Outcome,
}

/// What comes of reading a file.
pub enum Outcome {
    /// Refused: place and fault; the remedy is [`RESTORE`].
    Damaged(&'static str),
    /// Refused: place and fault; the remedy is [`UPGRADE`].
    Unknown(&'static str),
    /// Refused with this whole message.
    Says(&'static str),
    /// Opens and prints this text.
    Prints(&'static str),
    /// Prints the text, and may not be copied into new files.
    ReadOnly(&'static str),
    /// Prints the text, which nothing says is another, but `verify --deep` tells place and
    /// fault.
    Deep(&'static str, &'static str),
}

fn cases() -> Vec<Case> {
    let all = [
        container::cases(),
        vectors::cases(),
        records::cases(),
        whole::cases(),
        manifests::cases(),
    ];
    all.into_iter().flatten().collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

const STORE: &str = "default__vector_store.json";

/// The segments that others may need, by their names in the twin.
static NEIGHBOURS: LazyLock<[(SegmentKind, Vec<u8>); 4]> = LazyLock::new(|| {
    [
        (SegmentKind::Vectors, vectors::Vectors::sound().bytes()),
        (SegmentKind::Records, records::Records::sound().bytes()),
        (SegmentKind::Verbatim, whole::Verbatim::sound().bytes()),
        (SegmentKind::Tombstones, whole::dead(&[0])),
    ]
});

fn name_of(kind: SegmentKind) -> SegmentName {
    SegmentName::parse(&format!("{}-0000000000000001.seg", kind.prefix())).unwrap()
}

/// A persist dir in whose twin the file stands where its kind stands.
fn twin_with(name: &str, bytes: &[u8]) -> Storage {
    let storage = Storage::of(&Files::new());
    let twin = storage.twin();
    fs::create_dir(&twin).unwrap();
    let put = |kind: SegmentKind, bytes: &[u8]| {
        fs::write(twin.join(name_of(kind).to_string()), bytes).unwrap();
        SegmentRef {
            name: name_of(kind),
            length: bytes.len() as u64,
            root: forge::root(bytes),
        }
    };
    let [vec, rec, raw, del] = &*NEIGHBOURS;
    let mut store = Store {
        file: STORE.to_owned(),
        kind: StoreKind::Other,
        changed: 1,
        packed: None,
        segments: Vec::new(),
        verbatim: None,
    };
    match name.split('-').next().unwrap() {
        "vec" => store.segments = vec![put(vec.0, bytes)],
        "rec" => store.segments = vec![put(rec.0, bytes)],
        "raw" => store.verbatim = Some(put(raw.0, bytes)),
        // tombstones beside vectors, and beside records
        "del" => store.segments = vec![put(vec.0, &vec.1), put(del.0, bytes)],
        "delrec" => store.segments = vec![put(rec.0, &rec.1), put(del.0, bytes)],
        "syn" => {
            store.verbatim = Some(put(raw.0, &raw.1));
            fs::write(twin.join("sync"), bytes).unwrap();
        }
        "man" => {
            for (kind, bytes) in [vec, rec, raw, del] {
                put(*kind, bytes);
            }
            fs::write(twin.join("manifest-0000000001"), bytes).unwrap();
            return storage;
        }
        other => panic!("{other} is no kind of file"),
    }
    let manifest = Manifest {
        generation: 1,
        parent: 0,
        writer: "bad files".to_owned(),
        created_ms: 1,
        stores: vec![store],
    };
    let path = twin.join("manifest-0000000001");
    record::write(&path, FileKind::Manifest, &manifest).unwrap();
    storage
}

/// Reads all there is; gives the text and whether a file may only be read.
fn read_all(storage: &Storage, open: &OpenOptions) -> Result<(String, bool)> {
    if let (_, Some(e)) = SyncFile::load(&storage.twin()) {
        return Err(e);
    }
    let snapshot = Snapshot::open(&storage.dir(), None, open)?;
    let mut read_only = false;
    for store in snapshot.stores() {
        let segments = store.segments()?;
        for file in segments.iter().chain(&store.verbatim()?) {
            file.check()?;
            read_only |= file.is_read_only();
            let file = Arc::clone(file);
            match file.kind() {
                FileKind::Vectors => rows(&VectorSegment::open(file)?)?,
                FileKind::Records => RecordSegment::open(file)?.check_structure()?,
                FileKind::Verbatim => drop(VerbatimSegment::open(file)?),
                _ => TombstoneSegment::open(file)?.check_structure()?,
            }
        }
        match segments.first().map(|file| file.kind()) {
            Some(FileKind::Vectors) => {
                let store = RowStore::open(segments)?;
                store.vectors()?;
                store.get(b"alpha")?;
            }
            Some(_) => records(&RecordStore::open(segments)?)?,
            None => {}
        }
    }
    let out = storage.beside("printed");
    let _ = fs::remove_dir_all(&out);
    let to = UnpackOptions {
        out: Some(out.clone()),
        open: *open,
        ..UnpackOptions::default()
    };
    unpack(&storage.dir(), &to, &Silent)?;
    let text = fs::read_to_string(out.join(STORE)).unwrap_or_default();
    Ok((text, read_only))
}

fn rows(segment: &VectorSegment) -> Result<()> {
    segment.check_structure()?;
    segment.irregular()?;
    segment.metadata_keys()?;
    for row in 0..segment.rows() {
        let id = segment.id(row)?;
        segment.row_of(&id)?;
        segment.metadata(row)?;
        segment.ref_doc(row)?;
        if row < segment.vectors() {
            segment.vector(row)?;
            segment.nearest(row)?;
            segment.norm(row)?;
        }
    }
    segment.row_of(b"foreign").map(drop)
}

fn records(store: &RecordStore) -> Result<()> {
    for path in store.all_collections() {
        store.len(&path)?;
        let mut keys = Vec::new();
        store.each_key(&path, &mut |key| {
            keys.push(key.to_vec());
            Ok(())
        })?;
        for key in keys {
            store.get(&path, &key)?;
        }
    }
    Ok(())
}

fn words(error: &Error, storage: &Storage) -> String {
    plain(&error.to_string(), storage)
}

/// The message without the directory.
fn plain(text: &str, storage: &Storage) -> String {
    let twin = storage.twin();
    let text = text.replace(
        &format!("{}{}", twin.display(), std::path::MAIN_SEPARATOR),
        "",
    );
    text.replace(&storage.dir().display().to_string(), "DIR")
}

/// The file's name in the twin, as messages begin with it.
fn name_in_twin(case: &str) -> &'static str {
    match case.split('-').next().unwrap() {
        "vec" => "vec-0000000000000001.seg",
        "rec" => "rec-0000000000000001.seg",
        "raw" => "raw-0000000000000001.seg",
        "syn" => "sync",
        "man" => "manifest-0000000001",
        _ => "del-0000000000000001.seg",
    }
}

fn with_remedy(case: &Case, fault: &str, remedy: &str) -> String {
    let name = name_in_twin(case.name);
    if name == "manifest-0000000001" && remedy == RESTORE {
        return format!(
            "the manifest of generation 1 is damaged ({name}: {fault}); restore the file from a copy, or save what can be read with `twinstore salvage`, which may set it right; no older generation has a whole manifest. Where all JSON files are there, `twinstore pack --prefer json` writes the twin anew"
        );
    }
    format!("{name}: {fault}; {remedy}")
}

fn expected(case: &Case) -> std::result::Result<(&'static str, bool), String> {
    let with = |fault, remedy| with_remedy(case, fault, remedy);
    match case.outcome {
        Outcome::Damaged(fault) => Err(with(fault, RESTORE)),
        Outcome::Unknown(fault) => Err(with(fault, UPGRADE)),
        Outcome::Says(message) => Err(message.to_owned()),
        Outcome::Prints(text) | Outcome::Deep(text, _) => Ok((text, false)),
        Outcome::ReadOnly(text) => Ok((text, true)),
    }
}

#[test]
fn every_bad_file_is_refused_in_its_own_words() {
    write_missing();
    let wrong = Mutex::new(Vec::new());
    common::in_parallel(&cases(), |case| {
        let bytes = fs::read(path_of(case)).unwrap();
        let storage = twin_with(case.name, &bytes);
        for open in &WAYS {
            let found = read_all(&storage, open).map_err(|e| words(&e, &storage));
            let found = found.as_ref().map(|(text, ro)| (text.as_str(), *ro));
            let is_expected = found == expected(case).as_ref().map(|(text, ro)| (*text, *ro));
            // Not decoding values, `verify` may find less, and never fails.
            let deep = VerifyOptions {
                deep: true,
                open: *open,
                ..VerifyOptions::default()
            };
            let report = verify(&storage.dir(), &deep, &Silent).unwrap();
            let problems = report.problems.iter();
            let problems: Vec<String> = problems.map(|p| plain(&p.error, &storage)).collect();
            let is_found = match case.outcome {
                Outcome::Deep(_, fault) => problems == [with_remedy(case, fault, RESTORE)],
                _ => found.is_err() || problems.is_empty(),
            };
            if !is_expected || !is_found {
                wrong.lock().unwrap().push(format!(
                    "{} ({open:?})\n    {found:?}\n    {problems:?}",
                    case.name
                ));
                break;
            }
        }
    });
    // Files of some kilobytes, read by a few threads at a time. Some of them claim to hold
    // gibibytes, and a block that is one of zeros is among them.
    let peak = MEMORY.peak_usage() >> 20;
    assert!(
        peak < 256,
        "{peak} MiB were allocated on the word of a file"
    );
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} files:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Verify::Never trusts data, not lengths: whatever it says, it says it.
#[test]
fn no_bad_file_makes_a_reader_panic_that_checks_nothing() {
    write_missing();
    common::in_parallel(&cases(), |case| {
        let storage = twin_with(case.name, &fs::read(path_of(case)).unwrap());
        for backend in [Backend::Map, Backend::Read] {
            let _ = read_all(&storage, &way(backend, Verify::Never));
        }
    });
}

/// Two releases share a directory. The older one, told to go by the JSON, must
/// not put its own manifest beside one that it cannot read: that one is sound.
#[test]
fn a_twin_of_a_later_release_is_not_given_up() {
    write_missing();
    let later = [
        "man-newer-minor",
        "man-incompat-flag",
        "man-section-unknown-required",
    ];
    for case in cases().iter().filter(|case| later.contains(&case.name)) {
        let storage = twin_with(case.name, &case.bytes);
        storage.write(STORE, vectors::TEXT);
        let before = storage.twin_files();
        let options = PackOptions {
            prefer_json: true,
            ..PackOptions::default()
        };
        let refused = storage.try_pack(options).unwrap_err();
        assert!(refused.to_string().ends_with(UPGRADE), "{refused}");
        let mut after = storage.twin_files();
        after.remove("LOCK");
        common::assert_same_files(&after, &before, case.name);
    }
}

/// A filter reads columns in a way of its own, many entries at a time: it answers or refuses,
/// and it refuses what is no answer.
#[test]
fn filters_of_bad_files_are_answered_or_refused() {
    for case in cases().iter().filter(|case| case.name.starts_with("vec-")) {
        let storage = twin_with(case.name, &case.bytes);
        let ask = |key: &str, backend| -> Result<usize> {
            let snapshot = Snapshot::open(&storage.dir(), None, &way(backend, Verify::Lazy))?;
            let rows = RowStore::open(snapshot.store(STORE).unwrap().segments()?)?;
            let filter = MetadataFilter::new(key, FilterOperator::Eq, 1_i64);
            let query = VectorStoreQuery::new(&[1.0, 0.5])
                .top_k(9)
                .filters(MetadataFilters::all([filter]));
            Ok(VectorStore::rows(rows).query(&query)?.len())
        };
        for backend in [Backend::Map, Backend::Read] {
            let answers = ["page", "flag"].map(|key| ask(key, backend));
            let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
            // (LlamaIndex has no answer where a row has no metadata.)
            let refused = refused.filter(|e| e.is_damage()).map(ToString::to_string);
            let refused: Vec<String> = refused.collect();
            match (&case.outcome, case.name) {
                (Outcome::Prints(_) | Outcome::ReadOnly(_), _) => {
                    assert_eq!(refused, [""; 0], "{}", case.name)
                }
                (
                    _,
                    "vec-columns-value-of-shape-absent"
                    | "vec-columns-all-of-no-shape"
                    | "vec-columns-listed-entry-beyond-all",
                ) => assert!(!refused.is_empty(), "{}", case.name),
                _ => {}
            }
        }
    }
}

#[test]
fn the_folder_holds_these_files_and_no_others() {
    write_missing();
    let mut names = BTreeSet::new();
    let mut contents = BTreeMap::new();
    for case in cases() {
        let path = path_of(&case);
        assert!(
            fs::read(&path).unwrap() == case.bytes,
            "{} is not what the forge makes; if the forge is right: rm tests/bad/*.bin",
            path.display()
        );
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(names.insert(file), "{} twice", case.name);
        let kind = case.name.split('-').next().unwrap();
        let other = contents.insert((kind, case.bytes), case.name);
        assert_eq!(other, None, "{} is the same file", case.name);
    }
    let found = files_of(&folder());
    let bytes: usize = found.values().map(Vec::len).sum();
    assert!(bytes < 1 << 20, "{bytes} bytes are too many to commit");
    let known = [".gitattributes", "README.md"];
    let found = found.into_keys().filter(|f| !known.contains(&f.as_str()));
    assert_eq!(found.collect::<BTreeSet<_>>(), names);
}

fn path_of(case: &Case) -> PathBuf {
    folder().join(format!("{}.bin", case.name))
}

fn write_missing() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for case in cases().iter().filter(|case| !path_of(case).exists()) {
            assert!(
                std::env::var_os("CI").is_none(),
                "{} is not in git",
                case.name
            );
            fs::write(path_of(case), &case.bytes).unwrap();
            println!("wrote {}.bin: commit it", case.name);
        }
    });
}
