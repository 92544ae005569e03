//! Records as text: in the style of the file, with nested collections in
//! their places.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use super::{CollectionPath, EntryRef, Parts, RecordStore, Records, View};
use crate::{
    error::{Error, Result},
    json::{Escapes, JsonStyle, encode},
    planes::StoredRow,
    segment::{Printing, RecordWalk},
    store::Rescue,
};

/// Text gathered before it is handed on.
const PIECE: usize = 256 << 10;

/// How much of a record is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// All of it.
    All,
    /// `{}` stands for nested collections.
    NoMaps,
    /// And `[]` for arrays of numbers that are not kept in its text.
    NoNumbers,
}

/// Prints records of a store to a sink, piece by piece.
pub(crate) struct RecordText<'s, 'k> {
    pub(super) store: &'s RecordStore,
    pub(super) printing: Printing,
    sink: &'k mut dyn FnMut(&[u8]) -> Result<()>,
    /// Nested collections that were printed: each has one place.
    pub(super) printed: HashSet<(usize, u32)>,
    detail: Detail,
    /// Who is told of entries that cannot be read, which are then left out.
    pub(super) rescue: Option<&'k mut dyn Rescue>,
}

/// The walks over the segments' parts of one collection.
#[derive(Default)]
pub(crate) struct Walks<'s>(HashMap<usize, RecordWalk<'s>>);

impl<'s> Walks<'s> {
    /// The walk over the part that has `entry`.
    pub(super) fn of(
        &mut self,
        store: &'s RecordStore,
        entry: &EntryRef,
    ) -> Result<&mut RecordWalk<'s>> {
        Ok(match self.0.entry(entry.segment) {
            Entry::Occupied(walk) => walk.into_mut(),
            Entry::Vacant(free) => {
                let segment = &store.segment(entry.segment)?.segment;
                free.insert(segment.walk(entry.collection)?)
            }
        })
    }
}

impl<'s, 'k> RecordText<'s, 'k> {
    /// Prints from `depth` of the file on.
    pub(crate) fn new(
        store: &'s RecordStore,
        depth: usize,
        sink: &'k mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<RecordText<'s, 'k>> {
        let printing = Printing::new(store.style()?, depth);
        Ok(RecordText::with(store, printing, sink))
    }

    /// Prints with a printing of its own.
    pub(super) fn with(
        store: &'s RecordStore,
        printing: Printing,
        sink: &'k mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> RecordText<'s, 'k> {
        RecordText {
            store,
            printing,
            sink,
            printed: HashSet::new(),
            detail: Detail::All,
            rescue: None,
        }
    }

    /// Leaves out what cannot be read, and tells of it.
    pub(crate) fn rescuing(mut self, rescue: &'k mut dyn Rescue) -> RecordText<'s, 'k> {
        self.rescue = Some(rescue);
        self
    }

    /// Prints so much of each record.
    pub(super) fn detailed(mut self, detail: Detail) -> RecordText<'s, 'k> {
        self.detail = detail;
        self
    }

    /// Prints whole tokens in normal form.
    pub(crate) fn normal(&mut self, piece: &[u8]) -> Result<()> {
        if !self.printing.normal(piece) {
            return Err(self.store.too_long());
        }
        self.hand_on(PIECE)
    }

    /// Prints text as it is.
    pub(crate) fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.printing.verbatim(text);
        self.hand_on(PIECE)
    }

    /// Prints all records of a collection of the top level, with its brackets; a
    /// long one on several threads.
    pub(crate) fn top(&mut self, view: &View<'s>) -> Result<()> {
        let ranges = match self.rescue {
            None => view.ranges()?,
            Some(_) => None,
        };
        let Some(ranges) = ranges else {
            return self.collection(view);
        };
        let Some(first) = view.entries()?.next()? else {
            return self.collection(view);
        };
        let (open, close) = brackets(view.keyed);
        self.normal(open)?;
        self.entry(&first, view.keyed, &mut Walks::default())?;
        self.hand_on(0)?;
        ranges.print(first.entry, &self.printing, self.sink)?;
        self.normal(close)
    }

    /// Prints all records of a collection, with its brackets.
    fn collection(&mut self, view: &View<'s>) -> Result<()> {
        let (open, close) = brackets(view.keyed);
        let mut entries = match self.rescue {
            None => view.entries()?,
            Some(_) => self.rescued(view)?,
        };
        let mut walks = Walks::default();
        let depth = self.printing.depth() + 1;
        let mut first = true;
        while let Some(entry) = entries.next()? {
            if self.rescue.is_some() && !self.is_whole(&entry, view.keyed, depth, &mut walks)? {
                continue;
            }
            self.normal(if first { open } else { b"," })?;
            first = false;
            self.entry(&entry, view.keyed, &mut walks)?;
        }
        match (first, view.keyed) {
            (false, _) => self.normal(close),
            (true, true) => self.normal(b"{}"),
            (true, false) => self.normal(b"[]"),
        }
    }

    /// Prints records as a list, without their keys.
    pub(super) fn values(&mut self, mut records: Records<'s>) -> Result<()> {
        let mut walks = Walks::default();
        let mut first = true;
        while let Some(entry) = records.next_entry()? {
            self.normal(if first { b"[" } else { b"," })?;
            first = false;
            self.entry(&entry, false, &mut walks)?;
        }
        self.normal(if first { b"[]" } else { b"]" })
    }

    /// Hands on what is left.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.hand_on(0)
    }

    /// Prints a record, with its key or without.
    pub(super) fn entry(
        &mut self,
        entry: &EntryRef,
        with_key: bool,
        walks: &mut Walks<'s>,
    ) -> Result<()> {
        let store = self.store;
        let mut one = OneRecord {
            text: self,
            entry: *entry,
            with_key,
        };
        store.expand(entry, walks, &mut one)
    }

    fn hand_on(&mut self, least: usize) -> Result<()> {
        let out = self.printing.outermost();
        if out.len() > least {
            (self.sink)(out)?;
            out.clear();
        }
        Ok(())
    }
}

fn brackets(keyed: bool) -> (&'static [u8], &'static [u8]) {
    match keyed {
        true => (b"{", b"}"),
        false => (b"[", b"]"),
    }
}

/// The printing of one record.
struct OneRecord<'t, 's, 'k> {
    text: &'t mut RecordText<'s, 'k>,
    entry: EntryRef,
    with_key: bool,
}

impl OneRecord<'_, '_, '_> {
    fn refuse(&self, what: &'static str) -> Error {
        match self.text.store.segment(self.entry.segment) {
            Ok(indexed) => indexed.segment.refuse(what),
            Err(_) => self.text.store.too_long(),
        }
    }
}

impl Parts for OneRecord<'_, '_, '_> {
    fn begin(&mut self, odd_key: Option<&[u8]>) -> Result<()> {
        if !self.with_key {
            return Ok(());
        }
        match odd_key {
            Some(token) => self.text.verbatim(token)?,
            None => {
                let (mut key, mut token) = (Vec::new(), Vec::new());
                self.text.store.key_of(&self.entry, &mut key)?;
                encode(&key, Escapes::Utf8, &mut token);
                self.text.normal(&token)?;
            }
        }
        self.text.normal(b":")
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        self.text.normal(piece)
    }

    fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.text.verbatim(text)
    }

    fn numbers(&mut self, row: &StoredRow<'_>) -> Result<()> {
        if self.text.detail == Detail::NoNumbers {
            return self.text.normal(b"[]");
        }
        match self.text.printing.numbers(row) {
            true => self.text.hand_on(PIECE),
            false => Err(self.refuse("length of a printed value")),
        }
    }

    fn json(&mut self, style: &JsonStyle) -> Result<()> {
        self.text.printing.json(style);
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        match self.text.printing.end_json() {
            true => Ok(()),
            false => Err(self.refuse("the end of a document")),
        }
    }

    fn map(&mut self, path: &CollectionPath, place: Option<(usize, u32)>) -> Result<()> {
        if self.text.detail != Detail::All {
            return self.text.normal(b"{}");
        }
        if place.is_some_and(|place| !self.text.printed.insert(place)) {
            return Err(self.refuse("the place of a collection"));
        }
        let store = self.text.store;
        self.text.collection(&store.view(path)?)
    }
}
