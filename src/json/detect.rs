//! Finding a text's style from the text.
//!
//! White space is taken from its first occurrence of each kind. What is
//! escaped and how floats are printed shows only in some strings and numbers;
//! each such token is a vote, and the majority wins, so that one odd token
//! does not change how all the others are printed. Nothing here checks that
//! the text is JSON: on garbage the answer is some style, whose print then
//! differs from the garbage.

use super::{
    BOM,
    number::{NumberLayout, parse_f64, print_f64},
    runs,
    scan::skip_white,
    string::{Escapes, unescape},
    style::{Indent, JsonStyle, LONGEST, Newline},
    walk,
};

impl JsonStyle {
    /// The style of a file, from its first bytes (up to a MiB or so, which
    /// may end inside a value) and its last bytes; for a whole text, twice
    /// the text.
    ///
    /// ```
    /// use twinstore::json::JsonStyle;
    /// let text = br#"{"a": [0.1, 1e-05], "b": "\u00e9"}"#;
    /// assert_eq!(JsonStyle::detect(text, text), JsonStyle::python());
    /// ```
    #[must_use]
    pub fn detect(head: &[u8], file_tail: &[u8]) -> JsonStyle {
        let mut style = JsonStyle::bare();
        let text = match head.strip_prefix(BOM) {
            Some(text) => {
                style.bom = true;
                text
            }
            None => head,
        };
        let (lead, text) = split_white(text);
        style.lead = kept(lead);
        let ink = file_tail
            .iter()
            .rposition(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
        if let Some(ink) = ink {
            style.tail = kept(file_tail.get(ink + 1..).unwrap_or_default());
        }
        White::of(text).put_into(&mut style);
        style.learn(text);
        style
    }

    /// Fills in what is still undecided, escapes and number layout, from the
    /// text of a value. Returns whether that changed anything.
    pub fn learn(&mut self, text: &[u8]) -> bool {
        let escapes = self.learn_escapes(text);
        self.learn_numbers(text) || escapes
    }

    /// Settles what is escaped, if that is open and `text` shows it.
    ///
    /// Cheap where there is nothing to learn, so that a writer can ask before
    /// it prints: what printed well unsettled must not print otherwise later.
    pub fn learn_escapes(&mut self, text: &[u8]) -> bool {
        let telling = |b: &u8| matches!(b, b'\\' | 0x7f..);
        if self.escapes.is_some() || !text.iter().any(telling) {
            return false;
        }
        let layout = self.numbers();
        self.escapes = Votes::of(text, true, false).escapes();
        // Escapes decide what an open layout prints as. What was printed so
        // far must go on printing the same.
        if self.numbers.is_none() && self.numbers() != layout {
            self.numbers = Some(layout);
        }
        self.escapes.is_some()
    }

    /// Settles the number layout, if that is open and `text` shows it.
    pub fn learn_numbers(&mut self, text: &[u8]) -> bool {
        if self.numbers.is_some() {
            return false;
        }
        self.numbers = Votes::of(text, false, true).numbers(self);
        self.numbers.is_some()
    }
}

/// The first white space of each kind; `None` where none was met.
#[derive(Default)]
struct White<'t> {
    opening: Option<&'t [u8]>,
    colon: Option<(&'t [u8], &'t [u8])>,
    comma: Option<(&'t [u8], &'t [u8])>,
}

impl<'t> White<'t> {
    fn of(text: &'t [u8]) -> White<'t> {
        let mut found = White::default();
        let mut rest = text;
        while found.opening.is_none() || found.colon.is_none() || found.comma.is_none() {
            let (before, at_ink) = split_white(rest);
            let Some((&ink, more)) = at_ink.split_first() else {
                break;
            };
            let (after, next) = split_white(more);
            rest = match ink {
                b':' => {
                    found.colon.get_or_insert((before, after));
                    more
                }
                b',' => {
                    found.comma.get_or_insert((before, after));
                    more
                }
                b'[' | b'{' => {
                    // Empty containers say nothing, nor does the end of a cut
                    // text.
                    if !matches!(next.first(), None | Some(b']' | b'}')) {
                        found.opening.get_or_insert(after);
                    }
                    more
                }
                b']' | b'}' => more,
                _ => {
                    let len = walk::value_len(at_ink).max(1);
                    at_ink.get(len..).unwrap_or_default()
                }
            };
        }
        found
    }

    fn put_into(self, style: &mut JsonStyle) {
        style.indent = self.opening.and_then(indent_of);
        if let Some((before, after)) = self.colon {
            style.before_colon = kept(before);
            style.after_colon = kept(after);
        }
        if let Some((before, after)) = self.comma {
            style.before_comma = kept(before);
            style.after_comma = kept(match style.indent {
                None => after,
                // The newline and what follows it come from the indent.
                Some(_) => match after.iter().position(|b| matches!(b, b'\r' | b'\n')) {
                    Some(line_end) => after.get(..line_end).unwrap_or_default(),
                    None => after,
                },
            });
        } else if style.indent.is_none() {
            // No comma yet. Those who leave a blank after colons leave one
            // after commas; without a colon, Python is the commonest writer.
            let blank = self.colon.is_none_or(|(_, after)| after == b" ");
            style.after_comma = if blank { b" ".to_vec() } else { Vec::new() };
        }
        if self.colon.is_none() {
            style.after_colon = match self.comma {
                Some(_) if style.indent.is_none() => style.after_comma.clone(),
                _ => b" ".to_vec(),
            };
        }
    }
}

/// The indent, if the white space after the outermost bracket is one line end
/// and the indentation of the first level.
fn indent_of(white: &[u8]) -> Option<Indent> {
    let (newline, unit) = match white.strip_prefix(b"\r\n") {
        Some(unit) => (Newline::CrLf, unit),
        None => (Newline::Lf, white.strip_prefix(b"\n")?),
    };
    let is_one_line = unit.len() <= LONGEST && unit.iter().all(|b| matches!(b, b' ' | b'\t'));
    is_one_line.then(|| Indent {
        newline,
        unit: unit.to_vec(),
    })
}

/// What the tokens of a text speak for.
#[derive(Default)]
struct Votes {
    ascii: usize,
    utf8: usize,
    python: usize,
    ryu: usize,
    javascript: usize,
}

impl Votes {
    fn of(text: &[u8], want_escapes: bool, want_numbers: bool) -> Votes {
        let mut votes = Votes::default();
        let mut printed = Vec::new();
        let mut rest = text;
        while let Some(&first) = rest.first() {
            let len = match first {
                b'"' => {
                    let len = walk::string_len(rest);
                    if want_escapes {
                        votes.string(rest.get(1..len).unwrap_or_default());
                    }
                    len
                }
                b'-' | b'0'..=b'9' => {
                    let len = runs::scalar(rest).max(1);
                    // The last number of a cut text may be cut itself.
                    if want_numbers && len < rest.len() {
                        votes.number(rest.get(..len).unwrap_or_default(), &mut printed);
                    }
                    len
                }
                _ => 1,
            };
            rest = rest.get(len..).unwrap_or_default();
        }
        votes
    }

    fn string(&mut self, content: &[u8]) {
        let mut rest = content;
        loop {
            rest = rest.get(runs::ascii(rest)..).unwrap_or_default();
            let Some((&first, after)) = rest.split_first() else {
                return;
            };
            rest = after;
            match first {
                b'\\' => {
                    let Ok((point, after)) = unescape(rest) else {
                        continue;
                    };
                    rest = after;
                    // Below DEL, and for lone surrogates, all writers use the
                    // same escape.
                    if point >= 0x7f && char::from_u32(point).is_some() {
                        self.ascii += 1;
                    }
                }
                // One vote a character: continuation bytes have none.
                0x7f | 0xc0.. => self.utf8 += 1,
                _ => {}
            }
        }
    }

    fn number(&mut self, token: &[u8], printed: &mut Vec<u8>) {
        // The layouts agree on everything else.
        let unsigned = token.strip_prefix(b"-").unwrap_or(token);
        let telling = unsigned.starts_with(b"0.0000")
            || unsigned.ends_with(b".0")
            || unsigned.iter().any(|b| matches!(b, b'e' | b'E'));
        if !telling {
            return;
        }
        let Some(value) = parse_f64(token) else {
            return;
        };
        let mut says = |layout| {
            printed.clear();
            print_f64(value, layout, printed);
            usize::from(printed == token)
        };
        let python = says(NumberLayout::Python);
        let ryu = says(NumberLayout::Ryu);
        let javascript = says(NumberLayout::JavaScript);
        if python + ryu + javascript < 3 {
            self.python += python;
            self.ryu += ryu;
            self.javascript += javascript;
        }
    }

    fn escapes(&self) -> Option<Escapes> {
        match (self.ascii, self.utf8) {
            (0, 0) => None,
            (ascii, utf8) if ascii >= utf8 => Some(Escapes::Ascii),
            _ => Some(Escapes::Utf8),
        }
    }

    /// The layout with most votes. Where several have as many, the one that
    /// goes with the rest of the style, else the likelier one.
    fn numbers(&self, style: &JsonStyle) -> Option<NumberLayout> {
        let most = self.python.max(self.ryu).max(self.javascript);
        if most == 0 {
            return None;
        }
        let count = |layout| match layout {
            NumberLayout::Python => self.python,
            NumberLayout::Ryu => self.ryu,
            NumberLayout::JavaScript => self.javascript,
        };
        let fitting = JsonStyle {
            numbers: None,
            ..style.clone()
        }
        .numbers();
        [
            fitting,
            NumberLayout::Python,
            NumberLayout::Ryu,
            NumberLayout::JavaScript,
        ]
        .into_iter()
        .find(|&layout| count(layout) == most)
    }
}

fn split_white(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at_checked(skip_white(text, 0))
        .unwrap_or((text, &[]))
}

/// White space that is short enough to be a style, else nothing.
fn kept(white: &[u8]) -> Vec<u8> {
    if white.len() <= LONGEST {
        white.to_vec()
    } else {
        Vec::new()
    }
}
