//! Writing tombstones. In memory: all of them, as they are stored.

use std::{collections::BTreeMap, path::Path};

use super::format::{DeadMap, Target, TombstonesMeta};
use crate::{
    container::{ContainerWriter, FileKind, SectionKind, Written},
    error::Result,
};

/// Maps of one segment by number, with their parts.
type Maps = BTreeMap<u32, (DeadMap, Vec<u8>)>;

/// Tombstones being written.
pub(crate) struct TombstoneWriter {
    out: ContainerWriter,
    /// By root.
    targets: BTreeMap<[u8; 16], Maps>,
}

impl TombstoneWriter {
    /// Creates the file at `path`.
    pub(crate) fn create(path: &Path) -> Result<TombstoneWriter> {
        Ok(TombstoneWriter {
            out: ContainerWriter::create(path, FileKind::Tombstones)?,
            targets: BTreeMap::new(),
        })
    }

    /// Says which of the `entries` entries of map `map` of the segment with
    /// the root `segment_root` are deleted. `dead` ascends; where it is empty,
    /// nothing is said. A map that is given again is replaced.
    pub(crate) fn add(&mut self, segment_root: [u8; 16], map: u32, entries: u32, dead: &[u32]) {
        debug_assert!(dead.is_sorted_by(|a, b| a < b));
        debug_assert!(dead.last().is_none_or(|&last| last < entries));
        if dead.is_empty() {
            return;
        }
        let mut meta = DeadMap {
            map,
            entries,
            dead: u32::try_from(dead.len()).unwrap_or(u32::MAX),
            bits: false,
        };
        let list = meta.byte_len();
        meta.bits = true;
        meta.bits = meta.byte_len() < list;
        let mut part: Vec<u8> = if meta.bits {
            let mut bits = vec![0; usize::try_from(meta.used()).unwrap_or(usize::MAX)];
            for entry in dead {
                if let Some(byte) = bits.get_mut((entry / 8) as usize) {
                    *byte |= 1 << (entry % 8);
                }
            }
            bits
        } else {
            dead.iter().flat_map(|entry| entry.to_le_bytes()).collect()
        };
        part.resize(part.len().next_multiple_of(8), 0);
        let maps = self.targets.entry(segment_root).or_default();
        maps.insert(map, (meta, part));
    }

    /// Writes everything, and syncs the file.
    pub(crate) fn finish(mut self) -> Result<Written> {
        let mut meta = TombstonesMeta::default();
        self.out.begin(SectionKind::DEAD)?;
        for (segment, maps) in self.targets {
            let mut target = Target {
                segment,
                maps: Vec::with_capacity(maps.len()),
            };
            for (map, part) in maps.into_values() {
                self.out.write(&part)?;
                target.maps.push(map);
            }
            meta.targets.push(target);
        }
        self.out.metadata(&meta)?;
        self.out.finish()
    }
}
