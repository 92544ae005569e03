//! A bit flips on a disk, a copy is cut short, a tool appends a byte. If the
//! twin went on answering from such a file, wrong vectors and wrong documents
//! would come back as if nothing had happened, and nobody would know since
//! when.
//!
//! So every bit of every file of a small twin is flipped, one at a time, and
//! every file is cut at every length. `verify` must name the damaged file and
//! the part of it; a reader that meets the damage gets an error, and one that
//! does not meet it gets the right data. Nothing in between, whichever way
//! files are opened. One of the files is a record segment with every section
//! that pack writes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;
#[path = "common/small_twin.rs"]
mod twins;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
};

use common::{Files, Storage, VECTORS, WAYS, in_parallel, open_vectors, ways_of};
use twins::{long_twin, small_twin};
use twinstore::{
    Error, Result,
    container::OpenOptions,
    convert::{Silent, VerifyOptions, verify},
    persist_dir::{Snapshot, SyncFile},
    segment::Metadata,
};

/// Drives lose sectors, and file systems pages.
const SECTOR: usize = 512;

/// Id, vector, metadata, ref doc id.
type Row = (Vec<u8>, Vec<f64>, Option<Metadata>, Option<Vec<u8>>);

/// What a reader sees of a twin.
#[derive(Debug, Default, PartialEq)]
struct Rows {
    rows: Vec<Row>,
    nearest: Vec<Vec<f32>>,
    norms: Vec<f64>,
    irregular: Vec<u32>,
    keys: Vec<Vec<u8>>,
}

fn read_rows(storage: &Storage, open: &OpenOptions) -> Result<Rows> {
    let snapshot = Snapshot::open(&storage.dir(), None, open)?;
    if snapshot
        .stores()
        .all(|store| store.record().file != VECTORS)
    {
        return Ok(Rows::default());
    }
    let vectors = open_vectors(&snapshot, VECTORS)?;
    let mut rows = Vec::new();
    for row in 0..vectors.rows() {
        let id = vectors.id(row)?;
        let values = vectors.get(&id)?;
        // An id that is there is found, or the lookup is damaged.
        let values = values.expect("an id of the store has no vector");
        rows.push((id, values, vectors.metadata(row)?, vectors.ref_doc(row)?));
    }
    Ok(Rows {
        rows,
        nearest: (0..vectors.vectors())
            .map(|row| vectors.nearest(row))
            .collect::<Result<_>>()?,
        norms: (0..vectors.vectors())
            .map(|row| vectors.norm(row))
            .collect::<Result<_>>()?,
        irregular: vectors.irregular()?,
        keys: vectors.metadata_keys()?,
    })
}

/// A sound twin, and what has to come out of it.
struct Sound {
    storage: Storage,
    twin: Files,
    json: Files,
    rows: Rows,
}

impl Sound {
    fn new() -> Sound {
        let sound = Sound::of(small_twin());
        assert_eq!(sound.rows.rows.len(), 3);
        sound
    }

    fn of(storage: Storage) -> Sound {
        assert!(storage.verify().problems.is_empty());
        let rows = read_rows(&storage, &OpenOptions::default()).unwrap();
        Sound {
            twin: storage.twin_files(),
            json: storage.files(),
            rows,
            storage,
        }
    }

    /// `verify` finds exactly this file, and says where.
    fn is_found(&self, file: &str, what: &str, open: OpenOptions) {
        let open = VerifyOptions {
            open,
            ..VerifyOptions::default()
        };
        let report = verify(&self.storage.dir(), &open, &Silent).unwrap();
        let [problem] = report.problems.as_slice() else {
            panic!("{file}, {what}: {:?}", report.problems);
        };
        assert_eq!(problem.file, self.storage.twin().join(file), "{what}");
        assert!(!problem.section.is_empty(), "{file}, {what}: {problem:?}");
        assert!(problem.error.contains(file), "{file}, {what}: {problem:?}");
        let path = self.storage.twin().join(file);
        let length = fs::metadata(path).unwrap().len();
        assert!(problem.offset <= length, "{file}, {what}: {problem:?}");
    }

    /// Readers get an error of damage, or the right data.
    fn is_not_believed(&self, file: &str, what: &str, open: OpenOptions) {
        match read_rows(&self.storage, &open) {
            Ok(rows) => assert_eq!(rows, self.rows, "{file}, {what}"),
            Err(e) => assert!(e.is_damage(), "{file}, {what}: {e}"),
        }
        match self.storage.unpacked(open) {
            Ok(files) => assert_eq!(files, self.json, "{file}, {what}"),
            Err(e) => assert!(e.is_damage(), "{file}, {what}: {e}"),
        }
    }

    /// Both, with these bytes in the file, in every way to open it.
    fn in_all_ways(&self, file: &str, bytes: &[u8], what: &str) {
        self.put(file, bytes);
        for way in WAYS {
            self.is_found(file, what, way);
            self.is_not_believed(file, what, way);
        }
    }

    fn put(&self, file: &str, bytes: &[u8]) {
        fs::write(self.storage.twin().join(file), bytes).unwrap();
    }

    fn restore(&self, file: &str) {
        self.put(file, &self.twin[file]);
    }
}

/// The files to damage in the small twin: all but the lock, which holds nothing.
fn damageable(sound: &Sound) -> Vec<(String, usize)> {
    let files = sound.twin.iter().filter(|(name, _)| *name != "LOCK");
    let files: Vec<_> = files
        .map(|(name, bytes)| (name.clone(), bytes.len()))
        .collect();
    let count = |kind| {
        files
            .iter()
            .filter(|(name, _)| name.starts_with(kind))
            .count()
    };
    let kinds = ["manifest-", "vec-", "rec-", "raw-", "sync"];
    assert_eq!(kinds.map(count), [2, 1, 3, 1, 1], "{files:?}");
    assert_eq!(files.len(), 8, "{files:?}");
    files
}

/// Does the same to halves of the work, each on a twin of its own.
fn on_two_twins(work: impl Fn(&Sound, &dyn Fn(usize) -> bool) + Sync) {
    in_parallel(&[0, 1], |half| {
        work(&Sound::new(), &|number| number % 2 == *half);
    });
}

#[test]
fn every_flipped_bit() {
    on_two_twins(|sound, mine| {
        for (file, len) in damageable(sound) {
            let mut bytes = sound.twin[&file].clone();
            for bit in (0..len * 8).filter(|&bit| mine(bit)) {
                let what = format!("bit {bit} of {}", len * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                sound.put(&file, &bytes);
                // Each byte in all four ways. The eager ones, which check it twice,
                // take one of its bits each, the lazy ones three.
                let number = match bit % 8 {
                    6 => 2,
                    7 => 6,
                    n => n / 2 * 4,
                };
                for way in ways_of(number) {
                    sound.is_found(&file, &what, way);
                }
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            sound.restore(&file);
        }
        assert!(sound.storage.verify().problems.is_empty());
    });
}

#[test]
fn every_flipped_byte_gives_an_error_or_the_right_data() {
    on_two_twins(|sound, mine| {
        for (file, len) in damageable(sound) {
            let mut bytes = sound.twin[&file].clone();
            for at in (0..len).filter(|&at| mine(at)) {
                // another bit and way from byte to byte
                let bit = 1 << (at * 5 % 8);
                bytes[at] ^= bit;
                sound.put(&file, &bytes);
                for way in ways_of(at) {
                    sound.is_not_believed(&file, &format!("byte {at}"), way);
                }
                bytes[at] ^= bit;
            }
            sound.restore(&file);
        }
    });
}

#[test]
fn every_cut() {
    on_two_twins(|sound, mine| {
        for (file, len) in damageable(sound) {
            for length in (0..len).filter(|&length| mine(length)) {
                let what = format!("cut to {length} of {len}");
                sound.put(&file, &sound.twin[&file][..length]);
                // another way from length to length
                for way in ways_of(length) {
                    sound.is_found(&file, &what, way);
                    sound.is_not_believed(&file, &what, way);
                }
            }
            sound.restore(&file);
        }
    });
}

/// Of an item of over 1 MiB each part is under a checksum of its own; what was
/// read before the damage must not pass for all of it.
#[test]
fn every_flipped_bit_and_every_cut_of_a_chain_of_blocks() {
    let sound = Sound::of(long_twin());
    let mut files = sound.twin.iter();
    let (file, good) = files.find(|(name, _)| name.starts_with("rec-")).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        for bit in 0..8 {
            bytes[at] = good[at] ^ 1 << bit;
            sound.put(file, &bytes);
            for way in ways_of(bit) {
                sound.is_found(file, &format!("bit {bit} of byte {at}"), way);
            }
        }
        for way in WAYS {
            sound.is_not_believed(file, &format!("byte {at}"), way);
        }
        sound.in_all_ways(file, &good[..at], &format!("cut to {at}"));
    }
}

#[test]
fn every_kind_of_extension() {
    let sound = Sound::new();
    for (file, len) in damageable(&sound) {
        let good = &sound.twin[&file];
        let last_64 = &good[len - 64..];
        let extensions: [&[u8]; 6] = [b"\0", b"\n", &[0; 64], &[0xff; 4096], last_64, good];
        for extension in extensions {
            let what = format!("extended by {}", extension.len());
            sound.in_all_ways(&file, &[good, extension].concat(), &what);
            let what = format!("{what} in front");
            sound.in_all_ways(&file, &[extension, good].concat(), &what);
        }
        sound.restore(&file);
    }
}

#[test]
fn sectors_of_zeros() {
    let sound = Sound::new();
    for (file, len) in damageable(&sound) {
        let good = &sound.twin[&file];
        for start in (0..len).step_by(SECTOR) {
            // one, and all to the end
            for end in [len.min(start + SECTOR), len] {
                let mut bytes = good.clone();
                bytes[start..end].fill(0);
                assert_ne!(bytes, *good, "{file} has sectors of zeros");
                let what = format!("zeros from {start} to {end} of {len}");
                sound.in_all_ways(&file, &bytes, &what);
            }
        }
        sound.restore(&file);
    }
}

/// Something wrote to the lock file: harmless, but not ours.
#[test]
fn a_lock_file_that_is_not_empty() {
    let sound = Sound::new();
    for garbage in ["x", "12345\n"] {
        sound.put("LOCK", garbage.as_bytes());
        let report = sound.storage.verify();
        let [problem] = report.problems.as_slice() else {
            panic!("{:?}", report.problems);
        };
        assert!(problem.file.ends_with("twin/LOCK"));
        assert!(!problem.section.is_empty());
        assert_eq!(
            read_rows(&sound.storage, &OpenOptions::default()).unwrap(),
            sound.rows
        );
    }
}

/// A copy of one file over another one is whole, and still not the file that
/// the manifest means.
#[test]
fn files_that_changed_places() {
    let sound = Sound::new();
    let files: Vec<String> = damageable(&sound)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    for file in &files {
        for other in files.iter().filter(|other| *other != file) {
            sound.in_all_ways(file, &sound.twin[other], &format!("replaced by {other}"));
        }
        sound.restore(file);
    }
}

#[test]
fn a_file_that_is_gone() {
    let sound = Sound::new();
    for (file, _) in damageable(&sound) {
        fs::remove_file(sound.storage.twin().join(&file)).unwrap();
        for way in WAYS {
            let found = sound.storage.unpacked(way);
            match file.as_str() {
                "sync" | "manifest-0000000001" => assert_eq!(found.unwrap(), sound.json),
                // `sync` knows of it: the generation before is not taken for the newest.
                "manifest-0000000002" => assert!(matches!(
                    found,
                    Err(Error::LostGeneration { generation: 2, .. })
                )),
                // What only the generation before has is not asked for.
                _ => match found {
                    Ok(files) => assert_eq!(files, sound.json, "{file}"),
                    Err(e) => assert!(e.to_string().contains(&file), "{file}: {e}"),
                },
            }
        }
        let report = sound.storage.verify();
        match file.as_str() {
            // Losing either is no damage: one is only a memory, and the other's
            // generation is not the newest.
            "sync" | "manifest-0000000001" => {}
            _ => {
                assert_eq!(report.problems.len(), 1, "{file}");
                assert!(report.problems[0].file.ends_with(&file));
            }
        }
        sound.restore(&file);
    }
}

/// The newest manifest is never skipped silently: that would bring back
/// deleted documents without a word.
#[test]
fn a_damaged_newest_manifest_names_the_generation_before() {
    let sound = Sound::new();
    let file = "manifest-0000000002";
    let mut bytes = sound.twin[file].clone();
    bytes[100] ^= 4;
    sound.put(file, &bytes);
    let error = read_rows(&sound.storage, &OpenOptions::default()).unwrap_err();
    assert!(matches!(
        error,
        Error::DamagedManifest {
            generation: 2,
            previous: Some(1),
            ..
        }
    ));
    let text = error.to_string();
    for words in [file, "--generation 1", "byte"] {
        assert!(text.contains(words), "{text:?} lacks {words:?}");
    }
    // As asked for by number, the older one opens.
    let older = Snapshot::open(&sound.storage.dir(), Some(1), &OpenOptions::default()).unwrap();
    assert_eq!(older.generation(), 1);
}

/// A flipped bit in `sync` is told, and costs a look at the files.
#[test]
fn a_damaged_sync_stops_nobody() {
    let sound = Sound::new();
    let mut bytes = sound.twin["sync"].clone();
    bytes[90] ^= 1;
    sound.put("sync", &bytes);
    assert!(SyncFile::load(&sound.storage.twin()).1.unwrap().is_damage());
    assert_eq!(
        read_rows(&sound.storage, &OpenOptions::default()).unwrap(),
        sound.rows
    );
    let report = sound.storage.pack();
    assert!(!report.committed);
    assert!(
        sound.storage.verify().problems.is_empty(),
        "pack writes it anew"
    );
}

/// The section that is named is the one that holds the flipped bit.
#[test]
fn the_named_section_is_the_right_one() {
    let sound = Sound::new();
    let mut sections = BTreeSet::new();
    for (file, len) in damageable(&sound) {
        let mut parts: BTreeMap<&'static str, Range<usize>> = BTreeMap::new();
        for at in 0..len {
            let mut bytes = sound.twin[&file].clone();
            bytes[at] ^= 0x10;
            sound.put(&file, &bytes);
            let problem = sound.storage.verify().problems.remove(0);
            let part = parts.entry(problem.section).or_insert(at..at);
            part.end = at + 1;
        }
        sound.restore(&file);
        // Each name stands for one run of bytes: runs that overlap would mean
        // that damage in one section is blamed on another.
        let mut runs: Vec<_> = parts.into_iter().collect();
        runs.sort_by_key(|(_, run)| run.start);
        for pair in runs.windows(2) {
            assert!(pair[0].1.end <= pair[1].1.start, "{file}: {runs:?}");
        }
        let named = |name: &str| runs.iter().any(|(part, _)| *part == name);
        assert!(
            named("header") && named("META") && named("trailer"),
            "{file}: {runs:?}"
        );
        sections.extend(runs.iter().map(|(part, _)| *part));
    }
    for section in SECTIONS {
        assert!(sections.contains(section), "no {section} was damaged");
    }
}

/// Those that pack writes and that can stand in one twin.
const SECTIONS: [&str; 26] = [
    "META",
    "BLOCKS",
    "BLOCK_INDEX",
    "DICTIONARY",
    "PRINTED_HASHES",
    "IDS",
    "ID_KINDS",
    "ID_TEXTS",
    "ID_SLOTS",
    "HASHES",
    "HASH_ROWS",
    "PLANE",
    "LOW_PLANE",
    "LOW_RANK",
    "CLASSES",
    "NORMS",
    "IRREGULAR",
    "EXCEPTIONS",
    "TOKENS",
    "ORDERS",
    "COLUMNS",
    "CODES",
    "ID_ENDS",
    "SKETCH_MEAN",
    "SKETCH_CODES",
    "SKETCH_NUMBERS",
];
