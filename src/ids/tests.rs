//! The id column as a whole.

mod colliding;

use std::{collections::HashMap, path::Path, sync::Arc};

use proptest::prelude::*;

use super::{
    format::{IdForm, Lookup},
    write::finish_sorted,
    *,
};
use crate::{
    bytes::{Backend, Spill},
    container::{Container, ContainerWriter, Expected, FileKind, OpenOptions, SectionKind},
    error::Fault,
    testing::fault,
};

fn write(dir: &Path, ids: &[Vec<u8>], sorted: bool) -> IdColumn {
    let mut builder = IdBuilder::new(Spill::new(dir));
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

/// The form that is taken for these ids.
fn form(ids: &[Vec<u8>]) -> IdForm {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), ids, false).form()
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
    fn uuids_and_others_find_their_rows(
        uuids in prop::collection::hash_set(any::<[u8; 16]>(), 0..100),
        texts in prop::collection::hash_set(prop::collection::vec(any::<u8>(), 0..30), 1..30),
        seed: u64,
    ) {
        let mut ids: Vec<_> = uuids.iter().map(|b| uuid::print(b).to_vec()).collect();
        ids.extend(texts);
        ids.sort_by_cached_key(|id| xxhash_rust::xxh3::xxh3_64_with_seed(id, seed));
        check(&ids, &[b"no uuid".to_vec()]);
    }

    #[test]
    fn interning_agrees_with_a_map(
        ids in prop::collection::vec(prop::collection::vec(0..3_u8, 0..4), 0..200),
        hints in prop::collection::vec(0..50_u32, 200),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut builder = IdBuilder::new(Spill::new(dir.path()));
        let mut model: HashMap<Vec<u8>, u32> = HashMap::new();
        for (id, hint) in ids.iter().zip(hints) {
            let next = model.len() as u32;
            prop_assert_eq!(builder.find(id), model.get(id).copied());
            let expected = *model.entry(id.clone()).or_insert(next);
            prop_assert_eq!(builder.intern(id, hint).unwrap(), (expected, expected == next));
        }
    }
}

#[test]
fn the_smallest_form_is_taken() {
    let uuid = |n: u8| uuid::print(&[n; 16]).to_vec();
    let text = |n: usize| vec![b'a'; n];
    assert_eq!(form(&[]), IdForm::Uuid);
    assert_eq!(form(&[uuid(1), uuid(2)]), IdForm::Uuid);
    assert_eq!(form(&[text(1), text(2)]), IdForm::Text);
    // a UUID saves 24 bytes, another id costs 12, all together cost 8
    assert_eq!(form(&[uuid(1), text(1)]), IdForm::Mixed);
    assert_eq!(form(&[uuid(1), text(1), text(2)]), IdForm::Text);
    assert_eq!(form(&[uuid(1), text(1), uuid(2)]), IdForm::Mixed);
}

/// A column of two ids: a UUID and `ab`, with other sections.
fn mixed_column(ids: [u64; 4], kinds: &[u8], texts: &[u8], ends: bool) -> crate::Result<IdColumn> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mixed");
    let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
    let bytes: Vec<u8> = ids.iter().flat_map(|n| n.to_le_bytes()).collect();
    out.whole(SectionKind::IDS, &bytes).unwrap();
    out.whole(SectionKind::ID_KINDS, kinds).unwrap();
    out.whole(SectionKind::ID_TEXTS, texts).unwrap();
    out.whole(SectionKind::ID_SORTED, &[0, 0, 0, 0, 1, 0, 0, 0])
        .unwrap();
    if ends {
        out.whole(SectionKind::ID_ENDS, &[0; 8]).unwrap();
    }
    out.finish().unwrap();
    let options = OpenOptions::default();
    let file = Container::open(&path, FileKind::Records, Expected::Any, &options).unwrap();
    let (rows, form, lookup) = (2, IdForm::Mixed, Lookup::Sorted);
    IdColumn::open(&Arc::new(file), &IdsMeta { rows, form, lookup })
}

/// The second id of such a column.
fn mixed(ids: [u64; 4], kinds: &[u8], texts: &[u8], ends: bool) -> crate::Result<Vec<u8>> {
    let mut id = Vec::new();
    mixed_column(ids, kinds, texts, ends)?.get(1, &mut id)?;
    Ok(id)
}

#[test]
fn bytes_that_are_no_ids_are_found() {
    let kinds = [2, 0, 0, 0, 0, 0, 0, 0];
    let check = |start, kinds: &[u8], texts: &[u8]| {
        mixed_column([0, 0, start, 2], kinds, texts, false)
            .unwrap()
            .check_lookups()
    };
    check(0, &kinds, b"ab").unwrap();
    let stray = [6, 0, 0, 0, 0, 0, 0, 0];
    for (start, kinds, texts) in [
        (1, kinds, &b"xab"[..]),
        (0, kinds, b"abx"),
        (0, stray, b"ab"),
    ] {
        assert_eq!(fault(check(start, &kinds, texts)), Fault::Layout);
    }
}

#[test]
fn malformed_mixed_columns_are_refused() {
    let kinds = [2, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(mixed([0, 0, 1, 2], &kinds, b"xab", false).unwrap(), b"ab");
    assert_eq!(
        mixed([0, 0, 1, 2], &[0; 8], b"xab", false).unwrap().len(),
        36
    );
    let text = Fault::Bounds("id text");
    for (start, len) in [(1, 3), (4, 0), (u64::MAX, 2), (1, u64::MAX)] {
        let result = mixed([0, 0, start, len], &kinds, b"xab", false);
        assert_eq!(fault(result), text);
    }
    let length = Fault::Bounds("section length");
    assert_eq!(
        fault(mixed([0, 0, 1, 2], &kinds[..1], b"xab", false)),
        length
    );
    assert_eq!(
        fault(mixed([0, 0, 1, 2], &kinds, b"xab", true)),
        Fault::Layout
    );
}

#[test]
fn uuids_take_16_bytes_and_slots_under_6() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<_> = (0..1000_u128)
        .map(|n| uuid::print(&(n * 0x9e37_79b9_7f4a_7c15).to_le_bytes()).to_vec())
        .collect();
    write(dir.path(), &ids, false);
    let len = std::fs::metadata(dir.path().join("hashed")).unwrap().len();
    assert!(len < 1000 * 22 + 1000, "{len}");
}

/// Pack writes the form of UUIDs then.
#[test]
fn text_of_no_rows_has_no_bytes() {
    for (ids, is_sound) in [(&b""[..], true), (b"x", false)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("none");
        let mut out = ContainerWriter::create(&path, FileKind::Records).unwrap();
        out.whole(SectionKind::IDS, ids).unwrap();
        out.whole(SectionKind::ID_ENDS, b"").unwrap();
        out.whole(SectionKind::ID_SORTED, b"").unwrap();
        out.finish().unwrap();
        let options = OpenOptions::default();
        let file = Container::open(&path, FileKind::Records, Expected::Any, &options).unwrap();
        let meta = IdsMeta {
            rows: 0,
            form: IdForm::Text,
            lookup: Lookup::Sorted,
        };
        let column = IdColumn::open(&Arc::new(file), &meta).unwrap();
        assert_eq!(column.check_lookups().is_ok(), is_sound);
    }
}
