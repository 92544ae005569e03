//! The proof that a store holds the same after segments were written.
//!
//! Where all segments became one, the whole text is printed twice. Otherwise
//! only what was written is looked at: each record with its key, its sequence
//! number and the collections in it, printed as it stands in the file; what else
//! is in the store has not changed.

use xxhash_rust::xxh3::Xxh3;

use super::{both::both, feed::locate, text::OneText};
use crate::{
    convert::records,
    error::Result,
    store::{CollectionPath, RecordStore, TopMember, Walks},
};

/// Whether two stores hold the same: in these collections from the segment on that
/// has the number `from.0` in the one and `from.1` in the other, or all of it where
/// the other has none before that. `written` is how many bytes were written.
pub(super) fn same(
    before: &RecordStore,
    after: &RecordStore,
    from: (usize, usize),
    paths: &[CollectionPath],
    written: u64,
) -> Result<bool> {
    let digest = |store: &RecordStore, number: usize| match from.1 {
        0 => text_of(store),
        _ => parts_of(store, number, paths),
    };
    let (before, after) = both(written, || digest(before, from.0), || digest(after, from.1));
    Ok(before? == after?)
}

/// A hash of the text of the file.
fn text_of(store: &RecordStore) -> Result<u128> {
    let mut hash = Xxh3::new();
    records::print(store, &mut |piece| {
        hash.update(piece);
        Ok(())
    })?;
    Ok(hash.digest128())
}

/// A hash of some collections from a segment on, and of the members of the top
/// level.
fn parts_of(store: &RecordStore, from: usize, paths: &[CollectionPath]) -> Result<u128> {
    let mut hash = Xxh3::new();
    for member in store.members()? {
        match member {
            TopMember::Collection { path, key } => {
                let keyed = store.view(&path)?.keyed;
                put(&mut hash, &[&key, &[u8::from(keyed)]]);
            }
            TopMember::Other { key, value } => put(&mut hash, &[key, value]),
        }
    }
    for path in paths {
        let Some((style, depth)) = locate(store, path)? else {
            put(&mut hash, &[b"nowhere"]);
            continue;
        };
        let view = store.view(path)?;
        put(&mut hash, &[&view.len()?.to_le_bytes()]);
        let mut walks = Walks::default();
        let mut span = view.span(from)?;
        while let Some((sequence, entry)) = span.next()? {
            let (mut key, mut length) = (Vec::new(), 0_u64);
            if view.keyed {
                store.key_of(&entry, &mut key)?;
            }
            let mut sink = |piece: &[u8]| {
                length += piece.len() as u64;
                hash.update(piece);
                Ok(())
            };
            let mut one = OneText::new(&style, depth, &mut sink);
            store.expand(&entry, &mut walks, &mut one)?;
            one.finish()?;
            let odd_key = one.odd_key.take().unwrap_or_default();
            let maps: Vec<_> = one.maps.iter().map(ToString::to_string).collect();
            put(&mut hash, &[&length.to_le_bytes(), &key, &odd_key]);
            put(&mut hash, &[&sequence.unwrap_or_default().to_le_bytes()]);
            maps.iter()
                .for_each(|map| put(&mut hash, &[map.as_bytes()]));
        }
    }
    Ok(hash.digest128())
}

/// Adds texts, and where they end.
fn put(hash: &mut Xxh3, texts: &[&[u8]]) {
    for text in texts {
        hash.update(text);
        hash.update(&(text.len() as u64).to_le_bytes());
    }
}
