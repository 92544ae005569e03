//! The rows that decide the answer to a query.
//!
//! The Python package has the installed release of LlamaIndex answer queries. It needs
//! only these rows for that, and they must be such that it also meets every error that
//! it would meet with all of them.

use super::{
    Kind, Selection, VectorStore,
    query::MMR_THRESHOLD,
    records,
    rows::{self, Selected},
    selection::Found,
};
use crate::{
    error::{Error, Result},
    search::{
        Candidates, Query, RowRef, Rows, VectorStoreQuery, VectorStoreQueryMode, Wanted,
        deciding_picks, deciding_rows, deciding_scores, exact,
    },
    store::{Named, RecordStore},
};

/// Rows of a vector store, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChosenRows {
    /// The id of each: UTF-8, or WTF-8 with lone surrogates.
    pub ids: Vec<Vec<u8>>,
    /// The true `f64` values of all, row after row.
    pub values: Vec<f64>,
    /// Components of each.
    pub lens: Vec<usize>,
}

impl ChosenRows {
    fn push(&mut self, id: Vec<u8>, row: &[f64]) {
        self.ids.push(id);
        self.values.extend_from_slice(row);
        self.lens.push(row.len());
    }

    /// Components of each row, if all have as many; `None` without rows.
    #[must_use]
    pub fn dim(&self) -> Option<usize> {
        let first = *self.lens.first()?;
        self.lens.iter().all(|&len| len == first).then_some(first)
    }

    /// The values of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        let mut rest = self.values.as_slice();
        self.lens.iter().map_while(move |&len| {
            let (row, after) = rest.split_at_checked(len)?;
            rest = after;
            Some(row)
        })
    }
}

/// What is asked of the rows that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    All,
    Deciding,
}

impl VectorStore {
    /// All rows that a query looks at, whatever its mode and embedding: those of its
    /// `node_ids` whose metadata pass its filters. `selection` stands for `node_ids`
    /// that were found before. Their values are copied: of 50,000 rows of 1536
    /// components, 600 MB.
    ///
    /// # Errors
    /// [`Error::Query`] where filters do not fit, or a vector is no list of numbers;
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn selected_rows(
        &self,
        query: &VectorStoreQuery,
        selection: Option<&Selection>,
    ) -> Result<ChosenRows> {
        self.chosen_rows(query, selection, Asked::All)
    }

    /// Those of [`selected_rows`](Self::selected_rows) that decide the answer: with them
    /// alone, in this order, and without filters and `node_ids`,
    /// `SimpleVectorStore.query` answers what it would answer with all, or raises what
    /// it would raise. Which those are depends on the mode:
    ///
    /// * default: as many as are wanted, and some more where scores are equal or nearly
    ///   so; all where so many are wanted, and where a score is NaN or a norm outside
    ///   of `[2^-60, 2^60]`;
    /// * mmr: those that are picked (with [`VectorStoreQuery::mmr_threshold`]), and rows of
    ///   the same values; all where rounding decides between rows of other values;
    /// * svm, and its aliases: all;
    /// * a mode that LlamaIndex refuses: none.
    ///
    /// # Errors
    /// As [`selected_rows`](Self::selected_rows).
    pub fn deciding_rows(
        &self,
        query: &VectorStoreQuery,
        selection: Option<&Selection>,
    ) -> Result<ChosenRows> {
        self.chosen_rows(query, selection, Asked::Deciding)
    }

    fn chosen_rows(
        &self,
        query: &VectorStoreQuery,
        selection: Option<&Selection>,
        asked: Asked,
    ) -> Result<ChosenRows> {
        match &self.kind {
            Kind::Rows(store) => {
                let named = selection.map(Named::from);
                let named = named.unwrap_or_else(|| Named::of(query.node_ids.as_deref()));
                let selected = rows::select(store, query, named)?;
                from_rows(&selected, query, asked)
            }
            Kind::Records(store) => from_records(store, query, selection, asked),
        }
    }
}

/// What decides in a mode.
enum Way {
    None,
    All,
    Largest,
    Picks,
}

impl Way {
    fn of(mode: VectorStoreQueryMode, asked: Asked) -> Way {
        match mode {
            _ if asked == Asked::All => Way::All,
            VectorStoreQueryMode::Default => Way::Largest,
            VectorStoreQueryMode::Mmr => Way::Picks,
            VectorStoreQueryMode::Svm
            | VectorStoreQueryMode::LinearRegression
            | VectorStoreQueryMode::LogisticRegression => Way::All,
            _ => Way::None,
        }
    }
}

fn from_rows(
    selected: &[Selected<'_>],
    query: &VectorStoreQuery,
    asked: Asked,
) -> Result<ChosenRows> {
    let candidates = rows::candidates(selected);
    let first = || Ok::<_, Error>(candidates.first()?.into_iter().collect());
    let is_ragged = selected.iter().any(|part| part.dim() != candidates.dim());
    let embedding = query.query_embedding.as_deref();
    let fits = |row: &&Selected<'_>| embedding.is_some_and(|it| it.len() == row.dim());
    let wanted = || Wanted {
        query: Query::new(embedding.unwrap_or_default()),
        limit: query.limit(),
    };
    let rows = match Way::of(query.mode, asked) {
        Way::None => Vec::new(),
        Way::All => candidates.in_order()?,
        // LlamaIndex looks at the lengths of all.
        Way::Largest if is_ragged => candidates.in_order()?,
        Way::Largest if selected.iter().any(|part| !fits(&part)) => first()?,
        Way::Largest => deciding_rows(&candidates, &wanted())?,
        Way::Picks if is_ragged => candidates.in_order()?,
        Way::Picks if selected.iter().any(|part| !fits(&part)) => first()?,
        Way::Picks => {
            let threshold = query.mmr_threshold.unwrap_or(MMR_THRESHOLD);
            deciding_picks(&candidates, &wanted(), threshold)?
        }
    };
    copy(&candidates, &rows)
}

fn copy(candidates: &Candidates<'_>, rows: &[RowRef]) -> Result<ChosenRows> {
    let mut chosen = ChosenRows::default();
    let mut values = Vec::new();
    for row in rows {
        candidates.values(*row, &mut values)?;
        if chosen.ids.is_empty() {
            chosen
                .values
                .reserve(rows.len().saturating_mul(values.len()));
        }
        chosen.push(candidates.id(*row)?, &values);
    }
    Ok(chosen)
}

fn from_records(
    store: &RecordStore,
    query: &VectorStoreQuery,
    selection: Option<&Selection>,
    asked: Asked,
) -> Result<ChosenRows> {
    let ids = match selection.map(|selection| &selection.found) {
        Some(Found::Ids(ids)) => records::select(store, query, Some(&|id| ids.contains(id)))?,
        Some(_) => records::select(store, query, None)?,
        None => records::select_named(store, query)?,
    };
    let way = Way::of(query.mode, asked);
    let numbers = match way {
        Way::None => Vec::new(),
        Way::All | Way::Picks => (0..ids.len()).collect(),
        Way::Largest => largest_of_records(store, query, &ids)?,
    };
    let mut chosen = ChosenRows::default();
    let wanted = numbers.iter().filter_map(|&number| ids.get(number));
    let wanted: Vec<Vec<u8>> = wanted.cloned().collect();
    records::each_vector(store, &wanted, &mut |number, vector| {
        let id = wanted.get(number).cloned();
        chosen.push(id.unwrap_or_default(), vector);
        Ok(())
    })?;
    Ok(chosen)
}

/// The numbers of the ids whose vectors decide which are the largest cosines.
fn largest_of_records(
    store: &RecordStore,
    query: &VectorStoreQuery,
    ids: &[Vec<u8>],
) -> Result<Vec<usize>> {
    let embedding = query.query_embedding.as_deref();
    let norm_of_query = exact::norm(embedding.unwrap_or_default());
    let mut scores = Vec::with_capacity(ids.len());
    let mut dim = None;
    let (mut is_ragged, mut is_regular) = (false, exact::is_regular(norm_of_query));
    records::each_vector(store, ids, &mut |_, vector| {
        is_ragged |= *dim.get_or_insert(vector.len()) != vector.len();
        let norm = exact::norm(vector);
        is_regular &= exact::is_regular(norm);
        let embedding = embedding.unwrap_or_default();
        scores.push(exact::cosine(embedding, norm_of_query, vector, norm));
        Ok(())
    })?;
    let dim = dim.unwrap_or_default();
    Ok(if is_ragged {
        (0..ids.len()).collect()
    } else if embedding.is_none_or(|embedding| embedding.len() != dim) {
        (0..ids.len().min(1)).collect()
    } else if !is_regular && query.limit() > 0 {
        (0..ids.len()).collect()
    } else {
        deciding_scores(&scores, query.limit(), dim)
    })
}
