//! One call of the library, and every way in which it may be cut short.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use twinstore::{Error, Result, disk::simulation::mount};

use super::{
    power_cut::{Dice, Image, everything, images, nothing, only_synced},
    recorder::{Fault, Log, Recorder},
    seen::{Seen, look, tidy},
};

/// A call that changes a persist dir. Done again, it changes nothing more.
pub type Call = fn(&Path) -> Result<()>;

/// A directory, and what is done to it.
pub struct Scenario {
    /// Makes the directory.
    pub prepare: fn(&Path),
    pub call: Call,
}

/// A place with room for a disk, the disks rebuilt from it, and its files.
pub struct Place {
    temp: TempDir,
    roots: usize,
}

impl Place {
    /// In memory where the system has such a place.
    pub fn new() -> Place {
        let memory = Path::new("/dev/shm");
        let temp = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        Place {
            temp: temp.unwrap(),
            roots: 0,
        }
    }

    /// A path for a root, or a pool, that nothing has yet.
    pub fn fresh(&mut self) -> PathBuf {
        self.roots += 1;
        self.temp.path().join(self.roots.to_string())
    }
}

/// How much was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Moments at which the power goes.
    pub moments: usize,
    /// Moments with what is kept of what was not synced.
    pub crashes: usize,
    /// Different disks among them.
    pub disks: usize,
    /// Calls that failed.
    pub failures: usize,
}

impl Scenario {
    /// A directory made ready, and what a user sees there.
    fn ready(&self, place: &mut Place) -> (PathBuf, Seen) {
        let root = place.fresh();
        fs::create_dir(&root).unwrap();
        (self.prepare)(&root);
        let seen = look(&root).unwrap();
        (root, seen)
    }

    fn run(&self, root: &Path, pool: &Path, fault: Option<Fault>) -> (Result<()>, Log) {
        let recorder = Arc::new(Recorder::start(root, pool, fault));
        let mounted = mount(root, recorder.clone());
        let result = (self.call)(root);
        drop(mounted);
        (result, recorder.log())
    }

    /// Cuts the power at every moment, and looks at every disk that may be left.
    #[track_caller]
    pub fn survives_power_cuts(&self) -> Counts {
        let mut place = Place::new();
        let (root, before) = self.ready(&mut place);
        let pool = place.fresh();
        let (result, log) = self.run(&root, &pool, None);
        result.unwrap();
        let after = look(&root).unwrap();
        let mut counts = Counts::default();
        let mut known: HashMap<Image, Seen> = HashMap::new();
        let mut dice = Dice(1);
        for at in 0..=log.ops.len() {
            counts.moments += 1;
            for image in images(&log, at, &mut dice) {
                counts.crashes += 1;
                let seen = known.entry(image.clone()).or_insert_with(|| {
                    counts.disks += 1;
                    self.come_back(&image, &pool, &mut place, &after)
                        .unwrap_or_else(|problem| panic!("{}: {problem}\n{image:#?}", told(&log, at)))
                });
                let base = match at == log.ops.len() {
                    // It was told to be done.
                    true => &after,
                    false => &before,
                };
                if let Err(problem) = seen.is_between(base, &after) {
                    panic!("{}: {problem}\n{image:#?}", told(&log, at));
                }
            }
        }
        assert!(counts.disks > 2, "nothing was done: {counts:?}");
        counts
    }

    /// What a user sees on a disk that was found after a crash. The next attempt must
    /// finish, and leave nothing lying about.
    fn come_back(
        &self,
        image: &Image,
        pool: &Path,
        place: &mut Place,
        after: &Seen,
    ) -> Result<Seen, String> {
        let root = place.fresh();
        image.build(pool, &root);
        let seen = look(&root)?;
        self.finish(&root, after)?;
        fs::remove_dir_all(root).unwrap();
        Ok(seen)
    }

    fn finish(&self, root: &Path, after: &Seen) -> Result<(), String> {
        (self.call)(root).map_err(|e| format!("the next attempt: {e}"))?;
        let healed = look(root)?;
        if !healed.holds(after) {
            return Err(format!("the next attempt comes to something else: {healed:?}"));
        }
        tidy(root)
    }

    /// Lets each step fail, by itself and with all later ones.
    #[track_caller]
    pub fn survives_failures(&self) -> Counts {
        let mut place = Place::new();
        let (root, before) = self.ready(&mut place);
        let pool = place.fresh();
        let (result, log) = self.run(&root, &pool, None);
        result.unwrap();
        let after = look(&root).unwrap();
        let mut counts = Counts::default();
        let start = nothing(&log);
        for call in 0..log.calls {
            for (lasting, errno) in [(false, call), (true, call + 1)] {
                let fault = Fault {
                    at: call,
                    lasting,
                    errno: ERRORS[errno % ERRORS.len()],
                };
                counts.failures += 1;
                let root = place.fresh();
                start.build(&pool, &root);
                let own_pool = place.fresh();
                let (result, log) = self.run(&root, &own_pool, Some(fault));
                let outcome = self.after_failure(&result, &log, [&root, &own_pool], &mut place, [&before, &after]);
                if let Err(problem) = outcome {
                    panic!("{fault:?}, {result:?}: {problem}\n{}", told(&log, log.ops.len()));
                }
                fs::remove_dir_all(root).unwrap();
                fs::remove_dir_all(own_pool).unwrap();
            }
        }
        counts
    }

    fn after_failure(
        &self,
        result: &Result<()>,
        log: &Log,
        [root, pool]: [&Path; 2],
        place: &mut Place,
        [before, after]: [&Seen; 2],
    ) -> Result<(), String> {
        if let Err(e) = result
            && !matches!(e, Error::Io { .. })
        {
            return Err("another error than the system's".to_owned());
        }
        // What was told to be done survives a power cut, too: a sync that failed may
        // not be overlooked.
        let mut disks = vec![root.to_owned()];
        for image in [everything(log), only_synced(log)] {
            let rebuilt = place.fresh();
            image.build(pool, &rebuilt);
            disks.push(rebuilt);
        }
        for disk in &disks {
            let seen = look(disk)?;
            seen.is_between(before, after)?;
            if result.is_ok() && seen.twin != after.twin {
                return Err("what was told to be done is lost".to_owned());
            }
            self.finish(disk, after)?;
        }
        for rebuilt in &disks[1..] {
            fs::remove_dir_all(rebuilt).unwrap();
        }
        Ok(())
    }
}

/// EIO, ENOSPC, EACCES.
const ERRORS: [i32; 3] = [5, 28, 13];

/// The operations until a crash, the last ones.
fn told(log: &Log, at: usize) -> String {
    let last = log.ops[..at].iter().enumerate().rev().take(12);
    let mut lines: Vec<String> = last
        .map(|(n, op)| {
            let mut line = format!("{n}: {op:?}");
            line.truncate(160);
            line
        })
        .collect();
    lines.reverse();
    format!("after {at} operations\n{}", lines.join("\n"))
}
