//! Histories of changes, with crashes and failures at random moments. After each of
//! them, life goes on with what is on the disk.
//!
//! A history has a number, and nothing else is random. `scripts/crash-histories` runs
//! many.

use std::{
    env, fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use twinstore::{
    Error, StorageContext,
    disk::simulation::{Mounted, mount},
    persist_dir::{JsonDamage, TWIN, manifest},
    storage_context::JsonTwin,
};

use crate::{
    history::{Op, World, check, history},
    power_cut::{Dice, random_image},
    recorder::{Fault, Recorder},
    scenario::{ERRORS, Place},
    seen::{Seen, look, storage, tidy},
};

/// What was done in all histories.
#[derive(Debug, Default)]
struct Done {
    histories: AtomicUsize,
    operations: AtomicUsize,
    /// Commits that were not undone, also of merged segments.
    commits: AtomicUsize,
    compactions: AtomicUsize,
    crashes: AtomicUsize,
    /// Crashes after which the commit that was under way was there.
    finished: AtomicUsize,
    failures: AtomicUsize,
}

fn add(to: &AtomicUsize, count: usize) {
    to.fetch_add(count, Ordering::Relaxed);
}

/// A world on a disk that is recorded.
struct Life {
    place: Place,
    root: PathBuf,
    pool: PathBuf,
    recorder: Arc<Recorder>,
    mounted: Mounted,
    world: World,
    dice: Dice,
    rewrite_below: u64,
    commits: usize,
}

impl Life {
    fn begin(mut dice: Dice) -> Life {
        let mut place = Place::new();
        let (root, pool) = (place.fresh(), place.fresh());
        fs::create_dir(&root).unwrap();
        let rewrite_below = [0, 0, 0, 20_000, 512 << 10][dice.roll(5)];
        let recorder = Arc::new(Recorder::start(&root, &pool, None));
        Life {
            mounted: mount(&root, recorder.clone()),
            world: World::new(storage(&root), rewrite_below),
            place,
            root,
            pool,
            recorder,
            dice,
            rewrite_below,
            commits: 0,
        }
    }

    /// The newest generation, 0 for none.
    fn generation(&self) -> u64 {
        let twin = storage(&self.root).join(TWIN);
        manifest::generations(&twin).unwrap().pop().unwrap_or(0)
    }

    fn live(&mut self, op: &Op, done: &Done) {
        add(&done.operations, 1);
        if let Op::Persist(json) = op
            && self.dice.roll(6) == 0
        {
            add(&done.failures, 1);
            let before = self.generation();
            let fault = Fault {
                at: self.recorder.calls() + self.dice.roll(50),
                lasting: self.dice.roll(2) == 0,
                errno: ERRORS[self.dice.roll(ERRORS.len())],
            };
            self.recorder.fail(Some(fault));
            let result = self.world.try_persist(*json);
            self.recorder.fail(None);
            let now = self.generation();
            match result {
                // The fault may have been later than the last step.
                Ok(_) => {
                    self.commits += usize::from(now > before);
                    self.world.kept = Some(self.world.model.clone());
                }
                Err(Error::Io { .. }) if now == before => {}
                // It is there, but a sync failed: not for certain before the next commit.
                Err(Error::Io { .. }) => {
                    let found = self.crash(self.recorder.len());
                    assert!(found == now || found == before);
                    if found == now {
                        self.world.kept = Some(self.world.model.clone());
                    }
                }
                Err(e) => panic!("another error than the system's: {e}"),
            }
            self.go_on();
            return;
        }
        let (kept, before, from) = (
            self.world.kept.clone(),
            self.generation(),
            self.recorder.len(),
        );
        self.world.apply(op);
        let (to, now) = (self.recorder.len(), self.generation());
        let mut found = now;
        if to > from && self.dice.roll(2) == 0 {
            add(&done.crashes, 1);
            let at = from + 1 + self.dice.roll(to - from);
            found = self.crash(at);
            if found != now {
                assert!(at < to, "generation {now} is lost, and {found} is there");
                assert_eq!(found, before, "a generation that never was");
                self.world.kept = kept;
            } else if at < to && now > before {
                add(&done.finished, 1);
            }
            self.go_on();
        }
        let is_done = usize::from(found > before);
        self.commits += is_done;
        if let Op::Compact = op {
            add(&done.compactions, is_done);
        }
    }

    /// The power goes after so many operations. Gives the generation that is there.
    fn crash(&mut self, at: usize) -> u64 {
        let log = self.recorder.log();
        let image = random_image(&log, at, &mut self.dice);
        let (root, pool) = (self.place.fresh(), self.place.fresh());
        image.build(&self.pool, &root);
        let old = [
            std::mem::replace(&mut self.root, root),
            std::mem::replace(&mut self.pool, pool),
        ];
        self.recorder = Arc::new(Recorder::start(&self.root, &self.pool, None));
        self.mounted = mount(&self.root, self.recorder.clone());
        self.world.dir = storage(&self.root);
        // What is open of the old disk stays readable without names.
        old.iter().for_each(|old| fs::remove_dir_all(old).unwrap());
        self.generation()
    }

    /// Comes back to the directory, and finds what was kept.
    fn go_on(&mut self) {
        let seen = self.looked();
        let kept = self.world.kept.clone();
        assert_eq!(seen.twin.is_some(), kept.is_some());
        self.world.model = kept.clone().unwrap_or_default();
        self.world.context = match seen.twin {
            Some(_) => StorageContext::from_persist_dir(&self.world.dir).unwrap(),
            None => World::new(storage(&self.root), self.rewrite_below).context,
        };
        check(&self.world.context, &self.world.model);
    }

    fn looked(&self) -> Seen {
        let seen = look(&self.root).unwrap();
        if seen.twin.is_some() && !seen.opens {
            let opened = StorageContext::from_persist_dir(&self.world.dir);
            panic!("a context does not open: {opened:?}");
        }
        for (name, text) in &seen.json {
            assert_eq!(JsonDamage::of_bytes(text), None, "{name}");
        }
        seen
    }
}

/// Runs the history of a number.
fn run(number: usize, done: &Done) {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let ops = history().new_tree(&mut runner).unwrap().current();
    let mut life = Life::begin(Dice(number as u64));
    for op in &ops {
        life.live(op, done);
    }
    // Where too many failed.
    for text in 0.. {
        if life.commits >= 3 {
            break;
        }
        life.live(&Op::Insert(7, 1, text), done);
        life.live(&Op::Persist(JsonTwin::Auto), done);
    }
    add(&done.commits, life.commits);
    let seen = life.looked();
    tidy(&life.root).unwrap();
    let now = life.looked();
    assert!(now.holds(&seen), "garbage was needed");
    add(&done.histories, 1);
}

fn count(name: &str, usual: usize) -> usize {
    let given = env::var(name).ok();
    given.map_or(usual, |given| given.parse().unwrap())
}

#[test]
fn no_history_with_crashes_and_failures_loses_a_commit() {
    let first = count("TWINSTORE_FIRST_HISTORY", 0);
    let end = first + count("TWINSTORE_HISTORIES", 16);
    let (next, done) = (AtomicUsize::new(first), Done::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        break;
                    }
                    let shown = Shown(number);
                    run(number, &done);
                    std::mem::forget(shown);
                    if number % 500 == 499 {
                        println!("{number}: {done:?}");
                    }
                }
            });
        }
    });
    println!("{done:?}");
    assert_eq!(done.histories.into_inner(), end - first);
}

/// Tells the number of a history that failed.
struct Shown(usize);

impl Drop for Shown {
    fn drop(&mut self) {
        println!(
            "failed: TWINSTORE_FIRST_HISTORY={} TWINSTORE_HISTORIES=1",
            self.0
        );
    }
}
