//! What is done with a directory as a whole. Reports are JSON, typed in
//! `twinstore/_reports.py`.

use std::path::PathBuf;

use pyo3::{exceptions::PyValueError, prelude::*};
use twinstore::{
    container::{OpenOptions, Verify},
    convert::{self, CompactOptions, PackOptions, UnpackOptions, VerifyOptions},
    segment::{Compression, SketchPolicy},
};

use crate::{
    context::backend,
    errors::exception,
    progress::{Watch, as_json},
};

fn reading(io: &str) -> PyResult<OpenOptions> {
    Ok(OpenOptions {
        backend: backend(io)?,
        verify: Verify::Lazy,
    })
}

#[pyfunction]
#[pyo3(signature = (
    dir, progress = None, *, all = false, drop_json = false, prefer_json = false, dense = false,
    level = None, sketch = "auto", bars = false
))]
#[allow(
    clippy::too_many_arguments,
    reason = "the keywords of a Python function"
)]
pub(crate) fn pack(
    py: Python<'_>,
    dir: PathBuf,
    progress: Option<Py<PyAny>>,
    all: bool,
    drop_json: bool,
    prefer_json: bool,
    dense: bool,
    level: Option<i32>,
    sketch: &str,
    bars: bool,
) -> PyResult<String> {
    let sketch = match sketch {
        "auto" => SketchPolicy::Auto,
        "always" => SketchPolicy::Always,
        "never" => SketchPolicy::Never,
        _ => {
            let message = format!("sketch is 'auto', 'always' or 'never', not {sketch:?}");
            return Err(PyValueError::new_err(message));
        }
    };
    let mut compression = match dense {
        true => Compression::DENSE,
        false => Compression::default(),
    };
    compression.level = level.unwrap_or(compression.level);
    let options = PackOptions {
        all,
        drop_json,
        prefer_json,
        compression,
        sketch,
    };
    let watch = Watch::new(bars, progress);
    watch.over(py, |watch| convert::pack(&dir, &options, watch))
}

#[pyfunction]
#[pyo3(signature = (dir, *, out, store, generation, prefer_twin, io, bars, progress))]
#[allow(
    clippy::too_many_arguments,
    reason = "the keywords of a Python function"
)]
pub(crate) fn unpack(
    py: Python<'_>,
    dir: PathBuf,
    out: Option<PathBuf>,
    store: Option<String>,
    generation: Option<u64>,
    prefer_twin: bool,
    io: &str,
    bars: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let options = UnpackOptions {
        out,
        store,
        generation,
        prefer_twin,
        open: reading(io)?,
    };
    let watch = Watch::new(bars, progress);
    watch.over(py, |watch| convert::unpack(&dir, &options, watch))
}

#[pyfunction]
#[pyo3(signature = (dir, *, deep, generation, io, bars, progress))]
pub(crate) fn verify(
    py: Python<'_>,
    dir: PathBuf,
    deep: bool,
    generation: Option<u64>,
    io: &str,
    bars: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let options = VerifyOptions {
        deep,
        generation,
        open: reading(io)?,
    };
    let watch = Watch::new(bars, progress);
    watch.over(py, |watch| convert::verify(&dir, &options, watch))
}

#[pyfunction]
#[pyo3(signature = (dir, *, io, bars, progress))]
pub(crate) fn compact(
    py: Python<'_>,
    dir: PathBuf,
    io: &str,
    bars: bool,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let options = CompactOptions {
        open: reading(io)?,
        ..CompactOptions::default()
    };
    let watch = Watch::new(bars, progress);
    watch.over(py, |watch| convert::compact(&dir, &options, watch))
}

#[pyfunction]
pub(crate) fn status(py: Python<'_>, dir: PathBuf) -> PyResult<String> {
    let status = py.detach(|| convert::status(&dir)).map_err(exception)?;
    as_json(&status)
}

#[pyfunction]
#[pyo3(signature = (dir, *, generation, io))]
pub(crate) fn info(
    py: Python<'_>,
    dir: PathBuf,
    generation: Option<u64>,
    io: &str,
) -> PyResult<String> {
    let options = reading(io)?;
    let info = py.detach(|| convert::info(&dir, generation, &options));
    as_json(&info.map_err(exception)?)
}

/// Whether the JSON files of `dir` hold all that its twin holds, or newer content.
#[pyfunction]
pub(crate) fn is_json_complete(py: Python<'_>, dir: PathBuf) -> PyResult<bool> {
    py.detach(|| convert::is_json_complete(&dir))
        .map_err(exception)
}
