//! `gc`: removes what no kept generation needs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    error::{Error, Result},
    persist_dir::{Writer, collect, manifest, sync},
};

/// What `gc` did.
#[derive(Debug, Clone, Serialize)]
pub struct GcReport {
    /// The generations that stay, oldest first.
    pub kept: Vec<u64>,
    /// Names of the files that were removed.
    pub removed: Vec<String>,
    /// Their length together.
    pub bytes: u64,
    /// Files that could not be removed; the next run tries again.
    pub failed: Vec<String>,
    /// Files in `twin/` that are none of ours: left alone.
    pub unknown: Vec<String>,
}

/// Removes every generation of the twin in `dir` but the newest `keep` (at
/// least one), and the files that no kept one needs, such as an interrupted
/// commit leaves.
///
/// # Errors
/// [`Error::NoTwin`]; [`Error::LostManifests`]; [`Error::Locked`];
/// [`Error::DamagedManifest`], [`Error::LostGeneration`] and [`Error::Damaged`] when a
/// kept manifest is gone or damaged: nothing is removed then; [`Error::Io`].
pub fn gc(dir: &Path, keep: usize) -> Result<GcReport> {
    refuse_without_twin(dir)?;
    let writer = Writer::open(dir)?;
    let collected = collect(writer.lock(), keep)?;
    let names = |paths: Vec<PathBuf>| {
        let names = paths.iter().filter_map(|path| path.file_name());
        names.map(|n| n.to_string_lossy().into_owned()).collect()
    };
    Ok(GcReport {
        kept: collected.kept,
        removed: names(collected.removed),
        bytes: collected.bytes,
        failed: names(collected.failed),
        unknown: names(collected.unknown),
    })
}

/// Refuses a directory without a twin before anything is created in it.
///
/// # Errors
/// [`Error::NoTwin`]; [`Error::LostManifests`]; [`Error::Io`].
pub(crate) fn refuse_without_twin(dir: &Path) -> Result<()> {
    if manifest::generations(&manifest::twin_dir(dir))?.is_empty() {
        sync::refuse_lost_manifests(dir)?;
        return Err(Error::NoTwin {
            dir: dir.to_owned(),
        });
    }
    Ok(())
}
