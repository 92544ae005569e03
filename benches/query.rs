//! What a query costs, and what a filter saves: `cargo bench --bench query`.
//!
//! Makes a vector store of 100,000 x 384 with metadata, packs it, and asks it
//! the same questions with and without a filter that keeps one row in a hundred,
//! by turns. Answers are compared with each other before they are timed. With
//! `cargo test --benches` it does so once, on a small store.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a program")]

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use twinstore::{
    StorageContext,
    convert::{PackOptions, Silent, pack},
    search::{MetadataFilters, VectorStoreQuery},
    store::VectorStore,
};

const DIM: usize = 384;
const PAGES: usize = 100;

/// A linear congruential generator: the same vectors on every machine.
struct Random(u64);

impl Random {
    /// A multiple of 1/1024 between -1 and 1, which is short in JSON.
    fn component(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        f64::from((self.0 >> 53) as i32 - 1024) / 1024.0
    }
}

fn id(row: usize) -> String {
    format!("node-{row:07}")
}

fn write_store(dir: &Path, rows: usize) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(dir.join("default__vector_store.json"))?);
    let mut random = Random(7);
    let comma = |row| if row == 0 { "" } else { ", " };
    write!(out, "{{\"embedding_dict\": {{")?;
    for row in 0..rows {
        write!(
            out,
            "{}\"{}\": [{:?}",
            comma(row),
            id(row),
            random.component()
        )?;
        for _ in 1..DIM {
            write!(out, ", {:?}", random.component())?;
        }
        write!(out, "]")?;
    }
    write!(out, "}}, \"text_id_to_ref_doc_id\": {{")?;
    for row in 0..rows {
        write!(
            out,
            "{}\"{}\": \"document-{}\"",
            comma(row),
            id(row),
            row / 37
        )?;
    }
    write!(out, "}}, \"metadata_dict\": {{")?;
    for row in 0..rows {
        let (page, file) = (row % PAGES, row / 37);
        write!(
            out,
            "{}\"{}\": {{\"page\": {page}, \"file\": \"report-{file}.pdf\", \"ref_doc_id\": \"document-{file}\"}}",
            comma(row),
            id(row),
        )?;
    }
    write!(out, "}}}}")?;
    out.flush()
}

/// The ids that answer, best first.
fn answer(store: &VectorStore, query: &VectorStoreQuery) -> Vec<Vec<u8>> {
    let hits = store.query(query).unwrap();
    hits.into_iter().map(|hit| hit.id).collect()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    // Cargo says so when it is to measure.
    let measure = std::env::args().any(|arg| arg == "--bench");
    let (rows, rounds) = if measure { (100_000, 200) } else { (2_000, 1) };
    let temp = tempfile::tempdir().unwrap();
    write_store(temp.path(), rows).unwrap();
    pack(temp.path(), &PackOptions::default(), &Silent).unwrap();
    fs::remove_file(temp.path().join("default__vector_store.json")).unwrap();
    let context = StorageContext::from_persist_dir(temp.path()).unwrap();
    let store = context.vector_store("default").unwrap();

    let mut random = Random(11);
    let (mut all, mut number, mut text) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let embedding: Vec<f64> = (0..DIM).map(|_| random.component()).collect();
        let page = round % PAGES;
        let whole = VectorStoreQuery::new(&embedding).top_k(10);
        let filtered = |text: String| {
            let filter = text.parse().unwrap();
            whole.clone().filters(MetadataFilters::all([filter]))
        };
        let by_page = filtered(format!("page == {page}"));
        // Of as many files as make one row in a hundred, and one at least.
        let files = 0..(rows / 37 / 100).max(1);
        let files: Vec<_> = files.map(|n| format!("\"report-{n}.pdf\"")).collect();
        let by_file = filtered(format!("file in [{}]", files.join(", ")));

        if round == 0 {
            let kept = (0..rows).filter(|row| row % PAGES == page).map(id);
            let kept: HashSet<_> = kept.map(String::into_bytes).collect();
            let ranked = answer(store, &VectorStoreQuery::new(&embedding).top_k(0));
            let expected = ranked.into_iter().filter(|id| kept.contains(id));
            assert_eq!(
                answer(store, &by_page),
                expected.take(10).collect::<Vec<_>>()
            );
        }
        for (query, times) in [
            (&whole, &mut all),
            (&by_page, &mut number),
            (&by_file, &mut text),
        ] {
            let begin = Instant::now();
            let hits = store.query(query).unwrap();
            times.push(begin.elapsed());
            assert_eq!(hits.len(), 10);
        }
    }
    let whole = median(&mut all);
    println!("{rows} x {DIM}, medians of {rounds}");
    println!("no filter     {whole:>12.1?}");
    for (name, times) in [("page == N", &mut number), ("file in [..]", &mut text)] {
        let time = median(times);
        let share = 100.0 * time.as_secs_f64() / whole.as_secs_f64();
        println!("{name:<13} {time:>12.1?}  {share:.1} % of that");
    }
}
