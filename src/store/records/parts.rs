//! What a record is made of, whether it is in a segment or in memory.

use super::{CollectionPath, EntryRef, RecordStore, text::Walks};
use crate::{
    error::Result,
    json::{JsonStyle, NumberLayout},
    planes::StoredRow,
    segment::{Expanded, RecordSegment},
};

/// Takes a record, in the order of its text.
pub(crate) trait Parts {
    /// Comes first. `odd_key` is the token of the record's key, where it is not
    /// written as the style would write it.
    fn begin(&mut self, odd_key: Option<&[u8]>) -> Result<()>;
    /// Whole tokens in normal form. A piece that ends with an opening bracket
    /// is followed by a child.
    fn normal(&mut self, piece: &[u8]) -> Result<()>;
    /// The record as it was written.
    fn verbatim(&mut self, text: &[u8]) -> Result<()>;
    /// An array.
    fn numbers(&mut self, row: &StoredRow<'_>) -> Result<()>;
    /// A string; what follows is the document in it.
    fn json(&mut self, style: &JsonStyle) -> Result<()>;
    /// The end of that document.
    fn end_json(&mut self) -> Result<()>;
    /// An object: a nested collection. `place` is its segment and its number there,
    /// where it stands in a segment.
    fn map(&mut self, path: &CollectionPath, place: Option<(usize, u32)>) -> Result<()>;
}

impl RecordStore {
    /// Hands out the parts of a record.
    pub(crate) fn expand<'s>(
        &'s self,
        entry: &EntryRef,
        walks: &mut Walks<'s>,
        parts: &mut impl Parts,
    ) -> Result<()> {
        if entry.is_pending() {
            parts.begin(None)?;
            return self.expand_slot(self.slot(entry)?, parts);
        }
        let segment = &self.segment(entry.segment)?.segment;
        let walk = walks.of(self, entry)?;
        let mut stored = Stored {
            store: self,
            segment,
            entry: *entry,
            parts,
        };
        walk.expand(entry.entry, &mut stored)
    }
}

/// A row in normal form, its numbers in that layout.
pub(crate) fn normal_row(row: &StoredRow<'_>, numbers: NumberLayout) -> Vec<u8> {
    let style = JsonStyle {
        numbers: Some(numbers),
        ..JsonStyle::pydantic()
    };
    let mut text = Vec::new();
    row.print(&style, 0, &mut text);
    text
}

/// A record in a segment.
struct Stored<'s, 'p, P> {
    store: &'s RecordStore,
    segment: &'s RecordSegment,
    entry: EntryRef,
    parts: &'p mut P,
}

impl<P: Parts> Expanded for Stored<'_, '_, P> {
    fn begin(&mut self, odd_key: Option<&[u8]>) -> Result<()> {
        self.parts.begin(odd_key)
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        self.parts.normal(piece)
    }

    fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.parts.verbatim(text)
    }

    fn numbers(&mut self, plane: u32, row: u32) -> Result<()> {
        self.parts.numbers(&self.segment.numbers(plane, row)?)
    }

    fn json(&mut self, style: u32) -> Result<()> {
        self.parts.json(self.segment.style(style)?)
    }

    fn end_json(&mut self) -> Result<()> {
        self.parts.end_json()
    }

    fn map(&mut self, collection: u32) -> Result<()> {
        let nested = self.segment.collection(collection)?;
        let here = match &nested.parent {
            Some(parent) if parent.collection == self.entry.collection => {
                let mut key = Vec::new();
                self.store.key_of(&self.entry, &mut key)?;
                key == parent.record
            }
            _ => false,
        };
        if !here {
            return Err(self.segment.refuse("the place of a collection"));
        }
        let indexed = self.store.segment(self.entry.segment)?;
        let path = indexed.paths.get(collection as usize);
        let path = path.ok_or_else(|| self.segment.refuse("a collection's number"))?;
        self.parts.map(path, Some((self.entry.segment, collection)))
    }
}
