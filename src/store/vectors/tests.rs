//! Vector stores in both forms and under both backends, beside LlamaIndex's
//! code on the same vectors.

mod checks;
mod deciding;
mod disk;
mod judged;
mod maps;
mod segments;

use std::collections::HashSet;

use proptest::prelude::*;

use self::disk::{BACKENDS, Disk};
use crate::{
    error::{Error, QueryError},
    json::{NumberLayout, parse_f64, print_f32_shortest, print_f64},
    search::{
        VectorStoreQuery, VectorStoreQueryMode,
        tests::{Random, llama_index, text},
    },
    store::VectorStore,
};

/// An entry of `embedding_dict`.
#[derive(Debug, Clone)]
struct Entry {
    sequence: u64,
    id: String,
    tokens: Vec<String>,
    /// The segment it is in.
    segment: usize,
}

impl Entry {
    fn values(&self) -> Vec<f64> {
        let values = self.tokens.iter().map(|token| parse_f64(token.as_bytes()));
        values.map(Option::unwrap).collect()
    }

    fn text(&self) -> String {
        format!("[{}]", self.tokens.join(", "))
    }
}

/// Number tokens of a vector that is often equal or nearly equal to others.
fn tokens(random: &mut Random, dim: usize, odd: usize) -> Vec<String> {
    if random.below(odd) == 0 {
        let token = ["0.0", "NaN", "1e+200", "1e-200", "1", "Infinity", "1e-40"][random.below(7)];
        let mut tokens = vec!["0.0".to_owned(); dim];
        tokens
            .iter_mut()
            .take(1)
            .for_each(|first| *first = token.to_owned());
        return tokens;
    }
    let class = random.below(4);
    let mut seed = Random(random.below(8) as u64);
    let noise = if random.below(3) == 0 { 1e-9 } else { 0.0 };
    let mut token = |_| {
        let mut token = Vec::new();
        let value = seed.unit() - 0.5 + noise * random.unit();
        match class {
            0 => print_f64(f64::from(value as f32), NumberLayout::Python, &mut token),
            1 => print_f32_shortest(value as f32, NumberLayout::Python, &mut token),
            _ => print_f64(value, NumberLayout::Python, &mut token),
        }
        String::from_utf8(token).unwrap()
    };
    (0..dim).map(&mut token).collect()
}

fn id(random: &mut Random, n: u64) -> String {
    let prefix = ["", "a", "ä", "\u{ffff}", "\u{10000}", "b\u{7f}"][random.below(6)];
    format!("{prefix}{}-{n}", random.below(100))
}

/// Segments and tombstones that adding, replacing and deleting left; and what
/// a dict holds after the same.
fn history(random: &mut Random, dim: usize, odd: usize) -> (Disk, Vec<Entry>) {
    let mut disk = Disk::new();
    let mut live: Vec<Entry> = Vec::new();
    let mut next = 0;
    let mut written: Vec<(Vec<Entry>, Vec<u32>)> = Vec::new();
    for segment in 0..1 + random.below(4) {
        let mut new = Vec::new();
        for _ in 0..random.below(40) {
            let old = live.get(random.below(live.len() + 20)).cloned();
            let old = old.filter(|entry| entry.segment < segment);
            if let Some(old) = &old {
                let (entries, dead) = &mut written[old.segment];
                let at = entries.iter().position(|entry| entry.id == old.id);
                dead.push(at.unwrap() as u32);
                live.retain(|entry| entry.id != old.id);
                if random.below(2) == 0 {
                    continue;
                }
            }
            let (sequence, id) = match old {
                Some(old) => (old.sequence, old.id),
                None => {
                    next += 1;
                    (next, id(random, next))
                }
            };
            let entry = Entry {
                sequence,
                id,
                tokens: tokens(random, dim, odd),
                segment,
            };
            live.push(entry.clone());
            new.push(entry);
        }
        new.sort_by_key(|entry| entry.sequence);
        live.sort_by_key(|entry| entry.sequence);
        let rows: Vec<_> = new
            .iter()
            .map(|e| (e.id.clone(), e.text(), Some(e.sequence)))
            .collect();
        disk.rows(&rows);
        written.push((new, Vec::new()));
    }
    let dead: Vec<(usize, usize, Vec<u32>)> = written
        .into_iter()
        .enumerate()
        .map(|(segment, (entries, mut dead))| {
            dead.sort_unstable();
            (segment, entries.len(), dead)
        })
        .collect();
    disk.bury(&dead);
    (disk, live)
}

/// A dict in which keys may occur several times, as JSON text and as Python
/// has it after reading that.
fn dict(random: &mut Random, dim: usize, odd: usize) -> (Vec<(String, String)>, Vec<Entry>) {
    let mut text = Vec::new();
    let mut live: Vec<Entry> = Vec::new();
    for n in 0..random.below(60) as u64 {
        let again = live.get(random.below(live.len() + 20)).cloned();
        let entry = Entry {
            sequence: n,
            id: again.map_or_else(|| id(random, n), |entry| entry.id),
            tokens: tokens(random, dim, odd),
            segment: 0,
        };
        text.push((entry.id.clone(), entry.text()));
        match live.iter_mut().find(|known| known.id == entry.id) {
            Some(known) => known.tokens = entry.tokens,
            None => live.push(entry),
        }
    }
    (text, live)
}

/// Ids that are there, some of them twice, and others.
fn some_ids(random: &mut Random, live: &[Entry]) -> Option<Vec<Vec<u8>>> {
    if random.below(2) == 0 {
        return None;
    }
    let mut ids = vec![b"unknown".to_vec()];
    for entry in live {
        for _ in 0..random.below(3) {
            ids.push(entry.id.clone().into_bytes());
        }
    }
    Some(ids)
}

fn query(random: &mut Random, dim: usize) -> VectorStoreQuery {
    let tokens = tokens(random, dim, 20);
    let values = tokens
        .iter()
        .map(|token| parse_f64(token.as_bytes()).unwrap());
    let top_k = [
        None,
        Some(0),
        Some(-3),
        Some(1),
        Some(2),
        Some(5),
        Some(1000),
    ][random.below(7)];
    VectorStoreQuery {
        similarity_top_k: top_k,
        ..VectorStoreQuery::new(&values.collect::<Vec<f64>>())
    }
}

/// What LlamaIndex answers, as text.
fn expected(live: &[Entry], query: &VectorStoreQuery) -> String {
    let wanted: Option<HashSet<&[u8]>> = query
        .node_ids
        .as_ref()
        .map(|ids| ids.iter().map(Vec::as_slice).collect());
    let rows: Vec<(String, Vec<f64>)> = live
        .iter()
        .filter(|entry| {
            wanted
                .as_ref()
                .is_none_or(|ids| ids.contains(entry.id.as_bytes()))
        })
        .map(|entry| (entry.id.clone(), entry.values()))
        .collect();
    let embedding = query.query_embedding.as_ref().unwrap();
    match query.mode {
        VectorStoreQueryMode::Mmr if rows.is_empty() => "[]".to_owned(),
        VectorStoreQueryMode::Mmr => {
            let threshold = query.mmr_threshold.unwrap_or(0.5);
            match llama_index::mmr(&rows, embedding, query.limit(), threshold) {
                Ok(answer) => format!("{answer:?}"),
                Err(None) => QueryError::NoPick.to_string(),
                Err(Some(id)) => QueryError::NoFurtherPick { id: id.into() }.to_string(),
            }
        }
        _ => format!("{:?}", llama_index::top_k(&rows, embedding, query.limit())),
    }
}

/// Compares all that a store tells.
fn compare(random: &mut Random, store: &VectorStore, live: &[Entry], dim: usize) {
    assert_eq!(store.len().unwrap(), live.len() as u64);
    assert_eq!(store.is_empty().unwrap(), live.is_empty());
    assert_eq!(store.dim().unwrap(), live.first().map(|_| dim));
    let mut ids = Vec::new();
    store
        .each_id(&mut |id| {
            ids.push(String::from_utf8(id.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
    assert_eq!(
        ids,
        live.iter()
            .map(|entry| entry.id.clone())
            .collect::<Vec<_>>()
    );
    for entry in live {
        let got = store.get(entry.id.as_bytes()).unwrap().unwrap();
        assert_eq!(format!("{got:?}"), format!("{:?}", entry.values()));
    }
    assert_eq!(store.get(b"unknown").unwrap(), None);

    let some = some_ids(random, live);
    let mut queries: Vec<VectorStoreQuery> = (0..6).map(|_| query(random, dim)).collect();
    for query in &mut queries {
        query.node_ids = some.clone().filter(|_| random.below(3) > 0).map(Into::into);
    }
    let batch = store.query_batch(&queries).unwrap();
    for (query, answer) in queries.iter_mut().zip(batch) {
        assert_eq!(text(&answer), expected(live, query), "{query:?}");
        assert_eq!(
            text(&store.query(query).unwrap()),
            text(&answer),
            "{query:?}"
        );
        query.mode = VectorStoreQueryMode::Mmr;
        query.mmr_threshold = [None, Some(0.0), Some(0.9), Some(1.0)][random.below(4)];
        let picks = match store.query(query) {
            Ok(hits) => text(&hits),
            Err(Error::Query(error)) => error.to_string(),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(picks, expected(live, query), "{query:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_of_several_segments_answer_as_a_dict(seed: u64, dim in 1_usize..20, odd in 5_usize..60) {
        let mut random = Random(seed);
        let (disk, live) = history(&mut random, dim, odd);
        for backend in BACKENDS {
            let store = VectorStore::rows(disk.open_rows(backend));
            compare(&mut random, &store, &live, dim);
        }
    }

    #[test]
    fn records_answer_as_a_dict(seed: u64, dim in 0_usize..20, odd in 5_usize..60) {
        let mut random = Random(seed);
        let (text, live) = dict(&mut random, dim, odd);
        let mut disk = Disk::new();
        disk.records(&[("embedding_dict", text)]);
        for backend in BACKENDS {
            let store = VectorStore::records(disk.open_records(backend));
            compare(&mut random, &store, &live, dim);
        }
    }
}
