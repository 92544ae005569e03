//! Forking while other threads are at work.
//!
//! A forked process has the thread that forked and no other. What another thread had
//! locked stays locked there for ever, and the next query would wait for it. So a fork
//! waits until no thread is at work in here, and who comes meanwhile waits for the fork:
//! with busy threads there might never be such a moment otherwise.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// How many calls are at work without the GIL. Changed under the GIL only, which
/// whoever forks has, too.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// How many threads want to fork, or are about to. Changed under the GIL, too.
static FORKS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// How many of the calls at work are this thread's: what is called back from one, as
    /// progress is, may call again, and must not wait for a fork that waits for it.
    static MINE: Cell<usize> = const { Cell::new(0) };
}

/// How long a fork waits, and how long others wait for it: a thread may be writing
/// gigabytes, or fork itself while a query of its own is waiting for it.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(1);

/// Does work that may lock something, without the GIL.
pub(crate) fn without_gil<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    let _at_work = AtWork::begin(py);
    py.detach(work)
}

/// A call that is counted; it ends under the GIL, also where it panics.
struct AtWork;

impl AtWork {
    fn begin(py: Python<'_>) -> AtWork {
        if MINE.get() == 0 {
            wait_while(py, || FORKS.load(Ordering::Relaxed) > 0);
        }
        MINE.set(MINE.get() + 1);
        AT_WORK.fetch_add(1, Ordering::Relaxed);
        AtWork
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        MINE.set(MINE.get() - 1);
        AT_WORK.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits without the GIL, and not for ever. What it asks, it asks under the GIL.
fn wait_while(py: Python<'_>, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while condition() && start.elapsed() < PATIENCE {
        py.detach(|| thread::sleep(LOOK));
    }
}

/// Waits until no other thread is at work: what this one has locked, it will unlock in
/// either process. From then to the fork none begins.
#[pyfunction]
fn before_fork(py: Python<'_>) {
    FORKS.fetch_add(1, Ordering::Relaxed);
    wait_while(py, || AT_WORK.load(Ordering::Relaxed) > MINE.get());
}

/// There was a fork, or there could be none: work goes on.
#[pyfunction]
fn after_fork_in_parent() {
    // A fork that began before this module was imported was not counted.
    let less = |forks: usize| forks.checked_sub(1);
    let _ = FORKS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
}

/// The forked process has none of the other threads that were counted.
#[pyfunction]
fn after_fork_in_child() {
    AT_WORK.store(MINE.get(), Ordering::Relaxed);
    FORKS.store(0, Ordering::Relaxed);
}

/// Asks Python to be told of forks, where there are any.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let os = module.py().import("os")?;
    let Ok(register) = os.getattr("register_at_fork") else {
        return Ok(());
    };
    let hooks = pyo3::types::PyDict::new(module.py());
    hooks.set_item("before", wrap_pyfunction!(before_fork, module)?)?;
    hooks.set_item(
        "after_in_parent",
        wrap_pyfunction!(after_fork_in_parent, module)?,
    )?;
    hooks.set_item(
        "after_in_child",
        wrap_pyfunction!(after_fork_in_child, module)?,
    )?;
    register.call((), Some(&hooks)).map(drop)
}
