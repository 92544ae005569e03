//! `twinstore unpack`

use std::path::PathBuf;

use super::{Failure, Outcome, ReadArgs, output, progress::Bars};
use crate::convert::{UnpackOptions, unpack};

/// Print the JSON files from the twin
///
/// Without --out, into the persist directory itself: files that are missing,
/// damaged or older are replaced one by one, files that are up to date stay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// Write all files to this new directory instead
    #[arg(long, value_name = "NEW")]
    out: Option<PathBuf>,
    /// Only this store: a file name, or the namespace of a vector store
    #[arg(long, value_name = "NAME")]
    store: Option<String>,
    /// Print this generation instead of the newest; only with --out
    #[arg(long, value_name = "N", requires = "out")]
    generation: Option<u64>,
    /// Overwrite JSON files that are newer than the twin
    #[arg(long, value_enum)]
    prefer: Option<Twin>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Twin {
    Twin,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let options = UnpackOptions {
        out: args.out.clone(),
        store: args.store.clone(),
        generation: args.generation,
        prefer_twin: args.prefer.is_some(),
        open: args.read.options(),
    };
    let report = unpack(&args.dir, &options, &Bars::new())?;
    if args.json {
        output::json(&report)?;
        return Ok(Outcome::Well);
    }
    let rows: Vec<Vec<String>> = report
        .files
        .iter()
        .map(|file| {
            let action = if file.written {
                "written"
            } else {
                "up to date"
            };
            vec![
                file.file.clone(),
                action.to_owned(),
                output::size(file.bytes),
            ]
        })
        .collect();
    let mut text = output::table(&rows, &[2]);
    text.push_str(&format!("generation {}\n", report.generation));
    output::text(&text)?;
    Ok(Outcome::Well)
}
