//! Changes made on one state of a store and made again on a newer one.

use proptest::prelude::*;

use super::{
    files::{self, Files},
    model::{Model, is_odd, some_id, vector},
};
use crate::{
    search::tests::Random,
    store::{NewVector, Rebase, VectorStore},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Ids of one side are even, those of the other odd: there is no conflict,
    /// and the order is that of one side after the other.
    #[test]
    fn changes_of_other_ids_follow_each_other(seed: u64) {
        let mut random = Random(seed);
        let mut files = Files::new();
        let mut store = VectorStore::empty();
        let mut model = Model::default();
        let mut some = |odd: Option<bool>| {
            let mut vectors: Vec<NewVector> = (0..8).map(|_| vector(&mut random, 2)).collect();
            vectors.retain(|vector| odd.is_none_or(|odd| is_odd(&vector.id) == odd));
            let mut ids: Vec<Vec<u8>> = (0..3).map(|_| some_id(&mut random)).collect();
            ids.retain(|id| odd.is_none_or(|odd| is_odd(id) == odd));
            (vectors, ids)
        };
        let mut change = |store: &mut VectorStore, (vectors, ids): (Vec<NewVector>, Vec<Vec<u8>>)| {
            model.add(&vectors);
            store.add(vectors).unwrap();
            let deleted = store.delete_nodes(Some(&ids), None).unwrap();
            assert_eq!(deleted, model.delete_nodes(Some(&ids), None));
        };
        change(&mut store, some(None));
        files.append(&store);
        let (mut theirs, mut mine) = (files.open(), files.open());
        for _ in 0..4 {
            change(&mut theirs, some(Some(false)));
        }
        for _ in 0..4 {
            change(&mut mine, some(Some(true)));
        }
        files.append(&theirs);
        let rebased = mine.rebase(files.open()).unwrap();
        prop_assert_eq!(files::text(&rebased), model.text());
        files.append(&rebased);
        prop_assert_eq!(files::text(&files.open()), model.text());
    }
}

fn simple(id: &str, component: f64, page: u32) -> NewVector {
    NewVector {
        id: id.into(),
        embedding: vec![component],
        ref_doc_id: None,
        metadata: format!("{{\"page\": {page}}}").into_bytes(),
    }
}

type Change = fn(&mut VectorStore);

/// The text after both have changed a store with `a` and `b`, or what both have
/// changed.
fn both(theirs: Change, mine: Change) -> Result<String, String> {
    let mut files = Files::new();
    let mut store = VectorStore::empty();
    store
        .add(vec![simple("a", 0.5, 1), simple("b", 0.25, 1)])
        .unwrap();
    files.append(&store);
    let (mut their, mut my) = (files.open(), files.open());
    theirs(&mut their);
    mine(&mut my);
    files.append(&their);
    match my.rebase(files.open()) {
        Ok(store) => Ok(files::text(&store)),
        Err(Rebase::Conflict { collection, key }) => {
            Err(format!("{collection} {}", String::from_utf8_lossy(&key)))
        }
        Err(Rebase::Error(error)) => panic!("{error}"),
    }
}

#[test]
fn what_both_change_is_a_conflict_unless_it_is_the_same() {
    let set = |store: &mut VectorStore| store.add(vec![simple("a", 0.75, 1)]).unwrap();
    let set_otherwise = |store: &mut VectorStore| store.add(vec![simple("a", 0.5, 2)]).unwrap();
    let set_anew = |store: &mut VectorStore| store.add(vec![simple("a", 0.125, 1)]).unwrap();
    let add = |store: &mut VectorStore| store.add(vec![simple("c", 1.0, 1)]).unwrap();
    let add_otherwise = |store: &mut VectorStore| store.add(vec![simple("c", 1.0, 2)]).unwrap();
    let clear = |store: &mut VectorStore| store.clear().unwrap();
    let vectors = Err("embedding_dict a".to_owned());
    assert_eq!(both(set, set_anew), vectors);
    assert_eq!(both(set, clear), vectors);
    assert_eq!(both(clear, set), vectors);
    assert_eq!(both(add, add_otherwise), Err("metadata_dict c".to_owned()));
    // Different maps of one id, the same change, the same vector.
    let text = both(set, set_otherwise).unwrap();
    assert!(text.contains("\"a\": [0.75], \"b\": [0.25]"), "{text}");
    assert!(text.contains("\"a\": {\"page\": 2}, \"b\""), "{text}");
    assert_eq!(both(set, set), both(set, |_| ()));
    assert_eq!(both(add, add), both(add, |_| ()));
    assert_eq!(both(clear, clear), both(clear, |_| ()));
    // What one clears, the other may add to.
    let text = both(clear, add).unwrap();
    assert!(
        text.starts_with("{\"embedding_dict\": {\"c\": [1.0]}, "),
        "{text}"
    );
    assert_eq!(both(add, clear), Ok(text));
}

#[test]
fn what_was_deleted_and_added_again_goes_to_the_end() {
    let again = |store: &mut VectorStore| {
        store.delete_nodes(Some(&[b"a".to_vec()]), None).unwrap();
        store.add(vec![simple("a", 0.5, 1)]).unwrap();
    };
    let add = |store: &mut VectorStore| store.add(vec![simple("c", 1.0, 1)]).unwrap();
    let text = both(add, again).unwrap();
    assert!(
        text.contains("{\"b\": [0.25], \"c\": [1.0], \"a\": [0.5]}"),
        "{text}"
    );
}

#[test]
fn vectors_of_another_length_are_a_conflict() {
    let longer = |store: &mut VectorStore| {
        store.clear().unwrap();
        let vector = NewVector {
            embedding: vec![1.0, 2.0],
            ..simple("c", 0.0, 1)
        };
        store.add(vec![vector]).unwrap();
    };
    let add = |store: &mut VectorStore| store.add(vec![simple("d", 1.0, 1)]).unwrap();
    assert_eq!(both(longer, add), Err("embedding_dict d".to_owned()));
}
