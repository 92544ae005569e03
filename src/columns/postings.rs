//! Which entries have each code of a dictionary.

use super::{bitset::BitSet, bulk::Planes, codes::CodeRun};
use crate::error::Result;

/// The entries of each code, ascending.
#[derive(Debug)]
pub(super) struct Postings {
    /// Where those of each code end.
    ends: Vec<u32>,
    entries: Vec<u32>,
}

impl Postings {
    /// Bytes of memory that so many entries and codes take.
    pub(super) fn memory_of(entries: u32, codes: u64) -> u64 {
        codes.saturating_add(u64::from(entries)).saturating_mul(4)
    }

    /// Of a run whose codes are below `codes`.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) where one is not;
    /// [`Error::Io`](crate::Error::Io).
    pub(super) fn of(run: &CodeRun, codes: usize) -> Result<Postings> {
        let mut counts = vec![0_u32; codes];
        run.each(|_, group| {
            for code in group {
                let count = counts.get_mut(*code as usize);
                *count.ok_or_else(|| run.damaged("code"))? += 1;
            }
            Ok(())
        })?;
        // First where those of a code begin; each entry moves that on, to where they end.
        let mut ends = counts;
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        let mut entries = vec![0; run.codes.count as usize];
        run.each(|first, group| {
            for (entry, code) in (first..).zip(group) {
                let Some(end) = ends.get_mut(*code as usize) else {
                    continue;
                };
                if let Some(place) = entries.get_mut(*end as usize) {
                    *place = entry;
                }
                *end += 1;
            }
            Ok(())
        })?;
        Ok(Postings { ends, entries })
    }

    fn get(&self, code: usize) -> &[u32] {
        let before = code.checked_sub(1).and_then(|code| self.ends.get(code));
        let start = before.copied().unwrap_or_default() as usize;
        let end = self.ends.get(code).copied().unwrap_or_default() as usize;
        self.entries.get(start..end).unwrap_or_default()
    }

    /// As [`CodeRun::marks`]; `None` where so many entries have a mark other than 0 that
    /// this would be no faster.
    pub(super) fn marks(&self, marks: &[u8]) -> Option<Planes> {
        let marked = marks.iter().enumerate().filter(|(_, mark)| **mark != 0);
        let marked: Vec<_> = marked.map(|(code, mark)| (*mark, self.get(code))).collect();
        let count: usize = marked.iter().map(|(_, entries)| entries.len()).sum();
        if count > self.entries.len() / 4 {
            return None;
        }
        let bound = u32::try_from(self.entries.len()).ok()?;
        let (mut low, mut high) = (BitSet::empty(bound), BitSet::empty(bound));
        for (mark, entries) in marked {
            for (bit, plane) in [(1, &mut low), (2, &mut high)] {
                if mark & bit != 0 {
                    entries.iter().for_each(|&entry| plane.insert(entry));
                }
            }
        }
        Some(Planes { low, high })
    }
}
