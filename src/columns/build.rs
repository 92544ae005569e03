//! One column on its way to disk: a dictionary, until that is too large.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use xxhash_rust::xxh3::Xxh3;

use super::{
    codes::CodeList,
    format::{MAX_DICTIONARY, Storage},
};
use crate::{
    blocks::{BlockSink, HeapWriter},
    bytes::Spill,
    container::ContainerWriter,
    error::Result,
};

/// The spills that all columns of a segment share.
pub(crate) struct Shared {
    pub(crate) codes: Spill,
    pub(crate) blocks: BlockSink,
}

/// A column being collected.
pub(crate) struct ColumnBuilder {
    form: Form,
    /// Of everything pushed: equal digests mean equal columns.
    digest: Xxh3,
    entries: u32,
}

enum Form {
    Dictionary(Dictionary, CodeList),
    Plain(HeapWriter),
}

#[derive(Default)]
struct Dictionary {
    // Keyed, so that nobody can craft values that collide.
    keyed: RandomState,
    codes: HashTable<u32>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// The code that was given last.
    last: u32,
}

impl Dictionary {
    fn value(&self, index: u32) -> &[u8] {
        let index = index as usize;
        let before = index.checked_sub(1).and_then(|i| self.ends.get(i));
        let start = before.copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The code of `value`, counted from 1.
    fn code(&mut self, value: &[u8]) -> u32 {
        // Neighbours mostly have the same.
        if self.last > 0 && self.value(self.last - 1) == value {
            return self.last;
        }
        self.last = self.find(value);
        self.last
    }

    fn find(&mut self, value: &[u8]) -> u32 {
        let hash = self.keyed.hash_one(value);
        if let Some(&index) = self.codes.find(hash, |&index| self.value(index) == value) {
            return index + 1;
        }
        let index = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
        let mut codes = std::mem::take(&mut self.codes);
        codes.insert_unique(hash, index, |&i| self.keyed.hash_one(self.value(i)));
        self.codes = codes;
        index + 1
    }

    /// Memory held, roughly.
    fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * 16
    }
}

impl Default for ColumnBuilder {
    fn default() -> Self {
        ColumnBuilder {
            form: Form::Dictionary(Dictionary::default(), CodeList::default()),
            digest: Xxh3::new(),
            entries: 0,
        }
    }
}

impl ColumnBuilder {
    /// Sets the value of entry number `entry`, which is after all before.
    pub(crate) fn push(&mut self, entry: u32, value: &[u8], shared: &mut Shared) -> Result<()> {
        self.fill(entry, shared)?;
        self.digest.update(&entry.to_le_bytes());
        self.digest.update(&(value.len() as u64).to_le_bytes());
        self.digest.update(value);
        self.entries += 1;
        match &mut self.form {
            Form::Dictionary(dictionary, codes) => {
                let code = dictionary.code(value);
                codes.push(code, &mut shared.codes)?;
                if dictionary.size() > MAX_DICTIONARY {
                    self.make_plain(shared)?;
                }
                Ok(())
            }
            Form::Plain(heap) => heap.push(value, &mut shared.blocks),
        }
    }

    /// Memory that making the column plain would free.
    pub(crate) fn dictionary_size(&self) -> usize {
        match &self.form {
            Form::Dictionary(dictionary, _) => dictionary.size(),
            Form::Plain(_) => 0,
        }
    }

    /// Gives the dictionary up: writes all values so far one by one.
    pub(crate) fn make_plain(&mut self, shared: &mut Shared) -> Result<()> {
        let Form::Dictionary(dictionary, codes) = &self.form else {
            return Ok(());
        };
        let mut heap = HeapWriter::default();
        codes.each(&mut shared.codes, |code| {
            let value = code.checked_sub(1).map(|index| dictionary.value(index));
            heap.push(value.unwrap_or_default(), &mut shared.blocks)
        })?;
        self.form = Form::Plain(heap);
        Ok(())
    }

    /// Entries up to `count` have no value.
    pub(crate) fn fill(&mut self, count: u32, shared: &mut Shared) -> Result<()> {
        if let Form::Dictionary(_, codes) = &mut self.form {
            codes.fill(count, &mut shared.codes)?;
        } else if let Form::Plain(heap) = &mut self.form {
            for _ in self.entries..count {
                heap.push(b"", &mut shared.blocks)?;
            }
        }
        self.entries = self.entries.max(count);
        Ok(())
    }

    /// Equal for columns with equal values.
    pub(crate) fn digest(&self) -> (u32, u128) {
        (self.entries, self.digest.digest128())
    }

    /// Writes the codes to the section of `out` that was begun, and the
    /// values to the blocks.
    pub(crate) fn finish(self, shared: &mut Shared, out: &mut ContainerWriter) -> Result<Storage> {
        match self.form {
            Form::Plain(heap) => Ok(Storage::Plain {
                values: heap.finish(&mut shared.blocks)?,
            }),
            Form::Dictionary(dictionary, codes) => {
                debug_assert_eq!(codes.count(), self.entries);
                let mut heap = HeapWriter::default();
                for index in 0..dictionary.ends.len() {
                    let index = u32::try_from(index).unwrap_or(u32::MAX);
                    heap.push(dictionary.value(index), &mut shared.blocks)?;
                }
                let values = heap.finish(&mut shared.blocks)?;
                if codes.is_sparse() {
                    let (entries, codes) = codes.pack_sparse(&mut shared.codes, out)?;
                    return Ok(Storage::Sparse {
                        entries,
                        codes,
                        values,
                    });
                }
                let codes = codes.pack(&mut shared.codes, out)?;
                Ok(Storage::Dictionary { codes, values })
            }
        }
    }
}
