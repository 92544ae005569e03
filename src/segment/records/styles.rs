//! JSON inside strings: is a string such a document, and in what style?

use super::format::MAX_STYLES;
use crate::json::{JsonStyle, normalise, print_within, skip_white, value_end};

/// The styles of a segment. The first is that of the file.
#[derive(Debug)]
pub(crate) struct Styles {
    pub(crate) list: Vec<JsonStyle>,
    /// The one that was right last time: neighbours are alike.
    last: usize,
    normal: Vec<u8>,
    printed: Vec<u8>,
}

/// Shorter documents are as well kept as strings.
const SHORTEST: usize = 16;

impl Styles {
    pub(crate) fn new(file: JsonStyle) -> Styles {
        Styles {
            list: vec![file],
            last: 0,
            normal: Vec::new(),
            printed: Vec::new(),
        }
    }

    /// The number of the style in which `content` is an object or array, if it
    /// is one, and if one of the styles, or a new one, prints it back.
    pub(crate) fn of_document(&mut self, content: &[u8]) -> Option<u32> {
        if content.len() < SHORTEST || !is_document(content) {
            return None;
        }
        self.normal.clear();
        normalise(content, &mut self.normal).ok()?;
        let known = std::iter::once(self.last).chain(0..self.list.len());
        let mut found = None;
        for n in known {
            if let Some(style) = self.list.get(n)
                && prints(&self.normal, style, content, &mut self.printed)
            {
                found = Some(n);
                break;
            }
        }
        if found.is_none() && self.list.len() < MAX_STYLES {
            let style = JsonStyle::detect(content, content);
            if prints(&self.normal, &style, content, &mut self.printed) {
                found = Some(self.list.len());
                self.list.push(style);
            }
        }
        self.last = found?;
        u32::try_from(self.last).ok()
    }

    /// The number of the style that a long document seems to have, of which
    /// `head` is the beginning. Whether it prints shows only at the end.
    pub(crate) fn of_head(&mut self, head: &[u8]) -> Option<u32> {
        let style = JsonStyle {
            tail: Vec::new(),
            ..JsonStyle::detect(head, head)
        };
        let same = self.list.iter().position(|s| *s == style);
        let n = match same {
            Some(n) => n,
            None if self.list.len() < MAX_STYLES => {
                self.list.push(style);
                self.list.len() - 1
            }
            None => return None,
        };
        u32::try_from(n).ok()
    }

    /// The number of a style that prints as this one does, which may be new.
    pub(crate) fn that_prints_as(&mut self, style: &JsonStyle) -> Option<u32> {
        let known = self.list.iter().position(|s| s.prints_as(style));
        let n = match known {
            Some(n) => n,
            None if self.list.len() < MAX_STYLES => {
                self.list.push(style.clone());
                self.list.len() - 1
            }
            None => return None,
        };
        u32::try_from(n).ok()
    }

    /// Settles what a style escapes, if that is open and a string shows it.
    pub(crate) fn learn_escapes(&mut self, style: u32, token: &[u8]) {
        if let Some(style) = self.list.get_mut(style as usize) {
            style.learn_escapes(token);
        }
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut JsonStyle> {
        self.list.get_mut(number as usize)
    }
}

/// Whether `content` is an object or array that is not empty, white space
/// around it aside.
fn is_document(content: &[u8]) -> bool {
    let text = content.trim_ascii();
    text.first().is_some_and(|b| matches!(b, b'{' | b'['))
        && skip_white(text, 1) + 1 < text.len()
        && value_end(text, 0, true) == Ok(text.len())
}

fn prints(normal: &[u8], style: &JsonStyle, content: &[u8], printed: &mut Vec<u8>) -> bool {
    printed.clear();
    style.begin(printed);
    if !print_within(normal, style, 0, content.len(), printed) {
        return false;
    }
    style.finish(printed);
    printed == content
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::JsonStyle;

    #[test]
    fn more_styles_than_there_is_room_for_are_none() {
        let mut styles = Styles::new(JsonStyle::python());
        let style = |n: usize| JsonStyle {
            lead: vec![b'\n'; n],
            ..JsonStyle::python()
        };
        for n in 1..MAX_STYLES {
            assert_eq!(styles.that_prints_as(&style(n)), Some(n as u32));
        }
        assert_eq!(styles.that_prints_as(&style(MAX_STYLES)), None);
        assert_eq!(styles.of_head(br#"{"a":1,"b":2}"#), None);
        assert_eq!(styles.that_prints_as(&style(1)), Some(1));
    }

    #[test]
    fn documents_are_told_from_other_strings_and_grouped_by_style() {
        let mut styles = Styles::new(JsonStyle::python());
        assert_eq!(
            styles.of_document(br#"{"a": [1, 2], "b": "\u00e9"}"#),
            Some(0)
        );
        assert_eq!(
            styles.of_document(r#"{"a":[1,2],"b":"é"}"#.as_bytes()),
            Some(1)
        );
        assert_eq!(styles.of_document(br#"{"a": [1, 2], "b": "c"}"#), Some(0));
        assert_eq!(
            styles.of_document(br#"{"a":[1, 2],"c":"two styles"}"#),
            None
        );
        assert_eq!(styles.of_document(b"{not a document at all}"), None);
        assert_eq!(styles.of_document(b"{\"a\": [1, 2], \"b\": \x0c1}"), None);
        assert_eq!(styles.of_document(b"[1, 2]"), None, "too short");
        assert_eq!(styles.of_document(b"{               }"), None);
        assert_eq!(styles.of_document(b" {\"a\": [1, 2, 3]}\n"), Some(2));
        assert_eq!(styles.list.len(), 3);
    }
}
