//! Strings between Python and the library. Python's may hold lone surrogates;
//! the library has those as WTF-8, which is what Python calls `surrogatepass`.

use std::borrow::Cow;

use pyo3::{
    prelude::*,
    types::{PyBytes, PyList, PyString},
};

const ENCODING: &str = "utf-8";
const SURROGATES: &str = "surrogatepass";

/// The bytes of a string.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn bytes_of<'a>(text: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(text) = text.to_cow() {
        return Ok(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
    }
    let bytes = text.call_method1("encode", (ENCODING, SURROGATES))?;
    let bytes: Bound<'_, PyBytes> = bytes.cast_into()?;
    Ok(Cow::Owned(bytes.as_bytes().to_vec()))
}

/// The bytes of several strings.
///
/// # Errors
/// As [`bytes_of`].
pub(crate) fn bytes_of_all(texts: &[Bound<'_, PyString>]) -> PyResult<Vec<Vec<u8>>> {
    let texts = texts.iter().map(|text| Ok(bytes_of(text)?.into_owned()));
    texts.collect()
}

/// The string of bytes that [`bytes_of`] gives.
///
/// # Errors
/// `UnicodeDecodeError` for any others.
pub(crate) fn text_of<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(PyString::new(py, text));
    }
    let bytes = PyBytes::new(py, bytes);
    let text = bytes.call_method1("decode", (ENCODING, SURROGATES))?;
    Ok(text.cast_into()?)
}

/// The strings of several texts.
///
/// # Errors
/// As [`text_of`].
pub(crate) fn texts_of<'py>(
    py: Python<'py>,
    texts: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for text in texts {
        list.append(text_of(py, text.as_ref())?)?;
    }
    Ok(list)
}

/// The strings of several texts, with `None` for each that was not found.
///
/// # Errors
/// As [`text_of`].
pub(crate) fn found_texts<'py>(
    py: Python<'py>,
    found: impl IntoIterator<Item = Option<impl AsRef<[u8]>>>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for text in found {
        let text = text.map(|text| text_of(py, text.as_ref()));
        list.append(text.transpose()?)?;
    }
    Ok(list)
}
