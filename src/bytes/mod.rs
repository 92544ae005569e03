//! Where bytes come from: a file that is mapped, one that is read, or memory.
//!
//! A [`View`] is a run of bytes with a 64-byte-aligned origin. It is borrowed
//! from the map, or shares a block that was read into memory; code above this
//! layer does not see the difference. `Source` is one open file under one
//! of the two [`Backend`]s, or a file that was never written to disk. A `Spill` is a temporary file on the way to a
//! final one.
//!
//! This layer knows nothing of formats and checks nothing: whoever asks for
//! bytes (the container) decides whether to believe them.

mod aligned;
mod mapped;
mod read;
mod spill;

pub use aligned::AlignedBytes;
pub(crate) use mapped::{MappedFile, prefetch_behind};
pub(crate) use read::{Patch, ReadFile, read_exact_at};
pub(crate) use spill::{Spill, Spills};

use std::{
    ops::{Deref, Range},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    disk,
    error::{Error, Result},
};

/// How the bytes of a file get into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// Map the file. Fastest, shared between processes; the file must not be
    /// truncated by others while it is open (see `bytes/mapped.rs`).
    #[default]
    Map,
    /// Read blocks into aligned buffers. For network mounts and media or
    /// neighbours that are not trusted: whatever happens to the file, the
    /// worst outcome is an error.
    Read,
}

/// A run of bytes that stays valid as long as the view is held.
#[derive(Debug, Clone)]
pub enum View<'a> {
    /// Borrowed from a mapped file, or from one in memory.
    Mapped(&'a [u8]),
    /// A part of a block in memory.
    Block {
        /// The block.
        block: Arc<AlignedBytes>,
        /// The part of it that this view shows.
        range: Range<usize>,
    },
}

impl Deref for View<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            View::Mapped(bytes) => bytes,
            View::Block { block, range } => block.get(range.clone()).unwrap_or_default(),
        }
    }
}

/// What errors call a file that is only in memory.
pub(crate) const MEMORY: &str = "(memory)";

/// One open file under one of the two backends, or in memory.
#[derive(Debug)]
pub(crate) enum Source {
    Mapped(MappedFile),
    Read(ReadFile),
    Memory(MemoryFile),
}

/// A file that is only in memory.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    bytes: AlignedBytes,
    path: PathBuf,
}

impl MemoryFile {
    pub(crate) fn new(content: &[u8]) -> MemoryFile {
        let mut bytes = AlignedBytes::zeroed(content.len());
        bytes.copy_from_slice(content);
        MemoryFile {
            bytes,
            path: PathBuf::from(MEMORY),
        }
    }

    pub(crate) fn slice(&self, range: &Range<u64>) -> Result<&[u8]> {
        slice(&self.bytes, range, &self.path)
    }
}

/// A part of bytes that lie in memory.
fn slice<'b>(bytes: &'b [u8], range: &Range<u64>, path: &Path) -> Result<&'b [u8]> {
    let inside = || {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok()?;
        bytes.get(start..end)
    };
    inside().ok_or_else(|| Error::io("read", path)(std::io::ErrorKind::UnexpectedEof.into()))
}

impl Source {
    /// Opens the regular file at `path`. Links, pipes and directories are
    /// refused: nothing of ours is one, and a pipe would block.
    pub(crate) fn open(path: &Path, backend: Backend) -> Result<Source> {
        let file = disk::open_own(path).map_err(Error::io("open", path))?;
        Ok(match backend {
            Backend::Map => Source::Mapped(MappedFile::new(&file, path)?),
            Backend::Read => Source::Read(ReadFile::new(file, path)?),
        })
    }

    /// Asks for a part of the file that is about to be looked at; see
    /// [`MappedFile::will_need`].
    pub(crate) fn will_need(&self, range: Range<u64>) {
        if let Source::Mapped(file) = self {
            file.will_need(&range);
        }
    }

    /// Length of the file when it was opened.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Source::Mapped(file) => file.bytes().len() as u64,
            Source::Read(file) => file.len(),
            Source::Memory(file) => file.bytes.len() as u64,
        }
    }

    pub(crate) fn path(&self) -> &PathBuf {
        match self {
            Source::Mapped(file) => file.path(),
            Source::Read(file) => file.path(),
            Source::Memory(file) => &file.path,
        }
    }

    /// Reads `range` without any check of what it holds. The caller has made
    /// sure that the range lies in the file.
    pub(crate) fn read_unchecked(&self, range: Range<u64>) -> Result<View<'_>> {
        match self {
            Source::Mapped(file) => Ok(View::Mapped(file.slice(&range)?)),
            Source::Memory(file) => Ok(View::Mapped(file.slice(&range)?)),
            Source::Read(file) => {
                let block = Arc::new(file.read(&range)?);
                let range = 0..block.len();
                Ok(View::Block { block, range })
            }
        }
    }
}
