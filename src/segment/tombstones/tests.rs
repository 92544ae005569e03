//! Tombstones: what is written is read, and what is malformed is refused.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use proptest::prelude::*;

use super::{
    format::{DeadMap, Target, TombstonesMeta},
    *,
};
use crate::{
    Error,
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::{Fault, Result},
};

fn open(path: &Path) -> Result<TombstoneSegment> {
    let options = OpenOptions::default();
    let file = Container::open(path, FileKind::Tombstones, Expected::Any, &options)?;
    TombstoneSegment::open(Arc::new(file))
}

proptest! {
    #[test]
    fn deleted_entries_are_found(
        maps in prop::collection::btree_map(
            (0..3_u8, 0..5_u32),
            (1..300_u32, prop::collection::vec(any::<prop::sample::Index>(), 0..200)),
            0..8,
        ),
        backwards: bool,
    ) {
        let maps: Vec<_> = maps.into_iter().map(|((segment, map), (entries, picks))| {
            let dead = picks.iter().map(|n| n.index(entries as usize) as u32);
            ([segment; 16], map, entries, dead.collect::<BTreeSet<u32>>())
        }).collect();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dead");
        let mut writer = TombstoneWriter::create(&path).unwrap();
        let mut add = |(root, map, entries, dead): &([u8; 16], u32, u32, BTreeSet<u32>)| {
            let dead: Vec<u32> = dead.iter().copied().collect();
            writer.add(*root, *map, *entries, &dead);
        };
        // The order in which maps are given leaves no trace.
        if backwards {
            maps.iter().rev().for_each(&mut add);
        } else {
            maps.iter().for_each(&mut add);
        }
        writer.finish().unwrap();
        let segment = open(&path).unwrap();
        segment.check_structure().unwrap();
        let said = maps.iter().filter(|(.., dead)| !dead.is_empty());
        let said: Vec<_> = said.map(|(root, map, ..)| (root, *map)).collect();
        prop_assert_eq!(segment.targets().collect::<Vec<_>>(), said);
        for (root, map, entries, dead) in &maps {
            let Some(found) = segment.dead(root, *map) else {
                prop_assert!(dead.is_empty());
                continue;
            };
            prop_assert_eq!((found.entries(), found.count() as usize), (*entries, dead.len()));
            for entry in 0..*entries {
                prop_assert_eq!(found.contains(entry).unwrap(), dead.contains(&entry));
            }
            let mut each = Vec::new();
            found.each(|entry| each.push(entry)).unwrap();
            prop_assert!(each.iter().eq(dead));
            prop_assert!(found.contains(*entries).is_err());
        }
        prop_assert!(segment.dead(&[9; 16], 0).is_none());
    }
}

#[test]
fn the_shorter_form_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let len = |entries, dead: &[u32]| {
        let path = dir.path().join(format!("{entries} {}", dead.len()));
        let mut writer = TombstoneWriter::create(&path).unwrap();
        writer.add([0; 16], 0, entries, dead);
        writer.finish().unwrap();
        let options = OpenOptions::default();
        let file = Container::open(&path, FileKind::Tombstones, Expected::Any, &options);
        file.unwrap().section(SectionKind::DEAD).unwrap().len()
    };
    assert_eq!(len(1_000_000, &[5, 999_999]), 8);
    assert_eq!(len(1000, &(0..900).collect::<Vec<_>>()), 128);
    assert_eq!(len(1000, &[]), 0);
}

/// Tombstones with this META, where DEAD holds `dead`, or is missing.
fn forged(targets: Vec<Target>, dead: Option<&[u8]>) -> Result<TombstoneSegment> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dead");
    let mut out = ContainerWriter::create(&path, FileKind::Tombstones).unwrap();
    if let Some(dead) = dead {
        out.whole(SectionKind::DEAD, dead).unwrap();
    }
    out.metadata(&TombstonesMeta { targets }).unwrap();
    out.finish().unwrap();
    open(&path)
}

fn ask(targets: Vec<Target>, dead: Option<&[u8]>) -> Result<()> {
    forged(targets, dead)?.check_structure()
}

fn target(segment: u8, maps: &[DeadMap]) -> Target {
    Target {
        segment: [segment; 16],
        maps: maps.to_vec(),
    }
}

/// What goes over them in order relies on it.
#[test]
fn a_list_that_does_not_ascend_is_not_handed_out() {
    let two = DeadMap {
        map: 0,
        entries: 9,
        dead: 2,
        bits: false,
    };
    for (bytes, expected) in [
        ([2, 0, 0, 0, 3, 0, 0, 0], Some(vec![2, 3])),
        ([3, 0, 0, 0, 3, 0, 0, 0], None),
        ([3, 0, 0, 0, 2, 0, 0, 0], None),
        ([3, 0, 0, 0, 9, 0, 0, 0], None),
    ] {
        let segment = forged(vec![target(1, &[two])], Some(&bytes)).unwrap();
        let mut list = Vec::new();
        let each = segment
            .dead(&[1; 16], 0)
            .unwrap()
            .each(|entry| list.push(entry));
        match (each, expected) {
            (Ok(()), Some(expected)) => assert_eq!(list, expected),
            (each, expected) => assert!(each.unwrap_err().is_damage() && expected.is_none()),
        }
    }
}

#[test]
fn malformed_tombstones_are_refused() {
    let fault = |result: Result<()>| match result {
        Err(Error::Damaged { fault, .. }) => fault,
        other => panic!("{other:?}"),
    };
    let map = |map, entries, dead, bits| DeadMap {
        map,
        entries,
        dead,
        bits,
    };
    let list = map(0, 9, 1, false);
    let part = [3, 0, 0, 0, 0, 0, 0, 0];
    let parts = [part, part].concat();
    assert!(ask(vec![], Some(&[])).is_ok());
    assert!(ask(vec![target(1, &[list])], Some(&part)).is_ok());
    assert_eq!(fault(ask(vec![], None)), Fault::Missing);
    assert_eq!(
        fault(ask(vec![target(1, &[])], Some(&[]))),
        Fault::Value("a segment without deleted entries")
    );
    for first in [1, 2] {
        let targets = vec![target(first, &[list]), target(1, &[list])];
        let order = Fault::Value("the order of segments");
        assert_eq!(fault(ask(targets, Some(&parts))), order);
    }
    for first in [0, 1] {
        let maps = [map(first, 9, 1, false), list];
        let order = Fault::Value("the order of maps");
        assert_eq!(fault(ask(vec![target(1, &maps)], Some(&parts))), order);
    }
    let one = |map, bytes: &[u8]| fault(ask(vec![target(1, &[map])], Some(bytes)));
    let number = Fault::Bounds("number of deleted entries");
    for dead in [0, 10, u32::MAX] {
        assert_eq!(one(map(0, 9, dead, false), &part), number);
        assert_eq!(one(map(0, 9, dead, true), &part), number);
    }
    let length = Fault::Bounds("section length");
    assert_eq!(one(list, &parts), length);
    assert_eq!(one(list, &part[..4]), length);
    assert_eq!(one(map(0, u32::MAX, 1, true), &part), length);
    let entry = Fault::Bounds("a deleted entry");
    assert_eq!(one(list, &[9, 0, 0, 0, 0, 0, 0, 0]), entry);
    let two = map(0, 9, 2, false);
    let order = Fault::Value("the order of deleted entries");
    assert_eq!(one(two, &[3, 0, 0, 0, 3, 0, 0, 0]), order);
    assert_eq!(one(two, &[3, 0, 0, 0, 2, 0, 0, 0]), order);
    assert_eq!(one(list, &[3, 0, 0, 0, 1, 0, 0, 0]), Fault::Reserved);
    let bits = map(0, 9, 2, true);
    let set = Fault::Bounds("number of bits that are set");
    assert_eq!(one(bits, &[1, 0, 0, 0, 0, 0, 0, 0]), set);
    assert_eq!(one(bits, &[7, 0, 0, 0, 0, 0, 0, 0]), set);
    assert_eq!(one(bits, &[1, 2, 0, 0, 0, 0, 0, 0]), Fault::Reserved);
    assert_eq!(one(bits, &[1, 0, 0, 1, 0, 0, 0, 0]), Fault::Reserved);
}
