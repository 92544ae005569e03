//! Nobody should cut a file of a twin, and somebody will: a disk that is full, a copy of
//! an older day over it. A mapped file ends the process then, which is why there is
//! `--io read`. FORMAT 15 says that there it is an error: not a crash, and not the zeros
//! or the rest of a buffer that a short read leaves.
//!
//! What was read and checked before may still be answered from memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs::{self, File};

use common::{DOCUMENTS, Storage, VECTORS, uuid, vector_store, way};
use twinstore::{
    Error, StorageContext,
    bytes::Backend,
    container::{OpenOptions, Verify},
    convert::StoreView,
    search::VectorStoreQuery,
};

const WAYS: [OpenOptions; 2] = [
    way(Backend::Read, Verify::Lazy),
    way(Backend::Read, Verify::Eager),
];

/// Files are checked and read in blocks of so much.
const BLOCK: usize = 64 << 10;
const ROWS: usize = 12_000;
const RECORDS: usize = 1_500;
/// What is asked for, all over a file.
const ASKED: usize = 12;

/// A store whose one segment has several blocks.
struct Store {
    storage: Storage,
    name: &'static str,
    segment: String,
    /// Keys and what they stand for.
    asked: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Store {
    fn new(name: &'static str, text: &str, key: impl Fn(usize) -> String) -> Store {
        let storage = Storage::with([(name, text)]);
        storage.pack();
        storage.remove(name);
        let info = storage.info();
        let [segment] = info.stores[0].segments.as_slice() else {
            panic!("{info:?}");
        };
        let view = StoreView::open(&storage.dir(), name, None, &OpenOptions::default()).unwrap();
        let keys = (0..ASKED).map(|n| key(n).into_bytes());
        let asked = keys.map(|key| {
            let value = view.get(None, &key).unwrap().value;
            (key, value)
        });
        Store {
            asked: asked.collect(),
            segment: segment.clone(),
            name,
            storage,
        }
    }

    fn vectors() -> Store {
        let key = |n| format!("row-{}", n * (ROWS - 1) / (ASKED - 1));
        Store::new(VECTORS, &vector_store("row", ROWS), key)
    }

    fn documents() -> Store {
        let record = |n: usize| {
            // which no compression makes small
            let text: String = (0..12).map(|k| uuid((n * 12 + k) as u64)).collect();
            format!("\"n-{n}\": {{\"__data__\": {{\"text\": \"{text}\"}}, \"__type__\": \"1\"}}")
        };
        let records: Vec<_> = (0..RECORDS).map(record).collect();
        let text = format!("{{\"docstore/data\": {{{}}}}}", records.join(", "));
        let key = |n| format!("n-{}", n * (RECORDS - 1) / (ASKED - 1));
        Store::new(DOCUMENTS, &text, key)
    }

    fn open(&self, way: &OpenOptions) -> StoreView {
        StoreView::open(&self.storage.dir(), self.name, None, way).unwrap()
    }

    /// Whether the answer is there. If it is, it is the right one.
    fn ask(&self, view: &StoreView, number: usize, what: &str) -> bool {
        let (key, value) = &self.asked[number];
        match view.get(None, key) {
            Ok(found) => {
                assert!(found.value == *value, "{what}: wrong data");
                true
            }
            Err(e) => {
                self.is_named(&e, what);
                false
            }
        }
    }

    fn is_named(&self, error: &Error, what: &str) {
        let is_ours = error.is_damage() || matches!(error, Error::Io { .. });
        assert!(is_ours, "{what}: {error}");
        assert!(error.to_string().contains(&self.segment), "{what}: {error}");
    }

    /// In place, as `truncate` does: the file that is open is the one that is cut.
    fn while_cut(&self, length: usize, then: impl FnOnce()) {
        let path = self.storage.twin().join(&self.segment);
        let good = fs::read(&path).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(length as u64).unwrap();
        then();
        fs::write(&path, good).unwrap();
    }

    /// Nothing, a few bytes, ends of blocks and beside them, all but a few bytes.
    fn lengths(&self) -> Vec<usize> {
        let path = self.storage.twin().join(&self.segment);
        let len = fs::metadata(path).unwrap().len() as usize;
        assert!(len > 3 * BLOCK, "{}: {len}", self.segment);
        let ends = (BLOCK..len).step_by(BLOCK);
        let mut lengths = vec![0, 1, 64, len - 64, len - 1];
        lengths.extend(ends.flat_map(|end| [end - 1, end, end + 1, end + BLOCK / 2]));
        lengths.retain(|&length| length < len);
        lengths
    }
}

#[test]
fn what_is_read_after_the_cut_is_right_or_an_error() {
    for store in [Store::vectors(), Store::documents()] {
        for way in WAYS {
            let (mut right, mut errors) = (0, 0);
            for length in store.lengths() {
                for before in [0, 1, ASKED / 2] {
                    let what = format!("{} cut to {length} after {before}", store.segment);
                    let view = store.open(&way);
                    let early = (0..before).all(|n| store.ask(&view, n, &what));
                    assert!(early, "{what}");
                    store.while_cut(length, || {
                        for number in (0..ASKED).rev() {
                            match store.ask(&view, number, &what) {
                                true => right += 1,
                                false => errors += 1,
                            }
                        }
                    });
                    // An error is not remembered when the file is there again.
                    assert!((0..ASKED).all(|n| store.ask(&view, n, &what)), "{what}");
                }
            }
            assert!(right > 0, "{way:?}");
            assert!(errors > 0, "{way:?}");
        }
    }
}

/// A search reads all there is: nothing that is gone may count as far away.
#[test]
fn a_search_after_the_cut_is_right_or_an_error() {
    let store = Store::vectors();
    let vector = [(ROWS / 2) as f64, 0.1];
    let query = VectorStoreQuery::new(&vector).top_k(5);
    let open = |way: &OpenOptions| StorageContext::open_twin(store.storage.dir(), way).unwrap();
    let ids = |context: &StorageContext| {
        let hits = context.vector_store("default")?.query(&query)?;
        Ok::<_, Error>(hits.into_iter().map(|hit| hit.id).collect::<Vec<_>>())
    };
    let expected = ids(&open(&WAYS[0])).unwrap();
    assert_eq!(expected.len(), 5);
    for way in WAYS {
        let mut errors = 0;
        for length in store.lengths() {
            let what = format!("cut to {length}");
            let context = open(&way);
            // which opens the file
            context.vector_store("default").unwrap();
            store.while_cut(length, || match ids(&context) {
                Ok(found) => assert_eq!(found, expected, "{what}"),
                Err(e) => {
                    store.is_named(&e, &what);
                    errors += 1;
                }
            });
            assert_eq!(ids(&context).unwrap(), expected, "{what}");
        }
        assert!(errors > 0, "{way:?}");
    }
}
