//! A value token by token, for values that are too long to be held.

use std::io::Read;

use super::{Window, runs, scan::Nest, string_len};
use crate::error::{JsonFault, Result};

/// A token of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    /// `[` or `{`
    Open(u8),
    /// `]` or `}`
    Close(u8),
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// A member's key, with its quotes.
    Key(&'t [u8]),
    /// A string, with its quotes.
    String(&'t [u8]),
    /// An array of which all elements are numbers, as a whole.
    Numbers(&'t [u8]),
    /// A number or a literal.
    Scalar(&'t [u8]),
}

/// The tokens of a piece of normal form, which consists of whole ones. Keys are
/// strings here, and arrays come element by element.
#[derive(Debug, Clone)]
pub(crate) struct NormalTokens<'t> {
    rest: &'t [u8],
}

impl<'t> NormalTokens<'t> {
    pub(crate) fn new(piece: &'t [u8]) -> NormalTokens<'t> {
        NormalTokens { rest: piece }
    }
}

impl<'t> Iterator for NormalTokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let len = match self.rest.first()? {
            b'"' => string_len(self.rest),
            b'[' | b']' | b'{' | b'}' | b',' | b':' => 1,
            // At least one byte, so that garbage is passed over, too.
            _ => runs::scalar(self.rest).max(1),
        };
        let (token, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        Some(match token {
            [bracket @ (b'[' | b'{')] => Token::Open(*bracket),
            [bracket @ (b']' | b'}')] => Token::Close(*bracket),
            b"," => Token::Comma,
            b":" => Token::Colon,
            [b'"', ..] => Token::String(token),
            _ => Token::Scalar(token),
        })
    }
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// After `[`.
    ValueOrEnd,
    /// After `{`.
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// Takes the tokens of one value out of a window and checks that they make
/// one. Not recursive: nesting may be of any depth.
pub(crate) struct Tokens {
    nest: Nest,
    next: Next,
    /// Arrays of numbers of at most this many bytes come as one token.
    numbers: usize,
}

impl Tokens {
    /// For the value that comes next.
    pub(crate) fn new(numbers: usize) -> Tokens {
        Tokens {
            nest: Nest::default(),
            next: Next::Value,
            numbers,
        }
    }

    /// The next token; `None` after the end of the value, whose follower stays
    /// unread.
    ///
    /// # Errors
    /// [`Error::Json`](crate::Error::Json) where the text is no JSON, or has a
    /// token beyond the window's limit; [`Error::Io`](crate::Error::Io).
    pub(crate) fn next<'w, R: Read>(
        &mut self,
        window: &'w mut Window<R>,
    ) -> Result<Option<Token<'w>>> {
        if self.next == Next::Nothing {
            return Ok(None);
        }
        let Some(byte) = window.peek()? else {
            return Err(window.fault(0, JsonFault::Cut));
        };
        let token = match (self.next, byte) {
            (Next::KeyOrEnd | Next::CommaOrEnd, b'}') if self.nest.top() == Some(true) => {
                self.close(window, byte)
            }
            (Next::ValueOrEnd | Next::CommaOrEnd, b']') if self.nest.top() == Some(false) => {
                self.close(window, byte)
            }
            (Next::CommaOrEnd, b',') => {
                window.advance(1);
                self.next = match self.nest.top() {
                    Some(true) => Next::Key,
                    _ => Next::Value,
                };
                Token::Comma
            }
            (Next::Colon, b':') => {
                window.advance(1);
                self.next = Next::Value;
                Token::Colon
            }
            (Next::KeyOrEnd | Next::Key, b'"') => {
                self.next = Next::Colon;
                Token::Key(window.string()?)
            }
            (Next::Value | Next::ValueOrEnd, b'"') => {
                self.end_value();
                Token::String(window.string()?)
            }
            (Next::Value | Next::ValueOrEnd, b'[') => match window.numbers_ahead(self.numbers)? {
                Some(len) => {
                    self.end_value();
                    Token::Numbers(window.advance(len))
                }
                None => {
                    window.advance(1);
                    self.nest.push(false);
                    self.next = Next::ValueOrEnd;
                    Token::Open(byte)
                }
            },
            (Next::Value | Next::ValueOrEnd, b'{') => {
                window.advance(1);
                self.nest.push(true);
                self.next = Next::KeyOrEnd;
                Token::Open(byte)
            }
            (Next::Value | Next::ValueOrEnd, _) => {
                self.end_value();
                Token::Scalar(window.value()?)
            }
            _ => return Err(window.fault(0, JsonFault::Unexpected(byte))),
        };
        Ok(Some(token))
    }

    fn close<R: Read>(&mut self, window: &mut Window<R>, byte: u8) -> Token<'static> {
        window.advance(1);
        self.nest.pop();
        self.end_value();
        Token::Close(byte)
    }

    fn end_value(&mut self) {
        self.next = match self.nest.top() {
            None => Next::Nothing,
            Some(_) => Next::CommaOrEnd,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::json::value_end;

    /// The tokens of the value that `text` begins with, and what follows it.
    fn tokens(text: &[u8]) -> Result<(Vec<Vec<u8>>, Option<u8>)> {
        let mut window = Window::over(text.to_vec(), Path::new("f"));
        let mut tokens = Tokens::new(1000);
        let mut found = Vec::new();
        while let Some(token) = tokens.next(&mut window)? {
            found.push(match token {
                Token::Open(b) | Token::Close(b) => vec![b],
                Token::Comma => b",".to_vec(),
                Token::Colon => b":".to_vec(),
                Token::Key(t) | Token::String(t) | Token::Numbers(t) | Token::Scalar(t) => {
                    t.to_vec()
                }
            });
        }
        Ok((found, window.peek()?))
    }

    #[test]
    fn a_value_comes_token_by_token_and_its_follower_stays() {
        let (found, next) = tokens(br#"{ "a" :[1, 2.5],"b":[[],{}, "x" ,NaN]} , 7"#).unwrap();
        let found: Vec<_> = found.iter().map(|t| String::from_utf8_lossy(t)).collect();
        let expected = r#"{ | "a" | : | [1, 2.5] | , | "b" | : | [ | [ | ] | , | { | } | , | "x" | , | NaN | ] | }"#;
        assert_eq!(found.join(" | "), expected);
        assert_eq!(next, Some(b','));
    }

    proptest! {
        #[test]
        fn what_the_scanner_accepts_comes_and_nothing_else(
            text in r#"[\[\]{}:, "a1\-.]{0,12}|(\[|\{"a":){0,4}(1|"a"|\[1,2\])?[\]},]{0,5}"#,
        ) {
            let text = text.as_bytes();
            let start = text.iter().position(|b| *b != b' ').unwrap_or(text.len());
            let scanned = value_end(text, start, true);
            match tokens(text) {
                Ok((found, _)) => {
                    let end = scanned.expect("the scanner refuses it");
                    let white = |t: &[u8]| t.iter().filter(|b| **b != b' ').copied().collect();
                    let joined: Vec<u8> = white(&found.concat());
                    prop_assert_eq!(joined, white(&text[start..end]));
                }
                Err(_) => prop_assert!(scanned.is_err()),
            }
        }
    }
}
