//! The property graph store: entities and chunks with properties, and labelled
//! relations between them.
//!
//! `nodes.rs` are the views of nodes and relations, `graph.rs` is the shape of
//! the graph, `triplets.rs` finds triplets, `changes.rs` changes them.

mod changes;
mod graph;
mod nodes;
mod triplets;

use std::{collections::HashSet, sync::OnceLock};

pub use nodes::{ChunkNode, EntityNode, LabelledNode, Relation, Triplet};
pub use triplets::TripletQuery;

use self::graph::{Graph, met};
use super::{
    Node,
    keyed::{Keyed, KeyedEntries},
    records::{CollectionPath, Detail, RecordStore},
};
#[cfg(doc)]
use crate::error::{Error, StoreError};
use crate::{
    error::Result,
    json::{JsonStyle, Kind, Value},
};

/// A new file.
const NEW: &[u8] = br#"{"nodes":{},"relations":{},"triplets":[]}"#;

/// A property graph store: LlamaIndex's `SimplePropertyGraphStore`
/// (`graph_stores/simple_labelled.py`).
///
/// To look for ids or triplets, the ids of the graph are read and kept, once;
/// what is known of a node or relation is read when it is a part of an answer.
/// Triplets are a set in Python; here they have the order of the file.
#[derive(Debug)]
pub struct PropertyGraphStore {
    records: RecordStore,
    nodes: CollectionPath,
    relations: CollectionPath,
    triplets: CollectionPath,
    /// Made anew after each change.
    graph: OnceLock<Graph>,
    /// For changes: see `changes.rs`.
    triplet_set: Option<HashSet<Vec<u8>>>,
}

impl PropertyGraphStore {
    /// The property graph store that these records are.
    #[must_use]
    pub fn new(records: RecordStore) -> PropertyGraphStore {
        PropertyGraphStore::of(records)
    }

    /// A new property graph store, without a node.
    #[must_use]
    pub fn empty() -> PropertyGraphStore {
        PropertyGraphStore::of(RecordStore::new_file(JsonStyle::pydantic(), NEW))
    }

    fn of(records: RecordStore) -> PropertyGraphStore {
        PropertyGraphStore {
            records,
            nodes: CollectionPath::top(b"nodes"),
            relations: CollectionPath::top(b"relations"),
            triplets: CollectionPath::top(b"triplets"),
            graph: OnceLock::new(),
            triplet_set: None,
        }
    }

    /// The records that it is, with their changes.
    #[must_use]
    pub fn records(&self) -> &RecordStore {
        &self.records
    }

    /// The records, to be changed one by one.
    pub fn records_mut(&mut self) -> &mut RecordStore {
        // What was learned of them may not hold any more.
        self.graph = OnceLock::new();
        self.triplet_set = None;
        &mut self.records
    }

    /// All nodes in order, one after another.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`]. The nodes themselves:
    /// [`StoreError::UnknownGraphNode`].
    pub fn nodes(&self) -> Result<LabelledNodes<'_>> {
        Ok(LabelledNodes(self.all(&self.nodes).entries(Detail::All)?))
    }

    /// Number of nodes.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn len(&self) -> Result<u64> {
        self.all(&self.nodes).len()
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// As [`len`](PropertyGraphStore::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The nodes that have any of these properties and one of these ids, in
    /// order. Without properties, or without ids, these do not matter. Values
    /// are equal where Python says so; a property that a node lacks equals
    /// `null`.
    ///
    /// # Errors
    /// As [`nodes`](PropertyGraphStore::nodes).
    pub fn get(
        &self,
        properties: &[(&[u8], Value<'_>)],
        ids: &[&[u8]],
    ) -> Result<Vec<LabelledNode>> {
        if properties.is_empty() && ids.is_empty() {
            return self.nodes()?.collect();
        }
        let having = self.having(&self.nodes, properties)?;
        let ids: HashSet<&[u8]> = ids.iter().copied().collect();
        let nodes = self.graph()?.nodes.iter();
        let wanted = nodes.filter(|node| {
            having.as_ref().is_none_or(|keys| keys.contains(&node.key))
                && (ids.is_empty() || ids.contains(node.id.as_slice()))
        });
        wanted.map(|node| self.node(&node.key)).collect()
    }

    /// The chunks of these ids as the nodes that they were made of, in the order
    /// of the file; all, without ids. What is no such chunk is left out.
    ///
    /// # Errors
    /// As [`get`](PropertyGraphStore::get).
    pub fn get_llama_nodes(&self, ids: &[&[u8]]) -> Result<Vec<Node>> {
        let nodes = self.get(&[], ids)?;
        Ok(nodes.iter().filter_map(llama_node).collect())
    }

    /// The keys of the records in a collection that have any of these
    /// properties; `None` where any will do.
    fn having(
        &self,
        path: &CollectionPath,
        properties: &[(&[u8], Value<'_>)],
    ) -> Result<Option<HashSet<Vec<u8>>>> {
        if properties.is_empty() {
            return Ok(None);
        }
        // Only arrays, or what has them inside, can equal the numbers that are
        // left out.
        let flat = |value: &Value<'_>| !matches!(value.kind(), Kind::Array | Kind::Object);
        let detail = match properties.iter().all(|(_, value)| flat(value)) {
            true => Detail::NoNumbers,
            false => Detail::All,
        };
        let mut found = HashSet::new();
        for entry in self.all(path).entries(detail)? {
            let (key, text) = entry?;
            let known = Value::of(&text).get(b"properties");
            let equal = |(name, wanted): &(&[u8], Value<'_>)| {
                let value = known.and_then(|known| known.get(name));
                value.unwrap_or(Value::of(b"null")).equals(wanted)
            };
            if properties.iter().any(equal) {
                found.insert(key);
            }
        }
        Ok(Some(found))
    }

    fn node(&self, key: &[u8]) -> Result<LabelledNode> {
        LabelledNode::of(key.to_vec(), met(self.all(&self.nodes), key)?)
    }

    fn graph(&self) -> Result<&Graph> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph);
        }
        let paths = [&self.nodes, &self.relations, &self.triplets];
        let graph = Graph::read(&self.records, paths)?;
        // Whoever comes second has read the same.
        Ok(self.graph.get_or_init(|| graph))
    }

    fn all<'s>(&'s self, path: &'s CollectionPath) -> Keyed<'s> {
        Keyed::of(&self.records, path)
    }
}

/// The node that a chunk was made of: `metadata_dict_to_node`.
fn llama_node(node: &LabelledNode) -> Option<Node> {
    let content = node.property(b"_node_content")?.as_str()?;
    let class = node
        .property(b"_node_type")
        .and_then(|class| class.as_str());
    let made = Node::of_content(class.as_deref(), content.into_owned())?;
    Some(match node {
        LabelledNode::Chunk(chunk) => made.with_content(chunk.text().into_owned()),
        LabelledNode::Entity(_) => made,
    })
}

/// The nodes of a property graph, one after another. After an error in the
/// store itself there are no more; a record that is no node's is an error and
/// the others follow.
#[derive(Debug)]
pub struct LabelledNodes<'s>(KeyedEntries<'s>);

impl Iterator for LabelledNodes<'_> {
    type Item = Result<LabelledNode>;

    fn next(&mut self) -> Option<Result<LabelledNode>> {
        let next = self.0.next()?;
        Some(next.and_then(|(key, text)| LabelledNode::of(key, text)))
    }
}
