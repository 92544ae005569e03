//! Filters whose meaning the caller knows: they choose the rows that he would choose
//! one by one, and he is asked no more than is needed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::disk::{BACKENDS, Disk};
use crate::{
    error::{Error, QueryError},
    search::{
        FilterCondition, FilterJudge, MetadataFilters, Refused, VectorStoreQuery, tests::Random,
    },
    segment::Map,
    store::VectorStore,
};

/// The number of a filter, and a value.
type Question = (usize, Option<Vec<u8>>);

/// Filter 0: an even page. Filter 1: a name; no name meets it. A page that is no number
/// is refused.
#[derive(Debug, Default)]
struct Reader {
    asked: Mutex<BTreeMap<Question, usize>>,
}

impl Reader {
    fn judges(filter: usize, value: Option<&[u8]>) -> Result<bool, Refused> {
        match (filter, value) {
            (0, None) => Ok(false),
            (0, Some([digit @ b'0'..=b'9'])) => Ok(digit % 2 == 0),
            (0, Some(_)) => Err(Refused),
            (_, value) => Ok(value.is_none() || value == Some(b"\"ann\"")),
        }
    }
}

impl FilterJudge for Reader {
    fn is_met(&self, filter: usize, value: Option<&[u8]>) -> Result<bool, Refused> {
        let question = (filter, value.map(<[u8]>::to_vec));
        *self.asked.lock().unwrap().entry(question).or_default() += 1;
        Reader::judges(filter, value)
    }
}

const CONDITIONS: [FilterCondition; 3] = [
    FilterCondition::And,
    FilterCondition::Or,
    FilterCondition::Not,
];

type Row = (String, Option<&'static str>, Option<&'static str>);

fn row(random: &mut Random, n: usize) -> Row {
    let page = [None, Some("1"), Some("2"), Some("4"), Some("7")][random.below(5)];
    let name = [None, Some("\"ann\""), Some("\"bob\"")][random.below(3)];
    (format!("n-{n}"), page, name)
}

fn metadata((_, page, name): &Row) -> String {
    let page = page.map(|page| format!("\"page\": {page}"));
    let name = name.map(|name| format!("\"name\": {name}"));
    let members: Vec<String> = page.into_iter().chain(name).collect();
    format!("{{{}}}", members.join(", "))
}

/// The rows in both forms.
fn stores(rows: &[Row]) -> Vec<VectorStore> {
    let vector = "[0.5, 1.5]".to_owned();
    let vectors = rows.iter().map(|(id, ..)| (id.clone(), vector.clone()));
    let vectors: Vec<_> = vectors.collect();
    let (mut segment, mut records) = (Disk::new(), Disk::new());
    let entries = vectors
        .iter()
        .map(|(id, text)| (id.clone(), text.clone(), None));
    segment.rows_with(&entries.collect::<Vec<_>>(), |writer| {
        for row in rows {
            let id = format!("\"{}\"", row.0);
            let pushed = writer.push(Map::Metadata, id.as_bytes(), metadata(row).as_bytes());
            pushed.unwrap().unwrap();
        }
    });
    let texts = rows.iter().map(|row| (row.0.clone(), metadata(row)));
    records.records(&[
        ("embedding_dict", vectors),
        ("metadata_dict", texts.collect()),
    ]);
    let mut stores: Vec<VectorStore> = Vec::new();
    for backend in BACKENDS {
        stores.push(VectorStore::rows(segment.open_rows(backend)));
        stores.push(VectorStore::records(records.open_records(backend)));
    }
    stores
}

fn filtered(judge: &Arc<Reader>, condition: FilterCondition) -> VectorStoreQuery {
    let judge = Arc::clone(judge);
    let filters = MetadataFilters::judged(["page", "name"], condition, judge);
    VectorStoreQuery::new(&[1.0, 0.0]).filters(filters)
}

#[test]
fn judged_filters_choose_what_the_judge_would_choose_row_by_row() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let rows: Vec<Row> = (0..60).map(|n| row(&mut random, n)).collect();
        for condition in CONDITIONS {
            let is_met = |filter, value: Option<&str>| {
                Reader::judges(filter, value.map(str::as_bytes)).unwrap()
            };
            let passes = |(_, page, name): &&Row| {
                let met = [is_met(0, *page), is_met(1, *name)];
                match condition {
                    FilterCondition::And => met == [true; 2],
                    FilterCondition::Or => met != [false; 2],
                    FilterCondition::Not => met == [false; 2],
                }
            };
            let wanted: Vec<Vec<u8>> = rows
                .iter()
                .filter(passes)
                .map(|row| row.0.clone().into_bytes())
                .collect();
            for store in stores(&rows) {
                let query = filtered(&Arc::default(), condition);
                assert_eq!(store.selected_rows(&query, None).unwrap().ids, wanted);
            }
        }
    }
}

#[test]
fn a_column_asks_once_for_each_of_its_values() {
    let mut random = Random(1);
    let rows: Vec<Row> = (0..500).map(|n| row(&mut random, n)).collect();
    let judge = Arc::new(Reader::default());
    let query = filtered(&judge, FilterCondition::Or);
    let store = &stores(&rows)[0];
    assert!(!store.selected_rows(&query, None).unwrap().ids.is_empty());
    let asked = judge.asked.lock().unwrap();
    assert_eq!(asked.len(), 5 + 3);
    assert!(asked.values().all(|&times| times == 1), "{asked:?}");
}

#[test]
fn a_value_that_is_refused_matters_where_a_row_with_it_is_looked_at() {
    let mut rows: Vec<Row> = (0..9)
        .map(|n| (format!("n-{n}"), Some("2"), None))
        .collect();
    rows[4].1 = Some("[]");
    rows[6].1 = Some("\"two\"");
    for store in stores(&rows) {
        for condition in CONDITIONS {
            let query = filtered(&Arc::default(), condition);
            let refused = store.selected_rows(&query, None);
            let first = QueryError::FilterRefused {
                id: b"n-4".to_vec(),
            };
            assert!(matches!(refused, Err(Error::Query(why)) if why == first));
            let others = query.clone().node_ids(["n-0", "n-6"]);
            let refused = store.deciding_rows(&others, None);
            let second = QueryError::FilterRefused {
                id: b"n-6".to_vec(),
            };
            assert!(matches!(refused, Err(Error::Query(why)) if why == second));
            assert!(
                store
                    .selected_rows(&query.node_ids(["n-0", "n-8"]), None)
                    .is_ok()
            );
        }
    }
}
