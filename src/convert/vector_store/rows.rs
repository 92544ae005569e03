//! The map of vectors, in pieces that are taken apart on several threads.
//!
//! Where a piece ends is a guess: after the last array in it. Each is read by the
//! rules of the map from where the one before ended, so that a wrong guess shows: as
//! an entry that does not end with the piece. From the first such entry on, and for
//! whatever else is not an entry with an array of numbers, the file is read again,
//! one entry after another, by who can say what is wrong.

use std::ops::ControlFlow;

use crate::{
    error::Result,
    in_order::{InOrder, in_order},
    json::{JsonStyle, Window},
    segment::{Attempt, NotStructural, RowsEnd, VectorRows, VectorWriter},
};

/// Text in a piece. (Little in unit tests, so that there are several.)
const PIECE: usize = if cfg!(test) { 48 } else { 1 << 20 };
/// The longest piece: rows that are longer are read one by one.
const MAX_PIECE: usize = PIECE * 4;

/// Where reading in pieces stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Before a key.
    AtEntry,
    /// After a value.
    AfterValue,
}

/// Gives as many entries of the map to `writer` as can be read in pieces. The window
/// is at the first key, and then where the next entry or the end is to be looked for.
///
/// # Errors
/// As [`parse`](super::parse()), but for [`Error::Json`](crate::Error::Json).
pub(super) fn parse(
    window: &mut Window,
    writer: &mut VectorWriter,
    progress: &dyn Fn(u64) -> Result<()>,
) -> Attempt<Stopped> {
    let mut pieces = Pieces {
        stopped: Stopped::AtEntry,
        position: window.position(),
        window,
        writer,
        progress,
        goes_on: false,
        spare: Vec::new(),
        refused: None,
    };
    in_order(&mut pieces, |_| Piece::read)?;
    if let Some(why) = pieces.refused {
        return Ok(Err(why));
    }
    let (stopped, position) = (pieces.stopped, pieces.position);
    window.seek(position)?;
    Ok(Ok(stopped))
}

/// A piece of the map.
struct Piece {
    start: u64,
    text: Vec<u8>,
    goes_on: bool,
    style: JsonStyle,
}

impl Piece {
    fn read(self) -> (u64, VectorRows) {
        let rows = VectorRows::read(self.text, self.goes_on, &self.style);
        (self.start, rows)
    }
}

/// Cuts the map, and gives what the pieces hold to the writer.
struct Pieces<'a> {
    window: &'a mut Window,
    writer: &'a mut VectorWriter,
    progress: &'a dyn Fn(u64) -> Result<()>,
    /// Whether a piece was cut off.
    goes_on: bool,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    stopped: Stopped,
    /// How far the file was taken over.
    position: u64,
    refused: Option<NotStructural>,
}

impl InOrder for Pieces<'_> {
    type Item = Piece;
    type Outcome = (u64, VectorRows);

    fn next(&mut self) -> Result<Option<Piece>> {
        let start = self.window.position();
        let spare = self.spare.pop().unwrap_or_default();
        let text = self.window.take_arrays(PIECE, MAX_PIECE, spare)?;
        let goes_on = std::mem::replace(&mut self.goes_on, true);
        Ok(text.map(|text| Piece {
            start,
            text,
            goes_on,
            style: self.writer.style().clone(),
        }))
    }

    fn take(&mut self, (start, rows): (u64, VectorRows)) -> Result<ControlFlow<()>> {
        if let Err(why) = self.writer.push_rows(&rows)? {
            self.refused = Some(why);
            return Ok(ControlFlow::Break(()));
        }
        let end = rows.end();
        let text = rows.into_text();
        let (stopped, at) = match end {
            RowsEnd::Piece => (Stopped::AfterValue, text.len()),
            RowsEnd::Value(at) => (Stopped::AfterValue, at),
            RowsEnd::Entry(at) => (Stopped::AtEntry, at),
        };
        self.stopped = stopped;
        self.position = start + at as u64;
        (self.progress)(self.position)?;
        self.spare.push(text);
        Ok(match end {
            RowsEnd::Piece => ControlFlow::Continue(()),
            RowsEnd::Value(_) | RowsEnd::Entry(_) => ControlFlow::Break(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        convert::vector_store::parse::{one_by_one, parse},
        segment::Map,
    };

    /// What becomes of a file: its segment's content root, or why there is none.
    fn outcome(text: &str, in_pieces: bool) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.json");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let mut window = Window::open(&path, 1 << 20).unwrap();
        let style = JsonStyle {
            numbers: None,
            ..JsonStyle::python()
        };
        let mut writer = VectorWriter::in_memory(style).unwrap();
        let parsed = if in_pieces {
            parse(&mut window, &mut writer, &|_| Ok(()))
        } else {
            window.seek(text.find(": {").unwrap() as u64 + 3).unwrap();
            let more = window.peek().unwrap() != Some(b'}');
            let parsed = one_by_one(&mut window, Map::Embeddings, &mut writer, &|_| Ok(()), more);
            match parsed {
                Ok(Ok(())) => (window.expect(b'}'))
                    .and_then(|()| window.expect(b'}'))
                    .and_then(|()| window.end())
                    .map(Ok),
                other => other,
            }
        };
        match parsed {
            Ok(Ok(())) => {
                writer.members(Vec::new());
                match writer.finish_in_memory().unwrap() {
                    Ok(segment) => format!("{:?}", segment.root()),
                    Err(why) => format!("{why:?}"),
                }
            }
            Ok(Err(why)) => format!("{why:?}"),
            Err(e) => format!("{e:?}").replace(&path.display().to_string(), "it"),
        }
    }

    fn entry() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            8 => "[a-z]{1,6}".prop_map(|key| format!("\"{key}\"")),
            1 => Just(r#""a],b""#.to_owned()),
            1 => Just(r#""\u00e9]""#.to_owned()),
            1 => Just(r#""a\/b""#.to_owned()),
        ];
        let number = prop_oneof![
            6 => any::<f32>().prop_map(|x| format!("{:?}", f64::from(x))),
            6 => any::<f32>().prop_map(|x| format!("{x:?}")),
            2 => any::<f64>().prop_map(|x| format!("{x:?}")),
            1 => prop::sample::select(vec!["1e-05", "1e-5", "0.00001", "1", "-0", "1.0", "NaN", "1e400"])
                .prop_map(str::to_owned),
        ];
        let row = (number.clone(), number).prop_map(|(a, b)| format!("[{a}, {b}]"));
        let value = prop_oneof![
            60 => row,
            1 => prop::sample::select(vec![
                "[0.5]", "[]", "null", "[0.5, null]", "[[0.5], 1]", "[0.5 , 0.25 ]", "[0.5,,1]", "[0.5,1",
                "0.5], 1]", "[0.5, 1]]",
            ])
            .prop_map(str::to_owned),
        ];
        (key, value).prop_map(|(key, value)| format!("{key}: {value}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn pieces_make_the_same_of_any_map_as_entries_one_by_one(
            entries in prop::collection::vec(entry(), 0..30),
            comma in prop::sample::select(vec![", ", ",", " ,\n "]),
        ) {
            let text = format!("{{\"embedding_dict\": {{{}}}}}", entries.join(comma));
            // The members are not compared: who reads one by one does not see them.
            prop_assert_eq!(outcome(&text, true), outcome(&text, false), "{}", text);
        }
    }
}
