//! A store on disk, without a manifest.

use std::{fs, path::Path, sync::Arc};

use crate::{
    container::{Container, Expected, OpenOptions, Written},
    convert::{
        append::{Appended, append_records, compact_records},
        records::{Maps, parse},
    },
    json::{JsonStyle, Window},
    persist_dir::{SegmentKind, SegmentRef, Writer},
    segment::{Compression, RecordsWriter, Survey},
    store::RecordStore,
    testing::temp,
};

/// The segments of a store on disk, as a manifest would name them.
pub(super) struct Disk {
    dir: tempfile::TempDir,
    pub(super) writer: Writer,
    segments: Vec<SegmentRef>,
    pub(super) tombstones: Option<SegmentRef>,
}

impl Disk {
    fn new() -> Disk {
        let dir = temp();
        Disk {
            writer: Writer::open(dir.path()).unwrap(),
            dir,
            segments: Vec::new(),
            tombstones: None,
        }
    }

    pub(super) fn packed(text: &str, maps: Maps) -> Disk {
        let mut disk = Disk::new();
        let (name, path) = disk.writer.fresh(SegmentKind::Records).unwrap();
        let written = pack(disk.dir.path(), &path, text, maps);
        disk.segments.push(SegmentRef::new(name, written));
        disk
    }

    pub(super) fn open(&self) -> RecordStore {
        let all = self.segments.iter().chain(&self.tombstones);
        let files = all.map(|segment| {
            let SegmentRef { name, length, root } = *segment;
            let path = name.path_in(self.writer.twin_dir());
            let (kind, expected) = (name.kind().file_kind(), Expected::File { length, root });
            Arc::new(Container::open(&path, kind, expected, &OpenOptions::default()).unwrap())
        });
        let store = RecordStore::open(files.collect()).unwrap();
        store.check_records(&|| {}).unwrap();
        for segment in store.segments() {
            segment.check_structure().unwrap();
        }
        store
    }

    /// Takes what was written and opens the store again.
    fn take(&mut self, appended: Appended, store: &RecordStore) -> RecordStore {
        for n in appended.dropped.into_iter().rev() {
            self.segments.remove(n);
        }
        self.segments.extend(appended.segment);
        self.tombstones = appended.tombstones;
        let reopened = match self.segments.is_empty() {
            true => RecordStore::empty(),
            false => self.open(),
        };
        reopened.remember(store);
        reopened
    }

    pub(super) fn append(&mut self, store: RecordStore) -> RecordStore {
        let appended = append_records(&self.writer, &store, compression());
        self.take(appended.unwrap().unwrap(), &store)
    }

    pub(super) fn compact(&mut self, store: RecordStore, from: usize) -> RecordStore {
        let compacted = compact_records(&self.writer, &store, from, compression());
        self.take(compacted.unwrap().unwrap(), &store)
    }
}

fn compression() -> Compression {
    Compression {
        level: 1,
        block: Some(2 << 10),
    }
}

/// Packs a text as `pack` does.
fn pack(dir: &Path, path: &Path, text: &str, maps: Maps) -> Written {
    let json = dir.join("json");
    fs::write(&json, text).unwrap();
    let window = || Window::open(&json, 32 << 20).unwrap();
    let style = JsonStyle::detect(text.as_bytes(), text.as_bytes());
    let mut survey = Survey::new(dir, style, compression());
    let parsed = parse(&mut window(), maps, &mut survey, &|_| Ok(()));
    parsed.unwrap().unwrap();
    let surveyed = survey.finish(text.len() as u64).unwrap();
    let mut writer = RecordsWriter::create(path, dir, surveyed, compression(), true).unwrap();
    let members = parse(&mut window(), maps, &mut writer, &|_| Ok(()));
    writer.finish(members.unwrap().unwrap()).unwrap()
}
