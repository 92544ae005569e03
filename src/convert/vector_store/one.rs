//! One id of a vector store as text.

use crate::{
    error::Result,
    json::encode,
    segment::Map,
    store::{RowStore, print_value},
};

/// Everything that the store has under `id`, as one JSON object; `None` where
/// that is nothing.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
pub(crate) fn print_id(store: &RowStore, id: &[u8]) -> Result<Option<Vec<u8>>> {
    let style = store.style();
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
    let Some((segment, entry)) = store.find(map, id)? else {
        return Ok(None);
    };
    let mut out = Vec::new();
    print_value(segment, map, entry, store.style(), 0, &mut out)?;
    Ok(Some(out))
}
