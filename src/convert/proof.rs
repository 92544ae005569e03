//! The proof that a twin prints its source: what it prints is compared with
//! the file, byte by byte, to the end.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read},
    panic::resume_unwind,
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use super::store_text::StoreText;
use crate::{
    error::{Error, Result},
    persist_dir::{Fingerprint, Fingerprinter},
};

/// Pieces that are printed ahead.
const PIECES: usize = 4;

/// Compares the text of `store` with the file at `path`, and makes the file's
/// fingerprint on the way. `progress` is told how far it has come.
///
/// # Errors
/// [`Error::NotIdentical`] at the first byte that differs; those of printing;
/// [`Error::Io`].
pub(crate) fn prove(
    store: &StoreText,
    path: &Path,
    progress: &dyn Fn(u64) -> Result<()>,
) -> Result<Fingerprint> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let mut comparison = Comparison {
        length: file.metadata().map_err(Error::io("stat", path))?.len(),
        source: BufReader::with_capacity(1 << 20, file),
        path,
    };
    thread::scope(|scope| {
        let (pieces, printed) = sync_channel(PIECES);
        let comparing = scope.spawn(move || comparison.run(&printed));
        let mut position = 0;
        let printing = store.print(&mut |piece| {
            position += piece.len() as u64;
            progress(position)?;
            // Nobody listens any more where a difference was found.
            let sent = pieces.send(piece.to_vec());
            sent.map_err(|_| Error::io("compare", path)(ErrorKind::BrokenPipe.into()))
        });
        drop(pieces);
        let compared = comparing
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic));
        // A difference is the reason why printing stopped; other trouble with
        // printing comes first.
        match (printing, compared) {
            (_, Err(e)) => Err(e),
            (Err(e), Ok(_)) => Err(e),
            (Ok(()), Ok(fingerprint)) => fingerprint.ok_or_else(|| differs(path, position)),
        }
    })
}

/// The side that compares: reading, comparing and hashing take as long as
/// printing does.
struct Comparison<'p> {
    source: BufReader<File>,
    length: u64,
    path: &'p Path,
}

impl Comparison<'_> {
    /// Compares all pieces with the file. `None` where the file goes on after
    /// the last of them.
    fn run(&mut self, printed: &Receiver<Vec<u8>>) -> Result<Option<Fingerprint>> {
        let read = || Error::io("read", self.path);
        let mut fingerprinter = Fingerprinter::new(self.length);
        let mut buffer = Vec::new();
        while let Ok(piece) = printed.recv() {
            buffer.resize(piece.len(), 0);
            let count = read_full(&mut self.source, &mut buffer).map_err(read())?;
            let expected = buffer.get(..count).unwrap_or_default();
            if expected != piece {
                let same = expected.iter().zip(&piece).take_while(|(a, b)| a == b);
                let offset = fingerprinter.position() + same.count() as u64;
                return Err(differs(self.path, offset));
            }
            fingerprinter.update(&piece);
        }
        let mut rest = [0];
        let more = read_full(&mut self.source, &mut rest).map_err(read())?;
        Ok((more == 0).then(|| fingerprinter.finish()))
    }
}

fn differs(path: &Path, offset: u64) -> Error {
    Error::NotIdentical {
        path: path.to_owned(),
        offset,
    }
}

/// Fills `buffer` as far as the file goes.
fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
