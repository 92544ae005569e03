//! Where a file belongs, something else can stand: a folder, a link to somewhere,
//! a pipe at which a program that opens it waits for ever, a socket. Nothing of a
//! twin is any of these. What a command does with one is to say so and to end.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::Command,
    time::Duration,
};

use common::{
    CHAT, DOCUMENTS, Run, Storage, VECTORS,
    library::{insert, new_library},
    twinstore, wrapped_in_a_string,
};
use twinstore::{
    StorageContext,
    persist_dir::SyncFile,
    storage_context::{JsonTwin, PersistOptions},
};

/// A command that waits at a pipe would wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Thing {
    Directory,
    /// To a file with the right bytes, outside.
    Link,
    /// To nothing.
    DeadLink,
    /// To itself.
    Loop,
    Pipe,
    Socket,
}

const THINGS: [Thing; 6] = [
    Thing::Directory,
    Thing::Link,
    Thing::DeadLink,
    Thing::Loop,
    Thing::Pipe,
    Thing::Socket,
];

impl Thing {
    /// Puts it in the place of a file.
    fn replace(self, path: &Path, outside: &Path) {
        fs::rename(path, outside).unwrap();
        match self {
            Thing::Directory => fs::create_dir(path).unwrap(),
            Thing::Link => symlink(outside, path).unwrap(),
            Thing::DeadLink => symlink(outside.with_extension("gone"), path).unwrap(),
            Thing::Loop => symlink(path, path).unwrap(),
            Thing::Pipe => {
                let made = Command::new("mkfifo").arg(path).status().unwrap();
                assert!(made.success());
            }
            // The path stays when the listener is closed.
            Thing::Socket => drop(UnixListener::bind(path).unwrap()),
        }
    }

    fn put_back(self, path: &Path, outside: &Path) {
        match self {
            Thing::Directory => fs::remove_dir(path).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
        fs::rename(outside, path).unwrap();
    }
}

/// Two generations, with a file of each kind that a twin can have.
fn twin() -> Storage {
    let storage = Storage::with([(CHAT, &wrapped_in_a_string("{}"))]);
    let mut context = new_library();
    for n in 0..30 {
        insert(&mut context, &format!("document-{n}"), 10, "text");
    }
    let options = PersistOptions {
        json: JsonTwin::Always,
        ..PersistOptions::default()
    };
    context.persist_with(storage.dir(), &options).unwrap();
    storage.pack();
    let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    context.delete_ref_doc(b"document-7").unwrap();
    // As if the stores were large: what is deleted is not left out, but marked.
    let options = PersistOptions {
        rewrite_below: 0,
        ..options
    };
    context.persist_with(storage.dir(), &options).unwrap();
    storage
}

/// Runs a command to its end, which must not be a crash.
fn run(storage: &Storage, command: &str, args: &[&str]) -> Run {
    let mut cli = twinstore();
    cli.arg(command)
        .arg(storage.dir())
        .args(args)
        .timeout(PATIENCE);
    let output = cli.output().unwrap();
    assert!(
        output.status.code().is_some_and(|code| code < 100),
        "{command}: {output:?}"
    );
    Run::from(output)
}

/// The files without which a command cannot do its work.
struct Needs {
    /// Of all stores, by name.
    segments: BTreeMap<String, Vec<String>>,
}

impl Needs {
    fn of_twin(storage: &Storage) -> Needs {
        let stores = storage.info().stores.into_iter();
        let segments: BTreeMap<_, _> = stores.map(|store| (store.file, store.segments)).collect();
        let is_there = |store: &str, kind| {
            let names: &Vec<String> = &segments[store];
            names.iter().any(|name| name.starts_with(kind))
        };
        assert!(is_there(DOCUMENTS, "rec-") && is_there(DOCUMENTS, "del-"));
        assert!(is_there(VECTORS, "vec-") && is_there(VECTORS, "del-"));
        assert!(is_there(CHAT, "raw-"));
        Needs { segments }
    }

    fn of(&self, command: &str, first: Option<&str>) -> Vec<String> {
        let newest = vec!["manifest-0000000002".to_owned()];
        let segments = match (command, first) {
            ("get", Some("docstore")) => self.segments[DOCUMENTS].clone(),
            ("get", Some("default")) => self.segments[VECTORS].clone(),
            ("info" | "unpack", _) => self.segments.values().flatten().cloned().collect(),
            // Which files any generation needs is in the manifests.
            ("gc", _) => vec!["manifest-0000000001".to_owned(), "LOCK".to_owned()],
            // Without a segment it has something to tell.
            ("status", _) => Vec::new(),
            _ => panic!("{command} {first:?}"),
        };
        [newest, segments].concat()
    }
}

#[test]
fn in_a_twin_it_is_named_and_never_followed() {
    let storage = twin();
    let files: Vec<String> = storage.twin_files().into_keys().collect();
    let needs = Needs::of_twin(&storage);
    for kind in ["manifest-", "sync", "LOCK", "vec-", "rec-", "raw-", "del-"] {
        assert!(files.iter().any(|name| name.starts_with(kind)), "{files:?}");
    }
    for file in &files {
        let path = storage.twin().join(file);
        let outside = storage.beside("outside");
        for thing in THINGS {
            thing.replace(&path, &outside);
            let what = format!("{file} is a {thing:?}");
            let words = run(&storage, "verify", &[]);
            if file == "sync" {
                // What is in it is not known: the right bytes elsewhere are no memory.
                let (known, error) = SyncFile::load(&storage.twin());
                assert!(error.is_some(), "{what}");
                let nothing = SyncFile::default();
                assert_eq!(format!("{known:?}"), format!("{nothing:?}"), "{what}");
            }
            // An older generation, and what only spares a look at the JSON, are not needed.
            let is_needed = !matches!(file.as_str(), "sync" | "manifest-0000000001");
            if is_needed {
                assert_ne!(words.code, 0, "{what}: {}{}", words.stdout, words.stderr);
                let all = format!("{}{}", words.stdout, words.stderr);
                assert!(all.contains(file.as_str()), "{what}: {all}");
            }
            for (command, args) in [
                ("status", &[][..]),
                ("info", &[]),
                ("get", &["docstore", "document-1-1"]),
                ("get", &["default", "document-1-1"]),
                ("unpack", &["--out", "UNPACKED"]),
                ("gc", &[]),
            ] {
                let out = storage.beside("unpacked");
                let _ = fs::remove_dir_all(&out);
                let out = out.to_str().unwrap();
                let args: Vec<&str> = args
                    .iter()
                    .map(|arg| if *arg == "UNPACKED" { out } else { *arg })
                    .collect();
                let found = run(&storage, command, &args);
                let what = format!("{what}, {command} {args:?}: {}", found.stderr);
                if needs.of(command, args.first().copied()).contains(file) {
                    // What is no file is a damaged one, but in the way of `gc`.
                    let is_newest = file == "manifest-0000000002";
                    let code = if command == "gc" && !is_newest { 2 } else { 1 };
                    assert_eq!(found.code, code, "{what}");
                    if command == "info" && !is_newest {
                        assert!(found.stdout.contains(file.as_str()), "{what}");
                        assert!(found.stdout.contains("not a regular file"), "{what}");
                    } else {
                        assert!(found.stderr.contains(file.as_str()), "{what}");
                        assert_eq!(found.stdout, "", "{what}");
                    }
                } else if command == "status" && file.ends_with(".seg") {
                    // It looks whether a segment is there, as long as stated, not into it.
                    assert_eq!(found.code, 1, "{what}");
                } else {
                    assert_eq!(found.code, 0, "{what}");
                }
            }
            thing.put_back(&path, &outside);
        }
    }
    run(&storage, "verify", &["--deep"]).ends_with(0);
}

/// The JSON may be a link; that is how some platforms mount files.
#[test]
fn beside_a_twin_it_is_no_store() {
    let storage = twin();
    let whole = storage.files();
    for file in [VECTORS, DOCUMENTS] {
        let (path, outside) = (storage.path(file), storage.beside("outside"));
        for thing in THINGS {
            thing.replace(&path, &outside);
            for (command, args) in [("status", &[][..]), ("pack", &[]), ("verify", &[])] {
                let words = run(&storage, command, args);
                if command == "pack" && thing == Thing::Link {
                    words.ends_with(0);
                }
            }
            thing.put_back(&path, &outside);
            assert_eq!(storage.files(), whole, "{file} as a {thing:?}");
        }
    }
    storage.pack();
    run(&storage, "verify", &["--deep"]).ends_with(0);
}

/// Through a link, only what is known to be the store's is written over. A text that is cut
/// may be anybody's file: whoever made the directory chose where the link leads.
#[test]
fn a_file_elsewhere_is_not_written_over_through_a_link() {
    let storage = twin();
    let sound = storage.read(DOCUMENTS);
    let (path, outside) = (storage.path(DOCUMENTS), storage.beside("outside"));
    Thing::Link.replace(&path, &outside);
    for foreign in ["export PATH=/bin\n", ""] {
        fs::write(&outside, foreign).unwrap();
        run(&storage, "unpack", &[])
            .ends_with(1)
            .says(["is a link", "--prefer twin"]);
        let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
        insert(&mut context, "a document", 1, "a text that is new");
        let refused = context.persist(storage.dir()).unwrap_err();
        assert!(refused.to_string().contains("is a link"), "{refused}");
        assert_eq!(fs::read_to_string(&outside).unwrap(), foreign);
    }
    run(&storage, "unpack", &["--prefer", "twin"]).ends_with(0);
    assert!(path.is_symlink());
    assert_eq!(fs::read(&outside).unwrap(), sound);
    // What was the store's text once is the store's file.
    run(&storage, "unpack", &[]).ends_with(0);
}

/// The twin's own folder as a link: it is used where it is, and as a file it is in the way.
#[test]
fn the_folder_itself_may_be_elsewhere_and_must_be_a_folder() {
    let storage = twin();
    let (path, outside) = (storage.twin(), storage.beside("outside"));
    Thing::Link.replace(&path, &outside);
    run(&storage, "verify", &[]).ends_with(0);
    Thing::Link.put_back(&path, &outside);
    for thing in [Thing::DeadLink, Thing::Loop, Thing::Pipe, Thing::Socket] {
        thing.replace(&path, &outside);
        for command in ["status", "pack", "verify", "info"] {
            run(&storage, command, &[]);
        }
        thing.put_back(&path, &outside);
    }
    run(&storage, "verify", &["--deep"]).ends_with(0);
}

/// `pack` would not take it, whatever `status` says.
#[test]
fn status_sends_nobody_to_pack_what_is_no_file() {
    let storage = twin();
    std::fs::create_dir(storage.path("other__vector_store.json")).unwrap();
    assert_eq!(storage.state("other__vector_store.json"), "no file");
    fs::remove_dir(storage.path("other__vector_store.json")).unwrap();

    // A disk that is not there is no reason to make a twin.
    let elsewhere = storage.beside("elsewhere");
    fs::rename(storage.twin(), &elsewhere).unwrap();
    symlink(storage.beside("not mounted"), storage.twin()).unwrap();
    for command in ["status", "verify", "pack"] {
        let run = run(&storage, command, &[]);
        run.ends_with(2).says(["cannot list", "twin"]);
    }
}
