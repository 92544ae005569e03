//! Finding triplets.

use std::collections::HashSet;

use super::{
    LabelledNode, PropertyGraphStore, Relation, Triplet,
    graph::{Graph, met},
};
#[cfg(doc)]
use crate::error::{Error, StoreError};
use crate::{error::Result, json::Value};

/// Which triplets are asked for. What is empty does not matter; where all is
/// empty, nothing is found.
#[derive(Debug, Clone, Copy, Default)]
pub struct TripletQuery<'q> {
    /// Subject or object has one of these ids.
    pub entity_names: &'q [&'q [u8]],
    /// The relation has one of these labels.
    pub relation_names: &'q [&'q [u8]],
    /// Subject, relation or object has any of these properties, as in
    /// [`PropertyGraphStore::get`].
    pub properties: &'q [(&'q [u8], Value<'q>)],
    /// Subject or object has one of these ids. (LlamaIndex has both.)
    pub ids: &'q [&'q [u8]],
}

impl PropertyGraphStore {
    /// The triplets that fit all that is asked for, in the order of the file.
    ///
    /// # Errors
    /// [`StoreError::NotInGraph`] where any triplet of the store, not only of
    /// the answer, names a node or relation that is not there;
    /// [`StoreError::UnknownGraphNode`], [`StoreError::Shape`];
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get_triplets(&self, query: &TripletQuery<'_>) -> Result<Vec<Triplet>> {
        let TripletQuery {
            entity_names,
            relation_names,
            properties,
            ids,
        } = *query;
        if entity_names.is_empty()
            && relation_names.is_empty()
            && properties.is_empty()
            && ids.is_empty()
        {
            return Ok(Vec::new());
        }
        let graph = self.graph()?;
        let [names, labels, ids] = [entity_names, relation_names, ids]
            .map(|list| list.iter().copied().collect::<HashSet<&[u8]>>());
        let mut triplets = match names.is_empty() {
            true => graph.triplets()?.to_vec(),
            false => graph.touching(&names)?,
        };
        if !labels.is_empty() {
            triplets.retain(|&[_, relation, _]| labels.contains(graph.label(relation)));
        }
        let nodes = self.having(&self.nodes, properties)?;
        let relations = self.having(&self.relations, properties)?;
        if let (Some(nodes), Some(relations)) = (nodes, relations) {
            let has = |node: usize| {
                graph
                    .nodes
                    .get(node)
                    .is_some_and(|n| nodes.contains(&n.key))
            };
            triplets.retain(|&[subject, relation, object]| {
                let relation = graph.relations.get(relation);
                has(subject) || has(object) || relation.is_some_and(|r| relations.contains(&r.key))
            });
        }
        if !ids.is_empty() {
            triplets.retain(|&[subject, _, object]| {
                ids.contains(graph.id(subject)) || ids.contains(graph.id(object))
            });
        }
        self.triplets(graph, &triplets)
    }

    /// The triplets that are reached from these nodes in up to `depth` steps,
    /// nearest first, without those of the labels in `ignore_rels`; no more than
    /// `limit`. LlamaIndex's defaults are a depth of 2 and a limit of 30.
    ///
    /// As in LlamaIndex, a step goes to all triplets of the objects of the one
    /// before, in either direction; a triplet of the first step may come again
    /// in the second, but none after that.
    ///
    /// # Errors
    /// As [`get_triplets`](PropertyGraphStore::get_triplets).
    pub fn get_rel_map(
        &self,
        graph_nodes: &[LabelledNode],
        depth: usize,
        limit: usize,
        ignore_rels: &[&[u8]],
    ) -> Result<Vec<Triplet>> {
        if graph_nodes.is_empty() {
            return Ok(Vec::new());
        }
        let graph = self.graph()?;
        let ids: Vec<_> = graph_nodes.iter().map(LabelledNode::id).collect();
        let mut step = graph.touching(&ids.iter().map(|id| &**id).collect())?;
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for _ in 0..depth {
            if step.is_empty() {
                break;
            }
            found.extend_from_slice(&step);
            let objects = step.iter().map(|&[_, _, object]| graph.id(object));
            step = graph.touching(&objects.collect())?;
            step.retain(|triplet| !seen.contains(triplet));
            seen.extend(step.iter().copied());
        }
        let ignored = |label: &[u8]| ignore_rels.contains(&label);
        found.retain(|&[_, relation, _]| !ignored(graph.label(relation)));
        found.truncate(limit);
        self.triplets(graph, &found)
    }

    /// Reads what is known of these triplets.
    fn triplets(&self, graph: &Graph, triplets: &[[usize; 3]]) -> Result<Vec<Triplet>> {
        let node = |number: usize| {
            let key = graph.nodes.get(number).map(|node| node.key.as_slice());
            self.node(key.unwrap_or_default())
        };
        let triplets = triplets.iter().map(|&[subject, relation, object]| {
            let relation = graph.relations.get(relation).map(|r| r.key.as_slice());
            let relation = met(self.all(&self.relations), relation.unwrap_or_default())?;
            Ok((node(subject)?, Relation::of(relation), node(object)?))
        });
        triplets.collect()
    }
}
