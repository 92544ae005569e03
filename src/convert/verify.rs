//! `verify`: every byte of every file of the twin against its checksums, and
//! the structure that opening a store relies on.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

use super::Progress;
use crate::{
    container::{Container, Expected, FileKind, OpenOptions},
    error::{Error, Fault, Place, Result},
    persist_dir::{Manifest, SegmentRef, SyncFile, manifest, names, sync},
    segment::{VectorSegment, VerbatimSegment},
};

/// What `verify` found.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// Generations that were checked.
    pub generations: Vec<u64>,
    /// Number of files.
    pub files: usize,
    /// Their length together.
    pub bytes: u64,
    /// Everything that is wrong; empty for a sound twin.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// The damaged file.
    pub file: PathBuf,
    /// The part of the file, as in `docs/FORMAT.md`; empty where the file as
    /// a whole cannot be read.
    pub section: &'static str,
    /// Byte offset in the file.
    pub offset: u64,
    /// What is wrong and what to do, in words.
    pub error: String,
}

impl Problem {
    fn of(file: &Path, error: &Error) -> Problem {
        let (section, offset) = match error {
            Error::Damaged { place, .. } => (place.part, place.offset),
            _ => ("", 0),
        };
        Problem {
            file: file.to_owned(),
            section,
            offset,
            error: error.to_string(),
        }
    }
}

/// Checks the twin in `dir`: all generations that are kept, all their files.
///
/// Damage is reported, not returned as an error. Values are not decoded and
/// nothing is compared with the JSON files.
///
/// # Errors
/// [`Error::NoTwin`]; [`Error::Io`] where the directory cannot be listed.
pub fn verify(dir: &Path, open: &OpenOptions, progress: &dyn Progress) -> Result<VerifyReport> {
    let twin = manifest::twin_dir(dir);
    let generations = manifest::generations(&twin)?;
    if generations.is_empty() {
        sync::refuse_lost_manifests(dir)?;
        return Err(Error::NoTwin {
            dir: dir.to_owned(),
        });
    }
    let mut report = VerifyReport {
        generations: generations.clone(),
        files: 0,
        bytes: 0,
        problems: Vec::new(),
    };
    let mut seen = HashSet::new();
    for generation in generations {
        let path = manifest::manifest_path(&twin, generation);
        report.files += 1;
        report.bytes += fs::metadata(&path).map_or(0, |meta| meta.len());
        match manifest::read(&twin, generation) {
            Ok(manifest) => report.segments(&twin, &manifest, &mut seen, open, progress),
            Err(e) => report.problems.push(Problem::of(&path, &e)),
        }
    }
    report.others(&twin)?;
    Ok(report)
}

impl VerifyReport {
    fn segments(
        &mut self,
        twin: &Path,
        manifest: &Manifest,
        seen: &mut HashSet<names::SegmentName>,
        open: &OpenOptions,
        progress: &dyn Progress,
    ) {
        for segment in manifest.segments() {
            if !seen.insert(segment.name) {
                continue;
            }
            let path = segment.name.path_in(twin);
            self.files += 1;
            self.bytes += segment.length;
            progress.begin(&segment.name.to_string(), segment.length);
            if let Err(e) = check_segment(&path, segment, open, progress) {
                self.problems.push(Problem::of(&path, &e));
            }
            progress.end();
        }
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
            if let Error::Damaged { place, fault, .. } = &e {
                problem.error = format!(
                    "{}: {place}: {fault}; remove it: nothing is lost, and the next `twinstore pack` writes it anew",
                    path.display()
                );
            }
            self.problems.push(problem);
        }
        let lock = twin.join(names::LOCK);
        let len = fs::metadata(&lock).map_or(0, |meta| meta.len());
        if len != 0 {
            self.problems.push(Problem {
                file: lock,
                section: "file",
                offset: 0,
                error: "the lock file must be empty: something else wrote to it; remove it while nothing uses the twin".to_owned(),
            });
        }
        Ok(())
    }
}

fn check_segment(
    path: &Path,
    segment: &SegmentRef,
    open: &OpenOptions,
    progress: &dyn Progress,
) -> Result<()> {
    let SegmentRef { name, length, root } = *segment;
    let Some(kind) = name.kind().file_kind() else {
        return Err(Error::Damaged {
            path: path.to_owned(),
            place: Place {
                part: "file",
                offset: 0,
            },
            fault: Fault::Magic,
        });
    };
    let file = Container::open(path, kind, Expected::File { length, root }, open)?;
    file.check_with(&|at| progress.at(at))?;
    let file = Arc::new(file);
    match kind {
        FileKind::Vectors => VectorSegment::open(file)?.check_structure(),
        FileKind::Verbatim => VerbatimSegment::open(file).map(drop),
        FileKind::Manifest | FileKind::Sync => Ok(()),
    }
}
