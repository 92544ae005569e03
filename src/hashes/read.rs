//! Reading hashes.

use std::sync::Arc;

use super::{LEN, format::HashesMeta};
use crate::{
    container::{Container, SectionKind, Span},
    error::{Fault, Result},
    orders::RankedBits,
};

/// The hashes of an open file.
#[derive(Debug, Clone)]
pub(crate) struct HashColumn {
    file: Arc<Container>,
    meta: HashesMeta,
    /// Number of rows of the segment.
    pool: u32,
    /// Absent where there is no hash at all.
    hashes: Option<Span>,
    /// Which rows have one; absent where all have, or none.
    rows: Option<RankedBits>,
}

impl HashColumn {
    /// Of a segment with `pool` rows.
    pub(crate) fn open(file: &Arc<Container>, meta: HashesMeta, pool: u32) -> Result<HashColumn> {
        if meta.rows > pool {
            let span = file.require(SectionKind::META)?;
            return Err(file.damaged(span, 0, Fault::Bounds("number of rows with a hash")));
        }
        let count = u64::from(meta.rows) + u64::from(meta.others);
        let hashes = match count {
            0 => None,
            _ => {
                let len = count * LEN as u64;
                Some(file.require_len(SectionKind::HASHES, Some(len))?)
            }
        };
        let rows = if count > 0 && meta.rows < pool {
            let len = RankedBits::byte_len(pool);
            let span = file.require_len(SectionKind::HASH_ROWS, Some(len))?;
            Some(RankedBits::new(span, 0, pool, meta.rows))
        } else {
            None
        };
        for (kind, needed) in [
            (SectionKind::HASHES, hashes.is_some()),
            (SectionKind::HASH_ROWS, rows.is_some()),
        ] {
            if let Some(span) = file.section(kind).filter(|_| !needed) {
                return Err(file.damaged(span, 0, Fault::Layout));
            }
        }
        Ok(HashColumn {
            file: Arc::clone(file),
            meta,
            pool,
            hashes,
            rows,
        })
    }

    /// The hash of a row, if it has one.
    pub(crate) fn of_row(&self, row: u32) -> Result<Option<[u8; LEN]>> {
        let Some(span) = self.hashes else {
            return Ok(None);
        };
        if row >= self.pool {
            return Err(self.file.damaged(span, 0, Fault::Bounds("row number")));
        }
        let place = match &self.rows {
            Some(rows) => rows.rank(&self.file, row)?,
            None => Some(row),
        };
        match place {
            Some(place) => self.get(span, u64::from(place)).map(Some),
            None => Ok(None),
        }
    }

    /// The other hash of number `n`.
    pub(crate) fn other(&self, n: u32) -> Result<[u8; LEN]> {
        let span = match self.hashes {
            Some(span) if n < self.meta.others => span,
            _ => {
                let span = self.file.require(SectionKind::META)?;
                return Err(self
                    .file
                    .damaged(span, 0, Fault::Bounds("number of a hash")));
            }
        };
        self.get(span, u64::from(self.meta.rows) + u64::from(n))
    }

    /// Counts the rows that have a hash, and compares.
    pub(crate) fn check_structure(&self) -> Result<()> {
        match &self.rows {
            Some(rows) => rows.check(&self.file),
            None => Ok(()),
        }
    }

    fn get(&self, span: Span, place: u64) -> Result<[u8; LEN]> {
        let start = place * LEN as u64;
        let bytes = self.file.read(span, start..start + LEN as u64)?;
        Ok(bytes.first_chunk().copied().unwrap_or([0; LEN]))
    }
}
