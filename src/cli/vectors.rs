//! Vectors that a user gives: an `.npy` file, or JSON.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{
    Error,
    error::JsonFault,
    json::{Elements, parse_f64, skip_white, value_end},
};

/// How an `.npy` file begins.
const NPY: &[u8] = b"\x93NUMPY";
/// No file of vectors to search for is longer.
const MAX_FILE: u64 = 1 << 30;

/// Reads one vector, or several: `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<Vec<f64>>, Error> {
    let failed = |source| Error::Io {
        action: "read vectors from",
        path: path.to_owned(),
        source,
    };
    let bytes = bytes_of(path).map_err(failed)?;
    let vectors = match bytes.starts_with(NPY) {
        true => npy(&bytes).map_err(failed)?,
        false => from_json(&bytes).map_err(|(offset, fault)| Error::Json {
            path: path.to_owned(),
            offset: offset as u64,
            fault,
        })?,
    };
    match vectors.is_empty() {
        true => Err(failed(io::Error::other("there is no vector in it"))),
        false => Ok(vectors),
    }
}

fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        #[allow(clippy::disallowed_methods, reason = "a pipe is welcome")]
        false => Box::new(File::open(path)?),
    };
    source.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// An array of one dimension is a vector, of two a vector a row. (The format is that
/// of NEP 1, `numpy.lib.format`; a whole library for its header is more than it takes.)
fn npy(bytes: &[u8]) -> io::Result<Vec<Vec<f64>>> {
    let refuse = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let cut = || refuse("the array is cut, or its header is not one of numpy's");
    let (header, data) = match bytes
        .get(NPY.len()..)
        .and_then(|b| b.split_first_chunk::<4>())
    {
        Some((&[1, _, low, high], rest)) => {
            let length = usize::from(u16::from_le_bytes([low, high]));
            rest.split_at_checked(length).ok_or_else(cut)?
        }
        Some((&[2 | 3, _, a, b], rest)) => {
            let (&[c, d], rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            rest.split_at_checked(length).ok_or_else(cut)?
        }
        _ => return Err(cut()),
    };
    let header = std::str::from_utf8(header).map_err(|_| cut())?;
    let value = |key: &str| {
        let (_, value) = header.split_once(&format!("'{key}':"))?;
        Some(value.trim_start())
    };
    let shape = value("shape").and_then(|v| v.strip_prefix('(')?.split_once(')'));
    let (shape, _) = shape.ok_or_else(cut)?;
    let numbers = shape.split(',').map(str::trim).filter(|n| !n.is_empty());
    let shape = numbers.map(|n| n.parse::<usize>().map_err(|_| cut()));
    let shape = shape.collect::<io::Result<Vec<_>>>()?;
    let (rows, dim) = match *shape.as_slice() {
        [dim] => (1, dim),
        [rows, dim] if value("fortran_order").is_some_and(|v| v.starts_with("False")) => {
            (rows, dim)
        }
        [_, _] => return Err(refuse("the array is in Fortran order, not in C order")),
        _ => return Err(refuse("the array must have one or two dimensions")),
    };
    let values: Vec<f64> = match value("descr").and_then(|v| v.get(..5)) {
        Some("'<f4'") => {
            let numbers = data.as_chunks::<4>().0.iter();
            numbers.map(|x| f64::from(f32::from_le_bytes(*x))).collect()
        }
        Some("'<f8'") => {
            let numbers = data.as_chunks::<8>().0.iter();
            numbers.map(|x| f64::from_le_bytes(*x)).collect()
        }
        _ => {
            return Err(refuse(
                "the array must be of float32 or float64, little-endian",
            ));
        }
    };
    if rows.checked_mul(dim) != Some(values.len()) {
        return Err(refuse("the array is not as long as its shape says"));
    }
    Ok(values.chunks(dim.max(1)).map(<[f64]>::to_vec).collect())
}

/// `[0.1, 0.2]`, or several such in a list.
fn from_json(text: &[u8]) -> Result<Vec<Vec<f64>>, (usize, JsonFault)> {
    let start = skip_white(text, 0);
    let end = value_end(text, start, true).map_err(|e| (e.offset, e.fault_at_end()))?;
    let rest = skip_white(text, end);
    if rest < text.len() {
        return Err((rest, JsonFault::Trailing));
    }
    let value = text.get(start..end).unwrap_or_default();
    // Parts of the text, so the difference is their offset.
    let unexpected = |part: &[u8]| {
        let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let byte = part.first().copied().unwrap_or_default();
        (offset, JsonFault::Unexpected(byte))
    };
    let numbers = |list| {
        let tokens = Elements::new(list);
        let tokens = tokens.map(|token| parse_f64(token).ok_or_else(|| unexpected(token)));
        tokens.collect::<Result<Vec<f64>, _>>()
    };
    let is_list = |part: &[u8]| part.first() == Some(&b'[');
    if !is_list(value) {
        return Err(unexpected(value));
    }
    match Elements::new(value).next() {
        None => Ok(Vec::new()),
        Some(first) if is_list(first) => Elements::new(value)
            .map(|row| match is_list(row) {
                true => numbers(row),
                false => Err(unexpected(row)),
            })
            .collect(),
        Some(_) => Ok(vec![numbers(value)?]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn json_holds_one_vector_or_several() {
        for (text, vectors) in [
            ("[]", vec![]),
            (" [1, -2.5e0, NaN]\n", vec![vec![1.0, -2.5, f64::NAN]]),
            ("[[0.1], [0.2, 3]]", vec![vec![0.1], vec![0.2, 3.0]]),
            ("[[]]", vec![vec![]]),
        ] {
            let read = from_json(text.as_bytes()).unwrap();
            assert_eq!(format!("{read:?}"), format!("{vectors:?}"), "{text}");
        }
        for (text, offset) in [
            ("", 0),
            ("{}", 0),
            ("7", 0),
            ("[1, \"a\"]", 4),
            ("[[1], 2]", 6),
            ("[1, [2]]", 4),
            ("[1] x", 4),
            ("[1", 2),
        ] {
            assert_eq!(from_json(text.as_bytes()).unwrap_err().0, offset, "{text}");
        }
    }

    fn array(header: &str, data: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [NPY, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_of_floats_hold_a_vector_a_row() {
        let values = [0.5_f32, 1.5, 2.5, 3.5];
        let data = values.map(f32::to_le_bytes).concat();
        let floats = |shape: &str, order: &str| {
            let header =
                format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': {shape}, }}");
            npy(&array(&header, &data))
        };
        assert_eq!(floats("(4,)", "False").unwrap(), [[0.5, 1.5, 2.5, 3.5]]);
        assert_eq!(floats("(2, 2)", "False").unwrap(), [[0.5, 1.5], [2.5, 3.5]]);
        for (shape, order) in [
            ("(2, 2)", "True"),
            ("(1, 2, 2)", "False"),
            ("()", "False"),
            ("(5,)", "False"),
            ("(4611686018427387904, 8)", "False"),
            ("(-4,)", "False"),
            ("(4", "False"),
        ] {
            assert!(floats(shape, order).is_err(), "{shape} {order}");
        }
        let doubles = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}";
        let whole = array(doubles, &[0.25_f64, -1.0].map(f64::to_le_bytes).concat());
        assert_eq!(npy(&whole).unwrap(), [[0.25, -1.0]]);
        for end in 0..whole.len() {
            assert!(npy(&whole[..end]).is_err(), "{end}");
        }
        let integers = "{'descr': '<i8', 'fortran_order': False, 'shape': (0,)}";
        assert!(npy(&array(integers, b"")).is_err());
    }
}
