//! Reading a plane: the f32 row, the true f64 values, the text.

use std::{ops::Range, sync::Arc};

use super::{
    format::{
        EXCEPTION_LEN, HAS_EXCEPTIONS, MAX_DIM, MAX_PLANES, PLANE_ALIGN, PlaneMeta, RANK_GROUP,
        RowClass, deltas_in,
    },
    numbers::Numbers,
};
use crate::{
    bytes::View,
    container::{Container, FieldReader, SectionKind, Span},
    error::{Fault, Result},
    json::{JsonStyle, NumberLayout, parse_f64, print_all, print_f32_shortest, print_f64},
};

/// A plane of an open file.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    pub(super) file: Arc<Container>,
    pub(super) meta: PlaneMeta,
    pub(super) plane: Span,
    pub(super) classes: Span,
    pub(super) norms: Span,
    low: Option<(Span, Span)>,
    exceptions: Option<(Span, Span)>,
    irregular: Option<Span>,
}

/// A row as it is stored.
pub(crate) struct StoredRow<'a> {
    pub(crate) class: RowClass,
    nearest: View<'a>,
    low: Option<View<'a>>,
    /// Column and token, by column.
    pub(super) exceptions: Vec<(u32, Vec<u8>)>,
}

impl Plane {
    /// The only plane of a file.
    pub(crate) fn open(file: &Arc<Container>, meta: &PlaneMeta) -> Result<Plane> {
        let mut parts = Parts::new(file);
        let plane = parts.plane(meta)?;
        parts.end()?;
        Ok(plane)
    }

    /// All planes of a file.
    pub(crate) fn open_all(file: &Arc<Container>, metas: &[PlaneMeta]) -> Result<Vec<Plane>> {
        if metas.len() > MAX_PLANES {
            let span = file.require(SectionKind::META)?;
            return Err(file.damaged(span, 0, Fault::Value("number of planes")));
        }
        let mut parts = Parts::new(file);
        let planes = metas.iter().map(|meta| parts.plane(meta));
        let planes = planes.collect::<Result<_>>()?;
        parts.end()?;
        Ok(planes)
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> u32 {
        self.meta.rows
    }

    /// Components of a row.
    pub(crate) fn dim(&self) -> usize {
        self.meta.dim as usize
    }

    /// The norm of row `row`.
    pub(crate) fn norm(&self, row: u32) -> Result<f64> {
        let start = u64::from(self.inside(row)?) * 8;
        let bytes = self.file.read(self.norms, start..start + 8)?;
        Ok(f64::from_le_bytes(
            bytes.first_chunk().copied().unwrap_or_default(),
        ))
    }

    /// The norms of neighbouring rows.
    pub(crate) fn norms(&self, rows: Range<u32>) -> Result<Numbers<'_, f64>> {
        let bytes = u64::from(rows.start) * 8..u64::from(rows.end) * 8;
        let bytes = self.file.read(self.norms, bytes)?;
        Ok(Numbers::new(bytes, f64::from_le_bytes))
    }

    /// The f32 components of neighbouring rows, row after row.
    pub(crate) fn nearest(&self, rows: Range<u32>) -> Result<Numbers<'_, f32>> {
        let row_len = u64::from(self.meta.dim) * 4;
        let bytes = u64::from(rows.start) * row_len..u64::from(rows.end) * row_len;
        let bytes = self.file.read(self.plane, bytes)?;
        Ok(Numbers::new(bytes, f32::from_le_bytes))
    }

    /// Whether the values of all rows are their f32, but for exceptions.
    pub(crate) fn is_exact(&self) -> bool {
        self.meta.exact == self.meta.rows
    }

    /// The rows that a search must always rescore, ascending. (Of a list that does not, a
    /// search would make far more rows than there are.)
    pub(crate) fn irregular(&self) -> Result<Vec<u32>> {
        let Some(span) = self.irregular else {
            return Ok(Vec::new());
        };
        let bytes = self.file.read(span, 0..span.len())?;
        let (rows, _) = bytes.as_chunks::<4>();
        let rows: Vec<u32> = rows.iter().map(|row| u32::from_le_bytes(*row)).collect();
        let ascend = rows.is_sorted_by(|a, b| a < b);
        if !ascend || rows.last().is_some_and(|&last| last >= self.meta.rows) {
            let fault = Fault::Value("the list of irregular rows");
            return Err(self.file.damaged(span, 0, fault));
        }
        Ok(rows)
    }

    /// Row `row` with everything that its text needs.
    pub(crate) fn row(&self, row: u32) -> Result<StoredRow<'_>> {
        let number = u64::from(self.inside(row)?);
        let byte = self.file.read(self.classes, number..number + 1)?;
        let byte = byte.first().copied().unwrap_or_default();
        let Some(class) = RowClass::of(byte) else {
            return Err(self
                .file
                .damaged(self.classes, number, Fault::Value("row class")));
        };
        let row_len = u64::from(self.meta.dim) * 4;
        let start = number * row_len;
        let low = match (class, self.low) {
            (RowClass::Delta, Some((low, ranks))) => {
                let start = self.low_rank(row, ranks)? * row_len;
                Some(self.file.read(low, start..start + row_len)?)
            }
            (RowClass::Delta, None) => {
                return Err(self
                    .file
                    .damaged(self.classes, number, Fault::Value("row class")));
            }
            _ => None,
        };
        let exceptions = match self.exceptions {
            Some(spans) if byte & HAS_EXCEPTIONS != 0 => self.exceptions_of(row, spans)?,
            _ => Vec::new(),
        };
        Ok(StoredRow {
            class,
            nearest: self.file.read(self.plane, start..start + row_len)?,
            low,
            exceptions,
        })
    }

    fn inside(&self, row: u32) -> Result<u32> {
        if row < self.meta.rows {
            return Ok(row);
        }
        Err(self
            .file
            .damaged(self.plane, 0, Fault::Bounds("row number")))
    }

    /// The place of Delta row `row` in the low plane.
    fn low_rank(&self, row: u32, ranks: Span) -> Result<u64> {
        let group = u64::from(row / RANK_GROUP);
        let before = self.file.read(ranks, group * 4..group * 4 + 4)?;
        let before = u32::from_le_bytes(before.first_chunk().copied().unwrap_or_default());
        let start = group * u64::from(RANK_GROUP);
        let classes = self.file.read(self.classes, start..u64::from(row))?;
        let rank = u64::from(before) + u64::from(deltas_in(&classes));
        if rank >= u64::from(self.meta.delta) {
            return Err(self.file.damaged(ranks, group * 4, Fault::Bounds("rank")));
        }
        Ok(rank)
    }

    /// The exceptions of one row, found by bisection.
    fn exceptions_of(&self, row: u32, (list, tokens): (Span, Span)) -> Result<Vec<(u32, Vec<u8>)>> {
        let (mut low, mut high) = (0, self.meta.exceptions);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.exception(list, middle)?.0 < row {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut found = Vec::new();
        let mut start = match low.checked_sub(1) {
            Some(before) => self.exception(list, before)?.2,
            None => 0,
        };
        for n in low..self.meta.exceptions {
            let (owner, column, end) = self.exception(list, n)?;
            if owner != row {
                break;
            }
            if column >= self.meta.dim || start > end || end > tokens.len() {
                let fault = Fault::Bounds("exception");
                return Err(self.file.damaged(list, n * EXCEPTION_LEN, fault));
            }
            found.push((column, self.file.read(tokens, start..end)?.to_vec()));
            start = end;
        }
        Ok(found)
    }

    fn exception(&self, list: Span, n: u64) -> Result<(u32, u32, u64)> {
        let start = n * EXCEPTION_LEN;
        let bytes = self.file.read(list, start..start + EXCEPTION_LEN)?;
        let mut fields = FieldReader(&bytes);
        Ok((fields.u32(), fields.u32(), fields.u64()))
    }
}

/// Hands out the sections of the planes, part by part.
struct Parts<'a> {
    file: &'a Arc<Container>,
    plane: Part,
    classes: Part,
    norms: Part,
    low: Part,
    ranks: Part,
    exceptions: Part,
    tokens: Part,
    irregular: Part,
}

/// A section, and how much of it was handed out.
struct Part(SectionKind, u64);

impl<'a> Parts<'a> {
    fn new(file: &'a Arc<Container>) -> Parts<'a> {
        Parts {
            file,
            plane: Part(SectionKind::PLANE, 0),
            classes: Part(SectionKind::CLASSES, 0),
            norms: Part(SectionKind::NORMS, 0),
            low: Part(SectionKind::LOW_PLANE, 0),
            ranks: Part(SectionKind::LOW_RANK, 0),
            exceptions: Part(SectionKind::EXCEPTIONS, 0),
            tokens: Part(SectionKind::TOKENS, 0),
            irregular: Part(SectionKind::IRREGULAR, 0),
        }
    }

    fn plane(&mut self, meta: &PlaneMeta) -> Result<Plane> {
        let file = self.file;
        let rows = u64::from(meta.rows);
        let row_len = u64::from(meta.dim) * 4;
        // Cannot wrap: it is no more than a section's length.
        self.plane.1 = self.plane.1.next_multiple_of(PLANE_ALIGN);
        let plane = self.plane.take(file, rows.checked_mul(row_len))?;
        let classes = u64::from(meta.exact) + u64::from(meta.decimal) + u64::from(meta.delta);
        if meta.dim as usize > MAX_DIM || (meta.dim == 0) != (rows == 0) || classes != rows {
            return Err(file.damaged(plane, 0, Fault::Value("dimension or number of rows")));
        }
        let low = match u64::from(meta.delta) {
            0 => None,
            delta => Some((
                self.low.take(file, delta.checked_mul(row_len))?,
                self.ranks
                    .take(file, Some(rows.div_ceil(u64::from(RANK_GROUP)) * 4))?,
            )),
        };
        let exceptions = match meta.exceptions {
            0 => None,
            n => Some((
                self.exceptions.take(file, n.checked_mul(EXCEPTION_LEN))?,
                self.tokens.take(file, Some(meta.token_bytes))?,
            )),
        };
        let irregular = match u64::from(meta.irregular) {
            0 => None,
            n => Some(self.irregular.take(file, Some(n * 4))?),
        };
        Ok(Plane {
            file: Arc::clone(file),
            meta: meta.clone(),
            plane,
            classes: self.classes.take(file, Some(rows))?,
            norms: self.norms.take(file, Some(rows * 8))?,
            low,
            exceptions,
            irregular,
        })
    }

    /// Refuses sections that hold more than was handed out.
    fn end(self) -> Result<()> {
        for Part(kind, taken) in [
            self.plane,
            self.classes,
            self.norms,
            self.low,
            self.ranks,
            self.exceptions,
            self.tokens,
            self.irregular,
        ] {
            if let Some(span) = self.file.section(kind)
                && span.len() != taken
            {
                let fault = Fault::Bounds("section length");
                return Err(self.file.damaged(span, taken, fault));
            }
        }
        Ok(())
    }
}

impl Part {
    fn take(&mut self, file: &Container, len: Option<u64>) -> Result<Span> {
        let span = file.require(self.0)?;
        let part = len.and_then(|len| span.part(self.1, len));
        let part = part.ok_or_else(|| file.damaged(span, 0, Fault::Bounds("section length")))?;
        self.1 += part.len();
        Ok(part)
    }
}

impl StoredRow<'_> {
    /// The f32 components as bytes, and what is added to them.
    pub(super) fn bytes(&self) -> (&[u8], &[u8]) {
        (&self.nearest, self.low.as_deref().unwrap_or_default())
    }

    /// The f32 components nearest to the values.
    pub(crate) fn nearest(&self) -> impl Iterator<Item = f32> {
        let (chunks, _) = self.nearest.as_chunks::<4>();
        chunks.iter().map(|bytes| f32::from_le_bytes(*bytes))
    }

    fn low(&self) -> impl Iterator<Item = i32> {
        let bytes = self.low.as_deref().unwrap_or_default();
        let (chunks, _) = bytes.as_chunks::<4>();
        chunks.iter().map(|bytes| i32::from_le_bytes(*bytes))
    }

    /// The values by class alone, before exceptions.
    fn classed(&self) -> impl Iterator<Item = f64> {
        let mut low = self.low();
        let mut digits = Vec::with_capacity(32);
        self.nearest().map(move |nearest| match self.class {
            RowClass::Exact => f64::from(nearest),
            RowClass::Decimal => {
                digits.clear();
                print_f32_shortest(nearest, NumberLayout::Python, &mut digits);
                parse_f64(&digits).unwrap_or(f64::NAN)
            }
            RowClass::Delta => {
                let delta = i64::from(low.next().unwrap_or_default());
                let bits = f64::from(nearest).to_bits();
                f64::from_bits(bits.wrapping_add_signed(delta))
            }
        })
    }

    /// The true values: what Python reads from the row's text.
    pub(crate) fn values(&self) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.nearest.len() / 4);
        self.values_into(&mut values);
        values
    }

    /// The true values, in place of what `values` holds.
    pub(crate) fn values_into(&self, values: &mut Vec<f64>) {
        values.clear();
        match self.class {
            RowClass::Exact => values.extend(self.nearest().map(f64::from)),
            RowClass::Decimal | RowClass::Delta => values.extend(self.classed()),
        }
        for (column, token) in &self.exceptions {
            if let Some(value) = values.get_mut(*column as usize) {
                *value = parse_f64(token).unwrap_or(f64::NAN);
            }
        }
    }

    /// Prints the row as an array that stands at `depth`; prints nothing and
    /// gives false where indentation could make that longer than `limit`.
    #[must_use = "nothing may be printed"]
    pub(crate) fn print_within(
        &self,
        style: &JsonStyle,
        depth: usize,
        limit: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        // Without it, a row of the largest dimension is far below any limit.
        if let Some(indent) = &style.indent {
            let line = indent.unit.len().saturating_mul(depth.saturating_add(1));
            let rows = self.nearest.len() / 4 + 1;
            if line.saturating_mul(rows) > limit {
                return false;
            }
        }
        self.print(style, depth, out);
        true
    }

    /// Prints the row as an array that stands at `depth`.
    pub(crate) fn print(&self, style: &JsonStyle, depth: usize, out: &mut Vec<u8>) {
        let layout = style.numbers();
        let mut comma = Vec::new();
        style.comma(depth + 1, &mut comma);
        style.open(b'[', depth + 1, out);
        match self.class {
            _ if !self.exceptions.is_empty() => self.print_with_exceptions(layout, &comma, out),
            RowClass::Exact => print_all(self.nearest().map(f64::from), layout, &comma, out),
            RowClass::Decimal => print_all(self.nearest(), layout, &comma, out),
            RowClass::Delta => print_all(self.classed(), layout, &comma, out),
        }
        style.close(b']', depth + 1, out);
    }

    fn print_with_exceptions(&self, layout: NumberLayout, comma: &[u8], out: &mut Vec<u8>) {
        let mut exceptions = self.exceptions.iter().peekable();
        let mut low = self.low();
        for (column, nearest) in self.nearest().enumerate() {
            if column > 0 {
                out.extend_from_slice(comma);
            }
            let delta = low.next();
            if let Some((_, token)) = exceptions.next_if(|(c, _)| *c as usize == column) {
                out.extend_from_slice(token);
                continue;
            }
            match (self.class, delta) {
                (RowClass::Decimal, _) => print_f32_shortest(nearest, layout, out),
                (RowClass::Delta, Some(delta)) => {
                    let bits = f64::from(nearest).to_bits();
                    let value = f64::from_bits(bits.wrapping_add_signed(i64::from(delta)));
                    print_f64(value, layout, out);
                }
                _ => print_f64(f64::from(nearest), layout, out),
            }
        }
    }
}
