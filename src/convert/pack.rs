//! `pack`: makes or refreshes the binary twin of a persist directory.

use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};

use serde::Serialize;

use super::{
    Progress, pack_file::PackedFile, proof::prove, recognise::store_kind, store_text::StoreText,
    temporary::is_temp,
};
use crate::{
    container::OpenOptions,
    error::{Error, Result, SyncProblem},
    persist_dir::{
        Fingerprint, Form, KEEP, Manifest, Packed, Samples, Snapshot, Stat, State, Store,
        StoreKind, SyncFile, Writer, collect, deep_check, durable, manifest, names, state,
    },
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
/// Only files that changed are read. The JSON files are never written; after
/// an error the twin is as it was before.
///
/// # Errors
/// [`Error::OutOfSync`] where content of the twin would be lost (see
/// [`PackOptions::prefer_json`]); [`Error::Locked`]; [`Error::SourceBusy`];
/// [`Error::NothingToPack`]; [`Error::DamagedManifest`]; [`Error::Io`].
pub fn pack(dir: &Path, options: &PackOptions, progress: &dyn Progress) -> Result<PackReport> {
    let listing = Listing::of(dir)?;
    let has_twin = !manifest::generations(&manifest::twin_dir(dir))?.is_empty();
    if !has_twin && listing.wanted(options.all, None).next().is_none() {
        return Err(Error::NothingToPack {
            dir: dir.to_owned(),
            others: listing.files.len(),
        });
    }
    let writer = match Writer::open(dir) {
        Err(Error::DamagedManifest { previous, .. }) if options.prefer_json => {
            Writer::recover(dir, previous)
        }
        other => other,
    };
    let mut pack = Pack {
        writer: writer?,
        sync: SyncFile::default(),
        prefer_json: options.prefer_json,
        progress,
    };
    pack.sync = SyncFile::load(pack.writer.twin_dir()).0;
    let mut report = pack.run(&listing, options.all)?;
    if options.drop_json {
        report.dropped = pack.drop_json()?;
    }
    Ok(report)
}

/// The files of a persist directory.
struct Listing {
    files: Vec<String>,
    /// Names that cannot be store files, printable.
    odd: Vec<String>,
}

impl Listing {
    fn of(dir: &Path) -> Result<Listing> {
        let error = || Error::io("list", dir);
        let mut listing = Listing {
            files: Vec::new(),
            odd: Vec::new(),
        };
        for entry in fs::read_dir(dir).map_err(error())? {
            let entry = entry.map_err(error())?;
            // Links are followed: persist dirs on some platforms are made of
            // them. What is no file is not ours to mention.
            if !fs::metadata(entry.path()).is_ok_and(|meta| meta.is_file()) {
                continue;
            }
            match entry.file_name().into_string() {
                Ok(name) if is_temp(&name) => {}
                Ok(name) if names::is_store_file(&name) => listing.files.push(name),
                Ok(name) => listing.odd.push(name),
                Err(name) => listing.odd.push(name.to_string_lossy().into_owned()),
            }
        }
        // The order of a directory is nobody's; that of the twin should not
        // depend on it.
        listing.files.sort();
        Ok(listing)
    }

    /// The files to pack: stores, files that the twin holds, or all.
    fn wanted<'a>(
        &'a self,
        all: bool,
        base: Option<&'a Manifest>,
    ) -> impl Iterator<Item = (&'a String, StoreKind)> {
        self.files.iter().filter_map(move |file| {
            let packed = base.and_then(|m| m.store(file)).map(|store| store.kind);
            let other = all.then_some(StoreKind::Other);
            Some((file, packed.or(store_kind(file)).or(other)?))
        })
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
    prefer_json: bool,
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
        for (file, kind) in listing.wanted(all, base.as_ref()) {
            let store = base.as_ref().and_then(|m| m.store(file));
            match self.plan(store)? {
                Plan::Pack => work.push((file, kind)),
                Plan::Keep(state) => sync_changed |= state == State::Touched,
            }
        }
        let generation = self.writer.next_generation();
        let mut packed_files = Vec::new();
        for (file, kind) in work {
            let packed = PackedFile::pack(&self.writer, file, kind, self.progress)?;
            let before = base.as_ref().and_then(|m| m.store(file));
            self.refuse_loss(before, &packed, file)?;
            let store = Store {
                file: file.clone(),
                kind,
                changed: generation,
                packed: Some(Packed {
                    generation,
                    text: packed.text,
                    is_json: !packed.is_broken(),
                }),
                segments: packed.segments.clone(),
                verbatim: packed.verbatim,
            };
            // Of other files nothing was expected.
            let why = packed.why.as_ref().filter(|_| kind != StoreKind::Other);
            let why = why.map(ToString::to_string);
            reports.push(report_of(&store, Action::Packed, why));
            match stores.iter_mut().find(|s| s.file == *file) {
                Some(old) => *old = store,
                None => stores.push(store),
            }
            packed_files.push((file.clone(), packed));
        }
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
                let stat = self.settled(&file, packed.stat, &packed.text)?;
                self.sync.record(&file, stat, packed.text, generation);
            }
        }
        if committed || sync_changed {
            self.sync.generation = self.writer.highest();
            self.sync.save(self.writer.lock())?;
        }
        if committed {
            // The commit stands whatever becomes of old files: what cannot be
            // removed now is removed next time.
            let _ = collect(self.writer.lock(), KEEP);
        }
        reports.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(PackReport {
            generation: self.writer.highest(),
            committed,
            stores: reports,
            left_alone,
            dropped: Vec::new(),
        })
    }

    /// Decides by the table of the two twins.
    fn plan(&mut self, store: Option<&Store>) -> Result<Plan> {
        let Some(store) = store else {
            return Ok(Plan::Pack);
        };
        let dir = self.writer.persist_dir();
        let mut now = state(dir, store, &self.sync)?;
        if self.prefer_json && now != State::JsonAbsent {
            return Ok(Plan::Pack);
        }
        if now == State::Touched {
            let (deep, seen) = deep_check(dir, store, &self.sync)?;
            match (deep, seen) {
                (State::InSync | State::Touched, Some(seen)) => {
                    let text = seen.fingerprint;
                    let stat = self.settled(&store.file, seen.stat, &text)?;
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
            State::JsonDamaged { .. } => SyncProblem::WouldLoseStore,
        };
        Err(Error::OutOfSync {
            path: self.writer.persist_dir().join(&store.file),
            problem,
        })
    }

    /// A store that was packed from whole JSON does not become one that is
    /// not, unless that is wanted. (An empty file, or one whose end is
    /// missing, was refused before it was read.)
    fn refuse_loss(&self, before: Option<&Store>, packed: &PackedFile, file: &str) -> Result<()> {
        let was_whole =
            before.is_some_and(|store| store.packed.is_none_or(|packed| packed.is_json));
        if was_whole && packed.is_broken() && !self.prefer_json {
            return Err(Error::OutOfSync {
                path: self.writer.persist_dir().join(file),
                problem: SyncProblem::WouldLoseStore,
            });
        }
        Ok(())
    }

    /// The stat of a file that holds `text` and was last looked at as `stat`,
    /// taken so late that a later change shows. A file that was written a
    /// moment ago needs a moment's patience; one on a file system with coarse
    /// times does not get it, and is compared by samples later.
    fn settled(&self, file: &str, stat: Stat, text: &Fingerprint) -> Result<Stat> {
        if stat.is_settled() {
            return Ok(stat);
        }
        let path = self.writer.persist_dir().join(file);
        let source = File::open(&path).map_err(Error::io("open", &path))?;
        let mut now = Stat::of_file(&source, &path)?;
        if !now.is_settled() {
            std::thread::sleep(Duration::from_millis(60));
            now = Stat::of_file(&source, &path)?;
        }
        // The file may have changed since it was read, within the same tick.
        let unchanged = now.same(&stat) && Samples::of(&source, &path)? == text.samples;
        Ok(if unchanged { now } else { stat })
    }

    /// Removes the JSON files of LlamaIndex's stores that the published twin
    /// prints, one after another.
    fn drop_json(&mut self) -> Result<Vec<String>> {
        let dir = self.writer.persist_dir().to_owned();
        let snapshot = Snapshot::open(&dir, None, &OpenOptions::default())?;
        let manifest = manifest::manifest_path(snapshot.twin_dir(), snapshot.generation());
        let mut dropped = Vec::new();
        for store in snapshot.stores() {
            let record = store.record();
            let path = dir.join(&record.file);
            let Some(before) = Stat::of(&path)? else {
                continue;
            };
            if record.kind == StoreKind::Other {
                continue;
            }
            self.progress.begin(&record.file, before.length);
            let text = StoreText::open(&store, manifest.clone())?;
            let proof = prove(&text, &path, &|at| self.progress.at(at));
            self.progress.end();
            proof?;
            self.sync.record_dropped(&record.file);
            dropped.push((record.file.clone(), before));
        }
        self.sync.save(self.writer.lock())?;
        for (file, before) in &dropped {
            let path = dir.join(file);
            // Proving the others took its time.
            if !Stat::of(&path)?.is_some_and(|now| now.same(before)) {
                return Err(Error::SourceBusy { path, tries: 1 });
            }
            durable::remove(&path)?;
        }
        Ok(dropped.into_iter().map(|(file, _)| file).collect())
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
