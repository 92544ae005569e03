//! `pack --drop-json`: removes JSON files that the published twin prints.

use std::fs;

use super::{Progress, proof::prove, store_text::StoreText};
use crate::{
    container::OpenOptions,
    error::{Error, Result},
    persist_dir::{Snapshot, Stat, StoreKind, SyncFile, Writer, durable},
};

/// Removes the JSON files of LlamaIndex's stores, after each was compared
/// with what the published generation prints. Returns their names.
///
/// # Errors
/// [`Error::NotIdentical`]; [`Error::SourceBusy`] when a file changes
/// meanwhile; those of reading the twin; [`Error::Io`]. Nothing is removed
/// before all were compared.
pub(crate) fn drop_json(
    writer: &Writer,
    sync: &mut SyncFile,
    progress: &dyn Progress,
) -> Result<Vec<String>> {
    let dir = writer.persist_dir();
    let snapshot = Snapshot::open(dir, None, &OpenOptions::default())?;
    let mut proved = Vec::new();
    for store in snapshot.stores() {
        let record = store.record();
        let path = dir.join(&record.file);
        if record.kind == StoreKind::Other {
            continue;
        }
        // A directory of that name is nobody's JSON; any other trouble must
        // not pass for a file that is gone.
        if fs::metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            continue;
        }
        let Some(before) = Stat::of(&path)? else {
            continue;
        };
        progress.begin(&record.file, before.length);
        let text = StoreText::open(&store)?;
        let proof = prove(&text, &path, &|at| progress.at(at));
        progress.end();
        proof?;
        sync.record_dropped(&record.file);
        proved.push((record.file.clone(), before));
    }
    sync.save(writer.lock())?;
    for (file, before) in &proved {
        let path = dir.join(file);
        // Proving the others took its time.
        if !Stat::of(&path)?.is_some_and(|now| now.same(before)) {
            return Err(Error::SourceBusy { path, tries: 1 });
        }
        durable::remove(&path)?;
    }
    Ok(proved.into_iter().map(|(file, _)| file).collect())
}
