//! Giving the records of a store to what takes the records of a file: to the
//! survey first, then to the writer.

use std::{collections::HashMap, path::Path};

use super::text::{Locate, OneText, Standing, too_large};
use crate::{
    convert::records::RECORD_DEPTH,
    error::Result,
    json::{JsonStyle, NormalTokens, Token, Window, encode},
    planes::StoredRow,
    segment::{Attempt, Parent, Place, RecordMember, Records, Wanted},
    store::{CollectionPath, EntryRef, Parts, RecordStore, TopMember, Walks, normal_row},
};

/// A longer record is given token by token.
const MAX_HELD: usize = if cfg!(test) { 1 << 10 } else { 8 << 20 };

/// Gives all records from a segment on.
pub(super) struct Feed<'s, 'r, R> {
    store: &'s RecordStore,
    from: usize,
    records: &'r mut R,
    /// The collections that were begun, with their numbers.
    given: HashMap<CollectionPath, u32>,
}

/// A collection that is being given.
struct Open {
    number: u32,
    /// Where its records stand.
    style: JsonStyle,
    style_number: u32,
    depth: usize,
}

/// The collections of a new segment, and the members of the top level.
pub(super) struct Given {
    pub(super) paths: Vec<CollectionPath>,
    pub(super) members: Vec<RecordMember>,
}

/// Gives the records of the segments from number `from` on, and those in memory.
///
/// # Errors
/// [`Error::Limit`](crate::Error::Limit) for what no segment can hold;
/// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
pub(super) fn give<R: Records>(store: &RecordStore, from: usize, records: &mut R) -> Result<Given> {
    let mut feed = Feed {
        store,
        from,
        records,
        given: HashMap::new(),
    };
    let style = store.style()?;
    let mut members = Vec::new();
    for member in store.members()? {
        members.push(match member {
            TopMember::Collection { path, key } => {
                let keyed = store.view(&path)?.keyed;
                let name = path.steps().first().cloned().unwrap_or_default();
                let collection = feed.begin(&path, keyed, None, name, (style, 0), RECORD_DEPTH)?;
                RecordMember::Collection {
                    collection,
                    key: key.into_owned(),
                }
            }
            TopMember::Other { key, value } => RecordMember::Other {
                key: key.to_vec(),
                value: value.to_vec(),
            },
        });
    }
    if from > 0 {
        // Entries of maps whose records are in older segments.
        for path in store.all_collections() {
            if store.view(&path)?.span(from)?.next()?.is_some() {
                feed.nested(&path)?;
            }
        }
    }
    Ok(Given {
        paths: feed.given.into_keys().collect(),
        members,
    })
}

/// The style around a nested collection, and the depth of its records; `None`
/// where no record has it.
pub(super) fn locate(
    store: &RecordStore,
    path: &CollectionPath,
) -> Result<Option<(JsonStyle, usize)>> {
    let Some((around, ..)) = path.around() else {
        return Ok(Some((store.style()?.clone(), RECORD_DEPTH)));
    };
    let Some((style, depth)) = locate(store, &around)? else {
        return Ok(None);
    };
    let Some(record) = store.record_around(path)? else {
        return Ok(None);
    };
    let mut locate = Locate::new(path, &style, depth);
    store.expand(&record, &mut Walks::default(), &mut locate)?;
    Ok(locate.found())
}

fn fits<T>(attempt: Attempt<T>) -> Result<T> {
    attempt?.map_err(|_| too_large("records of a segment"))
}

impl<'s, R: Records> Feed<'s, '_, R> {
    /// Gives a nested collection whose record is not given.
    fn nested(&mut self, path: &CollectionPath) -> Result<()> {
        let Some((around, record, name)) = path.around() else {
            return Ok(());
        };
        if self.given.contains_key(path) {
            return Ok(());
        }
        self.nested(&around)?;
        let Some(&collection) = self.given.get(&around) else {
            return Ok(());
        };
        let Some((style, depth)) = locate(self.store, path)? else {
            return Ok(());
        };
        let style_number = self.style(&style)?;
        let parent = Parent {
            collection,
            record: record.to_vec(),
        };
        let style = (&style, style_number);
        self.begin(path, true, Some(parent), name.to_vec(), style, depth)?;
        Ok(())
    }

    fn style(&mut self, style: &JsonStyle) -> Result<u32> {
        let number = self.records.style(style);
        number.ok_or_else(|| too_large("styles of a segment"))
    }

    /// Gives a collection with its records; returns its number.
    fn begin(
        &mut self,
        path: &CollectionPath,
        keyed: bool,
        parent: Option<Parent>,
        name: Vec<u8>,
        (style, style_number): (&JsonStyle, u32),
        depth: usize,
    ) -> Result<u32> {
        let number = fits(self.records.collection(Place {
            parent,
            name,
            keyed,
            style: style_number,
            depth,
        }))?;
        self.given.insert(path.clone(), number);
        let open = Open {
            number,
            style: style.clone(),
            style_number,
            depth,
        };
        let store = self.store;
        let has_maps = store.has_nested(path);
        let mut walks = Walks::default();
        let mut span = store.view(path)?.span(self.from)?;
        while let Some((sequence, entry)) = span.next()? {
            let mut key = None;
            if keyed {
                let mut id = Vec::new();
                store.key_of(&entry, &mut id)?;
                key = Some(id);
            }
            if let Some(sequence) = sequence {
                self.records.sequence(sequence);
            }
            if has_maps || !self.whole(&open, &entry, key.as_deref(), &mut walks)? {
                self.by_tokens(&open, &entry, key, &mut walks)?;
            }
        }
        Ok(number)
    }

    /// Gives a record as one text; false where it is too long.
    fn whole(
        &mut self,
        open: &Open,
        entry: &EntryRef,
        key: Option<&[u8]>,
        walks: &mut Walks<'s>,
    ) -> Result<bool> {
        let wanted = self.records.wants();
        let token = key.map(|key| token_of(key, &open.style));
        if wanted == Wanted::Key {
            fits(self.records.skip(open.number, token.as_deref()))?;
            return Ok(true);
        }
        let (mut text, mut is_long) = (Vec::new(), false);
        let mut sink = |piece: &[u8]| {
            is_long = text.len() + piece.len() > MAX_HELD;
            match is_long {
                true => Err(too_large("length of a record's text")),
                false => {
                    text.extend_from_slice(piece);
                    Ok(())
                }
            }
        };
        let mut one = OneText::new(&open.style, open.depth, &mut sink);
        let expanded = self.store.expand(entry, walks, &mut one);
        let expanded = expanded.and_then(|()| one.finish());
        let (odd_key, is_verbatim) = (one.odd_key.take(), one.is_verbatim);
        match expanded {
            Err(_) if is_long => return Ok(false),
            other => other?,
        }
        let token = odd_key.or(token);
        if is_verbatim || wanted == Wanted::Text {
            fits(self.records.record(open.number, token.as_deref(), text))?;
            return Ok(true);
        }
        fits(self.records.begin(open.number, token.as_deref()))?;
        let mut window = Window::over(text, Path::new("a record"));
        self.records
            .value(open.number, &mut window, open.style_number)?;
        self.records.end()?;
        Ok(true)
    }

    /// Gives a record token by token, with the collections in it.
    fn by_tokens(
        &mut self,
        open: &Open,
        entry: &EntryRef,
        key: Option<Vec<u8>>,
        walks: &mut Walks<'s>,
    ) -> Result<()> {
        let store = self.store;
        let mut one = OneRecord {
            feed: self,
            open,
            token: key.as_deref().map(|key| token_of(key, &open.style)),
            key: key.unwrap_or_default(),
            begun: false,
            text: Vec::new(),
            standing: Standing::new(&open.style, open.depth),
        };
        store.expand(entry, walks, &mut one)?;
        let (token, text, begun) = (one.token.take(), std::mem::take(&mut one.text), one.begun);
        match begun {
            true => self.records.end(),
            false => fits(self.records.record(open.number, token.as_deref(), text)).map(drop),
        }
    }
}

fn token_of(key: &[u8], style: &JsonStyle) -> Vec<u8> {
    let mut token = Vec::new();
    encode(key, style.escapes(), &mut token);
    token
}

/// A record that is given token by token.
struct OneRecord<'f, 's, 'r, R> {
    feed: &'f mut Feed<'s, 'r, R>,
    open: &'f Open,
    key: Vec<u8>,
    token: Option<Vec<u8>>,
    begun: bool,
    /// What was kept as it was written.
    text: Vec<u8>,
    standing: Standing,
}

impl<R: Records> OneRecord<'_, '_, '_, R> {
    /// The record turns out to be no text that is kept as it is.
    fn opened(&mut self) -> Result<&mut R> {
        if !self.begun {
            self.begun = true;
            fits(
                self.feed
                    .records
                    .begin(self.open.number, self.token.as_deref()),
            )?;
        }
        Ok(self.feed.records)
    }
}

impl<R: Records> Parts for OneRecord<'_, '_, '_, R> {
    fn begin(&mut self, odd_key: Option<&[u8]>) -> Result<()> {
        if let Some(token) = odd_key {
            self.token = Some(token.to_vec());
        }
        Ok(())
    }

    fn normal(&mut self, piece: &[u8]) -> Result<()> {
        for token in NormalTokens::new(piece) {
            self.standing.token(&token);
            self.opened()?.token(token)?;
        }
        Ok(())
    }

    fn verbatim(&mut self, text: &[u8]) -> Result<()> {
        self.text.extend_from_slice(text);
        Ok(())
    }

    fn numbers(&mut self, row: &StoredRow<'_>) -> Result<()> {
        let style = self.standing.style().unwrap_or(&self.open.style);
        let text = normal_row(row, style.numbers());
        self.opened()?.token(Token::Scalar(&text))
    }

    fn json(&mut self, style: &JsonStyle) -> Result<()> {
        self.opened()?;
        self.standing.json(style);
        let number = self.feed.style(style)?;
        self.feed.records.document(number)
    }

    fn end_json(&mut self) -> Result<()> {
        self.standing.end_json();
        self.opened()?.end_json()
    }

    fn map(&mut self, path: &CollectionPath, _place: Option<(usize, u32)>) -> Result<()> {
        self.opened()?;
        let Some((_, _, name)) = path.around() else {
            return Err(too_large("the place of a collection"));
        };
        let style = self.standing.style().unwrap_or(&self.open.style).clone();
        let style_number = match self.standing.is_in_string() {
            true => self.feed.style(&style)?,
            false => self.open.style_number,
        };
        let parent = Parent {
            collection: self.open.number,
            record: self.key.clone(),
        };
        let depth = self.standing.depth() + 1;
        let style = (&style, style_number);
        let number = self
            .feed
            .begin(path, true, Some(parent), name.to_vec(), style, depth)?;
        self.feed.records.map(number)
    }
}
