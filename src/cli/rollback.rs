//! `twinstore rollback`

use std::path::PathBuf;

use super::{Failure, Outcome, ReadArgs, output};
use crate::convert::{Change, rollback};

/// Go back to the stores of an older generation, as a new generation
///
/// The JSON files are not touched: `twinstore unpack` writes them afterwards.
/// The way back is another rollback.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// The generation to go back to; `twinstore verify --json` lists them
    #[arg(long, value_name = "N")]
    to: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let report = rollback(&args.dir, args.to, &args.read.options())?;
    if args.json {
        output::json(&report)?;
        return Ok(Outcome::Well);
    }
    let rows = report.stores.iter().map(|store| {
        let words = match store.change {
            Change::Restored => format!("as in generation {}", report.to),
            Change::Same => "the same".to_owned(),
            Change::Removed => format!("removed: generation {} had none", report.to),
        };
        vec![store.file.clone(), words]
    });
    let mut text = output::table(&rows.collect::<Vec<_>>(), &[]);
    for warning in &report.warnings {
        text.push_str(&format!("warning: {}\n", output::visible(warning)));
    }
    let made = match report.committed {
        true => "is published; `twinstore unpack` refreshes the JSON",
        false => "is the newest already",
    };
    text.push_str(&format!("generation {} {made}\n", report.generation));
    output::text(&text)?;
    Ok(Outcome::Well)
}
