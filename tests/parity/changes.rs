//! The changes of a recording, done with twinstore (`recorder/changes.py`).

use serde_json::{Value, json};
use twinstore::{
    Error, Result,
    store::{
        AddOptions, ChatMessage, ChatStore, DocumentStore, GraphStore, IndexStore, LabelledNode,
        NewDocument, NewVector, Node, PropertyGraphStore, Relation, TripletQuery, VectorStore,
    },
};

use crate::recording::{Raised, numbers};

/// The stores of one persist dir.
pub trait Stores {
    fn docstore(&mut self) -> &mut DocumentStore;
    fn index_store(&mut self) -> &mut IndexStore;
    fn graph_store(&mut self) -> &mut GraphStore;
    fn property_graph_store(&mut self) -> &mut PropertyGraphStore;
    fn chat_store(&mut self) -> &mut ChatStore;
    fn vector_store(&mut self) -> &mut VectorStore;
}

/// Does what LlamaIndex did with these arguments; gives back what it returned.
pub fn apply(stores: &mut dyn Stores, call: &str, args: &Value) -> Result<Value, Raised> {
    let (store, method) = call.split_once('.').unwrap();
    let outcome = match store {
        "docstore" => of_docstore(stores.docstore(), method, args),
        "index_store" => of_index_store(stores.index_store(), method, args),
        "graph_store" => of_graph_store(stores.graph_store(), method, args),
        "property_graph_store" => of_property_graph(stores.property_graph_store(), method, args),
        "chat_store" => of_chat_store(stores.chat_store(), method, args),
        "vector_store" => of_vector_store(stores.vector_store(), method, args),
        _ => panic!("no such store: {store}"),
    };
    outcome.map_err(|error| Raised {
        class: match &error {
            Error::Store(error) => error.exception().as_str().to_owned(),
            Error::Query(error) => error.exception().as_str().to_owned(),
            _ => "twinstore::Error".to_owned(),
        },
        text: error.to_string(),
    })
}

fn of_docstore(store: &mut DocumentStore, method: &str, args: &Value) -> Result<Value> {
    let id = bytes(&args["doc_id"]);
    let ref_doc_id = bytes(&args["ref_doc_id"]);
    let must_be_there = args["raise_error"] == true;
    match method {
        "add_documents" => {
            let docs = list(&args["docs"]).iter().map(|doc| {
                let node = Node::from_json(bytes(&doc["record"]).to_vec())?;
                let hash = bytes(&doc["hash"]).to_vec();
                Ok(NewDocument { node, hash })
            });
            let options = AddOptions {
                allow_update: args["allow_update"] == true,
                store_text: args["store_text"] == true,
            };
            store.add_documents(&docs.collect::<Result<Vec<_>>>()?, options)?;
        }
        "delete_document" if must_be_there => store.delete_document(id)?,
        "delete_document" => drop(store.discard_document(id)?),
        "delete_ref_doc" if must_be_there => store.delete_ref_doc(ref_doc_id)?,
        "delete_ref_doc" => drop(store.discard_ref_doc(ref_doc_id)?),
        "set_document_hash" => store.set_document_hash(id, bytes(&args["doc_hash"]))?,
        "set_document_hashes" => {
            let pairs = list(&args["doc_hashes"]).iter();
            let pairs: Vec<_> = pairs
                .map(|pair| (bytes(&pair[0]), bytes(&pair[1])))
                .collect();
            store.set_document_hashes(&pairs)?;
        }
        "document_exists" => return Ok(json!(store.contains(id)?)),
        "get_ref_doc_info" => drop(store.ref_doc_info(ref_doc_id)?),
        "get_all_document_hashes" => drop(store.all_document_hashes()?),
        _ => panic!("no such method: {method}"),
    }
    Ok(Value::Null)
}

fn of_index_store(store: &mut IndexStore, method: &str, args: &Value) -> Result<Value> {
    match method {
        "add_index_struct" => store.add_index_struct(bytes(&args["struct"]))?,
        "delete_index_struct" => drop(store.delete_index_struct(bytes(&args["key"]))?),
        "index_structs" => drop(store.index_structs()?),
        "edit" => {
            let id = bytes(&args["index_id"]);
            if store.get_index_struct(Some(id))?.is_none() {
                return Ok(json!(false));
            }
            edit(store, id, args["method"].as_str().unwrap(), &args["args"])?;
            return Ok(json!(true));
        }
        _ => panic!("no such method: {method}"),
    }
    Ok(Value::Null)
}

fn edit(store: &mut IndexStore, id: &[u8], method: &str, args: &Value) -> Result<()> {
    let mut of = store.edit(id)?;
    let node_id = bytes(&args["node_id"]);
    let node_ids = texts(&args["node_ids"]);
    match method {
        "set_summary" => of.set_summary(maybe(&args["summary"])),
        "IndexDict.add_node" => of.index_dict()?.add_node(node_id, maybe(&args["text_id"])),
        "IndexDict.delete" => of.index_dict()?.delete(bytes(&args["doc_id"])),
        "IndexList.add_node" => of.index_list()?.add_node(node_id),
        "KeywordTable.add_node" => {
            let keywords = texts(&args["keywords"]);
            of.keyword_table()?.add_node(&keywords, node_id)
        }
        "KG.add_node" => of.kg()?.add_node(&texts(&args["keywords"]), node_id),
        "KG.add_to_embedding_dict" => {
            let embedding = numbers(args["embedding"].as_str().unwrap());
            of.kg()?
                .add_to_embedding_dict(bytes(&args["triplet_str"]), &embedding)
        }
        "IndexGraph.insert" => {
            let index = args["index"].as_u64();
            of.index_graph()?
                .insert(node_id, index, &texts(&args["children_ids"]))
        }
        "IndexGraph.insert_under_parent" => {
            let (parent, index) = (maybe(&args["parent_id"]), args["new_index"].as_u64());
            of.index_graph()?
                .insert_under_parent(node_id, parent, index)
        }
        "IndexDocumentSummary.add_summary_and_nodes" => {
            let (summary, document) = (bytes(&args["summary_id"]), maybe(&args["ref_doc_id"]));
            let mut of = of.index_document_summary()?;
            of.add_summary_and_nodes(summary, document, &node_ids)
        }
        "IndexDocumentSummary.delete" => {
            of.index_document_summary()?.delete(bytes(&args["doc_id"]))
        }
        "IndexDocumentSummary.delete_nodes" => of.index_document_summary()?.delete_nodes(&node_ids),
        _ => panic!("no such method: {method}"),
    }
}

fn of_graph_store(store: &mut GraphStore, method: &str, args: &Value) -> Result<Value> {
    let [subject, relation, object] = ["subj", "rel", "obj"].map(|name| bytes(&args[name]));
    match method {
        "upsert_triplet" => store.upsert_triplet(subject, relation, object)?,
        "delete" => store.delete(subject, relation, object),
        _ => panic!("no such method: {method}"),
    }
    Ok(Value::Null)
}

fn of_property_graph(store: &mut PropertyGraphStore, method: &str, args: &Value) -> Result<Value> {
    match method {
        "upsert_nodes" => {
            let nodes = texts(&args["nodes"]).into_iter();
            let nodes = nodes.map(|text| LabelledNode::from_json(text.to_vec()));
            store.upsert_nodes(&nodes.collect::<Result<Vec<_>>>()?)?;
        }
        "upsert_relations" => {
            let relations = texts(&args["relations"]).into_iter();
            let relations = relations.map(|text| Relation::from_json(text.to_vec()));
            store.upsert_relations(&relations.collect::<Result<Vec<_>>>()?)?;
        }
        "delete" => {
            let [names, labels, ids] =
                ["entity_names", "relation_names", "ids"].map(|name| texts(&args[name]));
            let properties = args["properties"].as_object();
            let properties: Vec<(&str, String)> = properties
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.as_str(), value.to_string()))
                .collect();
            let properties: Vec<_> = properties
                .iter()
                .map(|(key, value)| (key.as_bytes(), twinstore::json::Value::of(value.as_bytes())))
                .collect();
            store.delete(&TripletQuery {
                entity_names: &names,
                relation_names: &labels,
                properties: &properties,
                ids: &ids,
            })?;
        }
        _ => panic!("no such method: {method}"),
    }
    Ok(Value::Null)
}

fn of_chat_store(store: &mut ChatStore, method: &str, args: &Value) -> Result<Value> {
    let (key, idx) = (bytes(&args["key"]), args["idx"].as_i64());
    let message = |text: &[u8]| ChatMessage::from_json(text.to_vec());
    let shown = |message: &ChatMessage| json!(String::from_utf8_lossy(message.raw()));
    Ok(match method {
        "set_messages" => {
            let messages = texts(&args["messages"]).into_iter().map(message);
            store.set_messages(key, &messages.collect::<Result<Vec<_>>>()?)?;
            Value::Null
        }
        "add_message" => {
            store.add_message(key, message(bytes(&args["message"]))?, idx)?;
            Value::Null
        }
        "delete_messages" => {
            let messages = store.delete_messages(key)?;
            messages.map_or(Value::Null, |all| all.iter().map(shown).collect())
        }
        "delete_message" => store
            .delete_message(key, idx.unwrap())?
            .as_ref()
            .map_or(Value::Null, shown),
        "delete_last_message" => store
            .delete_last_message(key)?
            .as_ref()
            .map_or(Value::Null, shown),
        _ => panic!("no such method: {method}"),
    })
}

fn of_vector_store(store: &mut VectorStore, method: &str, args: &Value) -> Result<Value> {
    match method {
        "add" => {
            let vectors = list(&args["nodes"]).iter().map(|node| NewVector {
                id: bytes(&node["id"]).to_vec(),
                embedding: numbers(node["embedding"].as_str().unwrap()),
                ref_doc_id: maybe(&node["ref_doc_id"]).map(<[u8]>::to_vec),
                metadata: bytes(&node["metadata"]).to_vec(),
            });
            store.add(vectors.collect())?;
        }
        "delete" => drop(store.delete(bytes(&args["ref_doc_id"]))?),
        "delete_nodes" => {
            let ids = args["node_ids"].as_array();
            let ids: Option<Vec<Vec<u8>>> =
                ids.map(|ids| ids.iter().map(|id| bytes(id).to_vec()).collect());
            let filters = maybe(&args["filters"]);
            let filters = filters.map(|text| serde_json::from_slice(text).unwrap());
            store.delete_nodes(ids.as_deref(), filters.as_ref())?;
        }
        "clear" => store.clear()?,
        _ => panic!("no such method: {method}"),
    }
    Ok(Value::Null)
}

fn list(values: &Value) -> &[Value] {
    values.as_array().map_or(&[], Vec::as_slice)
}

fn texts(values: &Value) -> Vec<&[u8]> {
    list(values).iter().map(bytes).collect()
}

/// The text of an argument; an absent one is never looked at.
fn bytes(value: &Value) -> &[u8] {
    maybe(value).unwrap_or_default()
}

fn maybe(value: &Value) -> Option<&[u8]> {
    value.as_str().map(str::as_bytes)
}
