//! Progress bars on standard error, for work that takes over a second, on
//! terminals only.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{convert::Progress, error::Result};

/// Shorter work draws nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Draws a bar for each file.
#[derive(Debug)]
pub struct Bars {
    started: Instant,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    bar: ProgressBar,
    shown: bool,
}

impl Default for Bars {
    fn default() -> Bars {
        Bars {
            started: Instant::now(),
            current: Mutex::new(None),
        }
    }
}

impl Bars {
    /// Bars for work that begins now.
    #[must_use]
    pub fn new() -> Bars {
        Bars::default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, what: &str, total: u64) {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let style = "{msg}  {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        *self.lock() = Some(Current { bar, shown: false });
    }

    fn at(&self, bytes: u64) -> Result<()> {
        if let Some(current) = self.lock().as_mut() {
            if !current.shown && self.started.elapsed() > PATIENCE {
                // Draws only where standard error is a terminal.
                current.bar.set_draw_target(ProgressDrawTarget::stderr());
                current.shown = true;
            }
            current.bar.set_position(bytes);
        }
        Ok(())
    }

    fn end(&self) {
        if let Some(current) = self.lock().take() {
            current.bar.finish_and_clear();
        }
    }
}
