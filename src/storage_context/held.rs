//! The stores of a context as what changes are written from.

use super::{StorageContext, stores};
use crate::{
    convert::{Appended, StoreText, append_records, append_rows, compact_records, compact_rows},
    error::Result,
    persist_dir::{StoreKind, Writer},
    segment::Compression,
    store::{ChatStore, RecordStore, VectorForm, VectorStore},
};

/// One of a context's stores.
pub(super) enum Held<'c> {
    Vectors(&'c VectorStore),
    Records(&'c RecordStore),
}

impl Held<'_> {
    /// Whether there are changes that are not written.
    pub(super) fn has_changes(&self) -> Result<bool> {
        match self {
            Held::Vectors(store) => store.has_changes(),
            Held::Records(store) => Ok(store.has_changes()),
        }
    }

    /// What it is held in.
    fn form(&self) -> VectorForm<'_> {
        match self {
            Held::Vectors(store) => store.form(),
            Held::Records(records) => VectorForm::Records(records),
        }
    }

    /// Whether it has no entry at all.
    fn is_empty(&self) -> Result<bool> {
        Ok(match self.form() {
            VectorForm::Rows(rows) => rows.live_entries()? == 0,
            VectorForm::Records(records) => records.live_entries()? == 0,
        })
    }

    /// Writes the changes as one more segment; `None` where that cannot be.
    pub(super) fn append(
        &self,
        writer: &Writer,
        compression: Compression,
    ) -> Result<Option<Appended>> {
        match self.form() {
            VectorForm::Rows(rows) => append_rows(writer, rows),
            VectorForm::Records(records) => append_records(writer, records, compression),
        }
    }

    /// Writes all of it, with the changes, as one segment; `None` where one cannot hold
    /// it.
    pub(super) fn compact(
        &self,
        writer: &Writer,
        compression: Compression,
    ) -> Result<Option<Appended>> {
        match self.form() {
            VectorForm::Rows(rows) => compact_rows(writer, rows, 0),
            VectorForm::Records(records) => compact_records(writer, records, 0, compression),
        }
    }
}

impl StorageContext {
    /// The stores that were opened, and hence may have changes, each with the file it
    /// is the twin of.
    pub(super) fn held(&self) -> Vec<(String, StoreKind, Held<'_>)> {
        use StoreKind as Kind;
        let mut held = Vec::new();
        let records = [
            (
                Kind::DocumentStore,
                stores::DOCSTORE,
                self.docstore.get().map(|store| store.records()),
            ),
            (
                Kind::IndexStore,
                stores::INDEX_STORE,
                self.index_store.get().map(|store| store.records()),
            ),
            (
                Kind::GraphStore,
                stores::GRAPH_STORE,
                self.graph_store.get().map(|store| store.records()),
            ),
            (
                Kind::PropertyGraphStore,
                stores::PROPERTY_GRAPH_STORE,
                self.property_graph_store
                    .get()
                    .and_then(|store| Some(store.as_ref()?.records())),
            ),
            (
                Kind::ChatStore,
                stores::CHAT_STORE,
                // LlamaIndex's context has no chat store: one without content gets no
                // file, however often it was looked into.
                self.chat_store
                    .get()
                    .and_then(ChatStore::records)
                    .filter(|records| records.has_changes()),
            ),
        ];
        for (kind, file, records) in records {
            if let Some(records) = records {
                held.push((self.file_of(kind, file), kind, Held::Records(records)));
            }
        }
        for named in &self.vector_stores {
            let Some(store) = named.store.get() else {
                continue;
            };
            held.push((named.file_name(), Kind::VectorStore, Held::Vectors(store)));
        }
        held
    }

    /// Whether any store has changes that are not persisted.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged).
    pub fn has_changes(&self) -> Result<bool> {
        for (file, _, held) in self.held() {
            if self.is_changed(&file, &held)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether there is something to be persisted of a store: changes, or that it was
    /// added. A vector store gets its file then, also an empty one.
    pub(super) fn is_changed(&self, file: &str, held: &Held<'_>) -> Result<bool> {
        let is_added = matches!(held, Held::Vectors(_))
            && self.opened.as_ref().is_some_and(|opened| {
                let manifest = opened.snapshot.manifest();
                manifest.store(file).is_none()
            });
        Ok(is_added || held.has_changes()?)
    }

    /// Whether no store has any content: neither those that were opened nor, as far as
    /// the context is of a directory, the others there.
    pub(super) fn is_empty(&self) -> Result<bool> {
        let held = self.held();
        for (_, _, store) in &held {
            if !store.is_empty()? {
                return Ok(false);
            }
        }
        let opened = self.opened.iter();
        for store in opened.flat_map(|opened| opened.snapshot.stores()) {
            let is_held = held.iter().any(|(file, ..)| *file == store.record().file);
            if !is_held && !StoreText::open(&store)?.is_empty()? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
