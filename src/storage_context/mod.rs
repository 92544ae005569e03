//! The stores of a persist directory, tied together: LlamaIndex's
//! `StorageContext`, over the binary twin.
//!
//! * `stores.rs` opens each store when it is first asked for, to be read or changed;
//! * `held.rs`: the stores of a context as what changes are written from;
//! * `persist/` makes changes the next generation of a twin;
//! * `notices.rs` compares the JSON files with the twin at open: what stops, and
//!   what is only worth a word;
//! * `load.rs` loads indices from it (`load_index_from_storage`).
//!
//! This layer knows which store is in which file. What stores mean is `store/`'s,
//! what the files hold is `convert/`'s and below.

mod delete;
mod held;
mod load;
mod notices;
mod persist;
mod stores;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use delete::DeletedDocument;
pub use load::{
    ComposableGraph, Index, NodeWithScore, load_graph_from_storage, load_index_from_storage,
    load_indices_from_storage,
};
pub use notices::Notice;
pub use persist::{JsonFate, JsonTwin, PersistOptions, PersistReport, PersistedStore};

use crate::{
    container::OpenOptions,
    convert::store_name,
    error::{Error, Result},
    persist_dir::{Manifest, Samples, Snapshot, StoreKind},
    store::{ChatStore, DocumentStore, GraphStore, IndexStore, PropertyGraphStore, VectorStore},
};

/// The namespace of a context's own vector store.
pub const DEFAULT_VECTOR_STORE: &str = "default";
/// The namespace of the vector store for images.
pub const IMAGE_VECTOR_STORE: &str = "image";

/// The file of a vector store as it was called before there were namespaces.
const LEGACY_VECTORS: &str = "vector_store.json";

/// The stores of a persist directory (`StorageContext` of LlamaIndex,
/// `storage/storage_context.py`).
///
/// Opening one maps files and parses nothing; a store is opened when it is first
/// asked for, and damage in one is no matter to the others.
///
/// ```
/// use twinstore::{
///     StorageContext,
///     convert::{PackOptions, Silent, pack},
///     load_index_from_storage,
///     search::VectorStoreQuery,
/// };
///
/// # let temp = tempfile::tempdir().unwrap();
/// # let dir = temp.path().join("storage");
/// # std::fs::create_dir(&dir).unwrap();
/// # for file in std::fs::read_dir("examples/storage").unwrap() {
/// #     let file = file.unwrap();
/// #     if file.path().is_file() { std::fs::copy(file.path(), dir.join(file.file_name())).unwrap(); }
/// # }
/// pack(&dir, &PackOptions::default(), &Silent)?; // once
///
/// let context = StorageContext::from_persist_dir(&dir)?;
/// let vectors = context.vector_store("default")?;
/// # let id = b"b8134e77-a4c9-427d-af6c-72f9b192e0d9";
/// # let embedding = vectors.get(id)?.unwrap();
/// let hits = vectors.query(&VectorStoreQuery::new(&embedding).top_k(3))?;
/// let node = context.docstore()?.get(&hits[0].id)?.unwrap();
/// println!("{:.3} {}", hits[0].score, String::from_utf8_lossy(&node.text()));
/// # assert_eq!(hits[0].id, id);
///
/// // The same by way of the index, as a retriever does it:
/// let index = load_index_from_storage(&context, Some("vector"))?;
/// let nodes = index.retrieve(&VectorStoreQuery::new(&embedding).top_k(3))?;
/// assert_eq!(nodes[0].node.id(), hits[0].id);
/// # Ok::<(), twinstore::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct StorageContext {
    /// `None` for a context of no directory, whose stores are empty at first.
    opened: Option<Opened>,
    options: OpenOptions,
    /// A sync failed: what the medium holds is not known.
    poisoned: bool,
    /// JSON files that hold what is in no generation yet, see
    /// [`wrote_json`](StorageContext::wrote_json).
    own_json: HashMap<String, Samples>,
    notices: Vec<Notice>,
    docstore: OnceLock<DocumentStore>,
    index_store: OnceLock<IndexStore>,
    graph_store: OnceLock<GraphStore>,
    property_graph_store: OnceLock<Option<PropertyGraphStore>>,
    chat_store: OnceLock<ChatStore>,
    vector_stores: Vec<NamedVectors>,
}

/// The directory that a context is of.
#[derive(Debug)]
struct Opened {
    dir: PathBuf,
    snapshot: Snapshot,
}

impl Opened {
    /// The newest generation of the twin in `dir`.
    fn newest(dir: &Path, options: &OpenOptions) -> Result<Opened> {
        Ok(Opened {
            dir: dir.to_owned(),
            snapshot: Snapshot::open(dir, None, options)?,
        })
    }
}

/// A vector store and the name it goes by.
#[derive(Debug)]
struct NamedVectors {
    namespace: String,
    /// `None` for one that is empty.
    file: Option<String>,
    store: OnceLock<VectorStore>,
}

impl NamedVectors {
    fn new(namespace: &str, file: Option<&str>) -> NamedVectors {
        NamedVectors {
            namespace: namespace.to_owned(),
            file: file.map(str::to_owned),
            store: OnceLock::new(),
        }
    }

    /// The file that it is the twin of.
    fn file_name(&self) -> String {
        let new = || format!("{}__vector_store.json", self.namespace);
        self.file.clone().unwrap_or_else(new)
    }
}

impl StorageContext {
    /// A context of no directory: all stores are empty, and there is a vector
    /// store for texts and one for images.
    #[must_use]
    pub fn from_defaults() -> StorageContext {
        let names = [DEFAULT_VECTOR_STORE, IMAGE_VECTOR_STORE];
        StorageContext {
            vector_stores: names.map(|name| NamedVectors::new(name, None)).into(),
            ..StorageContext::default()
        }
    }

    /// Opens the twin of a persist directory.
    ///
    /// # Errors
    /// [`Error::NoTwin`] where `pack` was not run yet; [`Error::OutOfSync`] where a
    /// JSON file is newer than the twin, or both changed; [`Error::DamagedManifest`];
    /// [`Error::Io`]. Not for a damaged store, see [`docstore`](Self::docstore) and
    /// the others.
    pub fn from_persist_dir(dir: impl AsRef<Path>) -> Result<StorageContext> {
        StorageContext::open(dir, &OpenOptions::default())
    }

    /// The same with a choice of how binary files are read and checked.
    ///
    /// # Errors
    /// As [`from_persist_dir`](Self::from_persist_dir).
    pub fn open(dir: impl AsRef<Path>, options: &OpenOptions) -> Result<StorageContext> {
        let dir = dir.as_ref();
        let (snapshot, notices) = StorageContext::open_newest(dir, options, &|_| true)?;
        Ok(StorageContext::of(dir, snapshot, notices, *options))
    }

    /// The same for whoever uses one store only: how other JSON files than `file` stand
    /// to the twin does not matter.
    ///
    /// # Errors
    /// As [`from_persist_dir`](Self::from_persist_dir).
    pub fn open_for(
        dir: impl AsRef<Path>,
        file: &str,
        options: &OpenOptions,
    ) -> Result<StorageContext> {
        let dir = dir.as_ref();
        let (snapshot, notices) =
            StorageContext::open_newest(dir, options, &|other| other == file)?;
        Ok(StorageContext::of(dir, snapshot, notices, *options))
    }

    /// Opens the newest generation that the JSON files that matter do not speak against.
    fn open_newest(
        dir: &Path,
        options: &OpenOptions,
        matters: &dyn Fn(&str) -> bool,
    ) -> Result<(Snapshot, Vec<Notice>)> {
        let mut snapshot = Snapshot::open(dir, None, options)?;
        let notices = loop {
            let problem = match notices::compare(dir, snapshot.manifest(), matters) {
                Ok(notices) => break notices,
                Err(problem @ Error::OutOfSync { .. }) => problem,
                Err(e) => return Err(e),
            };
            // Somebody may have packed newer JSON since the twin was opened: then
            // it is the snapshot that is old.
            let newest = Snapshot::open(dir, None, options)?;
            if newest.generation() == snapshot.generation() {
                return Err(problem);
            }
            snapshot = newest;
        };
        for notice in &notices {
            log::warn!("{notice}");
        }
        Ok((snapshot, notices))
    }

    /// Opens the newest generation of the twin, whatever the JSON files hold.
    ///
    /// # Errors
    /// As [`from_persist_dir`](Self::from_persist_dir), but never
    /// [`Error::OutOfSync`].
    pub fn open_twin(dir: impl AsRef<Path>, options: &OpenOptions) -> Result<StorageContext> {
        let dir = dir.as_ref();
        let Opened { snapshot, .. } = Opened::newest(dir, options)?;
        Ok(StorageContext::of(dir, snapshot, Vec::new(), *options))
    }

    /// Opens an older generation of the twin. What the JSON files hold is then no
    /// matter.
    ///
    /// # Errors
    /// [`Error::NoGeneration`]; as [`from_persist_dir`](Self::from_persist_dir), but
    /// never [`Error::OutOfSync`].
    pub fn open_generation(
        dir: impl AsRef<Path>,
        generation: u64,
        options: &OpenOptions,
    ) -> Result<StorageContext> {
        let dir = dir.as_ref();
        let snapshot = Snapshot::open(dir, Some(generation), options)?;
        Ok(StorageContext::of(dir, snapshot, Vec::new(), *options))
    }

    fn of(
        dir: &Path,
        snapshot: Snapshot,
        notices: Vec<Notice>,
        options: OpenOptions,
    ) -> StorageContext {
        let mut context = StorageContext {
            notices,
            options,
            ..StorageContext::default()
        };
        let dir = dir.to_owned();
        context.show(Opened { dir, snapshot });
        context
    }

    /// Shows what was opened. Changes in memory are given up.
    fn show(&mut self, opened: Opened) {
        let files = opened.snapshot.manifest().stores.iter();
        let files = files.filter(|store| store.kind == StoreKind::VectorStore);
        let files: Vec<_> = files.map(|store| store.file.as_str()).collect();
        let namespace = |file: &str| match store_name(file) {
            // It is the default where there is no other.
            LEGACY_VECTORS if !files.iter().any(|f| store_name(f) == DEFAULT_VECTOR_STORE) => {
                DEFAULT_VECTOR_STORE.to_owned()
            }
            LEGACY_VECTORS => format!("legacy:{LEGACY_VECTORS}"),
            name => name.to_owned(),
        };
        let named = files.iter();
        let named = named.map(|file| NamedVectors::new(&namespace(file), Some(file)));
        *self = StorageContext {
            vector_stores: named.collect(),
            notices: std::mem::take(&mut self.notices),
            options: self.options,
            opened: Some(opened),
            ..StorageContext::default()
        };
    }

    /// The directory it was opened from.
    #[must_use]
    pub fn persist_dir(&self) -> Option<&Path> {
        self.opened.as_ref().map(|opened| opened.dir.as_path())
    }

    /// The generation of the twin that it shows.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.opened.as_ref().map(|o| o.snapshot.generation())
    }

    /// The generation's own account of itself.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        self.opened.as_ref().map(|o| o.snapshot.manifest())
    }

    /// What was odd about the JSON files when it was opened, and did not stop it.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Bytes fetched from binary files so far, see [`Snapshot::bytes_read`].
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.opened.as_ref().map_or(0, |o| o.snapshot.bytes_read())
    }
}
