//! Graph and property graph stores. What they must answer was recorded from
//! llama-index-core 0.14.25, which gives triplets of property graphs in the
//! order of a set; here they have that of the file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Storage;
use proptest::prelude::*;
use twinstore::{
    Error,
    error::StoreError,
    json::Value,
    store::{GraphStore, LabelledNode, NodeType, PropertyGraphStore, Triplet, TripletQuery},
};

const GRAPH: &str = "graph_store.json";
const PROPERTIES: &str = "property_graph_store.json";

fn graph(text: &str) -> GraphStore {
    let storage = Storage::with([(GRAPH, text)]);
    storage.pack();
    storage.remove(GRAPH);
    GraphStore::new(storage.records(GRAPH))
}

fn property_graph(text: &str) -> PropertyGraphStore {
    let storage = Storage::with([(PROPERTIES, text)]);
    storage.pack();
    storage.remove(PROPERTIES);
    PropertyGraphStore::new(storage.records(PROPERTIES))
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> StoreError {
    match result {
        Err(Error::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A relation map, written `a: arb bta, b:` …
fn rel_map(store: &GraphStore, subjects: Option<&[&str]>, depth: usize, limit: usize) -> String {
    let subjects = subjects.map(|list| list.iter().map(|s| s.as_bytes()).collect::<Vec<_>>());
    let map = store
        .get_rel_map(subjects.as_deref(), depth, limit)
        .unwrap();
    let lines = map.into_iter().map(|(subject, triples)| {
        let mut line = String::from_utf8(subject).unwrap() + ":";
        for triple in triples {
            line += &format!(" {}", String::from_utf8(triple.concat()).unwrap());
        }
        line
    });
    lines.collect::<Vec<_>>().join(", ")
}

const SMALL: &str = r#"{"graph_dict": {"a": [["r", "b"], ["s", "c"]], "b": [["t", "a"], ["u", "d"]], "c": [], "e": [["v", "e"]]}}"#;

#[test]
fn a_subject_has_its_relations_in_order() {
    let store = graph(SMALL);
    let pair = |relation: &str, object: &str| [relation, object].map(|s| s.as_bytes().to_vec());
    assert_eq!(store.get(b"a").unwrap(), [pair("r", "b"), pair("s", "c")]);
    assert!(store.get(b"c").unwrap().is_empty());
    assert!(store.get(b"unknown").unwrap().is_empty());
    let subjects: Vec<_> = store.subjects().unwrap().map(|s| s.unwrap()).collect();
    assert_eq!(subjects, [b"a", b"b", b"c", b"e"]);
    assert_eq!(store.len().unwrap(), 4);
}

#[test]
fn a_relation_map_goes_depth_first_until_its_limit() {
    let store = graph(SMALL);
    let map = |subjects: Option<&[&str]>, depth, limit| rel_map(&store, subjects, depth, limit);
    assert_eq!(
        map(None, 2, 30),
        "a: arb bta bud asc, b: bta arb asc bud, c:, e: eve eve"
    );
    assert_eq!(map(Some(&["a"]), 1, 30), "a: arb asc");
    assert_eq!(map(Some(&["a"]), 3, 30), "a: arb bta arb asc bud asc");
    assert_eq!(map(Some(&["a"]), 3, 5), "a: arb bta arb asc bud");
    assert_eq!(map(None, 2, 4), "a: arb bta bud asc, b:");
    assert_eq!(
        map(Some(&["b", "a", "b"]), 2, 7),
        "b: bta arb asc bud, a: arb bta bud"
    );
    assert_eq!(map(Some(&["x", "a"]), 2, 1), "x:, a: arb");
    assert_eq!(map(Some(&["e"]), 4, 30), "e: eve eve eve eve");
    assert_eq!(map(Some(&["a"]), 0, 30), "a:");
    assert_eq!(map(Some(&["a"]), 2, 1), "a: arb");
    assert_eq!(map(None, 2, 0), "a:, b:, c:, e:");
    assert_eq!(map(Some(&[]), 2, 30), "");
}

/// LlamaIndex hands its limit to the first step only.
#[test]
fn thirty_relations_of_a_subject_are_followed_beyond_the_first_step() {
    let objects: Vec<_> = (0..40).map(|n| format!("[\"r\", \"n{n}\"]")).collect();
    let text = format!(
        r#"{{"graph_dict": {{"hub": [{}], "top": [["to", "hub"]]}}}}"#,
        objects.join(", ")
    );
    let store = graph(&text);
    let count = |subject: &[u8], depth| {
        store.get_rel_map(Some(&[subject]), depth, 100).unwrap()[0]
            .1
            .len()
    };
    assert_eq!(count(b"top", 2), 31);
    assert_eq!(count(b"hub", 1), 40);
}

/// With all of it in memory, LlamaIndex dies of `RecursionError` here.
#[test]
fn a_circle_is_walked_as_far_as_is_asked() {
    let store = graph(SMALL);
    let map = store.get_rel_map(Some(&[b"e"]), 1_000_000, 20_000).unwrap();
    assert_eq!(map[0].1.len(), 20_000);
    // But not for ever.
    let endless = store.get_rel_map(Some(&[b"e"]), usize::MAX, usize::MAX);
    assert!(matches!(endless, Err(Error::Limit { .. })), "{endless:?}");
    let map = store.get_rel_map(Some(&[b"a"]), usize::MAX, 50).unwrap();
    assert_eq!(map[0].1.len(), 50);
}

#[test]
fn an_empty_graph_has_nothing() {
    for store in [
        GraphStore::empty(),
        graph(r#"{"graph_dict": {}}"#),
        graph("{}"),
    ] {
        assert!(store.is_empty().unwrap());
        assert!(store.get(b"a").unwrap().is_empty());
        assert!(store.get_rel_map(None, 2, 30).unwrap().is_empty());
        assert_eq!(rel_map(&store, Some(&["a"]), 2, 30), "a:");
    }
}

#[test]
fn what_is_no_list_of_pairs_is_refused() {
    for pairs in [
        "null",
        r#"[["r"]]"#,
        r#"[["r", "o", "x"]]"#,
        r#"[["r", 1]]"#,
        r#"[5]"#,
    ] {
        let store = graph(&format!(r#"{{"graph_dict": {{"a": {pairs}}}}}"#));
        assert!(
            matches!(refusal(store.get(b"a")), StoreError::Shape { .. }),
            "{pairs}"
        );
    }
}

type Naive = Vec<(u8, Vec<(u8, u8)>)>;

/// `_get_rel_map`, word for word.
fn naive_step(graph: &Naive, subject: u8, depth: usize, limit: usize) -> Vec<[u8; 3]> {
    let mut map = Vec::new();
    if depth == 0 {
        return map;
    }
    let relations = graph.iter().find(|(of, _)| *of == subject);
    for (relation, object) in relations.iter().flat_map(|(_, list)| list).take(limit) {
        map.push([subject, *relation, *object]);
        map.extend(naive_step(graph, *object, depth - 1, 30));
    }
    map
}

fn naive_map(graph: &Naive, depth: usize, limit: usize) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut count = 0;
    for (subject, _) in graph {
        let all = naive_step(graph, *subject, depth, limit);
        let triples = all.iter().map(|triple| triple.to_vec());
        if count + all.len() > limit {
            found.push((vec![*subject], triples.take(limit - count).collect()));
            break;
        }
        found.push((vec![*subject], triples.collect()));
        count += all.len();
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_relation_map_is_the_one_that_llamaindexs_code_makes(
        edges in prop::collection::btree_map(b'a'..=b'f', prop::collection::vec((b'r'..=b't', b'a'..=b'g'), 0..4), 0..6),
        depth in 0..5_usize,
        limit in 0..40_usize,
    ) {
        let naive: Naive = edges.into_iter().collect();
        let subjects: Vec<_> = naive.iter().map(|(subject, list)| {
            let pairs: Vec<_> = list.iter()
                .map(|(r, o)| format!("[\"{}\", \"{}\"]", char::from(*r), char::from(*o)))
                .collect();
            format!("\"{}\": [{}]", char::from(*subject), pairs.join(", "))
        }).collect();
        let store = graph(&format!("{{\"graph_dict\": {{{}}}}}", subjects.join(", ")));
        let map = store.get_rel_map(None, depth, limit).unwrap();
        let map: Vec<_> = map.into_iter()
            .map(|(subject, triples)| (subject, triples.iter().map(|t| t.concat()).collect::<Vec<_>>()))
            .collect();
        prop_assert_eq!(map, naive_map(&naive, depth, limit));
    }
}

const LABELLED: &str = r#"{"nodes":{"A":{"label":"entity","embedding":null,"properties":{"n":1,"t":true},"name":"A"},"B":{"label":"p","embedding":null,"properties":{"n":1.0},"name":"B"},"C":{"embedding":null,"properties":{},"name":"C"},"q \"x\"":{"label":"entity","embedding":null,"properties":{"n":"1"},"name":"q \"x\""},"k":{"label":"text_chunk","embedding":[0.5],"properties":{"_node_content":"{\"id_\": \"k\", \"metadata\": {\"p\": 1}}","_node_type":"TextNode"},"text":"chunk","id_":"k"}},"relations":{"A_r_B":{"label":"r","source_id":"A","target_id":"B","properties":{"w":2}},"B_s_C":{"label":"s","source_id":"B","target_id":"C","properties":{}},"C_r_A":{"label":"r","source_id":"C","target_id":"A","properties":{}},"A_HAS_k":{"label":"HAS","source_id":"A","target_id":"k","properties":{}}},"triplets":[["A","r","B"],["B","s","C"],["C","r","A"],["A","HAS","k"],["A","r","B"]]}"#;

fn ids(nodes: &[LabelledNode]) -> Vec<String> {
    let ids = nodes.iter().map(|node| node.id().into_owned());
    ids.map(|id| String::from_utf8(id).unwrap()).collect()
}

fn shown(triplets: &[Triplet]) -> String {
    let shown = triplets.iter().map(|(subject, relation, object)| {
        let parts = [subject.id(), relation.label(), object.id()];
        parts
            .map(|part| String::from_utf8(part.into_owned()).unwrap())
            .concat()
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn nodes_are_found_by_any_property_and_by_id() {
    let store = property_graph(LABELLED);
    let get = |properties: &[(&str, &str)], wanted: &[&str]| {
        let properties: Vec<_> = properties
            .iter()
            .map(|(key, value)| (key.as_bytes(), Value::of(value.as_bytes())))
            .collect();
        let wanted: Vec<_> = wanted.iter().map(|id| id.as_bytes()).collect();
        ids(&store.get(&properties, &wanted).unwrap()).join(" ")
    };
    assert_eq!(get(&[], &[]), "A B C q  x  k");
    assert_eq!(get(&[("n", "1")], &[]), "A B");
    assert_eq!(get(&[("n", "true")], &[]), "A B");
    assert_eq!(get(&[("n", "\"1\""), ("t", "1")], &[]), "A q  x ");
    assert_eq!(get(&[("zz", "null")], &[]), "A B C q  x  k");
    assert_eq!(get(&[("n", "[1]")], &[]), "");
    assert_eq!(get(&[("n", "1")], &["B", "C"]), "B");
    assert_eq!(get(&[], &["q  x "]), "q  x ");
    assert_eq!(get(&[], &["q \"x\""]), "");
    assert_eq!(store.len().unwrap(), 5);
}

#[test]
fn nodes_say_what_they_are() {
    let store = property_graph(LABELLED);
    let nodes: Vec<_> = store.nodes().unwrap().map(|node| node.unwrap()).collect();
    let LabelledNode::Entity(entity) = &nodes[3] else {
        panic!("{nodes:?}");
    };
    assert_eq!(&*entity.name(), b"q \"x\"");
    let LabelledNode::Chunk(chunk) = &nodes[4] else {
        panic!("{nodes:?}");
    };
    assert_eq!((&*chunk.text(), &*chunk.id()), (&b"chunk"[..], &b"k"[..]));
    assert_eq!(nodes[4].embedding(), Some(vec![0.5]));
    assert_eq!(nodes[0].embedding(), None);
    let labels: Vec<_> = nodes.iter().map(|node| node.label()).collect();
    assert_eq!(
        labels,
        [&b"entity"[..], b"p", b"entity", b"entity", b"text_chunk"]
    );
    assert_eq!(nodes[0].property(b"t").unwrap().as_bool(), Some(true));
    assert_eq!(nodes[0].properties().len(), 2);
    assert_eq!(nodes[0].field("name").unwrap().text(), b"\"A\"");
}

#[test]
fn triplets_fit_all_that_is_asked_for() {
    let store = property_graph(LABELLED);
    let find = |query: TripletQuery<'_>| shown(&store.get_triplets(&query).unwrap());
    let all = TripletQuery::default();
    assert_eq!(find(all), "");
    assert_eq!(
        find(TripletQuery {
            entity_names: &[b"A"],
            ..all
        }),
        "ArB CrA AHASk"
    );
    assert_eq!(
        find(TripletQuery {
            relation_names: &[b"r"],
            ..all
        }),
        "ArB CrA"
    );
    let both = TripletQuery {
        entity_names: &[b"A"],
        relation_names: &[b"r"],
        ..all
    };
    assert_eq!(find(both), "ArB CrA");
    let two = [(&b"w"[..], Value::of(b"2"))];
    assert_eq!(
        find(TripletQuery {
            properties: &two,
            ..all
        }),
        "ArB"
    );
    let one = [(&b"n"[..], Value::of(b"1"))];
    assert_eq!(
        find(TripletQuery {
            properties: &one,
            ..all
        }),
        "ArB BsC CrA AHASk"
    );
    assert_eq!(
        find(TripletQuery {
            ids: &[b"k"],
            ..all
        }),
        "AHASk"
    );
    assert_eq!(
        find(TripletQuery {
            entity_names: &[b"C"],
            ids: &[b"A"],
            ..all
        }),
        "CrA"
    );
    assert_eq!(
        find(TripletQuery {
            ids: &[b"unknown"],
            ..all
        }),
        ""
    );
    let (_, relation, _) = &store
        .get_triplets(&TripletQuery {
            ids: &[b"B"],
            ..all
        })
        .unwrap()[0];
    assert_eq!(
        (&*relation.source_id(), &*relation.target_id()),
        (&b"A"[..], &b"B"[..])
    );
    assert_eq!(relation.properties().len(), 1);
    assert_eq!(relation.field("label").unwrap().text(), b"\"r\"");
}

#[test]
fn a_relation_map_has_a_first_step_that_may_come_again() {
    let store = property_graph(LABELLED);
    let map = |of: &[u8], depth, limit, ignore: &[&[u8]]| {
        let nodes = store.get(&[], &[of]).unwrap();
        shown(&store.get_rel_map(&nodes, depth, limit, ignore).unwrap())
    };
    assert_eq!(map(b"A", 1, 30, &[]), "ArB CrA AHASk");
    let two = "ArB CrA AHASk ArB BsC CrA AHASk";
    assert_eq!(map(b"A", 2, 30, &[]), two);
    assert_eq!(map(b"A", 3, 30, &[]), two);
    assert_eq!(map(b"A", usize::MAX, usize::MAX, &[]), two);
    assert_eq!(map(b"A", 2, 4, &[]), "ArB CrA AHASk ArB");
    assert_eq!(map(b"k", 2, 30, &[]), "AHASk AHASk");
    assert_eq!(map(b"A", 2, 30, &[b"HAS"]), "ArB CrA ArB BsC CrA");
    assert_eq!(map(b"A", 0, 30, &[]), "");
    assert_eq!(map(b"unknown", 2, 30, &[]), "");
}

#[test]
fn a_chunk_is_the_node_that_it_was_made_of() {
    let store = property_graph(LABELLED);
    let nodes = store.get_llama_nodes(&[b"k", b"A"]).unwrap();
    assert_eq!(nodes.len(), 1);
    assert_eq!(
        (&*nodes[0].id(), &*nodes[0].text()),
        (&b"k"[..], &b"chunk"[..])
    );
    assert_eq!(nodes[0].node_type(), NodeType::Text);
    assert_eq!(nodes[0].metadata_value(b"p").unwrap().as_i64(), Some(1));
}

#[test]
fn a_triplet_of_what_is_not_there_is_a_key_error() {
    for (triplet, missing) in [
        (r#"["A","r","Z"]"#, "'A_r_Z'"),
        (r#"["Z","r","A"]"#, "'Z'"),
        (r#"["it's","r","A"]"#, "\"it's\""),
    ] {
        let text = LABELLED.replace(r#"[["A","r","B"]"#, &format!("[{triplet}"));
        let store = property_graph(&text);
        let query = TripletQuery {
            ids: &[b"B"],
            ..TripletQuery::default()
        };
        let error = refusal(store.get_triplets(&query));
        assert_eq!(
            (error.exception().as_str(), &*error.to_string()),
            ("KeyError", missing)
        );
        // Nodes are there all the same.
        assert_eq!(store.get(&[], &[b"B"]).unwrap().len(), 1);
    }
    let text = LABELLED.replace(r#"[["A","r","B"]"#, r#"[["A","r"]"#);
    let query = TripletQuery {
        ids: &[b"B"],
        ..TripletQuery::default()
    };
    let error = refusal(property_graph(&text).get_triplets(&query));
    assert!(matches!(error, StoreError::Shape { .. }), "{error:?}");
}

#[test]
fn a_node_without_name_and_text_is_refused_in_llamaindexs_words() {
    let store = property_graph(r#"{"nodes":{"a":{"label":"x"}},"relations":{},"triplets":[]}"#);
    let error = refusal(store.get(&[], &[]));
    assert_eq!(
        error.to_string(),
        r#"Could not infer node type for data: {"label":"x"}"#
    );
    assert_eq!(error.exception().as_str(), "ValueError");
}

/// A plane keeps them where they are many; nothing that is found may depend on
/// that.
#[test]
fn embeddings_and_lists_of_numbers_are_there_when_asked_for() {
    let numbers = |n: usize| {
        (0..20)
            .map(|i| format!("{i}.{n}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let nodes: Vec<_> = (0..12)
        .map(|n| {
            format!(
                r#""e{n}":{{"label":"entity","embedding":[{0}],"properties":{{"list":[{0}],"n":{n}}},"name":"e{n}"}}"#,
                numbers(n)
            )
        })
        .collect();
    let text = format!(
        r#"{{"nodes":{{{}}},"relations":{{}},"triplets":[]}}"#,
        nodes.join(",")
    );
    let store = property_graph(&text);
    let list = format!("[{}]", numbers(7));
    let wanted = [(&b"list"[..], Value::of(list.as_bytes()))];
    let found = store.get(&wanted, &[]).unwrap();
    assert_eq!(ids(&found), ["e7"]);
    assert_eq!(found[0].embedding().unwrap()[3], 3.7);
    let empty = [(&b"list"[..], Value::of(b"[]"))];
    assert!(store.get(&empty, &[]).unwrap().is_empty());
    let found = store.get(&[(&b"n"[..], Value::of(b"4"))], &[]).unwrap();
    assert_eq!(
        found[0].property(b"list").unwrap().as_numbers().unwrap()[1],
        1.4
    );
}

#[test]
fn an_empty_property_graph_has_nothing() {
    let empty = r#"{"nodes":{},"relations":{},"triplets":[]}"#;
    for store in [PropertyGraphStore::empty(), property_graph(empty)] {
        assert!(store.is_empty().unwrap());
        assert!(store.get(&[], &[]).unwrap().is_empty());
        assert!(store.get(&[], &[b"a"]).unwrap().is_empty());
        assert!(store.get_llama_nodes(&[]).unwrap().is_empty());
        let query = TripletQuery {
            ids: &[b"a"],
            ..TripletQuery::default()
        };
        assert!(store.get_triplets(&query).unwrap().is_empty());
    }
}
