//! Forking while other threads are at work.
//!
//! A forked process has the thread that forked and no other. What another thread had
//! locked stays locked there for ever, and the next query would wait for it. So a fork
//! waits for the moment when no thread is at work in here.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// How many calls are at work without the GIL. Changed under the GIL only, which
/// whoever forks has, too.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);

/// How long a fork waits: a thread may be writing gigabytes, or fork itself while a
/// query of its own is waiting for it.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(1);

/// Does work that may lock something, without the GIL.
pub(crate) fn without_gil<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    let _at_work = AtWork::begin();
    py.detach(work)
}

/// A call that is counted; it ends under the GIL, also where it panics.
struct AtWork;

impl AtWork {
    fn begin() -> AtWork {
        AT_WORK.fetch_add(1, Ordering::Relaxed);
        AtWork
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // In a forked process it may have been forgotten.
        let less = |calls: usize| calls.checked_sub(1);
        let _ = AT_WORK.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// Waits until no thread is at work; from then to the fork the GIL is held.
#[pyfunction]
fn before_fork(py: Python<'_>) {
    let start = Instant::now();
    while AT_WORK.load(Ordering::Relaxed) > 0 && start.elapsed() < PATIENCE {
        py.detach(|| thread::sleep(LOOK));
    }
}

/// The forked process has none of the threads that were counted.
#[pyfunction]
fn after_fork() {
    AT_WORK.store(0, Ordering::Relaxed);
}

/// Asks Python to be told of forks, where there are any.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let os = module.py().import("os")?;
    let Ok(register) = os.getattr("register_at_fork") else {
        return Ok(());
    };
    let hooks = pyo3::types::PyDict::new(module.py());
    hooks.set_item("before", wrap_pyfunction!(before_fork, module)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(after_fork, module)?)?;
    register.call((), Some(&hooks)).map(drop)
}
