//! Reading columns: one entry at a time, or all entries in order.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use super::{
    codes::{CodeRun, SparseRun},
    entry::print_object,
    format::{Directory, MAX_COLUMNS, MAX_DICTIONARIES, MAX_PRINTED, MAX_SHAPES, Storage},
    kept::Kept,
};
use crate::{
    blocks::{Blocks, Cursor, Heap},
    container::{Container, SectionKind, Span, codec},
    error::{Error, Fault, Result},
    json::JsonStyle,
};

/// The columns of an open file.
#[derive(Debug)]
pub(crate) struct Columns {
    file: Arc<Container>,
    span: Span,
    pub(super) directory: Directory,
    pub(super) blocks: Blocks,
    pub(super) shape_codes: CodeRun,
    /// The shape code that all entries have, if they do, from the first question on.
    pub(super) only_shape: OnceLock<Option<u32>>,
    pub(super) storages: Vec<OpenStorage>,
    /// What was kept in memory by those who asked for values.
    pub(super) kept: Kept,
}

#[derive(Debug)]
pub(super) enum OpenStorage {
    Dictionary(Run, Heap),
    Plain(Heap),
}

/// The codes of a column, for all entries or for the few that have one.
#[derive(Debug)]
pub(super) enum Run {
    Dense(CodeRun),
    Sparse(SparseRun),
}

impl Run {
    pub(super) fn get(&self, entry: u32) -> Result<u32> {
        match self {
            Run::Dense(run) => run.get(entry),
            Run::Sparse(run) => run.get(entry),
        }
    }
}

/// The value of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryValue {
    /// Keys (decoded) and values (normal form), in order.
    Object(Vec<(Vec<u8>, Vec<u8>)>),
    /// The text as it was written.
    Raw(Vec<u8>),
}

impl Columns {
    /// Reads and checks the directory. `entries` and `ref_docs` are the sizes
    /// of the two maps.
    pub(crate) fn open(file: &Arc<Container>, entries: u32, ref_docs: u32) -> Result<Columns> {
        let span = file.require(SectionKind::COLUMNS)?;
        let bytes = file.read(span, 0..span.len())?;
        let directory: Directory =
            codec::decode(&bytes).map_err(|fault| file.damaged(span, 0, fault))?;
        let codes = file.require(SectionKind::CODES)?;
        let blocks = Blocks::open(file)?;
        let refuse = |what| file.damaged(span, 0, Fault::Bounds(what));

        let mut storages = Vec::with_capacity(directory.storages.len());
        // How many entries each storage serves.
        let mut served = Vec::with_capacity(directory.storages.len());
        for storage in &directory.storages {
            let (open, count) = match storage {
                Storage::Dictionary { codes: run, values } => {
                    blocks.admit(values)?;
                    let open = Run::Dense(CodeRun::open(file, codes, *run)?);
                    (OpenStorage::Dictionary(open, *values), u64::from(run.count))
                }
                Storage::Sparse {
                    entries,
                    codes: run,
                    values,
                } => {
                    blocks.admit(values)?;
                    let open = Run::Sparse(SparseRun::open(file, codes, *entries, *run)?);
                    let count = u64::from(entries.of);
                    (OpenStorage::Dictionary(open, *values), count)
                }
                Storage::Plain { values } => {
                    blocks.admit(values)?;
                    (OpenStorage::Plain(*values), values.items)
                }
            };
            storages.push(open);
            served.push(count);
        }
        let serves =
            |storage: u32, entries: u32| served.get(storage as usize) == Some(&u64::from(entries));
        let columns = directory.columns.len();
        let sound = directory.columns.iter().all(|c| serves(c.storage, entries))
            && directory.raw.is_none_or(|raw| serves(raw, entries))
            && directory.ref_doc.is_none_or(|s| serves(s, ref_docs))
            && (directory.ref_doc.is_some() || ref_docs == 0);
        if !sound {
            return Err(refuse("storage number"));
        }
        if columns > MAX_COLUMNS || directory.shapes.len() > MAX_SHAPES {
            return Err(refuse("number of columns or shapes"));
        }
        // Columns of one key have the same number here.
        let mut of_key: HashMap<&[u8], usize> = HashMap::with_capacity(columns);
        let keys: Vec<usize> = (0..)
            .zip(&directory.columns)
            .map(|(n, column)| *of_key.entry(&column.key).or_insert(n))
            .collect();
        let mut seen = vec![0; columns];
        for (n, shape) in directory.shapes.iter().enumerate() {
            for &column in shape {
                // No key twice in one shape, no column that is not there.
                let key = keys.get(column as usize).copied();
                match key.and_then(|key| seen.get_mut(key)) {
                    Some(last) if *last <= n => *last = n + 1,
                    _ => return Err(refuse("column number")),
                }
            }
        }
        let Some(shape_run) = directory.shape_codes.filter(|run| run.count == entries) else {
            return Err(refuse("shape codes"));
        };
        Ok(Columns {
            shape_codes: CodeRun::open(file, codes, shape_run)?,
            only_shape: OnceLock::new(),
            file: Arc::clone(file),
            span,
            directory,
            blocks,
            kept: Kept::new(storages.len()),
            storages,
        })
    }

    /// The keys of all columns, in the order in which they were first met.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.directory.columns.iter().map(|c| c.key.as_slice())
    }

    /// How many storages the columns share.
    #[cfg(test)]
    pub(super) fn storage_count(&self) -> usize {
        self.storages.len()
    }

    /// The metadata of entry number `entry`.
    pub(crate) fn metadata(&self, entry: u32) -> Result<EntryValue> {
        self.walk_few().metadata(entry)
    }

    /// The ref doc id of entry number `entry`, in normal form.
    pub(crate) fn ref_doc(&self, entry: u32) -> Result<Vec<u8>> {
        self.walk_few().ref_doc(entry)
    }

    /// Reads single entries: nothing is loaded in advance.
    pub(crate) fn walk_few(&self) -> ColumnWalk<'_> {
        ColumnWalk {
            columns: self,
            readers: self.storages.iter().map(|_| None).collect(),
            memory: 0,
        }
    }

    /// Reads many entries: dictionaries are held in memory, up to a bound.
    pub(crate) fn walk(&self) -> ColumnWalk<'_> {
        self.walk_beside(1)
    }

    /// The same, one of so many walks that share the bound.
    pub(crate) fn walk_beside(&self, walks: usize) -> ColumnWalk<'_> {
        ColumnWalk {
            memory: (MAX_DICTIONARIES as u64 + (16 << 20)) / walks.max(1) as u64,
            ..self.walk_few()
        }
    }

    /// What a dictionary takes in memory, by the formula by which the writer
    /// bounds what it holds, so that what it made can be loaded.
    pub(super) fn memory_of(&self, dictionary: &Heap) -> Result<u64> {
        let ends = dictionary.items.saturating_mul(12);
        Ok(self.blocks.raw_len(dictionary)?.saturating_add(ends))
    }

    /// An error about the directory or what it leads to.
    pub(crate) fn damaged(&self, what: &'static str) -> Error {
        self.file.damaged(self.span, 0, Fault::Bounds(what))
    }
}

/// Reads entries, best in order.
pub(crate) struct ColumnWalk<'a> {
    columns: &'a Columns,
    readers: Vec<Option<Reader<'a>>>,
    /// What may still be spent on dictionaries.
    memory: u64,
}

enum Reader<'a> {
    /// A dictionary in memory.
    Loaded(&'a Run, Values),
    /// A dictionary read block by block.
    Dictionary(&'a Run, Cursor<'a>),
    Plain(Cursor<'a>),
}

/// The values of a dictionary, end to end.
#[derive(Debug, Default)]
pub(super) struct Values {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Values {
    /// Reads all items of a dictionary.
    pub(super) fn load(cursor: &mut Cursor<'_>, items: u64) -> Result<Values> {
        let mut values = Values::default();
        for item in 0..items {
            values.bytes.extend_from_slice(cursor.get(item)?);
            values.ends.push(values.bytes.len());
        }
        Ok(values)
    }

    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let before = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        self.bytes.get(before.copied().unwrap_or(0)..end)
    }
}

impl<'a> ColumnWalk<'a> {
    /// The value in `storage` of entry number `entry`; `None` when absent.
    fn value(&mut self, storage: u32, entry: u32) -> Result<Option<&[u8]>> {
        let columns = self.columns;
        let slot = self.readers.get_mut(storage as usize);
        let open = columns.storages.get(storage as usize);
        let (Some(slot), Some(open)) = (slot, open) else {
            return Err(columns.damaged("storage number"));
        };
        if slot.is_none() {
            *slot = Some(Reader::new(columns, open, &mut self.memory)?);
        }
        let value = match slot {
            None => None,
            Some(Reader::Loaded(codes, values)) => match codes.get(entry)?.checked_sub(1) {
                None => None,
                Some(index) => {
                    let value = values.get(index as usize);
                    Some(value.ok_or_else(|| columns.damaged("code"))?)
                }
            },
            Some(Reader::Dictionary(codes, cursor)) => match codes.get(entry)?.checked_sub(1) {
                None => None,
                Some(index) => Some(cursor.get(u64::from(index))?),
            },
            Some(Reader::Plain(cursor)) => {
                // Values are JSON and never empty: empty means absent.
                Some(cursor.get(u64::from(entry))?).filter(|value| !value.is_empty())
            }
        };
        Ok(value)
    }

    pub(crate) fn metadata(&mut self, entry: u32) -> Result<EntryValue> {
        let columns = self.columns;
        let shape = columns.shape_codes.get(entry)?;
        let Some(shape) = shape.checked_sub(1) else {
            let raw = match columns.directory.raw {
                Some(raw) => self.value(raw, entry)?,
                None => None,
            };
            let raw = raw.ok_or_else(|| columns.damaged("raw entry"))?;
            return Ok(EntryValue::Raw(raw.to_vec()));
        };
        let Some(shape) = columns.directory.shapes.get(shape as usize) else {
            return Err(columns.damaged("shape code"));
        };
        let mut members = Vec::with_capacity(shape.len());
        for &column in shape {
            let Some(column) = columns.directory.columns.get(column as usize) else {
                return Err(columns.damaged("column number"));
            };
            let value = self.value(column.storage, entry)?;
            let value = value.ok_or_else(|| columns.damaged("value of a shape"))?;
            members.push((column.key.clone(), value.to_vec()));
        }
        Ok(EntryValue::Object(members))
    }

    pub(crate) fn ref_doc(&mut self, entry: u32) -> Result<Vec<u8>> {
        let columns = self.columns;
        let value = match columns.directory.ref_doc {
            Some(storage) => self.value(storage, entry)?,
            None => None,
        };
        Ok(value.ok_or_else(|| columns.damaged("ref doc"))?.to_vec())
    }
}

impl<'a> Reader<'a> {
    fn new(columns: &'a Columns, open: &'a OpenStorage, memory: &mut u64) -> Result<Reader<'a>> {
        let (codes, heap) = match open {
            OpenStorage::Plain(heap) => {
                return Ok(Reader::Plain(Cursor::new(
                    &columns.blocks,
                    *heap,
                    MAX_PRINTED as u64,
                )));
            }
            OpenStorage::Dictionary(codes, heap) => (codes, *heap),
        };
        let mut cursor = Cursor::new(&columns.blocks, heap, MAX_PRINTED as u64);
        let size = columns.memory_of(&heap)?;
        if size > *memory {
            return Ok(Reader::Dictionary(codes, cursor));
        }
        *memory -= size;
        Ok(Reader::Loaded(
            codes,
            Values::load(&mut cursor, heap.items)?,
        ))
    }
}

impl EntryValue {
    /// Prints the value, which stands at `depth`; false when that gives
    /// longer text than any entry was packed from.
    #[must_use = "the text may be cut"]
    pub(crate) fn print(&self, style: &JsonStyle, depth: usize, out: &mut Vec<u8>) -> bool {
        match self {
            EntryValue::Raw(text) => {
                out.extend_from_slice(text);
                true
            }
            EntryValue::Object(members) => {
                let members = members.iter().map(|(k, v)| (k.as_slice(), v.as_slice()));
                print_object(members, style, depth, MAX_PRINTED, out)
            }
        }
    }
}
