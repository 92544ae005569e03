//! What is left of one store, as a file.

use std::{
    collections::HashMap,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use super::report::{Loss, LossKind, Losses, SalvagedStore, SetRight};
use crate::{
    container::{Container, FileKind},
    convert::{Progress, records, vector_store},
    disk,
    error::{Error, Result},
    persist_dir::{
        Fingerprint, Fingerprinter, OpenStore, SegmentName, SegmentRef, Snapshot, Store,
    },
    segment::{RecordSegment, TombstoneSegment, VectorSegment, VerbatimSegment},
    store::{RecordStore, RowStore},
};

/// The name of what is left of a text.
const PART: &str = ".part";

/// Writes what is left of `store` to the directory `to`. `is_taken` says which
/// names are not free there.
///
/// # Errors
/// [`Error::Io`] for the files written. Whatever is wrong with the store is
/// in the report.
pub(super) fn salvage_store(
    snapshot: &Snapshot,
    store: &OpenStore<'_>,
    to: &Path,
    is_taken: &dyn Fn(&str) -> bool,
    progress: &dyn Progress,
) -> Result<SalvagedStore> {
    let record = store.record();
    let length = record.packed.map_or(0, |packed| packed.text.length());
    let salvage = |guess| {
        progress.begin(&record.file, length);
        let (mended, set_right) = mended(snapshot, record, guess);
        let mut job = Job {
            snapshot,
            mended,
            file: &record.file,
            to,
            length,
            losses: Losses::default(),
            progress,
        };
        let written = job.run(store, is_taken);
        progress.end();
        Ok((written?, job.losses, set_right))
    };
    // The text is known where nothing was changed since it was packed.
    let packed = record.packed.filter(|p| p.generation == record.changed);
    let is_proved = |written: &Option<WrittenFile>| match (written, packed) {
        (Some(written), Some(packed)) => written.text == packed.text,
        _ => false,
    };
    let (mut written, mut losses, mut set_right) = salvage(packed.is_some())?;
    // Bits that were set right by guess, and the guess was wrong, or one of several.
    if set_right.iter().any(|file| file.bits > 0) && !is_proved(&written) {
        if let Some(written) = written {
            let path = to.join(written.name);
            disk::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        (written, losses, set_right) = salvage(false)?;
    }
    if losses.lost.is_empty() && packed.is_some() && written.is_some() && !is_proved(&written) {
        let reason = "the text is not the one that was packed";
        losses.lost.push(Loss::new(LossKind::Spelling, reason));
    }
    if written.is_none() {
        let reason = losses.lost.iter().map(|loss| loss.reason.clone()).next();
        let whole = Loss::new(LossKind::Store, reason.unwrap_or_default());
        losses.lost.insert(0, whole);
    }
    Ok(SalvagedStore {
        file: record.file.clone(),
        kind: record.kind.as_str(),
        bytes: written.as_ref().map_or(0, |w| w.text.length()),
        written: written.map(|w| w.name),
        kept: losses.kept,
        lost: losses.lost,
        set_right,
    })
}

/// The files of a store of which something could be set right.
type MendedFiles = HashMap<SegmentName, Arc<Container>>;

fn mended(snapshot: &Snapshot, record: &Store, guess: bool) -> (MendedFiles, Vec<SetRight>) {
    let mut files = HashMap::new();
    let mut set_right = Vec::new();
    for segment in record.segments.iter().chain(&record.verbatim) {
        // What cannot be read is met again by who needs it.
        if let Ok(Some(mended)) = snapshot.mended(segment, guess) {
            set_right.push(SetRight::of(segment.name.to_string(), &mended));
            files.insert(segment.name, Arc::new(mended.file));
        }
    }
    (files, set_right)
}

/// A file that was written.
struct WrittenFile {
    name: String,
    text: Fingerprint,
}

/// Content of a store that could be opened.
enum Content {
    Vectors(RowStore),
    Records(RecordStore),
}

struct Job<'a> {
    snapshot: &'a Snapshot,
    mended: MendedFiles,
    file: &'a str,
    to: &'a Path,
    length: u64,
    losses: Losses,
    progress: &'a dyn Progress,
}

impl Job<'_> {
    fn run(
        &mut self,
        store: &OpenStore<'_>,
        is_taken: &dyn Fn(&str) -> bool,
    ) -> Result<Option<WrittenFile>> {
        let Some(segment) = &store.record().verbatim else {
            return self.content(&store.record().segments);
        };
        let part = super::free_name(&format!("{}{PART}", self.file), is_taken);
        let verbatim = self.verbatim(segment, &part)?;
        match verbatim {
            Some((written, true)) => {
                let (from, to) = (self.to.join(&written.name), self.to.join(self.file));
                disk::rename(&from, &to).map_err(Error::io("create", &to))?;
                let name = self.file.to_owned();
                return Ok(Some(WrittenFile { name, ..written }));
            }
            Some((written, false)) if store.record().segments.is_empty() => {
                return Ok(Some(written));
            }
            None if store.record().segments.is_empty() => return Ok(None),
            _ => {}
        }
        // The values are right, only their spelling differs: better than parts
        // of a text.
        let lost = self.losses.lost.len();
        match (self.content(&store.record().segments)?, verbatim) {
            (Some(content), verbatim) => {
                if let Some((part, _)) = verbatim {
                    let path = self.to.join(part.name);
                    disk::remove_file(&path).map_err(Error::io("remove", &path))?;
                }
                // Nothing of it is missing in what was written.
                let reason = self.losses.lost.first().map(|loss| loss.reason.clone());
                self.losses.lost.drain(..lost);
                let loss = Loss::new(LossKind::Spelling, reason.unwrap_or_default());
                self.losses.lost.insert(0, loss);
                Ok(Some(content))
            }
            (None, Some((part, _))) => Ok(Some(part)),
            (None, None) => Ok(None),
        }
    }

    /// Writes the intact pieces of a text to the file `part`; says whether
    /// they are all of it. `None` where there is none.
    fn verbatim(
        &mut self,
        segment: &SegmentRef,
        part: &str,
    ) -> Result<Option<(WrittenFile, bool)>> {
        let name = segment.name.to_string();
        let verbatim = match self.segment(segment).and_then(VerbatimSegment::open) {
            Ok(verbatim) => verbatim,
            Err(e) => {
                self.lose_segment(segment, &e);
                return Ok(None);
            }
        };
        let mut out = Output::create(self.to, part, verbatim.text_len())?;
        let (losses, progress) = (&mut self.losses, self.progress);
        let mut any = verbatim.text_len() == 0;
        let whole = verbatim.each_piece(&mut |range, bytes| match bytes {
            Ok(bytes) => {
                any = true;
                progress.at(range.end)?;
                out.write(bytes)
            }
            Err(e) => {
                losses.bytes(range, name.clone(), &e);
                Ok(())
            }
        })?;
        if !any {
            out.remove()?;
            return Ok(None);
        }
        if !whole && self.losses.lost.is_empty() {
            let reason = "the text is not the one that was packed";
            self.losses.lost.push(Loss {
                segment: Some(name),
                ..Loss::new(LossKind::Bytes, reason)
            });
        }
        Ok(Some((out.finish()?, whole)))
    }

    /// Prints what is left of the segments of a store.
    fn content(&mut self, segments: &[SegmentRef]) -> Result<Option<WrittenFile>> {
        let content = match self.open(segments) {
            Ok(Some(content)) => content,
            Ok(None) => return Ok(None),
            Err(e) => {
                self.losses
                    .lost
                    .push(Loss::new(LossKind::Store, e.in_short()));
                return Ok(None);
            }
        };
        let mut out = Output::create(self.to, self.file, self.length)?;
        let (losses, progress) = (&mut self.losses, self.progress);
        let mut failed = false;
        let mut sink = |bytes: &[u8]| {
            let written = out.write(bytes);
            let result = written.and_then(|()| progress.at(out.fingerprinter.position()));
            failed |= result.is_err();
            result
        };
        let printed = match &content {
            Content::Vectors(store) => vector_store::print_rescued(store, &mut sink, losses),
            Content::Records(store) => records::print_rescued(store, &mut sink, losses),
        };
        match printed {
            Err(e) if failed => return Err(e),
            Err(e) => {
                // Something that rescuing does not foresee.
                losses.lost.push(Loss::new(LossKind::Store, e.in_short()));
                out.remove()?;
                return Ok(None);
            }
            Ok(()) => {}
        }
        // Only brackets: that would pass for an empty store.
        if losses.kept == 0 && losses.has_lost_entries() {
            out.remove()?;
            return Ok(None);
        }
        out.finish().map(Some)
    }

    /// Opens the segments that can be opened.
    fn open(&mut self, segments: &[SegmentRef]) -> Result<Option<Content>> {
        let mut open: Vec<Arc<Container>> = Vec::new();
        let mut content = None;
        let mut whole = true;
        for segment in segments {
            let file = self.segment(segment).and_then(|file| {
                opens(&file)?;
                Ok(file)
            });
            let is_content = segment.name.kind().file_kind() != FileKind::Tombstones;
            match file {
                Ok(file) => {
                    if is_content {
                        content = Some(file.kind());
                        self.losses.segments.push(segment.name.to_string());
                    }
                    open.push(file);
                }
                Err(e) if is_content => {
                    whole = false;
                    self.lose_segment(segment, &e);
                }
                Err(e) => self.losses.lost.push(Loss {
                    segment: Some(segment.name.to_string()),
                    ..Loss::new(LossKind::Deletions, e.in_short())
                }),
            }
        }
        Ok(match content {
            Some(FileKind::Vectors) => Some(Content::Vectors(match whole {
                true => RowStore::open(open)?,
                false => RowStore::open_rest(open)?,
            })),
            Some(_) => Some(Content::Records(match whole {
                true => RecordStore::open(open)?,
                false => RecordStore::open_rest(open)?,
            })),
            None => None,
        })
    }

    fn segment(&self, segment: &SegmentRef) -> Result<Arc<Container>> {
        match self.mended.get(&segment.name) {
            Some(file) => Ok(Arc::clone(file)),
            None => self.snapshot.segment(segment),
        }
    }

    fn lose_segment(&mut self, segment: &SegmentRef, error: &Error) {
        self.losses.lost.push(Loss {
            segment: Some(segment.name.to_string()),
            ..Loss::new(LossKind::Segment, error.in_short())
        });
    }
}

/// Whether a segment can be opened by itself.
fn opens(file: &Arc<Container>) -> Result<()> {
    let file = Arc::clone(file);
    match file.kind() {
        FileKind::Vectors => VectorSegment::open(file).map(drop),
        FileKind::Tombstones => TombstoneSegment::open(file).map(drop),
        _ => RecordSegment::open(file).map(drop),
    }
}

/// A file being written.
struct Output {
    name: String,
    path: std::path::PathBuf,
    out: BufWriter<disk::File>,
    fingerprinter: Fingerprinter,
}

impl Output {
    fn create(dir: &Path, name: &str, length: u64) -> Result<Output> {
        let path = dir.join(name);
        let file = disk::create(&path).map_err(Error::io("create", &path))?;
        Ok(Output {
            name: name.to_owned(),
            path,
            out: BufWriter::with_capacity(1 << 20, file),
            fingerprinter: Fingerprinter::new(length),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.out.write_all(bytes);
        written.map_err(Error::io("write", &self.path))?;
        self.fingerprinter.update(bytes);
        Ok(())
    }

    fn finish(self) -> Result<WrittenFile> {
        let file = self.out.into_inner();
        let mut file = file.map_err(|e| Error::io("write", &self.path)(e.into_error()))?;
        file.sync().map_err(Error::io("sync", &self.path))?;
        drop(file);
        Ok(WrittenFile {
            name: self.name,
            text: self.fingerprinter.finish(),
        })
    }

    fn remove(self) -> Result<()> {
        drop(self.out);
        disk::remove_file(&self.path).map_err(Error::io("remove", &self.path))
    }
}
