//! A script removes a persist dir and builds it anew, while a service has it open. The
//! generations count from 1 again, and still the service must not take the new
//! directory for the one that it has read. Where it is removed only, whoever has it open
//! writes all that there was.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{fs, path::Path};

use common::{
    Storage,
    library::{documents, insert, new_library},
};
use twinstore::{
    Error, StorageContext,
    storage_context::{JsonTwin, PersistOptions},
};

fn open(dir: &Path) -> StorageContext {
    StorageContext::from_persist_dir(dir).unwrap()
}

/// Removes a directory, file by file.
fn remove_dir(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => remove_dir(&path),
            false => fs::remove_file(path).unwrap(),
        }
    }
    fs::remove_dir(dir).unwrap();
}

/// A directory with the document `a`, and a service that has it open.
fn opened() -> (Storage, StorageContext) {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    let service = open(&storage.dir());
    (storage, service)
}

fn rebuilt(storage: &Storage) {
    remove_dir(&storage.dir());
    let mut nightly = new_library();
    for name in ["x", "y"] {
        insert(&mut nightly, name, 3, "rebuilt");
    }
    nightly.persist(storage.dir()).unwrap();
}

#[test]
fn a_directory_that_was_built_anew_is_a_conflict() {
    let (storage, mut service) = opened();
    insert(&mut service, "b", 2, "two");
    rebuilt(&storage);
    let result = service.persist(storage.dir());
    assert!(matches!(result, Err(Error::Conflict { .. })));
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["x", "y"]);
}

#[test]
fn a_directory_that_was_built_anew_is_shown_by_reload() {
    let (storage, mut service) = opened();
    rebuilt(&storage);
    service.reload().unwrap();
    assert_eq!(documents(&service).unwrap(), ["x", "y"]);
}

#[test]
fn a_directory_that_was_built_anew_takes_changes_with_rebase() {
    let (storage, mut service) = opened();
    insert(&mut service, "b", 2, "two");
    rebuilt(&storage);
    let options = PersistOptions {
        rebase: true,
        ..PersistOptions::default()
    };
    service.persist_with(storage.dir(), &options).unwrap();
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["b", "x", "y"]);
}

/// The same with segments that are appended.
#[test]
fn a_directory_that_was_built_anew_is_not_appended_to() {
    let (storage, mut service) = opened();
    insert(&mut service, "b", 2, "two");
    service.delete_ref_doc(b"a").unwrap();
    rebuilt(&storage);
    let options = PersistOptions {
        rewrite_below: 0,
        json: JsonTwin::Never,
        ..PersistOptions::default()
    };
    let result = service.persist_with(storage.dir(), &options);
    assert!(matches!(result, Err(Error::Conflict { .. })));
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["x", "y"]);
}

#[test]
fn a_directory_that_was_removed_is_written_whole() {
    let (storage, mut service) = opened();
    insert(&mut service, "b", 2, "two");
    remove_dir(&storage.dir());
    service.persist(storage.dir()).unwrap();
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["a", "b"]);
    assert!(storage.dir().join("docstore.json").exists());
    // It goes on there.
    insert(&mut service, "c", 2, "three");
    service.persist(storage.dir()).unwrap();
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["a", "b", "c"]);
}

#[test]
fn a_directory_that_was_removed_can_be_written_elsewhere() {
    let (storage, mut service) = opened();
    remove_dir(&storage.dir());
    let elsewhere = storage.dir().with_file_name("elsewhere");
    service.persist(&elsewhere).unwrap();
    assert_eq!(documents(&open(&elsewhere)).unwrap(), ["a"]);
    assert!(!storage.dir().exists());
}

#[test]
fn a_twin_that_was_removed_beside_its_json_is_made_again() {
    let (storage, mut service) = opened();
    insert(&mut service, "b", 2, "two");
    remove_dir(&storage.dir().join("twin"));
    service.persist(storage.dir()).unwrap();
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["a", "b"]);
}
