//! The graph store: triplets by subject.

mod changes;

use std::collections::HashSet;

use super::{
    Keys,
    keyed::Keyed,
    record::unfit,
    records::{CollectionPath, Detail, RecordStore},
};
#[cfg(doc)]
use crate::error::StoreError;
use crate::{
    error::{Error, Result},
    json::{JsonStyle, Kind, Value},
};

/// How many relations of one subject are followed beyond the first step:
/// LlamaIndex passes its limit to the first step only, and this is the default.
const STEP_LIMIT: usize = 30;

/// Steps that are followed one into the other. A circle has no end. (LlamaIndex meets
/// Python's limit of recursion, which is lower.)
const MAX_DEPTH: usize = 100_000;

/// A new file.
const NEW: &[u8] = br#"{"graph_dict":{}}"#;

/// What a subject is related to, and how: relation and object.
pub type RelatedPair = [Vec<u8>; 2];

/// A relation with its subject: subject, relation, object.
pub type Triple = [Vec<u8>; 3];

/// A graph store: LlamaIndex's `SimpleGraphStore`
/// (`graph_stores/simple.py`).
///
/// ```
/// use twinstore::{
///     container::OpenOptions,
///     convert::{PackOptions, Silent, pack},
///     persist_dir::Snapshot,
///     store::{GraphStore, RecordStore},
/// };
/// # let temp = tempfile::tempdir().unwrap();
/// # let dir = temp.path();
/// let text = r#"{"graph_dict": {"cats": [["chase", "mice"]], "mice": [["eat", "cheese"]]}}"#;
/// # std::fs::write(dir.join("graph_store.json"), text).unwrap();
/// # pack(dir, &PackOptions::default(), &Silent)?;
/// let twin = Snapshot::open(dir, None, &OpenOptions::default())?;
/// let segments = twin.store("graph_store.json")?.segments()?;
/// let store = GraphStore::new(RecordStore::open(segments)?);
///
/// let map = store.get_rel_map(Some(&[b"cats"]), 2, 30)?;
/// let (subject, triplets) = &map[0];
/// assert_eq!(subject, b"cats");
/// assert_eq!(triplets[0], [&b"cats"[..], b"chase", b"mice"]);
/// assert_eq!(triplets[1], [&b"mice"[..], b"eat", b"cheese"]);
/// # Ok::<(), twinstore::Error>(())
/// ```
#[derive(Debug)]
pub struct GraphStore {
    records: RecordStore,
    subjects: CollectionPath,
}

impl GraphStore {
    /// The graph store that these records are.
    #[must_use]
    pub fn new(records: RecordStore) -> GraphStore {
        GraphStore::of(records)
    }

    /// A new graph store, without a triplet.
    #[must_use]
    pub fn empty() -> GraphStore {
        GraphStore::of(RecordStore::new_file(JsonStyle::python(), NEW))
    }

    fn of(records: RecordStore) -> GraphStore {
        GraphStore {
            records,
            subjects: CollectionPath::top(b"graph_dict"),
        }
    }

    /// The records that it is, with their changes.
    #[must_use]
    pub fn records(&self) -> &RecordStore {
        &self.records
    }

    /// The records, to be changed one by one.
    pub fn records_mut(&mut self) -> &mut RecordStore {
        &mut self.records
    }

    /// What a subject is related to, in the order in which it was added; nothing
    /// for an unknown one.
    ///
    /// # Errors
    /// [`StoreError::Shape`] where the file has anything but pairs of strings;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get(&self, subject: &[u8]) -> Result<Vec<RelatedPair>> {
        let Some(text) = self.all().get(subject, Detail::All)? else {
            return Ok(Vec::new());
        };
        let list = Value::of(&text);
        if list.kind() != Kind::Array {
            return Err(unfit(subject, "a list of pairs of strings"));
        }
        let pairs = list.elements().map(|pair| {
            let mut parts = pair.as_strings()?.into_iter();
            match (parts.next(), parts.next(), parts.next()) {
                (Some(relation), Some(object), None) => {
                    Some([relation.into_owned(), object.into_owned()])
                }
                _ => None,
            }
        });
        let pairs: Option<Vec<RelatedPair>> = pairs.collect();
        pairs.ok_or_else(|| unfit(subject, "a list of pairs of strings"))
    }

    /// All subjects, in order.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn subjects(&self) -> Result<Keys<'_>> {
        self.all().keys()
    }

    /// Number of subjects.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn len(&self) -> Result<u64> {
        self.all().len()
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// As [`len`](GraphStore::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The triplets that are reached from each of these subjects, or from all
    /// subjects, in up to `depth` steps, depth first. There are `limit` in all:
    /// the subject at which they are used up is the last of the answer.
    /// LlamaIndex's defaults are a depth of 2 and a limit of 30.
    ///
    /// Beyond the first step, 30 relations of a subject are followed, as
    /// LlamaIndex does. No more triplets are read than are given.
    ///
    /// # Errors
    /// [`Error::Limit`] where triplets lead on for more than 100,000 steps, as in a
    /// circle, and so many were asked for; as [`get`](GraphStore::get).
    pub fn get_rel_map(
        &self,
        subjects: Option<&[&[u8]]>,
        depth: usize,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<Triple>)>> {
        let mut map = Vec::new();
        let mut left = limit;
        // False when there is nothing more to be said.
        let mut tell = |subject: Vec<u8>| -> Result<bool> {
            let mut triples = self.reached(&subject, depth, limit, left.saturating_add(1))?;
            let more = triples.len() > left;
            triples.truncate(left);
            left -= triples.len();
            map.push((subject, triples));
            Ok(!more)
        };
        match subjects {
            None => {
                for subject in self.subjects()? {
                    if !tell(subject?)? {
                        break;
                    }
                }
            }
            Some(subjects) => {
                let mut told = HashSet::new();
                for subject in subjects {
                    if told.insert(subject) && !tell(subject.to_vec())? {
                        break;
                    }
                }
            }
        }
        Ok(map)
    }

    /// The first `most` triplets that are reached from a subject.
    fn reached(
        &self,
        subject: &[u8],
        depth: usize,
        limit: usize,
        most: usize,
    ) -> Result<Vec<Triple>> {
        let mut found = Vec::new();
        // A list of what is still to be followed: nothing recurses.
        let mut steps = Vec::new();
        if depth > 0 {
            steps.push(self.step(subject, limit)?);
        }
        while let Some((subject, relations)) = steps.last_mut() {
            let Some([relation, object]) = relations.next() else {
                steps.pop();
                continue;
            };
            found.push([subject.clone(), relation, object.clone()]);
            if found.len() == most {
                break;
            }
            if steps.len() == MAX_DEPTH && depth > MAX_DEPTH {
                return Err(Error::Limit {
                    what: "depth of a relation map",
                    got: depth as u64,
                    limit: MAX_DEPTH as u64,
                });
            }
            if steps.len() < depth {
                steps.push(self.step(&object, STEP_LIMIT)?);
            }
        }
        Ok(found)
    }

    fn step(
        &self,
        subject: &[u8],
        limit: usize,
    ) -> Result<(Vec<u8>, impl Iterator<Item = RelatedPair> + use<>)> {
        let relations = self.get(subject)?.into_iter().take(limit);
        Ok((subject.to_vec(), relations))
    }

    fn all(&self) -> Keyed<'_> {
        Keyed::of(&self.records, &self.subjects)
    }
}
