//! Records.

use std::sync::Arc;

use super::{Appended, feed::give, proof};
use crate::{
    container::{Container, Expected, OpenOptions},
    disk,
    error::{Error, Result},
    persist_dir::{SegmentKind, SegmentName, SegmentRef, Writer},
    segment::{Compression, RecordsWriter, Survey, TombstoneWriter},
    store::{CollectionPath, RecordStore},
};

/// Writes the changes of a store as one more segment, and the tombstones.
/// Nothing is published. `None` where a segment cannot hold them.
///
/// It costs what changed: what is written is read again and compared with the
/// changes, and no other record is looked at.
///
/// # Errors
/// [`Error::Damaged`], [`Error::Io`].
pub(crate) fn append_records(
    writer: &Writer,
    store: &RecordStore,
    compression: Compression,
) -> Result<Option<Appended>> {
    compact_records(writer, store, store.segment_count(), compression)
}

/// Merges the segments from number `from` on, and the changes, into one segment,
/// and writes what tombstones remain. Nothing is published. `None` where a segment
/// cannot hold them, or does not give back what they held.
///
/// Records are copied one by one in their order, twice: to survey them, and to
/// write them. In memory: what [`RecordsWriter`] holds.
///
/// # Errors
/// [`Error::Damaged`], [`Error::Io`].
pub(crate) fn compact_records(
    writer: &Writer,
    store: &RecordStore,
    from: usize,
    compression: Compression,
) -> Result<Option<Appended>> {
    let count = store.segment_count();
    let from = from.min(count);
    let adds = from < count || store.has_new()?;
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for n in 0..count {
        // Without a new segment, the newest says what stands around the records.
        match n < from && (!adds || store.is_live(n)?) {
            true => kept.push(n),
            false => dropped.push(n),
        }
    }
    let job = Job {
        writer,
        store,
        from,
        kept,
        compression,
    };
    let (mut segment, mut paths) = (None, Vec::new());
    if adds {
        match job.segment() {
            Ok(written) => (segment, paths) = (Some(written.0), written.1),
            Err(Error::Limit { .. }) => return Ok(None),
            Err(e) => return Err(e),
        }
    }
    let tombstones = job.tombstones()?;
    let appended = Appended {
        segment,
        tombstones,
        dropped,
    };
    let proved = match job.prove(&appended, &paths) {
        // More text than can be compared.
        Err(Error::Limit { .. }) => Ok(false),
        other => other,
    };
    if let Ok(true) = proved {
        return Ok(Some(appended));
    }
    let old = job.old_tombstones();
    let new = appended.segment.iter().chain(&appended.tombstones);
    for segment in new.filter(|segment| Some(**segment) != old) {
        // What stays behind is named by no manifest, and gc's.
        let _ = disk::remove_file(&segment.name.path_in(writer.twin_dir()));
    }
    proved.map(|_| None)
}

/// The writing of one segment in the place of those from a number on.
struct Job<'a> {
    writer: &'a Writer,
    store: &'a RecordStore,
    from: usize,
    /// The segments before that which stay: those with anything live. So the new
    /// one is none of them again, bit for bit, which tombstones could not tell
    /// apart.
    kept: Vec<usize>,
    compression: Compression,
}

impl Job<'_> {
    /// Writes the segment; gives the paths of its collections, too.
    fn segment(&self) -> Result<(SegmentRef, Vec<CollectionPath>)> {
        let Job {
            store,
            from,
            compression,
            ..
        } = *self;
        let spills = self.writer.twin_dir();
        let (name, path) = self.writer.fresh(SegmentKind::Records)?;
        let mut survey = Survey::new(spills, store.style()?.clone(), compression);
        give(store, from, &mut survey)?;
        let surveyed = survey.finish(store.weight(from))?;
        let mut out = RecordsWriter::create(&path, spills, surveyed, compression, false)?;
        let given = give(store, from, &mut out)?;
        let written = out.finish(given.members)?;
        Ok((SegmentRef::new(name, written), given.paths))
    }

    /// Writes what is deleted from the segments that stay; `None` where that is
    /// nothing.
    fn tombstones(&self) -> Result<Option<SegmentRef>> {
        let Job { store, from, .. } = *self;
        let stays = |root: &[u8; 16]| self.kept().any(|file| file.root() == *root);
        let old = store.tombstones();
        let speaks_of_others = old.is_some_and(|old| old.targets().any(|(root, _)| !stays(root)));
        if !speaks_of_others && !store.has_gone(from) {
            return Ok(self.old_tombstones());
        }
        let (name, path) = self.writer.fresh(SegmentKind::Tombstones)?;
        let mut out = TombstoneWriter::create(&path)?;
        let mut any = false;
        store.each_dead(&self.kept, &mut |dead| {
            any = true;
            out.add(dead.root, dead.collection, dead.entries, &dead.dead);
            Ok(())
        })?;
        // Without it, the unfinished file is removed.
        match any {
            true => Ok(Some(SegmentRef::new(name, out.finish()?))),
            false => Ok(None),
        }
    }

    /// The file of the tombstones that the store was opened with.
    fn old_tombstones(&self) -> Option<SegmentRef> {
        let file = self.store.tombstones()?.file();
        let name = file.path().file_name()?.to_str()?;
        Some(SegmentRef {
            name: SegmentName::parse(name)?,
            length: file.file_len(),
            root: file.root(),
        })
    }

    /// Whether the store with what was written holds what it does without.
    fn prove(&self, appended: &Appended, paths: &[CollectionPath]) -> Result<bool> {
        let mut files: Vec<_> = self.kept().map(Arc::clone).collect();
        for segment in appended.segment.iter().chain(&appended.tombstones) {
            files.push(Arc::new(self.open(segment)?));
        }
        let after = RecordStore::open(files)?;
        let from = (self.from, self.kept.len());
        proof::same(self.store, &after, from, paths, appended.length())
    }

    /// The files of the segments that stay.
    fn kept(&self) -> impl Iterator<Item = &'_ Arc<Container>> {
        let files = self.store.files().enumerate();
        let kept = files.filter(|(n, _)| self.kept.binary_search(n).is_ok());
        kept.map(|(_, file)| file)
    }

    /// Opens what was just written, as a reader would.
    fn open(&self, segment: &SegmentRef) -> Result<Container> {
        let SegmentRef { name, length, root } = *segment;
        let expected = Expected::File { length, root };
        let kind = name.kind().file_kind();
        let path = name.path_in(self.writer.twin_dir());
        Container::open(&path, kind, expected, &OpenOptions::default())
    }
}
