//! A pack that keeps a docstore as a compressed blob brings every byte back,
//! and is of no use: no document could be read without the others. The first
//! format did that with every store but vectors.
//!
//! So: whatever LlamaIndex could load is in rows and columns or in records. In
//! file form alone are files that are no JSON, JSON of others, single-file
//! indices of 0.5 and before, lists, and stores wrapped in a string. This looks
//! at the bytes of each file, not at its name, so that it holds for any folder of
//! persist dirs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Mutex,
};

use common::{Storage, data_dir, in_parallel, persist_dirs, shared};
use twinstore::{
    convert::{PackedStore, StoreInfo},
    json::Window,
};

/// Why a file is in file form alone, as its own bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// Not one whole JSON text.
    NotJson,
    /// A file that LlamaIndex would not look at under this name.
    Foreign,
    List,
    InAString,
    /// Another value that is no object.
    Scalar,
    /// An object with a member twice, which loading would take one of.
    RepeatedMember,
}

impl Reason {
    /// What `pack` says then.
    fn is_told_by(self, why: &str) -> bool {
        let told: &[&str] = match self {
            Reason::NotJson => &["byte ", "it is empty", "the text ends", "it does not end"],
            Reason::Foreign => &[""],
            Reason::List | Reason::InAString | Reason::Scalar => {
                &["the top level is not an object"]
            }
            Reason::RepeatedMember => &["a map occurs twice"],
        };
        told.iter().any(|words| why.contains(words))
    }
}

/// The reason that a file gives for being kept as it is; `None` where there is
/// none, because LlamaIndex could load it.
fn reason(kind: &str, path: &Path) -> Option<Reason> {
    if kind == "other file" {
        return Some(Reason::Foreign);
    }
    // Not serde_json, which refuses NaN, half characters and deep nesting:
    // Python does not.
    let mut text = Window::open(path, 1 << 30).unwrap();
    text.skip_bom().unwrap();
    let first = text.peek().unwrap();
    if text.value().is_err() || text.end().is_err() {
        return Some(Reason::NotJson);
    }
    match first? {
        b'{' => has_repeated_member(path).then_some(Reason::RepeatedMember),
        b'[' => Some(Reason::List),
        b'"' => Some(Reason::InAString),
        _ => Some(Reason::Scalar),
    }
}

/// Of a text that is known to be an object.
fn has_repeated_member(path: &Path) -> bool {
    let mut text = Window::open(path, 1 << 30).unwrap();
    text.skip_bom().unwrap();
    text.expect(b'{').unwrap();
    let mut keys = HashSet::new();
    while text.peek().unwrap() == Some(b'"') {
        if !keys.insert(text.string().unwrap().to_vec()) {
            return true;
        }
        text.expect(b':').unwrap();
        text.value().unwrap();
        let _ = text.expect(b',');
    }
    false
}

/// Checks one store, and gives the reason for its form if it has no structure.
fn check(storage: &Storage, name: &str, packed: &PackedStore, info: &StoreInfo) -> Option<Reason> {
    assert_eq!(packed.file_form, info.file_form, "{name}");
    assert_eq!(info.problem, None, "{name}");
    let reason = reason(info.kind, &storage.path(&info.file));
    let why = packed.why.as_deref();
    let has_structure = info.rows.is_some() || info.records.is_some();
    assert_eq!(
        has_structure,
        reason.is_none(),
        "{name}: {reason:?}, {why:?}"
    );
    match reason {
        Some(reason) => {
            assert!(info.file_form, "{name}");
            let told = reason.is_told_by(why.unwrap_or_default());
            assert!(told, "{name}: {reason:?} is told as {why:?}");
        }
        // Beside the structure the text is kept only where that prints it
        // otherwise.
        None if info.file_form => {
            let why = why.unwrap_or_default();
            assert!(why.contains("white space or spelling"), "{name}: {why:?}");
        }
        None => {}
    }
    reason
}

/// Packs all directories below a folder. Gives how many stores have structure,
/// and how many have none for each reason; and the names of those that have
/// structure and are kept as files all the same.
fn all_below(folder: &Path) -> (usize, BTreeMap<Reason, usize>, Vec<String>) {
    let found = Mutex::new((0, BTreeMap::new(), Vec::new()));
    in_parallel(&persist_dirs(folder), |dir| {
        let storage = Storage::copy_of(dir);
        let report = storage.pack_all();
        let info = storage.info();
        assert_eq!(report.stores.len(), info.stores.len());
        for (packed, info) in report.stores.iter().zip(&info.stores) {
            let name = format!("{}/{}", dir.display(), info.file);
            let reason = check(&storage, &name, packed, info);
            let mut found = found.lock().unwrap();
            match reason {
                Some(reason) => *found.1.entry(reason).or_default() += 1,
                None => found.0 += 1,
            }
            if reason.is_none() && info.file_form {
                found.2.push(name);
            }
        }
    });
    let found = found.into_inner().unwrap();
    println!("{}: {found:?}", folder.display());
    found
}

#[test]
fn of_ours() {
    let (structural, reasons, both) = all_below(&data_dir());
    assert!(structural > 50, "{structural}");
    // There is an example of each reason.
    let expected = [
        Reason::NotJson,
        Reason::Foreign,
        Reason::List,
        Reason::InAString,
        Reason::Scalar,
        Reason::RepeatedMember,
    ];
    assert!(reasons.keys().eq(&expected), "{reasons:?}");
    let [only] = both.as_slice() else {
        panic!("{both:?}");
    };
    assert!(only.contains("white_space_varies"), "{only}");
}

#[test]
fn of_real_persist_dirs() {
    let Some(folder) = shared("corpus") else {
        return;
    };
    let (structural, reasons, both) = all_below(&folder);
    assert!(structural > 20, "{structural}");
    let allowed = [Reason::NotJson, Reason::Foreign];
    assert!(reasons.keys().all(|r| allowed.contains(r)), "{reasons:?}");
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn of_what_llama_index_writes() {
    let Some(folder) = shared("examples") else {
        return;
    };
    let (structural, reasons, both) = all_below(&folder);
    assert!(structural > 50, "{structural}");
    // Two releases leave an empty chat store.
    let allowed = [Reason::NotJson, Reason::Foreign, Reason::InAString];
    assert!(reasons.keys().all(|r| allowed.contains(r)), "{reasons:?}");
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn of_edge_cases() {
    let Some(folder) = shared("edge") else {
        return;
    };
    let (structural, _, both) = all_below(&folder);
    assert!(structural > 30, "{structural}");
    assert!(both.is_empty(), "{both:?}");
}
