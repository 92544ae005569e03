//! Every record of every store at hand, seen through the views of its store, is
//! what a plain reading of its JSON says: real persist dirs, those of all
//! releases of LlamaIndex, and odd ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::{borrow::Cow, path::Path};

use common::{Storage, data_dir, in_parallel, persist_dirs, shared};
use serde_json::{Map, Value as Json};
use twinstore::{
    Error,
    convert::PackOptions,
    json::Value,
    store::{
        ChatStore, DocumentStore, Field, GraphStore, IndexStore, IndexStructType, LabelledNode,
        Node, PropertyGraphStore, RecordStore, Related,
    },
};

type Tree = Map<String, Json>;

fn json(value: Value<'_>) -> Json {
    serde_json::from_slice(value.text()).unwrap()
}

fn bytes(json: &Json) -> Option<Cow<'_, [u8]>> {
    json.as_str().map(|text| Cow::Borrowed(text.as_bytes()))
}

fn members(list: Vec<(Cow<'_, [u8]>, Value<'_>)>) -> Json {
    let text = |key: Cow<'_, [u8]>| String::from_utf8(key.into_owned()).unwrap();
    Json::Object(
        list.into_iter()
            .map(|(key, value)| (text(key), json(value)))
            .collect(),
    )
}

/// An object, also where it stands in a string.
fn object(json: &Json) -> Option<Tree> {
    match json {
        Json::Object(members) => Some(members.clone()),
        Json::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// The first of these members that is there and not null.
fn any<'j>(data: &'j Tree, names: &[&str]) -> &'j Json {
    let mut found = names.iter().filter_map(|name| data.get(*name));
    found.find(|value| !value.is_null()).unwrap_or(&Json::Null)
}

fn same_node(node: &Node, key: &str, record: &Tree, of: &str) {
    let data = object(&record["__data__"]).unwrap();
    assert_eq!(Json::Object(data.clone()), json(node.data()), "{of}");
    assert_eq!(
        Json::Object(record.clone()),
        serde_json::from_slice::<Json>(node.raw()).unwrap()
    );
    let id = bytes(any(&data, &["id_", "doc_id"])).unwrap_or(Cow::Borrowed(key.as_bytes()));
    assert_eq!(node.id(), id, "{of}");
    let in_resource = any(&data, &["text_resource"]).get("text");
    let text = bytes(in_resource.unwrap_or(any(&data, &["text"])));
    assert_eq!(node.text(), text.unwrap_or_default(), "{of}");
    let metadata = any(&data, &["metadata", "extra_info"]);
    let metadata = metadata.as_object().cloned().unwrap_or_default();
    let viewed = members(node.metadata());
    // In the same order, too.
    assert!(
        viewed.as_object().unwrap().iter().eq(metadata.iter()),
        "{of}"
    );
    for (key, value) in &metadata {
        assert_eq!(
            json(node.metadata_value(key.as_bytes()).unwrap()),
            *value,
            "{of}"
        );
    }
    same_numbers(node.embedding(), any(&data, &["embedding"]), of);
    for (idx, name, old) in [
        (node.start_char_idx(), "start_char_idx", "start"),
        (node.end_char_idx(), "end_char_idx", "end"),
    ] {
        let info = data.get("node_info").and_then(|info| info.get(old));
        let stated = any(&data, &[name]).as_i64();
        assert_eq!(idx, stated.or(info.and_then(Json::as_i64)), "{of}");
    }
    assert_eq!(
        node.hash(),
        bytes(any(&data, &["hash", "doc_hash"])),
        "{of}"
    );
    assert_eq!(node.index_id(), bytes(any(&data, &["index_id"])), "{of}");
    let relationships = any(&data, &["relationships"]).as_object().cloned();
    let relationships = relationships.unwrap_or_default();
    let viewed = node.relationships();
    assert_eq!(viewed.len(), relationships.len(), "{of}");
    for ((kind, related), (key, value)) in viewed.iter().zip(&relationships) {
        assert!([kind.as_str(), kind.name()].contains(&key.as_str()), "{of}");
        let relatives = match related {
            Related::One(one) => vec![(one, value)],
            Related::Many(many) => many.iter().zip(value.as_array().unwrap()).collect(),
        };
        for (info, value) in relatives {
            assert_eq!(json(info.value()), *value, "{of}");
            let id = ["node_id", "nodeId"]
                .iter()
                .find_map(|name| value.get(name));
            assert_eq!(Some(info.node_id()), bytes(id.unwrap_or(value)), "{of}");
            assert_eq!(info.hash(), value.get("hash").and_then(bytes), "{of}");
            let metadata = value.get("metadata").cloned();
            assert_eq!(
                members(info.metadata()),
                metadata.unwrap_or(Json::Object(Map::new()))
            );
        }
    }
    let source = relationships.get("1").or(relationships.get("SOURCE"));
    assert_eq!(
        node.ref_doc_id().unwrap().is_some(),
        source.is_some(),
        "{of}"
    );
}

/// serde_json is off by a bit now and then; that numbers are read to the bit is
/// tested where they are parsed.
fn same_numbers(seen: Option<Vec<f64>>, list: &Json, of: &str) {
    let list = list.as_array();
    assert_eq!(seen.as_ref().map(Vec::len), list.map(Vec::len), "{of}");
    for (seen, number) in seen.iter().flatten().zip(list.into_iter().flatten()) {
        let number = number.as_f64().unwrap();
        assert!(
            (seen - number).abs() <= number.abs() * 1e-15,
            "{of} {seen} {number}"
        );
    }
}

/// Returns how many nodes there were.
fn documents(file: &Tree, open: impl Fn() -> RecordStore, of: &str) -> usize {
    let mut count = 0;
    for name in file.keys().filter_map(|name| name.strip_suffix("/data")) {
        let store = DocumentStore::new(open()).with_namespace(name.as_bytes());
        let nodes = file[&format!("{name}/data")].as_object().unwrap();
        assert_eq!(store.len().unwrap(), nodes.len() as u64, "{of}");
        let ids = store
            .ids()
            .unwrap()
            .map(|id| String::from_utf8(id.unwrap()).unwrap());
        assert!(ids.eq(nodes.keys().cloned()), "{of}");
        for (node, (key, record)) in store.docs().unwrap().zip(nodes) {
            let of = format!("{of} {key}");
            let node = node.unwrap_or_else(|e| panic!("{of}: {e}"));
            same_node(&node, key, record.as_object().unwrap(), &of);
            assert_eq!(store.get_document(key.as_bytes()).unwrap(), node, "{of}");
            count += 1;
        }
        let empty = Map::new();
        let part = |part: &str| {
            let part = file
                .get(&format!("{name}/{part}"))
                .and_then(Json::as_object);
            part.unwrap_or(&empty)
        };
        let mut hashes = Map::new();
        for (id, record) in part("metadata") {
            let hash = ["doc_hash", "docHash"]
                .iter()
                .find_map(|name| record.get(name));
            let stored = store.document_hash(id.as_bytes()).unwrap();
            assert_eq!(
                stored.as_deref(),
                hash.and_then(bytes).as_deref(),
                "{of} {id}"
            );
            if let Some(hash) = hash.and_then(Json::as_str).filter(|hash| !hash.is_empty()) {
                hashes.insert(hash.to_owned(), Json::from(id.as_str()));
            }
        }
        let all = store.all_document_hashes().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let all = all
            .into_iter()
            .map(|(hash, id)| (text(hash), Json::from(text(id))));
        assert!(all.eq(hashes), "{of}");
        let mut infos = store.all_ref_doc_info().unwrap();
        for (id, record) in part("ref_doc_info") {
            let record = record.as_object().unwrap();
            let (found, info) = infos.next().unwrap().unwrap();
            assert_eq!(text(found), *id, "{of}");
            let ids: Vec<_> = info
                .node_ids
                .iter()
                .cloned()
                .map(text)
                .map(Json::from)
                .collect();
            assert_eq!(
                Json::from(ids),
                *any(record, &["node_ids", "doc_ids", "nodeIds"]),
                "{of}"
            );
            let metadata = any(record, &["metadata", "extra_info", "extraInfo"]);
            assert_eq!(json(info.metadata()), *metadata, "{of}");
            assert_eq!(
                store.ref_doc_info(id.as_bytes()).unwrap(),
                Some(info),
                "{of}"
            );
        }
        assert!(infos.next().is_none(), "{of}");
    }
    count
}

fn indices(file: &Tree, store: RecordStore, of: &str) -> usize {
    let store = IndexStore::new(store);
    let Some(structs) = file.get("index_store/data").and_then(Json::as_object) else {
        return 0;
    };
    assert_eq!(store.len().unwrap(), structs.len() as u64, "{of}");
    for (id, record) in structs {
        let found = store.get_index_struct(Some(id.as_bytes()));
        let kind = record["__type__"].as_str().unwrap();
        if !IndexStructType::ALL
            .iter()
            .any(|known| known.as_str() == kind)
        {
            let error = found.unwrap_err().to_string();
            assert_eq!(error, format!("'{kind}'"), "{of}");
            continue;
        }
        let found = found.unwrap().unwrap();
        assert_eq!(found.struct_type().as_str(), kind, "{of}");
        let data = object(&record["__data__"]).unwrap();
        assert_eq!(
            Some(found.index_id()),
            data.get("index_id").and_then(bytes),
            "{of}"
        );
        let names = data.keys().map(String::as_bytes);
        assert!(
            found
                .data()
                .field_names()
                .iter()
                .map(|name| &**name)
                .eq(names),
            "{of}"
        );
        for (name, value) in &data {
            let seen = match found.data().field(name).unwrap() {
                Field::Value(value) => json(value),
                Field::Map(map) => {
                    let entries = map.iter().unwrap().map(|entry| entry.unwrap());
                    let entries = entries.map(|(key, value)| {
                        assert_eq!(map.get(&key).unwrap(), Some(value.clone()), "{of}");
                        let value = serde_json::from_slice(&value.0).unwrap();
                        (String::from_utf8(key).unwrap(), value)
                    });
                    Json::Object(entries.collect())
                }
            };
            assert_eq!(seen, *value, "{of} {id} {name}");
            if let (Json::Object(seen), Json::Object(value)) = (&seen, value) {
                assert!(seen.keys().eq(value.keys()), "{of} {id} {name}");
            }
        }
        let raw: Json = serde_json::from_slice(&found.data().raw().unwrap()).unwrap();
        assert_eq!(raw, *record, "{of}");
    }
    structs.len()
}

fn graph(file: &Tree, store: RecordStore, of: &str) -> usize {
    let store = GraphStore::new(store);
    let subjects = file["graph_dict"].as_object().unwrap();
    assert_eq!(store.len().unwrap(), subjects.len() as u64, "{of}");
    for (subject, pairs) in subjects {
        let found = store.get(subject.as_bytes()).unwrap().into_iter();
        let found = found.map(|pair| pair.map(|part| Json::from(String::from_utf8(part).unwrap())));
        let found: Vec<Json> = found.map(|pair| Json::from(pair.to_vec())).collect();
        assert_eq!(Json::from(found), *pairs, "{of} {subject}");
    }
    subjects.len()
}

fn property_graph(file: &Tree, store: RecordStore, of: &str) -> usize {
    let store = PropertyGraphStore::new(store);
    let nodes = file["nodes"].as_object().unwrap();
    let found = store.get(&[], &[]).unwrap();
    assert_eq!(found.len(), nodes.len(), "{of}");
    for (node, (key, record)) in found.iter().zip(nodes) {
        assert_eq!(
            serde_json::from_slice::<Json>(node.raw()).unwrap(),
            *record,
            "{of}"
        );
        assert_eq!(members(node.properties()), record["properties"], "{of}");
        let name = match node {
            LabelledNode::Entity(entity) => (entity.name(), "name"),
            LabelledNode::Chunk(chunk) => (chunk.text(), "text"),
        };
        assert_eq!(Some(name.0), bytes(&record[name.1]), "{of}");
        same_numbers(node.embedding(), &record["embedding"], of);
        assert_eq!(&*node.id(), key.as_bytes(), "{of}");
        let alone = store.get(&[], &[&node.id()]).unwrap();
        assert_eq!(alone, std::slice::from_ref(node), "{of}");
    }
    // Reached through their ends: each is there, once.
    let ids: Vec<_> = found.iter().map(LabelledNode::id).collect();
    let ids: Vec<&[u8]> = ids.iter().map(|id| &**id).collect();
    let query = twinstore::store::TripletQuery {
        ids: &ids,
        ..Default::default()
    };
    let triplets = store.get_triplets(&query);
    let all = file["triplets"].as_array().unwrap();
    let key = |triplet: &Json| {
        let parts = triplet
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part.as_str().unwrap());
        parts.collect::<Vec<_>>().join("_")
    };
    if let Some(missing) = all
        .iter()
        .map(key)
        .find(|key| file["relations"].get(key).is_none())
    {
        let error = triplets.unwrap_err().to_string();
        assert_eq!(error, format!("'{missing}'"), "{of}");
        return nodes.len();
    }
    let triplets = triplets.unwrap();
    let triplets = triplets.iter().map(|(subject, relation, object)| {
        let parts = [subject.id(), relation.label(), object.id()];
        Json::from(
            parts
                .map(|p| Json::from(String::from_utf8(p.into_owned()).unwrap()))
                .to_vec(),
        )
    });
    assert_eq!(
        Json::from(triplets.collect::<Vec<_>>()),
        file["triplets"],
        "{of}"
    );
    nodes.len()
}

fn chats(file: &Tree, stores: &[ChatStore], of: &str) -> usize {
    let chats = file
        .get("store")
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default();
    for store in stores {
        let keys = store
            .get_keys()
            .unwrap()
            .map(|key| String::from_utf8(key.unwrap()).unwrap());
        assert!(keys.eq(chats.keys().cloned()), "{of}");
        for (key, messages) in &chats {
            let found = store.get_messages(key.as_bytes()).unwrap();
            assert_eq!(found.len(), messages.as_array().unwrap().len(), "{of}");
            for (message, record) in found.iter().zip(messages.as_array().unwrap()) {
                assert_eq!(
                    serde_json::from_slice::<Json>(message.raw()).unwrap(),
                    *record
                );
                assert_eq!(message.role().unwrap().as_str(), record["role"], "{of}");
                let blocks = record
                    .get("blocks")
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten();
                let texts: Vec<_> = blocks.filter_map(|block| block["text"].as_str()).collect();
                let content = match record.get("content").and_then(Json::as_str) {
                    Some(content) => Some(content.to_owned()),
                    None if texts.is_empty() => None,
                    None => Some(texts.join("\n")),
                };
                let seen = message
                    .content()
                    .map(|c| String::from_utf8(c.into_owned()).unwrap());
                assert_eq!(seen, content, "{of}");
            }
        }
    }
    chats.len()
}

/// Looks at all stores of a dir that serde_json can read; returns how many
/// records it saw.
fn look_at(dir: &Path) -> usize {
    let storage = Storage::copy_of(dir);
    match storage.try_pack(PackOptions::default()) {
        Err(Error::NothingToPack { .. }) => return 0,
        packed => packed.unwrap(),
    };
    let mut seen = 0;
    for (name, text) in storage.files() {
        let of = dir.join(&name).display().to_string();
        // Numbers beyond a f64, NaN, lone surrogates: the unit tests have them.
        let Ok(tree) = serde_json::from_slice::<Json>(&text) else {
            continue;
        };
        if let (true, Some(file)) = (name == common::CHAT, object(&tree)) {
            let mut stores = vec![ChatStore::from_text(text).unwrap()];
            if tree.is_object() {
                stores.push(ChatStore::new(storage.records(&name)));
            }
            seen += chats(&file, &stores, &of);
            continue;
        }
        let Json::Object(file) = tree else { continue };
        let open = || storage.records(&name);
        let has = |name: &str| file.get(name).is_some_and(Json::is_object);
        seen += match name.as_str() {
            "docstore.json" | "doc_store.json" if are_nodes(&file) => documents(&file, open, &of),
            "index_store.json" => indices(&file, open(), &of),
            "graph_store.json" if has("graph_dict") => graph(&file, open(), &of),
            "property_graph_store.json" if has("nodes") => property_graph(&file, open(), &of),
            _ => 0,
        };
    }
    seen
}

/// Whether what should be nodes has the form of nodes.
fn are_nodes(file: &Tree) -> bool {
    let collections = file.iter().filter(|(name, _)| name.ends_with("/data"));
    let mut records = collections.flat_map(|(_, nodes)| nodes.as_object().into_iter().flatten());
    records.all(|(_, record)| record.get("__data__").and_then(object).is_some())
}

fn look_at_all(root: &Path) -> usize {
    let dirs = persist_dirs(root);
    let sum = std::sync::atomic::AtomicUsize::new(0);
    in_parallel(&dirs, |dir| {
        sum.fetch_add(look_at(dir), std::sync::atomic::Ordering::Relaxed);
    });
    let seen = sum.into_inner();
    println!("{}: {seen} records", root.display());
    seen
}

#[test]
fn of_the_test_data() {
    assert!(look_at_all(&data_dir()) > 20);
}

#[test]
fn of_what_every_release_of_llamaindex_wrote() {
    let Some(root) = shared("examples") else {
        return;
    };
    assert!(look_at_all(&root) > 500);
}

#[test]
fn of_real_persist_dirs() {
    let Some(root) = shared("corpus") else { return };
    assert!(look_at_all(&root) > 1_000);
}

#[test]
fn of_odd_persist_dirs() {
    let Some(root) = shared("edge") else { return };
    assert!(look_at_all(&root) > 20);
}
