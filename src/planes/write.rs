//! Writing planes row by row. In memory: a byte a row; all else that grows
//! goes to spills.

use super::{
    classify::{NotARow, Row},
    format::{
        HAS_EXCEPTIONS, MAX_PLANES, MIN_RECORD_DIM, PLANE_ALIGN, PlaneMeta, RANK_GROUP, RowClass,
        deltas_in, is_regular,
    },
    numbers::push_f32,
    read::StoredRow,
    rows::{ReadRows, push_deltas},
};
use crate::{
    bytes::{Spill, Spills},
    container::{ContainerWriter, SectionKind},
    error::Result,
    json::JsonStyle,
};

/// A plane being written: what stands beside its f32 rows.
pub(crate) struct PlaneBuilder {
    meta: PlaneMeta,
    classes: Vec<u8>,
    low: Spill,
    norms: Spill,
    exceptions: Spill,
    tokens: Spill,
    irregular: Vec<u32>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is in the plane.
    Row,
    /// It is no row of this plane.
    Refused(NotARow),
    /// It has another length than the rows before.
    OtherDim,
}

impl PlaneBuilder {
    pub(crate) fn new(spills: impl Into<Spills>) -> PlaneBuilder {
        let spills = spills.into();
        PlaneBuilder {
            meta: PlaneMeta::default(),
            classes: Vec::new(),
            low: Spill::new(spills.clone()),
            norms: Spill::new(spills.clone()),
            exceptions: Spill::new(spills.clone()),
            tokens: Spill::new(spills),
            irregular: Vec::new(),
        }
    }

    /// Appends the row whose text is the array `text`; its f32 components go
    /// to `nearest`. Where the style is still open about number layouts, a row
    /// that does not print settles it.
    pub(crate) fn push(
        &mut self,
        text: &[u8],
        style: &mut JsonStyle,
        nearest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Pushed> {
        let mut row = match Row::parse(text) {
            Ok(row) => row,
            Err(why) => return Ok(Pushed::Refused(why)),
        };
        if self.meta.rows > 0 && row.dim() != self.meta.dim as usize {
            return Ok(Pushed::OtherDim);
        }
        let class = settle(&mut row, text, style);
        self.append(&row, class, nearest)?;
        Ok(Pushed::Row)
    }

    /// Appends row `n` of rows that were taken apart, as [`push`](Self::push) does with
    /// its text. `None`, and nothing is appended, where only the text tells how.
    pub(crate) fn push_read(
        &mut self,
        rows: &ReadRows,
        n: usize,
        style: &JsonStyle,
        nearest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Option<Pushed>> {
        let settles = style.numbers.is_none() && rows.tells_layout(n);
        let other_layout = style.numbers() != rows.layout;
        let other_dim = self.meta.rows > 0 && rows.dim != self.meta.dim as usize;
        let (false, Some(row)) = (settles || other_layout || other_dim, rows.row(n)) else {
            return Ok(None);
        };
        nearest(row.nearest)?;
        self.low.write(row.low)?;
        let dim = u32::try_from(rows.dim).unwrap_or(u32::MAX);
        self.note(dim, row.class, row.norm, tokens(row.exceptions))?;
        Ok(Some(Pushed::Row))
    }

    /// Appends a row of another plane as it is, with its norm. It prints as it
    /// did, in the same number layout.
    pub(crate) fn copy(
        &mut self,
        row: &StoredRow<'_>,
        norm: f64,
        nearest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Pushed> {
        let (components, low) = row.bytes();
        let dim = u32::try_from(components.len() / 4).unwrap_or(u32::MAX);
        if self.meta.rows > 0 && dim != self.meta.dim {
            return Ok(Pushed::OtherDim);
        }
        nearest(components)?;
        if row.class == RowClass::Delta {
            self.low.write(low)?;
        }
        self.note(dim, row.class, norm, tokens(&row.exceptions))?;
        Ok(Pushed::Row)
    }

    fn append(
        &mut self,
        row: &Row,
        class: RowClass,
        nearest: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let dim = row.dim();
        let mut bytes = Vec::with_capacity(dim * 4);
        push_f32(&row.nearest, &mut bytes);
        nearest(&bytes)?;
        if class == RowClass::Delta {
            bytes.clear();
            push_deltas(row, &mut bytes);
            self.low.write(&bytes)?;
        }
        let exceptions = row.exceptions.iter().map(|&column| {
            let number = u32::try_from(column).unwrap_or(u32::MAX);
            (number, row.token(column))
        });
        let dim = u32::try_from(dim).unwrap_or(u32::MAX);
        self.note(dim, class, row.norm(), exceptions)
    }

    /// Notes all of a row that stands beside its components.
    fn note<'t>(
        &mut self,
        dim: u32,
        class: RowClass,
        norm: f64,
        exceptions: impl ExactSizeIterator<Item = (u32, &'t [u8])>,
    ) -> Result<()> {
        self.meta.dim = dim;
        match class {
            RowClass::Exact => self.meta.exact += 1,
            RowClass::Decimal => self.meta.decimal += 1,
            RowClass::Delta => self.meta.delta += 1,
        }
        self.norms.write(&norm.to_le_bytes())?;
        let count = exceptions.len() as u64;
        if count > 0 || !is_regular(norm) {
            self.irregular.push(self.meta.rows);
            self.meta.irregular += 1;
        }
        let flag = if count > 0 { HAS_EXCEPTIONS } else { 0 };
        self.classes.push(class.code() | flag);
        for (column, token) in exceptions {
            self.tokens.write(token)?;
            self.exceptions.write(&self.meta.rows.to_le_bytes())?;
            self.exceptions.write(&column.to_le_bytes())?;
            self.exceptions.write(&self.tokens.len().to_le_bytes())?;
        }
        self.meta.exceptions += count;
        self.meta.token_bytes = self.tokens.len();
        self.meta.rows += 1;
        Ok(())
    }

    pub(crate) fn meta(&self) -> &PlaneMeta {
        &self.meta
    }

    /// Writes the sections beside `PLAN` of the only plane of a file.
    pub(crate) fn finish(self, out: &mut ContainerWriter) -> Result<PlaneMeta> {
        let meta = self.meta.clone();
        write_beside(vec![self], out)?;
        Ok(meta)
    }
}

/// Columns and tokens of exceptions.
fn tokens(exceptions: &[(u32, Vec<u8>)]) -> impl ExactSizeIterator<Item = (u32, &[u8])> {
    let exceptions = exceptions.iter();
    exceptions.map(|(column, token)| (*column, token.as_slice()))
}

/// The class of a row, in a style that it may settle.
fn settle(row: &mut Row, text: &[u8], style: &mut JsonStyle) -> RowClass {
    if style.numbers.is_none() && row.tells_layout() {
        style.learn_numbers(text);
    }
    row.classify(style.numbers())
}

/// The planes of the arrays in records, one for each length.
pub(crate) struct PlanesBuilder {
    spills: Spills,
    /// With the f32 rows of each.
    planes: Vec<(PlaneBuilder, Spill)>,
}

impl PlanesBuilder {
    pub(crate) fn new(spills: impl Into<Spills>) -> PlanesBuilder {
        PlanesBuilder {
            spills: spills.into(),
            planes: Vec::new(),
        }
    }

    /// Appends the array `text` to the plane of its length, and says which
    /// row of which plane it is. `None`, and nothing is changed, where it is
    /// better kept as text.
    pub(crate) fn push(
        &mut self,
        text: &[u8],
        style: &mut JsonStyle,
    ) -> Result<Option<(u32, u32)>> {
        let Ok(mut row) = Row::parse(text) else {
            return Ok(None);
        };
        let dim = row.dim();
        let same_dim = |(plane, _): &(PlaneBuilder, Spill)| plane.meta.dim as usize == dim;
        let found = self.planes.iter().position(same_dim);
        if dim < MIN_RECORD_DIM || (found.is_none() && self.planes.len() == MAX_PLANES) {
            return Ok(None);
        }
        let open = style.numbers;
        let class = settle(&mut row, text, style);
        if row.exceptions.len() * 100 > dim {
            style.numbers = open;
            return Ok(None);
        }
        let number = found.unwrap_or(self.planes.len());
        if found.is_none() {
            let plane = PlaneBuilder::new(self.spills.clone());
            self.planes.push((plane, Spill::new(self.spills.clone())));
        }
        let Some((plane, nearest)) = self.planes.get_mut(number) else {
            return Ok(None);
        };
        let at = plane.meta.rows;
        if at == u32::MAX {
            return Ok(None);
        }
        plane.append(&row, class, &mut |bytes| nearest.write(bytes))?;
        Ok(Some((u32::try_from(number).unwrap_or(u32::MAX), at)))
    }

    /// Writes all sections of the planes; none where there is no plane.
    pub(crate) fn finish(self, out: &mut ContainerWriter) -> Result<Vec<PlaneMeta>> {
        let metas = self.planes.iter().map(|(plane, _)| plane.meta.clone());
        let metas = metas.collect();
        if self.planes.is_empty() {
            return Ok(metas);
        }
        out.begin(SectionKind::PLANE)?;
        let mut planes = Vec::with_capacity(self.planes.len());
        for (plane, nearest) in self.planes {
            let len = out.section_len();
            let padding = len.next_multiple_of(PLANE_ALIGN) - len;
            out.write(&vec![0; padding as usize])?;
            nearest.drain(|bytes| out.write(bytes))?;
            planes.push(plane);
        }
        write_beside(planes, out)?;
        Ok(metas)
    }
}

/// Writes the sections beside `PLAN`, each with the parts of all planes that
/// need it.
fn write_beside(planes: Vec<PlaneBuilder>, out: &mut ContainerWriter) -> Result<()> {
    if planes.iter().any(|plane| plane.meta.delta > 0) {
        out.begin(SectionKind::LOW_RANK)?;
        for plane in planes.iter().filter(|plane| plane.meta.delta > 0) {
            let mut before = 0_u32;
            for group in plane.classes.chunks(RANK_GROUP as usize) {
                out.write(&before.to_le_bytes())?;
                before += deltas_in(group);
            }
        }
    }
    out.begin(SectionKind::CLASSES)?;
    for plane in &planes {
        out.write(&plane.classes)?;
    }
    if planes.iter().any(|plane| plane.meta.irregular > 0) {
        out.begin(SectionKind::IRREGULAR)?;
        for row in planes.iter().flat_map(|plane| &plane.irregular) {
            out.write(&row.to_le_bytes())?;
        }
    }
    let (mut low, mut norms, mut exceptions, mut tokens) = (vec![], vec![], vec![], vec![]);
    for plane in planes {
        low.push(plane.low);
        norms.push(plane.norms);
        exceptions.push(plane.exceptions);
        tokens.push(plane.tokens);
    }
    for (kind, parts, always) in [
        (SectionKind::NORMS, norms, true),
        (SectionKind::LOW_PLANE, low, false),
        (SectionKind::EXCEPTIONS, exceptions, false),
        (SectionKind::TOKENS, tokens, false),
    ] {
        if always || parts.iter().any(|part| part.len() > 0) {
            out.begin(kind)?;
            for part in parts {
                part.drain(|bytes| out.write(bytes))?;
            }
        }
    }
    Ok(())
}
