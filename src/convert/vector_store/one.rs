//! One id of a vector store as text.

use crate::{
    columns::MAX_PRINTED,
    error::Result,
    json::{JsonStyle, encode, print_within},
    segment::{Map, OddmentWalk, Part, VectorSegment},
    store::RowStore,
};

/// Everything that the store has under `id`, as one JSON object; `None` where
/// that is nothing.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
pub(crate) fn print_id(store: &RowStore, id: &[u8]) -> Result<Option<Vec<u8>>> {
    let Some(newest) = store.segments().last() else {
        return Ok(None);
    };
    let style = newest.style();
    let mut out = Vec::new();
    style.open(b'{', 1, &mut out);
    encode(b"id", style.escapes(), &mut out);
    style.colon(&mut out);
    encode(id, style.escapes(), &mut out);
    let mut any = false;
    for (name, map) in [
        ("embedding", Map::Embeddings),
        ("ref_doc_id", Map::RefDocs),
        ("metadata", Map::Metadata),
    ] {
        style.comma(1, &mut out);
        encode(name.as_bytes(), style.escapes(), &mut out);
        style.colon(&mut out);
        match store.find(map, id)? {
            Some((segment, entry)) => {
                any = true;
                print_value(segment, map, entry, style, 1, &mut out)?;
            }
            None => out.extend_from_slice(b"null"),
        }
    }
    style.close(b'}', 1, &mut out);
    Ok(any.then_some(out))
}

/// The value of `id` in one of the maps, by itself.
///
/// # Errors
/// As [`print_id`].
pub(crate) fn print_in_map(store: &RowStore, map: Map, id: &[u8]) -> Result<Option<Vec<u8>>> {
    let (Some((segment, entry)), Some(newest)) = (store.find(map, id)?, store.segments().last())
    else {
        return Ok(None);
    };
    let mut out = Vec::new();
    print_value(segment, map, entry, newest.style(), 0, &mut out)?;
    Ok(Some(out))
}

fn print_value(
    segment: &VectorSegment,
    map: Map,
    entry: u32,
    style: &JsonStyle,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    let whole = match map {
        Map::Embeddings => {
            let row = segment.entry_row(map, entry)?;
            segment.plane().row(row)?.print(style, depth, out);
            true
        }
        Map::RefDocs => {
            let odd = OddmentWalk::of(map, &segment.oddments()?).next(entry, Part::Value);
            match odd {
                Some(token) => {
                    out.extend_from_slice(&token);
                    true
                }
                None => {
                    let value = segment.columns()?.ref_doc(entry)?;
                    print_within(&value, style, depth, MAX_PRINTED, out)
                }
            }
        }
        Map::Metadata => {
            let value = segment.columns()?.metadata(entry)?;
            value.print(style, depth, out)
        }
    };
    match whole {
        true => Ok(()),
        false => Err(segment.too_long()),
    }
}
