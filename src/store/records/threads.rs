//! Printing a long collection on several threads.
//!
//! Its records are cut into ranges that begin with a block, so that no block is
//! decompressed twice. Threads take the ranges in turn and print ahead, each
//! into a short queue; the caller takes the text from the queues in order.

use std::{
    io::ErrorKind,
    num::NonZero,
    ops::Range,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, Scope},
};

use super::{EntryRef, RecordStore, RecordText, View, text::Walks};
use crate::{
    error::{Error, Result},
    segment::Printing,
    store::merge::Part,
};

/// More threads than this find little to do: one thread takes all their text.
const MAX_THREADS: usize = 8;
/// Blocks in a range: some 300 kB of records.
const BLOCKS: usize = 16;
/// Pieces of text in a queue.
const PIECES: usize = 4;

/// What a thread sends: pieces of text, and `None` at the end of each range.
type Piece = Result<Option<Vec<u8>>>;

/// A collection that lies in one segment, cut into ranges.
pub(super) struct Ranges<'s> {
    store: &'s RecordStore,
    part: Part<'s>,
    segment: usize,
    collection: u32,
    keyed: bool,
    list: Vec<Range<u32>>,
}

impl<'s> View<'s> {
    /// Cuts the collection. `None` where threads would not help, or cannot: it
    /// is short, lies in several segments or in memory, or has collections in its records,
    /// which are printed but once.
    pub(super) fn ranges(&self) -> Result<Option<Ranges<'s>>> {
        let &[(segment, collection)] = self.parts.as_slice() else {
            return Ok(None);
        };
        if self.pending.is_some_and(|changes| changes.len() > 0) {
            return Ok(None);
        }
        let indexed = self.store.segment(segment)?;
        if indexed.parents.contains(&collection) {
            return Ok(None);
        }
        let list = indexed.segment.ranges(collection, BLOCKS)?;
        Ok((list.len() > 1).then_some(Ranges {
            store: self.store,
            part: self.part(segment, collection)?,
            segment,
            collection,
            keyed: self.keyed,
            list,
        }))
    }
}

impl Ranges<'_> {
    /// Prints all records after the entry `first`, each behind a comma, with
    /// `printing` at their depth.
    pub(super) fn print(
        &self,
        first: u32,
        printing: &Printing,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = threads.clamp(1, MAX_THREADS).min(self.list.len());
        thread::scope(|scope| {
            let start = |n| self.start(scope, (n, threads), first, printing);
            let queues: Vec<_> = (0..threads).map(start).collect::<Result<_>>()?;
            for (_, queue) in self.list.iter().zip(queues.iter().cycle()) {
                // A thread that is gone without a word has panicked, which the
                // scope passes on.
                while let Some(text) = queue.recv().unwrap_or(Ok(None))? {
                    sink(&text)?;
                }
            }
            Ok(())
        })
    }

    /// Starts thread `n` of so many.
    fn start<'r>(
        &'r self,
        scope: &'r Scope<'r, '_>,
        (n, threads): (usize, usize),
        first: u32,
        printing: &Printing,
    ) -> Result<Receiver<Piece>> {
        let (pieces, queue) = sync_channel(PIECES);
        let printing = printing.again_at(printing.depth());
        let work = move || {
            let mut walks = Walks::default();
            for range in self.list.iter().skip(n).step_by(threads) {
                let end = match self.print_range(range, first, &printing, &mut walks, &pieces) {
                    Ok(()) => Ok(None),
                    Err(e) => Err(e),
                };
                let failed = end.is_err();
                // Where nobody listens any more there is no more to do.
                if pieces.send(end).is_err() || failed {
                    return;
                }
            }
        };
        let name = thread::Builder::new().name("twinstore-print".to_owned());
        let started = name.spawn_scoped(scope, work);
        started.map_err(|e| self.failed(e))?;
        Ok(queue)
    }

    fn print_range<'r>(
        &'r self,
        range: &Range<u32>,
        first: u32,
        printing: &Printing,
        walks: &mut Walks<'r>,
        pieces: &SyncSender<Piece>,
    ) -> Result<()> {
        let gone = |_| self.failed(ErrorKind::BrokenPipe.into());
        let mut sink = |text: &[u8]| pieces.send(Ok(Some(text.to_vec()))).map_err(gone);
        let mut text = RecordText::with(self.store, printing.again_at(printing.depth()), &mut sink);
        for entry in range.start.max(first + 1)..range.end {
            if self.part.is_live(entry)? {
                text.normal(b",")?;
                let entry = EntryRef {
                    segment: self.segment,
                    collection: self.collection,
                    entry,
                };
                text.entry(&entry, self.keyed, walks)?;
            }
        }
        text.finish()
    }

    fn failed(&self, error: std::io::Error) -> Error {
        match self.store.segment(self.segment) {
            Ok(indexed) => Error::io("print", indexed.segment.path().to_owned())(error),
            Err(e) => e,
        }
    }
}
