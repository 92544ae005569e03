//! What a process uses of the system, and whether that grows.

use std::{fmt, fs, path::Path, time::Duration};

/// Peaks of what was used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    pub descriptors: usize,
    pub maps: usize,
    pub threads: usize,
    pub resident_kib: usize,
    /// In the directory that was looked at.
    pub files: usize,
}

impl Usage {
    /// Of this process, as Linux tells it; all zero elsewhere.
    pub fn now(dir: &Path) -> Usage {
        let count = |path: &Path| fs::read_dir(path).map_or(0, Iterator::count);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let mut lines = status.lines();
            let line = lines.find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.unwrap_or(0)
        };
        Usage {
            descriptors: count(Path::new("/proc/self/fd")),
            maps: fs::read_to_string("/proc/self/maps").map_or(0, |maps| maps.lines().count()),
            threads: field("Threads:"),
            resident_kib: field("VmRSS:"),
            files: count(dir),
        }
    }

    fn max(self, other: Usage) -> Usage {
        Usage {
            descriptors: self.descriptors.max(other.descriptors),
            maps: self.maps.max(other.maps),
            threads: self.threads.max(other.threads),
            resident_kib: self.resident_kib.max(other.resident_kib),
            files: self.files.max(other.files),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage {
            descriptors,
            maps,
            threads,
            resident_kib,
            files,
        } = self;
        write!(
            f,
            "{descriptors} descriptors, {maps} maps, {threads} threads, {resident_kib} KiB, {files} files"
        )
    }
}

/// Peaks at the beginning and at the end of a run, each over a fifth of it: what is used at
/// one moment goes up and down with each compaction. The first fifth is for warming up.
#[derive(Debug, Default)]
pub struct Growth {
    early: Usage,
    late: Usage,
}

impl Growth {
    /// Looks, `elapsed` after the beginning of a run that takes `time`.
    pub fn look(&mut self, dir: &Path, elapsed: Duration, time: Duration) {
        let fifth = elapsed.as_secs_f64() / time.as_secs_f64() * 5.0;
        let window = match fifth {
            1.0..2.0 => &mut self.early,
            4.0.. => &mut self.late,
            _ => return,
        };
        *window = window.max(Usage::now(dir));
    }

    /// Says both, and panics where the later is more, beyond what chance can do.
    pub fn report(&self, who: &str) {
        let Growth { early, late } = self;
        println!("{who}: {early}; at the end {late}");
        let grown = late.descriptors > early.descriptors + 4
            || late.maps > early.maps + 24
            || late.threads > early.threads + 2
            || late.files > early.files + 8
            || late.resident_kib > early.resident_kib + (16 << 10);
        assert!(!grown, "{who}: it grows");
    }
}
