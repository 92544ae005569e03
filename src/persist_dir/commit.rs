//! Committing: the one way in which a twin changes.
//!
//! A [`Writer`] holds the lock, gives out fresh names for segment files, and
//! publishes a list of stores as the next generation. Nothing that is
//! published is ever written again. What a crash leaves behind has a name that
//! no manifest mentions, so that an interrupted commit needs no recovery: it
//! did not happen, and the next gc sweeps up.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    durable,
    lock::Lock,
    manifest::{self, Manifest, SegmentRef, Store},
    names::{self, SegmentKind, SegmentName},
    sync::{self, SyncFile},
};
use crate::{
    container::{FileKind, record},
    error::{Error, Fault, Place, Result},
};

/// The program that writes, as manifests name it.
const PROGRAM: &str = concat!("twinstore ", env!("CARGO_PKG_VERSION"));

/// The only writer of a twin, for as long as it lives.
#[derive(Debug)]
pub struct Writer {
    persist_dir: PathBuf,
    lock: Lock,
    base: Option<Manifest>,
    highest: u64,
    /// The highest number that was ever given, as far as is known.
    given: u64,
    /// A sync failed.
    poisoned: bool,
}

impl Writer {
    /// Locks the twin of `persist_dir`, creating `twin/` if it is missing, and
    /// reads its newest generation.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::DamagedManifest`] and [`Error::LostGeneration`], in
    /// which case [`recover`](Writer::recover) opens what can be opened; [`Error::Io`].
    pub fn open(persist_dir: &Path) -> Result<Writer> {
        let mut writer = Writer::locked(persist_dir)?;
        writer.base = sync::read_newest(writer.twin_dir())?;
        Ok(writer)
    }

    /// Like [`open`](Writer::open), but on top of the generation `base`, or of
    /// nothing, whatever the newest one holds. Going back to a generation and
    /// replacing a damaged one are what this is for; what is published still
    /// takes the next number.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::NoGeneration`]; [`Error::DamagedManifest`]
    /// when `base` itself is damaged; [`Error::Io`].
    pub fn recover(persist_dir: &Path, base: Option<u64>) -> Result<Writer> {
        let mut writer = Writer::locked(persist_dir)?;
        if let Some(generation) = base {
            writer.base = Some(manifest::read_kept(persist_dir, generation)?);
        }
        Ok(writer)
    }

    fn locked(persist_dir: &Path) -> Result<Writer> {
        let twin_dir = manifest::twin_dir(persist_dir);
        if manifest::generations(&twin_dir)?.is_empty() {
            durable::create_dir(&twin_dir)?;
        }
        let lock = Lock::acquire(&twin_dir)?;
        let highest = highest(&twin_dir)?;
        // The number of a generation that was lost is not given again: `sync` may tell of
        // texts by it. (One that is far off comes from somewhere else.)
        let (sync, _) = SyncFile::load(&twin_dir);
        let is_near = sync.generation.saturating_sub(highest) <= u64::from(u32::MAX);
        let lost = Some(sync.generation).filter(|_| is_near);
        Ok(Writer {
            persist_dir: persist_dir.to_owned(),
            lock,
            base: None,
            highest,
            given: highest.max(lost.unwrap_or_default()),
            poisoned: false,
        })
    }

    /// The generation to build on: the newest, unless another was asked for.
    #[must_use]
    pub fn base(&self) -> Option<&Manifest> {
        self.base.as_ref()
    }

    /// The highest generation there is, 0 for none: the `parent` of a commit
    /// that nothing has come between.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// The generation that the next commit makes, and hence the
    /// [`Store::changed`] of the stores that it changes.
    #[must_use]
    pub fn next_generation(&self) -> u64 {
        self.given.saturating_add(1)
    }

    /// The persist directory.
    #[must_use]
    pub fn persist_dir(&self) -> &Path {
        &self.persist_dir
    }

    /// The directory of the twin.
    #[must_use]
    pub fn twin_dir(&self) -> &Path {
        self.lock.twin_dir()
    }

    /// The lock, as the permission to collect garbage and to record what is
    /// known of the JSON files.
    #[must_use]
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// A fresh name for a segment, and the path to write it at.
    ///
    /// # Errors
    /// [`Error::Forked`]; [`Error::Io`].
    pub fn fresh(&self, kind: SegmentKind) -> Result<(SegmentName, PathBuf)> {
        self.lock.check_owner()?;
        let name = SegmentName::fresh(kind);
        let name = name.map_err(Error::io("name a new file in", self.twin_dir()))?;
        Ok((name, name.path_in(self.twin_dir())))
    }

    /// Publishes `stores` as the next generation. `parent` is the generation
    /// that the changes were made on.
    ///
    /// Every segment was written and synced by its own writer. When this
    /// returns `Ok`, the generation survives a power loss. After an error of
    /// the system, the commit may or may not have happened, which only
    /// opening the directory again can tell; hence the writer is then
    /// poisoned. After any other error, nothing was published.
    ///
    /// # Errors
    /// [`Error::Conflict`] when `parent` is not the highest generation any
    /// more; [`Error::Damaged`] when a segment that is new is not as stated, or the stores
    /// break a rule of [`Manifest::believe`]; [`Error::Poisoned`];
    /// [`Error::Forked`]; [`Error::Io`].
    pub fn publish(&mut self, parent: u64, stores: Vec<Store>) -> Result<Manifest> {
        self.lock.check_owner()?;
        if self.poisoned {
            return Err(Error::Poisoned {
                dir: self.persist_dir.clone(),
            });
        }
        // Also where that number is above the next one, which no manifest could tell.
        self.check_parent(parent)?;
        let generation = self.next_generation();
        let manifest = Manifest {
            generation,
            parent,
            writer: PROGRAM.to_owned(),
            created_ms: now_ms(),
            stores,
        };
        let target = manifest::manifest_path(self.twin_dir(), generation);
        let manifest = manifest.believe(generation);
        let manifest = manifest.map_err(|fault| manifest::refused(&target, fault))?;
        // A file that was lost before is no reason to refuse what is written of other stores.
        let base = self.base.iter().flat_map(Manifest::segments);
        let known: HashSet<SegmentName> = base.map(|segment| segment.name).collect();
        for segment in manifest.segments().filter(|s| !known.contains(&s.name)) {
            self.check_segment(segment)?;
        }
        let outcome = self.make_durable(&manifest, &target);
        self.poisoned = matches!(outcome, Err(Error::Io { .. }));
        outcome?;
        self.highest = generation;
        self.given = generation;
        self.base = Some(manifest.clone());
        Ok(manifest)
    }

    /// The protocol. Crash runs proved each step to be needed: see
    /// `docs/FORMAT.md`.
    fn make_durable(&self, manifest: &Manifest, target: &Path) -> Result<()> {
        let dir = self.twin_dir();
        // The segments' names, before anything refers to them.
        durable::sync_dir(dir)?;
        self.check_parent(manifest.parent)?;
        let temp = names::fresh_temp(dir)?;
        record::write(&temp, FileKind::Manifest, manifest)?;
        match durable::publish(&temp, target) {
            // Somebody who does not hold the lock committed.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                return Err(self.conflict(manifest.parent)?);
            }
            other => other.map_err(Error::io("publish", target))?,
        }
        durable::sync_dir(dir)?;
        // XFS lets a directory sync succeed on a file system that has just
        // shut down, and lost 7 of 487 commits so; a file sync tells.
        durable::sync_file(target)
    }

    fn check_parent(&self, parent: u64) -> Result<()> {
        if highest(self.twin_dir())? == parent {
            return Ok(());
        }
        Err(self.conflict(parent)?)
    }

    fn conflict(&self, opened: u64) -> Result<Error> {
        let current = highest(self.twin_dir())?;
        Ok(Error::Conflict { opened, current })
    }

    /// Checks that a segment is there and has its length. Its bytes were
    /// synced by whoever wrote it and are not read here.
    pub(crate) fn check_segment(&self, segment: &SegmentRef) -> Result<()> {
        let path = segment.name.path_in(self.twin_dir());
        let fault = match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() && found.len() == segment.length => return Ok(()),
            Ok(found) => Fault::Length {
                stated: segment.length,
                actual: found.len(),
            },
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(manifest::no_file(path, Fault::NoFile));
            }
            Err(e) => return Err(Error::io("stat", &path)(e)),
        };
        Err(Error::Damaged {
            path,
            place: Place {
                part: "file",
                offset: 0,
            },
            fault,
        })
    }
}

fn highest(twin_dir: &Path) -> Result<u64> {
    let generations = manifest::generations(twin_dir)?;
    Ok(generations.last().copied().unwrap_or_default())
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
