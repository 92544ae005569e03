//! `pack`: makes or refreshes the binary twin of a persist directory.

use std::{path::Path, time::Duration};

use serde::Serialize;

use super::{
    Progress, Silent,
    drop_json::drop_json,
    listing::Listing,
    pack_file::{Broken, PackedFile},
    recover::{Recovery, go_on_without},
};
use crate::{
    disk,
    error::{Error, Result, SyncProblem},
    persist_dir::{
        Fingerprint, Form, KEEP, Packed, Samples, Stat, State, Store, StoreKind, SyncFile, Writer,
        collect, deep_check, manifest, state, sync,
    },
    segment::{Compression, SketchPolicy},
};

/// What `pack` is to do beyond the usual.
#[derive(Debug, Clone, Default)]
pub struct PackOptions {
    /// Pack every other file of the directory too, in file form.
    pub all: bool,
    /// Afterwards remove the JSON files that are LlamaIndex stores, each
    /// after another comparison with the published twin.
    pub drop_json: bool,
    /// Take all JSON files over: even where that loses content of the twin,
    /// and even where the twin holds the same, which replaces damaged files.
    pub prefer_json: bool,
    /// How documents, index structs and graphs are compressed.
    pub compression: Compression,
    /// Which vector stores get a sketch.
    pub sketch: SketchPolicy,
}

/// What `pack` did.
#[derive(Debug, Clone, Serialize)]
pub struct PackReport {
    /// The generation that holds the result.
    pub generation: u64,
    /// Whether that generation was made by this call.
    pub committed: bool,
    /// Every store of the twin.
    pub stores: Vec<PackedStore>,
    /// Files of the directory that are not part of the twin.
    pub left_alone: Vec<String>,
    /// JSON files that were removed.
    pub dropped: Vec<String>,
    /// What went wrong after the commit, without harm to it.
    pub warnings: Vec<String>,
}

/// What `pack` did with one store.
#[derive(Debug, Clone, Serialize)]
pub struct PackedStore {
    /// The JSON file's name.
    pub file: String,
    /// What the store is, in words.
    pub kind: &'static str,
    /// What was done.
    pub action: Action,
    /// Whether the file is kept as it is, beside or instead of rows.
    pub file_form: bool,
    /// Length of the JSON.
    pub json_bytes: u64,
    /// Length of the binary files.
    pub binary_bytes: u64,
    /// What there is to say about a file that is kept as it is: why it is no
    /// rows and columns, or that it is no JSON.
    pub why: Option<String>,
}

/// What became of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// New segments were written.
    Packed,
    /// The twin held it already.
    UpToDate,
    /// There is no JSON file; the twin keeps the store.
    Kept,
}

/// Makes the twin of the JSON files in `dir`, or brings it up to date.
///
/// Only files that changed are read. The JSON files are never written. After
/// an error the twin is as it was before, unless the error came while JSON
/// files were compared or removed ([`PackOptions::drop_json`]): the commit
/// stands then.
///
/// # Errors
/// [`Error::OutOfSync`] where content of the twin would be lost (see
/// [`PackOptions::prefer_json`]); [`Error::Locked`]; [`Error::SourceBusy`];
/// [`Error::NothingToPack`]; [`Error::DamagedManifest`], [`Error::LostGeneration`] and
/// [`Error::LostManifests`], or with [`PackOptions::prefer_json`] [`Error::OnlyInTwin`];
/// [`Error::Io`]; [`Error::Stopped`].
pub fn pack(dir: &Path, options: &PackOptions, progress: &dyn Progress) -> Result<PackReport> {
    let listing = Listing::of(dir)?;
    let has_twin = !manifest::generations(&manifest::twin_dir(dir))?.is_empty();
    let lost = match has_twin {
        true => Ok(()),
        false => sync::refuse_lost_manifests(dir),
    };
    if !has_twin && lost.is_ok() && listing.wanted(options.all, None).next().is_none() {
        return Err(Error::NothingToPack {
            dir: dir.to_owned(),
            others: listing.files.len(),
        });
    }
    let (writer, recovery) = match lost.and_then(|()| Writer::open(dir)) {
        Err(lost) if options.prefer_json => {
            let (writer, recovery) = go_on_without(dir, &listing, options.all, lost)?;
            (writer, Some(recovery))
        }
        other => (other?, None),
    };
    let (sync, _) = SyncFile::load(writer.twin_dir());
    let mut pack = Pack {
        writer,
        sync,
        recovery,
        prefer_json: options.prefer_json,
        compression: options.compression,
        sketch: options.sketch,
        progress,
    };
    let mut report = pack.run(&listing, options.all)?;
    if options.drop_json {
        report.dropped = drop_json(&pack.writer, &mut pack.sync, progress)?;
    }
    Ok(report)
}

/// Packs one file of the persist directory of `writer`, as a store of the next
/// generation.
///
/// # Errors
/// [`Error::SourceBusy`]; [`Error::Io`].
pub(crate) fn packed_store(
    writer: &Writer,
    file: &str,
    kind: StoreKind,
    compression: Compression,
) -> Result<Store> {
    let how = (compression, SketchPolicy::default());
    let packed = PackedFile::pack(writer, file, kind, how, &Silent)?;
    Ok(store_of(file, kind, &packed, writer.next_generation()))
}

fn store_of(file: &str, kind: StoreKind, packed: &PackedFile, generation: u64) -> Store {
    Store {
        file: file.to_owned(),
        kind,
        changed: generation,
        packed: Some(Packed {
            generation,
            text: packed.text,
            is_json: packed.is_sound(),
        }),
        segments: packed.segments.clone(),
        verbatim: packed.verbatim,
    }
}

/// What is to be done with one file.
enum Plan {
    Keep(State),
    Pack,
}

struct Pack<'a> {
    writer: Writer,
    sync: SyncFile,
    /// What to look after where the newest generation cannot be read.
    recovery: Option<Recovery>,
    prefer_json: bool,
    compression: Compression,
    sketch: SketchPolicy,
    progress: &'a dyn Progress,
}

impl Pack<'_> {
    fn run(&mut self, listing: &Listing, all: bool) -> Result<PackReport> {
        let base = self.writer.base().cloned();
        let mut stores = base.as_ref().map_or_else(Vec::new, |m| m.stores.clone());
        let mut reports: Vec<PackedStore> = Vec::new();
        let mut sync_changed = false;

        // First decide everything: a refusal must come before any work.
        let mut work = Vec::new();
        let wanted = listing.wanted(all, base.as_ref());
        let mut wanted: Vec<_> = wanted.map(|(file, kind)| (file.clone(), kind)).collect();
        for file in self.recovery.iter().flat_map(Recovery::needed) {
            if !wanted.iter().any(|(there, _)| there == file) {
                wanted.push((file.clone(), StoreKind::Other));
            }
        }
        for (file, kind) in wanted {
            let store = base.as_ref().and_then(|m| m.store(&file));
            match self.plan(store)? {
                Plan::Pack => work.push((file, kind)),
                Plan::Keep(state) => sync_changed |= state == State::Touched,
            }
        }
        let generation = self.writer.next_generation();
        let mut packed_files = Vec::new();
        for (file, kind) in &work {
            let (file, kind) = (file.as_str(), *kind);
            let how = (self.compression, self.sketch);
            let packed = PackedFile::pack(&self.writer, file, kind, how, self.progress)?;
            let before = base.as_ref().and_then(|m| m.store(file));
            self.refuse_loss(before, &packed, file)?;
            let store = store_of(file, kind, &packed, generation);
            // Of other files nothing was expected.
            let why = packed.why().filter(|_| kind != StoreKind::Other);
            reports.push(report_of(&store, Action::Packed, why));
            match stores.iter_mut().find(|s| s.file == *file) {
                Some(old) => *old = store,
                None => stores.push(store),
            }
            packed_files.push((file.to_owned(), packed));
        }
        self.refuse_recovery(&packed_files)?;
        let committed = !packed_files.is_empty();
        for store in &stores {
            if !reports.iter().any(|r| r.file == store.file) {
                let present = listing.files.contains(&store.file);
                let action = if present {
                    Action::UpToDate
                } else {
                    Action::Kept
                };
                reports.push(report_of(store, action, None));
            }
        }
        let mut left_alone: Vec<String> = listing.odd.clone();
        let known = |file: &&String| !stores.iter().any(|s| s.file == **file);
        left_alone.extend(listing.files.iter().filter(known).cloned());
        if committed {
            self.writer.publish(self.writer.highest(), stores)?;
            for (file, packed) in packed_files {
                let stat = self.settled(&file, packed.stat, &packed.text);
                self.sync.record(&file, stat, packed.text, generation);
            }
        }
        let mut warnings = Vec::new();
        if let Some(newest) = self.writer.base() {
            // Always news to one that could not be read: it is written anew.
            sync_changed |= self.sync.note(newest);
        }
        if committed || sync_changed {
            // Only a memory: the commit stands without it.
            if let Err(e) = self.sync.save(self.writer.lock()) {
                warnings.push(format!("{e}; the next pack will compare all files again"));
            }
        }
        // Also where nothing was committed: an interrupted run may have left
        // files. The commit stands whatever becomes of them; what cannot be
        // removed now is removed next time.
        if let Err(e @ Error::Damaged { .. }) = collect(self.writer.lock(), KEEP)
            && self.recovery.is_none()
        {
            warnings.push(format!("nothing that is not needed was removed: {e}"));
        }
        reports.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(PackReport {
            generation: self.writer.highest(),
            committed,
            stores: reports,
            left_alone,
            dropped: Vec::new(),
            warnings,
        })
    }

    /// Decides by the table of the two twins.
    fn plan(&mut self, store: Option<&Store>) -> Result<Plan> {
        let Some(store) = store else {
            return Ok(Plan::Pack);
        };
        let dir = self.writer.persist_dir();
        let mut now = state(dir, store, &self.sync)?;
        let lost = store.missing_segment(self.writer.twin_dir());
        let anew =
            self.prefer_json || (lost.is_some() && matches!(now, State::InSync | State::Touched));
        if anew && now != State::JsonAbsent {
            return Ok(Plan::Pack);
        }
        if now == State::Touched {
            let (deep, seen) = deep_check(dir, store, &self.sync)?;
            match (deep, seen) {
                (State::InSync | State::Touched, Some(seen)) => {
                    let text = seen.fingerprint;
                    let stat = self.settled(&store.file, seen.stat, &text);
                    self.sync.record(&store.file, stat, text, store.changed);
                    return Ok(Plan::Keep(State::Touched));
                }
                _ => now = deep,
            }
        }
        let problem = match now {
            State::InSync | State::Touched | State::JsonAbsent => return Ok(Plan::Keep(now)),
            State::JsonNewer => return Ok(Plan::Pack),
            State::BinaryNewer => SyncProblem::BinaryNewer,
            State::Diverged => SyncProblem::Diverged,
            State::JsonDamaged { .. } => SyncProblem::WouldLoseStore { at: None },
        };
        // What would be advised needs the twin.
        lost.map_or(Ok(()), |segment| self.writer.check_segment(segment))?;
        Err(Error::OutOfSync {
            path: self.writer.persist_dir().join(&store.file),
            problem,
        })
    }

    /// A store that LlamaIndex can load does not become what it cannot, unless that is
    /// wanted. (An empty file, or one whose end is missing, was refused before it was
    /// read.)
    fn refuse_loss(&self, before: Option<&Store>, packed: &PackedFile, file: &str) -> Result<()> {
        let was_sound =
            before.is_some_and(|store| store.packed.is_none_or(|packed| packed.is_json));
        if was_sound && !packed.is_sound() && !self.prefer_json {
            // What would be advised needs the twin.
            let lost = before.and_then(|store| store.missing_segment(self.writer.twin_dir()));
            lost.map_or(Ok(()), |segment| self.writer.check_segment(segment))?;
            let at = packed.broken.as_ref().and_then(Broken::offset);
            return Err(Error::OutOfSync {
                path: self.writer.persist_dir().join(file),
                problem: SyncProblem::WouldLoseStore { at },
            });
        }
        Ok(())
    }

    /// Where the newest generation cannot be read, every file that is known of must have been
    /// packed, and be no less than it was.
    fn refuse_recovery(&mut self, packed: &[(String, PackedFile)]) -> Result<()> {
        let Some(recovery) = &self.recovery else {
            return Ok(());
        };
        let base = self.writer.base();
        let is_kept = |file: &String| {
            let mut found = packed.iter().filter(|(name, _)| name == file);
            found.any(|(_, packed)| !recovery.is_lost(file, packed, &self.sync, base))
        };
        let Some(missing) = recovery.needed().find(|file| !is_kept(file)) else {
            return Ok(());
        };
        let missing = self.writer.persist_dir().join(missing);
        let recovery = self.recovery.take();
        recovery.map_or(Ok(()), |recovery| Err(recovery.refuse(Some(missing))))
    }

    /// The stat of a file that holds `text` and was last looked at as `stat`,
    /// taken so late that a later change shows. A file that was written a
    /// moment ago needs a moment's patience; one on a file system with coarse
    /// times does not get it, and is compared by samples later.
    fn settled(&self, file: &str, stat: Stat, text: &Fingerprint) -> Stat {
        if stat.is_settled() {
            return stat;
        }
        let look_again = || {
            let path = self.writer.persist_dir().join(file);
            let source = disk::open(&path).map_err(Error::io("open", &path))?;
            let mut now = Stat::of_file(&source, &path)?;
            if !now.is_settled() {
                std::thread::sleep(Duration::from_millis(60));
                now = Stat::of_file(&source, &path)?;
            }
            // It may have changed since it was read, within the same tick.
            let unchanged = now.same(&stat) && Samples::of(&source, &path)? == text.samples;
            Ok::<_, Error>(unchanged.then_some(now))
        };
        // Whatever stands in the way, the old look is true, if less useful.
        look_again().ok().flatten().unwrap_or(stat)
    }
}

fn report_of(store: &Store, action: Action, why: Option<String>) -> PackedStore {
    PackedStore {
        file: store.file.clone(),
        kind: store.kind.as_str(),
        action,
        file_form: store.form() == Form::File,
        json_bytes: store.packed.map_or(0, |packed| packed.text.length()),
        binary_bytes: store.all_segments().map(|s| s.length).sum(),
        why,
    }
}
