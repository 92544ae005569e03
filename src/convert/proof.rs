//! The proof that a twin prints its source: what it prints is compared with
//! the file, byte by byte, to the end.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use super::store_text::StoreText;
use crate::{
    error::{Error, Result},
    persist_dir::{Fingerprint, Fingerprinter},
};

/// Compares the text of `store` with the file at `path`, and makes the file's
/// fingerprint on the way. `progress` is told how far it has come.
///
/// # Errors
/// [`Error::NotIdentical`] at the first byte that differs; those of printing;
/// [`Error::Io`].
pub(crate) fn prove(store: &StoreText, path: &Path, progress: &dyn Fn(u64)) -> Result<Fingerprint> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let length = file.metadata().map_err(Error::io("stat", path))?.len();
    let mut source = BufReader::with_capacity(1 << 20, file);
    let mut fingerprinter = Fingerprinter::new(length);
    let mut buffer = Vec::new();
    store.print(&mut |printed| {
        buffer.resize(printed.len(), 0);
        let offset = fingerprinter.position();
        let read = read_full(&mut source, &mut buffer).map_err(Error::io("read", path))?;
        let expected = buffer.get(..read).unwrap_or_default();
        if expected != printed {
            let same = expected.iter().zip(printed).take_while(|(a, b)| a == b);
            return Err(differs(path, offset + same.count() as u64));
        }
        fingerprinter.update(printed);
        progress(fingerprinter.position());
        Ok(())
    })?;
    let mut rest = [0];
    if read_full(&mut source, &mut rest).map_err(Error::io("read", path))? > 0 {
        return Err(differs(path, fingerprinter.position()));
    }
    Ok(fingerprinter.finish())
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
