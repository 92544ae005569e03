//! Whole persist dirs: whatever is in the files, packing succeeds, the twin
//! verifies, and unpacking gives the same bytes.
//!
//! The first byte says how the rest becomes files. Raw mode takes it as the
//! content of one or two of LlamaIndex's files. Built mode reads choices from
//! it and writes the text of a vector store, so that a few bytes reach the
//! row classes, columns, orders and oddments that random text never would.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use twinstore::{
    container::{FileKind, OpenOptions},
    convert::{PackOptions, Silent, UnpackOptions, VerifyOptions, pack, status, unpack, verify},
    json::{NumberLayout, print_f32_shortest, print_f64},
    persist_dir::{OpenStore, Snapshot},
    segment::{RecordSegment, VectorSegment},
    store::RecordStore,
};

const NAMES: [&str; 8] = [
    "default__vector_store.json",
    "docstore.json",
    "vector_store.json",
    "index_store.json",
    "graph_store.json",
    "property_graph_store.json",
    "notes.json",
    "image__vector_store.json",
];

type Files = BTreeMap<&'static str, Vec<u8>>;

/// Takes `data` as a persist dir.
pub fn run(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else {
        return;
    };
    let mut files = Files::new();
    let mut changed = None;
    if mode & 1 == 0 {
        let name = usize::from(mode >> 1);
        let (first, second) = match (mode & 0x80 != 0, rest.split_first()) {
            (true, Some((&at, rest))) => rest.split_at(usize::from(at).min(rest.len())),
            _ => (rest, &[][..]),
        };
        files.insert(NAMES[name % 8], first.to_vec());
        if mode & 0x80 != 0 {
            files.insert(NAMES[(name >> 3) % 8], second.to_vec());
        }
    } else {
        let mut choices = Choices(rest);
        files.insert(NAMES[0], choices.store());
        if mode & 2 != 0 {
            changed = Some(choices.store());
        }
    }
    let temp = temp_dir();
    let dir = temp.path().join("storage");
    fs::create_dir(&dir).unwrap();
    write(&dir, &files, 0);
    check(temp.path(), &dir, &files);
    if let Some(text) = changed {
        files.insert(NAMES[0], text);
        write(&dir, &files, 10);
        check(temp.path(), &dir, &files);
    }
    if mode & 4 != 0 {
        drop_and_restore(&dir, &files);
    }
}

fn temp_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Writes files with an old time: packing a file that was written just now
/// waits for the clock to tick.
fn write(dir: &Path, files: &Files, seconds: u64) {
    for (name, text) in files {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        let time = UNIX_EPOCH + Duration::from_millis(1_600_000_000_500 + seconds * 1000);
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(time).unwrap();
    }
}

fn check(temp: &Path, dir: &Path, files: &Files) {
    let options = PackOptions {
        all: true,
        prefer_json: true,
        ..PackOptions::default()
    };
    let report = pack(dir, &options, &Silent).unwrap();
    assert_eq!(report.stores.len(), files.len());
    let open = OpenOptions::default();
    let deep = VerifyOptions {
        deep: true,
        open,
        ..VerifyOptions::default()
    };
    assert!(verify(dir, &deep, &Silent).unwrap().problems.is_empty());
    assert!(status(dir).unwrap().is_settled());

    let out = temp.join("out");
    let to = UnpackOptions {
        out: Some(out.clone()),
        ..UnpackOptions::default()
    };
    unpack(dir, &to, &Silent).unwrap();
    same(&out, files);
    fs::remove_dir_all(&out).unwrap();
    same(dir, files);
    let again = PackOptions {
        all: true,
        ..PackOptions::default()
    };
    assert!(!pack(dir, &again, &Silent).unwrap().committed);
    read_rows(dir, &open);
}

fn same(dir: &Path, files: &Files) {
    for (name, text) in files {
        let found = fs::read(dir.join(name)).unwrap();
        assert!(found == *text, "{name} comes back with other bytes");
    }
}

fn read_records(store: &OpenStore<'_>) {
    let records = RecordStore::open(store.segments().unwrap()).unwrap();
    for path in records.all_collections() {
        let mut keys = Vec::new();
        let mut each = |key: &[u8]| {
            keys.push(key.to_vec());
            Ok(())
        };
        records.each_key(&path, &mut each).unwrap();
        let len = records.len(&path).unwrap();
        assert!(keys.is_empty() || keys.len() as u64 == len);
        for key in keys.iter().take(100) {
            assert!(records.get(&path, key).unwrap().is_some());
        }
        assert_eq!(records.get(&path, b"no such key").unwrap(), None);
    }
}

/// Everything that a program can ask of a store.
fn read_rows(dir: &Path, open: &OpenOptions) {
    let twin = Snapshot::open(dir, None, open).unwrap();
    for store in twin.stores() {
        for segment in store.segments().unwrap() {
            if segment.kind() == FileKind::Records {
                RecordSegment::open(segment)
                    .unwrap()
                    .check_structure()
                    .unwrap();
                read_records(&store);
                continue;
            }
            let rows = VectorSegment::open(segment).unwrap();
            rows.check_structure().unwrap();
            rows.irregular().unwrap();
            rows.metadata_keys().unwrap();
            for row in 0..rows.rows() {
                let id = rows.id(row).unwrap();
                assert_eq!(rows.row_of(&id).unwrap(), Some(row));
                rows.metadata(row).unwrap();
                rows.ref_doc(row).unwrap();
                let vector = rows.get(&id).unwrap();
                assert_eq!(vector.is_some(), row < rows.vectors());
                if let Some(vector) = vector {
                    let nearest = rows.nearest(row).unwrap();
                    for (value, nearest) in vector.iter().zip(nearest) {
                        let same = (*value as f32).to_bits() == nearest.to_bits();
                        assert!(same || value.is_nan(), "{value:?} {nearest:?}");
                    }
                    rows.norm(row).unwrap();
                }
            }
            assert_eq!(rows.row_of(b"no such id").unwrap(), None);
        }
    }
}

fn drop_and_restore(dir: &Path, files: &Files) {
    let options = PackOptions {
        all: true,
        drop_json: true,
        ..PackOptions::default()
    };
    for name in pack(dir, &options, &Silent).unwrap().dropped {
        assert!(!dir.join(name).exists());
    }
    unpack(dir, &UnpackOptions::default(), &Silent).unwrap();
    same(dir, files);
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

    /// One of `n`.
    fn of(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// True once in `n`, and never when the bytes have run out.
    fn once_in(&mut self, n: u8) -> bool {
        self.byte() % n == n - 1
    }

    fn pick<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list[self.of(list.len())]
    }

    fn word(&mut self) -> [u8; 8] {
        std::array::from_fn(|_| self.byte())
    }

    /// The text of a vector store.
    fn store(&mut self) -> Vec<u8> {
        let style = Style::chosen(self);
        let mut ids: Vec<String> = Vec::new();
        let rows = self.of(12);
        for row in 0..rows {
            let id = self.id(row, &ids);
            ids.push(id);
        }
        let dim = [4, 1, 8, 3, 130][self.of(5)];
        let layout = [
            NumberLayout::Python,
            NumberLayout::Ryu,
            NumberLayout::JavaScript,
        ][self.of(3)];
        let class = self.of(5);
        let vectors: Vec<_> = ids
            .iter()
            .map(|id| (id.clone(), self.vector(dim, class, layout)))
            .collect();
        let refs: Vec<_> = self
            .some_of(&ids)
            .into_iter()
            .map(|id| (id, self.ref_doc()))
            .collect();
        let metadata: Vec<_> = self
            .some_of(&ids)
            .into_iter()
            .map(|id| (id, self.metadata()))
            .collect();
        let names = [
            ["embedding_dict", "text_id_to_ref_doc_id", "metadata_dict"],
            ["embeddingDict", "textIdToRefDocId", "metadataDict"],
            ["embedding_dict", "text_id_to_doc_id", "metadata_dict"],
        ][self.of(3)];
        let mut members: Vec<(String, Json)> = names
            .iter()
            .zip([vectors, refs, metadata])
            .map(|(name, map)| (format!("\"{name}\""), Json::Object(map)))
            .collect();
        if self.once_in(4) {
            members.swap(0, 2);
        }
        if self.once_in(6) {
            members.truncate(self.of(3));
        }
        if self.once_in(4) {
            let at = self.of(members.len() + 1);
            let other = ("\"class_name\"".to_owned(), self.json(2));
            members.insert(at, other);
        }
        if self.once_in(32) {
            let again = members.first().cloned();
            members.extend(again);
        }
        let mut out = Vec::new();
        style.file(&Json::Object(members), &mut out);
        if self.once_in(24) {
            let at = self.of(out.len() + 1);
            out.truncate(at);
        }
        out
    }

    /// A token for an id; now and then one that was there.
    fn id(&mut self, row: usize, before: &[String]) -> String {
        match self.of(16) {
            0..=7 => {
                let tail = u64::from_le_bytes(self.word()) >> 16;
                format!("\"{row:08x}-0000-4000-8000-{tail:012x}\"")
            }
            8 => format!("\"node {row}\""),
            9 => format!("\"{row}\\u00fc\\ud83d\\ude00\""),
            10 => format!("\"{row}ü😀\u{7f}\""),
            11 => format!("\"{row}\\ud800\\/\\u0000\""),
            12 if !before.is_empty() => before[self.of(before.len())].clone(),
            13 => "\"\"".to_owned(),
            _ => format!("\"{row:x}\""),
        }
    }

    /// The ids in this or another order, all or some, and foreign ones.
    fn some_of(&mut self, ids: &[String]) -> Vec<String> {
        let mut chosen = ids.to_vec();
        if self.once_in(3) {
            chosen.reverse();
        }
        if self.once_in(3) && !chosen.is_empty() {
            let at = self.of(chosen.len());
            chosen.remove(at);
        }
        if self.once_in(4) {
            let at = self.of(chosen.len() + 1);
            chosen.insert(at, "\"foreign\"".to_owned());
        }
        chosen
    }

    fn vector(&mut self, dim: usize, class: usize, layout: NumberLayout) -> Json {
        let dim = if self.once_in(48) { self.of(6) } else { dim };
        // One byte may move a row to another class than the store's.
        let class = if self.once_in(12) { self.of(5) } else { class };
        let mut seed = u64::from_le_bytes(self.word());
        let numbers = (0..dim).map(|_| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            Json::Text(number(seed, class, layout))
        });
        let mut numbers: Vec<Json> = numbers.collect();
        for _ in 0..self.of(3) {
            let at = self.of(dim.max(1));
            let token = self.number_token();
            if let Some(number) = numbers.get_mut(at) {
                *number = Json::Text(token);
            }
        }
        Json::Array(numbers)
    }

    fn number_token(&mut self) -> String {
        const TOKENS: [&str; 24] = [
            "0.0",
            "-0.0",
            "0",
            "-0",
            "1",
            "-17",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e5",
            "1E5",
            "1e+16",
            "1e-05",
            "1e-5",
            "0.00001",
            "0.10",
            "5e-324",
            "1e-45",
            "1e39",
            "1e999",
            "123456789012345678901234567890",
            "0.1",
            "null",
            "\"0.5\"",
        ];
        if self.once_in(2) {
            let mut token = Vec::new();
            print_f64(
                f64::from_le_bytes(self.word()),
                NumberLayout::Python,
                &mut token,
            );
            return String::from_utf8(token).unwrap();
        }
        self.pick(&TOKENS).to_owned()
    }

    fn ref_doc(&mut self) -> Json {
        const TOKENS: [&str; 8] = [
            "\"document\"",
            "\"00000000-0000-4000-8000-000000000001\"",
            "null",
            "\"None\"",
            "\"\\u00FC\"",
            "[ 1 ]",
            "\"ü\"",
            "\"\\u00fc\"",
        ];
        Json::Text(self.pick(&TOKENS).to_owned())
    }

    fn metadata(&mut self) -> Json {
        const KEYS: [&str; 8] = [
            "\"file\"",
            "\"page\"",
            "\"document_id\"",
            "\"doc_id\"",
            "\"ref_doc_id\"",
            "\"\\u00fc\"",
            "\"\"",
            "\"F\\u0049LE\"",
        ];
        if self.once_in(16) {
            return self.json(2);
        }
        let count = self.of(5);
        let first = self.of(8);
        let members = (0..count).map(|n| {
            let key = if self.once_in(12) {
                self.of(8)
            } else {
                first + n
            };
            (KEYS[key % 8].to_owned(), self.json(2))
        });
        Json::Object(members.collect())
    }

    fn json(&mut self, depth: usize) -> Json {
        const SCALARS: [&str; 12] = [
            "\"a.txt\"",
            "1",
            "null",
            "true",
            "1.0",
            "-0",
            "1e-07",
            "\"\\ud83d\"",
            "\"ü\"",
            "\"\\u00e9\"",
            "\"\\n\\\"\"",
            "12345678901234567890",
        ];
        match self.of(8) {
            6 if depth > 0 => {
                let items = (0..self.of(4)).map(|_| self.json(depth - 1));
                Json::Array(items.collect())
            }
            7 if depth > 0 => {
                let items = (0..self.of(4)).map(|_| {
                    let key = format!("\"{}\"", self.of(3));
                    (key, self.json(depth - 1))
                });
                Json::Object(items.collect())
            }
            _ => Json::Text(self.pick(&SCALARS).to_owned()),
        }
    }
}

/// A number of the class: exact f32, shortest decimal, f64, few digits, any.
fn number(seed: u64, class: usize, layout: NumberLayout) -> String {
    let wide = ((seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5) * 0.2;
    let mut token = Vec::new();
    match class {
        0 => print_f64(f64::from(wide as f32), layout, &mut token),
        1 => print_f32_shortest(wide as f32, layout, &mut token),
        2 => print_f64(wide, layout, &mut token),
        3 => print_f64((wide * 1000.0).round() / 100.0, layout, &mut token),
        _ => print_f64(f64::from_bits(seed), layout, &mut token),
    }
    String::from_utf8(token).unwrap()
}

/// A value whose scalars are tokens.
#[derive(Clone)]
enum Json {
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// White space, as one of several writers puts it.
struct Style {
    begin: &'static str,
    end: &'static str,
    comma: &'static str,
    colon: &'static str,
    newline: &'static str,
    unit: &'static str,
}

impl Style {
    fn chosen(choices: &mut Choices<'_>) -> Style {
        let (comma, colon, newline, unit) = [
            (", ", ": ", "", ""),
            (",", ":", "", ""),
            (",", ": ", "\n", "  "),
            (",", ":", "\r\n", "\t"),
            (" , ", " : ", "", ""),
            (", ", ": ", "\n", ""),
        ][choices.of(6)];
        Style {
            begin: choices.pick(&["", "", "\u{feff}", " \n"]),
            end: choices.pick(&["", "", "\n", " x"]),
            comma,
            colon,
            newline,
            unit,
        }
    }

    fn file(&self, value: &Json, out: &mut Vec<u8>) {
        out.extend_from_slice(self.begin.as_bytes());
        self.value(value, 1, out);
        out.extend_from_slice(self.end.as_bytes());
    }

    fn value(&self, value: &Json, depth: usize, out: &mut Vec<u8>) {
        let items: Vec<(Option<&String>, &Json)> = match value {
            Json::Text(token) => return out.extend_from_slice(token.as_bytes()),
            Json::Array(items) => items.iter().map(|item| (None, item)).collect(),
            Json::Object(items) => items.iter().map(|(key, item)| (Some(key), item)).collect(),
        };
        let [open, close] = match value {
            Json::Object(_) => *b"{}",
            _ => *b"[]",
        };
        out.push(open);
        for (n, (key, item)) in items.iter().enumerate() {
            if n > 0 {
                out.extend_from_slice(self.comma.as_bytes());
            }
            self.line(depth, out);
            if let Some(key) = key {
                out.extend_from_slice(key.as_bytes());
                out.extend_from_slice(self.colon.as_bytes());
            }
            self.value(item, depth + 1, out);
        }
        if !items.is_empty() {
            self.line(depth - 1, out);
        }
        out.push(close);
    }

    fn line(&self, depth: usize, out: &mut Vec<u8>) {
        if !self.newline.is_empty() {
            out.extend_from_slice(self.newline.as_bytes());
            out.extend_from_slice(self.unit.repeat(depth).as_bytes());
        }
    }
}
