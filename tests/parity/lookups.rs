//! Asks the other stores of packed directories what LlamaIndex was asked.

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use twinstore::{
    DEFAULT_VECTOR_STORE, Error, StorageContext, bytes::Backend, convert::PackOptions,
};

use crate::{
    answers,
    common::{Storage, files_of, in_parallel, options},
    mismatches::Mismatches,
    recording::{Raised, committed, dirs, large},
};

#[test]
fn lookups_are_answered_as_llama_index_does() {
    replay(&committed());
}

#[test]
#[ignore = "needs a recording of scripts/parity"]
fn thousands_of_lookups_are_answered_as_llama_index_does() {
    replay(&large());
}

/// Replays all lookups of a recording on both backends.
fn replay(recording: &Path) {
    let contexts = dirs(recording, "contexts");
    let (lookups, mismatches) = (AtomicUsize::new(0), Mismatches::default());
    in_parallel(&contexts, |(dir, cases)| {
        lookups.fetch_add(cases.len(), Ordering::Relaxed);
        let storage = Storage::in_memory(&files_of(dir));
        let packed = storage.try_pack(PackOptions::default());
        for backend in [Backend::Map, Backend::Read] {
            // Broken files are refused here by `pack`, there by the loader.
            let context = match &packed {
                Ok(_) => StorageContext::open(storage.dir(), &options(backend)).map_err(raised),
                Err(error) => Err(Raised {
                    class: "pack".to_owned(),
                    text: error.to_string(),
                }),
            };
            for case in cases {
                let outcome = match &context {
                    Ok(context) => answer(context, case),
                    Err(error) => Err(error.clone()),
                };
                if let Err(problem) = compare(case, &outcome, context.is_ok()) {
                    let place = format!("{}, {backend:?}", dir.display());
                    mismatches.add(&place, &problem, &case.to_string(), &outcome);
                }
            }
        }
    });
    let (contexts, lookups) = (contexts.len(), lookups.into_inner());
    mismatches.finish(&format!(
        "{contexts} persist dirs, {lookups} lookups on two backends"
    ));
}

fn call(case: &Value) -> &str {
    case["call"].as_str().unwrap()
}

fn answer(context: &StorageContext, case: &Value) -> Result<Value, Raised> {
    let args = &case["args"];
    let found = match call(case) {
        "StorageContext.from_defaults" => everything(context, &case["returns"]),
        "SimpleChatStore.from_persist_path" => context.chat_store().map(|_| Value::Null),
        call => answers::answer(context, call, args),
    };
    found.map_err(raised)
}

/// LlamaIndex reads all stores at once; here each is opened when it is asked
/// for, so what is wrong with one must be asked for, too.
fn everything(context: &StorageContext, expected: &Value) -> twinstore::Result<Value> {
    context.docstore()?;
    context.index_store()?;
    context.graph_store()?;
    let graph = context.property_graph_store()?;
    let mut names: Vec<&str> = context.vector_stores().collect();
    names.sort_unstable();
    if names.contains(&DEFAULT_VECTOR_STORE) {
        context.vector_store(DEFAULT_VECTOR_STORE)?;
    }
    let all = names.len();
    names.retain(|name| context.vector_store(name).is_ok());
    if names.len() < all {
        // LlamaIndex drops one that it cannot load, without a word, and with it
        // those that come after it in the directory.
        let known = expected["vector_stores"].as_array();
        names.retain(|name| known.is_some_and(|known| known.contains(&json!(name))));
    }
    Ok(json!({"vector_stores": names, "property_graph_store": graph.is_some()}))
}

fn compare(case: &Value, outcome: &Result<Value, Raised>, opened: bool) -> Result<(), String> {
    let whole_file = matches!(
        call(case),
        "StorageContext.from_defaults" | "SimpleChatStore.from_persist_path"
    );
    match (case.get("raises").map(Raised::of), outcome) {
        // A file that is no JSON, or not there: the words are each its own.
        (Some(_), Err(_)) if whole_file => Ok(()),
        // LlamaIndex has no word for this.
        (Some(expected), Err(found)) if expected.class == "AssertionError" => {
            match found.class == "AssertionError" {
                true => Ok(()),
                false => Err(format!("raises {found:?} instead of {expected:?}")),
            }
        }
        (Some(expected), Err(found)) if expected == *found => Ok(()),
        // LlamaIndex makes no index at all without this store, before it looks at
        // anything else. Here, those that have no use for it are loaded.
        (Some(expected), _) if expected == missing_default() => Ok(()),
        (Some(expected), Err(found)) => Err(format!("raises {found:?} instead of {expected:?}")),
        // 0.6 to 0.8 had this file; what LlamaIndex no longer reads is read here.
        (Some(expected), Ok(_)) if expected.text.contains("default__vector_store.json") => Ok(()),
        (Some(expected), Ok(_)) => Err(format!("an answer instead of {expected:?}")),
        // What was not packed cannot be asked.
        (None, Err(_)) if !opened && !whole_file => Ok(()),
        (None, Err(found)) => Err(format!("raises {found:?} instead of an answer")),
        (None, Ok(found)) if *found == case["returns"] => Ok(()),
        (None, Ok(_)) => Err("another answer".to_owned()),
    }
}

/// What LlamaIndex raises where there is no vector store of the usual name.
fn missing_default() -> Raised {
    Raised {
        class: "KeyError".to_owned(),
        text: format!("'{DEFAULT_VECTOR_STORE}'"),
    }
}

fn raised(error: Error) -> Raised {
    let class = match &error {
        Error::Store(error) => error.exception().as_str(),
        Error::Load(error) => error.exception().as_str(),
        _ => "twinstore::Error",
    };
    Raised {
        class: class.to_owned(),
        text: error.to_string(),
    }
}

/// Letting everything pass would prove nothing.
#[test]
fn another_answer_or_error_is_noticed() {
    let says = |case: Value, outcome: Result<Value, Raised>| compare(&case, &outcome, true);
    let error = |text: &str| Raised::of(&json!(["ValueError", text]));

    let answered = json!({"call": "docstore.docs", "returns": ["a", "b"]});
    says(answered.clone(), Ok(json!(["a", "b"]))).unwrap();
    says(answered.clone(), Ok(json!(["b", "a"]))).unwrap_err();
    says(answered, Err(error("no"))).unwrap_err();

    let raised = json!({"call": "docstore.get_document", "raises": ["ValueError", "not found"]});
    says(raised.clone(), Err(error("not found"))).unwrap();
    says(raised.clone(), Err(error("Not found"))).unwrap_err();
    says(raised, Ok(Value::Null)).unwrap_err();

    let no_file = json!({"call": "StorageContext.from_defaults", "raises": ["FileNotFoundError", "docstore.json"]});
    says(no_file.clone(), Err(error("there is no store"))).unwrap();
    says(no_file, Ok(json!({}))).unwrap_err();
}
