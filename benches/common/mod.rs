//! What all benches need: what is asked for, times by turns, stores.

pub mod storage;

use std::time::{Duration, Instant};

/// What the command line asks for.
pub struct Run {
    /// Else everything is done once, and small.
    measure: bool,
    rows: Option<usize>,
    only: Vec<String>,
}

impl Run {
    pub fn from_arguments() -> Run {
        let mut run = Run {
            measure: false,
            rows: None,
            only: Vec::new(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo says so when it is to measure.
                "--bench" => run.measure = true,
                "--rows" => run.rows = arguments.next().and_then(|n| n.parse().ok()),
                name => run.only.push(name.to_owned()),
            }
        }
        run
    }

    pub fn wants(&self, bench: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == bench)
    }

    /// How many rows a store has that is to have so many.
    pub fn rows(&self, usual: usize) -> usize {
        match self.measure {
            true => self.rows.unwrap_or(usual),
            false => 200,
        }
    }

    pub fn rounds(&self, usual: usize) -> usize {
        if self.measure { usual } else { 1 }
    }
}

/// What some work gives, and how long it takes.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let result = work();
    (result, begin.elapsed())
}

/// Does several things by turns, so many rounds; gives the median of each. Each is told
/// the round, and tells how long it took, without what it had to prepare.
pub fn by_turns<const N: usize>(
    rounds: usize,
    ways: [&mut dyn FnMut(usize) -> Duration; N],
) -> [Duration; N] {
    let mut times = [(); N].map(|()| Vec::with_capacity(rounds));
    for round in 0..rounds {
        // None comes always after the same one's traces in the caches.
        for n in (0..N).map(|n| (n + round) % N) {
            times[n].push(ways[n](round));
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// A line of a table: what, how long, and what that comes to.
pub fn line(what: &str, time: Duration, note: &str) {
    println!("  {what:<36} {time:>10.1?}  {note}");
}

pub fn gb_per_s(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / time.as_secs_f64() / 1e9
}

/// How much of `whole` is `part`, in words.
pub fn share(part: Duration, whole: Duration) -> String {
    format!("{:.2}x", part.as_secs_f64() / whole.as_secs_f64())
}
