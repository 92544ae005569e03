//! A twin that lives has more than what `pack` wrote: segments that were appended,
//! tombstones for what was deleted, two generations that share files. A lost tombstone
//! brings a deleted document back, a lost segment hides a new one, and both would
//! look like an answer.
//!
//! So each file of such a twin is damaged, too: bits flipped, ends cut off, sectors
//! lost to zeros as drives lose them, a file put in the place of another of the same
//! kind from another twin. Either the answer is the right one, or it is an error of
//! damage, whichever way a file is opened.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{
    Files, Storage, WAYS, in_parallel,
    library::{DIM, documents, embedding, insert, new_library},
};
use twinstore::{
    Result, StorageContext,
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
    /// The segments, by name.
    fn segments(&self) -> Vec<(&String, &Vec<u8>)> {
        let files = self.twin.iter();
        files.filter(|(name, _)| name.ends_with(".seg")).collect()
    }

    /// With other bytes in a file, `verify` names the file, and nobody is told anything
    /// that is not so.
    fn with(&self, file: &str, bytes: &[u8], what: &str, number: usize) {
        let path = self.storage.twin().join(file);
        fs::write(&path, bytes).unwrap();
        let open = WAYS[number % WAYS.len()];
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
        fs::write(&path, &self.twin[file]).unwrap();
    }
}

/// Each half of the work on a twin of its own.
fn on_two_twins(work: impl Fn(&Changed, usize) + Sync) {
    in_parallel(&[0, 1], |half| work(&changed("text"), *half));
}

#[test]
fn a_flipped_bit() {
    on_two_twins(|changed, half| {
        for (file, good) in changed.segments() {
            // Every bit of what is new here; of the others, one of each eight bytes.
            let step = if file.starts_with("del-") { 1 } else { 61 };
            let mut bytes = good.clone();
            for bit in (0..good.len() * 8)
                .step_by(step)
                .filter(|bit| bit % 2 == half)
            {
                bytes[bit / 8] ^= 1 << (bit % 8);
                changed.with(file, &bytes, &format!("bit {bit}"), bit / 2);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    });
}

#[test]
fn an_end_that_is_cut_off() {
    on_two_twins(|changed, half| {
        for (file, good) in changed.segments() {
            let step = if file.starts_with("del-") { 1 } else { 13 };
            for len in (0..good.len()).step_by(step).filter(|len| len % 2 == half) {
                changed.with(file, &good[..len], &format!("cut to {len}"), len / 2);
            }
        }
    });
}

#[test]
fn sectors_of_zeros() {
    let changed = changed("text");
    let mut lost = 0;
    for (file, good) in changed.segments() {
        for start in (0..good.len()).step_by(SECTOR) {
            for end in [start + SECTOR, good.len()] {
                let mut bytes = good.clone();
                let end = end.min(good.len());
                bytes[start..end].fill(0);
                if bytes != *good {
                    let what = format!("zeros from {start} to {end}");
                    changed.with(file, &bytes, &what, start / SECTOR);
                    lost += 1;
                }
            }
        }
    }
    assert!(lost > 40, "{lost}");
}

/// A restore from a copy of another day, or of another directory.
#[test]
fn a_file_of_another_twin() {
    let (changed, other) = (changed("text"), self::changed("other text"));
    let mut strangers = 0;
    for (file, good) in changed.segments() {
        let kind = &file[..4];
        let others = other.segments().into_iter().chain(changed.segments());
        for (stranger, bytes) in others.filter(|(name, _)| name.starts_with(kind)) {
            if bytes != good {
                changed.with(file, bytes, &format!("replaced by {stranger}"), strangers);
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
