//! A store as text, whichever form it is in.

use std::{path::Path, sync::Arc};

use crate::{
    container::{Container, FileKind},
    convert::{
        append::{Appended, compact_records, compact_rows},
        records, vector_store,
    },
    error::{Error, Fault, Place, Result},
    persist_dir::{Entries, OpenStore, Store, Writer},
    segment::{Compression, VerbatimSegment},
    store::{RecordStore, RowStore, VectorForm, VectorStore},
};

/// The opened segments of one store.
#[derive(Debug)]
pub(crate) struct StoreText {
    structure: Structure,
    /// The text itself, where the structure does not print it.
    verbatim: Option<VerbatimSegment>,
}

/// What a store is held in.
#[derive(Debug)]
pub(crate) enum Structure {
    /// It is a file and no more.
    None,
    Vectors(RowStore),
    Records(RecordStore),
}

impl Structure {
    fn open(segments: Vec<Arc<Container>>) -> Result<Structure> {
        // The manifest made sure that content comes first, and is of one kind.
        Ok(match segments.first().map(|file| file.kind()) {
            Some(FileKind::Vectors) => Structure::Vectors(RowStore::open(segments)?),
            Some(_) => Structure::Records(RecordStore::open(segments)?),
            None => Structure::None,
        })
    }
}

impl StoreText {
    /// Opens the segments of a store.
    pub(crate) fn open(store: &OpenStore<'_>) -> Result<StoreText> {
        StoreText::of_files(store.segments()?, store.verbatim()?)
    }

    /// Takes the open files of a store.
    pub(crate) fn of_files(
        segments: Vec<Arc<Container>>,
        verbatim: Option<Arc<Container>>,
    ) -> Result<StoreText> {
        Ok(StoreText {
            structure: Structure::open(segments)?,
            verbatim: verbatim.map(VerbatimSegment::open).transpose()?,
        })
    }

    /// A store of one segment that was just written.
    pub(crate) fn of_segment(file: Arc<Container>) -> Result<StoreText> {
        Ok(match file.kind() {
            FileKind::Verbatim => StoreText {
                structure: Structure::None,
                verbatim: Some(VerbatimSegment::open(file)?),
            },
            _ => StoreText {
                structure: Structure::open(vec![file])?,
                verbatim: None,
            },
        })
    }

    /// What the store is held in, beside or instead of its text.
    pub(crate) fn structure(&self) -> &Structure {
        &self.structure
    }

    /// Whether the text is kept, too.
    pub(crate) fn is_file_form(&self) -> bool {
        self.verbatim.is_some()
    }

    /// How many entries its segments have, and how many of those are deleted.
    pub(crate) fn entries(&self) -> Result<Entries> {
        let (all, dead) = match &self.structure {
            Structure::None => (0, 0),
            Structure::Vectors(rows) => rows.entry_counts()?,
            Structure::Records(records) => records.entry_counts()?,
        };
        Ok(Entries { all, dead })
    }

    /// Whether it has no entry. What is kept as text alone may have some.
    pub(crate) fn is_empty(&self) -> Result<bool> {
        if let Structure::None = self.structure {
            return Ok(false);
        }
        let Entries { all, dead } = self.entries()?;
        Ok(all == dead)
    }

    /// Merges the segments from number `from` on into one; `None` where one cannot
    /// hold them.
    pub(crate) fn compact(
        &self,
        writer: &Writer,
        from: usize,
        compression: Compression,
    ) -> Result<Option<Appended>> {
        match &self.structure {
            Structure::None => Ok(None),
            Structure::Vectors(rows) => compact_rows(writer, rows, from),
            Structure::Records(records) => compact_records(writer, records, from, compression),
        }
    }

    /// The same without the text.
    pub(crate) fn into_structure(self) -> Structure {
        self.structure
    }

    /// Prints the JSON file that the store is the twin of.
    pub(crate) fn print(&self, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match &self.verbatim {
            Some(verbatim) => verbatim.print(sink),
            None => self.print_structure(sink),
        }
    }

    /// Prints what the structure holds, also where the text says it otherwise.
    pub(crate) fn print_structure(&self, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match &self.structure {
            Structure::None => Ok(()),
            Structure::Vectors(vectors) => vector_store::print(vectors, sink),
            Structure::Records(store) => records::print(store, sink),
        }
    }
}

/// The JSON file that a store would be now, with all changes that were made to
/// it: in the style of its file, or, for one that has none, in the style that
/// LlamaIndex writes.
///
/// ```
/// use twinstore::{convert::json_of_records, store::GraphStore};
/// let mut store = GraphStore::empty();
/// store.upsert_triplet(b"cats", b"chase", b"mice")?;
/// let text = json_of_records(store.records())?;
/// assert_eq!(text, br#"{"graph_dict": {"cats": [["chase", "mice"]]}}"#);
/// # Ok::<(), twinstore::Error>(())
/// ```
///
/// # Errors
/// [`Error::Damaged`], [`Error::Io`].
pub fn json_of_records(store: &RecordStore) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    records::print(store, &mut |piece| {
        text.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(text)
}

/// The same for a vector store.
///
/// ```
/// use twinstore::{convert::json_of_vectors, store::VectorStore};
/// let text = json_of_vectors(&VectorStore::empty())?;
/// assert_eq!(
///     text,
///     br#"{"embedding_dict": {}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}"#
/// );
/// # Ok::<(), twinstore::Error>(())
/// ```
///
/// # Errors
/// As [`json_of_records`].
pub fn json_of_vectors(store: &VectorStore) -> Result<Vec<u8>> {
    match store.form() {
        VectorForm::Records(records) => json_of_records(records),
        VectorForm::Rows(rows) => {
            let mut text = Vec::new();
            vector_store::print(rows, &mut |piece| {
                text.extend_from_slice(piece);
                Ok(())
            })?;
            Ok(text)
        }
    }
}

/// The error for a store that prints another text than was packed.
pub(crate) fn other_text(twin_dir: &Path, store: &Store) -> Error {
    let segment = store.all_segments().last();
    let path = segment.map(|s| s.name.path_in(twin_dir));
    Error::Damaged {
        path: path.unwrap_or_else(|| twin_dir.to_owned()),
        place: Place {
            part: "file",
            offset: 0,
        },
        fault: Fault::Content,
    }
}

#[cfg(test)]
mod tests;
