//! Reading a store of which parts are damaged.

use super::{CollectionPath, Doubts};
use crate::error::Error;

/// Is told what becomes of the entries of a damaged store.
pub(crate) trait Rescue {
    /// An entry was printed.
    fn kept(&mut self);
    /// An entry cannot be read, and was left out.
    fn lost(&mut self, lost: Lost);
    /// A collection was left out with the record that it stands in.
    fn lost_with_record(&mut self, collection: &CollectionPath, entries: u64);
    /// What cannot be told of the entries of a collection or map, if anything.
    fn doubted(&mut self, collection: &CollectionPath, doubts: Doubts);
    /// How keys were spelled cannot be read: they are spelled as the others.
    fn respelled(&mut self, error: &Error);
}

/// An entry that cannot be read.
#[derive(Debug)]
pub(crate) struct Lost {
    /// The number of its segment among the store's.
    pub(crate) segment: usize,
    /// What it is an entry of.
    pub(crate) collection: CollectionPath,
    /// Its number there.
    pub(crate) entry: u32,
    /// Its key, if that can be read.
    pub(crate) key: Option<Vec<u8>>,
    /// Why it cannot be read.
    pub(crate) error: Error,
}
