//! A store as text, whichever form it is in.

use std::{path::Path, sync::Arc};

use crate::{
    container::{Container, FileKind},
    convert::{records, vector_store},
    error::{Error, Fault, Place, Result},
    persist_dir::{OpenStore, Store},
    segment::VerbatimSegment,
    store::{RecordStore, RowStore},
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
        Ok(StoreText {
            structure: Structure::open(store.segments()?)?,
            verbatim: store.verbatim()?.map(VerbatimSegment::open).transpose()?,
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
