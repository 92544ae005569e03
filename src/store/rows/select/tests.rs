//! Whatever files a store is made of, its selection is that of LlamaIndex's
//! loop over a dict.

use std::{collections::HashMap, path::Path, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    bytes::Backend,
    container::{Container, Expected, FileKind, OpenOptions},
    error::ValueType,
    json::{JsonStyle, Members, decode, normalise},
    search::{FilterOperator, MetadataFilter},
    segment::{TombstoneWriter, VectorWriter},
    store::RowStore,
    testing::{fault, temp},
};

const BACKENDS: [Backend; 2] = [Backend::Map, Backend::Read];

/// One segment: vectors and metadata as id, text and sequence number, and the
/// places of those that are deleted.
#[derive(Debug, Clone, Default)]
struct Part {
    vectors: Vec<(String, u64)>,
    metadata: Vec<(String, String)>,
    dead_vectors: Vec<u32>,
    dead_metadata: Vec<u32>,
}

fn open(path: &Path, kind: FileKind, backend: Backend) -> Arc<Container> {
    let options = OpenOptions {
        backend,
        ..OpenOptions::default()
    };
    Arc::new(Container::open(path, kind, Expected::Any, &options).unwrap())
}

fn store(parts: &[Part], dir: &Path, backend: Backend) -> RowStore {
    let mut tombstones = TombstoneWriter::create(&dir.join("dead")).unwrap();
    let mut files = Vec::new();
    let mut dead = false;
    for (n, part) in parts.iter().enumerate() {
        let path = dir.join(n.to_string());
        let mut writer = VectorWriter::create(&path, dir, JsonStyle::python()).unwrap();
        for (id, sequence) in &part.vectors {
            let key = format!("{id:?}");
            let sequence = Some(*sequence);
            let pushed = writer.push_with(Map::Embeddings, key.as_bytes(), b"[0.5]", sequence);
            pushed.unwrap().unwrap();
        }
        for (id, text) in &part.metadata {
            let key = format!("{id:?}");
            let pushed = writer.push(Map::Metadata, key.as_bytes(), text.as_bytes());
            pushed.unwrap().unwrap();
        }
        writer.finish().unwrap().unwrap();
        let file = open(&path, FileKind::Vectors, backend);
        let root = file.root();
        for (map, entries, list) in [
            (Map::Embeddings, part.vectors.len(), &part.dead_vectors),
            (Map::Metadata, part.metadata.len(), &part.dead_metadata),
        ] {
            if !list.is_empty() {
                dead = true;
                tombstones.add(root, map as u32, entries as u32, list);
            }
        }
        files.push(file);
    }
    tombstones.finish().unwrap();
    if dead {
        files.push(open(&dir.join("dead"), FileKind::Tombstones, backend));
    }
    RowStore::open(files).unwrap()
}

/// `SimpleVectorStore.query`, as far as the loop over the vectors.
fn naive(
    parts: &[Part],
    filters: Option<&MetadataFilters>,
    node_ids: Option<&[Vec<u8>]>,
) -> Result<Option<Vec<Vec<u32>>>> {
    let live = |dead: &[u32], n: usize| !dead.contains(&(n as u32));
    let mut vectors = Vec::new();
    let mut metadata = HashMap::new();
    for (p, part) in parts.iter().enumerate() {
        for (n, (id, sequence)) in part.vectors.iter().enumerate() {
            if live(&part.dead_vectors, n) {
                vectors.push((*sequence, p, n, id));
            }
        }
        for (n, (id, text)) in part.metadata.iter().enumerate() {
            if live(&part.dead_metadata, n) {
                metadata.insert(id, text);
            }
        }
    }
    vectors.sort_unstable();
    if filters.is_some() && !vectors.is_empty() && metadata.is_empty() {
        return Err(Error::Query(QueryError::NoMetadata));
    }
    let filters = filters.filter(|filters| !filters.filters.is_empty());
    if filters.is_none() && node_ids.is_none() {
        return Ok(None);
    }
    let mut chosen = vec![Vec::new(); parts.len()];
    for (_, p, n, id) in vectors {
        if node_ids.is_some_and(|ids| !ids.iter().any(|other| other == id.as_bytes())) {
            continue;
        }
        if let Some(filters) = filters {
            let Some(text) = metadata.get(id) else {
                let id = id.clone().into_bytes();
                return Err(Error::Query(QueryError::NodeWithoutMetadata { id }));
            };
            let prepared = filters.prepare();
            let passes = prepared.matches(&mut |key| Ok(value_of(text, key)))?;
            if !passes.map_err(|unfit| prepared.error(unfit, id.as_bytes()))? {
                continue;
            }
        }
        chosen[p].push(n as u32);
    }
    chosen.iter_mut().for_each(|rows| rows.sort_unstable());
    Ok(Some(chosen))
}

fn value_of(text: &str, key: &[u8]) -> Result<Option<Vec<u8>>, ValueType> {
    if !text.starts_with('{') {
        return Err(type_of(text.as_bytes()));
    }
    let members = Members::new(text.as_bytes()).filter_map(|(token, value)| {
        let (mut name, mut normal) = (Vec::new(), Vec::new());
        decode(token, &mut name).unwrap();
        normalise(value, &mut normal).unwrap();
        (name == key).then_some(normal)
    });
    Ok(members.last())
}

fn agree(parts: &[Part], filters: Option<&MetadataFilters>, ids: Option<&[Vec<u8>]>) {
    let expected = naive(parts, filters, ids);
    for backend in BACKENDS {
        let dir = temp();
        let store = store(parts, dir.path(), backend);
        for _again in 0..2 {
            let selected = store.stack().unwrap().select(filters, Named::of(ids));
            assert_eq!(
                format!("{selected:?}"),
                format!("{expected:?}"),
                "{filters:?} {ids:?}"
            );
        }
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..4_u8).prop_map(|n| n.to_string()),
        2 => "[a-c]{1,2}".prop_map(|text| format!("{text:?}")),
        1 => Just("null".to_owned()),
        1 => Just("1.0".to_owned()),
        1 => Just("[1, \"a\"]".to_owned()),
    ]
}

/// Mostly of a few shapes, some with a rare key, some kept as text: odd in
/// spelling, with a key twice, rarely no object at all.
fn metadata() -> impl Strategy<Value = String> {
    let members = prop::collection::vec(("[ab]", value()), 0..3);
    let object = members.prop_map(|mut members| {
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members.dedup_by(|a, b| a.0 == b.0);
        let members = members.iter().map(|(k, v)| format!("\"{k}\": {v}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    });
    prop_oneof![
        60 => (value(), value()).prop_map(|(a, b)| format!("{{\"a\": {a}, \"b\": {b}}}")),
        60 => object,
        3 => value().prop_map(|v| format!("{{\"a\": 1, \"rare\": {v}}}")),
        3 => value().prop_map(|v| format!("{{\"a\":{v},\"a\" : 1}}")),
        3 => value().prop_map(|v| format!("{{\"a\": 0, \"\\u0061\": {v}}}")),
        1 => prop_oneof![Just("null"), Just("[\"a\"]"), Just("\"a\"")].prop_map(str::to_owned),
    ]
}

fn filters() -> impl Strategy<Value = MetadataFilters> {
    let value = prop_oneof![
        3 => (0..4_i64).prop_map(|n| n.into()),
        2 => "[a-c]{1,2}".prop_map(|text| text.into()),
        1 => Just([1.0, 2.5].into()),
        2 => Just(["a", "b", "1"].into()),
        1 => Just(().into()),
    ];
    let operator = prop::sample::select(FilterOperator::ALL.to_vec());
    // Such as fit all values, so that not every selection ends in an error.
    let mild = [
        FilterOperator::Eq,
        FilterOperator::Ne,
        FilterOperator::IsEmpty,
    ];
    let operator = prop_oneof![3 => prop::sample::select(mild.to_vec()), 1 => operator];
    let key = prop::sample::select(vec!["a", "b", "rare", "none"]);
    let filter = (key, operator, value).prop_map(|(key, operator, value)| MetadataFilter {
        key: key.into(),
        value,
        operator,
    });
    let list = prop::collection::vec(filter, 0..4);
    (list, 0..4).prop_map(|(list, condition)| match condition {
        0 => MetadataFilters::all(list),
        1 => MetadataFilters::any(list),
        2 => MetadataFilters::none(list),
        _ => {
            let mut filters = MetadataFilters::all(list);
            filters.condition = None;
            filters
        }
    })
}

/// Up to three segments. Ids are those of their vectors' places in the order of
/// the store; metadata may lie in a later segment than the vector, or nowhere.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let row = (
        0..3_usize,
        metadata(),
        prop_oneof![40 => Just(0), 2 => Just(1), 2 => Just(2), 1 => Just(3)],
    );
    (
        prop::collection::vec(row, 0..120),
        1..4_usize,
        any::<bool>(),
        prop::collection::vec(metadata(), 0..3),
    )
        .prop_map(|(rows, count, turned, others)| {
            let mut parts = vec![Part::default(); count];
            let mut late = Vec::new();
            for (n, (p, text, fate)) in rows.into_iter().enumerate() {
                let (id, p) = (n.to_string(), p % count);
                let part = &mut parts[p];
                part.vectors.push((id.clone(), n as u64));
                match fate {
                    // Vector and metadata deleted.
                    1 => {
                        part.dead_vectors.push(part.vectors.len() as u32 - 1);
                        part.dead_metadata.push(part.metadata.len() as u32);
                        part.metadata.push((id, text));
                    }
                    // The metadata were replaced, by those of a later segment.
                    2 if p + 1 < count => {
                        part.dead_metadata.push(part.metadata.len() as u32);
                        part.metadata
                            .push((id.clone(), "{\"a\": \"old\"}".to_owned()));
                        late.push((id, text));
                    }
                    // There are none.
                    3 => {}
                    _ => part.metadata.push((id, text)),
                }
            }
            if let Some(last) = parts.last_mut() {
                last.metadata.extend(late);
            }
            for (n, text) in others.into_iter().enumerate() {
                parts[0].metadata.push((format!("no vector {n}"), text));
            }
            if turned {
                for part in &mut parts {
                    part.metadata.reverse();
                    let last = part.metadata.len() as u32;
                    let places = part.dead_metadata.iter().rev();
                    part.dead_metadata = places.map(|place| last - 1 - place).collect();
                }
            }
            parts
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_selection_is_that_of_the_loop_over_all_rows(
        parts in parts(),
        filters in prop::option::weighted(0.9, filters()),
        ids in prop::option::of(prop_oneof![
            prop::collection::vec(0..130_u32, 0..4),
            prop::collection::vec(0..130_u32, 0..60),
        ]),
    ) {
        let ids = ids.map(|ids| -> Vec<Vec<u8>> {
            ids.iter().map(|id| id.to_string().into_bytes()).collect()
        });
        agree(&parts, filters.as_ref(), ids.as_deref());
    }
}

fn part(metadata: &[&str]) -> Part {
    let ids = 0..metadata.len() as u64;
    Part {
        vectors: ids.clone().map(|n| (n.to_string(), n)).collect(),
        metadata: ids
            .zip(metadata)
            .map(|(n, text)| (n.to_string(), (*text).to_owned()))
            .collect(),
        ..Part::default()
    }
}

fn filter(line: &str) -> MetadataFilters {
    MetadataFilters::all([line.parse().unwrap()])
}

fn ids(ids: &[&str]) -> Vec<Vec<u8>> {
    ids.iter().map(|id| id.as_bytes().to_vec()).collect()
}

fn told(parts: &[Part], filters: &MetadataFilters, node_ids: Option<&[Vec<u8>]>) -> String {
    let dir = temp();
    let store = store(parts, dir.path(), Backend::Map);
    match store
        .stack()
        .unwrap()
        .select(Some(filters), Named::of(node_ids))
    {
        Ok(rows) => format!("{:?}", rows.unwrap()),
        Err(Error::Query(why)) => format!("{}: {why}", why.exception().as_str()),
        Err(e) => panic!("{e}"),
    }
}

/// All outcomes here are those of `SimpleVectorStore.query` of
/// llama-index-core 0.14.25 on the same store.
#[test]
fn errors_are_those_of_llamaindex() {
    let no_metadata = "ValueError: Cannot filter stores that were persisted without metadata. \
                       Please rebuild the store with metadata to enable filtering.";
    let bare = Part {
        metadata: Vec::new(),
        ..part(&["", "", ""])
    };
    let is_one = filter("k == 1");
    let none = MetadataFilters::default();
    for filters in [&is_one, &none] {
        assert_eq!(
            told(std::slice::from_ref(&bare), filters, None),
            no_metadata
        );
    }
    assert_eq!(told(&[Part::default()], &is_one, None), "[[]]");
    let mut partly = part(&[r#"{"k": 1}"#, "", ""]);
    partly.metadata.truncate(1);
    let partly = [partly];
    assert_eq!(told(&partly, &is_one, None), "KeyError: '1'");
    assert_eq!(told(&partly, &is_one, Some(&ids(&["0", "9"]))), "[[0]]");
    assert_eq!(told(&partly, &is_one, Some(&[])), "[[]]");
    for (metadata, found) in [
        ("null", "NoneType"),
        ("1", "int"),
        ("1.5", "float"),
        ("true", "bool"),
        (r#""x""#, "str"),
        ("[]", "list"),
    ] {
        let expected = format!("AttributeError: '{found}' object has no attribute 'get'");
        assert_eq!(
            told(&[part(&["{}", metadata])], &filter("k != 1"), None),
            expected
        );
    }
    let twice = part(&[r#"{"k":1,"k":2}"#]);
    assert_eq!(told(&[twice], &filter("k == 2"), None), "[[0]]");
}

/// A dictionary also has the values of rows that are not looked at.
#[test]
fn a_value_that_no_evaluated_row_has_is_no_error() {
    let mut one = part(&[r#"{"k": 3}"#, r#"{"k": "x"}"#, r#"{"k": 5}"#]);
    let filters = filter("k > 3");
    let error = "TypeError: '>' not supported between instances of 'str' and 'int'";
    assert_eq!(told(&[one.clone()], &filters, None), error);
    assert_eq!(
        told(&[one.clone()], &filters, Some(&ids(&["0", "2"]))),
        "[[2]]"
    );
    assert_eq!(told(&[one.clone()], &filters, Some(&ids(&["1"]))), error);
    (one.dead_vectors, one.dead_metadata) = (vec![1], vec![1]);
    assert_eq!(told(&[one], &filters, None), "[[2]]");
}

/// Rows are looked at in the order of their sequence numbers, and of each row
/// the filters in their order.
#[test]
fn the_first_row_with_an_error_is_told_of() {
    let texts = [r#"{"k": 1, "j": 1}"#, r#"{"k": [], "j": []}"#];
    let mut early = part(&texts);
    let mut late = part(&[r#"{"k": "x", "j": {}}"#]);
    late.vectors[0] = ("2".to_owned(), 1);
    late.metadata[0].0 = "2".to_owned();
    early.vectors[1].1 = 2;
    let filters = ["j > 0", "k > 0"].map(|line| line.parse().unwrap());
    let filters = MetadataFilters::any(filters);
    let error = |found: &str| {
        format!("TypeError: '>' not supported between instances of '{found}' and 'int'")
    };
    let parts = [early, late];
    assert_eq!(told(&parts, &filters, None), error("dict"));
    assert_eq!(
        told(&parts, &filters, Some(&ids(&["0", "1"]))),
        error("list")
    );
}

/// Such a column has no dictionary; its values are looked at one by one.
#[test]
fn a_column_of_long_values_is_filtered() {
    let long = |n: usize| format!("{{\"text\": \"{n} {}\", \"n\": {n}}}", "x".repeat(60_000));
    let texts: Vec<_> = (0..300)
        .map(|n| match n % 50 {
            7 => format!("{{\"n\": {n}}}"),
            _ => long(n),
        })
        .collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let parts = [part(&texts)];
    for line in [
        "text text_match_insensitive 29",
        "text != 5",
        "text is_empty",
        "text >= 7",
    ] {
        agree(&parts, Some(&filter(line)), None);
        agree(
            &parts,
            Some(&filter(line)),
            Some(&ids(&["290", "7", "200"])),
        );
    }
}

#[test]
fn a_dictionary_that_is_not_kept_is_filtered() {
    let long = |n: usize| format!("{{\"text\": \"{n} {}\"}}", "x".repeat(90_000));
    let texts: Vec<_> = (0..110).map(long).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let parts = [part(&texts)];
    agree(&parts, Some(&filter("text text_match 9")), None);
    agree(
        &parts,
        Some(&filter("text text_match 9")),
        Some(&ids(&["29", "9", "7"])),
    );
}

#[test]
fn tombstones_of_another_number_of_entries_are_refused() {
    let dir = temp();
    let parts = [part(&["{}", "{}"])];
    let segment = store(&parts, dir.path(), Backend::Map).segments()[0].root();
    let path = dir.path().join("other");
    let mut tombstones = TombstoneWriter::create(&path).unwrap();
    tombstones.add(segment, Map::Metadata as u32, 3, &[1]);
    tombstones.finish().unwrap();
    let files = [
        open(&dir.path().join("0"), FileKind::Vectors, Backend::Map),
        open(&path, FileKind::Tombstones, Backend::Map),
    ];
    let store = RowStore::open(files.to_vec()).unwrap();
    let count = crate::error::Fault::Value("the number of entries that tombstones state");
    assert_eq!(
        fault(
            store
                .stack()
                .unwrap()
                .select(Some(&filter("k == 1")), Named::All)
        ),
        count
    );
}
