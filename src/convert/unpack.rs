//! `unpack`: prints the JSON files from the twin.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Progress, recognise::store_name, store_text::StoreText, temporary};
use crate::{
    container::OpenOptions,
    error::{Error, Fault, Place, Result, SyncProblem},
    persist_dir::{
        Fingerprint, Fingerprinter, OpenStore, Snapshot, Stat, State, SyncFile, Writer, durable,
        manifest, state,
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
/// [`Error::Damaged`], before anything was replaced by damaged content;
/// [`Error::Locked`]; [`Error::Io`].
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
    let named = |file: &str| file == name || store_name(file) == name;
    let found: Vec<_> = snapshot
        .stores()
        .filter(|s| named(&s.record().file))
        .collect();
    if found.is_empty() {
        let known = snapshot
            .stores()
            .map(|s| store_name(&s.record().file).to_owned());
        return Err(Error::NoStore {
            name: name.clone(),
            known: known.collect(),
        });
    }
    Ok(found)
}

fn unpack_to(
    dir: &Path,
    out: &Path,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport> {
    let taken = || Error::TargetExists {
        path: out.to_owned(),
    };
    let empty = fs::read_dir(out).map(|mut entries| entries.next().is_none());
    match empty {
        Ok(false) => return Err(taken()),
        Err(e) if e.kind() == std::io::ErrorKind::NotADirectory => return Err(taken()),
        _ => {}
    }
    let snapshot = Snapshot::open(dir, options.generation, &options.open)?;
    let stores = selected(&snapshot, options)?;
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A sibling, so that the rename stays within one file system.
    let temp = temporary::builder(0o777)
        .tempdir_in(parent)
        .map_err(Error::io("create a directory in", parent))?;
    let mut files = Vec::new();
    for store in stores {
        let path = temp.path().join(&store.record().file);
        let file = File::create_new(&path).map_err(Error::io("create", &path))?;
        let text = print_to(&snapshot, &store, file, &path, progress)?;
        files.push(UnpackedFile {
            file: store.record().file.clone(),
            bytes: text.length(),
            written: true,
        });
    }
    durable::sync_dir(temp.path())?;
    fs::rename(temp.path(), out).map_err(Error::io("create", out))?;
    // Renamed away: there is nothing left to remove.
    let _ = temp.keep();
    durable::sync_parent(out)?;
    Ok(UnpackReport {
        generation: snapshot.generation(),
        files,
    })
}

fn unpack_in_place(
    dir: &Path,
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<UnpackReport> {
    // The newest state, under the lock: a commit between would make what is
    // printed stale, and its record wrong.
    if manifest::generations(&manifest::twin_dir(dir))?.is_empty() {
        return Err(Error::NoTwin {
            dir: dir.to_owned(),
        });
    }
    let writer = Writer::open(dir)?;
    let snapshot = Snapshot::open(dir, options.generation, &options.open)?;
    let (mut sync, _) = SyncFile::load(writer.twin_dir());
    let mut work = Vec::new();
    for store in selected(&snapshot, options)? {
        let path = dir.join(&store.record().file);
        let problem = match state(dir, store.record(), &sync)? {
            State::InSync | State::Touched => {
                work.push((store, false));
                continue;
            }
            State::JsonNewer => SyncProblem::JsonNewer,
            State::Diverged => SyncProblem::Diverged,
            State::BinaryNewer | State::JsonDamaged { .. } | State::JsonAbsent => {
                work.push((store, true));
                continue;
            }
        };
        if !options.prefer_twin {
            return Err(Error::OutOfSync { path, problem });
        }
        work.push((store, true));
    }
    temporary::remove_leftovers(dir);
    let mut files = Vec::new();
    for (store, write) in work {
        let record = store.record();
        let mut bytes = record.packed.map_or(0, |packed| packed.text.length());
        if write {
            let path = dir.join(&record.file);
            let temp = temporary::builder(0o666)
                .tempfile_in(dir)
                .map_err(Error::io("create a file in", dir))?;
            let (file, temp) = temp.into_parts();
            if let Ok(old) = fs::metadata(&path) {
                // A file that was not for everybody must not become so.
                let set = file.set_permissions(old.permissions());
                set.map_err(Error::io("set permissions of", &temp))?;
            }
            let text = print_to(&snapshot, &store, file, &temp, progress)?;
            bytes = text.length();
            sync.set_pending(&record.file, text, record.changed);
            sync.save(writer.lock())?;
            // Renaming changes nothing that a stat shows, and nobody else
            // knows of the file yet.
            let stat = Stat::of(&temp)?;
            durable::replace(&temp, &path)?;
            // Renamed away: there is nothing left to remove.
            let _ = temp.keep();
            if let Some(stat) = stat {
                sync.record(&record.file, stat, text, record.changed);
            }
        }
        files.push(UnpackedFile {
            file: record.file.clone(),
            bytes,
            written: write,
        });
    }
    sync.save(writer.lock())?;
    Ok(UnpackReport {
        generation: snapshot.generation(),
        files,
    })
}

/// Prints a store to a new file and syncs it. A text other than the one that
/// was packed is an error.
fn print_to(
    snapshot: &Snapshot,
    store: &OpenStore<'_>,
    file: File,
    path: &Path,
    progress: &dyn Progress,
) -> Result<Fingerprint> {
    let record = store.record();
    let manifest = manifest::manifest_path(snapshot.twin_dir(), snapshot.generation());
    let text = StoreText::open(store, manifest)?;
    // The text is known where nothing was changed since it was packed.
    let packed = record.packed.filter(|p| p.generation == record.changed);
    let length = packed.map_or(0, |packed| packed.text.length());
    progress.begin(&record.file, length);
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut fingerprinter = Fingerprinter::new(length);
    let write = || Error::io("write", path);
    let printed = text.print(&mut |bytes| {
        out.write_all(bytes).map_err(write())?;
        fingerprinter.update(bytes);
        progress.at(fingerprinter.position());
        Ok(())
    });
    progress.end();
    printed?;
    let file = out.into_inner().map_err(|e| write()(e.into_error()))?;
    file.sync_all().map_err(Error::io("sync", path))?;
    let printed = fingerprinter.finish();
    let Some(packed) = packed else {
        return Fingerprint::of(path);
    };
    if printed != packed.text {
        let segment = record.all_segments().last();
        let path = segment.map(|s| s.name.path_in(snapshot.twin_dir()));
        return Err(Error::Damaged {
            path: path.unwrap_or_else(|| snapshot.twin_dir().to_owned()),
            place: Place {
                part: "file",
                offset: 0,
            },
            fault: Fault::Content,
        });
    }
    Ok(printed)
}
