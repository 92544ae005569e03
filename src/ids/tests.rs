//! The id column as a whole.

use std::{collections::HashMap, path::Path, sync::Arc};

use proptest::prelude::*;

use super::{format::Lookup, write::finish_sorted, *};
use crate::{
    bytes::{Backend, Spill},
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions},
};

fn write(dir: &Path, ids: &[Vec<u8>], sorted: bool) -> IdColumn {
    let mut builder = IdBuilder::new(Spill::new(dir).unwrap());
    for (n, id) in ids.iter().enumerate() {
        let (row, new) = builder.intern(id, u32::MAX).unwrap();
        assert!(new);
        assert_eq!(row as usize, n);
    }
    let path = dir.join(if sorted { "sorted" } else { "hashed" });
    let mut out = ContainerWriter::create(&path, FileKind::Vectors).unwrap();
    let meta = if sorted {
        finish_sorted(builder, &mut out).unwrap()
    } else {
        builder.finish(&mut out).unwrap()
    };
    assert_eq!(meta.lookup == Lookup::Sorted, sorted);
    out.finish().unwrap();
    let options = OpenOptions {
        backend: Backend::Read,
        ..OpenOptions::default()
    };
    let file = Container::open(&path, FileKind::Vectors, Expected::Any, &options).unwrap();
    IdColumn::open(&Arc::new(file), &meta).unwrap()
}

fn check(ids: &[Vec<u8>], others: &[Vec<u8>]) {
    let dir = tempfile::tempdir().unwrap();
    for sorted in [false, true] {
        let column = write(dir.path(), ids, sorted);
        for (row, id) in ids.iter().enumerate() {
            let mut found = Vec::new();
            column.get(row as u32, &mut found).unwrap();
            assert_eq!(found, *id);
            assert_eq!(column.find(id).unwrap(), Some(row as u32));
        }
        for other in others.iter().filter(|other| !ids.contains(other)) {
            assert_eq!(column.find(other).unwrap(), None);
        }
        assert!(column.get(ids.len() as u32, &mut Vec::new()).is_err());
    }
}

proptest! {
    #[test]
    fn ids_and_rows_find_each_other(
        texts in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 0..20), 0..200),
        others in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
    ) {
        check(&texts.into_iter().collect::<Vec<_>>(), &others);
    }

    #[test]
    fn uuids_find_their_rows(bytes in prop::collection::hash_set(any::<[u8; 16]>(), 0..200)) {
        let ids: Vec<_> = bytes.iter().map(|b| uuid::print(b).to_vec()).collect();
        check(&ids, &[b"no uuid".to_vec()]);
    }

    #[test]
    fn interning_agrees_with_a_map(
        ids in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..200),
        hints in prop::collection::vec(0..50_u32, 200),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = IdBuilder::new(Spill::new(dir.path()).unwrap());
        let mut model: HashMap<Vec<u8>, u32> = HashMap::new();
        for (id, hint) in ids.iter().zip(hints) {
            let next = model.len() as u32;
            let expected = *model.entry(id.clone()).or_insert(next);
            prop_assert_eq!(builder.intern(id, hint).unwrap(), (expected, expected == next));
        }
    }
}

#[test]
fn uuids_take_16_bytes_and_slots_under_7() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<_> = (0..1000_u128)
        .map(|n| uuid::print(&(n * 0x9e37_79b9_7f4a_7c15).to_le_bytes()).to_vec())
        .collect();
    write(dir.path(), &ids, false);
    let len = std::fs::metadata(dir.path().join("hashed")).unwrap().len();
    assert!(len < 1000 * 23 + 1000, "{len}");
}
