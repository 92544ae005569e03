//! The dictionary that the frames of a file may share, and the decompressors
//! that know it.

use std::{
    fmt,
    sync::{Mutex, OnceLock},
};

use zstd::{
    bulk::{self, Decompressor},
    zstd_safe::compress_bound,
};

use super::format::MAX_DICTIONARY;
use crate::{
    container::{Container, ContainerWriter, SectionKind, Span},
    error::{Error, Fault, Result},
};

/// How a dictionary in zstd's own format begins. Anything else zstd would
/// take, too: as mere text.
const MAGIC: [u8; 4] = 0xEC30_A437_u32.to_le_bytes();
/// It is read once for each file, but written while others wait.
const LEVEL: i32 = 9;
/// From fewer samples nothing is learned.
const MIN_SAMPLES: usize = 32;
/// A dictionary below this saves less than it costs.
const MIN_DICTIONARY: usize = 4 << 10;
/// How much longer than the dictionary the samples are at least.
const SHARE: usize = 6;
/// Decompressors that are kept: about as many as threads read at once.
const IDLE: usize = 16;

/// The dictionary of a file that is being written: learned from samples when
/// the first block needs it, by the thread that compresses that block.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    /// One after another.
    samples: Vec<u8>,
    sizes: Vec<usize>,
    learned: OnceLock<Option<Vec<u8>>>,
}

impl Dictionary {
    /// To be learned from samples that stand one after another in `samples`.
    pub(crate) fn of(samples: Vec<u8>, sizes: Vec<usize>) -> Dictionary {
        Dictionary {
            samples,
            sizes,
            learned: OnceLock::new(),
        }
    }

    /// The dictionary, unless there is too little to learn from, or zstd finds
    /// nothing in it.
    pub(super) fn get(&self) -> Option<&[u8]> {
        let learned = self
            .learned
            .get_or_init(|| train(&self.samples, &self.sizes));
        learned.as_deref()
    }
}

fn train(samples: &[u8], sizes: &[usize]) -> Option<Vec<u8>> {
    let capacity = MAX_DICTIONARY.min(samples.len() / SHARE);
    if sizes.len() < MIN_SAMPLES || capacity < MIN_DICTIONARY {
        return None;
    }
    let dictionary = zstd::dict::from_continuous(samples, sizes, capacity).ok()?;
    dictionary.starts_with(&MAGIC).then_some(dictionary)
}

/// Writes the section of a dictionary.
pub(super) fn write(dictionary: &[u8], out: &mut ContainerWriter) -> Result<()> {
    let frame = bulk::compress(dictionary, LEVEL)
        .map_err(Error::io("compress the dictionary of", out.path()))?;
    out.whole(SectionKind::DICTIONARY, &frame)
}

fn read(file: &Container, span: Span) -> Result<Vec<u8>> {
    if span.len() > compress_bound(MAX_DICTIONARY) as u64 {
        return Err(file.damaged(span, 0, Fault::Bounds("dictionary")));
    }
    let stored = file.read(span, 0..span.len())?;
    let raw = bulk::decompress(&stored, MAX_DICTIONARY);
    let raw = raw.map_err(|_| file.damaged(span, 0, Fault::Compression))?;
    if !raw.starts_with(&MAGIC) {
        return Err(file.damaged(span, 0, Fault::Value("dictionary")));
    }
    Ok(raw)
}

/// Decompressors that no block is put through at the moment.
type Idle = Mutex<Vec<Decompressor<'static>>>;

/// Those without a dictionary, which any file can use.
static PLAIN: Idle = Mutex::new(Vec::new());

/// The decompressors of one file. Setting one up builds the dictionary's
/// tables, which takes longer than a block does: so they are used again.
#[derive(Default)]
pub(super) struct Decoders {
    dictionary: OnceLock<Vec<u8>>,
    idle: Idle,
    /// Blocks that were decompressed.
    #[cfg(test)]
    pub(super) uses: std::sync::atomic::AtomicUsize,
}

impl Decoders {
    /// Decompresses a frame into `raw`, which becomes `len` bytes long; false
    /// where the frame holds anything else. The dictionary is read on first
    /// use.
    pub(super) fn decompress(
        &self,
        file: &Container,
        dictionary: Option<Span>,
        stored: &[u8],
        len: usize,
        raw: &mut Vec<u8>,
    ) -> Result<bool> {
        #[cfg(test)]
        self.uses.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let pool = match dictionary {
            Some(_) => &self.idle,
            None => &PLAIN,
        };
        // Nobody waits for a spare part: making one takes microseconds, and in a process
        // that was forked, the lock may be that of a thread that is not there.
        let idle = pool.try_lock().ok().and_then(|mut idle| idle.pop());
        let mut decoder = match idle {
            Some(decoder) => decoder,
            None => self.set_up(file, dictionary)?,
        };
        raw.clear();
        // In one pass into a buffer of that size: a frame that claims more
        // fails, and no window is allocated beside it.
        raw.reserve_exact(len);
        let got = decoder.decompress_to_buffer(stored, raw);
        if let Ok(mut idle) = pool.try_lock()
            && idle.len() < IDLE
        {
            idle.push(decoder);
        }
        Ok(got.is_ok_and(|got| got == len))
    }

    fn set_up(&self, file: &Container, dictionary: Option<Span>) -> Result<Decompressor<'static>> {
        let Some(span) = dictionary else {
            return Decompressor::new().map_err(Error::io("set up decompression of", file.path()));
        };
        let dictionary = match self.dictionary.get() {
            Some(dictionary) => dictionary,
            None => {
                let dictionary = read(file, span)?;
                // Two threads may both have read it; one result is as good.
                self.dictionary.get_or_init(|| dictionary)
            }
        };
        Decompressor::with_dictionary(dictionary)
            .map_err(|_| file.damaged(span, 0, Fault::Value("dictionary")))
    }
}

impl fmt::Debug for Decoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoders").finish_non_exhaustive()
    }
}
