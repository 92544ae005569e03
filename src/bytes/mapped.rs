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

/// Files that may as well be fetched whole.
const SMALL: usize = 1 << 20;

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

    /// Asks the system to fetch a part of the file, without waiting for the bytes; it may
    /// fetch less. A fault alone fetches as much as the system thinks will be read next, up to
    /// megabytes; where only this part will be, they are waited for in vain.
    pub(crate) fn will_need(&self, range: &Range<u64>) {
        #[cfg(unix)]
        {
            let start = usize::try_from(range.start).unwrap_or(usize::MAX);
            let end = usize::try_from(range.end).unwrap_or(usize::MAX);
            let end = end.min(self.map.len());
            let len = end.checked_sub(start).filter(|&len| len > 0);
            if let (Some(len), true) = (len, self.map.len() > SMALL) {
                // Whatever the system makes of it, the bytes can be read.
                let _ = self.map.advise_range(memmap2::Advice::WillNeed, start, len);
            }
        }
        #[cfg(not(unix))]
        let _ = range;
    }

    pub(crate) fn slice(&self, range: &Range<u64>) -> Result<&[u8]> {
        super::slice(&self.map, range, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is advice: nobody is to be told that it could not be followed.
    #[test]
    fn parts_that_are_not_there_may_be_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, vec![7; 2_000_000]).unwrap();
        let file = MappedFile::new(&File::open(&path).unwrap(), &path).unwrap();
        for range in [0..2_000_000, 5000..5000, 9000..1 << 40, 1 << 40..u64::MAX] {
            file.will_need(&range);
        }
        assert_eq!(file.slice(&(0..2_000_000)).unwrap(), vec![7; 2_000_000]);
    }
}
