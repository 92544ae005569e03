//! What is remembered of a JSON file to recognise it: when it was last
//! touched ([`Stat`]), a constant-cost sample of its bytes ([`Samples`]), and
//! a hash of all of them ([`Fingerprint`]).
//!
//! None of them is for security: whoever can choose the bytes can fool them.
//! Samples miss an edit that keeps the length and touches none of the 16
//! sampled blocks; only a full read finds it.

use std::{
    fmt,
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bincode::{Decode, Encode};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::{
    disk,
    error::{Error, Result},
};

/// Number of samples.
const PARTS: u64 = 16;
/// Length of a sample; files up to [`PARTS`] times this are covered wholly.
const PART: u64 = 64 << 10;
/// How often reading a file that changes meanwhile is started.
const TRIES: u32 = 3;

/// The bytes that sample `i` of a text of `length` bytes covers: its
/// sixteenths, or blocks spread evenly from its first byte to its last.
fn part(length: u64, i: u64) -> Range<u64> {
    // In u128, as the product may pass 2^64.
    let share = |whole: u64, i: u64, of: u64| {
        let place = u128::from(whole) * u128::from(i) / u128::from(of);
        u64::try_from(place).unwrap_or(u64::MAX)
    };
    if length <= PARTS * PART {
        return share(length, i, PARTS)..share(length, i + 1, PARTS);
    }
    let start = share(length - PART, i, PARTS - 1);
    start..start + PART
}

/// A text's length and XXH3-64 of 16 samples. Costs at most 1 MiB of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Samples {
    /// Length in bytes.
    pub length: u64,
    /// The hashes, in the order of the text.
    pub hashes: [u64; PARTS as usize],
}

impl Samples {
    /// Which bytes of a text of `length` bytes are sampled. Its first and last
    /// 64 KiB are.
    pub fn ranges(length: u64) -> impl Iterator<Item = Range<u64>> {
        (0..PARTS).map(move |i| part(length, i))
    }

    /// Samples an open file, whose position is moved.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::SourceBusy`] when the file shrinks meanwhile.
    pub fn of(mut file: &File, path: &Path) -> Result<Samples> {
        let length = file.metadata().map_err(Error::io("stat", path))?.len();
        let mut read = |start: u64, buffer: &mut [u8]| {
            let read = file.seek(SeekFrom::Start(start));
            let read = read.and_then(|_| file.read_exact(buffer));
            read.map_err(|e| match e.kind() {
                io::ErrorKind::UnexpectedEof => busy(path, 1),
                _ => Error::io("read", path)(e),
            })
        };
        let mut hashes = [0; PARTS as usize];
        let mut buffer = vec![0; length.min(PART) as usize];
        // A short text is read at once.
        let is_short = length <= PART;
        if is_short {
            read(0, &mut buffer)?;
        }
        for (i, hash) in (0..).zip(&mut hashes) {
            let range = part(length, i);
            let len = usize::try_from(range.end - range.start).unwrap_or_default();
            let start = match is_short {
                true => usize::try_from(range.start).unwrap_or_default(),
                false => 0,
            };
            let sample = buffer.get_mut(start..start + len).unwrap_or_default();
            if !is_short {
                read(range.start, sample)?;
            }
            *hash = xxh3_64(sample);
        }
        Ok(Samples { length, hashes })
    }
}

/// Recognises a text: its samples, and XXH3-128 of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Fingerprint {
    /// Length and samples.
    pub samples: Samples,
    /// XXH3-128 of the whole text, little-endian.
    pub hash: [u8; 16],
}

impl Fingerprint {
    /// The fingerprint of a text in memory.
    #[must_use]
    pub fn of_bytes(text: &[u8]) -> Fingerprint {
        let mut fingerprinter = Fingerprinter::new(text.len() as u64);
        fingerprinter.update(text);
        fingerprinter.finish()
    }

    /// The fingerprint of the file at `path`, read once from end to end.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::SourceBusy`] when it kept changing.
    pub fn of(path: &Path) -> Result<Fingerprint> {
        Ok(Seen::read(path)?.fingerprint)
    }

    /// Length of the text in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.samples.length
    }
}

/// Makes the fingerprint of a text that passes by, whose length is known
/// beforehand.
pub struct Fingerprinter {
    length: u64,
    position: u64,
    whole: Xxh3,
    /// The samples that are complete.
    hashes: Vec<u64>,
    sample: Xxh3,
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprinter({} of {})", self.position, self.length)
    }
}

impl Fingerprinter {
    /// For a text of `length` bytes.
    #[must_use]
    pub fn new(length: u64) -> Fingerprinter {
        Fingerprinter {
            length,
            position: 0,
            whole: Xxh3::new(),
            hashes: Vec::with_capacity(PARTS as usize),
            sample: Xxh3::new(),
        }
    }

    /// The next bytes of the text.
    pub fn update(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        let start = self.position;
        self.position = start.saturating_add(bytes.len() as u64);
        while (self.hashes.len() as u64) < PARTS {
            // Samples follow each other without overlap, so that at most one
            // is under way.
            let part = part(self.length, self.hashes.len() as u64);
            let within = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
            let end = within(part.end).min(bytes.len());
            let sampled = bytes.get(within(part.start)..end).unwrap_or_default();
            self.sample.update(sampled);
            if self.position < part.end {
                break;
            }
            self.hashes.push(std::mem::take(&mut self.sample).digest());
        }
    }

    /// Bytes seen so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The fingerprint. When the text had another length than promised it is
    /// that of no text: it equals no fingerprint of a text of either length.
    #[must_use]
    pub fn finish(mut self) -> Fingerprint {
        // An empty text has 16 empty samples, but maybe no update.
        self.update(&[]);
        let mut hashes = [0; PARTS as usize];
        for (to, from) in hashes.iter_mut().zip(&self.hashes) {
            *to = *from;
        }
        Fingerprint {
            samples: Samples {
                length: self.position,
                hashes,
            },
            hash: self.whole.digest128().to_le_bytes(),
        }
    }
}

/// What the file system says of a file: the first and cheapest test of
/// whether it may have changed.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub struct Stat {
    /// Length in bytes.
    pub length: u64,
    /// Time of the last change, in nanoseconds since 1970.
    pub mtime_ns: i128,
    /// The inode number, so that a file renamed over another one with the
    /// same length and time is noticed; 0 where there is none.
    pub inode: u64,
    /// When this was looked up, in nanoseconds since 1970.
    pub taken_ns: i128,
}

impl Stat {
    /// Looks at `path`, following links. `None` when there is nothing.
    ///
    /// # Errors
    /// [`Error::Io`], also when it is not a regular file.
    pub fn of(path: &Path) -> Result<Option<Stat>> {
        match std::fs::metadata(path) {
            Ok(meta) => Stat::from_metadata(&meta, path).map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("stat", path)(e)),
        }
    }

    /// What no file looks like.
    pub(super) fn of_no_file(length: u64) -> Stat {
        Stat {
            length,
            mtime_ns: 0,
            inode: 0,
            taken_ns: 0,
        }
    }

    /// Looks at an open file.
    ///
    /// # Errors
    /// [`Error::Io`], also when it is not a regular file.
    pub fn of_file(file: &File, path: &Path) -> Result<Stat> {
        let meta = file.metadata().map_err(Error::io("stat", path))?;
        Stat::from_metadata(&meta, path)
    }

    fn from_metadata(meta: &Metadata, path: &Path) -> Result<Stat> {
        if !meta.is_file() {
            let kind = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(Error::io("open", path)(kind));
        }
        let mtime = meta.modified().map_err(Error::io("stat", path))?;
        Ok(Stat {
            length: meta.len(),
            mtime_ns: nanoseconds(mtime),
            inode: inode(meta),
            taken_ns: nanoseconds(SystemTime::now()),
        })
    }

    /// Whether the two show no sign of a change between them.
    #[must_use]
    pub fn same(&self, other: &Stat) -> bool {
        let key = |s: &Stat| (s.length, s.mtime_ns, s.inode);
        key(self) == key(other)
    }

    /// Whether a change after this look would have got another time. File
    /// clocks tick: two changes within one tick have the same time, so that a
    /// look in between does not vouch for what the file holds later.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        // A time in whole seconds comes from a file system that has no finer
        // ones (FAT's are even); elsewhere a tick is at most 10 ms.
        let tick = if self.mtime_ns % 1_000_000_000 == 0 {
            Duration::from_secs(2)
        } else {
            Duration::from_millis(50)
        };
        self.taken_ns.saturating_sub(self.mtime_ns) > signed(tick)
    }
}

fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => signed(after),
        Err(before) => -signed(before.duration()),
    }
}

fn signed(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(unix)]
fn inode(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// A file that was read as a whole: what it held, and when.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// How it looked before it was read, and still looked afterwards.
    pub stat: Stat,
    /// What was read.
    pub fingerprint: Fingerprint,
}

impl Seen {
    /// Reads the file at `path`, again if it changes meanwhile.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::SourceBusy`] when it kept changing.
    pub fn read(path: &Path) -> Result<Seen> {
        for _ in 0..TRIES {
            let file = disk::open(path).map_err(Error::io("open", path))?;
            let stat = Stat::of_file(&file, path)?;
            let fingerprint = read(&file, stat.length);
            let fingerprint = fingerprint.map_err(Error::io("read", path))?;
            let after = Stat::of_file(&file, path)?;
            if after.same(&stat) && fingerprint.length() == stat.length {
                return Ok(Seen { stat, fingerprint });
            }
        }
        Err(busy(path, TRIES))
    }
}

fn busy(path: &Path, tries: u32) -> Error {
    Error::SourceBusy {
        path: path.to_owned(),
        tries,
    }
}

fn read(mut file: &File, length: u64) -> io::Result<Fingerprint> {
    // No more than there is: most stores are small.
    let mut buffer = vec![0; length.clamp(1, 1 << 20) as usize];
    let mut fingerprinter = Fingerprinter::new(length);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(fingerprinter.finish()),
            Ok(n) => fingerprinter.update(buffer.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests;
