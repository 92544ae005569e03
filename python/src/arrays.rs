//! Vectors as numpy arrays, where they lie in a mapped file. The only `unsafe` of the
//! bindings stands here.

use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods,
    ndarray::{Array2, ArrayView2, ShapeError},
};
use pyo3::{exceptions::PyValueError, prelude::*, types::PyList};
use twinstore::{
    Result,
    segment::Matrix,
    store::{SegmentVectors, VectorStore},
};

use crate::{context::Context, errors, text::texts_of};

/// What an array over a mapped file stands on (its `base`): it keeps the map.
#[pyclass(frozen, module = "twinstore._native")]
pub(crate) struct MappedVectors {
    matrix: Matrix,
}

/// What there is to hand out of a store.
enum Whole {
    Mapped(Matrix),
    Copied(Vec<f32>, [usize; 2]),
    /// And why it is not one array.
    Scattered(&'static str),
}

const SEVERAL: &str = "they are in several segments; `twinstore.compact` merges them";
const DELETED: &str = "vectors between them are deleted; `twinstore.compact` leaves those out";
const RECORDS: &str = "the store is held as JSON records, since they fit no matrix";
const NOT_MAPPED: &str = "the twin was opened with io=\"read\", so that nothing is mapped";

/// All vectors of a store as one array.
///
/// # Errors
/// `NotContiguous`, unless `copy`; the library's as exceptions; `ImportError` without
/// numpy.
#[pyfunction]
#[pyo3(signature = (context, name, *, copy))]
pub(crate) fn vectors<'py>(
    py: Python<'py>,
    context: &Context,
    name: &str,
    copy: bool,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    // The bindings of numpy would panic without it.
    py.import("numpy")?;
    let found = context.shared().read(py, |context| {
        let store = context.vector_store(name)?;
        match copy {
            true => store
                .nearest()
                .map(|(numbers, shape)| Whole::Copied(numbers, shape)),
            false => mapped(store),
        }
    })?;
    match found {
        Whole::Mapped(matrix) => array_over(py, matrix),
        Whole::Copied(numbers, shape) => array_of(py, numbers, shape),
        Whole::Scattered(why) => Err(not_contiguous(py, name, why)),
    }
}

/// The vectors of a store segment by segment: an array, the ids of its rows, and which
/// rows are not deleted.
///
/// # Errors
/// As [`vectors`].
#[pyfunction]
#[pyo3(signature = (context, name, *, copy))]
pub(crate) fn segments<'py>(
    py: Python<'py>,
    context: &Context,
    name: &str,
    copy: bool,
) -> PyResult<Vec<Segment<'py>>> {
    py.import("numpy")?;
    let found = context.shared().read(py, |context| {
        let Some(segments) = context.vector_store(name)?.segments()? else {
            return Ok(None);
        };
        let read = segments.iter().map(|segment| Read::of(segment, copy));
        read.collect::<Result<Vec<_>>>().map(Some)
    })?;
    let found = found.ok_or_else(|| no_segments(py, name, RECORDS, "vectors(copy=True)"))?;
    let handed_out = found.into_iter().map(|segment| segment.hand_out(py, name));
    handed_out.collect()
}

/// An array, the ids of its rows, and which of them are live.
type Segment<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyList>,
    Bound<'py, PyArray1<bool>>,
);

/// What was read of a segment without the GIL.
struct Read {
    vectors: Whole,
    ids: Vec<Vec<u8>>,
    live: Vec<bool>,
}

impl Read {
    fn of(vectors: &SegmentVectors, copy: bool) -> Result<Read> {
        let segment = vectors.segment();
        let rows = 0..segment.vectors();
        let whole = match copy {
            true => {
                let mut numbers = Vec::new();
                for row in rows.clone() {
                    numbers.extend(segment.nearest(row)?);
                }
                Whole::Copied(numbers, [rows.len(), segment.dim() as usize])
            }
            false => match segment.matrix()? {
                Some(matrix) => Whole::Mapped(matrix),
                None => Whole::Scattered(NOT_MAPPED),
            },
        };
        Ok(Read {
            vectors: whole,
            ids: rows
                .clone()
                .map(|row| segment.id(row))
                .collect::<Result<_>>()?,
            live: rows.map(|row| vectors.is_live(row)).collect(),
        })
    }

    fn hand_out<'py>(self, py: Python<'py>, name: &str) -> PyResult<Segment<'py>> {
        let array = match self.vectors {
            Whole::Mapped(matrix) => array_over(py, matrix)?,
            Whole::Copied(numbers, shape) => array_of(py, numbers, shape)?,
            Whole::Scattered(why) => return Err(no_segments(py, name, why, "copy=True")),
        };
        Ok((array, texts_of(py, self.ids)?, self.live.into_pyarray(py)))
    }
}

/// All vectors of a store in one place.
fn mapped(store: &VectorStore) -> Result<Whole> {
    Ok(match store.segments()?.as_deref() {
        None => Whole::Scattered(RECORDS),
        Some([]) => Whole::Copied(Vec::new(), [0, 0]),
        Some([one]) if one.is_whole() => match one.segment().matrix()? {
            Some(matrix) => Whole::Mapped(matrix),
            None => Whole::Scattered(NOT_MAPPED),
        },
        Some([_]) => Whole::Scattered(DELETED),
        Some(_) => Whole::Scattered(SEVERAL),
    })
}

fn not_contiguous(py: Python<'_>, name: &str, why: &str) -> PyErr {
    let message =
        format!("the vectors of {name:?} are not one array: {why}; copy=True gathers them");
    errors::plain(py, "NotContiguous", &message)
}

fn no_segments(py: Python<'_>, name: &str, why: &str, remedy: &str) -> PyErr {
    let message =
        format!("the segments of {name:?} are no arrays: {why}; {remedy} copies the vectors");
    errors::plain(py, "NotContiguous", &message)
}

/// An array that owns its numbers.
fn array_of(
    py: Python<'_>,
    numbers: Vec<f32>,
    shape: [usize; 2],
) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let array = Array2::from_shape_vec(shape, numbers).map_err(unshaped)?;
    Ok(array.into_pyarray(py))
}

/// An array over a mapped file, which cannot be written to.
#[allow(unsafe_code)]
fn array_over(py: Python<'_>, matrix: Matrix) -> PyResult<Bound<'_, PyArray2<f32>>> {
    let shape = (matrix.rows(), matrix.dim());
    let owner = Bound::new(py, MappedVectors { matrix })?;
    let view = ArrayView2::from_shape(shape, owner.get().matrix.as_slice()).map_err(unshaped)?;
    // SAFETY: numpy keeps the address beyond the borrow of `view`, so that it must stay
    // good as long as the array, and every view of it, is there.
    // * Address, length and alignment are those of a slice of `f32`; `from_shape` has
    //   checked that it holds all of `shape`.
    // * Lifetime: the array's base is `owner`, and numpy drops its base last, also where
    //   views were made of it. `owner` is frozen and keeps `matrix`, which keeps the map
    //   of the file (or, for what is not persisted, the memory): closing the context,
    //   unlinking the file by compaction or gc, and fork leave it where it is.
    // * Immutability: a published file is never written (`bytes/mapped.rs` of the library
    //   says so, and when it does not hold), and nothing here writes through the address.
    //   The array is made read-only below, before anybody else has it; numpy does not
    //   make it writeable again, because it does not own the data and its base has no
    //   writeable buffer. The map itself is read-only for the processor as well.
    let array = unsafe { PyArray2::borrow_from_array(&view, owner.clone().into_any()) };
    array.try_readwrite()?.make_nonwriteable();
    Ok(array)
}

fn unshaped(why: ShapeError) -> PyErr {
    PyValueError::new_err(why.to_string())
}
