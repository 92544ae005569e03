//! `get` and `ls`: single records and lists of keys, without the rest.

use std::{collections::HashSet, path::Path};

use serde::Serialize;

use super::{
    inspect::CollectionInfo,
    recognise::store_name,
    select::find_store,
    store_text::{StoreText, Structure},
    vector_store,
};
use crate::{
    container::OpenOptions,
    error::{Error, NotFound, Result},
    json::{Escapes, decode, encode},
    persist_dir::{Form, OpenStore, Snapshot},
    segment::{Map, Member},
    store::{CollectionPath, RecordStore, RowStore},
};

/// How many collections an error names.
const NAMED: usize = 20;

/// A store of a twin, as `ls` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreEntry {
    /// What the user calls it: a vector store's namespace, or the file name.
    pub name: String,
    /// The JSON file.
    pub file: String,
    /// What it is, in words.
    pub kind: &'static str,
    /// Whether it is kept as the file is, beside or instead of rows.
    pub file_form: bool,
}

/// The stores of the newest or the given generation of the twin in `dir`.
///
/// # Errors
/// As [`Snapshot::open`].
pub fn stores(dir: &Path, generation: Option<u64>, open: &OpenOptions) -> Result<Vec<StoreEntry>> {
    let snapshot = Snapshot::open(dir, generation, open)?;
    let entry = |store: OpenStore<'_>| StoreEntry {
        name: store_name(&store.record().file).to_owned(),
        file: store.record().file.clone(),
        kind: store.record().kind.as_str(),
        file_form: store.record().form() == Form::File,
    };
    Ok(snapshot.stores().map(entry).collect())
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The JSON file of its store.
    pub store: String,
    /// The collection it is in; `None` for what a vector store has under an
    /// id in all its maps.
    pub collection: Option<CollectionPath>,
    /// Its key.
    pub key: Vec<u8>,
    /// Its JSON, as it is written in the file.
    pub value: Vec<u8>,
}

impl Found {
    /// All of it as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let collection = self.collection.as_ref().map(ToString::to_string);
        let mut out = Vec::with_capacity(self.value.len() + 128);
        for (lead, text) in [
            (&b"{\"store\": "[..], Some(self.store.as_bytes())),
            (
                b", \"collection\": ",
                collection.as_ref().map(|c| c.as_bytes()),
            ),
            (b", \"key\": ", Some(&self.key)),
        ] {
            out.extend_from_slice(lead);
            match text {
                Some(text) => encode(text, Escapes::Ascii, &mut out),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.extend_from_slice(b", \"value\": ");
        out.extend_from_slice(&self.value);
        out.push(b'}');
        out
    }
}

/// Looks `key` up in a store of the newest generation: see [`StoreView::get`].
///
/// # Errors
/// As [`StoreView::open`] and [`StoreView::get`].
pub fn get(dir: &Path, store: &str, key: &[u8], open: &OpenOptions) -> Result<Found> {
    StoreView::open(dir, store, None, open)?.get(None, key)
}

/// A store, open for looking into it.
#[derive(Debug)]
pub struct StoreView {
    generation: u64,
    entry: StoreEntry,
    structure: Structure,
}

impl StoreView {
    /// Opens the store that `store` means: the name of its file, with or
    /// without `.json`, or the namespace of a vector store. Nothing is read
    /// that is not asked for.
    ///
    /// # Errors
    /// As [`Snapshot::open`]; [`Error::NoStore`];
    /// [`NotFound::Structure`] for a store that is kept as the file is;
    /// [`Error::Damaged`].
    pub fn open(
        dir: &Path,
        store: &str,
        generation: Option<u64>,
        open: &OpenOptions,
    ) -> Result<StoreView> {
        let snapshot = Snapshot::open(dir, generation, open)?;
        let store = find_store(&snapshot, store)?;
        let record = store.record();
        let structure = StoreText::open(&store)?.into_structure();
        if matches!(structure, Structure::None) {
            let store = record.file.clone();
            return Err(Error::NotFound(NotFound::Structure { store }));
        }
        Ok(StoreView {
            generation: snapshot.generation(),
            entry: StoreEntry {
                name: store_name(&record.file).to_owned(),
                file: record.file.clone(),
                kind: record.kind.as_str(),
                file_form: record.form() == Form::File,
            },
            structure,
        })
    }

    /// The generation that it is of.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What the twin says of the store.
    #[must_use]
    pub fn entry(&self) -> &StoreEntry {
        &self.entry
    }

    /// All collections, nested ones too, with the number of their records.
    /// Those of a vector store are its maps.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn collections(&self) -> Result<Vec<CollectionInfo>> {
        let mut found = Vec::new();
        let mut push = |path: &CollectionPath, records| {
            let name = path.to_string();
            found.push(CollectionInfo { name, records });
        };
        match &self.structure {
            Structure::None => {}
            Structure::Vectors(store) => {
                for (path, map) in maps(store) {
                    push(&path, store.live(map)?);
                }
            }
            Structure::Records(store) => {
                for path in store.all_collections() {
                    push(&path, store.len(&path)?);
                }
            }
        }
        Ok(found)
    }

    /// The collections that are meant where none is named: the one whose name
    /// ends in `/data`, or all of the top level; the vectors of a vector store.
    #[must_use]
    pub fn default_collections(&self) -> Vec<CollectionPath> {
        let is_data =
            |path: &CollectionPath| path.steps().iter().all(|step| step.ends_with(b"/data"));
        match &self.structure {
            Structure::None => Vec::new(),
            Structure::Vectors(store) => {
                let mut maps = maps(store);
                // That of the vectors, if there is one.
                maps.sort_by_key(|(_, map)| *map);
                maps.into_iter().take(1).map(|(path, _)| path).collect()
            }
            Structure::Records(store) => {
                let all = store.collections();
                match all.iter().find(|path| is_data(path)) {
                    Some(data) => vec![data.clone()],
                    None => all,
                }
            }
        }
    }

    /// The record of that key in `collection`, or in the first of the
    /// [default ones](Self::default_collections) that has it. From a vector
    /// store, without a collection: an object with `id`, `embedding`,
    /// `ref_doc_id` and `metadata`.
    ///
    /// # Errors
    /// [`NotFound::Key`], [`NotFound::Collection`];
    /// [`Error::Damaged`],
    /// [`Error::Io`].
    pub fn get(&self, collection: Option<&CollectionPath>, key: &[u8]) -> Result<Found> {
        let found = |collection: Option<CollectionPath>, value| Found {
            store: self.entry.file.clone(),
            collection,
            key: key.to_vec(),
            value,
        };
        match (&self.structure, collection) {
            (Structure::Vectors(store), None) => {
                if let Some(value) = vector_store::print_id(store, key)? {
                    return Ok(found(None, value));
                }
                let searched = maps(store).into_iter().map(|(path, _)| path).collect();
                Err(self.no_key(key, searched, Vec::new()))
            }
            (Structure::Vectors(store), Some(path)) => {
                let map = self.map(store, path)?;
                match vector_store::print_in_map(store, map, key)? {
                    Some(value) => Ok(found(Some(path.clone()), value)),
                    None => Err(self.no_key(key, vec![path.clone()], Vec::new())),
                }
            }
            (Structure::Records(store), _) => {
                let searched = match collection {
                    Some(path) => vec![self.existing(store, path)?],
                    None => self.default_collections(),
                };
                for path in &searched {
                    if let Some(value) = store.get(path, key)? {
                        return Ok(found(Some(path.clone()), value));
                    }
                }
                let elsewhere = match store.knows(key)? {
                    true => self.elsewhere(store, &searched, key)?,
                    false => Vec::new(),
                };
                Err(self.no_key(key, searched, elsewhere))
            }
            (Structure::None, _) => Err(self.no_key(key, Vec::new(), Vec::new())),
        }
    }

    /// Tells `each` the keys of a collection that begin with `prefix`, in
    /// order, but no more than `limit`. Says whether there are more.
    ///
    /// # Errors
    /// What `each` returns; [`NotFound::Collection`];
    /// [`Error::Damaged`],
    /// [`Error::Io`].
    pub fn each_key(
        &self,
        collection: &CollectionPath,
        prefix: &[u8],
        limit: Option<u64>,
        each: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<bool> {
        let mut left = limit.unwrap_or(u64::MAX);
        let mut more = false;
        // False when there is nothing more to be said.
        let mut tell = |key: &[u8]| {
            if !key.starts_with(prefix) {
                return Ok(true);
            }
            more = left == 0;
            if more {
                return Ok(false);
            }
            left -= 1;
            each(key).map(|()| true)
        };
        match &self.structure {
            Structure::None => {}
            Structure::Vectors(store) => {
                store.each_id(self.map(store, collection)?, &mut tell)?;
            }
            Structure::Records(store) => {
                let mut key = Vec::new();
                let mut keys = store.keys(&self.existing(store, collection)?)?;
                while keys.next(&mut key)? && tell(&key)? {}
            }
        }
        Ok(more)
    }

    fn map(&self, store: &RowStore, path: &CollectionPath) -> Result<Map> {
        let all = maps(store);
        match all.iter().find(|(name, _)| name == path) {
            Some((_, map)) => Ok(*map),
            None => Err(self.no_collection(path, all.into_iter().map(|(path, _)| path))),
        }
    }

    fn existing(&self, store: &RecordStore, path: &CollectionPath) -> Result<CollectionPath> {
        match store.has(path) {
            true => Ok(path.clone()),
            false => Err(self.no_collection(path, store.all_collections().into_iter())),
        }
    }

    /// Other collections that have the key; as many as an error names.
    fn elsewhere(
        &self,
        store: &RecordStore,
        searched: &[CollectionPath],
        key: &[u8],
    ) -> Result<Vec<CollectionPath>> {
        let searched: HashSet<&CollectionPath> = searched.iter().collect();
        let mut found = Vec::new();
        for path in store.all_collections() {
            if found.len() == NAMED {
                break;
            }
            if !searched.contains(&path) && store.contains(&path, key)? {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn no_collection(
        &self,
        path: &CollectionPath,
        known: impl Iterator<Item = CollectionPath>,
    ) -> Error {
        Error::NotFound(NotFound::Collection {
            store: self.entry.file.clone(),
            name: path.to_string(),
            known: known.take(NAMED).map(|path| path.to_string()).collect(),
        })
    }

    fn no_key(
        &self,
        key: &[u8],
        searched: Vec<CollectionPath>,
        elsewhere: Vec<CollectionPath>,
    ) -> Error {
        let names = |paths: Vec<CollectionPath>| {
            let paths = paths.into_iter().take(NAMED);
            paths.map(|path| path.to_string()).collect()
        };
        Error::NotFound(NotFound::Key {
            store: self.entry.file.clone(),
            key: String::from_utf8_lossy(key).into_owned(),
            searched: names(searched),
            elsewhere: names(elsewhere),
        })
    }
}

/// The maps of a vector store under the names that they have in its file.
fn maps(store: &RowStore) -> Vec<(CollectionPath, Map)> {
    let maps = store.members().iter().filter_map(|member| match member {
        Member::Map { map, key } => {
            let mut name = Vec::new();
            decode(key, &mut name).ok()?;
            Some((CollectionPath::top(&name), *map))
        }
        Member::Other { .. } => None,
    });
    maps.collect()
}
