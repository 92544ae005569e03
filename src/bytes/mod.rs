//! Where bytes come from: a file that is mapped, or one that is read.
//!
//! A [`View`] is a run of bytes with a 64-byte-aligned origin. It is borrowed
//! from the map, or shares a block that was read into memory; code above this
//! layer does not see the difference. `Source` is one open file under one
//! of the two [`Backend`]s. A `Spill` is a temporary file on the way to a
//! final one.
//!
//! This layer knows nothing of formats and checks nothing: whoever asks for
//! bytes (the container) decides whether to believe them.

mod aligned;
mod mapped;
mod read;
mod spill;

pub use aligned::AlignedBytes;
pub(crate) use mapped::MappedFile;
pub(crate) use read::ReadFile;
pub(crate) use spill::{LazySpill, Spill};

use std::{
    fs::File,
    ops::{Deref, Range},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::error::{Error, Result};

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
    /// Borrowed from a mapped file.
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

/// One open file under one of the two backends.
#[derive(Debug)]
pub(crate) enum Source {
    Mapped(MappedFile),
    Read(ReadFile),
}

impl Source {
    /// Opens the regular file at `path`. Links, pipes and directories are
    /// refused: nothing of ours is one, and a pipe would block.
    pub(crate) fn open(path: &Path, backend: Backend) -> Result<Source> {
        let meta = std::fs::symlink_metadata(path).map_err(Error::io("open", path))?;
        if !meta.is_file() {
            return Err(Error::io("open", path)(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "not a regular file",
            )));
        }
        let file = File::open(path).map_err(Error::io("open", path))?;
        Ok(match backend {
            Backend::Map => Source::Mapped(MappedFile::new(&file, path)?),
            Backend::Read => Source::Read(ReadFile::new(file, path)?),
        })
    }

    /// Length of the file when it was opened.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Source::Mapped(file) => file.bytes().len() as u64,
            Source::Read(file) => file.len(),
        }
    }

    pub(crate) fn path(&self) -> &PathBuf {
        match self {
            Source::Mapped(file) => file.path(),
            Source::Read(file) => file.path(),
        }
    }

    /// Reads `range` without any check of what it holds. The caller has made
    /// sure that the range lies in the file.
    pub(crate) fn read_unchecked(&self, range: Range<u64>) -> Result<View<'_>> {
        match self {
            Source::Mapped(file) => Ok(View::Mapped(file.slice(&range)?)),
            Source::Read(file) => {
                let block = Arc::new(file.read(&range)?);
                let range = 0..block.len();
                Ok(View::Block { block, range })
            }
        }
    }
}
