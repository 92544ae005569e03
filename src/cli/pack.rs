//! `twinstore pack`

use std::path::PathBuf;

use super::{Failure, Outcome, output, progress::Bars};
use crate::{
    convert::{Action, PackOptions, PackReport, pack},
    segment::{Compression, SketchPolicy},
};

/// Make or refresh the binary twin of a persist directory
///
/// Reads the JSON files that are new or changed, writes the twin to
/// DIR/twin, and proves that it prints every file back byte for byte. The
/// JSON files stay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// Pack every other file of the directory too, as it is
    #[arg(long)]
    all: bool,
    /// Afterwards remove the JSON files of LlamaIndex's stores, each after
    /// another comparison with the published twin
    #[arg(long)]
    drop_json: bool,
    /// Take all JSON files over: even where the twin is newer, where that
    /// gives a store up, and where the twin holds the same (which replaces
    /// damaged binary files)
    #[arg(long, value_enum)]
    prefer: Option<Json>,
    /// Compress documents, index structs and graphs harder, and read them a
    /// little slower
    #[arg(long)]
    dense: bool,
    /// Compress documents, index structs and graphs at this level of zstd
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=22))]
    level: Option<i32>,
    /// Keep a second, shorter form of the vectors, which makes queries faster, of stores that are
    /// packed now (`--prefer json` packs all anew)
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    sketch: Sketch,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Sketch {
    /// Of stores of 4,096 vectors and more, where it rules most of them out
    Auto,
    /// Of every store, where it can be
    Always,
    /// Of none
    Never,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Json {
    Json,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let mut compression = match args.dense {
        true => Compression::DENSE,
        false => Compression::default(),
    };
    compression.level = args.level.unwrap_or(compression.level);
    let options = PackOptions {
        all: args.all,
        drop_json: args.drop_json,
        prefer_json: args.prefer.is_some(),
        compression,
        sketch: match args.sketch {
            Sketch::Auto => SketchPolicy::Auto,
            Sketch::Always => SketchPolicy::Always,
            Sketch::Never => SketchPolicy::Never,
        },
    };
    let report = pack(&args.dir, &options, &Bars::new())?;
    if args.json {
        output::json(&report)?;
    } else {
        output::text(&describe(&report))?;
    }
    Ok(Outcome::Well)
}

fn describe(report: &PackReport) -> String {
    let mut rows = Vec::new();
    for store in &report.stores {
        let action = match store.action {
            Action::Packed if store.file_form => "packed as it is",
            Action::Packed => "packed",
            Action::UpToDate => "up to date",
            Action::Kept => "kept (no JSON file)",
        };
        let json = output::size(store.json_bytes);
        let binary = output::size(store.binary_bytes);
        rows.push(vec![
            store.file.clone(),
            action.to_owned(),
            format!("{json} -> {binary}"),
            store
                .why
                .clone()
                .map_or_else(String::new, |why| format!("({why})")),
        ]);
    }
    let mut text = output::table(&rows, &[]);
    if !report.left_alone.is_empty() {
        let names = output::visible(&report.left_alone.join(", "));
        text.push_str(&format!("left alone: {names}\n"));
    }
    if !report.dropped.is_empty() {
        let names = output::visible(&report.dropped.join(", "));
        text.push_str(&format!("removed: {names}\n"));
    }
    for warning in &report.warnings {
        text.push_str(&format!("warning: {}\n", output::visible(warning)));
    }
    let made = if report.committed {
        "is published"
    } else {
        "is up to date"
    };
    text.push_str(&format!("generation {} {made}\n", report.generation));
    text
}
