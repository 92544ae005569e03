//! What a query costs: the first and the next, with a sketch, filtered, many at once; beside
//! reading the same memory and doing nothing with it.

use std::{collections::HashSet, time::Duration};

use rayon::prelude::*;
use twinstore::{
    StorageContext,
    search::{MetadataFilters, VectorStoreQuery},
    segment::SketchPolicy,
    store::VectorStore,
};

use crate::common::{
    Run, by_turns, gb_per_s, line, share,
    storage::{Like, NODES, Numbers, PAGES, Random, Storage, Vectors, node_id},
    timed,
};

/// Queries of a batch.
const BATCH: usize = 16;

pub fn bench(run: &Run) {
    for (rows, dim, like) in [
        (run.rows(100_000), 384, Like::MiniLm),
        (run.rows(100_000) / 5, 1536, Like::Ada002),
    ] {
        let vectors = Vectors::new(dim, Numbers::Exact, like);
        println!("  {rows} x {dim}, like {like:?}, medians");
        let made = |sketch| Storage::of_vectors(rows, &vectors).packed_with(sketch);
        let (plain, sketched) = (made(SketchPolicy::Never), made(SketchPolicy::Always));
        measure(run, &plain, &sketched, &vectors);
    }
}

/// The ids that answer, best first.
fn answer(store: &VectorStore, query: &VectorStoreQuery) -> Vec<Vec<u8>> {
    let hits = store.query(query).unwrap();
    hits.into_iter().map(|hit| hit.id).collect()
}

/// Near to a row, whose number comes with it.
fn near(vectors: &Vectors, rows: usize, round: usize) -> (VectorStoreQuery, usize) {
    let mut random = Random::new(round ^ 0xfeed);
    let row = random.below(rows);
    let embedding = vectors.vector(row).into_iter();
    let width = 0.3 / (vectors.dim as f64).sqrt();
    let embedding: Vec<_> = embedding.map(|x| x + width * random.component()).collect();
    (VectorStoreQuery::new(&embedding).top_k(10), row)
}

/// Answers once, looks whether the best row is the expected one, and gives the time.
fn ask(store: &VectorStore, (query, row): &(VectorStoreQuery, usize)) -> Duration {
    let (hits, time) = timed(|| store.query(query).unwrap());
    assert_eq!(hits.len(), 10);
    assert_eq!(hits[0].id, node_id(*row).into_bytes());
    time
}

/// Reads all numbers, on two threads as a query does; each reads four places at a time, which
/// is a quarter faster than one after the other.
fn read(numbers: &[f32]) -> u64 {
    const LANES: usize = 16;
    fn fold(numbers: &[f32]) -> u64 {
        let mut parts = numbers.chunks(numbers.len().div_ceil(4).max(1));
        let mut part = || parts.next().unwrap_or_default().chunks_exact(LANES);
        let mut sums = [[0u32; LANES]; 4];
        let places = part().zip(part()).zip(part().zip(part()));
        for ((a, b), (c, d)) in places {
            for (sums, chunk) in sums.iter_mut().zip([a, b, c, d]) {
                for (sum, number) in sums.iter_mut().zip(chunk) {
                    *sum ^= number.to_bits();
                }
            }
        }
        sums.into_iter().flatten().map(u64::from).sum()
    }
    // In pieces, so that none waits for the other.
    numbers.par_chunks(1 << 18).map(fold).sum()
}

/// Queries with a filter that keeps one row in a hundred: scattered ones, and runs.
fn filtered(query: &VectorStoreQuery, page: usize, rows: usize) -> [VectorStoreQuery; 2] {
    let files = (0..(rows / NODES / 100).max(1)).map(|n| format!("\"report-{n}.pdf\""));
    let files = files.collect::<Vec<_>>().join(", ");
    [format!("page == {page}"), format!("file in [{files}]")].map(|text| {
        let filter = text.parse().unwrap();
        query.clone().filters(MetadataFilters::all([filter]))
    })
}

/// A filtered answer is the answer without a filter, less what the filter excludes.
fn check_filter(store: &VectorStore, query: &VectorStoreQuery, page: usize, rows: usize) {
    let kept = (0..rows).filter(|row| row % PAGES == page).map(node_id);
    let kept: HashSet<_> = kept.map(String::into_bytes).collect();
    let ranked = answer(store, &query.clone().top_k(0));
    let expected = ranked.into_iter().filter(|id| kept.contains(id)).take(10);
    let [by_page, _] = filtered(query, page, rows);
    assert_eq!(answer(store, &by_page), expected.collect::<Vec<_>>());
}

/// Opens the store and asks it once.
fn first(storage: &Storage, (query, row): &(VectorStoreQuery, usize)) -> Duration {
    let (hits, time) = timed(|| {
        let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
        let store = context.vector_store("default").unwrap();
        store.query(query).unwrap()
    });
    assert_eq!(hits[0].id, node_id(*row).into_bytes());
    time
}

fn measure(run: &Run, plain: &Storage, sketched: &Storage, vectors: &Vectors) {
    let rows = plain.rows;
    let [context, with] =
        [plain, sketched].map(|storage| StorageContext::from_persist_dir(storage.dir()).unwrap());
    let store = context.vector_store("default").unwrap();
    let with = with.vector_store("default").unwrap();
    let segment = store.segments().unwrap().unwrap().remove(0);
    let matrix = segment.segment().matrix().unwrap().unwrap();
    let bytes = size_of_val(matrix.as_slice()) as u64;
    for store in [store, with] {
        check_filter(store, &near(vectors, rows, 0).0, 7, rows);
    }

    let rounds = run.rounds(100);
    let queries: Vec<_> = (0..rounds)
        .map(|round| near(vectors, rows, round))
        .collect();
    let batches = queries.chunks(BATCH).map(|chunk| {
        let batch: Vec<_> = chunk.iter().map(|(query, _)| query.clone()).collect();
        batch
    });
    let batches: Vec<_> = batches.collect();
    for answers in batches.iter().zip(queries.chunks(BATCH)) {
        let (batch, queries) = answers;
        let hits = store.query_batch(batch).unwrap();
        for (hits, (_, row)) in hits.iter().zip(queries) {
            assert_eq!(hits[0].id, node_id(*row).into_bytes());
        }
    }
    let filtered: Vec<_> = (0..rounds)
        .map(|round| filtered(&queries[round].0, round % PAGES, rows))
        .collect();
    let [pages, files] = [rows.div_ceil(PAGES), NODES];
    let ask_filtered = |store: &VectorStore, query: &VectorStoreQuery, kept: usize| {
        let (hits, time) = timed(|| store.query(query).unwrap());
        assert_eq!(hits.len(), kept.min(10));
        time
    };
    for (query, _) in &queries {
        assert_eq!(with.query(query).unwrap(), store.query(query).unwrap());
    }
    let ask_batch = |store: &VectorStore, round: usize| {
        let batch = &batches[round % batches.len()];
        let (answers, time) = timed(|| store.query_batch(batch).unwrap());
        assert_eq!(answers.len(), batch.len());
        time / batch.len() as u32
    };
    let [
        memory,
        steady,
        by_sketch,
        opened,
        opened_with,
        by_page,
        by_file,
        by_page_with,
        by_file_with,
        batch,
        batch_with,
    ] = by_turns(
        rounds,
        [
            &mut |_| {
                let (sum, time) = timed(|| read(matrix.as_slice()));
                assert!(sum > 0);
                time
            },
            &mut |round| ask(store, &queries[round]),
            &mut |round| ask(with, &queries[round]),
            &mut |round| first(plain, &queries[round]),
            &mut |round| first(sketched, &queries[round]),
            &mut |round| ask_filtered(store, &filtered[round][0], pages),
            &mut |round| ask_filtered(store, &filtered[round][1], files),
            &mut |round| ask_filtered(with, &filtered[round][0], pages),
            &mut |round| ask_filtered(with, &filtered[round][1], files),
            &mut |round| ask_batch(store, round),
            &mut |round| ask_batch(with, round),
        ],
    );
    let rate = |time| format!("{:.1} GB/s", gb_per_s(bytes, time));
    line("reading the numbers, two threads", memory, &rate(memory));
    let part = memory.as_secs_f64() / steady.as_secs_f64();
    let note = format!("{}, {:.0} % of that", rate(steady), 100.0 * part);
    line("a query", steady, &note);
    line("the same by sketch", by_sketch, &share(by_sketch, steady));
    line("open and a first query", opened, &share(opened, steady));
    line(
        "the same by sketch",
        opened_with,
        &share(opened_with, steady),
    );
    for (label, time) in [
        ("page == N, one row in a hundred", by_page),
        ("the same by sketch", by_page_with),
        ("file in [..], as many", by_file),
        ("the same by sketch", by_file_with),
    ] {
        let percent = 100.0 * time.as_secs_f64() / steady.as_secs_f64();
        line(label, time, &format!("{percent:.1} %"));
    }
    line(
        &format!("one of a batch of {BATCH}"),
        batch,
        &share(batch, steady),
    );
    line("the same by sketch", batch_with, &share(batch_with, steady));
}
