//! Binary files: whatever their bytes, opening and reading one gives data or
//! an error, under both backends the same, and never panics, hangs or fills
//! the memory.
//!
//! The first byte picks a mode. Raw mode takes the rest as a file; checksums
//! stop nearly all of those, as they should. Built mode takes a file that the
//! current writer made apart, changes what the rest of the bytes say, and puts
//! it together again with every checksum right, so that what lies behind the
//! checksums is reached: a checksum finds damage, it does not stop a liar.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use twinstore::{
    Error,
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions, SectionKind, Verify, record},
    convert::{
        PackOptions, Silent, UnpackOptions, VerifyOptions, info, pack, status, unpack, verify,
    },
    persist_dir::{
        Fingerprint, Manifest, Packed, SegmentName, SegmentRef, Snapshot, Stat, Store, StoreKind,
        SyncFile,
    },
    segment::{RecordSegment, TombstoneSegment, VectorSegment, VerbatimSegment},
    store::RecordStore,
};

const KINDS: [FileKind; 6] = [
    FileKind::Vectors,
    FileKind::Records,
    FileKind::Tombstones,
    FileKind::Verbatim,
    FileKind::Manifest,
    FileKind::Sync,
];
/// Rows read at either end.
const ROWS: u32 = 6;
/// Text printed from one file, and blocks that may be unpacked for it.
const TEXT: u64 = 8 << 20;
/// The same of records, which may print as 4096 times as much.
const PACKED: u64 = 64 << 10;
/// A change never makes a section longer than this.
const LONGEST: usize = 256 << 10;
const HEADER: usize = 64;
const ALIGN: usize = 64;
const BLOCK: usize = 64 << 10;

/// Takes `data` as a file, or as changes to one.
pub fn run(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else {
        return;
    };
    let temp = temp_dir();
    if mode & 1 == 0 {
        for kind in KINDS {
            in_twin(temp.path(), kind, rest, [0; 16]);
        }
        return;
    }
    let bases = bases();
    let mut choices = Choices(rest);
    let base = &bases[choices.byte() as usize % bases.len()];
    let mut file = base.clone();
    while !choices.0.is_empty() {
        file.change(&mut choices, bases);
    }
    let (bytes, root) = file.assemble();
    in_twin(temp.path(), file.kind, &bytes, root);
}

fn temp_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Puts the file where its kind stands in a twin, and reads all there is.
fn in_twin(temp: &Path, kind: FileKind, bytes: &[u8], root: [u8; 16]) {
    let dir = temp.join(format!("{kind:?}"));
    let twin = dir.join("twin");
    fs::create_dir_all(&twin).unwrap();
    let manifest = twin.join("manifest-0000000001");
    let (path, segment) = match kind {
        FileKind::Manifest => (manifest.clone(), None),
        FileKind::Sync => (twin.join("sync"), None),
        FileKind::Vectors => (twin.join(VECTORS), Some(VECTORS)),
        FileKind::Records => (twin.join(RECORDS), Some(RECORDS)),
        _ => (twin.join(VERBATIM), Some(VERBATIM)),
    };
    fs::write(&path, bytes).unwrap();
    let backends = [Backend::Map, Backend::Read];
    let [mapped, read] = backends.map(|backend| {
        [Verify::Lazy, Verify::Eager].map(|verify| {
            let mut log = Vec::new();
            let options = OpenOptions { backend, verify };
            let _ = read_file(&path, kind, &options, &mut log);
            log
        })
    });
    assert_eq!(mapped, read, "the backends disagree");

    if kind != FileKind::Manifest {
        let length = bytes.len() as u64;
        let value = manifest_of(segment.map(|name| SegmentRef {
            name: SegmentName::parse(name).unwrap(),
            length,
            root,
        }));
        record::write(&manifest, FileKind::Manifest, &value).unwrap();
    }
    fs::write(dir.join(STORE), TEXT_OF_STORE).unwrap();
    for backend in backends {
        let options = OpenOptions {
            backend,
            ..OpenOptions::default()
        };
        let _ = SyncFile::load(&twin);
        let _ = status(&dir);
        let _ = info(&dir, None, &options);
        let deep = VerifyOptions {
            deep: true,
            open: options,
            ..VerifyOptions::default()
        };
        let _ = verify(&dir, &deep, &Silent);
        let _ = Snapshot::open(&dir, None, &options);
        let most = match kind {
            FileKind::Records => PACKED,
            _ => TEXT,
        };
        if blocks_of(&path, kind) <= most {
            let out = temp.join("out");
            let to = UnpackOptions {
                out: Some(out.clone()),
                open: options,
                ..UnpackOptions::default()
            };
            let _ = unpack(&dir, &to, &Silent);
            let _ = fs::remove_dir_all(&out);
        }
    }
}

/// What was read, or the first error, in words.
type Log = Vec<String>;

fn read_file(path: &Path, kind: FileKind, options: &OpenOptions, log: &mut Log) -> Option<()> {
    let file = note(log, Container::open(path, kind, Expected::Any, options))?;
    note(log, file.check());
    for kind in all_sections() {
        if let Some(span) = file.section(kind) {
            let whole = note(log, file.read(span, 0..span.len()).map(|b| b.len()));
            assert!(whole.is_none_or(|len| len as u64 == span.len()));
            assert!(file.read(span, 0..span.len() + 1).is_err());
        }
    }
    let file = Arc::new(file);
    match kind {
        FileKind::Vectors => {
            let rows = note(log, VectorSegment::open(file))?;
            read_rows(&rows, log);
        }
        FileKind::Records => {
            let segment = note(log, RecordSegment::open(Arc::clone(&file)))?;
            note(log, segment.check_structure());
            let small = blocks_of(path, kind) <= PACKED;
            let records = note(log, RecordStore::open(vec![file]))?;
            read_records(&records, small, log);
        }
        FileKind::Tombstones => {
            let dead = note(log, TombstoneSegment::open(file))?;
            note(log, dead.check_structure());
        }
        FileKind::Verbatim => {
            let text = note(log, VerbatimSegment::open(file))?;
            let mut length = 0;
            let printed = text.print(&mut |bytes| {
                length += bytes.len() as u64;
                if length > TEXT {
                    return Err(Error::Limit {
                        what: "text",
                        got: length,
                        limit: TEXT,
                    });
                }
                Ok(())
            });
            note(log, printed.map(|()| length));
        }
        FileKind::Manifest => {
            note(log, record::read::<Manifest>(path, kind));
        }
        _ => {
            note(log, record::read::<SyncFile>(path, kind));
        }
    }
    Some(())
}

fn read_rows(rows: &VectorSegment, log: &mut Log) {
    note(log, rows.check_structure());
    note(log, rows.irregular());
    note(log, rows.metadata_keys());
    let head = 0..rows.rows().min(ROWS);
    let tail = rows.rows().saturating_sub(ROWS)..rows.rows();
    for row in head.chain(tail).chain([rows.rows(), u32::MAX]) {
        if let Some(id) = note(log, rows.id(row)) {
            note(log, rows.row_of(&id));
            note(log, rows.get(&id).map(|v| v.map(|v| v.len())));
        }
        note(log, rows.vector(row).map(|v| v.len()));
        note(log, rows.nearest(row).map(|v| v.len()));
        note(log, rows.norm(row).map(f64::to_bits));
        note(log, rows.metadata(row));
        note(log, rows.ref_doc(row));
    }
    note(log, rows.row_of(b"foreign"));
}

fn read_records(records: &RecordStore, small: bool, log: &mut Log) {
    for path in records.all_collections().iter().take(8) {
        note(log, records.len(path));
        let mut keys = vec![b"foreign".to_vec()];
        let met = records.each_key(path, &mut |key| {
            keys.push(key.to_vec());
            if keys.len() > ROWS as usize {
                return Err(Error::Limit {
                    what: "keys",
                    got: keys.len() as u64,
                    limit: u64::from(ROWS),
                });
            }
            Ok(())
        });
        note(log, met);
        for key in keys.iter().filter(|_| small) {
            note(log, records.get(path, key));
        }
    }
}

fn note<T: std::fmt::Debug>(log: &mut Log, result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => {
            // Containers print what they were opened with.
            let text = format!("{value:?}");
            let plain = !text.contains("Container");
            log.push(if plain { text } else { "open".to_owned() });
            Some(value)
        }
        Err(e) => {
            log.push(e.to_string());
            None
        }
    }
}

/// What all blocks of the file say they hold when unpacked.
fn blocks_of(path: &Path, kind: FileKind) -> u64 {
    let options = OpenOptions::default();
    let Ok(file) = Container::open(path, kind, Expected::Any, &options) else {
        return 0;
    };
    let Some(span) = file.section(SectionKind::BLOCK_INDEX) else {
        return 0;
    };
    let Ok(index) = file.read(span, 0..span.len()) else {
        return 0;
    };
    let lengths = index.chunks_exact(ENTRY).map(|e| u64::from(u32_at(e, 20)));
    lengths.fold(0, u64::saturating_add)
}

fn all_sections() -> [SectionKind; 27] {
    use SectionKind as S;
    [
        S::META,
        S::BLOCKS,
        S::BLOCK_INDEX,
        S::DICTIONARY,
        S::PRINTED_HASHES,
        S::HASHES,
        S::HASH_ROWS,
        S::DEAD,
        S::IDS,
        S::ID_ENDS,
        S::ID_KINDS,
        S::ID_TEXTS,
        S::ID_SLOTS,
        S::ID_SORTED,
        S::PLANE,
        S::LOW_PLANE,
        S::LOW_RANK,
        S::CLASSES,
        S::NORMS,
        S::IRREGULAR,
        S::EXCEPTIONS,
        S::TOKENS,
        S::ORDERS,
        S::SEQUENCES,
        S::COLUMNS,
        S::CODES,
        S::ODDMENTS,
    ]
}

// ---------------------------------------------------------------------------
// Files to start from: what the current writer makes of small stores.

const VECTORS: &str = "vec-0000000000000001.seg";
const VERBATIM: &str = "raw-0000000000000002.seg";
const RECORDS: &str = "rec-0000000000000003.seg";
const STORE: &str = "default__vector_store.json";
const TEXT_OF_STORE: &[u8] = b"{\"embedding_dict\": {}}";

const STORES: [&str; 4] = [
    // UUIDs, exact and decimal rows, all maps in row order.
    r#"{"embedding_dict": {
"00000001-0000-4000-8000-000000000001": [0.5, -0.25, 0.10000000149011612],
"00000002-0000-4000-8000-000000000002": [0.1, 0.2, 1e-05],
"00000003-0000-4000-8000-000000000003": [1.0, 2.0, 3.0]},
"text_id_to_ref_doc_id": {
"00000001-0000-4000-8000-000000000001": "doc",
"00000002-0000-4000-8000-000000000002": "doc",
"00000003-0000-4000-8000-000000000003": "doc"},
"metadata_dict": {
"00000001-0000-4000-8000-000000000001": {"page": 1, "file": "a.txt"},
"00000002-0000-4000-8000-000000000002": {"page": 2, "file": "a.txt"},
"00000003-0000-4000-8000-000000000003": {"file": "b.txt"}}}"#,
    // Text ids, f64 rows, exceptions, other orders, odd spellings, foreign ids.
    r#"{"embedding_dict": {"a": [0.12345678901234567, 0.2, 1], "b\u00FC": [NaN, 1e999, 0.3],
"c": [1e300, 0.1234567890123456, 2.5]},
"text_id_to_ref_doc_id": {"c": "d\u00FC", "a": null, "x": "e"},
"metadata_dict": {"c": {"k": [1, {"l": "m"}], "k": 2}, "a": {"k": null}}, "class_name": "S"}"#,
    // Indented, without maps beyond the vectors.
    "{\n  \"embedding_dict\": {\n    \"1\": [\n      0.5,\n      1.5\n    ]\n  }\n}\n",
    r#"{"embedding_dict": {}, "text_id_to_ref_doc_id": {}, "metadata_dict": {}}"#,
];

/// Ids and hashes in records, what repeats, a list, what is empty.
const DOCUMENTS: &str = r#"{"docstore/metadata": {"00000001-0000-4000-8000-000000000001": {"doc_hash":
"3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855f", "ref_doc_id": "doc-number-1"},
"doc-number-1": {"doc_hash": "4b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855f"}},
"docstore/data": {"00000001-0000-4000-8000-000000000001": {"__data__": {"id_":
"00000001-0000-4000-8000-000000000001", "metadata": {"file_name": "a.txt", "page": 1}, "relationships":
{"1": {"node_id": "doc-number-1", "metadata": {"file_name": "a.txt", "page": 1},
"hash": "4b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855f"}}, "text": "\u00e4\/"}}},
"list": [["doc-number-1", "00000001-0000-4000-8000-000000000001"], "{\"a\": [1, 2, 3], \"b\": \"c\"}"],
"docstore/ref_doc_info": {}}"#;

/// Maps in a struct in a string, and a plane.
const INDEX_STORE: &str = r#"{"index_store/data": {"an-index": {"__type__": "kg", "__data__":
"{\"table\": {\"a\": [\"node-one\"]}, \"embedding_dict\": {ROWS}, \"rel\": {}}"}}}"#;

fn index_store() -> String {
    let row = |n: usize| {
        let numbers = (0..16).map(|i| format!("{}.5", n * 16 + i));
        format!(
            "\\\"('a', {n})\\\": [{}]",
            numbers.collect::<Vec<_>>().join(", ")
        )
    };
    let rows: Vec<_> = (0..8).map(row).collect();
    INDEX_STORE.replace("ROWS", &rows.join(", "))
}

/// A container taken apart.
#[derive(Clone)]
pub struct Parts {
    kind: FileKind,
    header: Vec<u8>,
    sections: Vec<Section>,
    /// Bytes exclusive-ored into the trailer before its checksum.
    trailer: Vec<(u8, u8)>,
    fix_blocks: bool,
}

#[derive(Clone)]
struct Section {
    kind: u32,
    flags: u32,
    bytes: Vec<u8>,
    /// Added to offset and length in the section table, wrapping.
    lie: (u64, u64),
}

/// The files to start from, the same in every process.
pub fn bases() -> &'static [Parts] {
    static BASES: OnceLock<Vec<Parts>> = OnceLock::new();
    BASES.get_or_init(|| {
        let files = base_files();
        let parts = files.iter().map(|(kind, bytes)| Parts::of(*kind, bytes));
        parts.collect()
    })
}

/// The same as whole files.
pub fn base_files() -> Vec<(FileKind, Vec<u8>)> {
    let temp = temp_dir();
    let dir = temp.path();
    let mut files: Vec<_> = STORES
        .iter()
        .map(|text| {
            (
                FileKind::Vectors,
                segment_of(STORE, &one_line(text), "vec-"),
            )
        })
        .collect();
    let list = format!("[{}]", one_line(STORES[1]));
    for (kind, file, text, prefix) in [
        (FileKind::Verbatim, "docstore.json", list.as_str(), "raw-"),
        (FileKind::Records, "docstore.json", DOCUMENTS, "rec-"),
        (
            FileKind::Records,
            "index_store.json",
            &index_store(),
            "rec-",
        ),
    ] {
        files.push((kind, segment_of(file, &one_line(text), prefix)));
    }
    let path = dir.join("manifest");
    let segment = SegmentRef {
        name: SegmentName::parse(VECTORS).unwrap(),
        length: 4096,
        root: [7; 16],
    };
    record::write(&path, FileKind::Manifest, &manifest_of(Some(segment))).unwrap();
    files.push((FileKind::Manifest, fs::read(&path).unwrap()));
    let mut sync = SyncFile::default();
    let stat = Stat {
        length: TEXT_OF_STORE.len() as u64,
        mtime_ns: 1_600_000_000_500_000_000,
        inode: 5,
        taken_ns: 1_700_000_000_500_000_000,
    };
    sync.record(STORE, stat, Fingerprint::of_bytes(TEXT_OF_STORE), 1);
    let path = dir.join("sync");
    record::write(&path, FileKind::Sync, &sync).unwrap();
    files.push((FileKind::Sync, fs::read(&path).unwrap()));
    files
}

/// Lines here are for reading; a file with white space in odd places would be
/// kept as it is. Indented text stays.
fn one_line(text: &str) -> String {
    if text.ends_with('\n') {
        return text.to_owned();
    }
    text.replace(",\n", ", ")
        .replace(":\n", ": ")
        .replace('\n', "")
}

/// The one segment that packing `text` makes.
fn segment_of(file: &str, text: &str, prefix: &str) -> Vec<u8> {
    let temp = temp_dir();
    fs::write(temp.path().join(file), text).unwrap();
    pack(temp.path(), &PackOptions::default(), &Silent).unwrap();
    let twin = fs::read_dir(temp.path().join("twin")).unwrap();
    let segments: Vec<PathBuf> = twin
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect();
    let [segment] = segments.as_slice() else {
        panic!("{file} became {segments:?}");
    };
    let name = segment.file_name().unwrap().to_string_lossy();
    assert!(name.starts_with(prefix), "{file} became {name}");
    fs::read(segment).unwrap()
}

fn manifest_of(segment: Option<SegmentRef>) -> Manifest {
    // A store has at least one segment. Where none is to be tried, it names a
    // file that is not there.
    let missing = SegmentRef {
        name: SegmentName::parse(VERBATIM).unwrap(),
        length: 1,
        root: [0; 16],
    };
    let segment = Some(segment.unwrap_or(missing));
    let is_content = |s: &SegmentRef| s.name.to_string() != VERBATIM;
    Manifest {
        generation: 1,
        parent: 0,
        writer: "fuzz".to_owned(),
        created_ms: 1,
        stores: vec![Store {
            file: STORE.to_owned(),
            kind: StoreKind::VectorStore,
            changed: 1,
            packed: Some(Packed {
                generation: 1,
                text: Fingerprint::of_bytes(TEXT_OF_STORE),
                is_json: true,
            }),
            segments: segment.filter(is_content).into_iter().collect(),
            verbatim: segment.filter(|s| !is_content(s)),
        }],
    }
}

// ---------------------------------------------------------------------------
// The layout, as docs/FORMAT.md draws it.

const ENTRY: usize = 32;
const BLOCKS: u32 = u32::from_le_bytes(*b"BLKS");
const BLOCK_INDEX: u32 = u32::from_le_bytes(*b"BIDX");

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().unwrap())
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
}

impl Parts {
    /// Takes a sound file apart.
    fn of(kind: FileKind, bytes: &[u8]) -> Parts {
        let trailer = bytes.len() - 64;
        let toc = usize::try_from(u64_at(bytes, trailer + 16)).unwrap();
        let sections = bytes[toc..trailer].chunks_exact(ENTRY).map(|row| {
            let start = usize::try_from(u64_at(row, 8)).unwrap();
            let len = usize::try_from(u64_at(row, 16)).unwrap();
            Section {
                kind: u32_at(row, 0),
                flags: u32_at(row, 4),
                bytes: bytes[start..start + len].to_vec(),
                lie: (0, 0),
            }
        });
        Parts {
            kind,
            header: bytes[..HEADER].to_vec(),
            sections: sections.collect(),
            trailer: Vec::new(),
            fix_blocks: true,
        }
    }

    /// Puts the file together, with right checksums; also its content root.
    pub fn assemble(&mut self) -> (Vec<u8>, [u8; 16]) {
        if self.fix_blocks {
            self.fix_block_index();
        }
        let mut out = self.header.clone();
        let crc = crc32fast::hash(&out[..60]);
        out[60..].copy_from_slice(&crc.to_le_bytes());
        let header = out.clone();
        let mut toc = Vec::new();
        for section in &self.sections {
            let (offset, len) = (out.len() as u64, section.bytes.len() as u64);
            toc.extend(section.kind.to_le_bytes());
            toc.extend(section.flags.to_le_bytes());
            toc.extend(offset.wrapping_add(section.lie.0).to_le_bytes());
            toc.extend(len.wrapping_add(section.lie.1).to_le_bytes());
            toc.extend(crc32fast::hash(&section.bytes).to_le_bytes());
            toc.extend([0; 4]);
            out.extend_from_slice(&section.bytes);
            pad(&mut out);
        }
        let crc_table = out.len();
        let mut table: Vec<u8> = out
            .chunks(BLOCK)
            .flat_map(|block| crc32fast::hash(block).to_le_bytes())
            .collect();
        pad(&mut table);
        let mut pages: Vec<u8> = table
            .chunks(BLOCK)
            .flat_map(|page| crc32fast::hash(page).to_le_bytes())
            .collect();
        pad(&mut pages);
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for part in [&header, &pages, &toc] {
            hash.update(part);
        }
        let root = hash.digest128().to_le_bytes();
        let tail = [pages.as_slice(), &toc].concat();
        let mut trailer: Vec<u8> = Vec::new();
        trailer.extend((crc_table as u64).to_le_bytes());
        trailer.extend(((crc_table + table.len()) as u64).to_le_bytes());
        trailer.extend(((crc_table + table.len() + pages.len()) as u64).to_le_bytes());
        trailer.extend((toc.len() as u32).to_le_bytes());
        trailer.extend(crc32fast::hash(&tail).to_le_bytes());
        trailer.extend(root);
        trailer.extend(((crc_table + table.len() + tail.len() + 64) as u64).to_le_bytes());
        for (at, bits) in &self.trailer {
            trailer[usize::from(*at) % 56] ^= bits;
        }
        trailer.extend(crc32fast::hash(&trailer).to_le_bytes());
        trailer.extend(header[..4].iter().map(|byte| !byte));
        for part in [table, tail, trailer] {
            out.extend(part);
        }
        (out, root)
    }

    fn find(&mut self, kind: u32) -> Option<&mut Vec<u8>> {
        let section = self.sections.iter_mut().find(|s| s.kind == kind)?;
        Some(&mut section.bytes)
    }

    /// Blocks have checksums of their own.
    fn fix_block_index(&mut self) {
        let Some(blocks) = self.find(BLOCKS).map(|bytes| bytes.clone()) else {
            return;
        };
        let Some(index) = self.find(BLOCK_INDEX) else {
            return;
        };
        for entry in index.chunks_exact_mut(ENTRY) {
            let start = usize::try_from(u64_at(entry, 0)).unwrap_or(usize::MAX);
            let end = start.saturating_add(u32_at(entry, 16) as usize);
            if let Some(stored) = blocks.get(start..end) {
                entry[28..].copy_from_slice(&crc32fast::hash(stored).to_le_bytes());
            }
        }
    }

    /// Makes one change that `choices` describe.
    fn change(&mut self, choices: &mut Choices<'_>, bases: &[Parts]) {
        let what = choices.byte();
        let count = self.sections.len();
        let at = usize::from(choices.byte()) % count.max(1);
        match what % 16 {
            0..=6 if count > 0 => splice(&mut self.sections[at].bytes, choices),
            7..=8 => self.change_block(choices),
            9 if count > 0 => {
                self.sections.remove(at);
            }
            10 if count > 0 => {
                let other = usize::from(choices.byte()) % count;
                self.sections.swap(at, other);
            }
            11 if count > 0 => {
                let section = &mut self.sections[at];
                section.kind ^= u32::from(choices.byte()) << (8 * u32::from(choices.byte() % 4));
                section.flags ^= u32::from(choices.byte());
            }
            12 if count > 0 => {
                let lie = choices.number();
                let of_length = choices.byte() & 1 == 1;
                let both = &mut self.sections[at].lie;
                *(if of_length { &mut both.1 } else { &mut both.0 }) = lie;
            }
            13 => self.trailer.push((choices.byte(), choices.byte())),
            14 => {
                let at = usize::from(choices.byte()) % 60;
                self.header[at] ^= choices.byte();
                self.fix_blocks = choices.byte() & 7 != 7;
            }
            15 => {
                // A section of another file, in place of one or added.
                let other = &bases[usize::from(choices.byte()) % bases.len()];
                let take = usize::from(choices.byte()) % other.sections.len();
                let new = other.sections[take].clone();
                match self.sections.iter_mut().find(|s| s.kind == new.kind) {
                    Some(old) => *old = new,
                    None => self.sections.insert(at, new),
                }
            }
            _ => {}
        }
    }

    /// Changes what a block holds when it is unpacked.
    fn change_block(&mut self, choices: &mut Choices<'_>) {
        let Some(blocks) = self.find(BLOCKS).map(|bytes| bytes.clone()) else {
            return;
        };
        let number = usize::from(choices.byte());
        let Some(index) = self.find(BLOCK_INDEX) else {
            return;
        };
        let count = index.len() / ENTRY;
        if count == 0 {
            return;
        }
        let entry = &mut index[number % count * ENTRY..][..ENTRY];
        let start = usize::try_from(u64_at(entry, 0)).unwrap_or(usize::MAX);
        let end = start.saturating_add(u32_at(entry, 16) as usize);
        let stored = blocks.get(start..end).unwrap_or_default();
        let Ok(mut raw) = zstd::bulk::decompress(stored, LONGEST) else {
            return;
        };
        splice(&mut raw, choices);
        let packed = zstd::bulk::compress(&raw, 1).unwrap();
        entry[..8].copy_from_slice(&(blocks.len() as u64).to_le_bytes());
        entry[16..20].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        entry[20..24].copy_from_slice(&(raw.len() as u32).to_le_bytes());
        self.find(BLOCKS).unwrap().extend(packed);
    }
}

/// Changes bytes in place, or makes them more or fewer.
fn splice(bytes: &mut Vec<u8>, choices: &mut Choices<'_>) {
    let what = choices.byte();
    // Positions count from either end, so that short inputs reach both.
    let distance = usize::from(choices.byte()) | usize::from(what & 0x30) << 4;
    let at = match what & 0x80 {
        0 => distance.min(bytes.len()),
        _ => bytes.len().saturating_sub(distance),
    };
    match what % 8 {
        0 | 1 => {
            let new = choices.byte();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = new;
            }
        }
        2 => {
            let new = choices.number().to_le_bytes();
            let width = [4, 8][usize::from(what >> 6 & 1)];
            for (old, new) in bytes.iter_mut().skip(at).zip(&new[..width]) {
                *old = *new;
            }
        }
        3 => bytes.truncate(at),
        4 => {
            let end = (at + usize::from(choices.byte())).min(bytes.len());
            bytes.drain(at..end);
        }
        5 => {
            let new = choices.byte();
            let count = usize::from(choices.byte()) << (choices.byte() % 11);
            if bytes.len() + count <= LONGEST {
                bytes.splice(at..at, std::iter::repeat_n(new, count));
            }
        }
        6 => {
            let count = usize::from(choices.byte() % 16);
            let (new, rest) = choices.0.split_at(count.min(choices.0.len()));
            choices.0 = rest;
            if bytes.len() + count <= LONGEST {
                bytes.splice(at..at, new.iter().copied());
            }
        }
        _ => {
            let end = (at + usize::from(choices.byte())).min(bytes.len());
            let again = bytes[at..end].to_vec();
            if bytes.len() + again.len() <= LONGEST {
                bytes.splice(at..at, again);
            }
        }
    }
}

/// Bytes as choices; when they run out, every choice is the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    /// A number, most likely one at an edge.
    fn number(&mut self) -> u64 {
        let shift = u32::from(self.byte()) % 64;
        match self.byte() % 6 {
            0 => 1 << shift,
            1 => (1 << shift) - 1,
            2 => u64::MAX << shift,
            3 => u64::from(self.byte()),
            4 => u64::MAX - u64::from(self.byte()),
            _ => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }
}
