//! Where the stores of a history are persisted: in memory, as text; or in a directory,
//! commit by commit.

use std::{collections::BTreeMap, fs};

use twinstore::{
    StorageContext,
    bytes::Backend,
    convert::{CompactOptions, Silent, compact, json_of_records, json_of_vectors},
    storage_context::{JsonTwin, PersistOptions},
    store::{
        ChatStore, DocumentStore, GraphStore, IndexStore, PropertyGraphStore, RecordStore,
        VectorStore,
    },
};

use crate::{
    changes::Stores,
    common::{Files, Storage, VECTORS},
    histories::Persisted,
    vectors::open,
};

/// Stores that are printed, and read again from what was printed.
pub struct InMemory {
    stores: Six,
    texts: Files,
}

struct Six {
    docstore: DocumentStore,
    index_store: IndexStore,
    graph_store: GraphStore,
    property_graph_store: PropertyGraphStore,
    chat_store: ChatStore,
    vector_store: VectorStore,
}

impl Stores for Six {
    fn docstore(&mut self) -> &mut DocumentStore {
        &mut self.docstore
    }

    fn index_store(&mut self) -> &mut IndexStore {
        &mut self.index_store
    }

    fn graph_store(&mut self) -> &mut GraphStore {
        &mut self.graph_store
    }

    fn property_graph_store(&mut self) -> &mut PropertyGraphStore {
        &mut self.property_graph_store
    }

    fn chat_store(&mut self) -> &mut ChatStore {
        &mut self.chat_store
    }

    fn vector_store(&mut self) -> &mut VectorStore {
        &mut self.vector_store
    }
}

const DOCUMENTS: &str = "docstore.json";
const STRUCTS: &str = "index_store.json";
const TRIPLETS: &str = "graph_store.json";
const GRAPH: &str = "property_graph_store.json";
const CHAT: &str = "chat_store.json";

impl Persisted for InMemory {
    const BY_TEXT: bool = true;

    fn begin(files: Option<&Files>) -> InMemory {
        let stores = match files {
            Some(files) => opened(files),
            None => Six {
                docstore: DocumentStore::empty(),
                index_store: IndexStore::empty(),
                graph_store: GraphStore::empty(),
                property_graph_store: PropertyGraphStore::empty(),
                chat_store: ChatStore::empty(),
                vector_store: VectorStore::empty(),
            },
        };
        let texts = Files::new();
        InMemory { stores, texts }
    }

    fn stores(&mut self) -> &mut dyn Stores {
        &mut self.stores
    }

    fn persist(&mut self) -> Files {
        let stores = &self.stores;
        let files: BTreeMap<&str, &RecordStore> = BTreeMap::from([
            (DOCUMENTS, stores.docstore.records()),
            (STRUCTS, stores.index_store.records()),
            (TRIPLETS, stores.graph_store.records()),
            (GRAPH, stores.property_graph_store.records()),
            (CHAT, stores.chat_store.records().unwrap()),
        ]);
        let texts = files.into_iter().map(|(name, records)| {
            let text = json_of_records(records).unwrap();
            (name.to_owned(), text)
        });
        self.texts = texts.collect();
        let vectors = json_of_vectors(&stores.vector_store).unwrap();
        self.texts.insert(VECTORS.to_owned(), vectors);
        self.texts.clone()
    }

    fn reload(&mut self) {
        self.stores = opened(&self.texts);
    }
}

fn opened(files: &Files) -> Six {
    let storage = Storage::in_memory(files);
    storage.pack();
    Six {
        docstore: DocumentStore::new(storage.records(DOCUMENTS)),
        index_store: IndexStore::new(storage.records(STRUCTS)),
        graph_store: GraphStore::new(storage.records(TRIPLETS)),
        property_graph_store: PropertyGraphStore::new(storage.records(GRAPH)),
        chat_store: ChatStore::new(storage.records(CHAT)),
        vector_store: open(&storage, Backend::Map),
    }
}

/// A context, whose changes are appended; now and then its segments are merged.
pub struct Committed {
    storage: Storage,
    context: StorageContext,
    commits: usize,
}

impl Stores for StorageContext {
    fn docstore(&mut self) -> &mut DocumentStore {
        self.docstore_mut().unwrap()
    }

    fn index_store(&mut self) -> &mut IndexStore {
        self.index_store_mut().unwrap()
    }

    fn graph_store(&mut self) -> &mut GraphStore {
        self.graph_store_mut().unwrap()
    }

    fn property_graph_store(&mut self) -> &mut PropertyGraphStore {
        self.property_graph_store_mut().unwrap()
    }

    fn chat_store(&mut self) -> &mut ChatStore {
        self.chat_store_mut().unwrap()
    }

    fn vector_store(&mut self) -> &mut VectorStore {
        self.vector_store_mut("default").unwrap()
    }
}

impl Persisted for Committed {
    const BY_TEXT: bool = false;

    fn begin(files: Option<&Files>) -> Committed {
        let storage = Storage::in_memory(files.unwrap_or(&Files::new()));
        let context = match files {
            Some(_) => {
                storage.pack();
                StorageContext::from_persist_dir(storage.dir()).unwrap()
            }
            None => StorageContext::from_defaults(),
        };
        Committed {
            storage,
            context,
            commits: 0,
        }
    }

    fn stores(&mut self) -> &mut dyn Stores {
        &mut self.context
    }

    fn persist(&mut self) -> Files {
        self.commits += 1;
        let options = PersistOptions {
            json: JsonTwin::Always,
            allow_empty: true,
            rewrite_below: 0,
            ..PersistOptions::default()
        };
        let report = self
            .context
            .persist_with(self.storage.dir(), &options)
            .unwrap();
        let kept = report
            .warnings
            .iter()
            .find(|w| !w.contains("nearest style"));
        assert_eq!(kept, None);
        if self.commits.is_multiple_of(3) {
            compact(&self.storage.dir(), &CompactOptions::default(), &Silent).unwrap();
        }
        let names = [DOCUMENTS, STRUCTS, TRIPLETS, GRAPH, CHAT, VECTORS];
        let files = names.into_iter().filter_map(|name| {
            let text = fs::read(self.storage.path(name)).ok()?;
            Some((name.to_owned(), text))
        });
        files.collect()
    }

    fn reload(&mut self) {
        self.context = StorageContext::from_persist_dir(self.storage.dir()).unwrap();
    }
}
