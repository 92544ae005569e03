//! Every state, reached the way users reach it: by packing, committing,
//! editing, copying and crashing.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use super::*;
use crate::persist_dir::{
    commit::Writer,
    manifest,
    names::{SYNC, SegmentKind},
    testing,
};

const FILE: &str = "docstore.json";

/// A persist directory with one store, and a clock for the JSON file.
struct Storage {
    dir: tempfile::TempDir,
    seconds: u64,
}

impl Storage {
    /// A packed directory whose JSON file holds `text`.
    fn packed(text: &[u8]) -> Storage {
        let mut storage = Storage {
            dir: tempfile::tempdir().unwrap(),
            seconds: 1_700_000_000,
        };
        storage.write(text);
        storage.pack();
        storage
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(FILE)
    }

    /// Writes the JSON file as LlamaIndex does: in place, at a later time.
    fn write(&mut self, text: &[u8]) {
        fs::write(self.path(), text).unwrap();
        self.touch();
    }

    /// Gives the JSON file the next time. Times lie in the past, hence are
    /// settled.
    fn touch(&mut self) {
        self.seconds += 10;
        let time = UNIX_EPOCH + Duration::new(self.seconds, 123_456_789);
        let file = File::options().write(true).open(self.path()).unwrap();
        file.set_modified(time).unwrap();
    }

    /// Takes the JSON file over and records it.
    fn pack(&mut self) {
        let seen = Seen::read(&self.path()).unwrap();
        let text = fs::read(self.path()).unwrap();
        self.commit(|store, generation| {
            store.changed = generation;
            store.packed = Some(testing::packed(&text, generation));
        });
        let generation = self.store().changed;
        self.record(|sync| sync.record(FILE, seen.stat, seen.fingerprint, generation));
    }

    /// Changes the twin's content.
    fn change_twin(&self) {
        self.commit(|store, generation| store.changed = generation);
    }

    /// Publishes the store with one more segment.
    fn commit(&self, change: impl FnOnce(&mut Store, u64)) {
        let mut writer = Writer::open(self.dir.path()).unwrap();
        let base = writer.base().and_then(|m| m.store(FILE)).cloned();
        let mut store = base.unwrap_or_else(|| testing::store(FILE, 1));
        change(&mut store, writer.next_generation());
        let segment = testing::segment(&writer, SegmentKind::Vectors, "content");
        store.segments.push(segment);
        writer.publish(writer.highest(), vec![store]).unwrap();
    }

    fn record(&self, change: impl FnOnce(&mut SyncFile)) {
        let writer = Writer::open(self.dir.path()).unwrap();
        let (mut sync, problem) = SyncFile::load(writer.twin_dir());
        assert!(problem.is_none());
        change(&mut sync);
        sync.save(writer.lock()).unwrap();
    }

    /// Exports `text` as the twin's content, or dies before the step `die`.
    fn unpack(&mut self, text: &[u8], die: u32) {
        let changed = self.store().changed;
        let fingerprint = Fingerprint::of_bytes(text);
        self.record(|sync| sync.set_pending(FILE, fingerprint, changed));
        if die == 1 {
            return;
        }
        self.write(text);
        if die == 2 {
            return;
        }
        let stat = Stat::of(&self.path()).unwrap().unwrap();
        self.record(|sync| sync.record(FILE, stat, fingerprint, changed));
    }

    fn lose_sync(&self) {
        fs::remove_file(self.twin().join(SYNC)).unwrap();
    }

    fn twin(&self) -> PathBuf {
        manifest::twin_dir(self.dir.path())
    }

    fn store(&self) -> Store {
        let manifest = manifest::read_highest(&self.twin()).unwrap();
        manifest.unwrap().store(FILE).unwrap().clone()
    }

    fn state(&self) -> State {
        let (sync, _) = SyncFile::load(&self.twin());
        let quick = state(self.dir.path(), &self.store(), &sync).unwrap();
        // The full read must agree, but for the edits that only it can see.
        let (deep, seen) = deep_check(self.dir.path(), &self.store(), &sync).unwrap();
        assert_eq!(deep, quick);
        assert_eq!(seen.is_none(), quick == State::JsonAbsent);
        quick
    }
}

#[test]
fn in_sync_after_pack_and_after_a_compaction() {
    let storage = Storage::packed(b"{\"a\": 1}");
    assert_eq!(storage.state(), State::InSync);
    storage.commit(|_, _| {});
    assert_eq!(storage.state(), State::InSync);
}

#[test]
fn touched_by_a_copy_and_recorded_again() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.touch();
    assert_eq!(storage.state(), State::Touched);
    // cp -r: other times, other inodes
    let copy = Storage {
        dir: tempfile::tempdir().unwrap(),
        ..storage
    };
    fs::create_dir(copy.twin()).unwrap();
    for (from, to) in [
        (storage.twin(), copy.twin()),
        (storage.dir.path().into(), copy.dir.path().into()),
    ] {
        for name in testing::names_in(&from) {
            if from.join(&name).is_file() {
                let bytes = fs::read(from.join(&name)).unwrap();
                fs::write(to.join(name), bytes).unwrap();
            }
        }
    }
    assert_eq!(copy.state(), State::Touched);
    let (sync, _) = SyncFile::load(&copy.twin());
    let (state, seen) = deep_check(copy.dir.path(), &copy.store(), &sync).unwrap();
    assert_eq!(state, State::Touched);
    let seen = seen.unwrap();
    let changed = copy.store().changed;
    copy.record(|sync| sync.record(FILE, seen.stat, seen.fingerprint, changed));
    assert_eq!(copy.state(), State::InSync);
}

#[test]
fn json_newer_after_an_edit() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.write(b"{\"a\": 2}");
    assert_eq!(storage.state(), State::JsonNewer);
    storage.pack();
    assert_eq!(storage.state(), State::InSync);
    // Going back to the text of a generation before is a change as well, and
    // no record of it is kept.
    storage.write(b"{\"a\": 1}");
    assert_eq!(storage.state(), State::JsonNewer);
}

#[test]
fn binary_newer_after_a_commit() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.change_twin();
    assert_eq!(storage.state(), State::BinaryNewer);
    storage.touch();
    assert_eq!(storage.state(), State::BinaryNewer);
    storage.unpack(b"{\"a\": 1, \"b\": 2}", 0);
    assert_eq!(storage.state(), State::InSync);
    storage.change_twin();
    assert_eq!(storage.state(), State::BinaryNewer);
}

#[test]
fn diverged_when_both_changed() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.change_twin();
    storage.write(b"{\"a\": 3}");
    assert_eq!(storage.state(), State::Diverged);
}

#[test]
fn diverged_when_they_never_were_equal() {
    let mut storage = Storage {
        dir: tempfile::tempdir().unwrap(),
        seconds: 0,
    };
    storage.change_twin();
    assert_eq!(storage.state(), State::JsonAbsent);
    storage.write(b"{}");
    assert_eq!(storage.state(), State::Diverged);
}

#[test]
fn damaged_when_empty_or_cut() {
    let mut storage = Storage::packed(b"{\"a\": [1, 2]}\n");
    let damaged = |why| State::JsonDamaged { why };
    storage.write(b"");
    assert_eq!(storage.state(), damaged(JsonDamage::Empty));
    for cut in [
        &b"{\"a\": [1, 2]"[..],
        b" \n",
        b"{\"a\": [1, 2]\0\0",
        b"version https://git-lfs.github.com/spec/v1\n",
    ] {
        storage.write(cut);
        assert_eq!(storage.state(), damaged(JsonDamage::Cut));
    }
    storage.change_twin();
    assert_eq!(storage.state(), damaged(JsonDamage::Cut));
}

#[test]
fn a_file_that_is_no_json_is_not_cut() {
    let mut storage = Storage::packed(b"IxFI\x00\x01");
    assert_eq!(storage.state(), State::InSync);
    storage.write(b"IxFI\x00\x02\x03");
    assert_eq!(storage.state(), State::JsonNewer);
    let why = JsonDamage::Empty;
    storage.write(b"");
    assert_eq!(storage.state(), State::JsonDamaged { why });
}

#[test]
fn absent_dropped_and_back_again() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    let away = storage.dir.path().join("away");
    fs::rename(storage.path(), &away).unwrap();
    assert_eq!(storage.state(), State::JsonAbsent);
    storage.record(|sync| sync.record_dropped(FILE));
    assert_eq!(storage.state(), State::JsonAbsent);
    fs::rename(&away, storage.path()).unwrap();
    assert_eq!(storage.state(), State::InSync);
    storage.write(b"{\"a\": 2}");
    assert_eq!(storage.state(), State::JsonNewer);
}

#[test]
fn without_sync_the_manifest_still_decides() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.lose_sync();
    assert_eq!(storage.state(), State::Touched);
    storage.write(b"{\"a\": 2}");
    assert_eq!(storage.state(), State::JsonNewer);
    storage.write(b"{\"a\": 1}");
    storage.change_twin();
    assert_eq!(storage.state(), State::BinaryNewer);
    storage.write(b"{\"a\": 2}");
    assert_eq!(storage.state(), State::Diverged);
    // a damaged one is as good as none
    fs::write(storage.twin().join(SYNC), "not whole").unwrap();
    assert_eq!(storage.state(), State::Diverged);
}

#[test]
fn an_export_that_died_on_the_way() {
    for (die, expected) in [
        (1, State::BinaryNewer),
        (2, State::Touched),
        (0, State::InSync),
    ] {
        let mut storage = Storage::packed(b"{\"a\": 1}");
        storage.change_twin();
        storage.unpack(b"{\"a\": 1, \"b\": 2}", die);
        assert_eq!(storage.state(), expected, "died before step {die}");
    }
    // An edit of the old text after an export that never happened must not
    // pass for an edit of the new one.
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.change_twin();
    storage.unpack(b"{\"a\": 1, \"b\": 2}", 1);
    storage.write(b"{\"a\": 9}");
    assert_eq!(storage.state(), State::Diverged);
}

#[test]
fn a_rewrite_within_a_tick_of_the_clock_is_noticed() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    // Recorded right after it was written, then rewritten with the same
    // length, inode and time.
    let mut stat = Stat::of(&storage.path()).unwrap().unwrap();
    stat.taken_ns = stat.mtime_ns + 1000;
    let text = storage.store().packed.unwrap().text;
    storage.record(|sync| sync.record(FILE, stat, text, 1));
    assert_eq!(storage.state(), State::InSync);
    storage.seconds -= 10;
    storage.write(b"{\"a\": 2}");
    assert!(stat.same(&Stat::of(&storage.path()).unwrap().unwrap()));
    assert_eq!(storage.state(), State::JsonNewer);
}

#[test]
fn an_edit_between_the_samples_needs_the_deep_check() {
    let mut text = vec![b' '; 5 << 20];
    text[0] = b'{';
    text.push(b'}');
    let mut storage = Storage::packed(&text);
    text[100_000] = b'\n';
    storage.write(&text);
    let (sync, _) = SyncFile::load(&storage.twin());
    let quick = state(storage.dir.path(), &storage.store(), &sync).unwrap();
    assert_eq!(quick, State::Touched);
    let (deep, _) = deep_check(storage.dir.path(), &storage.store(), &sync).unwrap();
    assert_eq!(deep, State::JsonNewer);
}

#[test]
fn a_generation_taken_away_leaves_the_json_newer() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.write(b"{\"a\": 2}");
    storage.pack();
    fs::remove_file(manifest::manifest_path(&storage.twin(), 2)).unwrap();
    assert_eq!(storage.state(), State::JsonNewer);
}

#[test]
fn a_rollback_makes_the_twin_newer() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    let first = storage.store();
    storage.write(b"{\"a\": 2}");
    storage.pack();
    storage.commit(|store, generation| {
        *store = first;
        store.changed = generation;
        store.packed.as_mut().unwrap().generation = generation;
    });
    assert_eq!(storage.state(), State::BinaryNewer);
    storage.write(b"{\"a\": 1}");
    assert_eq!(storage.state(), State::Touched);
}

#[test]
fn what_stands_in_the_way_is_an_error() {
    let storage = Storage::packed(b"{}");
    fs::remove_file(storage.path()).unwrap();
    fs::create_dir(storage.path()).unwrap();
    let sync = SyncFile::default();
    assert!(matches!(
        state(storage.dir.path(), &storage.store(), &sync),
        Err(Error::Io { .. })
    ));
    assert!(deep_check(storage.dir.path(), &storage.store(), &sync).is_err());
}

#[test]
fn ends_in_memory_and_in_a_file_agree() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    let blanks = vec![b'\n'; END];
    let far = [b"{}".as_slice(), &blanks].concat();
    let near = [b"{}".as_slice(), &blanks[2..]].concat();
    let long = [b"[".as_slice(), &blanks, &blanks, b"]"].concat();
    for (text, expected) in [
        (&b""[..], Some(JsonDamage::Empty)),
        (b"\xef\xbb\xbf {}\r\n", None),
        (b"[1]", None),
        (b"\"text\"", None),
        (b"\t", Some(JsonDamage::Cut)),
        (b"[1}", Some(JsonDamage::Cut)),
        (b"{\"a\": \"b\"", Some(JsonDamage::Cut)),
        (b"null", Some(JsonDamage::Cut)),
        (&far, Some(JsonDamage::Cut)),
        (&near, None),
        (&long, None),
    ] {
        fs::write(&path, text).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(JsonDamage::of_bytes(text), expected);
        assert_eq!(JsonDamage::of_file(&file, &path).unwrap(), expected);
    }
}

/// The export dies before its record, and then another one before its rename: the file
/// holds a text that only the first announcement told.
#[test]
fn binary_newer_when_the_announcement_of_the_text_was_replaced() {
    let mut storage = Storage::packed(b"{\"a\": 1}");
    storage.change_twin();
    storage.unpack(b"{\"a\": 22}", 2);
    storage.change_twin();
    let (sync, _) = SyncFile::load(&storage.twin());
    let store = storage.store();
    let found = unrecorded(storage.dir.path(), &store, &sync).unwrap();
    let (text, changed) = found.unwrap();
    assert_eq!(text, Fingerprint::of_bytes(b"{\"a\": 22}"));
    assert_eq!(changed, store.changed - 1);
    storage.record(|sync| sync.remember(FILE, text, changed));
    storage.unpack(b"{\"a\": 333}", 1);
    assert_eq!(storage.state(), State::BinaryNewer);

    // Now it is recorded, but nobody vouches for all of it.
    let (sync, _) = SyncFile::load(&storage.twin());
    let found = unrecorded(storage.dir.path(), &store, &sync).unwrap();
    assert!(found.is_none());
    let known = sync.entry(FILE).unwrap().known().unwrap();
    let now = Stat::of(&storage.path()).unwrap().unwrap();
    assert!(!known.stat.same(&now));
}
