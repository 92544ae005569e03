//! Manifests as they are read: whole, damaged, and hostile.

use super::*;
use crate::persist_dir::testing;

fn store(file: &str) -> Store {
    Store {
        segments: vec![segment(SegmentKind::Records)],
        ..testing::store(file, 1)
    }
}

fn manifest(stores: Vec<Store>) -> Manifest {
    Manifest {
        generation: 2,
        parent: 1,
        writer: "test".to_owned(),
        created_ms: 0,
        stores,
    }
}

fn segment(kind: SegmentKind) -> SegmentRef {
    SegmentRef {
        name: SegmentName::fresh(kind).unwrap(),
        length: 1,
        root: [0; 16],
    }
}

/// Writes a manifest that nothing has checked.
fn write(dir: &Path, number: u64, manifest: &Manifest) {
    let path = manifest_path(dir, number);
    record::write(&path, FileKind::Manifest, manifest).unwrap();
}

fn refusal(manifest: &Manifest) -> Fault {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 2, manifest);
    match read(dir.path(), 2) {
        Err(Error::Damaged { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = store("default__vector_store.json");
    first.segments = vec![
        segment(SegmentKind::Vectors),
        segment(SegmentKind::Tombstones),
    ];
    first.verbatim = Some(segment(SegmentKind::Verbatim));
    assert_eq!(first.form(), Form::File);
    let manifest = manifest(vec![first, store("docstore.json")]);
    write(dir.path(), 2, &manifest);
    assert_eq!(read(dir.path(), 2).unwrap(), manifest);
    assert_eq!(manifest.segments().count(), 4);
    assert_eq!(
        manifest.store("docstore.json").unwrap().form(),
        Form::Structural
    );
    assert!(manifest.store("other.json").is_none());
}

#[test]
fn names_that_leave_the_directory_are_refused() {
    for bad in [
        "../docstore.json",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        "a\0",
        TWIN,
    ] {
        let fault = refusal(&manifest(vec![store(bad)]));
        assert_eq!(fault, Fault::Value("a store's file name"), "{bad:?}");
    }
    // a segment is a kind and a number: other names have no encoding
}

#[test]
fn each_rule_has_its_refusal() {
    let good = manifest(vec![store("a.json")]);
    let with = |change: &dyn Fn(&mut Manifest)| {
        let mut bad = good.clone();
        change(&mut bad);
        refusal(&bad)
    };
    let value = Fault::Value;
    assert_eq!(with(&|m| m.generation = 3), value("the generation"));
    assert_eq!(with(&|m| m.parent = 2), value("the parent generation"));
    assert_eq!(
        with(&|m| m.stores.push(store("a.json"))),
        value("a repeated store")
    );
    for generation in [0, 3] {
        let fault = with(&|m| m.stores[0].changed = generation);
        assert_eq!(fault, value("a store's generation"));
        let fault = with(&|m| {
            let packed = testing::packed(b"{}", generation);
            m.stores[0].packed = Some(packed);
        });
        assert_eq!(fault, value("a store's generation"));
    }
    let twice = segment(SegmentKind::Vectors);
    assert_eq!(
        with(&|m| m.stores[0].segments = vec![twice, twice]),
        value("a repeated segment")
    );
    for verbatim in [twice, segment(SegmentKind::Tombstones)] {
        let fault = with(&|m| m.stores[0].verbatim = Some(verbatim));
        assert_eq!(fault, value("a segment's kind"));
    }
}

#[test]
fn segments_of_a_store_are_of_kinds_that_stand_together() {
    use SegmentKind::{Records, Tombstones, Vectors, Verbatim};
    let believed = |kinds: &[SegmentKind], text: bool| {
        let mut store = testing::store("a.json", 1);
        store.segments = kinds.iter().map(|&kind| segment(kind)).collect();
        store.verbatim = text.then(|| segment(Verbatim));
        manifest(vec![store]).believe(2).map(drop)
    };
    for good in [
        &[Vectors][..],
        &[Records],
        &[Vectors, Vectors, Vectors],
        &[Records, Records, Tombstones],
        &[Vectors, Tombstones],
    ] {
        for text in [false, true] {
            assert_eq!(believed(good, text), Ok(()), "{good:?}");
        }
    }
    for bad in [
        &[Verbatim][..],
        &[Tombstones],
        &[Tombstones, Tombstones],
        &[Tombstones, Vectors],
        &[Vectors, Records],
        &[Records, Vectors],
        &[Vectors, Tombstones, Vectors],
        &[Records, Tombstones, Tombstones],
        &[Records, Verbatim],
        &[Vectors, Verbatim, Tombstones],
    ] {
        for text in [false, true] {
            let fault = Err(Fault::Value("a segment's kind"));
            assert_eq!(believed(bad, text), fault, "{bad:?}");
        }
    }
    assert_eq!(believed(&[], true), Ok(()));
    let nothing = Fault::Value("a store without segments");
    assert_eq!(believed(&[], false), Err(nothing));
}

#[test]
fn generations_are_sorted_as_numbers() {
    let dir = tempfile::tempdir().unwrap();
    for n in [10_000_000_000, 9_999_999_999, 2, 11] {
        std::fs::write(manifest_path(dir.path(), n), "").unwrap();
    }
    std::fs::write(dir.path().join("manifest-12"), "").unwrap();
    let expected = [2, 11, 9_999_999_999, 10_000_000_000];
    assert_eq!(generations(dir.path()).unwrap(), expected);
    assert!(generations(&dir.path().join("missing")).unwrap().is_empty());
    assert!(read_highest(&dir.path().join("missing")).unwrap().is_none());
}

#[test]
fn a_damaged_highest_manifest_names_the_last_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..=4 {
        let generation = Manifest {
            generation: n,
            parent: n - 1,
            ..manifest(Vec::new())
        };
        write(dir.path(), n, &generation);
    }
    let damage = |n| {
        let path = manifest_path(dir.path(), n);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[70] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    };
    assert_eq!(read_highest(dir.path()).unwrap().unwrap().generation, 4);
    let outcome = || match read_highest(dir.path()) {
        Err(Error::DamagedManifest {
            generation,
            previous,
            source,
        }) => {
            assert!(source.is_damage());
            (generation, previous)
        }
        other => panic!("{other:?}"),
    };
    damage(4);
    assert_eq!(outcome(), (4, Some(3)));
    damage(3);
    assert_eq!(outcome(), (4, Some(2)));
    damage(1);
    damage(2);
    assert_eq!(outcome(), (4, None));
}

#[test]
fn what_is_no_file_is_a_damaged_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let first = Manifest {
        generation: 1,
        parent: 0,
        ..manifest(Vec::new())
    };
    write(dir.path(), 1, &first);
    std::fs::create_dir(manifest_path(dir.path(), 2)).unwrap();
    let refused = read_highest(dir.path()).unwrap_err();
    assert!(refused.is_damage());
    assert!(refused.to_string().contains("not a regular file"));
    let previous = matches!(
        refused,
        Error::DamagedManifest {
            generation: 2,
            previous: Some(1),
            ..
        }
    );
    assert!(previous, "{refused}");
}

#[cfg(unix)]
#[test]
fn a_twin_that_is_a_link_to_nowhere_is_not_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let twin = twin_dir(dir.path());
    std::os::unix::fs::symlink(dir.path().join("not mounted"), &twin).unwrap();
    assert!(matches!(generations(&twin), Err(Error::Io { .. })));
}

#[test]
fn every_flipped_byte_of_a_manifest_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = manifest(vec![store("docstore.json")]);
    write(dir.path(), 2, &manifest);
    let path = manifest_path(dir.path(), 2);
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        std::fs::write(&path, &bad).unwrap();
        assert!(read(dir.path(), 2).is_err_and(|e| e.is_damage()), "{at}");
        std::fs::write(&path, &good[..at]).unwrap();
        assert!(read(dir.path(), 2).is_err_and(|e| e.is_damage()), "{at}");
    }
}
