//! Reading a vector segment: rows by id, and everything that its text needs.

use std::sync::{Arc, OnceLock};

use super::format::{Map, MapMeta, Member, VectorsMeta};
use crate::{
    columns::{Columns, EntryValue},
    container::{Container, SectionKind, Span},
    error::{Error, Fault, Result},
    ids::IdColumn,
    json::JsonStyle,
    planes::Plane,
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
    ref_docs: MapOrder,
    metadata: MapOrder,
    /// Read on first use.
    columns: OnceLock<Columns>,
}

/// The sections that a vector segment may have.
const SECTIONS: [SectionKind; 22] = [
    SectionKind::META,
    SectionKind::PLANE,
    SectionKind::LOW_PLANE,
    SectionKind::LOW_RANK,
    SectionKind::CLASSES,
    SectionKind::NORMS,
    SectionKind::IRREGULAR,
    SectionKind::EXCEPTIONS,
    SectionKind::TOKENS,
    SectionKind::IDS,
    SectionKind::ID_ENDS,
    SectionKind::ID_SLOTS,
    SectionKind::ID_SORTED,
    SectionKind::METADATA_ORDER,
    SectionKind::METADATA_POSITIONS,
    SectionKind::REF_DOC_ORDER,
    SectionKind::REF_DOC_POSITIONS,
    SectionKind::COLUMNS,
    SectionKind::CODES,
    SectionKind::BLOCKS,
    SectionKind::BLOCK_INDEX,
    SectionKind::ODDMENTS,
];

/// How many rows are of which class; see `docs/FORMAT.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
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

/// The metadata of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Metadata {
    /// Keys (decoded) and JSON values (without white space), in order.
    Object(Vec<(Vec<u8>, Vec<u8>)>),
    /// The JSON text as it was written: it holds a key twice, is spelled in
    /// an unusual way, or is no object.
    Text(Vec<u8>),
}

/// The order of a map over the rows.
#[derive(Debug)]
struct MapOrder {
    meta: MapMeta,
    /// Rows by entry, and entries by row; absent in row order.
    sections: Option<(Span, Span)>,
}

impl MapOrder {
    fn open(
        file: &Container,
        meta: MapMeta,
        rows: u32,
        order: SectionKind,
        positions: SectionKind,
    ) -> Result<MapOrder> {
        let sections = if meta.in_row_order {
            None
        } else {
            Some((
                file.require_len(order, Some(u64::from(meta.entries) * 4))?,
                file.require_len(positions, Some(u64::from(rows) * 4))?,
            ))
        };
        if meta.entries > rows {
            let span = file.require(SectionKind::META)?;
            return Err(file.damaged(span, 0, Fault::Bounds("entries of a map")));
        }
        Ok(MapOrder { meta, sections })
    }

    fn row_of(&self, file: &Container, entry: u32) -> Result<u32> {
        match self.sections {
            None => Ok(entry),
            Some((order, _)) => u32_at(file, order, entry),
        }
    }

    fn entry_of(&self, file: &Container, row: u32) -> Result<Option<u32>> {
        let entry = match self.sections {
            None => Some(row),
            Some((_, positions)) => u32_at(file, positions, row)?.checked_sub(1),
        };
        Ok(entry.filter(|&entry| entry < self.meta.entries))
    }
}

fn u32_at(file: &Container, span: Span, index: u32) -> Result<u32> {
    let start = u64::from(index) * 4;
    let bytes = file.read(span, start..start + 4)?;
    let bytes = bytes.first_chunk().copied().unwrap_or_default();
    Ok(u32::from_le_bytes(bytes))
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
        if [Map::Embeddings, Map::RefDocs, Map::Metadata]
            .into_iter()
            .any(|map| maps(map) > 1)
        {
            return Err(file.damaged(span, 0, Fault::Value("a map that occurs twice")));
        }
        Ok(VectorSegment {
            ids: IdColumn::open(&file, &meta.ids)?,
            plane: Plane::open(&file, &meta.plane)?,
            ref_docs: MapOrder::open(
                &file,
                meta.ref_docs,
                meta.ids.rows,
                SectionKind::REF_DOC_ORDER,
                SectionKind::REF_DOC_POSITIONS,
            )?,
            metadata: MapOrder::open(
                &file,
                meta.metadata,
                meta.ids.rows,
                SectionKind::METADATA_ORDER,
                SectionKind::METADATA_POSITIONS,
            )?,
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
        let Some(entry) = self.metadata.entry_of(&self.file, row)? else {
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
        match self.ref_docs.entry_of(&self.file, row)? {
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

    pub(crate) fn style(&self) -> &JsonStyle {
        &self.meta.style
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.meta.members
    }

    pub(crate) fn plane(&self) -> &Plane {
        &self.plane
    }

    /// Number of entries of a map.
    pub(crate) fn entries(&self, map: Map) -> u32 {
        match map {
            Map::Embeddings => self.meta.plane.rows,
            Map::RefDocs => self.meta.ref_docs.entries,
            Map::Metadata => self.meta.metadata.entries,
        }
    }

    /// The row of an entry of a map.
    pub(crate) fn entry_row(&self, map: Map, entry: u32) -> Result<u32> {
        match map {
            Map::Embeddings => Ok(entry),
            Map::RefDocs => self.ref_docs.row_of(&self.file, entry),
            Map::Metadata => self.metadata.row_of(&self.file, entry),
        }
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
