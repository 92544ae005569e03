//! What the tests of whole directories share: persist dirs to work on, the
//! command, and comparisons that say which file differs where.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; no test file uses all of them"
)]

pub mod forge;
pub mod library;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use twinstore::{
    Result,
    bytes::Backend,
    container::{OpenOptions, Verify},
    convert::{
        Info, PackOptions, PackReport, Silent, Status, UnpackOptions, UnpackReport, VerifyOptions,
        VerifyReport, info, pack, status, unpack, verify,
    },
    persist_dir::Snapshot,
    segment::VectorSegment,
    store::RecordStore,
};

pub const VECTORS: &str = "default__vector_store.json";
pub const DOCUMENTS: &str = "docstore.json";
pub const CHAT: &str = "chat_store.json";

/// The files of a directory by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The persist dirs that every clone has.
pub fn data_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// A folder of real persist dirs beside the checkout, where there is one.
/// Tests that need it say so and pass where it is absent.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: there is no {}", path.display());
    None
}

/// All directories below `root` that hold files, sorted; not `root` itself.
pub fn persist_dirs(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            }
        }
        if dir != root && !files_of(&dir).is_empty() {
            found.push(dir);
        }
    }
    found.sort();
    found
}

/// Every regular file of a directory, not of those in it.
pub fn files_of(dir: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let name = entry.file_name().into_string().unwrap();
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

/// Files with these texts.
pub fn named<const N: usize>(files: [(&str, &str); N]) -> Files {
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    Files::from(files)
}

/// Fails naming the first file that differs, and where.
pub fn assert_same_files(found: &Files, expected: &Files, of: &str) {
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{of}: other files");
    for (name, bytes) in expected {
        let other = &found[name];
        if other != bytes {
            let same = other.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            panic!(
                "{of}/{name}: {} bytes instead of {}, from byte {same} on other ones",
                other.len(),
                bytes.len()
            );
        }
    }
}

/// A persist dir in a temporary place, gone when dropped.
pub struct Storage {
    temp: TempDir,
}

impl Storage {
    pub fn of(files: &Files) -> Storage {
        Storage::filled(tempfile::tempdir().unwrap(), files)
    }

    /// In memory where the system has such a place: for tests that write the
    /// same files a hundred thousand times.
    pub fn in_memory(files: &Files) -> Storage {
        let memory = Path::new("/dev/shm");
        let temp = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        Storage::filled(temp.unwrap(), files)
    }

    fn filled(temp: TempDir, files: &Files) -> Storage {
        let storage = Storage { temp };
        fs::create_dir(storage.dir()).unwrap();
        for (name, bytes) in files {
            storage.write(name, bytes);
        }
        storage
    }

    pub fn with<const N: usize>(files: [(&str, &str); N]) -> Storage {
        Storage::of(&named(files))
    }

    pub fn copy_of(dir: &Path) -> Storage {
        Storage::of(&files_of(dir))
    }

    /// One of the dirs in `tests/data`.
    pub fn data(name: &str) -> Storage {
        Storage::copy_of(&data_dir().join(name))
    }

    pub fn dir(&self) -> PathBuf {
        self.temp.path().join("storage")
    }

    pub fn twin(&self) -> PathBuf {
        self.dir().join("twin")
    }

    /// A path beside the persist dir.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir().join(file)
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    /// Writes a file as if some time ago, which is the usual case and spares
    /// `pack` the wait for a file's time to settle. Each write is later than
    /// the one before.
    pub fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        static WRITES: AtomicUsize = AtomicUsize::new(0);
        let ago = Duration::from_secs(100_000);
        let later = Duration::from_millis(WRITES.fetch_add(1, Ordering::Relaxed) as u64 * 100);
        fs::write(self.path(file), bytes).unwrap();
        let file = File::options().write(true).open(self.path(file)).unwrap();
        file.set_modified(SystemTime::now() - ago + later).unwrap();
    }

    pub fn remove(&self, file: &str) {
        fs::remove_file(self.path(file)).unwrap();
    }

    pub fn exists(&self, file: &str) -> bool {
        self.path(file).exists()
    }

    pub fn files(&self) -> Files {
        files_of(&self.dir())
    }

    pub fn twin_files(&self) -> Files {
        files_of(&self.twin())
    }

    pub fn pack(&self) -> PackReport {
        self.pack_with(PackOptions::default())
    }

    pub fn pack_all(&self) -> PackReport {
        self.pack_with(PackOptions {
            all: true,
            ..PackOptions::default()
        })
    }

    pub fn pack_with(&self, options: PackOptions) -> PackReport {
        self.try_pack(options).unwrap()
    }

    pub fn try_pack(&self, options: PackOptions) -> Result<PackReport> {
        pack(&self.dir(), &options, &Silent)
    }

    pub fn unpack(&self) -> UnpackReport {
        self.try_unpack(UnpackOptions::default()).unwrap()
    }

    pub fn try_unpack(&self, options: UnpackOptions) -> Result<UnpackReport> {
        unpack(&self.dir(), &options, &Silent)
    }

    /// Unpacks to a new directory and gives back what is in it.
    pub fn unpacked(&self, open: OpenOptions) -> Result<Files> {
        let out = self.beside("unpacked");
        let _ = fs::remove_dir_all(&out);
        let options = UnpackOptions {
            out: Some(out.clone()),
            open,
            ..UnpackOptions::default()
        };
        self.try_unpack(options)?;
        Ok(files_of(&out))
    }

    pub fn verify(&self) -> VerifyReport {
        verify(&self.dir(), &VerifyOptions::default(), &Silent).unwrap()
    }

    /// Decodes everything, too.
    pub fn verify_deep(&self) -> VerifyReport {
        let options = VerifyOptions {
            deep: true,
            ..VerifyOptions::default()
        };
        verify(&self.dir(), &options, &Silent).unwrap()
    }

    pub fn info(&self) -> Info {
        info(&self.dir(), None, &OpenOptions::default()).unwrap()
    }

    pub fn status(&self) -> Status {
        status(&self.dir()).unwrap()
    }

    /// The state of one store, in the words of the table.
    pub fn state(&self, file: &str) -> String {
        let status = self.status();
        let store = status.stores.iter().find(|s| s.file == file);
        store.unwrap().state.clone()
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot::open(&self.dir(), None, &OpenOptions::default()).unwrap()
    }

    /// The records of a store in the twin.
    pub fn records(&self, file: &str) -> RecordStore {
        let segments = self.snapshot().store(file).unwrap().segments().unwrap();
        RecordStore::open(segments).unwrap()
    }

    pub fn vectors(&self, file: &str) -> VectorSegment {
        open_vectors(&self.snapshot(), file).unwrap()
    }

    /// Runs `twinstore COMMAND DIR ARGS`.
    pub fn run(&self, command: &str, args: &[&str]) -> Run {
        let mut cli = twinstore();
        cli.arg(command).arg(self.dir()).args(args);
        Run::of(cli)
    }
}

pub fn open_vectors(snapshot: &Snapshot, file: &str) -> Result<VectorSegment> {
    let segments = snapshot.store(file)?.segments()?;
    VectorSegment::open(Arc::clone(&segments[0]))
}

pub fn options(backend: Backend) -> OpenOptions {
    OpenOptions {
        backend,
        ..OpenOptions::default()
    }
}

/// All ways to open files: what is true of one must be true of the others.
pub const WAYS: [OpenOptions; 4] = [
    way(Backend::Map, Verify::Lazy),
    way(Backend::Map, Verify::Eager),
    way(Backend::Read, Verify::Lazy),
    way(Backend::Read, Verify::Eager),
];

pub const fn way(backend: Backend, verify: Verify) -> OpenOptions {
    OpenOptions { backend, verify }
}

/// One of the ways for case `number` of many, another one from case to case; two that
/// follow each other, of which halves of the work have one each, have the same. All of
/// them for every case where there is time (`TWINSTORE_DAMAGE=all`: minutes).
pub fn ways_of(number: usize) -> impl Iterator<Item = OpenOptions> {
    let one = number / 2 % WAYS.len();
    let ways = WAYS.into_iter().enumerate();
    ways.filter(move |(n, _)| all_damage() || *n == one)
        .map(|(_, way)| way)
}

pub fn all_damage() -> bool {
    std::env::var("TWINSTORE_DAMAGE").is_ok_and(|which| which == "all")
}

/// The command itself.
pub fn twinstore() -> assert_cmd::Command {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_twinstore"))
}

/// What a run of the command came to.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(mut command: assert_cmd::Command) -> Run {
        Run::from(command.output().unwrap())
    }

    /// Fails with the command's own words unless it ended with `code`.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Run {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Fails unless standard output has all of these words.
    #[track_caller]
    pub fn prints<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Run {
        for word in words {
            assert!(
                self.stdout.contains(word),
                "no {word:?} in {:?}",
                self.stdout
            );
        }
        self
    }

    /// Fails unless standard error has all of these words.
    #[track_caller]
    pub fn says<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Run {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "no {word:?} in {:?}",
                self.stderr
            );
        }
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Calls `each` with every item, on two threads; a panic in one of them
/// fails the caller.
pub fn in_parallel<T: Sync>(items: &[T], each: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    each(item);
                }
            });
        }
    });
}

/// A vector store as Python's `json.dumps` writes it: `rows` ids `ROOT-0`…,
/// two components each, metadata and ref docs for all.
pub fn vector_store(root: &str, rows: usize) -> String {
    let map = |entry: &dyn Fn(usize) -> String| {
        let entries: Vec<String> = (0..rows)
            .map(|row| format!("\"{root}-{row}\": {}", entry(row)))
            .collect();
        format!("{{{}}}", entries.join(", "))
    };
    format!(
        "{{\"embedding_dict\": {}, \"text_id_to_ref_doc_id\": {}, \"metadata_dict\": {}}}",
        map(&|row| format!("[{row}.5, 0.10000000149011612]")),
        map(&|row| format!("\"ref-{}\"", row % 3)),
        map(&|row| format!("{{\"page\": {row}, \"file\": \"a.pdf\"}}")),
    )
}

/// A document store of one node with this text.
pub fn document_store(text: &str) -> String {
    format!(
        "{{\"docstore/data\": {{\"n\": {{\"__data__\": {{\"text\": \"{text}\"}}, \"__type__\": \"1\"}}}}}}"
    )
}

/// A store wrapped in a JSON string, as LlamaIndex 0.9 and 0.10 wrote some:
/// JSON, but no object, so that it is kept as it is.
pub fn wrapped_in_a_string(store: &str) -> String {
    serde_json::to_string(store).unwrap()
}

/// A canonical UUID that shows no order.
pub fn uuid(number: u64) -> String {
    let mixed = (u128::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let hex = format!("{mixed:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
