//! The fields of errors as values of Python.

use std::path::PathBuf;

use pyo3::{IntoPyObjectExt, prelude::*};
use twinstore::error::{Fault, JsonFault, ValueType};

use crate::text::text_of;

/// A field of an error.
pub(super) trait Field {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;
}

/// Fields that Python has a type for.
macro_rules! as_they_are {
    ($($type:ty),*) => {
        $(impl Field for $type {
            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.clone().into_bound_py_any(py)
            }
        })*
    };
}

as_they_are!(
    &'static str,
    String,
    bool,
    u32,
    u64,
    usize,
    i64,
    PathBuf,
    Option<PathBuf>,
    Option<u64>,
    Vec<u64>,
    Vec<String>
);

/// Fields that are shown in words.
macro_rules! in_words {
    ($($type:ty),*) => {
        $(impl Field for $type {
            fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.to_string().into_bound_py_any(py)
            }
        })*
    };
}

in_words!(Fault, JsonFault, ValueType);

/// An id or a key, which may have lone surrogates.
impl Field for Vec<u8> {
    fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(text_of(py, self)?.into_any())
    }
}
