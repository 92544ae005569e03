//! What gives records and what takes them: a parser of files on one side, the
//! survey and the writer on the other. Both sides go through the same file in
//! the same way.

use std::io::Read;

use super::{format::Parent, walk::child};
use crate::{
    error::Result,
    json::{JsonStyle, Token, Window},
    segment::Attempt,
};

/// Takes the records of a file, collection after collection; nested ones come
/// while the record they stand in is open.
pub(crate) trait Records {
    /// Begins a collection; gives its number.
    fn collection(&mut self, place: Place) -> Attempt<u32>;
    /// Gives the next record this sequence number, which must be above that of
    /// the one before it in its collection. Without, numbers just follow.
    fn sequence(&mut self, number: u64);
    /// What of the next record is wanted.
    fn wants(&self) -> Wanted;
    /// Passes over a record of which only the key is wanted.
    fn skip(&mut self, collection: u32, key: Option<&[u8]>) -> Attempt<()>;
    /// Appends a record whose text is at hand. The text is given back, for
    /// its memory to be used again.
    fn record(&mut self, collection: u32, key: Option<&[u8]>, text: Vec<u8>) -> Attempt<Vec<u8>>;
    /// Begins a record whose parts come one by one.
    fn begin(&mut self, collection: u32, key: Option<&[u8]>) -> Attempt<()>;
    /// A token of the open record.
    fn token(&mut self, token: Token<'_>) -> Result<()>;
    /// A whole value of the open record, which comes next in `window`.
    fn value<R: Read>(&mut self, collection: u32, window: &mut Window<R>, style: u32)
    -> Result<()>;
    /// A string of the open record holds a long document that begins like
    /// this: gives the style that it seems to have. `None` where no more
    /// styles can be kept.
    fn json(&mut self, head: &[u8]) -> Result<Option<u32>>;
    /// The number of a style that prints as this one does. `None` where no more
    /// styles can be kept.
    fn style(&mut self, style: &JsonStyle) -> Option<u32>;
    /// A string of the open record holds a document in the style of that
    /// number, which comes token by token.
    fn document(&mut self, style: u32) -> Result<()>;
    /// The end of that document.
    fn end_json(&mut self) -> Result<()>;
    /// A nested collection stands here.
    fn map(&mut self, collection: u32) -> Result<()>;
    /// Ends the open record.
    fn end(&mut self) -> Result<()>;
}

/// What of a record is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Its key.
    Key,
    /// All of it, token by token.
    Tokens,
    /// All of it, its text at hand, unless that is very long.
    Text,
}

/// Where a collection stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) parent: Option<Parent>,
    /// The key under which it stands, decoded.
    pub(crate) name: Vec<u8>,
    pub(crate) keyed: bool,
    /// The style of its text, and how deep its records stand in that.
    pub(crate) style: u32,
    pub(crate) depth: usize,
}

impl Place {
    /// The path of its records, where that of the records around it is known.
    pub(super) fn path(&self, around: u64) -> u64 {
        child(around, &self.name)
    }
}
