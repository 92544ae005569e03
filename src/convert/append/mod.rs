//! From the changes of a store to segments: what changed is appended as one
//! more segment, and from time to time several become one.
//!
//! Appending costs what changed, whatever the size of the store: entries that
//! are new or have a new value make a segment, and the tombstones are written
//! anew with those that were deleted or replaced. Compaction is the same
//! writer over more segments. What it writes is printed again and compared
//! with what the store prints, before anything is published.
//!
//! When to do which, and to publish it, is not for this folder.

mod both;
mod feed;
mod proof;
mod records;
mod rows;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use records::{append_records, compact_records};
pub(crate) use rows::{append_rows, compact_rows};

use crate::persist_dir::{SegmentKind, SegmentRef};

/// What was written for a store. With it, the store has its segments before but
/// for those that are dropped, then the new one, then the tombstones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Appended {
    /// The new segment; `None` where nothing was added.
    pub(crate) segment: Option<SegmentRef>,
    /// All that is deleted from the segments that stay. The file that was there
    /// before, where nothing was deleted since.
    pub(crate) tombstones: Option<SegmentRef>,
    /// The numbers of the segments that are not needed any more, ascending:
    /// every live entry of theirs is in the new one.
    pub(crate) dropped: Vec<usize>,
}

impl Appended {
    /// Bytes of what was written.
    fn length(&self) -> u64 {
        let written = self.segment.iter().chain(&self.tombstones);
        written.map(|segment| segment.length).sum()
    }

    /// The segments of a store that had `before`.
    pub(crate) fn after(&self, before: &[SegmentRef]) -> Vec<SegmentRef> {
        let is_content = |segment: &&SegmentRef| segment.name.kind() != SegmentKind::Tombstones;
        let before = before.iter().filter(is_content).enumerate();
        let kept = before.filter(|(n, _)| !self.dropped.contains(n));
        let kept = kept.map(|(_, segment)| *segment);
        kept.chain(self.segment).chain(self.tombstones).collect()
    }
}
