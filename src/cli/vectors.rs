//! Vectors that a user gives: an `.npy` file, or JSON.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use npyz::{DType, NpyFile, Order, TypeChar};
use twinstore::{
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
        true => npy(bytes).map_err(failed)?,
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
        false => Box::new(File::open(path)?),
    };
    source.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_FILE {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// An array of one dimension is a vector, of two a vector a row.
fn npy(bytes: Vec<u8>) -> io::Result<Vec<Vec<f64>>> {
    let refuse = |why| Err(io::Error::other(why));
    let file = NpyFile::new(Cursor::new(bytes))?;
    let dim = match (file.shape(), file.order()) {
        (&[dim], _) | (&[_, dim], Order::C) => dim,
        ([_, _], Order::Fortran) => return refuse("the array is in Fortran order, not in C order"),
        _ => return refuse("the array must have one or two dimensions"),
    };
    let values: Vec<f64> = match file.dtype() {
        DType::Plain(kind) if kind.type_char() == TypeChar::Float => match kind.size_field() {
            4 => file.into_vec::<f32>()?.into_iter().map(f64::from).collect(),
            8 => file.into_vec()?,
            _ => return refuse("the array must be of float32 or float64"),
        },
        _ => return refuse("the array must be of float32 or float64"),
    };
    let dim = usize::try_from(dim).unwrap_or(usize::MAX);
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

    use npyz::WriterBuilder;

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

    #[test]
    fn arrays_of_floats_hold_a_vector_a_row() {
        let array = |shape: &[u64], order, values: &[f32]| {
            let mut bytes = Vec::new();
            let builder = npyz::WriteOptions::new().default_dtype();
            let builder = builder.shape(shape).order(order).writer(&mut bytes);
            let mut writer = builder.begin_nd().unwrap();
            writer.extend(values.iter().copied()).unwrap();
            writer.finish().unwrap();
            bytes
        };
        let values = [0.5, 1.5, 2.5, 3.5];
        let vector = array(&[4], Order::C, &values);
        assert_eq!(npy(vector.clone()).unwrap(), [[0.5, 1.5, 2.5, 3.5]]);
        let rows = array(&[2, 2], Order::C, &values);
        assert_eq!(npy(rows).unwrap(), [[0.5, 1.5], [2.5, 3.5]]);
        assert!(npy(array(&[2, 2], Order::Fortran, &values)).is_err());
        assert!(npy(array(&[1, 2, 2], Order::C, &values)).is_err());
        assert!(npy(array(&[0, 3], Order::C, &[])).unwrap().is_empty());
        for end in 0..vector.len() {
            assert!(npy(vector[..end].to_vec()).is_err(), "{end}");
        }
    }
}
