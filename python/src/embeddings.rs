//! Vectors that Python hands over.

use numpy::PyReadonlyArray1;
use pyo3::{
    prelude::*,
    types::{PyFloat, PyList, PyString},
};
use twinstore::store::NewVector;

use crate::text::bytes_of;

/// A vector of a call of `add`: id, embedding, ref doc id, and the metadata as JSON text.
pub(crate) fn new_vector(vector: &Bound<'_, PyAny>) -> PyResult<NewVector> {
    type Parts<'py> = (
        Bound<'py, PyString>,
        Bound<'py, PyAny>,
        Bound<'py, PyString>,
        Bound<'py, PyString>,
    );
    let (id, embedding, ref_doc_id, metadata): Parts<'_> = vector.extract()?;
    Ok(NewVector {
        id: bytes_of(&id)?.into_owned(),
        embedding: numbers_of(&embedding)?,
        ref_doc_id: Some(bytes_of(&ref_doc_id)?.into_owned()),
        metadata: bytes_of(&metadata)?.into_owned(),
    })
}

/// The values of an array, or of a list of numbers.
pub(crate) fn numbers_of(numbers: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    if let Ok(list) = numbers.cast::<PyList>() {
        return numbers_in(list);
    }
    if let Ok(array) = numbers.extract::<PyReadonlyArray1<'_, f64>>() {
        return Ok(array.as_array().to_vec());
    }
    if let Ok(array) = numbers.extract::<PyReadonlyArray1<'_, f32>>() {
        return Ok(array
            .as_array()
            .iter()
            .map(|&value| f64::from(value))
            .collect());
    }
    numbers.extract()
}

/// The values of a list of numbers. Looks for no array, for which numpy would be imported.
pub(crate) fn numbers_in(list: &Bound<'_, PyList>) -> PyResult<Vec<f64>> {
    let values = list.iter().map(|number| match number.cast::<PyFloat>() {
        Ok(number) => Ok(number.value()),
        Err(_) => number.extract(),
    });
    values.collect()
}
