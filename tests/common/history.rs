//! Histories of changes to a directory, at random, and the dicts in memory that say what
//! it must hold.

use std::path::PathBuf;

use proptest::{prelude::*, sample::select};
use twinstore::{
    Result, StorageContext,
    convert::{CompactOptions, Silent, compact},
    disk,
    search::VectorStoreQuery,
    storage_context::{JsonTwin, PersistOptions, PersistReport},
};

use crate::common::library::{DIM, embedding, insert, new_library, node_id};

/// What is done to a context, or to the directory that it is of.
#[derive(Debug, Clone)]
pub enum Op {
    /// A document of so many nodes, with this text; one that is there grows or changes.
    Insert(u8, u8, u8),
    Delete(u8),
    DeleteNodes(u8),
    ClearVectors,
    Message(u8, u8),
    DeleteLast(u8),
    Triplet(u8, u8),
    Persist(JsonTwin),
    Reopen,
    /// A change in memory that is given up.
    Forget,
    Compact,
    Move,
    Reload,
}

fn op() -> impl Strategy<Value = Op> {
    let json = select(vec![JsonTwin::Auto, JsonTwin::Always, JsonTwin::Never]);
    prop_oneof![
        8 => (0..6_u8, 1..4_u8, any::<u8>()).prop_map(|(d, n, t)| Op::Insert(d, n, t)),
        4 => (0..6_u8).prop_map(Op::Delete),
        1 => (0..6_u8).prop_map(Op::DeleteNodes),
        1 => Just(Op::ClearVectors),
        3 => (0..3_u8, any::<u8>()).prop_map(|(k, t)| Op::Message(k, t)),
        1 => (0..3_u8).prop_map(Op::DeleteLast),
        3 => (0..3_u8, 0..4_u8).prop_map(|(s, o)| Op::Triplet(s, o)),
        5 => json.prop_map(Op::Persist),
        2 => Just(Op::Reopen),
        1 => Just(Op::Forget),
        1 => Just(Op::Compact),
        1 => Just(Op::Move),
        1 => Just(Op::Reload),
    ]
}

/// At least 20 operations, 3 commits, and a compaction.
pub fn history() -> impl Strategy<Value = Vec<Op>> {
    let json = || select(vec![JsonTwin::Auto, JsonTwin::Always, JsonTwin::Never]);
    let part = || prop::collection::vec(op(), 6..14);
    let insert = || (0..6_u8, 1..4_u8, any::<u8>()).prop_map(|(d, n, t)| Op::Insert(d, n, t));
    (
        part(),
        insert(),
        json(),
        part(),
        insert(),
        json(),
        part(),
        insert(),
        json(),
    )
        .prop_map(|(a, i, x, b, j, y, c, k, z)| {
            let mut all = a;
            all.extend([i, Op::Persist(x)]);
            all.extend(b);
            all.extend([j, Op::Persist(y), Op::Compact]);
            all.extend(c);
            all.extend([k, Op::Persist(z), Op::Reopen]);
            all
        })
}

/// A dict: what is put anew keeps its place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dict<V>(pub Vec<(String, V)>);

impl<V> Dict<V> {
    fn put(&mut self, key: &str, value: V) {
        match self.0.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    fn remove(&mut self, key: &str) -> Option<V> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }

    fn entry(&mut self, key: &str, new: V) -> &mut V {
        if !self.0.iter().any(|(k, _)| k == key) {
            self.0.push((key.to_owned(), new));
        }
        let found = self.0.iter_mut().find(|(k, _)| k == key);
        &mut found.unwrap().1
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(key, _)| key.as_str()).collect()
    }
}

/// What dicts in memory hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// Text by node.
    pub nodes: Dict<String>,
    /// Nodes by document.
    pub documents: Dict<Vec<String>>,
    /// Document by vector.
    pub vectors: Dict<String>,
    pub in_index: Dict<()>,
    pub chats: Dict<Vec<String>>,
    pub graph: Dict<Vec<String>>,
}

/// A directory, a context of it, and what both must hold.
pub struct World {
    pub dir: PathBuf,
    pub context: StorageContext,
    pub model: Model,
    /// What was persisted last.
    pub kept: Option<Model>,
    moves: usize,
    /// Below this, stores are written whole; 0: changes are always appended.
    rewrite_below: u64,
}

impl World {
    /// A world of which nothing is on disk yet: `dir` is no directory.
    pub fn new(dir: PathBuf, rewrite_below: u64) -> World {
        World {
            dir,
            context: new_library(),
            model: Model::default(),
            kept: None,
            moves: 0,
            rewrite_below,
        }
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Insert(d, nodes, t) => {
                let (document, text) = (format!("doc-{d}"), format!("text {t}"));
                insert(&mut self.context, &document, usize::from(*nodes), &text);
                for n in 0..usize::from(*nodes) {
                    let id = node_id(&document, n);
                    self.model.nodes.put(&id, format!("{text} {n}"));
                    let parts = self.model.documents.entry(&document, Vec::new());
                    if !parts.contains(&id) {
                        parts.push(id.clone());
                    }
                    self.model.vectors.put(&id, document.clone());
                    self.model.in_index.put(&id, ());
                }
            }
            Op::Delete(d) => {
                let document = format!("doc-{d}");
                let deleted = self.context.delete_ref_doc(document.as_bytes());
                let parts = self.model.documents.remove(&document);
                let before = self.model.vectors.0.len();
                self.model.vectors.0.retain(|(_, of)| *of != document);
                let known = parts.is_some() || self.model.vectors.0.len() != before;
                assert_eq!(deleted.is_ok(), known, "{deleted:?}");
                for id in parts.unwrap_or_default() {
                    self.model.nodes.remove(&id);
                    self.model.in_index.remove(&id);
                }
            }
            Op::DeleteNodes(d) => {
                let ids = [node_id(&format!("doc-{d}"), 0)];
                let vectors = self.context.vector_store_mut("default").unwrap();
                let bytes = ids.clone().map(String::into_bytes);
                vectors.delete_nodes(Some(&bytes), None).unwrap();
                self.model.vectors.remove(&ids[0]);
            }
            Op::ClearVectors => {
                let vectors = self.context.vector_store_mut("default").unwrap();
                vectors.clear().unwrap();
                self.model.vectors.0.clear();
            }
            Op::Message(k, t) => {
                let text = format!(r#"{{"role":"user","content":"{t}"}}"#);
                let message = twinstore::store::ChatMessage::from_json(text.clone().into());
                let chats = self.context.chat_store_mut().unwrap();
                let key = format!("user-{k}");
                chats
                    .add_message(key.as_bytes(), message.unwrap(), None)
                    .unwrap();
                self.model.chats.entry(&key, Vec::new()).push(text);
            }
            Op::DeleteLast(k) => {
                let key = format!("user-{k}");
                let chats = self.context.chat_store_mut().unwrap();
                let deleted = chats.delete_last_message(key.as_bytes());
                let chat = self.model.chats.0.iter_mut().find(|(k, _)| *k == key);
                // Of an empty conversation, Python pops nothing: an IndexError.
                let popped = chat.map(|(_, messages)| messages.pop());
                assert_eq!(deleted.is_err(), popped == Some(None));
            }
            Op::Triplet(s, o) => {
                let (subject, object) = (format!("s-{s}"), format!("o-{o}"));
                let graph = self.context.graph_store_mut().unwrap();
                graph
                    .upsert_triplet(subject.as_bytes(), b"is", object.as_bytes())
                    .unwrap();
                let objects = self.model.graph.entry(&subject, Vec::new());
                if !objects.contains(&object) {
                    objects.push(object);
                }
            }
            Op::Persist(json) => self.persist(*json),
            Op::Reopen => {
                self.persist(JsonTwin::Auto);
                self.context = StorageContext::from_persist_dir(&self.dir).unwrap();
            }
            Op::Forget => {
                if let Some(kept) = &self.kept {
                    self.model = kept.clone();
                    self.context = StorageContext::from_persist_dir(&self.dir).unwrap();
                }
            }
            Op::Compact => {
                if self.kept.is_some() {
                    compact(&self.dir, &CompactOptions::default(), &Silent).unwrap();
                }
            }
            // What an interrupted first commit left has the name already.
            Op::Move if self.kept.is_none() && self.dir.exists() => {}
            Op::Move => {
                self.moves += 1;
                let target = self.dir.with_file_name(format!("copy-{}", self.moves));
                self.context.persist(&target).unwrap();
                let copy = StorageContext::from_persist_dir(&target).unwrap();
                check(&copy, &self.model);
                if self.kept.is_none() {
                    // It is of that directory now. Let it be of the other one.
                    disk::rename(&target, &self.dir).unwrap();
                    disk::sync_dir(self.dir.parent().unwrap()).unwrap();
                    self.context = StorageContext::from_persist_dir(&self.dir).unwrap();
                    self.kept = Some(self.model.clone());
                }
            }
            Op::Reload => {
                if !self.context.has_changes().unwrap() {
                    self.context.reload().unwrap();
                }
            }
        }
    }

    fn persist(&mut self, json: JsonTwin) {
        let report = self.try_persist(json).unwrap();
        assert!(report.warnings.is_empty(), "{report:?}");
        assert!(!self.context.has_changes().unwrap());
        self.kept = Some(self.model.clone());
        let other = StorageContext::from_persist_dir(&self.dir).unwrap();
        check(&other, &self.model);
    }

    pub fn try_persist(&mut self, json: JsonTwin) -> Result<PersistReport> {
        let options = PersistOptions {
            json,
            // A context of nothing is persisted, too.
            allow_empty: true,
            rewrite_below: self.rewrite_below,
            ..PersistOptions::default()
        };
        self.context.persist_with(&self.dir, &options)
    }
}

/// Everything that a context tells is what the model has.
pub fn check(context: &StorageContext, model: &Model) {
    let docstore = context.docstore().unwrap();
    let ids: Vec<Vec<u8>> = docstore.ids().unwrap().map(|id| id.unwrap()).collect();
    assert_eq!(
        ids,
        model
            .nodes
            .keys()
            .iter()
            .map(|k| k.as_bytes())
            .collect::<Vec<_>>()
    );
    for (id, text) in &model.nodes.0 {
        let node = docstore.get_document(id.as_bytes()).unwrap();
        assert_eq!(&*node.text(), text.as_bytes());
    }
    let infos = docstore
        .all_ref_doc_info()
        .unwrap()
        .map(|info| info.unwrap());
    let infos: Vec<_> = infos.map(|(id, info)| (id, info.node_ids)).collect();
    let expected = model.documents.0.iter().map(|(id, parts)| {
        let parts = parts.iter().map(|part| part.as_bytes().to_vec());
        (id.as_bytes().to_vec(), parts.collect::<Vec<_>>())
    });
    assert_eq!(infos, expected.collect::<Vec<_>>());

    let vectors = context.vector_store("default").unwrap();
    let mut ids = Vec::new();
    vectors
        .each_id(&mut |id| {
            ids.push(String::from_utf8(id.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
    assert_eq!(ids, model.vectors.keys());
    for (id, document) in &model.vectors.0 {
        assert_eq!(
            vectors.get(id.as_bytes()).unwrap().unwrap(),
            embedding(id, DIM)
        );
        let of = vectors.ref_doc_id(id.as_bytes()).unwrap().unwrap();
        assert_eq!(of, document.as_bytes());
    }
    if let Some((id, _)) = model.vectors.0.last() {
        let query = VectorStoreQuery::new(&embedding(id, DIM)).top_k(1);
        assert_eq!(vectors.query(&query).unwrap()[0].id, id.as_bytes());
    }
    let index = twinstore::load_index_from_storage(context, None).unwrap();
    let twinstore::store::IndexStruct::IndexDict(index) = index.index_struct() else {
        panic!("another class");
    };
    let keys: Vec<_> = index
        .nodes_dict()
        .keys()
        .unwrap()
        .map(|k| k.unwrap())
        .collect();
    assert_eq!(
        keys,
        model
            .in_index
            .keys()
            .iter()
            .map(|k| k.as_bytes())
            .collect::<Vec<_>>()
    );

    let chats = context.chat_store().unwrap();
    let keys: Vec<_> = chats.get_keys().unwrap().map(|k| k.unwrap()).collect();
    assert_eq!(
        keys,
        model
            .chats
            .keys()
            .iter()
            .map(|k| k.as_bytes())
            .collect::<Vec<_>>()
    );
    for (key, messages) in &model.chats.0 {
        let found = chats.get_messages(key.as_bytes()).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|m| String::from_utf8(m.raw().to_vec()).unwrap())
            .collect();
        assert_eq!(&found, messages);
    }
    let graph = context.graph_store().unwrap();
    for (subject, objects) in &model.graph.0 {
        let pairs = graph.get(subject.as_bytes()).unwrap();
        assert_eq!(pairs.len(), objects.len());
    }
}
