//! The files of a store, in a twin of its own.

use std::sync::Arc;

use super::super::{append_rows, compact_rows, proof::open};
use crate::{
    convert::{
        append::{Appended, append_records, compact_records},
        records, vector_store,
    },
    json::{JsonStyle, Window},
    persist_dir::{SegmentKind, SegmentRef, Writer},
    segment::{Compression, VectorWriter},
    store::{RecordStore, RowStore, VectorForm, VectorStore},
    testing::temp,
};

pub(super) struct Files {
    writer: Writer,
    pub(super) segments: Vec<SegmentRef>,
    pub(super) tombstones: Option<SegmentRef>,
    _dir: tempfile::TempDir,
}

impl Files {
    pub(super) fn new() -> Files {
        let dir = temp();
        Files {
            writer: Writer::open(dir.path()).unwrap(),
            segments: Vec::new(),
            tombstones: None,
            _dir: dir,
        }
    }

    /// A store whose file has this text.
    pub(super) fn packed(text: &str) -> Files {
        let mut files = Files::new();
        let (name, path) = files.writer.fresh(SegmentKind::Vectors).unwrap();
        let style = JsonStyle::detect(text.as_bytes(), text.as_bytes());
        let mut writer = VectorWriter::create(&path, files.writer.twin_dir(), style).unwrap();
        let json = files.writer.persist_dir().join("text.json");
        std::fs::write(&json, text).unwrap();
        let source = std::fs::File::open(&json).unwrap();
        let mut window = Window::from_file(source, &json, 1 << 20).unwrap();
        let parsed = vector_store::parse(&mut window, &mut writer, &|_| Ok(())).unwrap();
        parsed.unwrap();
        let written = writer.finish().unwrap().unwrap();
        files.segments.push(SegmentRef::new(name, written));
        files
    }

    pub(super) fn open(&self) -> VectorStore {
        let refs = self.segments.iter().chain(&self.tombstones);
        let files = refs.map(|segment| Arc::new(open(self.writer.twin_dir(), segment).unwrap()));
        let first = self.segments.first().map(|segment| segment.name.kind());
        match first {
            Some(SegmentKind::Records) => {
                VectorStore::records(RecordStore::open(files.collect()).unwrap())
            }
            _ => VectorStore::rows(RowStore::open(files.collect()).unwrap()),
        }
    }

    pub(super) fn append(&mut self, store: &VectorStore) {
        let appended = match store.form() {
            VectorForm::Rows(rows) => append_rows(&self.writer, rows),
            VectorForm::Records(records) => {
                append_records(&self.writer, records, Compression::default())
            }
        };
        self.take(appended.unwrap().unwrap());
    }

    /// Says whether it was compacted.
    pub(super) fn compact(&mut self, store: &VectorStore, from: usize) -> bool {
        let compacted = match store.form() {
            VectorForm::Rows(rows) => compact_rows(&self.writer, rows, from),
            VectorForm::Records(records) => {
                compact_records(&self.writer, records, from, Compression::default())
            }
        };
        let Some(compacted) = compacted.unwrap() else {
            return false;
        };
        if from == 0 {
            assert_eq!(compacted.tombstones, None);
        }
        self.take(compacted);
        true
    }

    fn take(&mut self, appended: Appended) {
        let mut n = 0;
        self.segments.retain(|_| {
            n += 1;
            !appended.dropped.contains(&(n - 1))
        });
        self.segments.extend(appended.segment);
        self.tombstones = appended.tombstones;
    }
}

pub(super) fn text(store: &VectorStore) -> String {
    let mut text = Vec::new();
    let mut sink = |piece: &[u8]| {
        text.extend_from_slice(piece);
        Ok(())
    };
    match store.form() {
        VectorForm::Rows(rows) => vector_store::print(rows, &mut sink).unwrap(),
        VectorForm::Records(store) => records::print(store, &mut sink).unwrap(),
    }
    String::from_utf8(text).unwrap()
}
