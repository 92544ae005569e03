//! Which of two twins is right: the rule that decides for one store.
//!
//! The manifest says what the store's content is and when it last changed;
//! the JSON file is recognised by comparing it with every text that is known
//! to equal some generation of the store. Only a text that equals none of
//! them is ever called newer, diverged or damaged. Times decide nothing: a
//! copied directory has new ones.
//!
//! [`state`] costs the same for files of any length. It misses an edit that
//! keeps the length and touches none of the sampled blocks, which
//! [`deep_check`] finds.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use super::{
    fingerprint::{Fingerprint, Samples, Seen, Stat},
    manifest::Store,
    sync::{Known, Pending, SyncEntry, SyncFile},
};
use crate::{
    disk,
    error::{Error, Result},
};

/// How a store and its JSON file stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The file holds the store's content and was not touched since.
    InSync,
    /// The file was touched, but seems to hold the store's content: it was
    /// copied or checked out, or `twin/sync` was lost.
    Touched,
    /// The file changed; the twin did not change since they were equal.
    JsonNewer,
    /// The file holds an older content of the store.
    BinaryNewer,
    /// Both changed since they were equal, if ever they were.
    Diverged,
    /// The file cannot be what somebody meant to write.
    JsonDamaged {
        /// What is wrong with it.
        why: JsonDamage,
    },
    /// There is no file.
    JsonAbsent,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::InSync => "in sync",
            State::Touched => "touched",
            State::JsonNewer => "JSON newer",
            State::BinaryNewer => "binary newer",
            State::Diverged => "diverged",
            State::JsonDamaged {
                why: JsonDamage::Empty,
            } => "JSON empty",
            State::JsonDamaged {
                why: JsonDamage::Cut,
            } => "JSON cut",
            State::JsonAbsent => "JSON absent",
        })
    }
}

/// What a look at both ends of a text shows to be wrong with it. The
/// commonest failures of a writer that truncates before it writes are found
/// so, at constant cost; `pack` finds the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonDamage {
    /// No bytes at all.
    Empty,
    /// It does not end with the bracket or quote that it begins with.
    Cut,
}

/// How far from the ends white space is skipped.
const END: usize = 64 << 10;

impl JsonDamage {
    /// Looks at the ends of a text in memory.
    #[must_use]
    pub fn of_bytes(text: &[u8]) -> Option<JsonDamage> {
        let head = text.get(..END).unwrap_or(text);
        let tail = text.len().checked_sub(END).and_then(|at| text.get(at..));
        JsonDamage::of_ends(head, tail.unwrap_or(text))
    }

    /// Looks at the ends of an open file, whose position is moved.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn of_file(mut file: &File, path: &Path) -> Result<Option<JsonDamage>> {
        let mut read = || -> io::Result<_> {
            let length = file.metadata()?.len();
            let (mut head, mut tail) = (Vec::new(), Vec::new());
            for (from, bytes) in [
                (0, &mut head),
                (length.saturating_sub(END as u64), &mut tail),
            ] {
                file.seek(SeekFrom::Start(from))?;
                file.take(END as u64).read_to_end(bytes)?;
            }
            Ok(JsonDamage::of_ends(&head, &tail))
        };
        read().map_err(Error::io("read", path))
    }

    fn of_ends(head: &[u8], tail: &[u8]) -> Option<JsonDamage> {
        if head.is_empty() {
            return Some(JsonDamage::Empty);
        }
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let black = |b: &&u8| !b" \t\r\n".contains(b);
        match (head.iter().find(black), tail.iter().rev().find(black)) {
            (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) | (Some(b'"'), Some(b'"')) => None,
            _ => Some(JsonDamage::Cut),
        }
    }
}

/// Decides how `store` and its JSON file in `persist_dir` stand to each
/// other, reading at most little more than 1 MiB of the file, and nothing of
/// it where its stat is the recorded one.
///
/// # Errors
/// [`Error::Io`]; [`Error::SourceBusy`] when the file shrinks meanwhile.
pub fn state(persist_dir: &Path, store: &Store, sync: &SyncFile) -> Result<State> {
    let path = persist_dir.join(&store.file);
    let judge = Judge::new(store, sync);
    let Some(stat) = Stat::of(&path)? else {
        return Ok(State::JsonAbsent);
    };
    if let Some(text) = judge.remembered(&stat) {
        let state = judge.recognise(true, |known| known == text);
        return Ok(state.unwrap_or(State::InSync));
    }
    let Some(file) = open(&path)? else {
        return Ok(State::JsonAbsent);
    };
    // Of the file that is open, should another one have taken its name.
    let stat = Stat::of_file(&file, &path)?;
    let samples = Samples::of(&file, &path)?;
    let untouched = judge.untouched(&stat, |known| known.samples == samples);
    match judge.recognise(untouched, |known| known.samples == samples) {
        Some(state) => Ok(state),
        None => Ok(judge.unknown(JsonDamage::of_file(&file, &path)?)),
    }
}

/// Decides the same by reading the whole file. What was seen of it is
/// returned (`None` without a file), to be recorded if the two are equal.
///
/// # Errors
/// [`Error::Io`]; [`Error::SourceBusy`] when the file kept changing.
pub fn deep_check(
    persist_dir: &Path,
    store: &Store,
    sync: &SyncFile,
) -> Result<(State, Option<Seen>)> {
    let path = persist_dir.join(&store.file);
    let judge = Judge::new(store, sync);
    if Stat::of(&path)?.is_none() {
        return Ok((State::JsonAbsent, None));
    }
    let seen = Seen::read(&path)?;
    let untouched = judge.untouched(&seen.stat, |known| *known == seen.fingerprint);
    let state = match judge.recognise(untouched, |known| *known == seen.fingerprint) {
        Some(state) => state,
        None => {
            let file = disk::open(&path).map_err(Error::io("open", &path))?;
            judge.unknown(JsonDamage::of_file(&file, &path)?)
        }
    };
    Ok((state, Some(seen)))
}

/// The text that the JSON file of `store` holds, as far as samples tell, and the
/// generation that it equals, where that is known but not from what `sync` records last
/// of the file. It would be forgotten with the next announcement, or the next manifest:
/// see [`SyncFile::remember`].
///
/// # Errors
/// [`Error::Io`]; [`Error::SourceBusy`] when the file shrinks meanwhile.
pub(crate) fn unrecorded(
    persist_dir: &Path,
    store: &Store,
    sync: &SyncFile,
) -> Result<Option<(Fingerprint, u64)>> {
    let path = persist_dir.join(&store.file);
    let judge = Judge::new(store, sync);
    let stat = Stat::of(&path)?;
    if stat.is_none_or(|stat| judge.remembered(&stat).is_some()) {
        return Ok(None);
    }
    let Some(file) = open(&path)? else {
        return Ok(None);
    };
    let samples = Samples::of(&file, &path)?;
    if judge.known.is_some_and(|k| k.text.samples == samples) {
        return Ok(None);
    }
    let matching = judge.texts().filter(|(text, _)| text.samples == samples);
    let newest = matching.max_by_key(|(_, generation)| *generation);
    Ok(newest.map(|(text, generation)| (*text, generation)))
}

fn open(path: &Path) -> Result<Option<File>> {
    match disk::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("open", path)(e)),
    }
}

/// The generation of the text that a store was packed from. Any since the last change has
/// the content of the last change.
fn packed_at(store: &Store) -> Option<u64> {
    let packed = store.packed.as_ref()?;
    Some(packed.generation.min(store.changed))
}

/// What is known of one store and its file.
struct Judge<'a> {
    store: &'a Store,
    known: Option<&'a Known>,
    pending: Option<&'a Pending>,
}

impl<'a> Judge<'a> {
    fn new(store: &'a Store, sync: &'a SyncFile) -> Judge<'a> {
        let entry = sync.entry(&store.file);
        let known = entry.and_then(SyncEntry::known);
        let pending = entry.and_then(SyncEntry::pending);
        // A content has one text. Where the manifest tells another one of the same
        // generation, the record came from another twin.
        let packed = store.packed.as_ref().zip(packed_at(store));
        let fits = |text: &Fingerprint, generation: u64| {
            packed.is_none_or(|(packed, at)| generation != at || *text == packed.text)
        };
        Judge {
            store,
            known: known.filter(|known| fits(&known.text, known.changed)),
            pending: pending.filter(|pending| fits(&pending.text, pending.changed)),
        }
    }

    /// The text that the file must still hold, as its stat tells.
    fn remembered(&self, stat: &Stat) -> Option<&'a Fingerprint> {
        let known = self.known?;
        let vouches = known.stat.same(stat) && known.stat.is_settled();
        vouches.then_some(&known.text)
    }

    /// Whether neither stat nor text of the file differ from the record.
    fn untouched(&self, stat: &Stat, is_text: impl Fn(&Fingerprint) -> bool) -> bool {
        let known = self.known;
        known.is_some_and(|k| k.stat.same(stat) && is_text(&k.text))
    }

    /// The texts that are known, each with the generation that it equals.
    fn texts(&self) -> impl Iterator<Item = (&'a Fingerprint, u64)> {
        let recorded = self.known.map(|k| (&k.text, k.changed));
        let announced = self.pending.map(|p| (&p.text, p.changed));
        let packed = self.store.packed.as_ref().map(|p| &p.text);
        recorded
            .into_iter()
            .chain(announced)
            .chain(packed.zip(packed_at(self.store)))
    }

    /// The state of a file whose text is known.
    fn recognise(&self, untouched: bool, is_text: impl Fn(&Fingerprint) -> bool) -> Option<State> {
        let matching = || self.texts().filter(|(text, _)| is_text(text));
        if matching().any(|(_, generation)| generation == self.store.changed) {
            return Some(match untouched {
                true => State::InSync,
                false => State::Touched,
            });
        }
        let newest = matching().map(|(_, generation)| generation).max()?;
        Some(if newest < self.store.changed {
            State::BinaryNewer
        } else {
            // Somebody took generations away; the file still has the content.
            State::JsonNewer
        })
    }

    /// The state of a file whose text was never seen.
    fn unknown(&self, damage: Option<JsonDamage>) -> State {
        let was_json = self.store.packed.as_ref().is_none_or(|p| p.is_json);
        match damage {
            Some(why @ JsonDamage::Empty) => return State::JsonDamaged { why },
            Some(why @ JsonDamage::Cut) if was_json => return State::JsonDamaged { why },
            _ => {}
        }
        // A text that was only announced may never have been there.
        let known = self.known.map(|k| k.changed);
        if known.max(packed_at(self.store)) == Some(self.store.changed) {
            State::JsonNewer
        } else {
            State::Diverged
        }
    }
}

#[cfg(test)]
mod tests;
