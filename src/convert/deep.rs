//! `verify --deep`: every value of a generation is decoded, and every text
//! printed and compared with the one that was packed.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{
    Progress,
    problem::Problem,
    references::{Warning, warnings},
    store_text::{StoreText, Structure, other_text},
};
use crate::{
    container::OpenOptions,
    error::{Error, Result},
    persist_dir::{Fingerprinter, OpenStore, Snapshot, Store},
};

/// What a deep look finds.
#[derive(Debug, Default)]
pub(crate) struct Deep {
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Warning>,
}

/// Looks into the stores of a generation. Those with a file in `damaged` are
/// passed over: what is wrong with them is known.
///
/// # Errors
/// [`Error::NoTwin`], [`Error::NoGeneration`], [`Error::Io`], [`Error::Stopped`]. Damage is
/// reported.
pub(crate) fn look(
    dir: &Path,
    generation: Option<u64>,
    open: &OpenOptions,
    damaged: &HashSet<PathBuf>,
    progress: &dyn Progress,
) -> Result<Deep> {
    let snapshot = match Snapshot::open(dir, generation, open) {
        // The manifest is among the files that were checked.
        Err(e) if e.is_damage() => return Ok(Deep::default()),
        other => other?,
    };
    let mut deep = Deep::default();
    let mut sound = Vec::new();
    for store in snapshot.stores() {
        let record = store.record();
        let path = |store: &Store| store.all_segments().last().map(|s| s.name);
        let mut segments = record.all_segments();
        if segments.any(|s| damaged.contains(&s.name.path_in(snapshot.twin_dir()))) {
            continue;
        }
        match check(&snapshot, &store, progress) {
            Ok(text) => sound.push((record, text)),
            Err(e @ Error::Stopped) => return Err(e),
            Err(e) => {
                let segment = path(record).map(|name| name.path_in(snapshot.twin_dir()));
                let file = match &e {
                    Error::Damaged { path, .. } | Error::Io { path, .. } => path.clone(),
                    _ => segment.unwrap_or_else(|| snapshot.twin_dir().to_owned()),
                };
                deep.problems.push(Problem::of(&file, &e));
            }
        }
    }
    match warnings(&sound) {
        Ok(found) => deep.warnings = found,
        // Every value was read a moment ago.
        Err(e) => deep.problems.push(Problem::of(snapshot.twin_dir(), &e)),
    }
    Ok(deep)
}

/// Decodes everything a store holds, and prints it.
fn check(snapshot: &Snapshot, store: &OpenStore<'_>, progress: &dyn Progress) -> Result<StoreText> {
    let record = store.record();
    let text = StoreText::open(store)?;
    let length = record.packed.map_or(0, |packed| packed.text.length());
    progress.begin(&record.file, length);
    let checked = check_structure(text.structure()).and_then(|()| {
        let mut fingerprinter = Fingerprinter::new(length);
        text.print(&mut |bytes| {
            fingerprinter.update(bytes);
            progress.at(fingerprinter.position())
        })?;
        if text.is_file_form() {
            // For reading and queries, so it must be whole as well.
            text.print_structure(&mut |_| Ok(()))?;
        }
        // The text is known where nothing was changed since it was packed.
        let printed = fingerprinter.finish();
        match record.packed.filter(|p| p.generation == record.changed) {
            Some(packed) if packed.text != printed => Err(other_text(snapshot.twin_dir(), record)),
            _ => Ok(()),
        }
    });
    progress.end();
    checked.map(|()| text)
}

fn check_structure(structure: &Structure) -> Result<()> {
    match structure {
        Structure::None => Ok(()),
        Structure::Vectors(store) => store.segments().iter().try_for_each(|s| s.check_rows()),
        Structure::Records(store) => store.check_records(&|| ()),
    }
}
