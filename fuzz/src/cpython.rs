//! Texts, and what CPython's json module makes of them: recorded ones, and others put
//! together of those.

use std::sync::OnceLock;

use twinstore::json::{
    Elements, Escapes, Members, NumberLayout, decode, encode, parse_f64, print_f64,
};

use super::choices::Choices;

/// A text, and the value as `json.dumps` writes it; none where it is refused.
pub type Known = (String, Option<String>);

/// Any text.
pub fn text(choices: &mut Choices<'_>) -> Known {
    if choices.once_in(4) {
        return recorded()[choices.of_many(recorded().len())].clone();
    }
    let (text, value) = composed(choices, 3);
    (text, Some(value))
}

/// The text of a value as `json.dumps` writes it when `json.loads` has read it.
pub fn dumped(text: &[u8]) -> String {
    match text[0] {
        b'"' => {
            let (mut decoded, mut token) = (Vec::new(), Vec::new());
            decode(text, &mut decoded).unwrap();
            encode(&decoded, Escapes::Ascii, &mut token);
            String::from_utf8(token).unwrap()
        }
        b'[' => list(Elements::new(text).map(dumped)),
        b'{' => dict(Members::new(text).map(|(key, value)| (dumped(key), dumped(value)))),
        b'-' | b'0'..=b'9' => number(std::str::from_utf8(text).unwrap()),
        _ => String::from_utf8(text.to_vec()).unwrap(),
    }
}

/// An int keeps its digits, anything else is a float.
fn number(token: &str) -> String {
    match token {
        "-Infinity" => token.to_owned(),
        "-0" => "0".to_owned(),
        _ if !token.contains(['.', 'e', 'E']) => token.to_owned(),
        _ => {
            let value = parse_f64(token.as_bytes()).unwrap();
            if value.is_infinite() {
                let sign = if value < 0.0 { "-" } else { "" };
                return format!("{sign}Infinity");
            }
            let mut printed = Vec::new();
            print_f64(value, NumberLayout::Python, &mut printed);
            String::from_utf8(printed).unwrap()
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A key that is there twice has its first place and its last value.
fn dict(members: impl Iterator<Item = (String, String)>) -> String {
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in members {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => all.push((key, value)),
        }
    }
    let all = all.iter().map(|(key, value)| format!("{key}: {value}"));
    format!("{{{}}}", all.collect::<Vec<_>>().join(", "))
}

fn composed(choices: &mut Choices<'_>, depth: usize) -> (String, String) {
    const BLANKS: [&str; 8] = ["", " ", "", "\n", "", "\t", "", "\r\n  "];
    let blank = choices.pick(&BLANKS);
    let kind = if depth == 0 { 0 } else { choices.of(5) };
    if kind < 3 {
        return accepted(choices, |_| true);
    }
    let items = 0..choices.of(5);
    let members = items.map(|_| {
        let key = accepted(choices, |text| text.starts_with('"'));
        (key, composed(choices, depth - 1))
    });
    let members: Vec<_> = members.collect();
    let comma = format!("{blank},{blank}");
    if kind == 3 {
        let texts = members.iter().map(|(_, (text, _))| text.as_str());
        let text = texts.collect::<Vec<_>>().join(&comma);
        let values = members.iter().map(|(_, (_, value))| value.clone());
        return (format!("[{blank}{text}{blank}]"), list(values));
    }
    let texts = members.iter().map(|(key, item)| {
        let (key, item) = (&key.0, &item.0);
        format!("{key}{blank}:{blank}{item}")
    });
    let text = texts.collect::<Vec<_>>().join(&comma);
    let values = members
        .iter()
        .map(|(key, item)| (key.1.clone(), item.1.clone()));
    (format!("{{{blank}{text}{blank}}}"), dict(values))
}

/// One of the recorded texts that are accepted and meet `is_fit`.
fn accepted(choices: &mut Choices<'_>, is_fit: impl Fn(&str) -> bool) -> (String, String) {
    let fit = recorded().iter().filter_map(|(text, value)| {
        let value = value.as_ref().filter(|_| is_fit(text))?;
        Some((text, value))
    });
    let fit: Vec<_> = fit.collect();
    let (text, value) = fit[choices.of_many(fit.len())];
    (text.clone(), value.clone())
}

fn recorded() -> &'static [Known] {
    static RECORDED: OnceLock<Vec<Known>> = OnceLock::new();
    RECORDED.get_or_init(|| {
        let lines = include_str!("../recorded/cpython.jsonl").lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    })
}
