//! The rows that decide an answer: with them alone, LlamaIndex's code answers as with
//! all. And ids that were looked up once.

use proptest::prelude::*;

use super::{
    Entry, dict,
    disk::{BACKENDS, Disk},
    expected, history, query, some_ids,
};
use crate::{
    search::{VectorStoreQuery, VectorStoreQueryMode, tests::Random},
    store::{ChosenRows, NewVector, VectorStore},
};

/// Ids and values as text, because NaN is not equal to itself.
fn shown(chosen: &ChosenRows) -> Vec<String> {
    let rows = chosen.ids.iter().zip(chosen.rows());
    rows.map(|(id, row)| format!("{id:?} {row:?}")).collect()
}

/// Asks some queries, with ids that are looked up for each or were before.
fn compare(random: &mut Random, store: &VectorStore, live: &[Entry], dim: usize) {
    let ids = some_ids(random, live);
    let kept = ids.as_deref().map(|ids| store.find_ids(ids).unwrap());
    for _ in 0..6 {
        let alone = VectorStoreQuery {
            mode: [VectorStoreQueryMode::Default, VectorStoreQueryMode::Mmr][random.below(2)],
            mmr_threshold: [None, Some(0.0), Some(0.9), Some(1.0)][random.below(4)],
            ..query(random, dim)
        };
        let named = VectorStoreQuery {
            node_ids: ids.clone().map(Into::into),
            ..alone.clone()
        };
        let selected = shown(&store.selected_rows(&named, None).unwrap());
        let is_named = |entry: &&Entry| {
            let id = entry.id.as_bytes();
            ids.as_ref().is_none_or(|ids| ids.iter().any(|it| it == id))
        };
        let rows = live.iter().filter(is_named);
        let rows = rows.map(|entry| format!("{:?} {:?}", entry.id.as_bytes(), entry.values()));
        assert_eq!(selected, rows.collect::<Vec<_>>());

        let chosen = store.deciding_rows(&named, None).unwrap();
        let mut rest = selected.iter();
        assert!(
            shown(&chosen).iter().all(|row| rest.any(|it| it == row)),
            "they are some of those, in order"
        );
        let is_chosen = |entry: &&Entry| chosen.ids.iter().any(|id| id == entry.id.as_bytes());
        let few: Vec<Entry> = live.iter().filter(is_chosen).cloned().collect();
        assert_eq!(expected(&few, &alone), expected(live, &named), "{named:?}");

        let of_kept = store.deciding_rows(&alone, kept.as_ref()).unwrap();
        assert_eq!(shown(&of_kept), shown(&chosen));
        let of_kept = store.selected_rows(&alone, kept.as_ref()).unwrap();
        assert_eq!(shown(&of_kept), selected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_that_decide_are_enough(seed: u64, dim in 1_usize..20, odd in 5_usize..60) {
        let mut random = Random(seed);
        let (disk, live) = history(&mut random, dim, odd);
        for backend in BACKENDS {
            let store = VectorStore::rows(disk.open_rows(backend));
            compare(&mut random, &store, &live, dim);
        }
        let (text, live) = dict(&mut random, dim, odd);
        let mut disk = Disk::new();
        disk.records(&[("embedding_dict", text)]);
        let store = VectorStore::records(disk.open_records(BACKENDS[0]));
        compare(&mut random, &store, &live, dim);
    }
}

fn vector(id: &str, embedding: [f64; 2]) -> NewVector {
    NewVector {
        id: id.into(),
        embedding: embedding.into(),
        ref_doc_id: None,
        metadata: b"{}".to_vec(),
    }
}

/// A store of so many vectors, each a bit further from `[1, 0]`, in both forms.
fn stores(count: usize) -> [VectorStore; 2] {
    let name = |n: usize| format!("n-{n:03}");
    let vectors = (0..count).map(|n| vector(&name(n), [1.0, n as f64]));
    let mut rows = VectorStore::empty();
    rows.add(vectors.collect()).unwrap();
    let text = (0..count).map(|n| (name(n), format!("[1, {n}]")));
    let mut disk = Disk::new();
    disk.records(&[("embedding_dict", text.collect())]);
    let records = VectorStore::records(disk.open_records(BACKENDS[1]));
    [rows, records]
}

#[test]
fn few_rows_decide_where_few_are_wanted() {
    for store in stores(100) {
        let query = VectorStoreQuery::new(&[1.0, 0.0]).top_k(3);
        let chosen = store.deciding_rows(&query, None).unwrap();
        assert_eq!(chosen.ids, [b"n-000", b"n-001", b"n-002"]);
        assert_eq!(chosen.dim(), Some(2));
        // One is there for an error to be met with.
        let wrong = VectorStoreQuery::new(&[1.0]).top_k(3);
        let chosen = store.deciding_rows(&wrong, None).unwrap();
        assert_eq!(chosen.ids, [b"n-000"]);
    }
}

/// Of rows that are the same LlamaIndex picks one first, whichever its numpy rounds up.
#[test]
fn equals_of_a_pick_decide_with_it() {
    let [mut store, _] = stores(100);
    let mut query = VectorStoreQuery::new(&[1.0, 0.3]).top_k(2);
    query.mode = VectorStoreQueryMode::Mmr;
    let chosen = store.deciding_rows(&query, None).unwrap();
    assert_eq!(chosen.ids, [b"n-000", b"n-099"]);
    store
        .add(vec![
            vector("same", [1.0, 0.0]),
            vector("also", [1.0, 99.0]),
        ])
        .unwrap();
    let chosen = store.deciding_rows(&query, None).unwrap();
    assert_eq!(chosen.ids, [&b"n-000"[..], b"n-099", b"same", b"also"]);
    // A row that is as near and is another one leads to other picks.
    store.add(vec![vector("longer", [2.0, 0.0])]).unwrap();
    let chosen = store.deciding_rows(&query, None).unwrap();
    assert_eq!(chosen.ids.len(), 103);
}

#[test]
fn ids_that_were_looked_up_hold_until_the_store_is_changed() {
    let [mut rows, mut records] = stores(5);
    let ids = [b"n-001".to_vec(), b"new".to_vec()];
    let of_rows = rows.find_ids(&ids).unwrap();
    let of_records = records.find_ids(&ids).unwrap();
    assert!(!of_rows.is_all() && !of_records.is_all());
    assert!(!rows.has_not_changed_since(&of_records));
    assert!(!records.has_not_changed_since(&of_rows));
    for (store, kept) in [(&mut rows, of_rows), (&mut records, of_records)] {
        assert!(store.has_not_changed_since(&kept));
        let query = VectorStoreQuery::new(&[1.0, 0.0]);
        let chosen = store.selected_rows(&query, Some(&kept)).unwrap();
        assert_eq!(chosen.ids, [b"n-001"]);
        assert!(store.has_not_changed_since(&kept));
        store.add(vec![vector("new", [0.5, 0.5])]).unwrap();
        assert!(!store.has_not_changed_since(&kept));
        let again = store.find_ids(&ids).unwrap();
        let chosen = store.selected_rows(&query, Some(&again)).unwrap();
        assert_eq!(chosen.ids, [&b"n-001"[..], b"new"]);
    }
}

#[test]
fn all_ids_are_known_to_be_all() {
    let [rows, _] = stores(5);
    let mut ids = Vec::new();
    rows.each_id(&mut |id| {
        ids.push(id.to_vec());
        Ok(())
    })
    .unwrap();
    ids.reverse();
    ids.push(b"unknown".to_vec());
    assert!(rows.find_ids(&ids).unwrap().is_all());
    assert!(!rows.find_ids(&ids[1..]).unwrap().is_all());
}
