//! What becomes of the JSON files when their stores change.
//!
//! Texts are printed before the commit, so that the manifest can say what the new
//! files hold, and put in their places after it: until then the old ones are right.

use std::{collections::HashMap, path::Path};

use super::{JsonFate, JsonTwin};
use crate::{
    container::OpenOptions,
    convert::{PrintedJson, StoreText, remove_leftovers, set_aside},
    error::Result,
    persist_dir::{Packed, Stat, Store, SyncFile, Writer, open_files},
};

/// JSON that is written anew each time is at most so long, all files together.
const AUTO: u64 = 64 << 20;

/// How JSON files looked before a commit; `None` where there is none.
pub(super) type Seen = HashMap<String, Option<Stat>>;

/// Looks at JSON files. Whatever is decided about them is decided after this, so that
/// a later change shows.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io).
pub(super) fn look<'f>(dir: &Path, files: impl Iterator<Item = &'f str>) -> Result<Seen> {
    let look = |file: &str| Ok((file.to_owned(), Stat::of(&dir.join(file))?));
    files.map(look).collect()
}

/// Whether a store has no JSON file only because it never got one: `old`, its record in
/// the generation before, is not there, or tells of a text that `sync` knows nothing of,
/// because a crash came between the commit and the file.
pub(super) fn never_had_json(old: Option<&Store>, sync: &SyncFile) -> bool {
    let Some(old) = old else {
        return true;
    };
    let entry = sync.entry(&old.file);
    let was_there = entry.is_some_and(|e| e.known().is_some() || e.is_dropped());
    old.packed.is_some() && !was_there
}

/// The JSON files of stores whose content they do not hold any more.
pub(super) struct Outdated {
    seen: Seen,
    printed: Vec<(String, PrintedJson)>,
}

impl Outdated {
    /// Prints those of the files of these stores that are to be written. `is_due` tells
    /// which of those that are missing are.
    pub(super) fn print(
        writer: &Writer,
        stores: &[&Store],
        mut seen: Seen,
        is_due: impl Fn(&Store) -> bool,
        json: JsonTwin,
    ) -> Result<Outdated> {
        let dir = writer.persist_dir();
        // The lock is held: no other run is using them.
        remove_leftovers(dir);
        seen.retain(|file, _| stores.iter().any(|store| store.file == *file));
        let mut outdated = Outdated {
            seen,
            printed: Vec::new(),
        };
        let stats = outdated.seen.values().flatten();
        let mut length: u64 = stats.map(|stat| stat.length).sum();
        if json == JsonTwin::Never || (json == JsonTwin::Auto && length > AUTO) {
            return Ok(outdated);
        }
        length = 0;
        for store in stores {
            let present = outdated.seen.get(&store.file).copied().flatten().is_some();
            // What was removed on purpose stays away.
            if !present && !is_due(store) && json != JsonTwin::Always {
                continue;
            }
            let (segments, verbatim) =
                open_files(writer.twin_dir(), store, &OpenOptions::default())?;
            let text = StoreText::of_files(segments, verbatim)?;
            let limit = (json == JsonTwin::Auto).then(|| AUTO - length);
            let printed = PrintedJson::print_up_to(dir, &store.file, &text, limit)?;
            let Some(printed) = printed else {
                outdated.printed.clear();
                return Ok(outdated);
            };
            length += printed.text().length();
            outdated.printed.push((store.file.clone(), printed));
        }
        Ok(outdated)
    }

    /// What the manifest is to say of the texts: a store equals its new file from
    /// `generation` on.
    pub(super) fn note(&self, stores: &mut [Store], generation: u64) {
        for (file, printed) in &self.printed {
            if let Some(store) = stores.iter_mut().find(|store| store.file == *file) {
                store.packed = Some(Packed {
                    generation,
                    text: *printed.text(),
                    is_json: true,
                });
            }
        }
    }

    /// After the commit: puts what was printed in its place, and renames the files that
    /// are out of date. Says what became of each; what cannot be done is a warning.
    pub(super) fn replace(
        self,
        writer: &Writer,
        stores: &[Store],
        sync: &mut SyncFile,
        warnings: &mut Vec<String>,
    ) -> HashMap<String, JsonFate> {
        let mut fates = HashMap::new();
        for (file, printed) in self.printed {
            let seen = self.seen.get(&file).copied().flatten();
            let Some(store) = stores.iter().find(|store| store.file == file) else {
                continue;
            };
            let fate = match printed.put(store, seen, writer, sync) {
                Ok(_) => JsonFate::Written,
                Err(e) => {
                    warnings.push(e.to_string());
                    JsonFate::Kept
                }
            };
            fates.insert(file, fate);
        }
        for (file, seen) in self.seen {
            if fates.contains_key(&file) {
                continue;
            }
            let fate = match seen {
                None => JsonFate::Absent,
                Some(seen) => match set_aside(writer.persist_dir(), &file, &seen, sync) {
                    Ok(()) => JsonFate::SetAside,
                    Err(e) => {
                        warnings.push(e.to_string());
                        JsonFate::Kept
                    }
                },
            };
            fates.insert(file, fate);
        }
        fates
    }
}
