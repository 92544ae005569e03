//! Threads that compress blocks. Results come back in the order in which the
//! blocks were handed over, so that files do not depend on who was faster.
//!
//! The blocks of a short file are compressed by the thread that asks for the results:
//! starting another takes longer, and most files that a commit writes are short.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread::{self, JoinHandle},
};

/// More threads than this find little to do: one thread feeds them all.
const MAX_THREADS: usize = 8;
/// Bytes of blocks in flight. So many that the thread that fills blocks need
/// not wait while the first of the others makes a dictionary.
const IN_FLIGHT: usize = 16 << 20;

/// As long as all blocks together are no longer than this, there are no threads.
const SHORT: usize = if cfg!(test) { 64 } else { 64 << 10 };

/// What one thread does with a block.
pub(super) type Work = Box<dyn FnMut(&[u8]) -> io::Result<Vec<u8>>>;
/// Sets a thread up, within that thread.
pub(super) type SetUp = dyn Fn() -> io::Result<Work> + Send + Sync;

/// The threads of one sink; none as long as there is little to do.
pub(super) struct Workers {
    set_up: Arc<SetUp>,
    /// 0 as long as nobody has asked the system.
    threads: usize,
    workers: Vec<Worker>,
    /// All blocks in flight, before there are threads.
    waiting: VecDeque<Vec<u8>>,
    /// How many bytes were handed over before there are threads.
    before: usize,
    /// What this thread does with them.
    own: Option<Work>,
    /// To which worker each block in flight went, and its length; oldest
    /// first.
    in_flight: VecDeque<(usize, usize)>,
    /// Their length together.
    bytes: usize,
    turn: usize,
}

struct Worker {
    blocks: Sender<Vec<u8>>,
    results: Receiver<io::Result<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Workers {
    pub(super) fn new(set_up: Arc<SetUp>) -> Workers {
        Workers::with_threads(0, set_up)
    }

    pub(super) fn with_threads(threads: usize, set_up: Arc<SetUp>) -> Workers {
        Workers {
            set_up,
            threads: threads.min(MAX_THREADS),
            workers: Vec::new(),
            waiting: VecDeque::new(),
            before: 0,
            own: None,
            in_flight: VecDeque::new(),
            bytes: 0,
            turn: 0,
        }
    }

    /// Hands a block over. Where enough are in flight, waits for the oldest
    /// first and returns its result; otherwise returns it if it is there.
    pub(super) fn submit(&mut self, block: Vec<u8>) -> io::Result<Option<Vec<u8>>> {
        if self.workers.is_empty() {
            self.before = self.before.saturating_add(block.len());
            if self.before <= SHORT {
                self.in_flight.push_back((0, block.len()));
                self.bytes += block.len();
                self.waiting.push_back(block);
                return Ok(None);
            }
            self.in_flight.clear();
            self.bytes = 0;
            for waiting in std::mem::take(&mut self.waiting) {
                self.send(waiting)?;
            }
        }
        let oldest = if self.bytes >= IN_FLIGHT {
            self.next()?
        } else {
            self.finished()?
        };
        self.send(block)?;
        Ok(oldest)
    }

    fn send(&mut self, block: Vec<u8>) -> io::Result<()> {
        let length = block.len();
        self.worker()?.blocks.send(block).map_err(|_| gone())?;
        self.in_flight.push_back((self.turn, length));
        self.bytes += length;
        self.turn += 1;
        Ok(())
    }

    /// The worker whose turn it is, which is started where it is not there yet.
    fn worker(&mut self) -> io::Result<&Worker> {
        if self.threads == 0 {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            self.threads = threads.min(MAX_THREADS);
        }
        self.turn %= self.threads;
        if self.turn == self.workers.len() {
            match Worker::start(Arc::clone(&self.set_up)) {
                Ok(worker) => self.workers.push(worker),
                // Those that did start are enough.
                Err(_) if !self.workers.is_empty() => {
                    self.threads = self.workers.len();
                    self.turn = 0;
                }
                Err(e) => return Err(e),
            }
        }
        self.workers.get(self.turn).ok_or_else(gone)
    }

    /// The result of the oldest block in flight, once it is there.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((turn, length)) = self.in_flight.pop_front() else {
            return Ok(None);
        };
        self.bytes -= length;
        if let Some(block) = self.waiting.pop_front() {
            let work = match &mut self.own {
                Some(work) => work,
                none => none.insert((self.set_up)()?),
            };
            return work(&block).map(Some);
        }
        let worker = self.workers.get(turn).ok_or_else(gone)?;
        // A thread that panicked has dropped its end.
        worker.results.recv().map_err(|_| gone())?.map(Some)
    }

    /// The result of the oldest block in flight, if it is there.
    fn finished(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(&(turn, length)) = self.in_flight.front() else {
            return Ok(None);
        };
        let worker = self.workers.get(turn).ok_or_else(gone)?;
        match worker.results.try_recv() {
            Ok(result) => {
                self.in_flight.pop_front();
                self.bytes -= length;
                result.map(Some)
            }
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(gone()),
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("a thread that compresses ended early")
}

impl Worker {
    fn start(set_up: Arc<SetUp>) -> io::Result<Worker> {
        let (blocks, queue) = channel::<Vec<u8>>();
        let (sender, results) = channel();
        let name = thread::Builder::new().name("twinstore-compress".to_owned());
        let thread = name.spawn(move || {
            let mut work = match set_up() {
                Ok(work) => work,
                Err(e) => return drop(sender.send(Err(e))),
            };
            while let Ok(block) = queue.recv() {
                if sender.send(work(&block)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Worker {
            blocks,
            results,
            thread,
        })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // All are told first: each ends at the latest after its present block.
        let threads = self.workers.drain(..).map(|worker| worker.thread);
        for thread in threads.collect::<Vec<_>>() {
            // A panic has shown as an error already, or nobody wants the result.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubling() -> Arc<SetUp> {
        Arc::new(|| {
            let mut done = 0;
            Ok(Box::new(move |block: &[u8]| {
                done += 1;
                match block {
                    b"panic" => panic!("asked for"),
                    b"fail" => Err(io::ErrorKind::OutOfMemory.into()),
                    // Some are slower than others.
                    _ if block.len() % 3 == done % 3 => {
                        thread::sleep(std::time::Duration::from_micros(200));
                        Ok(block.repeat(2))
                    }
                    _ => Ok(block.repeat(2)),
                }
            }))
        })
    }

    #[test]
    fn results_come_in_the_order_of_the_blocks() {
        for threads in [1, 2, 5, 100] {
            let mut workers = Workers::with_threads(threads, doubling());
            let mut results = Vec::new();
            for n in 0..200_u8 {
                results.extend(workers.submit(vec![n; usize::from(n)]).unwrap());
                assert!(workers.bytes <= IN_FLIGHT + 256);
            }
            while let Some(result) = workers.next().unwrap() {
                results.push(result);
            }
            let expected: Vec<_> = (0..200_u8).map(|n| vec![n; usize::from(n) * 2]).collect();
            assert!(results == expected, "{threads}");
        }
    }

    #[test]
    fn no_thread_starts_for_a_little() {
        let mut workers = Workers::with_threads(8, doubling());
        let short = vec![1; SHORT / 4];
        for _ in 0..2 {
            workers.submit(short.clone()).unwrap();
            workers.submit(short.clone()).unwrap();
            assert_eq!(workers.next().unwrap(), Some(short.repeat(2)));
            assert_eq!(workers.next().unwrap(), Some(short.repeat(2)));
            assert_eq!(workers.next().unwrap(), None);
        }
        assert_eq!(workers.workers.len(), 0);
        workers.submit(vec![2]).unwrap();
        assert_eq!(workers.workers.len(), 1);
    }

    #[test]
    fn what_waited_for_threads_comes_first() {
        let mut workers = Workers::with_threads(8, doubling());
        for n in 0..4 {
            assert_eq!(workers.submit(vec![n]).unwrap(), None);
        }
        let first = workers.submit(vec![4; SHORT]).unwrap();
        assert_eq!(workers.workers.len(), 5);
        let mut results: Vec<_> = first.into_iter().collect();
        while let Some(result) = workers.next().unwrap() {
            results.push(result);
        }
        let expected: Vec<_> = (0..4).map(|n| vec![n; 2]).collect();
        assert_eq!(results[..4], expected);
        assert_eq!(results[4], vec![4; 2 * SHORT]);
    }

    #[test]
    fn a_thread_that_fails_or_panics_is_an_error() {
        for block in [&b"panic"[..], b"fail"] {
            let mut workers = Workers::with_threads(2, doubling());
            let mut failed = false;
            for n in 0..100 {
                let block = if n == 20 { block.to_vec() } else { vec![n] };
                failed |= workers.submit(block).is_err();
            }
            while let Some(result) = workers.next().transpose() {
                failed |= result.is_err();
            }
            assert!(failed);
        }
        let mut workers = Workers::with_threads(2, Arc::new(|| Err(io::ErrorKind::Other.into())));
        workers.submit(vec![1]).unwrap();
        assert!(workers.next().is_err());
    }
}
