//! One document by its id, and one vector, of a large store: one that was not looked at
//! before, and the same again.

use std::hint::black_box;

use twinstore::StorageContext;

use crate::common::{
    Run, by_turns, line,
    storage::{Like, Numbers, Random, Storage, Vectors, node_id, text},
    timed,
};

/// Ids in one round: a single get is too short for the clock.
const IDS: usize = 100;

pub fn bench(run: &Run) {
    let rows = run.rows(100_000);
    let vectors = Vectors::new(384, Numbers::Decimal, Like::MiniLm);
    let documents = Storage::of_documents(rows).packed();
    let rows_with_vectors = rows.min(20_000);
    let storage = Storage::of_vectors(rows_with_vectors, &vectors).packed();
    let context = StorageContext::from_persist_dir(documents.dir()).unwrap();
    let docstore = context.docstore().unwrap();
    let with_vectors = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let store = with_vectors.vector_store("default").unwrap();

    let ids = |round: usize, rows: usize| -> Vec<(usize, Vec<u8>)> {
        let mut random = Random::new(round ^ 0xd0c5);
        let rows = (0..IDS).map(|_| random.below(rows));
        rows.map(|row| (row, node_id(row).into_bytes())).collect()
    };
    let document = |ids: &[(usize, Vec<u8>)]| {
        let (nodes, time) = timed(|| {
            let nodes = ids.iter().map(|(_, id)| docstore.get(id).unwrap().unwrap());
            nodes.collect::<Vec<_>>()
        });
        for ((row, _), node) in ids.iter().zip(nodes) {
            assert_eq!(node.text(), text(*row).into_bytes());
        }
        time / IDS as u32
    };
    let rounds = run.rounds(100);
    println!("  {rows} documents, medians of {rounds} times {IDS}");
    let [far, again, vector] = by_turns(
        rounds,
        [
            &mut |round| document(&ids(round, rows)),
            &mut |round| {
                let one = ids(round, rows).remove(0);
                document(&vec![one; IDS])
            },
            &mut |round| {
                let ids = ids(round, rows_with_vectors);
                let ((), time) = timed(|| {
                    for (_, id) in &ids {
                        black_box(store.get(id).unwrap().unwrap());
                    }
                });
                let (row, id) = &ids[0];
                assert_eq!(store.get(id).unwrap().unwrap(), vectors.vector(*row));
                time / IDS as u32
            },
        ],
    );
    line("a document, any", far, "");
    line("the same document again", again, "");
    line("a vector of 384 f64, any", vector, "");
}
