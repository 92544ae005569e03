//! Answers that are not LlamaIndex's, kept until all were compared.

use std::{fmt::Debug, sync::Mutex};

/// As many as anybody reads.
const SHOWN: usize = 10;

/// As much of one as anybody reads.
const SHOWN_CHARS: usize = 2_000;

/// Answers that are not LlamaIndex's.
#[derive(Default)]
pub struct Mismatches(Mutex<Vec<String>>);

impl Mismatches {
    /// One more: where, what is wrong, what was asked and expected, and what
    /// came of it here.
    pub fn add(&self, place: &str, problem: &str, case: &str, outcome: &impl Debug) {
        let cut = |text: &str| text.chars().take(SHOWN_CHARS).collect::<String>();
        let told = [
            format!("{place}: {problem}"),
            cut(case),
            cut(&format!("here: {outcome:?}")),
        ];
        self.0.lock().unwrap().push(told.join("\n  "));
    }

    /// Prints one line, and fails if there are any.
    pub fn finish(self, compared: &str) {
        let all = self.0.into_inner().unwrap();
        println!("{compared}: {} answers are not LlamaIndex's", all.len());
        let shown: Vec<&str> = all.iter().take(SHOWN).map(String::as_str).collect();
        assert!(all.is_empty(), "{}", shown.join("\n"));
    }
}
