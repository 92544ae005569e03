//! What twinstore takes, beside what the machine allows: `cargo bench`.
//!
//! `cargo bench -- open query` does some of it, `--rows N` makes stores of another
//! size. One file a concept. Each makes its stores, checks what it is told, and then
//! measures by turns what it compares, so that only the ratios in a table count. With
//! `cargo test --benches` all is done once, on small stores.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a program")]

mod change;
mod common;
mod get;
#[path = "../tests/common/library.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod library;
mod open;
mod pack;
mod query;
mod sketch;
mod verify;

use common::Run;

/// Its name, and what it does.
type Bench = (&'static str, fn(&Run));

const BENCHES: [Bench; 7] = [
    ("open", open::bench),
    ("query", query::bench),
    ("sketch", sketch::bench),
    ("get", get::bench),
    ("pack", pack::bench),
    ("change", change::bench),
    ("verify", verify::bench),
];

fn main() {
    if open::measure_memory_if_asked() {
        return;
    }
    let run = Run::from_arguments();
    for (name, bench) in BENCHES {
        if run.wants(name) {
            println!("\n{name}");
            bench(&run);
        }
    }
}
