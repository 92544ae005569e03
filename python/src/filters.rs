//! Metadata filters that Python applies.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{exceptions::PyException, prelude::*, types::PyString};
use twinstore::search::{FilterCondition, FilterJudge, MetadataFilters, Refused};

use crate::{
    context::one_of,
    text::{bytes_of_all, text_of},
};

const CONDITIONS: [(&str, FilterCondition); 3] = [
    ("and", FilterCondition::And),
    ("or", FilterCondition::Or),
    ("not", FilterCondition::Not),
];

/// Filters on the values of keys. `judge(number, json)` says whether a value, as JSON
/// text, meets the filter of that number; `None` stands for no value. Where it raises an
/// `Exception`, the filter does not fit the value.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct Filters {
    keys: Vec<Vec<u8>>,
    condition: FilterCondition,
    judge: Arc<Judge>,
}

#[pymethods]
impl Filters {
    #[new]
    fn new(keys: Vec<Bound<'_, PyString>>, condition: &str, judge: Py<PyAny>) -> PyResult<Filters> {
        Ok(Filters {
            keys: bytes_of_all(&keys)?,
            condition: one_of("condition", condition, &CONDITIONS)?,
            judge: Arc::new(Judge {
                judge,
                error: Mutex::new(None),
            }),
        })
    }
}

impl Filters {
    /// As the library has them.
    pub(crate) fn judged(&self, _py: Python<'_>) -> MetadataFilters {
        let judge = Arc::clone(&self.judge);
        MetadataFilters::judged(&self.keys, self.condition, judge)
    }

    /// What the judge raised that is no matter of filters, such as `KeyboardInterrupt`.
    pub(crate) fn take_error(&self) -> Option<PyErr> {
        let error = self.judge.error.lock();
        error.unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[derive(Debug)]
struct Judge {
    judge: Py<PyAny>,
    error: Mutex<Option<PyErr>>,
}

impl FilterJudge for Judge {
    fn is_met(&self, filter: usize, value: Option<&[u8]>) -> Result<bool, Refused> {
        let met = Python::attach(|py| {
            let value = value.map(|value| text_of(py, value)).transpose()?;
            let met = self.judge.bind(py).call1((filter, value))?;
            met.is_truthy()
        });
        met.map_err(|error| {
            let is_exception = Python::attach(|py| error.is_instance_of::<PyException>(py));
            if !is_exception {
                let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(error);
            }
            Refused
        })
    }
}
