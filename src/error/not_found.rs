//! What was asked for by name and is not there.

use super::list;

/// What was asked for by name and is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFound {
    /// No record, or no vector, has that key.
    #[error("{store} has no key {key:?} in {}{}; `twinstore ls DIR {store}` lists what is there", list(searched), match elsewhere.as_slice() { [] => String::new(), [one, ..] => format!(" (but in {one:?}: name it with `--collection`)") })]
    Key {
        /// The JSON file of the store.
        store: String,
        /// The key asked for.
        key: String,
        /// The collections in which it was looked for.
        searched: Vec<String>,
        /// Collections that have it and were not asked for.
        elsewhere: Vec<String>,
    },
    /// The store has no collection of that name.
    #[error("{store} has no collection {name:?}; it has {}", list(known))]
    Collection {
        /// The JSON file of the store.
        store: String,
        /// The collection asked for.
        name: String,
        /// Those that it has; of nested ones, the first few.
        known: Vec<String>,
    },
    /// The store is kept as the file is, without keys.
    #[error(
        "{store} is kept as the file is, so there are no keys to look up; `twinstore unpack DIR --store {store} --out NEW` prints it"
    )]
    Structure {
        /// The JSON file of the store.
        store: String,
    },
}
