//! The dangerous moments: somebody persists while a command runs, a file is
//! broken where nobody looks, part of the twin is gone. Each of these once
//! lost data, or told the user to do something that did nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{fs, path::PathBuf};

use common::{DOCUMENTS, Storage, VECTORS, document_store, vector_store};
use twinstore::{
    Error, StorageContext,
    convert::{Action, PackOptions, Progress, UnpackOptions, unpack},
    error::SyncProblem,
    persist_dir::Writer,
};

fn packed() -> Storage {
    let storage = Storage::with([
        (VECTORS, &vector_store("old", 3)),
        (DOCUMENTS, &document_store("old text")),
    ]);
    storage.pack();
    storage
}

/// Writes a file as soon as something is being printed.
struct Meanwhile(PathBuf, String);

impl Progress for Meanwhile {
    fn at(&self, _: u64) -> twinstore::Result<()> {
        fs::write(&self.0, &self.1).unwrap();
        Ok(())
    }
}

/// LlamaIndex truncates a file before it writes it, so that a file that is
/// being persisted looks cut: `unpack` must look again before it replaces it.
#[test]
fn what_is_persisted_while_unpack_prints_is_kept() {
    for before in [Some(""), None] {
        let storage = packed();
        match before {
            Some(text) => storage.write(VECTORS, text),
            None => storage.remove(VECTORS),
        }
        let new = vector_store("new", 5);
        let meanwhile = Meanwhile(storage.path(VECTORS), new.clone());
        let result = unpack(&storage.dir(), &UnpackOptions::default(), &meanwhile);
        let changing = SyncProblem::Changing;
        assert!(
            matches!(&result, Err(Error::OutOfSync { problem, .. }) if *problem == changing),
            "{result:?}"
        );
        assert_eq!(storage.read(VECTORS), new.as_bytes());
        // and nothing is left lying about
        assert_eq!(storage.files().len(), 2);
    }
}

/// What looks like a leftover may be in use by the run that holds the lock.
#[test]
fn the_temporary_files_of_another_run_are_left_alone() {
    let storage = packed();
    let temp = ".twinstore-tmp-0123456789ab";
    storage.write(temp, "half a text");
    let other = Writer::open(&storage.dir()).unwrap();
    storage.unpack();
    assert!(storage.exists(temp));
    drop(other);
    storage.unpack();
    assert!(!storage.exists(temp));
    // A name that is only like it is the user's.
    storage.write(".twinstore-tmp-notes", "mine");
    storage.unpack();
    assert!(storage.exists(".twinstore-tmp-notes"));
}

/// An oddity that rows cannot hold comes first, the break far behind it.
#[test]
fn broken_json_behind_an_oddity_never_replaces_a_sound_store() {
    let storage = packed();
    let whole = vector_store("old", 3);
    let odd = whole.replacen("[", "[null, ", 1);
    let at = odd.len() - 20;
    storage.write(VECTORS, format!("{}\0garbage{}", &odd[..at], &odd[at..]));
    let refused = storage.try_pack(PackOptions::default());
    let Err(Error::OutOfSync {
        problem: SyncProblem::WouldLoseStore { at: Some(place) },
        ..
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert!(place.abs_diff(at as u64) <= 1, "{place}");
    assert_eq!(storage.vectors(VECTORS).rows(), 3);
    // The oddity alone is no break.
    storage.write(VECTORS, &odd);
    let report = storage.pack();
    let store = &report.stores[0];
    assert!(!store.file_form && store.action == Action::Packed);
    assert_eq!(
        store.why.as_deref(),
        Some("a vector is not an array of numbers")
    );
}

/// Without a manifest nothing says what the segments are; the first commit
/// after that would take them for litter.
#[test]
fn a_twin_that_lost_its_manifests_is_not_built_over() {
    let storage = packed();
    storage.pack_with(PackOptions {
        drop_json: true,
        ..PackOptions::default()
    });
    fs::remove_file(storage.twin().join("manifest-0000000001")).unwrap();
    let before = storage.twin_files();
    storage.write(DOCUMENTS, document_store("new text"));
    let refused = storage.try_pack(PackOptions::default());
    assert!(
        matches!(refused, Err(Error::LostManifests { .. })),
        "{refused:?}"
    );
    let refused = storage.try_unpack(UnpackOptions::default());
    assert!(
        matches!(refused, Err(Error::LostManifests { .. })),
        "{refused:?}"
    );
    assert_eq!(storage.twin_files(), before);
    for command in ["status", "verify", "info"] {
        storage
            .run(command, &[])
            .ends_with(1)
            .says(["no manifest", "restore it"]);
    }
    let prefer_json = || PackOptions {
        prefer_json: true,
        ..PackOptions::default()
    };
    let refused = storage.try_pack(prefer_json());
    assert!(
        matches!(refused, Err(Error::OnlyInTwin { .. })),
        "{refused:?}"
    );
    storage.write(VECTORS, vector_store("old", 3));
    assert!(storage.pack_with(prefer_json()).committed);
}

/// The generation before would bring back what was deleted, without a word, and the next
/// commit would remove what the lost one names. `sync` knows of it.
#[test]
fn a_twin_that_lost_its_newest_manifest_is_not_read_as_the_one_before() {
    let dropping = || PackOptions {
        drop_json: true,
        ..PackOptions::default()
    };
    let storage = packed();
    storage.write(DOCUMENTS, document_store("new text"));
    storage.pack_with(dropping());
    let manifest = storage.twin().join("manifest-0000000002");
    let kept = fs::read(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    let before = storage.twin_files();

    let is_lost = |error: Error| {
        let known = matches!(
            error,
            Error::LostGeneration {
                generation: 2,
                newest: 1,
                ..
            }
        );
        assert!(known && error.is_damage(), "{error}");
    };
    is_lost(StorageContext::from_persist_dir(storage.dir()).unwrap_err());
    is_lost(storage.try_unpack(UnpackOptions::default()).unwrap_err());
    storage.write(DOCUMENTS, document_store("newer text"));
    is_lost(storage.try_pack(PackOptions::default()).unwrap_err());
    storage.remove(DOCUMENTS);
    let words = ["generation 2", "is gone", "rollback --to 1"];
    for command in ["status", "info", "gc", "compact"] {
        storage.run(command, &[]).ends_with(1).says(words);
    }
    storage.run("verify", &[]).ends_with(1).prints(words);
    assert_eq!(storage.twin_files(), before);
    // The one before is there for those who ask for it.
    let out = UnpackOptions {
        out: Some(storage.beside("before")),
        generation: Some(1),
        ..UnpackOptions::default()
    };
    storage.try_unpack(out).unwrap();

    fs::write(&manifest, kept).unwrap();
    assert!(storage.verify().problems.is_empty());
    assert_eq!(storage.status().generation, Some(2));

    // Or what the error advises.
    fs::remove_file(&manifest).unwrap();
    storage.run("rollback", &["--to", "1"]).ends_with(0);
    assert!(storage.verify().problems.is_empty());
    storage.unpack();
    assert_eq!(
        storage.read(DOCUMENTS),
        document_store("old text").as_bytes()
    );
}

/// `sync` knows a text by the number of the generation that was lost: no other generation may
/// get it, or that text would count as its own.
#[test]
fn the_number_of_a_lost_generation_is_not_given_again() {
    let storage = packed();
    storage.write(DOCUMENTS, document_store("new text"));
    storage.pack();
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    fs::remove_file(storage.twin().join("manifest-0000000002")).unwrap();
    storage.run("rollback", &["--to", "1"]).ends_with(0);
    assert_eq!(storage.status().generation, Some(3));
    assert_eq!(storage.state(DOCUMENTS), "binary newer");
    storage.unpack();
    assert_eq!(
        storage.read(DOCUMENTS),
        document_store("old text").as_bytes()
    );
}

/// The same as the error about all manifests advises.
#[test]
fn json_that_is_at_hand_replaces_a_lost_generation_on_purpose() {
    let storage = packed();
    storage.write(DOCUMENTS, document_store("new text"));
    storage.pack();
    fs::remove_file(storage.twin().join("manifest-0000000002")).unwrap();
    assert!(storage.try_pack(PackOptions::default()).is_err());
    let prefer_json = PackOptions {
        prefer_json: true,
        ..PackOptions::default()
    };
    assert!(storage.pack_with(prefer_json).committed);
    assert_eq!(
        storage.unpacked(Default::default()).unwrap(),
        storage.files()
    );
    assert!(storage.verify().problems.is_empty());
}

/// A byte that no sample covers: `status` cannot see it, `pack` can, and what
/// it advises must work.
#[test]
fn the_remedy_for_a_break_that_samples_miss_mends_it() {
    let text = document_store(&"x".repeat(3 << 20));
    let storage = Storage::with([(DOCUMENTS, &text)]);
    storage.pack();
    let mut broken = text.clone().into_bytes();
    // Samples of 64 KiB stand about 200 kB apart.
    let at = 64 * 1024 + 50_000;
    broken[at] = 1;
    storage.write(DOCUMENTS, &broken);
    assert_eq!(storage.state(DOCUMENTS), "touched");
    let run = storage.run("pack", &[]).ends_with(1);
    run.says(["unpack --prefer twin", &format!("byte {at}")]);
    // Without being told which to prefer, nothing is overwritten.
    storage
        .run("unpack", &[])
        .ends_with(1)
        .says(["--prefer twin"]);
    assert_eq!(storage.read(DOCUMENTS), broken);
    storage.run("unpack", &["--prefer", "twin"]).ends_with(0);
    assert_eq!(storage.read(DOCUMENTS), text.as_bytes());
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

#[cfg(unix)]
#[test]
fn through_a_link_the_file_behind_it_is_replaced() {
    let storage = packed();
    let text = storage.read(DOCUMENTS);
    let elsewhere = storage.beside("elsewhere.json");
    fs::rename(storage.path(DOCUMENTS), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, storage.path(DOCUMENTS)).unwrap();
    fs::write(&elsewhere, "").unwrap();
    // Not unasked: see `what_stands_where_a_file_belongs`.
    let prefer_twin = UnpackOptions {
        prefer_twin: true,
        ..UnpackOptions::default()
    };
    storage.try_unpack(prefer_twin).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), text);
    let link = fs::symlink_metadata(storage.path(DOCUMENTS)).unwrap();
    assert!(link.is_symlink());
}

/// While the JSON is there, a lost segment is no loss: `status` tells, `pack`
/// mends, and other stores are not held up.
#[test]
fn a_lost_segment_is_written_anew_from_the_json() {
    let storage = packed();
    let lost = storage.info().stores[0].segments[0].clone();
    fs::remove_file(storage.twin().join(&lost)).unwrap();
    assert_eq!(storage.state(VECTORS), "twin damaged");
    storage
        .run("status", &[])
        .ends_with(1)
        .prints([lost.as_str(), "twinstore pack"]);
    storage
        .run("verify", &[])
        .ends_with(1)
        .prints([lost.as_str()]);
    let report = storage.pack();
    assert!(report.committed);
    assert_eq!(report.stores[0].action, Action::Packed);
    assert_eq!(report.stores[1].action, Action::UpToDate);
    assert_eq!(storage.state(VECTORS), "in sync");
    assert_eq!(storage.vectors(VECTORS).rows(), 3);
}

/// Something else under the name of a store is named, and hides nothing.
#[test]
fn a_directory_under_the_name_of_a_store_is_named() {
    let storage = packed();
    storage.remove(DOCUMENTS);
    fs::create_dir(storage.path(DOCUMENTS)).unwrap();
    let report = storage.pack();
    assert_eq!(report.left_alone, [DOCUMENTS]);
    assert_eq!(storage.state(VECTORS), "in sync");
    assert_eq!(storage.state(DOCUMENTS), "unreadable");
}

/// Names of files are other people's text.
#[cfg(unix)]
#[test]
fn control_characters_in_names_are_made_visible() {
    let name = "\u{1b}[31m\n__vector_store.json";
    let storage = Storage::with([(name, &vector_store("r", 1))]);
    let run = storage.run("pack", &[]).ends_with(0);
    run.prints(["\\u{1b}[31m\\n__vector_store.json"]);
    assert_eq!(storage.verify().problems.len(), 0);
}

/// A thousand namespaces are a thousand segments: opening the twin must not
/// need a descriptor for each.
#[cfg(target_os = "linux")]
#[test]
fn a_twin_of_many_stores_opens_with_few_descriptors() {
    let names: Vec<String> = (0..120)
        .map(|n| format!("n{n}__vector_store.json"))
        .collect();
    let text = vector_store("r", 1);
    let storage = Storage::with([]);
    names.iter().for_each(|name| storage.write(name, &text));
    storage.pack();
    let binary = env!("CARGO_BIN_EXE_twinstore");
    for command in ["info", "verify", "status"] {
        let script = format!(
            "ulimit -n 40; exec '{binary}' {command} '{}'",
            storage.dir().display()
        );
        let run = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&run.stderr)
        );
    }
}
