//! `rollback`: goes back to the stores of an older generation, by publishing
//! them as a new one.
//!
//! What the JSON files hold is not changed. A store whose content goes back is
//! *changed* by the new generation, so that a file with the later content is
//! older than the twin from then on (*binary newer*), and `unpack` writes it.

use std::{collections::HashSet, path::Path};

use serde::Serialize;

use super::gc::refuse_without_twin;
use crate::{
    container::OpenOptions,
    error::{Error, Result},
    persist_dir::{
        KEEP, Manifest, Packed, Seen, Snapshot, Stat, Store, SyncFile, Writer, collect, sync,
        unrecorded,
    },
};

/// What `rollback` did.
#[derive(Debug, Clone, Serialize)]
pub struct RollbackReport {
    /// The generation whose stores are the twin's now.
    pub to: u64,
    /// The newest generation.
    pub generation: u64,
    /// Whether that generation was made by this call: not where the twin was
    /// there already.
    pub committed: bool,
    /// Every store of the twin, and those that are not in it any more.
    pub stores: Vec<RolledStore>,
    /// What went wrong after the commit, without harm to it.
    pub warnings: Vec<String>,
}

/// What became of one store.
#[derive(Debug, Clone, Serialize)]
pub struct RolledStore {
    /// The JSON file's name.
    pub file: String,
    /// What was done.
    pub change: Change,
}

/// What a rollback does to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It has the content of the older generation again.
    Restored,
    /// Its content was the same all the time.
    Same,
    /// The older generation did not have it.
    Removed,
}

/// Publishes a new generation of the twin in `dir` with the stores of
/// generation `to`. The JSON files are not touched: see
/// [`unpack()`](super::unpack()). The newest generation may be damaged.
///
/// # Errors
/// [`Error::NoTwin`]; [`Error::NoGeneration`]; [`Error::DamagedManifest`] when
/// the manifest of `to` itself is damaged; [`Error::Damaged`] or [`Error::Io`]
/// naming a file that `to` needs and that is missing, or not the one it was, or that only
/// `to` has and that is damaged;
/// [`Error::Locked`]; [`Error::Io`]. After any of these nothing was published.
pub fn rollback(dir: &Path, to: u64, open: &OpenOptions) -> Result<RollbackReport> {
    refuse_without_twin(dir)?;
    let mut writer = Writer::recover(dir, Some(to))?;
    // Under the lock, so that no gc comes between.
    let snapshot = Snapshot::open(dir, Some(to), open)?;
    let current = match sync::read_newest(writer.twin_dir()) {
        Err(Error::DamagedManifest { .. } | Error::LostGeneration { .. }) => None,
        other => other?,
    };
    let kept = current.iter().flat_map(Manifest::segments);
    let kept: HashSet<_> = kept.map(|segment| segment.name).collect();
    for segment in snapshot.manifest().segments() {
        let file = snapshot.segment(segment)?;
        // What the newest generation has, too, is not made worse.
        if !kept.contains(&segment.name) {
            file.check()?;
        }
    }
    let mut report = RollbackReport {
        to,
        generation: writer.highest(),
        committed: false,
        stores: Vec::new(),
        warnings: Vec::new(),
    };
    let target = snapshot.manifest();
    if current.as_ref().is_some_and(|c| c.generation == to) {
        let same = |store: &Store| RolledStore {
            file: store.file.clone(),
            change: Change::Same,
        };
        report.stores = target.stores.iter().map(same).collect();
        return Ok(report);
    }

    let mut sync = SyncFile::load(writer.twin_dir()).0;
    let generation = writer.next_generation();
    let mut stores = Vec::new();
    let mut back = Vec::new();
    for store in &target.stores {
        let now = current.as_ref().and_then(|c| c.store(&store.file));
        let (store, change) = match now.filter(|now| is_same(store, now)) {
            // Its content did not change, whatever happened in between.
            Some(now) => (
                Store {
                    changed: now.changed,
                    packed: now.packed,
                    ..store.clone()
                },
                Change::Same,
            ),
            None => {
                let restored = restore(dir, store, now, generation, &mut sync, &mut back)?;
                (restored, Change::Restored)
            }
        };
        report.stores.push(RolledStore {
            file: store.file.clone(),
            change,
        });
        stores.push(store);
    }
    report.stores.extend(removed(current.as_ref(), target));
    // What the JSON files hold must be known when the manifest does not tell it any more.
    sync.save(writer.lock())?;
    let newest = writer.publish(writer.highest(), stores)?;
    for (file, seen) in back {
        sync.record(&file, seen.stat, seen.fingerprint, generation);
    }
    report.generation = generation;
    report.committed = true;
    sync.note(&newest);
    // Only a memory: the commit stands without it.
    if let Err(e) = sync.save(writer.lock()) {
        report.warnings.push(format!(
            "{e}; `twinstore status` may call files diverged that only are older"
        ));
    }
    if let Err(e) = collect(writer.lock(), KEEP) {
        report.warnings.push(e.to_string());
    }
    report.stores.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(report)
}

/// Whether two records of a store mean the same content: it was not changed
/// in between, or it is in the same files.
fn is_same(store: &Store, now: &Store) -> bool {
    store.changed == now.changed
        || (store.segments == now.segments && store.verbatim == now.verbatim)
}

fn removed(current: Option<&Manifest>, target: &Manifest) -> Vec<RolledStore> {
    let now = current.iter().flat_map(|c| &c.stores);
    let gone = now.filter(|store| target.store(&store.file).is_none());
    let removed = gone.map(|store| RolledStore {
        file: store.file.clone(),
        change: Change::Removed,
    });
    removed.collect()
}

/// The record of a store whose content goes back, and what that means for its
/// JSON file: what `sync` has to know before, and in `back` which files hold the
/// content afterwards.
///
/// The text that the store was packed from keeps the generation at which the
/// two were equal. Were it called equal in the new one, a file that somebody
/// edits on top of the *later* content would pass for newer, and `pack` would
/// take it; so it is called diverged.
fn restore(
    dir: &Path,
    store: &Store,
    now: Option<&Store>,
    generation: u64,
    sync: &mut SyncFile,
    back: &mut Vec<(String, Seen)>,
) -> Result<Store> {
    let mut restored = Store {
        changed: generation,
        ..store.clone()
    };
    if let Some(now) = now
        && let Some((text, changed)) = unrecorded(dir, now, sync)?
    {
        sync.remember(&now.file, text, changed);
    }
    // The text is the content only where nothing was changed since.
    if let Some(packed) = store.packed.filter(|p| p.generation == store.changed)
        && let Some(seen) = holds(dir, store, &packed)?
    {
        // Somebody put the older file back already.
        back.push((store.file.clone(), seen));
        restored.packed = Some(Packed {
            generation,
            ..packed
        });
    } else if let Some(now) = now
        && let Some(packed) = now.packed.filter(|p| p.generation == now.changed)
    {
        let entry = sync.entry(&store.file);
        let known = entry.and_then(|e| e.known());
        if known.is_none_or(|known| known.text != packed.text) {
            // The manifest will not tell this text any more.
            sync.set_pending(&store.file, packed.text, now.changed);
        }
    }
    Ok(restored)
}

/// What was seen of the JSON file, if it holds the text `packed`.
fn holds(dir: &Path, store: &Store, packed: &Packed) -> Result<Option<Seen>> {
    let path = dir.join(&store.file);
    let is_long = Stat::of(&path)?.filter(|stat| stat.length == packed.text.length());
    if is_long.is_none() {
        return Ok(None);
    }
    let seen = Seen::read(&path)?;
    Ok((seen.fingerprint == packed.text).then_some(seen))
}
