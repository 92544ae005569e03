//! Writing all stores of a context to a directory that it is not of.

use std::{collections::HashSet, fs, path::Path};

use super::{
    PersistOptions, PersistReport,
    commit::{Changed, publish, swept_up},
    is_same_dir, json_twin, open_writer,
};
use crate::{
    convert::{packed_store, store_kind},
    disk,
    error::{Error, Result},
    persist_dir::{SegmentRef, Store, Writer, durable, manifest, sync},
    segment::Compression,
    storage_context::StorageContext,
};

impl StorageContext {
    /// Makes a complete twin of this context in `dir`, as LlamaIndex overwrites its
    /// files there. A context of no directory is of that one from then on.
    pub(super) fn replace(
        &mut self,
        dir: &Path,
        options: &PersistOptions,
    ) -> Result<PersistReport> {
        let is_there = dir.is_dir();
        if !options.allow_empty && is_there && has_stores(dir)? && self.is_empty()? {
            return Err(Error::WouldEmpty {
                dir: dir.to_owned(),
            });
        }
        if manifest::generations(&manifest::twin_dir(dir))?.is_empty() {
            sync::refuse_lost_manifests(dir)?;
            // Also where it is there: an attempt may have ended before it was synced.
            create_dirs(dir)?;
        }
        let mut writer = open_writer(dir, options.wait)?;
        let report = self.write_all(&mut writer, options);
        let report = swept_up(&writer, report)?;
        drop(writer);
        if self.persist_dir().is_none_or(|own| is_same_dir(own, dir)) {
            self.show_newest(dir)?;
        }
        Ok(report)
    }

    /// Writes all stores, and publishes them.
    fn write_all(&self, writer: &mut Writer, options: &PersistOptions) -> Result<PersistReport> {
        let stores = self.all_stores(writer, options)?;
        let base = writer.base().cloned();
        let mut all = base
            .as_ref()
            .map_or_else(Vec::new, |base| base.stores.clone());
        let length = |store: &Store| store.all_segments().map(|s| s.length).sum();
        let written: Vec<_> = stores.iter().map(|s| (s.file.clone(), length(s))).collect();
        for store in stores {
            match all.iter_mut().find(|other| other.file == store.file) {
                Some(old) => *old = store,
                None => all.push(store),
            }
        }
        let seen = json_twin::look(
            writer.persist_dir(),
            written.iter().map(|(file, _)| file.as_str()),
        )?;
        let outdated = written.iter().map(|(file, _)| file.clone()).collect();
        let others = others_in(writer, &all, options.compression)?;
        let mut written = written;
        written.extend(
            others
                .iter()
                .map(|store| (store.file.clone(), length(store))),
        );
        all.extend(others);
        let changed = Changed {
            seen,
            stores: all,
            outdated,
            written,
        };
        publish(writer, changed, base.as_ref(), options)
    }

    /// Writes every store to the twin of `writer`: those that did not change since they
    /// were read are copied.
    fn all_stores(&self, writer: &Writer, options: &PersistOptions) -> Result<Vec<Store>> {
        let mut stores = Vec::new();
        let lost = self.lost_files();
        if self.opened.is_none() || !lost.is_empty() {
            // LlamaIndex writes all its files, also those of empty stores.
            self.open_all()?;
        }
        let mut held = self.held();
        held.retain(|(file, ..)| !options.elsewhere.contains(file));
        let mut changed = HashSet::new();
        for (file, _, held) in &held {
            if held.has_changes()? || lost.contains(file.as_str()) {
                changed.insert(file.as_str());
            }
        }
        if let Some(opened) = &self.opened {
            for store in &opened.snapshot.manifest().stores {
                let is_elsewhere = options.elsewhere.contains(&store.file);
                if !is_elsewhere && !changed.contains(store.file.as_str()) {
                    stores.push(copied(opened.snapshot.twin_dir(), store, writer)?);
                }
            }
        }
        for (file, kind, held) in &held {
            if stores.iter().any(|store| store.file == *file) {
                continue;
            }
            let whole = held.compact(writer, options.compression)?;
            let whole = whole.ok_or_else(|| Error::CannotWrite { file: file.clone() })?;
            stores.push(Store {
                file: file.clone(),
                kind: *kind,
                changed: writer.next_generation(),
                packed: None,
                segments: whole.after(&[]),
                verbatim: None,
            });
        }
        Ok(stores)
    }

    /// The stores whose segments cannot be copied, because they were removed: with the
    /// directory, or by gc after many commits. They are open, and can be read.
    fn lost_files(&self) -> HashSet<&str> {
        let Some(opened) = &self.opened else {
            return HashSet::new();
        };
        let twin_dir = opened.snapshot.twin_dir();
        let is_there = |segment: &SegmentRef| segment.name.path_in(twin_dir).exists();
        let stores = opened.snapshot.manifest().stores.iter();
        let lost = stores.filter(|store| !store.all_segments().all(is_there));
        lost.map(|store| store.file.as_str()).collect()
    }
}

/// The stores that LlamaIndex would read in the directory beside ours and that are in no
/// twin yet. A twin that left them out would be called out of date.
fn others_in(writer: &Writer, ours: &[Store], compression: Compression) -> Result<Vec<Store>> {
    let mut others = Vec::new();
    let dir = writer.persist_dir();
    for name in file_names(dir)? {
        let is_ours = ours.iter().any(|store| store.file == name);
        if let (Some(kind), false) = (store_kind(&name), is_ours || !dir.join(&name).is_file()) {
            others.push(packed_store(writer, &name, kind, compression)?);
        }
    }
    Ok(others)
}

/// The same store in another twin.
fn copied(from: &Path, store: &Store, writer: &Writer) -> Result<Store> {
    let copy = |segment: &SegmentRef| -> Result<SegmentRef> {
        let (name, target) = writer.fresh(segment.name.kind())?;
        let source = segment.name.path_in(from);
        // Published files never change, so two names for one are as good as two files.
        if disk::hard_link(&source, &target).is_err() {
            disk::copy(&source, &target).map_err(Error::io("copy", &source))?;
            durable::sync_file(&target)?;
        }
        Ok(SegmentRef { name, ..*segment })
    };
    Ok(Store {
        changed: writer.next_generation(),
        packed: None,
        segments: store.segments.iter().map(copy).collect::<Result<_>>()?,
        verbatim: store.verbatim.as_ref().map(copy).transpose()?,
        ..store.clone()
    })
}

/// Whether there is a twin in `dir`, or a JSON file that LlamaIndex would open.
fn has_stores(dir: &Path) -> Result<bool> {
    if !manifest::generations(&manifest::twin_dir(dir))?.is_empty() {
        return Ok(true);
    }
    Ok(file_names(dir)?
        .iter()
        .any(|name| store_kind(name).is_some()))
}

/// The names in a directory that are text, sorted.
fn file_names(dir: &Path) -> Result<Vec<String>> {
    let list = || Error::io("list", dir);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(list())? {
        names.extend(entry.map_err(list())?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Creates a directory, and those it is in, for good.
fn create_dirs(dir: &Path) -> Result<()> {
    if let Some(parent) = dir.parent().filter(|p| !p.as_os_str().is_empty()) {
        if !parent.is_dir() {
            create_dirs(parent)?;
        } else if dir.is_dir() && fs::read_dir(parent).is_err() {
            // Who may not look there did not create it.
            return Ok(());
        }
    }
    durable::create_dir(dir)
}
