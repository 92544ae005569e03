//! Reading oddments: tokens that the style does not print back.

use super::{
    VectorSegment,
    format::{Map, Oddment, Part},
};
use crate::{
    container::{SectionKind, codec},
    error::{Fault, Result},
};

impl VectorSegment {
    /// Tokens that the style does not print back, sorted by place.
    pub(crate) fn oddments(&self) -> Result<Vec<Oddment>> {
        let Some(span) = self.file.section(SectionKind::ODDMENTS) else {
            return Ok(Vec::new());
        };
        let bytes = self.file.read(span, 0..span.len())?;
        let oddments: Vec<Oddment> =
            codec::decode(&bytes).map_err(|fault| self.file.damaged(span, 0, fault))?;
        let sound = |o: &Oddment| {
            o.entry < self.entries(o.map) && (o.part == Part::Key || o.map == Map::RefDocs)
        };
        // Strictly rising: two for one place would leave the second unread.
        let rising = oddments.is_sorted_by(|a, b| a.place() < b.place());
        if oddments.is_empty() || !rising || !oddments.iter().all(sound) {
            return Err(self.file.damaged(span, 0, Fault::Layout));
        }
        Ok(oddments)
    }
}

/// Walks over oddments beside the entries they belong to.
pub(crate) struct OddmentWalk {
    oddments: std::iter::Peekable<std::vec::IntoIter<Oddment>>,
}

impl OddmentWalk {
    /// Oddments of one map, in order.
    pub(crate) fn of(map: Map, oddments: &[Oddment]) -> OddmentWalk {
        let own = oddments.iter().filter(|o| o.map == map).cloned();
        OddmentWalk {
            oddments: own.collect::<Vec<_>>().into_iter().peekable(),
        }
    }

    /// The token for `part` of `entry`, where it is not the style's. Entries
    /// must be asked for in order, a key before its value; some may be left
    /// out.
    pub(crate) fn next(&mut self, entry: u32, part: Part) -> Option<Vec<u8>> {
        let before = |o: &Oddment| (o.entry, o.part) < (entry, part);
        while self.oddments.next_if(before).is_some() {}
        let here = |o: &Oddment| o.entry == entry && o.part == part;
        self.oddments.next_if(here).map(|o| o.text)
    }
}
