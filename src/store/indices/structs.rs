//! The index structs of LlamaIndex, a type for each class.
//!
//! As in `data_structs/data_structs.py`, `document_summary.py` and `table.py`;
//! which class belongs to which type says `registry.py`.

use std::borrow::Cow;

use super::{StructData, StructMap};
use crate::{
    error::{Error, Result, StoreError},
    json::Kind,
    store::record::shown,
};

/// Defines the structs, and the enums that have one variant for each.
macro_rules! index_structs {
    ($($(#[doc = $doc:literal])+ $class:ident = $name:literal;)+) => {
        /// The type of an index struct: its `__type__`. LlamaIndex knows more
        /// names, but has classes for these only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum IndexStructType {
            $(#[doc = concat!("`", $name, "`: [`", stringify!($class), "`].")] $class,)+
        }

        impl IndexStructType {
            /// All of them.
            pub const ALL: &[IndexStructType] = &[$(IndexStructType::$class),+];

            /// As LlamaIndex writes it.
            #[must_use]
            pub fn as_str(&self) -> &'static str {
                match self { $(IndexStructType::$class => $name,)+ }
            }
        }

        /// An index struct: what an index keeps of its nodes.
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum IndexStruct<'s> {
            $(#[doc = concat!("`", $name, "`")] $class($class<'s>),)+
        }

        impl<'s> IndexStruct<'s> {
            pub(super) fn new(kind: IndexStructType, data: StructData<'s>) -> IndexStruct<'s> {
                match kind {
                    $(IndexStructType::$class => IndexStruct::$class($class(data)),)+
                }
            }

            /// Its type.
            #[must_use]
            pub fn struct_type(&self) -> IndexStructType {
                match self { $(IndexStruct::$class(_) => IndexStructType::$class,)+ }
            }

            /// The fields that all structs have, and unknown ones.
            #[must_use]
            pub fn data(&self) -> &StructData<'s> {
                match self { $(IndexStruct::$class(of) => &of.0,)+ }
            }
        }

        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone)]
            pub struct $class<'s>(StructData<'s>);

            impl<'s> $class<'s> {
                /// The fields that all structs have, and unknown ones.
                #[must_use]
                pub fn data(&self) -> &StructData<'s> {
                    &self.0
                }
            }
        )+
    };
}

index_structs! {
    /// A tree of summaries: a `TreeIndex`.
    IndexGraph = "tree";
    /// Nodes in a row: a `SummaryIndex`.
    IndexList = "list";
    /// Nodes by keyword: a `KeywordTableIndex`.
    KeywordTable = "keyword_table";
    /// Nodes whose vectors are in a vector store: a `VectorStoreIndex`.
    IndexDict = "vector_store";
    /// The same with images: a `MultiModalVectorStoreIndex`.
    MultiModelIndexDict = "multimodal";
    /// Nodes by the subjects and objects of triplets: a `KnowledgeGraphIndex`.
    KG = "kg";
    /// A property graph, which is in a store of its own: a `PropertyGraphIndex`.
    IndexLPG = "simple_lpg";
    /// Nodes by the summary of their document: a `DocumentSummaryIndex`.
    IndexDocumentSummary = "document_summary";
    /// Nothing: an `EmptyIndex`.
    EmptyIndexStruct = "empty";
    /// Tables of a database: an `SQLStructStoreIndex`.
    SQLStructTable = "sql";
    /// A data frame: a `PandasIndex`.
    PandasStructTable = "pandas";
}

impl IndexStructType {
    pub(super) fn of(name: &[u8]) -> Option<IndexStructType> {
        let mut all = IndexStructType::ALL.iter().copied();
        all.find(|kind| kind.as_str().as_bytes() == name)
    }
}

impl IndexStruct<'_> {
    /// Its id.
    #[must_use]
    pub fn index_id(&self) -> Cow<'_, [u8]> {
        self.data().index_id()
    }

    /// Its summary, if one was set.
    #[must_use]
    pub fn summary(&self) -> Option<Cow<'_, [u8]>> {
        self.data().summary()
    }
}

impl IndexGraph<'_> {
    /// All nodes: their number, in decimal, to their id.
    #[must_use]
    pub fn all_nodes(&self) -> StructMap<'_, Vec<u8>> {
        self.0.map("all_nodes")
    }

    /// The nodes without a parent: their number, in decimal, to their id.
    #[must_use]
    pub fn root_nodes(&self) -> StructMap<'_, Vec<u8>> {
        self.0.map("root_nodes")
    }

    /// The children of each node, by id.
    #[must_use]
    pub fn node_id_to_children_ids(&self) -> StructMap<'_, Vec<Vec<u8>>> {
        self.0.map("node_id_to_children_ids")
    }
}

impl IndexList<'_> {
    /// The ids of its nodes, in order.
    ///
    /// # Errors
    /// [`StoreError::Shape`] where they are no strings.
    pub fn nodes(&self) -> Result<Vec<Vec<u8>>> {
        let Some(nodes) = self.0.value("nodes") else {
            return Ok(Vec::new());
        };
        let ids = match nodes.kind() {
            Kind::Array => nodes.as_strings(),
            _ => None,
        };
        let ids = ids.ok_or_else(|| {
            let what = format!("nodes of {:?}", shown(&self.0.index_id()));
            Error::Store(StoreError::shape(what, "a list of strings"))
        })?;
        Ok(ids.into_iter().map(|id| id.into_owned()).collect())
    }
}

impl KeywordTable<'_> {
    /// The ids of the nodes of each keyword: a set in Python, here in the order
    /// of the file.
    #[must_use]
    pub fn table(&self) -> StructMap<'_, Vec<Vec<u8>>> {
        self.0.map("table")
    }
}

/// The maps of an index dict.
macro_rules! index_dict {
    ($class:ident) => {
        impl $class<'_> {
            /// The id of its node for each id in the vector store.
            #[must_use]
            pub fn nodes_dict(&self) -> StructMap<'_, Vec<u8>> {
                self.0.map("nodes_dict")
            }

            /// The ids in the vector store for each document, which only releases
            /// up to 0.6.26 filled.
            #[must_use]
            pub fn doc_id_dict(&self) -> StructMap<'_, Vec<Vec<u8>>> {
                self.0.map("doc_id_dict")
            }

            /// Vectors, which only the first releases kept here.
            #[must_use]
            pub fn embeddings_dict(&self) -> StructMap<'_, Vec<f64>> {
                self.0.map("embeddings_dict")
            }
        }
    };
}

index_dict!(IndexDict);
index_dict!(MultiModelIndexDict);

impl KG<'_> {
    /// The ids of the nodes that name a subject or object: a set in Python, here
    /// in the order of the file.
    #[must_use]
    pub fn table(&self) -> StructMap<'_, Vec<Vec<u8>>> {
        self.0.map("table")
    }

    /// Relations by subject, which are in the graph store since 0.6.17.
    #[must_use]
    pub fn rel_map(&self) -> StructMap<'_, Vec<Vec<Vec<u8>>>> {
        self.0.map("rel_map")
    }

    /// The embedding of each triplet, by `str()` of it: `('a', 'r', 'b')`.
    #[must_use]
    pub fn embedding_dict(&self) -> StructMap<'_, Vec<f64>> {
        self.0.map("embedding_dict")
    }
}

impl IndexDocumentSummary<'_> {
    /// The ids of the nodes of each summary.
    #[must_use]
    pub fn summary_id_to_node_ids(&self) -> StructMap<'_, Vec<Vec<u8>>> {
        self.0.map("summary_id_to_node_ids")
    }

    /// The id of the summary of each node.
    #[must_use]
    pub fn node_id_to_summary_id(&self) -> StructMap<'_, Vec<u8>> {
        self.0.map("node_id_to_summary_id")
    }

    /// The id of the summary of each document.
    #[must_use]
    pub fn doc_id_to_summary_id(&self) -> StructMap<'_, Vec<u8>> {
        self.0.map("doc_id_to_summary_id")
    }
}

impl SQLStructTable<'_> {
    /// What is said of each table.
    #[must_use]
    pub fn context_dict(&self) -> StructMap<'_, Vec<u8>> {
        self.0.map("context_dict")
    }
}
