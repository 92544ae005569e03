//! `twinstore info`

use std::path::PathBuf;

use super::{Failure, Outcome, ReadArgs, output};
use crate::convert::{Info, NumberClass, StoreInfo, info};

/// Tell what the twin holds
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The persist directory
    dir: PathBuf,
    /// Describe this generation instead of the newest
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    read: ReadArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let report = info(&args.dir, args.generation, &args.read.options())?;
    if args.json {
        output::json(&report)?;
    } else {
        output::text(&describe(&report))?;
    }
    let damaged = report.stores.iter().any(|store| store.problem.is_some());
    Ok(if damaged {
        Outcome::ProblemFound
    } else {
        Outcome::Well
    })
}

fn describe(report: &Info) -> String {
    let head = [
        "STORE", "KIND", "ROWS", "DIM", "NUMBERS", "JSON", "BINARY", "RATIO",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for store in &report.stores {
        let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        rows.push(vec![
            store.name.clone(),
            store.kind.to_owned(),
            number(store.rows.or(store.records)),
            number(store.dim.filter(|&dim| dim > 0).map(u64::from)),
            numbers(store),
            output::size(store.json_bytes),
            output::size(store.binary_bytes),
            ratio(store.ratio),
        ]);
    }
    let none = String::new;
    rows.push(vec![
        "total".to_owned(),
        none(),
        none(),
        none(),
        none(),
        output::size(report.json_bytes),
        output::size(report.binary_bytes),
        ratio(report.ratio),
    ]);
    let mut text = output::table(&rows, &[2, 3, 5, 6, 7]);
    text.push_str(&format!(
        "generation {}, written by {}\n",
        report.generation, report.writer
    ));
    for store in &report.stores {
        if let Some(sketched @ 1..) = store.sketched {
            let name = &store.name;
            text.push_str(&format!(
                "{name}: a sketch of {sketched} vectors makes queries faster\n"
            ));
        }
        if let Some(problem) = &store.problem {
            text.push_str(&format!("{}: {problem}\n", store.name));
        }
    }
    text
}

fn numbers(store: &StoreInfo) -> String {
    let (Some(class), Some(classes)) = (store.number_class, store.classes) else {
        return if store.file_form { "as the file" } else { "" }.to_owned();
    };
    let words = match class {
        NumberClass::Empty => String::new(),
        NumberClass::Exact => "exact f32".to_owned(),
        NumberClass::Decimal => "decimal f32".to_owned(),
        NumberClass::Delta => "f64".to_owned(),
        NumberClass::Mixed => format!(
            "{} exact, {} decimal, {} f64",
            classes.exact, classes.decimal, classes.delta
        ),
    };
    match classes.exceptions {
        0 => words,
        n => format!("{words}, {n} as text"),
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"))
}
