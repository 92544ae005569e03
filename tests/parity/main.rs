//! Somebody moves an index over and the answers change: another order, a score
//! that is a little off, an error in words that nobody can look up. So what real
//! LlamaIndex answered was written down (`record.py`; README.md says how), and is
//! asked here again, of packed stores.
//!
//! `cargo test` replays the small recording in `recording/`. `scripts/parity`
//! makes a large one and replays that:
//!
//!     TWINSTORE_PARITY=DIR cargo test --release --locked --test parity -- --ignored --nocapture

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#[path = "../common/mod.rs"]
mod common;

mod answers;
mod changes;
mod exceptions;
mod histories;
mod judge;
mod lookups;
mod mismatches;
mod persisted;
mod recording;
mod vectors;

use std::{fs, path::Path};

use recording::{VectorCase, committed, dirs, large};
use serde_json::Value;

/// Counts what a recording holds, and compares with what it says of itself: a
/// replay of nothing would find nothing.
fn is_whole(recording: &Path) {
    let about = fs::read_to_string(recording.join("about.json")).unwrap();
    let about: Value = serde_json::from_str(&about).unwrap();
    let count = |what: &str| about["counts"][what].as_u64().unwrap() as usize;

    let vectors = dirs(recording, "vectors");
    assert_eq!(vectors.len(), count("vector stores"));
    let queries = vectors.iter().flat_map(|(_, cases)| cases);
    let queries: Vec<VectorCase> = queries.map(VectorCase::of).collect();
    assert_eq!(queries.len(), count("vector queries"));
    let raised = queries.iter().filter(|case| case.answer.is_err()).count();
    assert_eq!(raised, count("vector queries that raise"));

    let contexts = dirs(recording, "contexts");
    assert_eq!(contexts.len(), count("persist dirs"));
    let lookups: usize = contexts.iter().map(|(_, cases)| cases.len()).sum();
    assert_eq!(lookups, count("lookups"));

    let histories = histories::histories(recording);
    assert_eq!(histories.len(), count("histories"));
    let (mut changes, mut persists, mut raised) = (0, 0, 0);
    for (file, lines) in &histories {
        // The first line is how it begins.
        let of = |name: &str| {
            lines
                .iter()
                .skip(1)
                .filter(|l| l.get(name).is_some())
                .count()
        };
        let (called, persisted) = (of("call"), of("files"));
        assert!(
            called >= 20 && persisted >= 3,
            "{} is short",
            file.display()
        );
        (changes, persists, raised) = (
            changes + called,
            persists + persisted,
            raised + of("raises"),
        );
    }
    assert_eq!(changes, count("changes"));
    assert_eq!(persists, count("persists"));
    assert_eq!(raised, count("changes that raise"));
    assert!(queries.len() >= 200 && lookups >= 200, "{about}");
}

#[test]
fn the_small_recording_is_whole() {
    is_whole(&committed());
}

#[test]
#[ignore = "needs a recording of scripts/parity"]
fn the_large_recording_is_whole() {
    is_whole(&large());
}
