//! The lookups of a recording, done with twinstore and shown as the recording
//! shows them (`recorder/lookups.py`).

use std::borrow::Cow;

use serde_json::{Value, json};
use twinstore::{
    Result, StorageContext, load_graph_from_storage, load_index_from_storage,
    load_indices_from_storage,
    store::{IndexStruct, LabelledNode, Node, RefDocInfo, Related, Triplet, TripletQuery},
};

/// Does what LlamaIndex did with these arguments.
pub fn answer(context: &StorageContext, call: &str, args: &Value) -> Result<Value> {
    let (store, method) = call.split_once('.').unwrap_or(("", call));
    match store {
        "docstore" => of_docstore(context, method, args),
        "index_store" => of_index_store(context, method, args),
        "graph_store" => of_graph_store(context, method, args),
        "property_graph_store" => of_property_graph(context, method, args),
        "chat_store" => of_chat_store(context, method, args),
        "" => loaded(context, method, args),
        _ => panic!("no such store: {store}"),
    }
}

fn of_docstore(context: &StorageContext, method: &str, args: &Value) -> Result<Value> {
    let store = context.docstore()?;
    let doc_id = || args["doc_id"].as_str().unwrap().as_bytes();
    let ref_doc_id = || args["ref_doc_id"].as_str().unwrap().as_bytes();
    Ok(match method {
        "docs" => {
            // LlamaIndex makes nodes of all; one that is none must be found here.
            store.docs()?.collect::<Result<Vec<_>>>()?;
            texts(store.ids()?.collect::<Result<Vec<_>>>()?)
        }
        "get_document" => shown_node(&store.get_document(doc_id())?)?,
        "get_document_hash" => maybe(store.document_hash(doc_id())?),
        "document_exists" => json!(store.contains(doc_id())?),
        "get_nodes" => {
            let nodes = store.get_nodes(&strings(&args["node_ids"]))?;
            texts(nodes.iter().map(Node::id))
        }
        "get_all_document_hashes" => {
            let pairs = store.all_document_hashes()?.into_iter();
            pairs.map(|(hash, id)| texts([hash, id])).collect()
        }
        "get_ref_doc_info" => store
            .ref_doc_info(ref_doc_id())?
            .map_or(Value::Null, |info| shown_info(&info)),
        "get_all_ref_doc_info" => {
            let infos = store.all_ref_doc_info()?.map(|entry| {
                let (id, info) = entry?;
                Ok(json!([text(id), shown_info(&info)]))
            });
            infos.collect::<Result<Value>>()?
        }
        "ref_doc_exists" => json!(store.ref_doc_exists(ref_doc_id())?),
        _ => panic!("no such method: {method}"),
    })
}

fn shown_node(node: &Node) -> Result<Value> {
    let relationships = node
        .relationships()
        .into_iter()
        .map(|(relationship, related)| {
            let ids = match related {
                Related::One(info) => vec![text(info.node_id())],
                Related::Many(infos) => infos.iter().map(|info| text(info.node_id())).collect(),
            };
            (relationship.as_str().to_owned(), json!(ids))
        });
    Ok(json!({
        "class": node.class_name(),
        "id": text(node.id()),
        "type": node.node_type().as_str(),
        "text": text(node.text()),
        "metadata": members(node.metadata()),
        "relationships": relationships.collect::<serde_json::Map<_, _>>(),
        "ref_doc_id": maybe(node.ref_doc_id()?),
    }))
}

fn shown_info(info: &RefDocInfo) -> Value {
    json!({"node_ids": texts(&info.node_ids), "metadata": members(info.metadata().members())})
}

fn of_index_store(context: &StorageContext, method: &str, args: &Value) -> Result<Value> {
    let store = context.index_store()?;
    Ok(match method {
        "index_structs" => store.index_structs()?.iter().map(shown_struct).collect(),
        "get_index_struct" => {
            let found = store.get_index_struct(args["struct_id"].as_str().map(str::as_bytes))?;
            found.as_ref().map_or(Value::Null, shown_struct)
        }
        _ => panic!("no such method: {method}"),
    })
}

fn shown_struct(of: &IndexStruct<'_>) -> Value {
    json!({
        "class": format!("{:?}", of.struct_type()),
        "type": of.struct_type().as_str(),
        "id": text(of.data().index_id()),
        "summary": maybe(of.data().summary()),
    })
}

fn of_graph_store(context: &StorageContext, method: &str, args: &Value) -> Result<Value> {
    let store = context.graph_store()?;
    Ok(match method {
        "get" => {
            let pairs = store.get(args["subj"].as_str().unwrap().as_bytes())?;
            pairs.into_iter().map(texts).collect()
        }
        "get_rel_map" => {
            let subjects = args["subjs"].is_array().then(|| strings(&args["subjs"]));
            let map = store.get_rel_map(
                subjects.as_deref(),
                number(args, "depth"),
                number(args, "limit"),
            )?;
            let paths = |paths: Vec<_>| paths.into_iter().map(texts).collect::<Value>();
            map.into_iter()
                .map(|(subject, found)| json!([text(subject), paths(found)]))
                .collect()
        }
        _ => panic!("no such method: {method}"),
    })
}

fn of_property_graph(context: &StorageContext, method: &str, args: &Value) -> Result<Value> {
    let store = context
        .property_graph_store()?
        .expect("the recording has a property graph");
    let [ids, entity_names, relation_names, ignore_rels] =
        ["ids", "entity_names", "relation_names", "ignore_rels"].map(|name| strings(&args[name]));
    let values = args["properties"].as_object().into_iter().flatten();
    let values: Vec<(&str, Vec<u8>)> = values
        .map(|(key, value)| (&**key, value.to_string().into_bytes()))
        .collect();
    let properties = values
        .iter()
        .map(|(key, value)| (key.as_bytes(), twinstore::json::Value::of(value)));
    let properties: Vec<_> = properties.collect();
    Ok(match method {
        "get" => store
            .get(&properties, &ids)?
            .iter()
            .map(shown_labelled)
            .collect(),
        "get_triplets" => {
            let query = TripletQuery {
                entity_names: &entity_names,
                relation_names: &relation_names,
                properties: &properties,
                ids: &ids,
            };
            shown_triplets(&store.get_triplets(&query)?)
        }
        "get_rel_map" => {
            let ids = strings(&args["graph_nodes"]);
            let nodes = match ids.is_empty() {
                true => Vec::new(),
                false => store.get(&[], &ids)?,
            };
            shown_triplets(&store.get_rel_map(
                &nodes,
                number(args, "depth"),
                10_000,
                &ignore_rels,
            )?)
        }
        _ => panic!("no such method: {method}"),
    })
}

fn shown_labelled(node: &LabelledNode) -> Value {
    let class = match node {
        LabelledNode::Entity(_) => "EntityNode",
        LabelledNode::Chunk(_) => "ChunkNode",
    };
    json!([
        class,
        text(node.id()),
        text(node.label()),
        members(node.properties())
    ])
}

/// Sorted, because LlamaIndex has them in a set.
fn shown_triplets(triplets: &[Triplet]) -> Value {
    let shown = triplets.iter().map(|(subject, relation, object)| {
        [subject.id(), relation.label(), object.id()]
            .map(|id| String::from_utf8(id.into_owned()).unwrap())
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort();
    json!(shown)
}

fn of_chat_store(context: &StorageContext, method: &str, args: &Value) -> Result<Value> {
    let store = context.chat_store()?;
    Ok(match method {
        "get_keys" => texts(store.get_keys()?.collect::<Result<Vec<_>>>()?),
        "get_messages" => {
            let messages = store.get_messages(args["key"].as_str().unwrap().as_bytes())?;
            let shown = messages.iter().map(|message| {
                let role = message.role().map(|role| role.as_str());
                json!([role, maybe(message.content())])
            });
            shown.collect()
        }
        _ => panic!("no such method: {method}"),
    })
}

fn loaded(context: &StorageContext, method: &str, args: &Value) -> Result<Value> {
    Ok(match method {
        "load_index_from_storage" => {
            let index = load_index_from_storage(context, args["index_id"].as_str())?;
            json!([index.class_name(), index.index_id()])
        }
        "load_indices_from_storage" => {
            let ids = args["index_ids"].as_array();
            let ids: Option<Vec<&str>> =
                ids.map(|ids| ids.iter().filter_map(Value::as_str).collect());
            let indices = load_indices_from_storage(context, ids.as_deref())?;
            let shown = indices
                .iter()
                .map(|index| json!([index.class_name(), index.index_id()]));
            shown.collect()
        }
        "load_graph_from_storage" => {
            let graph = load_graph_from_storage(context, args["root_id"].as_str().unwrap())?;
            let root = graph.root_index()?;
            let all: Vec<&str> = graph
                .indices()
                .iter()
                .map(|index| index.index_id())
                .collect();
            json!({"root": [root.class_name(), root.index_id()], "all_indices": all})
        }
        _ => panic!("no such method: {method}"),
    })
}

fn number(args: &Value, name: &str) -> usize {
    args[name].as_u64().unwrap() as usize
}

/// A list of strings; none where there is no list.
fn strings(list: &Value) -> Vec<&[u8]> {
    let list = list.as_array().into_iter().flatten();
    list.map(|text| text.as_str().unwrap().as_bytes()).collect()
}

fn text(bytes: impl AsRef<[u8]>) -> Value {
    json!(str::from_utf8(bytes.as_ref()).unwrap())
}

fn texts<T: AsRef<[u8]>>(all: impl IntoIterator<Item = T>) -> Value {
    all.into_iter().map(text).collect()
}

fn maybe(bytes: Option<impl AsRef<[u8]>>) -> Value {
    bytes.map_or(Value::Null, text)
}

fn members(all: Vec<(Cow<'_, [u8]>, twinstore::json::Value<'_>)>) -> Value {
    let pairs = all.into_iter().map(|(key, value)| {
        let key = String::from_utf8(key.into_owned()).unwrap();
        (key, serde_json::from_slice(value.text()).unwrap())
    });
    Value::Object(pairs.collect())
}
