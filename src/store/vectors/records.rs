//! A vector store that is held as records: vectors of several lengths or of
//! whole numbers, ids that occur twice, odd JSON. Each query reads the text of
//! all its candidates.

use std::{collections::HashSet, ops::Range};

use super::names::MAP_NAMES;
use crate::{
    error::{Error, QueryError, Result},
    json::{Elements, Value, decode, parse_f64},
    search::{
        Block, MetadataFilters, Rows, VectorStoreQuery, exact,
        filters::{Prepared, type_of},
    },
    segment::Map,
    store::{CollectionPath, Lookups, RecordStore},
};

/// The collection that is this map. One that the store does not have is empty.
pub(super) fn path_of(store: &RecordStore, map: Map) -> CollectionPath {
    let names = MAP_NAMES.iter().filter(|(_, named)| *named == map);
    let mut paths = names.map(|(name, _)| CollectionPath::top(name.as_bytes()));
    let first = paths.clone().next();
    let found = paths.find(|path| store.has(path)).or(first);
    found.unwrap_or_else(|| CollectionPath::top(b""))
}

/// All ids of a map, as in a Python dict: once each, where they
/// stand first.
pub(super) fn each_id(
    store: &RecordStore,
    map: Map,
    each: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut known = HashSet::new();
    store.each_key(
        &path_of(store, map),
        &mut |id| match known.insert(id.to_vec()) {
            true => each(id),
            false => Ok(()),
        },
    )
}

/// The vector of an id.
pub(super) fn get(store: &RecordStore, id: &[u8]) -> Result<Option<Vec<f64>>> {
    let text = store.get(&path_of(store, Map::Embeddings), id)?;
    text.map(|text| {
        let mut values = Vec::new();
        numbers(&text, id, &mut values)?;
        Ok(values)
    })
    .transpose()
}

/// Whether a query looks at an id.
type IsNamed<'a> = dyn Fn(&[u8]) -> bool + 'a;

/// The ids that a query looks at, in the order of the store.
pub(super) fn select_named(store: &RecordStore, query: &VectorStoreQuery) -> Result<Vec<Vec<u8>>> {
    let Some(ids) = &query.node_ids else {
        return select(store, query, None);
    };
    let ids: HashSet<&[u8]> = ids.iter().map(Vec::as_slice).collect();
    select(store, query, Some(&|id| ids.contains(id)))
}

/// The same, with the ids that are looked at before any filters.
pub(super) fn select(
    store: &RecordStore,
    query: &VectorStoreQuery,
    is_named: Option<&IsNamed<'_>>,
) -> Result<Vec<Vec<u8>>> {
    let metadata = path_of(store, Map::Metadata);
    if query.filters.is_some()
        && store.len(&path_of(store, Map::Embeddings))? > 0
        && store.len(&metadata)? == 0
    {
        return Err(Error::Query(QueryError::NoMetadata));
    }
    let filters = query.filters.as_ref();
    let filters = filters.filter(|filters| !filters.filters.is_empty());
    let filters = filters.map(MetadataFilters::prepare);
    let mut lookups = store.lookups(&metadata)?;
    let mut selected = Vec::new();
    each_id(store, Map::Embeddings, &mut |id| {
        if is_named.is_some_and(|is_named| !is_named(id)) {
            return Ok(());
        }
        let passes = match &filters {
            Some(filters) => passes(filters, id, &mut lookups)?,
            None => true,
        };
        if passes {
            selected.push(id.to_vec());
        }
        Ok(())
    })?;
    Ok(selected)
}

pub(super) fn passes(filters: &Prepared<'_>, id: &[u8], lookups: &mut Lookups<'_>) -> Result<bool> {
    let mut text = Vec::new();
    if !lookups.get(id, &mut text)? {
        let id = id.to_vec();
        return Err(Error::Query(QueryError::NodeWithoutMetadata { id }));
    }
    let is_object = text.first() == Some(&b'{');
    let metadata = Value::of(&text);
    let passes = filters.matches(&mut |key| {
        Ok(match is_object {
            true => Ok(metadata.get(key).map(|value| value.text().to_vec())),
            false => Err(type_of(&text)),
        })
    })?;
    passes.map_err(|unfit| filters.error(unfit, id))
}

/// Tells `each` the vectors of ids, which the store has, with their numbers.
pub(super) fn each_vector(
    store: &RecordStore,
    ids: &[Vec<u8>],
    each: &mut dyn FnMut(usize, &[f64]) -> Result<()>,
) -> Result<()> {
    let mut lookups = store.lookups(&path_of(store, Map::Embeddings))?;
    let (mut text, mut values) = (Vec::new(), Vec::new());
    for (n, id) in ids.iter().enumerate() {
        lookups.get(id, &mut text)?;
        numbers(&text, id, &mut values)?;
        each(n, &values)?;
    }
    Ok(())
}

/// The values of an array of numbers. LlamaIndex makes each a `float`, so `true` is
/// 1, and a string may be a number.
pub(super) fn numbers(text: &[u8], id: &[u8], values: &mut Vec<f64>) -> Result<()> {
    values.clear();
    let refuse = || -> Error {
        let id = id.to_vec();
        Error::Query(QueryError::NotNumbers { id })
    };
    if text.first() != Some(&b'[') {
        return Err(refuse());
    }
    for token in Elements::new(text) {
        values.push(match token {
            b"true" => 1.0,
            b"false" => 0.0,
            [b'"', ..] => number_in(token).ok_or_else(refuse)?,
            number => parse_f64(number).ok_or_else(refuse)?,
        });
    }
    Ok(())
}

/// What Python's `float` makes of a string, if it is plain ASCII.
fn number_in(token: &[u8]) -> Option<f64> {
    let mut text = Vec::new();
    decode(token, &mut text).ok()?;
    let text = std::str::from_utf8(&text).ok()?.trim();
    let mut digits = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    for (n, c) in text.char_indices() {
        let is_digit = |at: Option<usize>| {
            let byte = at.and_then(|at| bytes.get(at));
            byte.is_some_and(u8::is_ascii_digit)
        };
        match c {
            // Between two digits only.
            '_' if is_digit(n.checked_sub(1)) && is_digit(Some(n + 1)) => {}
            _ => digits.push(c),
        }
    }
    // Rust's grammar of numbers is that of Python, but for what is done above.
    digits.parse().ok()
}

/// Vectors in memory. None is scanned.
pub(super) struct Vectors {
    pub(super) ids: Vec<Vec<u8>>,
    pub(super) vectors: Vec<Vec<f64>>,
}

impl Rows for Vectors {
    fn dim(&self) -> usize {
        self.vectors.first().map_or(0, Vec::len)
    }

    fn is_exact(&self) -> bool {
        false
    }

    fn each_block(
        &self,
        _runs: &[Range<u32>],
        _each: &mut dyn FnMut(Block<'_>) -> Result<()>,
    ) -> Result<()> {
        Ok(())
    }

    fn values(&self, row: u32, values: &mut Vec<f64>) -> Result<f64> {
        let vector = self.vectors.get(row as usize);
        values.clear();
        values.extend(vector.into_iter().flatten());
        Ok(exact::norm(values))
    }

    fn id(&self, row: u32, id: &mut Vec<u8>) -> Result<()> {
        id.clear();
        id.extend(self.ids.get(row as usize).into_iter().flatten());
        Ok(())
    }

    fn sequence(&self, row: u32) -> Result<u64> {
        Ok(u64::from(row))
    }
}
