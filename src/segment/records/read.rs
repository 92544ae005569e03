//! Reading a record segment: records by key or by number, one block at a
//! time. The twin of `write.rs`.

use std::{ops::Range, path::Path, sync::Arc};

use super::{
    format::{
        Collection, MAX_COLLECTIONS, MAX_NESTING, MAX_STYLES, PathLengths, RecordMember,
        RecordsMeta,
    },
    printing::Hashing,
    unpack::{Expanded, Referred, Unpacker},
};
use crate::{
    blocks::{Blocks, Cursor},
    container::{Container, SectionKind, Span},
    error::{Error, Fault, Result},
    hashes::HashColumn,
    ids::IdColumn,
    json::{Escapes, JsonStyle, encode},
    orders::{EntryOrder, EntrySequence, OrderParts, SequenceParts},
    planes::{Plane, StoredRow},
};

/// The sections that a record segment may have.
const SECTIONS: [SectionKind; 23] = [
    SectionKind::META,
    SectionKind::BLOCKS,
    SectionKind::BLOCK_INDEX,
    SectionKind::DICTIONARY,
    SectionKind::PRINTED_HASHES,
    SectionKind::IDS,
    SectionKind::ID_ENDS,
    SectionKind::ID_KINDS,
    SectionKind::ID_TEXTS,
    SectionKind::ID_SLOTS,
    SectionKind::ID_SORTED,
    SectionKind::HASHES,
    SectionKind::HASH_ROWS,
    SectionKind::PLANE,
    SectionKind::LOW_PLANE,
    SectionKind::LOW_RANK,
    SectionKind::CLASSES,
    SectionKind::NORMS,
    SectionKind::IRREGULAR,
    SectionKind::EXCEPTIONS,
    SectionKind::TOKENS,
    SectionKind::ORDERS,
    SectionKind::SEQUENCES,
];

/// The collections of a JSON file, as they were when it was packed.
///
/// Opening reads what META holds; a record is read when it is asked for, and
/// that decompresses one block. Collections are numbered from 0, and so are
/// the records of each. One file's segments together are a
/// [`RecordStore`](crate::store::RecordStore), which is what most callers want.
#[derive(Debug)]
pub struct RecordSegment {
    file: Arc<Container>,
    span: Span,
    meta: RecordsMeta,
    ids: IdColumn,
    hashes: HashColumn,
    planes: Vec<Plane>,
    orders: Vec<EntryOrder>,
    sequences: Vec<EntrySequence>,
    blocks: Blocks,
}

impl RecordSegment {
    /// Takes an open container of kind [`Records`](crate::container::FileKind).
    ///
    /// # Errors
    /// [`Error::Damaged`] when its sections do not fit each other.
    pub fn open(file: Arc<Container>) -> Result<RecordSegment> {
        file.only_sections(&SECTIONS)?;
        let meta: RecordsMeta = file.metadata()?;
        let span = file.require(SectionKind::META)?;
        if let Err(what) = believe(&meta) {
            return Err(file.damaged(span, 0, Fault::Value(what)));
        }
        let rows = meta.ids.rows;
        file.require(SectionKind::PRINTED_HASHES)?;
        let blocks = Blocks::open(&file)?;
        let mut orders = OrderParts::begin(&file, rows);
        let mut sequences = SequenceParts::begin(&file);
        let mut segment = RecordSegment {
            span,
            ids: IdColumn::open(&file, &meta.ids)?,
            hashes: HashColumn::open(&file, meta.hashes, rows)?,
            planes: Plane::open_all(&file, &meta.planes)?,
            orders: Vec::with_capacity(meta.collections.len()),
            sequences: Vec::with_capacity(meta.collections.len()),
            blocks,
            file,
            meta,
        };
        let mut next_block = 0_u64;
        for collection in &segment.meta.collections {
            segment.blocks.admit(&collection.records)?;
            if collection.records.blocks > 0
                && u64::from(collection.records.first_block) != next_block
            {
                return Err(segment.refuse("the blocks of a collection"));
            }
            next_block += u64::from(collection.records.blocks);
            // Without keys an order means nothing, and belongs to no rows.
            let entries = if collection.keyed {
                collection.entries
            } else {
                0
            };
            segment.orders.push(orders.next(collection.order, entries)?);
            segment
                .sequences
                .push(sequences.next(collection.sequence, collection.entries)?);
        }
        if next_block != segment.blocks.count() {
            return Err(segment.refuse("the number of blocks"));
        }
        orders.end()?;
        sequences.end()?;
        Ok(segment)
    }

    /// The file.
    pub(crate) fn file(&self) -> &Arc<Container> {
        &self.file
    }

    /// How many blocks were decompressed so far.
    #[cfg(test)]
    pub(crate) fn decoded_blocks(&self) -> usize {
        self.blocks.decoded()
    }

    /// The file's content root, by which tombstones name it.
    pub(crate) fn root(&self) -> [u8; 16] {
        self.file.root()
    }

    pub(crate) fn members(&self) -> &[RecordMember] {
        &self.meta.members
    }

    pub(crate) fn collections(&self) -> &[Collection] {
        &self.meta.collections
    }

    pub(crate) fn collection(&self, number: u32) -> Result<&Collection> {
        let collection = self.meta.collections.get(number as usize);
        collection.ok_or_else(|| self.refuse("a collection's number"))
    }

    /// The style of that number; the first is that of the file.
    pub(crate) fn style(&self, number: u32) -> Result<&JsonStyle> {
        let style = self.meta.styles.get(number as usize);
        style.ok_or_else(|| self.refuse("a style's number"))
    }

    /// A row of a plane.
    pub(crate) fn numbers(&self, plane: u32, row: u32) -> Result<StoredRow<'_>> {
        let plane = self.planes.get(plane as usize);
        plane
            .ok_or_else(|| self.refuse("a plane's number"))?
            .row(row)
    }

    /// The last entry of that key in a collection, if it has one.
    pub(crate) fn entry_of(&self, collection: u32, key: &[u8]) -> Result<Option<u32>> {
        let order = self.order(collection)?;
        if !self.collection(collection)?.keyed {
            return Ok(None);
        }
        match self.ids.find(key)? {
            Some(row) => order.entry_of(row),
            None => Ok(None),
        }
    }

    /// All entries of that key in a collection, ascending.
    pub(crate) fn entries_of(&self, collection: u32, key: &[u8]) -> Result<Vec<u32>> {
        let order = self.order(collection)?;
        if !self.collection(collection)?.keyed {
            return Ok(Vec::new());
        }
        match self.ids.find(key)? {
            Some(row) => order.entries_of(row),
            None => Ok(Vec::new()),
        }
    }

    /// Whether a collection may have several entries of one key.
    pub(crate) fn may_repeat(&self, collection: u32) -> Result<bool> {
        Ok(self.order(collection)?.may_repeat())
    }

    /// Whether an id is in the pool, in which all keys are.
    pub(crate) fn has_id(&self, id: &[u8]) -> Result<bool> {
        Ok(self.ids.find(id)?.is_some())
    }

    /// Appends the decoded key of an entry of a keyed collection.
    pub(crate) fn key_of(&self, collection: u32, entry: u32, out: &mut Vec<u8>) -> Result<()> {
        let row = self.order(collection)?.row_of(entry)?;
        self.ids.get(row, out)
    }

    /// The sequence numbers of a collection's entries.
    pub(crate) fn sequence(&self, collection: u32) -> Result<&EntrySequence> {
        let sequence = self.sequences.get(collection as usize);
        sequence.ok_or_else(|| self.refuse("a collection's number"))
    }

    fn order(&self, collection: u32) -> Result<&EntryOrder> {
        let order = self.orders.get(collection as usize);
        order.ok_or_else(|| self.refuse("a collection's number"))
    }

    /// Reads records of a collection one after another, best in order.
    pub(crate) fn walk(&self, collection: u32) -> Result<RecordWalk<'_>> {
        let open = self.collection(collection)?;
        Ok(RecordWalk {
            segment: self,
            number: collection,
            keyed: open.keyed,
            cursor: Cursor::new(&self.blocks, open.records, u64::MAX),
            unpacker: Unpacker::new(self),
        })
    }

    /// Cuts a collection into ranges of entries that begin with a block and have
    /// about so many blocks.
    pub(crate) fn ranges(&self, collection: u32, blocks: usize) -> Result<Vec<Range<u32>>> {
        let collection = self.collection(collection)?;
        let mut begins = Vec::new();
        for block in self.blocks.heap_blocks(&collection.records).step_by(blocks) {
            let begin = u32::try_from(block?.first_item).unwrap_or(u32::MAX);
            // Blocks that only continue an item begin with the next one.
            if begins.last() != Some(&begin) {
                begins.push(begin);
            }
        }
        let ends = begins.iter().skip(1).copied();
        let ends = ends.chain([collection.entries]);
        Ok(begins
            .iter()
            .zip(ends)
            .map(|(&begin, end)| begin..end)
            .collect())
    }

    /// Reads what opening leaves for later and does not look into blocks:
    /// every order and sequence number.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn check_structure(&self) -> Result<()> {
        self.hashes.check_structure()?;
        for (number, collection) in self.meta.collections.iter().enumerate() {
            if collection.keyed
                && let Some(order) = self.orders.get(number)
            {
                order.check_structure()?;
            }
            if let Some(sequence) = self.sequences.get(number) {
                sequence.check_structure()?;
            }
            for block in self.blocks.heap_blocks(&collection.records) {
                block?;
            }
        }
        Ok(())
    }

    /// Expands every record and compares with the hash of its block.
    /// `progress` is told of every block.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub(crate) fn check_records(&self, progress: &dyn Fn()) -> Result<()> {
        self.ids.check_lookups()?;
        for plane in &self.planes {
            plane.check_rows(&|_| progress())?;
        }
        for (number, collection) in self.meta.collections.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let mut walk = self.walk(number)?;
            for block in self.blocks.heap_blocks(&collection.records) {
                let block = block?;
                let mut hashing = Hashing::new(self, collection.style);
                for entry in block.first_item..block.first_item + u64::from(block.items) {
                    let entry = u32::try_from(entry).unwrap_or(u32::MAX);
                    walk.expand(entry, &mut hashing)?;
                }
                if block.items > 0 && block.printed != Some(hashing.digest()) {
                    return Err(self.blocks.damaged(block.number, Fault::Content));
                }
                progress();
            }
        }
        Ok(())
    }

    /// The error for metadata, or packed text, that breaks a rule.
    pub(crate) fn refuse(&self, what: &'static str) -> Error {
        self.file.damaged(self.span, 0, Fault::Value(what))
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }
}

/// The rules that META must keep by itself.
fn believe(meta: &RecordsMeta) -> Result<(), &'static str> {
    let styles = 1..=MAX_STYLES;
    if !styles.contains(&meta.styles.len()) || !meta.styles.iter().all(JsonStyle::is_sound) {
        return Err("style");
    }
    if meta.collections.len() > MAX_COLLECTIONS {
        return Err("number of collections");
    }
    let mut paths = PathLengths::default();
    let mut nesting: Vec<usize> = Vec::with_capacity(meta.collections.len());
    for collection in &meta.collections {
        let around = match &collection.parent {
            None => 0,
            Some(parent) => {
                let number = parent.collection as usize;
                let keyed = meta.collections.get(number).is_some_and(|c| c.keyed);
                let keyed = keyed && collection.keyed;
                let around = nesting.get(number).copied().filter(|_| keyed);
                around.ok_or("a collection's parent")?
            }
        };
        if around == MAX_NESTING {
            return Err("nesting of collections");
        }
        nesting.push(around + 1);
        if !paths.add(collection.parent.as_ref(), &collection.name) {
            return Err("length of what leads to the collections");
        }
        let is_style = match collection.parent {
            None => collection.style == 0,
            Some(_) => (collection.style as usize) < meta.styles.len(),
        };
        if !is_style {
            return Err("a collection's style");
        }
        if u64::from(collection.entries) != collection.records.items {
            return Err("number of records");
        }
    }
    // Every collection of the top level is named by one member, and no other.
    let mut named = vec![false; meta.collections.len()];
    for member in &meta.members {
        if let RecordMember::Collection { collection, .. } = member {
            let number = *collection as usize;
            let top = meta
                .collections
                .get(number)
                .is_some_and(|c| c.parent.is_none());
            match named.get_mut(number) {
                Some(named) if top && !*named => *named = true,
                _ => return Err("a member's collection"),
            }
        }
    }
    let all = meta.collections.iter().zip(&named);
    match all
        .into_iter()
        .all(|(c, named)| *named == c.parent.is_none())
    {
        true => Ok(()),
        false => Err("a collection without a member"),
    }
}

impl Referred for RecordSegment {
    fn id(&self, row: u32, out: &mut Vec<u8>) -> Result<()> {
        let mut id = Vec::with_capacity(64);
        self.ids.get(row, &mut id)?;
        encode(&id, Escapes::Utf8, out);
        Ok(())
    }

    fn hash_of(&self, row: u32, out: &mut Vec<u8>) -> Result<()> {
        let hash = self.hashes.of_row(row)?;
        let hash = hash.ok_or_else(|| self.refuse("an op for a row without a hash"))?;
        self.push_hash(&hash, out);
        Ok(())
    }

    fn other_hash(&self, number: u32, out: &mut Vec<u8>) -> Result<()> {
        let hash = self.hashes.other(number)?;
        self.push_hash(&hash, out);
        Ok(())
    }

    fn refuse(&self, fault: Fault) -> Error {
        self.file.damaged(self.span, 0, fault)
    }
}

impl RecordSegment {
    fn push_hash(&self, hash: &[u8; 32], out: &mut Vec<u8>) {
        out.push(b'"');
        self.meta.hashes.form.print(hash, out);
        out.push(b'"');
    }
}

/// Reads records of one collection.
pub(crate) struct RecordWalk<'s> {
    segment: &'s RecordSegment,
    number: u32,
    keyed: bool,
    cursor: Cursor<'s>,
    unpacker: Unpacker<'s, RecordSegment>,
}

impl<'s> RecordWalk<'s> {
    /// Hands out what the record of an entry stands for.
    pub(crate) fn expand(&mut self, entry: u32, out: &mut impl Expanded) -> Result<()> {
        let segment = self.segment;
        let own = match self.keyed {
            true => Some(segment.order(self.number)?.row_of(entry)?),
            false => None,
        };
        let unpacker = &mut self.unpacker;
        unpacker.begin(own);
        if let Some(whole) = self.cursor.within_block(u64::from(entry))? {
            unpacker.part(whole, true, out)?;
            return unpacker.end();
        }
        let mut parts = self.cursor.parts(u64::from(entry));
        while let Some(part) = parts.next()? {
            unpacker.part(part, false, out)?;
        }
        unpacker.part(&[], true, out)?;
        unpacker.end()
    }
}
