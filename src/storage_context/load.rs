//! Indices of a context: what they are made of, and the nodes near to a vector.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use super::{DEFAULT_VECTOR_STORE, StorageContext};
use crate::{
    error::{Error, LoadError, Result},
    search::VectorStoreQuery,
    store::{IndexStruct, IndexStructType, Node, StructMap, VectorStore},
};

/// Loads the only index of a context, or the one of that id
/// (`load_index_from_storage` of LlamaIndex, `indices/loading.py`).
///
/// # Errors
/// [`LoadError::NoIndex`], [`LoadError::SeveralIndices`],
/// [`LoadError::UnknownIndex`]; as [`load_indices_from_storage`].
pub fn load_index_from_storage<'c>(
    context: &'c StorageContext,
    index_id: Option<&str>,
) -> Result<Index<'c>> {
    let ids = index_id.map(|id| vec![id]);
    let mut indices = load_indices_from_storage(context, ids.as_deref())?;
    match (indices.pop(), indices.len()) {
        (Some(index), 0) => Ok(index),
        (Some(_), others) => Err(Error::Load(LoadError::SeveralIndices {
            indices: others + 1,
        })),
        (None, _) => Err(Error::Load(LoadError::NoIndex)),
    }
}

/// Loads all indices of a context in the order of its index store, or those of
/// these ids in their order.
///
/// # Errors
/// [`LoadError::UnknownIndex`]; [`Error::NoStore`] where an index of vectors has no
/// vector store; [`Error::Store`] for a struct of no class that LlamaIndex has;
/// [`Error::Damaged`], [`Error::Io`].
pub fn load_indices_from_storage<'c>(
    context: &'c StorageContext,
    index_ids: Option<&[&str]>,
) -> Result<Vec<Index<'c>>> {
    let store = context.index_store()?;
    let structs = match index_ids {
        None => store.index_structs()?,
        Some(ids) => {
            let named = |id: &&str| {
                let found = store.get_index_struct(Some(id.as_bytes()))?;
                found.ok_or_else(|| {
                    Error::Load(LoadError::UnknownIndex {
                        id: (*id).to_owned(),
                    })
                })
            };
            ids.iter().map(named).collect::<Result<_>>()?
        }
    };
    let indices = structs.into_iter();
    indices.map(|of| Index::new(context, of)).collect()
}

/// Loads all indices of a context, one of which is the root of a graph.
///
/// # Errors
/// As [`load_indices_from_storage`]. Whether there is such a root shows when it is
/// asked for, as in LlamaIndex.
pub fn load_graph_from_storage<'c>(
    context: &'c StorageContext,
    root_id: &str,
) -> Result<ComposableGraph<'c>> {
    Ok(ComposableGraph {
        indices: load_indices_from_storage(context, None)?,
        root_id: root_id.to_owned(),
    })
}

/// Indices that refer to each other (`ComposableGraph` of LlamaIndex).
#[derive(Debug)]
pub struct ComposableGraph<'c> {
    indices: Vec<Index<'c>>,
    root_id: String,
}

impl<'c> ComposableGraph<'c> {
    /// All indices, in the order of the index store.
    #[must_use]
    pub fn indices(&self) -> &[Index<'c>] {
        &self.indices
    }

    /// The index at the root.
    ///
    /// # Errors
    /// [`LoadError::UnknownRoot`].
    pub fn root_index(&self) -> Result<&Index<'c>> {
        self.index(&self.root_id)
    }

    /// The index of that id.
    ///
    /// # Errors
    /// [`LoadError::UnknownRoot`].
    pub fn index(&self, id: &str) -> Result<&Index<'c>> {
        // As in a dict: the last one of an id counts.
        let mut indices = self.indices.iter().rev();
        let found = indices.find(|index| index.index_id() == id);
        found.ok_or_else(|| Error::Load(LoadError::UnknownRoot { id: id.to_owned() }))
    }
}

/// An index: its struct, and the context whose stores it uses.
#[derive(Debug)]
pub struct Index<'c> {
    context: &'c StorageContext,
    index_struct: IndexStruct<'c>,
    id: String,
    /// What of the vector store is its own, once that was asked for.
    own: OnceLock<Own>,
}

/// What of a vector store is an index's own. Several indices may share one store.
#[derive(Debug)]
enum Own {
    /// Every vector is.
    All,
    /// The vectors of these ids are.
    Ids(Arc<[Vec<u8>]>),
}

/// A node and how near it is (`NodeWithScore` of LlamaIndex).
#[derive(Debug)]
#[non_exhaustive]
pub struct NodeWithScore {
    /// The node.
    pub node: Node,
    /// The score of its vector.
    pub score: f64,
}

impl<'c> Index<'c> {
    fn new(context: &'c StorageContext, index_struct: IndexStruct<'c>) -> Result<Index<'c>> {
        let id = String::from_utf8_lossy(&index_struct.data().index_id()).into_owned();
        let index = Index {
            context,
            index_struct,
            id,
            own: OnceLock::new(),
        };
        if index.nodes_dict().is_some() {
            // As LlamaIndex, which takes it from the context at once.
            index.vector_store()?;
        }
        Ok(index)
    }

    /// Its id.
    #[must_use]
    pub fn index_id(&self) -> &str {
        &self.id
    }

    /// Its struct.
    #[must_use]
    pub fn index_struct(&self) -> &IndexStruct<'c> {
        &self.index_struct
    }

    /// The context that it was loaded from.
    #[must_use]
    pub fn storage_context(&self) -> &'c StorageContext {
        self.context
    }

    /// The name of the class that LlamaIndex makes of its struct
    /// (`indices/registry.py`).
    #[must_use]
    pub fn class_name(&self) -> &'static str {
        match self.index_struct.struct_type() {
            IndexStructType::IndexDict => "VectorStoreIndex",
            IndexStructType::IndexList => "SummaryIndex",
            IndexStructType::IndexGraph => "TreeIndex",
            IndexStructType::KeywordTable => "KeywordTableIndex",
            IndexStructType::KG => "KnowledgeGraphIndex",
            IndexStructType::IndexLPG => "PropertyGraphIndex",
            IndexStructType::IndexDocumentSummary => "DocumentSummaryIndex",
            IndexStructType::EmptyIndexStruct => "EmptyIndex",
            IndexStructType::MultiModelIndexDict => "MultiModalVectorStoreIndex",
            IndexStructType::SQLStructTable => "SQLStructStoreIndex",
            IndexStructType::PandasStructTable => "PandasIndex",
        }
    }

    /// The nodes of this index that answer a query, best first: what the retriever
    /// of a `VectorStoreIndex` gives (`indices/vector_store/retrievers/retriever.py`).
    /// Where the query names no `node_ids`, all nodes of the index are looked at.
    ///
    /// The first call reads all ids of the index. Where it shares the vector store
    /// with other indices, its ids are kept, and each call looks them up.
    ///
    /// # Errors
    /// [`LoadError::NoVectors`] for an index of another kind;
    /// [`LoadError::TwoEmbeddings`] for a multi-modal one;
    /// [`LoadError::UnknownVector`] and [`LoadError::NodeNotFetched`] where vector
    /// store, index and docstore are out of step; those of
    /// [`VectorStore::query`](crate::store::VectorStore::query).
    pub fn retrieve(&self, query: &VectorStoreQuery) -> Result<Vec<NodeWithScore>> {
        let Some(nodes_dict) = self.nodes_dict() else {
            let class = self.class_name();
            return Err(Error::Load(LoadError::NoVectors { class }));
        };
        if let IndexStruct::MultiModelIndexDict(_) = &self.index_struct {
            return Err(Error::Load(LoadError::TwoEmbeddings));
        }
        let store = self.vector_store()?;
        let own = match query.node_ids {
            Some(_) => &Own::All,
            None => self.own(&nodes_dict)?,
        };
        let hits = match own {
            Own::All => store.query(query)?,
            Own::Ids(ids) => {
                let mut query = query.clone();
                query.node_ids = Some(Arc::clone(ids));
                store.query(&query)?
            }
        };
        let mut wanted = Vec::with_capacity(hits.len());
        for hit in &hits {
            let node = nodes_dict.get(&hit.id)?;
            wanted.push(
                node.ok_or_else(|| Error::Load(LoadError::UnknownVector { id: hit.id.clone() }))?,
            );
        }
        let docstore = self.context.docstore()?;
        let nodes = wanted.iter().zip(&hits).map(|(id, hit)| {
            let node = docstore
                .get(id)?
                .ok_or_else(|| Error::Load(LoadError::NodeNotFetched { id: id.clone() }))?;
            let score = hit.score;
            Ok(NodeWithScore { node, score })
        });
        nodes.collect()
    }

    /// A retriever restricts its queries to the nodes of its index. Where those are
    /// all there are, that comes to the same as no restriction.
    fn own(&self, nodes_dict: &StructMap<'_, Vec<u8>>) -> Result<&Own> {
        if let Some(own) = self.own.get() {
            return Ok(own);
        }
        let ids = nodes_dict.iter()?.map(|entry| Ok(entry?.1));
        let ids = ids.collect::<Result<HashSet<_>>>()?;
        let mut all = true;
        self.vector_store()?.each_id(&mut |id| {
            all &= ids.contains(id);
            Ok(())
        })?;
        let own = match all {
            true => Own::All,
            false => Own::Ids(ids.into_iter().collect()),
        };
        Ok(self.own.get_or_init(|| own))
    }

    fn vector_store(&self) -> Result<&'c VectorStore> {
        self.context.vector_store(DEFAULT_VECTOR_STORE)
    }

    /// From ids in the vector store to ids in the docstore.
    fn nodes_dict(&self) -> Option<StructMap<'_, Vec<u8>>> {
        match &self.index_struct {
            IndexStruct::IndexDict(of) => Some(of.nodes_dict()),
            IndexStruct::MultiModelIndexDict(of) => Some(of.nodes_dict()),
            _ => None,
        }
    }
}
