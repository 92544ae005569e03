//! What may be left on a disk when the power goes.
//!
//! The model is POSIX's, and no file system's: what is not synced may be there or not,
//! in any combination.
//!
//! * The bytes of a write are durable after the file was synced. Until then each write
//!   is there, or not (then there is a hole where a later one is there, else the file
//!   is shorter), or its first half, or its length without its bytes, as zeros.
//! * A name that appears, changes or goes is durable after its directory was synced.
//!   Until then each such change is there or not, by itself. A rename is one change:
//!   the name leads to the old file or the new one.
//! * A sync that fails makes nothing durable.
//!
//! Which combinations: all, where they are few enough ([`Effort`]). Else all kept, all
//! lost, one lost, one kept, one torn, and some random ones.

use std::{
    collections::{BTreeMap, HashMap},
    env, fs,
    path::Path,
};

use super::recorder::{Dir, FileId, Log, Node, Op, ROOT};

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// So many combinations at one moment are looked at one by one.
    pub all: usize,
    /// Where there are more, so many random ones.
    pub random: usize,
    /// Of so many disks that are looked at, work goes on on one.
    pub go_on: usize,
}

impl Effort {
    /// What `cargo test` has time for; with `TWINSTORE_CRASHES=all`, more.
    pub fn of_this_run() -> Effort {
        match env::var("TWINSTORE_CRASHES").is_ok_and(|value| value == "all") {
            true => Effort {
                all: 1 << 10,
                random: 64,
                go_on: 1,
            },
            false => Effort::SMALL,
        }
    }

    pub const SMALL: Effort = Effort {
        all: 1 << 6,
        random: 8,
        go_on: 6,
    };

    pub fn is_all(&self) -> bool {
        self.go_on == 1
    }
}

/// What becomes of an operation that is not durable yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    /// Only the first half of what was written.
    Half,
    /// Only its length.
    Zeros,
}

const OF_WRITES: &[Fate] = &[Fate::Kept, Fate::Lost, Fate::Half, Fate::Zeros];
const OF_NAMES: &[Fate] = &[Fate::Kept, Fate::Lost];

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Content {
    Dir,
    /// The file as it was when the recording ended.
    Whole(FileId),
    Bytes(Vec<u8>),
}

/// A disk that may be found: what is at which path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Image(BTreeMap<String, Content>);

/// Numbers for tests that are random and the same each time.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }
}

/// What may be found if the power goes after the first `at` operations.
pub fn images(log: &Log, at: usize, effort: Effort, dice: &mut Dice) -> Vec<Image> {
    let pending = pending(&log.ops[..at]);
    let kept = vec![0; pending.len()];
    let sides: Vec<usize> = pending
        .iter()
        .map(|&op| fates(&log.ops[op]).len())
        .collect();
    let all = sides
        .iter()
        .try_fold(1_usize, |all, sides| all.checked_mul(*sides));
    let mut choices = Vec::new();
    if all.is_some_and(|all| all <= effort.all) {
        let mut choice = kept;
        loop {
            choices.push(choice.clone());
            // The next one, counting.
            let Some(place) = (0..sides.len()).find(|&n| choice[n] + 1 < sides[n]) else {
                break;
            };
            choice[..place].fill(0);
            choice[place] += 1;
        }
    } else {
        let lost = vec![1; pending.len()];
        for n in 0..pending.len() {
            for fate in 1..sides[n] {
                let mut choice = kept.clone();
                choice[n] = fate;
                choices.push(choice);
            }
            let mut choice = lost.clone();
            choice[n] = 0;
            choices.push(choice);
        }
        choices.extend([kept, lost]);
        choices.extend((0..effort.random).map(|_| sides.iter().map(|s| dice.roll(*s)).collect()));
    }
    choices
        .iter()
        .map(|choice| image(log, at, &pending, choice))
        .collect()
}

/// One of them.
pub fn random_image(log: &Log, at: usize, dice: &mut Dice) -> Image {
    let pending = pending(&log.ops[..at]);
    let mut choice: Vec<usize> = Vec::new();
    // Not a coin for each alone: then all kept, or all lost, would hardly be met.
    let bias = dice.roll(5);
    for &op in &pending {
        let fates = fates(&log.ops[op]).len();
        choice.push(match dice.roll(4) < bias {
            true => 0,
            false => 1 + dice.roll(fates - 1),
        });
    }
    image(log, at, &pending, &choice)
}

/// The disk on which only that is durable which was synced.
pub fn only_synced(log: &Log) -> Image {
    let pending = pending(&log.ops);
    let lost = vec![1; pending.len()];
    image(log, log.ops.len(), &pending, &lost)
}

/// The disk before anything was done.
pub fn nothing(log: &Log) -> Image {
    image(log, 0, &[], &[])
}

fn fates(op: &Op) -> &'static [Fate] {
    match op {
        Op::Append { .. } => OF_WRITES,
        _ => OF_NAMES,
    }
}

/// The numbers of the operations that are not durable yet.
fn pending(ops: &[Op]) -> Vec<usize> {
    let mut pending: Vec<usize> = Vec::new();
    for (n, op) in ops.iter().enumerate() {
        match op {
            Op::SyncFile(synced) => {
                pending.retain(|&op| !matches!(&ops[op], Op::Append { file, .. } if file == synced))
            }
            Op::SyncDir(synced) => pending.retain(|&op| match &ops[op] {
                Op::Link { dir, .. } | Op::Rename { dir, .. } | Op::Unlink { dir, .. } => {
                    dir != synced
                }
                _ => true,
            }),
            Op::Append { bytes, .. } if bytes.is_empty() => {}
            _ => pending.push(n),
        }
    }
    pending
}

fn image(log: &Log, at: usize, pending: &[usize], choice: &[usize]) -> Image {
    let fate = |n: usize| match pending.binary_search(&n) {
        Ok(place) => fates(&log.ops[n])[choice[place]],
        Err(_) => Fate::Kept,
    };
    let mut dirs = log.start.clone();
    let mut files: HashMap<FileId, Vec<(Fate, &[u8])>> = HashMap::new();
    for (n, op) in log.ops[..at].iter().enumerate() {
        let fate = fate(n);
        match op {
            Op::Append { file, bytes } => files.entry(*file).or_default().push((fate, bytes)),
            _ if fate == Fate::Lost => {}
            Op::Link { dir, name, node } => {
                named(&mut dirs, *dir).insert(name.clone(), *node);
            }
            Op::Rename {
                dir,
                from,
                to,
                node,
            } => {
                let names = named(&mut dirs, *dir);
                // Its old name may never have become durable.
                if names.get(from) == Some(node) {
                    names.remove(from);
                }
                names.insert(to.clone(), *node);
            }
            Op::Unlink { dir, name } => {
                named(&mut dirs, *dir).remove(name);
            }
            Op::SyncFile(_) | Op::SyncDir(_) => {}
        }
    }
    let mut image = Image(BTreeMap::new());
    image.fill(log, at, &dirs, &files, ROOT, "");
    image
}

fn named(dirs: &mut Vec<Dir>, dir: usize) -> &mut Dir {
    if dirs.len() <= dir {
        dirs.resize(dir + 1, Dir::new());
    }
    &mut dirs[dir]
}

impl Image {
    fn fill(
        &mut self,
        log: &Log,
        at: usize,
        dirs: &[Dir],
        files: &HashMap<FileId, Vec<(Fate, &[u8])>>,
        dir: usize,
        path: &str,
    ) {
        // Of a directory that was created, but in which nothing was kept.
        let Some(names) = dirs.get(dir) else {
            return;
        };
        for (name, node) in names {
            let path = format!("{path}{name}");
            let content = match node {
                Node::Dir(dir) => {
                    self.fill(log, at, dirs, files, *dir, &format!("{path}/"));
                    Content::Dir
                }
                Node::File(file) => content(log, at, *file, files.get(file)),
            };
            self.0.insert(path, content);
        }
    }

    /// Makes the directory `root` of it, with the files of `pool`.
    pub fn build(&self, pool: &Path, root: &Path) {
        fs::create_dir(root).unwrap();
        // A directory comes before what is in it.
        for (path, content) in &self.0 {
            let to = root.join(path);
            match content {
                Content::Dir => fs::create_dir(to).unwrap(),
                // Its lock is the file's, and not the name's.
                Content::Whole(_) if path.ends_with("/LOCK") => fs::write(to, "").unwrap(),
                Content::Whole(file) => fs::hard_link(pool.join(file.to_string()), to).unwrap(),
                Content::Bytes(bytes) => fs::write(to, bytes).unwrap(),
            }
        }
    }
}

fn content(log: &Log, at: usize, file: FileId, writes: Option<&Vec<(Fate, &[u8])>>) -> Content {
    let writes = writes.map_or(&[] as &[_], Vec::as_slice);
    let later = log.ops[at..].iter();
    let grows = |op: &Op| matches!(op, Op::Append { file: other, .. } if *other == file);
    let is_old = file < log.old_files;
    if is_old || (!writes.is_empty() && writes.iter().all(|w| w.0 == Fate::Kept)) {
        if !later.clone().any(grows) {
            return Content::Whole(file);
        }
        assert!(!is_old, "a file is written that was there before");
    }
    let (mut bytes, mut position) = (Vec::new(), 0);
    for (fate, write) in writes {
        match fate {
            Fate::Lost => {}
            Fate::Kept => {
                bytes.resize(position, 0);
                bytes.extend_from_slice(write);
            }
            Fate::Half => {
                bytes.resize(position, 0);
                bytes.extend_from_slice(&write[..write.len() / 2]);
            }
            Fate::Zeros => bytes.resize(position + write.len(), 0),
        }
        position += write.len();
    }
    Content::Bytes(bytes)
}
