//! `pack --prefer json` over a twin whose newest generation cannot be read. Which stores it
//! had is known from what else tells of them: the generation before, `sync`, and the
//! manifest itself where a flipped bit is all that is wrong with it. Each of them must come
//! from a JSON file, or nothing is published.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{listing::Listing, pack_file::PackedFile};
use crate::{
    disk,
    error::{Error, Result},
    persist_dir::{
        JsonDamage, Manifest, Stat, State, SyncFile, Writer, manifest, names::LOCK, state, sync,
    },
};

/// What must be packed, so that nothing is lost with the newest generation.
pub(crate) struct Recovery {
    /// Why that cannot be read.
    lost: Error,
    twin: PathBuf,
    needed: BTreeSet<String>,
    /// What it says, as far as can be told.
    newest: Option<Manifest>,
}

/// A writer that goes on without the newest generation. `lost` says why it cannot be read.
///
/// # Errors
/// `lost`, where it is of another kind, or where no file is to be packed;
/// [`Error::OnlyInTwin`]; [`Error::Locked`]; [`Error::Io`].
pub(crate) fn go_on_without(
    dir: &Path,
    listing: &Listing,
    all: bool,
    lost: Error,
) -> Result<(Writer, Recovery)> {
    let (damaged, previous) = match &lost {
        Error::DamagedManifest {
            generation,
            previous,
            ..
        } => (Some(*generation), *previous),
        Error::LostGeneration { newest, .. } => (None, Some(*newest)),
        Error::LostManifests { .. } => (None, None),
        _ => return Err(lost),
    };
    let writer = Writer::recover(dir, previous)?;
    // Somebody else went on while nobody held the lock.
    if let Ok(Some(_)) = sync::read_newest(writer.twin_dir()) {
        let path = writer.twin_dir().join(LOCK);
        return Err(Error::Locked { path });
    }
    if listing.wanted(all, writer.base()).next().is_none() {
        return Err(lost);
    }
    let twin = writer.twin_dir().to_owned();
    let (sync, _) = SyncFile::load(&twin);
    let mended = damaged.and_then(|n| manifest::read_mended(&twin, n).ok().flatten());
    let newest = mended.map(|(manifest, _)| manifest);
    let stores = writer.base().into_iter().chain(&newest);
    let stores = stores.flat_map(|manifest| &manifest.stores);
    let known = stores.map(|store| store.file.as_str()).chain(sync.files());
    let recovery = Recovery {
        lost,
        twin,
        needed: known.map(str::to_owned).collect(),
        newest,
    };
    // Before any work.
    match recovery.missing(dir, listing, &sync)? {
        Some(missing) => Err(recovery.refuse(missing)),
        None => Ok((writer, recovery)),
    }
}

/// Whether a file is empty or cut, and was not as long when it was seen last.
fn is_cut(path: &Path, file: &str, sync: &SyncFile) -> Result<bool> {
    let open = disk::open(path).map_err(Error::io("open", path))?;
    let length = Stat::of_file(&open, path)?.length;
    let known = sync.entry(file).and_then(|entry| entry.known());
    let was_so = known.is_some_and(|known| known.text.length() == length);
    Ok(!was_so && JsonDamage::of_file(&open, path)?.is_some())
}

impl Recovery {
    /// The files that must be packed, whatever they are.
    pub(crate) fn needed(&self) -> impl Iterator<Item = &String> {
        self.needed.iter()
    }

    /// Whether a file that was packed is not what it was, and nothing that LlamaIndex loads.
    pub(crate) fn is_lost(
        &self,
        file: &str,
        packed: &PackedFile,
        sync: &SyncFile,
        base: Option<&Manifest>,
    ) -> bool {
        let known = sync.entry(file).and_then(|entry| entry.known());
        let stores = base.into_iter().chain(&self.newest);
        let stores = stores.filter_map(|manifest| manifest.store(file)?.packed);
        let mut texts = stores.map(|p| p.text).chain(known.map(|known| known.text));
        !packed.is_sound() && !texts.any(|text| text == packed.text)
    }

    /// The error, for want of a file, or of any knowledge (`None`).
    pub(crate) fn refuse(self, missing: Option<PathBuf>) -> Error {
        Error::OnlyInTwin {
            twin: self.twin,
            missing,
            source: Box::new(self.lost),
        }
    }

    fn missing(
        &self,
        dir: &Path,
        listing: &Listing,
        sync: &SyncFile,
    ) -> Result<Option<Option<PathBuf>>> {
        if sync.is_empty() && self.newest.is_none() {
            return Ok(Some(None));
        }
        for file in &self.needed {
            let store = self.newest.as_ref().and_then(|newest| newest.store(file));
            let state = store.map(|store| state(dir, store, sync)).transpose()?;
            let is_known = matches!(
                state,
                None | Some(State::InSync | State::Touched | State::JsonNewer)
            );
            if !is_known || !listing.files.contains(file) || is_cut(&dir.join(file), file, sync)? {
                return Ok(Some(Some(dir.join(file))));
            }
        }
        Ok(None)
    }
}
