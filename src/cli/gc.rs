//! `twinstore gc`

use std::path::PathBuf;

use super::{Failure, Outcome, output};
use crate::{convert::gc, persist_dir::KEEP};

/// Remove what no kept generation needs
///
/// `pack` does this, too, and keeps two generations.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// How many generations to keep, at least 1
    #[arg(long, value_name = "N", default_value_t = KEEP, value_parser = at_least_one)]
    keep: usize,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("the newest generation is never removed".to_owned()),
        Ok(keep) => Ok(keep),
        Err(e) => Err(format!("{e}")),
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let report = gc(&args.dir, args.keep)?;
    if args.json {
        output::json(&report)?;
        return Ok(Outcome::Well);
    }
    let mut text = String::new();
    for (word, names) in [
        ("removed", &report.removed),
        ("cannot be removed", &report.failed),
        ("not ours, left alone", &report.unknown),
    ] {
        for name in names {
            text.push_str(&format!("{word}: {}\n", output::visible(name)));
        }
    }
    let kept: Vec<String> = report.kept.iter().map(u64::to_string).collect();
    let (count, size) = (report.removed.len(), output::size(report.bytes));
    text.push_str(&format!(
        "{count} files removed, {size}; kept generations: {}\n",
        kept.join(", ")
    ));
    output::text(&text)?;
    Ok(Outcome::Well)
}
