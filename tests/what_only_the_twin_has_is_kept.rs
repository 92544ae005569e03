//! Part of a twin is lost, and some stores have no JSON file, or none that is whole: what
//! is left of the twin is all there is of them. Whoever follows what the commands
//! advise must not lose it, nor what `salvage` could have saved.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{fs, path::PathBuf};

use common::{
    DOCUMENTS, Storage, VECTORS, assert_same_files, document_store, files_of,
    library::{insert, new_library},
    vector_store,
};
use twinstore::{
    Error,
    convert::{
        PackOptions, Progress, SalvageOptions, Silent, UnpackOptions, gc, pack, salvage, status,
    },
    persist_dir::KEEP,
    storage_context::{JsonTwin, PersistOptions},
};

fn prefer_json() -> PackOptions {
    PackOptions {
        prefer_json: true,
        ..PackOptions::default()
    }
}

fn dropping() -> PackOptions {
    PackOptions {
        drop_json: true,
        ..PackOptions::default()
    }
}

fn packed() -> Storage {
    let storage = Storage::with([
        (VECTORS, &vector_store("old", 3)),
        (DOCUMENTS, &document_store("old text")),
    ]);
    storage.pack();
    storage
}

/// Its second generation has new documents, of which no JSON file is left; the vectors are
/// the same in both, and have theirs.
fn with_documents_in_the_twin_alone() -> Storage {
    let storage = packed();
    let vectors = storage.read(VECTORS);
    storage.write(DOCUMENTS, document_store("new text"));
    storage.pack_with(dropping());
    storage.write(VECTORS, vectors);
    storage
}

fn manifest(storage: &Storage, generation: u64) -> PathBuf {
    storage.twin().join(format!("manifest-{generation:010}"))
}

/// Bits of a file flip: more than can be set right.
fn damage(path: PathBuf) {
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8]
        .iter_mut()
        .for_each(|b| *b ^= 0xff);
    fs::write(path, bytes).unwrap();
}

fn segment_of(storage: &Storage, store: &str) -> PathBuf {
    let info = storage.info();
    let store = info.stores.iter().find(|s| s.file == store).unwrap();
    storage.twin().join(&store.segments[0])
}

/// Packing with `--prefer json` is refused for want of `file`, and changes nothing.
#[track_caller]
fn needs(storage: &Storage, file: Option<&str>) {
    let before = [storage.files(), storage.twin_files()];
    let refused = storage.try_pack(prefer_json()).unwrap_err();
    let Error::OnlyInTwin {
        missing, source, ..
    } = &refused
    else {
        panic!("{refused}");
    };
    assert_eq!(*missing, file.map(|file| storage.path(file)));
    assert!(refused.is_damage());
    for (before, after) in before.iter().zip([storage.files(), storage.twin_files()]) {
        assert_same_files(&after, before, "after a refusal");
    }
    let run = storage.run("pack", &["--prefer", "json"]).ends_with(1);
    let run = run.says(["could lose a store", "away and pack again"]);
    // Which needs a manifest.
    let can_salvage = !matches!(**source, Error::LostManifests { .. });
    assert_eq!(run.stderr.contains("twinstore salvage"), can_salvage);
}

/// The generation before would bring the old documents back, without a word.
#[test]
fn an_unreadable_generation_is_not_given_up_for_json_that_is_not_there() {
    for is_lost in [false, true] {
        let storage = with_documents_in_the_twin_alone();
        match is_lost {
            true => fs::remove_file(manifest(&storage, 2)).unwrap(),
            false => damage(manifest(&storage, 2)),
        }
        needs(&storage, Some(DOCUMENTS));
        // An empty file is no store.
        storage.write(DOCUMENTS, "");
        needs(&storage, Some(DOCUMENTS));
        storage.write(DOCUMENTS, document_store("new text"));
        assert!(storage.pack_with(prefer_json()).committed);
        assert!(storage.status().is_settled());
        assert_eq!(
            storage.unpacked(Default::default()).unwrap(),
            storage.files()
        );
    }
}

/// Not "up to date".
#[test]
fn where_there_is_no_json_at_all_an_unreadable_generation_stays_an_error() {
    let storage = with_documents_in_the_twin_alone();
    storage.remove(VECTORS);
    damage(manifest(&storage, 2));
    let refused = storage.try_pack(prefer_json());
    let manifest = matches!(refused, Err(Error::DamagedManifest { generation: 2, .. }));
    assert!(manifest, "{refused:?}");
}

/// Nobody told the twin that the file goes, but `sync` has seen it.
#[test]
fn json_that_was_removed_by_hand_is_missed() {
    let storage = packed();
    storage.remove(DOCUMENTS);
    damage(manifest(&storage, 1));
    needs(&storage, Some(DOCUMENTS));
    fs::remove_file(manifest(&storage, 1)).unwrap();
    needs(&storage, Some(DOCUMENTS));
}

#[test]
fn without_sync_nobody_knows_what_json_there_was() {
    for is_gone in [false, true] {
        let storage = packed();
        let sync = storage.twin().join("sync");
        match is_gone {
            true => fs::remove_file(&sync).unwrap(),
            false => damage(sync),
        }
        damage(manifest(&storage, 1));
        needs(&storage, None);
        // As the message says.
        fs::rename(storage.twin(), storage.beside("old twin")).unwrap();
        assert!(storage.pack().committed);
    }
}

/// What `status` and `pack` advise about a store whose file in the twin is cut.
#[test]
fn advice_gives_no_store_up() {
    // What became of the JSON file, and what is then advised.
    let cases: [(Option<&str>, &str); 3] = [
        (Some(""), "save what is left"),
        (Some("{\"docstore/data\": {"), "save what is left"),
        (None, "save what is left"),
    ];
    for (text, advised) in cases {
        let storage = packed();
        let segment = segment_of(&storage, DOCUMENTS);
        let mut bytes = fs::read(&segment).unwrap();
        bytes.push(0);
        fs::write(&segment, bytes).unwrap();
        match text {
            Some(text) => storage.write(DOCUMENTS, text),
            None => storage.remove(DOCUMENTS),
        }
        let status = storage.status();
        let of = status.stores.iter().find(|s| s.file == DOCUMENTS).unwrap();
        let remedy = of.remedy.as_deref().unwrap();
        assert!(remedy.contains(advised), "{remedy}");
        assert!(!remedy.contains("--prefer json"), "{remedy}");
        if text.is_some() {
            // The twin does not hold it as it should.
            let refused = storage.try_pack(PackOptions::default()).unwrap_err();
            assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
            assert!(refused.to_string().contains("twinstore salvage"));
        }
        let out = storage.beside("salvaged");
        salvage(&storage.dir(), &out, &SalvageOptions::default(), &Silent).unwrap();
        assert_eq!(
            files_of(&out)[DOCUMENTS],
            document_store("old text").as_bytes()
        );
    }
    // Older JSON is not the twin's content either.
    let storage = packed();
    storage.write(DOCUMENTS, document_store("new text"));
    storage.pack();
    storage.run("rollback", &["--to", "1"]).ends_with(0);
    assert_eq!(storage.state(DOCUMENTS), "binary newer");
    fs::remove_file(segment_of(&storage, DOCUMENTS)).unwrap();
    let run = storage.run("status", &[]).ends_with(1);
    run.prints(["save what is left with `twinstore salvage`; then"]);
}

/// It cannot be read: what it says of lost manifests and of JSON that is gone would
/// be missing for ever.
#[test]
fn a_sync_record_that_cannot_be_read_is_written_anew() {
    for is_gone in [false, true] {
        let storage = packed();
        storage.pack_with(dropping());
        let sync = storage.twin().join("sync");
        match is_gone {
            true => fs::remove_file(&sync).unwrap(),
            false => {
                damage(sync.clone());
                let problems = storage.verify().problems;
                assert!(problems[0].error.contains("writes it anew"));
            }
        }
        assert!(!storage.pack().committed);
        assert!(storage.verify().problems.is_empty());
        assert!(sync.exists());
        // It tells again of a manifest that is gone.
        storage.write(DOCUMENTS, document_store("new text"));
        storage.pack_with(prefer_json());
        fs::remove_file(manifest(&storage, 2)).unwrap();
        let refused = storage.try_unpack(UnpackOptions::default());
        assert!(matches!(refused, Err(Error::LostGeneration { .. })));
    }
}

/// A store that lost a file is not what a commit of others writes.
#[test]
fn a_store_that_lost_its_file_keeps_no_other_from_being_packed() {
    let storage = with_documents_in_the_twin_alone();
    fs::remove_file(segment_of(&storage, DOCUMENTS)).unwrap();
    storage.write(VECTORS, vector_store("new", 4));
    assert!(storage.pack().committed);
    assert_eq!(storage.state(VECTORS), "in sync");
    assert_eq!(storage.state(DOCUMENTS), "twin damaged");
}

/// What a file is that no manifest names cannot be told while one is missed.
#[test]
fn a_file_under_another_name_is_not_swept_up() {
    let storage = packed();
    storage.pack_with(dropping());
    let segment = segment_of(&storage, DOCUMENTS);
    let other = storage.twin().join("rec-0000000000000001.seg");
    fs::rename(&segment, &other).unwrap();
    let refused = gc(&storage.dir(), KEEP).unwrap_err();
    assert!(refused.to_string().contains("missing"), "{refused}");
    assert!(!storage.pack().committed);
    fs::rename(&other, &segment).unwrap();
    assert!(gc(&storage.dir(), KEEP).unwrap().removed.is_empty());
    assert_eq!(storage.unpack().files.len(), 2);
}

/// What was dropped is known only to `sync`. A damaged one is written anew, and must tell
/// of it all the same.
#[test]
fn a_sync_record_that_was_written_anew_still_misses_what_has_no_json() {
    let storage = packed();
    let documents = storage.read(DOCUMENTS);
    storage.pack_with(dropping());
    damage(storage.twin().join("sync"));
    storage.pack();
    storage.write(DOCUMENTS, documents);
    damage(manifest(&storage, 1));
    needs(&storage, Some(VECTORS));
    fs::remove_file(manifest(&storage, 1)).unwrap();
    needs(&storage, Some(VECTORS));
    let refused = storage.try_pack(PackOptions::default());
    assert!(matches!(refused, Err(Error::LostManifests { .. })));
}

/// A store that never had a JSON file.
#[test]
fn what_was_persisted_without_json_is_missed_with_its_manifest() {
    let storage = Storage::with([]);
    let mut context = new_library();
    insert(&mut context, "a document", 2, "a text");
    let options = PersistOptions {
        json: JsonTwin::Never,
        ..PersistOptions::default()
    };
    context.persist_with(storage.dir(), &options).unwrap();
    fs::remove_file(manifest(&storage, 1)).unwrap();
    assert!(status(&storage.dir()).is_err());
    storage.write("other__vector_store.json", vector_store("id", 1));
    let refused = storage.try_pack(PackOptions::default());
    assert!(matches!(refused, Err(Error::LostManifests { .. })));
    let refused = storage.try_pack(prefer_json());
    assert!(matches!(refused, Err(Error::OnlyInTwin { .. })));
}

/// One bit hides nothing: what the manifest says is known, and JSON that is older, or
/// broken where nobody looks, is not what the twin holds.
#[test]
fn json_that_is_no_longer_the_store_does_not_replace_it() {
    let flip = |path: PathBuf| {
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let older = packed();
    older.write(DOCUMENTS, document_store("new text"));
    older.pack();
    older.run("rollback", &["--to", "1"]).ends_with(0);
    assert_eq!(older.state(DOCUMENTS), "binary newer");
    flip(manifest(&older, 3));
    needs(&older, Some(DOCUMENTS));

    for is_lost in [false, true] {
        let broken = packed();
        let mut text = broken.read(DOCUMENTS);
        let middle = text.len() / 2;
        text[middle..middle + 8].fill(0);
        broken.write(DOCUMENTS, text);
        match is_lost {
            true => damage(manifest(&broken, 1)),
            false => flip(manifest(&broken, 1)),
        }
        let refused = broken.try_pack(prefer_json()).unwrap_err();
        assert!(matches!(refused, Error::OnlyInTwin { .. }), "{refused}");
        // The manifest is as it was: nothing was published.
        assert!(!manifest(&broken, 2).exists());
    }
}

/// A FAISS index, and other files that were packed as they are.
#[test]
fn what_was_no_json_before_may_come_back_as_it_is() {
    let storage = packed();
    storage.write(VECTORS, b"IxFI\0\0 not JSON".as_slice());
    storage.write("notes.txt", "a note");
    storage.pack_with(PackOptions {
        all: true,
        ..prefer_json()
    });
    damage(manifest(&storage, 2));
    assert!(storage.pack_with(prefer_json()).committed);
    assert_eq!(
        storage.unpacked(Default::default()).unwrap(),
        storage.files()
    );
}

/// Somebody writes the file while it is read, after it was looked at.
#[test]
fn json_that_goes_while_it_is_packed_is_missed() {
    struct Removes(PathBuf);
    impl Progress for Removes {
        fn at(&self, _: u64) -> twinstore::Result<()> {
            let _ = fs::remove_file(&self.0);
            Ok(())
        }
    }
    let storage = packed();
    storage.write(VECTORS, vector_store("new", 3));
    storage.pack();
    fs::remove_file(manifest(&storage, 2)).unwrap();
    let removes = Removes(storage.path(DOCUMENTS));
    let result = pack(&storage.dir(), &prefer_json(), &removes);
    assert!(result.is_err(), "{result:?}");
    assert!(!manifest(&storage, 3).exists());
}

/// JSON that changed, and is broken inside, beside a store that lost its file.
#[test]
fn broken_json_beside_a_lost_file_is_not_called_the_lesser_evil() {
    let storage = packed();
    fs::remove_file(segment_of(&storage, DOCUMENTS)).unwrap();
    let mut text = document_store("another text").into_bytes();
    let middle = text.len() / 2;
    text[middle] = 0;
    storage.write(DOCUMENTS, text);
    let refused = storage.try_pack(PackOptions::default()).unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
}
