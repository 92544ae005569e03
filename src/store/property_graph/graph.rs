//! The shape of a property graph: which nodes there are and how they are
//! related, without what is known of them.

use std::collections::{HashMap, HashSet};

use super::LabelledNode;
use crate::{
    error::{Error, Result, StoreError},
    json::Value,
    store::{
        keyed::Keyed,
        record::{beginning, shown, unfit},
        records::{CollectionPath, Detail, RecordStore},
    },
};

/// Ids, and who is related to whom. It is made of one walk over the store when
/// it is first needed, and holds no properties, texts or embeddings.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<GraphNode>,
    pub(super) relations: Vec<GraphRelation>,
    /// Numbers of subject, relation and object; none twice.
    pub(super) triplets: Vec<[usize; 3]>,
    /// The first triplet that cannot be made, by what it lacks: LlamaIndex
    /// fails as soon as triplets are asked for, and only then.
    pub(super) lacks: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(super) struct GraphNode {
    pub(super) key: Vec<u8>,
    pub(super) id: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct GraphRelation {
    pub(super) key: Vec<u8>,
    pub(super) label: Vec<u8>,
}

impl Graph {
    pub(super) fn read(
        store: &RecordStore,
        [nodes, relations, triplets]: [&CollectionPath; 3],
    ) -> Result<Graph> {
        let mut graph = Graph::default();
        let (mut by_key, mut by_relation) = (HashMap::new(), HashMap::new());
        for entry in Keyed::of(store, nodes).entries(Detail::NoNumbers)? {
            let (key, text) = entry?;
            let id = LabelledNode::of(key.clone(), text)?.id().into_owned();
            by_key.insert(key.clone(), graph.nodes.len());
            graph.nodes.push(GraphNode { key, id });
        }
        for entry in Keyed::of(store, relations).entries(Detail::NoNumbers)? {
            let (key, text) = entry?;
            let label = Value::of(&text).get(b"label").and_then(|l| l.as_str());
            let label = label.unwrap_or_default().into_owned();
            by_relation.insert(key.clone(), graph.relations.len());
            graph.relations.push(GraphRelation { key, label });
        }
        let mut known = HashSet::new();
        for entry in Keyed::of(store, triplets).entries(Detail::All)? {
            let (_, text) = entry?;
            let names = Value::of(&text).as_strings().unwrap_or_default();
            let [subject, relation, object] = names.as_slice() else {
                let (what, expected) = (beginning(&text), "a triplet of strings");
                return Err(Error::Store(StoreError::shape(what, expected)));
            };
            let key = [subject, relation, object].map(|part| &**part).join(&b'_');
            let numbers = (|| {
                let subject = by_key.get(&**subject).ok_or(&**subject)?;
                let relation = by_relation.get(&key).ok_or(key.as_slice())?;
                let object = by_key.get(&**object).ok_or(&**object)?;
                Ok::<_, &[u8]>([*subject, *relation, *object])
            })();
            match numbers {
                // It is a set.
                Ok(triplet) if known.insert(triplet) => graph.triplets.push(triplet),
                Ok(_) => {}
                Err(lacking) => {
                    graph.lacks.get_or_insert(lacking.to_vec());
                }
            }
        }
        Ok(graph)
    }

    /// The numbers of the triplets, if all can be made.
    ///
    /// # Errors
    /// [`StoreError::NotInGraph`].
    pub(super) fn triplets(&self) -> Result<&[[usize; 3]]> {
        match &self.lacks {
            Some(key) => Err(Error::Store(StoreError::NotInGraph { key: shown(key) })),
            None => Ok(&self.triplets),
        }
    }

    pub(super) fn id(&self, node: usize) -> &[u8] {
        self.nodes.get(node).map_or(&[], |node| &node.id)
    }

    pub(super) fn label(&self, relation: usize) -> &[u8] {
        self.relations.get(relation).map_or(&[], |r| &r.label)
    }

    /// The triplets that have one of these ids at an end, in order.
    pub(super) fn touching(&self, ids: &HashSet<&[u8]>) -> Result<Vec<[usize; 3]>> {
        let triplets = self.triplets()?.iter();
        let touching = triplets.filter(|[subject, _, object]| {
            ids.contains(self.id(*subject)) || ids.contains(self.id(*object))
        });
        Ok(touching.copied().collect())
    }
}

/// The record of that key, which a walk over the store has met.
pub(super) fn met(keyed: Keyed<'_>, key: &[u8]) -> Result<Vec<u8>> {
    let record = keyed.get(key, Detail::All)?;
    record.ok_or_else(|| unfit(key, "in the store any more"))
}
