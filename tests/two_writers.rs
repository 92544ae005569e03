//! Two programs have opened the same generation, and both persist. With LlamaIndex
//! the second overwrites what the first wrote. Here it is told, and may put its
//! changes on top; where both changed one thing, a person has to look.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{path::Path, process::Command};

use common::{
    Storage,
    library::{documents, insert, new_library},
};
use twinstore::{
    Error, StorageContext,
    convert::{CompactOptions, Silent, compact},
    persist_dir::Writer,
    storage_context::PersistOptions,
};

fn rebase() -> PersistOptions {
    PersistOptions {
        rebase: true,
        ..PersistOptions::default()
    }
}

fn open(dir: &Path) -> StorageContext {
    StorageContext::from_persist_dir(dir).unwrap()
}

/// A directory with the document `a`, opened twice.
fn opened_twice() -> (Storage, StorageContext, StorageContext) {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a", 2, "one");
    context.persist(storage.dir()).unwrap();
    let (first, second) = (open(&storage.dir()), open(&storage.dir()));
    (storage, first, second)
}

#[test]
fn different_documents_go_together() {
    let (storage, mut first, mut second) = opened_twice();
    insert(&mut first, "b", 2, "two");
    insert(&mut second, "c", 3, "three");
    first.persist(storage.dir()).unwrap();
    let refused = second.persist(storage.dir()).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Conflict {
                opened: 1,
                current: 2
            }
        ),
        "{refused}"
    );
    // Nothing was written, and the changes are still there.
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["a", "b"]);
    assert_eq!(documents(&second).unwrap(), ["a", "c"]);
    let report = second.persist_with(storage.dir(), &rebase()).unwrap();
    assert_eq!(report.generation, 3);
    assert_eq!(documents(&second).unwrap(), ["a", "b", "c"]);
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["a", "b", "c"]);
}

#[test]
fn the_same_document_is_a_conflict_either_way() {
    let (storage, mut first, mut second) = opened_twice();
    insert(&mut first, "a", 2, "by the first");
    insert(&mut second, "a", 2, "by the second");
    first.persist(storage.dir()).unwrap();
    let refused = second.persist(storage.dir()).unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused}");
    let refused = second.persist_with(storage.dir(), &rebase()).unwrap_err();
    let Error::ConflictingChange {
        opened, file, key, ..
    } = &refused
    else {
        panic!("{refused}");
    };
    assert_eq!((*opened, file.as_str()), (1, "docstore.json"));
    assert!(key.starts_with("a-"), "{key}");
    // Neither lost: the first is in the twin, the second in its context.
    let text = |context: &StorageContext| {
        let node = context.docstore().unwrap().get_document(b"a-0").unwrap();
        String::from_utf8(node.text().into_owned()).unwrap()
    };
    assert_eq!(text(&open(&storage.dir())), "by the first 0");
    assert_eq!(text(&second), "by the second 0");
}

#[test]
fn the_same_change_is_none() {
    let (storage, mut first, mut second) = opened_twice();
    for context in [&mut first, &mut second] {
        insert(context, "b", 2, "the same");
        context.delete_ref_doc(b"a").unwrap();
    }
    first.persist(storage.dir()).unwrap();
    second.persist_with(storage.dir(), &rebase()).unwrap();
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["b"]);
}

#[test]
fn a_deleted_document_is_not_changed_back() {
    let (storage, mut first, mut second) = opened_twice();
    first.delete_ref_doc(b"a").unwrap();
    insert(&mut second, "a", 2, "changed");
    first.persist(storage.dir()).unwrap();
    let refused = second.persist_with(storage.dir(), &rebase()).unwrap_err();
    assert!(
        matches!(refused, Error::ConflictingChange { .. }),
        "{refused}"
    );
}

#[test]
fn merged_segments_are_no_conflict() {
    let (storage, mut first, mut second) = opened_twice();
    // Long texts, so that segments are appended.
    for n in 0..3 {
        insert(&mut first, &format!("long-{n}"), 900, &noise(n, 600));
        first.persist(storage.dir()).unwrap();
    }
    second.reload().unwrap();
    insert(&mut second, "b", 2, "two");
    compact(&storage.dir(), &CompactOptions::default(), &Silent).unwrap();
    second.persist(storage.dir()).unwrap();
    let expected = ["a", "b", "long-0", "long-1", "long-2"];
    assert_eq!(documents(&open(&storage.dir())).unwrap(), expected);
}

/// Text that hardly compresses.
fn noise(seed: usize, len: usize) -> String {
    let mut state = seed as u64 + 1;
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + ((state >> 33) % 26) as u8)
    };
    (0..len).map(letter).collect()
}

#[test]
fn a_reader_sees_one_generation_until_it_reloads() {
    let (storage, mut first, mut second) = opened_twice();
    for n in 0..5 {
        insert(&mut first, &format!("b-{n}"), 2, "two");
        first.persist(storage.dir()).unwrap();
    }
    // Its files are gone by now, and it still reads them.
    assert_eq!(documents(&second).unwrap(), ["a"]);
    assert!(second.reload().unwrap());
    assert_eq!(documents(&second).unwrap().len(), 6);
    assert!(!second.reload().unwrap());
    insert(&mut second, "c", 1, "three");
    assert!(matches!(second.reload(), Err(Error::UnsavedChanges)));
    assert_eq!(documents(&second).unwrap().len(), 7);
}

#[test]
fn a_writer_waits_for_another() {
    let (storage, mut first, _) = opened_twice();
    insert(&mut first, "b", 2, "two");
    let other = Writer::open(&storage.dir()).unwrap();
    let now = PersistOptions {
        wait: std::time::Duration::ZERO,
        ..PersistOptions::default()
    };
    let refused = first.persist_with(storage.dir(), &now).unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| first.persist(storage.dir()));
        std::thread::sleep(std::time::Duration::from_millis(50));
        drop(other);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(documents(&open(&storage.dir())).unwrap(), ["a", "b"]);
}

const DIR: &str = "TWINSTORE_TEST_WRITERS_DIR";
const NAME: &str = "TWINSTORE_TEST_WRITERS_NAME";
const EACH: usize = 5;

/// Not a test of its own: what the processes of the next one do.
#[test]
fn one_of_many_processes_persists() {
    let (Some(dir), Ok(name)) = (std::env::var_os(DIR), std::env::var(NAME)) else {
        return;
    };
    let dir = Path::new(&dir);
    let mut context = open(dir);
    for n in 0..EACH {
        insert(&mut context, &format!("{name}-{n}"), 1, "text");
        context.persist_with(dir, &rebase()).unwrap();
    }
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    let (storage, ..) = opened_twice();
    let children: Vec<_> = (0..4)
        .map(|n| {
            Command::new(std::env::current_exe().unwrap())
                .arg("one_of_many_processes_persists")
                .env(DIR, storage.dir())
                .env(NAME, format!("process-{n}"))
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let context = open(&storage.dir());
    assert_eq!(documents(&context).unwrap().len(), 1 + 4 * EACH);
    assert!(storage.verify_deep().problems.is_empty());
}
