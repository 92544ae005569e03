//! What the classes of index structs have to change them: the methods of
//! `data_structs.py` and `document_summary.py`, and what indices do with structs
//! when a node is deleted.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use super::{IndexStructType, edit::StructMut};
use crate::{
    error::{Error, Result, StoreError},
    json::{NumberLayout, Value, print_f64},
    store::{
        build::{array, string, strings},
        record::shown,
    },
};

/// Defines what a struct of a class is changed by, and how it is come by.
macro_rules! edits {
    ($($(#[doc = $doc:literal])+ $edit:ident by $way:ident of $($class:ident)+;)+) => {
        impl<'s> StructMut<'s> {
            $(
                $(#[doc = $doc])+
                ///
                /// # Errors
                /// [`StoreError::OtherStruct`].
                pub fn $way(self) -> Result<$edit<'s>> {
                    self.of_class(&[$(IndexStructType::$class),+]).map($edit)
                }
            )+
        }

        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $edit<'s>(StructMut<'s>);
        )+
    };
}

edits! {
    /// Changes an [`IndexDict`](super::IndexDict), or a
    /// [`MultiModelIndexDict`](super::MultiModelIndexDict).
    IndexDictMut by index_dict of IndexDict MultiModelIndexDict;
    /// Changes an [`IndexList`](super::IndexList).
    IndexListMut by index_list of IndexList;
    /// Changes an [`IndexGraph`](super::IndexGraph).
    IndexGraphMut by index_graph of IndexGraph;
    /// Changes a [`KeywordTable`](super::KeywordTable).
    KeywordTableMut by keyword_table of KeywordTable;
    /// Changes a [`KG`](super::KG).
    KGMut by kg of KG;
    /// Changes an [`IndexDocumentSummary`](super::IndexDocumentSummary).
    IndexDocumentSummaryMut by index_document_summary of IndexDocumentSummary;
}

/// The keyword table of a `KeywordTable` or a `KG`.
const TABLE: &str = "table";
const ALL_NODES: &str = "all_nodes";
const CHILDREN: &str = "node_id_to_children_ids";
const NODES_OF_SUMMARY: &str = "summary_id_to_node_ids";
const SUMMARY_OF_NODE: &str = "node_id_to_summary_id";
const SUMMARY_OF_DOCUMENT: &str = "doc_id_to_summary_id";

impl IndexDictMut<'_> {
    /// Adds a node, under the id that it has in the vector store, if that is
    /// another.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn add_node(&mut self, node_id: &[u8], text_id: Option<&[u8]>) -> Result<()> {
        let vector_id = text_id.unwrap_or(node_id);
        self.0.put("nodes_dict", vector_id, &string(node_id))
    }

    /// Deletes a node by its id in the vector store.
    ///
    /// # Errors
    /// [`StoreError::NoKey`]; [`Error::Damaged`], [`Error::Io`].
    pub fn delete(&mut self, vector_id: &[u8]) -> Result<()> {
        match self.0.delete("nodes_dict", vector_id)? {
            true => Ok(()),
            false => Err(no_key(vector_id)),
        }
    }
}

impl IndexListMut<'_> {
    /// Adds a node at the end.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn add_node(&mut self, node_id: &[u8]) -> Result<()> {
        let nodes = self.0.value("nodes")?.unwrap_or_default();
        let new = string(node_id);
        let nodes = Value::of(&nodes)
            .elements()
            .map(|node| node.text().to_vec());
        let nodes = array(nodes.chain([new]));
        self.0.set_field("nodes", &nodes)
    }

    /// Deletes a node, wherever it stands, as a `SummaryIndex` does.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn delete_node(&mut self, node_id: &[u8]) -> Result<()> {
        self.delete_nodes(&HashSet::from([node_id]))
    }

    /// Deletes several nodes, in one walk over the list.
    ///
    /// # Errors
    /// As [`delete_node`](IndexListMut::delete_node).
    pub fn delete_nodes(&mut self, node_ids: &HashSet<&[u8]>) -> Result<()> {
        let nodes = self.0.value("nodes")?.unwrap_or_default();
        let is_to_go = |id: Option<Cow<'_, [u8]>>| id.is_some_and(|id| node_ids.contains(&*id));
        let rest = Value::of(&nodes)
            .elements()
            .filter(|node| !is_to_go(node.as_str()));
        let rest = array(rest.map(|node| node.text().to_vec()));
        self.0.set_field("nodes", &rest)
    }
}

impl KeywordTableMut<'_> {
    /// Adds a node to the nodes of some keywords. Of each it comes last, unless it
    /// is there; a new keyword comes last, too.
    ///
    /// # Errors
    /// [`StoreError::Shape`] where a keyword has anything but a list of strings;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn add_node(&mut self, keywords: &[impl AsRef<[u8]>], node_id: &[u8]) -> Result<()> {
        add_to_table(&mut self.0, keywords, node_id)
    }

    /// Deletes a node, and the keywords that have no other, as a
    /// `KeywordTableIndex` does. This looks at all keywords.
    ///
    /// # Errors
    /// As [`add_node`](KeywordTableMut::add_node).
    pub fn delete_node(&mut self, node_id: &[u8]) -> Result<()> {
        self.delete_nodes(&HashSet::from([node_id]))
    }

    /// Deletes several nodes, in one walk over all keywords.
    ///
    /// # Errors
    /// As [`add_node`](KeywordTableMut::add_node).
    pub fn delete_nodes(&mut self, node_ids: &HashSet<&[u8]>) -> Result<()> {
        let mut changed = Vec::new();
        for (keyword, mut nodes) in self.0.entries::<Vec<Vec<u8>>>(TABLE)? {
            let before = nodes.len();
            nodes.retain(|known| !node_ids.contains(known.as_slice()));
            if nodes.len() < before {
                changed.push((keyword, nodes));
            }
        }
        for (keyword, nodes) in changed {
            match nodes.is_empty() {
                true => self.0.delete(TABLE, &keyword).map(|_| ())?,
                false => self.0.put(TABLE, &keyword, &strings(&nodes))?,
            }
        }
        Ok(())
    }
}

impl KGMut<'_> {
    /// Adds a node to the nodes of some keywords; see
    /// [`KeywordTableMut::add_node`].
    ///
    /// # Errors
    /// As there.
    pub fn add_node(&mut self, keywords: &[impl AsRef<[u8]>], node_id: &[u8]) -> Result<()> {
        add_to_table(&mut self.0, keywords, node_id)
    }

    /// Sets the embedding of a triplet, which is given as Python's `str` writes
    /// it: `('a', 'r', 'b')`.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn add_to_embedding_dict(&mut self, triplet: &[u8], embedding: &[f64]) -> Result<()> {
        let numbers = embedding.iter().map(|value| {
            let mut token = Vec::new();
            print_f64(*value, NumberLayout::Python, &mut token);
            token
        });
        self.0.put("embedding_dict", triplet, &array(numbers))
    }
}

impl IndexGraphMut<'_> {
    /// Adds a node with its children. Without an index, and with index 0, its
    /// index is the number of nodes.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn insert(
        &mut self,
        node_id: &[u8],
        index: Option<u64>,
        children_ids: &[impl AsRef<[u8]>],
    ) -> Result<()> {
        let index = self.index_or_next(index)?;
        self.0.put(ALL_NODES, &index, &string(node_id))?;
        self.0.put(CHILDREN, node_id, &strings(children_ids))
    }

    /// Adds a node as the last child of another, or as a root. Its index is as in
    /// [`insert`](IndexGraphMut::insert).
    ///
    /// # Errors
    /// [`StoreError::Shape`] where the children are no list of strings;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn insert_under_parent(
        &mut self,
        node_id: &[u8],
        parent_id: Option<&[u8]>,
        new_index: Option<u64>,
    ) -> Result<()> {
        let index = self.index_or_next(new_index)?;
        match parent_id {
            None => {
                self.0.put("root_nodes", &index, &string(node_id))?;
                self.0.put(CHILDREN, node_id, b"[]")?;
            }
            Some(parent) => {
                let children = self.0.get(CHILDREN, parent)?;
                let mut children: Vec<Vec<u8>> = children.unwrap_or_default();
                children.push(node_id.to_vec());
                self.0.put(CHILDREN, parent, &strings(&children))?;
            }
        }
        self.0.put(ALL_NODES, &index, &string(node_id))
    }

    fn index_or_next(&self, index: Option<u64>) -> Result<Vec<u8>> {
        let index = match index.filter(|index| *index != 0) {
            Some(index) => index,
            None => self.0.len(ALL_NODES)?,
        };
        Ok(index.to_string().into_bytes())
    }
}

impl IndexDocumentSummaryMut<'_> {
    /// Adds the summary of a document, with the nodes that it sums up.
    ///
    /// # Errors
    /// [`StoreError::SummaryOfNothing`] without a document;
    /// [`StoreError::Shape`] where the nodes of a summary are no list of strings;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn add_summary_and_nodes(
        &mut self,
        summary_id: &[u8],
        ref_doc_id: Option<&[u8]>,
        node_ids: &[impl AsRef<[u8]>],
    ) -> Result<()> {
        let nothing = || StoreError::SummaryOfNothing {
            id: shown(summary_id),
        };
        let ref_doc_id = ref_doc_id.ok_or_else(|| Error::Store(nothing()))?;
        let known = self.0.get(NODES_OF_SUMMARY, summary_id)?;
        let mut nodes: Vec<Vec<u8>> = known.unwrap_or_default();
        nodes.extend(node_ids.iter().map(|id| id.as_ref().to_vec()));
        let summary = string(summary_id);
        self.0.put(SUMMARY_OF_DOCUMENT, ref_doc_id, &summary)?;
        if !node_ids.is_empty() {
            self.0.put(NODES_OF_SUMMARY, summary_id, &strings(&nodes))?;
        }
        for node_id in node_ids {
            self.0.put(SUMMARY_OF_NODE, node_id.as_ref(), &summary)?;
        }
        Ok(())
    }

    /// Deletes a document with its summary and the nodes of that.
    ///
    /// # Errors
    /// [`StoreError::NoKey`] for what one of the maps does not have, and
    /// [`StoreError::Shape`]; [`Error::Damaged`], [`Error::Io`].
    pub fn delete(&mut self, doc_id: &[u8]) -> Result<()> {
        let summary_id: Vec<u8> = self.0.at(SUMMARY_OF_DOCUMENT, doc_id)?;
        let node_ids: Vec<Vec<u8>> = self.0.at(NODES_OF_SUMMARY, &summary_id)?;
        let mut met = HashSet::new();
        for node_id in &node_ids {
            self.summary_of(node_id, &mut met)?;
        }
        self.0.delete(SUMMARY_OF_DOCUMENT, doc_id)?;
        for node_id in &node_ids {
            self.0.delete(SUMMARY_OF_NODE, node_id)?;
        }
        self.0.delete(NODES_OF_SUMMARY, &summary_id)?;
        Ok(())
    }

    /// Deletes nodes; their summaries stay.
    ///
    /// # Errors
    /// As [`delete`](IndexDocumentSummaryMut::delete);
    /// [`StoreError::NotInList`] for a node that its summary does not have.
    pub fn delete_nodes(&mut self, node_ids: &[impl AsRef<[u8]>]) -> Result<()> {
        // As far as it is not deleted yet.
        let mut rest: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
        let mut order = Vec::new();
        let mut met = HashSet::new();
        for node_id in node_ids {
            let node_id = node_id.as_ref();
            let summary_id = self.summary_of(node_id, &mut met)?;
            if !rest.contains_key(&summary_id) {
                let nodes = self.0.at(NODES_OF_SUMMARY, &summary_id)?;
                rest.insert(summary_id.clone(), nodes);
                order.push(summary_id.clone());
            }
            let nodes = rest.get_mut(&summary_id);
            let at = nodes
                .as_ref()
                .and_then(|nodes| nodes.iter().position(|id| id == node_id));
            match (nodes, at) {
                (Some(nodes), Some(at)) => nodes.remove(at),
                _ => {
                    let id = shown(node_id);
                    return Err(Error::Store(StoreError::NotInList { id }));
                }
            };
        }
        for summary_id in &order {
            let nodes = rest.get(summary_id).map_or(&[][..], |nodes| nodes);
            self.0.put(NODES_OF_SUMMARY, summary_id, &strings(nodes))?;
        }
        for node_id in node_ids {
            self.0.delete(SUMMARY_OF_NODE, node_id.as_ref())?;
        }
        Ok(())
    }

    /// The summary of a node, which must have one, and must not be met twice:
    /// then it has none any more.
    fn summary_of<'n>(&self, node_id: &'n [u8], met: &mut HashSet<&'n [u8]>) -> Result<Vec<u8>> {
        match met.insert(node_id) {
            true => self.0.at(SUMMARY_OF_NODE, node_id),
            false => Err(no_key(node_id)),
        }
    }
}

fn add_to_table(
    of: &mut StructMut<'_>,
    keywords: &[impl AsRef<[u8]>],
    node_id: &[u8],
) -> Result<()> {
    let mut grown = Vec::new();
    for keyword in keywords {
        let keyword = keyword.as_ref();
        let mut nodes: Vec<Vec<u8>> = of.get(TABLE, keyword)?.unwrap_or_default();
        if !nodes.iter().any(|known| known == node_id) {
            nodes.push(node_id.to_vec());
            grown.push((keyword, nodes));
        }
    }
    for (keyword, nodes) in grown {
        of.put(TABLE, keyword, &strings(&nodes))?;
    }
    Ok(())
}

fn no_key(key: &[u8]) -> Error {
    Error::Store(StoreError::NoKey { key: key.to_vec() })
}
