//! Which class stands for a variant of an error, and with which attributes.

use pyo3::{prelude::*, types::PyDict};
use twinstore::{
    Error,
    error::{LoadError, NotFound, PythonException, QueryError, StoreError, SyncProblem},
};

use super::{fields::Field, io_class};

/// What there is to say of an error beyond its text.
pub(super) struct Variant<'py, 'e> {
    /// The name of the class in `twinstore.errors`.
    pub(super) class: String,
    pub(super) attributes: Bound<'py, PyDict>,
    /// The error that led to it.
    pub(super) cause: Option<&'e Error>,
}

/// The name of a variant and its fields, of those in the table.
macro_rules! variant {
    ($py:expr, $error:expr, $type:ident { $($variant:ident { $($field:ident),* })* }) => {
        match $error {
            $($type::$variant { $($field,)* .. } => {
                let fields = PyDict::new($py);
                $(fields.set_item(stringify!($field), $field.to_python($py)?)?;)*
                Some((stringify!($variant), fields))
            })*
            _ => None,
        }
    };
}

type Fields<'py> = Option<(&'static str, Bound<'py, PyDict>)>;

pub(super) fn of_error<'py, 'e>(py: Python<'py>, error: &'e Error) -> PyResult<Variant<'py, 'e>> {
    let (class, attributes) = match error {
        Error::NotFound(why) => ("NotFound".to_owned(), with_reason(py, not_found(py, why)?)?),
        Error::Query(why) => (
            subclass("Query", why.exception()),
            with_reason(py, query(py, why)?)?,
        ),
        Error::Store(why) => (
            subclass("Store", why.exception()),
            with_reason(py, store(py, why)?)?,
        ),
        Error::Load(why) => (
            subclass("Load", why.exception()),
            with_reason(py, load(py, why)?)?,
        ),
        error => {
            let (class, fields) =
                plain(py, error)?.unwrap_or_else(|| ("TwinstoreError", PyDict::new(py)));
            (class.to_owned(), fields)
        }
    };
    let mut variant = Variant {
        class,
        attributes,
        cause: None,
    };
    // What a class of its own, or more than its fields, stands for.
    match error {
        Error::Io { source, .. } => variant.class = io_class(source.kind()).to_owned(),
        Error::Damaged { place, .. } => {
            variant.attributes.set_item("section", place.part)?;
            variant.attributes.set_item("offset", place.offset)?;
        }
        Error::DamagedManifest { source, .. } | Error::OnlyInTwin { source, .. } => {
            variant.cause = Some(source);
        }
        Error::OutOfSync { problem, .. } => {
            if let Some((class, fields)) = out_of_sync(py, problem)? {
                variant.class = class.to_owned();
                variant.attributes.update(fields.as_mapping())?;
            }
        }
        _ => {}
    }
    Ok(variant)
}

/// The class of `twinstore.errors` that is one of Python's, too.
fn subclass(family: &str, builtin: PythonException) -> String {
    format!("{family}{builtin}")
}

/// For a family of errors, the name of the variant is an attribute.
fn with_reason<'py>(py: Python<'py>, variant: Fields<'py>) -> PyResult<Bound<'py, PyDict>> {
    let (reason, fields) = variant.unwrap_or_else(|| ("Unknown", PyDict::new(py)));
    fields.set_item("reason", reason)?;
    Ok(fields)
}

fn plain<'py>(py: Python<'py>, error: &Error) -> PyResult<Fields<'py>> {
    Ok(variant!(py, error, Error {
        Io { action, path }
        Damaged { path, fault }
        Json { path, offset, fault }
        NoTwin { dir }
        NothingToPack { dir, others }
        DamagedManifest { generation, previous }
        LostManifests { twin }
        LostGeneration { twin, generation, newest }
        OnlyInTwin { twin, missing }
        NoGeneration { dir, generation, kept }
        NoStore { name, known }
        StoreName { name }
        Locked { path }
        Conflict { opened, current }
        ConflictingChange { opened, file, collection, key }
        WouldEmpty { dir }
        CannotWrite { file }
        UnsavedChanges {}
        Poisoned { dir }
        SourceBusy { path, tries }
        OutOfSync { path }
        TargetExists { path }
        TargetInTwin { path }
        NotIdentical { path, offset }
        Limit { what, got, limit }
        Forked { dir }
        Stopped {}
    }))
}

fn out_of_sync<'py>(py: Python<'py>, problem: &SyncProblem) -> PyResult<Fields<'py>> {
    Ok(variant!(py, problem, SyncProblem {
        JsonNewer {}
        BinaryNewer {}
        Diverged {}
        NotPacked {}
        Linked {}
        Changing {}
        WouldLoseStore { at }
    }))
}

fn not_found<'py>(py: Python<'py>, why: &NotFound) -> PyResult<Fields<'py>> {
    Ok(variant!(py, why, NotFound {
        Key { store, key, searched, elsewhere }
        Collection { store, name, known }
        Structure { store }
    }))
}

fn query<'py>(py: Python<'py>, why: &QueryError) -> PyResult<Fields<'py>> {
    Ok(variant!(py, why, QueryError {
        InvalidMode { mode }
        NeedsPython { mode }
        NoEmbedding { stored }
        Shapes { query, stored }
        Ragged { rows }
        NoMetadata {}
        NodeWithoutMetadata { id }
        FilterType {}
        MetadataNotAnObject { found }
        NoPick {}
        NoFurtherPick { id }
        NotNumbers { id }
    }))
}

fn store<'py>(py: Python<'py>, why: &StoreError) -> PyResult<Fields<'py>> {
    Ok(variant!(py, why, StoreError {
        CannotDelete { index_id, kind }
        NoDocument { id }
        NoRefDoc { id }
        DocumentExists { id }
        NoEntry { id }
        VectorLength { id, components, stored }
        VectorSize { id, components }
        UnknownNodeType { name }
        UnknownStructType { name }
        NoMember { name }
        NotOneStruct { count }
        NoIndexStruct { id }
        OtherStruct { id, found, expected }
        NoKey { key }
        NotInList { id }
        SummaryOfNothing { id }
        NoMessages { key }
        NoMessage { key, idx }
        NoChunkId {}
        Relationship { relation, many }
        UnknownGraphNode { data }
        NotInGraph { key }
        Shape { what, expected }
        NoPlace { collection }
        NotJson { what, offset, fault }
    }))
}

fn load<'py>(py: Python<'py>, why: &LoadError) -> PyResult<Fields<'py>> {
    Ok(variant!(py, why, LoadError {
        NoIndex {}
        SeveralIndices { indices }
        UnknownIndex { id }
        UnknownRoot { id }
        UnknownVector { id }
        NodeNotFetched { id }
        TwoEmbeddings {}
        NoVectors { class }
    }))
}

/// What a `KeyError` of LlamaIndex has as its argument, where the text shows no
/// more than that. `None` for the others.
pub(super) fn missing_key<'py>(
    py: Python<'py>,
    error: &Error,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let key: &dyn Field = match error {
        Error::Query(QueryError::NoPick) => return Ok(Some(py.None().into_bound(py))),
        Error::Query(QueryError::NodeWithoutMetadata { id } | QueryError::NoFurtherPick { id })
        | Error::Store(StoreError::NoEntry { id })
        | Error::Load(LoadError::UnknownVector { id }) => id,
        Error::Store(StoreError::NoKey { key }) => key,
        Error::Store(
            StoreError::UnknownStructType { name: key } | StoreError::NotInGraph { key },
        )
        | Error::Load(LoadError::UnknownRoot { id: key }) => key,
        Error::Store(StoreError::NoMember { name }) => name,
        Error::Load(LoadError::NodeNotFetched { id }) => {
            let text = [b"Node ID ", id.as_slice(), b" not found in fetched nodes. "].concat();
            return text.to_python(py).map(Some);
        }
        _ => return Ok(None),
    };
    key.to_python(py).map(Some)
}
