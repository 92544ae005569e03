//! What a sketch does for queries that suit it, and for those that do not: 1,000 of them,
//! each answered with and without one, the same to the last bit; and without one once more, to
//! tell noise.

use twinstore::{
    StorageContext, search::VectorStoreQuery, segment::SketchPolicy, store::VectorStore,
};

use crate::common::{
    Run, line,
    storage::{Like, Numbers, Random, Storage, Vectors},
    timed,
};

const DIM: usize = 384;
/// Queries of one kind.
const QUERIES: usize = 125;
/// How often each is asked, one way and then the other. By turns, a plane would be found in
/// the processor's cache as long as the other store only needs its sketch. The best counts:
/// it is what others on the machine disturbed least.
const TIMES: usize = 5;
/// As many rows as queries ask for, by turns.
const TOP_K: [usize; 4] = [1, 10, 100, 1000];

pub fn bench(run: &Run) {
    let rows = run.rows(150_000);
    println!(
        "  {rows} x {DIM}, {QUERIES} queries each, best of {TIMES}; by top_k as much as without"
    );
    for like in [Like::MiniLm, Like::Ada002, Like::Alike, Like::HalfAlike] {
        let vectors = Vectors::new(DIM, Numbers::Exact, like);
        let [plain, sketched] = [SketchPolicy::Never, SketchPolicy::Always].map(|sketch| {
            let storage = Storage::of_vectors(rows, &vectors).packed_with(sketch);
            let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
            (storage, context)
        });
        let [plain, sketched] =
            [&plain, &sketched].map(|(_, c)| c.vector_store("default").unwrap());
        for (what, blur) in [("near to a row", 0.3), ("far from all", 30.0)] {
            let queries = (0..run.rounds(QUERIES)).map(|n| query(&vectors, rows, n, blur));
            let queries: Vec<_> = queries.collect();
            compare(&format!("{like:?}, {what}"), plain, sketched, &queries);
        }
    }
}

/// A row's direction, with noise of about 0.6 `blur` times its length.
fn query(vectors: &Vectors, rows: usize, n: usize, blur: f64) -> VectorStoreQuery {
    let mut random = Random::new(n ^ 0xad);
    let row = vectors.vector(random.below(rows));
    let width = blur / (vectors.dim as f64).sqrt();
    let embedding: Vec<_> = row.iter().map(|x| x + width * random.component()).collect();
    VectorStoreQuery::new(&embedding).top_k(TOP_K[n % TOP_K.len()])
}

fn compare(what: &str, plain: &VectorStore, sketched: &VectorStore, queries: &[VectorStoreQuery]) {
    let mut times = Vec::new();
    let mut ratios = TOP_K.map(|_| Vec::new());
    // What a scan takes beside itself is noise.
    let mut noise = TOP_K.map(|_| Vec::new());
    for (n, query) in queries.iter().enumerate() {
        let expected = plain.query(query).unwrap();
        let [without, with, again] = [plain, sketched, plain].map(|store| {
            let answers = (0..TIMES).map(|_| {
                let (hits, time) = timed(|| store.query(query).unwrap());
                assert_eq!(hits, expected);
                time
            });
            answers.min().unwrap()
        });
        times.push(with);
        let scan = without.as_secs_f64();
        ratios[n % TOP_K.len()].push(with.as_secs_f64() / scan);
        noise[n % TOP_K.len()].push(again.as_secs_f64() / scan);
    }
    times.sort_unstable();
    let notes = TOP_K.iter().zip(ratios).zip(noise);
    let notes = notes.map(|((top_k, ratios), noise)| {
        let (median, most) = median_and_most(ratios);
        let (_, noise) = median_and_most(noise);
        format!("{top_k}: {median:.2}x (to {most:.2}x, a scan to {noise:.2}x)")
    });
    let notes = notes.collect::<Vec<_>>().join(", ");
    line(what, times[times.len() / 2], &notes);
}

fn median_and_most(mut ratios: Vec<f64>) -> (f64, f64) {
    ratios.sort_unstable_by(f64::total_cmp);
    let at = |n| ratios.get(n).copied().unwrap_or(f64::NAN);
    (at(ratios.len() / 2), at(ratios.len().saturating_sub(1)))
}
