//! One call of the library, and every way in which it may be cut short.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;
use twinstore::{Error, disk::simulation::mount};

use super::{
    power_cut::{Dice, Effort, Image, images, nothing, only_synced},
    recorder::{Fault, Log, Node, Op, Recorder},
    seen::{Seen, look, tidy},
};

/// A call that changes a persist dir. Done again, it changes nothing more.
pub type Call = fn(&Path) -> twinstore::Result<()>;

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

    /// Cuts the power at every moment, and looks at the disks that may be left.
    #[track_caller]
    pub fn survives_power_cuts(&self) -> Counts {
        let mut recorded = Recorded::of(self);
        let log = recorded.log.clone();
        match recorded.cut_power(self, &log, Effort::of_this_run()) {
            Ok(counts) => counts,
            Err(problem) => panic!("{problem}"),
        }
    }

    /// The syncs of a call in their order, by the names of what is synced. In brackets,
    /// those that a disk may forget, and no power cut shows it.
    pub fn syncs(&self) -> String {
        let mut recorded = Recorded::of(self);
        let effort = Effort {
            go_on: usize::MAX,
            ..Effort::SMALL
        };
        let mut syncs = Vec::new();
        for n in 0..recorded.log.ops.len() {
            let mut log = recorded.log.clone();
            let synced = match log.ops.remove(n) {
                Op::SyncFile(file) => log.name_of(Node::File(file)),
                Op::SyncDir(dir) => log.name_of(Node::Dir(dir)),
                _ => continue,
            };
            syncs.push(match recorded.cut_power(self, &log, effort) {
                Err(_) => synced,
                Ok(_) => format!("({synced})"),
            });
        }
        syncs.join(" ")
    }

    /// The next attempt, and then garbage is collected.
    fn finish(&self, root: &Path, after: &Seen) -> Result<(), String> {
        (self.call)(root).map_err(|e| format!("the next attempt: {e}"))?;
        let healed = look(root)?;
        if !healed.holds(after) {
            return Err(format!(
                "the next attempt comes to something else: {healed:?}"
            ));
        }
        tidy(root)
    }

    /// Lets each step fail, by itself or with all later ones.
    #[track_caller]
    pub fn survives_failures(&self) -> Counts {
        let effort = Effort::of_this_run();
        let Recorded {
            mut place,
            pool,
            log,
            before,
            after,
        } = Recorded::of(self);
        let mut counts = Counts::default();
        let start = nothing(&log);
        for call in 0..log.calls {
            for lasting in [false, true] {
                // One of the two, where there is no time for both.
                if !effort.is_all() && lasting != (call % 3 == 0) {
                    continue;
                }
                let fault = Fault {
                    at: call,
                    lasting,
                    errno: ERRORS[(call + usize::from(lasting)) % ERRORS.len()],
                };
                counts.failures += 1;
                let root = place.fresh();
                start.build(&pool, &root);
                let own_pool = place.fresh();
                let failed = self.fail(&root, &own_pool, fault, &before, &after);
                let disks = failed.unwrap_or_else(|problem| panic!("{fault:?}: {problem}"));
                // The power may go after the failure, and after the next attempt.
                for (image, is_done) in disks {
                    let rebuilt = place.fresh();
                    image.build(&own_pool, &rebuilt);
                    let seen = look(&rebuilt).and_then(|seen| match is_done {
                        true => seen.still_is(&before, &after),
                        false => seen.is_between(&before, &after),
                    });
                    if let Err(problem) = seen {
                        panic!("{fault:?}, then a power cut: {problem}");
                    }
                    fs::remove_dir_all(rebuilt).unwrap();
                }
                fs::remove_dir_all(root).unwrap();
                fs::remove_dir_all(own_pool).unwrap();
            }
        }
        counts
    }

    /// Lets a call fail, and tries again. Gives the disks that have only what was synced
    /// then, each with whether the call was told to be done.
    fn fail(
        &self,
        root: &Path,
        pool: &Path,
        fault: Fault,
        before: &Seen,
        after: &Seen,
    ) -> Result<[(Image, bool); 2], String> {
        let recorder = Arc::new(Recorder::start(root, pool, Some(fault)));
        let mounted = mount(root, recorder.clone());
        let result = (self.call)(root);
        recorder.fail(None);
        match &result {
            Ok(()) | Err(Error::Io { .. }) => {}
            Err(e) => return Err(format!("another error than the system's: {e:?}")),
        }
        let seen = look(root)?;
        seen.is_between(before, after)?;
        if result.is_ok() && seen.twin != after.twin {
            return Err(format!("{result:?}, and nothing was done"));
        }
        let failed = only_synced(&recorder.log());
        (self.call)(root).map_err(|e| format!("the next attempt: {e:?}"))?;
        let tried_again = only_synced(&recorder.log());
        drop(mounted);
        if !look(root)?.holds(after) {
            return Err("the next attempt comes to something else".to_owned());
        }
        tidy(root)?;
        Ok([(failed, result.is_ok()), (tried_again, true)])
    }
}

/// A call that was recorded, and the directory before and after it.
struct Recorded {
    place: Place,
    pool: PathBuf,
    log: Log,
    before: Seen,
    after: Seen,
}

impl Recorded {
    #[track_caller]
    fn of(scenario: &Scenario) -> Recorded {
        let mut place = Place::new();
        let (root, before) = scenario.ready(&mut place);
        let pool = place.fresh();
        let recorder = Arc::new(Recorder::start(&root, &pool, None));
        let mounted = mount(&root, recorder.clone());
        (scenario.call)(&root).unwrap();
        drop(mounted);
        Recorded {
            after: look(&root).unwrap(),
            log: recorder.log(),
            place,
            pool,
            before,
        }
    }

    /// Cuts the power at every moment of what was recorded as `log`.
    fn cut_power(
        &mut self,
        scenario: &Scenario,
        log: &Log,
        effort: Effort,
    ) -> Result<Counts, String> {
        let mut counts = Counts::default();
        let mut known: HashMap<Image, Seen> = HashMap::new();
        let mut dice = Dice(1);
        for at in 0..=log.ops.len() {
            counts.moments += 1;
            // It was told to be done.
            let before = match at == log.ops.len() {
                true => &self.after,
                false => &self.before,
            };
            for image in images(log, at, effort, &mut dice) {
                counts.crashes += 1;
                let problem = |problem| format!("{}: {problem}\n{image:?}", told(log, at));
                if !known.contains_key(&image) {
                    counts.disks += 1;
                    let root = self.place.fresh();
                    image.build(&self.pool, &root);
                    let seen = look(&root).map_err(problem)?;
                    known.insert(image.clone(), seen);
                    // The next attempt must finish, and leave nothing lying about.
                    if counts.disks % effort.go_on == 0 {
                        scenario.finish(&root, &self.after).map_err(problem)?;
                    }
                    fs::remove_dir_all(root).unwrap();
                }
                let seen = &known[&image];
                seen.is_between(before, &self.after).map_err(problem)?;
            }
        }
        Ok(counts)
    }
}

/// EIO, ENOSPC, EACCES.
pub const ERRORS: [i32; 3] = [5, 28, 13];

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
