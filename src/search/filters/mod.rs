//! Metadata filters: what may be asked of a row's metadata.

use crate::error::Result;

/// Conditions on the metadata of a row (`MetadataFilters` of LlamaIndex).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetadataFilters {
    /// The conditions. None at all are met by every row.
    pub filters: Vec<MetadataFilter>,
    /// How they go together; `None` is [`And`](FilterCondition::And).
    pub condition: Option<FilterCondition>,
}

/// Gives the JSON text of a row's value of a key.
pub(crate) type ValueOf<'v> = dyn FnMut(&[u8]) -> Result<Option<Vec<u8>>> + 'v;

impl MetadataFilters {
    /// Whether a row passes. `value_of` gives the JSON text of its value of a
    /// key.
    pub(crate) fn matches(&self, _value_of: &mut ValueOf<'_>) -> Result<bool> {
        Ok(true)
    }
}

/// How several filters go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterCondition {
    /// All are met.
    And,
    /// One is met.
    Or,
    /// None is met.
    Not,
}

/// One condition (`MetadataFilter` of LlamaIndex).
#[derive(Debug, Clone, PartialEq)]
pub struct MetadataFilter {
    /// The metadata key. There are no paths: keys are flat.
    pub key: String,
    /// What the row's value is compared with.
    pub value: FilterValue,
    /// How it is compared.
    pub operator: FilterOperator,
}

/// The value of a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum FilterValue {
    /// Python's `None`.
    None,
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Str(String),
    /// A list of whole numbers.
    Ints(Vec<i64>),
    /// A list of numbers. As in LlamaIndex, one float makes all of them floats.
    Floats(Vec<f64>),
    /// A list of texts.
    Strs(Vec<String>),
}

/// How a row's value is compared (`FilterOperator` of LlamaIndex).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FilterOperator {
    /// `==`
    #[default]
    Eq,
    /// `>`
    Gt,
    /// `<`
    Lt,
    /// `!=`
    Ne,
    /// `>=`
    Gte,
    /// `<=`
    Lte,
    /// `in`: the row's value is in the list, or in the text.
    In,
    /// `nin`: it is not.
    Nin,
    /// `any`: one of the list is in the row's value.
    Any,
    /// `all`: all of the list are in the row's value.
    All,
    /// `text_match`: the text is in the row's value.
    TextMatch,
    /// `text_match_insensitive`: the same without regard to case.
    TextMatchInsensitive,
    /// `contains`: the value is in the row's value.
    Contains,
    /// `is_empty`: the row has no value, or an empty text or list.
    IsEmpty,
}
