//! References between stores that lead nowhere. LlamaIndex leaves such behind
//! (deleting a node does not delete its vector everywhere), so they are worth a
//! word and no error.

use serde::Serialize;

use super::store_text::{StoreText, Structure};
use crate::{
    error::Result,
    json::{Elements, Members, decode},
    persist_dir::{Store, StoreKind},
    segment::Map,
    store::{CollectionPath, RecordStore},
};

/// How many examples a warning names.
const EXAMPLES: usize = 3;

/// Members of index structs whose values are ids of nodes, or lists of such.
const NODE_MAPS: [&[u8]; 8] = [
    b"nodes_dict",
    b"all_nodes",
    b"root_nodes",
    b"node_id_to_children_ids",
    b"table",
    b"summary_id_to_node_ids",
    b"doc_id_to_summary_id",
    b"node_id_to_summary_id",
];

/// Something that LlamaIndex may trip over, though nothing is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The JSON file of the store.
    pub store: String,
    /// The collection with the references.
    pub collection: String,
    /// What they are, in words.
    pub what: &'static str,
    /// How many there are.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
}

/// Looks for references between these stores that lead nowhere.
pub(crate) fn warnings(stores: &[(&Store, StoreText)]) -> Result<Vec<Warning>> {
    let mut nodes = Nodes::default();
    for (store, text) in stores {
        if let (StoreKind::DocumentStore, Structure::Records(records)) =
            (store.kind, text.structure())
        {
            let all = records.collections().into_iter();
            let data = all.filter(|path| ends_with(path, b"/data"));
            for path in data {
                nodes.any |= records.len(&path)? > 0;
                nodes.parts.push((records, path));
            }
        }
    }
    let mut found = Vec::new();
    for (store, text) in stores {
        let mut look = Look {
            nodes: &nodes,
            store: &store.file,
            found: &mut found,
        };
        match (store.kind, text.structure()) {
            // Without documents it says nothing that there is none of an id:
            // vector databases that keep texts leave the document store empty.
            (StoreKind::VectorStore, Structure::Vectors(vectors)) if nodes.any => {
                let mut tally = Tally::default();
                vectors.each_id(Map::Embeddings, &mut |id| {
                    tally.count_unless(nodes.has(id)?, id);
                    Ok(true)
                })?;
                let what = "vectors whose id is none of the document store's nodes";
                look.push("embedding_dict", what, tally);
            }
            (StoreKind::DocumentStore, Structure::Records(records)) => look.documents(records)?,
            (StoreKind::IndexStore, Structure::Records(records)) => look.indices(records)?,
            _ => {}
        }
    }
    Ok(found)
}

fn ends_with(path: &CollectionPath, end: &[u8]) -> bool {
    path.steps().iter().all(|step| step.ends_with(end))
}

/// The nodes of all document stores.
#[derive(Default)]
struct Nodes<'s> {
    parts: Vec<(&'s RecordStore, CollectionPath)>,
    any: bool,
}

impl Nodes<'_> {
    fn has(&self, id: &[u8]) -> Result<bool> {
        for (store, path) in &self.parts {
            if store.contains(path, id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts the ids in `value`, a string or an array of such, that no node
    /// has.
    fn count_strays(&self, value: &[u8], tally: &mut Tally) -> Result<()> {
        let mut id = Vec::new();
        let mut one = |token: &[u8]| {
            id.clear();
            if token.first() == Some(&b'"') && decode(token, &mut id).is_ok() {
                tally.count_unless(self.has(&id)?, &id);
            }
            Ok(())
        };
        match value.first() {
            Some(b'[') => Elements::new(value).try_for_each(one),
            _ => one(value),
        }
    }
}

/// What was counted.
#[derive(Default)]
struct Tally {
    count: u64,
    examples: Vec<String>,
}

impl Tally {
    fn count_unless(&mut self, fine: bool, id: &[u8]) {
        if fine {
            return;
        }
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(String::from_utf8_lossy(id).into_owned());
        }
    }
}

/// A look at one store.
struct Look<'a> {
    nodes: &'a Nodes<'a>,
    store: &'a str,
    found: &'a mut Vec<Warning>,
}

impl Look<'_> {
    fn push(&mut self, collection: &str, what: &'static str, tally: Tally) {
        if tally.count > 0 {
            self.found.push(Warning {
                store: self.store.to_owned(),
                collection: collection.to_owned(),
                what,
                count: tally.count,
                examples: tally.examples,
            });
        }
    }

    fn documents(&mut self, store: &RecordStore) -> Result<()> {
        for path in store.collections() {
            if !ends_with(&path, b"/ref_doc_info") {
                continue;
            }
            let mut tally = Tally::default();
            store.each_record(&path, &mut |_, value| {
                for (name, ids) in members(value) {
                    if name == b"node_ids" || name == b"doc_ids" {
                        self.nodes.count_strays(ids, &mut tally)?;
                    }
                }
                Ok(())
            })?;
            let what = "node ids of documents that are none of the store's nodes";
            self.push(&path.to_string(), what, tally);
        }
        Ok(())
    }

    fn indices(&mut self, store: &RecordStore) -> Result<()> {
        let what = "ids in index structs that are none of the document store's nodes";
        for path in store.all_collections() {
            let nested = path.steps().len() > 1;
            let name = path.steps().last().map(Vec::as_slice).unwrap_or_default();
            if nested && NODE_MAPS.contains(&name) && self.nodes.any {
                let mut tally = Tally::default();
                store.each_record(&path, &mut |_, value| {
                    self.nodes.count_strays(value, &mut tally)
                })?;
                self.push(&path.to_string(), what, tally);
            }
            if !nested && ends_with(&path, b"/data") {
                self.structs(store, &path, what)?;
            }
        }
        Ok(())
    }

    /// What index structs hold themselves.
    fn structs(
        &mut self,
        store: &RecordStore,
        path: &CollectionPath,
        what: &'static str,
    ) -> Result<()> {
        let (mut strays, mut misnamed) = (Tally::default(), Tally::default());
        store.each_record(path, &mut |key, value| {
            let mut inside = Vec::new();
            let content = members(value)
                .into_iter()
                .find(|(name, _)| name == b"__data__");
            let content = match content {
                Some((_, token)) if token.first() == Some(&b'"') => {
                    match decode(token, &mut inside) {
                        Ok(()) => inside.as_slice(),
                        Err(_) => return Ok(()),
                    }
                }
                Some((_, object)) => object,
                // As LlamaIndex.TS writes it.
                None => value,
            };
            for (name, value) in members(content) {
                let mut id = Vec::new();
                if name == b"index_id" && decode(value, &mut id).is_ok() {
                    misnamed.count_unless(id == key, key);
                } else if !self.nodes.any {
                } else if name == b"nodes" {
                    self.nodes.count_strays(value, &mut strays)?;
                } else if NODE_MAPS.contains(&name.as_slice()) {
                    for (_, value) in Members::new(value) {
                        self.nodes.count_strays(value, &mut strays)?;
                    }
                }
            }
            Ok(())
        })?;
        self.push(&path.to_string(), what, strays);
        let what = "index structs that say they have another id";
        self.push(&path.to_string(), what, misnamed);
        Ok(())
    }
}

/// The members of an object, their keys decoded.
fn members(object: &[u8]) -> Vec<(Vec<u8>, &[u8])> {
    let members = Members::new(object).filter_map(|(key, value)| {
        let mut name = Vec::new();
        decode(key, &mut name).ok()?;
        Some((name, value))
    });
    members.collect()
}
