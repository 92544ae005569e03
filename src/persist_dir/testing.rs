//! Small parts for the tests of this layer.

use std::path::Path;

use super::{
    commit::Writer,
    fingerprint::Fingerprint,
    manifest::{Manifest, Packed, SegmentRef, Store, StoreKind},
    names::SegmentKind,
    state::JsonDamage,
};
use crate::container::ContainerWriter;

/// A store without segments.
pub(super) fn store(file: &str, changed: u64) -> Store {
    Store {
        file: file.to_owned(),
        kind: StoreKind::DocumentStore,
        changed,
        packed: None,
        segments: Vec::new(),
        verbatim: None,
    }
}

pub(super) fn packed(text: &[u8], generation: u64) -> Packed {
    Packed {
        generation,
        text: Fingerprint::of_bytes(text),
        is_json: JsonDamage::of_bytes(text).is_none(),
    }
}

/// Writes a segment file that holds `content`.
pub(super) fn segment(writer: &Writer, kind: SegmentKind, content: &str) -> SegmentRef {
    let (name, path) = writer.fresh(kind).unwrap();
    let mut file = ContainerWriter::create(&path, kind.file_kind()).unwrap();
    file.metadata(&content.to_owned()).unwrap();
    SegmentRef::new(name, file.finish().unwrap())
}

/// Publishes `stores` on top of whatever there is.
pub(super) fn publish(persist_dir: &Path, stores: Vec<Store>) -> Manifest {
    let mut writer = Writer::open(persist_dir).unwrap();
    let parent = writer.highest();
    writer.publish(parent, stores).unwrap()
}

/// The names in a directory, sorted.
pub(super) fn names_in(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let name =
        |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}
