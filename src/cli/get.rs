//! `twinstore get`

use std::{ffi::OsString, path::PathBuf};

use super::{Failure, Outcome, ReadArgs, output};
use crate::{convert::StoreView, store::CollectionPath};

/// Print one record, or what a vector store has under an id
///
/// Exits with 1 when there is no such key. The JSON is printed as it is in the
/// file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// The store: a file name, with or without .json, or the namespace of a
    /// vector store
    store: String,
    /// The key: a node's id, for instance
    key: OsString,
    /// Look in this collection only, such as docstore/metadata; for a map in
    /// an index struct, 'index_store/data > INDEX_ID > nodes_dict'
    #[arg(long, value_name = "NAME")]
    collection: Option<CollectionPath>,
    /// Look in this generation instead of the newest
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Print an object with store, collection, key and value
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let options = args.read.options();
    let store = StoreView::open(&args.dir, &args.store, args.generation, &options)?;
    let found = store.get(args.collection.as_ref(), args.key.as_encoded_bytes())?;
    let mut text = if args.json {
        found.to_json()
    } else {
        // The value alone does not tell, where there was a choice.
        let choice = args.collection.is_none() && store.default_collections().len() > 1;
        if let Some(collection) = found.collection.as_ref().filter(|_| choice) {
            eprintln!("found in {}", output::visible(&collection.to_string()));
        }
        found.value
    };
    text.push(b'\n');
    output::bytes(&text)?;
    Ok(Outcome::Well)
}
