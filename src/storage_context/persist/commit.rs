//! Committing what changed to the directory that the context is of.

use std::path::Path;

use super::{
    JsonFate, JsonTwin, PersistOptions, PersistReport, PersistedStore,
    json_twin::{self, Outdated, Seen, never_had_json},
    open_writer,
};
use crate::{
    convert::{StoreText, refuse_linked},
    disk,
    error::{Error, Result},
    persist_dir::{
        Form, KEEP, Manifest, SegmentKind, SegmentRef, State, Store, StoreKind, SyncFile, Writer,
        collect, compaction, manifest, open_files, state, unrecorded,
    },
    storage_context::{Opened, StorageContext, held::Held, notices},
};

impl StorageContext {
    /// Makes the changes the next generation of the twin.
    pub(super) fn commit(&mut self, options: &PersistOptions) -> Result<PersistReport> {
        let Some(opened) = &self.opened else {
            return Ok(PersistReport::default());
        };
        let dir = opened.dir.clone();
        let manifest = opened.snapshot.manifest();
        if !self.has_changes()?
            && outdated_json(&dir, manifest, options)?.is_empty()
            && self.own_json(&dir, manifest)?.is_empty()
        {
            return Ok(PersistReport {
                generation: opened.snapshot.generation(),
                ..PersistReport::default()
            });
        }
        let mut writer = open_writer(&dir, options.wait)?;
        let report = self.write_changes(&mut writer, options);
        let report = swept_up(&writer, report)?;
        self.show_newest(&dir)?;
        Ok(report)
    }

    /// Writes what changed, and publishes it.
    fn write_changes(
        &mut self,
        writer: &mut Writer,
        options: &PersistOptions,
    ) -> Result<PersistReport> {
        let dir = writer.persist_dir().to_owned();
        self.on_newest(writer, options)?;
        let Some(manifest) = writer.base().cloned() else {
            return Err(Error::NoTwin { dir });
        };
        let held = self.held();
        let files = manifest.stores.iter().map(|store| store.file.as_str());
        let files = files.chain(held.iter().map(|(file, ..)| file.as_str()));
        let seen = json_twin::look(&dir, files)?;
        let own = self.own_json(&dir, &manifest)?;
        notices::compare(&dir, &manifest, &|file| !own.iter().any(|o| o == file))?;

        let mut stores = manifest.stores.clone();
        let mut written: Vec<(String, u64)> = Vec::new();
        let mut laid_out_anew = Vec::new();
        for (file, kind, held) in held {
            if !self.is_changed(&file, &held)? {
                continue;
            }
            let old = manifest.store(&file);
            if old.is_some_and(|old| old.form() == Form::File) {
                laid_out_anew.push(file.clone());
            }
            let store = changed_store(writer, &file, kind, &held, old, options)?;
            written.push((file, new_bytes(old, &store)));
            match stores.iter_mut().find(|other| other.file == store.file) {
                Some(old) => *old = store,
                None => stores.push(store),
            }
        }
        let mut outdated: Vec<String> = written.iter().map(|(file, _)| file.clone()).collect();
        outdated.extend(outdated_json(&dir, &manifest, options)?);
        outdated.extend(own);
        let changed = Changed {
            stores,
            written,
            outdated,
            seen,
        };
        let mut report = publish(writer, changed, Some(&manifest), options)?;
        for file in laid_out_anew {
            report.warnings.push(format!(
                "{file} was laid out in a way that only its own text shows; it is printed in the nearest style from now on"
            ));
        }
        Ok(report)
    }

    /// Makes sure that the changes are on the newest generation.
    fn on_newest(&mut self, writer: &Writer, options: &PersistOptions) -> Result<()> {
        let (Some(opened), Some(newest)) = (&self.opened, writer.base()) else {
            return Ok(());
        };
        let own = opened.snapshot.manifest();
        // Not only the number: a directory that was removed and built anew counts
        // from 1 again.
        if own == newest {
            return Ok(());
        }
        // Merging segments is no change that anybody could have missed.
        if !options.rebase && !is_same_content(own, newest) {
            return Err(Error::Conflict {
                opened: own.generation,
                current: newest.generation,
            });
        }
        self.rebase().map(drop)
    }

    /// Shows the generation that was just made of this context, in `dir`.
    pub(super) fn show_newest(&mut self, dir: &Path) -> Result<()> {
        let opened = Opened::newest(dir, &self.options)?;
        let mut newer = StorageContext {
            options: self.options,
            notices: self.notices.clone(),
            ..StorageContext::default()
        };
        newer.show(opened);
        for (file, kind, held) in self.held() {
            let Held::Records(before) = held else {
                continue;
            };
            // What was asked for early has its place in the file, however late it comes.
            if before.was_asked_for_more()
                && let Some(records) = newer.records(kind, &file)?
            {
                records.remember(before);
                newer.set_records(kind, records);
            }
        }
        *self = newer;
        Ok(())
    }
}

/// Removes what an attempt that failed has written: on a full disk, further attempts
/// would find it fuller each time.
pub(super) fn swept_up<T>(writer: &Writer, outcome: Result<T>) -> Result<T> {
    // After a sync that failed, what is there is not known.
    if outcome.is_err() && !matches!(outcome, Err(Error::Io { action: "sync", .. })) {
        // The first error is the one to be told.
        let _ = collect(writer.lock(), KEEP);
    }
    outcome
}

/// Whether no store changed between a generation and a newer one.
fn is_same_content(old: &Manifest, new: &Manifest) -> bool {
    let same = |store: &Store| {
        let other = new.store(&store.file);
        other.is_some_and(|other| other.changed == store.changed)
    };
    let is_newer = new.generation > old.generation;
    is_newer && old.stores.len() == new.stores.len() && old.stores.iter().all(same)
}

/// The stores of which the JSON files are out of date though the stores did not
/// change: files from before a rollback, cut ones, those that a crash kept from being
/// written, with [`JsonTwin::Always`] all that are missing.
fn outdated_json(dir: &Path, newest: &Manifest, options: &PersistOptions) -> Result<Vec<String>> {
    let (sync, _) = SyncFile::load(&manifest::twin_dir(dir));
    let mut outdated = Vec::new();
    for store in &newest.stores {
        let is_outdated = match state(dir, store, &sync)? {
            State::BinaryNewer | State::JsonDamaged { .. } => true,
            State::JsonAbsent => match options.json {
                JsonTwin::Always => true,
                JsonTwin::Auto => never_had_json(Some(store), &sync),
                JsonTwin::Never => false,
            },
            _ => false,
        };
        if is_outdated {
            outdated.push(store.file.clone());
        }
    }
    Ok(outdated)
}

/// What a commit is made of.
pub(super) struct Changed {
    /// All stores of the next generation.
    pub(super) stores: Vec<Store>,
    /// Those that were written, with the length of their new files.
    pub(super) written: Vec<(String, u64)>,
    /// Those whose JSON files are out of date.
    pub(super) outdated: Vec<String>,
    /// How the JSON files looked before anything was decided.
    pub(super) seen: Seen,
}

/// Publishes the next generation, if there is anything new in it, after `base`, and
/// brings the JSON files up to date.
pub(super) fn publish(
    writer: &mut Writer,
    changed: Changed,
    base: Option<&Manifest>,
    options: &PersistOptions,
) -> Result<PersistReport> {
    let Changed {
        mut stores,
        written,
        mut outdated,
        seen,
    } = changed;
    outdated.sort();
    outdated.dedup();
    let concerned = stores.iter().filter(|store| outdated.contains(&store.file));
    let concerned: Vec<&Store> = concerned.collect();
    let (mut sync, _) = SyncFile::load(writer.twin_dir());
    let old = |store: &Store| base.and_then(|base| base.store(&store.file));
    let is_due = |store: &Store| never_had_json(old(store), &sync);
    if options.json != JsonTwin::Never {
        let dir = writer.persist_dir();
        for store in concerned.iter().filter_map(|store| old(store)) {
            refuse_linked(dir, store, state(dir, store, &sync)?)?;
        }
    }
    let texts = Outdated::print(writer, &concerned, seen, is_due, options.json)?;
    let mut report = PersistReport {
        generation: writer.highest(),
        committed: !written.is_empty(),
        ..PersistReport::default()
    };
    if report.committed {
        // The next manifest tells other texts. What the files hold until they are
        // replaced must be known all the same.
        let mut forgotten = false;
        for old in concerned.iter().filter_map(|store| old(store)) {
            if let Some((text, changed)) = unrecorded(writer.persist_dir(), old, &sync)? {
                sync.remember(&old.file, text, changed);
                forgotten = true;
            }
        }
        if forgotten {
            sync.save(writer.lock())?;
        }
        let generation = writer.next_generation();
        let changed = |store: &&mut Store| written.iter().any(|(file, _)| *file == store.file);
        for store in stores.iter_mut().filter(changed) {
            store.changed = generation;
        }
        texts.note(&mut stores, generation);
        report.generation = writer.publish(writer.highest(), stores.clone())?.generation;
    }
    if let Some(newest) = writer.base() {
        sync.note(newest);
    }
    let fates = texts.replace(writer, &stores, &mut sync, &mut report.warnings);
    // Only a memory: the commit stands without it. So it does whatever becomes of
    // garbage, which the next commit collects.
    if let Err(e) = sync.save(writer.lock()) {
        report.warnings.push(e.to_string());
    }
    if let Err(e) = collect(writer.lock(), KEEP) {
        report.warnings.push(e.to_string());
    }
    report.stores = outdated
        .into_iter()
        .map(|file| PersistedStore {
            written: written.iter().find(|(f, _)| *f == file).map_or(0, |w| w.1),
            json: fates.get(&file).copied().unwrap_or(JsonFate::Absent),
            file,
        })
        .collect();
    Ok(report)
}

/// The record of a store that has changes, whose new segments are written here.
fn changed_store(
    writer: &Writer,
    file: &str,
    kind: StoreKind,
    held: &Held<'_>,
    old: Option<&Store>,
    options: &PersistOptions,
) -> Result<Store> {
    let base = old.map_or(&[] as &[SegmentRef], |store| store.segments.as_slice());
    let store = |segments| Store {
        file: file.to_owned(),
        kind,
        changed: writer.next_generation(),
        packed: old.and_then(|store| store.packed),
        segments,
        // What changed is not the text that was packed any more.
        verbatim: None,
    };
    let length: u64 = content(base).map(|segment| segment.length).sum();
    let whole = || held.compact(writer, options.compression);
    if length < options.rewrite_below {
        match whole() {
            Ok(Some(whole)) => return Ok(store(whole.after(base))),
            // One damaged record must not stand in the way of changes to others.
            Err(e) if !e.is_damage() => return Err(e),
            Ok(None) | Err(_) => {}
        }
    }
    if let Some(appended) = held.append(writer, options.compression)? {
        return merged(writer, store(appended.after(base)), base, options);
    }
    let cannot = || Error::CannotWrite {
        file: file.to_owned(),
    };
    Ok(store(whole()?.ok_or_else(cannot)?.after(base)))
}

/// Merges segments of a store where that is due. `kept` are those of the newest
/// generation, whose files stay.
fn merged(
    writer: &Writer,
    mut store: Store,
    kept: &[SegmentRef],
    options: &PersistOptions,
) -> Result<Store> {
    let (files, _) = open_files(writer.twin_dir(), &store, &Default::default())?;
    let text = StoreText::of_files(files, None)?;
    let lengths: Vec<u64> = content(&store.segments).map(|s| s.length).collect();
    let Some(from) = compaction::due(&lengths, text.entries()?, options.rewrite_below) else {
        return Ok(store);
    };
    let compacted = match text.compact(writer, from, options.compression) {
        Err(e) if !e.is_damage() => return Err(e),
        other => other.ok().flatten(),
    };
    // What cannot be merged, because it is damaged, stays as it is.
    let Some(compacted) = compacted else {
        return Ok(store);
    };
    let segments = compacted.after(&store.segments);
    for segment in &store.segments {
        if !kept.contains(segment) && !segments.contains(segment) {
            // Written a moment ago; what stays behind is gc's.
            let _ = disk::remove_file(&segment.name.path_in(writer.twin_dir()));
        }
    }
    store.segments = segments;
    Ok(store)
}

fn content(segments: &[SegmentRef]) -> impl Iterator<Item = &SegmentRef> {
    let is_content = |segment: &&SegmentRef| segment.name.kind() != SegmentKind::Tombstones;
    segments.iter().filter(is_content)
}

/// Length of the files that only the new record of a store names.
fn new_bytes(old: Option<&Store>, new: &Store) -> u64 {
    let is_new = |segment: &&SegmentRef| {
        !old.is_some_and(|old| old.all_segments().any(|other| other == *segment))
    };
    new.all_segments().filter(is_new).map(|s| s.length).sum()
}
