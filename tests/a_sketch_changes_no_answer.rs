//! A sketch makes queries faster. Whoever packs with one must get the answers that they
//! got without: the same ids, the same scores, in the same order, whatever is asked.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fmt::Write as _;

use common::{Files, Storage, VECTORS};
use twinstore::{
    StorageContext,
    bytes::Backend,
    container::{OpenOptions, Verify},
    convert::{CompactOptions, PackOptions, Silent, compact},
    json::{NumberLayout, print_f64},
    search::{Hit, MetadataFilters, VectorStoreQuery},
    segment::SketchPolicy,
};

const ROWS: usize = 4500;
const DIM: usize = 24;

/// The same vectors on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// Between -1 and 1.
    fn component(&mut self) -> f64 {
        self.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0
    }

    fn vector(&mut self) -> Vec<f64> {
        (0..DIM).map(|_| self.component()).collect()
    }
}

/// Rows around some topics and a common mean; some are there twice, some nearly, some
/// are 0 or huge, and in some stores all are alike.
fn rows(random: &mut Random, alike: bool) -> Vec<Vec<f64>> {
    let topics: Vec<Vec<f64>> = (0..30).map(|_| random.vector()).collect();
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for n in 0..ROWS {
        let mut row: Vec<f64> = match random.below(20) {
            0 if n > 0 => rows[random.below(n)].clone(),
            1 if n > 0 => {
                let mut near = rows[random.below(n)].clone();
                near[3] = f64::from((near[3] * 1.000_001) as f32);
                near
            }
            2 if random.below(40) == 0 => vec![[0.0, 1e30, 1e-30][random.below(3)]; DIM],
            _ => {
                let topic = &topics[random.below(topics.len())];
                topic.iter().map(|x| x + 0.4 * random.component()).collect()
            }
        };
        if alike {
            row = random.vector();
            row.iter_mut().for_each(|x| *x = 0.25 + *x * 1e-6);
        }
        row[5] += 9.0;
        rows.push(row);
    }
    rows
}

/// As Python spells it.
fn spelled(x: f64) -> String {
    let mut text = Vec::new();
    print_f64(x, NumberLayout::Python, &mut text);
    String::from_utf8(text).unwrap()
}

fn store(rows: &[Vec<f64>]) -> String {
    let (mut vectors, mut ref_docs, mut metadata) = (String::new(), String::new(), String::new());
    for (n, row) in rows.iter().enumerate() {
        let comma = if n == 0 { "" } else { ", " };
        let row: Vec<String> = row.iter().map(|x| spelled(*x)).collect();
        write!(vectors, "{comma}\"node {n}\": [{}]", row.join(", ")).unwrap();
        write!(ref_docs, "{comma}\"node {n}\": \"doc {}\"", n / 40).unwrap();
        write!(metadata, "{comma}\"node {n}\": {{\"page\": {}}}", n % 3).unwrap();
    }
    format!(
        "{{\"embedding_dict\": {{{vectors}}}, \"text_id_to_ref_doc_id\": {{{ref_docs}}}, \"metadata_dict\": {{{metadata}}}}}"
    )
}

fn packed(text: &str, sketch: SketchPolicy) -> Storage {
    let storage = Storage::of(&Files::from([(VECTORS.to_owned(), text.into())]));
    let report = storage.pack_with(PackOptions {
        sketch,
        ..PackOptions::default()
    });
    assert_eq!(report.stores[0].why, None);
    storage
}

fn has_sketch(storage: &Storage) -> bool {
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let store = context.vector_store("default").unwrap();
    let segments = store.segments().unwrap().unwrap();
    assert_eq!(segments.len(), 1);
    segments[0].segment().has_sketch()
}

/// Near to rows, along and against them, near to nothing, odd.
fn queries(random: &mut Random, rows: &[Vec<f64>]) -> Vec<VectorStoreQuery> {
    let mut queries = Vec::new();
    for n in 0..150 {
        let row = &rows[random.below(ROWS)];
        let embedding: Vec<f64> = match n % 6 {
            0 => row.clone(),
            1 => row.iter().map(|x| x + 0.1 * random.component()).collect(),
            2 => row.iter().map(|x| -x).collect(),
            3 => random.vector(),
            4 => row.iter().zip(&rows[7]).map(|(a, b)| a - b).collect(),
            _ => {
                let mut single = vec![0.0; DIM];
                single[random.below(DIM)] = [1.0, -1.0, 1e-20, 1e20][random.below(4)];
                single
            }
        };
        let top_k = [1, 2, 10, 100, 1000][random.below(5)];
        let mut query = VectorStoreQuery::new(&embedding).top_k(top_k);
        if n % 5 == 0 {
            let filter = ["page == 1", "page != 2"][random.below(2)].parse().unwrap();
            query = query.filters(MetadataFilters::all([filter]));
        }
        if n % 9 == 0 {
            let ids = (0..ROWS - 500).filter(|n| n % 700 > 3);
            query = query.node_ids(ids.map(|n| format!("node {n}")));
        }
        queries.push(query);
    }
    queries
}

fn answers(storage: &Storage, backend: Backend, queries: &[VectorStoreQuery]) -> Vec<Vec<Hit>> {
    let options = OpenOptions {
        backend,
        verify: Verify::Lazy,
    };
    let context = StorageContext::open(storage.dir(), &options).unwrap();
    let store = context.vector_store("default").unwrap();
    // Some by themselves, the others in batches.
    let mut answers: Vec<Vec<Hit>> = Vec::new();
    let (single, together) = queries.split_at(50);
    answers.extend(single.iter().map(|query| store.query(query).unwrap()));
    for batch in together.chunks(50) {
        answers.extend(store.query_batch(batch).unwrap());
    }
    answers
}

#[test]
fn answers_are_those_of_a_scan_without_it() {
    let mut random = Random(1);
    for alike in [false, true] {
        let rows = rows(&mut random, alike);
        let text = store(&rows);
        let (with, without) = (
            packed(&text, SketchPolicy::Always),
            packed(&text, SketchPolicy::Never),
        );
        assert!(has_sketch(&with) && !has_sketch(&without));
        let queries = queries(&mut random, &rows);
        let expected = answers(&without, Backend::Map, &queries);
        for backend in [Backend::Map, Backend::Read] {
            for (n, answer) in answers(&with, backend, &queries).iter().enumerate() {
                assert_eq!(*answer, expected[n], "query {n} of {backend:?}, {alike}");
            }
        }
        for storage in [&with, &without] {
            assert!(storage.verify_deep().problems.is_empty());
            let printed = storage.unpacked(OpenOptions::default()).unwrap();
            assert!(printed[VECTORS] == text.as_bytes());
        }
    }
}

#[test]
fn a_store_keeps_what_it_was_packed_with() {
    let mut random = Random(2);
    let text = store(&rows(&mut random, false));
    for (policy, has_one) in [
        (SketchPolicy::Auto, true),
        (SketchPolicy::Always, true),
        (SketchPolicy::Never, false),
    ] {
        let storage = packed(&text, policy);
        assert_eq!(has_sketch(&storage), has_one, "{policy:?}");
        let sketched = if has_one { ROWS as u64 } else { 0 };
        assert_eq!(storage.info().stores[0].sketched, Some(sketched));
        let told = storage.run("info", &[]).ends_with(0);
        let line = format!("default: a sketch of {ROWS} vectors makes queries faster\n");
        assert_eq!(told.stdout.contains(&line), has_one);
        assert_eq!(told.stdout.contains("sketch"), has_one);
        let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
        let store = context.vector_store_mut("default").unwrap();
        store
            .delete_nodes(Some(&[b"node 17".to_vec()]), None)
            .unwrap();
        context.persist(storage.dir()).unwrap();
        compact(&storage.dir(), &CompactOptions::default(), &Silent).unwrap();
        assert_eq!(has_sketch(&storage), has_one, "{policy:?}, compacted");
        let expected = ROWS as u32 - 1;
        let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
        let store = context.vector_store("default").unwrap();
        let segments = store.segments().unwrap().unwrap();
        assert_eq!(segments[0].segment().vectors(), expected);
    }
}
