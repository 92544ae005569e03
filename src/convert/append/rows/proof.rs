//! The proof that a store of rows holds the same after segments were written.

use std::{path::Path, sync::Arc};

use super::Appended;
use crate::{
    container::{Container, Expected, OpenOptions},
    convert::{append::both::both, vector_store},
    error::{Error, Result},
    persist_dir::{Fingerprint, Fingerprinter, SegmentRef, Writer},
    segment::Map,
    store::{ENTRY_DEPTH, EntryPrinter, Merge, RowStore, Stack},
};

/// Whether the store with what was written prints as it does without. Where all
/// segments became one, the whole text is printed twice; otherwise the entries
/// that were merged, with the numbers that give them their places: the others
/// have not changed.
pub(super) fn prove(
    writer: &Writer,
    store: &RowStore,
    compacted: &Appended,
    from: usize,
) -> Result<bool> {
    let before = store.stack()?;
    let numbered = before.stored().iter().enumerate();
    let kept = numbered.filter(|(n, _)| !compacted.dropped.contains(n));
    let (kept, files): (Vec<usize>, Vec<_>) = kept
        .map(|(n, segment)| (n, Arc::clone(segment.file())))
        .unzip();
    let mut files = files;
    for segment in compacted.segment.iter().chain(&compacted.tombstones) {
        files.push(Arc::new(open(writer.twin_dir(), segment)?));
    }
    let opened = RowStore::open(files)?;
    let after = opened.stack()?;
    if before.members() != after.members() || before.style() != after.style() {
        return Ok(false);
    }
    for map in Map::ALL {
        for (place, &n) in kept.iter().enumerate() {
            if dead(before, n, map)? != dead(after, place, map)? {
                return Ok(false);
            }
        }
    }
    let whole = from == 0;
    let old = || match whole {
        true => fingerprint_of_text(store),
        false => fingerprint_from(before, from, before),
    };
    let new = || match whole {
        true => fingerprint_of_text(&opened),
        false => fingerprint_from(after, kept.len(), before),
    };
    let (old, new) = both(compacted.length(), old, new);
    Ok(old? == new?)
}

fn dead(stack: &Stack, n: usize, map: Map) -> Result<Vec<u32>> {
    let part = stack.part(n, map)?;
    Ok(part
        .map(|part| part.dead())
        .transpose()?
        .unwrap_or_default())
}

pub(super) fn open(twin_dir: &Path, segment: &SegmentRef) -> Result<Container> {
    let SegmentRef { name, length, root } = *segment;
    let expected = Expected::File { length, root };
    let kind = name.kind().file_kind();
    let options = OpenOptions::default();
    Container::open(&name.path_in(twin_dir), kind, expected, &options)
}

/// Of the text of a store. Its length is not known beforehand, so that there
/// are no samples.
fn fingerprint_of_text(store: &RowStore) -> Result<Fingerprint> {
    let mut fingerprinter = Fingerprinter::new(0);
    vector_store::print(store, &mut |piece| {
        fingerprinter.update(piece);
        Ok::<(), Error>(())
    })?;
    Ok(fingerprinter.finish())
}

/// Of the entries in the segments from number `from` on: sequence number, key
/// and value. Those that are new in `base` get their numbers when they are
/// written, so that only their order counts.
fn fingerprint_from(stack: &Stack, from: usize, base: &Stack) -> Result<Fingerprint> {
    let mut fingerprinter = Fingerprinter::new(0);
    let mut text = Vec::new();
    for map in Map::ALL {
        let first_new = base.next_number(base.stored().len(), map)?;
        let segments = stack.segments().get(from..).unwrap_or_default();
        let printers = segments
            .iter()
            .map(|segment| EntryPrinter::new(segment, map));
        let mut printers = printers.collect::<Result<Vec<_>>>()?;
        let mut entries = Merge::new(stack.parts(from, map)?)?;
        while let Some((number, n, entry)) = entries.peek() {
            entries.next()?;
            let number = first_new.map_or(number, |first| number.min(first));
            text.clear();
            text.extend(number.to_le_bytes());
            if let Some(printer) = printers.get_mut(n) {
                printer.print(entry, base.style(), ENTRY_DEPTH, &mut text)?;
            }
            fingerprinter.update(&text);
        }
        // Whatever is in an entry, the end of a map is no JSON.
        fingerprinter.update(&[map as u8]);
    }
    Ok(fingerprinter.finish())
}
