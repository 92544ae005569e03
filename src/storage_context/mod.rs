//! The stores of a persist directory, tied together: LlamaIndex's
//! `StorageContext`, over the binary twin.
//!
//! * `notices.rs` compares the JSON files with the twin at open: what stops, and
//!   what is only worth a word;
//! * `load.rs` loads indices from it (`load_index_from_storage`).
//!
//! This layer knows which store is in which file. What stores mean is `store/`'s,
//! what the files hold is `convert/`'s and below.

mod load;
mod notices;

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

pub use load::{
    ComposableGraph, Index, NodeWithScore, load_graph_from_storage, load_index_from_storage,
    load_indices_from_storage,
};
pub use notices::Notice;

use crate::{
    container::OpenOptions,
    convert::{StoreText, Structure, store_name},
    error::{Error, NotFound, Result},
    persist_dir::{OpenStore, Snapshot, StoreKind},
    store::{
        ChatStore, DocumentStore, GraphStore, IndexStore, PropertyGraphStore, RecordStore,
        VectorStore,
    },
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
    /// `None` for a context of no directory, whose stores are empty.
    opened: Option<Opened>,
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
        let mut snapshot = Snapshot::open(dir, None, options)?;
        let notices = loop {
            let problem = match notices::compare(dir, snapshot.manifest()) {
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
        Ok(StorageContext::of(dir, snapshot, notices))
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
        Ok(StorageContext::of(dir, snapshot, Vec::new()))
    }

    fn of(dir: &Path, snapshot: Snapshot, notices: Vec<Notice>) -> StorageContext {
        let files = snapshot.manifest().stores.iter();
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
        StorageContext {
            vector_stores: named.collect(),
            opened: Some(Opened {
                dir: dir.to_owned(),
                snapshot,
            }),
            notices,
            ..StorageContext::default()
        }
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

    /// The documents.
    ///
    /// # Errors
    /// [`Error::NoStore`] where the directory has none; [`Error::Damaged`];
    /// [`Error::NotFound`] where the file is none that LlamaIndex could load.
    pub fn docstore(&self) -> Result<&DocumentStore> {
        open_once(&self.docstore, || {
            let records = self.required(StoreKind::DocumentStore, "docstore.json")?;
            Ok(records.map_or_else(DocumentStore::empty, DocumentStore::new))
        })
    }

    /// The structs of the indices.
    ///
    /// # Errors
    /// As [`docstore`](Self::docstore).
    pub fn index_store(&self) -> Result<&IndexStore> {
        open_once(&self.index_store, || {
            let records = self.required(StoreKind::IndexStore, "index_store.json")?;
            Ok(records.map_or_else(IndexStore::empty, IndexStore::new))
        })
    }

    /// The graph; an empty one where the directory has none.
    ///
    /// # Errors
    /// [`Error::Damaged`]; [`Error::NotFound`] where the file is none that LlamaIndex
    /// could load.
    pub fn graph_store(&self) -> Result<&GraphStore> {
        open_once(&self.graph_store, || {
            let records = self.records(StoreKind::GraphStore, "graph_store.json")?;
            Ok(records.map_or_else(GraphStore::empty, GraphStore::new))
        })
    }

    /// The property graph, if the directory has one.
    ///
    /// # Errors
    /// As [`graph_store`](Self::graph_store).
    pub fn property_graph_store(&self) -> Result<Option<&PropertyGraphStore>> {
        let store = open_once(&self.property_graph_store, || {
            let file = "property_graph_store.json";
            let records = self.records(StoreKind::PropertyGraphStore, file)?;
            Ok(records.map(PropertyGraphStore::new))
        })?;
        Ok(store.as_ref())
    }

    /// The chats in `chat_store.json`; none where there is no such file.
    ///
    /// # Errors
    /// As [`graph_store`](Self::graph_store).
    pub fn chat_store(&self) -> Result<&ChatStore> {
        open_once(&self.chat_store, || {
            let Some((file, text)) = self.text(StoreKind::ChatStore, "chat_store.json")? else {
                return Ok(ChatStore::empty());
            };
            if let (Structure::None, true) = (text.structure(), text.is_file_form()) {
                // Until 0.11 it was JSON within a JSON string.
                let mut whole = Vec::new();
                text.print(&mut |piece| {
                    whole.extend_from_slice(piece);
                    Ok(())
                })?;
                return ChatStore::from_text(whole);
            }
            as_records(file, text).map(ChatStore::new)
        })
    }

    /// The namespaces of the vector stores, in the order of the twin.
    pub fn vector_stores(&self) -> impl Iterator<Item = &str> {
        self.vector_stores.iter().map(|one| one.namespace.as_str())
    }

    /// The vector store of that namespace. The name of its file is understood, too.
    ///
    /// # Errors
    /// [`Error::NoStore`]; [`Error::Damaged`]; [`Error::NotFound`] where the file is
    /// none that LlamaIndex could load.
    pub fn vector_store(&self, namespace: &str) -> Result<&VectorStore> {
        let is_file = |one: &&NamedVectors| {
            let file = one.file.as_deref().unwrap_or_default();
            file == namespace || file.strip_suffix(".json") == Some(namespace)
        };
        let stores = &self.vector_stores;
        let named = stores.iter().find(|one| one.namespace == namespace);
        let Some(named) = named.or_else(|| stores.iter().find(is_file)) else {
            return Err(Error::NoStore {
                name: namespace.to_owned(),
                known: self.vector_stores().map(str::to_owned).collect(),
            });
        };
        open_once(&named.store, || {
            let (Some(opened), Some(file)) = (&self.opened, &named.file) else {
                return Ok(VectorStore::empty());
            };
            let text = StoreText::open(&opened.snapshot.store(file)?)?;
            match text.into_structure() {
                Structure::Vectors(rows) => Ok(VectorStore::rows(rows)),
                Structure::Records(records) => Ok(VectorStore::records(records)),
                Structure::None => Err(no_structure(file)),
            }
        })
    }

    /// The records of a store that every directory has; `None` without a directory.
    fn required(&self, kind: StoreKind, file: &str) -> Result<Option<RecordStore>> {
        match (self.records(kind, file)?, &self.opened) {
            (None, Some(opened)) => {
                opened.snapshot.store(file)?;
                Err(no_structure(file))
            }
            (records, _) => Ok(records),
        }
    }

    fn records(&self, kind: StoreKind, file: &str) -> Result<Option<RecordStore>> {
        let text = self.text(kind, file)?;
        text.map(|(file, text)| as_records(file, text)).transpose()
    }

    /// The store of that kind, if there is one: the one in `file`, which is what
    /// LlamaIndex would open, before one of another name (LlamaIndex.TS has some).
    fn text(&self, kind: StoreKind, file: &str) -> Result<Option<(&str, StoreText)>> {
        let Some(opened) = &self.opened else {
            return Ok(None);
        };
        let of_kind = |store: &OpenStore<'_>| store.record().kind == kind;
        let stores = || opened.snapshot.stores().filter(of_kind);
        let named = stores().find(|store| store.record().file == file);
        let Some(store) = named.or_else(|| stores().next()) else {
            return Ok(None);
        };
        Ok(Some((&store.record().file, StoreText::open(&store)?)))
    }
}

fn as_records(file: &str, text: StoreText) -> Result<RecordStore> {
    match text.into_structure() {
        Structure::Records(records) => Ok(records),
        _ => Err(no_structure(file)),
    }
}

fn no_structure(file: &str) -> Error {
    let store = file.to_owned();
    Error::NotFound(NotFound::Structure { store })
}

fn open_once<T>(cell: &OnceLock<T>, open: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(open) = cell.get() {
        return Ok(open);
    }
    let opened = open()?;
    // Two threads may both have opened it; one result is as good.
    Ok(cell.get_or_init(|| opened))
}
