//! `twinstore query`

use std::{borrow::Cow, ffi::OsString, path::PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Failure, Outcome, ReadArgs, output, vectors};
use crate::{
    Error, Notice, StorageContext,
    error::{NotFound, QueryError},
    json::{Escapes, encode},
    search::{Hit, MetadataFilter, MetadataFilters, VectorStoreQuery, VectorStoreQueryMode},
    segment::Metadata,
    store::{DocumentStore, VectorStore},
};

/// Characters of a text that a table shows.
const SHOWN: usize = 100;

/// Search a vector store for the nearest vectors
///
/// Scores and order are those of LlamaIndex's SimpleVectorStore.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    #[command(flatten)]
    vector: Vector,
    /// How many rows to give; 0 gives all
    #[arg(short = 'k', long, value_name = "N", default_value_t = 10)]
    top_k: usize,
    /// Only rows whose metadata pass, as 'page >= 3', 'lang in ["en", "de"]' or
    /// 'title text_match Rust'; several must all pass
    #[arg(long = "filter", value_name = "CONDITION")]
    filters: Vec<MetadataFilter>,
    /// How rows are chosen: `mmr` gives rows that differ from each other
    #[arg(long, value_enum, default_value = "default")]
    mode: Mode,
    /// For `--mode mmr`: 1 looks at the query only, 0 at the row before only
    #[arg(long, value_name = "0..1")]
    mmr_threshold: Option<f64>,
    /// The vector store: its namespace, or its file's name
    #[arg(long, value_name = "NAME", default_value = crate::DEFAULT_VECTOR_STORE)]
    store: String,
    /// Show this of each row, too
    #[arg(long, value_enum, value_delimiter = ',')]
    show: Vec<Show>,
    /// Search this generation instead of the newest
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Vector {
    /// Near to the vector that the store has under this id
    #[arg(long, value_name = "KEY")]
    like: Option<OsString>,
    /// Near to the vector in this file: .npy, or a list of numbers as JSON; `-` is
    /// standard input. Several vectors are several queries
    #[arg(long, value_name = "FILE")]
    vector: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mode {
    Default,
    Mmr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Show {
    /// The text of its node
    Text,
    /// Its metadata
    Metadata,
}

/// The answer as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    generation: Option<u64>,
    store: &'a str,
    /// One list for each query.
    results: Vec<Vec<Row<'a>>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: Cow<'a, str>,
    /// A number, or "NaN", "Infinity", "-Infinity".
    #[serde(serialize_with = "score")]
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Where it is no strict JSON (it may hold NaN), as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Box<RawValue>>,
}

fn score<S: serde::Serializer>(score: &f64, out: S) -> Result<S::Ok, S::Error> {
    match *score {
        finite if finite.is_finite() => out.serialize_f64(finite),
        nan if nan.is_nan() => out.serialize_str("NaN"),
        positive if positive > 0.0 => out.serialize_str("Infinity"),
        _ => out.serialize_str("-Infinity"),
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let options = args.read.options();
    let context = match args.generation {
        Some(generation) => StorageContext::open_generation(&args.dir, generation, &options)?,
        None => StorageContext::open(&args.dir, &options)?,
    };
    tell(context.notices());
    let store = context.vector_store(&args.store)?;
    let queries: Vec<_> = args
        .embeddings(store)?
        .iter()
        .map(|v| args.query(v))
        .collect();
    let answers = store.query_batch(&queries).inspect_err(explain)?;
    let documents = match args.show.contains(&Show::Text) {
        true => Some(context.docstore()?),
        false => None,
    };
    let mut results = Vec::with_capacity(answers.len());
    for hits in &answers {
        let rows = hits.iter().map(|hit| args.row(hit, store, documents));
        results.push(rows.collect::<Result<Vec<_>, _>>()?);
    }
    if args.json {
        output::json(&Answer {
            generation: context.generation(),
            store: &args.store,
            results,
        })?;
    } else {
        output::text(&as_text(&results, &args.show))?;
    }
    Ok(Outcome::Well)
}

/// A copied directory has all its files touched, which is worth one line.
fn tell(notices: &[Notice]) {
    let is_touched = |notice: &&Notice| matches!(notice, Notice::Touched { .. });
    let touched = notices.iter().filter(is_touched).count();
    if touched > 1 {
        eprintln!(
            "note: {touched} JSON files were touched since they were packed, but seem to hold the same; `twinstore pack` makes sure"
        );
    }
    for notice in notices.iter().filter(|n| touched < 2 || !is_touched(n)) {
        eprintln!("note: {notice}");
    }
}

impl Args {
    fn embeddings(&self, store: &VectorStore) -> Result<Vec<Vec<f64>>, Error> {
        if let Some(path) = &self.vector.vector {
            return vectors::read(path);
        }
        let key = self.vector.like.as_deref().unwrap_or_default();
        match store.get(key.as_encoded_bytes())? {
            Some(vector) => Ok(vec![vector]),
            None => Err(Error::NotFound(NotFound::Key {
                store: self.store.clone(),
                key: key.to_string_lossy().into_owned(),
                searched: vec!["embedding_dict".to_owned()],
                elsewhere: Vec::new(),
            })),
        }
    }

    fn query(&self, embedding: &[f64]) -> VectorStoreQuery {
        let mut query = VectorStoreQuery::new(embedding).top_k(self.top_k);
        query = query.mode(match self.mode {
            Mode::Default => VectorStoreQueryMode::Default,
            Mode::Mmr => VectorStoreQueryMode::Mmr,
        });
        if let Some(threshold) = self.mmr_threshold {
            query = query.mmr_threshold(threshold);
        }
        match self.filters.is_empty() {
            true => query,
            false => query.filters(MetadataFilters::all(self.filters.clone())),
        }
    }

    fn row<'h>(
        &self,
        hit: &'h Hit,
        store: &VectorStore,
        documents: Option<&DocumentStore>,
    ) -> Result<Row<'h>, Error> {
        let node = documents
            .map(|documents| documents.get(&hit.id))
            .transpose()?;
        let text = node.flatten().map(|node| node.text().into_owned());
        let metadata = match self.show.contains(&Show::Metadata) {
            true => store.metadata(&hit.id)?,
            false => None,
        };
        Ok(Row {
            id: hit.id_text(),
            score: hit.score,
            text: text.map(|text| String::from_utf8_lossy(&text).into_owned()),
            metadata: metadata.as_ref().and_then(as_json),
        })
    }
}

/// Metadata as one JSON value.
fn as_json(metadata: &Metadata) -> Option<Box<RawValue>> {
    let mut text = Vec::new();
    match metadata {
        Metadata::Text(as_written) => text.extend_from_slice(as_written),
        Metadata::Object(members) => {
            for (n, (key, value)) in members.iter().enumerate() {
                text.extend_from_slice(if n == 0 { b"{" } else { b", " });
                encode(key, Escapes::Utf8, &mut text);
                text.extend_from_slice(b": ");
                text.extend_from_slice(value);
            }
            text.extend_from_slice(if members.is_empty() { b"{}" } else { b"}" });
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let as_text = |text: &String| serde_json::value::to_raw_value(text);
    RawValue::from_string(text.clone())
        .or_else(|_| as_text(&text))
        .ok()
}

/// Says in plain words, too, what is wrong where Python's words need its type.
fn explain(error: &Error) {
    let Error::Query(error) = error else {
        return;
    };
    let text = |id: &[u8]| output::visible(&String::from_utf8_lossy(id));
    let note = match error {
        QueryError::Shapes { query, stored } => format!(
            "the query has {query} components, the vectors of the store have {stored}; was it made by another embedding model?"
        ),
        QueryError::NodeWithoutMetadata { id } => {
            format!("the vector of {} has no metadata to filter by", text(id))
        }
        QueryError::NoPick => "no vector has a score that is a number".to_owned(),
        QueryError::NoFurtherPick { id } => {
            format!("after {} no vector has a score that is a number", text(id))
        }
        _ => return,
    };
    eprintln!("note: {note}");
}

fn as_text(results: &[Vec<Row<'_>>], shown: &[Show]) -> String {
    let mut out = String::new();
    for (n, rows) in results.iter().enumerate() {
        if results.len() > 1 {
            let gap = if n == 0 { "" } else { "\n" };
            out.push_str(&format!("{gap}query {n}:\n"));
        }
        let cells = rows.iter().map(|row| {
            let mut cells = vec![format!("{:.6}", row.score), row.id.clone().into_owned()];
            for show in shown {
                let text = match show {
                    Show::Text => row.text.as_deref(),
                    Show::Metadata => row.metadata.as_deref().map(RawValue::get),
                };
                cells.push(text.map(shortened).unwrap_or_default());
            }
            cells
        });
        out.push_str(&output::table(&cells.collect::<Vec<_>>(), &[0]));
    }
    out
}

/// The beginning of a text, on one line.
fn shortened(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(SHOWN) {
        words.truncate(end);
        words.push('…');
    }
    words
}
