//! Deleting a document from all stores of a context.

use std::collections::HashSet;

use serde::Serialize;

use super::StorageContext;
use crate::{
    error::{Error, Result, StoreError},
    store::{IndexStruct, TripletQuery},
};

/// What was deleted with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DeletedDocument {
    /// Nodes that the docstore had of it.
    pub nodes: u64,
    /// Vectors, of all vector stores.
    pub vectors: u64,
}

/// What an index has to forget.
enum Forget {
    /// Entries of a vector index, by their ids in the vector store.
    Vectors(Vec<Vec<u8>>),
    /// Nodes of a list.
    Listed(Vec<Vec<u8>>),
    /// Nodes with their keywords.
    Keywords(Vec<Vec<u8>>),
    /// Nodes with summaries.
    Summarised(Vec<Vec<u8>>),
}

impl StorageContext {
    /// Deletes a document with its nodes: its vectors from all vector stores, its nodes
    /// from all indices and from the docstore. For every index of the directory it is
    /// what `index.delete_ref_doc(id, delete_from_docstore=True)` does
    /// (`indices/base.py`), all at once; [`persist`](Self::persist) writes it. (0.14.25
    /// leaves some of the nodes in a `SummaryIndex`, because it changes the list it walks
    /// over. Here they go.)
    ///
    /// # Errors
    /// [`StoreError::NoRefDoc`] where no store knows the document;
    /// [`StoreError::CannotDelete`] where a tree or a knowledge graph index has nodes of
    /// it: LlamaIndex cannot delete from those. Nothing is changed then.
    /// [`Error::Damaged`], [`Error::Io`], and any other [`StoreError`] of a store whose
    /// parts do not fit each other ([`StoreError::NoEntry`], [`StoreError::NotInList`],
    /// [`StoreError::NotInGraph`]): some stores may have changed in memory.
    pub fn delete_ref_doc(&mut self, ref_doc_id: &[u8]) -> Result<DeletedDocument> {
        let docstore = self.docstore()?;
        let info = docstore.ref_doc_info(ref_doc_id)?;
        let node_ids = info.as_ref().map_or(&[] as &[_], |info| &info.node_ids);
        let mut deleted = DeletedDocument::default();
        for id in node_ids {
            deleted.nodes += u64::from(docstore.contains(id)?);
        }
        let forget = self.to_forget(&node_ids.iter().map(Vec::as_slice).collect())?;
        let node_ids = node_ids.to_vec();

        // First, as it is what may refuse: its triplets may lead nowhere.
        if self.property_graph_store()?.is_some() && !node_ids.is_empty() {
            let ids: Vec<&[u8]> = node_ids.iter().map(Vec::as_slice).collect();
            let query = TripletQuery {
                ids: &ids,
                ..TripletQuery::default()
            };
            self.property_graph_store_mut()?.delete(&query)?;
        }
        let namespaces: Vec<String> = self.vector_stores().map(str::to_owned).collect();
        for namespace in &namespaces {
            deleted.vectors += self.vector_store_mut(namespace)?.delete(ref_doc_id)?;
        }
        if info.is_none() && deleted.vectors == 0 {
            let id = String::from_utf8_lossy(ref_doc_id).into_owned();
            return Err(Error::Store(StoreError::NoRefDoc { id }));
        }
        for (index_id, forget) in &forget {
            let index = self.index_store_mut()?.edit(index_id)?;
            match forget {
                Forget::Vectors(ids) => {
                    let mut index = index.index_dict()?;
                    ids.iter().try_for_each(|id| index.delete(id))?;
                }
                Forget::Listed(ids) => {
                    index.index_list()?.delete_nodes(&slices(ids))?;
                }
                Forget::Keywords(ids) => {
                    index.keyword_table()?.delete_nodes(&slices(ids))?;
                }
                Forget::Summarised(ids) => index.index_document_summary()?.delete_nodes(ids)?,
            }
        }
        if info.is_some() {
            self.docstore_mut()?.delete_ref_doc(ref_doc_id)?;
        }
        Ok(deleted)
    }

    /// What each index has of these nodes.
    fn to_forget(&self, node_ids: &HashSet<&[u8]>) -> Result<Vec<(Vec<u8>, Forget)>> {
        let mut forget = Vec::new();
        if node_ids.is_empty() {
            return Ok(forget);
        }
        for index in self.index_store()?.index_structs()? {
            let cannot = |kind| {
                let index_id = String::from_utf8_lossy(&index.data().index_id()).into_owned();
                Err(Error::Store(StoreError::CannotDelete { index_id, kind }))
            };
            let all = || node_ids.iter().map(|id| id.to_vec()).collect::<Vec<_>>();
            let what = match &index {
                IndexStruct::IndexDict(index) => {
                    Forget::Vectors(keys_in(&index.nodes_dict(), all())?)
                }
                IndexStruct::MultiModelIndexDict(index) => {
                    Forget::Vectors(keys_in(&index.nodes_dict(), all())?)
                }
                IndexStruct::IndexList(_) => Forget::Listed(all()),
                IndexStruct::KeywordTable(_) => Forget::Keywords(all()),
                IndexStruct::IndexDocumentSummary(index) => {
                    Forget::Summarised(keys_in(&index.node_id_to_summary_id(), all())?)
                }
                IndexStruct::IndexGraph(index) => {
                    for entry in index.all_nodes().iter()? {
                        if node_ids.contains(entry?.1.as_slice()) {
                            return cannot("tree");
                        }
                    }
                    continue;
                }
                IndexStruct::KG(index) => {
                    for entry in index.table().iter()? {
                        if entry?.1.iter().any(|id| node_ids.contains(id.as_slice())) {
                            return cannot("kg");
                        }
                    }
                    continue;
                }
                // Nodes of a property graph index are in its store; the others have none.
                _ => continue,
            };
            forget.push((index.data().index_id().into_owned(), what));
        }
        Ok(forget)
    }
}

fn slices(ids: &[Vec<u8>]) -> HashSet<&[u8]> {
    ids.iter().map(Vec::as_slice).collect()
}

/// Those of the ids that are keys of a map.
fn keys_in<V: crate::store::MapValue>(
    map: &crate::store::StructMap<'_, V>,
    ids: Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>> {
    let mut known = Vec::new();
    for id in ids {
        if map.contains(&id)? {
            known.push(id);
        }
    }
    // In one order, whatever the order of a set.
    known.sort();
    Ok(known)
}
