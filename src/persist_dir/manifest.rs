//! The manifest: which files make up one generation of the twin.
//!
//! A generation is one committed state. Its manifest is a small container
//! with one value, written once under the generation's number and never
//! changed. Opening the twin means reading the manifest with the highest
//! number; there is no pointer to it that could be torn.
//!
//! A manifest that decodes is not yet a manifest that is believed:
//! [`Manifest::believe`] checks what the fields must mean together, before
//! anything in them becomes a path.

use std::{
    collections::HashSet,
    fmt, io,
    path::{Path, PathBuf},
};

use bincode::{Decode, Encode};

use super::{
    fingerprint::Fingerprint,
    names::{self, SegmentKind, SegmentName, TWIN},
};
use crate::{
    container::{FileKind, Mended, SectionKind, Written, record},
    error::{Error, Fault, Place, Result},
};

/// One committed state of the twin.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Manifest {
    /// Counted from 1; the file name says the same.
    pub generation: u64,
    /// The highest generation when this one was committed; 0 for none.
    pub parent: u64,
    /// Name and version of the program that wrote it.
    pub writer: String,
    /// When, in milliseconds since 1970.
    pub created_ms: u64,
    /// The stores, in the order in which they were added.
    pub stores: Vec<Store>,
}

/// One store: the twin of one JSON file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Store {
    /// The JSON file's name in the persist directory.
    pub file: String,
    /// What LlamaIndex keeps in it.
    pub kind: StoreKind,
    /// The generation that last changed the *content*. Compaction does not
    /// change it.
    pub changed: u64,
    /// The text it was packed from; `None` for a store that never was JSON.
    pub packed: Option<Packed>,
    /// The content in queryable form, oldest segment first.
    pub segments: Vec<SegmentRef>,
    /// The text itself, for a store in file form: one whose text the segments
    /// do not print back to the byte, or that has none.
    pub verbatim: Option<SegmentRef>,
}

impl Store {
    /// Every segment, the text's last.
    pub fn all_segments(&self) -> impl Iterator<Item = &SegmentRef> {
        self.segments.iter().chain(&self.verbatim)
    }

    /// The first of its segments that is not there, not as long as stated, or no file but,
    /// say, a link to one, which no reader follows.
    #[must_use]
    pub fn missing_segment(&self, twin_dir: &Path) -> Option<&SegmentRef> {
        self.all_segments().find(|segment| {
            match std::fs::symlink_metadata(segment.name.path_in(twin_dir)) {
                Ok(meta) => !meta.is_file() || meta.len() != segment.length,
                Err(e) => e.kind() == std::io::ErrorKind::NotFound,
            }
        })
    }

    /// Checks which kinds of segments stand together.
    fn believe_kinds(&self) -> Result<(), Fault> {
        use SegmentKind::{Records, Tombstones, Vectors, Verbatim};
        if self.all_segments().next().is_none() {
            return Err(Fault::Value("a store without segments"));
        }
        let kinds: Vec<SegmentKind> = self.segments.iter().map(|s| s.name.kind()).collect();
        let sound = match kinds.as_slice() {
            [] => true,
            [first @ (Vectors | Records), others @ .., Tombstones]
            | [first @ (Vectors | Records), others @ ..] => others.iter().all(|kind| kind == first),
            _ => false,
        };
        if !sound || self.verbatim.iter().any(|s| s.name.kind() != Verbatim) {
            return Err(Fault::Value("a segment's kind"));
        }
        Ok(())
    }

    /// The form of the store, which follows from its segments.
    #[must_use]
    pub fn form(&self) -> Form {
        match self.verbatim {
            None => Form::Structural,
            Some(_) => Form::File,
        }
    }
}

/// A JSON text that a store was packed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Packed {
    /// A generation whose content equals it.
    pub generation: u64,
    /// What recognises it.
    pub text: Fingerprint,
    /// Whether it was whole JSON, and what LlamaIndex can load as that store, as far
    /// as the packer saw; at least, [`JsonDamage`](super::JsonDamage) found nothing.
    /// Where it was, a successor that is not is taken for damaged; where it was not,
    /// as with a FAISS index, for a new text.
    pub is_json: bool,
}

/// In what form a store is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Segments from which the text is printed.
    Structural,
    /// The text as it was; beside it, maybe, segments for queries.
    File,
}

/// A segment file as the manifest names it: the one file with that name,
/// length and content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SegmentRef {
    /// The file's name.
    pub name: SegmentName,
    /// Its length in bytes.
    pub length: u64,
    /// Its content root.
    pub root: [u8; 16],
}

impl SegmentRef {
    /// The reference to a file that was just written.
    #[must_use]
    pub fn new(name: SegmentName, written: Written) -> SegmentRef {
        let Written { length, root } = written;
        SegmentRef { name, length, root }
    }
}

/// What a store is to LlamaIndex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum StoreKind {
    /// A `SimpleVectorStore`.
    VectorStore,
    /// A `SimpleDocumentStore`.
    DocumentStore,
    /// A `SimpleIndexStore`.
    IndexStore,
    /// A `SimpleGraphStore`.
    GraphStore,
    /// A `SimplePropertyGraphStore`.
    PropertyGraphStore,
    /// A `SimpleChatStore`.
    ChatStore,
    /// The cache of an ingestion pipeline.
    IngestionCache,
    /// A file that is no store LlamaIndex knows.
    Other,
}

impl StoreKind {
    /// Whether LlamaIndex's `StorageContext` has such a store.
    #[must_use]
    pub fn is_in_contexts(self) -> bool {
        !matches!(
            self,
            StoreKind::ChatStore | StoreKind::IngestionCache | StoreKind::Other
        )
    }

    /// The kind in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            StoreKind::VectorStore => "vector store",
            StoreKind::DocumentStore => "document store",
            StoreKind::IndexStore => "index store",
            StoreKind::GraphStore => "graph store",
            StoreKind::PropertyGraphStore => "property graph store",
            StoreKind::ChatStore => "chat store",
            StoreKind::IngestionCache => "ingestion cache",
            StoreKind::Other => "other file",
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Manifest {
    /// The store of that JSON file.
    #[must_use]
    pub fn store(&self, file: &str) -> Option<&Store> {
        self.stores.iter().find(|s| s.file == file)
    }

    /// The segment files of all stores.
    pub fn segments(&self) -> impl Iterator<Item = &SegmentRef> {
        self.stores.iter().flat_map(Store::all_segments)
    }

    /// Checks what the fields must mean together; the writer checks the same
    /// before it publishes.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn believe(self, generation: u64) -> Result<Manifest, Fault> {
        if self.generation != generation || generation == 0 {
            return Err(Fault::Value("the generation"));
        }
        if self.parent >= generation {
            return Err(Fault::Value("the parent generation"));
        }
        let mut files = HashSet::new();
        let mut segments = HashSet::new();
        for store in &self.stores {
            if !names::is_store_file(&store.file) {
                return Err(Fault::Value("a store's file name"));
            }
            if !files.insert(&store.file) {
                return Err(Fault::Value("a repeated store"));
            }
            let packed = store.packed.map_or(1, |p| p.generation);
            if ![store.changed, packed]
                .iter()
                .all(|g| (1..=generation).contains(g))
            {
                return Err(Fault::Value("a store's generation"));
            }
            store.believe_kinds()?;
            if !store.all_segments().all(|s| segments.insert(s.name)) {
                return Err(Fault::Value("a repeated segment"));
            }
        }
        Ok(self)
    }
}

/// The twin's directory in a persist directory.
#[must_use]
pub fn twin_dir(persist_dir: &Path) -> PathBuf {
    persist_dir.join(TWIN)
}

/// The path of the manifest of `generation`.
#[must_use]
pub fn manifest_path(twin_dir: &Path, generation: u64) -> PathBuf {
    twin_dir.join(names::manifest_name(generation))
}

/// The generations in `twin_dir`, oldest first; none if there is no such
/// directory. Whether their manifests are whole is not looked at.
///
/// # Errors
/// [`Error::Io`].
pub fn generations(twin_dir: &Path) -> Result<Vec<u64>> {
    let entries = match std::fs::read_dir(twin_dir) {
        // A link that leads nowhere may lead to a twin when a disk is back.
        Err(e) if e.kind() == io::ErrorKind::NotFound && twin_dir.symlink_metadata().is_err() => {
            return Ok(Vec::new());
        }
        other => other.map_err(Error::io("list", twin_dir))?,
    };
    let mut generations = Vec::new();
    for entry in entries {
        let name = entry.map_err(Error::io("list", twin_dir))?.file_name();
        generations.extend(name.to_str().and_then(names::parse_manifest_name));
    }
    generations.sort_unstable();
    Ok(generations)
}

/// Reads the manifest of `generation` and believes it.
///
/// # Errors
/// [`Error::Damaged`]; [`Error::Io`].
pub fn read(twin_dir: &Path, generation: u64) -> Result<Manifest> {
    let path = manifest_path(twin_dir, generation);
    let manifest: Manifest = record::read(&path, FileKind::Manifest)?;
    let believed = manifest.believe(generation);
    believed.map_err(|fault| refused(&path, fault))
}

/// A damaged manifest, where it can be set right; with what was.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn read_mended(twin_dir: &Path, generation: u64) -> Result<Option<(Manifest, Mended)>> {
    let path = manifest_path(twin_dir, generation);
    let found: Option<(Manifest, _)> = record::read_mended(&path, FileKind::Manifest)?;
    Ok(found.and_then(|(manifest, mended)| Some((manifest.believe(generation).ok()?, mended))))
}

/// Reads the manifest of the highest generation; `None` where there is none.
///
/// # Errors
/// [`Error::DamagedManifest`] when it is damaged: an older generation is
/// named, but not opened in its place; [`Error::Io`].
pub fn read_highest(twin_dir: &Path) -> Result<Option<Manifest>> {
    let mut seen = 0;
    loop {
        let Some(&highest) = generations(twin_dir)?.last() else {
            return Ok(None);
        };
        match read(twin_dir, highest) {
            // Commits and a gc went by since the directory was listed. Each
            // turn needs a higher number, so this ends.
            Err(e) if is_missing(&e) && highest > seen => seen = highest,
            other => return name_previous(other, twin_dir, highest).map(Some),
        }
    }
}

/// Reads the manifest of one generation that was asked for by number.
///
/// # Errors
/// [`Error::NoTwin`]; [`Error::NoGeneration`] with those there are;
/// [`Error::DamagedManifest`]; [`Error::Io`].
pub fn read_kept(persist_dir: &Path, generation: u64) -> Result<Manifest> {
    let twin_dir = twin_dir(persist_dir);
    let result = read(&twin_dir, generation);
    if !result.as_ref().is_err_and(is_missing) {
        return name_previous(result, &twin_dir, generation);
    }
    let dir = persist_dir.to_owned();
    let kept = generations(&twin_dir)?;
    Err(if kept.is_empty() {
        Error::NoTwin { dir }
    } else {
        Error::NoGeneration {
            dir,
            generation,
            kept,
        }
    })
}

/// Turns damage of a manifest into an error that names the newest older
/// generation whose manifest is whole. What a later version wrote is no damage.
fn name_previous<T>(result: Result<T>, twin_dir: &Path, generation: u64) -> Result<T> {
    let source = match result {
        // Nobody should give a twin up because a later release wrote it.
        Err(Error::Damaged { ref fault, .. }) if fault.is_of_later_version() => return result,
        Err(source @ Error::Damaged { .. }) => source,
        // A directory, say, in its place.
        Err(source) if is_no_file(&source) => source,
        other => return other,
    };
    let generations = generations(twin_dir)?.into_iter().rev();
    let mut older = generations.filter(|&g| g < generation);
    Err(Error::DamagedManifest {
        generation,
        previous: older.find(|&g| read(twin_dir, g).is_ok()),
        source: Box::new(source),
    })
}

/// Whether something else was in the place of a file.
pub(super) fn is_no_file(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::InvalidInput)
}

/// Whether a file was not there.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// What is wrong where a manifest names a file and none is there.
pub(super) fn no_file(path: PathBuf, fault: Fault) -> Error {
    Error::Damaged {
        path,
        place: Place {
            part: "file",
            offset: 0,
        },
        fault,
    }
}

/// A record whose bytes are right and whose meaning is not.
pub(super) fn refused(path: &Path, fault: Fault) -> Error {
    Error::Damaged {
        path: path.to_owned(),
        place: Place {
            part: SectionKind::META.name(),
            offset: 0,
        },
        fault,
    }
}

#[cfg(test)]
mod tests;
