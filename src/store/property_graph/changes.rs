//! What changes a property graph store.

use std::collections::{HashMap, HashSet};

use super::{LabelledNode, PropertyGraphStore, Relation, TripletQuery};
#[cfg(doc)]
use crate::error::Error;
use crate::{
    error::Result,
    json::normalise,
    store::{
        build::{object, string, strings},
        records::Detail,
    },
};

impl PropertyGraphStore {
    /// Adds nodes, or replaces them: a new one comes last, one that is there keeps
    /// its place.
    ///
    /// # Errors
    /// [`StoreError::NoChunkId`](crate::error::StoreError::NoChunkId);
    /// [`Error::Damaged`], [`Error::Io`].
    ///
    /// ```
    /// use twinstore::store::{LabelledNode, PropertyGraphStore, Relation, TripletQuery};
    /// let cat = LabelledNode::from_json(br#"{"name": "cat", "properties": {}}"#.to_vec())?;
    /// let chases = r#"{"label": "CHASES", "source_id": "cat", "target_id": "mouse"}"#;
    ///
    /// let mut store = PropertyGraphStore::empty();
    /// store.upsert_nodes(&[cat])?;
    /// // The mouse is made, for it is not there.
    /// store.upsert_relations(&[Relation::from_json(chases.into())?])?;
    /// assert_eq!(store.len()?, 2);
    ///
    /// let mice = TripletQuery { ids: &[b"mouse"], ..TripletQuery::default() };
    /// assert_eq!(store.get_triplets(&mice)?.len(), 1);
    /// store.delete(&mice)?;
    /// assert!(store.is_empty()?);
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    pub fn upsert_nodes(&mut self, nodes: &[LabelledNode]) -> Result<()> {
        let ids = nodes.iter().map(LabelledNode::stated_id);
        let ids: Vec<_> = ids.collect::<Result<_>>()?;
        for (node, id) in nodes.iter().zip(ids) {
            self.records.put(&self.nodes, &id, node.raw())?;
        }
        self.changed();
        Ok(())
    }

    /// Adds relations, and entities for ends that are not there. A relation
    /// between nodes that have one of its label stays as it is.
    ///
    /// # Errors
    /// As [`upsert_nodes`](PropertyGraphStore::upsert_nodes);
    /// [`StoreError::UnknownGraphNode`](crate::error::StoreError::UnknownGraphNode).
    pub fn upsert_relations(&mut self, relations: &[Relation]) -> Result<()> {
        // All is looked at before anything is changed.
        self.triplet_set()?;
        let mut ends: HashMap<Vec<u8>, LabelledNode> = HashMap::new();
        for relation in relations {
            for end in [relation.source_id(), relation.target_id()] {
                if !ends.contains_key(&*end)
                    && let Some(record) = self.all(&self.nodes).get(&end, Detail::All)?
                {
                    let node = LabelledNode::of(end.to_vec(), record)?;
                    ends.insert(end.into_owned(), node);
                }
            }
        }
        for relation in relations {
            self.add_relation(relation, &mut ends)?;
        }
        self.changed();
        Ok(())
    }

    /// `ends` are the nodes by their keys, as far as relations name them.
    fn add_relation(
        &mut self,
        relation: &Relation,
        ends: &mut HashMap<Vec<u8>, LabelledNode>,
    ) -> Result<()> {
        let keys = [relation.source_id(), relation.target_id()];
        for key in &keys {
            if !ends.contains_key(&**key) {
                let entity = entity(key);
                self.records.put(&self.nodes, key, entity.raw())?;
                ends.insert(key.to_vec(), entity);
            }
        }
        let [Some(subject), Some(object)] = keys.each_ref().map(|key| ends.get(&**key).cloned())
        else {
            return Ok(());
        };
        let triplet = strings([&*subject.id(), &*relation.label(), &*object.id()]);
        if !self.triplet_set()?.insert(triplet.clone()) {
            return Ok(());
        }
        self.records.push(&self.triplets, &triplet)?;
        // A node may be known by another name than its own: then it is there twice.
        for (node, key) in [(&subject, &keys[0]), (&object, &keys[1])] {
            if node.id() != *key {
                let id = node.id().into_owned();
                self.records.put(&self.nodes, &id, node.raw())?;
                ends.insert(id, node.clone());
            }
        }
        self.records
            .put(&self.relations, &relation.key(), relation.raw())
    }

    /// Deletes all triplets that the query finds, with the nodes at both ends, and
    /// all nodes of these properties and ids.
    ///
    /// As in LlamaIndex, that is *all nodes* where the query has neither properties
    /// nor ids.
    ///
    /// # Errors
    /// As [`get_triplets`](PropertyGraphStore::get_triplets). Nothing is deleted
    /// then.
    pub fn delete(&mut self, query: &TripletQuery<'_>) -> Result<()> {
        let triplets = self.get_triplets(query)?;
        self.triplet_set()?;
        for (subject, relation, object) in triplets {
            let [subject, object] = [subject.id(), object.id()];
            let triplet = strings([&*subject, &*relation.label(), &*object]);
            if !self.triplet_set()?.remove(&triplet) {
                continue;
            }
            self.records.remove(&self.triplets, &triplet)?;
            self.records.delete(&self.nodes, &subject)?;
            self.records.delete(&self.nodes, &object)?;
            self.records.delete(&self.relations, &relation.key())?;
        }
        self.changed();
        for node in self.get(query.properties, query.ids)? {
            self.records.delete(&self.nodes, &node.id())?;
        }
        self.changed();
        Ok(())
    }

    /// The triplets that there are, in normal form. It is made when first needed,
    /// and kept up.
    fn triplet_set(&mut self) -> Result<&mut HashSet<Vec<u8>>> {
        let known = match self.triplet_set.take() {
            Some(known) => known,
            None => self.read_triplets()?,
        };
        Ok(self.triplet_set.insert(known))
    }

    fn read_triplets(&self) -> Result<HashSet<Vec<u8>>> {
        let triplets = self.all(&self.triplets).entries(Detail::All)?;
        let normal = triplets.map(|entry| {
            let (_, text) = entry?;
            let mut normal = Vec::with_capacity(text.len());
            // What is printed is JSON.
            let _ = normalise(&text, &mut normal);
            Ok(normal)
        });
        normal.collect()
    }

    /// The shape of the graph is another now.
    fn changed(&mut self) {
        self.graph.take();
    }
}

/// `EntityNode(name=name)`.
fn entity(name: &[u8]) -> LabelledNode {
    LabelledNode::entity(object([
        ("label", &b"\"entity\""[..]),
        ("embedding", b"null"),
        ("properties", b"{}"),
        ("name", &string(name)),
    ]))
}
