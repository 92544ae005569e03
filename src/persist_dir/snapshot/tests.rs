//! Readers beside damage, commits and gc.

use std::fs;

use super::*;
use crate::{
    bytes::Backend,
    container::Verify,
    persist_dir::{KEEP, Writer, collect, names::SegmentKind, testing},
};

const READ: OpenOptions = OpenOptions {
    backend: Backend::Read,
    verify: Verify::Lazy,
};
const BACKENDS: [OpenOptions; 2] = [
    READ,
    OpenOptions {
        backend: Backend::Map,
        verify: Verify::Lazy,
    },
];

fn open(dir: &Path) -> Result<Snapshot> {
    Snapshot::open(dir, None, &READ)
}

/// Publishes stores `a.json` and `b.json`, each with its name in a
/// segment; `a.json` has its text as well.
fn two_stores(dir: &Path) -> Manifest {
    let mut writer = Writer::open(dir).unwrap();
    let stores = ["a.json", "b.json"].map(|file| Store {
        segments: vec![testing::segment(&writer, SegmentKind::Vectors, file)],
        verbatim: (file == "a.json")
            .then(|| testing::segment(&writer, SegmentKind::Verbatim, "text")),
        ..testing::store(file, writer.next_generation())
    });
    writer.publish(writer.highest(), stores.to_vec()).unwrap()
}

fn content(store: OpenStore<'_>) -> Result<String> {
    store.segments()?[0].metadata()
}

#[test]
fn a_snapshot_serves_its_stores() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = two_stores(dir.path());
    for options in BACKENDS {
        let snapshot = Snapshot::open(dir.path(), None, &options).unwrap();
        assert_eq!(snapshot.manifest(), &manifest);
        assert_eq!(snapshot.stores().count(), 2);
        let a = snapshot.store("a.json").unwrap();
        assert_eq!(content(a).unwrap(), "a.json");
        let text: String = a.verbatim().unwrap().unwrap().metadata().unwrap();
        assert_eq!(text, "text");
        let b = snapshot.store("b.json").unwrap();
        assert!(b.verbatim().unwrap().is_none());
        assert_eq!(b.record().file, "b.json");
        let before = snapshot.bytes_read();
        assert!(before > 0);
        content(b).unwrap();
        assert!(snapshot.bytes_read() >= before);
        assert!(matches!(
            snapshot.store("c.json"),
            Err(Error::NoStore { known, .. }) if known == ["a.json", "b.json"]
        ));
    }
}

#[test]
fn a_damaged_segment_concerns_its_store_only() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = two_stores(dir.path());
    let path = manifest.stores[0].segments[0]
        .name
        .path_in(&dir.path().join("twin"));
    let whole = fs::read(&path).unwrap();
    let truncated = &whole[..whole.len() - 1];
    let mut foreign = whole.clone();
    foreign.reverse();
    for bad in [truncated, &[], &foreign] {
        fs::write(&path, bad).unwrap();
        for options in BACKENDS {
            let snapshot = Snapshot::open(dir.path(), None, &options).unwrap();
            let a = snapshot.store("a.json").unwrap();
            for _ in 0..2 {
                assert!(content(a).is_err_and(|e| e.is_damage()));
            }
            // the text is another file, and whole
            assert!(a.verbatim().unwrap().is_some());
            assert_eq!(
                content(snapshot.store("b.json").unwrap()).unwrap(),
                "b.json"
            );
        }
    }
    fs::remove_file(&path).unwrap();
    let gone = path;
    let snapshot = open(dir.path()).unwrap();
    let missing = content(snapshot.store("a.json").unwrap());
    let missing = missing.unwrap_err();
    let Error::Damaged { path, fault, .. } = &missing else {
        panic!("{missing}");
    };
    assert_eq!((path, fault), (&gone, &Fault::NoFile));
    for way_out in ["salvage", "rollback", "twinstore pack`"] {
        assert!(missing.to_string().contains(way_out), "{missing}");
    }
    content(snapshot.store("b.json").unwrap()).unwrap();
}

#[test]
fn a_segment_of_another_twin_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let twin = dir.path().join("twin");
    let manifest = two_stores(dir.path());
    let [a, b] = [0, 1].map(|i| manifest.stores[i].segments[0].name.path_in(&twin));
    fs::copy(a, b).unwrap();
    let snapshot = open(dir.path()).unwrap();
    assert!(matches!(
        content(snapshot.store("b.json").unwrap()),
        Err(Error::Damaged {
            fault: Fault::Root,
            ..
        })
    ));
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_a_segment_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = two_stores(dir.path());
    let path = manifest.stores[1].segments[0]
        .name
        .path_in(&dir.path().join("twin"));
    let elsewhere = dir.path().join("elsewhere");
    fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let snapshot = open(dir.path()).unwrap();
    assert!(content(snapshot.store("b.json").unwrap()).is_err());
}

#[test]
fn no_twin_no_generation_no_silent_choice() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(open(dir.path()), Err(Error::NoTwin { .. })));
    drop(Writer::open(dir.path()).unwrap());
    assert!(matches!(open(dir.path()), Err(Error::NoTwin { .. })));
    for _ in 0..3 {
        two_stores(dir.path());
    }
    let at = |generation| Snapshot::open(dir.path(), Some(generation), &READ);
    assert_eq!(at(2).unwrap().generation(), 2);
    assert_eq!(open(dir.path()).unwrap().generation(), 3);
    for missing in [0, 4, u64::MAX] {
        assert!(matches!(
            at(missing),
            Err(Error::NoGeneration { kept, .. }) if kept == [1, 2, 3]
        ));
    }
    fs::write(manifest::manifest_path(&dir.path().join("twin"), 3), "").unwrap();
    for damaged in [open(dir.path()), at(3)] {
        assert!(matches!(
            damaged,
            Err(Error::DamagedManifest {
                generation: 3,
                previous: Some(2),
                ..
            })
        ));
    }
    at(2).unwrap();
}

#[test]
fn an_open_snapshot_outlives_its_files() {
    let dir = tempfile::tempdir().unwrap();
    two_stores(dir.path());
    let old = BACKENDS.map(|o| Snapshot::open(dir.path(), None, &o).unwrap());
    for _ in 0..3 {
        two_stores(dir.path());
    }
    let writer = Writer::open(dir.path()).unwrap();
    collect(writer.lock(), KEEP).unwrap();
    for snapshot in &old {
        assert!(!snapshot.is_kept().unwrap());
        assert_eq!(
            content(snapshot.store("a.json").unwrap()).unwrap(),
            "a.json"
        );
    }
    assert!(matches!(
        Snapshot::open(dir.path(), Some(1), &READ),
        Err(Error::NoGeneration { .. })
    ));
}

#[test]
fn readers_keep_up_with_commits_and_gc() {
    let dir = tempfile::tempdir().unwrap();
    two_stores(dir.path());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..60 {
                two_stores(dir.path());
                let writer = Writer::open(dir.path()).unwrap();
                // One generation kept: the hardest case for readers.
                collect(writer.lock(), 1).unwrap();
            }
        });
        let mut last = 0;
        while !writer.is_finished() {
            let snapshot = open(dir.path()).unwrap();
            assert!(snapshot.generation() >= last);
            last = snapshot.generation();
            for store in snapshot.stores() {
                assert_eq!(content(store).unwrap(), store.record().file);
            }
        }
        writer.join().unwrap();
    });
}
