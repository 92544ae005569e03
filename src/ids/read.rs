//! Reading ids and looking them up.

use std::{ops::Range, sync::Arc};

use super::{
    format::{IdForm, IdsMeta, Lookup, MAX_PROBE, Probe, kinds_len, row_bits},
    uuid,
};
use crate::{
    container::{Container, SectionKind, Span},
    error::{Fault, Result},
};

/// The id column of an open file.
#[derive(Debug, Clone)]
pub(crate) struct IdColumn {
    pub(super) file: Arc<Container>,
    pub(super) meta: IdsMeta,
    pub(super) ids: Span,
    pub(super) form: Form,
    pub(super) lookup: Span,
}

/// What belongs to the ids besides their section.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Uuid,
    /// With the width of an end.
    Text {
        ends: Span,
        width: u64,
    },
    Mixed {
        kinds: Span,
        texts: Span,
    },
}

impl IdColumn {
    pub(crate) fn open(file: &Arc<Container>, meta: &IdsMeta) -> Result<IdColumn> {
        let rows = u64::from(meta.rows);
        let uuids = || file.require_len(SectionKind::IDS, Some(rows * 16));
        let text = |width| {
            let ends = file.require_len(SectionKind::ID_ENDS, Some(rows * width))?;
            Ok((file.require(SectionKind::IDS)?, Form::Text { ends, width }))
        };
        let (ids, form) = match meta.form {
            IdForm::Uuid => (uuids()?, Form::Uuid),
            IdForm::Text => text(4)?,
            IdForm::LongText => text(8)?,
            IdForm::Mixed => {
                let len = Some(kinds_len(meta.rows));
                let kinds = file.require_len(SectionKind::ID_KINDS, len)?;
                let texts = file.require(SectionKind::ID_TEXTS)?;
                (uuids()?, Form::Mixed { kinds, texts })
            }
        };
        let other_lookup = match meta.lookup {
            Lookup::Slots { .. } => SectionKind::ID_SORTED,
            Lookup::Sorted => SectionKind::ID_SLOTS,
        };
        let others: &[SectionKind] = match form {
            Form::Uuid => &[
                SectionKind::ID_ENDS,
                SectionKind::ID_KINDS,
                SectionKind::ID_TEXTS,
            ],
            Form::Text { .. } => &[SectionKind::ID_KINDS, SectionKind::ID_TEXTS],
            Form::Mixed { .. } => &[SectionKind::ID_ENDS],
        };
        let mut others = others.iter().chain([&other_lookup]);
        if let Some(span) = others.find_map(|&kind| file.section(kind)) {
            return Err(file.damaged(span, 0, Fault::Layout));
        }
        let lookup = match meta.lookup {
            Lookup::Slots {
                slots, max_probe, ..
            } => {
                let span = file.require_len(SectionKind::ID_SLOTS, slots.checked_mul(4))?;
                if slots <= rows || max_probe >= MAX_PROBE {
                    return Err(file.damaged(span, 0, Fault::Value("number of slots")));
                }
                span
            }
            Lookup::Sorted => file.require_len(SectionKind::ID_SORTED, Some(rows * 4))?,
        };
        Ok(IdColumn {
            file: Arc::clone(file),
            meta: meta.clone(),
            ids,
            form,
            lookup,
        })
    }

    #[cfg(test)]
    pub(super) fn form(&self) -> IdForm {
        self.meta.form
    }

    /// The id of `row`, appended to `out`.
    pub(crate) fn get(&self, row: u32, out: &mut Vec<u8>) -> Result<()> {
        let row = u64::from(row);
        if row >= u64::from(self.meta.rows) {
            return Err(self.file.damaged(self.ids, 0, Fault::Bounds("row number")));
        }
        match self.form {
            Form::Uuid => self.get_uuid(row, out),
            Form::Text { ends, width } => self.get_text(row, ends, width, out),
            Form::Mixed { kinds, texts } => {
                if self.is_text(row, kinds)? {
                    self.get_among(row, texts, out)
                } else {
                    self.get_uuid(row, out)
                }
            }
        }
    }

    fn get_uuid(&self, row: u64, out: &mut Vec<u8>) -> Result<()> {
        let bytes = self.file.read(self.ids, row * 16..row * 16 + 16)?;
        let bytes: &[u8; 16] = bytes.first_chunk().unwrap_or(&[0; 16]);
        out.extend_from_slice(&uuid::print(bytes));
        Ok(())
    }

    /// Where the text of a row ends.
    pub(super) fn end(&self, row: u64, ends: Span, width: u64) -> Result<u64> {
        let bytes = self.file.read(ends, row * width..row * width + width)?;
        Ok(match bytes.first_chunk::<8>() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => u64::from(u32::from_le_bytes(
                bytes.first_chunk().copied().unwrap_or_default(),
            )),
        })
    }

    fn get_text(&self, row: u64, ends: Span, width: u64, out: &mut Vec<u8>) -> Result<()> {
        let start = match row.checked_sub(1) {
            Some(before) => self.end(before, ends, width)?,
            None => 0,
        };
        let end = self.end(row, ends, width)?;
        if start > end || end > self.ids.len() {
            let fault = Fault::Bounds("id end");
            return Err(self.file.damaged(ends, row * width, fault));
        }
        out.extend_from_slice(&self.file.read(self.ids, start..end)?);
        Ok(())
    }

    /// Whether that bit of `ID_KINDS` is set.
    pub(super) fn is_text(&self, row: u64, kinds: Span) -> Result<bool> {
        let byte = self.file.read(kinds, row / 8..row / 8 + 1)?;
        Ok(byte.first().copied().unwrap_or_default() >> (row % 8) & 1 != 0)
    }

    /// An id that is text among UUIDs.
    fn get_among(&self, row: u64, texts: Span, out: &mut Vec<u8>) -> Result<()> {
        let range = self.range_among(row, texts)?;
        out.extend_from_slice(&self.file.read(texts, range)?);
        Ok(())
    }

    /// Where in `ID_TEXTS` the id of a row is.
    pub(super) fn range_among(&self, row: u64, texts: Span) -> Result<Range<u64>> {
        let bytes = self.file.read(self.ids, row * 16..row * 16 + 16)?;
        let (words, _) = bytes.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let start = words.next().unwrap_or_default();
        let end = start.checked_add(words.next().unwrap_or_default());
        let Some(end) = end.filter(|&end| end <= texts.len()) else {
            let fault = Fault::Bounds("id text");
            return Err(self.file.damaged(self.ids, row * 16, fault));
        };
        Ok(start..end)
    }

    /// The row of `id`, if it has one.
    pub(crate) fn find(&self, id: &[u8]) -> Result<Option<u32>> {
        match self.meta.lookup {
            Lookup::Slots {
                seed,
                slots,
                max_probe,
            } => self.find_slot(id, seed, slots, max_probe),
            Lookup::Sorted => self.find_sorted(id),
        }
    }

    fn find_slot(&self, id: &[u8], seed: u64, slots: u64, max_probe: u32) -> Result<Option<u32>> {
        let rows = self.meta.rows;
        let probe = Probe::new(id, seed, slots, rows);
        let row_mask = 1_u64.wrapping_shl(row_bits(rows)).wrapping_sub(1) as u32;
        let mut candidate = Vec::new();
        for n in 0..=u64::from(max_probe) {
            let slot = (probe.slot + n) % slots;
            let entry = self.u32_at(self.lookup, slot)?;
            if entry == 0 {
                return Ok(None);
            }
            if entry & !row_mask != probe.fingerprint {
                continue;
            }
            let Some(row) = (entry & row_mask).checked_sub(1).filter(|&row| row < rows) else {
                let fault = Fault::Bounds("row number");
                return Err(self.file.damaged(self.lookup, slot * 4, fault));
            };
            candidate.clear();
            self.get(row, &mut candidate)?;
            if candidate == id {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn find_sorted(&self, id: &[u8]) -> Result<Option<u32>> {
        let (mut low, mut high) = (0, self.meta.rows);
        let mut candidate = Vec::new();
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.u32_at(self.lookup, u64::from(middle))?;
            candidate.clear();
            self.get(row, &mut candidate)?;
            match candidate.as_slice().cmp(id) {
                std::cmp::Ordering::Equal => return Ok(Some(row)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn u32_at(&self, span: Span, index: u64) -> Result<u32> {
        let bytes = self.file.read(span, index * 4..index * 4 + 4)?;
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        Ok(u32::from_le_bytes(bytes))
    }
}
