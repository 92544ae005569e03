//! `twinstore status`

use std::path::PathBuf;

use super::{Failure, Outcome, output};
use crate::convert::status;

/// Tell how the JSON files and the twin stand to each other
///
/// Exits with 1 when a store needs something done.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let report = status(&args.dir)?;
    if args.json {
        output::json(&report)?;
    } else {
        let rows: Vec<Vec<String>> = report
            .stores
            .iter()
            .map(|store| {
                let remedy = store.remedy.clone().unwrap_or_default();
                vec![store.file.clone(), store.state.clone(), remedy]
            })
            .collect();
        let mut text = output::table(&rows, &[]);
        match report.generation {
            Some(generation) => text.push_str(&format!("generation {generation}\n")),
            None => text.push_str("no twin yet\n"),
        }
        output::text(&text)?;
    }
    Ok(if report.is_settled() {
        Outcome::Well
    } else {
        Outcome::ProblemFound
    })
}
