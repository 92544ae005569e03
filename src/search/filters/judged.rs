//! Filters whose meaning the caller knows.
//!
//! The Python package has the installed release of LlamaIndex say what an operator
//! means. It is asked about values, not rows: a column asks once for each value that
//! it has, however many rows have it.

use std::{fmt, sync::Arc};

use super::{FilterCondition, FilterOperator, FilterValue, MetadataFilter, MetadataFilters};

/// Says which values meet the filters of a query.
///
/// ```
/// use std::sync::Arc;
/// use twinstore::search::{FilterCondition, FilterJudge, MetadataFilters, Refused};
///
/// /// Pages after the third.
/// #[derive(Debug)]
/// struct Later;
///
/// impl FilterJudge for Later {
///     fn is_met(&self, _filter: usize, value: Option<&[u8]>) -> Result<bool, Refused> {
///         let text = value.and_then(|json| std::str::from_utf8(json).ok());
///         let page: u32 = text.ok_or(Refused)?.parse().map_err(|_| Refused)?;
///         Ok(page > 3)
///     }
/// }
///
/// let filters = MetadataFilters::judged(["page"], FilterCondition::And, Arc::new(Later));
/// assert_eq!(filters.filters[0].key, b"page");
/// ```
pub trait FilterJudge: fmt::Debug + Send + Sync {
    /// Whether a row meets filter number `filter` whose value of the filter's key is
    /// `value`, JSON text in normal form; `None` where the row does not have the key.
    /// It is asked in any order, and about values of rows that no query looks at.
    ///
    /// # Errors
    /// [`Refused`] where the filter does not fit the value. It matters only if a row
    /// that the query looks at has the value.
    fn is_met(&self, filter: usize, value: Option<&[u8]>) -> Result<bool, Refused>;
}

/// A filter does not fit a value. Why, the judge knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// A judge, as filters carry it.
#[derive(Debug, Clone)]
pub(super) struct Judge(Arc<dyn FilterJudge>);

impl Judge {
    /// See [`FilterJudge::is_met`].
    pub(super) fn is_met(&self, filter: usize, value: Option<&[u8]>) -> Result<bool, Refused> {
        self.0.is_met(filter, value)
    }
}

/// Nothing is known of a judge but who it is.
impl PartialEq for Judge {
    fn eq(&self, other: &Judge) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl MetadataFilters {
    /// Filters on these keys that `judge` applies: operators and values of
    /// [`filters`](MetadataFilters::filters) stand for nothing. A query of them fails
    /// with [`QueryError::FilterRefused`](crate::error::QueryError::FilterRefused) where
    /// the judge refuses, and where the metadata of a row is no object.
    #[must_use]
    pub fn judged<K: AsRef<[u8]>>(
        keys: impl IntoIterator<Item = K>,
        condition: FilterCondition,
        judge: Arc<dyn FilterJudge>,
    ) -> MetadataFilters {
        let filter = |key: K| MetadataFilter::new(key, FilterOperator::Eq, FilterValue::None);
        MetadataFilters {
            filters: keys.into_iter().map(filter).collect(),
            condition: Some(condition),
            judge: Some(Judge(judge)),
        }
    }
}
