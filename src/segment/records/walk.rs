//! A value taken apart: what surveying and packing both look at.

use std::io::{self, Read};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    ops::{MAX_JSON, MAX_OPEN},
    styles::Styles,
};
use crate::{
    error::{Error, Result},
    json::{Token, Tokens, Window, decode},
};

/// The longest array of numbers that is looked at as a whole.
const MAX_NUMBERS: usize = 4 << 20;

/// What a walk finds, in the order of the text. Tokens are as they were
/// written.
pub(crate) trait Visit {
    /// `[` or `{`
    fn open(&mut self, bracket: u8) -> Result<()>;
    /// `]` or `}`
    fn close(&mut self, bracket: u8) -> Result<()>;
    /// `,` or `:`
    fn between(&mut self, byte: u8) -> Result<()>;
    /// A key or a string that holds no document, with what it stands for.
    fn string(&mut self, token: &[u8], content: &[u8]) -> Result<()>;
    fn scalar(&mut self, token: &[u8]) -> Result<()>;
    /// An array of numbers. `path` is the same for those at the same keys.
    fn numbers(&mut self, text: &[u8], path: u64, styles: &mut Styles, style: u32) -> Result<()>;
    /// A string that holds a document, which follows.
    fn json(&mut self, style: u32) -> Result<()>;
    fn end_json(&mut self) -> Result<()>;
}

/// Walks over values. Holds what two walks over the same text must agree on.
#[derive(Debug)]
pub(crate) struct Walker {
    pub(crate) styles: Styles,
    /// Whether anybody wants to know the paths of arrays.
    pub(crate) paths: bool,
    content: Vec<u8>,
}

impl Walker {
    pub(crate) fn new(styles: Styles) -> Walker {
        Walker {
            styles,
            paths: true,
            content: Vec::new(),
        }
    }

    /// Walks over the value that comes next in the window. `path` tells where
    /// it stands, `style` in what style it is written.
    pub(crate) fn value<R: Read>(
        &mut self,
        window: &mut Window<R>,
        path: u64,
        style: u32,
        visit: &mut impl Visit,
    ) -> Result<()> {
        self.nested(window, path, style, 0, visit)
    }

    fn nested<R: Read>(
        &mut self,
        window: &mut Window<R>,
        path: u64,
        style: u32,
        nesting: usize,
        visit: &mut impl Visit,
    ) -> Result<()> {
        let mut tokens = Tokens::new(MAX_NUMBERS);
        // The path of each open container, and of the member that comes next.
        let mut around = Vec::new();
        let mut path = path;
        loop {
            let Some(token) = tokens.next(window)? else {
                return Ok(());
            };
            match token {
                Token::Open(bracket) => {
                    if around.len() == MAX_OPEN {
                        return Err(too_deep());
                    }
                    around.push(path);
                    visit.open(bracket)?;
                }
                Token::Close(bracket) => {
                    path = around.pop().unwrap_or(path);
                    visit.close(bracket)?;
                }
                Token::Comma => visit.between(b',')?,
                Token::Colon => visit.between(b':')?,
                Token::Key(token) => {
                    self.styles.learn_escapes(style, token);
                    if self.paths {
                        path = child(around.last().copied().unwrap_or(path), token);
                    }
                    let content = plain_content(token, &mut self.content);
                    visit.string(token, content)?;
                }
                Token::Scalar(token) => visit.scalar(token)?,
                Token::Numbers(text) => visit.numbers(text, path, &mut self.styles, style)?,
                Token::String(token) => {
                    self.styles.learn_escapes(style, token);
                    let content = plain_content(token, &mut self.content);
                    let document = match nesting < MAX_JSON && may_hold_document(token) {
                        true => self.styles.of_document(content),
                        false => None,
                    };
                    let Some(inner) = document else {
                        visit.string(token, content)?;
                        continue;
                    };
                    visit.json(inner)?;
                    let mut inside = Window::over(content.to_vec(), window.path());
                    self.document(&mut inside, child(path, b"json"), inner, nesting + 1, visit)?;
                    visit.end_json()?;
                }
            }
        }
    }

    /// Walks over the whole text of a document in a string.
    fn document(
        &mut self,
        window: &mut Window<io::Empty>,
        path: u64,
        style: u32,
        nesting: usize,
        visit: &mut impl Visit,
    ) -> Result<()> {
        self.nested(window, path, style, nesting, visit)?;
        window.end()
    }
}

/// More is open at once than a record can hold. What a walk keeps of it is bounded so.
pub(super) fn too_deep() -> Error {
    Error::Limit {
        what: "objects and arrays open at once in a record",
        got: MAX_OPEN as u64 + 1,
        limit: MAX_OPEN as u64,
    }
}

/// The path of a member of what stands at `path`.
pub(crate) fn child(path: u64, key: &[u8]) -> u64 {
    xxh3_64_with_seed(key, path)
}

fn may_hold_document(token: &[u8]) -> bool {
    let inside = token.get(1..).unwrap_or_default();
    // A blank or escaped line feed may come first.
    matches!(
        inside,
        [b'{' | b'[', ..] | [b' ', ..] | [b'\\', b'n' | b'r' | b't', ..]
    )
}

/// What a scanned string stands for: mostly just what is between the quotes.
fn plain_content<'a>(token: &'a [u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    let inside = token
        .get(1..token.len().saturating_sub(1))
        .unwrap_or_default();
    if !inside.contains(&b'\\') {
        return inside;
    }
    buffer.clear();
    // Scanned tokens decode.
    let _ = decode(token, buffer);
    buffer
}
