//! Packing one file into new segments, with the proof that they print it.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

use super::{
    Progress,
    loadable::is_loadable,
    proof::prove,
    records::{self, Maps},
    store_text::StoreText,
    vector_store,
    whole::{Scanned, check_whole},
};
use crate::{
    container::{Container, Expected, OpenOptions, Written},
    disk,
    error::{Error, JsonFault, Result},
    json::{JsonStyle, Window},
    persist_dir::{Fingerprint, JsonDamage, SegmentKind, SegmentRef, Stat, StoreKind, Writer},
    segment::{
        Attempt, Compression, NotStructural, RecordsWriter, SketchPolicy, Survey, VectorWriter,
        VerbatimWriter,
    },
};

/// How often reading starts again when the source changes meanwhile.
const TRIES: u32 = 3;
/// A file with a longer value than this (one row, one metadata object) is
/// kept in file form.
const MAX_VALUE: usize = 32 << 20;
/// What is looked at for the style of a file.
const HEAD: u64 = 1 << 20;
const TAIL: u64 = 64 << 10;

/// How the content of a file may be structured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Structure {
    Vectors,
    /// With what becomes of maps in index structs, and whether every record
    /// that does not print back is kept as text.
    Records(Maps, bool),
}

impl Structure {
    /// What is tried for a store, in this order.
    fn of(kind: StoreKind) -> &'static [Structure] {
        match kind {
            StoreKind::VectorStore => &[
                Structure::Vectors,
                Structure::Records(Maps::Inside, false),
                Structure::Records(Maps::Inside, true),
            ],
            StoreKind::IndexStore => &[
                Structure::Records(Maps::Nested, false),
                Structure::Records(Maps::Nested, true),
                Structure::Records(Maps::Inside, true),
            ],
            StoreKind::Other => &[],
            _ => &[
                Structure::Records(Maps::Inside, false),
                Structure::Records(Maps::Inside, true),
            ],
        }
    }

    fn segment_kind(self) -> SegmentKind {
        match self {
            Structure::Vectors => SegmentKind::Vectors,
            Structure::Records(..) => SegmentKind::Records,
        }
    }
}

/// A file that was packed: new segments, and what they are the twin of.
#[derive(Debug)]
pub(crate) struct PackedFile {
    pub(crate) segments: Vec<SegmentRef>,
    pub(crate) verbatim: Option<SegmentRef>,
    pub(crate) text: Fingerprint,
    /// Of the source, before it was read.
    pub(crate) stat: Stat,
    /// Why a store is not in the form that was tried first.
    pub(crate) why: Option<WhyFileForm>,
    /// How the text is no JSON.
    pub(crate) broken: Option<Broken>,
    /// Whether it is nothing that LlamaIndex can load as a store of its name, though it is
    /// JSON.
    pub(crate) is_odd: bool,
}

/// Why a store is in another form than one would expect, though it is JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WhyFileForm {
    /// It does not fit the form.
    NotStructural(NotStructural),
    /// A value is too long for it.
    TooLong,
    /// The form holds it, but prints other white space or spelling from this
    /// byte on.
    Differs(u64),
}

/// How a text is no JSON, or not all of one.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It is empty.
    Empty,
    /// A scan stops here.
    At(u64, JsonFault),
    /// It is too long to be scanned, and does not end as it begins.
    Cut,
}

impl Broken {
    /// Where it breaks, if that is known.
    pub(crate) fn offset(&self) -> Option<u64> {
        match self {
            Broken::At(offset, _) => Some(*offset),
            Broken::Empty | Broken::Cut => None,
        }
    }
}

impl PackedFile {
    /// Whether LlamaIndex can load it, as far as was looked.
    pub(crate) fn is_sound(&self) -> bool {
        self.broken.is_none() && !self.is_odd
    }

    /// What there is to say of a file that is kept as it is, in words.
    pub(crate) fn why(&self) -> Option<String> {
        match (&self.broken, &self.why) {
            (Some(Broken::Empty), _) => Some("it is empty".to_owned()),
            (Some(Broken::At(offset, fault)), _) => Some(format!("byte {offset}: {fault}")),
            (Some(Broken::Cut), _) => Some("it does not end as it begins".to_owned()),
            (None, Some(WhyFileForm::NotStructural(why))) => Some(why.to_string()),
            (None, Some(WhyFileForm::TooLong)) => {
                Some(format!("a single value is longer than {MAX_VALUE} bytes"))
            }
            (None, Some(WhyFileForm::Differs(offset))) => {
                Some(format!("white space or spelling at byte {offset}"))
            }
            (None, None) => None,
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
        (compression, sketch): (Compression, SketchPolicy),
        progress: &dyn Progress,
    ) -> Result<PackedFile> {
        let path = writer.persist_dir().join(file);
        for _ in 0..TRIES {
            let source = disk::open(&path).map_err(Error::io("open", &path))?;
            let stat = Stat::of_file(&source, &path)?;
            // Every byte is read twice: to pack it, and to prove it.
            progress.begin(file, stat.length.saturating_mul(2));
            let job = Job {
                writer,
                path: &path,
                compression,
                sketch,
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
                let _ = disk::remove_file(&segment.name.path_in(writer.twin_dir()));
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
    compression: Compression,
    sketch: SketchPolicy,
    progress: &'a dyn Progress,
    length: u64,
}

impl Job<'_> {
    fn run(&self, mut source: File, kind: StoreKind, stat: Stat) -> Result<PackedFile> {
        let mut packed = PackedFile {
            segments: Vec::new(),
            verbatim: None,
            text: Fingerprint::of_bytes(b""),
            stat,
            why: None,
            broken: None,
            is_odd: false,
        };
        for &structure in Structure::of(kind) {
            let segment = match self.write(structure, &mut source)? {
                Ok(segment) => segment,
                Err(why) => {
                    packed.why = Some(why);
                    continue;
                }
            };
            let store = self.open(&segment)?;
            packed.is_odd = !is_loadable(kind, store.structure())?;
            match self.prove(&store) {
                Ok(text) => {
                    self.discard(&mut packed.segments);
                    packed.segments.push(segment);
                    packed.text = text;
                    if kind != StoreKind::VectorStore {
                        packed.why = None;
                    }
                    return Ok(packed);
                }
                Err(Error::NotIdentical { offset, .. }) => {
                    packed.why = Some(WhyFileForm::Differs(offset));
                    // Good for reading all the same; a later structure is made
                    // with more care, so that its values are right for certain.
                    self.discard(&mut packed.segments);
                    packed.segments.push(segment);
                    if structure == Structure::Vectors {
                        // No other structure can be searched.
                        break;
                    }
                }
                Err(e) => return Err(e),
            }
        }
        packed.broken = self.find_break(&source)?;
        let not_an_object = WhyFileForm::NotStructural(NotStructural::NotAnObject);
        if packed.why == Some(not_an_object) {
            // A chat store may be JSON in a string.
            let is_string = self.window(&source)?.peek()? == Some(b'"');
            packed.is_odd = !(is_string && kind == StoreKind::ChatStore);
        }
        let segment = self.verbatim(source)?;
        packed.text = self.prove(&self.open(&segment)?)?;
        packed.verbatim = Some(segment);
        Ok(packed)
    }

    /// Packs the file in one of the structures it may have.
    fn write(
        &self,
        structure: Structure,
        source: &mut File,
    ) -> Result<Result<SegmentRef, WhyFileForm>> {
        let (name, path) = self.writer.fresh(structure.segment_kind())?;
        let style = self.detect_style(source)?;
        let written = match structure {
            Structure::Vectors => self.vectors(&path, source, style),
            Structure::Records(maps, careful) => self.records(&path, source, style, maps, careful),
        };
        match written {
            Ok(Ok(written)) => Ok(Ok(SegmentRef::new(name, written))),
            Ok(Err(why)) => Ok(Err(WhyFileForm::NotStructural(why))),
            Err(Error::Json {
                fault: JsonFault::TooLong(_),
                ..
            }) => Ok(Err(WhyFileForm::TooLong)),
            // Broken JSON, here or in a string; the scan that follows tells.
            Err(Error::Json { .. }) => {
                Ok(Err(WhyFileForm::NotStructural(NotStructural::OddStrings)))
            }
            // There is more to say of it than metadata can hold, or more in it
            // than a segment can.
            Err(Error::Limit { .. }) => {
                Ok(Err(WhyFileForm::NotStructural(NotStructural::TooLarge)))
            }
            Err(e) if e.is_damage() => Ok(Err(WhyFileForm::NotStructural(NotStructural::TooLarge))),
            Err(e) => Err(e),
        }
    }

    fn vectors(&self, path: &Path, source: &File, style: JsonStyle) -> Attempt<Written> {
        let mut segment = VectorWriter::create(path, self.writer.twin_dir(), style)?;
        segment.sketch(self.sketch);
        let mut window = self.window(source)?;
        let parsed = vector_store::parse(&mut window, &mut segment, &|at| self.progress.at(at))?;
        match parsed {
            Ok(()) => segment.finish(),
            Err(why) => Ok(Err(why)),
        }
    }

    fn records(
        &self,
        path: &Path,
        source: &File,
        style: JsonStyle,
        maps: Maps,
        careful: bool,
    ) -> Attempt<Written> {
        let spills = self.writer.twin_dir();
        let mut survey = Survey::new(spills, style, self.compression);
        let half = |at: u64| self.progress.at(at / 2);
        if let Err(why) = records::parse(&mut self.window(source)?, maps, &mut survey, &half)? {
            return Ok(Err(why));
        }
        let surveyed = survey.finish(self.length)?;
        let mut segment = RecordsWriter::create(path, spills, surveyed, self.compression, careful)?;
        let half = |at: u64| self.progress.at(self.length / 2 + at / 2);
        match records::parse(&mut self.window(source)?, maps, &mut segment, &half)? {
            Ok(members) => segment.finish(members).map(Ok),
            Err(why) => Ok(Err(why)),
        }
    }

    /// Removes segments that were written and are not needed. What stays
    /// behind is named by no manifest, and gc's.
    fn discard(&self, segments: &mut Vec<SegmentRef>) {
        for segment in segments.drain(..) {
            let _ = disk::remove_file(&segment.name.path_in(self.writer.twin_dir()));
        }
    }

    /// Whether and where the text is no JSON.
    fn find_break(&self, source: &File) -> Result<Option<Broken>> {
        let ends = JsonDamage::of_file(source, self.path)?;
        match (check_whole(&mut self.window(source)?), ends) {
            (_, Some(JsonDamage::Empty)) => Ok(Some(Broken::Empty)),
            (Ok(Scanned::All), _) | (Ok(Scanned::Part), None) => Ok(None),
            (Ok(Scanned::Part), Some(JsonDamage::Cut)) => Ok(Some(Broken::Cut)),
            (Err(Error::Json { offset, fault, .. }), _) => Ok(Some(Broken::At(offset, fault))),
            (Err(e), _) => Err(e),
        }
    }

    fn window(&self, source: &File) -> Result<Window> {
        let source = source.try_clone().map_err(Error::io("open", self.path))?;
        Window::from_file(source, self.path, MAX_VALUE)
    }

    fn prove(&self, store: &StoreText) -> Result<Fingerprint> {
        prove(store, self.path, &|at| {
            self.progress.at(self.length.saturating_add(at))
        })
    }

    fn verbatim(&self, mut source: File) -> Result<SegmentRef> {
        let read = || Error::io("read", self.path);
        let (name, path) = self.writer.fresh(SegmentKind::Verbatim)?;
        let mut segment = VerbatimWriter::create(&path, self.writer.twin_dir())?;
        source.seek(SeekFrom::Start(0)).map_err(read())?;
        let mut buffer = vec![0; self.length.clamp(1, 1 << 20) as usize];
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
            self.progress.at(done)?;
        }
        Ok(SegmentRef::new(name, segment.finish()?))
    }

    /// Opens what was just written, as a reader would.
    fn open(&self, segment: &SegmentRef) -> Result<StoreText> {
        let SegmentRef { name, length, root } = *segment;
        let path = name.path_in(self.writer.twin_dir());
        let expected = Expected::File { length, root };
        let kind = name.kind().file_kind();
        let file = Container::open(&path, kind, expected, &OpenOptions::default())?;
        StoreText::of_segment(Arc::new(file))
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
