//! `twinstore delete`

use std::path::PathBuf;

use super::{Failure, Outcome, ReadArgs, output};
use crate::{
    Error, StorageContext,
    error::StoreError,
    storage_context::{JsonFate, JsonTwin, PersistOptions},
};

/// Delete a document with its nodes, from all stores
///
/// As `delete_ref_doc(ID, delete_from_docstore=True)` does for every index of the
/// directory: its vectors, its nodes in the index structs, its nodes in the docstore.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// The id of the document (`ref_doc_id`)
    #[arg(long, value_name = "ID")]
    ref_doc: String,
    /// What becomes of the JSON files: `auto` writes them anew up to 64 MiB, else
    /// renames them to NAME.stale
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    write_json: When,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let mut context = StorageContext::open(&args.dir, &args.read.options())?;
    let deleted = context.delete_ref_doc(args.ref_doc.as_bytes());
    let options = PersistOptions {
        json: match args.write_json {
            When::Auto => JsonTwin::Auto,
            When::Always => JsonTwin::Always,
            When::Never => JsonTwin::Never,
        },
        ..PersistOptions::default()
    };
    // Also where it is gone already: a run that was killed may have left old JSON.
    let is_gone = matches!(deleted, Err(Error::Store(StoreError::NoRefDoc { .. })));
    let deleted = match deleted {
        Err(e) if !is_gone => return Err(e.into()),
        other => other,
    };
    let persisted = context.persist_with(&args.dir, &options)?;
    let deleted = deleted?;
    // A file of an older state that is left under its name is a problem.
    let kept = persisted
        .stores
        .iter()
        .any(|store| store.json == JsonFate::Kept);
    let outcome = match kept {
        true => Outcome::ProblemFound,
        false => Outcome::Well,
    };
    if args.json {
        output::json(&serde_json::json!({ "deleted": deleted, "persisted": persisted }))?;
        return Ok(outcome);
    }
    let mut text = format!("{} nodes, {} vectors\n", deleted.nodes, deleted.vectors);
    let rows = persisted.stores.iter().map(|store| {
        let json = match store.json {
            JsonFate::Written => "JSON written",
            JsonFate::SetAside => "JSON renamed to NAME.stale",
            JsonFate::Absent => "no JSON file",
            JsonFate::Kept => "JSON left as it is",
        };
        let written = format!("{} written", output::size(store.written));
        vec![store.file.clone(), written, json.to_owned()]
    });
    text.push_str(&output::table(&rows.collect::<Vec<_>>(), &[]));
    for warning in &persisted.warnings {
        text.push_str(&format!("warning: {}\n", output::visible(warning)));
    }
    text.push_str(&format!(
        "generation {} is published\n",
        persisted.generation
    ));
    output::text(&text)?;
    Ok(outcome)
}
