//! `twinstore verify`

use std::path::PathBuf;

use twinstore::convert::verify;

use crate::{Failure, Outcome, ReadArgs, output, progress::Bars};

/// Check every byte of the twin against its checksums
///
/// Exits with 1 when something is damaged, and names file and section.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let report = verify(&args.dir, &args.read.options(), &Bars::new())?;
    if args.json {
        output::json(&report)?;
    } else {
        let mut text = String::new();
        for problem in &report.problems {
            text.push_str(&output::visible(&problem.error));
            text.push('\n');
        }
        let size = output::size(report.bytes);
        let found = match report.problems.len() {
            0 => "all sound".to_owned(),
            1 => "1 problem".to_owned(),
            n => format!("{n} problems"),
        };
        text.push_str(&format!("{} files, {size}: {found}\n", report.files));
        output::text(&text)?;
    }
    Ok(if report.problems.is_empty() {
        Outcome::Well
    } else {
        Outcome::ProblemFound
    })
}
