//! `pack --prefer json` over a twin whose newest generation cannot be read: the JSON files
//! are all that is certain, so every store must have one.

use std::path::Path;

use super::listing::Listing;
use crate::{
    disk,
    error::{Error, Result},
    persist_dir::{JsonDamage, SyncFile, Writer},
};

/// A writer that goes on without the newest generation. `lost` says why it cannot be read.
///
/// What is not known cannot be kept: which stores a generation had that nobody can read. So
/// each file that is known of, by the generation before or by `sync`, must be there.
///
/// # Errors
/// `lost`, where it is of another kind, or where no file is to be packed;
/// [`Error::OnlyInTwin`]; [`Error::Locked`]; [`Error::Io`].
pub(crate) fn go_on_without(dir: &Path, listing: &Listing, lost: Error) -> Result<Writer> {
    let previous = match &lost {
        Error::DamagedManifest { previous, .. } => *previous,
        Error::LostGeneration { newest, .. } => Some(*newest),
        Error::LostManifests { .. } => None,
        _ => return Err(lost),
    };
    let writer = Writer::recover(dir, previous)?;
    if listing.wanted(false, writer.base()).next().is_none() {
        return Err(lost);
    }
    let twin = writer.twin_dir().to_owned();
    let refuse = |missing| Error::OnlyInTwin {
        twin,
        missing,
        source: Box::new(lost),
    };
    let (sync, _) = SyncFile::load(writer.twin_dir());
    if sync.is_empty() {
        return Err(refuse(None));
    }
    let of_base = writer.base().into_iter().flat_map(|base| &base.stores);
    let of_base = of_base.map(|store| store.file.as_str());
    for file in of_base.chain(sync.files()) {
        if !is_whole(dir, listing, file)? {
            return Err(refuse(Some(dir.join(file))));
        }
    }
    Ok(writer)
}

/// Whether a file is there, and not empty or cut.
fn is_whole(dir: &Path, listing: &Listing, file: &str) -> Result<bool> {
    if !listing.files.iter().any(|there| there == file) {
        return Ok(false);
    }
    let path = dir.join(file);
    let text = disk::open(&path).map_err(Error::io("open", &path))?;
    Ok(JsonDamage::of_file(&text, &path)?.is_none())
}
