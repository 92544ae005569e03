//! `StorageContext.from_defaults(persist_dir=…)` is where a LlamaIndex program
//! begins. It must say which of two twins it shows, never show a stale one as if
//! it were new, and never fail for a store that nobody asked for.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{
    fs::{self, File},
    time::{Duration, SystemTime},
};

use common::{
    CHAT, DOCUMENTS, Storage, VECTORS, data_dir, document_store, files_of, options, persist_dirs,
    shared, vector_store, wrapped_in_a_string,
};
use twinstore::{
    Error, Notice, StorageContext,
    bytes::Backend,
    convert::{PackOptions, store_kind},
    error::{LoadError, NotFound, SyncProblem},
    load_graph_from_storage, load_index_from_storage, load_indices_from_storage,
    persist_dir::{JsonDamage, StoreKind},
    search::VectorStoreQuery,
};

const INDICES: &str = "index_store.json";

fn index_store(ids: &[&str]) -> String {
    let structs = ids.iter().map(|id| {
        format!(
            r#""{id}": {{"__type__": "vector_store", "__data__": "{{\"index_id\": \"{id}\", \"summary\": null, \"nodes_dict\": {{\"a-0\": \"a-0\"}}, \"doc_id_dict\": {{}}, \"embeddings_dict\": {{}}}}"}}"#
        )
    });
    let structs: Vec<_> = structs.collect();
    format!(r#"{{"index_store/data": {{{}}}}}"#, structs.join(", "))
}

/// A packed directory with one vector store, one docstore and one index.
fn packed() -> Storage {
    let storage = Storage::with([
        (VECTORS, &vector_store("a", 4)),
        (DOCUMENTS, &document_store("a text")),
        (INDICES, &index_store(&["one"])),
    ]);
    storage.pack();
    storage
}

fn problem(storage: &Storage) -> (String, SyncProblem) {
    match StorageContext::from_persist_dir(storage.dir()) {
        Err(Error::OutOfSync { path, problem }) => {
            let file = path.file_name().unwrap().to_str().unwrap();
            (file.to_owned(), problem)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_store_that_llamaindex_could_load_opens() {
    let mut roots = vec![data_dir()];
    roots.extend(
        ["examples", "corpus", "edge"]
            .into_iter()
            .filter_map(shared),
    );
    for dir in roots.iter().flat_map(|root| persist_dirs(root)) {
        let storage = Storage::of(&files_of(&dir));
        match storage.try_pack(PackOptions::default()) {
            Ok(_) => {}
            // There is no store in it.
            Err(Error::NothingToPack { .. }) => continue,
            Err(e) => panic!("{}: {e}", dir.display()),
        }
        let info = storage.info();
        for backend in [Backend::Map, Backend::Read] {
            let context = StorageContext::open(storage.dir(), &options(backend)).unwrap();
            assert_eq!(context.generation(), Some(1));
            let opened = |kind| match kind {
                StoreKind::DocumentStore => context.docstore().map(drop),
                StoreKind::IndexStore => context.index_store().map(drop),
                StoreKind::GraphStore => context.graph_store().map(drop),
                StoreKind::PropertyGraphStore => context.property_graph_store().map(drop),
                StoreKind::ChatStore => context.chat_store().map(drop),
                _ => Ok(()),
            };
            for store in &info.stores {
                let Err(e) = opened(store_kind(&store.file).unwrap()) else {
                    continue;
                };
                // Kept as it is and nothing else: no JSON, or no object.
                assert!(
                    matches!(
                        &e,
                        Error::NotFound(NotFound::Structure { .. }) | Error::Store(_)
                    ),
                    "{}: {}: {e}",
                    dir.display(),
                    store.file
                );
                assert!(store.file_form, "{}", store.file);
            }
            for namespace in context
                .vector_stores()
                .map(str::to_owned)
                .collect::<Vec<_>>()
            {
                match context.vector_store(&namespace) {
                    Ok(_) => {}
                    Err(Error::NotFound(NotFound::Structure { store })) => {
                        let kept = info.stores.iter().find(|s| s.file == store);
                        assert!(kept.unwrap().file_form, "{}: {store}", dir.display());
                    }
                    Err(e) => panic!("{}: {namespace}: {e}", dir.display()),
                }
            }
        }
    }
}

#[test]
fn without_a_directory_all_stores_are_empty() {
    let context = StorageContext::from_defaults();
    assert_eq!(context.persist_dir(), None);
    let names: Vec<_> = context.vector_stores().collect();
    assert_eq!(names, ["default", "image"]);
    for name in names {
        let query = VectorStoreQuery::new(&[1.0]);
        assert_eq!(
            context.vector_store(name).unwrap().query(&query).unwrap(),
            []
        );
    }
    assert!(context.docstore().unwrap().get(b"a").unwrap().is_none());
    assert!(
        context
            .index_store()
            .unwrap()
            .index_structs()
            .unwrap()
            .is_empty()
    );
    assert!(context.property_graph_store().unwrap().is_none());
    let error = load_index_from_storage(&context, None).unwrap_err();
    assert!(matches!(error, Error::Load(LoadError::NoIndex)), "{error}");
}

#[test]
fn a_directory_that_was_not_packed_says_how_to() {
    let storage = Storage::with([(DOCUMENTS, "{}")]);
    let error = StorageContext::from_persist_dir(storage.dir()).unwrap_err();
    assert!(matches!(error, Error::NoTwin { .. }));
    assert!(error.to_string().contains("twinstore pack"), "{error}");
}

#[test]
fn newer_json_is_never_passed_over() {
    let storage = packed();
    storage.write(DOCUMENTS, document_store("a newer text"));
    assert_eq!(
        problem(&storage),
        (DOCUMENTS.into(), SyncProblem::JsonNewer)
    );
    // What was asked for by its number is what is shown.
    let old = StorageContext::open_generation(storage.dir(), 1, &options(Backend::Map)).unwrap();
    let node = old.docstore().unwrap().get(b"n").unwrap().unwrap();
    assert_eq!(*node.text(), *b"a text");
    storage.pack();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert_eq!(context.generation(), Some(2));
    // A store that was not there when the twin was made.
    storage.write("image__vector_store.json", vector_store("b", 2));
    let file = "image__vector_store.json".to_owned();
    assert_eq!(problem(&storage), (file, SyncProblem::NotPacked));
}

#[test]
fn a_copied_directory_opens_with_a_notice() {
    let storage = packed();
    let file = File::options()
        .write(true)
        .open(storage.dir().join(VECTORS))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(1000))
        .unwrap();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let file = VECTORS.to_owned();
    assert_eq!(context.notices(), [Notice::Touched { file }]);
}

#[test]
fn the_twin_stands_in_for_json_that_is_gone_or_cut() {
    let storage = packed();
    fs::remove_file(storage.dir().join(VECTORS)).unwrap();
    storage.write(DOCUMENTS, "");
    storage.write(INDICES, &index_store(&["one"])[..60]);
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let damaged = |file: &str, why| Notice::JsonDamaged {
        file: file.into(),
        why,
    };
    assert_eq!(
        context.notices(),
        [
            damaged(DOCUMENTS, JsonDamage::Empty),
            damaged(INDICES, JsonDamage::Cut)
        ]
    );
    assert!(context.notices()[0].to_string().contains("unpack"));
    assert_eq!(context.vector_store("default").unwrap().len().unwrap(), 4);
    assert!(context.docstore().unwrap().get(b"n").unwrap().is_some());
    assert_eq!(load_indices_from_storage(&context, None).unwrap().len(), 1);
}

#[test]
fn damage_in_a_store_is_no_matter_to_the_others() {
    let storage = packed();
    let info = storage.info();
    let store = info.stores.iter().find(|s| s.file == VECTORS).unwrap();
    let path = storage.twin().join(&store.segments[0]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[64] ^= 1;
    fs::write(path, bytes).unwrap();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert!(context.docstore().unwrap().get(b"n").unwrap().is_some());
    let query = VectorStoreQuery::new(&[1.0, 2.0]);
    let vectors = context
        .vector_store("default")
        .and_then(|store| store.query(&query));
    assert!(vectors.unwrap_err().is_damage());
}

#[test]
fn a_store_that_is_missing_is_named() {
    let storage = Storage::with([(VECTORS, &vector_store("a", 4))]);
    storage.pack();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    for error in [
        context.docstore().unwrap_err(),
        context.index_store().unwrap_err(),
        context.vector_store("image").unwrap_err(),
    ] {
        assert!(matches!(error, Error::NoStore { .. }), "{error}");
    }
    // LlamaIndex begins anew with these.
    assert_eq!(context.graph_store().unwrap().get(b"a").unwrap().len(), 0);
    assert!(context.property_graph_store().unwrap().is_none());
    assert_eq!(context.chat_store().unwrap().get_keys().unwrap().count(), 0);
}

/// Before there were namespaces the file was `vector_store.json`, which LlamaIndex
/// does not find any more.
#[test]
fn a_vector_store_of_the_old_name_is_the_default() {
    let storage = Storage::with([("vector_store.json", &vector_store("old", 3))]);
    storage.pack();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert_eq!(context.vector_stores().collect::<Vec<_>>(), ["default"]);
    assert_eq!(context.vector_store("default").unwrap().len().unwrap(), 3);
    storage.write(VECTORS, vector_store("new", 4));
    storage.pack();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert_eq!(context.vector_store("default").unwrap().len().unwrap(), 4);
    let old = context.vector_store("legacy:vector_store.json").unwrap();
    assert_eq!(old.len().unwrap(), 3);
}

/// LlamaIndex.TS calls its file otherwise. Where both are there, Python's is meant.
#[test]
fn a_docstore_of_another_name_is_opened_where_there_is_no_other() {
    let storage = Storage::with([("doc_store.json", &document_store("TypeScript"))]);
    let text = |storage: &Storage| {
        storage.pack();
        let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
        let node = context.docstore().unwrap().get(b"n").unwrap().unwrap();
        String::from_utf8(node.text().into_owned()).unwrap()
    };
    assert_eq!(text(&storage), "TypeScript");
    storage.write(DOCUMENTS, document_store("Python"));
    assert_eq!(text(&storage), "Python");
}

/// As chats were written until 0.11.
#[test]
fn a_chat_store_wrapped_in_a_string_opens() {
    let store = r#"{"store": {"user": [{"role": "user", "content": "hello"}]}}"#;
    let storage = Storage::with([(CHAT, &wrapped_in_a_string(store))]);
    storage.pack();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    assert_eq!(
        context
            .chat_store()
            .unwrap()
            .get_messages(b"user")
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn indices_are_loaded_by_their_ids() {
    let storage = packed();
    storage.write(INDICES, index_store(&["one", "two"]));
    storage.pack();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let ids = |ids: Option<&[&str]>| {
        let indices = load_indices_from_storage(&context, ids).unwrap();
        let ids = indices.iter().map(|index| index.index_id().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(None), ["one", "two"]);
    assert_eq!(ids(Some(&["two", "one"])), ["two", "one"]);
    assert_eq!(ids(Some(&[])), [""; 0]);
    assert_eq!(
        load_index_from_storage(&context, Some("two"))
            .unwrap()
            .index_id(),
        "two"
    );
    for (error, text) in [
        (
            load_index_from_storage(&context, None).unwrap_err(),
            "Expected to load a single index, but got 2 instead. Please specify index_id.",
        ),
        (
            load_index_from_storage(&context, Some("zzz")).unwrap_err(),
            "Failed to load index with ID zzz",
        ),
        (
            load_graph_from_storage(&context, "zzz")
                .unwrap()
                .root_index()
                .unwrap_err(),
            "'zzz'",
        ),
    ] {
        assert!(matches!(error, Error::Load(_)), "{error}");
        assert_eq!(error.to_string(), text);
    }
    let graph = load_graph_from_storage(&context, "one").unwrap();
    assert_eq!(graph.root_index().unwrap().index_id(), "one");
}

/// The files are out of step: a crash came between them.
#[test]
fn a_retriever_says_what_is_out_of_step() {
    let storage = packed();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let vector = context
        .vector_store("default")
        .unwrap()
        .get(b"a-0")
        .unwrap()
        .unwrap();
    let index = load_index_from_storage(&context, None).unwrap();
    let error = index.retrieve(&VectorStoreQuery::new(&vector)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "'Node ID a-0 not found in fetched nodes. '"
    );
    let query = VectorStoreQuery::new(&vector).node_ids(["a-1"]);
    assert_eq!(index.retrieve(&query).unwrap_err().to_string(), "'a-1'");
}

/// Several indices may keep their vectors in one store.
#[test]
fn an_index_retrieves_its_own_nodes_only() {
    let nodes = (0..4).map(|n| {
        format!(r#""a-{n}": {{"__data__": {{"id_": "a-{n}", "text": "{n}", "class_name": "TextNode"}}, "__type__": "1"}}"#)
    });
    let nodes = nodes.collect::<Vec<_>>().join(", ");
    let own = |ids: &[usize]| {
        let pairs = ids.iter().map(|n| format!(r#"\"a-{n}\": \"a-{n}\""#));
        pairs.collect::<Vec<_>>().join(", ")
    };
    let of = |id: &str, kind: &str, ids: &[usize]| {
        let dict = own(ids);
        format!(
            r#""{id}": {{"__type__": "{kind}", "__data__": "{{\"index_id\": \"{id}\", \"summary\": null, \"nodes_dict\": {{{dict}}}, \"doc_id_dict\": {{}}, \"embeddings_dict\": {{}}}}"}}"#
        )
    };
    let structs = [
        of("all", "vector_store", &[0, 1, 2, 3]),
        of("some", "vector_store", &[1, 3]),
        of("none", "vector_store", &[]),
        of("images", "multimodal", &[0]),
    ];
    let storage = Storage::with([
        (VECTORS, &vector_store("a", 4)),
        (DOCUMENTS, &format!(r#"{{"docstore/data": {{{nodes}}}}}"#)),
        (
            INDICES,
            &format!(r#"{{"index_store/data": {{{}}}}}"#, structs.join(", ")),
        ),
    ]);
    storage.pack();
    let context = StorageContext::from_persist_dir(storage.dir()).unwrap();
    let query = VectorStoreQuery::new(&[1.0, 0.0]).top_k(10);
    let retrieved = |id, query: &VectorStoreQuery| {
        let index = load_index_from_storage(&context, Some(id)).unwrap();
        let mut twice = [(); 2].map(|()| {
            let nodes = index.retrieve(query).unwrap();
            let mut ids: Vec<_> = nodes.iter().map(|n| n.node.id().into_owned()).collect();
            ids.sort();
            ids
        });
        assert_eq!(twice[0], twice[1]);
        std::mem::take(&mut twice[0])
    };
    assert_eq!(retrieved("all", &query), [b"a-0", b"a-1", b"a-2", b"a-3"]);
    assert_eq!(retrieved("some", &query), [b"a-1", b"a-3"]);
    assert_eq!(retrieved("none", &query), [b""; 0]);
    assert_eq!(
        retrieved("some", &query.clone().node_ids(["a-3"])),
        [b"a-3"]
    );
    let images = load_index_from_storage(&context, Some("images")).unwrap();
    let error = images.retrieve(&query).unwrap_err();
    assert!(
        matches!(error, Error::Load(LoadError::TwoEmbeddings)),
        "{error}"
    );
}
