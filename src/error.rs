//! The one public [`Error`]: typed values that name the file, the place in it
//! and what to do about it.
//!
//! Every refusal of a damaged or foreign binary file is a [`Fault`] of its
//! own, so that callers match on values and never on text.

use std::{fmt, io, path::PathBuf};

mod exception;
mod fault;
mod filter;
mod load;
mod not_found;
mod python;
mod query;
mod store;

pub use exception::PythonException;
pub use fault::{Fault, Place};
pub use filter::{FilterTypeError, ValueType};
pub use load::LoadError;
pub use not_found::NotFound;
pub use query::QueryError;
pub use store::StoreError;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong, with the context to act on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `open`, `read`, `sync` …
        action: &'static str,
        /// The file or directory it was tried on.
        path: PathBuf,
        /// The system's own error.
        source: io::Error,
    },

    /// A binary file of ours does not hold what it must hold.
    #[error("{}: {place}: {fault}; {}", path.display(), fault.remedy())]
    Damaged {
        /// The damaged file.
        path: PathBuf,
        /// Section and byte offset.
        place: Place,
        /// What was found there.
        fault: Fault,
    },

    /// A JSON file is not well-formed JSON (in the wide sense that Python's
    /// `json` accepts), or is not what a store of its name must be.
    #[error("{}: byte {offset}: {fault}; the file was not changed", path.display())]
    Json {
        /// The JSON file.
        path: PathBuf,
        /// Offset of the offending byte in the file.
        offset: u64,
        /// What was found there.
        fault: JsonFault,
    },

    /// The directory holds no twin.
    #[error("{} holds no binary twin; `twinstore pack {}` makes one", dir.display(), dir.display())]
    NoTwin {
        /// The persist directory.
        dir: PathBuf,
    },

    /// The directory holds nothing that could be packed.
    #[error("{} holds no LlamaIndex store (looked for docstore.json, index_store.json, *__vector_store.json and the like){}", dir.display(), if *others > 0 { "; `--all` packs the other files too" } else { "" })]
    NothingToPack {
        /// The persist directory.
        dir: PathBuf,
        /// How many other files it holds.
        others: usize,
    },

    /// The manifest of the highest generation is damaged. Older generations
    /// are never opened silently in its place.
    #[error("the manifest of generation {generation} is damaged ({}); {}", brief(source), match previous { Some(n) => format!("restore the file from a copy, or save what can be read with `twinstore salvage`, which may set it right. Generation {n} has a whole manifest: `twinstore unpack --out NEW --generation {n}` prints it, `twinstore rollback --to {n}` goes back to it. Where all JSON files are there, `twinstore pack --prefer json` writes the twin anew"), None => "restore the file from a copy, or save what can be read with `twinstore salvage`, which may set it right; no older generation has a whole manifest. Where all JSON files are there, `twinstore pack --prefer json` writes the twin anew".to_owned() })]
    DamagedManifest {
        /// The generation whose manifest is damaged.
        generation: u64,
        /// The newest older generation whose manifest is whole.
        previous: Option<u64>,
        /// What is wrong with it.
        source: Box<Error>,
    },

    /// The twin has lost all its manifests: its other files cannot be read
    /// without them, and the next commit would remove them.
    #[error("{} holds files of a twin but no manifest, which says what they are; restore it from a copy, or where all JSON files are there, start anew from them with `twinstore pack --prefer json`, which gives the others up", twin.display())]
    LostManifests {
        /// The directory of the twin.
        twin: PathBuf,
    },

    /// The manifest of the newest generation is gone. Older generations are never
    /// opened silently in its place.
    #[error("the manifest of generation {generation}, which the file `sync` in {} knows of, is gone; the newest that is left is of generation {newest}. Restore it from a copy, or give up what it held: `twinstore unpack --out NEW --generation {newest}` prints that one, and `twinstore rollback --to {newest}` goes on from it. (If `sync` came from another twin, remove that file.)", twin.display())]
    LostGeneration {
        /// The directory of the twin.
        twin: PathBuf,
        /// The generation whose manifest is gone.
        generation: u64,
        /// The newest one that is there.
        newest: u64,
    },

    /// The newest generation cannot be read, and it may hold a store that has no JSON file.
    #[error("{}, {}: `--prefer json` could lose a store. Put the JSON file or the manifest back from a copy{}. To give up all but the JSON files that are there, move {} away and pack again", lost(source), match missing { Some(path) => format!("and {} is not there, or not what the twin held or newer", path.display()), None => "and `sync`, which knows what JSON files there were, is gone or cannot be read".to_owned() }, match **source { Error::LostManifests { .. } => "", _ => ", or save what can be read with `twinstore salvage`" }, twin.display())]
    OnlyInTwin {
        /// The directory of the twin.
        twin: PathBuf,
        /// The JSON file that would be needed; `None` where that is not known.
        missing: Option<PathBuf>,
        /// Why the newest generation cannot be read.
        source: Box<Error>,
    },

    /// The generation asked for does not exist (any more).
    #[error("{} has no generation {generation}; it keeps {}", dir.display(), list(kept))]
    NoGeneration {
        /// The persist directory.
        dir: PathBuf,
        /// The generation asked for.
        generation: u64,
        /// The generations that are there.
        kept: Vec<u64>,
    },

    /// The twin has no store of that name.
    #[error("there is no store {name:?}; the twin holds {}", list(known))]
    NoStore {
        /// The name asked for.
        name: String,
        /// The names the twin holds.
        known: Vec<String>,
    },

    /// A name that no JSON file in the directory can have.
    #[error("a store cannot be kept in a file named {name:?}")]
    StoreName {
        /// The file's name.
        name: String,
    },

    /// Another process is committing to this twin.
    #[error("{} is locked by another process that is writing this twin; try again when it has finished", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },

    /// Somebody else committed since the state that this change was made on.
    #[error(
        "the changes were made on generation {opened}, but somebody else has committed since (the twin is at generation {current}); persist with `rebase`, or open it again and repeat them"
    )]
    Conflict {
        /// The generation that the change was made on (0: no twin).
        opened: u64,
        /// The generation found under the lock.
        current: u64,
    },

    /// Somebody else changed the same key since.
    #[error(
        "{key:?} in {collection} of {file} was changed here and, since generation {opened}, by somebody else as well; open it again and repeat the change"
    )]
    ConflictingChange {
        /// The generation that the change was made on.
        opened: u64,
        /// The JSON file's name.
        file: String,
        /// Which map of it.
        collection: String,
        /// The key.
        key: String,
    },

    /// A context without content would replace one that has some.
    #[error(
        "{} holds stores with content, and this context has none; open the directory first (`StorageContext::from_persist_dir`) to add to it, or allow an empty context to replace it", dir.display()
    )]
    WouldEmpty {
        /// The persist directory.
        dir: PathBuf,
    },

    /// No segment can hold a store with its changes, or prints it as it should.
    #[error(
        "{file} cannot be written with its changes: no segment holds it, or prints it as it should; nothing was committed (please report this)"
    )]
    CannotWrite {
        /// The JSON file's name.
        file: String,
    },

    /// A context has changes that are not persisted, which a call would lose.
    #[error(
        "there are changes that are not persisted; persist them first, or `rebase` to keep them on top of the newest generation"
    )]
    UnsavedChanges,

    /// An earlier commit of this writer failed while syncing: what the medium
    /// holds is unknown, and a second attempt could report success wrongly.
    #[error("a sync to {} failed earlier, so this writer refuses to go on; open the directory again", dir.display())]
    Poisoned {
        /// The persist directory.
        dir: PathBuf,
    },

    /// A source file kept changing while it was packed.
    #[error("{} changed while it was read, {tries} times in a row; pack again when nothing is writing it", path.display())]
    SourceBusy {
        /// The file.
        path: PathBuf,
        /// How often reading was started.
        tries: u32,
    },

    /// JSON files and binary twin do not agree and the call would lose one.
    #[error("{}: {problem}", path.display())]
    OutOfSync {
        /// The JSON file concerned.
        path: PathBuf,
        /// Which way the two differ, and the remedy.
        problem: SyncProblem,
    },

    /// The target of an export is already there.
    #[error("{} exists and is not an empty directory; name a new one", path.display())]
    TargetExists {
        /// The directory that was to be created.
        path: PathBuf,
    },

    /// The target of an export lies inside the twin, where other files than
    /// twinstore's have no place.
    #[error("{} is inside the binary twin; name a directory outside of it", path.display())]
    TargetInTwin {
        /// The directory that was to be created.
        path: PathBuf,
    },

    /// What was exported differs from the file it must equal. Nothing was
    /// removed or replaced.
    #[error("{}: the twin prints other text from byte {offset} on; the JSON file was kept (please report this)", path.display())]
    NotIdentical {
        /// The JSON file.
        path: PathBuf,
        /// The first byte that differs.
        offset: u64,
    },

    /// What was asked for by name is not in the store.
    #[error("{0}")]
    NotFound(NotFound),

    /// An index cannot be loaded.
    #[error("{0}")]
    Load(LoadError),

    /// A query has no answer.
    #[error("{0}")]
    Query(QueryError),

    /// A store cannot give what was asked of it.
    #[error("{0}")]
    Store(StoreError),

    /// The value asked for cannot be held in the form asked for.
    #[error("{what}: {got} is over the limit of {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// The value met.
        got: u64,
        /// The largest allowed.
        limit: u64,
    },

    /// Whoever was told of the progress asked for a stop
    /// ([`Progress`](crate::convert::Progress)).
    #[error("stopped before it was done")]
    Stopped,

    /// A writer was used in another process than the one that opened it: a
    /// forked child must not commit under its parent's lock.
    #[error("{} was opened for writing by another process, from which this one was forked; open it again here", dir.display())]
    Forked {
        /// The directory of the binary twin.
        dir: PathBuf,
    },
}

impl Error {
    /// A helper for `map_err`: wraps a system error with what was tried on
    /// which path.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    /// What is wrong, without the remedy: for where another one is given.
    pub(crate) fn in_short(&self) -> String {
        match self {
            Error::Damaged { path, place, fault } => {
                format!("{}: {place}: {fault}", path.display())
            }
            other => other.to_string(),
        }
    }

    /// Whether this is damage in a binary file (as opposed to a refusal or a
    /// system error).
    #[must_use]
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Error::Damaged { .. }
                | Error::DamagedManifest { .. }
                | Error::LostManifests { .. }
                | Error::LostGeneration { .. }
                | Error::OnlyInTwin { .. }
        )
    }
}

/// One way in which JSON text can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFault {
    /// The text ends inside a value.
    #[error("the text ends inside a value")]
    Cut,
    /// A byte that cannot stand here.
    #[error("unexpected byte {0:#04x}")]
    Unexpected(u8),
    /// Bytes that are not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// A bad escape in a string.
    #[error("bad escape in a string")]
    Escape,
    /// Something after the top-level value.
    #[error("text after the end of the value")]
    Trailing,
    /// A single value is longer than a reader is willing to hold.
    #[error("a single value is longer than {0} bytes")]
    TooLong(usize),
}

/// Ways in which a JSON file and its binary twin differ such that a call
/// would lose one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyncProblem {
    /// `unpack` would overwrite newer JSON.
    #[error(
        "the JSON file is newer than the twin; `twinstore pack` takes it over, `unpack --prefer twin` overwrites it"
    )]
    JsonNewer,
    /// `pack` would overwrite newer binary content.
    #[error(
        "the twin is newer than the JSON file; `twinstore unpack` refreshes the file, `pack --prefer json` goes back to it"
    )]
    BinaryNewer,
    /// Both changed.
    #[error(
        "both the JSON file and the twin changed since they were equal; choose with `pack --prefer json` or `unpack --prefer twin`"
    )]
    Diverged,
    /// A context would open without a store that LlamaIndex would read.
    #[error("the twin does not have this store yet; `twinstore pack` takes it over")]
    NotPacked,
    /// Somebody changed the file while its replacement was being printed.
    #[error(
        "the JSON file was changed while the twin was being printed, and was kept; see `twinstore status`, then run it again"
    )]
    Changing,
    /// `unpack` would overwrite a file elsewhere that was never this store's.
    #[error(
        "the JSON file is a link to a file that does not hold a text of this store; remove the link, or overwrite what it leads to with `twinstore unpack --prefer twin`"
    )]
    Linked,
    /// `pack` would replace a sound store by an empty, cut or broken file.
    #[error("the JSON file is empty, cut or not loadable{} while the twin holds this store; `twinstore unpack --prefer twin` restores the file, `pack --prefer json` gives the store up", match at { Some(at) => format!(" (byte {at})"), None => String::new() })]
    WouldLoseStore {
        /// Where it stops being JSON, if that was looked for.
        at: Option<u64>,
    },
}

/// Why the newest generation cannot be read, without a remedy.
fn lost(error: &Error) -> String {
    match error {
        Error::DamagedManifest {
            generation, source, ..
        } => format!(
            "the manifest of generation {generation} is damaged ({})",
            brief(source)
        ),
        Error::LostGeneration { generation, .. } => {
            format!("the manifest of generation {generation} is gone")
        }
        Error::LostManifests { twin } => {
            format!("{} holds files of a twin but no manifest", twin.display())
        }
        other => other.to_string(),
    }
}

/// Damage without the directory and the remedy, for use within another message.
fn brief(error: &Error) -> String {
    match error {
        Error::Damaged { path, place, fault } => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            format!("{name}: {place}: {fault}")
        }
        other => other.to_string(),
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    let words: Vec<String> = items.iter().map(ToString::to_string).collect();
    words.join(", ")
}
