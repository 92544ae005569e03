//! Writing a verbatim segment from a stream.

use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::{PIECE, VerbatimMeta};
use crate::{
    blocks::{BlockSink, HeapWriter},
    bytes::Spill,
    container::{ContainerWriter, FileKind, Written},
    error::Result,
};

/// A verbatim segment being written.
pub(crate) struct VerbatimWriter {
    out: ContainerWriter,
    sink: BlockSink,
    pieces: HeapWriter,
    pending: Vec<u8>,
    hash: Xxh3,
    length: u64,
}

impl VerbatimWriter {
    /// Creates the file at `path`; temporary files go to `spills`.
    pub(crate) fn create(path: &Path, spills: &Path) -> Result<VerbatimWriter> {
        Ok(VerbatimWriter {
            out: ContainerWriter::create(path, FileKind::Verbatim)?,
            sink: BlockSink::new(Spill::new(spills)),
            pieces: HeapWriter::default(),
            pending: Vec::with_capacity(PIECE),
            hash: Xxh3::new(),
            length: 0,
        })
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = PIECE - self.pending.len();
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == PIECE {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.pieces.push(&self.pending, &mut self.sink)?;
        self.pending.clear();
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Written> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        let meta = VerbatimMeta {
            length: self.length,
            hash: self.hash.digest128().to_le_bytes(),
            pieces: self.pieces.finish(&mut self.sink)?,
        };
        self.sink.finish(&mut self.out)?;
        self.out.metadata(&meta)?;
        self.out.finish()
    }
}
