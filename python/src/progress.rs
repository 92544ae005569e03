//! Telling Python how far a long call has come, and stopping it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use pyo3::prelude::*;
use serde::Serialize;
use twinstore::{Error, Result, cli::Bars, convert::Progress};

use crate::errors::exception;

/// How often Python is asked: it takes the GIL.
const INTERVAL: Duration = Duration::from_millis(50);

/// What a long call tells its progress to.
#[derive(Default)]
pub(crate) struct Watch {
    bars: Option<Bars>,
    /// Is called with the name of a file, the bytes done, and all bytes.
    callback: Option<Py<PyAny>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    file: String,
    total: u64,
    asked: Option<Instant>,
    /// What Python raised when it was asked.
    raised: Option<PyErr>,
}

impl Watch {
    pub(crate) fn new(bars: bool, callback: Option<Py<PyAny>>) -> Watch {
        Watch {
            bars: bars.then(Bars::new),
            callback,
            state: Mutex::default(),
        }
    }

    /// Does the work without the GIL, and gives its report as JSON.
    ///
    /// # Errors
    /// Those of `work`; what the callback raised, and `KeyboardInterrupt`.
    pub(crate) fn over<T: Serialize + Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&dyn Progress) -> Result<T> + Send,
    ) -> PyResult<String> {
        let done = py.detach(|| work(self));
        if let Some(raised) = self.lock().raised.take() {
            return Err(raised);
        }
        as_json(&done.map_err(exception)?)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file in work and its length, if it is time to ask Python again.
    fn due(&self) -> Option<(String, u64)> {
        let mut state = self.lock();
        if state.asked.is_some_and(|asked| asked.elapsed() < INTERVAL) {
            return None;
        }
        state.asked = Some(Instant::now());
        Some((state.file.clone(), state.total))
    }

    /// Python's signals, and the callback.
    fn ask(&self, py: Python<'_>, file: &str, bytes: u64, total: u64) -> PyResult<()> {
        py.check_signals()?;
        if let Some(callback) = &self.callback {
            // What pack says of a file's second reading may be a little more.
            callback.call1(py, (file, bytes.min(total), total))?;
        }
        Ok(())
    }
}

impl Progress for Watch {
    fn begin(&self, what: &str, total: u64) {
        if let Some(bars) = &self.bars {
            bars.begin(what, total);
        }
        let mut state = self.lock();
        state.file = what.to_owned();
        state.total = total;
        state.asked = None;
    }

    fn at(&self, bytes: u64) -> Result<()> {
        if let Some(bars) = &self.bars {
            bars.at(bytes)?;
        }
        let Some((file, total)) = self.due() else {
            return Ok(());
        };
        // The lock is not held: the callback may take as long as it likes.
        match Python::attach(|py| self.ask(py, &file, bytes, total)) {
            Ok(()) => Ok(()),
            Err(raised) => {
                self.lock().raised = Some(raised);
                Err(Error::Stopped)
            }
        }
    }

    fn end(&self) {
        if let Some(bars) = &self.bars {
            bars.end();
        }
    }
}

/// A report as JSON.
///
/// # Errors
/// `ValueError` for the path of a file that is no text.
pub(crate) fn as_json(report: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(report)
        .map_err(|why| pyo3::exceptions::PyValueError::new_err(why.to_string()))
}
