//! Metadata, and filters on them, as Python has them: the plainest way there is
//! to say which row passes (`build_metadata_filter_fn` of LlamaIndex).

use std::{cmp::Ordering, fmt::Write as _};

use twinstore::search::{
    FilterCondition, FilterOperator, FilterValue, MetadataFilter, MetadataFilters,
};

use super::choices::Choices;

/// A JSON value.
#[derive(Debug, Clone)]
pub enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(Vec<Plain>),
    Dict(Vec<(String, Plain)>),
}

/// Python raises a `TypeError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeError;

pub type Answer = Result<bool, TypeError>;

const TEXTS: [&str; 12] = [
    "",
    "a",
    "b",
    "ab",
    "a.txt",
    "A.TXT",
    "ü",
    "Ü",
    "1",
    "\u{1f600}",
    "\"\\\n",
    "ΑΣ",
];
const INTS: [i64; 8] = [0, 1, 2, 3, -1, 10, 1 << 40, -(1 << 53)];
const FLOATS: [f64; 8] = [0.0, 1.0, 0.5, -1.0, 1e300, 1e-7, 3.0, 2.5];
const KEYS: [&str; 8] = [
    "file",
    "page",
    "k",
    "ref_doc_id",
    "doc_id",
    "document_id",
    "ü",
    "",
];

impl Plain {
    pub fn chosen(choices: &mut Choices<'_>, depth: usize) -> Plain {
        match choices.of(10) {
            0..=2 => Plain::Str(choices.pick(&TEXTS).to_owned()),
            3 | 4 => Plain::Int(choices.pick(&INTS)),
            5 => Plain::Float(choices.pick(&FLOATS)),
            6 => Plain::Bool(choices.of(2) == 1),
            8 if depth > 0 => {
                let items = 0..choices.of(4);
                Plain::List(items.map(|_| Plain::chosen(choices, depth - 1)).collect())
            }
            9 if depth > 0 => Plain::Dict(members(choices, depth - 1)),
            _ => Plain::Null,
        }
    }

    /// As JSON text without blanks; how strings are escaped is left to the reader.
    pub fn json(&self, out: &mut String) {
        match self {
            Plain::Null => out.push_str("null"),
            Plain::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Plain::Int(value) => write!(out, "{value}").unwrap(),
            Plain::Float(value) => write!(out, "{value:?}").unwrap(),
            Plain::Str(text) => out.push_str(&serde_json::to_string(text).unwrap()),
            Plain::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    item.json(out);
                }
                out.push(']');
            }
            Plain::Dict(members) => {
                out.push('{');
                for (n, (key, value)) in members.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    out.push_str(&serde_json::to_string(key).unwrap());
                    out.push(':');
                    value.json(out);
                }
                out.push('}');
            }
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Plain::Bool(value) => Some(f64::from(u8::from(*value))),
            // All ints here are exact as floats.
            Plain::Int(value) => Some(*value as f64),
            Plain::Float(value) => Some(*value),
            _ => None,
        }
    }

    fn equals(&self, other: &Plain) -> bool {
        match (self, other) {
            (Plain::Null, Plain::Null) => true,
            (Plain::Str(a), Plain::Str(b)) => a == b,
            (Plain::List(a), Plain::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Plain::Dict(a), Plain::Dict(b)) => {
                let has = |from: &[(String, Plain)], other: &[(String, Plain)]| {
                    let mut keys = from.iter().map(|(key, _)| key);
                    keys.all(|key| match (get(from, key), get(other, key)) {
                        (Some(a), Some(b)) => a.equals(b),
                        _ => false,
                    })
                };
                has(a, b) && has(b, a)
            }
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }

    fn order(&self, other: &Plain) -> Result<Option<Ordering>, TypeError> {
        match (self, other) {
            (Plain::Str(a), Plain::Str(b)) => Ok(Some(a.cmp(b))),
            (Plain::List(a), Plain::List(b)) => match a.iter().zip(b).find(|(a, b)| !a.equals(b)) {
                Some((a, b)) => a.order(b),
                None => Ok(Some(a.len().cmp(&b.len()))),
            },
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => Ok(a.partial_cmp(&b)),
                _ => Err(TypeError),
            },
        }
    }

    /// `item in self`
    fn contains(&self, item: &Plain) -> Answer {
        match (self, item) {
            (Plain::Str(text), Plain::Str(part)) => Ok(text.contains(part)),
            (Plain::List(items), item) => Ok(items.iter().any(|i| i.equals(item))),
            (Plain::Dict(_), Plain::List(_) | Plain::Dict(_)) => Err(TypeError),
            (Plain::Dict(members), Plain::Str(key)) => Ok(get(members, key).is_some()),
            (Plain::Dict(_), _) => Ok(false),
            _ => Err(TypeError),
        }
    }

    /// What a `for` loop takes from it.
    fn items(&self) -> Result<Vec<Plain>, TypeError> {
        match self {
            Plain::List(items) => Ok(items.clone()),
            Plain::Str(text) => Ok(text.chars().map(|c| Plain::Str(c.to_string())).collect()),
            _ => Err(TypeError),
        }
    }
}

/// The members of a dict, a key now and then twice.
pub fn members(choices: &mut Choices<'_>, depth: usize) -> Vec<(String, Plain)> {
    let members = 0..choices.of(5);
    members
        .map(|_| {
            let key = choices.pick(&KEYS).to_owned();
            (key, Plain::chosen(choices, depth))
        })
        .collect()
}

/// Of a key that is there twice, Python keeps the last value.
fn get<'m>(members: &'m [(String, Plain)], key: &str) -> Option<&'m Plain> {
    let mut last_first = members.iter().rev();
    last_first.find(|(k, _)| k == key).map(|(_, value)| value)
}

/// A filter, and its value as Python has it.
#[derive(Debug)]
pub struct Filter {
    key: &'static str,
    operator: FilterOperator,
    value: Plain,
    of_store: FilterValue,
}

/// Filters, and how they go together.
#[derive(Debug)]
pub struct Filters {
    filters: Vec<Filter>,
    condition: Option<FilterCondition>,
}

impl Filters {
    pub fn chosen(choices: &mut Choices<'_>) -> Filters {
        let condition = choices.pick(&[
            None,
            Some(FilterCondition::And),
            Some(FilterCondition::Or),
            Some(FilterCondition::Not),
        ]);
        let filters = (0..1 + choices.of(3)).map(|_| Filter::chosen(choices));
        Filters {
            filters: filters.collect(),
            condition,
        }
    }

    /// As the library is asked.
    pub fn of_store(&self) -> MetadataFilters {
        let filters = self.filters.iter();
        let filters = filters.map(|f| MetadataFilter::new(f.key, f.operator, f.of_store.clone()));
        let mut all = MetadataFilters::all(filters);
        all.condition = self.condition;
        all
    }

    /// Whether a row with these metadata passes.
    pub fn pass(&self, metadata: &[(String, Plain)]) -> Answer {
        let filters = self.filters.iter();
        let met: Vec<bool> = filters
            .map(|filter| filter.is_met(get(metadata, filter.key)))
            .collect::<Result<_, _>>()?;
        Ok(match self.condition.unwrap_or(FilterCondition::And) {
            FilterCondition::And => met.iter().all(|met| *met),
            FilterCondition::Or => met.iter().any(|met| *met),
            FilterCondition::Not => !met.iter().any(|met| *met),
        })
    }
}

impl Filter {
    fn chosen(choices: &mut Choices<'_>) -> Filter {
        let key = choices.pick(&KEYS);
        let operator = choices.pick(&FilterOperator::ALL);
        let texts = |n: usize, choices: &mut Choices<'_>| -> Vec<&str> {
            (0..n).map(|_| choices.pick(&TEXTS)).collect()
        };
        let count = choices.of(4);
        let (value, of_store) = match choices.of(7) {
            0 | 1 => {
                let text = choices.pick(&TEXTS);
                (Plain::Str(text.to_owned()), FilterValue::from(text))
            }
            2 => {
                let int = choices.pick(&INTS);
                (Plain::Int(int), FilterValue::from(int))
            }
            3 => {
                let float = choices.pick(&FLOATS);
                (Plain::Float(float), FilterValue::from(float))
            }
            4 => {
                let texts = texts(count, choices);
                let items = texts.iter().map(|text| Plain::Str((*text).to_owned()));
                let list = texts.iter().map(|text| text.as_bytes().to_vec());
                (
                    Plain::List(items.collect()),
                    FilterValue::Strs(list.collect()),
                )
            }
            5 => {
                let ints: Vec<i64> = (0..count).map(|_| choices.pick(&INTS)).collect();
                let items = ints.iter().map(|int| Plain::Int(*int)).collect();
                (Plain::List(items), FilterValue::from(ints))
            }
            _ => (Plain::Null, FilterValue::None),
        };
        Filter {
            key,
            operator,
            value,
            of_store,
        }
    }

    /// `_process_filter_match`.
    fn is_met(&self, found: Option<&Plain>) -> Answer {
        use FilterOperator as Op;
        let (operator, value) = (self.operator, &self.value);
        let Some(found) = found.filter(|found| !matches!(found, Plain::Null)) else {
            return Ok(matches!(operator, Op::Ne | Op::Nin | Op::IsEmpty));
        };
        let order = |wanted: &[Ordering]| {
            let order = found.order(value)?;
            Ok(order.is_some_and(|order| wanted.contains(&order)))
        };
        match operator {
            Op::Eq => Ok(found.equals(value)),
            Op::Ne => Ok(!found.equals(value)),
            Op::Gt => order(&[Ordering::Greater]),
            Op::Lt => order(&[Ordering::Less]),
            Op::Gte => order(&[Ordering::Greater, Ordering::Equal]),
            Op::Lte => order(&[Ordering::Less, Ordering::Equal]),
            Op::In => value.contains(found),
            Op::Nin => Ok(!value.contains(found)?),
            Op::Contains => found.contains(value),
            Op::TextMatch => match (value, found) {
                (Plain::Str(value), Plain::Str(found)) => Ok(found.contains(value)),
                _ => Err(TypeError),
            },
            Op::TextMatchInsensitive => match (value, found) {
                (Plain::Str(value), Plain::Str(found)) => {
                    Ok(found.to_lowercase().contains(&value.to_lowercase()))
                }
                _ => Err(TypeError),
            },
            Op::Any => {
                for item in value.items()? {
                    if found.contains(&item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Op::All => {
                for item in value.items()? {
                    if !found.contains(&item)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Op::IsEmpty => Ok(match found {
                Plain::Str(text) => text.is_empty(),
                Plain::List(items) => items.is_empty(),
                _ => false,
            }),
        }
    }
}
