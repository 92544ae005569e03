//! A mapped file, and how its bytes get near. The only `unsafe` of this layer stands here.
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

/// What the processor fetches at a time.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Tells the processor that bytes will be read soon: those that begin `distance` behind the
/// start of `slice`, as many as it has. They are fetched while `slice` is worked on, and
/// nobody waits for them. There need not be any.
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn prefetch_behind<T>(slice: &[T], distance: usize) {
    #[cfg(target_arch = "x86_64")]
    for offset in (0..size_of_val(slice)).step_by(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let address = slice.as_ptr().cast::<i8>();
        let address = address.wrapping_add(distance).wrapping_add(offset);
        // SAFETY: every x86-64 has the instruction. It is a hint that loads nothing into the
        // program and fails for no address, so none has to be that of anything.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, distance);
}

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
            if let Some(part) = worth_asking_for(range, self.map.len()) {
                // Whatever the system makes of it, the bytes can be read.
                let advice = memmap2::Advice::WillNeed;
                let _ = self.map.advise_range(advice, part.start, part.len());
            }
        }
        #[cfg(not(unix))]
        let _ = range;
    }

    pub(crate) fn slice(&self, range: &Range<u64>) -> Result<&[u8]> {
        super::slice(&self.map, range, &self.path)
    }
}

/// What there is of `range` in a file of that length; `None` where that is nothing, or the
/// file is small.
#[cfg(unix)]
fn worth_asking_for(range: &Range<u64>, len: usize) -> Option<Range<usize>> {
    let start = usize::try_from(range.start).ok()?;
    let end = usize::try_from(range.end).unwrap_or(usize::MAX).min(len);
    (start < end && len > SMALL).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_a_file_has_of_a_part_is_asked_for_unless_the_file_is_small() {
        let of = |range, len| worth_asking_for(&range, len);
        let len = SMALL + 1;
        assert_eq!(of(0..10, len), Some(0..10));
        assert_eq!(of(4096..9000, len), Some(4096..9000));
        assert_eq!(of(9000..u64::MAX, len), Some(9000..len));
        assert_eq!(of(0..10, SMALL), None);
        for nothing in [5..5, len as u64..len as u64 + 1, u64::MAX..u64::MAX] {
            assert_eq!(of(nothing, len), None);
        }
    }

    /// It is a hint, wherever it points to.
    #[test]
    fn what_is_not_there_may_be_prefetched() {
        let bytes = [7_u8; 1000];
        for distance in [0, 1, 1 << 20, usize::MAX / 2, usize::MAX] {
            prefetch_behind(&bytes, distance);
            prefetch_behind::<u8>(&[], distance);
        }
        assert_eq!(bytes, [7; 1000]);
    }

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
