//! Collecting the entries of a store's maps as columns, and writing them.

use std::collections::HashMap;

use super::{
    build::{ColumnBuilder, Shared},
    codes::CodeList,
    entry::Entry,
    format::{Column, Directory, MAX_COLUMNS, MAX_DICTIONARIES, MAX_KEY_BYTES, MAX_SHAPES},
};
use crate::{
    blocks::BlockSink,
    bytes::{Spill, Spills},
    container::{ContainerWriter, SectionKind, codec},
    error::{Error, Place, Result},
    json::JsonStyle,
};

/// The longest value that is remembered.
const MAX_REMEMBERED: usize = 64 << 10;

/// The columns of a segment being written.
pub(crate) struct ColumnsBuilder {
    shared: Shared,
    columns: Vec<(Vec<u8>, ColumnBuilder)>,
    numbers: HashMap<Vec<u8>, u32>,
    shapes: Vec<Vec<u32>>,
    shape_codes: CodeList,
    shape_numbers: HashMap<Vec<u32>, u32>,
    key_bytes: usize,
    raw: Option<ColumnBuilder>,
    ref_doc: Option<(u32, ColumnBuilder)>,
    dictionaries: usize,
    /// What came last.
    last: Option<Last>,
}

/// A value of `metadata_dict`, taken apart: the nodes of a document often all have the
/// same.
struct Last {
    /// Empty where it is too long to be remembered.
    text: Vec<u8>,
    /// After it was looked at.
    style: JsonStyle,
    /// Members and shape, unless it is kept as text.
    shaped: Option<(Entry, u32)>,
}

impl ColumnsBuilder {
    pub(crate) fn new(spills: impl Into<Spills>) -> ColumnsBuilder {
        let spills = spills.into();
        ColumnsBuilder {
            shared: Shared {
                codes: Spill::new(spills.clone()),
                blocks: BlockSink::new(Spill::new(spills)),
            },
            columns: Vec::new(),
            numbers: HashMap::new(),
            shapes: Vec::new(),
            shape_codes: CodeList::default(),
            shape_numbers: HashMap::new(),
            key_bytes: 0,
            raw: None,
            ref_doc: None,
            dictionaries: 0,
            last: None,
        }
    }

    /// Number of metadata entries so far.
    pub(crate) fn entries(&self) -> u32 {
        self.shape_codes.count()
    }

    /// Appends the value of `metadata_dict` for the next entry. `text` stands
    /// at `depth` in its file; it may settle a style that is still open.
    pub(crate) fn push_metadata(
        &mut self,
        text: &[u8],
        style: &mut JsonStyle,
        depth: usize,
    ) -> Result<()> {
        let entry = self.entries();
        let last = self.last.take();
        let last = last.filter(|last| last.text == text && last.style == *style);
        let last = last.unwrap_or_else(|| self.look_at(text, style, depth));
        let shaped = last.shaped.as_ref();
        let Some((members, shape)) = shaped else {
            let raw = self.raw.get_or_insert_default();
            let before = raw.dictionary_size();
            raw.push(entry, text, &mut self.shared)?;
            self.dictionaries += raw.dictionary_size();
            self.dictionaries = self.dictionaries.saturating_sub(before);
            self.shape_codes.push(0, &mut self.shared.codes)?;
            return self.keep_within_memory();
        };
        let columns = self.shapes.get(*shape as usize - 1).cloned();
        for (column, (_, value)) in columns.unwrap_or_default().iter().zip(&members.0) {
            if let Some((_, column)) = self.columns.get_mut(*column as usize) {
                let before = column.dictionary_size();
                column.push(entry, value, &mut self.shared)?;
                self.dictionaries += column.dictionary_size();
                self.dictionaries = self.dictionaries.saturating_sub(before);
            }
        }
        self.shape_codes.push(*shape, &mut self.shared.codes)?;
        self.last = (!last.text.is_empty()).then_some(last);
        self.keep_within_memory()
    }

    /// Takes a value apart, and settles the style by it.
    fn look_at(&mut self, text: &[u8], style: &mut JsonStyle, depth: usize) -> Last {
        let members = Entry::parse(text);
        style.learn_escapes(text);
        let members = members.filter(|members| members.prints(style, depth, text));
        let shaped = members.and_then(|members| {
            let shape = self.shape_of(&members)?;
            Some((members, shape))
        });
        let text = match text.len() <= MAX_REMEMBERED {
            true => text.to_vec(),
            false => Vec::new(),
        };
        Last {
            text,
            style: style.clone(),
            shaped,
        }
    }

    /// Appends the value of `text_id_to_ref_doc_id` for the next entry, in
    /// normal form.
    pub(crate) fn push_ref_doc(&mut self, normal: &[u8]) -> Result<()> {
        let (entries, column) = self.ref_doc.get_or_insert_default();
        let before = column.dictionary_size();
        column.push(*entries, normal, &mut self.shared)?;
        *entries += 1;
        self.dictionaries += column.dictionary_size();
        self.dictionaries = self.dictionaries.saturating_sub(before);
        self.keep_within_memory()
    }

    /// The shape code of an entry; `None` when it cannot have one: a key
    /// occurs twice, or there are too many keys or shapes.
    fn shape_of(&mut self, entry: &Entry) -> Option<u32> {
        if entry.0.len() > MAX_COLUMNS {
            return None;
        }
        let mut shape = Vec::with_capacity(entry.0.len());
        let mut new = Vec::new();
        for (key, _) in &entry.0 {
            let next = self.columns.len() + new.len();
            let column = match self.numbers.get(key) {
                Some(&column) => column,
                None => {
                    new.push(key);
                    u32::try_from(next).ok()?
                }
            };
            if shape.contains(&column) {
                return None;
            }
            shape.push(column);
        }
        let distinct = new
            .iter()
            .enumerate()
            .all(|(i, key)| !new.iter().skip(i + 1).any(|k| k == key));
        let key_bytes = self.key_bytes + new.iter().map(|key| key.len()).sum::<usize>();
        if !distinct || self.columns.len() + new.len() > MAX_COLUMNS || key_bytes > MAX_KEY_BYTES {
            return None;
        }
        if let Some(&code) = self.shape_numbers.get(&shape) {
            return Some(code);
        }
        if self.shapes.len() == MAX_SHAPES {
            return None;
        }
        self.key_bytes = key_bytes;
        for key in new {
            let number = u32::try_from(self.columns.len()).ok()?;
            self.numbers.insert(key.clone(), number);
            self.columns.push((key.clone(), ColumnBuilder::default()));
        }
        self.shapes.push(shape.clone());
        let code = u32::try_from(self.shapes.len()).ok()?;
        self.shape_numbers.insert(shape, code);
        Some(code)
    }

    /// Makes the largest dictionary plain when all together are too large.
    fn keep_within_memory(&mut self) -> Result<()> {
        if self.dictionaries <= MAX_DICTIONARIES {
            return Ok(());
        }
        let columns = self.columns.iter_mut().map(|(_, column)| column);
        let others = self.ref_doc.iter_mut().map(|(_, column)| column);
        let largest = columns
            .chain(others)
            .chain(&mut self.raw)
            .max_by_key(|column| column.dictionary_size());
        if let Some(column) = largest {
            self.dictionaries -= column.dictionary_size();
            column.make_plain(&mut self.shared)?;
        }
        Ok(())
    }

    /// Writes codes, blocks and directory.
    pub(crate) fn finish(mut self, out: &mut ContainerWriter) -> Result<()> {
        let entries = self.entries();
        let mut directory = Directory {
            shapes: self.shapes,
            ..Directory::default()
        };
        out.begin(SectionKind::CODES)?;
        directory.shape_codes = Some(self.shape_codes.pack(&mut self.shared.codes, out)?);

        let mut stored: HashMap<(u32, u128), u32> = HashMap::new();
        let mut store = |mut column: ColumnBuilder, entries, out: &mut ContainerWriter| {
            column.fill(entries, &mut self.shared)?;
            if let Some(&storage) = stored.get(&column.digest()) {
                return Ok(storage);
            }
            let number = u32::try_from(directory.storages.len()).unwrap_or(u32::MAX);
            stored.insert(column.digest(), number);
            directory
                .storages
                .push(column.finish(&mut self.shared, out)?);
            Ok::<u32, Error>(number)
        };
        for (key, column) in self.columns {
            let storage = store(column, entries, out)?;
            directory.columns.push(Column { key, storage });
        }
        if let Some(raw) = self.raw {
            directory.raw = Some(store(raw, entries, out)?);
        }
        if let Some((entries, column)) = self.ref_doc {
            directory.ref_doc = Some(store(column, entries, out)?);
        }
        self.shared.blocks.finish(out)?;
        let bytes = codec::encode(&directory).map_err(|fault| Error::Damaged {
            path: out.path().to_owned(),
            place: Place {
                part: SectionKind::COLUMNS.name(),
                offset: 0,
            },
            fault,
        })?;
        out.whole(SectionKind::COLUMNS, &bytes)
    }
}
