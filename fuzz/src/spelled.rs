//! JSON as somebody else spells it.

use super::choices::Choices;

/// A value whose scalars are tokens.
#[derive(Clone)]
pub enum Json {
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn token(token: &str) -> Json {
        Json::Text(token.to_owned())
    }
}

/// White space, as one of several writers puts it.
pub struct Style {
    begin: &'static str,
    end: &'static str,
    comma: &'static str,
    colon: &'static str,
    newline: &'static str,
    unit: &'static str,
}

impl Style {
    pub fn chosen(choices: &mut Choices<'_>) -> Style {
        let (comma, colon, newline, unit) = [
            (", ", ": ", "", ""),
            (",", ":", "", ""),
            (",", ": ", "\n", "  "),
            (",", ":", "\r\n", "\t"),
            (" , ", " : ", "", ""),
            (", ", ": ", "\n", ""),
        ][choices.of(6)];
        Style {
            begin: choices.pick(&["", "", "\u{feff}", " \n"]),
            end: choices.pick(&["", "", "", "", "", "\n", "\n", " x"]),
            comma,
            colon,
            newline,
            unit,
        }
    }

    /// The text of a file.
    pub fn file(&self, value: &Json, out: &mut Vec<u8>) {
        out.extend_from_slice(self.begin.as_bytes());
        self.value(value, 1, out);
        out.extend_from_slice(self.end.as_bytes());
    }

    /// The same without what is before and behind it, as strings hold it.
    pub fn text(&self, value: &Json) -> String {
        let mut out = Vec::new();
        self.value(value, 1, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn value(&self, value: &Json, depth: usize, out: &mut Vec<u8>) {
        let items: Vec<(Option<&String>, &Json)> = match value {
            Json::Text(token) => return out.extend_from_slice(token.as_bytes()),
            Json::Array(items) => items.iter().map(|item| (None, item)).collect(),
            Json::Object(items) => items.iter().map(|(key, item)| (Some(key), item)).collect(),
        };
        let [open, close] = match value {
            Json::Object(_) => *b"{}",
            _ => *b"[]",
        };
        out.push(open);
        for (n, (key, item)) in items.iter().enumerate() {
            if n > 0 {
                out.extend_from_slice(self.comma.as_bytes());
            }
            self.line(depth, out);
            if let Some(key) = key {
                out.extend_from_slice(key.as_bytes());
                out.extend_from_slice(self.colon.as_bytes());
            }
            self.value(item, depth + 1, out);
        }
        if !items.is_empty() {
            self.line(depth - 1, out);
        }
        out.push(close);
    }

    fn line(&self, depth: usize, out: &mut Vec<u8>) {
        if !self.newline.is_empty() {
            out.extend_from_slice(self.newline.as_bytes());
            out.extend_from_slice(self.unit.repeat(depth).as_bytes());
        }
    }
}
