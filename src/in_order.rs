//! Work on several threads whose outcomes are taken in the order of the items, so
//! that what is written does not depend on who was faster.
//!
//! One thread, the caller's, makes the items and takes the outcomes; it is for what
//! must happen in order: reading, writing, noting. The others do the work. Few items
//! are under way at any time, so memory is bounded.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, Scope},
};

use crate::error::Result;

/// More threads than this find little to do: one thread feeds them all.
const MAX_THREADS: usize = 8;
/// Items under way for each thread: one that it works at, one that waits.
const AHEAD: usize = 2;

/// What the caller's thread does.
pub(crate) trait InOrder {
    /// What is worked at.
    type Item: Send;
    /// What becomes of it.
    type Outcome: Send;

    /// The next item; `None` after the last.
    ///
    /// # Errors
    /// Whatever ends the work.
    fn next(&mut self) -> Result<Option<Self::Item>>;

    /// Takes the outcome of the oldest item, and says whether to go on.
    ///
    /// # Errors
    /// Whatever ends the work.
    fn take(&mut self, outcome: Self::Outcome) -> Result<ControlFlow<()>>;
}

/// Has all items worked at. `worker` is asked for each thread for what does the work
/// there, with whatever it keeps from item to item, and is told how many threads there
/// are at most. Each gets items in ascending order. A single item is worked at by the
/// caller's thread.
///
/// # Errors
/// Those of `caller`, at once.
pub(crate) fn in_order<C: InOrder, W>(
    caller: &mut C,
    worker: impl Fn(usize) -> W + Sync,
) -> Result<()>
where
    W: FnMut(C::Item) -> C::Outcome,
{
    let Some(first) = caller.next()? else {
        return Ok(());
    };
    let Some(second) = caller.next()? else {
        return caller.take(worker(1)(first)).map(drop);
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS);
    thread::scope(|scope| {
        let mut crew = Crew::new(scope, &worker, threads);
        let mut items = [first, second].into_iter();
        let mut ended = false;
        loop {
            while !ended && crew.under_way.len() < threads * AHEAD {
                match items
                    .next()
                    .map_or_else(|| caller.next(), |item| Ok(Some(item)))?
                {
                    Some(item) => crew.submit(item),
                    None => ended = true,
                }
            }
            let Some(outcome) = crew.under_way.pop_front() else {
                return Ok(());
            };
            // A thread that is gone without a word has panicked, which the scope
            // passes on.
            let Ok(outcome) = outcome.recv() else {
                return Ok(());
            };
            if caller.take(outcome)?.is_break() {
                return Ok(());
            }
        }
    })
}

/// An item, and where its outcome goes.
type Job<I, O> = (I, SyncSender<O>);

/// The threads that work.
struct Crew<'s, 'e, F, I, O> {
    scope: &'s Scope<'s, 'e>,
    worker: &'s F,
    /// How many there may be, and are.
    threads: usize,
    started: usize,
    jobs: Sender<Job<I, O>>,
    queue: Arc<Mutex<Receiver<Job<I, O>>>>,
    /// Where the outcomes of the items under way come out; oldest first.
    under_way: VecDeque<Receiver<O>>,
}

impl<'s, 'e, F, W, I, O> Crew<'s, 'e, F, I, O>
where
    F: Fn(usize) -> W + Sync,
    W: FnMut(I) -> O,
    I: Send + 's,
    O: Send + 's,
{
    fn new(scope: &'s Scope<'s, 'e>, worker: &'s F, threads: usize) -> Crew<'s, 'e, F, I, O> {
        let (jobs, queue) = channel();
        Crew {
            scope,
            worker,
            threads,
            started: 0,
            jobs,
            queue: Arc::new(Mutex::new(queue)),
            under_way: VecDeque::new(),
        }
    }

    /// Hands an item over. Starts another thread for it, where that may be.
    fn submit(&mut self, item: I) {
        let (outcome, place) = sync_channel(1);
        if self.started < self.threads && self.start() {
            self.started += 1;
        }
        self.under_way.push_back(place);
        if self.started > 0 {
            // There is always somebody who listens: the queue is in this struct.
            let _ = self.jobs.send((item, outcome));
        } else {
            // The system has no thread to give.
            let _ = outcome.send((self.worker)(1)(item));
        }
    }

    fn start(&self) -> bool {
        let (worker, threads, queue) = (self.worker, self.threads, Arc::clone(&self.queue));
        let name = thread::Builder::new().name("twinstore-work".to_owned());
        let work = move || {
            let mut work = worker(threads);
            loop {
                let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((item, outcome)) = job else {
                    return;
                };
                // Where nobody waits any more there is no more to do.
                if outcome.send(work(item)).is_err() {
                    return;
                }
            }
        };
        name.spawn_scoped(self.scope, work).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;
    use crate::error::Error;

    /// Numbers up to `end`, doubled; stops at `stop`.
    struct Numbers {
        next: usize,
        end: usize,
        stop: Option<usize>,
        fail: Option<usize>,
        taken: Vec<usize>,
    }

    impl Numbers {
        fn up_to(end: usize) -> Numbers {
            Numbers {
                next: 0,
                end,
                stop: None,
                fail: None,
                taken: Vec::new(),
            }
        }
    }

    impl InOrder for Numbers {
        type Item = usize;
        type Outcome = usize;

        fn next(&mut self) -> Result<Option<usize>> {
            let under_way = self.next - self.taken.len();
            assert!(under_way <= MAX_THREADS * AHEAD);
            let item = (self.next < self.end).then_some(self.next);
            self.next += usize::from(item.is_some());
            Ok(item)
        }

        fn take(&mut self, outcome: usize) -> Result<ControlFlow<()>> {
            if self.fail == Some(outcome) {
                return Err(Error::Stopped);
            }
            self.taken.push(outcome);
            Ok(match self.stop == Some(outcome) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
        }
    }

    fn doubling(_: usize) -> impl FnMut(usize) -> usize {
        |item| {
            // Some are slower than others.
            if item.is_multiple_of(3) {
                thread::sleep(Duration::from_micros(200));
            }
            item * 2
        }
    }

    #[test]
    fn outcomes_are_taken_in_the_order_of_the_items() {
        for end in [0, 1, 2, 3, 200] {
            let mut numbers = Numbers::up_to(end);
            in_order(&mut numbers, doubling).unwrap();
            let expected: Vec<_> = (0..end).map(|n| n * 2).collect();
            assert_eq!(numbers.taken, expected);
        }
    }

    #[test]
    fn whoever_takes_may_end_it() {
        let mut numbers = Numbers::up_to(200);
        numbers.stop = Some(40);
        in_order(&mut numbers, doubling).unwrap();
        assert_eq!(numbers.taken.len(), 21);
        assert!(numbers.next < 100);
        let mut numbers = Numbers::up_to(200);
        numbers.fail = Some(40);
        assert!(matches!(
            in_order(&mut numbers, doubling),
            Err(Error::Stopped)
        ));
        assert_eq!(numbers.taken.len(), 20);
    }

    #[test]
    fn each_thread_gets_items_in_ascending_order() {
        let made = AtomicUsize::new(0);
        let worker = |threads: usize| {
            assert!(made.fetch_add(1, Ordering::Relaxed) < threads);
            let mut last = None;
            move |item| {
                assert!(last.replace(item) < Some(item));
                item
            }
        };
        in_order(&mut Numbers::up_to(100), worker).unwrap();
        assert!(made.into_inner() > 0);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_passed_on() {
        let worker = |_| {
            |item: usize| {
                if item == 20 {
                    panic!("asked for")
                } else {
                    item
                }
            }
        };
        let _ = in_order(&mut Numbers::up_to(100), worker);
    }
}
