//! What a commit of a few documents costs in a small store and in a large one, and what
//! it costs to merge segments, beside writing as many bytes.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::Duration,
};

use twinstore::{
    StorageContext,
    convert::{CompactOptions, Silent, compact},
    storage_context::{JsonTwin, PersistOptions},
};

use crate::{
    common::{
        Run, by_turns, gb_per_s, line, share,
        storage::{Like, Numbers, Storage, Vectors, length},
        timed,
    },
    library::insert_vectors,
};

const DIM: usize = 384;
const SMALL: usize = 1000;
/// Documents of one node each in a commit.
const DOCUMENTS: usize = 100;

/// Opens the directory, adds documents and persists. Tells how long the last takes, and
/// how many bytes it wrote.
fn append(storage: &Storage, name: &str, options: &PersistOptions) -> (Duration, u64) {
    let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    for n in 0..DOCUMENTS {
        let document = format!("{name}-{n}");
        insert_vectors(&mut context, &document, 1, "a text that is new", DIM);
    }
    let (report, time) = timed(|| context.persist_with(storage.dir(), options).unwrap());
    assert!(report.committed);
    (time, report.stores.iter().map(|store| store.written).sum())
}

fn vectors(storage: &Storage) -> usize {
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    context.vector_store("default").unwrap().len().unwrap() as usize
}

/// Writes a new file and waits until it is on the disk: what a commit is measured by.
fn write(dir: &Path, bytes: u64) -> Duration {
    let content = vec![7; bytes as usize];
    let path = dir.join("file");
    let ((), time) = timed(|| {
        let mut file = File::create(&path).unwrap();
        file.write_all(&content).unwrap();
        file.sync_all().unwrap();
    });
    fs::remove_file(path).unwrap();
    time
}

pub fn bench(run: &Run) {
    let (small, large) = (run.rows(SMALL).min(SMALL), run.rows(50_000));
    let embeddings = Vectors::new(DIM, Numbers::Exact, Like::MiniLm);
    let storages = [small, large].map(|rows| Storage::of_index(rows, &embeddings).packed());
    let [a, b] = &storages;
    let scratch = tempfile::tempdir().unwrap();

    let usual = PersistOptions {
        json: JsonTwin::Never,
        ..PersistOptions::default()
    };
    // Never merges a store because it is short: there is something left to merge.
    let in_pieces = PersistOptions {
        rewrite_below: 0,
        ..usual.clone()
    };
    let rounds = run.rounds(15);
    let (mut in_a, mut in_b) = (0, 0);
    let [in_small, in_large, plain] = by_turns(
        rounds,
        [
            &mut |round| {
                let (time, bytes) = append(a, &format!("new-{round}"), &usual);
                in_a = in_a.max(bytes);
                time
            },
            &mut |round| {
                let (time, bytes) = append(b, &format!("new-{round}"), &usual);
                in_b = in_b.max(bytes);
                time
            },
            &mut |_| write(scratch.path(), (DOCUMENTS * DIM * 4) as u64),
        ],
    );
    assert_eq!(vectors(b), large + rounds * DOCUMENTS);
    println!(
        "  {DOCUMENTS} documents a commit, {small} and {large} rows x {DIM}, medians of {rounds}"
    );
    line("write and sync their vectors", plain, "");
    for (rows, time, most) in [(small, in_small, in_a), (large, in_large, in_b)] {
        let note = format!(
            "{} of that; {most} bytes at most, segments being merged",
            share(time, plain)
        );
        line(&format!("persist, {rows} rows"), time, &note);
    }

    let rounds = run.rounds(5);
    let mut bytes = 0;
    let [merging, copying] = by_turns(
        rounds,
        [
            &mut |round| {
                append(b, &format!("more-{round}"), &in_pieces);
                let (report, time) =
                    timed(|| compact(b.dir(), &CompactOptions::default(), &Silent).unwrap());
                assert!(report.committed);
                bytes = report.stores.iter().map(|store| store.bytes_after).sum();
                time
            },
            &mut |_| write(scratch.path(), length(&b.twin_files())),
        ],
    );
    let rate = |time| format!("{:.2} GB/s", gb_per_s(bytes, time));
    line(
        "compact, each store to one segment",
        merging,
        &rate(merging),
    );
    line("write and sync as many bytes", copying, &rate(copying));
}
