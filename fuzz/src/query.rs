//! Queries. Over files that were changed behind their checksums: an answer or an
//! error, under both backends the same. Over sound stores: the answer that looking
//! at every row gives.

use std::sync::Arc;

use twinstore::{
    Error,
    container::{Container, FileKind},
    search::{Hit, VectorStoreQuery, VectorStoreQueryMode},
    store::{NewVector, RecordStore, RowStore, VectorStore},
};

use super::{
    bases::bases_of,
    choices::Choices,
    naive::{self, Known},
    plain::{self, Filters, Plain},
    reading::{Log, changed, files_of, is_file, kind_of, same_under_both_backends, unpacked_len},
    stacked::{self, DIM, IDS},
};

/// Records are asked where their blocks unpack to no more than this.
const PACKED: u64 = 16 << 10;
/// Queries of a file have no more components than this, whatever it says.
const LONGEST: usize = 1024;

/// Takes `data` as queries, and as a store or changes to one; as a store's file where
/// it begins as all of ours do.
pub fn run(data: &[u8]) {
    if is_file(data) {
        if let Some(kind @ (FileKind::Vectors | FileKind::Records)) = kind_of(data) {
            for bytes in files_of(data, kind) {
                of_one_file(kind, &bytes);
            }
        }
        return;
    }
    let mut choices = Choices::new(data);
    let one_of = |kind, choices: &mut _| {
        of_one_file(kind, &changed(choices, bases_of(kind)).assemble().0);
    };
    match choices.of(4) {
        0 => of_changed_rows(&mut choices),
        1 => one_of(FileKind::Vectors, &mut choices),
        2 => one_of(FileKind::Records, &mut choices),
        _ => of_sound_store(&mut choices),
    }
}

/// A query, and what of it the library does not tell again.
struct Asked {
    query: VectorStoreQuery,
    filters: Option<Filters>,
    limit: usize,
    threshold: f64,
}

impl Asked {
    fn chosen(choices: &mut Choices<'_>, dim: usize, ids: &[&str]) -> Asked {
        let embedding = vector(choices, dim);
        let limit = choices.of(6);
        let mut query = VectorStoreQuery::new(&embedding).top_k(limit);
        if choices.once_in(3) {
            let some = 0..choices.of(6);
            query = query.node_ids(some.map(|_| choices.pick(ids)).collect::<Vec<_>>());
        }
        let threshold = choices.pick(&[0.5, 1.0, 0.0, 0.7, 0.01, 2.0]);
        if choices.once_in(3) {
            let mode = VectorStoreQueryMode::Mmr;
            query = query.mode(mode).mmr_threshold(threshold);
        }
        let filters = choices.once_in(3).then(|| Filters::chosen(choices));
        if let Some(filters) = &filters {
            query = query.filters(filters.of_store());
        }
        Asked {
            query,
            filters,
            limit,
            threshold,
        }
    }
}

/// A vector that is often equal, or nearly equal, to another.
fn vector(choices: &mut Choices<'_>, dim: usize) -> Vec<f64> {
    let mut seed = u64::from(choices.byte() % 16);
    let class = choices.of(12);
    let component = |_| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut values: Vec<f64> = (0..dim).map(component).collect();
    match class {
        0..=3 => values.iter_mut().for_each(|x| *x = f64::from(*x as f32)),
        4 => values[0] *= 1.0 + 1e-9 * f64::from(choices.byte()),
        5 => values.iter_mut().for_each(|x| *x = (*x * 10.0).round()),
        6 => values.iter_mut().for_each(|x| *x *= 3.0),
        7 => {
            values = vec![choices.pick(&[0.0, f64::NAN, 1e200, 1e-200, 1e-40, f64::INFINITY]); dim]
        }
        _ => {}
    }
    values
}

/// The only file of a store. It is asked the same queries each time, since a whole file has
/// no room for choices.
fn of_one_file(kind: FileKind, bytes: &[u8]) {
    same_under_both_backends(&[(kind, bytes)], |files, log| {
        let Some(store) = opened(kind, files, log) else {
            return;
        };
        let dim = log.note(store.dim()).flatten().unwrap_or(DIM);
        let ids = some_ids(&store, log);
        let ids: Vec<&str> = ids.iter().map(String::as_str).chain(IDS).collect();
        for query in 0..8 {
            let bytes: Vec<u8> = (0..=255).map(|n: u8| n.wrapping_mul(7) ^ query).collect();
            let mut choices = Choices::new(&bytes);
            let mut chosen = || Asked::chosen(&mut choices, dim.clamp(1, LONGEST), &ids);
            ask(&store, &chosen(), &chosen(), log);
        }
    });
}

/// The first ids that are text.
fn some_ids(store: &VectorStore, log: &mut Log) -> Vec<String> {
    let mut ids = Vec::new();
    let each = store.each_id(&mut |id| {
        if ids.len() < IDS.len() {
            ids.extend(String::from_utf8(id.to_vec()));
        }
        Ok(())
    });
    log.note(each);
    ids
}

fn opened(kind: FileKind, files: Vec<Arc<Container>>, log: &mut Log) -> Option<VectorStore> {
    if kind == FileKind::Vectors {
        return log.opened(RowStore::open(files)).map(VectorStore::rows);
    }
    let packed = files.iter().map(|file| unpacked_len(file));
    let is_small = packed.fold(0, u64::saturating_add) <= PACKED;
    let records = log.opened(RecordStore::open(files))?;
    is_small.then(|| VectorStore::records(records))
}

fn ask(store: &VectorStore, first: &Asked, second: &Asked, log: &mut Log) {
    log.note(store.query(&first.query));
    log.note(store.query_batch(&[second.query.clone(), first.query.clone()]));
    log.note(store.selected_rows(&second.query, None).map(|_| ()));
}

fn of_changed_rows(choices: &mut Choices<'_>) {
    let is_retargeted = !choices.once_in(8);
    let asked = Asked::chosen(choices, DIM, &IDS);
    let other = Asked::chosen(choices, DIM, &IDS);
    let files = stacked::changed(choices, stacked::vectors(), is_retargeted);
    let files: Vec<_> = files
        .iter()
        .map(|(kind, b)| (*kind, b.as_slice()))
        .collect();
    same_under_both_backends(&files, |files, log| {
        if let Some(store) = opened(FileKind::Vectors, files, log) {
            ask(&store, &asked, &other, log);
        }
    });
}

/// A row of the model.
struct Row {
    id: &'static str,
    vector: Vec<f64>,
    metadata: Vec<(String, Plain)>,
}

fn of_sound_store(choices: &mut Choices<'_>) {
    let dim = choices.pick(&[4, 1, 2, 3, 8, 17]);
    let mut store = VectorStore::empty();
    let mut rows: Vec<Row> = Vec::new();
    for _ in 0..1 + choices.of(4) {
        let mut new = Vec::new();
        for _ in 0..choices.of(8) {
            let id = choices.pick(&NAMES);
            let row = Row {
                id,
                vector: vector(choices, dim),
                metadata: plain::members(choices, 1),
            };
            let mut metadata = String::new();
            Plain::Dict(row.metadata.clone()).json(&mut metadata);
            new.push(NewVector {
                id: id.as_bytes().to_vec(),
                embedding: row.vector.clone(),
                ref_doc_id: None,
                metadata: metadata.into_bytes(),
            });
            match rows.iter_mut().find(|old| old.id == id) {
                Some(old) => *old = row,
                None => rows.push(row),
            }
        }
        store.add(new).unwrap();
        assert_eq!(store.len().unwrap(), rows.len() as u64);
        if choices.once_in(3) && !rows.is_empty() {
            let gone = rows.remove(choices.of(rows.len()));
            let ids = [gone.id.as_bytes().to_vec()];
            assert_eq!(store.delete_nodes(Some(&ids), None).unwrap(), 1);
        }
    }
    for _ in 0..1 + choices.of(3) {
        compare(&store, &rows, &Asked::chosen(choices, dim, &NAMES));
    }
}

const NAMES: [&str; 12] = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "ab",
    "ä",
    "\u{ffff}",
    "\u{10000}",
    "",
];

fn compare(store: &VectorStore, rows: &[Row], asked: &Asked) {
    let answer = store.query(&asked.query);
    let mut chosen = Vec::new();
    for row in rows {
        let named = asked.query.node_ids.as_ref();
        let is_named = named.is_none_or(|ids| ids.iter().any(|id| id == row.id.as_bytes()));
        match asked
            .filters
            .as_ref()
            .map(|filters| filters.pass(&row.metadata))
        {
            // Filters are asked of what is named.
            Some(Err(plain::TypeError)) if is_named => {
                assert!(matches!(answer, Err(Error::Query(_))), "{answer:?}");
                return;
            }
            Some(Ok(false)) => {}
            _ if is_named => chosen.push((row.id.as_bytes(), row.vector.as_slice())),
            _ => {}
        }
    }
    let embedding = asked.query.query_embedding.as_deref().unwrap();
    let known = match asked.query.mode {
        VectorStoreQueryMode::Mmr => naive::mmr(&chosen, embedding, asked.limit, asked.threshold),
        _ => naive::top_k(&chosen, embedding, asked.limit),
    };
    match known {
        Known::Answer(expected) => exact(&answer.unwrap(), &expected),
        Known::Undecided => plausible(answer, &chosen, embedding, asked),
    }
}

fn exact(hits: &[Hit], expected: &naive::Answer) {
    let ids: Vec<_> = hits.iter().map(Hit::id_text).collect();
    let names: Vec<_> = expected
        .iter()
        .map(|(id, _)| String::from_utf8_lossy(id))
        .collect();
    assert_eq!(ids, names);
    for (hit, (_, score)) in hits.iter().zip(expected) {
        assert!(
            (hit.score - score).abs() <= naive::NEAR * 4.0,
            "{hit:?} and not {score}"
        );
    }
}

/// What holds of an answer that rounding decides.
fn plausible(
    answer: Result<Vec<Hit>, Error>,
    rows: &naive::Rows<'_>,
    embedding: &[f64],
    asked: &Asked,
) {
    let is_mmr = asked.query.mode == VectorStoreQueryMode::Mmr;
    let hits = match answer {
        Ok(hits) => hits,
        // There is no row to pick where no score is a number.
        Err(Error::Query(_)) if is_mmr => return,
        Err(e) => panic!("{e}"),
    };
    let wanted = if asked.limit == 0 {
        rows.len()
    } else {
        asked.limit.min(rows.len())
    };
    assert_eq!(hits.len(), wanted);
    for (n, hit) in hits.iter().enumerate() {
        let row = rows.iter().find(|(id, _)| *id == hit.id);
        let (_, vector) = row.unwrap_or_else(|| panic!("{hit:?} was not asked for"));
        assert!(
            hits[..n].iter().all(|other| other.id != hit.id),
            "{hit:?} twice"
        );
        let score = naive::cosine(embedding, vector);
        let is_far = (hit.score - score).abs() > naive::NEAR;
        // Sums of large or small squares are rounded otherwise, or overflow.
        let is_plain = |x: &f64| *x == 0.0 || (1e-30..1e30).contains(&x.abs());
        let are_plain = vector.iter().chain(embedding).all(is_plain);
        assert!(is_mmr || !are_plain || !is_far, "{hit:?} and not {score}");
    }
}
