//! From a segment to the text of a vector store.

use super::{ENTRY_DEPTH, MEMBER_DEPTH};
use crate::{
    columns::MAX_PRINTED,
    error::Result,
    json::{encode, print_within},
    segment::{Map, Member, OddmentWalk, Part, VectorSegment},
};

/// Text gathered before it is handed on.
const PIECE: usize = 256 << 10;

/// Prints the whole text to `sink`, piece by piece.
///
/// # Errors
/// What `sink` returns; [`Error::Damaged`](crate::Error::Damaged),
/// [`Error::Io`](crate::Error::Io).
pub(crate) fn print(
    segment: &VectorSegment,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let style = segment.style();
    let mut out = Vec::with_capacity(PIECE * 2);
    style.begin(&mut out);
    let members = segment.members();
    if members.is_empty() {
        out.extend_from_slice(b"{}");
    }
    for (n, member) in members.iter().enumerate() {
        match n {
            0 => style.open(b'{', MEMBER_DEPTH, &mut out),
            _ => style.comma(MEMBER_DEPTH, &mut out),
        }
        match member {
            Member::Other { key, value } => {
                out.extend_from_slice(key);
                style.colon(&mut out);
                out.extend_from_slice(value);
            }
            Member::Map { map, key } => {
                out.extend_from_slice(key);
                style.colon(&mut out);
                print_map(segment, *map, &mut out, sink)?;
            }
        }
    }
    if !members.is_empty() {
        style.close(b'}', MEMBER_DEPTH, &mut out);
    }
    style.finish(&mut out);
    sink(&out)
}

fn print_map(
    segment: &VectorSegment,
    map: Map,
    out: &mut Vec<u8>,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let style = segment.style();
    let entries = segment.entries(map);
    if entries == 0 {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    let mut odd = OddmentWalk::of(map, &segment.oddments()?);
    let mut columns = match map {
        Map::Embeddings => None,
        Map::RefDocs | Map::Metadata => Some(segment.columns()?.walk()),
    };
    let mut id = Vec::new();
    style.open(b'{', ENTRY_DEPTH, out);
    for entry in 0..entries {
        if entry > 0 {
            style.comma(ENTRY_DEPTH, out);
        }
        let row = segment.entry_row(map, entry)?;
        match odd.next(entry, Part::Key) {
            Some(token) => out.extend_from_slice(&token),
            None => {
                id.clear();
                segment.ids().get(row, &mut id)?;
                encode(&id, style.escapes(), out);
            }
        }
        style.colon(out);
        match (map, &mut columns) {
            (Map::RefDocs, Some(columns)) => match odd.next(entry, Part::Value) {
                Some(token) => out.extend_from_slice(&token),
                None => {
                    let value = columns.ref_doc(entry)?;
                    if !print_within(&value, style, ENTRY_DEPTH, MAX_PRINTED, out) {
                        return Err(segment.too_long());
                    }
                }
            },
            (Map::Metadata, Some(columns)) => {
                if !columns.metadata(entry)?.print(style, ENTRY_DEPTH, out) {
                    return Err(segment.too_long());
                }
            }
            _ => segment.plane().row(row)?.print(style, ENTRY_DEPTH, out),
        }
        if out.len() >= PIECE {
            sink(out)?;
            out.clear();
        }
    }
    style.close(b'}', ENTRY_DEPTH, out);
    Ok(())
}
