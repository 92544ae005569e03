//! What a node says of its relatives.

use std::borrow::Cow;

use super::{Node, NodeRelationship};
use crate::{
    error::{Error, Result, StoreError},
    json::{Kind, Value},
};

/// What a node keeps of a relative: its id and, since 0.6.27, more. In older
/// files it is the id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelatedNodeInfo<'n>(Value<'n>);

/// The relatives of one relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Related<'n> {
    /// One node, as all relationships but `CHILD` have.
    One(RelatedNodeInfo<'n>),
    /// A list of nodes.
    Many(Vec<RelatedNodeInfo<'n>>),
}

impl<'n> RelatedNodeInfo<'n> {
    /// The relative's id; empty where the file has none.
    #[must_use]
    pub fn node_id(&self) -> Cow<'n, [u8]> {
        let id = match self.0.kind() {
            Kind::Object => ["node_id", "nodeId"].iter().find_map(|n| self.string(n)),
            _ => self.0.as_str(),
        };
        id.unwrap_or_default()
    }

    /// The relative's type, `1` to `5` or any other name.
    #[must_use]
    pub fn node_type(&self) -> Option<Cow<'n, [u8]>> {
        let names = ["node_type", "nodeType"];
        names.iter().find_map(|name| self.string(name))
    }

    /// A copy of the relative's metadata, in order.
    #[must_use]
    pub fn metadata(&self) -> Vec<(Cow<'n, [u8]>, Value<'n>)> {
        let metadata = self.0.get(b"metadata");
        metadata.map_or_else(Vec::new, |metadata| metadata.members())
    }

    /// The relative's hash.
    #[must_use]
    pub fn hash(&self) -> Option<Cow<'n, [u8]>> {
        self.string("hash")
    }

    /// All of it: an object, or in old files a string.
    #[must_use]
    pub fn value(&self) -> Value<'n> {
        self.0
    }

    fn string(&self, name: &str) -> Option<Cow<'n, [u8]>> {
        self.0.get(name.as_bytes())?.as_str()
    }
}

impl<'n> Related<'n> {
    fn of(value: Value<'n>) -> Related<'n> {
        match value.kind() {
            Kind::Array => Related::Many(value.elements().map(RelatedNodeInfo).collect()),
            _ => Related::One(RelatedNodeInfo(value)),
        }
    }
}

impl Node {
    /// All relationships that LlamaIndex knows, in the order of the file.
    #[must_use]
    pub fn relationships(&self) -> Vec<(NodeRelationship, Related<'_>)> {
        let members = self.any(&["relationships"]);
        let members = members.map_or_else(Vec::new, |members| members.members());
        let known = members.into_iter().filter_map(|(key, value)| {
            let relationship = NodeRelationship::of(&key)?;
            Some((relationship, Related::of(value)))
        });
        known.collect()
    }

    /// The relatives of one relationship.
    #[must_use]
    pub fn related(&self, relationship: NodeRelationship) -> Option<Related<'_>> {
        let members = self.any(&["relationships"])?;
        let names = [relationship.as_str(), relationship.name()];
        let value = names.iter().find_map(|name| members.get(name.as_bytes()));
        value.map(Related::of)
    }

    /// The document that it is a part of.
    ///
    /// # Errors
    /// [`StoreError::Relationship`] where the file has several.
    pub fn source_node(&self) -> Result<Option<RelatedNodeInfo<'_>>> {
        self.single(NodeRelationship::Source)
    }

    /// What stands before it in the document.
    ///
    /// # Errors
    /// [`StoreError::Relationship`] where the file has several.
    pub fn prev_node(&self) -> Result<Option<RelatedNodeInfo<'_>>> {
        self.single(NodeRelationship::Previous)
    }

    /// What follows it in the document.
    ///
    /// # Errors
    /// [`StoreError::Relationship`] where the file has several.
    pub fn next_node(&self) -> Result<Option<RelatedNodeInfo<'_>>> {
        self.single(NodeRelationship::Next)
    }

    /// What it is a part of, in a hierarchy.
    ///
    /// # Errors
    /// [`StoreError::Relationship`] where the file has several.
    pub fn parent_node(&self) -> Result<Option<RelatedNodeInfo<'_>>> {
        self.single(NodeRelationship::Parent)
    }

    /// Its parts, in a hierarchy. (In files of the first releases LlamaIndex
    /// takes the whole list for one id; here they are as many as they are.)
    ///
    /// # Errors
    /// [`StoreError::Relationship`] where the file has a single one.
    pub fn child_nodes(&self) -> Result<Option<Vec<RelatedNodeInfo<'_>>>> {
        match self.related(NodeRelationship::Child) {
            None => Ok(None),
            Some(Related::Many(children)) => Ok(Some(children)),
            Some(Related::One(_)) => Err(refused(NodeRelationship::Child, true)),
        }
    }

    /// The id of the document that it is a part of.
    ///
    /// # Errors
    /// As [`source_node`](Node::source_node).
    pub fn ref_doc_id(&self) -> Result<Option<Cow<'_, [u8]>>> {
        Ok(self.source_node()?.map(|source| source.node_id()))
    }

    fn single(&self, relationship: NodeRelationship) -> Result<Option<RelatedNodeInfo<'_>>> {
        match self.related(relationship) {
            None => Ok(None),
            Some(Related::One(relative)) => Ok(Some(relative)),
            Some(Related::Many(_)) => Err(refused(relationship, false)),
        }
    }
}

fn refused(relationship: NodeRelationship, many: bool) -> Error {
    Error::Store(StoreError::Relationship {
        relation: relationship.spoken(),
        many,
    })
}
