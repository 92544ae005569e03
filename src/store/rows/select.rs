//! Which rows a query looks at: those of the ids and filters it names.

use super::Stack;
use crate::{
    columns::{Answer, Answers, BitSet, ColumnWalk, EntryValue, Found, Which},
    error::{Error, QueryError, Result},
    search::{
        FilterCondition, MetadataFilters,
        filters::{Predicate, Prepared, type_of},
    },
    segment::{Map, VectorSegment},
};

/// Where fewer than one in so many rows are to be filtered, they are looked at
/// one by one, and only their values.
const FEW: u32 = 16;

/// Which rows are looked at, before any filters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named<'a> {
    All,
    /// Those of these ids, where they have a vector.
    Ids(&'a [Vec<u8>]),
    /// Those that [`Stack::find_ids`] found in each segment.
    Found(&'a [BitSet]),
}

impl<'a> Named<'a> {
    /// What the `node_ids` of a query stand for.
    pub(crate) fn of(node_ids: Option<&'a [Vec<u8>]>) -> Named<'a> {
        node_ids.map_or(Named::All, Named::Ids)
    }
}

/// Rows that were chosen by ids and filters.
pub(super) struct Chosen {
    /// For each segment, ascending.
    pub(super) rows: Vec<Vec<u32>>,
    /// The sequence number of the first row of which the filters say an error,
    /// and that. Rows after it may be wrong.
    pub(super) refused: Option<(u64, Error)>,
}

/// What filters say of the rows of one segment.
struct Filtered {
    passed: BitSet,
    /// The first row of which they say an error.
    refused: Option<u32>,
}

impl Stack {
    /// The rows with a vector that a query looks at, ascending, for each
    /// segment; `None` where that is all of them that are not deleted. As
    /// `SimpleVectorStore.query`, it takes the rows of `node_ids` first
    /// (ids that are not there are passed over), then of these the ones whose
    /// metadata pass `filters`.
    ///
    /// # Errors
    /// [`QueryError::NoMetadata`]; of the first row in the order of the store
    /// for which there is an error: [`QueryError::NodeWithoutMetadata`],
    /// [`QueryError::MetadataNotAnObject`], [`QueryError::FilterType`].
    /// [`Error::Damaged`], [`Error::Io`].
    pub(crate) fn select(
        &self,
        filters: Option<&MetadataFilters>,
        named: Named<'_>,
    ) -> Result<Option<Vec<Vec<u32>>>> {
        if filters.is_some() && self.live(Map::Embeddings)? > 0 && self.live(Map::Metadata)? == 0 {
            return Err(Error::Query(QueryError::NoMetadata));
        }
        // Without a filter nothing is looked up, whatever the condition.
        let filters = filters.filter(|filters| !filters.filters.is_empty());
        if filters.is_none() && matches!(named, Named::All) {
            return Ok(None);
        }
        let chosen = self.choose(filters, named)?;
        match chosen.refused {
            Some((_, why)) => Err(why),
            None => Ok(Some(chosen.rows)),
        }
    }

    /// The rows that have a vector and one of these ids, and whose metadata
    /// pass the filters.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub(super) fn choose(
        &self,
        filters: Option<&MetadataFilters>,
        named: Named<'_>,
    ) -> Result<Chosen> {
        let filters = filters.filter(|filters| !filters.filters.is_empty());
        let prepared = filters.map(MetadataFilters::prepare);
        let mut others = Others::of(self);
        let mut chosen = Vec::with_capacity(self.segments().len());
        let mut refused: Option<(u64, usize, u32)> = None;
        for (n, segment) in self.segments().iter().enumerate() {
            let mut rows = self.named(n, segment, named)?;
            if let Some(prepared) = &prepared {
                let filtered = self.filtered(n, segment, prepared, rows, &mut others)?;
                if let Some(row) = filtered.refused {
                    let number = segment.sequence(Map::Embeddings).get(row)?;
                    let this = (number, n, row);
                    refused = Some(refused.map_or(this, |other| other.min(this)));
                }
                rows = filtered.passed;
            }
            chosen.push(rows.to_list());
        }
        let refused = match (refused, &prepared) {
            (Some((number, n, row)), Some(prepared)) => {
                Some((number, self.why(n, row, prepared, &mut others)))
            }
            _ => None,
        };
        Ok(Chosen {
            rows: chosen,
            refused,
        })
    }

    /// The rows that have a vector and one of these ids, in each segment; `None`
    /// where those are all.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub(crate) fn find_ids(&self, ids: &[Vec<u8>]) -> Result<Option<Vec<BitSet>>> {
        let segments = self.segments().iter().enumerate();
        let found = segments.map(|(n, segment)| self.named(n, segment, Named::Ids(ids)));
        let found: Vec<BitSet> = found.collect::<Result<_>>()?;
        let count: u64 = found.iter().map(|rows| u64::from(rows.len())).sum();
        Ok((count < self.live(Map::Embeddings)?).then_some(found))
    }

    /// The live rows of a segment that have a vector and are looked at.
    fn named(&self, n: usize, segment: &VectorSegment, named: Named<'_>) -> Result<BitSet> {
        let ids = match named {
            Named::Found(found) => {
                let found = found.get(n).cloned();
                return Ok(found.unwrap_or_else(|| BitSet::empty(segment.vectors())));
            }
            // Vectors are in the order of their rows.
            Named::All => return self.live_set(n, Map::Embeddings),
            Named::Ids(ids) => ids,
        };
        let live = self.live_set(n, Map::Embeddings)?;
        let mut named = BitSet::empty(segment.vectors());
        for id in ids {
            let row = segment.row_of(id)?;
            if let Some(row) = row.filter(|&row| live.contains(row)) {
                named.insert(row);
            }
        }
        Ok(named)
    }

    /// Applies filters to `rows` of segment number `n`.
    fn filtered(
        &self,
        n: usize,
        segment: &VectorSegment,
        prepared: &Prepared<'_>,
        rows: BitSet,
        others: &mut Others<'_>,
    ) -> Result<Filtered> {
        let (own, answers) = self.own_metadata(n, segment, prepared, &rows)?;
        let mut passed = answers.yes;
        passed.keep(&rows);
        let mut unfit = answers.unfit;
        unfit.keep(&rows);
        let mut refused = unfit.iter().next();
        let mut elsewhere = rows;
        elsewhere.drop_all(&own);
        for row in elsewhere.iter() {
            if refused.is_some_and(|refused| refused < row) {
                break;
            }
            match self.passes(n, row, prepared, others) {
                Ok(true) => passed.insert(row),
                Ok(false) => {}
                Err(Error::Query(_)) => {
                    refused = Some(row);
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(Filtered { passed, refused })
    }

    /// Which of `rows` have their metadata in the same segment, and what the
    /// filters say of those.
    fn own_metadata(
        &self,
        n: usize,
        segment: &VectorSegment,
        prepared: &Prepared<'_>,
        rows: &BitSet,
    ) -> Result<(BitSet, Answers)> {
        let bound = segment.vectors();
        let mut own = BitSet::empty(bound);
        let mut answers = Answers {
            yes: BitSet::empty(bound),
            unfit: BitSet::empty(bound),
        };
        if segment.entries(Map::Metadata) == 0 || rows.is_empty() {
            return Ok((own, answers));
        }
        let mut live = self.live_set(n, Map::Metadata)?;
        if rows.len() < bound / FEW {
            let mut pairs = Vec::new();
            for row in rows.iter() {
                let entry = segment.row_entry(Map::Metadata, row)?;
                pairs.extend(entry.filter(|&e| live.contains(e)).map(|e| (e, row)));
            }
            pairs.sort_unstable();
            let entries: Vec<u32> = pairs.iter().map(|(entry, _)| *entry).collect();
            let found = answers_of(segment, prepared, Which::Only(&entries))?;
            for (entry, row) in pairs {
                own.insert(row);
                copy(&found, entry, &mut answers, row);
            }
            return Ok((own, answers));
        }
        let mut found = answers_of(segment, prepared, Which::All)?;
        if segment.order(Map::Metadata).is_by_row() {
            for set in [&mut live, &mut found.yes, &mut found.unfit] {
                set.set_bound(bound);
            }
            found.yes.keep(&live);
            found.unfit.keep(&live);
            return Ok((live, found));
        }
        segment.order(Map::Metadata).each(|entry, row| {
            if row < bound && live.contains(entry) {
                own.insert(row);
                copy(&found, entry, &mut answers, row);
            }
        })?;
        Ok((own, answers))
    }

    /// Whether a row of segment number `n` passes, by looking at its own
    /// metadata only.
    fn passes(
        &self,
        n: usize,
        row: u32,
        prepared: &Prepared<'_>,
        others: &mut Others<'_>,
    ) -> Result<bool> {
        let Some(segment) = self.segments().get(n) else {
            return Ok(false);
        };
        let own = segment.row_entry(Map::Metadata, row)?;
        let own = match own {
            Some(entry) if self.is_live(n, Map::Metadata, entry)? => Some((n, entry)),
            _ => None,
        };
        let place = match own {
            Some(own) => Some(own),
            None => {
                let found = self.find_number(Map::Metadata, &segment.id(row)?)?;
                found.map(|found| (found.segment, found.entry))
            }
        };
        let Some((n, entry)) = place else {
            let id = segment.id(row)?;
            return Err(Error::Query(QueryError::NodeWithoutMetadata { id }));
        };
        let metadata = others.metadata(n, entry)?;
        let passes = prepared.matches(&mut |key| {
            Ok(match metadata.find(key) {
                Found::Value(value) => Ok(Some(value.into_owned())),
                Found::Absent => Ok(None),
                Found::NoObject(text) => Err(type_of(text)),
            })
        })?;
        match passes {
            Ok(passes) => Ok(passes),
            Err(unfit) => Err(prepared.error(unfit, &segment.id(row)?)),
        }
    }

    /// The error of a row for which the filters have one.
    fn why(&self, n: usize, row: u32, prepared: &Prepared<'_>, others: &mut Others<'_>) -> Error {
        match (
            self.passes(n, row, prepared, others),
            self.segments().get(n),
        ) {
            (Err(why), _) => why,
            // The file says something else than it said before.
            (Ok(_), segment) => match segment.map(|segment| segment.refuse("metadata of a row")) {
                Some(e) => e,
                None => Error::Query(QueryError::NoMetadata),
            },
        }
    }
}

/// What all filters together say of the metadata entries of a segment.
fn answers_of(
    segment: &VectorSegment,
    prepared: &Prepared<'_>,
    which: Which<'_>,
) -> Result<Answers> {
    let columns = segment.columns()?;
    let bound = segment.entries(Map::Metadata);
    let mut unfit = BitSet::empty(bound);
    let mut yes = match prepared.condition {
        FilterCondition::And => BitSet::full(bound),
        FilterCondition::Or | FilterCondition::Not => BitSet::empty(bound),
    };
    for predicate in &prepared.predicates {
        let answers = columns.ask(predicate.key(), which, &mut |found| judge(predicate, found))?;
        unfit.add_all(&answers.unfit);
        match prepared.condition {
            FilterCondition::And => yes.keep(&answers.yes),
            FilterCondition::Or | FilterCondition::Not => yes.add_all(&answers.yes),
        }
    }
    if prepared.condition == FilterCondition::Not {
        yes = yes.complement();
    }
    Ok(Answers { yes, unfit })
}

fn judge(predicate: &Predicate<'_>, found: Found<'_>) -> Answer {
    let met = match &found {
        Found::Value(value) => predicate.is_met(Some(value)),
        Found::Absent => predicate.is_met(None),
        Found::NoObject(_) => return Answer::Unfit,
    };
    match met {
        Ok(true) => Answer::Yes,
        Ok(false) => Answer::No,
        Err(_) => Answer::Unfit,
    }
}

/// Takes over the answer about an entry as that about its row.
fn copy(of_entries: &Answers, entry: u32, of_rows: &mut Answers, row: u32) {
    for (from, to) in [
        (&of_entries.yes, &mut of_rows.yes),
        (&of_entries.unfit, &mut of_rows.unfit),
    ] {
        if from.contains(entry) {
            to.insert(row);
        }
    }
}

/// Metadata that are looked at one by one.
struct Others<'s> {
    store: &'s Stack,
    /// For each segment, from its first use on.
    walks: Vec<Option<ColumnWalk<'s>>>,
}

impl<'s> Others<'s> {
    fn of(store: &'s Stack) -> Others<'s> {
        Others {
            store,
            walks: store.segments().iter().map(|_| None).collect(),
        }
    }

    /// The metadata of an entry of segment number `n`.
    fn metadata(&mut self, n: usize, entry: u32) -> Result<EntryValue> {
        let (Some(segment), Some(walk)) = (self.store.segments().get(n), self.walks.get_mut(n))
        else {
            return Ok(EntryValue::Object(Vec::new()));
        };
        match walk {
            Some(walk) => walk.metadata(entry),
            None => walk.insert(segment.columns()?.walk()).metadata(entry),
        }
    }
}

#[cfg(test)]
mod tests;
