//! The index store: what indices keep of their nodes.
//!
//! An [`IndexStruct`] is read with its own record; the maps in it, which may
//! have a million entries, are not: they are [`StructMap`]s, read entry by
//! entry (`map.rs`). The structs themselves, one for each class of LlamaIndex,
//! are in `structs.rs`; `data.rs` is what they have in common. `changes.rs` adds and
//! deletes structs, a [`StructMut`] (`edit.rs`, `edits.rs`) changes one in place, and a
//! [`StructMapMut`] (`edit_map.rs`) one map of it.

mod changes;
mod data;
mod edit;
mod edit_map;
mod edits;
mod map;
mod structs;

pub use data::{Field, StructData};
pub use edit::StructMut;
pub use edit_map::StructMapMut;
pub use edits::{
    IndexDictMut, IndexDocumentSummaryMut, IndexGraphMut, IndexListMut, KGMut, KeywordTableMut,
};
pub use map::{JsonText, MapValue, StructEntries, StructMap};
pub use structs::{
    EmptyIndexStruct, IndexDict, IndexDocumentSummary, IndexGraph, IndexLPG, IndexList,
    IndexStruct, IndexStructType, KG, KeywordTable, MultiModelIndexDict, PandasStructTable,
    SQLStructTable,
};

use super::{
    Keys,
    keyed::Keyed,
    records::{CollectionPath, Detail, RecordStore},
};
use crate::error::{Error, Result, StoreError};

/// The namespace that LlamaIndex gives an index store.
const NAMESPACE: &[u8] = b"index_store";

/// An index store: LlamaIndex's `SimpleIndexStore`
/// (`storage/index_store/keyval_index_store.py`).
///
/// ```
/// use twinstore::{
///     container::OpenOptions,
///     convert::{PackOptions, Silent, pack},
///     persist_dir::Snapshot,
///     store::{IndexStore, IndexStruct, RecordStore},
/// };
/// # let temp = tempfile::tempdir().unwrap();
/// # let dir = temp.path();
/// # std::fs::copy("examples/storage/index_store.json", dir.join("index_store.json")).unwrap();
/// # pack(dir, &PackOptions::default(), &Silent)?;
/// let twin = Snapshot::open(dir, None, &OpenOptions::default())?;
/// let segments = twin.store("index_store.json")?.segments()?;
/// let store = IndexStore::new(RecordStore::open(segments)?);
///
/// for index in store.index_structs()? {
///     if let IndexStruct::IndexDict(index) = index {
///         // Read entry by entry, however many there are.
///         let nodes = index.nodes_dict();
///         let first = nodes.keys()?.next().unwrap()?;
///         assert_eq!(nodes.get(&first)?, Some(first));
///     }
/// }
/// # assert!(store.index_structs()?.iter().any(|s| matches!(s, IndexStruct::IndexDict(_))));
/// # Ok::<(), twinstore::Error>(())
/// ```
#[derive(Debug)]
pub struct IndexStore {
    records: RecordStore,
    structs: CollectionPath,
}

impl IndexStore {
    /// The index store that these records are, under LlamaIndex's default
    /// namespace, `index_store`.
    #[must_use]
    pub fn new(records: RecordStore) -> IndexStore {
        IndexStore::named(records, NAMESPACE)
    }

    /// A new index store, without an index.
    #[must_use]
    pub fn empty() -> IndexStore {
        IndexStore::named(RecordStore::empty(), NAMESPACE)
    }

    /// The same records under another namespace: the collection
    /// `{namespace}/data`.
    #[must_use]
    pub fn with_namespace(self, namespace: &[u8]) -> IndexStore {
        IndexStore::named(self.records, namespace)
    }

    fn named(records: RecordStore, namespace: &[u8]) -> IndexStore {
        IndexStore {
            records,
            structs: CollectionPath::top(&[namespace, b"/data"].concat()),
        }
    }

    /// The records that it is, with their changes.
    #[must_use]
    pub fn records(&self) -> &RecordStore {
        &self.records
    }

    /// The records, to be changed one by one.
    pub fn records_mut(&mut self) -> &mut RecordStore {
        &mut self.records
    }

    /// The index struct of that id, `None` where there is none. Without an id,
    /// the only one that there is.
    ///
    /// # Errors
    /// [`StoreError::NotOneStruct`] without an id; as
    /// [`index_structs`](IndexStore::index_structs).
    pub fn get_index_struct(&self, id: Option<&[u8]>) -> Result<Option<IndexStruct<'_>>> {
        let Some(id) = id else {
            let mut structs = self.index_structs()?;
            let count = structs.len();
            return match structs.pop() {
                Some(only) if count == 1 => Ok(Some(only)),
                _ => Err(Error::Store(StoreError::NotOneStruct { count })),
            };
        };
        let record = self.structs().get(id, Detail::NoMaps)?;
        let found = record.map(|record| self.parse(id.to_vec(), &record));
        found.transpose()
    }

    /// All index structs, in order. What is in their maps is not read.
    ///
    /// # Errors
    /// [`StoreError::UnknownStructType`], [`StoreError::NoMember`],
    /// [`StoreError::Shape`], [`StoreError::NotJson`] for a record that is no
    /// index struct; [`Error::Damaged`], [`Error::Io`].
    pub fn index_structs(&self) -> Result<Vec<IndexStruct<'_>>> {
        let entries = self.structs().entries(Detail::NoMaps)?;
        let structs = entries.map(|entry| {
            let (id, record) = entry?;
            self.parse(id, &record)
        });
        structs.collect()
    }

    /// The ids of all index structs, in order.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn ids(&self) -> Result<Keys<'_>> {
        self.structs().keys()
    }

    /// Number of index structs.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn len(&self) -> Result<u64> {
        self.structs().len()
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// As [`len`](IndexStore::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    fn structs(&self) -> Keyed<'_> {
        Keyed::of(&self.records, &self.structs)
    }

    fn parse(&self, id: Vec<u8>, record: &[u8]) -> Result<IndexStruct<'_>> {
        let (kind, data) = StructData::parse(&self.records, &self.structs, id, record)?;
        Ok(IndexStruct::new(kind, data))
    }
}
