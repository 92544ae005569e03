//! The power goes, or the disk fails, at any moment of any call that changes a
//! directory.
//!
//! Each call runs once on a disk that records what is done to it (`recorder.rs`). Then
//! every disk that a power cut may leave is rebuilt (`power_cut.rs`), and looked at as
//! a user does who comes back (`seen.rs`). What must hold is in `scenario.rs`: the
//! directory is as before the call or as after it; what was told to be done is there;
//! no JSON file is ever half, or ahead of the twin; a context opens if it did before;
//! the next attempt finishes the work, and leaves nothing lying about.
//!
//! The same calls run with each of their steps failing.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod histories;
#[path = "../common/history.rs"]
mod history;
mod power_cut;
mod recorder;
mod scenario;
mod seen;

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use common::{
    DOCUMENTS, VECTORS, document_store,
    library::{insert, new_library},
    vector_store,
};
use scenario::Scenario;
use seen::{out, storage};
use twinstore::{
    Error, Result, StorageContext,
    container::OpenOptions,
    convert::{
        CompactOptions, PackOptions, Silent, UnpackOptions, compact, gc, pack, rollback, unpack,
    },
    disk,
    persist_dir::{SyncFile, TWIN, Writer},
    storage_context::{JsonTwin, PersistOptions},
};

/// Writes a file as if `ago` hours before now: one that was written just now makes
/// `pack` wait.
fn write(path: &Path, text: &str, ago: u64) {
    fs::write(path, text).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    let time = SystemTime::now() - Duration::from_secs(ago * 3600);
    file.set_modified(time).unwrap();
}

/// JSON files of LlamaIndex; one of them is laid out so that it is kept as a text.
fn json(root: &Path) {
    let dir = storage(root);
    fs::create_dir(&dir).unwrap();
    write(&dir.join(VECTORS), &vector_store("id", 3), 9);
    write(&dir.join(DOCUMENTS), &document_store("first"), 9);
    write(&dir.join("graph_store.json"), "{ \"graph_dict\" :{}  }", 9);
}

fn packed(root: &Path) {
    json(root);
    pack_it(root).unwrap();
}

fn pack_it(root: &Path) -> Result<()> {
    pack(&storage(root), &PackOptions::default(), &Silent).map(drop)
}

/// What was packed is not what LlamaIndex persisted since.
fn edited(root: &Path) {
    packed(root);
    let dir = storage(root);
    write(&dir.join(VECTORS), &vector_store("id", 5), 8);
    write(&dir.join(DOCUMENTS), &document_store("second"), 8);
}

fn persist(context: &mut StorageContext, root: &Path, options: PersistOptions) -> Result<()> {
    context.persist_with(storage(root), &options).map(drop)
}

/// Changes are appended, however small a store is.
fn appending() -> PersistOptions {
    PersistOptions {
        rewrite_below: 0,
        ..PersistOptions::default()
    }
}

/// A directory with the documents `a`, `b` and `c`, each from a commit of its own.
fn library(root: &Path) {
    fs::create_dir(storage(root)).unwrap();
    let mut context = new_library();
    for document in ["a", "b", "c"] {
        insert(&mut context, document, 2, "text");
        persist(&mut context, root, appending()).unwrap();
    }
}

fn change(root: &Path, options: PersistOptions) -> Result<()> {
    let mut context = StorageContext::from_persist_dir(storage(root))?;
    insert(&mut context, "d", 2, "new");
    insert(&mut context, "a", 1, "changed");
    persist(&mut context, root, options)
}

const PACK: Scenario = Scenario {
    prepare: json,
    call: pack_it,
};

const PACK_AGAIN: Scenario = Scenario {
    prepare: edited,
    call: pack_it,
};

/// The files are the same, but their times are new: only `sync` learns of it.
const RECORD_A_TOUCH: Scenario = Scenario {
    prepare: |root| {
        packed(root);
        let path = storage(root).join(VECTORS);
        let text = fs::read_to_string(&path).unwrap();
        write(&path, &text, 7);
    },
    call: pack_it,
};

const DROP_JSON: Scenario = Scenario {
    prepare: edited,
    call: |root| {
        let options = PackOptions {
            drop_json: true,
            ..PackOptions::default()
        };
        pack(&storage(root), &options, &Silent).map(drop)
    },
};

const UNPACK: Scenario = Scenario {
    prepare: |root| {
        packed(root);
        let dir = storage(root);
        // LlamaIndex truncates a file before it writes it.
        write(&dir.join(VECTORS), "", 6);
        fs::remove_file(dir.join(DOCUMENTS)).unwrap();
    },
    call: |root| unpack(&storage(root), &UnpackOptions::default(), &Silent).map(drop),
};

const UNPACK_OUT: Scenario = Scenario {
    prepare: packed,
    call: |root| {
        // Whoever tries again has to remove what may not be durable.
        for (name, _) in out(root)
            .is_dir()
            .then(|| common::files_of(&out(root)))
            .into_iter()
            .flatten()
        {
            disk::remove_file(&out(root).join(name)).unwrap();
        }
        let _ = disk::remove_dir(&out(root));
        let options = UnpackOptions {
            out: Some(out(root)),
            ..UnpackOptions::default()
        };
        unpack(&storage(root), &options, &Silent).map(drop)
    },
};

const PERSIST_ANEW: Scenario = Scenario {
    prepare: |_| {},
    call: |root| {
        let mut context = new_library();
        insert(&mut context, "a", 2, "text");
        persist(&mut context, root, PersistOptions::default())
    },
};

const PERSIST_CHANGES: Scenario = Scenario {
    prepare: library,
    call: |root| change(root, appending()),
};

const PERSIST_WHOLE_STORES: Scenario = Scenario {
    prepare: library,
    call: |root| change(root, PersistOptions::default()),
};

const PERSIST_WITHOUT_JSON: Scenario = Scenario {
    prepare: library,
    call: |root| {
        let options = PersistOptions {
            json: JsonTwin::Never,
            ..appending()
        };
        change(root, options)
    },
};

/// Unchanged segments get a second name in the other twin.
fn persist_from_source(root: &Path) -> Result<()> {
    let mut context = StorageContext::from_persist_dir(root.join("source"))?;
    insert(&mut context, "d", 2, "new");
    persist(&mut context, root, PersistOptions::default())
}

fn library_at_source(root: &Path) {
    library(root);
    fs::rename(storage(root), root.join("source")).unwrap();
}

const PERSIST_ELSEWHERE: Scenario = Scenario {
    prepare: |root| {
        library_at_source(root);
        packed(root);
    },
    call: persist_from_source,
};

/// LlamaIndex overwrites, too.
const PERSIST_OVER_NEWER_JSON: Scenario = Scenario {
    prepare: |root| {
        library_at_source(root);
        edited(root);
    },
    call: persist_from_source,
};

/// What a crash before the last step of a persist leaves: the texts were announced in
/// `sync`, and not recorded. Once, the next announcement made them unknown, and a file
/// with yesterday's text was newer than the twin.
fn only_announced(root: &Path) {
    let dir = storage(root);
    let writer = Writer::open(&dir).unwrap();
    let mut sync = SyncFile::default();
    for store in &writer.base().unwrap().stores {
        if let Some(packed) = &store.packed {
            sync.set_pending(&store.file, packed.text, store.changed);
        }
    }
    sync.save(writer.lock()).unwrap();
}

const PERSIST_AFTER_A_CRASH: Scenario = Scenario {
    prepare: |root| {
        library(root);
        only_announced(root);
    },
    call: |root| change(root, appending()),
};

/// Losing `sync` costs time, and no data.
const PERSIST_WITHOUT_SYNC: Scenario = Scenario {
    prepare: |root| {
        library(root);
        fs::remove_file(storage(root).join(TWIN).join("sync")).unwrap();
    },
    call: |root| change(root, appending()),
};

/// The JSON files are those of the generation before, which only an announcement tells.
const UNPACK_AFTER_A_CRASH: Scenario = Scenario {
    prepare: |root| {
        library(root);
        only_announced(root);
        let dir = storage(root);
        let sync = fs::read(dir.join(TWIN).join("sync")).unwrap();
        let texts = common::files_of(&dir);
        change(root, appending()).unwrap();
        for (name, text) in texts {
            fs::write(dir.join(name), text).unwrap();
        }
        fs::write(dir.join(TWIN).join("sync"), sync).unwrap();
    },
    call: UNPACK.call,
};

const DELETE: Scenario = Scenario {
    prepare: library,
    call: |root| {
        let mut context = StorageContext::from_persist_dir(storage(root))?;
        if context.docstore()?.contains(b"b-0")? {
            context.delete_ref_doc(b"b")?;
        }
        // JSON that is out of date is written in any case.
        persist(&mut context, root, appending())
    },
};

const REBASE: Scenario = Scenario {
    prepare: library,
    call: |root| {
        let dir = storage(root);
        let earlier = StorageContext::open_generation(&dir, 2, &OpenOptions::default());
        let mut context = match earlier {
            // It was done, and garbage was collected.
            Err(Error::NoGeneration { .. }) => StorageContext::from_persist_dir(&dir)?,
            other => other?,
        };
        insert(&mut context, "d", 2, "new");
        let options = PersistOptions {
            rebase: true,
            ..appending()
        };
        persist(&mut context, root, options)
    },
};

const COMPACT: Scenario = Scenario {
    prepare: library,
    call: |root| compact(&storage(root), &CompactOptions::default(), &Silent).map(drop),
};

const GC: Scenario = Scenario {
    prepare: |root| {
        library(root);
        let twin = storage(root).join(TWIN);
        for name in ["tmp-0123456789abcdef", "vec-0123456789abcdef.seg"] {
            write(&twin.join(name), "half a file", 5);
        }
    },
    call: |root| gc(&storage(root), 1).map(drop),
};

const ROLLBACK: Scenario = Scenario {
    prepare: |root| {
        edited(root);
        pack_it(root).unwrap();
    },
    call: |root| match rollback(&storage(root), 1, &OpenOptions::default()) {
        // It was done, and garbage was collected.
        Err(Error::NoGeneration { .. }) => Ok(()),
        other => other.map(drop),
    },
};

/// That the tests here can fail: a disk that forgets a sync is found out.
///
/// Not needed, in brackets: a segment that is given up; the second sync of the manifest,
/// which is for file systems that do not keep the rules; the directory after `sync` was
/// replaced, which is only a memory; a directory that is synced again later on.
#[test]
fn a_sync_that_is_forgotten_is_noticed() {
    assert_eq!(
        PACK.syncs(),
        "(storage) vec rec (rec) rec raw twin tmp twin (tmp) (storage) tmp (twin)"
    );
    assert_eq!(
        PACK_AGAIN.syncs(),
        "vec rec twin tmp (twin) (tmp) (storage) tmp (twin)"
    );
    let text = ".twinstore (storage) tmp (twin) (storage)";
    let last = "(storage) tmp (twin)";
    assert_eq!(UNPACK.syncs(), format!("{text} {text} {last}"));
    let last = "(storage) tmp (twin) (storage) (storage) storage";
    assert!(DROP_JSON.syncs().ends_with(last));
    // The files, their directory, and the one that it is in.
    assert_eq!(
        UNPACK_OUT.syncs(),
        ".twinstore .twinstore .twinstore .twinstore disk"
    );
}

macro_rules! scenarios {
    ($($name:ident: $scenario:ident;)*) => {
        /// The power goes.
        mod the_power_goes_in {
            $(#[test]
            fn $name() {
                println!("{:?}", super::$scenario.survives_power_cuts());
            })*
        }

        /// The disk is full, or broken, or not ours any more.
        mod the_disk_fails_in {
            $(#[test]
            fn $name() {
                println!("{:?}", super::$scenario.survives_failures());
            })*
        }
    };
}

scenarios! {
    pack: PACK;
    another_pack: PACK_AGAIN;
    a_pack_that_only_records: RECORD_A_TOUCH;
    a_pack_that_drops_the_json: DROP_JSON;
    unpack: UNPACK;
    unpack_to_a_new_directory: UNPACK_OUT;
    the_first_persist: PERSIST_ANEW;
    a_persist_that_appends: PERSIST_CHANGES;
    a_persist_that_writes_stores_whole: PERSIST_WHOLE_STORES;
    a_persist_that_sets_json_aside: PERSIST_WITHOUT_JSON;
    a_persist_to_another_directory: PERSIST_ELSEWHERE;
    a_persist_over_newer_json: PERSIST_OVER_NEWER_JSON;
    a_persist_after_a_crash: PERSIST_AFTER_A_CRASH;
    a_persist_without_sync: PERSIST_WITHOUT_SYNC;
    an_unpack_after_a_crash: UNPACK_AFTER_A_CRASH;
    a_persist_of_a_deletion: DELETE;
    a_persist_that_is_rebased: REBASE;
    compact: COMPACT;
    gc: GC;
    rollback: ROLLBACK;
}
