//! Writing a plane row by row. In memory: a byte a row; all else that grows
//! goes to spills.

use std::path::Path;

use super::{
    classify::{NotARow, Row, delta},
    format::{HAS_EXCEPTIONS, PlaneMeta, RANK_GROUP, RowClass, deltas_in, is_regular},
};
use crate::{
    bytes::Spill,
    container::{ContainerWriter, SectionKind},
    error::Result,
    json::JsonStyle,
};

/// A plane being written.
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
    /// Begins the `PLAN` section of `out`; rows are written to it as they
    /// come.
    pub(crate) fn begin(out: &mut ContainerWriter, spills: &Path) -> Result<PlaneBuilder> {
        out.begin(SectionKind::PLANE)?;
        Ok(PlaneBuilder {
            meta: PlaneMeta::default(),
            classes: Vec::new(),
            low: Spill::new(spills)?,
            norms: Spill::new(spills)?,
            exceptions: Spill::new(spills)?,
            tokens: Spill::new(spills)?,
            irregular: Vec::new(),
        })
    }

    /// Appends the row whose text is the array `text`. Where the style is
    /// still open about number layouts, a row that does not print settles it.
    pub(crate) fn push(
        &mut self,
        text: &[u8],
        style: &mut JsonStyle,
        out: &mut ContainerWriter,
    ) -> Result<Pushed> {
        let mut row = match Row::parse(text) {
            Ok(row) => row,
            Err(why) => return Ok(Pushed::Refused(why)),
        };
        let dim = row.tokens.len();
        if self.meta.rows > 0 && dim != self.meta.dim as usize {
            return Ok(Pushed::OtherDim);
        }
        if style.numbers.is_none() && row.tells_layout() {
            style.learn_numbers(text);
        }
        let class = row.classify(style.numbers());
        self.meta.dim = u32::try_from(dim).unwrap_or(u32::MAX);

        let mut bytes = Vec::with_capacity(dim * 4);
        bytes.extend(row.nearest.iter().flat_map(|x| x.to_le_bytes()));
        out.write(&bytes)?;
        match class {
            RowClass::Exact => self.meta.exact += 1,
            RowClass::Decimal => self.meta.decimal += 1,
            RowClass::Delta => {
                self.meta.delta += 1;
                bytes.clear();
                // An exception has no delta: its value comes from its token.
                let deltas = row.values.iter().zip(&row.nearest);
                bytes.extend(deltas.flat_map(|(&x, &f)| delta(x, f).unwrap_or(0).to_le_bytes()));
                self.low.write(&bytes)?;
            }
        }
        let norm = row.norm();
        self.norms.write(&norm.to_le_bytes())?;
        if !row.exceptions.is_empty() || !is_regular(norm) {
            self.irregular.push(self.meta.rows);
        }
        let flag = if row.exceptions.is_empty() {
            0
        } else {
            HAS_EXCEPTIONS
        };
        self.classes.push(class.code() | flag);
        for &column in &row.exceptions {
            self.tokens
                .write(row.tokens.get(column).copied().unwrap_or_default())?;
            self.exceptions.write(&self.meta.rows.to_le_bytes())?;
            self.exceptions
                .write(&u32::try_from(column).unwrap_or(u32::MAX).to_le_bytes())?;
            self.exceptions.write(&self.tokens.len().to_le_bytes())?;
        }
        self.meta.exceptions += row.exceptions.len() as u64;
        self.meta.rows += 1;
        Ok(Pushed::Row)
    }

    pub(crate) fn meta(&self) -> &PlaneMeta {
        &self.meta
    }

    /// Writes the sections beside the plane.
    pub(crate) fn finish(mut self, out: &mut ContainerWriter) -> Result<PlaneMeta> {
        if self.meta.delta > 0 {
            out.begin(SectionKind::LOW_PLANE)?;
            self.low.drain(|bytes| out.write(bytes))?;
            out.begin(SectionKind::LOW_RANK)?;
            let mut before = 0_u32;
            for group in self.classes.chunks(RANK_GROUP as usize) {
                out.write(&before.to_le_bytes())?;
                before += deltas_in(group);
            }
        }
        out.whole(SectionKind::CLASSES, &self.classes)?;
        out.begin(SectionKind::NORMS)?;
        self.norms.drain(|bytes| out.write(bytes))?;
        if !self.irregular.is_empty() {
            out.begin(SectionKind::IRREGULAR)?;
            for row in &self.irregular {
                out.write(&row.to_le_bytes())?;
            }
            self.meta.irregular = u32::try_from(self.irregular.len()).unwrap_or(u32::MAX);
        }
        if self.meta.exceptions > 0 {
            out.begin(SectionKind::EXCEPTIONS)?;
            self.exceptions.drain(|bytes| out.write(bytes))?;
            out.begin(SectionKind::TOKENS)?;
            self.tokens.drain(|bytes| out.write(bytes))?;
        }
        Ok(self.meta)
    }
}
