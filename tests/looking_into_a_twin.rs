//! Somebody wants to know what is under one id in an index of 8 GB. `jq` needs
//! minutes and all the memory there is; `twinstore get` reads one block. What it
//! prints must be what stands in the file, and where there is nothing it must
//! say so, with the exit status that scripts can tell from failure.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{DOCUMENTS, Storage, VECTORS, document_store, vector_store};
use serde_json::{Value, json};
use twinstore::{
    Error,
    container::OpenOptions,
    convert::{StoreView, get},
    error::NotFound,
    store::CollectionPath,
};

const INDEX: &str = "index_store.json";

/// As LlamaIndex writes it: the struct is JSON in a string.
fn index_store(ids: &[&str]) -> String {
    let nodes: Value = ids
        .iter()
        .map(|id| (id.to_string(), json!(id)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let data = json!({"index_id": "the > index", "summary": null, "nodes_dict": nodes,
        "doc_id_dict": {}, "embeddings_dict": {}});
    let store = json!({"index_store/data": {"the > index": {
        "__type__": "vector_store", "__data__": python(&data)}}});
    python(&store)
}

/// What `json.dumps` makes of a value without floats.
fn python(value: &Value) -> String {
    let mut text = Vec::new();
    twinstore::json::print(
        serde_json::to_string(value).unwrap().as_bytes(),
        &twinstore::json::JsonStyle::python(),
        0,
        &mut text,
    );
    String::from_utf8(text).unwrap()
}

fn documents() -> String {
    let node = |text: &str| json!({"__data__": {"id_": text, "text": text}, "__type__": "1"});
    python(&json!({
        "docstore/data": {"n-1": node("first"), "n-2": node("second"), "odd\nkey": node("third")},
        "docstore/metadata": {"n-1": {"doc_hash": "a"}, "ref": {"doc_hash": "b"}},
        "docstore/ref_doc_info": {"ref": {"node_ids": ["n-1", "n-2"], "metadata": {}}},
    }))
}

fn storage() -> Storage {
    let storage = Storage::with([
        (VECTORS, &vector_store("id", 3)),
        (DOCUMENTS, &documents()),
        (INDEX, &index_store(&["n-1", "n-2"])),
        (
            "graph_store.json",
            r#"{"graph_dict": {"a": [["likes", "b"]]}, "more": {"z": 1}}"#,
        ),
        ("chat_store.json", "no JSON"),
    ]);
    storage.pack();
    storage
}

#[test]
fn a_record_is_printed_as_it_stands_in_the_file() {
    let storage = storage();
    let value = r#"{"__data__": {"id_": "first", "text": "first"}, "__type__": "1"}"#;
    for name in ["docstore", "docstore.json"] {
        for io in ["map", "read"] {
            let run = storage.run("get", &[name, "n-1", "--io", io]).ends_with(0);
            assert_eq!(
                (run.stdout, run.stderr),
                (format!("{value}\n"), String::new())
            );
        }
    }
    let meta = storage
        .run(
            "get",
            &["docstore", "n-1", "--collection", "docstore/metadata"],
        )
        .ends_with(0);
    assert_eq!(meta.stdout, "{\"doc_hash\": \"a\"}\n");
    let wrapped = storage
        .run("get", &["docstore", "n-1", "--json"])
        .ends_with(0)
        .json();
    assert_eq!(
        wrapped,
        json!({"store": DOCUMENTS, "collection": "docstore/data", "key": "n-1",
            "value": {"__data__": {"id_": "first", "text": "first"}, "__type__": "1"}})
    );
    // Without a /data, every collection is searched, and it is said which had it.
    let run = storage.run("get", &["graph_store", "z"]).ends_with(0);
    assert_eq!(
        (run.stdout.as_str(), run.stderr.as_str()),
        ("1\n", "found in more\n")
    );
}

#[test]
fn a_map_in_an_index_struct_is_reached_by_its_path() {
    let storage = storage();
    let path = r"index_store/data > the \> index > nodes_dict";
    let listed = storage
        .run("ls", &["index_store", "--json"])
        .ends_with(0)
        .json();
    // As it is listed, so it is asked for.
    assert_eq!(
        listed["collections"][1],
        json!({"name": path, "records": 2})
    );
    let keys = storage
        .run("ls", &["index_store", "--collection", path])
        .ends_with(0);
    assert_eq!(keys.stdout, "n-1\nn-2\n");
    let one = storage
        .run("get", &["index_store", "n-2", "--collection", path])
        .ends_with(0);
    assert_eq!(one.stdout, "\"n-2\"\n");
    storage
        .run("get", &["index_store", "n-2"])
        .ends_with(1)
        .says([
            INDEX,
            "n-2",
            "index_store/data",
            "nodes_dict",
            "--collection",
        ]);
    storage
        .run("ls", &["index_store", "--collection", "nodes_dict"])
        .ends_with(2)
        .says(["nodes_dict", "index_store/data"]);
    storage
        .run("ls", &["index_store", "--collection", "a > b"])
        .ends_with(2);
}

#[test]
fn an_id_of_a_vector_store_gives_all_that_is_known_of_it() {
    let storage = storage();
    let all = storage.run("get", &["default", "id-1"]).ends_with(0);
    assert_eq!(
        all.stdout,
        "{\"id\": \"id-1\", \"embedding\": [1.5, 0.10000000149011612], \"ref_doc_id\": \"ref-1\", \
         \"metadata\": {\"page\": 1, \"file\": \"a.pdf\"}}\n"
    );
    let args = ["default", "id-1", "--collection", "metadata_dict"];
    let one = storage.run("get", &args).ends_with(0);
    assert_eq!(one.stdout, "{\"page\": 1, \"file\": \"a.pdf\"}\n");
    let keys = storage.run("ls", &["default", "--collection", "metadata_dict"]);
    assert_eq!(keys.stdout, "id-0\nid-1\nid-2\n");
    storage
        .run("get", &["default", "nobody"])
        .ends_with(1)
        .says([VECTORS, "nobody", "embedding_dict", "twinstore ls"]);
}

/// Every vector store of the test data, every id: each part as in the file.
#[test]
fn what_get_prints_of_vectors_is_what_python_reads() {
    for dir in common::persist_dirs(&common::data_dir()) {
        let text = std::fs::read(dir.join(VECTORS)).unwrap_or_default();
        let Ok(Value::Object(file)) = serde_json::from_slice::<Value>(&text) else {
            continue;
        };
        let Some(Value::Object(vectors)) = file.get("embedding_dict") else {
            continue;
        };
        let storage = Storage::copy_of(&dir);
        storage.pack();
        let Ok(store) = StoreView::open(&storage.dir(), "default", None, &OpenOptions::default())
        else {
            continue;
        };
        for (id, vector) in vectors {
            let Ok(found) = store.get(None, id.as_bytes()) else {
                panic!("{}: {id}", dir.display());
            };
            let Ok(value) = serde_json::from_slice::<Value>(&found.value) else {
                // NaN is Python's JSON, not this parser's.
                continue;
            };
            if found.collection.is_some() {
                continue;
            }
            assert_eq!(&value["embedding"], vector, "{}: {id}", dir.display());
            for (maps, part) in [
                (&["metadata_dict"][..], "metadata"),
                (
                    &["text_id_to_ref_doc_id", "text_id_to_doc_id"],
                    "ref_doc_id",
                ),
            ] {
                let mut maps = maps.iter().filter_map(|map| file.get(*map));
                let expected = maps.find_map(|m| m.get(id)).unwrap_or(&Value::Null);
                assert_eq!(&value[part], expected, "{}: {id}", dir.display());
            }
        }
    }
}

#[test]
fn a_key_that_is_not_there_is_1_and_what_cannot_be_looked_up_is_2() {
    let storage = storage();
    storage.run("get", &["docstore", "ref"]).ends_with(1).says([
        DOCUMENTS,
        "ref",
        "docstore/data",
        "docstore/metadata",
        "--collection",
    ]);
    storage
        .run("get", &["nobody", "x"])
        .ends_with(2)
        .says(["nobody", "default"]);
    storage
        .run("get", &["chat_store", "x"])
        .ends_with(2)
        .says(["kept as the file is", "unpack"]);
    storage
        .run("get", &["docstore", "n-1", "--generation", "7"])
        .ends_with(2);
    let found = get(&storage.dir(), "docstore", b"none", &OpenOptions::default());
    assert!(
        matches!(&found, Err(Error::NotFound(NotFound::Key { key, .. })) if key == "none"),
        "{found:?}"
    );
}

#[test]
fn stores_and_keys_are_listed() {
    let storage = storage();
    storage.run("ls", &[]).ends_with(0).prints([
        "default",
        "vector store",
        "docstore.json",
        "chat_store.json",
        "as the file",
    ]);
    let stores = storage.run("ls", &["--json"]).ends_with(0).json();
    assert_eq!(stores["stores"].as_array().unwrap().len(), 5);
    storage.run("ls", &["docstore"]).ends_with(0).prints([
        "docstore/data",
        "3\n",
        "docstore/ref_doc_info",
        "n-1\nn-2\nodd\nkey\n",
    ]);
    let listed = storage
        .run(
            "ls",
            &["docstore", "--prefix", "n", "--limit", "1", "--json"],
        )
        .ends_with(0)
        .json();
    assert_eq!(listed["keys"], json!({"docstore/data": ["n-1"]}));
    assert_eq!(
        (
            &listed["more"],
            &listed["store"]["file"],
            &listed["generation"]
        ),
        (&json!(true), &json!(DOCUMENTS), &json!(1))
    );
    let all = storage
        .run("ls", &["docstore", "--json"])
        .ends_with(0)
        .json();
    assert_eq!(
        all["keys"]["docstore/data"],
        json!(["n-1", "n-2", "odd\nkey"])
    );
    assert_eq!(all["more"], json!(false));
    let path: CollectionPath = "docstore/metadata".parse().unwrap();
    let store = StoreView::open(&storage.dir(), "docstore", None, &OpenOptions::default()).unwrap();
    let mut keys = Vec::new();
    let more = store.each_key(&path, b"re", Some(1), &mut |key| {
        keys.push(key.to_vec());
        Ok(())
    });
    assert_eq!((more.unwrap(), keys), (false, vec![b"ref".to_vec()]));
}

#[test]
fn an_older_generation_is_looked_into_on_request() {
    let storage = Storage::with([(DOCUMENTS, &document_store("old"))]);
    storage.pack();
    storage.write(DOCUMENTS, document_store("new"));
    storage.pack();
    storage
        .run("get", &["docstore", "n"])
        .ends_with(0)
        .prints(["new"]);
    let args = ["docstore", "n", "--generation", "1"];
    storage.run("get", &args).ends_with(0).prints(["old"]);
    storage
        .run("ls", &["docstore", "--generation", "1"])
        .ends_with(0)
        .prints(["n"]);
}
