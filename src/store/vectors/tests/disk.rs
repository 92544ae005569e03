//! Segments of vector stores on disk.

use std::{path::PathBuf, sync::Arc};

use crate::{
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions},
    json::{Escapes, JsonStyle, encode},
    segment::{
        Compression, Map, Place, RecordMember, Records, RecordsWriter, Survey, TombstoneWriter,
        VectorWriter,
    },
    store::{RecordStore, RowStore},
    testing::temp,
};

pub(super) const BACKENDS: [Backend; 2] = [Backend::Map, Backend::Read];

/// Collections by name: keys and the text of what they lead to.
type Collections<'c> = [(&'c str, Vec<(String, String)>)];

/// The segments of one store.
pub(super) struct Disk {
    dir: tempfile::TempDir,
    pub(super) files: Vec<(PathBuf, FileKind)>,
    roots: Vec<[u8; 16]>,
}

fn token(text: &str) -> Vec<u8> {
    let mut token = Vec::new();
    encode(text.as_bytes(), Escapes::Ascii, &mut token);
    token
}

impl Disk {
    pub(super) fn new() -> Disk {
        Disk {
            dir: temp(),
            files: Vec::new(),
            roots: Vec::new(),
        }
    }

    fn next(&mut self, kind: FileKind) -> PathBuf {
        let path = self.dir.path().join(self.files.len().to_string());
        self.files.push((path.clone(), kind));
        path
    }

    /// Writes a segment of rows: ids, vectors, sequence numbers.
    pub(super) fn rows(&mut self, rows: &[(String, String, Option<u64>)]) {
        self.rows_with(rows, |_| {});
    }

    /// The same with what `more` adds to the other maps.
    pub(super) fn rows_with(
        &mut self,
        rows: &[(String, String, Option<u64>)],
        more: impl FnOnce(&mut VectorWriter),
    ) {
        let path = self.next(FileKind::Vectors);
        let dir = self.dir.path();
        let mut writer = VectorWriter::create(&path, dir, JsonStyle::python()).unwrap();
        for (id, vector, sequence) in rows {
            let pushed =
                writer.push_with(Map::Embeddings, &token(id), vector.as_bytes(), *sequence);
            pushed.unwrap().unwrap();
        }
        more(&mut writer);
        self.roots.push(writer.finish().unwrap().unwrap().root);
    }

    /// Deletes entries of segments: number, how many it has, which.
    pub(super) fn bury(&mut self, dead: &[(usize, usize, Vec<u32>)]) {
        if dead.iter().all(|(.., dead)| dead.is_empty()) {
            return;
        }
        let path = self.next(FileKind::Tombstones);
        let mut out = TombstoneWriter::create(&path).unwrap();
        for (segment, entries, dead) in dead {
            let map = Map::Embeddings as u32;
            out.add(self.roots[*segment], map, *entries as u32, dead);
        }
        out.finish().unwrap();
    }

    /// Writes a segment of records.
    pub(super) fn records(&mut self, collections: &Collections<'_>) {
        let path = self.next(FileKind::Records);
        let (dir, compression) = (self.dir.path(), Compression::default());
        let mut survey = Survey::new(dir, JsonStyle::python(), compression);
        give(collections, &mut survey);
        let surveyed = survey.finish(0).unwrap();
        let mut writer = RecordsWriter::create(&path, dir, surveyed, compression, true).unwrap();
        let members = give(collections, &mut writer);
        writer.finish(members).unwrap();
    }

    fn open(&self, backend: Backend) -> Vec<Arc<Container>> {
        let options = OpenOptions {
            backend,
            ..OpenOptions::default()
        };
        let files = self.files.iter().map(|(path, kind)| {
            Arc::new(Container::open(path, *kind, Expected::Any, &options).unwrap())
        });
        files.collect()
    }

    pub(super) fn open_rows(&self, backend: Backend) -> RowStore {
        RowStore::open(self.open(backend)).unwrap()
    }

    pub(super) fn open_records(&self, backend: Backend) -> RecordStore {
        RecordStore::open(self.open(backend)).unwrap()
    }
}

/// Tells of collections; gives the members that they are.
fn give(collections: &Collections<'_>, records: &mut impl Records) -> Vec<RecordMember> {
    let mut members = Vec::new();
    for (name, entries) in collections {
        let place = Place {
            parent: None,
            name: name.as_bytes().to_vec(),
            keyed: true,
            style: 0,
            depth: 2,
        };
        let collection = records.collection(place).unwrap().unwrap();
        for (key, text) in entries {
            let text = text.clone().into_bytes();
            records
                .record(collection, Some(&token(key)), text)
                .unwrap()
                .unwrap();
        }
        let key = token(name);
        members.push(RecordMember::Collection { collection, key });
    }
    members
}
