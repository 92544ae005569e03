//! The first of two walks over a file: which ids it has, which arrays of
//! numbers occur often enough to be a plane, what its records look like.
//!
//! In memory: the ids (`ids/write.rs`), and what the constants here bound.

use std::{collections::HashMap, path::Path};

use super::{
    compression::Compression,
    intake::{Place, Records, Wanted},
    samples::{Sample, Samples},
    styles::Styles,
    walk::{Visit, Walker},
};
use crate::{
    bytes::Spill,
    error::{Error, Result},
    hashes::HashForm,
    ids::{IdBuilder, uuid},
    json::{JsonStyle, Token, Window, decode},
    segment::{Attempt, NotStructural},
};

/// Foreign ids that are told apart.
const MAX_FOREIGN: usize = 1 << 20;
/// So many records are looked at in full, and of those after them one in eight:
/// what is not found costs a little room, no more.
const MANY: u64 = 4096;
const ONE_IN: u64 = 8;
/// Kinds of arrays that are counted.
const MAX_ARRAYS: usize = 1 << 16;

/// What a survey found.
pub(crate) struct Surveyed {
    pub(crate) styles: Styles,
    pub(crate) pool: Pool,
    pub(crate) arrays: Arrays,
    pub(crate) hash_form: HashForm,
    pub(crate) samples: Samples,
    /// Of the file.
    pub(crate) length: u64,
}

/// The ids of a segment, all of them known.
pub(crate) struct Pool {
    pub(crate) ids: IdBuilder,
    lengths: [bool; Pool::LONGEST],
}

impl Pool {
    /// An op is hardly shorter than a shorter id.
    const SHORTEST: usize = 8;
    /// Longer ids are not looked for in records.
    const LONGEST: usize = 256;

    fn new(ids: IdBuilder) -> Pool {
        Pool {
            ids,
            lengths: [false; Pool::LONGEST],
        }
    }

    fn intern(&mut self, id: &[u8], expected: u32) -> Result<u32> {
        if let Some(known) = self.lengths.get_mut(id.len()) {
            *known = id.len() >= Pool::SHORTEST;
        }
        Ok(self.ids.intern(id, expected)?.0)
    }

    /// The row of `text`, if it is an id that records refer to by row.
    pub(crate) fn row_of(&self, text: &[u8]) -> Option<u32> {
        match self.lengths.get(text.len()) {
            Some(true) => self.ids.find(text),
            _ => None,
        }
    }
}

/// How often arrays of one length occur at one path.
#[derive(Debug, Default)]
pub(crate) struct Arrays(HashMap<(u64, usize), u32>);

impl Arrays {
    /// Fewer arrays than this are no plane.
    const FEWEST: u32 = 8;
    /// Shorter arrays are no rows.
    const SHORTEST: usize = 16;

    fn count(&mut self, path: u64, text: &[u8]) {
        let key = (path, elements(text));
        if key.1 >= Arrays::SHORTEST && (self.0.len() < MAX_ARRAYS || self.0.contains_key(&key)) {
            *self.0.entry(key).or_default() += 1;
        }
    }

    /// Whether any array is worth a plane.
    pub(crate) fn any_common(&self) -> bool {
        self.0.values().any(|count| *count >= Arrays::FEWEST)
    }

    /// Whether such arrays are worth a plane.
    pub(crate) fn is_common(&self, path: u64, text: &[u8]) -> bool {
        let count = self.0.get(&(path, elements(text)));
        count.is_some_and(|count| *count >= Arrays::FEWEST)
    }
}

/// Number of elements of an array of numbers.
fn elements(text: &[u8]) -> usize {
    text.iter().filter(|b| **b == b',').count() + 1
}

/// Looks at a file before it is packed.
pub(crate) struct Survey {
    walker: Walker,
    found: Found,
    /// The path of each collection's records, and the style of their text.
    places: Vec<(u64, u32)>,
    /// The row of the key that was met last.
    last_row: u32,
    samples: Samples,
}

/// What single values tell.
struct Found {
    pool: Pool,
    /// UUIDs that were no keys when they were met, and whether that was more
    /// than once.
    foreign: HashMap<u128, bool>,
    /// Those that were met twice, in that order.
    twice: Vec<[u8; 36]>,
    arrays: Arrays,
    hex: u64,
    base64: u64,
}

impl Survey {
    pub(crate) fn new(spills: &Path, style: JsonStyle, compression: Compression) -> Survey {
        Survey {
            walker: Walker::new(Styles::new(style)),
            found: Found {
                pool: Pool::new(IdBuilder::new(Spill::new(spills))),
                foreign: HashMap::new(),
                twice: Vec::new(),
                arrays: Arrays::default(),
                hex: 0,
                base64: 0,
            },
            places: Vec::new(),
            last_row: 0,
            samples: Samples::new(compression.samples()),
        }
    }

    /// Ends the survey of a file of `length` bytes: foreign ids join the pool
    /// after all keys.
    pub(crate) fn finish(self, length: u64) -> Result<Surveyed> {
        let mut found = self.found;
        for id in &found.twice {
            let next = found.pool.ids.len();
            match found.pool.intern(id, next) {
                // A full pool has done what it can.
                Err(Error::Limit { .. }) => break,
                other => other.map(drop)?,
            }
        }
        Ok(Surveyed {
            styles: self.walker.styles,
            pool: found.pool,
            arrays: found.arrays,
            hash_form: match found.base64 > found.hex {
                true => HashForm::Base64,
                false => HashForm::Hex,
            },
            samples: self.samples,
            length,
        })
    }
}

impl Records for Survey {
    fn collection(&mut self, place: Place) -> Attempt<u32> {
        let number = self.places.len();
        let parent = place
            .parent
            .as_ref()
            .map(|parent| parent.collection as usize);
        let around = parent.and_then(|number| self.places.get(number));
        let around = around.map_or(0, |place| place.0);
        self.places.push((place.path(around), place.style));
        Ok(u32::try_from(number).map_err(|_| NotStructural::TooLarge))
    }

    fn sequence(&mut self, _number: u64) {}

    fn wants(&self) -> Wanted {
        let met = self.samples.met();
        if self.samples.wants_next() {
            Wanted::Text
        } else if met < MANY || met.is_multiple_of(ONE_IN) {
            Wanted::Tokens
        } else {
            Wanted::Key
        }
    }

    fn skip(&mut self, collection: u32, key: Option<&[u8]>) -> Attempt<()> {
        self.begin(collection, key)
    }

    fn record(&mut self, collection: u32, key: Option<&[u8]>, text: Vec<u8>) -> Attempt<Vec<u8>> {
        if let Err(why) = self.begin(collection, key)? {
            return Ok(Err(why));
        }
        let place = self.places.get(collection as usize).copied();
        let (path, style) = place.unwrap_or_default();
        self.samples.take(Sample {
            row: key.map(|_| self.last_row),
            path,
            style,
            text: text.clone(),
        });
        let mut window = Window::over(text, Path::new("a record"));
        self.value(collection, &mut window, style)?;
        Ok(Ok(window.into_text()))
    }

    fn begin(&mut self, _collection: u32, key: Option<&[u8]>) -> Attempt<()> {
        self.samples.pass();
        let Some(key) = key else {
            return Ok(Ok(()));
        };
        let mut id = Vec::with_capacity(key.len());
        if decode(key, &mut id).is_err() {
            return Ok(Err(NotStructural::OddStrings));
        }
        let expected = self.found.pool.ids.len();
        match self.found.pool.intern(&id, expected) {
            Err(Error::Limit { .. }) => Ok(Err(NotStructural::TooLarge)),
            Err(e) => Err(e),
            Ok(row) => {
                self.last_row = row;
                Ok(Ok(()))
            }
        }
    }

    fn token(&mut self, _token: Token<'_>) -> Result<()> {
        Ok(())
    }

    fn value<R: std::io::Read>(
        &mut self,
        collection: u32,
        window: &mut Window<R>,
        style: u32,
    ) -> Result<()> {
        let place = self.places.get(collection as usize);
        let path = place.map_or(0, |place| place.0);
        self.walker.value(window, path, style, &mut self.found)
    }

    fn json(&mut self, head: &[u8]) -> Result<Option<u32>> {
        Ok(self.walker.styles.of_head(head))
    }

    fn style(&mut self, style: &JsonStyle) -> Option<u32> {
        self.walker.styles.that_prints_as(style)
    }

    fn document(&mut self, _style: u32) -> Result<()> {
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        Ok(())
    }

    fn map(&mut self, _collection: u32) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Visit for Found {
    fn open(&mut self, _bracket: u8) -> Result<()> {
        Ok(())
    }

    fn close(&mut self, _bracket: u8) -> Result<()> {
        Ok(())
    }

    fn between(&mut self, _byte: u8) -> Result<()> {
        Ok(())
    }

    fn string(&mut self, _token: &[u8], content: &[u8]) -> Result<()> {
        match content.len() {
            36 => {
                let id: Option<&[u8; 36]> = content.first_chunk();
                if let (Some(id), Some(bytes)) = (id, uuid::parse(content))
                    && self.pool.row_of(content).is_none()
                {
                    let number = u128::from_le_bytes(bytes);
                    if let Some(again) = self.foreign.get_mut(&number) {
                        if !std::mem::replace(again, true) {
                            self.twice.push(*id);
                        }
                    } else if self.foreign.len() < MAX_FOREIGN {
                        self.foreign.insert(number, false);
                    }
                }
            }
            64 if HashForm::Hex.parse(content).is_some() => self.hex += 1,
            44 if HashForm::Base64.parse(content).is_some() => self.base64 += 1,
            _ => {}
        }
        Ok(())
    }

    fn scalar(&mut self, _token: &[u8]) -> Result<()> {
        Ok(())
    }

    fn numbers(&mut self, text: &[u8], path: u64, _: &mut Styles, _: u32) -> Result<()> {
        self.arrays.count(path, text);
        Ok(())
    }

    fn json(&mut self, _style: u32) -> Result<()> {
        Ok(())
    }

    fn end_json(&mut self) -> Result<()> {
        Ok(())
    }
}
