//! The blocks of one file that were decompressed last, for whoever asks for their items
//! again.

use std::sync::Mutex;

use super::{format::Heap, read::Block};

/// Blocks that are kept of one file.
const MOST: usize = 16;
/// Larger blocks are not kept, so that a file has at most 1 MiB of them in memory.
const LARGEST: usize = 64 << 10;

/// Blocks that were decompressed and found sound; the one that was used last stands last.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Vec<Block>>);

impl Recent {
    /// The block of `heap` in which `item` begins, if it is kept. A file may say that two
    /// heaps have a block in common, and what must be true of a block depends on its heap:
    /// so none is given for another one.
    pub(super) fn get(&self, heap: &Heap, item: u64) -> Option<Block> {
        if item >= heap.items {
            return None;
        }
        self.with(|blocks| {
            let mut known = blocks.iter();
            let at = known.rposition(|block| block.of == Some(*heap) && block.has(item))?;
            blocks.get_mut(at..)?.rotate_left(1);
            blocks.last().cloned()
        })
    }

    /// Keeps a block, for which the one goes that was not used for longest.
    pub(super) fn put(&self, block: &Block) {
        if block.size() > LARGEST {
            return;
        }
        // What goes is freed when others can look again.
        let _gone = self.with(|blocks| {
            let known = |other: &Block| other.of == block.of && other.number == block.number;
            if blocks.iter().any(known) {
                return None;
            }
            let gone = (blocks.len() == MOST).then(|| blocks.remove(0));
            blocks.push(block.clone());
            gone
        });
    }

    /// Nobody waits for what is only faster, and in a process that was forked, the lock may
    /// be that of a thread that is not there.
    fn with<T>(&self, look: impl FnOnce(&mut Vec<Block>) -> Option<T>) -> Option<T> {
        self.0
            .try_lock()
            .ok()
            .and_then(|mut blocks| look(&mut blocks))
    }

    /// How many blocks are kept, and in how many bytes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        let blocks = self.0.lock().unwrap();
        (blocks.len(), blocks.iter().map(Block::size).sum())
    }

    #[cfg(test)]
    pub(super) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}
