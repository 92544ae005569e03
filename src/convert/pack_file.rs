//! Packing one file into new segments, with the proof that they print it.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use super::{Progress, proof::prove, store_text::StoreText, vector_store, whole::check_whole};
use crate::{
    container::{Container, Expected, FileKind, OpenOptions},
    error::{Error, JsonFault, Result},
    json::{JsonStyle, Window},
    persist_dir::{Fingerprint, JsonDamage, SegmentKind, SegmentRef, Stat, StoreKind, Writer},
    segment::{NotStructural, VectorWriter, VerbatimWriter},
};

/// How often reading starts again when the source changes meanwhile.
const TRIES: u32 = 3;
/// A file with a longer value than this (one row, one metadata object) is
/// kept in file form.
const MAX_VALUE: usize = 32 << 20;
/// What is looked at for the style of a file.
const HEAD: u64 = 1 << 20;
const TAIL: u64 = 64 << 10;

/// A file that was packed: new segments, and what they are the twin of.
#[derive(Debug)]
pub(crate) struct PackedFile {
    pub(crate) segments: Vec<SegmentRef>,
    pub(crate) verbatim: Option<SegmentRef>,
    pub(crate) text: Fingerprint,
    /// Of the source, before it was read.
    pub(crate) stat: Stat,
    /// What there is to say, where the file is kept as it is and its kind
    /// would let expect something else.
    pub(crate) why: Option<WhyFileForm>,
}

/// What there is to say about a file that is kept as it is.
#[derive(Debug)]
pub(crate) enum WhyFileForm {
    /// Its ends show that it is no JSON text, or not all of one.
    Ends(JsonDamage),
    /// It is no JSON, or holds a value that is too long.
    Json(Error),
    /// It does not fit rows and columns.
    NotStructural(NotStructural),
    /// Rows and columns hold it, but print other white space or spelling from
    /// this byte on.
    Differs(u64),
}

impl std::fmt::Display for WhyFileForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WhyFileForm::Ends(JsonDamage::Empty) => f.write_str("it is empty"),
            WhyFileForm::Ends(JsonDamage::Cut) => {
                f.write_str("it does not end as it begins: cut, or no JSON")
            }
            WhyFileForm::Json(Error::Json { offset, fault, .. }) => {
                write!(f, "byte {offset}: {fault}")
            }
            WhyFileForm::Json(e) => e.fmt(f),
            WhyFileForm::NotStructural(why) => why.fmt(f),
            WhyFileForm::Differs(offset) => write!(f, "white space or spelling at byte {offset}"),
        }
    }
}

impl PackedFile {
    /// Whether the text is not JSON at all or not whole, as far as was seen.
    /// (A value that is merely too long to be held proves nothing.)
    pub(crate) fn is_broken(&self) -> bool {
        match &self.why {
            Some(WhyFileForm::Ends(_)) => true,
            Some(WhyFileForm::Json(Error::Json { fault, .. })) => {
                !matches!(fault, JsonFault::TooLong(_))
            }
            _ => false,
        }
    }

    /// Packs the file of this name in the persist directory of `writer`.
    ///
    /// # Errors
    /// [`Error::SourceBusy`]; [`Error::Io`]. What a file holds is never an
    /// error: whatever cannot be understood is kept as it is.
    pub(crate) fn pack(
        writer: &Writer,
        file: &str,
        kind: StoreKind,
        progress: &dyn Progress,
    ) -> Result<PackedFile> {
        let path = writer.persist_dir().join(file);
        for _ in 0..TRIES {
            let source = File::open(&path).map_err(Error::io("open", &path))?;
            let stat = Stat::of_file(&source, &path)?;
            // Every byte is read twice: to pack it, and to prove it.
            progress.begin(file, stat.length.saturating_mul(2));
            let job = Job {
                writer,
                path: &path,
                progress,
                length: stat.length,
            };
            let packed = job.run(source, kind, stat);
            progress.end();
            if Stat::of(&path)?.is_some_and(|now| now.same(&stat)) {
                return packed;
            }
            // Even an error may only mean that the file was being written.
            for segment in packed.iter().flat_map(PackedFile::all_segments) {
                // What stays behind is named by no manifest, and gc's.
                let _ = fs::remove_file(segment.name.path_in(writer.twin_dir()));
            }
        }
        Err(Error::SourceBusy { path, tries: TRIES })
    }

    fn all_segments(&self) -> impl Iterator<Item = &SegmentRef> {
        self.segments.iter().chain(&self.verbatim)
    }
}

/// One try at one file.
struct Job<'a> {
    writer: &'a Writer,
    path: &'a Path,
    progress: &'a dyn Progress,
    length: u64,
}

impl Job<'_> {
    fn run(&self, mut source: File, kind: StoreKind, stat: Stat) -> Result<PackedFile> {
        let damage = JsonDamage::of_file(&source, self.path)?;
        let mut packed = PackedFile {
            segments: Vec::new(),
            verbatim: None,
            text: Fingerprint::of_bytes(b""),
            stat,
            why: damage.map(WhyFileForm::Ends),
        };
        if kind != StoreKind::VectorStore && kind != StoreKind::Other && packed.why.is_none() {
            packed.why = self.check_whole(&source)?;
        }
        if kind == StoreKind::VectorStore {
            match self.vectors(&mut source)? {
                Ok(segment) => {
                    packed.segments.push(segment);
                    match self.prove_vectors(&segment) {
                        Ok(text) => {
                            packed.text = text;
                            return Ok(packed);
                        }
                        Err(Error::NotIdentical { offset, .. }) => {
                            packed.why = Some(WhyFileForm::Differs(offset));
                        }
                        Err(e) => return Err(e),
                    }
                }
                Err(why) => packed.why = Some(why),
            }
        }
        let segment = self.verbatim(source)?;
        let file = self.open(&segment, FileKind::Verbatim)?;
        packed.text = prove(&StoreText::of_verbatim(file)?, self.path, &|at| {
            self.progress.at(self.length.saturating_add(at));
        })?;
        packed.verbatim = Some(segment);
        Ok(packed)
    }

    fn vectors(&self, source: &mut File) -> Result<Result<SegmentRef, WhyFileForm>> {
        let (name, path) = self.writer.fresh(SegmentKind::Vectors)?;
        let style = self.detect_style(source)?;
        let mut segment = VectorWriter::create(&path, self.writer.twin_dir(), style)?;
        let mut window = self.window(source)?;
        let parsed = vector_store::parse(&mut window, &mut segment, &|at| self.progress.at(at));
        match parsed {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Ok(Err(WhyFileForm::NotStructural(why))),
            Err(e @ Error::Json { .. }) => return Ok(Err(WhyFileForm::Json(e))),
            Err(e) => return Err(e),
        }
        Ok(match segment.finish()? {
            Ok(written) => Ok(SegmentRef::new(name, written)),
            Err(why) => Err(WhyFileForm::NotStructural(why)),
        })
    }

    /// Whether the file holds whole JSON.
    fn check_whole(&self, source: &File) -> Result<Option<WhyFileForm>> {
        match check_whole(&mut self.window(source)?) {
            Ok(()) => Ok(None),
            Err(e @ Error::Json { .. }) => Ok(Some(WhyFileForm::Json(e))),
            Err(e) => Err(e),
        }
    }

    fn window(&self, source: &File) -> Result<Window> {
        let source = source.try_clone().map_err(Error::io("open", self.path))?;
        Window::from_file(source, self.path, MAX_VALUE)
    }

    fn prove_vectors(&self, segment: &SegmentRef) -> Result<Fingerprint> {
        let file = self.open(segment, FileKind::Vectors)?;
        prove(&StoreText::of_vectors(file)?, self.path, &|at| {
            self.progress.at(self.length.saturating_add(at));
        })
    }

    fn verbatim(&self, mut source: File) -> Result<SegmentRef> {
        let read = || Error::io("read", self.path);
        let (name, path) = self.writer.fresh(SegmentKind::Verbatim)?;
        let mut segment = VerbatimWriter::create(&path, self.writer.twin_dir())?;
        source.seek(SeekFrom::Start(0)).map_err(read())?;
        let mut buffer = vec![0; 1 << 20];
        let mut done = 0;
        loop {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(read()(e)),
            };
            segment.write(buffer.get(..count).unwrap_or_default())?;
            done += count as u64;
            self.progress.at(done);
        }
        Ok(SegmentRef::new(name, segment.finish()?))
    }

    /// Opens what was just written, as a reader would.
    fn open(&self, segment: &SegmentRef, kind: FileKind) -> Result<Container> {
        let SegmentRef { name, length, root } = *segment;
        let path = name.path_in(self.writer.twin_dir());
        let expected = Expected::File { length, root };
        Container::open(&path, kind, expected, &OpenOptions::default())
    }

    fn detect_style(&self, source: &mut File) -> Result<JsonStyle> {
        let mut part = |start: u64, len: u64| {
            let mut bytes = Vec::new();
            source
                .seek(SeekFrom::Start(start))
                .and_then(|_| source.by_ref().take(len).read_to_end(&mut bytes))
                .map_err(Error::io("read", self.path))?;
            Ok::<_, Error>(bytes)
        };
        let head = part(0, HEAD)?;
        let tail = part(self.length.saturating_sub(TAIL), TAIL)?;
        Ok(JsonStyle::detect(&head, &tail))
    }
}
