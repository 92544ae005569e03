//! The proof that a twin prints its source: what it prints is compared with
//! the file, byte by byte, to the end.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
};

use super::store_text::StoreText;
use crate::{
    disk,
    error::{Error, Result},
    persist_dir::{Fingerprint, Fingerprinter},
};

/// What is compared at a time, so that it stays in a processor's cache.
const PIECE: usize = 128 << 10;

/// Compares the text of `store` with the file at `path`, and makes the file's
/// fingerprint on the way. `progress` is told how far it has come.
///
/// Long texts are printed on several threads (`vector_store/entries.rs`,
/// `store/records/threads.rs`), while this one compares.
///
/// # Errors
/// [`Error::NotIdentical`] at the first byte that differs; those of printing;
/// [`Error::Io`].
pub(crate) fn prove(
    store: &StoreText,
    path: &Path,
    progress: &dyn Fn(u64) -> Result<()>,
) -> Result<Fingerprint> {
    let source = disk::open(path).map_err(Error::io("open", path))?;
    let length = source.metadata().map_err(Error::io("stat", path))?.len();
    let mut comparison = Comparison {
        source,
        path,
        fingerprinter: Fingerprinter::new(length),
        buffer: vec![0; PIECE],
    };
    store.print(&mut |text| {
        for piece in text.chunks(PIECE) {
            comparison.compare(piece)?;
        }
        progress(comparison.fingerprinter.position())
    })?;
    comparison.finish()
}

/// The side that reads, compares and hashes.
struct Comparison<'p> {
    source: File,
    path: &'p Path,
    fingerprinter: Fingerprinter,
    buffer: Vec<u8>,
}

impl Comparison<'_> {
    fn compare(&mut self, printed: &[u8]) -> Result<()> {
        let buffer = self.buffer.get_mut(..printed.len()).unwrap_or_default();
        let count = read_full(&mut self.source, buffer).map_err(Error::io("read", self.path))?;
        let expected = buffer.get(..count).unwrap_or_default();
        if expected != printed {
            let same = expected.iter().zip(printed).take_while(|(a, b)| a == b);
            let offset = self.fingerprinter.position() + same.count() as u64;
            return Err(self.differs(offset));
        }
        self.fingerprinter.update(printed);
        Ok(())
    }

    /// The fingerprint, unless the file goes on.
    fn finish(mut self) -> Result<Fingerprint> {
        let mut rest = [0];
        let more = read_full(&mut self.source, &mut rest);
        match more.map_err(Error::io("read", self.path))? {
            0 => Ok(self.fingerprinter.finish()),
            _ => Err(self.differs(self.fingerprinter.position())),
        }
    }

    fn differs(&self, offset: u64) -> Error {
        Error::NotIdentical {
            path: self.path.to_owned(),
            offset,
        }
    }
}

/// Fills `buffer` as far as the file goes.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
