//! Collecting ids while packing, and writing the column.
//!
//! In memory: 16 bytes of hash and about 8 of table a row. The texts go to a
//! spill. Ids are told apart by their XXH3-128 alone: should two ids ever
//! share it, the export differs from the source, pack's comparison finds
//! that, and the store is kept in file form.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    format::{IdForm, IdsMeta, Lookup, MAX_PROBE, Probe, SEEDS, kinds_len, row_bits, slot_count},
    uuid,
};
use crate::{
    bytes::Spill,
    container::{ContainerWriter, SectionKind},
    error::{Error, Result},
};

/// Ids in the order in which they were first seen.
pub(crate) struct IdBuilder {
    hashes: Vec<u128>,
    rows: HashTable<u32>,
    // Keyed, so that nobody can craft ids that collide in the table.
    keyed: RandomState,
    texts: Spill,
    /// How many ids are UUIDs, and the length of the others' text.
    uuids: u32,
    other_bytes: u64,
}

impl IdBuilder {
    pub(crate) fn new(texts: Spill) -> IdBuilder {
        IdBuilder {
            hashes: Vec::new(),
            rows: HashTable::new(),
            keyed: RandomState::new(),
            texts,
            uuids: 0,
            other_bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> u32 {
        // Kept below 2^32 by `intern`.
        u32::try_from(self.hashes.len()).unwrap_or(u32::MAX)
    }

    /// The row of `id`, and whether it is new. `expected` is where it would
    /// stand if this map had the order of the one before; that saves the
    /// search.
    pub(crate) fn intern(&mut self, id: &[u8], expected: u32) -> Result<(u32, bool)> {
        let hash = xxh3_128(id);
        if self.hashes.get(expected as usize) == Some(&hash) {
            return Ok((expected, false));
        }
        if let Some(row) = self.find_hash(hash) {
            return Ok((row, false));
        }
        let row = self.len();
        // One value is kept free for "no row".
        if row == u32::MAX - 1 {
            return Err(Error::Limit {
                what: "rows of a vector segment",
                got: u64::from(row) + 1,
                limit: u64::from(row),
            });
        }
        self.hashes.push(hash);
        let rehash = |&row: &u32| {
            let hash = self.hashes.get(row as usize).copied().unwrap_or_default();
            self.keyed.hash_one(hash)
        };
        self.rows
            .insert_unique(self.keyed.hash_one(hash), row, rehash);
        self.texts
            .write(&u32::try_from(id.len()).unwrap_or(u32::MAX).to_le_bytes())?;
        self.texts.write(id)?;
        match uuid::parse(id) {
            Some(_) => self.uuids += 1,
            None => self.other_bytes += id.len() as u64,
        }
        Ok((row, true))
    }

    /// The row of `id`, if it was interned.
    pub(crate) fn find(&self, id: &[u8]) -> Option<u32> {
        self.find_hash(xxh3_128(id))
    }

    fn find_hash(&self, hash: u128) -> Option<u32> {
        let same = |&row: &u32| self.hashes.get(row as usize) == Some(&hash);
        let row = self.rows.find(self.keyed.hash_one(hash), same);
        row.copied()
    }

    /// The form that needs the least room.
    fn form(&self) -> IdForm {
        let rows = u64::from(self.len());
        if u64::from(self.uuids) == rows {
            return IdForm::Uuid;
        }
        let bytes = self.other_bytes + u64::from(self.uuids) * uuid::TEXT_LEN as u64;
        let (text, width) = match bytes {
            0..=0xffff_ffff => (IdForm::Text, 4),
            _ => (IdForm::LongText, 8),
        };
        let mixed = self.other_bytes + rows * 16 + kinds_len(self.len());
        if mixed < bytes + rows * width {
            IdForm::Mixed
        } else {
            text
        }
    }

    /// Writes the column's sections.
    pub(crate) fn finish(self, out: &mut ContainerWriter) -> Result<IdsMeta> {
        let (mut texts, rows, form) = self.write_ids(out)?;
        let slots = slot_count(rows);
        for seed in 0..SEEDS {
            if let Some((table, max_probe)) = build_slots(&mut texts, rows, seed, slots)? {
                out.begin(SectionKind::ID_SLOTS)?;
                for slot in table {
                    out.write(&slot.to_le_bytes())?;
                }
                let lookup = Lookup::Slots {
                    seed,
                    slots,
                    max_probe,
                };
                return Ok(IdsMeta { rows, form, lookup });
            }
        }
        write_sorted(&mut texts, rows, out)?;
        let lookup = Lookup::Sorted;
        Ok(IdsMeta { rows, form, lookup })
    }

    /// Writes the ids themselves; what only interning needs is freed first.
    fn write_ids(self, out: &mut ContainerWriter) -> Result<(Spill, u32, IdForm)> {
        let (rows, form) = (self.len(), self.form());
        let IdBuilder {
            hashes,
            rows: table,
            mut texts,
            ..
        } = self;
        drop((hashes, table));
        out.begin(SectionKind::IDS)?;
        match form {
            IdForm::Uuid => each_id(&mut texts, rows, |_, id| {
                out.write(&uuid::parse(id).unwrap_or_default())
            })?,
            IdForm::Text | IdForm::LongText => {
                each_id(&mut texts, rows, |_, id| out.write(id))?;
                let width = if form == IdForm::Text { 4 } else { 8 };
                out.begin(SectionKind::ID_ENDS)?;
                let mut end = 0_u64;
                each_id(&mut texts, rows, |_, id| {
                    end += id.len() as u64;
                    out.write(end.to_le_bytes().get(..width).unwrap_or_default())
                })?;
            }
            IdForm::Mixed => write_mixed(&mut texts, rows, out)?,
        }
        Ok((texts, rows, form))
    }
}

/// Writes UUIDs and texts, and which ids are the latter, to the section of
/// ids, which was begun, and two more.
fn write_mixed(texts: &mut Spill, rows: u32, out: &mut ContainerWriter) -> Result<()> {
    let mut kinds = vec![0_u8; usize::try_from(kinds_len(rows)).unwrap_or(usize::MAX)];
    let mut start = 0_u64;
    each_id(texts, rows, |row, id| {
        if let Some(uuid) = uuid::parse(id) {
            return out.write(&uuid);
        }
        if let Some(byte) = kinds.get_mut((row / 8) as usize) {
            *byte |= 1 << (row % 8);
        }
        let len = id.len() as u64;
        out.write(&start.to_le_bytes())?;
        start += len;
        out.write(&len.to_le_bytes())
    })?;
    out.whole(SectionKind::ID_KINDS, &kinds)?;
    out.begin(SectionKind::ID_TEXTS)?;
    each_id(texts, rows, |_, id| match uuid::parse(id) {
        Some(_) => Ok(()),
        None => out.write(id),
    })
}

/// Ends a column with sorted rows, as if hashing had failed.
#[cfg(test)]
pub(super) fn finish_sorted(builder: IdBuilder, out: &mut ContainerWriter) -> Result<IdsMeta> {
    let (mut texts, rows, form) = builder.write_ids(out)?;
    write_sorted(&mut texts, rows, out)?;
    let lookup = Lookup::Sorted;
    Ok(IdsMeta { rows, form, lookup })
}

/// Fills the slots; `None` when an id would stand too far from its hash.
fn build_slots(
    texts: &mut Spill,
    rows: u32,
    seed: u64,
    slots: u64,
) -> Result<Option<(Vec<u32>, u32)>> {
    let mut table = vec![0_u32; usize::try_from(slots).unwrap_or(usize::MAX)];
    let mut farthest = Some(0);
    each_id(texts, rows, |row, id| {
        let Some(so_far) = farthest else {
            return Ok(());
        };
        let probe = Probe::new(id, seed, slots, rows);
        let free = (0..MAX_PROBE).find(|&n| {
            let slot = (probe.slot + u64::from(n)) % slots;
            table.get(slot as usize) == Some(&0)
        });
        farthest = free.map(|n| n.max(so_far));
        let slot = free.map(|n| (probe.slot + u64::from(n)) % slots);
        if let Some(entry) = slot.and_then(|slot| table.get_mut(slot as usize)) {
            *entry = probe.fingerprint | (row + 1);
        }
        Ok(())
    })?;
    debug_assert!(row_bits(rows) <= 32);
    Ok(farthest.map(|farthest| (table, farthest)))
}

/// Rows sorted by id: the fallback, which holds all ids in memory.
fn write_sorted(texts: &mut Spill, rows: u32, out: &mut ContainerWriter) -> Result<()> {
    let mut sorted: Vec<(Vec<u8>, u32)> = Vec::new();
    each_id(texts, rows, |row, id| {
        sorted.push((id.to_vec(), row));
        Ok(())
    })?;
    sorted.sort();
    out.begin(SectionKind::ID_SORTED)?;
    for (_, row) in sorted {
        out.write(&row.to_le_bytes())?;
    }
    Ok(())
}

fn each_id(
    texts: &mut Spill,
    rows: u32,
    mut sink: impl FnMut(u32, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut reader = texts.reader()?;
    let mut id = Vec::new();
    for row in 0..rows {
        let mut len = [0; 4];
        reader.read_exact(&mut len)?;
        id.resize(u32::from_le_bytes(len) as usize, 0);
        reader.read_exact(&mut id)?;
        sink(row, &id)?;
    }
    Ok(())
}
