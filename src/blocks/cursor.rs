//! Reading the items of a heap: from blocks to items.

use super::{
    format::Heap,
    read::{Block, Blocks},
};
use crate::error::{Fault, Result};

/// Reads items of one heap, keeping the block that was used last: a walk in
/// order decompresses each block once.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    blocks: &'a Blocks,
    heap: Heap,
    /// No longer item is put together.
    limit: u64,
    block: Block,
    /// The item of several blocks that was put together last.
    whole: Vec<u8>,
    whole_item: Option<u64>,
}

impl<'a> Cursor<'a> {
    /// A cursor over an admitted heap. [`get`](Self::get) refuses items of
    /// over `limit` bytes.
    pub(crate) fn new(blocks: &'a Blocks, heap: Heap, limit: u64) -> Cursor<'a> {
        Cursor {
            blocks,
            heap,
            limit,
            block: Block::default(),
            whole: Vec::new(),
            whole_item: None,
        }
    }

    /// A whole item.
    pub(crate) fn get(&mut self, item: u64) -> Result<&[u8]> {
        if self.whole_item == Some(item) {
            return Ok(&self.whole);
        }
        self.enter(item)?;
        if self.may_go_on(item)? {
            self.put_together(item)?;
            return Ok(&self.whole);
        }
        let bytes = self.block.item(item).unwrap_or_default();
        if bytes.len() as u64 > self.limit {
            return Err(self.too_long());
        }
        Ok(bytes)
    }

    /// A whole item, if it lies in one block for certain. `None` says that it
    /// may go on in the next one.
    pub(crate) fn within_block(&mut self, item: u64) -> Result<Option<&[u8]>> {
        self.enter(item)?;
        if self.block.ends_with(item) {
            return Ok(None);
        }
        Ok(Some(self.block.item(item).unwrap_or_default()))
    }

    /// The pieces of an item, one at a time.
    pub(crate) fn parts(&mut self, item: u64) -> ItemParts<'_, 'a> {
        ItemParts {
            cursor: self,
            item,
            next: Next::Begin,
        }
    }

    /// Makes the block in which `item` begins the present one.
    fn enter(&mut self, item: u64) -> Result<()> {
        if self.block.has(item) {
            return Ok(());
        }
        let recent = &self.blocks.recent;
        if let Some(block) = recent.get(&self.heap, item) {
            self.block = block;
            return Ok(());
        }
        let before = self.block.of.map(|_| self.block.number);
        self.blocks
            .read_block_of(&self.heap, item, &mut self.block)?;
        // Who walks on needs none of these blocks again, and would drive out those that
        // others look into.
        if before.is_none_or(|before| self.block.number != before + 1) {
            recent.put(&self.block);
        }
        Ok(())
    }

    /// Whether the next block may continue `item`, which begins in this one.
    fn may_go_on(&self, item: u64) -> Result<bool> {
        let next = self.block.number + 1;
        let end = u64::from(self.heap.first_block) + u64::from(self.heap.blocks);
        Ok(self.block.ends_with(item) && next < end && self.blocks.entry(next)?.items == 0)
    }

    fn put_together(&mut self, item: u64) -> Result<()> {
        self.whole_item = None;
        let mut whole = std::mem::take(&mut self.whole);
        whole.clear();
        let limit = self.limit;
        let mut parts = self.parts(item);
        while let Some(part) = parts.next()? {
            if (whole.len() + part.len()) as u64 > limit {
                return Err(self.too_long());
            }
            whole.extend_from_slice(part);
        }
        self.whole = whole;
        self.whole_item = Some(item);
        Ok(())
    }

    fn too_long(&self) -> crate::Error {
        let fault = Fault::Bounds("length of an item");
        self.blocks.damaged(self.block.number, fault)
    }
}

/// An item, piece by piece, with one block in memory: for items of any length.
#[derive(Debug)]
pub(crate) struct ItemParts<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    item: u64,
    next: Next,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Begin,
    /// The block of that number, if it continues the item.
    Block(u64),
    End,
}

impl ItemParts<'_, '_> {
    /// The next piece, or `None` at the end. An item of one block is one
    /// piece.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>> {
        let cursor = &mut *self.cursor;
        match self.next {
            Next::End => Ok(None),
            Next::Begin => {
                cursor.enter(self.item)?;
                self.next = if cursor.block.ends_with(self.item) {
                    Next::Block(cursor.block.number + 1)
                } else {
                    Next::End
                };
                Ok(Some(cursor.block.item(self.item).unwrap_or_default()))
            }
            Next::Block(number) => {
                let (heap, block) = (&cursor.heap, &mut cursor.block);
                if !cursor
                    .blocks
                    .continue_item(heap, self.item, number, block)?
                {
                    self.next = Next::End;
                    return Ok(None);
                }
                self.next = Next::Block(number + 1);
                Ok(Some(block.bytes()))
            }
        }
    }
}
