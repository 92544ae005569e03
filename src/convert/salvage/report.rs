//! What `salvage` says: what was written, and what was lost.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    container::Mended,
    error::Error,
    store::{CollectionPath, Doubts, Lost, Rescue},
};

/// How many keys are listed for a store.
const MAX_KEYS: usize = 100_000;
/// How many ranges are listed for a store before neighbours are put together.
const MAX_RANGES: usize = 10_000;

/// What `salvage` did.
#[derive(Debug, Clone, Serialize)]
pub struct SalvageReport {
    /// The generation that was read.
    pub generation: u64,
    /// Newer ones, whose manifests cannot be read.
    pub damaged_generations: Vec<u64>,
    /// Where the manifest that was read is damaged, what of it was set right.
    pub set_right: Option<SetRight>,
    /// The new directory.
    pub out: PathBuf,
    /// The file in it that holds this report.
    pub report: String,
    /// Every store of the generation.
    pub stores: Vec<SalvagedStore>,
}

impl SalvageReport {
    /// Whether nothing was lost of that generation.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.stores.iter().all(|store| store.lost.is_empty())
    }
}

/// What became of one store.
#[derive(Debug, Clone, Serialize)]
pub struct SalvagedStore {
    /// The JSON file's name.
    pub file: String,
    /// What the store is, in words.
    pub kind: &'static str,
    /// The file that was written: the store's, or one ending in `.part` with
    /// what is left of a text that is no JSON without the rest. `None` where
    /// nothing is left.
    pub written: Option<String>,
    /// Its length.
    pub bytes: u64,
    /// How many entries were written; 0 for a store that is kept as the file
    /// is.
    pub kept: u64,
    /// What was lost; empty where the file is what it was.
    pub lost: Vec<Loss>,
    /// Damaged binary files of which something could be set right.
    pub set_right: Vec<SetRight>,
}

/// What was damaged in a binary file and could be told. The file was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetRight {
    /// The binary file.
    pub segment: String,
    /// Parts outside the data, as the manifest proves; of a manifest itself, as all its other
    /// checksums say.
    pub parts: Vec<&'static str>,
    /// Bits that were taken for flipped. Where they count for what was written, that is
    /// the text that was packed; of a manifest, what it says makes sense.
    pub bits: u64,
}

impl SetRight {
    pub(super) fn of(segment: impl Into<String>, mended: &Mended) -> SetRight {
        SetRight {
            segment: segment.into(),
            parts: mended.parts.clone(),
            bits: mended.bits,
        }
    }
}

/// What a [`Loss`] is a loss of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// All of the store.
    Store,
    /// One of its binary files.
    Segment,
    /// Entries of a collection or map.
    Entries,
    /// A collection that stands in a record that is lost.
    Collection,
    /// Bytes of a text that is kept as it is.
    Bytes,
    /// Which entries are deleted: some may be back.
    Deletions,
    /// The order among the entries of several binary files.
    Order,
    /// White space, or how some keys and values were spelled. The values are
    /// right.
    Spelling,
}

/// Something that was lost.
#[derive(Debug, Clone, Serialize)]
pub struct Loss {
    /// What it is a loss of.
    pub what: LossKind,
    /// The binary file concerned.
    pub segment: Option<String>,
    /// The collection or map.
    pub collection: Option<String>,
    /// The first entry (counted from 0 in the binary file's part of the
    /// collection), or the first byte of the text.
    pub first: Option<u64>,
    /// The last one.
    pub last: Option<u64>,
    /// How many of those from the first to the last were lost.
    pub count: u64,
    /// The keys of lost entries, as far as they can be read.
    pub keys: Vec<String>,
    /// How many lost entries have no key, or one that cannot be read, or one
    /// too many to be listed.
    pub without_key: u64,
    /// Why, as far as the first of them goes.
    pub reason: String,
}

impl Loss {
    pub(super) fn new(what: LossKind, reason: impl Into<String>) -> Loss {
        Loss {
            what,
            segment: None,
            collection: None,
            first: None,
            last: None,
            count: 1,
            keys: Vec::new(),
            without_key: 0,
            reason: reason.into(),
        }
    }
}

/// Gathers what becomes of one store.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// The names of the binary files, in the order of the open store.
    pub(super) segments: Vec<String>,
    pub(super) kept: u64,
    pub(super) lost: Vec<Loss>,
    keys: usize,
}

impl Losses {
    /// Gathers bytes of a text that are lost.
    pub(super) fn bytes(&mut self, range: std::ops::Range<u64>, segment: String, error: &Error) {
        let last = range.end.saturating_sub(1);
        let count = range.end - range.start;
        if let Some(loss) = self.lost.last_mut()
            && loss.what == LossKind::Bytes
            && loss.last.and_then(|last| last.checked_add(1)) == Some(range.start)
        {
            loss.last = Some(last);
            loss.count += count;
            return;
        }
        self.lost.push(Loss {
            segment: Some(segment),
            first: Some(range.start),
            last: Some(last),
            count,
            ..Loss::new(LossKind::Bytes, error.in_short())
        });
    }

    /// Whether entries were lost.
    pub(super) fn has_lost_entries(&self) -> bool {
        self.lost.iter().any(|loss| loss.what == LossKind::Entries)
    }
}

impl Rescue for Losses {
    fn kept(&mut self) {
        self.kept += 1;
    }

    fn lost(&mut self, lost: Lost) {
        let segment = self.segments.get(lost.segment).cloned();
        let collection = Some(lost.collection.to_string());
        let entry = u64::from(lost.entry);
        let crowded = self.lost.len() >= MAX_RANGES;
        // Entries come in order, so that the last range is the only one that
        // goes on; a nested collection may have come between.
        let same = |loss: &&mut Loss| {
            loss.what == LossKind::Entries
                && loss.segment == segment
                && loss.collection == collection
        };
        let open = self.lost.iter_mut().rev().take(8).find(same);
        let next = |loss: &Loss| loss.last.and_then(|last| last.checked_add(1));
        let known = match open {
            Some(loss) if crowded || next(loss) == Some(entry) => {
                loss.last = loss.last.max(Some(entry));
                loss.count += 1;
                Some(loss)
            }
            _ => None,
        };
        let loss = match known {
            Some(loss) => loss,
            None => {
                self.lost.push(Loss {
                    segment,
                    collection,
                    first: Some(entry),
                    last: Some(entry),
                    ..Loss::new(LossKind::Entries, lost.error.in_short())
                });
                let Some(loss) = self.lost.last_mut() else {
                    return;
                };
                loss
            }
        };
        match lost.key.filter(|_| self.keys < MAX_KEYS) {
            Some(key) => {
                self.keys += 1;
                loss.keys.push(String::from_utf8_lossy(&key).into_owned());
            }
            None => loss.without_key += 1,
        }
    }

    fn lost_with_record(&mut self, collection: &CollectionPath, entries: u64) {
        self.lost.push(Loss {
            collection: Some(collection.to_string()),
            count: entries,
            without_key: entries,
            ..Loss::new(LossKind::Collection, "the record that it stands in is lost")
        });
    }

    fn doubted(&mut self, collection: &CollectionPath, doubts: Doubts) {
        let order = "sequence numbers or deletions are damaged: one binary file follows another";
        let deletions = "which entries are deleted cannot be read: some may be back";
        let of = [
            (doubts.deletions, LossKind::Deletions, deletions),
            (doubts.order, LossKind::Order, order),
        ];
        for (_, what, reason) in of.into_iter().filter(|(is_lost, ..)| *is_lost) {
            self.lost.push(Loss {
                collection: Some(collection.to_string()),
                ..Loss::new(what, reason)
            });
        }
    }

    fn respelled(&mut self, error: &Error) {
        self.lost
            .push(Loss::new(LossKind::Spelling, error.in_short()));
    }
}
