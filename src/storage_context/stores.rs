//! The stores of a context, each opened when it is first asked for.

use std::sync::OnceLock;

use super::{NamedVectors, StorageContext};
use crate::{
    convert::{StoreText, Structure},
    error::{Error, NotFound, Result},
    persist_dir::{OpenStore, Store, StoreKind, is_store_file},
    store::{
        ChatStore, DocumentStore, GraphStore, IndexStore, PropertyGraphStore, RecordStore,
        VectorStore,
    },
};

/// The file of each kind of store, as LlamaIndex names them.
pub(super) const DOCSTORE: &str = "docstore.json";
pub(super) const INDEX_STORE: &str = "index_store.json";
pub(super) const GRAPH_STORE: &str = "graph_store.json";
pub(super) const PROPERTY_GRAPH_STORE: &str = "property_graph_store.json";
pub(super) const CHAT_STORE: &str = "chat_store.json";

impl StorageContext {
    /// The documents.
    ///
    /// # Errors
    /// [`Error::NoStore`] where the directory has none; [`Error::Damaged`];
    /// [`Error::NotFound`] where the file is none that LlamaIndex could load.
    pub fn docstore(&self) -> Result<&DocumentStore> {
        open_once(&self.docstore, || {
            let records = self.required(StoreKind::DocumentStore, DOCSTORE)?;
            Ok(records.map_or_else(DocumentStore::empty, DocumentStore::new))
        })
    }

    /// The documents, to be changed.
    ///
    /// # Errors
    /// As [`docstore`](Self::docstore).
    pub fn docstore_mut(&mut self) -> Result<&mut DocumentStore> {
        self.docstore()?;
        opened(&mut self.docstore, DOCSTORE)
    }

    /// The structs of the indices.
    ///
    /// # Errors
    /// As [`docstore`](Self::docstore).
    pub fn index_store(&self) -> Result<&IndexStore> {
        open_once(&self.index_store, || {
            let records = self.required(StoreKind::IndexStore, INDEX_STORE)?;
            Ok(records.map_or_else(IndexStore::empty, IndexStore::new))
        })
    }

    /// The structs of the indices, to be changed.
    ///
    /// # Errors
    /// As [`docstore`](Self::docstore).
    pub fn index_store_mut(&mut self) -> Result<&mut IndexStore> {
        self.index_store()?;
        opened(&mut self.index_store, INDEX_STORE)
    }

    /// The graph; an empty one where the directory has none.
    ///
    /// # Errors
    /// [`Error::Damaged`]; [`Error::NotFound`] where the file is none that LlamaIndex
    /// could load.
    pub fn graph_store(&self) -> Result<&GraphStore> {
        open_once(&self.graph_store, || {
            let records = self.records(StoreKind::GraphStore, GRAPH_STORE)?;
            Ok(records.map_or_else(GraphStore::empty, GraphStore::new))
        })
    }

    /// The graph, to be changed.
    ///
    /// # Errors
    /// As [`graph_store`](Self::graph_store).
    pub fn graph_store_mut(&mut self) -> Result<&mut GraphStore> {
        self.graph_store()?;
        opened(&mut self.graph_store, GRAPH_STORE)
    }

    /// The property graph, if the directory has one.
    ///
    /// # Errors
    /// As [`graph_store`](Self::graph_store).
    pub fn property_graph_store(&self) -> Result<Option<&PropertyGraphStore>> {
        let store = open_once(&self.property_graph_store, || {
            let records = self.records(StoreKind::PropertyGraphStore, PROPERTY_GRAPH_STORE)?;
            Ok(records.map(PropertyGraphStore::new))
        })?;
        Ok(store.as_ref())
    }

    /// The property graph, to be changed. Where there is none, a context gets an empty
    /// one.
    ///
    /// # Errors
    /// As [`graph_store`](Self::graph_store).
    pub fn property_graph_store_mut(&mut self) -> Result<&mut PropertyGraphStore> {
        self.property_graph_store()?;
        let store = opened(&mut self.property_graph_store, PROPERTY_GRAPH_STORE)?;
        Ok(store.get_or_insert_with(PropertyGraphStore::empty))
    }

    /// The records of the store of a kind, whatever they mean: `None` for a kind that
    /// has no records, and where the directory has no such store.
    ///
    /// # Errors
    /// As [`docstore`](Self::docstore).
    pub fn records_of(&self, kind: StoreKind) -> Result<Option<&RecordStore>> {
        Ok(match kind {
            StoreKind::DocumentStore => Some(self.docstore()?.records()),
            StoreKind::IndexStore => Some(self.index_store()?.records()),
            StoreKind::GraphStore => Some(self.graph_store()?.records()),
            StoreKind::PropertyGraphStore => {
                let graph = self.property_graph_store()?;
                graph.map(PropertyGraphStore::records)
            }
            _ => None,
        })
    }

    /// The same, to be changed. Where there is no property graph, a context gets an
    /// empty one.
    ///
    /// # Errors
    /// As [`docstore`](Self::docstore).
    pub fn records_of_mut(&mut self, kind: StoreKind) -> Result<Option<&mut RecordStore>> {
        Ok(match kind {
            StoreKind::DocumentStore => Some(self.docstore_mut()?.records_mut()),
            StoreKind::IndexStore => Some(self.index_store_mut()?.records_mut()),
            StoreKind::GraphStore => Some(self.graph_store_mut()?.records_mut()),
            StoreKind::PropertyGraphStore => Some(self.property_graph_store_mut()?.records_mut()),
            _ => None,
        })
    }

    /// The chats in `chat_store.json`; none where there is no such file.
    ///
    /// # Errors
    /// As [`graph_store`](Self::graph_store).
    pub fn chat_store(&self) -> Result<&ChatStore> {
        open_once(&self.chat_store, || {
            let Some((file, text)) = self.text(StoreKind::ChatStore, CHAT_STORE)? else {
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

    /// The chats, to be changed.
    ///
    /// # Errors
    /// As [`graph_store`](Self::graph_store).
    pub fn chat_store_mut(&mut self) -> Result<&mut ChatStore> {
        self.chat_store()?;
        opened(&mut self.chat_store, CHAT_STORE)
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
        let number = self.number_of(namespace)?;
        let Some(named) = self.vector_stores.get(number) else {
            return Err(self.no_vector_store(namespace));
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

    /// The vector store of that namespace, to be changed. (`add_vector_store` makes one.)
    ///
    /// # Errors
    /// As [`vector_store`](Self::vector_store).
    pub fn vector_store_mut(&mut self, namespace: &str) -> Result<&mut VectorStore> {
        self.vector_store(namespace)?;
        let number = self.number_of(namespace)?;
        let named = self.vector_stores.get_mut(number);
        let named = named.ok_or_else(|| no_structure(namespace))?;
        opened(&mut named.store, namespace)
    }

    /// Adds an empty vector store (`StorageContext.add_vector_store`). Where there is one
    /// of that namespace, that is given.
    ///
    /// # Errors
    /// [`Error::StoreName`] for a namespace that makes no name of a file; as
    /// [`vector_store`](Self::vector_store).
    pub fn add_vector_store(&mut self, namespace: &str) -> Result<&mut VectorStore> {
        if self.number_of(namespace).is_err() {
            let new = NamedVectors::new(namespace, None);
            let name = new.file_name();
            if !is_store_file(&name) {
                return Err(Error::StoreName { name });
            }
            self.vector_stores.push(new);
        }
        self.vector_store_mut(namespace)
    }

    fn number_of(&self, namespace: &str) -> Result<usize> {
        let is_file = |one: &NamedVectors| {
            let file = one.file_name();
            file == namespace || file.strip_suffix(".json") == Some(namespace)
        };
        let stores = &self.vector_stores;
        let named = stores.iter().position(|one| one.namespace == namespace);
        let number = named.or_else(|| stores.iter().position(is_file));
        number.ok_or_else(|| self.no_vector_store(namespace))
    }

    fn no_vector_store(&self, namespace: &str) -> Error {
        Error::NoStore {
            name: namespace.to_owned(),
            known: self.vector_stores().map(str::to_owned).collect(),
        }
    }

    /// Opens every store.
    pub(super) fn open_all(&self) -> Result<()> {
        self.docstore()?;
        self.index_store()?;
        self.graph_store()?;
        self.property_graph_store()?;
        for namespace in self.vector_stores() {
            self.vector_store(namespace)?;
        }
        Ok(())
    }

    /// The file that the store of a kind is the twin of: the one it was opened from,
    /// else the one that LlamaIndex would write.
    pub(super) fn file_of(&self, kind: StoreKind, file: &str) -> String {
        let store = self.opened.as_ref().and_then(|opened| {
            let of_kind = |store: &&Store| store.kind == kind;
            let mut stores = opened.snapshot.manifest().stores.iter().filter(of_kind);
            let named = stores.clone().find(|store| store.file == file);
            named.or_else(|| stores.next())
        });
        store.map_or_else(|| file.to_owned(), |store| store.file.clone())
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

    pub(super) fn records(&self, kind: StoreKind, file: &str) -> Result<Option<RecordStore>> {
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

/// A store that was just opened.
fn opened<'c, T>(cell: &'c mut OnceLock<T>, file: &str) -> Result<&'c mut T> {
    // It is there: whoever calls this has opened it.
    cell.get_mut().ok_or_else(|| no_structure(file))
}
