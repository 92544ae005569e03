//! Writing a vector segment from the entries of a store's maps.

use std::{path::Path, sync::Arc};

use super::{
    VectorSegment,
    format::{Map, MapMeta, Member, Oddment, Part, VectorsMeta},
};
use crate::{
    bytes::{Spill, Spills},
    columns::ColumnsBuilder,
    container::{ContainerWriter, FileKind, SectionKind, Written, codec},
    error::{Error, Place, Result},
    ids::IdBuilder,
    json::{JsonStyle, decode, encode, normalise, print_within},
    orders::{Order, OrdersBuilder, SequencesBuilder},
    planes::{PlaneBuilder, Pushed, ReadRows},
    sketches::{self, SketchPolicy},
};

/// Exceptions that any store may have; more are a matter of proportion.
const FREE_EXCEPTIONS: u64 = 64;
/// Text of oddments that is kept apart. A store with more is odd throughout.
const MAX_ODDMENTS: usize = 16 << 20;
/// How deep the values of the maps stand in the file.
const ENTRY_DEPTH: usize = 2;

/// Why a file cannot be held in rows and columns and stays in file form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotStructural {
    /// The top level is not an object.
    #[error("the top level is not an object")]
    NotAnObject,
    /// A map occurs twice.
    #[error("a map occurs twice")]
    RepeatedMap,
    /// An id occurs twice in one map.
    #[error("an id occurs twice in one map")]
    RepeatedId,
    /// A vector is no array of numbers.
    #[error("a vector is not an array of numbers")]
    NotNumbers,
    /// A vector is empty or longer than 65,536.
    #[error("a vector is empty or has over 65,536 components")]
    Length,
    /// Vectors of several lengths.
    #[error("the vectors have several lengths")]
    MixedDimensions,
    /// Too many numbers are written in a way that no row class prints.
    #[error("over 1 % of the numbers are spelled in unusual ways")]
    OddNumbers,
    /// Too many strings are written in a way that the style does not print.
    #[error("many strings are spelled in unusual ways")]
    OddStrings,
    /// More rows or larger values than a segment holds.
    #[error("it is larger, or nests deeper, than a segment can hold")]
    TooLarge,
}

/// Either done, or why it cannot be done; the outer error is I/O.
pub(crate) type Attempt<T> = Result<Result<T, NotStructural>>;

/// A vector segment being written. The vectors must come before the other
/// maps' entries.
pub(crate) struct VectorWriter {
    out: ContainerWriter,
    style: JsonStyle,
    members: Vec<Member>,
    ids: IdBuilder,
    plane: PlaneBuilder,
    columns: ColumnsBuilder,
    /// Both in the order of [`Map::ALL`].
    orders: OrdersBuilder,
    sequences: SequencesBuilder,
    ref_docs: Seen,
    metadata: Seen,
    oddments: Vec<Oddment>,
    oddments_len: usize,
    any_numbers: bool,
    sketch: SketchPolicy,
    spills: Spills,
}

/// The rows for which a map has an entry.
#[derive(Debug, Default)]
struct Seen(Vec<u64>);

impl Seen {
    /// Adds a row; false when it is there already.
    fn insert(&mut self, row: u32) -> bool {
        let word = (row / 64) as usize;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let bit = 1 << (row % 64);
        let Some(word) = self.0.get_mut(word) else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

impl VectorWriter {
    /// Creates the file at `path`; temporary files go to `spills`.
    pub(crate) fn create(path: &Path, spills: &Path, style: JsonStyle) -> Result<VectorWriter> {
        let out = ContainerWriter::create(path, FileKind::Vectors)?;
        VectorWriter::begun(out, spills.into(), style)
    }

    /// For a segment that is only in memory.
    pub(crate) fn in_memory(style: JsonStyle) -> Result<VectorWriter> {
        let out = ContainerWriter::in_memory(FileKind::Vectors)?;
        let mut writer = VectorWriter::begun(out, Spills::Memory, style)?;
        writer.sketch = SketchPolicy::Never;
        Ok(writer)
    }

    fn begun(mut out: ContainerWriter, spills: Spills, style: JsonStyle) -> Result<VectorWriter> {
        // Vectors come first, and are written as they come.
        out.begin(SectionKind::PLANE)?;
        let mut orders = OrdersBuilder::new(spills.clone());
        let mut sequences = SequencesBuilder::new(spills.clone());
        for _ in Map::ALL {
            orders.add();
            sequences.add();
        }
        Ok(VectorWriter {
            plane: PlaneBuilder::new(spills.clone()),
            out,
            style,
            members: Vec::new(),
            ids: IdBuilder::new(Spill::new(spills.clone())),
            columns: ColumnsBuilder::new(spills.clone()),
            orders,
            sequences,
            ref_docs: Seen::default(),
            metadata: Seen::default(),
            oddments: Vec::new(),
            oddments_len: 0,
            any_numbers: false,
            sketch: SketchPolicy::default(),
            spills,
        })
    }

    /// Takes any share of odd numbers: a store that is held in rows stays so,
    /// whatever is added to it.
    pub(crate) fn allow_odd_numbers(&mut self) {
        self.any_numbers = true;
    }

    /// Says whether there is to be a sketch of the vectors.
    pub(crate) fn sketch(&mut self, policy: SketchPolicy) {
        self.sketch = policy;
    }

    /// Sets the members of the top-level object, in order.
    pub(crate) fn members(&mut self, members: Vec<Member>) {
        self.members = members;
    }

    /// Appends an entry of `map`: a key token and the text of its value. Its
    /// sequence number is the one that follows the last, from 0 on.
    pub(crate) fn push(&mut self, map: Map, key: &[u8], value: &[u8]) -> Attempt<()> {
        self.push_with(map, key, value, None)
    }

    /// Appends an entry of `map` with a sequence number, which must be above
    /// those of the map's entries before it.
    pub(crate) fn push_with(
        &mut self,
        map: Map,
        key: &[u8],
        value: &[u8],
        sequence: Option<u64>,
    ) -> Attempt<()> {
        let entry = match self.push_key(map, key, sequence)? {
            Ok(entry) => entry,
            Err(why) => return Ok(Err(why)),
        };
        match map {
            Map::Embeddings => self.push_vector(value),
            Map::RefDocs => self.push_ref_doc(entry, value),
            Map::Metadata => {
                self.columns
                    .push_metadata(value, &mut self.style, ENTRY_DEPTH)?;
                Ok(Ok(()))
            }
        }
    }

    /// Whether rows of a segment of that style may be
    /// [copied](Self::copy_vector): they print as they did.
    pub(crate) fn can_copy(&self, style: &JsonStyle) -> bool {
        self.style.numbers == style.numbers
    }

    /// Appends the vector of a row of another segment, as
    /// [`push_with`](Self::push_with) does with its text.
    pub(crate) fn copy_vector(
        &mut self,
        key: &[u8],
        segment: &VectorSegment,
        row: u32,
        sequence: Option<u64>,
    ) -> Attempt<()> {
        if let Err(why) = self.push_key(Map::Embeddings, key, sequence)? {
            return Ok(Err(why));
        }
        let plane = segment.plane();
        let (norm, row) = (plane.norm(row)?, plane.row(row)?);
        let out = &mut self.out;
        let pushed = self
            .plane
            .copy(&row, norm, &mut |nearest| out.write(nearest));
        Ok(self.is_vector(pushed?))
    }

    /// Appends an entry without its value; gives its number.
    pub(super) fn push_key(&mut self, map: Map, key: &[u8], sequence: Option<u64>) -> Attempt<u32> {
        let mut id = Vec::with_capacity(key.len());
        if decode(key, &mut id).is_err() {
            return Ok(Err(NotStructural::OddStrings));
        }
        let number = map as usize;
        let entry = self.orders.entries(number);
        let (row, new) = match self.ids.intern(&id, entry) {
            Ok(found) => found,
            Err(Error::Limit { .. }) => return Ok(Err(NotStructural::TooLarge)),
            Err(e) => return Err(e),
        };
        let unseen = match map {
            Map::Embeddings => new,
            Map::RefDocs => self.ref_docs.insert(row),
            Map::Metadata => self.metadata.insert(row),
        };
        if !unseen {
            return Ok(Err(NotStructural::RepeatedId));
        }
        self.orders.push(number, row)?;
        self.sequences.push(number, sequence)?;
        Ok(self.note_key(map, entry, &id, key).map(|()| entry))
    }

    /// The style of the file, as far as it is known now.
    pub(crate) fn style(&self) -> &JsonStyle {
        &self.style
    }

    /// Appends the vector of the entry whose key came last; `None`, and nothing is
    /// appended, where its text is needed.
    pub(super) fn push_read(
        &mut self,
        rows: &ReadRows,
        n: usize,
    ) -> Result<Option<Result<(), NotStructural>>> {
        let out = &mut self.out;
        let pushed = self
            .plane
            .push_read(rows, n, &self.style, &mut |nearest| out.write(nearest))?;
        Ok(pushed.map(|pushed| self.is_vector(pushed)))
    }

    /// The same from its text.
    pub(super) fn push_vector(&mut self, value: &[u8]) -> Attempt<()> {
        let out = &mut self.out;
        let pushed = self
            .plane
            .push(value, &mut self.style, &mut |nearest| out.write(nearest));
        Ok(self.is_vector(pushed?))
    }

    fn is_vector(&self, pushed: Pushed) -> Result<(), NotStructural> {
        match pushed {
            Pushed::Row if self.has_odd_numbers() => Err(NotStructural::OddNumbers),
            Pushed::Row => Ok(()),
            Pushed::OtherDim => Err(NotStructural::MixedDimensions),
            Pushed::Refused(why) => Err(why.into()),
        }
    }

    fn push_ref_doc(&mut self, entry: u32, value: &[u8]) -> Attempt<()> {
        let mut normal = Vec::with_capacity(value.len());
        if normalise(value, &mut normal).is_err() {
            return Ok(Err(NotStructural::OddStrings));
        }
        let reprint = |style: &JsonStyle| {
            let mut printed = Vec::with_capacity(value.len());
            print_within(&normal, style, ENTRY_DEPTH, value.len(), &mut printed) && printed == value
        };
        self.style.learn_escapes(value);
        let prints = reprint(&self.style);
        if !prints && let Err(why) = self.note(Map::RefDocs, entry, Part::Value, value) {
            return Ok(Err(why));
        }
        self.columns.push_ref_doc(&normal)?;
        Ok(Ok(()))
    }

    /// Keeps a key's token where the style does not print it back.
    fn note_key(
        &mut self,
        map: Map,
        entry: u32,
        id: &[u8],
        token: &[u8],
    ) -> Result<(), NotStructural> {
        let reprint = |style: &JsonStyle| {
            let mut printed = Vec::with_capacity(token.len());
            encode(id, style.escapes(), &mut printed);
            printed == token
        };
        self.style.learn_escapes(token);
        if reprint(&self.style) {
            return Ok(());
        }
        self.note(map, entry, Part::Key, token)
    }

    fn note(&mut self, map: Map, entry: u32, part: Part, text: &[u8]) -> Result<(), NotStructural> {
        self.oddments_len += text.len() + size_of::<Oddment>();
        if self.oddments_len > MAX_ODDMENTS {
            return Err(NotStructural::OddStrings);
        }
        self.oddments.push(Oddment {
            map,
            entry,
            part,
            text: text.to_vec(),
        });
        Ok(())
    }

    /// Whether so many tokens are exceptions that text is the better form.
    /// Asked early only of large stores, where the answer saves work.
    fn has_odd_numbers(&self) -> bool {
        let meta = self.plane.meta();
        let components = u64::from(meta.rows) * u64::from(meta.dim);
        if self.any_numbers {
            return false;
        }
        // A share over 1 % of all so far, once enough has been seen to tell.
        meta.exceptions > FREE_EXCEPTIONS
            && meta.exceptions > components / 100
            && components > 1 << 20
    }

    /// Writes everything that was not written on the way, and syncs the file.
    pub(crate) fn finish(self) -> Attempt<Written> {
        match self.complete()? {
            Ok(out) => out.finish().map(Ok),
            Err(why) => Ok(Err(why)),
        }
    }

    /// The same for a segment in memory, which is opened.
    pub(crate) fn finish_in_memory(self) -> Attempt<VectorSegment> {
        match self.complete()? {
            Ok(out) => VectorSegment::open(Arc::new(out.open_finished()?)).map(Ok),
            Err(why) => Ok(Err(why)),
        }
    }

    fn complete(mut self) -> Attempt<ContainerWriter> {
        let meta = self.plane.meta();
        let components = u64::from(meta.rows) * u64::from(meta.dim);
        let odd = meta.exceptions > FREE_EXCEPTIONS && meta.exceptions > components / 100;
        if odd && !self.any_numbers {
            return Ok(Err(NotStructural::OddNumbers));
        }
        let out = &mut self.out;
        let plane = self.plane.finish(out)?;
        // Ends the last section of the plane, which may be read back then.
        let ids = self.ids.finish(out)?;
        sketches::write(out, (plane.rows, plane.dim), self.sketch, self.spills)?;
        let entries = Map::ALL.map(|map| self.orders.entries(map as usize));
        let orders = self.orders.finish(ids.rows, out)?;
        let sequences = self.sequences.finish(out)?;
        let meta = |map: Map| MapMeta {
            entries: entries.get(map as usize).copied().unwrap_or_default(),
            order: orders.get(map as usize).copied().unwrap_or(Order::NONE),
            sequence: sequences.get(map as usize).copied().unwrap_or_default(),
        };
        let [vectors, ref_docs, metadata] = Map::ALL.map(meta);
        if metadata.entries > 0 || ref_docs.entries > 0 {
            self.columns.finish(out)?;
        }
        if !self.oddments.is_empty() {
            self.oddments.sort_by_key(Oddment::place);
            let bytes = codec::encode(&self.oddments).map_err(|fault| Error::Damaged {
                path: out.path().to_owned(),
                place: Place {
                    part: SectionKind::ODDMENTS.name(),
                    offset: 0,
                },
                fault,
            })?;
            out.whole(SectionKind::ODDMENTS, &bytes)?;
        }
        out.metadata(&VectorsMeta {
            style: self.style,
            members: self.members,
            ids,
            plane,
            vectors,
            ref_docs,
            metadata,
        })?;
        Ok(Ok(self.out))
    }
}

impl From<crate::planes::NotARow> for NotStructural {
    fn from(why: crate::planes::NotARow) -> Self {
        match why {
            crate::planes::NotARow::NotNumbers => NotStructural::NotNumbers,
            crate::planes::NotARow::Length => NotStructural::Length,
        }
    }
}
