//! Commits that succeed, race, fail half-way, and build on damage.

use std::fs;

use super::*;
use crate::persist_dir::{names::SYNC, testing};

#[test]
fn generations_follow_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    assert!(writer.base().is_none());
    assert_eq!((writer.highest(), writer.next_generation()), (0, 1));
    let mut store = testing::store("docstore.json", writer.next_generation());
    store.segments = vec![testing::segment(&writer, SegmentKind::Vectors, "a")];
    let first = writer.publish(0, vec![store]).unwrap();
    assert_eq!((first.generation, first.parent), (1, 0));
    assert_eq!(writer.base(), Some(&first));
    let second = writer.publish(1, first.stores.clone()).unwrap();
    assert_eq!((second.generation, second.parent), (2, 1));
    drop(writer);
    let writer = Writer::open(dir.path()).unwrap();
    assert_eq!(writer.base(), Some(&second));
    assert_eq!(testing::names_in(writer.twin_dir()).len(), 4);
}

#[test]
fn a_change_made_on_an_older_generation_is_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        testing::publish(dir.path(), Vec::new());
    }
    let mut writer = Writer::open(dir.path()).unwrap();
    let before = testing::names_in(writer.twin_dir());
    for opened in [0, 1, 2, 4, u64::MAX - 1] {
        match writer.publish(opened, Vec::new()) {
            Err(Error::Conflict { opened: o, current }) => {
                assert_eq!((o, current), (opened, 3))
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(testing::names_in(writer.twin_dir()), before);
    // A conflict is no failure of the medium: the writer stays usable.
    assert_eq!(writer.publish(3, Vec::new()).unwrap().generation, 4);
}

#[test]
fn a_commit_past_the_lock_is_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    let foreign = manifest::manifest_path(writer.twin_dir(), 1);
    fs::write(&foreign, "somebody else's").unwrap();
    let refused = writer.publish(0, Vec::new());
    assert!(matches!(
        refused,
        Err(Error::Conflict {
            opened: 0,
            current: 1
        })
    ));
    assert_eq!(fs::read_to_string(foreign).unwrap(), "somebody else's");
}

#[test]
fn a_second_writer_is_locked_out() {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::open(dir.path()).unwrap();
    assert!(matches!(
        Writer::open(dir.path()),
        Err(Error::Locked { .. })
    ));
    assert!(matches!(
        Writer::recover(dir.path(), None),
        Err(Error::Locked { .. })
    ));
    drop(writer);
    Writer::open(dir.path()).unwrap();
}

#[test]
fn racing_writers_lose_no_commit() {
    let dir = tempfile::tempdir().unwrap();
    let add = |name: String| {
        loop {
            let mut writer = match Writer::open(dir.path()) {
                Err(Error::Locked { .. }) => {
                    std::thread::yield_now();
                    continue;
                }
                other => other.unwrap(),
            };
            let parent = writer.highest();
            let mut stores = writer.base().map_or(Vec::new(), |m| m.stores.clone());
            let mut store = testing::store(&name, writer.next_generation());
            store.segments = vec![testing::segment(&writer, SegmentKind::Vectors, "a")];
            stores.push(store);
            return writer.publish(parent, stores).unwrap().generation;
        }
    };
    let run = |t| -> Vec<u64> { (0..10).map(|i| add(format!("{t}-{i}.json"))).collect() };
    let run = &run;
    let mut generations: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|t| scope.spawn(move || run(t))).collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    });
    generations.sort_unstable();
    assert!(generations.iter().copied().eq(1..=40));
    let last = manifest::read_highest(&manifest::twin_dir(dir.path())).unwrap();
    assert_eq!(last.unwrap().stores.len(), 40);
}

#[test]
fn a_failed_sync_poisons() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    let twin = writer.twin_dir().to_owned();
    // The directory sync fails, as there is no directory.
    fs::rename(&twin, dir.path().join("away")).unwrap();
    let failed = writer.publish(0, Vec::new());
    assert!(matches!(failed, Err(Error::Io { action: "sync", .. })));
    // It would succeed now, but must not be tried again.
    fs::rename(dir.path().join("away"), &twin).unwrap();
    let refused = writer.publish(0, Vec::new());
    assert!(matches!(refused, Err(Error::Poisoned { .. })));
    assert_eq!(testing::names_in(&twin), [names::LOCK]);
    drop(writer);
    testing::publish(dir.path(), Vec::new());
}

#[test]
fn what_is_not_there_as_stated_is_not_published() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path()).unwrap();
    let good = testing::segment(&writer, SegmentKind::Vectors, "a");
    let mut longer = good;
    longer.length += 1;
    let mut missing = good;
    missing.name = writer.fresh(SegmentKind::Vectors).unwrap().0;
    let mut stores = vec![testing::store("a.json", 1)];
    stores[0].segments = vec![longer];
    let refused = writer.publish(0, stores.clone());
    assert!(refused.is_err_and(|e| e.is_damage()));
    stores[0].segments = vec![missing];
    let refused = writer.publish(0, stores.clone());
    assert!(matches!(
        refused,
        Err(Error::Damaged {
            fault: Fault::NoFile,
            ..
        })
    ));
    stores[0].segments = vec![good, good];
    let refused = writer.publish(0, stores.clone());
    assert!(refused.is_err_and(|e| e.is_damage()));
    stores[0].segments = vec![good];
    stores[0].file = "../a.json".to_owned();
    let refused = writer.publish(0, stores.clone());
    assert!(refused.is_err_and(|e| e.is_damage()));
    stores[0].file = "a.json".to_owned();
    assert_eq!(writer.publish(0, stores).unwrap().generation, 1);
}

#[test]
fn a_damaged_generation_can_be_gone_back_from() {
    let dir = tempfile::tempdir().unwrap();
    let twin = manifest::twin_dir(dir.path());
    let mut writer = Writer::open(dir.path()).unwrap();
    let mut store = testing::store("a.json", 1);
    store.segments = vec![testing::segment(&writer, SegmentKind::Vectors, "a")];
    writer.publish(0, vec![store]).unwrap();
    drop(writer);
    testing::publish(dir.path(), Vec::new());
    fs::write(manifest::manifest_path(&twin, 2), "not whole").unwrap();
    fs::write(twin.join(SYNC), "whatever").unwrap();
    assert!(matches!(
        Writer::open(dir.path()),
        Err(Error::DamagedManifest {
            generation: 2,
            previous: Some(1),
            ..
        })
    ));
    assert!(matches!(
        Writer::recover(dir.path(), Some(7)),
        Err(Error::NoGeneration { kept, .. }) if kept == [1, 2]
    ));
    let mut writer = Writer::recover(dir.path(), Some(1)).unwrap();
    let stores = writer.base().unwrap().stores.clone();
    let published = writer.publish(writer.highest(), stores).unwrap();
    assert_eq!((published.generation, published.stores.len()), (3, 1));
}

#[test]
fn a_writer_needs_a_persist_dir() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("no").join("where");
    assert!(matches!(Writer::open(&missing), Err(Error::Io { .. })));
    assert!(matches!(
        Writer::recover(dir.path(), Some(1)),
        Err(Error::NoTwin { .. })
    ));
}
