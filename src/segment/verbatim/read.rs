//! Reading a verbatim segment back.

use std::{ops::Range, sync::Arc};

use xxhash_rust::xxh3::Xxh3;

use super::{PIECE, VerbatimMeta};
use crate::{
    blocks::{Blocks, Cursor},
    container::{Container, SectionKind},
    error::{Fault, Result},
};

/// Takes where a piece stands in the file, and its bytes.
pub(crate) type EachPiece<'e> = dyn FnMut(Range<u64>, Result<&[u8]>) -> Result<()> + 'e;

/// A file, as it was when it was packed.
#[derive(Debug)]
pub struct VerbatimSegment {
    file: Arc<Container>,
    meta: VerbatimMeta,
    blocks: Blocks,
}

impl VerbatimSegment {
    /// Takes an open container of kind [`Verbatim`](crate::container::FileKind).
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) when its sections do not fit
    /// each other.
    pub fn open(file: Arc<Container>) -> Result<VerbatimSegment> {
        file.only_sections(&[
            SectionKind::BLOCKS,
            SectionKind::BLOCK_INDEX,
            SectionKind::META,
        ])?;
        let meta: VerbatimMeta = file.metadata()?;
        let blocks = Blocks::open(&file)?;
        blocks.admit(&meta.pieces)?;
        if meta.pieces.items != meta.length.div_ceil(PIECE as u64) {
            let span = file.require(SectionKind::META)?;
            return Err(file.damaged(span, 0, Fault::Bounds("number of pieces")));
        }
        Ok(VerbatimSegment { file, meta, blocks })
    }

    /// Length of the packed file.
    #[must_use]
    pub fn text_len(&self) -> u64 {
        self.meta.length
    }

    /// Hands each piece, or why it cannot be read, to `each`, with where it
    /// begins and ends in the file. Says whether they are the file.
    ///
    /// # Errors
    /// What `each` returns.
    pub(crate) fn each_piece(&self, each: &mut EachPiece<'_>) -> Result<bool> {
        let mut cursor = Cursor::new(&self.blocks, self.meta.pieces, PIECE as u64);
        let mut hash = Xxh3::new();
        let mut begin = 0;
        let mut whole = true;
        for piece in 0..self.meta.pieces.items {
            let end = (begin + PIECE as u64).min(self.meta.length);
            let mut bytes = cursor.get(piece);
            match &bytes {
                Ok(read) if read.len() as u64 == end - begin => hash.update(read),
                Ok(_) => bytes = Err(self.blocks.damaged(piece, Fault::Bounds("a piece"))),
                Err(_) => {}
            }
            whole &= bytes.is_ok();
            each(begin..end, bytes)?;
            begin = end;
        }
        Ok(whole && hash.digest128().to_le_bytes() == self.meta.hash)
    }

    /// Hands the file's bytes to `sink`, piece by piece.
    ///
    /// # Errors
    /// What `sink` returns; [`Error::Damaged`](crate::Error::Damaged), at the
    /// latest at the end, when the bytes are not those that were packed.
    pub fn print(&self, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut cursor = Cursor::new(&self.blocks, self.meta.pieces, PIECE as u64);
        let mut hash = Xxh3::new();
        let mut length = 0_u64;
        for piece in 0..self.meta.pieces.items {
            let bytes = cursor.get(piece)?;
            hash.update(bytes);
            length += bytes.len() as u64;
            sink(bytes)?;
        }
        if length != self.meta.length || hash.digest128().to_le_bytes() != self.meta.hash {
            let span = self.file.require(SectionKind::BLOCKS)?;
            return Err(self.file.damaged(span, 0, Fault::Content));
        }
        Ok(())
    }
}
