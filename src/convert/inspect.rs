//! `info` and `status`: what the twin holds, and how it stands to the JSON.

use std::path::Path;

use serde::Serialize;

use super::{
    recognise::{store_kind, store_name},
    store_text::{StoreText, Structure},
};
use crate::{
    container::OpenOptions,
    error::{Error, Result},
    persist_dir::{Form, Snapshot, State, SyncEntry, SyncFile, manifest, state, sync},
    segment::NumberClasses,
    store::{RecordStore, RowStore},
};

/// What a twin holds.
#[derive(Debug, Clone, Serialize)]
pub struct Info {
    /// The generation described.
    pub generation: u64,
    /// The program that wrote it.
    pub writer: String,
    /// Its stores.
    pub stores: Vec<StoreInfo>,
    /// Length of all JSON files together.
    pub json_bytes: u64,
    /// Length of all binary files of this generation together.
    pub binary_bytes: u64,
    /// `binary_bytes / json_bytes`, if there is JSON.
    pub ratio: Option<f64>,
}

/// What one store holds.
#[derive(Debug, Clone, Serialize)]
pub struct StoreInfo {
    /// What the user calls it: a vector store's namespace, or the file name.
    pub name: String,
    /// The JSON file.
    pub file: String,
    /// What it is, in words.
    pub kind: &'static str,
    /// Whether it is kept as the file is, beside or instead of rows.
    pub file_form: bool,
    /// Rows, for a store in rows and columns: ids of all its maps together.
    pub rows: Option<u64>,
    /// Rows with a vector.
    pub vectors: Option<u64>,
    /// Components of a vector.
    pub dim: Option<u32>,
    /// What the numbers are, all in all.
    pub number_class: Option<NumberClass>,
    /// How many rows are of which class.
    pub classes: Option<NumberClasses>,
    /// Vectors that a sketch stands for, which makes queries faster. Deleted ones count until
    /// their segment is compacted.
    pub sketched: Option<u64>,
    /// The metadata keys.
    pub metadata_keys: Vec<String>,
    /// Records, for a store of collections: those of the top level together.
    pub records: Option<u64>,
    /// Its collections, nested ones too.
    pub collections: Vec<CollectionInfo>,
    /// Length of the JSON.
    pub json_bytes: u64,
    /// Length of the binary files.
    pub binary_bytes: u64,
    /// `binary_bytes / json_bytes`.
    pub ratio: Option<f64>,
    /// Names of the binary files.
    pub segments: Vec<String>,
    /// Why the store cannot be looked into, if it is damaged.
    pub problem: Option<String>,
}

/// A collection of a store.
#[derive(Debug, Clone, Serialize)]
pub struct CollectionInfo {
    /// Its name; for one in a record, what leads to it, joined by ` > `.
    pub name: String,
    /// How many records it has.
    pub records: u64,
}

/// What the numbers of a vector store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberClass {
    /// There are none.
    Empty,
    /// All rows are f32, widened.
    Exact,
    /// All rows are shortest decimals of f32.
    Decimal,
    /// All rows need f64.
    Delta,
    /// Rows of several classes.
    Mixed,
}

impl NumberClass {
    fn of(classes: &NumberClasses) -> NumberClass {
        match (classes.exact, classes.decimal, classes.delta) {
            (0, 0, 0) => NumberClass::Empty,
            (_, 0, 0) => NumberClass::Exact,
            (0, _, 0) => NumberClass::Decimal,
            (0, 0, _) => NumberClass::Delta,
            _ => NumberClass::Mixed,
        }
    }
}

fn ratio(binary: u64, json: u64) -> Option<f64> {
    (json > 0).then(|| binary as f64 / json as f64)
}

/// Describes the twin in `dir`, of the newest or the given generation.
///
/// # Errors
/// [`Error::NoTwin`],
/// [`Error::NoGeneration`],
/// [`Error::DamagedManifest`],
/// [`Error::Io`]. A damaged store is described as such.
pub fn info(dir: &Path, generation: Option<u64>, open: &OpenOptions) -> Result<Info> {
    let snapshot = Snapshot::open(dir, generation, open)?;
    let mut stores = Vec::new();
    for store in snapshot.stores() {
        let record = store.record();
        let mut info = StoreInfo {
            name: store_name(&record.file).to_owned(),
            file: record.file.clone(),
            kind: record.kind.as_str(),
            file_form: record.form() == Form::File,
            rows: None,
            vectors: None,
            dim: None,
            number_class: None,
            classes: None,
            sketched: None,
            metadata_keys: Vec::new(),
            records: None,
            collections: Vec::new(),
            json_bytes: record.packed.map_or(0, |packed| packed.text.length()),
            binary_bytes: record.all_segments().map(|s| s.length).sum(),
            ratio: None,
            segments: record.all_segments().map(|s| s.name.to_string()).collect(),
            problem: None,
        };
        info.ratio = ratio(info.binary_bytes, info.json_bytes);
        let described = StoreText::open(&store).and_then(|text| info.describe(text.structure()));
        // Damage is described; what the system refuses is an error.
        info.problem = match described {
            Err(e) if e.is_damage() => Some(e.to_string()),
            other => other.map(|()| None)?,
        };
        stores.push(info);
    }
    let json_bytes = stores.iter().map(|s| s.json_bytes).sum();
    let binary_bytes = stores.iter().map(|s| s.binary_bytes).sum();
    Ok(Info {
        generation: snapshot.generation(),
        writer: snapshot.manifest().writer.clone(),
        stores,
        json_bytes,
        binary_bytes,
        ratio: ratio(binary_bytes, json_bytes),
    })
}

impl StoreInfo {
    fn describe(&mut self, structure: &Structure) -> Result<()> {
        match structure {
            Structure::None => Ok(()),
            Structure::Vectors(store) => self.describe_vectors(store),
            Structure::Records(store) => self.describe_records(store),
        }
    }

    fn describe_vectors(&mut self, store: &RowStore) -> Result<()> {
        self.vectors = Some(store.vectors()?);
        let (mut rows, mut sketched) = (0, 0);
        let mut classes = NumberClasses::default();
        for segment in store.segments() {
            rows += u64::from(segment.rows());
            if segment.has_sketch() {
                sketched += u64::from(segment.vectors());
            }
            self.dim = Some(segment.dim());
            classes = classes.and(&segment.classes());
            for key in segment.metadata_keys()? {
                let key = String::from_utf8_lossy(&key).into_owned();
                if !self.metadata_keys.contains(&key) {
                    self.metadata_keys.push(key);
                }
            }
        }
        self.rows = Some(rows);
        self.sketched = Some(sketched);
        self.number_class = Some(NumberClass::of(&classes));
        self.classes = Some(classes);
        Ok(())
    }

    fn describe_records(&mut self, store: &RecordStore) -> Result<()> {
        let mut all = 0;
        for path in store.all_collections() {
            let records = store.len(&path)?;
            // Those of nested collections are parts of other records.
            all += if path.steps().len() == 1 { records } else { 0 };
            self.collections.push(CollectionInfo {
                name: path.to_string(),
                records,
            });
        }
        self.records = Some(all);
        Ok(())
    }
}

/// How the two twins of a directory stand to each other.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The newest generation; `None` while there is no twin.
    pub generation: Option<u64>,
    /// Every store of the twin, and every store file that is not in it.
    pub stores: Vec<StoreStatus>,
}

/// How one store stands to its JSON file.
#[derive(Debug, Clone, Serialize)]
pub struct StoreStatus {
    /// The JSON file's name.
    pub file: String,
    /// What the store is, in words.
    pub kind: &'static str,
    /// The state, in words: see the table in `docs/FORMAT.md`.
    pub state: String,
    /// Whether nothing has to be done.
    pub settled: bool,
    /// What is wrong or to be done, if anything.
    pub remedy: Option<String>,
}

impl Status {
    /// Whether no store needs anything done.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.stores.iter().all(|store| store.settled)
    }
}

/// Compares the JSON files of `dir` with its twin, at a cost that does not
/// depend on their size.
///
/// # Errors
/// [`Error::DamagedManifest`]; [`Error::LostManifests`]; [`Error::LostGeneration`];
/// [`Error::Io`].
pub fn status(dir: &Path) -> Result<Status> {
    let twin = manifest::twin_dir(dir);
    let manifest = sync::read_newest(&twin)?;
    let (sync, _) = SyncFile::load(&twin);
    let mut stores = Vec::new();
    for store in manifest.iter().flat_map(|m| &m.stores) {
        let state = state(dir, store, &sync);
        let (words, remedy) = match &state {
            // Another file's trouble is no reason to say nothing of the rest.
            Err(e) => ("unreadable".to_owned(), Some(e.to_string())),
            Ok(state) => match store.missing_segment(&twin) {
                Some(segment) => (
                    "twin damaged".to_owned(),
                    Some(missing(&segment.name.to_string(), *state)),
                ),
                None if *state == State::JsonAbsent && dropped(&sync, &store.file) => {
                    ("JSON dropped".to_owned(), None)
                }
                None => (state.to_string(), remedy(*state).map(str::to_owned)),
            },
        };
        stores.push(StoreStatus {
            file: store.file.clone(),
            kind: store.kind.as_str(),
            state: words,
            settled: remedy.is_none(),
            remedy,
        });
    }
    if manifest.is_none() {
        sync::refuse_lost_manifests(dir)?;
    }
    let io = || Error::io("list", dir);
    for entry in std::fs::read_dir(dir).map_err(io())? {
        let entry = entry.map_err(io())?;
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        if let Some(kind) = store_kind(&file)
            && !stores.iter().any(|s| s.file == file)
        {
            let is_other = std::fs::metadata(entry.path()).is_ok_and(|meta| !meta.is_file());
            let (state, remedy) = match is_other {
                false => ("not packed", "`twinstore pack` takes it into the twin"),
                true => (
                    "no file",
                    "something else than a file has this name; remove it",
                ),
            };
            stores.push(StoreStatus {
                file,
                kind: kind.as_str(),
                state: state.to_owned(),
                settled: false,
                remedy: Some(remedy.to_owned()),
            });
        }
    }
    stores.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(Status {
        generation: manifest.map(|m| m.generation),
        stores,
    })
}

/// Whether whoever loads LlamaIndex's `StorageContext` from the JSON files of `dir`, and not
/// from its twin, misses nothing: each store of it that the twin has, has a file that holds the
/// same or newer content. Chat stores, caches and other files are no part of one.
///
/// # Errors
/// [`Error::DamagedManifest`]; [`Error::LostGeneration`]; [`Error::Io`].
pub fn is_json_complete(dir: &Path) -> Result<bool> {
    let twin = manifest::twin_dir(dir);
    let manifest = sync::read_newest(&twin)?;
    let (sync, _) = SyncFile::load(&twin);
    let stores = manifest.iter().flat_map(|m| &m.stores);
    for store in stores.filter(|store| store.kind.is_in_contexts()) {
        match state(dir, store, &sync)? {
            State::InSync | State::Touched | State::JsonNewer => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// What to do about a file of the twin that is gone or cut.
fn missing(segment: &str, state: State) -> String {
    let remedy = match state {
        State::InSync | State::Touched | State::JsonNewer => {
            "`twinstore pack` writes it anew from the JSON"
        }
        // The JSON file holds something else.
        State::BinaryNewer | State::Diverged => {
            "restore it from a copy, or save what is left with `twinstore salvage`; then `twinstore pack --prefer json` goes back to the JSON, of all stores"
        }
        State::JsonAbsent | State::JsonDamaged { .. } => {
            "restore it from a copy, or save what is left with `twinstore salvage`"
        }
    };
    format!("{segment} is missing or cut; {remedy}")
}

/// Whether `pack --drop-json` removed the file.
fn dropped(sync: &SyncFile, file: &str) -> bool {
    sync.entry(file).is_some_and(SyncEntry::is_dropped)
}

fn remedy(state: State) -> Option<&'static str> {
    match state {
        State::InSync | State::Touched | State::JsonAbsent => None,
        State::JsonNewer => Some("`twinstore pack` takes the JSON over"),
        State::BinaryNewer => Some("`twinstore unpack` refreshes the JSON"),
        State::Diverged => {
            Some("choose: `twinstore pack --prefer json` or `twinstore unpack --prefer twin`")
        }
        State::JsonDamaged { .. } => Some("`twinstore unpack` restores the JSON"),
    }
}
