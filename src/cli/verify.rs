//! `twinstore verify`

use std::path::PathBuf;

use super::{Failure, Outcome, ReadArgs, output, progress::Bars};
use crate::convert::{VerifyOptions, Warning, verify};

/// Check every byte of the twin against its checksums
///
/// Exits with 1 when something is damaged, and names file and section.
/// References between stores that lead nowhere, which --deep looks for, are
/// warnings: LlamaIndex itself leaves such behind. On a failing disk, use
/// --io read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// Decode every value too, print every file and compare it with what was
    /// packed, and look for references between stores that lead nowhere
    #[arg(long)]
    deep: bool,
    /// Check this generation only, instead of all that are kept
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let options = VerifyOptions {
        deep: args.deep,
        generation: args.generation,
        open: args.read.options(),
    };
    let report = verify(&args.dir, &options, &Bars::new())?;
    if args.json {
        output::json(&report)?;
    } else {
        let mut text = String::new();
        for problem in &report.problems {
            text.push_str(&output::visible(&problem.error));
            text.push('\n');
        }
        for warning in &report.warnings {
            text.push_str(&describe(warning));
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

fn describe(warning: &Warning) -> String {
    let Warning {
        store,
        collection,
        what,
        count,
        examples,
    } = warning;
    let examples = examples.join(", ");
    let line = format!("warning: {store}: {collection}: {count} {what}, such as {examples}");
    format!("{}\n", output::visible(&line))
}
