//! The changes of a store, made again on a newer state of it.

use std::collections::HashMap;

use super::{ENTRY_DEPTH, RowStore, Stack, changes::NewEntry, print_value};
use crate::{
    error::{Error, Result, StoreError},
    json::{JsonStyle, normalise},
    segment::{Map, VectorSegment},
    store::{CollectionPath, MAP_NAMES, Rebase, merge::Merge},
};

/// What became of the entry of an id in a map.
struct Change<'s> {
    id: Vec<u8>,
    /// The value before, in normal form; `None` where there was none.
    base: Option<Vec<u8>>,
    /// The entry as it is now; `None` where it was deleted.
    now: Option<(&'s VectorSegment, u32)>,
    /// Whether it has the place of the one before.
    kept: bool,
}

impl RowStore {
    /// Makes the changes of this store on `newer`, which is a later state of
    /// the same store and has no changes of its own. Values that neither side,
    /// or only one, has changed are no conflict, nor are equal changes.
    ///
    /// # Errors
    /// [`Rebase::Conflict`] for the first entry that both have changed, and for
    /// vectors that are not as long as those of `newer`.
    pub(crate) fn rebase(&self, mut newer: RowStore) -> Result<RowStore, Rebase> {
        let stack = self.stack()?;
        for map in Map::ALL {
            let mut puts = Vec::new();
            for change in changes(stack, map)? {
                let theirs = match newer.find(map, &change.id)? {
                    Some((segment, entry)) => Some(normal(segment, map, entry)?),
                    None => None,
                };
                let mine = match change.now {
                    Some((segment, entry)) => Some(normal(segment, map, entry)?),
                    None => None,
                };
                if theirs != change.base {
                    if theirs == mine {
                        continue;
                    }
                    return Err(conflict(map, change.id));
                }
                if theirs.is_some() && !(change.kept && mine.is_some()) {
                    newer.delete_entry(map, &change.id)?;
                }
                if let Some((segment, entry)) = change.now {
                    puts.push(new_entry(change.id, map, segment, entry, newer.style())?);
                }
            }
            newer.put(puts).map_err(|error| match error {
                Error::Store(StoreError::VectorLength { id, .. }) => conflict(map, id),
                other => Rebase::Error(other),
            })?;
        }
        Ok(newer)
    }
}

fn conflict(map: Map, key: Vec<u8>) -> Rebase {
    let name = MAP_NAMES.iter().find(|(_, named)| *named == map);
    let collection = CollectionPath::top(name.map_or("", |(name, _)| name).as_bytes());
    Rebase::Conflict { collection, key }
}

/// The changes of a map: what was deleted, then what was put, in order.
fn changes(stack: &Stack, map: Map) -> Result<Vec<Change<'_>>> {
    let stored = stack.stored().len();
    let mut before = HashMap::new();
    let mut deleted = Vec::new();
    for (n, segment) in stack.stored().iter().enumerate() {
        for entry in stack.newly_deleted(n, map)? {
            let id = segment.id(segment.entry_row(map, entry)?)?;
            before.insert(id.clone(), normal(segment, map, entry)?);
            deleted.push(id);
        }
    }
    let first_new = stack.next_number(stored, map)?;
    let mut put = Vec::new();
    let mut entries = Merge::new(stack.parts(stored, map)?)?;
    while let Some((number, n, entry)) = entries.peek() {
        entries.next()?;
        let Some(segment) = stack.segments().get(stored + n) else {
            continue;
        };
        let id = segment.id(segment.entry_row(map, entry)?)?;
        put.push(Change {
            base: before.remove(&id),
            id,
            now: Some((&**segment, entry)),
            kept: first_new.is_none_or(|first| number < first),
        });
    }
    let gone = deleted.into_iter().filter_map(|id| {
        let base = Some(before.remove(&id)?);
        Some(Change {
            id,
            base,
            now: None,
            kept: false,
        })
    });
    let mut changes: Vec<Change<'_>> = gone.collect();
    changes.append(&mut put);
    Ok(changes)
}

/// The value of an entry, in normal form.
fn normal(segment: &VectorSegment, map: Map, entry: u32) -> Result<Vec<u8>> {
    let (mut text, mut normal) = (Vec::new(), Vec::new());
    print_value(
        segment,
        map,
        entry,
        &JsonStyle::python(),
        ENTRY_DEPTH,
        &mut text,
    )?;
    match normalise(&text, &mut normal) {
        Ok(()) => Ok(normal),
        Err(_) => Err(segment.refuse("the value of an entry")),
    }
}

fn new_entry(
    id: Vec<u8>,
    map: Map,
    segment: &VectorSegment,
    entry: u32,
    style: &JsonStyle,
) -> Result<NewEntry> {
    let mut text = Vec::new();
    print_value(segment, map, entry, style, ENTRY_DEPTH, &mut text)?;
    let mut texts = [None, None, None];
    if let Some(place) = texts.get_mut(map as usize) {
        *place = Some(text);
    }
    let components = segment.dim() as usize;
    Ok(NewEntry {
        id,
        components,
        texts,
    })
}
