//! Garbage: files in `twin/` that no kept generation needs.
//!
//! Only files whose names are of our making are ever removed; everything
//! else in the directory is reported and left alone. Readers are safe: they
//! opened all their files at once, an unlinked file stays readable while it
//! is open, and a reader that comes too late starts again with the newest
//! generation (`snapshot.rs`).

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use super::{
    durable,
    lock::Lock,
    manifest::{self, Manifest},
    names::{self, LOCK, SYNC, SegmentName},
};
use crate::{
    disk,
    error::{Error, Fault, Result},
};

/// How many generations are kept unless the user says otherwise: the newest,
/// and the one that readers may still be about to open.
pub const KEEP: usize = 2;

/// What a collection did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The generations that stay, oldest first.
    pub kept: Vec<u64>,
    /// The files removed.
    pub removed: Vec<PathBuf>,
    /// Their length together.
    pub bytes: u64,
    /// Files that could not be removed, as Windows does while a reader maps
    /// them. The next collection tries again.
    pub failed: Vec<PathBuf>,
    /// Files that are none of ours, left alone.
    pub unknown: Vec<PathBuf>,
}

/// What a file of the directory is, by its name.
enum Entry {
    Manifest(u64),
    Segment(SegmentName),
    Temp,
    Permanent,
    Unknown,
}

impl Entry {
    fn of(name: Option<&str>) -> Entry {
        let Some(name) = name else {
            return Entry::Unknown;
        };
        if let Some(generation) = names::parse_manifest_name(name) {
            Entry::Manifest(generation)
        } else if let Some(segment) = SegmentName::parse(name) {
            Entry::Segment(segment)
        } else if names::is_temp(name) {
            Entry::Temp
        } else if [LOCK, SYNC].contains(&name) {
            Entry::Permanent
        } else {
            Entry::Unknown
        }
    }
}

/// Removes every manifest but the newest `keep` (at least one), and every
/// segment and temporary file that the kept ones do not name.
///
/// The lock keeps other writers out, but not the caller's own half-written
/// segments: collect only when everything written was published.
///
/// Where there is no manifest at all nothing is removed: that is the state
/// before the first commit, but also after somebody deleted manifests, and
/// then the segments are all that is left.
///
/// # Errors
/// [`Error::Damaged`] when a kept manifest is damaged: nothing is removed
/// then, as what it names is not known; and when the newest generation misses a
/// file, which may be there under another name. [`Error::Forked`]; [`Error::Io`],
/// but not for a file that could not be removed.
pub fn collect(lock: &Lock, keep: usize) -> Result<Collected> {
    lock.check_owner()?;
    let dir = lock.twin_dir();
    let generations = manifest::generations(dir)?;
    let old = generations.len().saturating_sub(keep.max(1));
    let kept = generations.get(old..).unwrap_or_default().to_vec();
    let mut needed = HashSet::new();
    for &generation in &kept {
        let manifest = manifest::read(dir, generation)?;
        if Some(&generation) == kept.last() {
            refuse_missing(dir, &manifest)?;
        }
        needed.extend(manifest.segments().map(|s| s.name));
    }
    let (mut manifests, mut others) = (Vec::new(), Vec::new());
    let mut unknown = Vec::new();
    for (path, entry) in list(dir)? {
        match entry {
            // A directory, say, which is none of ours and cannot be removed like a file.
            Entry::Manifest(n) if !kept.contains(&n) && path.is_dir() => unknown.push(path),
            Entry::Manifest(n) if !kept.contains(&n) => manifests.push(path),
            Entry::Segment(name) if !needed.contains(&name) => others.push(path),
            Entry::Temp => others.push(path),
            Entry::Unknown => unknown.push(path),
            Entry::Manifest(_) | Entry::Segment(_) | Entry::Permanent => {}
        }
    }
    let mut collected = Collected {
        kept,
        unknown,
        ..Collected::default()
    };
    if collected.kept.is_empty() {
        return Ok(collected);
    }
    // Manifests first, for good, so that no manifest is ever left that names
    // files which are gone.
    collected.remove(manifests, dir)?;
    if collected.failed.is_empty() {
        collected.remove(others, dir)?;
    }
    Ok(collected)
}

/// Refuses a generation that misses a file.
fn refuse_missing(dir: &Path, manifest: &Manifest) -> Result<()> {
    for segment in manifest.segments() {
        let path = segment.name.path_in(dir);
        if let Err(e) = path.symlink_metadata() {
            return Err(match e.kind() {
                io::ErrorKind::NotFound => manifest::no_file(path, Fault::NoFile),
                _ => Error::io("stat", path)(e),
            });
        }
    }
    Ok(())
}

impl Collected {
    fn remove(&mut self, paths: Vec<PathBuf>, dir: &Path) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        for path in paths {
            let length = path.symlink_metadata().map_or(0, |m| m.len());
            match disk::remove_file(&path) {
                Ok(()) => {
                    self.bytes = self.bytes.saturating_add(length);
                    self.removed.push(path);
                }
                Err(_) => self.failed.push(path),
            }
        }
        durable::sync_dir(dir)
    }
}

fn list(dir: &Path) -> Result<Vec<(PathBuf, Entry)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let entry = entry.map_err(Error::io("list", dir))?;
        files.push((entry.path(), Entry::of(entry.file_name().to_str())));
    }
    // The same report for the same directory.
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::persist_dir::{
        commit::Writer,
        manifest::{SegmentRef, Store},
        names::SegmentKind,
        testing,
    };

    /// Publishes a generation whose only store has the segments `named`, and
    /// one more; returns that one.
    fn commit(writer: &mut Writer, named: &[SegmentRef]) -> SegmentRef {
        let fresh = testing::segment(writer, SegmentKind::Vectors, "x");
        let store = Store {
            segments: named.iter().copied().chain([fresh]).collect(),
            ..testing::store("a.json", 1)
        };
        writer.publish(writer.highest(), vec![store]).unwrap();
        fresh
    }

    fn is_there(writer: &Writer, segment: &SegmentRef) -> bool {
        segment.name.path_in(writer.twin_dir()).exists()
    }

    #[test]
    fn what_two_generations_name_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let a = commit(&mut writer, &[]);
        let b = commit(&mut writer, &[a]);
        let c = commit(&mut writer, &[b]);
        let d = commit(&mut writer, &[c]);
        // generation 1: a; 2: a b; 3: b c; 4: c d
        let collected = collect(writer.lock(), KEEP).unwrap();
        assert_eq!(collected.kept, [3, 4]);
        assert_eq!(collected.removed.len(), 3);
        assert!(collected.bytes > a.length);
        assert!(!is_there(&writer, &a));
        assert!([b, c, d].iter().all(|s| is_there(&writer, s)));
        let again = collect(writer.lock(), KEEP).unwrap();
        assert!(again.removed.is_empty());
        let collected = collect(writer.lock(), 0).unwrap();
        assert_eq!(collected.kept, [4], "the newest is never removed");
        assert!(!is_there(&writer, &b) && is_there(&writer, &c));
    }

    #[test]
    fn leftovers_go_and_foreign_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let a = commit(&mut writer, &[]);
        let twin = writer.twin_dir().to_owned();
        // a commit that was interrupted before and after its manifest
        let orphan = testing::segment(&writer, SegmentKind::Verbatim, "lost");
        let temp = names::fresh_temp(&twin).unwrap();
        fs::write(&temp, "half a manif").unwrap();
        fs::write(twin.join(SYNC), "").unwrap();
        let foreign = [
            "notes.txt",
            "vec-123.seg",
            "manifest-2",
            "tmp-mine",
            "x.seg",
        ];
        for name in foreign {
            fs::write(twin.join(name), "").unwrap();
        }
        fs::create_dir(twin.join("a directory")).unwrap();
        // Elsewhere names are text.
        #[cfg(target_os = "linux")]
        fs::write(
            twin.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff")),
            "",
        )
        .unwrap();
        let others = 1 + usize::from(cfg!(target_os = "linux"));
        let highest = manifest::read_highest(&twin).unwrap().unwrap();
        assert_eq!(highest.generation, 1, "readers ignore leftovers");
        let collected = collect(writer.lock(), KEEP).unwrap();
        let mut expected = vec![orphan.name.path_in(&twin), temp];
        expected.sort();
        let mut removed = collected.removed.clone();
        removed.sort();
        assert_eq!(removed, expected);
        assert_eq!(collected.unknown.len(), foreign.len() + others);
        assert!(collected.unknown.iter().all(|p| p.exists()));
        assert!(is_there(&writer, &a) && twin.join(SYNC).exists() && twin.join(LOCK).exists());
    }

    #[test]
    fn a_damaged_kept_manifest_stops_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let a = commit(&mut writer, &[]);
        for _ in 0..2 {
            commit(&mut writer, &[]);
        }
        let path = manifest::manifest_path(writer.twin_dir(), 2);
        fs::write(path, "not whole").unwrap();
        let refused = collect(writer.lock(), KEEP);
        assert!(refused.is_err_and(|e| e.is_damage()));
        assert!(is_there(&writer, &a));
        // The damaged one grows old: then it is garbage like any other.
        commit(&mut writer, &[]);
        let collected = collect(writer.lock(), KEEP).unwrap();
        assert_eq!(collected.kept, [3, 4]);
        assert!(!is_there(&writer, &a));
    }

    #[test]
    fn a_file_that_is_missed_stops_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let a = commit(&mut writer, &[]);
        let (_, renamed) = writer.fresh(SegmentKind::Vectors).unwrap();
        fs::rename(a.name.path_in(writer.twin_dir()), &renamed).unwrap();
        let refused = collect(writer.lock(), KEEP);
        assert!(refused.is_err_and(|e| e.is_damage()));
        assert!(renamed.exists());
        // One that only the generation before names is nobody's any more.
        commit(&mut writer, &[]);
        assert_eq!(collect(writer.lock(), KEEP).unwrap().removed, [renamed]);
    }

    #[test]
    fn a_directory_in_place_of_an_old_manifest_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let a = commit(&mut writer, &[]);
        let path = manifest::manifest_path(writer.twin_dir(), 1);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        for _ in 0..2 {
            commit(&mut writer, &[]);
        }
        let collected = collect(writer.lock(), KEEP).unwrap();
        assert_eq!(collected.unknown, [path]);
        assert!(!is_there(&writer, &a));
    }

    #[test]
    fn without_any_manifest_nothing_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let a = commit(&mut writer, &[]);
        fs::remove_file(manifest::manifest_path(writer.twin_dir(), 1)).unwrap();
        let collected = collect(writer.lock(), KEEP).unwrap();
        assert!(collected.removed.is_empty() && is_there(&writer, &a));
    }

    #[test]
    fn what_cannot_be_removed_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        commit(&mut writer, &[]);
        let (_, path) = writer.fresh(SegmentKind::Vectors).unwrap();
        fs::create_dir(&path).unwrap();
        let collected = collect(writer.lock(), KEEP).unwrap();
        assert_eq!(collected.failed, [path]);
    }
}
