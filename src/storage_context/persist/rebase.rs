//! From one generation to a newer one, with or without changes of one's own.

use std::sync::OnceLock;

use crate::{
    convert::store_name,
    error::{Error, Result},
    persist_dir::{Snapshot, StoreKind},
    storage_context::{NamedVectors, Opened, StorageContext, held::Held},
    store::{
        ChatStore, DocumentStore, GraphStore, IndexStore, PropertyGraphStore, Rebase, RecordStore,
        VectorStore,
    },
};

impl StorageContext {
    /// Shows the newest generation of the twin, where somebody else has committed
    /// since. Says whether there was one. A context shows one generation, whole,
    /// until this is called.
    ///
    /// # Errors
    /// [`Error::UnsavedChanges`]; as [`from_persist_dir`](Self::from_persist_dir).
    pub fn reload(&mut self) -> Result<bool> {
        let Some(opened) = &self.opened else {
            return Ok(false);
        };
        if self.has_changes()? {
            return Err(Error::UnsavedChanges);
        }
        let dir = opened.dir.clone();
        let (newer, notices) = StorageContext::open_newest(&dir, &self.options, &|_| true)?;
        if newer.manifest() == opened.snapshot.manifest() {
            return Ok(false);
        }
        self.notices = notices;
        self.show(Opened {
            dir,
            snapshot: newer,
        });
        Ok(true)
    }

    /// Makes the changes of this context on the newest generation of the twin instead
    /// of the one they were made on, where somebody else has committed since. Says
    /// whether there was one.
    ///
    /// Changes are kept by key. Where both sides changed the same key this fails,
    /// and the context is as it was.
    ///
    /// # Errors
    /// [`Error::ConflictingChange`]; [`Error::Damaged`], [`Error::Io`].
    pub fn rebase(&mut self) -> Result<bool> {
        let Some(opened) = &self.opened else {
            return Ok(false);
        };
        let newest = Snapshot::open(&opened.dir, None, &self.options)?;
        if newest.manifest() == opened.snapshot.manifest() {
            return Ok(false);
        }
        let mut newer = StorageContext::of(&opened.dir, newest, self.notices.clone(), self.options);
        self.replay_on(&mut newer)?;
        newer.own_json.clone_from(&self.own_json);
        *self = newer;
        Ok(true)
    }
}

impl StorageContext {
    /// Makes all changes of this context on `newer`, which has none.
    fn replay_on(&self, newer: &mut StorageContext) -> Result<()> {
        let opened = self.generation().unwrap_or_default();
        for (file, kind, held) in self.held() {
            if !self.is_changed(&file, &held)? {
                continue;
            }
            let clash = |why| match why {
                Rebase::Error(e) => e,
                Rebase::Conflict { collection, key } => Error::ConflictingChange {
                    opened,
                    file: file.clone(),
                    collection: collection.to_string(),
                    key: String::from_utf8_lossy(&key).into_owned(),
                },
            };
            match held {
                Held::Vectors(store) => {
                    let theirs = newer.take_vectors(&file)?;
                    let mine = store.rebase(theirs).map_err(clash)?;
                    newer.set_vectors(&file, mine);
                }
                Held::Records(records) => {
                    let theirs = newer.records(kind, &file)?;
                    let theirs = theirs.unwrap_or_else(|| records.without_content());
                    let mine = records.rebase(theirs).map_err(clash)?;
                    newer.set_records(kind, mine);
                }
            }
        }
        Ok(())
    }

    /// The vector store in `file` as it was opened; an empty one where there is none.
    fn take_vectors(&mut self, file: &str) -> Result<VectorStore> {
        let named = self.vector_stores.iter().any(|one| one.file_name() == file);
        if !named {
            let new = NamedVectors::new(store_name(file), None);
            self.vector_stores.push(new);
        }
        self.vector_store(file)?;
        let mut named = self.vector_stores.iter_mut();
        let named = named.find(|one| one.file_name() == file);
        let taken = named.and_then(|one| one.store.take());
        Ok(taken.unwrap_or_else(VectorStore::empty))
    }

    fn set_vectors(&mut self, file: &str, store: VectorStore) {
        let mut named = self.vector_stores.iter_mut();
        if let Some(one) = named.find(|one| one.file_name() == file) {
            one.store = OnceLock::from(store);
        }
    }

    pub(super) fn set_records(&mut self, kind: StoreKind, records: RecordStore) {
        match kind {
            StoreKind::DocumentStore => self.docstore = DocumentStore::new(records).into(),
            StoreKind::IndexStore => self.index_store = IndexStore::new(records).into(),
            StoreKind::GraphStore => self.graph_store = GraphStore::new(records).into(),
            StoreKind::PropertyGraphStore => {
                self.property_graph_store = Some(PropertyGraphStore::new(records)).into();
            }
            StoreKind::ChatStore => self.chat_store = ChatStore::new(records).into(),
            // No store of these is held.
            StoreKind::VectorStore | StoreKind::IngestionCache | StoreKind::Other => {}
        }
    }
}
