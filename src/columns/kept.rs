//! Dictionaries that stay in memory from one question to the next.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use super::read::{Columns, Values};
use crate::{blocks::Heap, error::Result};

/// Dictionaries that were read once and are kept for the next question: the
/// first that fit.
#[derive(Debug)]
pub(super) struct Kept {
    values: Vec<OnceLock<Values>>,
    /// Bytes that may still be kept.
    pub(super) room: AtomicU64,
}

impl Kept {
    /// What is kept of one file.
    const ROOM: u64 = 8 << 20;

    pub(super) fn new(storages: usize) -> Kept {
        Kept {
            values: (0..storages).map(|_| OnceLock::new()).collect(),
            room: AtomicU64::new(Kept::ROOM),
        }
    }

    /// The values of a dictionary, if they are kept.
    pub(super) fn get(&self, storage: u32) -> Option<&Values> {
        self.values.get(storage as usize)?.get()
    }
}

impl Columns {
    /// The values of a dictionary, if they are kept or can be.
    pub(super) fn keep(&self, storage: u32, heap: &Heap) -> Result<Option<&Values>> {
        let Some(kept) = self.kept.values.get(storage as usize) else {
            return Ok(None);
        };
        if let Some(values) = kept.get() {
            return Ok(Some(values));
        }
        let size = self.memory_of(heap)?;
        let room = &self.kept.room;
        let take = |room: u64| room.checked_sub(size);
        if room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_err()
        {
            return Ok(None);
        }
        let give_back = || room.fetch_add(size, Ordering::Relaxed);
        let loaded = Values::load(&mut self.cursor(*heap), heap.items);
        let values = loaded.inspect_err(|_| {
            give_back();
        })?;
        // Another thread may have been faster.
        if kept.set(values).is_err() {
            give_back();
        }
        Ok(kept.get())
    }
}
