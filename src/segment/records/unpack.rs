//! From packed text to what it stands for. The twin of `pack.rs`.

use super::ops::{self, BadVarint, varint};
use crate::{
    error::{Fault, Result},
    json::{normalise, string_end, string_len, until_mark},
};

/// Takes what a record expands to, in the order of the text.
pub(crate) trait Expanded {
    /// Comes first. `odd_key` is the token of the record's key, where it is
    /// not written as the style would write it.
    fn begin(&mut self, odd_key: Option<&[u8]>) -> Result<()>;
    /// Whole tokens in normal form. A piece that ends with an opening bracket
    /// is followed by a child.
    fn normal(&mut self, piece: &[u8]) -> Result<()>;
    /// Text as it was written.
    fn verbatim(&mut self, text: &[u8]) -> Result<()>;
    /// An array: a row of a plane.
    fn numbers(&mut self, plane: u32, row: u32) -> Result<()>;
    /// A string; what follows is the document in it.
    fn json(&mut self, style: u32) -> Result<()>;
    /// The end of that document.
    fn end_json(&mut self) -> Result<()>;
    /// An object: a nested collection.
    fn map(&mut self, collection: u32) -> Result<()>;
}

/// What ops refer to.
pub(crate) trait Referred {
    /// Appends the id of a row of the pool, as a string in normal form.
    fn id(&self, row: u32, out: &mut Vec<u8>) -> Result<()>;
    /// Appends the hash of a row, as a string.
    fn hash_of(&self, row: u32, out: &mut Vec<u8>) -> Result<()>;
    /// Appends the hash of that number among those that are no row's.
    fn other_hash(&self, number: u32, out: &mut Vec<u8>) -> Result<()>;
    /// The error for packed text that breaks a rule.
    fn refuse(&self, fault: Fault) -> crate::Error;
}

/// Text that is held for a token that is not whole yet.
const LONGEST_TOKEN: usize = 64 << 20;
/// Ids between two calls of `normal`.
const PIECE: usize = 64 << 10;

struct Container {
    bracket: u8,
    /// Where it begins in the packed text.
    start: u64,
    ops: u64,
    current: Option<u32>,
    /// How many documents are open around it.
    documents: usize,
}

/// Expands one record whose packed text comes in parts.
pub(crate) struct Unpacker<'r, R> {
    referred: &'r R,
    own: Option<u32>,
    current: Option<u32>,
    open: Vec<Container>,
    ops: u64,
    documents: usize,
    plain_object: Vec<u8>,
    plain_array: Vec<u8>,
    /// Text before the part that is at hand: its last bytes, and a token that
    /// was not whole.
    carry: Vec<u8>,
    /// How much of `carry` is done.
    done: usize,
    /// How many bytes there must be after those for another look: a token that goes on from
    /// part to part is looked at again when it is twice as long, so that all looks together
    /// take about as long as the token is.
    enough: usize,
    /// Where `carry` begins in the packed text.
    base: u64,
    state: State,
    token: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// KEY may come.
    Beginning,
    /// TEXT may come.
    Value,
    Packed,
    Verbatim,
}

impl<'r, R: Referred> Unpacker<'r, R> {
    /// For records that refer to `referred`.
    pub(crate) fn new(referred: &'r R) -> Unpacker<'r, R> {
        Unpacker {
            referred,
            own: None,
            current: None,
            open: Vec::new(),
            ops: 0,
            documents: 0,
            plain_object: Vec::new(),
            plain_array: Vec::new(),
            carry: Vec::new(),
            done: 0,
            enough: 0,
            base: 0,
            state: State::Beginning,
            token: Vec::new(),
        }
    }

    /// Begins the record of the row `own`.
    pub(crate) fn begin(&mut self, own: Option<u32>) {
        self.own = own;
        self.current = own;
        self.open.clear();
        self.ops = 0;
        self.documents = 0;
        self.forget();
        self.carry.clear();
        self.done = 0;
        self.enough = 0;
        self.base = 0;
        self.state = State::Beginning;
    }

    /// Takes the next part.
    pub(crate) fn part(&mut self, part: &[u8], last: bool, out: &mut impl Expanded) -> Result<()> {
        if self.carry.is_empty() {
            let done = self.expand(part, 0, last, out)?;
            if !last {
                let kept = done.saturating_sub(*ops::PLAIN.end());
                self.carry
                    .extend_from_slice(part.get(kept..).unwrap_or_default());
                self.done = done - kept;
                self.base += kept as u64;
            }
            return Ok(());
        }
        let mut text = std::mem::take(&mut self.carry);
        text.extend_from_slice(part);
        if !last && text.len() - self.done < self.enough {
            self.carry = text;
            return Ok(());
        }
        let done = self.expand(&text, self.done, last, out)?;
        let open = text.len() - done;
        if open > LONGEST_TOKEN {
            return Err(self.refuse("a token's length"));
        }
        self.enough = open.saturating_mul(2).min(LONGEST_TOKEN + 1);
        let kept = done.saturating_sub(*ops::PLAIN.end());
        text.drain(..kept);
        self.done = done - kept;
        self.base += kept as u64;
        self.carry = text;
        Ok(())
    }

    /// Checks that the record was whole.
    pub(crate) fn end(&self) -> Result<()> {
        let whole = self.open.is_empty() && self.documents == 0;
        if whole && matches!(self.state, State::Packed | State::Verbatim) {
            return Ok(());
        }
        Err(self.refuse("the end of a record"))
    }

    /// Expands `text` from `start` on and says how far it came: to the end,
    /// or to a token of which more must be known.
    fn expand(
        &mut self,
        text: &[u8],
        start: usize,
        last: bool,
        out: &mut impl Expanded,
    ) -> Result<usize> {
        let mut at = start;
        if self.state == State::Beginning {
            let Some(after) = self.key(text, at, last, out)? else {
                return Ok(at);
            };
            at = after;
            self.state = State::Value;
        }
        if self.state == State::Value {
            match text.get(at) {
                None => return Ok(at),
                Some(&ops::TEXT) => {
                    self.state = State::Verbatim;
                    at += 1;
                }
                Some(_) => self.state = State::Packed,
            }
        }
        if self.state == State::Verbatim {
            let rest = text.get(at..).unwrap_or_default();
            let whole = if last {
                rest.len()
            } else {
                whole_characters(rest)
            };
            out.verbatim(rest.get(..whole).unwrap_or_default())?;
            return Ok(at + whole);
        }
        // Normal form that has been passed over and not been given out.
        let mut pending = at;
        loop {
            at += until_mark(text.get(at..).unwrap_or_default());
            let Some(&mark) = text.get(at) else {
                break;
            };
            match mark {
                b'"' => {
                    let rest = text.get(at..).unwrap_or_default();
                    let len = string_len(rest);
                    if len == rest.len() {
                        // It ends here, or goes on.
                        match last {
                            false => break,
                            true if string_end(rest, 0).is_err() => {
                                return Err(self.refuse("the end of a record"));
                            }
                            true => {}
                        }
                    }
                    at += len;
                }
                b'[' | b'{' => {
                    // Whether it is empty shows in the next byte.
                    if !last && at + 1 == text.len() {
                        break;
                    }
                    self.opened(mark, at)?;
                    at += 1;
                }
                b']' | b'}' => {
                    at += 1;
                    self.closed(mark, text.get(..at).unwrap_or_default())?;
                }
                _ => {
                    let rest = text.get(at..).unwrap_or_default();
                    if !last && rest.len() <= 2 * ops::MAX_VARINT {
                        break;
                    }
                    out.normal(text.get(pending..at).unwrap_or_default())?;
                    at += self.op(mark, rest.get(1..).unwrap_or_default(), out)? + 1;
                    pending = at;
                }
            }
        }
        out.normal(text.get(pending..at).unwrap_or_default())?;
        Ok(at)
    }

    /// Looks for KEY at the beginning of a record; `None` where more text must
    /// be known.
    fn key(
        &self,
        text: &[u8],
        at: usize,
        last: bool,
        out: &mut impl Expanded,
    ) -> Result<Option<usize>> {
        let text = text.get(at..).unwrap_or_default();
        let rest = match text.split_first() {
            None => return Ok(None),
            Some((&ops::KEY, rest)) => rest,
            Some(_) => return out.begin(None).map(|()| Some(at)),
        };
        let token = match varint(rest) {
            Ok((len, rest)) => rest.split_at_checked(len as usize),
            Err(BadVarint::Cut) => None,
            Err(BadVarint::Wrong) => return Err(self.refuse("a key's length")),
        };
        match token {
            Some((token, after)) => {
                self.believe_key(token)?;
                out.begin(Some(token))?;
                Ok(Some(at + text.len() - after.len()))
            }
            None if last => Err(self.refuse("a key's length")),
            None => Ok(None),
        }
    }

    /// Refuses a key's token that is not that of the record's row.
    fn believe_key(&self, token: &[u8]) -> Result<()> {
        let own = self.own.ok_or_else(|| self.refuse("an op without a row"))?;
        let (mut stated, mut id) = (Vec::new(), Vec::new());
        self.referred.id(own, &mut id)?;
        let is_string = token.starts_with(b"\"") && string_len(token) == token.len();
        match normalise(token, &mut stated) {
            Ok(()) if is_string && stated == id => Ok(()),
            _ => Err(self.refuse("the key of a record")),
        }
    }

    fn opened(&mut self, bracket: u8, at: usize) -> Result<()> {
        if self.open.len() == ops::MAX_OPEN {
            return Err(self.refuse("nesting of objects and arrays"));
        }
        self.open.push(Container {
            bracket,
            start: self.base + at as u64,
            ops: self.ops,
            current: self.current,
            documents: self.documents,
        });
        Ok(())
    }

    /// Ends a container; `text` is all that is at hand up to there.
    fn closed(&mut self, bracket: u8, text: &[u8]) -> Result<()> {
        let container = self.open.pop().filter(|c| {
            // Both brackets are two above the opening one.
            c.bracket + 2 == bracket && c.documents == self.documents
        });
        let Some(container) = container else {
            return Err(self.refuse("brackets"));
        };
        if bracket == b'}' {
            self.current = container.current;
        }
        if container.ops != self.ops {
            return Ok(());
        }
        let start = container.start.checked_sub(self.base);
        let plain = start.and_then(|start| text.get(usize::try_from(start).ok()?..));
        if let Some(plain) = plain.filter(|plain| ops::PLAIN.contains(&plain.len())) {
            let last = match bracket {
                b'}' => &mut self.plain_object,
                _ => &mut self.plain_array,
            };
            last.clear();
            last.extend_from_slice(plain);
        }
        Ok(())
    }

    /// Expands an op; gives the length of its arguments.
    fn op(&mut self, op: u8, rest: &[u8], out: &mut impl Expanded) -> Result<usize> {
        let mut after = rest;
        match op {
            ops::OWN | ops::NEXT | ops::PREVIOUS | ops::ROW => {
                let row = match op {
                    ops::ROW => Some(self.argument(&mut after)?),
                    ops::OWN => self.own,
                    ops::NEXT => self.own.and_then(|own| own.checked_add(1)),
                    _ => self.own.and_then(|own| own.checked_sub(1)),
                };
                let row = row.ok_or_else(|| self.refuse("an op without a row"))?;
                self.current = Some(row);
                self.token.clear();
                self.referred.id(row, &mut self.token)?;
                out.normal(&self.token)?;
            }
            ops::ROWS => {
                let (first, count) = (self.argument(&mut after)?, self.argument(&mut after)?);
                let in_array = self
                    .open
                    .last()
                    .is_some_and(|c| c.bracket == b'[' && c.documents == self.documents);
                let end = first.checked_add(count).filter(|_| in_array && count >= 2);
                let end = end.ok_or_else(|| self.refuse("an op's rows"))?;
                self.token.clear();
                for row in first..end {
                    if row > first {
                        self.token.push(b',');
                    }
                    self.referred.id(row, &mut self.token)?;
                    if self.token.len() > PIECE {
                        out.normal(&self.token)?;
                        self.token.clear();
                    }
                }
                out.normal(&self.token)?;
            }
            ops::HASH | ops::OTHER_HASH => {
                self.token.clear();
                if op == ops::HASH {
                    let row = self
                        .current
                        .ok_or_else(|| self.refuse("an op without a row"))?;
                    self.referred.hash_of(row, &mut self.token)?;
                } else {
                    let number = self.argument(&mut after)?;
                    self.referred.other_hash(number, &mut self.token)?;
                }
                out.normal(&self.token)?;
            }
            ops::SAME_OBJECT | ops::SAME_ARRAY => {
                let last = match op {
                    ops::SAME_OBJECT => &self.plain_object,
                    _ => &self.plain_array,
                };
                if last.is_empty() {
                    return Err(self.refuse("an op that repeats nothing"));
                }
                out.normal(last)?;
            }
            ops::NUMBERS => out.numbers(self.argument(&mut after)?, self.argument(&mut after)?)?,
            ops::JSON => {
                let style = self.argument(&mut after)?;
                self.documents += 1;
                if self.documents > ops::MAX_JSON {
                    return Err(self.refuse("nesting of documents"));
                }
                self.forget();
                out.json(style)?;
            }
            ops::END => {
                let inside = self
                    .open
                    .last()
                    .is_some_and(|c| c.documents == self.documents);
                if self.documents == 0 || inside {
                    return Err(self.refuse("the end of a document"));
                }
                self.documents -= 1;
                self.forget();
                out.end_json()?;
            }
            ops::MAP => out.map(self.argument(&mut after)?)?,
            _ => return Err(self.refuse("an op")),
        }
        self.ops += 1;
        Ok(rest.len() - after.len())
    }

    /// Reads an argument of an op off `rest`.
    fn argument(&self, rest: &mut &[u8]) -> Result<u32> {
        let (value, after) = varint(rest).map_err(|bad| {
            self.refuse(match bad {
                BadVarint::Cut => "the end of a record",
                BadVarint::Wrong => "an op's argument",
            })
        })?;
        *rest = after;
        Ok(value)
    }

    fn forget(&mut self) {
        self.plain_object.clear();
        self.plain_array.clear();
    }

    fn refuse(&self, what: &'static str) -> crate::Error {
        self.referred.refuse(Fault::Value(what))
    }
}

/// How much of `text` is whole characters: a part may end inside one.
fn whole_characters(text: &[u8]) -> usize {
    let ends = text.len().saturating_sub(4)..text.len();
    // The last character begins at the last byte that continues none.
    let begin = ends
        .rev()
        .find(|&at| text.get(at).is_some_and(|b| b & 0xc0 != 0x80));
    match begin.and_then(|at| text.get(at..)) {
        Some(tail) if std::str::from_utf8(tail).is_err() => text.len() - tail.len(),
        _ => text.len(),
    }
}
