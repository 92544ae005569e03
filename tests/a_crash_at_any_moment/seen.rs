//! What a user sees who comes to a directory: `status`, a context, `verify --deep`, and
//! everything that the twin holds, printed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use twinstore::{
    StorageContext,
    convert::{Silent, UnpackOptions, VerifyOptions, gc, status, unpack, verify},
    persist_dir::{Snapshot, TWIN, manifest},
};

use crate::common::{Files, files_of};

/// A directory as it is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// The files beside the twin, without what is left of interrupted runs.
    pub json: Files,
    pub twin: Option<Generation>,
    /// Whether a context opens: it refuses where the JSON is newer.
    pub opens: bool,
    /// The new directory `out`, where there is one beside it.
    pub out: Option<Files>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    pub number: u64,
    /// What `unpack` prints of it.
    pub texts: Files,
}

/// Where a persist dir is below a root, and the directory that `unpack --out` makes.
pub fn storage(root: &Path) -> PathBuf {
    root.join("storage")
}

pub fn out(root: &Path) -> PathBuf {
    root.join("out")
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(".twinstore-tmp-")
}

/// Looks at the persist dir below `root`. Whatever a user would not expect is an error.
pub fn look(root: &Path) -> Result<Seen, String> {
    let dir = storage(root);
    let mut seen = Seen::default();
    if out(root).is_dir() {
        seen.out = Some(files_of(&out(root)));
    }
    if !dir.is_dir() {
        return Ok(seen);
    }
    seen.json = files_of(&dir);
    seen.json.retain(|name, _| !is_temporary(name));
    let told = status(&dir).map_err(|e| format!("status: {e}"))?;
    for store in &told.stores {
        if ["twin damaged", "unreadable"].contains(&store.state.as_str()) {
            return Err(format!("status: {} is {}", store.file, store.state));
        }
    }
    seen.opens = StorageContext::from_persist_dir(&dir).is_ok();
    if manifest::generations(&dir.join(TWIN)).unwrap().is_empty() {
        return match told.generation {
            None => Ok(seen),
            Some(n) => Err(format!(
                "status tells of generation {n}, which is not there"
            )),
        };
    }
    let deep = VerifyOptions {
        deep: true,
        ..VerifyOptions::default()
    };
    let report = verify(&dir, &deep, &Silent).map_err(|e| format!("verify: {e}"))?;
    if let Some(problem) = report.problems.first() {
        return Err(format!("verify: {problem:?}"));
    }
    let snapshot = Snapshot::open(&dir, None, &Default::default());
    let number = snapshot.map_err(|e| format!("open: {e}"))?.generation();
    let printed = root.with_extension("printed");
    let options = UnpackOptions {
        out: Some(printed.clone()),
        ..UnpackOptions::default()
    };
    unpack(&dir, &options, &Silent).map_err(|e| format!("unpack --out: {e}"))?;
    let texts = files_of(&printed);
    fs::remove_dir_all(&printed).unwrap();
    seen.twin = Some(Generation { number, texts });
    Ok(seen)
}

/// Collects garbage; then nothing may be there that is not needed.
pub fn tidy(root: &Path) -> Result<(), String> {
    let dir = storage(root);
    let twin = dir.join(TWIN);
    if !twin.is_dir() || manifest::generations(&twin).unwrap().is_empty() {
        return Ok(());
    }
    gc(&dir, 1).map_err(|e| format!("gc: {e}"))?;
    let snapshot = Snapshot::open(&dir, None, &Default::default()).map_err(|e| e.to_string())?;
    let named: Vec<_> = snapshot
        .manifest()
        .segments()
        .map(|s| s.name.to_string())
        .collect();
    let generation = manifest::manifest_path(&twin, snapshot.generation());
    let litter = files_of(&twin).into_keys().find(|name| {
        let is_needed = named.contains(name) || twin.join(name) == generation;
        !is_needed && !["LOCK", "sync"].contains(&name.as_str())
    });
    match litter {
        Some(name) => Err(format!("{name} is left in the twin")),
        None => Ok(()),
    }
}

impl Seen {
    /// Whether a crash between these two may leave this.
    pub fn is_between(&self, before: &Seen, after: &Seen) -> Result<(), String> {
        let is_new = self.twin == after.twin;
        if !is_new && self.twin != before.twin {
            let number = |seen: &Seen| seen.twin.as_ref().map(|twin| twin.number);
            return Err(format!(
                "the twin is {:?}, which is neither {:?} nor {:?} as they were",
                number(self),
                number(before),
                number(after)
            ));
        }
        let names = [self, before, after].map(|seen| seen.json.keys().cloned());
        for name in names.into_iter().flatten() {
            let text = self.json.get(&name);
            let (old, new) = (before.json.get(&name), after.json.get(&name));
            if text != old && text != new {
                let length = text.map(Vec::len);
                return Err(format!("{name} is {length:?} bytes, neither old nor new"));
            }
            if text != old && !is_new {
                return Err(format!("{name} is ahead of the twin"));
            }
        }
        if self.out != before.out && self.out != after.out {
            return Err("the new directory is neither whole nor missing".to_owned());
        }
        // Where JSON that is newer is overwritten, a crash leaves two that disagree.
        let opened = match is_new {
            true => after.opens && (before.opens || before.twin.is_none()),
            false => before.opens,
        };
        if opened && !self.opens {
            return Err("a context does not open".to_owned());
        }
        Ok(())
    }

    /// The same content, of whatever generation.
    pub fn holds(&self, other: &Seen) -> bool {
        self.texts() == other.texts() && self.json == other.json && self.out == other.out
    }

    fn texts(&self) -> Option<&Files> {
        self.twin.as_ref().map(|twin| &twin.texts)
    }

    /// Whether what was told to be done is there, though a sync failed on the way. The
    /// twin has it; a JSON file may be the old one, which is then older than the twin.
    pub fn still_is(&self, before: &Seen, after: &Seen) -> Result<(), String> {
        if self.texts() != after.texts() || self.out != after.out {
            return Err("what was told to be done is lost".to_owned());
        }
        for name in self.json.keys().chain(before.json.keys()) {
            let text = self.json.get(name);
            if text != before.json.get(name) && text != after.json.get(name) {
                return Err(format!("{name} is neither old nor new"));
            }
        }
        match before.opens && after.opens && !self.opens {
            true => Err("a context does not open".to_owned()),
            false => Ok(()),
        }
    }
}
