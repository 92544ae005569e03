//! What changes a graph store.

use super::GraphStore;
use crate::{
    error::Result,
    json::{Kind, Value},
    store::{
        build::{array, strings},
        record::unfit,
        records::Detail,
    },
};

impl GraphStore {
    /// Adds a triplet, unless it is there. A new subject comes last, and so does a
    /// new relation among those of its subject.
    ///
    /// # Errors
    /// As [`get`](GraphStore::get).
    ///
    /// ```
    /// use twinstore::store::GraphStore;
    /// let mut store = GraphStore::empty();
    /// store.upsert_triplet(b"cats", b"chase", b"mice")?;
    /// assert_eq!(store.get(b"cats")?, [[b"chase".to_vec(), b"mice".to_vec()]]);
    /// assert!(store.remove_triplet(b"cats", b"chase", b"mice")?);
    /// assert!(store.is_empty()?);
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    pub fn upsert_triplet(&mut self, subject: &[u8], relation: &[u8], object: &[u8]) -> Result<()> {
        let pairs = self.pairs(subject)?.unwrap_or_default();
        if pairs.iter().any(|pair| is(pair, relation, object)) {
            return Ok(());
        }
        let new = strings([relation, object]);
        let record = array(pairs.iter().chain([&new]));
        self.records.put(&self.subjects, subject, &record)
    }

    /// `delete` of LlamaIndex 0.14.25, which deletes nothing: it looks for a tuple
    /// in a list of lists, and they are never equal. Code that was moved over goes
    /// on as it did. What deletes is [`remove_triplet`](GraphStore::remove_triplet).
    pub fn delete(&mut self, _subject: &[u8], _relation: &[u8], _object: &[u8]) {}

    /// Deletes a triplet, and its subject when that has no other. Says whether it
    /// was there. (LlamaIndex means [`delete`](GraphStore::delete) to do so.)
    ///
    /// # Errors
    /// As [`get`](GraphStore::get).
    pub fn remove_triplet(
        &mut self,
        subject: &[u8],
        relation: &[u8],
        object: &[u8],
    ) -> Result<bool> {
        let mut pairs = self.pairs(subject)?.unwrap_or_default();
        let Some(at) = pairs.iter().position(|pair| is(pair, relation, object)) else {
            return Ok(false);
        };
        pairs.remove(at);
        match pairs.is_empty() {
            true => self.records.delete(&self.subjects, subject),
            false => {
                let record = array(&pairs);
                self.records.put(&self.subjects, subject, &record)?;
                Ok(true)
            }
        }
    }

    /// What a subject is related to, as it is spelled; `None` for an unknown one.
    fn pairs(&self, subject: &[u8]) -> Result<Option<Vec<Vec<u8>>>> {
        let Some(text) = self.all().get(subject, Detail::All)? else {
            return Ok(None);
        };
        let list = Value::of(&text);
        match list.kind() {
            Kind::Array => {
                let pairs = list.elements().map(|pair| pair.text().to_vec());
                Ok(Some(pairs.collect()))
            }
            _ => Err(unfit(subject, "a list of pairs of strings")),
        }
    }
}

fn is(pair: &[u8], relation: &[u8], object: &[u8]) -> bool {
    let pair = Value::of(pair).as_strings();
    pair.is_some_and(|pair| matches!(&*pair, [r, o] if **r == *relation && **o == *object))
}
