//! Changes of a vector store that is held as records. All that can fail is
//! looked at before anything is changed.

use std::collections::HashSet;

use super::{
    records::{each_id, passes, path_of},
    write::{NewVector, entry},
};
use crate::{
    error::{Error, Result, StoreError},
    json::{Escapes, encode, normalise},
    search::MetadataFilters,
    segment::Map,
    store::{CollectionPath, NewEntry, RecordStore},
};

pub(super) fn add(store: &mut RecordStore, vectors: &[NewVector]) -> Result<()> {
    let style = store.style()?;
    let entries = vectors.iter().map(|vector| entry(vector, style));
    let entries: Vec<_> = entries.collect::<Result<_>>()?;
    put(store, &entries)
}

/// Puts what entries have for the maps.
pub(super) fn put(store: &mut RecordStore, entries: &[NewEntry]) -> Result<()> {
    let paths = Map::ALL.map(|map| path_of(store, map));
    let texts = |entry: &NewEntry| -> Vec<_> {
        let texts = paths.iter().zip(entry.texts.iter().cloned());
        let texts = texts.filter_map(|(path, text)| Some((path.clone(), text?)));
        texts.collect()
    };
    for entry in entries {
        for (path, _) in texts(entry) {
            check_keyed(store, &path)?;
            store.contains(&path, &entry.id)?;
        }
    }
    for entry in entries {
        for (path, text) in texts(entry) {
            store.put(&path, &entry.id, &text)?;
        }
    }
    Ok(())
}

pub(super) fn delete(store: &mut RecordStore, ref_doc_id: &[u8]) -> Result<u64> {
    let mut wanted = Vec::with_capacity(ref_doc_id.len() + 2);
    encode(ref_doc_id, Escapes::Utf8, &mut wanted);
    let documents = path_of(store, Map::RefDocs);
    let mut lookups = store.lookups(&documents)?;
    let (mut known, mut ids) = (HashSet::new(), Vec::new());
    let (mut text, mut normal) = (Vec::new(), Vec::new());
    store.each_key(&documents, &mut |id| {
        // Of a key that occurs twice, the last value counts.
        if known.insert(id.to_vec()) && lookups.get(id, &mut text)? {
            normal.clear();
            if normalise(&text, &mut normal).is_ok() && normal == wanted {
                ids.push(id.to_vec());
            }
        }
        Ok(())
    })?;
    delete_ids(store, &ids, Map::Embeddings)
}

pub(super) fn delete_nodes(
    store: &mut RecordStore,
    node_ids: Option<&[Vec<u8>]>,
    filters: Option<&MetadataFilters>,
) -> Result<u64> {
    let wanted: Option<HashSet<&[u8]>> =
        node_ids.map(|ids| ids.iter().map(Vec::as_slice).collect());
    let filters = filters.filter(|filters| !filters.filters.is_empty());
    let filters = filters.map(MetadataFilters::prepare);
    let documents = path_of(store, Map::RefDocs);
    let mut lookups = store.lookups(&path_of(store, Map::Metadata))?;
    let mut ids = Vec::new();
    each_id(store, Map::Embeddings, &mut |id| {
        if wanted.as_ref().is_some_and(|wanted| !wanted.contains(id)) {
            return Ok(());
        }
        if let Some(filters) = &filters
            && !passes(filters, id, &mut lookups)?
        {
            return Ok(());
        }
        if !store.contains(&documents, id)? {
            return Err(no_entry(id));
        }
        ids.push(id.to_vec());
        Ok(())
    })?;
    delete_ids(store, &ids, Map::RefDocs)
}

/// Deletes what all maps have for these ids; `needed` must have something.
fn delete_ids(store: &mut RecordStore, ids: &[Vec<u8>], needed: Map) -> Result<u64> {
    let paths = Map::ALL.map(|map| (map, path_of(store, map)));
    let mut found: Vec<(&CollectionPath, &Vec<u8>)> = Vec::new();
    for id in ids {
        for (map, path) in &paths {
            match store.contains(path, id)? {
                true => found.push((path, id)),
                false if *map == needed => return Err(no_entry(id)),
                false => {}
            }
        }
    }
    for (path, id) in found {
        store.delete(path, id)?;
    }
    Ok(ids.len() as u64)
}

fn check_keyed(store: &RecordStore, path: &CollectionPath) -> Result<()> {
    match store.is_keyed(path)? {
        Some(false) => {
            let what = format!("the collection {path}");
            Err(Error::Store(StoreError::shape(what, "an object")))
        }
        Some(true) | None => Ok(()),
    }
}

fn no_entry(id: &[u8]) -> Error {
    Error::Store(StoreError::NoEntry { id: id.to_vec() })
}

pub(super) fn clear(store: &mut RecordStore) -> Result<()> {
    let paths = Map::ALL.map(|map| path_of(store, map));
    let paths = paths.iter().filter(|path| store.has(path));
    let paths: Vec<CollectionPath> = paths.cloned().collect();
    for path in &paths {
        check_keyed(store, path)?;
    }
    paths.iter().try_for_each(|path| store.clear(path))
}
