//! Nobody stops working because somebody packs. LlamaIndex persists while `pack`
//! reads, a copy is still growing, a cron job starts the same command twice. Each of
//! them may have to try again; none may leave a twin that holds half a file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use common::{DOCUMENTS, Storage, VECTORS, document_store, vector_store};
use twinstore::{Error, convert::PackOptions, error::SyncProblem};

/// So many rounds that a race which is lost once in a hundred is seen.
const ROUNDS: usize = 60;

/// Does `meanwhile` again and again, in a thread of its own, as long as `work` runs.
fn beside<T>(meanwhile: impl Fn(usize) + Sync, work: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !is_done.load(Ordering::Relaxed) {
                meanwhile(round);
                round += 1;
            }
        });
        let outcome = work();
        is_done.store(true, Ordering::Relaxed);
        outcome
    })
}

/// As `json.dump(data, open(path, "w"))` does it: the file is empty, then cut, then whole.
fn persist_as_llamaindex(path: &Path, text: &str) {
    let mut file = File::create(path).unwrap();
    for piece in text.as_bytes().chunks(1 + text.len() / 3) {
        file.write_all(piece).unwrap();
        file.flush().unwrap();
        thread::yield_now();
    }
}

/// What a pack may end with that meets a file in the making.
fn is_no_loss(error: &Error) -> bool {
    matches!(
        error,
        Error::SourceBusy { .. }
            | Error::OutOfSync {
                problem: SyncProblem::WouldLoseStore { .. },
                ..
            }
    )
}

#[test]
fn that_persists_the_same_store() {
    let versions: Vec<String> = (1..5).map(|n| vector_store("row", n * 40)).collect();
    let storage = Storage::with([(VECTORS, versions[0].as_str())]);
    storage.pack();
    let path = storage.path(VECTORS);
    let write = |round: usize| persist_as_llamaindex(&path, &versions[round % versions.len()]);
    beside(write, || {
        for _ in 0..ROUNDS {
            match storage.try_pack(PackOptions::default()) {
                Ok(_) => {}
                Err(e) if is_no_loss(&e) => {}
                Err(e) => panic!("{e}"),
            }
            // Whatever was packed is one of the versions, as a whole.
            let rows = storage.vectors(VECTORS).rows() as usize;
            assert!(rows > 0 && rows.is_multiple_of(40), "{rows} rows");
            assert!(storage.verify_deep().problems.is_empty());
        }
    });
    storage.pack();
    assert_eq!(
        storage.unpacked(Default::default()).unwrap()[VECTORS],
        storage.read(VECTORS)
    );
}

/// A download or a log: it has a new length at every look.
#[test]
fn that_writes_a_file_which_never_ends() {
    let storage = Storage::with([
        (VECTORS, &vector_store("row", 3)),
        (DOCUMENTS, &document_store("text")),
    ]);
    storage.pack();
    let before = storage.twin_files();
    let path = storage.path(DOCUMENTS);
    let grow = |_| {
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b" ").unwrap();
        thread::sleep(Duration::from_micros(200));
    };
    let packed = beside(grow, || storage.try_pack(PackOptions::default()));
    match packed {
        // One look fell between two writes, and white space at the end is JSON.
        Ok(report) => assert!(storage.verify().problems.is_empty(), "{report:?}"),
        Err(e) => {
            assert!(is_no_loss(&e), "{e}");
            assert_eq!(
                storage.twin_files()["manifest-0000000001"],
                before["manifest-0000000001"]
            );
        }
    }
}

#[test]
fn that_cuts_the_file_it_reads() {
    let long = vector_store("row", 2_000);
    let storage = Storage::with([(VECTORS, long.as_str())]);
    storage.pack();
    let path = storage.path(VECTORS);
    let cut = |round: usize| {
        fs::write(&path, &long).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len((long.len() / 7 * (round % 7)) as u64).unwrap();
    };
    beside(cut, || {
        for _ in 0..ROUNDS {
            if let Err(e) = storage.try_pack(PackOptions::default()) {
                assert!(is_no_loss(&e), "{e}");
            }
            assert_eq!(storage.vectors(VECTORS).rows(), 2_000);
        }
    });
}

/// Two processes: the lock is the system's, and it knows nothing of threads.
#[test]
fn of_its_own_kind() {
    for round in 0..10 {
        let storage = Storage::with([
            (VECTORS, &vector_store("row", 50 + round)),
            (DOCUMENTS, &document_store("text")),
        ]);
        let packs: Vec<_> = (0..4)
            .map(|_| {
                Command::new(env!("CARGO_BIN_EXE_twinstore"))
                    .arg("pack")
                    .arg(storage.dir())
                    .stdout(Stdio::null())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let mut succeeded = 0;
        for pack in packs {
            let output = pack.wait_with_output().unwrap();
            let words = String::from_utf8(output.stderr).unwrap();
            match output.status.code() {
                Some(0) => succeeded += 1,
                Some(_) => assert!(words.contains("another process"), "{words}"),
                None => panic!("{:?}: {words}", output.status),
            }
        }
        assert!(succeeded > 0);
        let report = storage.verify_deep();
        assert!(report.problems.is_empty(), "{report:?}");
        // The others found nothing to do.
        assert_eq!(report.generations, [1]);
        assert_eq!(
            storage.unpacked(Default::default()).unwrap(),
            storage.files()
        );
    }
}

/// LlamaIndex was killed as it began to write.
#[test]
fn that_left_an_empty_file_behind() {
    let storage = Storage::with([
        (VECTORS, &vector_store("row", 3)),
        (DOCUMENTS, &document_store("text")),
    ]);
    storage.pack();
    storage.write(DOCUMENTS, "");
    let Err(Error::OutOfSync { problem, .. }) = storage.try_pack(PackOptions::default()) else {
        panic!("an empty file was packed over a sound store");
    };
    assert!(
        matches!(problem, SyncProblem::WouldLoseStore { .. }),
        "{problem:?}"
    );
    // The twin answers, and gives the file back.
    let context = twinstore::StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert_eq!(context.docstore().unwrap().len().unwrap(), 1);
    drop(context);
    storage.unpack();
    assert_eq!(storage.read(DOCUMENTS), document_store("text").as_bytes());
}
