//! What `verify` takes beside reading the same files, and what `--deep` takes.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use twinstore::convert::{Silent, VerifyOptions, verify};

use crate::common::{
    Run, by_turns, gb_per_s, line, share,
    storage::{Like, Numbers, Storage, Vectors, length},
    timed,
};

/// Reads files from their beginning to their end.
fn read(files: &[PathBuf]) -> Duration {
    let mut buffer = vec![0; 1 << 20];
    let (bytes, time) = timed(|| {
        let mut bytes = 0;
        for path in files {
            let mut file = File::open(path).unwrap();
            loop {
                match file.read(&mut buffer).unwrap() {
                    0 => break,
                    n => bytes += n as u64,
                }
            }
        }
        bytes
    });
    assert_eq!(bytes, length(files));
    time
}

fn check(dir: &Path, bytes: u64, deep: bool) -> Duration {
    let options = VerifyOptions {
        deep,
        ..VerifyOptions::default()
    };
    let (report, time) = timed(|| verify(dir, &options, &Silent).unwrap());
    assert!(report.problems.is_empty());
    assert_eq!(report.bytes, bytes);
    time
}

pub fn bench(run: &Run) {
    let rows = run.rows(50_000);
    let vectors = Vectors::new(384, Numbers::Exact, Like::MiniLm);
    let storage = Storage::of_index(rows, &vectors).packed();
    let (dir, files) = (storage.dir(), storage.twin_files());
    let bytes = length(&files);
    let rounds = run.rounds(15);
    println!("  {rows} x 384 with documents, {bytes} bytes, medians of {rounds}");
    let [reading, light, deep] = by_turns(
        rounds,
        [
            &mut |_| read(&files),
            &mut |_| check(dir, bytes, false),
            &mut |_| check(dir, bytes, true),
        ],
    );
    let rate = |time| format!("{:.2} GB/s", gb_per_s(bytes, time));
    line("reading the files", reading, &rate(reading));
    let part = 100.0 * reading.as_secs_f64() / light.as_secs_f64();
    let note = format!("{}, {part:.0} % of that speed", rate(light));
    line("verify", light, &note);
    line(
        "verify --deep",
        deep,
        &format!("{}, {}", rate(deep), share(deep, light)),
    );
}
