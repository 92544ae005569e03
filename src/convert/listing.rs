//! The files of a persist directory, as `pack` sees them.

use std::{fs, path::Path};

use super::{recognise::store_kind, temporary::is_temp};
use crate::{
    error::{Error, Result},
    persist_dir::{Manifest, StoreKind, names},
};

/// The files of a persist directory.
pub(crate) struct Listing {
    /// Regular files whose names can be those of stores, sorted.
    pub(crate) files: Vec<String>,
    /// What else is worth a mention, printable: files with other names, and
    /// things that are no files under the names of stores.
    pub(crate) odd: Vec<String>,
}

impl Listing {
    /// Lists `dir`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn of(dir: &Path) -> Result<Listing> {
        let error = || Error::io("list", dir);
        let mut listing = Listing {
            files: Vec::new(),
            odd: Vec::new(),
        };
        for entry in fs::read_dir(dir).map_err(error())? {
            let entry = entry.map_err(error())?;
            // Links are followed: persist dirs on some platforms are made of
            // them. One that leads nowhere is no file; any other trouble must
            // not make a store look absent.
            let is_file = match fs::metadata(entry.path()) {
                Ok(meta) => meta.is_file(),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
                Err(e) => return Err(Error::io("stat", entry.path())(e)),
            };
            match entry.file_name().into_string() {
                Ok(name) if is_temp(&name) => {}
                Ok(name) if !is_file => {
                    // A directory or a dead link is only worth a word where a
                    // store was to be expected.
                    listing.odd.extend(store_kind(&name).map(|_| name));
                }
                Ok(name) if names::is_store_file(&name) => listing.files.push(name),
                Ok(name) => listing.odd.push(name),
                Err(name) if is_file => listing.odd.push(name.to_string_lossy().into_owned()),
                Err(_) => {}
            }
        }
        // The order of a directory is nobody's; that of the twin should not
        // depend on it.
        listing.files.sort();
        Ok(listing)
    }

    /// The files to pack: stores, files that the twin holds, or all.
    pub(crate) fn wanted<'a>(
        &'a self,
        all: bool,
        base: Option<&'a Manifest>,
    ) -> impl Iterator<Item = (&'a String, StoreKind)> {
        self.files.iter().filter_map(move |file| {
            let packed = base.and_then(|m| m.store(file)).map(|store| store.kind);
            let other = all.then_some(StoreKind::Other);
            Some((file, packed.or(store_kind(file)).or(other)?))
        })
    }
}
