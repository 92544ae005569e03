//! `twinstore salvage`

use std::path::PathBuf;

use super::{Failure, Io, Outcome, output, progress::Bars};
use crate::convert::{Loss, LossKind, SalvageOptions, SalvageReport, SetRight, salvage};

/// How many keys of a loss are printed; the report in the directory has all.
const KEYS: usize = 5;

/// Write what can still be read of a damaged twin to a new directory
///
/// Every file is JSON that LlamaIndex loads, without the entries that are
/// lost, or what is left of a text under a name that ends in .part. What was
/// lost is printed, and written to SALVAGE.json. Exits with 1 when something
/// was.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// The new directory
    #[arg(long, value_name = "NEW")]
    out: PathBuf,
    /// Read this generation instead of the newest whose manifest can be read
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// How to read binary files: where a disk fails under `map`, the system
    /// ends the program
    #[arg(long, value_enum, default_value = "read")]
    io: Io,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let options = SalvageOptions {
        generation: args.generation,
        open: args.io.options(),
    };
    let report = salvage(&args.dir, &args.out, &options, &Bars::new())?;
    if args.json {
        output::json(&report)?;
    } else {
        output::text(&describe(&report))?;
    }
    let well = report.is_whole() && report.damaged_generations.is_empty();
    Ok(if well {
        Outcome::Well
    } else {
        Outcome::ProblemFound
    })
}

fn describe(report: &SalvageReport) -> String {
    let rows = report.stores.iter().map(|store| {
        let state = match (&store.written, store.lost.is_empty()) {
            (None, _) => "lost".to_owned(),
            (Some(_), true) => "whole".to_owned(),
            (Some(name), false) if *name == store.file => "in part".to_owned(),
            (Some(name), false) => format!("in part, as {name}"),
        };
        vec![store.file.clone(), state, output::size(store.bytes)]
    });
    let mut text = output::table(&rows.collect::<Vec<_>>(), &[2]);
    for store in &report.stores {
        for file in &store.set_right {
            let line = format!("{}: {}", store.file, right(file));
            text.push_str(&output::visible(&line));
            text.push('\n');
        }
        for loss in &store.lost {
            let line = format!("{}: {}", store.file, words(loss));
            text.push_str(&output::visible(&line));
            text.push('\n');
        }
    }
    for generation in &report.damaged_generations {
        text.push_str(&format!(
            "generation {generation} is lost: its manifest cannot be read\n"
        ));
    }
    if let Some(manifest) = &report.set_right {
        text.push_str(&format!("{}\n", right(manifest)));
    }
    text.push_str(&format!(
        "generation {}, written to {}\n",
        report.generation,
        output::visible(&report.out.display().to_string())
    ));
    text
}

fn right(file: &SetRight) -> String {
    let mut parts: Vec<String> = file.parts.iter().map(ToString::to_string).collect();
    match file.bits {
        0 => {}
        1 => parts.push("one bit".to_owned()),
        bits => parts.push(format!("{bits} bits")),
    }
    format!("set right in {}: {}", file.segment, parts.join(", "))
}

fn words(loss: &Loss) -> String {
    let of = loss.collection.as_deref().unwrap_or("it");
    let segment = loss.segment.as_deref().unwrap_or("a binary file");
    let range = match (loss.first, loss.last) {
        (Some(first), Some(last)) if first != last => format!(" {first} to {last}"),
        (Some(first), _) => format!(" {first}"),
        _ => String::new(),
    };
    let what = match loss.what {
        LossKind::Store => "all of it".to_owned(),
        LossKind::Segment => format!("all of {segment}"),
        LossKind::Entries => format!("{} entries of {of},{range} in {segment}", loss.count),
        LossKind::Collection => format!("{of}, {} entries", loss.count),
        LossKind::Bytes => format!("bytes{range}"),
        LossKind::Deletions => "which entries are deleted".to_owned(),
        LossKind::Order => format!("the order of {of}"),
        LossKind::Spelling => "spelling or white space only".to_owned(),
    };
    let mut keys = loss.keys.iter().take(KEYS).cloned().collect::<Vec<_>>();
    if loss.keys.len() > KEYS {
        keys.push("…".to_owned());
    }
    match keys.is_empty() {
        true => format!("lost {what}: {}", loss.reason),
        false => format!("lost {what} ({}): {}", keys.join(", "), loss.reason),
    }
}
