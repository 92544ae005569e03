//! Giving hashes to rows while packing, and writing them.
//!
//! In memory: a mark of 8 bytes for each row's hash and a bit, and the same mark
//! for each other hash and about 8 bytes of table. The hashes themselves go to
//! spills.

use std::{
    hash::{BuildHasher, RandomState},
    path::Path,
};

use hashbrown::HashTable;

use super::{
    LEN,
    format::{HashForm, HashesMeta},
};
use crate::{
    bytes::Spill,
    container::{ContainerWriter, SectionKind},
    error::{Error, Result},
    orders::BitsBuilder,
};

/// Where a hash stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashRef {
    /// It is that of the row in question.
    OfRow,
    /// It is the other hash of this number.
    Other(u32),
}

/// The hashes met so far.
///
/// Hashes are told apart by their marks alone.
pub(crate) struct HashBuilder {
    form: HashForm,
    /// The mark of each row's hash, where the row has one.
    rows: Vec<u64>,
    has: Vec<u64>,
    of_rows: Spill,
    others: Vec<u64>,
    numbers: HashTable<u32>,
    // Marks are keyed: not even who writes the JSON can give two hashes the
    // same one. (No part of a hash would do: they may be counters.)
    keyed: RandomState,
    of_others: Spill,
}

impl HashBuilder {
    pub(crate) fn new(spills: &Path, form: HashForm) -> HashBuilder {
        HashBuilder {
            form,
            rows: Vec::new(),
            has: Vec::new(),
            of_rows: Spill::new(spills),
            others: Vec::new(),
            numbers: HashTable::new(),
            keyed: RandomState::new(),
            of_others: Spill::new(spills),
        }
    }

    /// Where to find `hash`, which was met while `row` was the current row. A
    /// row that has no hash yet gets this one.
    pub(crate) fn refer(&mut self, row: Option<u32>, hash: &[u8; LEN]) -> Result<HashRef> {
        let mark = self.keyed.hash_one(hash);
        let Some(row) = row else {
            return self.other(mark, hash);
        };
        match self.of_row(row) {
            Some(own) if own == mark => Ok(HashRef::OfRow),
            Some(_) => self.other(mark, hash),
            None => {
                self.give(row, mark, hash)?;
                Ok(HashRef::OfRow)
            }
        }
    }

    /// The mark of a row's hash, if it has one.
    fn of_row(&self, row: u32) -> Option<u64> {
        let word = self.has.get((row / 64) as usize)?;
        let has = word >> (row % 64) & 1 == 1;
        self.rows.get(row as usize).copied().filter(|_| has)
    }

    fn give(&mut self, row: u32, mark: u64, hash: &[u8; LEN]) -> Result<()> {
        let index = row as usize;
        if self.rows.len() <= index {
            self.rows.resize(index + 1, 0);
            self.has.resize(index / 64 + 1, 0);
        }
        if let Some(place) = self.rows.get_mut(index) {
            *place = mark;
        }
        if let Some(word) = self.has.get_mut(index / 64) {
            *word |= 1 << (row % 64);
        }
        self.of_rows.write_at(u64::from(row) * LEN as u64, hash)
    }

    fn other(&mut self, mark: u64, hash: &[u8; LEN]) -> Result<HashRef> {
        let same = |&n: &u32| self.others.get(n as usize) == Some(&mark);
        let found = self.numbers.find(mark, same);
        if let Some(&number) = found {
            return Ok(HashRef::Other(number));
        }
        // One number is kept free, so that the count fits, too.
        let number = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
        if number == u32::MAX {
            return Err(Error::Limit {
                what: "hashes of a segment",
                got: u64::from(number) + 1,
                limit: u64::from(number),
            });
        }
        self.others.push(mark);
        let others = &self.others;
        let rehash = |&n: &u32| others.get(n as usize).copied().unwrap_or_default();
        self.numbers.insert_unique(mark, number, rehash);
        self.of_others.write(hash)?;
        Ok(HashRef::Other(number))
    }

    /// Writes the column's sections. `rows` is the number of rows of the
    /// segment.
    pub(crate) fn finish(mut self, rows: u32, out: &mut ContainerWriter) -> Result<HashesMeta> {
        let count: u32 = self.has.iter().map(|word| word.count_ones()).sum();
        let meta = HashesMeta {
            form: self.form,
            rows: count,
            others: u32::try_from(self.others.len()).unwrap_or(u32::MAX),
        };
        if meta.rows == 0 && meta.others == 0 {
            return Ok(meta);
        }
        drop((self.rows, self.others, self.numbers));
        let having = |row: &u32| {
            let word = self.has.get((row / 64) as usize);
            word.is_some_and(|word| word >> (row % 64) & 1 == 1)
        };
        out.begin(SectionKind::HASHES)?;
        let mut reader = self.of_rows.reader()?;
        let mut next = 0;
        let mut hash = [0; LEN];
        for row in (0..rows).filter(having) {
            reader.skip(u64::from(row - next) * LEN as u64)?;
            reader.read_exact(&mut hash)?;
            out.write(&hash)?;
            next = row + 1;
        }
        drop(reader);
        self.of_others.drain(|bytes| out.write(bytes))?;
        if meta.rows < rows {
            let mut bits = BitsBuilder::new(rows);
            (0..rows).filter(having).for_each(|row| bits.set(row));
            out.begin(SectionKind::HASH_ROWS)?;
            bits.write(out)?;
        }
        Ok(meta)
    }
}
