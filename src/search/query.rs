//! What a query asks for, in LlamaIndex's words.

use std::{borrow::Cow, sync::Arc};

use super::filters::MetadataFilters;

/// A query of a vector store (`VectorStoreQuery` of LlamaIndex).
///
/// ```
/// use twinstore::search::VectorStoreQuery;
/// let query = VectorStoreQuery::new(&[0.1, 0.2]).top_k(10).node_ids(["a", "b"]);
/// assert_eq!(query.similarity_top_k, Some(10));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct VectorStoreQuery {
    /// The vector to be near to.
    pub query_embedding: Option<Vec<f64>>,
    /// How many rows are wanted. As in LlamaIndex, `None` and 0 mean all, and
    /// less than 0 none.
    pub similarity_top_k: Option<i64>,
    /// Only these ids are looked at; those the store does not have are passed
    /// over.
    pub node_ids: Option<Arc<[Vec<u8>]>>,
    /// How rows are chosen.
    pub mode: VectorStoreQueryMode,
    /// Only rows whose metadata pass are looked at.
    pub filters: Option<MetadataFilters>,
    /// With mode `mmr`: 1 looks at the query only, 0 only at what was picked
    /// before. 0.5 where it is `None`.
    pub mmr_threshold: Option<f64>,
}

impl VectorStoreQuery {
    /// How many rows it wants at most.
    pub(crate) fn limit(&self) -> usize {
        match self.similarity_top_k {
            None | Some(0) => usize::MAX,
            // Each row is pushed to LlamaIndex's heap and popped at once.
            Some(..0) => 0,
            Some(k) => usize::try_from(k).unwrap_or(usize::MAX),
        }
    }

    /// The one row that is nearest to `embedding`.
    #[must_use]
    pub fn new(embedding: &[f64]) -> VectorStoreQuery {
        VectorStoreQuery {
            query_embedding: Some(embedding.to_vec()),
            similarity_top_k: Some(1),
            ..VectorStoreQuery::default()
        }
    }

    /// Asks for so many rows.
    #[must_use]
    pub fn top_k(mut self, rows: usize) -> VectorStoreQuery {
        self.similarity_top_k = Some(i64::try_from(rows).unwrap_or(i64::MAX));
        self
    }

    /// Looks only at these ids.
    #[must_use]
    pub fn node_ids<I>(mut self, ids: I) -> VectorStoreQuery
    where
        I: IntoIterator<Item: AsRef<[u8]>>,
    {
        let ids = ids.into_iter().map(|id| id.as_ref().to_vec());
        self.node_ids = Some(ids.collect());
        self
    }

    /// Chooses rows in another way.
    #[must_use]
    pub fn mode(mut self, mode: VectorStoreQueryMode) -> VectorStoreQuery {
        self.mode = mode;
        self
    }

    /// Looks only at rows whose metadata pass.
    #[must_use]
    pub fn filters(mut self, filters: MetadataFilters) -> VectorStoreQuery {
        self.filters = Some(filters);
        self
    }

    /// Sets what mode `mmr` weighs by.
    #[must_use]
    pub fn mmr_threshold(mut self, threshold: f64) -> VectorStoreQuery {
        self.mmr_threshold = Some(threshold);
        self
    }
}

/// How rows are chosen (`VectorStoreQueryMode` of LlamaIndex).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VectorStoreQueryMode {
    /// The largest cosines.
    #[default]
    Default,
    /// Not for this kind of store.
    Sparse,
    /// Not for this kind of store.
    Hybrid,
    /// Not for this kind of store.
    TextSearch,
    /// Not for this kind of store.
    SemanticHybrid,
    /// A support vector machine; needs Python.
    Svm,
    /// As `svm`, in LlamaIndex.
    LogisticRegression,
    /// As `svm`, in LlamaIndex.
    LinearRegression,
    /// Maximal marginal relevance: near to the query, far from the row that
    /// was picked last.
    Mmr,
}

impl VectorStoreQueryMode {
    /// All modes.
    pub const ALL: [VectorStoreQueryMode; 9] = [
        VectorStoreQueryMode::Default,
        VectorStoreQueryMode::Sparse,
        VectorStoreQueryMode::Hybrid,
        VectorStoreQueryMode::TextSearch,
        VectorStoreQueryMode::SemanticHybrid,
        VectorStoreQueryMode::Svm,
        VectorStoreQueryMode::LogisticRegression,
        VectorStoreQueryMode::LinearRegression,
        VectorStoreQueryMode::Mmr,
    ];

    /// The name of LlamaIndex's enum: `DEFAULT`, `TEXT_SEARCH` …
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            VectorStoreQueryMode::Default => "DEFAULT",
            VectorStoreQueryMode::Sparse => "SPARSE",
            VectorStoreQueryMode::Hybrid => "HYBRID",
            VectorStoreQueryMode::TextSearch => "TEXT_SEARCH",
            VectorStoreQueryMode::SemanticHybrid => "SEMANTIC_HYBRID",
            VectorStoreQueryMode::Svm => "SVM",
            VectorStoreQueryMode::LogisticRegression => "LOGISTIC_REGRESSION",
            VectorStoreQueryMode::LinearRegression => "LINEAR_REGRESSION",
            VectorStoreQueryMode::Mmr => "MMR",
        }
    }

    /// The value of LlamaIndex's enum: `default`, `text_search` …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            VectorStoreQueryMode::Default => "default",
            VectorStoreQueryMode::Sparse => "sparse",
            VectorStoreQueryMode::Hybrid => "hybrid",
            VectorStoreQueryMode::TextSearch => "text_search",
            VectorStoreQueryMode::SemanticHybrid => "semantic_hybrid",
            VectorStoreQueryMode::Svm => "svm",
            VectorStoreQueryMode::LogisticRegression => "logistic_regression",
            VectorStoreQueryMode::LinearRegression => "linear_regression",
            VectorStoreQueryMode::Mmr => "mmr",
        }
    }
}

/// A row that answers a query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// The id: UTF-8, or WTF-8 for ids with lone surrogates.
    pub id: Vec<u8>,
    /// The cosine, or the score of mode `mmr`.
    pub score: f64,
}

impl Hit {
    /// The id as text; what is no UTF-8 shows as `U+FFFD`.
    #[must_use]
    pub fn id_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.id)
    }
}
