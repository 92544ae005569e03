//! Two copies of the same data, and one of them changed. LlamaIndex persisted
//! anew, an editor saved, a crash cut a file, a checkout changed all times.
//! Whichever twin wins wrongly, somebody's work is gone or a stale answer is
//! served; so there is one table of states, and each row of it is a test:
//! what `status` says, what `pack` does, what `unpack` does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    fs::{self, File},
    time::{Duration, SystemTime},
};

use common::{DOCUMENTS, Storage, VECTORS, document_store, vector_store};
use twinstore::{
    Error,
    convert::{Action, PackOptions, PackReport, UnpackOptions, UnpackReport},
    error::SyncProblem,
    persist_dir::{SyncFile, Writer},
};

/// Two packed stores.
fn packed() -> Storage {
    let storage = Storage::with([
        (VECTORS, &vector_store("old", 3)),
        (DOCUMENTS, &document_store("old text")),
    ]);
    assert!(storage.pack().committed);
    storage
}

fn prefer_json() -> PackOptions {
    PackOptions {
        prefer_json: true,
        ..PackOptions::default()
    }
}

fn prefer_twin() -> UnpackOptions {
    UnpackOptions {
        prefer_twin: true,
        ..UnpackOptions::default()
    }
}

#[track_caller]
fn problem<T: std::fmt::Debug>(result: twinstore::Result<T>) -> SyncProblem {
    match result {
        Err(Error::OutOfSync { path, problem }) => {
            assert!(path.ends_with(DOCUMENTS), "{}", path.display());
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn action(report: &PackReport, file: &str) -> Action {
    report
        .stores
        .iter()
        .find(|s| s.file == file)
        .unwrap()
        .action
}

fn written(report: &UnpackReport) -> Vec<&str> {
    let files = report.files.iter().filter(|f| f.written);
    files.map(|f| f.file.as_str()).collect()
}

/// The names of a store's segments.
fn segments(storage: &Storage, file: &str) -> Vec<String> {
    let info = storage.info();
    info.stores
        .iter()
        .find(|s| s.file == file)
        .unwrap()
        .segments
        .clone()
}

/// Commits a generation in which the document store has other content, as a
/// program that adds a document to the binary twin does. There is no such
/// program yet, so the content of another directory's segment stands for it.
fn change_the_binary(storage: &Storage, text: &str) {
    let other = Storage::with([(DOCUMENTS, &document_store(text))]);
    other.pack();
    let snapshot = other.snapshot();
    let [foreign] = snapshot.manifest().stores.as_slice() else {
        panic!("one store");
    };
    let [segment] = foreign.segments[..] else {
        panic!("one segment");
    };
    let mut writer = Writer::open(&storage.dir()).unwrap();
    fs::copy(
        segment.name.path_in(&other.twin()),
        segment.name.path_in(&storage.twin()),
    )
    .unwrap();
    let mut stores = writer.base().unwrap().stores.clone();
    let changed = stores.iter_mut().find(|s| s.file == DOCUMENTS).unwrap();
    changed.changed = writer.next_generation();
    changed.segments = vec![segment];
    let parent = writer.highest();
    writer.publish(parent, stores).unwrap();
}

#[test]
fn in_sync_nothing_is_done() {
    let storage = packed();
    let (twin, files) = (storage.twin_files(), storage.files());
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    let report = storage.pack();
    assert!(!report.committed && report.generation == 1);
    assert_eq!(action(&report, DOCUMENTS), Action::UpToDate);
    assert_eq!(written(&storage.unpack()), Vec::<&str>::new());
    assert_eq!(storage.files(), files);
    let segments_of = |mut twin: common::Files| {
        // `unpack` may note again what it saw
        twin.remove("sync");
        twin
    };
    assert_eq!(segments_of(storage.twin_files()), segments_of(twin));
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

#[test]
fn touched_is_in_sync_and_both_commands_record_it() {
    let storage = packed();
    let touch = |seconds| {
        let mut file = File::options();
        let file = file.write(true).open(storage.path(DOCUMENTS)).unwrap();
        let time = SystemTime::now() - Duration::from_secs(seconds);
        file.set_modified(time).unwrap();
        assert_eq!(storage.state(DOCUMENTS), "touched");
        assert!(storage.status().is_settled());
    };
    touch(7);
    assert_eq!(written(&storage.unpack()), Vec::<&str>::new());
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    touch(9);
    assert!(!storage.pack().committed);
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

/// A copy, a checkout, a restored backup: all times and inodes are new.
#[test]
fn a_copied_directory_is_touched_until_packed() {
    let storage = packed();
    let copy = Storage::of(&storage.files());
    fs::create_dir(copy.twin()).unwrap();
    for (name, bytes) in storage.twin_files() {
        fs::write(copy.twin().join(name), bytes).unwrap();
    }
    for file in [VECTORS, DOCUMENTS] {
        assert_eq!(copy.state(file), "touched");
    }
    assert!(!copy.pack().committed);
    for file in [VECTORS, DOCUMENTS] {
        assert_eq!(copy.state(file), "in sync");
    }
}

#[test]
fn json_newer_is_taken_over_by_pack() {
    let storage = packed();
    let kept = segments(&storage, VECTORS);
    let replaced = segments(&storage, DOCUMENTS);
    let new = document_store("new text");
    storage.write(DOCUMENTS, &new);
    assert_eq!(storage.state(DOCUMENTS), "JSON newer");
    assert_eq!(storage.state(VECTORS), "in sync");
    assert_eq!(
        problem(storage.try_unpack(UnpackOptions::default())),
        SyncProblem::JsonNewer
    );
    assert_eq!(
        storage.read(DOCUMENTS),
        new.as_bytes(),
        "nothing was overwritten"
    );

    let report = storage.pack();
    assert!(report.committed && report.generation == 2);
    assert_eq!(action(&report, DOCUMENTS), Action::Packed);
    assert_eq!(action(&report, VECTORS), Action::UpToDate);
    assert_eq!(
        segments(&storage, VECTORS),
        kept,
        "the other store's files are reused"
    );
    assert_ne!(
        segments(&storage, DOCUMENTS),
        replaced,
        "files are never written again"
    );
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

#[test]
fn json_newer_is_overwritten_where_the_twin_is_preferred() {
    let storage = packed();
    storage.write(DOCUMENTS, document_store("a mistake"));
    let report = storage.try_unpack(prefer_twin()).unwrap();
    assert_eq!(written(&report), [DOCUMENTS]);
    assert_eq!(
        storage.read(DOCUMENTS),
        document_store("old text").as_bytes()
    );
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

/// The same length and time: only the inode, or nothing but the bytes, tells.
#[test]
fn an_edit_that_hides_its_time_is_found() {
    let storage = packed();
    let before = fs::metadata(storage.path(DOCUMENTS))
        .unwrap()
        .modified()
        .unwrap();
    let new = document_store("olb text");
    let temp = storage.beside("edited");
    fs::write(&temp, &new).unwrap();
    File::options()
        .write(true)
        .open(&temp)
        .unwrap()
        .set_modified(before)
        .unwrap();
    fs::rename(temp, storage.path(DOCUMENTS)).unwrap();
    assert_eq!(storage.state(DOCUMENTS), "JSON newer");
    storage.pack();
    assert_eq!(
        storage.unpacked(Default::default()).unwrap()[DOCUMENTS],
        new.as_bytes()
    );
}

#[test]
fn binary_newer_is_written_by_unpack() {
    let storage = packed();
    change_the_binary(&storage, "binary text");
    assert_eq!(storage.state(DOCUMENTS), "binary newer");
    assert_eq!(storage.state(VECTORS), "in sync");
    assert!(!storage.status().is_settled());
    let before = storage.twin_files();
    assert_eq!(
        problem(storage.try_pack(PackOptions::default())),
        SyncProblem::BinaryNewer
    );
    assert_eq!(
        storage.twin_files(),
        before,
        "a refused pack changes nothing"
    );

    assert_eq!(written(&storage.unpack()), [DOCUMENTS]);
    assert_eq!(
        storage.read(DOCUMENTS),
        document_store("binary text").as_bytes()
    );
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    assert!(!storage.pack().committed);
}

#[test]
fn binary_newer_goes_back_where_json_is_preferred() {
    let storage = packed();
    change_the_binary(&storage, "binary text");
    let report = storage.pack_with(prefer_json());
    assert!(report.committed && report.generation == 3);
    assert_eq!(action(&report, DOCUMENTS), Action::Packed);
    assert_eq!(
        action(&report, VECTORS),
        Action::Packed,
        "all are made anew"
    );
    let printed = storage.unpacked(Default::default()).unwrap();
    assert_eq!(printed[DOCUMENTS], document_store("old text").as_bytes());
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

fn diverged() -> Storage {
    let storage = packed();
    change_the_binary(&storage, "binary text");
    storage.write(DOCUMENTS, document_store("json text"));
    assert_eq!(storage.state(DOCUMENTS), "diverged");
    storage
}

#[test]
fn diverged_is_refused_both_ways() {
    let storage = diverged();
    let (twin, files) = (storage.twin_files(), storage.files());
    assert_eq!(
        problem(storage.try_pack(PackOptions::default())),
        SyncProblem::Diverged
    );
    assert_eq!(
        problem(storage.try_unpack(UnpackOptions::default())),
        SyncProblem::Diverged
    );
    assert_eq!((storage.twin_files(), storage.files()), (twin, files));
    let error = storage
        .try_pack(PackOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("--prefer json") && error.contains("--prefer twin"),
        "{error}"
    );
}

#[test]
fn diverged_is_settled_by_a_preference() {
    let storage = diverged();
    assert!(storage.pack_with(prefer_json()).committed);
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    let printed = storage.unpacked(Default::default()).unwrap();
    assert_eq!(printed[DOCUMENTS], document_store("json text").as_bytes());

    let storage = diverged();
    assert_eq!(
        written(&storage.try_unpack(prefer_twin()).unwrap()),
        [DOCUMENTS]
    );
    assert_eq!(
        storage.read(DOCUMENTS),
        document_store("binary text").as_bytes()
    );
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

/// LlamaIndex truncates a file before it writes it: a crash leaves 0 bytes,
/// or half a document.
#[test]
fn empty_or_cut_json_never_replaces_a_sound_store() {
    let whole = document_store("old text");
    let cut = &whole[..whole.len() - 9];
    for (state, text) in [
        ("JSON empty", ""),
        ("JSON cut", cut),
        ("JSON cut", "{"),
        ("JSON cut", " \n"),
    ] {
        let storage = packed();
        storage.write(DOCUMENTS, text);
        assert_eq!(storage.state(DOCUMENTS), state, "{text:?}");
        let before = storage.twin_files();
        assert_eq!(
            problem(storage.try_pack(PackOptions::default())),
            SyncProblem::WouldLoseStore { at: None }
        );
        assert_eq!(storage.twin_files(), before);
        assert_eq!(written(&storage.unpack()), [DOCUMENTS]);
        assert_eq!(storage.read(DOCUMENTS), whole.as_bytes());
        assert_eq!(storage.state(DOCUMENTS), "in sync");

        storage.write(DOCUMENTS, text);
        let report = storage.pack_with(prefer_json());
        assert_eq!(
            action(&report, DOCUMENTS),
            Action::Packed,
            "given up on purpose"
        );
        assert_eq!(
            storage.unpacked(Default::default()).unwrap()[DOCUMENTS],
            text.as_bytes()
        );
    }
}

/// Both ends look right and the middle does not: only reading finds it.
#[test]
fn a_vector_store_with_a_hole_never_replaces_a_sound_one() {
    let storage = packed();
    let whole = vector_store("old", 3);
    let hole = format!("{}{}", &whole[..50], &whole[60..]);
    storage.write(VECTORS, hole);
    let before = storage.info().generation;
    let error = storage.try_pack(PackOptions::default()).unwrap_err();
    let Error::OutOfSync {
        problem: SyncProblem::WouldLoseStore { at: Some(at) },
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert!((45..60).contains(&at), "the place is named: {at}");
    assert_eq!(storage.info().generation, before);
    assert_eq!(storage.vectors(VECTORS).rows(), 3);
    assert!(storage.verify().problems.is_empty());
}

/// A cut that happens to end with a bracket, of a store that is kept as text:
/// `status` cannot see it, `pack` must.
#[test]
fn a_document_store_cut_at_a_bracket_never_replaces_a_sound_one() {
    let storage = packed();
    let whole = document_store("old text");
    storage.write(DOCUMENTS, &whole[..whole.len() - 2]);
    assert_eq!(storage.state(DOCUMENTS), "JSON newer");
    let result = storage.try_pack(PackOptions::default());
    let at = Some(whole.len() as u64 - 2);
    assert_eq!(problem(result), SyncProblem::WouldLoseStore { at });
    assert_eq!(storage.info().generation, 1);
    storage.try_unpack(prefer_twin()).unwrap();
    assert_eq!(storage.read(DOCUMENTS), whole.as_bytes());
    assert_eq!(storage.state(DOCUMENTS), "in sync");
}

/// Well-formed, and nothing that LlamaIndex can load as a store of that name: only a look
/// at what it holds finds it.
#[test]
fn json_that_is_no_store_never_replaces_a_sound_one() {
    for text in ["[1, 2]", "\"x\"", r#"{"docstore/data": 3}"#] {
        let storage = packed();
        storage.write(DOCUMENTS, text);
        assert_eq!(storage.state(DOCUMENTS), "JSON newer", "{text}");
        assert_eq!(
            problem(storage.try_pack(PackOptions::default())),
            SyncProblem::WouldLoseStore { at: None },
            "{text}"
        );
        assert_eq!(storage.info().generation, 1);

        let report = storage.pack_with(prefer_json());
        assert_eq!(action(&report, DOCUMENTS), Action::Packed);
        // What is no store has nothing to lose.
        storage.write(DOCUMENTS, "[3]");
        assert_eq!(action(&storage.pack(), DOCUMENTS), Action::Packed);
        storage.write(DOCUMENTS, document_store("new text"));
        assert_eq!(action(&storage.pack(), DOCUMENTS), Action::Packed);
    }
    let storage = packed();
    storage.write(VECTORS, r#"{"embedding_dict": [], "metadata_dict": null}"#);
    let refused = storage.try_pack(PackOptions::default());
    assert!(
        matches!(
            refused,
            Err(Error::OutOfSync {
                problem: SyncProblem::WouldLoseStore { at: None },
                ..
            })
        ),
        "{refused:?}"
    );
}

/// A store that never was JSON is not "cut" when another one takes its name.
#[test]
fn a_file_that_was_no_json_may_be_replaced_by_another() {
    let storage = Storage::with([(VECTORS, "IxFI some bytes")]);
    storage.pack();
    storage.write(VECTORS, "IxFI other bytes, more of them");
    assert_eq!(storage.state(VECTORS), "JSON newer");
    assert!(storage.pack().committed);
    storage.write(VECTORS, vector_store("now JSON", 2));
    assert!(storage.pack().committed);
    assert_eq!(storage.vectors(VECTORS).rows(), 2);
}

#[test]
fn json_absent_keeps_the_store() {
    let storage = packed();
    storage.remove(DOCUMENTS);
    assert_eq!(storage.state(DOCUMENTS), "JSON absent");
    assert!(storage.status().is_settled());
    let report = storage.pack();
    assert!(!report.committed);
    assert_eq!(action(&report, DOCUMENTS), Action::Kept);
    assert!(!storage.exists(DOCUMENTS), "pack writes no JSON");
    // Also when the pack commits for another reason.
    storage.write(VECTORS, vector_store("new", 4));
    let report = storage.pack();
    assert_eq!(action(&report, DOCUMENTS), Action::Kept);
    assert_eq!(written(&storage.unpack()), [DOCUMENTS]);
    assert_eq!(
        storage.read(DOCUMENTS),
        document_store("old text").as_bytes()
    );
}

#[test]
fn dropped_json_stays_dropped_and_comes_back() {
    let storage = packed();
    let files = storage.files();
    let drop = || PackOptions {
        drop_json: true,
        ..PackOptions::default()
    };
    let report = storage.pack_with(drop());
    assert_eq!(report.dropped, [VECTORS, DOCUMENTS]);
    assert!(storage.files().is_empty());
    let again = storage.pack();
    assert!(!again.committed && again.generation == 1);
    assert_eq!(storage.pack_with(drop()).dropped, Vec::<String>::new());
    assert!(storage.status().is_settled());
    storage.unpack();
    assert_eq!(storage.files(), files);
    assert_eq!(storage.state(VECTORS), "in sync");
}

/// A new JSON file under the name of a dropped one is new content.
#[test]
fn json_written_after_a_drop_is_newer() {
    let storage = packed();
    storage.pack_with(PackOptions {
        drop_json: true,
        ..PackOptions::default()
    });
    storage.write(DOCUMENTS, document_store("new text"));
    assert_eq!(storage.state(DOCUMENTS), "JSON newer");
    assert_eq!(
        problem(storage.try_unpack(UnpackOptions::default())),
        SyncProblem::JsonNewer
    );
    storage.pack();
    storage.unpack();
    assert_eq!(
        storage.read(DOCUMENTS),
        document_store("new text").as_bytes()
    );
}

/// `sync` is a memory: without it, the files are looked at, and that is all.
#[test]
fn a_lost_or_damaged_sync_costs_a_look() {
    for damage in ["lost", "garbage", "an older one"] {
        let storage = packed();
        let path = storage.twin().join("sync");
        let older = fs::read(&path).unwrap();
        storage.write(DOCUMENTS, document_store("new text"));
        storage.pack();
        match damage {
            "lost" => fs::remove_file(&path).unwrap(),
            "garbage" => fs::write(&path, "garbage").unwrap(),
            _ => fs::write(&path, older).unwrap(),
        }
        assert_eq!(storage.state(DOCUMENTS), "touched", "{damage}");
        assert!(storage.status().is_settled(), "{damage}");
        let report = storage.pack();
        assert!(!report.committed, "{damage}: nothing is packed again");
        assert_eq!(storage.state(DOCUMENTS), "in sync", "{damage}");
        assert_eq!(storage.state(VECTORS), "in sync", "{damage}");
        assert!(SyncFile::load(&storage.twin()).1.is_none(), "{damage}");
        // A real change is a change all the same.
        fs::remove_file(&path).unwrap();
        storage.write(DOCUMENTS, document_store("newer text"));
        assert_eq!(storage.state(DOCUMENTS), "JSON newer", "{damage}");
    }
}

/// A crash between renaming a new JSON file and noting that it is there: the
/// text was announced before, so it is not taken for somebody's edit.
#[test]
fn an_unpack_that_was_killed_after_its_rename_is_recognised() {
    let storage = packed();
    change_the_binary(&storage, "binary text");
    storage.unpack();
    let text = storage.read(DOCUMENTS);
    // as the announcement left it
    let mut sync = SyncFile::default();
    let fingerprint = twinstore::persist_dir::Fingerprint::of_bytes(&text);
    sync.set_pending(DOCUMENTS, fingerprint, 2);
    let writer = Writer::open(&storage.dir()).unwrap();
    sync.save(writer.lock()).unwrap();
    drop(writer);
    assert_eq!(storage.state(DOCUMENTS), "touched");
    assert!(!storage.pack().committed);
    assert_eq!(storage.state(DOCUMENTS), "in sync");
    // Killed before the rename: the old text is still older, not an edit.
    let mut sync = SyncFile::default();
    sync.set_pending(DOCUMENTS, fingerprint, 2);
    let writer = Writer::open(&storage.dir()).unwrap();
    sync.save(writer.lock()).unwrap();
    drop(writer);
    storage.write(DOCUMENTS, document_store("old text"));
    assert_eq!(storage.state(DOCUMENTS), "binary newer");
    assert_eq!(written(&storage.unpack()), [DOCUMENTS]);
}

/// One refusal, and nothing else is done either: half a pack would leave two
/// stores of different times.
#[test]
fn a_refusal_comes_before_any_work() {
    let storage = packed();
    storage.write(VECTORS, vector_store("new", 9));
    storage.write(DOCUMENTS, "");
    let before = storage.twin_files();
    assert_eq!(
        problem(storage.try_pack(PackOptions::default())),
        SyncProblem::WouldLoseStore { at: None }
    );
    assert_eq!(storage.twin_files(), before);
    assert_eq!(storage.vectors(VECTORS).rows(), 3);
}

/// A store that appears later joins the twin; `status` names it before.
#[test]
fn a_new_store_is_not_packed_until_it_is() {
    let storage = packed();
    storage.write("graph_store.json", "{\"graph_dict\": {}}");
    assert_eq!(storage.state("graph_store.json"), "not packed");
    assert!(!storage.status().is_settled());
    let kept = segments(&storage, VECTORS);
    assert!(storage.pack().committed);
    assert_eq!(storage.state("graph_store.json"), "in sync");
    assert_eq!(segments(&storage, VECTORS), kept);
}

/// Two generations are kept, and each prints what it was.
#[test]
fn the_generation_before_is_still_there() {
    let storage = packed();
    for (generation, text) in [(2, "second"), (3, "third")] {
        storage.write(DOCUMENTS, document_store(text));
        assert_eq!(storage.pack().generation, generation);
    }
    assert_eq!(storage.verify().generations, [2, 3]);
    for (generation, text) in [(2, "second"), (3, "third")] {
        let out = storage.beside(text);
        let options = UnpackOptions {
            out: Some(out.clone()),
            generation: Some(generation),
            ..UnpackOptions::default()
        };
        storage.try_unpack(options).unwrap();
        assert_eq!(
            fs::read(out.join(DOCUMENTS)).unwrap(),
            document_store(text).as_bytes()
        );
    }
    let gone = UnpackOptions {
        out: Some(storage.beside("first")),
        generation: Some(1),
        ..UnpackOptions::default()
    };
    let error = storage.try_unpack(gone).unwrap_err();
    assert!(
        matches!(error, Error::NoGeneration { generation: 1, ref kept, .. } if *kept == [2, 3])
    );
}

/// A damaged newest manifest is an error; JSON that is at hand heals it when
/// asked to.
#[test]
fn a_damaged_manifest_is_replaced_only_on_purpose() {
    let storage = packed();
    storage.write(DOCUMENTS, document_store("second"));
    storage.pack();
    let manifest = storage.twin().join("manifest-0000000002");
    fs::write(&manifest, "garbage").unwrap();
    assert!(
        storage
            .try_pack(PackOptions::default())
            .unwrap_err()
            .is_damage()
    );
    assert!(
        storage
            .try_unpack(UnpackOptions::default())
            .unwrap_err()
            .is_damage()
    );
    let report = storage.pack_with(prefer_json());
    assert_eq!(report.generation, 3);
    assert_eq!(action(&report, VECTORS), Action::Packed);
    let printed = storage.unpacked(Default::default()).unwrap();
    assert_eq!(printed, storage.files());
}

/// What the error about the only manifest advises; a store that has no JSON any more is
/// not given up so.
#[test]
fn the_only_manifest_is_replaced_where_all_json_is_there() {
    for is_dropped in [false, true] {
        let storage = packed();
        if is_dropped {
            storage.pack_with(PackOptions {
                drop_json: true,
                ..PackOptions::default()
            });
        }
        let files = storage.twin_files();
        let manifests = files.keys().filter(|name| name.starts_with("manifest-"));
        assert_eq!(manifests.count(), 1);
        fs::write(storage.twin().join("manifest-0000000001"), "garbage").unwrap();
        match storage.try_pack(prefer_json()) {
            Ok(report) => assert!(!is_dropped && report.committed),
            Err(e) => assert!(is_dropped && e.is_damage(), "{e}"),
        }
    }
}

/// `sync` is found beside JSON that it tells the truth of, and both are another twin's: half
/// of a backup. The manifest says what was packed, and that is something else.
#[test]
fn a_record_of_another_twin_vouches_for_nothing() {
    let other = Storage::with([
        (VECTORS, &vector_store("new", 3)),
        (DOCUMENTS, &document_store("new text")),
    ]);
    other.pack();
    let storage = packed();
    for file in [VECTORS, DOCUMENTS] {
        // With its times.
        fs::remove_file(storage.path(file)).unwrap();
        fs::rename(other.path(file), storage.path(file)).unwrap();
    }
    fs::rename(other.twin().join("sync"), storage.twin().join("sync")).unwrap();
    for file in [VECTORS, DOCUMENTS] {
        assert_eq!(storage.state(file), "JSON newer");
    }
    assert_eq!(
        problem(storage.try_unpack(UnpackOptions {
            store: Some(DOCUMENTS.to_owned()),
            ..UnpackOptions::default()
        })),
        SyncProblem::JsonNewer
    );
    let report = storage.pack();
    assert_eq!(action(&report, VECTORS), Action::Packed);
    assert_eq!(
        storage.unpacked(Default::default()).unwrap(),
        storage.files()
    );
}
