//! `verify`: every byte of every file of the twin against its checksums, and
//! the structure that opening a store relies on. On request, the values too
//! (`deep.rs`).

use std::{collections::HashSet, fs, path::Path, sync::Arc};

use serde::Serialize;

use super::{Progress, deep, problem::Problem, references::Warning};
use crate::{
    container::OpenOptions,
    error::{Error, Result},
    persist_dir::{
        Manifest, SegmentKind, SegmentRef, SyncFile, manifest, names, open_segment, sync,
    },
    segment::{RecordSegment, TombstoneSegment, VectorSegment, VerbatimSegment},
};

/// What `verify` is to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions {
    /// Decode every value of the newest generation, or of the one asked for,
    /// print every text and compare it with the one that was packed, and look
    /// for references between stores that lead nowhere.
    pub deep: bool,
    /// Check this generation only; without it, all that are kept.
    pub generation: Option<u64>,
    /// How files are opened.
    pub open: OpenOptions,
}

/// What `verify` found.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// Generations that were checked.
    pub generations: Vec<u64>,
    /// Number of files.
    pub files: usize,
    /// Their length together.
    pub bytes: u64,
    /// Whether values were decoded, too.
    pub deep: bool,
    /// Everything that is wrong; empty for a sound twin.
    pub problems: Vec<Problem>,
    /// What LlamaIndex may trip over, though nothing is wrong with the twin.
    /// Only a deep look finds such.
    pub warnings: Vec<Warning>,
}

/// What to do where the newest generation is not concerned.
const ONLY_BEFORE: &str =
    "only a generation before the newest needs it: `twinstore gc --keep 1` removes that";

/// Checks the twin in `dir`: the generations that are kept, all their files.
///
/// Damage is reported, not returned as an error. Nothing is compared with the
/// JSON files.
///
/// # Errors
/// [`Error::NoTwin`]; [`Error::NoGeneration`]; [`Error::Io`] where the
/// directory cannot be listed; [`Error::Stopped`].
pub fn verify(
    dir: &Path,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<VerifyReport> {
    let open = &options.open;
    let twin = manifest::twin_dir(dir);
    let mut generations = manifest::generations(&twin)?;
    if generations.is_empty() {
        sync::refuse_lost_manifests(dir)?;
        return Err(Error::NoTwin {
            dir: dir.to_owned(),
        });
    }
    // What only generations before the newest have is no store's content any more.
    let newest = generations.last().copied();
    let current = newest.and_then(|newest| manifest::read(&twin, newest).ok());
    if let Some(generation) = options.generation {
        if !generations.contains(&generation) {
            return Err(Error::NoGeneration {
                dir: dir.to_owned(),
                generation,
                kept: generations,
            });
        }
        generations = vec![generation];
    }
    let mut report = VerifyReport {
        generations: generations.clone(),
        files: 0,
        bytes: 0,
        deep: options.deep,
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    let mut seen = HashSet::new();
    for generation in generations {
        let path = manifest::manifest_path(&twin, generation);
        report.files += 1;
        report.bytes += fs::metadata(&path).map_or(0, |meta| meta.len());
        match manifest::read(&twin, generation) {
            Ok(manifest) => report.segments(
                &twin,
                &manifest,
                current.as_ref(),
                &mut seen,
                open,
                progress,
            )?,
            Err(e) => {
                let mut problem = Problem::of(&path, &e);
                // What is to be done about segments is not for manifests.
                if let Err(named @ Error::DamagedManifest { .. }) =
                    manifest::read_kept(dir, generation)
                {
                    problem.error = match current {
                        Some(_) => format!("{}; {ONLY_BEFORE}", e.in_short()),
                        None => named.to_string(),
                    };
                }
                report.problems.push(problem);
            }
        }
    }
    if options.generation.is_none()
        && let Err(e @ Error::LostGeneration { generation, .. }) = sync::read_newest(&twin)
    {
        let path = manifest::manifest_path(&twin, generation);
        report.problems.push(Problem::of(&path, &e));
    }
    report.others(&twin)?;
    if options.deep {
        let damaged = report.problems.iter().map(|p| p.file.clone()).collect();
        let found = deep::look(dir, options.generation, open, &damaged, progress)?;
        report.problems.extend(found.problems);
        report.warnings = found.warnings;
    }
    Ok(report)
}

impl VerifyReport {
    fn segments(
        &mut self,
        twin: &Path,
        manifest: &Manifest,
        current: Option<&Manifest>,
        seen: &mut HashSet<names::SegmentName>,
        open: &OpenOptions,
        progress: &dyn Progress,
    ) -> Result<()> {
        for segment in manifest.segments() {
            if !seen.insert(segment.name) {
                continue;
            }
            let path = segment.name.path_in(twin);
            self.files += 1;
            self.bytes += segment.length;
            progress.begin(&segment.name.to_string(), segment.length);
            let checked = check_segment(twin, segment, open, progress);
            progress.end();
            match checked {
                Ok(()) => {}
                Err(e @ Error::Stopped) => return Err(e),
                Err(e) => {
                    let mut problem = Problem::of(&path, &e);
                    let mut names = current.iter().flat_map(|m| m.segments()).map(|s| s.name);
                    let is_later =
                        matches!(&e, Error::Damaged { fault, .. } if fault.is_of_later_version());
                    if current.is_some() && !is_later && !names.any(|name| name == segment.name) {
                        problem.error = format!("{}; {ONLY_BEFORE}", e.in_short());
                    }
                    self.problems.push(problem);
                }
            }
        }
        Ok(())
    }

    /// The two files that no manifest names.
    fn others(&mut self, twin: &Path) -> Result<()> {
        let path = twin.join(names::SYNC);
        if path.exists() {
            self.files += 1;
            self.bytes += fs::metadata(&path).map_or(0, |meta| meta.len());
        }
        if let (_, Some(e)) = SyncFile::load(twin) {
            let mut problem = Problem::of(&path, &e);
            // Not the remedy of other files: this one is only a memory.
            if let Error::Damaged { .. } = &e {
                problem.error = format!(
                    "{}; it only tells of the JSON files, and the next `twinstore pack` that goes well writes it anew",
                    e.in_short()
                );
            }
            self.problems.push(problem);
        }
        let lock = twin.join(names::LOCK);
        let what = match fs::symlink_metadata(&lock) {
            Ok(meta) if !meta.is_file() => "not a file of twinstore's",
            Ok(meta) if meta.len() != 0 => "not empty: something else wrote to it",
            _ => return Ok(()),
        };
        let error = format!(
            "the lock file {} is {what}; remove it while nothing uses the twin",
            lock.display()
        );
        self.problems.push(Problem {
            file: lock,
            section: "file",
            offset: 0,
            error,
        });
        Ok(())
    }
}

fn check_segment(
    twin: &Path,
    segment: &SegmentRef,
    open: &OpenOptions,
    progress: &dyn Progress,
) -> Result<()> {
    let kind = segment.name.kind();
    let file = open_segment(twin, segment, open)?;
    file.check_with(&|at| progress.at(at))?;
    let file = Arc::new(file);
    match kind {
        SegmentKind::Vectors => VectorSegment::open(file)?.check_structure(),
        SegmentKind::Records => RecordSegment::open(file)?.check_structure(),
        SegmentKind::Verbatim => VerbatimSegment::open(file).map(drop),
        SegmentKind::Tombstones => TombstoneSegment::open(file)?.check_structure(),
    }
}
