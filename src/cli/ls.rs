//! `twinstore ls`

use std::{ffi::OsString, io::Write, path::PathBuf};

use super::{Failure, Outcome, ReadArgs, output};
use crate::{
    Error,
    convert::{CollectionInfo, StoreView, stores},
    json::{Escapes, encode},
    store::CollectionPath,
};

/// List the stores, or the collections and keys of one
///
/// With --collection, keys only, one a line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// The store: a file name, with or without .json, or the namespace of a
    /// vector store
    store: Option<String>,
    /// The keys of this collection, such as docstore/metadata; for a map in
    /// an index struct, 'index_store/data > INDEX_ID > nodes_dict'
    #[arg(long, value_name = "NAME", requires = "store")]
    collection: Option<CollectionPath>,
    /// Only keys that begin so
    #[arg(
        long,
        requires = "store",
        default_value = "",
        hide_default_value = true
    )]
    prefix: OsString,
    /// No more keys than this
    #[arg(long, value_name = "N", requires = "store")]
    limit: Option<u64>,
    /// List this generation instead of the newest
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    match &args.store {
        Some(store) => keys(args, store),
        None => all_stores(args),
    }
}

fn all_stores(args: &Args) -> Result<Outcome, Failure> {
    let stores = stores(&args.dir, args.generation, &args.read.options())?;
    if args.json {
        output::json(&serde_json::json!({ "stores": stores }))?;
    } else {
        let rows = stores.into_iter().map(|store| {
            let form = if store.file_form { "as the file" } else { "" };
            vec![store.name, store.kind.to_owned(), form.to_owned()]
        });
        output::text(&output::table(&rows.collect::<Vec<_>>(), &[]))?;
    }
    Ok(Outcome::Well)
}

fn keys(args: &Args, name: &str) -> Result<Outcome, Failure> {
    let options = args.read.options();
    let store = StoreView::open(&args.dir, name, args.generation, &options)?;
    let wanted = match &args.collection {
        Some(collection) => vec![collection.clone()],
        None => store.default_collections(),
    };
    let mut out = output::Lines::new();
    if args.json {
        json(args, &store, &wanted, &mut out)?;
    } else {
        text(args, &store, &wanted, &mut out)?;
    }
    out.end()?;
    Ok(Outcome::Well)
}

fn text(
    args: &Args,
    store: &StoreView,
    wanted: &[CollectionPath],
    out: &mut output::Lines,
) -> Result<(), Failure> {
    if args.collection.is_none() {
        let rows = store.collections()?;
        let rows = rows
            .into_iter()
            .map(|CollectionInfo { name, records }| vec![name, records.to_string()]);
        out.write_all(output::table(&rows.collect::<Vec<_>>(), &[1]).as_bytes())?;
    }
    let mut left = args.limit;
    for collection in wanted {
        if args.collection.is_none() {
            let name = output::visible(&collection.to_string());
            out.write_all(format!("\n{name}:\n").as_bytes())?;
        }
        let more = each_key(args, store, collection, &mut left, &mut |key| out.line(key))?;
        if more && args.collection.is_none() {
            out.write_all(b"and more\n")?;
        }
    }
    Ok(())
}

fn json(
    args: &Args,
    store: &StoreView,
    wanted: &[CollectionPath],
    out: &mut output::Lines,
) -> Result<(), Failure> {
    // Written as it comes: a million keys are not held.
    let head = serde_json::json!({
        "generation": store.generation(),
        "store": store.entry(),
        "collections": store.collections()?,
    });
    let head = head.to_string();
    out.write_all(head.strip_suffix('}').unwrap_or(&head).as_bytes())?;
    out.write_all(b",\"keys\":{")?;
    let (mut left, mut more) = (args.limit, false);
    for (n, collection) in wanted.iter().enumerate() {
        let mut token = if n > 0 { b",".to_vec() } else { Vec::new() };
        encode(
            collection.to_string().as_bytes(),
            Escapes::Ascii,
            &mut token,
        );
        token.extend_from_slice(b":[");
        out.write_all(&token)?;
        let mut first = true;
        more |= each_key(args, store, collection, &mut left, &mut |key| {
            token.clear();
            token.extend_from_slice(if first { b"" } else { b"," });
            first = false;
            encode(key, Escapes::Ascii, &mut token);
            out.write_all(&token)
        })?;
        out.write_all(b"]")?;
    }
    out.write_all(format!("}},\"more\":{more}}}\n").as_bytes())?;
    Ok(())
}

/// Lists keys until `left` of them were written.
fn each_key(
    args: &Args,
    store: &StoreView,
    collection: &CollectionPath,
    left: &mut Option<u64>,
    write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<bool, Failure> {
    let mut failed = None;
    let prefix = args.prefix.as_encoded_bytes();
    let limit = *left;
    let listed = store.each_key(collection, prefix, limit, &mut |key| {
        if let Some(left) = left {
            *left = left.saturating_sub(1);
        }
        write(key).map_err(|e| {
            // The library's errors are not about the output: kept aside.
            let action = "write to";
            let path = PathBuf::from("standard output");
            let source = std::io::Error::from(e.kind());
            failed = Some(e);
            Error::Io {
                action,
                path,
                source,
            }
        })
    });
    match failed {
        Some(e) => Err(Failure::Output(e)),
        None => Ok(listed?),
    }
}
