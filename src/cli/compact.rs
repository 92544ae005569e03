//! `twinstore compact`

use std::path::PathBuf;

use super::{Failure, Outcome, ReadArgs, output, progress::Bars};
use crate::convert::{CompactOptions, compact};

/// Merge the segments of each store into one
///
/// Persisting does so by itself where it is due. What the stores hold stays the
/// same; the files of the generation before stay until `gc` or two more commits.
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
    let options = CompactOptions {
        open: args.read.options(),
        ..CompactOptions::default()
    };
    let report = compact(&args.dir, &options, &Bars::new())?;
    if args.json {
        output::json(&report)?;
        return Ok(Outcome::Well);
    }
    let rows = report.stores.iter().map(|store| {
        let words = match store.bytes_before == store.bytes_after && store.files == 1 {
            true => "one file already".to_owned(),
            false => format!(
                "{} files, {} -> {}",
                store.files,
                output::size(store.bytes_before),
                output::size(store.bytes_after)
            ),
        };
        vec![store.file.clone(), words]
    });
    let mut text = output::table(&rows.collect::<Vec<_>>(), &[]);
    for warning in &report.warnings {
        text.push_str(&format!("warning: {}\n", output::visible(warning)));
    }
    let made = match report.committed {
        true => "is published",
        false => "is the newest: there was nothing to merge",
    };
    text.push_str(&format!("generation {} {made}\n", report.generation));
    output::text(&text)?;
    Ok(Outcome::Well)
}
