//! A file that is read by position, with a bounded cache of blocks.
//!
//! Only blocks that the caller has verified enter the cache: a block that
//! fails its checksum is dropped with the error.

use std::{
    collections::HashMap,
    fs::File,
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::AlignedBytes;
use crate::error::{Error, Result};

/// Blocks kept in memory per open file: 256 of 64 KiB.
const CACHE_BYTES: usize = 16 << 20;

/// A file read by position.
#[derive(Debug)]
pub(crate) struct ReadFile {
    file: File,
    path: PathBuf,
    len: u64,
    cache: Mutex<Cache>,
    bytes_read: AtomicU64,
    patches: Vec<Patch>,
}

/// Bytes that are read in place of those that a file has.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Patch {
    /// Whether it has all bytes of `range`.
    fn covers(&self, range: &Range<u64>) -> bool {
        let end = self.offset + self.bytes.len() as u64;
        self.offset <= range.start && range.end <= end
    }

    /// Puts what there is of it into `bytes`, which begin at `start`.
    fn apply(&self, bytes: &mut [u8], start: u64) {
        for (place, &byte) in (self.offset..).zip(&self.bytes) {
            let place = place.checked_sub(start).map(usize::try_from);
            if let Some(Ok(place)) = place
                && let Some(there) = bytes.get_mut(place)
            {
                *there = byte;
            }
        }
    }
}

#[derive(Debug, Default)]
struct Cache {
    blocks: HashMap<u64, Cached>,
    bytes: usize,
    clock: u64,
}

#[derive(Debug)]
struct Cached {
    block: Arc<AlignedBytes>,
    last_use: u64,
}

impl ReadFile {
    pub(crate) fn new(file: File, path: &Path) -> Result<ReadFile> {
        let len = file.metadata().map_err(Error::io("stat", path))?.len();
        Ok(ReadFile {
            file,
            path: path.to_owned(),
            len,
            cache: Mutex::default(),
            bytes_read: AtomicU64::new(0),
            patches: Vec::new(),
        })
    }

    /// The same file, with other bytes in some places. For one of which nothing was read yet.
    pub(crate) fn patched(self, patches: Vec<Patch>) -> ReadFile {
        ReadFile { patches, ..self }
    }

    /// The same file as one of `len` bytes. Those beyond its end cannot be read, unless they
    /// are patched.
    pub(crate) fn of_length(self, len: u64) -> ReadFile {
        ReadFile { len, ..self }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Bytes fetched from the file so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Reads `range`, which must lie within the length at open: a shorter
    /// file is an error, and nothing is allocated for bytes that were never
    /// there.
    pub(crate) fn read(&self, range: &Range<u64>) -> Result<AlignedBytes> {
        let len = range.end.checked_sub(range.start);
        let len = len.filter(|_| range.end <= self.len);
        let Some(len) = len.and_then(|len| usize::try_from(len).ok()) else {
            return Err(Error::io("read", &self.path)(
                io::ErrorKind::UnexpectedEof.into(),
            ));
        };
        let mut bytes = AlignedBytes::zeroed(len);
        // A disk may not give back what a patch stands for.
        if !self.patches.iter().any(|patch| patch.covers(range)) {
            read_exact_at(&self.file, &mut bytes, range.start)
                .map_err(Error::io("read", &self.path))?;
            self.bytes_read.fetch_add(len as u64, Ordering::Relaxed);
        }
        for patch in &self.patches {
            patch.apply(&mut bytes, range.start);
        }
        Ok(bytes)
    }

    /// The block of number `number`, from the cache or from `range` of the
    /// file, where `verify` must accept it.
    pub(crate) fn block(
        &self,
        number: u64,
        range: &Range<u64>,
        verify: impl FnOnce(&[u8]) -> Result<()>,
    ) -> Result<Arc<AlignedBytes>> {
        if let Some(block) = self.lock().get(number) {
            return Ok(block);
        }
        // Read and verified outside the lock: two threads may both do it.
        let block = self.read(range)?;
        verify(&block)?;
        let block = Arc::new(block);
        self.lock().put(number, &block);
        Ok(block)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cache> {
        // A panic while the lock is held cannot leave the map half changed in
        // a way that matters: it is only a cache.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn get(&mut self, number: u64) -> Option<Arc<AlignedBytes>> {
        self.clock += 1;
        let cached = self.blocks.get_mut(&number)?;
        cached.last_use = self.clock;
        Some(Arc::clone(&cached.block))
    }

    fn put(&mut self, number: u64, block: &Arc<AlignedBytes>) {
        self.clock += 1;
        let cached = Cached {
            block: Arc::clone(block),
            last_use: self.clock,
        };
        self.bytes += block.len();
        if let Some(old) = self.blocks.insert(number, cached) {
            self.bytes -= old.block.len();
        }
        // A scan over a few hundred entries, next to a read of 64 KiB.
        while self.bytes > CACHE_BYTES {
            let oldest = self.blocks.iter().min_by_key(|(_, c)| c.last_use);
            let Some((&number, _)) = oldest else { break };
            if let Some(old) = self.blocks.remove(&number) {
                self.bytes -= old.block.len();
            }
        }
    }
}

/// Fills `buffer` from the bytes at `offset`.
#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// Fills `buffer` from the bytes at `offset`.
#[cfg(windows)]
pub(crate) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                buffer = buffer.split_at_mut(n).1;
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
