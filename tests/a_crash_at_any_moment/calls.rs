//! The calls that change a directory, and the directories that they change.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

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

use crate::{
    common::{
        DOCUMENTS, VECTORS, document_store, files_of,
        library::{insert, new_library},
        vector_store,
    },
    scenario::Scenario,
    seen::{out, storage},
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

pub const PACK: Scenario = Scenario {
    prepare: json,
    call: pack_it,
};

pub const PACK_AGAIN: Scenario = Scenario {
    prepare: edited,
    call: pack_it,
};

/// The files are the same, but their times are new: only `sync` learns of it.
pub const RECORD_A_TOUCH: Scenario = Scenario {
    prepare: |root| {
        packed(root);
        let path = storage(root).join(VECTORS);
        let text = fs::read_to_string(&path).unwrap();
        write(&path, &text, 7);
    },
    call: pack_it,
};

pub const DROP_JSON: Scenario = Scenario {
    prepare: edited,
    call: |root| {
        let options = PackOptions {
            drop_json: true,
            ..PackOptions::default()
        };
        pack(&storage(root), &options, &Silent).map(drop)
    },
};

pub const UNPACK: Scenario = Scenario {
    prepare: |root| {
        packed(root);
        let dir = storage(root);
        // LlamaIndex truncates a file before it writes it.
        write(&dir.join(VECTORS), "", 6);
        fs::remove_file(dir.join(DOCUMENTS)).unwrap();
    },
    call: |root| unpack(&storage(root), &UnpackOptions::default(), &Silent).map(drop),
};

pub const UNPACK_OUT: Scenario = Scenario {
    prepare: packed,
    call: |root| {
        // Whoever tries again has to remove what may not be durable.
        for (name, _) in out(root)
            .is_dir()
            .then(|| files_of(&out(root)))
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

pub const PERSIST_ANEW: Scenario = Scenario {
    prepare: |_| {},
    call: |root| {
        let mut context = new_library();
        insert(&mut context, "a", 2, "text");
        persist(&mut context, root, PersistOptions::default())
    },
};

pub const PERSIST_CHANGES: Scenario = Scenario {
    prepare: library,
    call: |root| change(root, appending()),
};

pub const PERSIST_WHOLE_STORES: Scenario = Scenario {
    prepare: library,
    call: |root| change(root, PersistOptions::default()),
};

pub const PERSIST_WITHOUT_JSON: Scenario = Scenario {
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

pub const PERSIST_ELSEWHERE: Scenario = Scenario {
    prepare: |root| {
        library_at_source(root);
        packed(root);
    },
    call: persist_from_source,
};

/// LlamaIndex overwrites, too.
pub const PERSIST_OVER_NEWER_JSON: Scenario = Scenario {
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

pub const PERSIST_AFTER_A_CRASH: Scenario = Scenario {
    prepare: |root| {
        library(root);
        only_announced(root);
    },
    call: |root| change(root, appending()),
};

/// Losing `sync` costs time, and no data.
pub const PERSIST_WITHOUT_SYNC: Scenario = Scenario {
    prepare: |root| {
        library(root);
        fs::remove_file(storage(root).join(TWIN).join("sync")).unwrap();
    },
    call: |root| change(root, appending()),
};

/// The JSON files are those of the generation before, which only an announcement tells.
pub const UNPACK_AFTER_A_CRASH: Scenario = Scenario {
    prepare: |root| {
        library(root);
        only_announced(root);
        let dir = storage(root);
        let sync = fs::read(dir.join(TWIN).join("sync")).unwrap();
        let texts = files_of(&dir);
        change(root, appending()).unwrap();
        for (name, text) in texts {
            fs::write(dir.join(name), text).unwrap();
        }
        fs::write(dir.join(TWIN).join("sync"), sync).unwrap();
    },
    call: UNPACK.call,
};

pub const DELETE: Scenario = Scenario {
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

pub const REBASE: Scenario = Scenario {
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

pub const COMPACT: Scenario = Scenario {
    prepare: library,
    call: |root| compact(&storage(root), &CompactOptions::default(), &Silent).map(drop),
};

pub const GC: Scenario = Scenario {
    prepare: |root| {
        library(root);
        let twin = storage(root).join(TWIN);
        for name in ["tmp-0123456789abcdef", "vec-0123456789abcdef.seg"] {
            write(&twin.join(name), "half a file", 5);
        }
    },
    call: |root| gc(&storage(root), 1).map(drop),
};

pub const ROLLBACK: Scenario = Scenario {
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
