//! `twin/sync`: what is known of the JSON files.
//!
//! For each JSON file that was found equal to the twin: how it looked then,
//! its fingerprint, and the generation whose content it equals. Before this
//! crate renames a new text into place it announces it here, so that a crash
//! between the rename and the record of it leaves no file of unknown origin.
//!
//! This file is a memory, not a truth. It may be missing, damaged or old:
//! what is lost then is the time of one deep check, never data. So it is
//! replaced in place, unlike every other file of the twin, and its damage is
//! told to those who ask but keeps nobody from reading. (Something else than a
//! file in its place keeps JSON files from being written, and a newest generation
//! that cannot be read is given up only where `sync` tells what that would cost.)

use std::{collections::BTreeMap, path::Path};

use bincode::{Decode, Encode};

use super::{
    durable,
    fingerprint::{Fingerprint, Stat},
    lock::Lock,
    manifest::{self, Manifest},
    names::{self, SYNC},
};
use crate::{
    container::{FileKind, record},
    disk,
    error::{Error, Fault, Result},
};

/// Refuses a directory that was a twin and lost all its manifests: `sync` is
/// written only after a commit.
///
/// # Errors
/// [`Error::LostManifests`]. The caller has looked for manifests.
pub fn refuse_lost_manifests(persist_dir: &Path) -> Result<()> {
    let twin = manifest::twin_dir(persist_dir);
    match SyncFile::load(&twin) {
        (file, None) if file.is_empty() && file.generation == 0 => Ok(()),
        _ => Err(Error::LostManifests { twin }),
    }
}

/// The newest manifest; `None` where there is none.
///
/// # Errors
/// Those of [`manifest::read_highest`]; [`Error::LostGeneration`] where `sync`, which is
/// written after a commit, knows of a newer one.
pub fn read_newest(twin_dir: &Path) -> Result<Option<Manifest>> {
    let Some(manifest) = manifest::read_highest(twin_dir)? else {
        return Ok(None);
    };
    let (sync, _) = SyncFile::load(twin_dir);
    if sync.generation <= manifest.generation {
        return Ok(Some(manifest));
    }
    // It may have been committed since the directory was listed.
    match manifest::read_highest(twin_dir)? {
        Some(newer) if newer.generation >= sync.generation => Ok(Some(newer)),
        left => Err(Error::LostGeneration {
            twin: twin_dir.to_owned(),
            generation: sync.generation,
            newest: left.map_or(manifest.generation, |left| left.generation),
        }),
    }
}

/// What is known of all JSON files.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub struct SyncFile {
    /// The newest generation when this was written: a newer manifest may be there, but
    /// none that is older is the newest.
    pub generation: u64,
    files: BTreeMap<String, SyncEntry>,
}

/// What is known of one JSON file.
#[derive(Debug, Clone, Default, Encode, Decode)]
pub struct SyncEntry {
    known: Option<Known>,
    pending: Option<Pending>,
    dropped: bool,
}

/// A text that the JSON file was seen to hold.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct Known {
    /// How the file looked then.
    pub stat: Stat,
    /// What it held.
    pub text: Fingerprint,
    /// The [`changed`](super::Store::changed) of the store it equals.
    pub changed: u64,
}

/// A text that was about to become the JSON file's.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct Pending {
    /// The text.
    pub text: Fingerprint,
    /// The [`changed`](super::Store::changed) of the store it equals.
    pub changed: u64,
}

impl SyncEntry {
    /// The text last recorded.
    #[must_use]
    pub fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// The text last announced, if it was not recorded since.
    #[must_use]
    pub fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// Whether the file was removed or renamed away by this crate.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.dropped
    }
}

impl SyncFile {
    /// Reads the file of `twin_dir`. Where it is missing or cannot be read,
    /// nothing is known; the error is for reports.
    #[must_use]
    pub fn load(twin_dir: &Path) -> (SyncFile, Option<Error>) {
        let path = twin_dir.join(SYNC);
        let read = record::read(&path, FileKind::Sync)
            .and_then(|file: SyncFile| file.believe().map_err(|f| manifest::refused(&path, f)));
        match read {
            Ok(file) => (file, None),
            Err(e) if manifest::is_missing(&e) => (SyncFile::default(), None),
            Err(e) => (SyncFile::default(), Some(e)),
        }
    }

    fn believe(self) -> Result<SyncFile, Fault> {
        if !self.files.keys().all(|file| names::is_store_file(file)) {
            return Err(Fault::Value("a store's file name"));
        }
        Ok(self)
    }

    /// Replaces the file, after the names of the JSON files were made durable. Who
    /// calls this holds the lock, lest two writers forget each other's records.
    ///
    /// # Errors
    /// [`Error::Forked`]; [`Error::Io`].
    pub fn save(&self, lock: &Lock) -> Result<()> {
        lock.check_owner()?;
        let dir = lock.twin_dir();
        // A text that is recorded stands in the place of the one before. Should the
        // file's new name be lost, that one would be unknown.
        durable::sync_parent(dir)?;
        let temp = names::fresh_temp(dir)?;
        record::write(&temp, FileKind::Sync, self)?;
        durable::replace(&temp, &dir.join(SYNC)).inspect_err(|_| {
            // Nothing refers to it; if it stays, the next gc removes it.
            let _ = disk::remove_file(&temp);
        })
    }

    /// Notes that `newest` is the newest generation, and the files of its stores, also those
    /// that are not there: should its manifest be lost, they are missed. Returns whether that
    /// is news.
    pub fn note(&mut self, newest: &Manifest) -> bool {
        let before = (self.generation, self.files.len());
        self.generation = newest.generation;
        for store in &newest.stores {
            self.entry_mut(&store.file);
        }
        (self.generation, self.files.len()) != before
    }

    /// Whether nothing is known of any file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The names of the files of which something is known.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// What is known of `file`.
    #[must_use]
    pub fn entry(&self, file: &str) -> Option<&SyncEntry> {
        self.files.get(file)
    }

    /// Records that `file`, looking like `stat`, holds `text`, which equals
    /// the store that last changed in generation `changed`.
    ///
    /// `stat` was taken before anybody else could change the text: before a
    /// source was read ([`Seen`](super::Seen)), or of our own temporary file
    /// before it was renamed, which changes neither time nor inode. Only then
    /// can [`Stat::is_settled`] tell whether it vouches for the text.
    pub fn record(&mut self, file: &str, stat: Stat, text: Fingerprint, changed: u64) {
        let entry = self.entry_mut(file);
        entry.known = Some(Known {
            stat,
            text,
            changed,
        });
        entry.pending = None;
        entry.dropped = false;
    }

    /// Keeps in mind what `file` was recognised to hold by its samples, so that it is
    /// recognised again when nothing else tells of that text. Nobody read all of the
    /// file, so the record's stat vouches for nothing.
    pub fn remember(&mut self, file: &str, text: Fingerprint, changed: u64) {
        self.record(file, Stat::of_no_file(text.length()), text, changed);
    }

    /// Records that `file` was removed or renamed away on purpose. What it
    /// held stays known, should it come back.
    pub fn record_dropped(&mut self, file: &str) {
        let entry = self.entry_mut(file);
        entry.pending = None;
        entry.dropped = true;
    }

    /// Announces that `text`, which equals the store that last changed in
    /// generation `changed`, is about to be renamed over `file`. To be saved
    /// before the rename.
    pub fn set_pending(&mut self, file: &str, text: Fingerprint, changed: u64) {
        self.entry_mut(file).pending = Some(Pending { text, changed });
    }

    fn entry_mut(&mut self, file: &str) -> &mut SyncEntry {
        self.files.entry(file.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persist_dir::testing;

    fn dir_with_lock() -> (tempfile::TempDir, Lock) {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path()).unwrap();
        (dir, lock)
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let (dir, lock) = dir_with_lock();
        let (mut sync, problem) = SyncFile::load(dir.path());
        assert!(problem.is_none() && sync.entry("a.json").is_none());
        let stat = Stat::of(&dir.path().join(names::LOCK)).unwrap().unwrap();
        let text = Fingerprint::of_bytes(b"{}");
        sync.generation = 3;
        sync.set_pending("a.json", text, 3);
        sync.record("b.json", stat, text, 2);
        sync.record("c.json", stat, text, 1);
        sync.record_dropped("c.json");
        sync.save(&lock).unwrap();
        sync.save(&lock).unwrap();
        assert_eq!(testing::names_in(dir.path()), [names::LOCK, SYNC]);

        let (mut sync, problem) = SyncFile::load(dir.path());
        assert!(problem.is_none());
        assert_eq!(sync.generation, 3);
        let a = sync.entry("a.json").unwrap();
        assert_eq!(a.pending().unwrap().changed, 3);
        assert!(a.known().is_none() && !a.is_dropped());
        let b = sync.entry("b.json").unwrap().known().unwrap();
        assert!(b.stat.same(&stat) && b.text == text && b.changed == 2);
        assert!(sync.entry("c.json").unwrap().is_dropped());
        assert!(sync.entry("c.json").unwrap().known().is_some());

        sync.record("a.json", stat, text, 3);
        assert!(sync.entry("a.json").unwrap().pending().is_none());
        sync.record("c.json", stat, text, 3);
        assert!(!sync.entry("c.json").unwrap().is_dropped());
    }

    #[test]
    fn every_store_of_the_newest_generation_is_listed() {
        let (dir, lock) = dir_with_lock();
        let newest = Manifest {
            generation: 2,
            parent: 1,
            writer: String::new(),
            created_ms: 0,
            stores: vec![testing::store("a.json", 1), testing::store("b.json", 2)],
        };
        let mut sync = SyncFile::default();
        sync.record_dropped("b.json");
        assert!(sync.note(&newest) && !sync.note(&newest));
        sync.save(&lock).unwrap();
        let (sync, _) = SyncFile::load(dir.path());
        assert_eq!(sync.generation, 2);
        assert_eq!(sync.files().collect::<Vec<_>>(), ["a.json", "b.json"]);
        let a = sync.entry("a.json").unwrap();
        assert!(a.known().is_none() && a.pending().is_none() && !a.is_dropped());
        assert!(sync.entry("b.json").unwrap().is_dropped());
    }

    #[test]
    fn damage_is_told_and_stops_nobody() {
        let (dir, lock) = dir_with_lock();
        let mut sync = SyncFile::default();
        sync.set_pending("a.json", Fingerprint::of_bytes(b"{}"), 1);
        sync.save(&lock).unwrap();
        let path = dir.path().join(SYNC);
        let good = std::fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, bad).unwrap();
            let (loaded, problem) = SyncFile::load(dir.path());
            assert!(loaded.entry("a.json").is_none());
            assert!(problem.is_some_and(|e| e.is_damage()), "{at}");
        }
        std::fs::write(&path, "").unwrap();
        assert!(SyncFile::load(dir.path()).1.is_some());
        sync.save(&lock).unwrap();
        assert!(SyncFile::load(dir.path()).1.is_none());
    }

    #[test]
    fn names_that_leave_the_directory_are_refused() {
        let (dir, lock) = dir_with_lock();
        let mut sync = SyncFile::default();
        sync.set_pending("../a.json", Fingerprint::of_bytes(b"{}"), 1);
        sync.save(&lock).unwrap();
        let (sync, problem) = SyncFile::load(dir.path());
        assert!(sync.entry("../a.json").is_none());
        assert!(problem.is_some_and(|e| e.is_damage()));
    }
}
