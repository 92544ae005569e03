//! `unpack`: prints the JSON files from the twin.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Progress,
    fresh_dir::{FreshDir, refuse_target},
    printed_json::{PrintedJson, refuse_linked},
    select::find_store,
    store_text::{StoreText, other_text},
    temporary,
};
use crate::{
    container::OpenOptions,
    error::{Error, Result, SyncProblem},
    persist_dir::{
        OpenStore, Seen, Snapshot, Stat, State, SyncFile, Writer, deep_check, manifest, state, sync,
    },
};

/// What `unpack` is to do.
#[derive(Debug, Clone, Default)]
pub struct UnpackOptions {
    /// A new directory for the files; without it they go into the persist
    /// directory itself.
    pub out: Option<PathBuf>,
    /// Only this store: a file name, or the namespace of a vector store.
    pub store: Option<String>,
    /// The generation to print, instead of the newest.
    pub generation: Option<u64>,
    /// Overwrite JSON files that are newer than the twin.
    pub prefer_twin: bool,
    /// How segments are opened.
    pub open: OpenOptions,
}

/// What `unpack` did.
#[derive(Debug, Clone, Serialize)]
pub struct UnpackReport {
    /// The generation that was printed.
    pub generation: u64,
    /// Every store that was asked for.
    pub files: Vec<UnpackedFile>,
}

/// What `unpack` did with one file.
#[derive(Debug, Clone, Serialize)]
pub struct UnpackedFile {
    /// The file's name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Whether it was written; otherwise it held this text already.
    pub written: bool,
}

/// Prints JSON files from the twin in `dir`.
///
/// Into the persist directory itself, file by file: after a crash every file
/// is whole, old or new, and running it again finishes. Into a new directory
/// ([`UnpackOptions::out`]) at once: it is there with all files, or not.
///
/// # Errors
/// [`Error::NoTwin`]; [`Error::NoStore`]; [`Error::OutOfSync`] where a newer
/// JSON file would be overwritten; [`Error::TargetExists`];
/// [`Error::TargetInTwin`];
/// [`Error::Damaged`] naming the first damaged file: nothing was replaced by damaged
/// content, and in place the files of other stores were written;
/// [`Error::Locked`]; [`Error::Io`]; [`Error::Stopped`].
pub fn unpack(
    dir: &Path,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport> {
    match &options.out {
        Some(out) => unpack_to(dir, out, options, progress),
        None => unpack_in_place(dir, options, progress),
    }
}

/// The stores that were asked for.
fn selected<'a>(snapshot: &'a Snapshot, options: &UnpackOptions) -> Result<Vec<OpenStore<'a>>> {
    let Some(name) = &options.store else {
        return Ok(snapshot.stores().collect());
    };
    find_store(snapshot, name).map(|store| vec![store])
}

fn unpack_to(
    dir: &Path,
    out: &Path,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport> {
    // Before any work.
    refuse_target(dir, out)?;
    let snapshot = Snapshot::open(dir, options.generation, &options.open)?;
    let stores = selected(&snapshot, options)?;
    let fresh = FreshDir::create(out)?;
    let mut files = Vec::new();
    for store in stores {
        let text = print(&snapshot, &store, fresh.path(), progress)?;
        files.push(UnpackedFile {
            file: store.record().file.clone(),
            bytes: text.put_into_new_dir()?,
            written: true,
        });
    }
    fresh.publish(out)?;
    Ok(UnpackReport {
        generation: snapshot.generation(),
        files,
    })
}

/// What is to be done with one JSON file.
struct Job<'a> {
    store: OpenStore<'a>,
    /// How the file looked when that was decided; `None` while there is none.
    seen: Option<Stat>,
    work: Work,
}

enum Work {
    /// It holds the store's text already.
    Nothing,
    /// It does, and that is worth remembering.
    Record(Box<Seen>),
    /// It is to be written.
    Write,
}

/// Decides by the table of the two twins. A file that was touched is read as
/// a whole, and with `prefer_twin` every file.
fn judge<'a>(
    dir: &Path,
    snapshot: &'a Snapshot,
    sync: &SyncFile,
    options: &UnpackOptions,
) -> Result<Vec<Job<'a>>> {
    let mut jobs = Vec::new();
    for store in selected(snapshot, options)? {
        let path = dir.join(&store.record().file);
        let mut seen = Stat::of(&path)?;
        let mut now = state(dir, store.record(), sync)?;
        let mut work = Work::Write;
        if now == State::Touched || (options.prefer_twin && now == State::InSync) {
            let (deep, read) = deep_check(dir, store.record(), sync)?;
            now = deep;
            if let Some(read) = read {
                seen = Some(read.stat);
                work = Work::Record(Box::new(read));
            }
        }
        let problem = match now {
            State::InSync | State::Touched => None,
            State::JsonNewer => Some(SyncProblem::JsonNewer),
            State::Diverged => Some(SyncProblem::Diverged),
            State::BinaryNewer | State::JsonDamaged { .. } | State::JsonAbsent => None,
        };
        if let Some(problem) = problem
            && !options.prefer_twin
        {
            return Err(Error::OutOfSync { path, problem });
        }
        if !options.prefer_twin {
            refuse_linked(dir, store.record(), now)?;
        }
        let work = match (now, work) {
            (State::InSync | State::Touched, Work::Record(read)) => Work::Record(read),
            (State::InSync | State::Touched, _) => Work::Nothing,
            _ => Work::Write,
        };
        jobs.push(Job { store, seen, work });
    }
    Ok(jobs)
}

fn unpack_in_place(
    dir: &Path,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport> {
    if manifest::generations(&manifest::twin_dir(dir))?.is_empty() {
        sync::refuse_lost_manifests(dir)?;
        return Err(Error::NoTwin {
            dir: dir.to_owned(),
        });
    }
    // Under the lock, if it is to be had: a commit between would make what is
    // printed stale, and its record wrong. Where nothing has to be written,
    // a directory that cannot be written is no obstacle.
    let writer = Writer::open(dir);
    let snapshot = Snapshot::open(dir, options.generation, &options.open)?;
    let (mut sync, _) = SyncFile::load(snapshot.twin_dir());
    let jobs = judge(dir, &snapshot, &sync, options)?;
    let writer = match writer {
        Err(e) if jobs.iter().any(|job| matches!(job.work, Work::Write)) => return Err(e),
        other => other.ok(),
    };
    if writer.is_some() {
        // Without the lock they may be another run's, in use.
        temporary::remove_leftovers(dir);
    }
    let mut files = Vec::new();
    let mut damaged = None;
    for job in jobs {
        let record = job.store.record();
        let mut bytes = record.packed.map_or(0, |packed| packed.text.length());
        let write = matches!(job.work, Work::Write);
        match (job.work, &writer) {
            (Work::Write, Some(writer)) => {
                let text = match print(&snapshot, &job.store, dir, progress) {
                    // The others' files are written all the same.
                    Err(e) if e.is_damage() => {
                        damaged.get_or_insert(e);
                        continue;
                    }
                    text => text?,
                };
                bytes = text.put(record, job.seen, writer, &mut sync)?;
            }
            (Work::Record(read), Some(_)) => {
                sync.record(&record.file, read.stat, read.fingerprint, record.changed);
            }
            _ => {}
        }
        files.push(UnpackedFile {
            file: record.file.clone(),
            bytes,
            written: write,
        });
    }
    if let Some(writer) = &writer {
        if let Some(newest) = writer.base() {
            sync.note(newest);
        }
        // Only a memory: what was written stays written without it.
        let _ = sync.save(writer.lock());
    }
    if let Some(damaged) = damaged {
        return Err(damaged);
    }
    Ok(UnpackReport {
        generation: snapshot.generation(),
        files,
    })
}

/// Prints a store to a file that is to stand in `dir`. A text other than the one
/// that was packed is an error.
fn print(
    snapshot: &Snapshot,
    store: &OpenStore<'_>,
    dir: &Path,
    progress: &dyn Progress,
) -> Result<PrintedJson> {
    let record = store.record();
    let text = StoreText::open(store)?;
    // The text is known where nothing was changed since it was packed.
    let packed = record.packed.filter(|p| p.generation == record.changed);
    let length = packed.map(|packed| packed.text.length());
    let printed = PrintedJson::print(dir, &record.file, &text, length, progress)?;
    match packed {
        Some(packed) if packed.text != *printed.text() => {
            Err(other_text(snapshot.twin_dir(), record))
        }
        _ => Ok(printed),
    }
}
