//! Reading a vector segment: rows by id, and everything that its text needs.

use std::sync::{Arc, OnceLock};

use super::format::{Map, MapMeta, Member, VectorsMeta};
use crate::{
    columns::{Columns, EntryValue},
    container::{Container, SectionKind},
    error::{Error, Fault, Result},
    ids::IdColumn,
    json::JsonStyle,
    orders::{EntryOrder, EntrySequence, Order, OrderParts, SequenceParts},
    planes::Plane,
    sketches::{Sketch, SketchPolicy},
};

/// A vector store, as it was when it was packed.
///
/// Opening reads a few hundred bytes; a row is read when it is asked for.
/// Rows are numbered from 0; the first [`vectors`](Self::vectors) of them have
/// a vector, all have an id.
#[derive(Debug)]
pub struct VectorSegment {
    pub(super) file: Arc<Container>,
    meta: VectorsMeta,
    ids: IdColumn,
    plane: Plane,
    sketch: Option<Sketch>,
    /// In the order of [`Map::ALL`].
    maps: [Entries; 3],
    /// Read on first use.
    columns: OnceLock<Columns>,
}

/// The sections that a vector segment may have.
pub(super) const SECTIONS: [SectionKind; 25] = [
    SectionKind::META,
    SectionKind::PLANE,
    SectionKind::LOW_PLANE,
    SectionKind::LOW_RANK,
    SectionKind::CLASSES,
    SectionKind::NORMS,
    SectionKind::IRREGULAR,
    SectionKind::EXCEPTIONS,
    SectionKind::TOKENS,
    SectionKind::SKETCH_MEAN,
    SectionKind::SKETCH_CODES,
    SectionKind::SKETCH_NUMBERS,
    SectionKind::IDS,
    SectionKind::ID_ENDS,
    SectionKind::ID_KINDS,
    SectionKind::ID_TEXTS,
    SectionKind::ID_SLOTS,
    SectionKind::ID_SORTED,
    SectionKind::ORDERS,
    SectionKind::SEQUENCES,
    SectionKind::COLUMNS,
    SectionKind::CODES,
    SectionKind::BLOCKS,
    SectionKind::BLOCK_INDEX,
    SectionKind::ODDMENTS,
];

/// How many rows are of which class; see `docs/FORMAT.md`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct NumberClasses {
    /// Rows whose values are f32, widened.
    pub exact: u32,
    /// Rows whose values are shortest decimals of f32.
    pub decimal: u32,
    /// Rows that need all of f64.
    pub delta: u32,
    /// Single numbers kept as text beside their row's class.
    pub exceptions: u64,
}

impl NumberClasses {
    /// These rows and those together.
    pub(crate) fn and(&self, other: &NumberClasses) -> NumberClasses {
        NumberClasses {
            exact: self.exact.saturating_add(other.exact),
            decimal: self.decimal.saturating_add(other.decimal),
            delta: self.delta.saturating_add(other.delta),
            exceptions: self.exceptions.saturating_add(other.exceptions),
        }
    }
}

/// The metadata of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metadata {
    /// Keys (decoded) and JSON values (without white space), in order.
    Object(Vec<(Vec<u8>, Vec<u8>)>),
    /// The JSON text as it was written: it holds a key twice, is spelled in
    /// an unusual way, or is no object.
    Text(Vec<u8>),
}

/// The entries of a map.
#[derive(Debug)]
struct Entries {
    order: EntryOrder,
    sequence: EntrySequence,
}

/// The entries of the three maps.
fn open_maps(file: &Arc<Container>, meta: &VectorsMeta) -> Result<[Entries; 3]> {
    let rows = meta.ids.rows;
    let mut orders = OrderParts::begin(file, rows);
    let mut sequences = SequenceParts::begin(file);
    let mut open = |map: &MapMeta| {
        if map.entries > rows {
            let span = file.require(SectionKind::META)?;
            return Err(file.damaged(span, 0, Fault::Bounds("entries of a map")));
        }
        Ok(Entries {
            order: orders.next(map.order, map.entries)?,
            sequence: sequences.next(map.sequence, map.entries)?,
        })
    };
    let maps = [
        open(&meta.vectors)?,
        open(&meta.ref_docs)?,
        open(&meta.metadata)?,
    ];
    orders.end()?;
    sequences.end()?;
    Ok(maps)
}

impl VectorSegment {
    /// Takes an open container of kind [`Vectors`](crate::container::FileKind).
    ///
    /// # Errors
    /// [`Error::Damaged`] when its sections do not fit each other.
    pub fn open(file: Arc<Container>) -> Result<VectorSegment> {
        file.only_sections(&SECTIONS)?;
        let meta: VectorsMeta = file.metadata()?;
        let span = file.require(SectionKind::META)?;
        if !meta.style.is_sound() {
            return Err(file.damaged(span, 0, Fault::Value("style")));
        }
        if meta.plane.rows > meta.ids.rows {
            return Err(file.damaged(span, 0, Fault::Bounds("number of vectors")));
        }
        let maps = |map: Map| {
            let named = |m: &&Member| matches!(m, Member::Map { map: other, .. } if *other == map);
            meta.members.iter().filter(named).count()
        };
        if Map::ALL.into_iter().any(|map| maps(map) > 1) {
            return Err(file.damaged(span, 0, Fault::Value("a map that occurs twice")));
        }
        let columns = [
            SectionKind::COLUMNS,
            SectionKind::CODES,
            SectionKind::BLOCKS,
            SectionKind::BLOCK_INDEX,
        ];
        if meta.metadata.entries == 0
            && meta.ref_docs.entries == 0
            && let Some(span) = columns.iter().find_map(|&kind| file.section(kind))
        {
            return Err(file.damaged(span, 0, Fault::Layout));
        }
        let vectors = (meta.vectors.entries, meta.vectors.order);
        if vectors != (meta.plane.rows, Order::NONE) {
            return Err(file.damaged(span, 0, Fault::Value("the map of vectors")));
        }
        Ok(VectorSegment {
            ids: IdColumn::open(&file, &meta.ids)?,
            plane: Plane::open(&file, &meta.plane)?,
            sketch: Sketch::open(&file, meta.plane.rows, meta.plane.dim)?,
            maps: open_maps(&file, &meta)?,
            file,
            meta,
            columns: OnceLock::new(),
        })
    }

    /// Number of rows: ids of all maps together.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.meta.ids.rows
    }

    /// Number of rows with a vector; they come first.
    #[must_use]
    pub fn vectors(&self) -> u32 {
        self.meta.plane.rows
    }

    /// Components of a vector; 0 while there is none.
    #[must_use]
    pub fn dim(&self) -> u32 {
        self.meta.plane.dim
    }

    /// How many rows are of which class.
    #[must_use]
    pub fn classes(&self) -> NumberClasses {
        let plane = &self.meta.plane;
        NumberClasses {
            exact: plane.exact,
            decimal: plane.decimal,
            delta: plane.delta,
            exceptions: plane.exceptions,
        }
    }

    /// The row of `id` (UTF-8, or WTF-8 for ids with lone surrogates).
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn row_of(&self, id: &[u8]) -> Result<Option<u32>> {
        self.ids.find(id)
    }

    /// The id of a row.
    ///
    /// # Errors
    /// [`Error::Limit`] for a row that is not there; [`Error::Damaged`],
    /// [`Error::Io`].
    pub fn id(&self, row: u32) -> Result<Vec<u8>> {
        self.inside(row, self.rows())?;
        let mut id = Vec::new();
        self.ids.get(row, &mut id)?;
        Ok(id)
    }

    /// The vector of `id`: the f64 values that Python reads from the JSON.
    /// `None` when the store has no vector of that id.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn get(&self, id: &[u8]) -> Result<Option<Vec<f64>>> {
        match self.row_of(id)? {
            Some(row) if row < self.vectors() => self.vector(row).map(Some),
            _ => Ok(None),
        }
    }

    /// The vector of a row.
    ///
    /// # Errors
    /// [`Error::Limit`] for a row without a vector; [`Error::Damaged`],
    /// [`Error::Io`].
    pub fn vector(&self, row: u32) -> Result<Vec<f64>> {
        self.inside(row, self.vectors())?;
        Ok(self.plane.row(row)?.values())
    }

    /// The f32 nearest to each component of a row: what a search reads.
    ///
    /// # Errors
    /// As [`vector`](Self::vector).
    pub fn nearest(&self, row: u32) -> Result<Vec<f32>> {
        self.inside(row, self.vectors())?;
        Ok(self.plane.row(row)?.nearest().collect())
    }

    /// The norm of a row: `sqrt(sum of squares)` of its f64 values.
    ///
    /// # Errors
    /// As [`vector`](Self::vector).
    pub fn norm(&self, row: u32) -> Result<f64> {
        self.inside(row, self.vectors())?;
        self.plane.norm(row)
    }

    /// Rows whose f32 components alone do not bound a score: those with
    /// exceptions, and those of extreme or undefined norm. Ascending.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn irregular(&self) -> Result<Vec<u32>> {
        self.plane.irregular()
    }

    /// The metadata of a row, if `metadata_dict` has it.
    ///
    /// # Errors
    /// [`Error::Limit`] for a row that is not there; [`Error::Damaged`],
    /// [`Error::Io`].
    pub fn metadata(&self, row: u32) -> Result<Option<Metadata>> {
        self.inside(row, self.rows())?;
        let Some(entry) = self.row_entry(Map::Metadata, row)? else {
            return Ok(None);
        };
        Ok(Some(match self.columns()?.metadata(entry)? {
            EntryValue::Object(members) => Metadata::Object(members),
            EntryValue::Raw(text) => Metadata::Text(text),
        }))
    }

    /// The ref doc id of a row as JSON text, if `text_id_to_ref_doc_id` has
    /// it.
    ///
    /// # Errors
    /// As [`metadata`](Self::metadata).
    pub fn ref_doc(&self, row: u32) -> Result<Option<Vec<u8>>> {
        self.inside(row, self.rows())?;
        match self.row_entry(Map::RefDocs, row)? {
            Some(entry) => self.columns()?.ref_doc(entry).map(Some),
            None => Ok(None),
        }
    }

    /// The metadata keys that are columns, in the order first met.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn metadata_keys(&self) -> Result<Vec<Vec<u8>>> {
        if self.meta.metadata.entries == 0 {
            return Ok(Vec::new());
        }
        Ok(self.columns()?.keys().map(<[u8]>::to_vec).collect())
    }

    /// Reads the parts that opening leaves for later, so that what is wrong
    /// with them shows.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn check_structure(&self) -> Result<()> {
        for Entries { order, sequence } in &self.maps {
            if order.check_structure()? != order.entries() {
                let span = self.file.require(SectionKind::ORDERS)?;
                let fault = Fault::Value("a row that occurs twice in a map");
                return Err(self.file.damaged(span, 0, fault));
            }
            sequence.check_structure()?;
        }
        if self.meta.metadata.entries > 0 || self.meta.ref_docs.entries > 0 {
            self.columns()?;
        }
        self.oddments().map(drop)
    }

    fn inside(&self, row: u32, rows: u32) -> Result<()> {
        if row < rows {
            return Ok(());
        }
        Err(Error::Limit {
            what: "row number",
            got: u64::from(row),
            limit: u64::from(rows.saturating_sub(1)),
        })
    }

    /// The file.
    pub(crate) fn file(&self) -> &Arc<Container> {
        &self.file
    }

    /// The file's content root, by which tombstones name it.
    pub(crate) fn root(&self) -> [u8; 16] {
        self.file.root()
    }

    /// The error for what does not fit this segment.
    pub(crate) fn refuse(&self, what: &'static str) -> Error {
        match self.file.require(SectionKind::META) {
            Ok(span) => self.file.damaged(span, 0, Fault::Value(what)),
            Err(e) => e,
        }
    }

    pub(crate) fn style(&self) -> &JsonStyle {
        &self.meta.style
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.meta.members
    }

    pub(crate) fn plane(&self) -> &Plane {
        &self.plane
    }

    pub(crate) fn sketch(&self) -> Option<&Sketch> {
        self.sketch.as_ref()
    }

    /// Whether it has too few vectors for a sketch to be worth it.
    pub(crate) fn is_short(&self) -> bool {
        self.vectors() < SketchPolicy::MIN_ROWS
    }

    /// Whether there is a sketch of the vectors, which makes queries faster.
    #[must_use]
    pub fn has_sketch(&self) -> bool {
        self.sketch.is_some()
    }

    fn map(&self, map: Map) -> &Entries {
        let [vectors, ref_docs, metadata] = &self.maps;
        match map {
            Map::Embeddings => vectors,
            Map::RefDocs => ref_docs,
            Map::Metadata => metadata,
        }
    }

    /// Number of entries of a map.
    pub(crate) fn entries(&self, map: Map) -> u32 {
        self.map(map).order.entries()
    }

    /// The row of an entry of a map.
    pub(crate) fn entry_row(&self, map: Map, entry: u32) -> Result<u32> {
        self.map(map).order.row_of(entry)
    }

    /// The entry of a row in a map, if it has one.
    pub(crate) fn row_entry(&self, map: Map, row: u32) -> Result<Option<u32>> {
        self.map(map).order.entry_of(row)
    }

    /// The order of a map's entries.
    pub(crate) fn order(&self, map: Map) -> &EntryOrder {
        &self.map(map).order
    }

    /// The sequence numbers of a map's entries.
    pub(crate) fn sequence(&self, map: Map) -> &EntrySequence {
        &self.map(map).sequence
    }

    pub(crate) fn ids(&self) -> &IdColumn {
        &self.ids
    }

    /// Reads the columns' directory on first use.
    pub(crate) fn columns(&self) -> Result<&Columns> {
        if let Some(columns) = self.columns.get() {
            return Ok(columns);
        }
        let meta = &self.meta;
        let columns = Columns::open(&self.file, meta.metadata.entries, meta.ref_docs.entries)?;
        // Two threads may both have read it; one result is as good.
        Ok(self.columns.get_or_init(|| columns))
    }

    /// The error for a value that prints as longer text than was packed.
    pub(crate) fn too_long(&self) -> Error {
        self.columns().map_or_else(
            |e| e,
            |columns| columns.damaged("length of a printed value"),
        )
    }
}
