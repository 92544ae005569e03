//! A mapped file. The only `unsafe` of this layer stands here.
//!
//! # Why mapping is sound for our files
//!
//! `Mmap::map` is unsafe because a mapped file can change under the reader.
//! For files of ours it cannot, as long as everybody keeps the protocol:
//!
//! * only `&[u8]` is ever formed from a map; every bit pattern is valid;
//! * a file is created under a name that was never used, and is never
//!   written, truncated or renamed over after it was published;
//! * files are deleted by unlinking, which leaves maps intact;
//! * the map lives in one value, which every view borrows. (The file itself
//!   is closed: a map does not need it, and a twin of a thousand stores would
//!   otherwise use up the descriptors of a process.)
//!
//! Another program that truncates or rewrites a published file in place
//! breaks this: changed bytes or SIGBUS are then possible. Where that cannot
//! be excluded (network mounts, untrusted neighbours) use `Backend::Read`.
//! No claim of soundness is made beyond this.

use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
};

use memmap2::Mmap;

use crate::error::{Error, Result};

/// The map of a file.
#[derive(Debug)]
pub(crate) struct MappedFile {
    map: Mmap,
    path: PathBuf,
}

impl MappedFile {
    #[allow(unsafe_code)]
    pub(crate) fn new(file: &File, path: &Path) -> Result<MappedFile> {
        // SAFETY: the map is only read, only as bytes, and the files that are
        // opened this way are immutable once published: see the module docs,
        // which also say what happens when somebody else breaks that rule.
        let map = unsafe { Mmap::map(file) }.map_err(Error::io("map", path))?;
        Ok(MappedFile {
            map,
            path: path.to_owned(),
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(crate) fn slice(&self, range: &Range<u64>) -> Result<&[u8]> {
        super::slice(&self.map, range, &self.path)
    }
}
