//! Replays the seeds of the fuzz targets, so that what fuzzing once found
//! stays found by `cargo test`. The targets are the same code.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

#[path = "../fuzz/src/lib.rs"]
mod targets;

fn fuzz() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut paths: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Runs a target over its seeds, and over other files that are inputs as they are.
fn replay(name: &str, others: &[PathBuf]) {
    let target = targets::TARGETS.iter().find(|(known, _)| *known == name);
    let (_, run) = target.unwrap();
    let seeds = files(&fuzz().join("seeds").join(name));
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for path in seeds.iter().chain(others) {
        // Shown when the test fails: the last one is the one.
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
    }
}

/// Golden and bad files.
fn binary_files() -> Vec<PathBuf> {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut paths = files(&tests.join("golden/v1"));
    paths.extend(files(&tests.join("bad")));
    paths.retain(|path| fs::read(path).unwrap().first() == Some(&0x89));
    assert!(paths.len() > 300);
    paths
}

macro_rules! seeds {
    ($($test:ident: $name:literal, $others:expr;)*) => {
        $(
            #[test]
            fn $test() {
                replay($name, &$others);
            }
        )*

        /// A target is in the list, in the manifest that cargo-fuzz reads, and here.
        #[test]
        fn every_target_is_replayed() {
            let listed: Vec<_> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
            assert_eq!(listed, [$($name),*]);
            let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
            let bins = manifest.split("[[bin]]\nname = \"").skip(1);
            let bins: Vec<_> = bins.map(|bin| bin.split('"').next().unwrap()).collect();
            assert_eq!(listed, bins);
        }
    };
}

seeds! {
    json_scanner_seeds: "json_scanner", [];
    style_seeds: "style", [];
    pack_unpack_seeds: "pack_unpack", [];
    container_open_seeds: "container_open", binary_files();
    vector_segment_seeds: "vector_segment", binary_files();
    record_segment_seeds: "record_segment", binary_files();
    tombstones_seeds: "tombstones", binary_files();
    manifest_seeds: "manifest", binary_files();
    sync_seeds: "sync", binary_files();
    columns_filters_seeds: "columns_filters", [];
    query_seeds: "query", binary_files();
    commands_seeds: "commands", binary_files();
    stateful_seeds: "stateful", [];
}

/// What the harness takes apart and puts together again is the same file.
#[test]
fn bases_are_whole() {
    targets::each_base(|bytes, again| assert!(bytes == again));
}

/// Seeds are in Git: they stay small.
#[test]
fn seeds_are_few_and_small() {
    let targets = files(&fuzz().join("seeds"));
    let seeds = targets.iter().flat_map(|dir| files(dir));
    let length: u64 = seeds.map(|path| path.metadata().unwrap().len()).sum();
    assert!(length < 2_000_000, "{length} bytes");
}
