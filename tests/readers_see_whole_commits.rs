//! One process writes; eight others read all the time. Segments are merged and files
//! removed under them. No reader may ever meet an error, or half a commit.
//!
//! Two seconds here; `scripts/soak` runs it for as long as one likes, and then nothing that
//! a process uses may grow either.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;
#[path = "common/usage.rs"]
mod usage;

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use common::{
    Storage,
    library::{DIM, documents, embedding, insert, new_library},
};
use twinstore::{
    StorageContext,
    persist_dir::manifest,
    search::VectorStoreQuery,
    storage_context::{JsonTwin, PersistOptions},
};
use usage::Growth;

const DIR: &str = "TWINSTORE_TEST_READERS_DIR";
const SECONDS: &str = "TWINSTORE_SOAK_SECONDS";
const READERS: usize = 8;
/// A run of so many seconds is long enough to tell growth from chance.
const LONG: u64 = 60;
/// Usage is looked at once in so many times.
const EACH: usize = 16;
/// Documents that there are at any time: those of the last commits.
const KEPT: usize = 40;

fn stop_file(dir: &Path) -> std::path::PathBuf {
    dir.join("stop")
}

fn time() -> Duration {
    let seconds = std::env::var(SECONDS).ok().and_then(|s| s.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// The name of the document of commit `n`; numbers sort as they count.
fn document(n: usize) -> String {
    format!("commit-{n:08}")
}

/// Not a test of its own: what the readers do.
#[test]
fn one_of_the_readers() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let mut context = StorageContext::from_persist_dir(dir).unwrap();
    let (mut looks, mut newer) = (0, 0);
    let (start, time, mut growth) = (Instant::now(), time(), Growth::default());
    while !stop_file(dir).exists() || looks == 0 {
        newer += usize::from(context.reload().unwrap());
        // All three stores agree, or this panics. And what they hold is what one
        // commit left: the documents of so many commits, without a gap.
        let found = documents(&context).unwrap();
        let last = found.last().unwrap();
        let last: usize = last.strip_prefix("commit-").unwrap().parse().unwrap();
        let first = (last + 1).saturating_sub(KEPT);
        let expected: Vec<_> = (first..=last).map(document).collect();
        assert_eq!(found, expected);
        let id = format!("{}-0", document(last));
        let query = VectorStoreQuery::new(&embedding(&id, DIM)).top_k(1);
        let hits = context
            .vector_store("default")
            .unwrap()
            .query(&query)
            .unwrap();
        assert_eq!(hits[0].id, id.as_bytes());
        looks += 1;
        if looks % EACH == 0 {
            growth.look(&dir.join("twin"), start.elapsed(), time);
        }
    }
    println!("\n{looks} looks at {newer} generations");
    if time.as_secs() >= LONG {
        growth.report("a reader");
    }
}

#[test]
fn readers_see_whole_commits() {
    let time = time();
    let storage = Storage::with([]);
    let dir = storage.dir();
    let options = PersistOptions {
        json: JsonTwin::Never,
        ..PersistOptions::default()
    };
    let mut writer = new_library();
    insert(&mut writer, &document(0), 2, "text");
    writer.persist_with(&dir, &options).unwrap();
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["one_of_the_readers", "--nocapture"])
                .env(DIR, &dir)
                .spawn()
                .unwrap()
        })
        .collect();
    let (start, mut growth) = (Instant::now(), Growth::default());
    let mut commits = 1;
    while start.elapsed() < time {
        insert(
            &mut writer,
            &document(commits),
            1 + commits % 7,
            &"text ".repeat(commits % 50),
        );
        if commits >= KEPT {
            writer
                .delete_ref_doc(document(commits - KEPT).as_bytes())
                .unwrap();
        }
        let report = writer.persist_with(&dir, &options).unwrap();
        assert!(report.warnings.is_empty(), "{report:?}");
        commits += 1;
        if commits % EACH == 0 {
            growth.look(&storage.twin(), start.elapsed(), time);
        }
    }
    fs::write(stop_file(&dir), "").unwrap();
    for mut reader in readers {
        assert!(reader.wait().unwrap().success(), "a reader failed");
    }
    println!("{commits} commits");
    if time.as_secs() >= LONG {
        growth.report("the writer, and twin/");
    }
    // No stale file is left: what is there is named by one of two generations.
    let twin = storage.twin();
    let generations = manifest::generations(&twin).unwrap();
    assert_eq!(generations.len(), 2);
    let mut named: Vec<String> = vec!["LOCK".into(), "sync".into()];
    for generation in generations {
        let manifest = manifest::read(&twin, generation).unwrap();
        named.push(format!("manifest-{generation:010}"));
        named.extend(manifest.segments().map(|s| s.name.to_string()));
    }
    for name in storage.twin_files().into_keys() {
        assert!(named.contains(&name), "{name} is left");
    }
}
