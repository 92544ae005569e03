//! Rows: vectors with what belongs to them.

mod proof;

use super::Appended;
use crate::{
    disk,
    error::Result,
    persist_dir::{SegmentKind, SegmentName, SegmentRef, Writer},
    segment::{Map, TombstoneWriter, VectorWriter},
    store::{RowStore, Stack},
};
use proof::prove;

/// Writes the changes of a store as one more segment, and the tombstones.
/// Nothing is published. `None` where rows cannot hold it.
///
/// It costs what changed, and a look at what is deleted: no other entry is
/// read.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
pub(crate) fn append_rows(writer: &Writer, store: &RowStore) -> Result<Option<Appended>> {
    compact_rows(writer, store, store.segments().len())
}

/// Merges the segments from number `from` on, and the changes, into one
/// segment, and writes what tombstones remain. Nothing is published. `None`
/// where rows cannot hold it, or print another text than before.
///
/// Entries are copied one by one in their order. In memory: what
/// [`VectorWriter`] holds, and a dictionary of values for each column.
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged), [`Error::Io`](crate::Error::Io).
pub(crate) fn compact_rows(
    writer: &Writer,
    store: &RowStore,
    from: usize,
) -> Result<Option<Appended>> {
    let stack = store.stack()?;
    let Some(compacted) = write(writer, stack, from)? else {
        return Ok(None);
    };
    let proved = prove(writer, store, &compacted, from);
    if let Ok(true) = proved {
        return Ok(Some(compacted));
    }
    let old = old_tombstones(stack);
    let new = compacted.segment.iter().chain(&compacted.tombstones);
    for segment in new.filter(|segment| Some(**segment) != old) {
        // What stays behind is named by no manifest, and gc's.
        let _ = disk::remove_file(&segment.name.path_in(writer.twin_dir()));
    }
    proved.map(|_| None)
}

/// Writes one segment in the place of those from number `from` on, with the
/// tombstones of those before it.
fn write(writer: &Writer, stack: &Stack, from: usize) -> Result<Option<Appended>> {
    let stored = stack.stored().len();
    let from = from.min(stored);
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for n in 0..stored {
        match n < from && stack.live_rows(n)? > 0 {
            true => kept.push(n),
            false => dropped.push(n),
        }
    }
    let mut added = false;
    for n in from..stack.segments().len() {
        added |= stack.live_rows(n)? > 0;
    }
    // The newest segment says what stands around the maps.
    let newest = kept.last().and_then(|&n| stack.segments().get(n));
    let stands = newest.is_some_and(|newest| {
        newest.members() == stack.members() && newest.style() == stack.style()
    });
    let segment = match added || !stands {
        true => match write_segment(writer, stack, from)? {
            Some(segment) => Some(segment),
            None => return Ok(None),
        },
        false => None,
    };
    Ok(Some(Appended {
        segment,
        tombstones: write_tombstones(writer, stack, &kept)?,
        dropped,
    }))
}

fn write_segment(writer: &Writer, stack: &Stack, from: usize) -> Result<Option<SegmentRef>> {
    let (name, path) = writer.fresh(SegmentKind::Vectors)?;
    let mut out = VectorWriter::create(&path, writer.twin_dir(), stack.style().clone())?;
    out.members(stack.members().to_vec());
    if stack.copy_from(from, &mut out)?.is_err() {
        return Ok(None);
    }
    let written = out.finish()?.ok();
    Ok(written.map(|written| SegmentRef::new(name, written)))
}

/// What is deleted from the segments that are kept; `None` where that is
/// nothing.
fn write_tombstones(writer: &Writer, stack: &Stack, kept: &[usize]) -> Result<Option<SegmentRef>> {
    let roots = kept.iter().filter_map(|&n| stack.segments().get(n));
    let roots: Vec<[u8; 16]> = roots.map(|segment| segment.root()).collect();
    let speaks_of_others = stack
        .tombstones()
        .is_some_and(|old| old.targets().any(|(root, _)| !roots.contains(root)));
    if !speaks_of_others && !kept.iter().any(|&n| stack.is_touched(n)) {
        return Ok(old_tombstones(stack));
    }
    let (name, path) = writer.fresh(SegmentKind::Tombstones)?;
    let mut out = TombstoneWriter::create(&path)?;
    let mut any = false;
    for &n in kept {
        for map in Map::ALL {
            let (Some(segment), Some(part)) = (stack.segments().get(n), stack.part(n, map)?) else {
                continue;
            };
            let dead = part.dead()?;
            any |= !dead.is_empty();
            out.add(segment.root(), map as u32, segment.entries(map), &dead);
        }
    }
    // Without it, the unfinished file is removed.
    match any {
        true => Ok(Some(SegmentRef::new(name, out.finish()?))),
        false => Ok(None),
    }
}

/// The file of the tombstones that the store was opened with.
fn old_tombstones(stack: &Stack) -> Option<SegmentRef> {
    let file = stack.tombstones()?.file();
    let name = file.path().file_name()?.to_str()?;
    Some(SegmentRef {
        name: SegmentName::parse(name)?,
        length: file.file_len(),
        root: file.root(),
    })
}

#[cfg(test)]
mod tests;
