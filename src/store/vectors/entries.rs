//! The maps of a store one by one, as whoever reaches into LlamaIndex's dicts sees
//! them. Values are JSON text.

use super::{
    Kind, VectorStore, change_records, records,
    write::{array, token, value_text},
};
use crate::{
    error::{Error, JsonFault, Result, StoreError},
    json::{decode, normalise},
    segment::Map,
    store::{ENTRY_DEPTH, NewEntry, print_value},
};

impl VectorStore {
    /// Number of entries of a map.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn entries(&self, map: Map) -> Result<u64> {
        match &self.kind {
            Kind::Rows(store) => store.live(map),
            Kind::Records(store) => {
                let mut ids = 0;
                records::each_id(store, map, &mut |_| {
                    ids += 1;
                    Ok(())
                })?;
                Ok(ids)
            }
        }
    }

    /// Tells `each` the ids of a map, in order: UTF-8, or WTF-8 with lone surrogates.
    ///
    /// # Errors
    /// What `each` returns; [`Error::Damaged`], [`Error::Io`].
    pub fn each_entry(&self, map: Map, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match &self.kind {
            Kind::Rows(store) => store.each_id(map, &mut |id| each(id).map(|()| true)),
            Kind::Records(store) => records::each_id(store, map, each),
        }
    }

    /// Whether a map has an entry for an id.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn has_entry(&self, map: Map, id: &[u8]) -> Result<bool> {
        match &self.kind {
            Kind::Rows(store) => Ok(store.find(map, id)?.is_some()),
            Kind::Records(store) => store.contains(&records::path_of(store, map), id),
        }
    }

    /// What a map has for an id, as JSON text in normal form: without blanks.
    ///
    /// # Errors
    /// [`StoreError::NotJson`] where a file that is not damaged holds none;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn entry(&self, map: Map, id: &[u8]) -> Result<Option<Vec<u8>>> {
        match &self.kind {
            Kind::Rows(store) => {
                let Some((segment, entry)) = store.find(map, id)? else {
                    return Ok(None);
                };
                let mut printed = Vec::new();
                print_value(
                    segment,
                    map,
                    entry,
                    store.style(),
                    ENTRY_DEPTH,
                    &mut printed,
                )?;
                let refuse = |_| segment.refuse("the value of an entry");
                normal_form(&printed).map_err(refuse).map(Some)
            }
            Kind::Records(store) => {
                let path = records::path_of(store, map);
                let refuse = |fault| {
                    let what = format!("the value of {}", String::from_utf8_lossy(id));
                    let offset = 0;
                    Error::Store(StoreError::NotJson {
                        what,
                        offset,
                        fault,
                    })
                };
                let text = store.get(&path, id)?;
                text.map(|text| normal_form(&text).map_err(refuse))
                    .transpose()
            }
        }
    }

    /// Puts a vector alone: in the place of the one that is there, or at the end.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn put_embedding(&mut self, id: &[u8], embedding: &[f64]) -> Result<()> {
        let style = self.style()?;
        let text = array(id, embedding, style)?;
        self.put(Map::Embeddings, id, embedding.len(), text)
    }

    /// Puts a ref doc id or metadata alone, given as JSON text: in the place of what is
    /// there, or at the end. (A vector, too: its text must be an array of numbers.)
    ///
    /// # Errors
    /// [`StoreError::NotJson`]; [`StoreError::Shape`] for a ref doc id that is no string;
    /// as [`add`](Self::add).
    pub fn put_entry(&mut self, map: Map, id: &[u8], json: &[u8]) -> Result<()> {
        if map == Map::Embeddings {
            let mut values = Vec::new();
            records::numbers(json, id, &mut values)?;
            return self.put_embedding(id, &values);
        }
        let what = || format!("the value of {}", String::from_utf8_lossy(id));
        let style = self.style()?;
        let text = value_text(json, &what, style)?;
        if map == Map::RefDocs && decode(&text, &mut Vec::new()).is_err() {
            return Err(Error::Store(StoreError::shape(what(), "a string")));
        }
        self.put(map, id, 0, text)
    }

    fn put(&mut self, map: Map, id: &[u8], components: usize, text: Vec<u8>) -> Result<()> {
        token(id, "the id of a vector", self.style()?)?;
        let mut texts = [None, None, None];
        if let Some(of_map) = texts.get_mut(map as usize) {
            *of_map = Some(text);
        }
        let entry = NewEntry {
            id: id.to_vec(),
            components,
            texts,
        };
        match self.change() {
            Kind::Rows(store) => store.put(vec![entry]),
            Kind::Records(store) => change_records::put(store, &[entry]),
        }
    }

    /// Deletes what a map has for an id. Says whether it has something.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn delete_entry(&mut self, map: Map, id: &[u8]) -> Result<bool> {
        match self.change() {
            Kind::Rows(store) => store.delete_entry(map, id),
            Kind::Records(store) => {
                let path = records::path_of(store, map);
                store.delete(&path, id)
            }
        }
    }
}

fn normal_form(text: &[u8]) -> std::result::Result<Vec<u8>, JsonFault> {
    let mut normal = Vec::new();
    normalise(text, &mut normal).map(|()| normal)
}
