//! A storage context that several threads of Python share.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyList, PyString},
};
use twinstore::{
    Error, Result, StorageContext,
    bytes::Backend,
    container::{OpenOptions, Verify},
    persist_dir::Store,
    storage_context::{JsonTwin, PersistOptions},
    store::{CollectionPath, RecordStore},
};

use crate::{
    chat,
    collection::{Collection, store_of, word_of},
    errors::{exception, exception_of_copy},
    fork,
    structs::Structs,
    text::{bytes_of, text_of},
    vectors::Vectors,
};

/// A context and the lock it is under.
///
/// Whoever waits for the lock must not hold the GIL: whoever has the lock may be
/// waiting for the GIL (to ask a filter that is written in Python).
#[derive(Clone)]
pub(crate) struct Shared {
    lock: Arc<RwLock<StorageContext>>,
    /// Where the twin lies that this is a copy of.
    origin: Option<Arc<str>>,
}

impl Shared {
    fn new(context: StorageContext, origin: Option<String>) -> Shared {
        Shared {
            lock: Arc::new(RwLock::new(context)),
            origin: origin.map(Arc::from),
        }
    }

    /// The exception for an error of this context.
    pub(crate) fn exception(&self, error: Error) -> PyErr {
        match &self.origin {
            Some(origin) => exception_of_copy(error, origin),
            None => exception(error),
        }
    }

    /// Reads what is read in microseconds: the GIL is held, unless somebody is
    /// writing.
    ///
    /// # Errors
    /// Those of `read`, as exceptions.
    pub(crate) fn glance<T: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&StorageContext) -> Result<T> + Send,
    ) -> PyResult<T> {
        match self.lock.try_read() {
            Ok(context) => read(&context).map_err(|error| self.exception(error)),
            Err(_) => self.read(py, read),
        }
    }

    /// Reads without the GIL.
    ///
    /// # Errors
    /// Those of `read`, as exceptions.
    pub(crate) fn read<T: Send>(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&StorageContext) -> Result<T> + Send,
    ) -> PyResult<T> {
        let done = fork::without_gil(py, || read(&self.for_reading()));
        done.map_err(|error| self.exception(error))
    }

    /// Changes without the GIL.
    ///
    /// # Errors
    /// Those of `change`, as exceptions.
    pub(crate) fn change<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut StorageContext) -> Result<T> + Send,
    ) -> PyResult<T> {
        let done = fork::without_gil(py, || change(&mut self.for_writing()));
        done.map_err(|error| self.exception(error))
    }

    // A panic under the lock is a bug of ours. A store is changed whole or not at
    // all, so that what is there after it is what was there before.
    fn for_reading(&self) -> RwLockReadGuard<'_, StorageContext> {
        self.lock.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn for_writing(&self) -> RwLockWriteGuard<'_, StorageContext> {
        self.lock.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stores of a persist directory.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct Context {
    shared: Shared,
}

impl Context {
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

#[pymethods]
impl Context {
    /// A context of no directory, with an empty vector store for each namespace.
    #[staticmethod]
    #[pyo3(signature = (namespaces = None))]
    fn empty(namespaces: Option<Vec<String>>) -> PyResult<Context> {
        let context = match namespaces {
            None => StorageContext::from_defaults(),
            Some(namespaces) => {
                let mut context = StorageContext::default();
                for namespace in namespaces {
                    context.add_vector_store(&namespace).map_err(exception)?;
                }
                context
            }
        };
        Ok(Context {
            shared: Shared::new(context, None),
        })
    }

    #[staticmethod]
    #[pyo3(signature = (
        dir, *, io = "map", verify = "lazy", generation = None, compare = true, only = None,
        origin = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn open(
        py: Python<'_>,
        dir: PathBuf,
        io: &str,
        verify: &str,
        generation: Option<u64>,
        compare: bool,
        only: Option<String>,
        origin: Option<String>,
    ) -> PyResult<Context> {
        let options = OpenOptions {
            backend: backend(io)?,
            verify: one_of(
                "verify",
                verify,
                &[
                    ("lazy", Verify::Lazy),
                    ("eager", Verify::Eager),
                    ("never", Verify::Never),
                ],
            )?,
        };
        let opened = py.detach(|| match (generation, only) {
            (Some(generation), _) => StorageContext::open_generation(dir, generation, &options),
            (None, Some(file)) => StorageContext::open_for(dir, &file, &options),
            (None, None) if compare => StorageContext::open(dir, &options),
            (None, None) => StorageContext::open_twin(dir, &options),
        });
        Ok(Context {
            shared: Shared::new(opened.map_err(exception)?, origin),
        })
    }

    #[getter]
    fn persist_dir(&self, py: Python<'_>) -> PyResult<Option<PathBuf>> {
        self.shared
            .glance(py, |context| Ok(context.persist_dir().map(PathBuf::from)))
    }

    #[getter]
    fn generation(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        self.shared.glance(py, |context| Ok(context.generation()))
    }

    #[getter]
    fn notices(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.shared.glance(py, |context| {
            Ok(context.notices().iter().map(ToString::to_string).collect())
        })
    }

    /// The stores of the twin: the name of the JSON file of each, what it is, and
    /// whether it can be read other than as that file's text.
    fn stores(&self, py: Python<'_>) -> PyResult<Vec<(String, &'static str, bool)>> {
        self.shared.glance(py, |context| {
            let stores = context.manifest().map_or(&[][..], |m| &m.stores);
            let store = |store: &Store| {
                let word = word_of(store.kind);
                (store.file.clone(), word, !store.segments.is_empty())
            };
            Ok(stores.iter().map(store).collect())
        })
    }

    /// Shows the newest generation. Says whether it is another one.
    fn reload(&self, py: Python<'_>) -> PyResult<bool> {
        self.shared.change(py, StorageContext::reload)
    }

    /// The namespaces of the vector stores, in the order of the twin.
    fn vector_stores(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.shared.glance(py, |context| {
            Ok(context.vector_stores().map(str::to_owned).collect())
        })
    }

    /// The vector store of a namespace; it must be there when it is used.
    fn vectors(&self, namespace: String) -> Vectors {
        Vectors::new(self.shared.clone(), namespace)
    }

    /// Adds an empty vector store, if there is none of that namespace.
    fn add_vector_store(&self, py: Python<'_>, namespace: &str) -> PyResult<()> {
        self.shared.change(py, |context| {
            context.add_vector_store(namespace).map(|_| ())
        })
    }

    /// Notes that a JSON file of the directory was just written by its store here.
    fn wrote_json(&self, py: Python<'_>, file: &str) -> PyResult<()> {
        self.shared.change(py, |context| context.wrote_json(file))
    }

    fn has_changes(&self, py: Python<'_>) -> PyResult<bool> {
        self.shared.read(py, StorageContext::has_changes)
    }

    #[pyo3(signature = (
        dir, *, json = "auto", rebase = false, allow_empty = false, elsewhere = Vec::new(), wait = 30.0
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn persist(
        &self,
        py: Python<'_>,
        dir: PathBuf,
        json: &str,
        rebase: bool,
        allow_empty: bool,
        elsewhere: Vec<String>,
        wait: f64,
    ) -> PyResult<Vec<String>> {
        let jsons = [
            ("auto", JsonTwin::Auto),
            ("always", JsonTwin::Always),
            ("never", JsonTwin::Never),
        ];
        let options = PersistOptions {
            json: one_of("json", json, &jsons)?,
            rebase,
            allow_empty,
            elsewhere,
            wait: Duration::try_from_secs_f64(wait)
                .map_err(|e| PyValueError::new_err(format!("wait: {e}")))?,
            ..PersistOptions::default()
        };
        self.shared.change(py, |context| {
            let report = context.persist_with(dir, &options)?;
            Ok(report.warnings)
        })
    }

    /// The names of the collections of a store, in the order of its file.
    fn collections<'py>(&self, py: Python<'py>, store: &str) -> PyResult<Bound<'py, PyList>> {
        let kind = store_of(store)?;
        let paths = self.shared.read(py, |context| {
            let records = context.records_of(kind)?;
            Ok(records.map_or_else(Vec::new, RecordStore::collections))
        })?;
        let names = PyList::empty(py);
        for path in paths {
            if let [name] = path.steps() {
                names.append(text_of(py, name)?)?;
            }
        }
        Ok(names)
    }

    /// A collection of a store; it need not be there.
    fn collection(&self, store: &str, name: &Bound<'_, PyString>) -> PyResult<Collection> {
        let path = CollectionPath::top(&bytes_of(name)?);
        Ok(Collection::new(self.shared.clone(), store_of(store)?, path))
    }

    /// Makes an empty property graph, where the directory has none.
    fn add_property_graph_store(&self, py: Python<'_>) -> PyResult<()> {
        self.shared.change(py, |context| {
            context.property_graph_store_mut()?;
            Ok(())
        })
    }

    /// The conversations of `chat_store.json`: keys, and the messages of each.
    fn conversations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        chat::conversations(py, &self.shared)
    }

    /// The structs of the index store.
    fn structs(&self) -> Structs {
        Structs::new(self.shared.clone())
    }

    /// Notes that a collection was asked for, which decides its place in the file.
    fn touch(&self, py: Python<'_>, store: &str, name: &Bound<'_, PyString>) -> PyResult<()> {
        let (kind, path) = (store_of(store)?, CollectionPath::top(&bytes_of(name)?));
        self.shared.glance(py, |context| {
            if let Some(records) = context.records_of(kind)? {
                records.touch(&path);
            }
            Ok(())
        })
    }
}

/// How files are read.
///
/// # Errors
/// `ValueError` naming the ways that there are.
pub(crate) fn backend(io: &str) -> PyResult<Backend> {
    one_of("io", io, &[("map", Backend::Map), ("read", Backend::Read)])
}

/// The value that a word stands for.
///
/// # Errors
/// `ValueError` naming the words that there are.
pub(crate) fn one_of<T: Copy>(what: &str, word: &str, words: &[(&str, T)]) -> PyResult<T> {
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let known = known.join(", ");
        PyValueError::new_err(format!("{what} is one of {known}, not {word:?}"))
    })
}

/// How many there are, as Python counts.
///
/// # Errors
/// [`Error::Limit`] for more than it can count.
pub(crate) fn length_of(what: &'static str, got: u64) -> Result<usize> {
    usize::try_from(got).map_err(|_| Error::Limit {
        what,
        got,
        limit: usize::MAX as u64,
    })
}
