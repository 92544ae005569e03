//! Stores of several files: two segments, and tombstones that speak of both.

use std::{fs, sync::OnceLock};

use twinstore::{
    StorageContext,
    container::{FileKind, OpenOptions},
    persist_dir::{Snapshot, StoreKind, TWIN},
    storage_context::{JsonTwin, PersistOptions},
    store::{AddOptions, NewDocument, NewVector, Node},
};

use super::{bases, choices::Choices, forge::Parts, reading::CHANGES, scratch::temp_dir};

/// The files of a vector store, tombstones last.
pub fn vectors() -> &'static [Parts] {
    &both()[0]
}

/// The files of a document store.
pub fn documents() -> &'static [Parts] {
    &both()[1]
}

/// What a query may ask of the vector store and find.
pub const DIM: usize = 4;
pub const IDS: [&str; 12] = [
    "a-0", "a-1", "a-2", "a-3", "b-0", "b-1", "b-2", "b-3", "c-0", "c-1", "c-2", "c-3",
];

fn both() -> &'static [Vec<Parts>; 2] {
    static FILES: OnceLock<[Vec<Parts>; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        let temp = temp_dir();
        let mut context = StorageContext::from_defaults();
        put(&mut context, &IDS[..10], "old");
        persist(&mut context, temp.path());
        put(&mut context, &IDS[9..], "new");
        let store = context.vector_store_mut("default").unwrap();
        let gone = store.delete_nodes(Some(&[IDS[1].into()]), None).unwrap();
        assert_eq!(gone, 1);
        let store = context.docstore_mut().unwrap();
        store.delete_document(IDS[1].as_bytes()).unwrap();
        persist(&mut context, temp.path());
        let twin = Snapshot::open(temp.path(), None, &OpenOptions::default()).unwrap();
        [StoreKind::VectorStore, StoreKind::DocumentStore].map(|kind| {
            let mut stores = twin.manifest().stores.iter().filter(|s| s.kind == kind);
            let segments = &stores.find(|s| s.segments.len() > 1).unwrap().segments;
            let parts = segments.iter().map(|segment| {
                let path = segment.name.path_in(&temp.path().join(TWIN));
                Parts::of(segment.name.kind().file_kind(), &fs::read(path).unwrap())
            });
            parts.collect()
        })
    })
}

fn put(context: &mut StorageContext, ids: &[&str], text: &str) {
    let document = |id: &&str| {
        let record = format!(
            r#"{{"__data__": {{"id_": "{id}", "embedding": null, "metadata": {{"file": "{}.txt"}}, "relationships": {{}}, "text": "{text}", "class_name": "TextNode"}}, "__type__": "1"}}"#,
            &id[..1]
        );
        let node = Node::from_json(record.into_bytes()).unwrap();
        let hash = text.repeat(8).into_bytes();
        NewDocument { node, hash }
    };
    let documents: Vec<_> = ids.iter().map(document).collect();
    let store = context.docstore_mut().unwrap();
    store
        .add_documents(&documents, AddOptions::default())
        .unwrap();
    let vector = |id: &&str| {
        let [letter, _, digit] = id.as_bytes() else {
            panic!("{id}");
        };
        let component =
            |n| f64::from(u32::from(*letter) * u32::from(n + 3) % 17) - f64::from(*digit) / 7.0;
        NewVector {
            id: id.as_bytes().to_vec(),
            embedding: (0..DIM as u8).map(component).collect(),
            ref_doc_id: Some(id[..1].into()),
            metadata: format!(
                r#"{{"file": "{}.txt", "page": {}, "tags": ["{text}"]}}"#,
                &id[..1],
                digit - b'0'
            )
            .into_bytes(),
        }
    };
    let vectors = ids.iter().map(vector).collect();
    let store = context.vector_store_mut("default").unwrap();
    store.add(vectors).unwrap();
}

fn persist(context: &mut StorageContext, dir: &std::path::Path) {
    let options = PersistOptions {
        json: JsonTwin::Never,
        rewrite_below: 0,
        ..PersistOptions::default()
    };
    context.persist_with(dir, &options).unwrap();
}

/// The files of `base` with the changes that `choices` say. Where `is_retargeted`, the
/// tombstones speak of the segments as they became.
pub fn changed(
    choices: &mut Choices<'_>,
    base: &[Parts],
    is_retargeted: bool,
) -> Vec<(FileKind, Vec<u8>)> {
    let mut files = base.to_vec();
    for _ in 0..CHANGES {
        if choices.is_empty() {
            break;
        }
        // The last is as likely as all others together.
        let at = choices.of(2 * files.len()).min(files.len() - 1);
        files[at].change(choices, bases::bases());
    }
    let mut whole = Vec::new();
    let mut roots = Vec::new();
    for parts in &mut files {
        for (old, new) in roots.iter().filter(|_| is_retargeted) {
            parts.retarget(old, new);
        }
        let (bytes, root) = parts.assemble();
        roots.push((parts.root, root));
        whole.push((parts.kind, bytes));
    }
    whole
}
