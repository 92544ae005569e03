//! One question about the values of a key, answered for all entries.
//!
//! A question is put once to each value of a dictionary, however many entries
//! have it; then codes are replaced by answers. Whether an entry has the key at
//! all is for its shape to say.

use std::borrow::Cow;

use super::{
    bitset::BitSet,
    bulk::{NO_MARK, Planes},
    entry::Entry,
    format::MAX_PRINTED,
    read::{Columns, EntryValue, OpenStorage, Run},
};
use crate::{
    blocks::{Cursor, Heap},
    error::Result,
};

/// What an entry has under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<'v> {
    /// The value, in normal form. Of a key that occurs twice, the last one, as
    /// JSON readers have it.
    Value(Cow<'v, [u8]>),
    /// The entry does not have the key.
    Absent,
    /// The entry, whose text this is, is no object.
    NoObject(&'v [u8]),
}

/// What a question is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    No = 0,
    Yes = 1,
    /// The question does not fit the value.
    Unfit = 2,
}

/// The mark of an entry whose storage has no value for it; the others are
/// answers.
const ABSENT: u8 = 3;

/// Which entries were answered with yes, and whose values did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) yes: BitSet,
    pub(crate) unfit: BitSet,
}

/// Which entries a question is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'e> {
    All,
    /// Only these, ascending; about the others the answers say nothing.
    Only(&'e [u32]),
}

/// Where the values of a key are for the entries of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source {
    storage: u32,
    /// Whether these are whole entries, as text.
    raw: bool,
}

impl EntryValue {
    /// What the entry has under `key`.
    pub(crate) fn find(&self, key: &[u8]) -> Found<'_> {
        match self {
            EntryValue::Raw(text) => find_raw(text, key),
            EntryValue::Object(members) => {
                let mut members = members.iter().rev();
                match members.find(|(name, _)| name == key) {
                    Some((_, value)) => Found::Value(Cow::Borrowed(value)),
                    None => Found::Absent,
                }
            }
        }
    }
}

fn find_raw<'t>(text: &'t [u8], key: &[u8]) -> Found<'t> {
    let Some(Entry(members)) = Entry::parse(text) else {
        return Found::NoObject(text);
    };
    let mut members = members.into_iter().rev();
    match members.find(|(name, _)| name == key) {
        Some((_, value)) => Found::Value(Cow::Owned(value)),
        None => Found::Absent,
    }
}

/// A question about one key.
struct Question<'q> {
    columns: &'q Columns,
    /// How many there are.
    entries: u32,
    key: &'q [u8],
    judge: &'q mut dyn FnMut(Found<'_>) -> Answer,
}

impl Columns {
    /// Asks `judge` about what entries have under `key`, each value once or a
    /// few times.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
    pub(crate) fn ask(
        &self,
        key: &[u8],
        which: Which<'_>,
        judge: &mut dyn FnMut(Found<'_>) -> Answer,
    ) -> Result<Answers> {
        let question = Question {
            columns: self,
            entries: self.entries(),
            key,
            judge,
        };
        match which {
            Which::All => question.all(),
            Which::Only(entries) => question.only(entries),
        }
    }

    /// The entries of ref docs whose value is `normal`, in normal form.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) fn ref_docs_that_are(&self, normal: &[u8]) -> Result<BitSet> {
        let Some(storage) = self.directory.ref_doc else {
            return Ok(BitSet::empty(0));
        };
        let entries = match self.storage(storage)? {
            OpenStorage::Dictionary(Run::Dense(run), _) => run.codes.count,
            OpenStorage::Dictionary(Run::Sparse(run), _) => run.entries.of,
            // As many as a map has entries: it was checked.
            OpenStorage::Plain(heap) => u32::try_from(heap.items).unwrap_or(u32::MAX),
        };
        let mut question = Question {
            columns: self,
            entries,
            key: b"",
            judge: &mut |found| match found {
                Found::Value(value) if *value == *normal => Answer::Yes,
                _ => Answer::No,
            },
        };
        let raw = false;
        let answers = question.answers_of(Source { storage, raw }, None)?;
        Ok(answers.yes)
    }

    fn entries(&self) -> u32 {
        self.shape_codes.codes.count
    }

    /// Where the values of `key` are for each shape code; `None` where its
    /// entries do not have the key.
    fn sources(&self, key: &[u8]) -> Result<Vec<Option<Source>>> {
        let directory = &self.directory;
        // At most one column of a shape has the key.
        let of_key = |column: &&u32| {
            let column = directory.columns.get(**column as usize);
            column.is_some_and(|column| column.key == key)
        };
        let mut sources = Vec::with_capacity(directory.shapes.len() + 1);
        sources.push(directory.raw.map(|storage| Source { storage, raw: true }));
        for shape in &directory.shapes {
            let column = shape.iter().find(of_key);
            let column = column.and_then(|column| directory.columns.get(*column as usize));
            sources.push(column.map(|column| Source {
                storage: column.storage,
                raw: false,
            }));
        }
        Ok(sources)
    }

    /// The shape code that all entries have; there is one at least.
    fn only_shape(&self) -> Result<Option<u32>> {
        if let Some(only) = self.only_shape.get() {
            return Ok(*only);
        }
        let first = self.shape_codes.get(0)?;
        let only = self.shape_codes.all_are(first)?.then_some(first);
        Ok(*self.only_shape.get_or_init(|| only))
    }

    fn storage(&self, storage: u32) -> Result<&OpenStorage> {
        let open = self.storages.get(storage as usize);
        open.ok_or_else(|| self.damaged("storage number"))
    }

    pub(super) fn cursor(&self, heap: Heap) -> Cursor<'_> {
        Cursor::new(&self.blocks, heap, MAX_PRINTED as u64)
    }
}

impl Question<'_> {
    fn all(mut self) -> Result<Answers> {
        let columns = self.columns;
        let entries = columns.entries();
        let sources = columns.sources(self.key)?;
        let mut answers = Answers {
            yes: BitSet::empty(entries),
            unfit: BitSet::empty(entries),
        };
        if entries == 0 {
            return Ok(answers);
        }
        if let Some(only) = columns.only_shape()? {
            return match sources.get(only as usize) {
                Some(Some(source)) => self.answers_of(*source, None),
                Some(None) if only == 0 => Err(columns.damaged("raw entry")),
                Some(None) => Ok(self.absent(BitSet::full(entries), answers)),
                None => Err(columns.damaged("shape code")),
            };
        }
        let mut distinct: Vec<Source> = Vec::new();
        for source in sources.iter().flatten() {
            if !distinct.contains(source) {
                distinct.push(*source);
            }
        }
        let mut absent = BitSet::full(entries);
        for source in distinct {
            let mark = |(shape, other): (usize, &Option<Source>)| match other {
                None if shape == 0 => NO_MARK,
                other => u8::from(*other == Some(source)),
            };
            let marks: Vec<u8> = sources.iter().enumerate().map(mark).collect();
            let has = columns.shape_codes.marks(&marks)?.low;
            if has.is_empty() {
                continue;
            }
            let more = self.answers_of(source, Some(&has))?;
            answers.yes.add_all(&more.yes);
            answers.unfit.add_all(&more.unfit);
            absent.drop_all(&has);
        }
        Ok(self.absent(absent, answers))
    }

    /// Adds the answers of entries that do not have the key.
    fn absent(&mut self, absent: BitSet, mut answers: Answers) -> Answers {
        if !absent.is_empty() {
            match (self.judge)(Found::Absent) {
                Answer::No => {}
                Answer::Yes => answers.yes.add_all(&absent),
                Answer::Unfit => answers.unfit.add_all(&absent),
            }
        }
        answers
    }

    /// The answers of the entries in `has`, or of all.
    fn answers_of(&mut self, source: Source, has: Option<&BitSet>) -> Result<Answers> {
        let columns = self.columns;
        let Planes { mut low, mut high } = match columns.storage(source.storage)? {
            OpenStorage::Dictionary(run, heap) => {
                let is_asked_again = columns.kept.get(source.storage).is_some();
                let marks = self.marks(source, heap)?;
                match run {
                    Run::Dense(run) => {
                        let postings = match is_asked_again {
                            true => columns.keep_postings(source.storage, run, heap.items)?,
                            false => None,
                        };
                        match postings.and_then(|postings| postings.marks(&marks)) {
                            Some(planes) => planes,
                            None => run.marks(&marks)?,
                        }
                    }
                    Run::Sparse(run) => run.marks(&marks)?,
                }
            }
            OpenStorage::Plain(heap) => self.plain(source, heap, has)?,
        };
        if let Some(has) = has {
            low.keep(has);
            high.keep(has);
        }
        let mut both = low.clone();
        both.keep(&high);
        if !both.is_empty() {
            return Err(columns.damaged("value of a shape"));
        }
        Ok(Answers {
            yes: low,
            unfit: high,
        })
    }

    /// The mark of each code of a dictionary.
    fn marks(&mut self, source: Source, heap: &Heap) -> Result<Vec<u8>> {
        let columns = self.columns;
        let mut marks = vec![ABSENT];
        let kept = columns.keep(source.storage, heap)?;
        let mut cursor = columns.cursor(*heap);
        for item in 0..heap.items {
            let value = match kept {
                Some(values) => values.get(item as usize).unwrap_or_default(),
                None => cursor.get(item)?,
            };
            marks.push(self.answer(source, value) as u8);
        }
        Ok(marks)
    }

    fn plain(&mut self, source: Source, heap: &Heap, has: Option<&BitSet>) -> Result<Planes> {
        let entries = self.entries;
        let (mut low, mut high) = (BitSet::empty(entries), BitSet::empty(entries));
        let mut cursor = self.columns.cursor(*heap);
        for entry in 0..entries {
            if has.is_some_and(|has| !has.contains(entry)) {
                continue;
            }
            // Values are JSON and never empty: empty means absent.
            let mark = match cursor.get(u64::from(entry))? {
                [] => ABSENT,
                value => self.answer(source, value) as u8,
            };
            if mark & 1 != 0 {
                low.insert(entry);
            }
            if mark & 2 != 0 {
                high.insert(entry);
            }
        }
        Ok(Planes { low, high })
    }

    fn only(mut self, entries: &[u32]) -> Result<Answers> {
        let columns = self.columns;
        let sources = columns.sources(self.key)?;
        let mut answers = Answers {
            yes: BitSet::empty(columns.entries()),
            unfit: BitSet::empty(columns.entries()),
        };
        // Storage and item of each entry that has the key. Sorted, each value
        // is read once, and each block as well.
        let mut items = Vec::with_capacity(entries.len());
        let mut absent = BitSet::empty(columns.entries());
        for &entry in entries {
            let shape = columns.shape_codes.get(entry)?;
            match sources.get(shape as usize) {
                Some(Some(source)) => {
                    let item = match columns.storage(source.storage)? {
                        OpenStorage::Plain(_) => Some(entry),
                        OpenStorage::Dictionary(run, _) => run.get(entry)?.checked_sub(1),
                    };
                    let item = item.ok_or_else(|| columns.damaged("value of a shape"))?;
                    items.push((source.storage, source.raw, item, entry));
                }
                Some(None) if shape == 0 => return Err(columns.damaged("raw entry")),
                Some(None) => absent.insert(entry),
                None => return Err(columns.damaged("shape code")),
            }
        }
        items.sort_unstable();
        let same = |a: &(u32, bool, u32, u32), b: &(u32, bool, u32, u32)| (a.0, a.1) == (b.0, b.1);
        for of_source in items.chunk_by(same) {
            let Some(&(storage, raw, ..)) = of_source.first() else {
                continue;
            };
            let source = Source { storage, raw };
            let (heap, kept, plain) = match columns.storage(storage)? {
                OpenStorage::Plain(heap) => (heap, None, true),
                OpenStorage::Dictionary(_, heap) => (heap, columns.kept.get(storage), false),
            };
            let mut cursor = columns.cursor(*heap);
            for of_item in of_source.chunk_by(|a, b| a.2 == b.2) {
                let Some(&(_, _, item, _)) = of_item.first() else {
                    continue;
                };
                let value = match kept {
                    Some(values) => {
                        let value = values.get(item as usize);
                        value.ok_or_else(|| columns.damaged("code"))?
                    }
                    None => cursor.get(u64::from(item))?,
                };
                // Of plain values, empty means absent.
                if plain && value.is_empty() {
                    return Err(columns.damaged("value of a shape"));
                }
                let set = match self.answer(source, value) {
                    Answer::No => continue,
                    Answer::Yes => &mut answers.yes,
                    Answer::Unfit => &mut answers.unfit,
                };
                of_item.iter().for_each(|&(.., entry)| set.insert(entry));
            }
        }
        Ok(self.absent(absent, answers))
    }

    fn answer(&mut self, source: Source, value: &[u8]) -> Answer {
        (self.judge)(match source.raw {
            true => find_raw(value, self.key),
            false => Found::Value(Cow::Borrowed(value)),
        })
    }
}
