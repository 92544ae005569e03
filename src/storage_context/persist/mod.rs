//! Persisting: the changes of a context become the next generation of a twin.
//!
//! * [`persist`](StorageContext::persist) into the directory that the context is of
//!   is a commit of what changed (`commit.rs`); into any other it makes a complete
//!   twin there (`replace.rs`).
//! * `json_twin.rs`: what becomes of the JSON files. A file that holds an older state
//!   never stays under the name that LlamaIndex opens.
//! * `own_json.rs`: a store that wrote its JSON by itself does not stand in its own way.
//! * `rebase.rs`: changes that were made on one generation are made on a newer one.

mod commit;
mod json_twin;
mod own_json;
mod rebase;
mod replace;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::StorageContext;
use crate::{
    error::{Error, Result},
    persist_dir::{Writer, compaction, manifest},
    segment::Compression,
};

/// How long [`persist`](StorageContext::persist) waits for another writer.
const WAIT: Duration = Duration::from_secs(30);
/// How often it looks whether that one has finished.
const LOOK: Duration = Duration::from_millis(10);

/// What becomes of the JSON files of stores that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JsonTwin {
    /// They are written anew where they are short together (64 MiB), else renamed
    /// to `NAME.stale`.
    #[default]
    Auto,
    /// They are written anew, however long that takes.
    Always,
    /// They are renamed to `NAME.stale`. `twinstore unpack` writes them.
    Never,
}

/// How to persist, beyond the usual.
#[derive(Debug, Clone)]
pub struct PersistOptions {
    /// What becomes of the JSON files.
    pub json: JsonTwin,
    /// Where somebody else committed since this context was opened, make the changes
    /// on the newest generation, unless both changed the same key.
    pub rebase: bool,
    /// Let a context without any content replace a directory that has some.
    pub allow_empty: bool,
    /// JSON files whose stores are kept elsewhere, by another engine: a context that is
    /// written whole leaves them as they are.
    pub elsewhere: Vec<String>,
    /// How long to wait for another writer.
    pub wait: Duration,
    /// How documents, index structs and graphs are compressed.
    pub compression: Compression,
    /// Stores whose binary files are shorter than this together are written whole
    /// each time, which keeps them in one file.
    pub rewrite_below: u64,
}

impl Default for PersistOptions {
    fn default() -> Self {
        PersistOptions {
            json: JsonTwin::Auto,
            rebase: false,
            allow_empty: false,
            elsewhere: Vec::new(),
            wait: WAIT,
            compression: Compression::default(),
            rewrite_below: compaction::SMALL,
        }
    }
}

/// What persisting did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PersistReport {
    /// The generation that holds the result.
    pub generation: u64,
    /// Whether that generation was made by this call.
    pub committed: bool,
    /// The stores that were written, and those whose JSON was.
    pub stores: Vec<PersistedStore>,
    /// What went wrong after the commit, without harm to it.
    pub warnings: Vec<String>,
}

/// What persisting did with one store.
#[derive(Debug, Clone, Serialize)]
pub struct PersistedStore {
    /// The JSON file's name.
    pub file: String,
    /// Bytes of new binary files.
    pub written: u64,
    /// What became of the JSON file.
    pub json: JsonFate,
}

/// What became of a JSON file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JsonFate {
    /// It was written anew.
    Written,
    /// It was renamed to `NAME.stale`.
    SetAside,
    /// There was none, and there is none.
    Absent,
    /// It was left as it is, see the warnings.
    Kept,
}

impl StorageContext {
    /// Writes what changed (`StorageContext.persist`). Either all of it is there
    /// afterwards, also after a power loss, or nothing.
    ///
    /// Into the directory that the context was opened from, or first persisted to,
    /// this is a commit: it writes what changed, and what somebody else committed
    /// meanwhile is a conflict. Into any other directory it writes all stores, in the
    /// place of those of the same names; other stores there are left alone. So it does
    /// where the twin that it was opened from was removed: what is open stays readable.
    ///
    /// ```
    /// use twinstore::{StorageContext, storage_context::PersistOptions, store::NewVector};
    ///
    /// # let temp = tempfile::tempdir().unwrap();
    /// # let dir = temp.path().join("storage");
    /// let vector = |id: &str| NewVector {
    ///     id: id.into(),
    ///     embedding: vec![0.1, 0.2, 0.3],
    ///     ref_doc_id: Some(b"alice.txt".to_vec()),
    ///     metadata: br#"{"page": 1}"#.to_vec(),
    /// };
    /// let mut context = StorageContext::from_defaults();
    /// context.vector_store_mut("default")?.add(vec![vector("node-1")])?;
    /// assert_eq!(context.persist(&dir)?.generation, 1);
    ///
    /// // Two programs add to it. The second one puts its changes on top.
    /// let mut first = StorageContext::from_persist_dir(&dir)?;
    /// let mut second = StorageContext::from_persist_dir(&dir)?;
    /// first.vector_store_mut("default")?.add(vec![vector("node-2")])?;
    /// second.vector_store_mut("default")?.add(vec![vector("node-3")])?;
    /// first.persist(&dir)?;
    /// assert!(second.persist(&dir).is_err());
    /// let rebase = PersistOptions { rebase: true, ..PersistOptions::default() };
    /// second.persist_with(&dir, &rebase)?;
    /// assert_eq!(second.vector_store("default")?.len()?, 3);
    /// # Ok::<(), twinstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Conflict`]; [`Error::OutOfSync`] where a JSON file is newer than the
    /// twin; [`Error::WouldEmpty`]; [`Error::Locked`] where another writer does not
    /// finish; [`Error::Damaged`], [`Error::Io`]. Nothing was committed then, but
    /// after [`Error::Io`] that is for certain only when the directory was opened
    /// again; after a sync that failed, this context refuses to go on
    /// ([`Error::Poisoned`]).
    pub fn persist(&mut self, dir: impl AsRef<Path>) -> Result<PersistReport> {
        self.persist_with(dir, &PersistOptions::default())
    }

    /// The same with a choice of options.
    ///
    /// # Errors
    /// As [`persist`](Self::persist); with [`PersistOptions::rebase`],
    /// [`Error::ConflictingChange`].
    pub fn persist_with(
        &mut self,
        dir: impl AsRef<Path>,
        options: &PersistOptions,
    ) -> Result<PersistReport> {
        let dir = dir.as_ref();
        if self.poisoned {
            return Err(Error::Poisoned {
                dir: dir.to_owned(),
            });
        }
        let is_commit = match self.persist_dir() {
            // Somebody may have removed it, to have it made anew.
            Some(own) => is_same_dir(own, dir) && has_twin(own)?,
            None => false,
        };
        let persisted = match is_commit {
            true => self.commit(options),
            false => self.replace(dir, options),
        };
        self.poisoned = matches!(persisted, Err(Error::Io { action: "sync", .. }));
        persisted
    }
}

/// Whether two paths lead to one directory.
fn is_same_dir(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Whether there is any generation in a directory.
fn has_twin(dir: &Path) -> Result<bool> {
    Ok(!manifest::generations(&manifest::twin_dir(dir))?.is_empty())
}

/// Opens the twin for writing, when whoever writes it has finished.
fn open_writer(dir: &Path, wait: Duration) -> Result<Writer> {
    let start = Instant::now();
    loop {
        match Writer::open(dir) {
            Err(Error::Locked { .. }) if start.elapsed() < wait => thread::sleep(LOOK),
            other => return other,
        }
    }
}
