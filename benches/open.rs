//! What opening costs, a small directory and a large one by turns: it should be the
//! same. And how much memory it takes, in a process of its own.

use std::{path::Path, process::Command, time::Duration};

use twinstore::{StorageContext, load_index_from_storage, search::VectorStoreQuery};

use crate::{
    common::{
        Run, by_turns, line, share,
        storage::{Like, Numbers, Storage, Vectors, node_id},
        timed,
    },
    library::INDEX,
};

const DIM: usize = 384;
const SMALL: usize = 1000;

/// Names the directory that a process opens which is there for its memory.
const OPENED_FOR_MEMORY: &str = "TWINSTORE_BENCH_OPENED_FOR_MEMORY";

/// Opens the directory and each of its stores, as an application does at its start.
fn open(dir: &Path) -> StorageContext {
    let context = StorageContext::from_persist_dir(dir).unwrap();
    context.vector_store("default").unwrap();
    context.docstore().unwrap();
    context.index_store().unwrap();
    context.graph_store().unwrap();
    context
}

pub fn bench(run: &Run) {
    let (small, large) = (run.rows(SMALL).min(SMALL), run.rows(100_000));
    let vectors = Vectors::new(DIM, Numbers::Exact, Like::MiniLm);
    let embedding = vectors.vector(3);
    let storages = [small, large].map(|rows| Storage::of_index(rows, &vectors).packed());

    let alone = |storage: &Storage| {
        let (context, time) = timed(|| StorageContext::from_persist_dir(storage.dir()).unwrap());
        assert_eq!(context.generation(), Some(1));
        time
    };
    let whole = |storage: &Storage| {
        let (context, time) = timed(|| open(storage.dir()));
        let rows = context.docstore().unwrap().len().unwrap();
        assert_eq!(rows, storage.rows as u64);
        time
    };
    let index = |storage: &Storage| {
        let (id, time) = timed(|| {
            let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
            let index = load_index_from_storage(&context, Some(INDEX)).unwrap();
            index.index_id().to_owned()
        });
        assert_eq!(id, INDEX);
        time
    };
    let first = |storage: &Storage| -> Duration {
        let ((hit, text), time) = timed(|| {
            let context = open(storage.dir());
            let query = VectorStoreQuery::new(&embedding).top_k(10);
            let vectors = context.vector_store("default").unwrap();
            let hit = vectors.query(&query).unwrap().remove(0);
            let node = context.docstore().unwrap().get(&hit.id).unwrap().unwrap();
            (hit, node.text().into_owned())
        });
        assert_eq!(hit.id, node_id(3).into_bytes());
        assert!(text.len() >= 1000);
        time
    };
    let rounds = run.rounds(100);
    println!("  {small} and {large} rows x {DIM}, medians of {rounds}");
    let [a, b] = &storages;
    for (what, time) in [
        ("from_persist_dir", &alone as &dyn Fn(&Storage) -> Duration),
        ("and all its stores", &whole),
        ("and load_index_from_storage", &index),
        ("and a first query and its document", &first),
    ] {
        let [small_time, large_time] = by_turns(rounds, [&mut |_| time(a), &mut |_| time(b)]);
        line(&format!("{what}, {small} rows"), small_time, "");
        line(
            &format!("{what}, {large}"),
            large_time,
            &share(large_time, small_time),
        );
    }
    for storage in &storages {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        let output = command.env(OPENED_FOR_MEMORY, storage.dir()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        let told = String::from_utf8(output.stdout).unwrap();
        println!("  memory, {} rows: {}", storage.rows, told.trim());
    }
}

/// Opens the directory in a process that is there for its memory, and tells how much that
/// takes; whether this is one.
pub fn measure_memory_if_asked() -> bool {
    let Some(dir) = std::env::var_os(OPENED_FOR_MEMORY) else {
        return false;
    };
    let before = own_memory();
    let context = open(Path::new(&dir));
    let vectors = context.vector_store("default").unwrap();
    let opened = own_memory();
    let embedding = vectors.get(&node_id(3).into_bytes()).unwrap().unwrap();
    let hits = vectors.query(&VectorStoreQuery::new(&embedding).top_k(10));
    assert_eq!(hits.unwrap().remove(0).id, node_id(3).into_bytes());
    match (before, opened, own_memory()) {
        (Some(before), Some(opened), Some(asked)) => {
            let taken = opened.saturating_sub(before);
            assert!(taken < 5000, "{before} kB, then {opened}");
            println!("{before} kB before, {opened} kB when open, {asked} kB after a query");
        }
        _ => println!("this system does not tell"),
    }
    true
}

/// Private anonymous memory of this process, in kB.
fn own_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut words = status.split_once("RssAnon:")?.1.split_whitespace();
    words.next()?.parse().ok()
}
