//! A store as text, whichever form it is in.

use std::{path::PathBuf, sync::Arc};

use crate::{
    container::Container,
    convert::vector_store,
    error::{Error, Fault, Place, Result},
    persist_dir::{OpenStore, StoreKind},
    segment::{VectorSegment, VerbatimSegment},
};

/// The opened segments of one store.
#[derive(Debug)]
pub(crate) struct StoreText {
    vectors: Option<VectorSegment>,
    /// The text itself, where rows do not print it.
    verbatim: Option<VerbatimSegment>,
}

impl StoreText {
    /// Opens the segments of a store. `manifest` is for errors.
    pub(crate) fn open(store: &OpenStore<'_>, manifest: PathBuf) -> Result<StoreText> {
        let verbatim = store.verbatim()?.map(VerbatimSegment::open).transpose()?;
        let vectors = match (store.record().kind, store.segments()?.as_slice()) {
            (StoreKind::VectorStore, [segment]) => Some(VectorSegment::open(Arc::clone(segment))?),
            (_, []) if verbatim.is_some() => None,
            // This version writes neither several segments of a store nor
            // structure for other kinds.
            _ => {
                return Err(Error::Damaged {
                    path: manifest,
                    place: Place {
                        part: "META",
                        offset: 0,
                    },
                    fault: Fault::Value("the list of a store's segments"),
                });
            }
        };
        Ok(StoreText { vectors, verbatim })
    }

    /// A store of one segment that was just written.
    pub(crate) fn of_vectors(file: Container) -> Result<StoreText> {
        Ok(StoreText {
            vectors: Some(VectorSegment::open(Arc::new(file))?),
            verbatim: None,
        })
    }

    /// A file in file form that was just written.
    pub(crate) fn of_verbatim(file: Container) -> Result<StoreText> {
        Ok(StoreText {
            vectors: None,
            verbatim: Some(VerbatimSegment::open(Arc::new(file))?),
        })
    }

    /// The rows, where the store has them.
    pub(crate) fn vectors(&self) -> Option<&VectorSegment> {
        self.vectors.as_ref()
    }

    /// Prints the JSON file that the store is the twin of.
    pub(crate) fn print(&self, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match (&self.verbatim, &self.vectors) {
            (Some(verbatim), _) => verbatim.print(sink),
            (None, Some(vectors)) => vector_store::print(vectors, sink),
            (None, None) => Ok(()),
        }
    }
}
