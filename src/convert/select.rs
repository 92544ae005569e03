//! Which store a user means.

use super::recognise::store_name;
use crate::{
    error::{Error, Result},
    persist_dir::{OpenStore, Snapshot},
};

/// The store that `name` means: its file's name, a vector store's namespace,
/// or a file's name without `.json`; in this order, should one be several.
///
/// # Errors
/// [`Error::NoStore`].
pub(crate) fn find_store<'a>(snapshot: &'a Snapshot, name: &str) -> Result<OpenStore<'a>> {
    let ways: [&dyn Fn(&str) -> bool; 3] = [
        &|file| file == name,
        &|file| store_name(file) == name,
        &|file| file.strip_suffix(".json") == Some(name),
    ];
    for means in ways {
        let found = snapshot.stores().find(|s| means(&s.record().file));
        if let Some(store) = found {
            return Ok(store);
        }
    }
    let known = snapshot.stores();
    let known = known.map(|s| store_name(&s.record().file).to_owned());
    Err(Error::NoStore {
        name: name.to_owned(),
        known: known.collect(),
    })
}
