//! Runs a target over files, without libFuzzer:
//!
//!     cargo run --no-default-features --bin replay -- TARGET PATH…
//!
//! A path is a file, or a directory of files. The first input that breaks something
//! ends it, as the last name that was printed.

use std::{fs, path::PathBuf, process::ExitCode, time::Instant};

use twinstore_fuzz::TARGETS;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (Some((_, run)), false) = (target, paths.is_empty()) else {
        let names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "usage: replay TARGET PATH…, where TARGET is {}",
            names.join(", ")
        );
        return ExitCode::from(2);
    };
    let (start, mut count) = (Instant::now(), 0);
    for path in files(paths) {
        println!("{}", path.display());
        match fs::read(&path) {
            Ok(input) => run(&input),
            Err(e) => {
                eprintln!("{}: {e}", path.display());
                return ExitCode::from(2);
            }
        }
        count += 1;
    }
    println!("{count} inputs in {} ms", start.elapsed().as_millis());
    ExitCode::SUCCESS
}

/// The files there are, in order.
fn files(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        match fs::read_dir(&path) {
            Ok(list) => files.extend(list.flatten().map(|entry| entry.path())),
            Err(_) => files.push(path),
        }
    }
    files.sort();
    files
}
