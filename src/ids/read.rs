//! Reading ids and looking them up.

use std::sync::Arc;

use super::{
    format::{IdForm, IdsMeta, Lookup, MAX_PROBE, Probe, row_bits},
    uuid,
};
use crate::{
    container::{Container, SectionKind, Span},
    error::{Fault, Result},
};

/// The id column of an open file.
#[derive(Debug, Clone)]
pub(crate) struct IdColumn {
    file: Arc<Container>,
    meta: IdsMeta,
    ids: Span,
    /// With the width of an end; absent for UUIDs.
    ends: Option<(Span, u64)>,
    lookup: Span,
}

impl IdColumn {
    pub(crate) fn open(file: &Arc<Container>, meta: &IdsMeta) -> Result<IdColumn> {
        let rows = u64::from(meta.rows);
        let (ids, ends) = match meta.form {
            IdForm::Uuid => (file.require_len(SectionKind::IDS, Some(rows * 16))?, None),
            IdForm::Text => (file.require(SectionKind::IDS)?, Some(4)),
            IdForm::LongText => (file.require(SectionKind::IDS)?, Some(8)),
        };
        let ends = match ends {
            Some(width) => {
                let ends = file.require_len(SectionKind::ID_ENDS, Some(rows * width))?;
                Some((ends, width))
            }
            None => None,
        };
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
            ends,
            lookup,
        })
    }

    /// The id of `row`, appended to `out`.
    pub(crate) fn get(&self, row: u32, out: &mut Vec<u8>) -> Result<()> {
        let row = u64::from(row);
        if row >= u64::from(self.meta.rows) {
            return Err(self.file.damaged(self.ids, 0, Fault::Bounds("row number")));
        }
        let Some((ends, width)) = self.ends else {
            let bytes = self.file.read(self.ids, row * 16..row * 16 + 16)?;
            let bytes: &[u8; 16] = bytes.first_chunk().unwrap_or(&[0; 16]);
            out.extend_from_slice(&uuid::print(bytes));
            return Ok(());
        };
        let end = |row: u64| -> Result<u64> {
            let bytes = self.file.read(ends, row * width..row * width + width)?;
            Ok(match bytes.first_chunk::<8>() {
                Some(bytes) => u64::from_le_bytes(*bytes),
                None => u64::from(u32::from_le_bytes(
                    bytes.first_chunk().copied().unwrap_or_default(),
                )),
            })
        };
        let start = if row == 0 { 0 } else { end(row - 1)? };
        let end = end(row)?;
        if start > end || end > self.ids.len() {
            return Err(self
                .file
                .damaged(ends, row * width, Fault::Bounds("id end")));
        }
        out.extend_from_slice(&self.file.read(self.ids, start..end)?);
        Ok(())
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
