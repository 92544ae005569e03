//! Two contexts of one generation change different things. The second persists with
//! `rebase`, and the directory holds what it would hold if all had been done in one
//! context, one after another: to the byte, whatever was appended and merged between.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::path::Path;

use common::{
    Files, Storage,
    library::{insert, new_library},
};
use twinstore::{
    StorageContext,
    convert::{CompactOptions, Silent, compact, json_of_records, json_of_vectors},
    storage_context::{JsonTwin, PersistOptions},
    store::{ChatMessage, LabelledNode, Relation},
};

struct Random(u64);
impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

fn options(below: u64, rebase: bool) -> PersistOptions {
    PersistOptions {
        json: JsonTwin::Never,
        rewrite_below: below,
        rebase,
        ..PersistOptions::default()
    }
}

fn open(dir: &Path) -> StorageContext {
    StorageContext::from_persist_dir(dir).unwrap()
}

fn texts(context: &StorageContext) -> Vec<(&'static str, String)> {
    let s = |t: Vec<u8>| String::from_utf8_lossy(&t).into_owned();
    let mut all = vec![
        (
            "docs",
            s(json_of_records(context.docstore().unwrap().records()).unwrap()),
        ),
        (
            "index",
            s(json_of_records(context.index_store().unwrap().records()).unwrap()),
        ),
        (
            "graph",
            s(json_of_records(context.graph_store().unwrap().records()).unwrap()),
        ),
        (
            "vectors",
            s(json_of_vectors(context.vector_store("default").unwrap()).unwrap()),
        ),
    ];
    if let Some(p) = context.property_graph_store().unwrap() {
        all.push(("pg", s(json_of_records(p.records()).unwrap())));
    }
    if let Some(c) = context.chat_store().unwrap().records() {
        all.push(("chat", s(json_of_records(c).unwrap())));
    }
    all
}

fn entity(name: &str, v: usize) -> LabelledNode {
    LabelledNode::from_json(
        format!(r#"{{"label":"L","embedding":null,"properties":{{"v":{v}}},"name":"{name}"}}"#)
            .into_bytes(),
    )
    .unwrap()
}
fn relation(a: &str, b: &str) -> Relation {
    Relation::from_json(
        format!(r#"{{"label":"R","source_id":"{a}","target_id":"{b}","properties":{{}}}}"#)
            .into_bytes(),
    )
    .unwrap()
}

#[derive(Debug, Clone)]
enum Op {
    Insert(String, usize, String),
    Delete(String),
    Triplet(String, String),
    Untriplet(String, String),
    Entity(String, usize),
    Relation(String, String),
    Chat(String),
    Unchat(String),
    Hash(String),
    Struct(String, usize),
    Unstruct(String),
}

fn op(r: &mut Random, side: &str) -> Op {
    let name = |r: &mut Random| format!("{side}{}", r.below(5));
    match r.below(40) {
        0..10 => Op::Insert(name(r), 1 + r.below(3), format!("t{}", r.below(3))),
        10..15 => Op::Delete(name(r)),
        15..18 => Op::Triplet(name(r), name(r)),
        18..20 => Op::Untriplet(name(r), name(r)),
        20..23 => Op::Entity(name(r), r.below(3)),
        23..27 => Op::Relation(name(r), name(r)),
        29..32 => Op::Chat(name(r)),
        32..33 => Op::Unchat(name(r)),
        33..36 => Op::Struct(name(r), r.below(6)),
        36..37 => Op::Unstruct(name(r)),
        _ => Op::Hash(name(r)),
    }
}

fn apply(context: &mut StorageContext, op: &Op) {
    match op {
        Op::Insert(d, n, t) => {
            let _ = context.delete_ref_doc(d.as_bytes());
            insert(context, d, *n, t);
        }
        Op::Delete(d) => {
            let _ = context.delete_ref_doc(d.as_bytes());
        }
        Op::Triplet(a, b) => context
            .graph_store_mut()
            .unwrap()
            .upsert_triplet(a.as_bytes(), b"r", b.as_bytes())
            .unwrap(),
        Op::Untriplet(a, b) => {
            let _ =
                context
                    .graph_store_mut()
                    .unwrap()
                    .remove_triplet(a.as_bytes(), b"r", b.as_bytes());
        }
        Op::Entity(a, v) => context
            .property_graph_store_mut()
            .unwrap()
            .upsert_nodes(&[entity(a, *v)])
            .unwrap(),
        Op::Relation(a, b) => {
            let pg = context.property_graph_store_mut().unwrap();
            pg.upsert_nodes(&[entity(a, 0), entity(b, 0)]).unwrap();
            pg.upsert_relations(&[relation(a, b)]).unwrap();
        }
        Op::Chat(k) => {
            let m = ChatMessage::from_json(
                br#"{"role":"user","additional_kwargs":{},"blocks":[]}"#.to_vec(),
            )
            .unwrap();
            context
                .chat_store_mut()
                .unwrap()
                .add_message(k.as_bytes(), m, None)
                .unwrap();
        }
        Op::Unchat(k) => {
            let _ = context
                .chat_store_mut()
                .unwrap()
                .delete_messages(k.as_bytes())
                .unwrap();
        }
        Op::Hash(d) => context
            .docstore_mut()
            .unwrap()
            .set_document_hash(d.as_bytes(), b"hh")
            .unwrap(),
        Op::Struct(id, n) => {
            let entries: Vec<_> = (0..*n).map(|n| format!(r#"\"k{n}\": \"k{n}\""#)).collect();
            let r = format!(
                r#"{{"__type__": "vector_store", "__data__": "{{\"index_id\": \"ix-{id}\", \"summary\": null, \"nodes_dict\": {{{}}}, \"doc_id_dict\": {{}}, \"embeddings_dict\": {{}}}}"}}"#,
                entries.join(", ")
            );
            context
                .index_store_mut()
                .unwrap()
                .add_index_struct(r.as_bytes())
                .unwrap();
        }
        Op::Unstruct(id) => {
            context
                .index_store_mut()
                .unwrap()
                .delete_index_struct(format!("ix-{id}").as_bytes())
                .unwrap();
        }
    }
}

fn case(seed: u64) {
    let mut r = Random(seed);
    for _ in 0..8 {
        r.below(2);
    }
    let below = [0, 0, 512 << 10][r.below(3)];
    let storage = Storage::in_memory(&Files::new());
    let mut base = new_library();
    for side in ["a", "b"] {
        for n in 0..3 {
            insert(&mut base, &format!("{side}{n}"), 2, "base");
        }
    }
    for op in [
        Op::Triplet("a0".into(), "a1".into()),
        Op::Entity("a0".into(), 1),
        Op::Relation("b0".into(), "b1".into()),
        Op::Chat("a0".into()),
    ] {
        apply(&mut base, &op);
    }
    base.persist_with(storage.dir(), &options(below, false))
        .unwrap();
    for _ in 0..r.below(4) {
        let o = op(&mut r, ["a", "b"][seed as usize % 2]);
        apply(&mut base, &o);
        base.persist_with(storage.dir(), &options(below, false))
            .unwrap();
    }
    let mut a = open(&storage.dir());
    let mut b = open(&storage.dir());
    let ops_b: Vec<Op> = (0..1 + r.below(8)).map(|_| op(&mut r, "b")).collect();
    let ops_a: Vec<Op> = (0..1 + r.below(8)).map(|_| op(&mut r, "a")).collect();
    for (n, o) in ops_b.iter().enumerate() {
        apply(&mut b, o);
        if n % 3 == 1 {
            b.persist_with(storage.dir(), &options(below, false))
                .unwrap();
        }
    }
    b.persist_with(storage.dir(), &options(below, false))
        .unwrap();
    if r.below(2) == 0 {
        compact(&storage.dir(), &CompactOptions::default(), &Silent).unwrap();
    }
    let mut sequential = open(&storage.dir());
    for o in &ops_a {
        apply(&mut a, o);
        apply(&mut sequential, o);
    }
    let expected = texts(&sequential);
    match a.persist_with(storage.dir(), &options(below, true)) {
        Ok(_) => {}
        Err(e) => panic!("seed {seed}: {e}\nb: {ops_b:?}\na: {ops_a:?}"),
    }
    for (got, want) in texts(&open(&storage.dir())).iter().zip(&expected) {
        assert_eq!(got, want, "seed {seed}\nb: {ops_b:?}\na: {ops_a:?}");
    }
    assert!(storage.verify_deep().problems.is_empty());
    compact(&storage.dir(), &CompactOptions::default(), &Silent).unwrap();
    for (got, want) in texts(&open(&storage.dir())).iter().zip(&expected) {
        assert_eq!(got, want, "seed {seed} compacted");
    }
}

#[test]
fn rebase_is_as_one_after_another() {
    for seed in 0..100 {
        case(seed);
    }
}
