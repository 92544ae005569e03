//! Histories of a persist directory on a disk that fails: what was committed is
//! there, whatever fails later; a change is there whole, in all stores, or not at all.
//! A plain map says what is there.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use twinstore::{
    Error, Result, StorageContext,
    container::OpenOptions,
    convert::{
        CompactOptions, PackOptions, Silent, UnpackOptions, VerifyOptions, compact, gc, pack,
        rollback, unpack, verify,
    },
    disk::simulation::mount,
    error::SyncProblem,
    storage_context::{JsonTwin, PersistOptions},
    store::{AddOptions, NewDocument, NewVector, Node},
};

use super::{
    choices::Choices,
    failing_disk::{FailingDisk, Fault},
    scratch::temp_dir,
};

/// Versions of documents: each has a node and a vector.
type Documents = BTreeMap<String, u8>;

/// Steps of a history.
const STEPS: usize = 40;

/// Takes `data` as a history.
pub fn run(data: &[u8]) {
    let temp = temp_dir();
    let dir = temp.path().join("storage");
    let disk = Arc::new(FailingDisk::default());
    let _mounted = mount(&dir, disk.clone());
    let mut world = World {
        dir,
        disk,
        context: StorageContext::from_defaults(),
        documents: Documents::new(),
        committed: None,
        generations: BTreeMap::new(),
    };
    let mut choices = Choices::new(data);
    for _ in 0..STEPS {
        if choices.is_empty() {
            break;
        }
        world.step(&mut choices);
    }
    if world.committed.is_some() {
        world.reopen();
        let deep = VerifyOptions {
            deep: true,
            ..VerifyOptions::default()
        };
        let report = verify(&world.dir, &deep, &Silent).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    }
}

struct World {
    dir: PathBuf,
    disk: Arc<FailingDisk>,
    context: StorageContext,
    /// What the context holds.
    documents: Documents,
    /// What the directory holds: nothing before the first commit.
    committed: Option<Documents>,
    /// What each generation holds that was ever the newest.
    generations: BTreeMap<u64, Documents>,
}

impl World {
    fn step(&mut self, choices: &mut Choices<'_>) {
        let what = choices.of(16);
        match what {
            0..=3 => self.put(choices),
            4 | 5 => self.delete(choices),
            6..=9 => self.persist(choices),
            10 => self.reopen(),
            // What follows is done to a directory that has a twin.
            _ if self.committed.is_none() => {}
            11 => self.keeps_content(choices, |dir, _| {
                compact(dir, &CompactOptions::default(), &Silent).map(drop)
            }),
            12 => self.keeps_content(choices, |dir, choices| gc(dir, 1 + choices.of(3)).map(drop)),
            13 => self.keeps_content(choices, |dir, _| {
                unpack(dir, &UnpackOptions::default(), &Silent).map(drop)
            }),
            14 => self.pack(choices),
            _ => self.roll_back(choices),
        }
        assert_eq!(documents_of(&self.context), self.documents);
    }

    fn put(&mut self, choices: &mut Choices<'_>) {
        let ids: Vec<String> = (0..1 + choices.of(3)).map(|_| name(choices)).collect();
        let version = choices.byte();
        let nodes: Vec<_> = ids.iter().map(|id| node(id, version)).collect();
        let vectors = ids.iter().map(|id| vector(id, version)).collect();
        let docstore = self.context.docstore_mut().unwrap();
        docstore
            .add_documents(&nodes, AddOptions::default())
            .unwrap();
        let store = self.context.vector_store_mut("default").unwrap();
        store.add(vectors).unwrap();
        self.documents
            .extend(ids.into_iter().map(|id| (id, version)));
    }

    fn delete(&mut self, choices: &mut Choices<'_>) {
        let id = name(choices);
        let is_there = self.documents.remove(&id).is_some();
        let docstore = self.context.docstore_mut().unwrap();
        assert_eq!(docstore.discard_document(id.as_bytes()).unwrap(), is_there);
        let store = self.context.vector_store_mut("default").unwrap();
        let gone = store.delete_nodes(Some(&[id.into_bytes()]), None).unwrap();
        assert_eq!(gone, u64::from(is_there));
    }

    fn persist(&mut self, choices: &mut Choices<'_>) {
        let options = PersistOptions {
            json: choices.pick(&[JsonTwin::Never, JsonTwin::Always, JsonTwin::Auto]),
            allow_empty: true,
            // Else stores as small as these are written whole each time.
            rewrite_below: choices.pick(&[0, 0, u64::MAX]),
            ..PersistOptions::default()
        };
        self.fail_later(choices);
        let persisted = self.context.persist_with(&self.dir, &options);
        self.disk.set(None);
        match persisted {
            Ok(_) => self.is_committed(),
            Err(Error::Io { .. }) if choices.once_in(2) => self.persist_again(&options),
            Err(Error::Io { .. }) => self.settle(),
            Err(e) => panic!("{e}"),
        }
    }

    /// A context that could not persist tries again, on a sound disk.
    fn persist_again(&mut self, options: &PersistOptions) {
        match self.context.persist_with(&self.dir, options) {
            Ok(_) => self.is_committed(),
            // A sync failed; or the change was there already, and this is another.
            Err(Error::Poisoned { .. } | Error::Conflict { .. }) => self.settle(),
            Err(e) => panic!("{e}"),
        }
    }

    /// The directory holds what the context does.
    fn is_committed(&mut self) {
        let opened = StorageContext::from_persist_dir(&self.dir).unwrap();
        let found = self.remember(&opened);
        assert_eq!(found, self.documents);
        self.committed = Some(found);
    }

    /// It does, or it holds what it did: it tells which.
    fn settle(&mut self) {
        let found = self.newest();
        assert!(
            found == self.committed || found.as_ref() == Some(&self.documents),
            "{found:?} is neither {:?} nor {:?}",
            self.committed,
            self.documents
        );
        self.committed = found;
        self.reopen();
    }

    /// Opens the directory anew: changes that were not committed are gone.
    fn reopen(&mut self) {
        match &self.committed {
            Some(committed) => {
                self.documents = committed.clone();
                self.context = StorageContext::from_persist_dir(&self.dir).unwrap();
            }
            None => {
                self.documents = Documents::new();
                self.context = StorageContext::from_defaults();
            }
        }
    }

    /// Something that leaves what the directory holds as it is, on a disk that fails.
    fn keeps_content(
        &mut self,
        choices: &mut Choices<'_>,
        act: impl Fn(&Path, &mut Choices<'_>) -> Result<()>,
    ) {
        self.fail_later(choices);
        let done = act(&self.dir, choices);
        self.disk.set(None);
        is_of_disk(done);
        assert_eq!(self.newest(), self.committed);
        self.reopen();
    }

    fn pack(&mut self, choices: &mut Choices<'_>) {
        let disk = Arc::clone(&self.disk);
        self.keeps_content(choices, |dir, choices| {
            let options = PackOptions {
                drop_json: choices.once_in(2),
                ..PackOptions::default()
            };
            match pack(dir, &options, &Silent) {
                // A commit was done, and a step after it failed: the JSON is that of before.
                Err(Error::OutOfSync {
                    problem: SyncProblem::BinaryNewer,
                    ..
                }) if disk.has_failed() => Ok(()),
                packed => packed.map(drop),
            }
        });
    }

    fn roll_back(&mut self, choices: &mut Choices<'_>) {
        let all: Vec<u64> = self.generations.keys().copied().collect();
        let to = choices.pick(&all);
        self.fail_later(choices);
        let rolled = rollback(&self.dir, to, &OpenOptions::default());
        self.disk.set(None);
        let target = self.generations.get(&to).cloned();
        let found = self.newest();
        match rolled {
            Ok(_) => assert_eq!(found, target),
            // Garbage is collected after each commit.
            Err(Error::NoGeneration { .. }) => assert_eq!(found, self.committed),
            Err(Error::Io { .. }) => assert!(found == self.committed || found == target),
            Err(e) => panic!("{e}"),
        }
        self.committed = found;
        // Rolling back leaves the JSON files alone, which may be newer than that.
        unpack(&self.dir, &UnpackOptions::default(), &Silent).unwrap();
        self.reopen();
    }

    fn fail_later(&self, choices: &mut Choices<'_>) {
        let fault = choices.once_in(2).then(|| Fault::chosen(choices));
        self.disk.set(fault);
    }

    /// What the newest generation holds; it never held anything else.
    fn newest(&mut self) -> Option<Documents> {
        let context = match StorageContext::open_twin(&self.dir, &OpenOptions::default()) {
            Ok(context) => context,
            Err(Error::NoTwin { .. }) => return None,
            Err(e) => panic!("{e}"),
        };
        Some(self.remember(&context))
    }

    /// What a context of the newest generation holds.
    fn remember(&mut self, context: &StorageContext) -> Documents {
        let found = documents_of(context);
        let generation = context.generation().unwrap();
        let known = self.generations.entry(generation).or_insert(found.clone());
        assert_eq!(*known, found, "generation {generation} has changed");
        found
    }
}

/// A disk that fails is the only excuse.
fn is_of_disk(result: Result<()>) {
    match result {
        Ok(()) | Err(Error::Io { .. }) => {}
        Err(e) => panic!("{e}"),
    }
}

fn name(choices: &mut Choices<'_>) -> String {
    format!("document-{}", choices.of(12))
}

fn node(id: &str, version: u8) -> NewDocument {
    let record = format!(
        r#"{{"__data__": {{"id_": "{id}", "embedding": null, "metadata": {{}}, "relationships": {{}}, "text": "{version}", "class_name": "TextNode"}}, "__type__": "1"}}"#
    );
    NewDocument {
        node: Node::from_json(record.into_bytes()).unwrap(),
        hash: format!("{version:064x}").into_bytes(),
    }
}

fn vector(id: &str, version: u8) -> NewVector {
    NewVector {
        id: id.into(),
        embedding: vec![f64::from(version), 0.5],
        ref_doc_id: Some(id.into()),
        metadata: format!(r#"{{"version": {version}}}"#).into_bytes(),
    }
}

/// What a context holds: its stores must agree.
fn documents_of(context: &StorageContext) -> Documents {
    let docstore = context.docstore().unwrap();
    let nodes = docstore.ids().unwrap().map(|id| {
        let id = id.unwrap();
        let text = docstore.get_document(&id).unwrap().text().into_owned();
        let version = String::from_utf8(text).unwrap().parse().unwrap();
        (String::from_utf8(id).unwrap(), version)
    });
    let nodes: Documents = nodes.collect();
    let mut ids = Vec::new();
    let store = context.vector_store("default").unwrap();
    let each = store.each_id(&mut |id| {
        ids.push(id.to_vec());
        Ok(())
    });
    each.unwrap();
    let vectors = ids.into_iter().map(|id| {
        let vector = store.get(&id).unwrap().unwrap();
        (String::from_utf8(id).unwrap(), vector[0] as u8)
    });
    let vectors: Documents = vectors.collect();
    assert_eq!(nodes, vectors, "the stores are of two generations");
    nodes
}
