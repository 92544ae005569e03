//! Dictionaries that stay in memory from one question to the next, and the entries of
//! their values.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use super::{
    codes::CodeRun,
    postings::Postings,
    read::{Columns, Values},
};
use crate::{blocks::Heap, error::Result};

/// Dictionaries that were read once and are kept for the next question, and from the
/// second question on which entries have their codes: the first that fit.
#[derive(Debug)]
pub(super) struct Kept {
    values: Vec<OnceLock<Values>>,
    postings: Vec<OnceLock<Postings>>,
    /// Bytes that may still be kept.
    pub(super) room: AtomicU64,
}

impl Kept {
    /// What is kept of one file.
    const ROOM: u64 = 8 << 20;

    pub(super) fn new(storages: usize) -> Kept {
        Kept {
            values: (0..storages).map(|_| OnceLock::new()).collect(),
            postings: (0..storages).map(|_| OnceLock::new()).collect(),
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
        let load = || Values::load(&mut self.cursor(*heap), heap.items);
        self.kept.put(kept, size, load)
    }

    /// Which entries have each code of a dictionary of so many values, if that is kept or
    /// can be. The same as its codes, for who asks again: to make it takes as long as to go
    /// over them a few times.
    pub(super) fn keep_postings(
        &self,
        storage: u32,
        run: &CodeRun,
        values: u64,
    ) -> Result<Option<&Postings>> {
        let Some(kept) = self.kept.postings.get(storage as usize) else {
            return Ok(None);
        };
        if let Some(postings) = kept.get() {
            return Ok(Some(postings));
        }
        let codes = values.saturating_add(1);
        let size = Postings::memory_of(run.codes.count, codes);
        let make = || Postings::of(run, usize::try_from(codes).unwrap_or(usize::MAX));
        self.kept.put(kept, size, make)
    }
}

impl Kept {
    /// Puts what `make` gives, so many bytes, into `place` if there is room.
    fn put<'k, T>(
        &self,
        place: &'k OnceLock<T>,
        size: u64,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Option<&'k T>> {
        let take = |room: u64| room.checked_sub(size);
        let taken = (self.room).fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        if taken.is_err() {
            return Ok(None);
        }
        let give_back = || self.room.fetch_add(size, Ordering::Relaxed);
        let made = make().inspect_err(|_| {
            give_back();
        })?;
        // Another thread may have been faster.
        if place.set(made).is_err() {
            give_back();
        }
        Ok(place.get())
    }
}
