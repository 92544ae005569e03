//! Reads a recording. README.md says what it looks like.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// The recording that every clone has.
pub fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/recording")
}

/// The recording that `scripts/parity` made.
pub fn large() -> PathBuf {
    let dir = std::env::var_os("TWINSTORE_PARITY");
    PathBuf::from(dir.expect("TWINSTORE_PARITY names the directory of a recording"))
}

/// An id and its score.
#[derive(Clone, PartialEq)]
pub struct Scored {
    pub id: Vec<u8>,
    pub score: f64,
}

impl fmt::Debug for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {:?}",
            self.score,
            self.id.escape_ascii().to_string()
        )
    }
}

/// An exception: its class, and what a user sees of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Raised {
    pub class: String,
    pub text: String,
}

/// A query of a vector store, and what LlamaIndex answered.
#[derive(Debug)]
pub struct VectorCase {
    pub mode: String,
    pub top_k: Option<i64>,
    pub embedding: Option<Vec<f64>>,
    pub node_ids: Option<Vec<Vec<u8>>>,
    /// LlamaIndex's JSON.
    pub filters: Option<String>,
    pub threshold: Option<f64>,
    pub answer: Result<Answer, Raised>,
    /// The line as it was recorded, for messages.
    pub line: String,
}

/// Rows that LlamaIndex found.
#[derive(Debug, Clone)]
pub struct Answer {
    pub hits: Vec<Scored>,
    pub order: Order,
}

/// What of the order of an answer is sure on every processor.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// All of it.
    Exact,
    /// Ids whose scores are near may change places, also with these, which
    /// `top_k` left out.
    Groups { cut: Vec<Scored> },
    /// Nothing.
    Loose,
    /// So many picks of mode `mmr`; the others are not compared.
    Picks(usize),
}

/// The persist dirs of one part of a recording, each with its cases, sorted.
pub fn dirs(recording: &Path, part: &str) -> Vec<(PathBuf, Vec<Value>)> {
    let mut dirs: Vec<PathBuf> = fs::read_dir(recording.join(part))
        .unwrap_or_else(|error| panic!("{}/{part}: {error}", recording.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    dirs.sort();
    let with_cases = dirs.into_iter().map(|dir| {
        let text = fs::read_to_string(dir.with_extension("jsonl")).unwrap();
        let cases = text.lines().map(|line| serde_json::from_str(line).unwrap());
        (dir, cases.collect())
    });
    with_cases.collect()
}

impl VectorCase {
    pub fn of(case: &Value) -> VectorCase {
        let mode = case["mode"].as_str().unwrap().to_owned();
        VectorCase {
            top_k: case["top_k"].as_i64(),
            embedding: case["embedding"].as_str().map(numbers),
            node_ids: case.get("node_ids").map(ids),
            filters: case.get("filters").map(Value::to_string),
            threshold: case.get("threshold").map(|value| value.as_f64().unwrap()),
            answer: match case.get("raises") {
                Some(raises) => Err(Raised::of(raises)),
                None => Ok(answer(case, &mode)),
            },
            line: case.to_string(),
            mode,
        }
    }
}

impl Raised {
    pub fn of(pair: &Value) -> Raised {
        Raised {
            class: pair[0].as_str().unwrap().to_owned(),
            text: pair[1].as_str().unwrap().to_owned(),
        }
    }
}

fn answer(case: &Value, mode: &str) -> Answer {
    let hits = scored(&case["ids"], &case["scores"]);
    let order = match case.get("order").and_then(Value::as_str) {
        Some("exact") => Order::Exact,
        Some("groups") => Order::Groups {
            cut: match case.get("cut") {
                Some(cut) => scored(cut, &case["cut_scores"]),
                None => Vec::new(),
            },
        },
        Some("loose") => Order::Loose,
        Some(other) => panic!("order {other:?}"),
        None if mode == "mmr" => {
            let sure = case.get("sure").map(|sure| sure.as_u64().unwrap() as usize);
            Order::Picks(sure.unwrap_or(hits.len()))
        }
        None => {
            assert!(hits.is_empty(), "no order for {case}");
            Order::Exact
        }
    };
    Answer { hits, order }
}

fn scored(names: &Value, scores: &Value) -> Vec<Scored> {
    let (ids, scores) = (ids(names), numbers(scores.as_str().unwrap()));
    assert_eq!(ids.len(), scores.len());
    let pairs = ids.into_iter().zip(scores);
    pairs.map(|(id, score)| Scored { id, score }).collect()
}

/// Numbers as Python's `repr` writes them.
pub fn numbers(text: &str) -> Vec<f64> {
    let tokens = text.split_ascii_whitespace();
    tokens.map(|token| token.parse().unwrap()).collect()
}

fn ids(names: &Value) -> Vec<Vec<u8>> {
    names.as_array().unwrap().iter().map(id).collect()
}

/// An id, also one with lone surrogates.
pub fn id(name: &Value) -> Vec<u8> {
    match name {
        Value::String(text) => text.clone().into_bytes(),
        name => {
            let hex = name["wtf8"].as_str().unwrap();
            let digits = (0..hex.len()).step_by(2);
            digits
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect()
        }
    }
}
