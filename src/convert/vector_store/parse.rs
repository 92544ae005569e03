//! From the text of a vector store to a segment, in one pass, or two where
//! `embedding_dict` is not the first map.

use super::rows::{self, Stopped};
use crate::{
    error::Result,
    json::{Window, decode},
    segment::{Attempt, Map, Member, NotStructural, VectorWriter},
    store::MAP_NAMES,
};

/// Text of unknown members that is kept in the segment's metadata.
const MAX_OTHER: usize = 16 << 20;
/// What a member costs beside its text.
const OTHER_COST: usize = 64;

/// Gives all entries of the store to `writer`. `progress` is told how far
/// reading has come.
///
/// # Errors
/// [`Error::Json`](crate::Error::Json) where the text is not JSON or holds a
/// value beyond the window's limit; [`Error::Io`](crate::Error::Io).
pub(crate) fn parse(
    window: &mut Window,
    writer: &mut VectorWriter,
    progress: &dyn Fn(u64) -> Result<()>,
) -> Attempt<()> {
    window.skip_bom()?;
    if window.peek()? != Some(b'{') {
        // Another value, or no JSON at all: then this says where.
        window.value()?;
        window.end()?;
        return Ok(Err(NotStructural::NotAnObject));
    }
    let mut members: Vec<Member> = Vec::new();
    let mut other = 0;
    // Maps met before the vectors, which must come first: where they start.
    let mut deferred = Vec::new();
    let mut have_vectors = false;
    let mut named: Vec<Map> = Vec::new();
    window.expect(b'{')?;
    let mut more = window.peek()? != Some(b'}');
    while more {
        let key = window.string()?.to_vec();
        window.expect(b':')?;
        let map = map_of(&key);
        if let Some(map) = map {
            // Whatever its value: Python keeps the last one.
            if named.contains(&map) {
                return Ok(Err(NotStructural::RepeatedMap));
            }
            named.push(map);
        }
        match map {
            Some(map) if window.peek()? == Some(b'{') => {
                members.push(Member::Map { map, key });
                if map == Map::Embeddings || have_vectors {
                    have_vectors = true;
                    if let Err(why) = entries(window, map, writer, progress)? {
                        return Ok(Err(why));
                    }
                } else {
                    deferred.push((map, window.position()));
                    skip_entries(window)?;
                }
            }
            _ => {
                let value = window.value()?.to_vec();
                other += key.len() + value.len() + OTHER_COST;
                if other > MAX_OTHER {
                    return Ok(Err(NotStructural::TooLarge));
                }
                members.push(Member::Other { key, value });
            }
        }
        more = another(window)?;
    }
    window.expect(b'}')?;
    window.end()?;
    for (map, start) in deferred {
        window.seek(start)?;
        if let Err(why) = entries(window, map, writer, progress)? {
            return Ok(Err(why));
        }
    }
    writer.members(members);
    Ok(Ok(()))
}

fn map_of(key: &[u8]) -> Option<Map> {
    let mut name = Vec::new();
    decode(key, &mut name).ok()?;
    let found = MAP_NAMES.iter().find(|(n, _)| n.as_bytes() == name)?;
    Some(found.1)
}

/// Takes a comma; false where none comes next.
fn another(window: &mut Window) -> Result<bool> {
    let comma = window.peek()? == Some(b',');
    if comma {
        window.expect(b',')?;
    }
    Ok(comma)
}

fn entries(
    window: &mut Window,
    map: Map,
    writer: &mut VectorWriter,
    progress: &dyn Fn(u64) -> Result<()>,
) -> Attempt<()> {
    window.expect(b'{')?;
    let mut more = window.peek()? != Some(b'}');
    if more && map == Map::Embeddings {
        match rows::parse(window, writer, progress)? {
            Ok(Stopped::AtEntry) => {}
            Ok(Stopped::AfterValue) => more = another(window)?,
            Err(why) => return Ok(Err(why)),
        }
    }
    if let Err(why) = one_by_one(window, map, writer, progress, more)? {
        return Ok(Err(why));
    }
    window.expect(b'}')?;
    Ok(Ok(()))
}

/// Gives entries to `writer` from the one that comes next on, if there are `more`.
pub(super) fn one_by_one(
    window: &mut Window,
    map: Map,
    writer: &mut VectorWriter,
    progress: &dyn Fn(u64) -> Result<()>,
    mut more: bool,
) -> Attempt<()> {
    let mut key = Vec::new();
    while more {
        key.clear();
        key.extend_from_slice(window.string()?);
        window.expect(b':')?;
        if let Err(why) = writer.push(map, &key, window.value()?)? {
            return Ok(Err(why));
        }
        progress(window.position())?;
        more = another(window)?;
    }
    Ok(Ok(()))
}

fn skip_entries(window: &mut Window) -> Result<()> {
    window.expect(b'{')?;
    let mut more = window.peek()? != Some(b'}');
    while more {
        window.string()?;
        window.expect(b':')?;
        window.value()?;
        more = another(window)?;
    }
    window.expect(b'}')
}
