//! Reading: one generation with all its files open.
//!
//! A reader takes no lock, needs no right to write and never waits. It opens
//! every segment file at once, because a file that is open stays readable
//! after a later gc unlinks it. If the gc was faster, the reader starts again
//! with the newest generation.
//!
//! A segment that cannot be opened concerns the stores that need it, and
//! those only when they are asked for.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    manifest::{self, Manifest, SegmentRef, Store},
    names::SegmentName,
    sync,
};
use crate::{
    container::{Container, Expected, Mended, OpenOptions, mend},
    error::{Error, Fault, Result},
};

/// How often a reader that gc overtakes starts again. Each time needs as many
/// commits as generations are kept, between reading a small file and opening
/// a few others.
const TRIES: u32 = 16;

/// One generation of a twin, open for reading.
#[derive(Debug)]
pub struct Snapshot {
    twin_dir: PathBuf,
    options: OpenOptions,
    manifest: Manifest,
    manifest_len: u64,
    /// The segments that could be opened.
    open: HashMap<SegmentName, Arc<Container>>,
}

/// A store of a snapshot with its files.
#[derive(Debug, Clone, Copy)]
pub struct OpenStore<'a> {
    snapshot: &'a Snapshot,
    store: &'a Store,
}

impl Snapshot {
    /// Opens the newest generation of the twin in `persist_dir`, or the one
    /// asked for.
    ///
    /// # Errors
    /// [`Error::NoTwin`]; [`Error::NoGeneration`]; [`Error::DamagedManifest`];
    /// [`Error::LostGeneration`];
    /// [`Error::Io`]. Not for a damaged segment: see
    /// [`segment`](Snapshot::segment).
    pub fn open(
        persist_dir: &Path,
        generation: Option<u64>,
        options: &OpenOptions,
    ) -> Result<Snapshot> {
        let twin_dir = manifest::twin_dir(persist_dir);
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let manifest = match generation {
                Some(generation) => manifest::read_kept(persist_dir, generation)?,
                None => match sync::read_newest(&twin_dir)? {
                    Some(manifest) => manifest,
                    None => {
                        sync::refuse_lost_manifests(persist_dir)?;
                        return Err(Error::NoTwin {
                            dir: persist_dir.to_owned(),
                        });
                    }
                },
            };
            let (snapshot, complete) = Snapshot::of(manifest, &twin_dir, options)?;
            // A file that is missing although the generation is still kept is
            // damage, which trying again does not heal.
            if complete || tries == 0 || snapshot.is_kept()? {
                return Ok(snapshot);
            }
        }
    }

    /// Opens a generation whose manifest is damaged, where that can be set right; with what
    /// was.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn open_mended(
        persist_dir: &Path,
        generation: u64,
        options: &OpenOptions,
    ) -> Result<Option<(Snapshot, Mended)>> {
        let twin_dir = manifest::twin_dir(persist_dir);
        let Some((manifest, mended)) = manifest::read_mended(&twin_dir, generation)? else {
            return Ok(None);
        };
        let (snapshot, _) = Snapshot::of(manifest, &twin_dir, options)?;
        Ok(Some((snapshot, mended)))
    }

    /// Opens all segments, and tells whether none of them was missing.
    fn of(manifest: Manifest, twin_dir: &Path, options: &OpenOptions) -> Result<(Snapshot, bool)> {
        let path = manifest::manifest_path(twin_dir, manifest.generation);
        let mut snapshot = Snapshot {
            twin_dir: twin_dir.to_owned(),
            options: *options,
            manifest_len: path.metadata().map_or(0, |m| m.len()),
            manifest,
            open: HashMap::new(),
        };
        let mut complete = true;
        let mut open = HashMap::new();
        for segment in snapshot.manifest.segments() {
            match snapshot.open_segment(segment) {
                Ok(container) => {
                    open.insert(segment.name, Arc::new(container));
                }
                Err(e) => complete &= !is_gone(&e),
            }
        }
        snapshot.open = open;
        Ok((snapshot, complete))
    }

    fn is_kept(&self) -> Result<bool> {
        let kept = manifest::generations(&self.twin_dir)?;
        Ok(kept.contains(&self.manifest.generation))
    }

    fn open_segment(&self, segment: &SegmentRef) -> Result<Container> {
        open_segment(&self.twin_dir, segment, &self.options)
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The number of the generation.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.manifest.generation
    }

    /// The directory of the twin.
    #[must_use]
    pub fn twin_dir(&self) -> &Path {
        &self.twin_dir
    }

    /// The store of the JSON file `file`.
    ///
    /// # Errors
    /// [`Error::NoStore`].
    pub fn store(&self, file: &str) -> Result<OpenStore<'_>> {
        let store = self.manifest.store(file).ok_or_else(|| Error::NoStore {
            name: file.to_owned(),
            known: self
                .manifest
                .stores
                .iter()
                .map(|s| s.file.clone())
                .collect(),
        })?;
        let snapshot = self;
        Ok(OpenStore { snapshot, store })
    }

    /// The stores, in the order of the manifest.
    pub fn stores(&self) -> impl Iterator<Item = OpenStore<'_>> {
        let snapshot = self;
        let stores = self.manifest.stores.iter();
        stores.map(move |store| OpenStore { snapshot, store })
    }

    /// The open file of one of the segments. One that could not be opened
    /// with the others is tried again, so that each caller gets the reason.
    ///
    /// # Errors
    /// [`Error::Damaged`], also when the file is missing; [`Error::Io`].
    pub fn segment(&self, segment: &SegmentRef) -> Result<Arc<Container>> {
        match self.open.get(&segment.name) {
            Some(container) => Ok(Arc::clone(container)),
            None => self.open_segment(segment).map(Arc::new),
        }
    }

    /// One of the segments with damage set right, as [`mend`] says.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn mended(&self, segment: &SegmentRef, guess: bool) -> Result<Option<Mended>> {
        let path = segment.name.path_in(&self.twin_dir);
        let kind = segment.name.kind().file_kind();
        mend(&path, kind, (segment.length, segment.root), guess)
    }

    /// Bytes fetched from the manifest and the segments so far. What is
    /// mapped is not counted, see [`Container::bytes_read`].
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        let segments = self.open.values().map(|c| c.bytes_read());
        segments.fold(self.manifest_len, u64::saturating_add)
    }
}

impl<'a> OpenStore<'a> {
    /// What the manifest says of it.
    #[must_use]
    pub fn record(&self) -> &'a Store {
        self.store
    }

    /// Its content in queryable form, oldest segment first.
    ///
    /// # Errors
    /// As [`Snapshot::segment`].
    pub fn segments(&self) -> Result<Vec<Arc<Container>>> {
        let segments = self.store.segments.iter();
        segments.map(|s| self.snapshot.segment(s)).collect()
    }

    /// Its text, if it is in file form.
    ///
    /// # Errors
    /// As [`Snapshot::segment`].
    pub fn verbatim(&self) -> Result<Option<Arc<Container>>> {
        let verbatim = self.store.verbatim.as_ref();
        verbatim.map(|s| self.snapshot.segment(s)).transpose()
    }
}

/// A store's files: those of its content, oldest first, and its text.
pub(crate) type StoreFiles = (Vec<Arc<Container>>, Option<Arc<Container>>);

/// Opens the files of a store that is not published yet.
///
/// # Errors
/// [`Error::Damaged`]; [`Error::Io`].
pub(crate) fn open_files(
    twin_dir: &Path,
    store: &Store,
    options: &OpenOptions,
) -> Result<StoreFiles> {
    let open = |segment| open_segment(twin_dir, segment, options).map(Arc::new);
    let segments = store.segments.iter().map(open);
    Ok((
        segments.collect::<Result<_>>()?,
        store.verbatim.as_ref().map(open).transpose()?,
    ))
}

/// Opens a file that a manifest names.
///
/// # Errors
/// [`Error::Damaged`], also when the file is missing; [`Error::Io`].
pub(crate) fn open_segment(
    twin_dir: &Path,
    segment: &SegmentRef,
    options: &OpenOptions,
) -> Result<Container> {
    let path = segment.name.path_in(twin_dir);
    let kind = segment.name.kind().file_kind();
    let SegmentRef { length, root, .. } = *segment;
    match Container::open(&path, kind, Expected::File { length, root }, options) {
        // The system's words would not say what to do.
        Err(e) if manifest::is_missing(&e) => Err(manifest::no_file(path, Fault::NoFile)),
        Err(e) if manifest::is_no_file(&e) => Err(manifest::no_file(path, Fault::NotAFile)),
        opened => opened,
    }
}

/// Whether a file that the manifest names is not there.
fn is_gone(error: &Error) -> bool {
    let Error::Damaged { fault, .. } = error else {
        return false;
    };
    *fault == Fault::NoFile
}

#[cfg(test)]
mod tests;
