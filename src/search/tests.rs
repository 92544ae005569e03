//! Searches of rows in memory, beside LlamaIndex's code as it stands.

use std::ops::{ControlFlow, Range};

use proptest::prelude::*;

use super::{
    Block, Candidates, Hit, Nearest, Part, Query, RowNumbers, Rows, Sketch, SketchBlock, Wanted,
    exact, heap, mmr, runs_between, runs_of, top_k,
};
use crate::{
    error::{Error, QueryError, Result},
    sketches,
};

/// The generator that made the recorded cases, too.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// From 0 to 1, with all bits of an `f64`.
    pub(crate) fn unit(&mut self) -> f64 {
        let high = self.below(1 << 31) as f64;
        (high + self.below(1 << 22) as f64 / f64::from(1_u32 << 22)) / f64::from(1_u32 << 31)
    }
}

/// A hash (FNV-1a of 64 bits, a number at a time).
pub(super) fn fnv(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, number| {
            (hash ^ number).wrapping_mul(0x0100_0000_01b3)
        })
}

/// Scores that are whole numbers below `distinct`, and one in `nans` NaN.
pub(super) fn scores(seed: u64, n: usize, distinct: usize, nans: usize) -> Vec<f64> {
    let mut random = Random(seed);
    let mut score = || match nans {
        1.. if random.below(nans) == 0 => f64::NAN,
        _ => random.below(distinct) as f64,
    };
    (0..n).map(|_| score()).collect()
}

/// Rows in memory.
#[derive(Debug, Clone, Default)]
struct Table {
    dim: usize,
    values: Vec<Vec<f64>>,
    nearest: Vec<f32>,
    norms: Vec<f64>,
    irregular: Vec<u32>,
    ids: Vec<String>,
    sequence: Vec<u64>,
    sketch: Option<TableSketch>,
}

/// The sketch of a table.
#[derive(Debug, Clone)]
pub(super) struct TableSketch {
    pub(super) mean: Vec<f32>,
    codes: Vec<i8>,
    numbers: Vec<[f32; 4]>,
}

impl TableSketch {
    pub(super) fn of(nearest: &[f32], norms: &[f64]) -> TableSketch {
        let (mean, codes, numbers) = sketches::of_rows(nearest, norms);
        TableSketch {
            mean,
            codes,
            numbers,
        }
    }
}

impl Sketch for TableSketch {
    fn mean(&self) -> Result<Vec<f32>> {
        Ok(self.mean.clone())
    }

    /// Five rows at a time.
    fn each_block(
        &self,
        runs: &[Range<u32>],
        each: &mut dyn FnMut(SketchBlock<'_>) -> ControlFlow<()>,
    ) -> Result<()> {
        let dim = self.mean.len();
        let blocks = runs
            .iter()
            .flat_map(|rows| rows.clone().step_by(5).map(move |first| (first, rows.end)));
        for (first, end) in blocks {
            let rows = first as usize..(first + 5).min(end) as usize;
            let next = each(SketchBlock {
                rows: RowNumbers::From(first),
                codes: &self.codes[rows.start * dim..rows.end * dim],
                numbers: &self.numbers[rows],
            });
            if next.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Table {
    fn push(&mut self, id: String, sequence: u64, values: Vec<f64>) {
        let row = self.values.len() as u32;
        let nearest = values.iter().map(|&x| x as f32);
        let odd = |(f, x): (f32, &f64)| !(f.is_normal() || f == 0.0 && *x == 0.0);
        let norm = exact::norm(&values);
        if nearest.clone().zip(&values).any(odd) || !exact::is_regular(norm) {
            self.irregular.push(row);
        }
        self.dim = values.len();
        self.nearest.extend(nearest);
        self.norms.push(norm);
        self.values.push(values);
        self.ids.push(id);
        self.sequence.push(sequence);
    }
}

impl Rows for Table {
    fn dim(&self) -> usize {
        self.dim
    }

    fn is_exact(&self) -> bool {
        let values = self.values.iter().flatten();
        values.zip(&self.nearest).all(|(x, f)| f64::from(*f) == *x)
    }

    /// Three rows at a time.
    fn each_block(
        &self,
        runs: &[Range<u32>],
        each: &mut dyn FnMut(Block<'_>) -> Result<()>,
    ) -> Result<()> {
        let blocks = runs
            .iter()
            .flat_map(|rows| rows.clone().step_by(3).map(move |first| (first, rows)));
        for (first, rows) in blocks {
            let rows = first as usize..(first + 3).min(rows.end) as usize;
            assert!(
                self.irregular
                    .iter()
                    .all(|&row| !rows.contains(&(row as usize)))
            );
            // Together or apart: that makes no difference.
            let together = &self.nearest[rows.start * self.dim..rows.end * self.dim];
            let apart: Vec<&[f32]> = together.chunks(self.dim).collect();
            let listed: Vec<u32> = rows.clone().map(|row| row as u32).collect();
            let (rows, nearest, norms) = match first % 2 {
                0 => (
                    RowNumbers::From(first),
                    Nearest::Together(together),
                    &self.norms[rows],
                ),
                _ => (
                    RowNumbers::Listed(&listed),
                    Nearest::Apart(&apart),
                    &self.norms[rows],
                ),
            };
            each(Block {
                rows,
                nearest,
                norms,
            })?;
        }
        Ok(())
    }

    fn sketch(&self) -> Option<&dyn Sketch> {
        self.sketch.as_ref().map(|sketch| sketch as &dyn Sketch)
    }

    fn values(&self, row: u32, values: &mut Vec<f64>) -> Result<f64> {
        values.clone_from(&self.values[row as usize]);
        Ok(self.norms[row as usize])
    }

    fn id(&self, row: u32, id: &mut Vec<u8>) -> Result<()> {
        *id = self.ids[row as usize].clone().into_bytes();
        Ok(())
    }

    fn sequence(&self, row: u32) -> Result<u64> {
        Ok(self.sequence[row as usize])
    }
}

/// `get_top_k_embeddings` and `get_top_k_mmr_embeddings`, on ids and vectors
/// in the order of the store.
pub(crate) mod llama_index {
    use super::*;

    type Answer = Vec<(String, f64)>;

    fn similarity(a: &[f64], b: &[f64]) -> f64 {
        exact::cosine(a, exact::norm(a), b, exact::norm(b))
    }

    /// `limit` is `usize::MAX` for all.
    pub(crate) fn top_k(rows: &[(String, Vec<f64>)], query: &[f64], limit: usize) -> Answer {
        let scores: Vec<f64> = rows.iter().map(|(_, row)| similarity(query, row)).collect();
        let mut heap = Vec::new();
        let mut less = |a: usize, b: usize| {
            Ok::<_, Error>(match scores[a] == scores[b] {
                true => rows[a].0 < rows[b].0,
                false => scores[a] < scores[b],
            })
        };
        for n in 0..rows.len() {
            heap::push(&mut heap, n, limit, &mut less).unwrap();
        }
        let sorted = heap::sorted(&heap, |&n| scores[n]).into_iter();
        sorted.map(|n| (rows[n].0.clone(), scores[n])).collect()
    }

    /// The error is the key of Python's `KeyError`.
    pub(crate) fn mmr(
        rows: &[(String, Vec<f64>)],
        query: &[f64],
        limit: usize,
        threshold: f64,
    ) -> Result<Answer, Option<String>> {
        let mut left: Vec<usize> = (0..rows.len()).collect();
        let to_query: Vec<f64> = rows.iter().map(|(_, row)| similarity(query, row)).collect();
        let (mut score, mut high) = (f64::NEG_INFINITY, None);
        for (n, similarity) in to_query.iter().enumerate() {
            if similarity * threshold > score {
                (score, high) = (similarity * threshold, Some(n));
            }
        }
        let mut results = Answer::new();
        while results.len() < limit.min(rows.len()) {
            let Some(recent) = high else {
                return Err(None);
            };
            let id = rows[recent].0.clone();
            let Some(at) = left.iter().position(|&n| n == recent) else {
                return Err(Some(id));
            };
            results.push((id, score));
            left.remove(at);
            score = f64::NEG_INFINITY;
            for &n in &left {
                let overlap = similarity(&rows[n].1, &rows[recent].1);
                let value = threshold * to_query[n] - (1.0 - threshold) * overlap;
                if value > score {
                    (score, high) = (value, Some(n));
                }
            }
        }
        Ok(results)
    }
}

/// A vector that is often equal or nearly equal to others, and sometimes odd.
fn vector(random: &mut Random, dim: usize, odd: usize) -> Vec<f64> {
    if odd > 0 && random.below(odd) == 0 {
        let component = [0.0, f64::NAN, 1e200, 1e-200, 1e-40, f64::INFINITY][random.below(6)];
        return vec![component; dim];
    }
    let mut seed = Random(random.below(12) as u64);
    let mut values: Vec<f64> = (0..dim).map(|_| seed.unit() - 0.5).collect();
    match random.below(5) {
        0 => values.iter_mut().for_each(|x| *x = f64::from(*x as f32)),
        1 => values[0] *= 1.0 + 1e-9 * random.unit(),
        2 => values.iter_mut().for_each(|x| *x *= 3.0),
        3 => values[0] += random.unit(),
        _ => {}
    }
    values
}

/// Rows in one to three parts, whose sequence numbers interleave; what of them
/// are candidates, in order.
fn tables(random: &mut Random, dim: usize, odd: usize) -> (Vec<Table>, Vec<Vec<u32>>) {
    let mut tables = vec![
        Table {
            dim,
            ..Table::default()
        };
        1 + random.below(3)
    ];
    for n in 0..random.below(90) {
        let table = random.below(tables.len());
        let id = format!("{}-{n}", random.below(1000));
        let values = vector(random, dim, odd);
        tables[table].push(id, n as u64, values);
    }
    // With a sketch or without: that makes no difference either.
    for table in &mut tables {
        let has_rows = !table.ids.is_empty();
        let sketch = || TableSketch::of(&table.nearest, &table.norms);
        table.sketch = (has_rows && random.below(3) > 0).then(sketch);
    }
    let all = random.below(2) == 0;
    let chosen = tables.iter().map(|table| {
        let rows = 0..table.ids.len() as u32;
        rows.filter(|_| all || random.below(3) > 0).collect()
    });
    let chosen = chosen.collect();
    (tables, chosen)
}

fn candidates<'a>(tables: &'a [Table], chosen: &[Vec<u32>]) -> Candidates<'a> {
    let parts = tables.iter().zip(chosen);
    let parts = parts.map(|(table, rows)| Part::new(table, &runs_of(rows), &table.irregular));
    Candidates::new(parts.collect())
}

/// The candidates' ids and vectors in the order of the store.
fn in_order(tables: &[Table], chosen: &[Vec<u32>]) -> Vec<(String, Vec<f64>)> {
    let mut rows = Vec::new();
    for (table, chosen) in tables.iter().zip(chosen) {
        let chosen = chosen.iter().map(|&row| row as usize);
        rows.extend(chosen.map(|row| (table.sequence[row], table, row)));
    }
    rows.sort_by_key(|(sequence, ..)| *sequence);
    let rows = rows.into_iter();
    rows.map(|(_, table, row)| (table.ids[row].clone(), table.values[row].clone()))
        .collect()
}

/// As text, since NaN is not equal to itself.
pub(crate) fn text(hits: &[Hit]) -> String {
    let hits: Vec<_> = hits.iter().map(|hit| (hit.id_text(), hit.score)).collect();
    format!("{hits:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_top_k_are_those_of_llama_index(seed: u64, dim in 1_usize..24, odd in 0_usize..40) {
        let mut random = Random(seed);
        let (tables, chosen) = tables(&mut random, dim, odd);
        let candidates = candidates(&tables, &chosen);
        let rows = in_order(&tables, &chosen);
        let wanted: Vec<Wanted> = (0..1 + random.below(6))
            .map(|_| Wanted {
                query: Query::new(&vector(&mut random, dim, 30)),
                limit: [0, 1, 2, 5, 10, 40, usize::MAX][random.below(7)],
            })
            .collect();
        let answers = top_k(&candidates, &wanted).unwrap();
        prop_assert_eq!(answers.len(), wanted.len());
        for (answer, wanted) in answers.iter().zip(&wanted) {
            let expected = llama_index::top_k(&rows, &wanted.query.values, wanted.limit);
            prop_assert_eq!(text(answer), format!("{expected:?}"));
        }
    }

    #[test]
    fn the_picks_of_mmr_are_those_of_llama_index(
        seed: u64,
        dim in 1_usize..24,
        odd in 0_usize..40,
        threshold in prop_oneof![
            3 => 0.0..=1.0,
            1 => prop::sample::select(vec![
                0.0, 0.5, 1.0, -1.0, 2.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN,
            ]),
        ],
    ) {
        let mut random = Random(seed);
        let (tables, chosen) = tables(&mut random, dim, odd);
        let candidates = candidates(&tables, &chosen);
        let rows = in_order(&tables, &chosen);
        prop_assume!(!rows.is_empty());
        let query = Query::new(&vector(&mut random, dim, 30));
        let limit = [0, 1, 2, 5, usize::MAX][random.below(5)];
        let expected = llama_index::mmr(&rows, &query.values, limit, threshold);
        match (mmr(&candidates, &query, threshold, limit), expected) {
            (Ok(hits), Ok(expected)) => prop_assert_eq!(text(&hits), format!("{expected:?}")),
            (Err(Error::Query(QueryError::NoPick)), Err(None)) => {}
            (Err(Error::Query(QueryError::NoFurtherPick { id })), Err(Some(key))) => {
                prop_assert_eq!(id, key.into_bytes());
            }
            (got, expected) => prop_assert!(false, "{got:?} {expected:?}"),
        }
    }

    #[test]
    fn runs_and_gaps_are_the_two_sides_of_a_list(numbers in prop::collection::btree_set(0_u32..60, 0..60)) {
        let numbers: Vec<u32> = numbers.into_iter().collect();
        let runs = runs_of(&numbers);
        prop_assert_eq!(&runs.iter().cloned().flatten().collect::<Vec<_>>(), &numbers);
        prop_assert!(runs.windows(2).all(|pair| pair[0].end < pair[1].start));
        let others = runs_between(&numbers, 60).into_iter().flatten();
        let others: Vec<u32> = others.collect();
        prop_assert_eq!(others, (0..60).filter(|n| !numbers.contains(n)).collect::<Vec<_>>());
    }
}

/// A scan that finds the best rows last keeps them all; one that finds them
/// first keeps few.
#[test]
fn a_scan_keeps_little_more_than_what_is_wanted() {
    let mut table = Table::default();
    for n in 0..1000_u32 {
        let angle = f64::from(n) / 1000.0;
        table.push(n.to_string(), u64::from(n), vec![angle.cos(), angle.sin()]);
    }
    for (query, limit) in [([1.0, 0.0], 40), ([0.0, 1.0], 1000)] {
        let query = Query::new(&query);
        let scaled = query.scaled.as_ref().unwrap();
        let run = 0..1000;
        let candidates = Candidates::new(vec![Part::new(&table, &[run], &[])]);
        let kept = super::top_k::keep(&candidates, &[(scaled, 10)]).unwrap();
        let rows = kept[0].all((scaled, 10)).unwrap().len();
        assert!((10..=limit).contains(&rows), "{rows}");
        assert_eq!(kept[0].leading(10).len(), 10);
    }
}
