//! Vectors as matrices.

use std::collections::HashMap;

use super::*;
use crate::{bytes::Backend, store::SegmentVectors};

/// The `f32` of each id that is live, as bits.
fn live_rows(segments: &[SegmentVectors]) -> HashMap<String, Vec<u32>> {
    let mut rows = HashMap::new();
    for vectors in segments {
        let segment = vectors.segment();
        for row in (0..segment.vectors()).filter(|&row| vectors.is_live(row)) {
            let id = String::from_utf8(segment.id(row).unwrap()).unwrap();
            let nearest = segment.nearest(row).unwrap();
            let known = rows.insert(id, nearest.into_iter().map(f32::to_bits).collect());
            assert_eq!(known, None);
        }
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn segments_and_what_is_deleted_of_them_are_the_store(seed: u64, dim in 1_usize..20) {
        let mut random = Random(seed);
        let (disk, live) = history(&mut random, dim, 20);
        for backend in BACKENDS {
            let store = VectorStore::rows(disk.open_rows(backend));
            let segments = store.segments().unwrap().unwrap();
            let rows = live_rows(&segments);
            assert_eq!(rows.len(), live.len());
            let in_order: Vec<u32> = live.iter().flat_map(|entry| rows[&entry.id].clone()).collect();
            let (numbers, shape) = store.nearest().unwrap();
            assert_eq!(shape, [live.len(), if live.is_empty() { 0 } else { dim }]);
            assert_eq!(numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), in_order);
            let all = segments.iter().map(|vectors| vectors.segment().vectors() as usize);
            let is_whole = segments.iter().all(SegmentVectors::is_whole);
            assert_eq!(is_whole, all.sum::<usize>() == live.len());
        }
    }

    #[test]
    fn a_matrix_is_the_rows_of_its_segment_and_outlives_the_store(seed: u64, dim in 1_usize..20) {
        let (disk, _) = history(&mut Random(seed), dim, 20);
        for backend in BACKENDS {
            let store = VectorStore::rows(disk.open_rows(backend));
            let mut rows = Vec::new();
            let mut matrices = Vec::new();
            for vectors in store.segments().unwrap().unwrap() {
                let segment = vectors.segment();
                rows.push((0..segment.vectors()).map(|row| segment.nearest(row).unwrap()).collect::<Vec<_>>());
                matrices.push(segment.matrix().unwrap());
            }
            drop(store);
            for (rows, matrix) in rows.into_iter().zip(matrices) {
                // There is one where the file is mapped.
                assert_eq!(matrix.is_some(), backend == Backend::Map);
                let Some(matrix) = matrix else { continue };
                assert_eq!((matrix.rows(), matrix.dim()), (rows.len(), dim));
                assert_eq!(matrix.as_slice().as_ptr().align_offset(64), 0);
                let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(matrix.as_slice()), bits(&rows.concat()));
            }
        }
    }
}

#[test]
fn records_are_gathered_where_they_are_of_one_length() {
    let gathered = |entries: &[(&str, &str)]| {
        let entries = entries.iter();
        let entries = entries.map(|(id, text)| ((*id).to_owned(), (*text).to_owned()));
        let mut disk = Disk::new();
        disk.records(&[("embedding_dict", entries.collect())]);
        let store = VectorStore::records(disk.open_records(Backend::Map));
        assert!(store.segments().unwrap().is_none());
        store.nearest()
    };
    // A key that occurs twice is one of a dict.
    let twice = gathered(&[("a", "[1, 2]"), ("b", "[0.5, 3]"), ("a", "[4, 5]")]);
    assert_eq!(twice.unwrap(), (vec![4.0, 5.0, 0.5, 3.0], [2, 2]));
    assert_eq!(gathered(&[("a", "[]")]).unwrap(), (vec![], [1, 0]));
    let ragged = gathered(&[("a", "[1, 2]"), ("b", "[1]")]).unwrap_err();
    assert!(
        matches!(ragged, Error::Query(QueryError::Ragged { rows: 2 })),
        "{ragged}"
    );
}

#[test]
fn damage_shows_when_a_matrix_is_made() {
    let mut disk = Disk::new();
    let row = |n: u64| (format!("id {n}"), format!("[{n}.5, 0.25]"), Some(n));
    // So many that the file's other parts stand in other blocks.
    disk.rows(&(0..20_000).map(row).collect::<Vec<_>>());
    let (path, _) = disk.files[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    let wanted = 10_000.5_f32.to_le_bytes();
    let place = bytes
        .windows(4)
        .position(|window| window == wanted)
        .unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let store = VectorStore::rows(disk.open_rows(Backend::Map));
    let segments = store.segments().unwrap().unwrap();
    let error = segments[0].segment().matrix().unwrap_err();
    assert!(error.is_damage(), "{error}");
}
