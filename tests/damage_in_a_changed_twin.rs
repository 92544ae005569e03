//! A twin that lives has more than what `pack` wrote: segments that were appended,
//! tombstones for what was deleted, two generations that share files. A lost tombstone
//! brings a deleted document back, a lost segment hides a new one, and both would
//! look like an answer.
//!
//! So each file of such a twin is damaged, too: bits flipped, ends cut off, sectors
//! lost to zeros as drives lose them, a file of this twin or of another put in its place.
//! Manifests and `sync` as well as segments. Either the answer is the right one, or it is an error of
//! damage, whichever way a file is opened.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{
    Files, Storage, WAYS, all_damage, in_parallel,
    library::{DIM, documents, embedding, insert, new_library},
};
use twinstore::{
    Error, Result, StorageContext,
    container::OpenOptions,
    convert::{Silent, VerifyOptions, verify},
    search::VectorStoreQuery,
    storage_context::{JsonTwin, PersistOptions},
};

/// Drives lose sectors, and file systems pages.
const SECTOR: usize = 512;

/// What there is to be told: documents, and what is nearest to each of their nodes.
#[derive(Debug, PartialEq)]
struct Answers {
    documents: Vec<String>,
    nearest: Vec<Vec<u8>>,
    texts: Vec<Vec<u8>>,
}

fn ask(storage: &Storage, open: &OpenOptions) -> Result<Answers> {
    let context = StorageContext::open_twin(storage.dir(), open)?;
    let documents = documents(&context)?;
    let (mut nearest, mut texts) = (Vec::new(), Vec::new());
    for document in &documents {
        let id = format!("{document}-0");
        let vector = embedding(&id, DIM);
        let query = VectorStoreQuery::new(&vector).top_k(4);
        let hits = context.vector_store("default")?.query(&query)?;
        nearest.extend(hits.into_iter().map(|hit| hit.id));
        let node = context.docstore()?.get_document(id.as_bytes())?;
        texts.push(node.raw().to_vec());
    }
    Ok(Answers {
        documents,
        nearest,
        texts,
    })
}

/// A twin to which a document was added and from which one was deleted, without its
/// JSON files.
struct Changed {
    storage: Storage,
    twin: Files,
    answers: Answers,
}

fn changed(text: &str) -> Changed {
    let storage = Storage::in_memory(&Files::new());
    // Changes are appended also where a store is so small that it would be rewritten.
    let options = PersistOptions {
        json: JsonTwin::Never,
        rewrite_below: 0,
        ..PersistOptions::default()
    };
    let mut context = new_library();
    for n in 1..20 {
        insert(&mut context, &format!("document-{n:02}"), 4, text);
    }
    context.persist_with(storage.dir(), &options).unwrap();
    let mut context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    insert(&mut context, "new", 1, text);
    context.delete_ref_doc(b"document-07").unwrap();
    context.persist_with(storage.dir(), &options).unwrap();
    let twin = storage.twin_files();
    let count = |kind| twin.keys().filter(|name| name.starts_with(kind)).count();
    let counts = ["del-", "vec-", "rec-"].map(count);
    assert!(
        counts[0] > 0 && counts[1] > 1 && counts[2] > 2,
        "{counts:?}"
    );
    let answers = ask(&storage, &OpenOptions::default()).unwrap();
    assert_eq!(answers.documents.len(), 19);
    assert!(!answers.documents.contains(&"document-07".to_owned()));
    Changed {
        storage,
        twin,
        answers,
    }
}

impl Changed {
    /// All files but the lock, which holds nothing.
    fn damageable(&self) -> Vec<(&String, &Vec<u8>)> {
        let files = self.twin.iter();
        files.filter(|(name, _)| *name != "LOCK").collect()
    }

    /// With other bytes in a file, `verify` names the file, and nobody is told anything
    /// that is not so.
    fn with(&self, file: &str, bytes: &[u8], what: &str, ways: &[OpenOptions]) {
        let path = self.storage.twin().join(file);
        fs::write(&path, bytes).unwrap();
        for &open in ways {
            let options = VerifyOptions {
                open,
                ..VerifyOptions::default()
            };
            let report = verify(&self.storage.dir(), &options, &Silent).unwrap();
            assert_eq!(report.problems.len(), 1, "{file}, {what}: {report:?}");
            assert_eq!(report.problems[0].file, path, "{what}");
            match ask(&self.storage, &open) {
                Ok(answers) => assert_eq!(answers, self.answers, "{file}, {what}"),
                Err(e) => assert!(e.is_damage(), "{file}, {what}: {e}"),
            }
        }
        fs::write(&path, &self.twin[file]).unwrap();
    }

    /// In one way, another one from number to number; with `TWINSTORE_DAMAGE=all` in all.
    fn with_one_of_many(&self, file: &str, bytes: &[u8], what: &str, number: usize) {
        let one = [WAYS[number % WAYS.len()]];
        let ways = if all_damage() { &WAYS[..] } else { &one[..] };
        self.with(file, bytes, what, ways);
    }
}

/// There is no time for every bit and every length of every file, except with
/// `TWINSTORE_DAMAGE=all`; what is new here, tombstones, has it.
fn step(some: usize) -> usize {
    if all_damage() { 1 } else { some }
}

/// Each half of the work on a twin of its own.
fn on_two_twins(work: impl Fn(&Changed, usize) + Sync) {
    in_parallel(&[0, 1], |half| work(&changed("text"), *half));
}

#[test]
fn a_flipped_bit() {
    on_two_twins(|changed, half| {
        for (file, good) in changed.damageable() {
            let mut bytes = good.clone();
            // A bit of each byte, or of one in eight. Neither number shares a factor
            // with 8: each bit of a byte has its turn.
            let step = match &file[..4] {
                "del-" => 1,
                "vec-" | "rec-" => step(61),
                _ => step(7),
            };
            let bits = (0..good.len() * 8).step_by(step);
            for (number, bit) in bits.enumerate().filter(|(n, _)| n % 2 == half) {
                bytes[bit / 8] ^= 1 << (bit % 8);
                changed.with_one_of_many(file, &bytes, &format!("bit {bit}"), number / 2);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    });
}

#[test]
fn an_end_that_is_cut_off() {
    on_two_twins(|changed, half| {
        for (file, good) in changed.damageable() {
            let is_long = matches!(&file[..4], "vec-" | "rec-");
            let step = if is_long { step(13) } else { 1 };
            let lengths = (0..good.len()).step_by(step);
            for (number, len) in lengths.enumerate().filter(|(n, _)| n % 2 == half) {
                let what = format!("cut to {len}");
                changed.with_one_of_many(file, &good[..len], &what, number / 2);
            }
        }
    });
}

#[test]
fn something_before_it_or_behind_it() {
    let changed = changed("text");
    for (file, good) in changed.damageable() {
        let last_64 = &good[good.len() - 64..];
        let extensions: [&[u8]; 6] = [b"\0", b"\n", &[0; 64], &[0xff; 4096], last_64, good];
        for extension in extensions {
            let what = format!("extended by {}", extension.len());
            changed.with(file, &[good, extension].concat(), &what, &WAYS);
            let what = format!("{what} in front");
            changed.with(file, &[extension, good].concat(), &what, &WAYS);
        }
    }
}

#[test]
fn sectors_of_zeros() {
    let changed = changed("text");
    let mut lost = 0;
    for (file, good) in changed.damageable() {
        for start in (0..good.len()).step_by(SECTOR) {
            for end in [start + SECTOR, good.len()] {
                let mut bytes = good.clone();
                let end = end.min(good.len());
                bytes[start..end].fill(0);
                if bytes != *good {
                    let what = format!("zeros from {start} to {end}");
                    changed.with(file, &bytes, &what, &WAYS);
                    lost += 1;
                }
            }
        }
    }
    assert!(lost > 40, "{lost}");
}

/// Without `sync` only a memory is gone, and nobody asks for the older manifest; any other
/// file is missed by who needs it. The newest manifest is known of by `sync`.
#[test]
fn a_file_that_is_gone() {
    let changed = changed("text");
    for (file, good) in changed.damageable() {
        let path = changed.storage.twin().join(file);
        fs::remove_file(&path).unwrap();
        for open in WAYS {
            match ask(&changed.storage, &open) {
                Ok(answers) => {
                    assert_ne!(file, "manifest-0000000002");
                    assert_eq!(answers, changed.answers, "{file}");
                }
                Err(Error::LostGeneration { generation: 2, .. }) => {
                    assert_eq!(file, "manifest-0000000002");
                }
                Err(e) => assert!(e.to_string().contains(file), "{file}: {e}"),
            }
        }
        let problems = changed.storage.verify().problems.len();
        let is_missed = file.ends_with(".seg") || file == "manifest-0000000002";
        assert_eq!(problems, usize::from(is_missed), "{file}");
        fs::write(&path, good).unwrap();
    }
}

/// A restore from a copy of another day, or of another directory.
#[test]
fn a_file_in_the_place_of_another() {
    let (changed, other) = (changed("text"), self::changed("other text"));
    let mut strangers = 0;
    for (file, good) in changed.damageable() {
        let others = other.damageable().into_iter().map(|of| ("another", of));
        let own = changed.damageable().into_iter().map(|of| ("this", of));
        for (twin, (stranger, bytes)) in others.chain(own) {
            // A manifest of another twin is sound where it is: below.
            let is_sound = stranger == file && file.starts_with("manifest-");
            if bytes != good && !is_sound {
                let what = format!("replaced by {stranger} of {twin} twin");
                changed.with(file, bytes, &what, &WAYS);
                strangers += 1;
            }
        }
    }
    assert!(strangers > 20, "{strangers}");
}

/// A manifest of another twin names files that are not here.
#[test]
fn a_manifest_of_another_twin() {
    let (changed, other) = (changed("text"), self::changed("other text"));
    let newest = |twin: &Files| {
        let mut manifests = twin
            .iter()
            .filter(|(name, _)| name.starts_with("manifest-"));
        manifests
            .next_back()
            .map(|(name, bytes)| (name.clone(), bytes.clone()))
    };
    let (name, _) = newest(&changed.twin).unwrap();
    let (_, stranger) = newest(&other.twin).unwrap();
    fs::write(changed.storage.twin().join(&name), stranger).unwrap();
    for open in WAYS {
        let error = ask(&changed.storage, &open).unwrap_err();
        assert!(error.to_string().contains(".seg"), "{error}");
    }
    let report = changed.storage.verify();
    assert!(!report.problems.is_empty());
}
