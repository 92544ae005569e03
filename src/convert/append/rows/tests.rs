//! Histories of changes beside the same on an ordered dict.

mod files;
mod model;
mod odd_files;
mod rebase;

use proptest::prelude::*;

use self::{
    files::Files,
    model::{Model, vector},
};
use crate::{
    error::{Error, StoreError},
    search::{VectorStoreQuery, tests::Random},
    store::{NewVector, RecordStore, VectorForm, VectorStore},
};

/// What a query answers that wants all rows, and what the model's vectors give.
fn check_queries(random: &mut Random, store: &VectorStore, model: &Model) {
    let Some(dim) = model.dim() else {
        assert_eq!(store.query(&VectorStoreQuery::new(&[1.0])).unwrap(), []);
        return;
    };
    let embedding: Vec<f64> = (0..dim).map(|_| random.unit() - 0.5).collect();
    for top_k in [1, 3, 1000] {
        let query = VectorStoreQuery::new(&embedding).top_k(top_k);
        let hits = store.query(&query).unwrap();
        assert_eq!(
            crate::search::tests::text(&hits),
            model.top_k(&embedding, top_k)
        );
    }
}

fn check(random: &mut Random, store: &VectorStore, model: &Model) {
    assert_eq!(files::text(store), model.text());
    assert_eq!(store.len().unwrap(), model.len() as u64);
    assert_eq!(store.dim().unwrap(), model.dim());
    model.check_reads(store);
    check_queries(random, store, model);
}

/// One change of both.
fn change(random: &mut Random, store: &mut VectorStore, model: &mut Model) {
    match random.below(20) {
        0..12 => {
            let dim = model.dim().unwrap_or_else(|| 1 + random.below(4));
            let count = 1 + random.below(6);
            let vectors: Vec<NewVector> = (0..count).map(|_| vector(random, dim)).collect();
            store.add(vectors.clone()).unwrap();
            model.add(&vectors);
        }
        12..16 => {
            let document = model::document(random);
            let deleted = store.delete(document.as_bytes()).unwrap();
            assert_eq!(deleted, model.delete(&document));
        }
        16..19 => {
            let (ids, filters, page) = model.choice(random);
            let deleted = store
                .delete_nodes(ids.as_deref(), filters.as_ref())
                .unwrap();
            assert_eq!(deleted, model.delete_nodes(ids.as_deref(), page));
        }
        _ => {
            store.clear().unwrap();
            model.clear();
        }
    }
}

/// A history of changes, some of them written, some segments merged.
fn history(seed: u64, mut store: VectorStore) {
    let mut random = Random(seed);
    let mut files = Files::new();
    let mut model = Model::default();
    // One at least, so that the file has the maps.
    let first = vec![vector(&mut random, 2)];
    model.add(&first);
    store.add(first).unwrap();
    for _ in 0..40 {
        change(&mut random, &mut store, &mut model);
        if random.below(3) == 0 {
            check(&mut random, &store, &model);
        }
        match random.below(12) {
            0..3 => {
                files.append(&store);
                store = files.open();
                assert!(!store.has_changes().unwrap());
                check(&mut random, &store, &model);
            }
            3 => {
                let from = random.below(files.segments.len() + 1);
                assert!(files.compact(&store, from));
                store = files.open();
                check(&mut random, &store, &model);
            }
            _ => {}
        }
    }
    check(&mut random, &store, &model);
    files.append(&store);
    check(&mut random, &files.open(), &model);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_print_and_answer_as_a_dict_after_any_history(seed: u64) {
        history(seed, VectorStore::empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn records_print_and_answer_as_a_dict_after_any_history(seed: u64) {
        history(seed, VectorStore::records(RecordStore::empty()));
    }
}

fn simple(id: &str, embedding: &[f64]) -> NewVector {
    NewVector {
        id: id.into(),
        embedding: embedding.to_vec(),
        ref_doc_id: None,
        metadata: b"{}".to_vec(),
    }
}

#[test]
fn what_cannot_be_added_changes_nothing() {
    let mut store = VectorStore::empty();
    store.add(vec![simple("a", &[0.5, 1.5])]).unwrap();
    let before = files::text(&store);
    let refused = |store: &mut VectorStore, vector: NewVector| {
        // The one before it is fine.
        let error = store
            .add(vec![simple("new", &[1.0, 2.0]), vector])
            .unwrap_err();
        assert_eq!(files::text(store), before);
        match error {
            Error::Store(error) => error,
            other => panic!("{other}"),
        }
    };
    let error = refused(&mut store, simple("b", &[1.0]));
    let length = |id: &str, components, stored| StoreError::VectorLength {
        id: id.into(),
        components,
        stored,
    };
    assert_eq!(error, length("b", 1, 2));
    assert_eq!(
        refused(&mut store, simple("b", &[])),
        StoreError::VectorSize {
            id: b"b".to_vec(),
            components: 0
        }
    );
    assert_eq!(
        refused(&mut store, simple("b", &vec![0.0; 65_537])),
        StoreError::VectorSize {
            id: b"b".to_vec(),
            components: 65_537
        }
    );
    for (metadata, message) in [
        ("[1]", "the metadata of b is not an object"),
        (
            "{\"a\": }",
            "the metadata of b: byte 6: unexpected byte 0x7d",
        ),
        (
            "{} 1",
            "the metadata of b: byte 3: text after the end of the value",
        ),
        (
            "{\"a\"",
            "the metadata of b: byte 4: the text ends inside a value",
        ),
    ] {
        let metadata = metadata.as_bytes().to_vec();
        let vector = NewVector {
            metadata,
            ..simple("b", &[1.0, 2.0])
        };
        assert_eq!(refused(&mut store, vector).to_string(), message);
    }
    let vector = NewVector {
        id: b"\xff".to_vec(),
        ..simple("b", &[1.0, 2.0])
    };
    assert_eq!(
        refused(&mut store, vector).to_string(),
        "the id of a vector is not text"
    );
    // All vectors are replaced by others of another length.
    store.add(vec![simple("a", &[1.0, 2.0, 3.0])]).unwrap();
    assert_eq!(store.dim().unwrap(), Some(3));
    let error = store.add(vec![simple("b", &[1.0, 2.0])]).unwrap_err();
    assert!(matches!(error, Error::Store(error) if error == length("b", 2, 3)));
}

#[test]
fn what_is_there_already_is_no_change() {
    let mut files = Files::new();
    let mut store = VectorStore::empty();
    store
        .add(vec![simple("a", &[0.5]), simple("b", &[0.25])])
        .unwrap();
    files.append(&store);
    let mut store = files.open();
    store.add(vec![simple("b", &[0.25])]).unwrap();
    assert!(!store.has_changes().unwrap());
    // Only the metadata change, and only they are written.
    let metadata = b"{\"k\": 1}".to_vec();
    store
        .add(vec![NewVector {
            metadata,
            ..simple("a", &[0.5])
        }])
        .unwrap();
    assert!(store.has_changes().unwrap());
    files.append(&store);
    let VectorForm::Rows(rows) = store.form() else {
        panic!()
    };
    assert_eq!(rows.segments().len(), 1);
    let store = files.open();
    let VectorForm::Rows(rows) = store.form() else {
        panic!()
    };
    let new = rows.segments().last().unwrap();
    assert_eq!((new.rows(), new.vectors()), (1, 0));
}
