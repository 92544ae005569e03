//! Histories: maps are written to, deleted from and written to again, as
//! Python's dicts are, and every now and then what changed becomes a segment.
//! What all segments print together is the JSON of the dict.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use proptest::{collection::vec, prelude::*};

use super::{StoreText, Structure};
use crate::{
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions},
    json::{JsonStyle, Token},
    segment::{
        Compression, Map, Member, Parent, Place, RecordMember, Records, RecordsWriter, Survey,
        TombstoneWriter, VectorWriter,
    },
    store::{CollectionPath, RecordStore},
    testing::temp,
};

/// An entry of a dict.
#[derive(Debug, Clone)]
struct Entry {
    sequence: u64,
    key: String,
    value: String,
    /// The segment and the number there, once it was written.
    place: Option<(usize, u32)>,
}

/// A dict as Python keeps it, and what is on disk of it.
#[derive(Debug, Clone, Default)]
struct Dict {
    live: Vec<Entry>,
    next: u64,
    /// Of each segment that has a part: its number there, how many entries it
    /// has, and which are dead.
    parts: BTreeMap<usize, (u32, u32, BTreeSet<u32>)>,
}

impl Dict {
    fn kill(&mut self, place: Option<(usize, u32)>) {
        if let Some((segment, entry)) = place {
            self.parts.get_mut(&segment).unwrap().2.insert(entry);
        }
    }

    /// `dict[key] = value`: what is there keeps its place.
    fn put(&mut self, key: &str, value: String) {
        if let Some(at) = self.live.iter().position(|entry| entry.key == key) {
            let entry = &mut self.live[at];
            entry.value = value;
            let place = entry.place.take();
            self.kill(place);
            return;
        }
        self.live.push(Entry {
            sequence: self.next,
            key: key.to_owned(),
            value,
            place: None,
        });
        self.next += 1;
    }

    fn delete(&mut self, key: &str) {
        if let Some(at) = self.live.iter().position(|entry| entry.key == key) {
            let place = self.live.remove(at).place;
            self.kill(place);
        }
    }

    fn clear(&mut self) {
        let keys: Vec<_> = self.live.iter().map(|entry| entry.key.clone()).collect();
        keys.iter().for_each(|key| self.delete(key));
    }

    /// What has to be written to `segment`, where the map has this number.
    fn flush(&mut self, segment: usize, number: u32) -> Vec<Entry> {
        let new: Vec<&mut Entry> = self.live.iter_mut().filter(|e| e.place.is_none()).collect();
        let mut flushed = Vec::new();
        for (n, entry) in (0..).zip(new) {
            entry.place = Some((segment, n));
            flushed.push(entry.clone());
        }
        self.parts
            .insert(segment, (number, flushed.len() as u32, BTreeSet::new()));
        flushed
    }

    fn has_new(&self) -> bool {
        self.live.iter().any(|entry| entry.place.is_none())
    }

    /// `json.dumps`.
    fn text(&self) -> String {
        let members = self
            .live
            .iter()
            .map(|entry| format!("\"{}\": {}", entry.key, entry.value));
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    }

    fn bury(&self, roots: &[[u8; 16]], stays: &[bool], out: &mut TombstoneWriter) {
        for (&segment, (number, entries, dead)) in &self.parts {
            if stays[segment] {
                let dead: Vec<u32> = dead.iter().copied().collect();
                out.add(roots[segment], *number, *entries, &dead);
            }
        }
    }

    /// Marks the segments in which it has live entries.
    fn mark_live(&self, live: &mut [bool]) {
        for (&segment, (_, entries, dead)) in &self.parts {
            live[segment] |= dead.len() < *entries as usize;
        }
    }
}

/// A change of one of several dicts.
#[derive(Debug, Clone)]
struct Change {
    dict: usize,
    key: usize,
    /// `None` deletes.
    value: Option<u8>,
}

fn changes(dicts: usize) -> impl Strategy<Value = Vec<Change>> {
    let value = prop::option::weighted(0.7, any::<u8>());
    let change = (0..dicts, 0..6_usize, value);
    vec(
        change.prop_map(|(dict, key, value)| Change { dict, key, value }),
        0..14,
    )
}

/// What happened between one segment and the next.
fn history(dicts: usize) -> impl Strategy<Value = Vec<Vec<Change>>> {
    vec(changes(dicts), 1..5)
}

fn key(n: usize) -> String {
    format!("key-number-{n}")
}

/// Ids of others, a hash, a part that is the same everywhere.
fn value(key: &str, n: u8) -> String {
    format!(
        r#"{{"id_": "{key}", "n": {n}, "next": "key-number-{}", "hash": "{:064x}", "metadata": {{"file_name": "a.pdf"}}, "start": {{"file_name": "a.pdf"}}}}"#,
        n % 7,
        n % 5,
    )
}

/// Segments on disk, with the files in order.
struct Disk {
    dir: tempfile::TempDir,
    files: Vec<PathBuf>,
    roots: Vec<[u8; 16]>,
}

impl Disk {
    fn new() -> Disk {
        Disk {
            dir: temp(),
            files: Vec::new(),
            roots: Vec::new(),
        }
    }

    fn next(&self) -> PathBuf {
        self.dir.path().join(self.files.len().to_string())
    }

    /// Deletes what is dead, and all segments but the newest in which nothing
    /// lives: one of them may be another one again.
    fn bury<'d>(&mut self, dicts: impl IntoIterator<Item = &'d Dict>) {
        let path = self.dir.path().join("tombstones");
        let mut out = TombstoneWriter::create(&path).unwrap();
        let dicts: Vec<&Dict> = dicts.into_iter().collect();
        let mut stays = vec![false; self.files.len()];
        dicts.iter().for_each(|dict| dict.mark_live(&mut stays));
        *stays.last_mut().unwrap() = true;
        for dict in dicts {
            dict.bury(&self.roots, &stays, &mut out);
        }
        out.finish().unwrap();
        let mut stays = stays.into_iter();
        self.files.retain(|_| stays.next().unwrap_or(true));
        self.files.push(path);
    }

    fn open(&self, kind: FileKind, backend: Backend) -> Vec<Arc<Container>> {
        let options = OpenOptions {
            backend,
            ..OpenOptions::default()
        };
        let last = self.files.len() - 1;
        let open = |(n, path): (usize, &PathBuf)| {
            let kind = if n == last {
                FileKind::Tombstones
            } else {
                kind
            };
            Arc::new(Container::open(path, kind, Expected::Any, &options).unwrap())
        };
        self.files.iter().enumerate().map(open).collect()
    }

    /// What the store prints, under both backends the same.
    fn printed(&self, kind: FileKind) -> String {
        let [mapped, read] = [Backend::Map, Backend::Read].map(|backend| {
            let store = StoreText {
                structure: Structure::open(self.open(kind, backend)).unwrap(),
                verbatim: None,
            };
            let mut out = Vec::new();
            let mut sink = |piece: &[u8]| {
                out.extend_from_slice(piece);
                Ok(())
            };
            store.print(&mut sink).unwrap();
            String::from_utf8(out).unwrap()
        });
        assert_eq!(mapped, read);
        mapped
    }

    /// Writes a segment in two walks, as records need.
    fn records(&mut self, steps: &[Step], members: Vec<RecordMember>) {
        let dir = self.dir.path();
        let compression = Compression::default();
        let mut survey = Survey::new(dir, JsonStyle::python(), compression);
        give(steps, &mut survey);
        let surveyed = survey.finish(0).unwrap();
        let path = self.next();
        let mut writer = RecordsWriter::create(&path, dir, surveyed, compression, true).unwrap();
        give(steps, &mut writer);
        self.roots.push(writer.finish(members).unwrap().root);
        self.files.push(path);
    }
}

/// What is told of a file with records.
enum Step {
    /// Name, and the record around it.
    Collection(String, Option<(u32, String)>),
    Record(u32, Entry),
    Begin(u32, Entry),
    Token(Token<'static>),
    /// A string holds what comes next.
    Json,
    EndJson,
    Map(u32),
    End,
}

fn give(steps: &[Step], records: &mut impl Records) {
    let mut style = 0;
    for step in steps {
        match step {
            Step::Collection(name, parent) => {
                let parent = parent.as_ref().map(|(collection, record)| Parent {
                    collection: *collection,
                    record: record.as_bytes().to_vec(),
                });
                let place = Place {
                    style: if parent.is_some() { style } else { 0 },
                    parent,
                    name: name.as_bytes().to_vec(),
                    keyed: true,
                    depth: 2,
                };
                records.collection(place).unwrap().unwrap();
            }
            Step::Record(collection, entry) => {
                records.sequence(entry.sequence);
                let key = format!("\"{}\"", entry.key);
                let text = entry.value.clone().into_bytes();
                records
                    .record(*collection, Some(key.as_bytes()), text)
                    .unwrap()
                    .unwrap();
            }
            Step::Begin(collection, entry) => {
                records.sequence(entry.sequence);
                let key = format!("\"{}\"", entry.key);
                records
                    .begin(*collection, Some(key.as_bytes()))
                    .unwrap()
                    .unwrap();
            }
            Step::Token(token) => records.token(*token).unwrap(),
            Step::Json => {
                style = records
                    .json(br#"{"a": [1, 2], "b": "\u00e9"}"#)
                    .unwrap()
                    .unwrap()
            }
            Step::EndJson => {
                records.end_json().unwrap();
                style = 0;
            }
            Step::Map(collection) => records.map(*collection).unwrap(),
            Step::End => records.end().unwrap(),
        }
    }
}

fn member(collection: u32, name: &str) -> RecordMember {
    RecordMember::Collection {
        collection,
        key: format!("\"{name}\"").into_bytes(),
    }
}

/// A collection is found, counted and listed as the dict is.
fn assert_is(store: &RecordStore, path: &CollectionPath, dict: &Dict) {
    assert_eq!(store.len(path).unwrap(), dict.live.len() as u64, "{path}");
    let mut keys = Vec::new();
    let mut each = |key: &[u8]| {
        keys.push(String::from_utf8(key.to_vec()).unwrap());
        Ok(())
    };
    store.each_key(path, &mut each).unwrap();
    let expected: Vec<_> = dict.live.iter().map(|entry| entry.key.clone()).collect();
    assert_eq!(keys, expected, "{path}");
    for n in 0..7 {
        let entry = dict.live.iter().find(|entry| entry.key == key(n));
        let found = store.get(path, key(n).as_bytes()).unwrap();
        let found = found.map(|text| String::from_utf8(text).unwrap());
        assert_eq!(
            found,
            entry.map(|entry| entry.value.clone()),
            "{path} {}",
            key(n)
        );
    }
}

const NAMES: [&str; 2] = ["docstore/data", "docstore/metadata"];

/// An index struct: its record without the maps, and those.
#[derive(Debug, Clone, Default)]
struct Struct {
    version: u8,
    maps: [Dict; 2],
}

const MAPS: [&str; 2] = ["nodes_dict", "table"];

impl Struct {
    /// In a string or not, from one to the next.
    fn in_string(key: &str) -> bool {
        key.ends_with('1')
    }

    fn text(&self, key: &str) -> String {
        let [nodes, table] = self.maps.each_ref().map(Dict::text);
        let data = format!(
            r#"{{"nodes_dict": {nodes}, "id": "{key}", "n": {}, "table": {table}}}"#,
            self.version
        );
        match Struct::in_string(key) {
            true => format!(
                "{{\"__data__\": {}}}",
                serde_json::to_string(&data).unwrap()
            ),
            false => format!("{{\"__data__\": {data}}}"),
        }
    }

    /// What is told of the record and its maps when it is written as a whole.
    fn steps(&mut self, segment: usize, entry: &Entry, next: &mut u32) -> Vec<Step> {
        let leak = |text: String| Step::Token(Token::Scalar(text.leak().as_bytes()));
        let name = |text: &str| Step::Token(Token::Key(format!("\"{text}\"").leak().as_bytes()));
        let mut steps = vec![
            Step::Begin(0, entry.clone()),
            Step::Token(Token::Open(b'{')),
            name("__data__"),
            Step::Token(Token::Colon),
        ];
        let in_string = Struct::in_string(&entry.key);
        steps.extend(in_string.then_some(Step::Json));
        steps.push(Step::Token(Token::Open(b'{')));
        for (n, map) in MAPS.into_iter().enumerate() {
            steps.extend([name(map), Step::Token(Token::Colon)]);
            let number = *next;
            steps.extend(self.map_steps(n, segment, &entry.key, next));
            steps.push(Step::Map(number));
            if n == 0 {
                steps.extend([
                    Step::Token(Token::Comma),
                    name("id"),
                    Step::Token(Token::Colon),
                ]);
                steps.push(Step::Token(Token::String(
                    format!("\"{}\"", entry.key).leak().as_bytes(),
                )));
                steps.extend([
                    Step::Token(Token::Comma),
                    name("n"),
                    Step::Token(Token::Colon),
                ]);
                steps.extend([leak(self.version.to_string()), Step::Token(Token::Comma)]);
            }
        }
        steps.push(Step::Token(Token::Close(b'}')));
        steps.extend(in_string.then_some(Step::EndJson));
        steps.extend([Step::Token(Token::Close(b'}')), Step::End]);
        steps
    }

    fn map_steps(&mut self, map: usize, segment: usize, key: &str, next: &mut u32) -> Vec<Step> {
        let number = *next;
        *next += 1;
        let mut steps = vec![Step::Collection(
            MAPS[map].to_owned(),
            Some((0, key.to_owned())),
        )];
        let new = self.maps[map].flush(segment, number);
        steps.extend(new.into_iter().map(|entry| Step::Record(number, entry)));
        steps
    }
}

const VECTOR_MAPS: [(Map, &str); 3] = [
    (Map::Embeddings, "embedding_dict"),
    (Map::RefDocs, "text_id_to_ref_doc_id"),
    (Map::Metadata, "metadata_dict"),
];

fn vector_value(map: Map, n: u8) -> String {
    match map {
        Map::Embeddings => format!("[{n}.5, 0.{}]", u32::from(n) * 10 + 1),
        Map::RefDocs => format!("\"ref-{}\"", n % 4),
        Map::Metadata => match n % 4 {
            0 => "{}".to_owned(),
            1 => format!("{{\"b\": {n}}}"),
            2 => format!("{{\"b\": {n}, \"b\": 1}}"),
            _ => format!("{{\"a\": \"x\", \"b\": [{n}]}}"),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn documents_of_all_segments_are_one_dict(history in history(2)) {
        let mut dicts = [Dict::default(), Dict::default()];
        let mut disk = Disk::new();
        let mut order = vec![0, 1];
        for (segment, changes) in history.iter().enumerate() {
            for change in changes {
                let key = key(change.key);
                match change.value {
                    Some(n) => dicts[change.dict].put(&key, value(&key, n)),
                    None => dicts[change.dict].delete(&key),
                }
            }
            // Collections are known by name, not by number.
            order.reverse();
            let mut steps = Vec::new();
            let mut members = Vec::new();
            for (number, &dict) in (0..).zip(&order) {
                steps.push(Step::Collection(NAMES[dict].to_owned(), None));
                let new = dicts[dict].flush(segment, number);
                steps.extend(new.into_iter().map(|entry| Step::Record(number, entry)));
                members.push(member(number, NAMES[dict]));
            }
            disk.records(&steps, members);
        }
        disk.bury(&dicts);
        let texts = order.iter().map(|&n| format!("\"{}\": {}", NAMES[n], dicts[n].text()));
        let expected = format!("{{{}}}", texts.collect::<Vec<_>>().join(", "));
        prop_assert_eq!(disk.printed(FileKind::Records), expected);
        let store = RecordStore::open(disk.open(FileKind::Records, Backend::Read)).unwrap();
        for (name, dict) in NAMES.iter().zip(&dicts) {
            assert_is(&store, &CollectionPath::top(name.as_bytes()), dict);
        }
        store.check_records(&|| {}).unwrap();
    }

    #[test]
    fn maps_of_structs_are_one_dict_each_wherever_their_entries_are(history in history(4)) {
        // The structs by key, in the order of the dict that holds them.
        let mut index = Dict::default();
        let mut structs: BTreeMap<String, Struct> = BTreeMap::new();
        let mut gone: Vec<Dict> = Vec::new();
        let mut disk = Disk::new();
        for (segment, changes) in history.iter().enumerate() {
            for change in changes {
                // Two structs; of either, itself or one of its maps changes.
                let name = key(change.dict % 2);
                let entry = key(change.key);
                match (change.dict / 2, change.key, change.value) {
                    (0, 0, None) => {
                        index.delete(&name);
                        for mut map in structs.remove(&name).unwrap_or_default().maps {
                            map.clear();
                            gone.push(map);
                        }
                    }
                    (0, 1, Some(n)) => {
                        index.put(&name, String::new());
                        structs.entry(name).or_default().version = n;
                    }
                    (map, _, n) => {
                        if !structs.contains_key(&name) {
                            index.put(&name, String::new());
                        }
                        let map = &mut structs.entry(name).or_default().maps[map];
                        match n {
                            Some(n) => map.put(&entry, value(&entry, n)),
                            None => map.delete(&entry),
                        }
                    }
                }
            }
            let mut steps = vec![Step::Collection("index_store/data".to_owned(), None)];
            let mut next = 1;
            for entry in index.flush(segment, 0) {
                let one = structs.get_mut(&entry.key).unwrap();
                steps.extend(one.steps(segment, &entry, &mut next));
            }
            // Maps that grew, of structs that stayed.
            for (key, one) in &mut structs {
                for map in 0..2 {
                    if one.maps[map].has_new() {
                        steps.extend(one.map_steps(map, segment, key, &mut next));
                    }
                }
            }
            disk.records(&steps, vec![member(0, "index_store/data")]);
        }
        let maps = structs.values().flat_map(|one| &one.maps);
        disk.bury(maps.chain(&gone).chain([&index]));
        for entry in &mut index.live {
            entry.value = structs[&entry.key].text(&entry.key);
        }
        let expected = format!("{{\"index_store/data\": {}}}", index.text());
        prop_assert_eq!(disk.printed(FileKind::Records), expected);
        let store = RecordStore::open(disk.open(FileKind::Records, Backend::Map)).unwrap();
        let top = CollectionPath::top(b"index_store/data");
        assert_is(&store, &top, &index);
        for (key, one) in &structs {
            for (name, map) in MAPS.iter().zip(&one.maps) {
                assert_is(&store, &top.nested(key.as_bytes(), name.as_bytes()), map);
            }
        }
        store.check_records(&|| {}).unwrap();
    }

    #[test]
    fn vectors_of_all_segments_are_three_dicts(history in history(3)) {
        let mut dicts = [Dict::default(), Dict::default(), Dict::default()];
        let mut disk = Disk::new();
        for (segment, changes) in history.iter().enumerate() {
            for change in changes {
                let (key, map) = (key(change.key), VECTOR_MAPS[change.dict].0);
                match change.value {
                    Some(n) => dicts[change.dict].put(&key, vector_value(map, n)),
                    None => dicts[change.dict].delete(&key),
                }
            }
            let path = disk.next();
            let mut writer = VectorWriter::create(&path, disk.dir.path(), JsonStyle::python()).unwrap();
            for ((map, _), dict) in VECTOR_MAPS.iter().zip(&mut dicts) {
                for entry in dict.flush(segment, *map as u32) {
                    let key = format!("\"{}\"", entry.key);
                    let value = entry.value.as_bytes();
                    let pushed = writer.push_with(*map, key.as_bytes(), value, Some(entry.sequence));
                    pushed.unwrap().unwrap();
                }
            }
            writer.members(VECTOR_MAPS.map(|(map, name)| Member::Map {
                map,
                key: format!("\"{name}\"").into_bytes(),
            }).to_vec());
            disk.roots.push(writer.finish().unwrap().unwrap().root);
            disk.files.push(path);
        }
        disk.bury(&dicts);
        let texts = VECTOR_MAPS.iter().zip(&dicts).map(|((_, name), dict)| format!("\"{name}\": {}", dict.text()));
        let expected = format!("{{{}}}", texts.collect::<Vec<_>>().join(", "));
        prop_assert_eq!(disk.printed(FileKind::Vectors), expected);
        let store = crate::store::RowStore::open(disk.open(FileKind::Vectors, Backend::Read)).unwrap();
        prop_assert_eq!(store.vectors().unwrap(), dicts[0].live.len() as u64);
        for n in 0..7 {
            let entry = dicts[0].live.iter().find(|entry| entry.key == key(n));
            let expected: Option<Vec<f64>> = entry.map(|entry| serde_json::from_str(&entry.value).unwrap());
            prop_assert_eq!(store.get(key(n).as_bytes()).unwrap(), expected);
        }
    }
}
