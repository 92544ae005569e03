//! What is needed to open a twin that lies on another file system.

use std::path::PathBuf;

use pyo3::prelude::*;
use twinstore::{
    container::OpenOptions,
    persist_dir::{Samples, Snapshot, manifest, names},
};

use crate::errors::exception;

/// The files of the newest generation of the twin in `dir`, of which only the manifest
/// need be there: the name and length of each.
#[pyfunction]
pub(crate) fn twin_files(dir: PathBuf) -> PyResult<Vec<(String, u64)>> {
    let newest = manifest::read_highest(&manifest::twin_dir(&dir)).map_err(exception)?;
    let segments = newest.iter().flat_map(|newest| newest.segments());
    Ok(segments.map(|s| (s.name.to_string(), s.length)).collect())
}

/// Which of those files are not what they must be, as far as opening them tells: their
/// names.
#[pyfunction]
pub(crate) fn damaged_files(dir: PathBuf) -> PyResult<Vec<String>> {
    let newest = Snapshot::open(&dir, None, &OpenOptions::default()).map_err(exception)?;
    let segments = newest.manifest().segments();
    let damaged = segments.filter(|s| newest.segment(s).is_err_and(|error| error.is_damage()));
    Ok(damaged.map(|segment| segment.name.to_string()).collect())
}

/// The number of the generation whose manifest has that name; `None` for the name of
/// any other file.
#[pyfunction]
pub(crate) fn manifest_generation(name: &str) -> Option<u64> {
    names::parse_manifest_name(name)
}

/// Which bytes of a JSON file of that length tell whether it is the one that was packed:
/// start and end of each range.
#[pyfunction]
pub(crate) fn sampled_ranges(length: u64) -> Vec<(u64, u64)> {
    Samples::ranges(length).map(|r| (r.start, r.end)).collect()
}
