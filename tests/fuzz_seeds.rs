//! Replays the seeds of the fuzz targets, so that what fuzzing once found
//! stays found by `cargo test`. The bodies of the targets are the same files.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

#[path = "../fuzz/src/container_open.rs"]
mod container_open;
#[path = "../fuzz/src/json_scanner.rs"]
mod json_scanner;
#[path = "../fuzz/src/pack_unpack.rs"]
mod pack_unpack;

fn seeds(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target)
}

fn replay(target: &str, run: fn(&[u8])) {
    let list = fs::read_dir(seeds(target)).unwrap_or_else(|e| panic!("seeds of {target}: {e}"));
    let mut paths: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target} has no seeds");
    for path in paths {
        // Shown when the test fails: the last one is the one.
        println!("{}", path.display());
        run(&fs::read(&path).unwrap());
    }
}

#[test]
fn json_scanner_seeds() {
    replay("json_scanner", json_scanner::run);
}

#[test]
fn pack_unpack_seeds() {
    replay("pack_unpack", pack_unpack::run);
}

#[test]
fn container_open_seeds() {
    replay("container_open", container_open::run);
}

/// Seeds that hold binary files of the current format: one for each file the
/// harness starts from, as it is (they must open), and unchanged in built mode.
///
/// Not a test: after a change of the format, run
/// `cargo test --test fuzz_seeds -- --ignored make_container_seeds`.
#[test]
#[ignore = "writes fuzz/seeds/container_open/base-*"]
fn make_container_seeds() {
    let dir = seeds("container_open");
    fs::create_dir_all(&dir).unwrap();
    for (n, (kind, bytes)) in container_open::base_files().iter().enumerate() {
        let name = format!("base-{n}-{}", format!("{kind:?}").to_lowercase());
        fs::write(dir.join(&name), [&[0], bytes.as_slice()].concat()).unwrap();
        fs::write(dir.join(format!("{name}-built")), [1, n as u8]).unwrap();
    }
}

/// What the harness takes apart and puts together again is the same file.
#[test]
fn bases_are_whole() {
    for (parts, (_, bytes)) in container_open::bases()
        .iter()
        .zip(container_open::base_files())
    {
        assert!(parts.clone().assemble().0 == bytes);
    }
}
