//! A user packs a directory, trusts the twin, and deletes the JSON. Years
//! later the JSON is wanted again, by LlamaIndex or by a diff. If a single
//! byte of a single file came back otherwise, whatever the writer, dialect or
//! numbers were, the twin was not a twin.
//!
//! Everything that is at hand goes there and back twice: once to a new
//! directory beside untouched JSON, once in place after the JSON was dropped.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::path::Path;

use common::{Storage, assert_same_files, data_dir, files_of, in_parallel, persist_dirs, shared};
use twinstore::{
    container::OpenOptions,
    convert::{PackOptions, store_kind},
};

fn there_and_back(dir: &Path) {
    let of = dir.display().to_string();
    let storage = Storage::copy_of(dir);
    let files = storage.files();
    storage.pack_all();
    let report = storage.verify();
    assert!(report.problems.is_empty(), "{of}: {:?}", report.problems);
    let unpacked = storage.unpacked(OpenOptions::default()).unwrap();
    assert_same_files(&unpacked, &files, &of);

    let report = storage.pack_with(PackOptions {
        all: true,
        drop_json: true,
        ..PackOptions::default()
    });
    let stores = || files.keys().filter(|file| store_kind(file).is_some());
    assert_eq!(
        report.dropped,
        stores().cloned().collect::<Vec<_>>(),
        "{of}"
    );
    assert!(stores().all(|file| !storage.exists(file)), "{of}");
    storage.unpack();
    assert_same_files(&storage.files(), &files, &of);
    let status = storage.status();
    assert_eq!(status.stores.len(), files.len(), "{of}");
    for store in &status.stores {
        assert_eq!(store.state, "in sync", "{of}/{}", store.file);
    }
}

/// All persist dirs below a folder, of which there must be at least `least`.
fn all_below(folder: &Path, least: usize) {
    let dirs = persist_dirs(folder);
    assert!(dirs.len() >= least, "only {} dirs", dirs.len());
    in_parallel(&dirs, |dir| there_and_back(dir));
}

#[test]
fn of_every_kind_dialect_and_class() {
    all_below(&data_dir(), 50);
}

#[test]
fn of_real_persist_dirs() {
    if let Some(folder) = shared("corpus") {
        all_below(&folder, 10);
    }
}

#[test]
fn of_what_llamaindex_itself_writes() {
    if let Some(folder) = shared("examples") {
        all_below(&folder, 60);
    }
}

#[test]
fn of_every_oddity_that_was_thought_of() {
    if let Some(folder) = shared("edge") {
        all_below(&folder, 30);
    }
}

/// A dir whose point nobody knows is a dir that nobody keeps right.
#[test]
fn every_dir_of_ours_says_what_it_is_for() {
    let readme = std::fs::read_to_string(data_dir().join("README.md")).unwrap();
    let mut listed: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, _)| name)
        .collect();
    listed.sort_unstable();
    let dirs = persist_dirs(&data_dir());
    let names = dirs
        .iter()
        .map(|dir| dir.file_name().unwrap().to_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), listed);
    for dir in &dirs {
        let bytes: usize = files_of(dir).values().map(Vec::len).sum();
        let limit = if dir.ends_with("strange_ids") {
            90_000
        } else {
            16_000
        };
        assert!(bytes < limit, "{} is too large to commit", dir.display());
    }
}
