//! Whether a file is as LlamaIndex wrote it, byte for byte, but for what is
//! different by design:
//!
//! 1. **sets**: arrays that are sets in Python have the order of its hashes; here
//!    they keep the order read, and new members come last;
//! 2. **empties**: collections that LlamaIndex makes by looking for something in
//!    them, and that stay empty, are not made. (So they get their place among the
//!    others when they are filled.)
//! 3. **spellings**: members and number spellings that LlamaIndex drops or changes
//!    when it writes a file again are kept;
//! 4. **styles**: a file keeps the style that it came in.
//!
//! These four are taken out of both texts, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Recorded;
use twinstore::json::{Escapes, JsonStyle, Kind, Members, Value, decode, encode, normalise, print};

use crate::common::Files;

/// How often each exception made a difference.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Met {
    pub sets: usize,
    pub empties: usize,
    pub spellings: usize,
    pub styles: usize,
}

impl Met {
    pub fn add(&mut self, other: &Met) {
        self.sets += other.sets;
        self.empties += other.empties;
        self.spellings += other.spellings;
        self.styles += other.styles;
    }
}

/// Compares the files of one history.
pub struct Judge {
    /// File, how it is spelled there, how LlamaIndex spells it.
    spelled: Vec<[String; 3]>,
    /// Of files that came in a style of their own.
    styles: BTreeMap<String, JsonStyle>,
    /// Collections that had entries, by file.
    filled: BTreeSet<(String, Vec<u8>)>,
    /// Collections that were persisted empty, and only by LlamaIndex.
    late: BTreeSet<(String, Vec<u8>)>,
    pub met: Met,
}

impl Judge {
    /// For the history that begins with that line.
    pub fn of(first: &Recorded) -> Judge {
        let spelled = first["spelled"].as_array().into_iter().flatten();
        let styled = first["files"].as_object().into_iter().flatten();
        let styled = styled.filter(|_| first["begins"] == "styled");
        let text = |value: &Recorded| value.as_str().unwrap().to_owned();
        let mut judge = Judge {
            spelled: spelled
                .map(|three| [0, 1, 2].map(|n| text(&three[n])))
                .collect(),
            styles: styled
                .map(|(name, file)| (name.clone(), style_of(&text(file))))
                .collect(),
            filled: BTreeSet::new(),
            late: BTreeSet::new(),
            met: Met::default(),
        };
        for (name, file) in first["files"].as_object().into_iter().flatten() {
            judge.notice_filled(name, text(file).as_bytes());
        }
        judge
    }

    /// Says what is wrong with the text of a file.
    pub fn compare(&mut self, file: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
        self.notice_filled(file, expected);
        let found_plain = self.without_spellings(file, found);
        let expected_plain = self.without_spellings(file, expected);
        self.met.spellings += usize::from(found_plain != *found);

        let written = if file.contains("property_graph") || file.contains("chat") {
            JsonStyle::pydantic()
        } else {
            JsonStyle::python()
        };
        let style = self.styles.get(file).unwrap_or(&written).clone();
        is_in(&style, &found_plain)?;
        is_in(&written, &expected_plain)?;
        self.met.styles += usize::from(restyled(&expected_plain, &style) != expected_plain);

        let (found, mut expected) = (members(&found_plain), members(&expected_plain));
        self.drop_empties(file, &found, &mut expected);
        let (found, expected) = (self.in_place(file, found), self.in_place(file, expected));
        let sorted = [&found, &expected].map(|members| without_order(file, members));
        self.met.sets += usize::from(found != expected);
        same(&sorted[0], &sorted[1])
    }

    /// From now on, files are in the style that these texts show.
    pub fn learn_styles(&mut self, files: &Files) {
        for (name, style) in &mut self.styles {
            *style = style_of(std::str::from_utf8(&files[name]).unwrap());
        }
    }

    fn without_spellings(&self, file: &str, text: &[u8]) -> Vec<u8> {
        let mut text = String::from_utf8(text.to_vec()).unwrap();
        for [_, here, there] in self.spelled.iter().filter(|[name, ..]| name == file) {
            text = text.replace(here, there);
        }
        text.into_bytes()
    }

    fn notice_filled(&mut self, file: &str, text: &[u8]) {
        for (name, value) in members(text) {
            if value != b"{}" {
                self.filled.insert((file.to_owned(), name));
            }
        }
    }

    /// Only what was never filled was made by looking.
    fn drop_empties(&mut self, file: &str, found: &TopLevel, expected: &mut TopLevel) {
        if !matches!(file, "docstore.json" | "index_store.json") {
            return;
        }
        let before = expected.len();
        expected.retain(|(name, value)| {
            let place = (file.to_owned(), name.clone());
            let is_here = found.iter().any(|(other, _)| other == name);
            let made = value == b"{}" && !is_here && !self.filled.contains(&place);
            if made {
                self.late.insert(place);
            }
            !made
        });
        self.met.empties += usize::from(expected.len() < before);
    }

    /// Puts collections last whose place is another by design.
    fn in_place(&self, file: &str, mut members: TopLevel) -> TopLevel {
        let late = |name: &Vec<u8>| self.late.contains(&(file.to_owned(), name.clone()));
        members.sort_by_key(|(name, _)| late(name).then(|| name.clone()));
        members
    }
}

/// Names and normal forms.
type TopLevel = Vec<(Vec<u8>, Vec<u8>)>;

fn members(text: &[u8]) -> TopLevel {
    let members = Value::of(text).members().into_iter();
    members
        .map(|(name, value)| (name.into_owned(), normal(value.text())))
        .collect()
}

fn normal(text: &[u8]) -> Vec<u8> {
    let mut normal = Vec::new();
    normalise(text, &mut normal).unwrap();
    normal
}

/// The same value in a style.
fn restyled(text: &[u8], style: &JsonStyle) -> Vec<u8> {
    let mut styled = Vec::new();
    style.begin(&mut styled);
    print(&normal(text), style, 0, &mut styled);
    style.finish(&mut styled);
    styled
}

/// Then the normal form says all of a text.
fn is_in(style: &JsonStyle, text: &[u8]) -> Result<(), String> {
    match restyled(text, style) == text {
        true => Ok(()),
        false => Err(format!("not written as {style:?}")),
    }
}

fn style_of(text: &str) -> JsonStyle {
    let text = text.as_bytes();
    let mut style = JsonStyle::detect(text, text);
    style.learn(text);
    style
}

/// Sorts what is a set in Python.
fn without_order(file: &str, members: &TopLevel) -> TopLevel {
    let sorted = members.iter().map(|(name, value)| {
        let value = match file {
            "property_graph_store.json" if name == b"triplets" => sorted(&Value::of(value)),
            "index_store.json" => each_member(value, |_, record| {
                each_member(record, |name, data| {
                    match (name, Value::of(data).as_str()) {
                        (b"__data__", Some(inside)) => with_sorted_table(&inside),
                        _ => data.to_vec(),
                    }
                })
            }),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    sorted.collect()
}

/// The document in a string, with the sets of a keyword table sorted. It is in
/// Python's style, whatever the file is in.
fn with_sorted_table(text: &[u8]) -> Vec<u8> {
    is_in(&JsonStyle::python(), text).unwrap();
    let data = each_member(&normal(text), |name, value| match name {
        b"table" => each_member(value, |_, nodes| sorted(&Value::of(nodes))),
        _ => value.to_vec(),
    });
    let mut token = Vec::new();
    encode(&data, Escapes::Utf8, &mut token);
    token
}

fn sorted(list: &Value<'_>) -> Vec<u8> {
    assert_eq!(list.kind(), Kind::Array);
    let mut elements: Vec<&[u8]> = list.elements().map(|element| element.text()).collect();
    elements.sort_unstable();
    [b"[", &*elements.join(&b','), b"]"].concat()
}

/// An object in normal form with other values.
fn each_member(object: &[u8], value: impl Fn(&[u8], &[u8]) -> Vec<u8>) -> Vec<u8> {
    let members = Members::new(object).map(|(token, old)| {
        let mut name = Vec::new();
        decode(token, &mut name).unwrap();
        [token, b":", &value(&name, old)].concat()
    });
    let members: Vec<Vec<u8>> = members.collect();
    [b"{", &*members.join(&b','), b"}"].concat()
}

fn same(found: &TopLevel, expected: &TopLevel) -> Result<(), String> {
    let names = |members: &TopLevel| -> Vec<String> {
        let names = members.iter().map(|(name, _)| name);
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect()
    };
    if names(found) != names(expected) {
        return Err(format!(
            "{:?} instead of {:?}",
            names(found),
            names(expected)
        ));
    }
    for ((name, value), (_, other)) in found.iter().zip(expected) {
        if value != other {
            let at = value.iter().zip(other).take_while(|(a, b)| a == b).count();
            let around = |text: &[u8]| {
                let part = &text[at.saturating_sub(120)..text.len().min(at + 120)];
                String::from_utf8_lossy(part).into_owned()
            };
            let name = String::from_utf8_lossy(name);
            return Err(format!(
                "{name}:\n   …{}…\n   instead of …{}…",
                around(value),
                around(other)
            ));
        }
    }
    Ok(())
}

/// A judge that lets everything pass would prove nothing.
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(first: Recorded) -> Judge {
        Judge::of(&first)
    }

    #[test]
    fn only_what_is_a_set_may_have_another_order() {
        let mut judge = judge(json!({"begins": "new"}));
        let graph =
            |triplets: &str| format!(r#"{{"nodes":{{}},"relations":{{}},"triplets":{triplets}}}"#);
        let file = "property_graph_store.json";
        let (one, other) = (graph(r#"[["a"],["b"]]"#), graph(r#"[["b"],["a"]]"#));
        judge
            .compare(file, one.as_bytes(), other.as_bytes())
            .unwrap();
        assert_eq!(
            judge.met,
            Met {
                sets: 1,
                ..Met::default()
            }
        );
        let less = graph(r#"[["a"]]"#);
        judge
            .compare(file, less.as_bytes(), other.as_bytes())
            .unwrap_err();

        let table =
            |data: &str| format!(r#"{{"index_store/data": {{"i": {{"__data__": "{data}"}}}}}}"#);
        let file = "index_store.json";
        let one = table(r#"{\"table\": {\"a\": [\"x\", \"y\"]}}"#);
        let other = table(r#"{\"table\": {\"a\": [\"y\", \"x\"]}}"#);
        judge
            .compare(file, one.as_bytes(), other.as_bytes())
            .unwrap();
        let list = |text: &str| text.replace("table", "nodes");
        judge
            .compare(file, list(&one).as_bytes(), list(&other).as_bytes())
            .unwrap_err();
    }

    #[test]
    fn only_what_was_never_filled_may_be_missing() {
        let mut judge = judge(json!({"begins": "new"}));
        let file = "docstore.json";
        let there = br#"{"docstore/metadata": {}, "docstore/data": {"a": 1}}"#;
        let here = br#"{"docstore/data": {"a": 1}}"#;
        judge.compare(file, here, there).unwrap();
        assert_eq!(
            judge.met,
            Met {
                empties: 1,
                ..Met::default()
            }
        );
        // Its place is then that of one that is new.
        let there = br#"{"docstore/metadata": {"m": 1}, "docstore/data": {}}"#;
        let here = br#"{"docstore/data": {}, "docstore/metadata": {"m": 1}}"#;
        judge.compare(file, here, there).unwrap();
        judge
            .compare(file, br#"{"docstore/metadata": {"m": 1}}"#, there)
            .unwrap_err();
        judge
            .compare("graph_store.json", b"{}", br#"{"graph_dict": {}}"#)
            .unwrap_err();
    }

    #[test]
    fn only_known_spellings_may_differ() {
        let first = json!({"begins": "spelled", "spelled": [["graph_store.json", "2.50", "2.5"]]});
        let mut judge = judge(first);
        judge
            .compare("graph_store.json", br#"{"a": 2.50}"#, br#"{"a": 2.5}"#)
            .unwrap();
        assert_eq!(
            judge.met,
            Met {
                spellings: 1,
                ..Met::default()
            }
        );
        judge
            .compare("graph_store.json", br#"{"a": 1.50}"#, br#"{"a": 1.5}"#)
            .unwrap_err();
    }

    #[test]
    fn only_the_style_that_a_file_came_in_may_differ() {
        let first = json!({"begins": "styled", "files": {"graph_store.json": "{\"a\":[1,2]}"}});
        let mut judge = judge(first);
        judge
            .compare("graph_store.json", br#"{"a":[1,3]}"#, br#"{"a": [1, 3]}"#)
            .unwrap();
        assert_eq!(
            judge.met,
            Met {
                styles: 1,
                ..Met::default()
            }
        );
        judge
            .compare("graph_store.json", br#"{"a": [1, 3]}"#, br#"{"a": [1, 3]}"#)
            .unwrap_err();
        judge
            .compare("docstore.json", br#"{"a":1}"#, br#"{"a": 1}"#)
            .unwrap_err();
    }
}
