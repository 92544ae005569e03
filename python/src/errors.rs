//! The library's errors as Python exceptions: for each variant a class of
//! `twinstore.errors`, with the variant's fields as attributes.

mod fields;
mod variants;

use std::io::ErrorKind;

use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use twinstore::{Error, disk, error::PythonException};

use variants::{Variant, of_error};

/// The exception for an error.
pub(crate) fn exception(error: Error) -> PyErr {
    Python::attach(|py| raised(py, &error).unwrap_or_else(|failure| failure))
}

/// The exception for an error about a copy of a twin. What is to be done about damage of a
/// twin would not help: the copy is removed, so that it is fetched again.
pub(crate) fn exception_of_copy(error: Error, origin: &str) -> PyErr {
    let Error::Damaged { path, place, fault } = &error else {
        return exception(error);
    };
    // Where that fails, the file is found damaged again.
    let _ = disk::remove_file(path);
    let message = format!(
        "{}: {place}: {fault}; it was a copy of a file of {origin}, and is fetched again when that is opened",
        path.display()
    );
    Python::attach(|py| worded(py, &error, message).unwrap_or_else(|failure| failure))
}

/// An exception of `twinstore.errors`, which has no more than its text.
pub(crate) fn plain(py: Python<'_>, class: &str, message: &str) -> PyErr {
    let made = class_of(py, class).and_then(|class| class.call1((message,)));
    made.map_or_else(|failure| failure, PyErr::from_value)
}

fn class_of<'py>(py: Python<'py>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("twinstore.errors")?.getattr(class)
}

fn raised(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    worded(py, error, error.to_string())
}

/// The exception for an error, with a text of its own.
fn worded(py: Python<'_>, error: &Error, message: String) -> PyResult<PyErr> {
    let Variant {
        class,
        attributes,
        cause,
    } = of_error(py, error)?;
    let mut arguments = vec![message.into_pyobject(py)?.into_any()];
    arguments.extend(arguments_of(py, error, &attributes)?);
    let arguments = PyTuple::new(py, arguments)?;
    let exception = class_of(py, &class)?.call(arguments, Some(&attributes))?;
    let exception = PyErr::from_value(exception);
    if let Some(cause) = cause {
        exception.set_cause(py, Some(raised(py, cause)?));
    }
    Ok(exception)
}

/// The `args` of the builtin exception that an error is too, where they are not
/// its text.
fn arguments_of<'py>(
    py: Python<'py>,
    error: &Error,
    attributes: &Bound<'py, PyDict>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let class = match error {
        Error::Io { path, source, .. } => {
            let errno = source.raw_os_error();
            let text = match errno {
                // In Python's words, which are the system's.
                Some(errno) => py.import("os")?.call_method1("strerror", (errno,))?,
                None => source.to_string().into_pyobject(py)?.into_any(),
            };
            return Ok(vec![
                errno.into_pyobject(py)?.into_any(),
                text,
                path.as_os_str().into_pyobject(py)?.into_any(),
            ]);
        }
        Error::Query(why) => why.exception(),
        Error::Store(why) => why.exception(),
        Error::Load(why) => why.exception(),
        _ => return Ok(Vec::new()),
    };
    Ok(match class {
        PythonException::Key => variants::missing_key(py, error)?.into_iter().collect(),
        PythonException::JsonDecode => vec![
            error.to_string().into_pyobject(py)?.into_any(),
            "".into_pyobject(py)?.into_any(),
            attributes.as_any().get_item("offset")?,
        ],
        _ => Vec::new(),
    })
}

/// The class of a refusal of the operating system.
fn io_class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "IoNotFound",
        ErrorKind::PermissionDenied => "IoPermission",
        ErrorKind::AlreadyExists => "IoExists",
        _ => "Io",
    }
}
