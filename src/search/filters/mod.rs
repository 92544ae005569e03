//! Metadata filters: what may be asked of a row's metadata.
//!
//! The semantics are those of `build_metadata_filter_fn` of
//! llama-index-core 0.14.25 (`vector_stores/utils.py`), and so those of
//! Python's operators: `True == 1 == 1.0`, text and number have no order, a
//! text is searched for in a text and a value in a list. Where Python raises
//! an exception, the answer is the same error.
//!
//! * `value.rs`, `read.rs`, `parse.rs`: how a filter is made: by a caller,
//!   from LlamaIndex's own JSON, from a line of text;
//! * `python.rs`: JSON values as Python sees them;
//! * `judge.rs`: filters prepared for a query, applied to one value or one
//!   row;
//! * `judged.rs`: filters that the caller applies.
//!
//! Nothing here knows where metadata come from. Values are JSON text in normal
//! form (`json/`), keys and texts are UTF-8, or WTF-8 where they have lone
//! surrogates.

mod judge;
mod judged;
mod parse;
mod python;
mod read;
mod tokens;
mod value;

#[cfg(test)]
mod tests;

pub(crate) use judge::{Predicate, Prepared};
use judged::Judge;
pub use judged::{FilterJudge, Refused};
pub use parse::FilterSyntaxError;
pub(crate) use python::type_of;
pub use value::{FilterValue, Int, NoInt};

/// Conditions on the metadata of a row (`MetadataFilters` of LlamaIndex).
///
/// ```
/// use twinstore::search::{FilterOperator::*, MetadataFilter, MetadataFilters};
///
/// let filters = MetadataFilters::all([
///     MetadataFilter::new("page", Gte, 3),
///     MetadataFilter::new("lang", In, ["en", "de"]),
/// ]);
/// // The same from LlamaIndex's JSON …
/// let json = r#"{"filters": [
///     {"key": "page", "value": 3, "operator": ">="},
///     {"key": "lang", "value": ["en", "de"], "operator": "in"}]}"#;
/// assert_eq!(serde_json::from_str::<MetadataFilters>(json).unwrap(), filters);
/// // … and from lines of text.
/// let lines = ["page >= 3", r#"lang in ["en", "de"]"#];
/// let parsed: Result<Vec<_>, _> = lines.iter().map(|line| line.parse()).collect();
/// assert_eq!(MetadataFilters::all(parsed?), filters);
/// # Ok::<(), twinstore::search::FilterSyntaxError>(())
/// ```
///
/// LlamaIndex's type may hold filters within filters, which its
/// `SimpleVectorStore` then refuses; this one cannot.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
pub struct MetadataFilters {
    /// The conditions. None at all are met by every row.
    pub filters: Vec<MetadataFilter>,
    /// How they go together; `None` is [`And`](FilterCondition::And).
    #[serde(default = "FilterCondition::of_pydantic")]
    pub condition: Option<FilterCondition>,
    /// Who applies them instead of their operators.
    #[serde(skip)]
    judge: Option<Judge>,
}

impl MetadataFilters {
    /// Rows that meet all of `filters`.
    #[must_use]
    pub fn all(filters: impl IntoIterator<Item = MetadataFilter>) -> MetadataFilters {
        MetadataFilters::of(filters, FilterCondition::And)
    }

    /// Rows that meet one of `filters`.
    #[must_use]
    pub fn any(filters: impl IntoIterator<Item = MetadataFilter>) -> MetadataFilters {
        MetadataFilters::of(filters, FilterCondition::Or)
    }

    /// Rows that meet none of `filters`.
    #[must_use]
    pub fn none(filters: impl IntoIterator<Item = MetadataFilter>) -> MetadataFilters {
        MetadataFilters::of(filters, FilterCondition::Not)
    }

    fn of(
        filters: impl IntoIterator<Item = MetadataFilter>,
        condition: FilterCondition,
    ) -> MetadataFilters {
        MetadataFilters {
            filters: filters.into_iter().collect(),
            condition: Some(condition),
            judge: None,
        }
    }
}

/// How several filters go together (`FilterCondition` of LlamaIndex).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterCondition {
    /// All are met.
    And,
    /// One is met.
    Or,
    /// None is met.
    Not,
}

impl FilterCondition {
    /// What a condition is that is not stated. (One that is stated as `null`
    /// is `None`, and means the same.)
    fn of_pydantic() -> Option<FilterCondition> {
        Some(FilterCondition::And)
    }
}

/// One condition (`MetadataFilter` of LlamaIndex).
///
/// [`FromStr`](std::str::FromStr) reads `KEY OPERATOR VALUE`. A key with
/// blanks or signs in it is written as a JSON string; the value is JSON, or
/// else the text as it stands. `is_empty` has no value.
///
/// ```
/// use twinstore::search::{FilterOperator, MetadataFilter};
/// let filter: MetadataFilter = "author == Ann Lee".parse()?;
/// assert_eq!(filter, MetadataFilter::new("author", FilterOperator::Eq, "Ann Lee"));
/// let filter: MetadataFilter = r#""page label" == "3""#.parse()?;
/// assert_eq!(filter, MetadataFilter::new("page label", FilterOperator::Eq, "3"));
/// # Ok::<(), twinstore::search::FilterSyntaxError>(())
/// ```
///
/// [`Deserialize`](serde::Deserialize) reads LlamaIndex's JSON and refuses what
/// its model refuses. Whole numbers come out exact as far as the deserializer
/// hands them out so: `serde_json` does up to 64 bits.
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataFilter {
    /// The metadata key: UTF-8, or WTF-8 with lone surrogates. There are no
    /// paths: keys are flat.
    pub key: Vec<u8>,
    /// What the row's value is compared with.
    pub value: FilterValue,
    /// How it is compared.
    pub operator: FilterOperator,
}

impl MetadataFilter {
    /// The condition that the value of `key` stands to `value` as `operator`
    /// says.
    #[must_use]
    pub fn new(
        key: impl AsRef<[u8]>,
        operator: FilterOperator,
        value: impl Into<FilterValue>,
    ) -> MetadataFilter {
        MetadataFilter {
            key: key.as_ref().to_vec(),
            value: value.into(),
            operator,
        }
    }
}

/// How a row's value `m` is compared with a filter's value `v`
/// (`FilterOperator` of LlamaIndex).
///
/// A row without the key, or with `null`, meets `!=`, `nin` and `is_empty` and
/// nothing else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub enum FilterOperator {
    /// `m == v`
    #[default]
    #[serde(rename = "==")]
    Eq,
    /// `m > v`
    #[serde(rename = ">")]
    Gt,
    /// `m < v`
    #[serde(rename = "<")]
    Lt,
    /// `m != v`
    #[serde(rename = "!=")]
    Ne,
    /// `m >= v`
    #[serde(rename = ">=")]
    Gte,
    /// `m <= v`
    #[serde(rename = "<=")]
    Lte,
    /// `in`: `m` is in the list `v`, or a part of the text `v`.
    #[serde(rename = "in")]
    In,
    /// `nin`: it is not.
    #[serde(rename = "nin")]
    Nin,
    /// `any`: one item of `v` is in the list `m`, or a part of the text `m`.
    /// The items of a text are its characters.
    #[serde(rename = "any")]
    Any,
    /// `all`: all items are.
    #[serde(rename = "all")]
    All,
    /// `text_match`: the text `v` is a part of the text `m`.
    #[serde(rename = "text_match")]
    TextMatch,
    /// `text_match_insensitive`: the same after Python's `lower()` of both.
    /// Characters whose case is younger than the Unicode of the Python that
    /// is compared with (14.0 in CPython 3.11) may differ.
    #[serde(rename = "text_match_insensitive")]
    TextMatchInsensitive,
    /// `contains`: `v` is in the list `m`, a part of the text `m`, or a key of
    /// the object `m`.
    #[serde(rename = "contains")]
    Contains,
    /// `is_empty`: the row has no value, `null`, `""` or `[]`.
    #[serde(rename = "is_empty")]
    IsEmpty,
}

impl FilterOperator {
    /// All operators, in LlamaIndex's order.
    pub const ALL: [FilterOperator; 14] = [
        FilterOperator::Eq,
        FilterOperator::Gt,
        FilterOperator::Lt,
        FilterOperator::Ne,
        FilterOperator::Gte,
        FilterOperator::Lte,
        FilterOperator::In,
        FilterOperator::Nin,
        FilterOperator::Any,
        FilterOperator::All,
        FilterOperator::TextMatch,
        FilterOperator::TextMatchInsensitive,
        FilterOperator::Contains,
        FilterOperator::IsEmpty,
    ];

    /// The value of LlamaIndex's enum: `==`, `in`, `text_match` …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FilterOperator::Eq => "==",
            FilterOperator::Gt => ">",
            FilterOperator::Lt => "<",
            FilterOperator::Ne => "!=",
            FilterOperator::Gte => ">=",
            FilterOperator::Lte => "<=",
            FilterOperator::In => "in",
            FilterOperator::Nin => "nin",
            FilterOperator::Any => "any",
            FilterOperator::All => "all",
            FilterOperator::TextMatch => "text_match",
            FilterOperator::TextMatchInsensitive => "text_match_insensitive",
            FilterOperator::Contains => "contains",
            FilterOperator::IsEmpty => "is_empty",
        }
    }
}
