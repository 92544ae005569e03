//! Changes stores as LlamaIndex was made to change them, and compares the files
//! after each persist.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde_json::Value;

use crate::{
    changes::{Stores, apply},
    common::{Files, in_parallel},
    exceptions::{Judge, Met},
    mismatches::Mismatches,
    persisted::{Committed, InMemory},
    recording::{Raised, committed, large},
};

#[test]
fn changes_leave_the_files_that_llama_index_writes() {
    replay(&committed());
}

#[test]
#[ignore = "needs a recording of scripts/parity"]
fn thousands_of_changes_leave_the_files_that_llama_index_writes() {
    replay(&large());
}

/// Where stores are persisted, and read again.
pub trait Persisted: Sized {
    /// Whether the JSON is all that is read again: then the style of a file is
    /// known as far as its text still shows it.
    const BY_TEXT: bool;
    /// Stores that begin with these files; new ones without.
    fn begin(files: Option<&Files>) -> Self;
    /// The stores, to be changed.
    fn stores(&mut self) -> &mut dyn Stores;
    /// Persists them, and gives back the texts of all files. The stores stay as they
    /// are, to be changed again.
    fn persist(&mut self) -> Files;
    /// Opens again what was persisted last.
    fn reload(&mut self);
}

/// All histories of a recording: files of lines.
pub fn histories(recording: &Path) -> Vec<(PathBuf, Vec<Value>)> {
    let files = fs::read_dir(recording.join("histories")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let lines = lines.collect();
        (file, lines)
    };
    files.into_iter().map(read).collect()
}

fn replay(recording: &Path) {
    let histories = histories(recording);
    let (met, mismatches) = (Mutex::new(Met::default()), Mismatches::default());
    in_parallel(&histories, |(file, lines)| {
        let of = file.display().to_string();
        for here in [
            replay_one::<InMemory>(&of, lines, &mismatches),
            replay_one::<Committed>(&format!("{of}, committed"), lines, &mismatches),
        ] {
            met.lock().unwrap().add(&here);
        }
    });
    let met = met.into_inner().unwrap();
    mismatches.finish(&format!("{} histories, {met:?}", histories.len()));
    // What nothing shows is no exception.
    let Met {
        sets,
        empties,
        spellings,
        styles,
    } = met;
    assert!(
        [sets, empties, spellings, styles]
            .iter()
            .all(|count| *count > 0),
        "{met:?}"
    );
}

/// Replays one history, up to the first file that differs. Says what exceptions it
/// met.
pub fn replay_one<P: Persisted>(of: &str, lines: &[Value], mismatches: &Mismatches) -> Met {
    let (first, rest) = lines.split_first().unwrap();
    let begins = first.get("files").map(files_in);
    let mut judge = Judge::of(first);
    let mut persisted = P::begin(begins.as_ref());
    let mut expected = begins.unwrap_or_default();
    for (at, line) in rest.iter().enumerate() {
        let place = format!("{of}, line {}", at + 2);
        let shown = line.to_string();
        if let Some(call) = line["call"].as_str() {
            let outcome = apply(persisted.stores(), call, &line["args"]);
            if let Err(problem) = compare(line, &outcome) {
                mismatches.add(&place, &problem, &shown, &outcome);
                return judge.met;
            }
            continue;
        }
        expected.extend(files_in(&line["files"]));
        let found = persisted.persist();
        for (name, text) in &found {
            if let Err(problem) = judge.compare(name, text, &expected[name]) {
                let text = String::from_utf8_lossy(text);
                mismatches.add(&place, &format!("{name}: {problem}"), &shown, &text);
                return judge.met;
            }
        }
        if line["reload"] == true {
            persisted.reload();
            if P::BY_TEXT {
                judge.learn_styles(&found);
            }
        }
    }
    judge.met
}

fn files_in(value: &Value) -> Files {
    let files = value.as_object().unwrap().iter();
    let bytes = |text: &Value| text.as_str().unwrap().as_bytes().to_vec();
    files
        .map(|(name, text)| (name.clone(), bytes(text)))
        .collect()
}

fn compare(line: &Value, outcome: &Result<Value, Raised>) -> Result<(), String> {
    let returns = line.get("returns").unwrap_or(&Value::Null);
    match (line.get("raises").map(Raised::of), outcome) {
        (Some(expected), Err(found)) if expected == *found => Ok(()),
        // Of several triplets that cannot be made, LlamaIndex names the first of a set.
        (Some(expected), Err(found)) if is_of_a_graph(line) && expected.class == found.class => {
            Ok(())
        }
        (Some(expected), Err(found)) => Err(format!("raises {found:?} instead of {expected:?}")),
        (Some(expected), Ok(_)) => Err(format!("does what raises {expected:?}")),
        (None, Err(found)) => Err(format!("raises {found:?}")),
        (None, Ok(found)) if parsed(found) == parsed(returns) => Ok(()),
        (None, Ok(_)) => Err("returns something else".to_owned()),
    }
}

fn is_of_a_graph(line: &Value) -> bool {
    line["call"] == "property_graph_store.delete"
}

/// Messages come as text, in the style of the file that they were in.
fn parsed(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        Value::Array(list) => list.iter().map(parsed).collect(),
        other => other.clone(),
    }
}
