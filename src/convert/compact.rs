//! `compact`: merges the segments of each store into one.

use std::path::Path;

use serde::Serialize;

use super::{Progress, gc::refuse_without_twin, store_text::StoreText};
use crate::{
    container::OpenOptions,
    error::Result,
    persist_dir::{KEEP, Snapshot, Store, Writer, collect},
    segment::Compression,
};

/// How `compact` is to be done.
#[derive(Debug, Clone, Default)]
pub struct CompactOptions {
    /// How documents, index structs and graphs are compressed.
    pub compression: Compression,
    /// How segments are opened.
    pub open: OpenOptions,
}

/// What `compact` did.
#[derive(Debug, Clone, Serialize)]
pub struct CompactReport {
    /// The newest generation.
    pub generation: u64,
    /// Whether it was made by this call: not where there was nothing to merge.
    pub committed: bool,
    /// Every store of the twin.
    pub stores: Vec<CompactedStore>,
    /// What went wrong after the commit, without harm to it.
    pub warnings: Vec<String>,
}

/// What `compact` did with one store.
#[derive(Debug, Clone, Serialize)]
pub struct CompactedStore {
    /// The JSON file's name.
    pub file: String,
    /// How many binary files it had.
    pub files: usize,
    /// Their length together.
    pub bytes_before: u64,
    /// The length of those it has now.
    pub bytes_after: u64,
}

/// Merges all segments of each store of the twin in `dir` into one, without its
/// deleted entries. What the stores hold stays the same, and is compared: the text
/// of each store before and after.
///
/// # Errors
/// [`Error::NoTwin`](crate::Error::NoTwin);
/// [`Error::Locked`](crate::Error::Locked);
/// [`Error::DamagedManifest`](crate::Error::DamagedManifest);
/// [`Error::Damaged`](crate::Error::Damaged); [`Error::Io`](crate::Error::Io);
/// [`Error::Stopped`](crate::Error::Stopped) between two stores. Nothing was changed then.
pub fn compact(
    dir: &Path,
    options: &CompactOptions,
    progress: &dyn Progress,
) -> Result<CompactReport> {
    refuse_without_twin(dir)?;
    let mut writer = Writer::open(dir)?;
    // Under the lock: nothing newer can come.
    let snapshot = Snapshot::open(dir, None, &options.open)?;
    let mut stores = Vec::new();
    let mut report = CompactReport {
        generation: writer.highest(),
        committed: false,
        stores: Vec::new(),
        warnings: Vec::new(),
    };
    for store in snapshot.stores() {
        let old = store.record();
        let mut new = old.clone();
        if old.segments.len() > 1 {
            progress.begin(&old.file, length(old));
            progress.at(0)?;
            let text = StoreText::open(&store)?;
            if let Some(merged) = text.compact(&writer, 0, options.compression)? {
                new.segments = merged.after(&old.segments);
                report.committed = true;
            }
            progress.end();
        }
        report.stores.push(CompactedStore {
            file: old.file.clone(),
            files: old.all_segments().count(),
            bytes_before: length(old),
            bytes_after: length(&new),
        });
        stores.push(new);
    }
    if report.committed {
        report.generation = writer.publish(writer.highest(), stores)?.generation;
    }
    if let Err(e) = collect(writer.lock(), KEEP) {
        report.warnings.push(e.to_string());
    }
    report.stores.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(report)
}

fn length(store: &Store) -> u64 {
    store.all_segments().map(|segment| segment.length).sum()
}
